//! Reading a list, whatever its form.
//!
//! Layer 1, under `list.rs`. Elements of compressed chunks exist only while somebody looks at them: [`ListRef::each`]
//! decompresses a chunk once and shows its elements, the iterators hand out copies of them.

use super::chunk::{Chunk, ListChunk, Side};
use super::nodes::{At, Nodes};
use super::quick::Quick;
use crate::data::pack::{self, HEAD, Item, Pack};
use std::borrow::Cow;

/// One element, to keep as long as the list may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elem<'a> {
    /// Where it lies.
    Item(Item<'a>),
    /// Text from a compressed chunk.
    Owned(Vec<u8>),
}

impl Elem<'_> {
    /// As an item.
    #[must_use]
    pub fn item(&self) -> Item<'_> {
        match self {
            Elem::Item(item) => *item,
            Elem::Owned(text) => Item::Text(text),
        }
    }

    /// Its text; `buffer` holds the digits of a number.
    #[inline]
    pub fn text<'b>(&'b self, buffer: &'b mut itoa::Buffer) -> &'b [u8] {
        match self {
            Elem::Item(item) => item.text(buffer),
            Elem::Owned(text) => text,
        }
    }

    /// Whether its text is `text`.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        match self {
            Elem::Item(item) => item.is(text),
            Elem::Owned(own) => own == text,
        }
    }

    /// Its text, owned.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.item().to_vec()
    }
}

/// A list, to read.
#[derive(Clone, Copy)]
pub enum ListRef<'a> {
    /// The small form.
    Pack(Pack<'a>),
    /// The long form.
    Quick(&'a Quick),
}

impl<'a> ListRef<'a> {
    /// The name of its form, as OBJECT ENCODING replies it.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            ListRef::Pack(_) => "listpack",
            ListRef::Quick(_) => "quicklist",
        }
    }

    /// Number of elements.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            ListRef::Pack(pack) => pack.len() as u64,
            ListRef::Quick(quick) => quick.nodes.len(),
        }
    }

    /// Whether it has no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of chunks; of the small form 1.
    #[must_use]
    pub fn nodes(&self) -> usize {
        match self {
            ListRef::Pack(_) => 1,
            ListRef::Quick(quick) => quick.nodes.nodes(),
        }
    }

    /// The index that `index` (negative: from the end) means; `None` out of range.
    #[must_use]
    pub fn resolve(&self, index: i64) -> Option<u64> {
        let len = self.len();
        if index >= 0 { Some(index as u64).filter(|i| *i < len) } else { len.checked_sub(index.unsigned_abs()) }
    }

    /// The elements from index `start` to `stop`, both included, negative ones counted from the end: `(first, count)`.
    #[must_use]
    pub fn range(&self, start: i64, stop: i64) -> (u64, u64) {
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        let from_front = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
        let (start, stop) = (from_front(start).max(0), from_front(stop).min(len - 1));
        if start > stop { (0, 0) } else { (start as u64, (stop - start + 1) as u64) }
    }

    /// Element `index`.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<Elem<'a>> {
        self.iter_from(index).next()
    }

    /// Elements in order; `rev` works.
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        self.iter_from(0)
    }

    /// Elements in order, from element `index` on.
    #[must_use]
    pub fn iter_from(&self, index: u64) -> Iter<'a> {
        Iter { list: *self, next: index, left: self.len().saturating_sub(index), front: Cursor::None, back: Cursor::None }
    }

    /// Chunks in order; the small form is one.
    pub fn chunks(&self) -> impl Iterator<Item = ListChunk<'a>> + use<'a> {
        self.chunks_from(0)
    }

    /// The same from chunk `node` on. O(groups of chunks).
    pub fn chunks_from(&self, node: usize) -> impl Iterator<Item = ListChunk<'a>> + use<'a> {
        let list = *self;
        let mut at = match list {
            ListRef::Pack(_) => None,
            ListRef::Quick(quick) => quick.nodes.at(node),
        };
        let mut pack = match list {
            ListRef::Pack(pack) => Some(pack.bytes()).filter(|_| !pack.is_empty() && node == 0),
            ListRef::Quick(_) => None,
        };
        std::iter::from_fn(move || match list {
            ListRef::Pack(_) => pack.take().map(|bytes| ListChunk::Pack(Cow::Borrowed(bytes))),
            ListRef::Quick(quick) => {
                let here = at?;
                at = quick.nodes.next(here);
                quick.nodes.get(here).map(Chunk::read)
            }
        })
    }

    /// Shows elements to `see` until it returns false: `count` of them, from element `start` on towards the end, or towards
    /// the front when `side` is `Right`.
    pub fn each(&self, start: u64, count: u64, side: Side, mut see: impl FnMut(Item) -> bool) {
        let mut left = count;
        match self {
            ListRef::Pack(pack) => {
                each_in(*pack, start as u32, side, &mut left, &mut see);
            }
            ListRef::Quick(quick) => {
                let Some((mut at, mut first)) = quick.nodes.locate(start) else { return };
                while left > 0
                    && let Some(chunk) = quick.nodes.get(at)
                {
                    let go_on = match chunk.read() {
                        ListChunk::Plain(text) => {
                            left -= 1;
                            see(Item::Text(&text))
                        }
                        ListChunk::Pack(bytes) => each_in(Pack::new(&bytes), first, side, &mut left, &mut see),
                    };
                    let Some(next) = step(&quick.nodes, at, side).filter(|_| go_on) else { return };
                    at = next;
                    first = match side {
                        Side::Left => 0,
                        Side::Right => quick.nodes.get(at).map_or(0, |c| c.count().saturating_sub(1)),
                    };
                }
            }
        }
    }

    /// The index of the first element whose text is `text`.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<u64> {
        let wanted = Item::of(text);
        let (mut index, mut found) = (0, None);
        self.each(0, u64::MAX, Side::Left, |item| {
            if is_same(item, wanted, text) {
                found = Some(index);
            }
            index += 1;
            found.is_none()
        });
        found
    }
}

/// Plain elements that are numbers are texts.
#[inline]
pub fn is_same(item: Item, wanted: Item, text: &[u8]) -> bool {
    item == wanted || matches!((item, wanted), (Item::Text(own), Item::Int(_)) if own == text)
}

fn step(nodes: &Nodes, at: At, side: Side) -> Option<At> {
    match side {
        Side::Left => nodes.next(at),
        Side::Right => nodes.prev(at),
    }
}

/// Shows elements of one pack, from element `first` on. False when `see` wants no more.
#[inline]
fn each_in(pack: Pack, first: u32, side: Side, left: &mut u64, see: &mut impl FnMut(Item) -> bool) -> bool {
    let Some(mut at) = pack.seek(i64::from(first)) else { return true };
    while *left > 0
        && let Some((item, next)) = pack.at(at)
    {
        *left -= 1;
        if !see(item) {
            return false;
        }
        at = match side {
            Side::Left => next,
            Side::Right => match pack.before(at) {
                Some(before) => before,
                None => break,
            },
        };
    }
    true
}

/// Where one end of an iterator stands.
#[derive(Clone)]
enum Cursor<'a> {
    None,
    Pack(At, pack::Iter<'a>),
    Plain(At, Option<&'a [u8]>),
    /// A decompressed pack and the part of it that is still to come.
    Owned(At, Vec<u8>, usize, usize),
}

impl<'a> Cursor<'a> {
    fn at(&self) -> Option<At> {
        match self {
            Cursor::None => None,
            Cursor::Pack(at, _) | Cursor::Plain(at, _) | Cursor::Owned(at, ..) => Some(*at),
        }
    }

    /// At a chunk, before its element `first`; when going backwards, behind it.
    fn open(nodes: &'a Nodes, at: At, first: Option<u32>, side: Side) -> Cursor<'a> {
        let seek = |pack: Pack| {
            let end = pack.bytes().len();
            let at = first.and_then(|n| pack.seek(i64::from(n)));
            match (side, at) {
                (_, None) => (HEAD, end),
                (Side::Left, Some(at)) => (at, end),
                (Side::Right, Some(at)) => (HEAD, pack.at(at).map_or(end, |(_, next)| next)),
            }
        };
        match nodes.get(at) {
            None => Cursor::None,
            Some(Chunk::Plain(text)) => Cursor::Plain(at, Some(text)),
            Some(Chunk::Raw(buf)) => {
                let (from, to) = seek(buf.pack());
                let pack = Pack::new(buf.bytes().get(..to).unwrap_or_default());
                Cursor::Pack(at, pack.iter_from(from))
            }
            Some(chunk) => match chunk.read() {
                ListChunk::Pack(bytes) => {
                    let (from, to) = seek(Pack::new(&bytes));
                    Cursor::Owned(at, bytes.into_owned(), from, to)
                }
                ListChunk::Plain(_) => Cursor::None,
            },
        }
    }

    fn take(&mut self, side: Side) -> Option<Elem<'a>> {
        match self {
            Cursor::None => None,
            Cursor::Pack(_, iter) => match side {
                Side::Left => iter.next(),
                Side::Right => iter.next_back(),
            }
            .map(Elem::Item),
            Cursor::Plain(_, text) => text.take().map(|text| Elem::Item(Item::Text(text))),
            Cursor::Owned(_, bytes, from, to) => {
                let pack = Pack::new(bytes);
                if from >= to {
                    return None;
                }
                let here = if side == Side::Left { *from } else { pack.before(*to)? };
                let (item, next) = pack.at(here)?;
                match side {
                    Side::Left => *from = next,
                    Side::Right => *to = here,
                }
                Some(Elem::Owned(item.to_vec()))
            }
        }
    }
}

/// Elements of a list.
#[derive(Clone)]
pub struct Iter<'a> {
    list: ListRef<'a>,
    /// Index of the next element from the front.
    next: u64,
    left: u64,
    front: Cursor<'a>,
    back: Cursor<'a>,
}

impl<'a> Iter<'a> {
    fn advance(&mut self, side: Side) -> Option<Elem<'a>> {
        if self.left == 0 {
            return None;
        }
        let index = if side == Side::Left { self.next } else { self.next + self.left - 1 };
        let list = self.list;
        let cursor = if side == Side::Left { &mut self.front } else { &mut self.back };
        let mut out = cursor.take(side);
        if out.is_none() {
            *cursor = match list {
                ListRef::Pack(pack) if side == Side::Left => {
                    Cursor::Pack(At::default(), pack.iter_from(pack.seek(index as i64).unwrap_or(HEAD)))
                }
                ListRef::Pack(pack) => Cursor::Pack(At::default(), pack.iter()),
                ListRef::Quick(quick) => match cursor.at() {
                    Some(at) => step(&quick.nodes, at, side).map_or(Cursor::None, |at| Cursor::open(&quick.nodes, at, None, side)),
                    None => {
                        let (at, first) = quick.nodes.locate(index)?;
                        Cursor::open(&quick.nodes, at, Some(first), side)
                    }
                },
            };
            out = cursor.take(side);
        }
        self.left -= 1;
        if side == Side::Left {
            self.next += 1;
        }
        out
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Elem<'a>;

    #[inline]
    fn next(&mut self) -> Option<Elem<'a>> {
        self.advance(Side::Left)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.advance(Side::Right)
    }
}

impl ExactSizeIterator for Iter<'_> {}
