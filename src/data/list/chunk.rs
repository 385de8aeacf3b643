//! Pieces of a list: a pack that grows at both ends, and the chunk that holds one, compressed or not.
//!
//! Layer 1, under `list.rs`. A [`Buf`] is a pack with room in front of it and behind it, so that pushing and popping move
//! nothing: the two bytes of the count slide along with the front.
//!
//! ```text
//! | room | count | element | element | ... | room |
//!        ^ start                           ^ length of the vector
//! ```
//! Invariants: the count field says the number of elements (0xFFFF = as many or more, as in any pack); a compressed
//! chunk is never changed, it is replaced; a plain one holds exactly one element.

use std::borrow::Cow;

use crate::data::codec::lzf;
use crate::data::pack::{self, HEAD, Item, Pack};

/// What a listpack has and a pack has not, bytes.
pub const LISTPACK_EXTRA: usize = 5;
/// Chunks below this many bytes of listpack stay as they are.
const COMPRESS_FROM: usize = 48;
/// Bytes that compressing must save.
const COMPRESS_GAIN: usize = 8;
/// First capacity of a chunk at an end of a list.
const FIRST_ROOM: usize = 1024;

/// One of the ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where LPUSH pushes: element 0.
    Left,
    /// Where RPUSH pushes.
    Right,
}

/// How a pack that is full gets room.
#[derive(Clone, Copy, Debug)]
pub enum Growth {
    /// In small steps: many lists of this size exist.
    Tight,
    /// Twofold up to so many bytes: the end of a long list.
    UpTo(usize),
}

/// A pack with room at both ends.
#[derive(Debug, Default)]
pub struct Buf {
    data: Vec<u8>,
    start: u32,
    count: u32,
}

impl Clone for Buf {
    /// The copy has no room.
    fn clone(&self) -> Buf {
        Buf { data: self.bytes().to_vec(), start: 0, count: self.count }
    }
}

impl Buf {
    /// `pack`: a whole pack.
    pub fn from_pack(pack: Vec<u8>) -> Buf {
        let count = Pack::new(&pack).len() as u32;
        Buf { data: pack, start: 0, count }
    }

    /// With one element, and room for more of a chunk of at most `most` bytes.
    pub fn with(text: &[u8], most: usize) -> Buf {
        let mut data = Vec::with_capacity(FIRST_ROOM.min(most).max(pack::size_of(text) + HEAD));
        pack::push(&mut data, text);
        Buf { data, start: 0, count: 1 }
    }

    /// The pack.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.data.get(self.start as usize..).unwrap_or_default()
    }

    /// The pack, to read.
    #[inline]
    pub fn pack(&self) -> Pack<'_> {
        Pack::new(self.bytes())
    }

    /// Number of elements.
    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes of a listpack with these elements.
    #[inline]
    pub fn listpack_bytes(&self) -> usize {
        self.bytes().len().max(HEAD) + LISTPACK_EXTRA
    }

    /// Bytes taken from the allocator.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.data.capacity()
    }

    #[inline]
    fn write_count(&mut self) {
        let count = u16::try_from(self.count).unwrap_or(u16::MAX).to_le_bytes();
        let at = self.start as usize;
        if let Some(head) = self.data.get_mut(at..at + HEAD) {
            head.copy_from_slice(&count);
        }
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, side: Side, text: &[u8], growth: Growth) {
        if self.data.is_empty() {
            self.data.resize(HEAD, 0);
        }
        let item = Item::of(text);
        match side {
            Side::Right => {
                // The longest header and backward length together.
                self.reserve_back(text.len() + 10, growth);
                pack::push_item(&mut self.data, item);
            }
            Side::Left => self.push_front(item, growth),
        }
        self.count += 1;
        self.write_count();
    }

    fn push_front(&mut self, item: Item, growth: Growth) {
        let size = size_of_item(item);
        if (self.start as usize) < size {
            self.reserve_front(size, growth);
        }
        let (end, to) = (self.data.len(), self.start as usize + HEAD - size);
        if self.data.capacity() - end >= size {
            // Written behind the pack, then moved where it belongs.
            pack::push_item(&mut self.data, item);
            self.data.copy_within(end..end + size, to);
            self.data.truncate(end);
        } else {
            let mut fresh = pack::empty();
            pack::push_item(&mut fresh, item);
            if let (Some(to), Some(from)) = (self.data.get_mut(to..to + size), fresh.get(HEAD..HEAD + size)) {
                to.copy_from_slice(from);
            }
        }
        self.start -= size as u32;
    }

    fn reserve_back(&mut self, need: usize, growth: Growth) {
        if self.data.capacity() - self.data.len() >= need {
            return;
        }
        let len = self.data.len() - self.start as usize;
        if self.data.capacity() - len >= need + len / 8 {
            self.data.drain(..self.start as usize);
        } else {
            let mut grown = Vec::with_capacity(grown(len, need, growth));
            grown.extend_from_slice(self.bytes());
            self.data = grown;
        }
        self.start = 0;
    }

    /// Makes a gap of `need` bytes or more before the pack.
    fn reserve_front(&mut self, need: usize, growth: Growth) {
        let (old, len) = (self.start as usize, self.data.len() - self.start as usize);
        let free = self.data.capacity() - len;
        if free >= need && free >= need + len / 16
            || matches!(growth, Growth::UpTo(most) if len + need <= most && self.data.capacity() >= most && free >= need)
        {
            // Room for one element stays behind, to write the next one there first.
            let gap = if free >= 3 * need { free - need } else { free };
            self.data.resize(gap + len, 0);
            self.data.copy_within(old..old + len, gap);
            self.start = gap as u32;
            return;
        }
        let room = grown(len, need, growth);
        let gap = if room - len >= 3 * need { room - len - need } else { room - len };
        let mut grown = Vec::with_capacity(room);
        grown.resize(gap, 0);
        grown.extend_from_slice(self.bytes());
        self.data = grown;
        self.start = gap as u32;
    }

    /// Takes the element at an end; `take` sees it first.
    #[inline]
    pub fn pop<R>(&mut self, side: Side, take: impl FnOnce(Item) -> R) -> Option<R> {
        let pack = self.pack();
        let out = match side {
            Side::Left => {
                let (item, next) = pack.at(HEAD)?;
                let out = take(item);
                self.start += (next - HEAD) as u32;
                out
            }
            Side::Right => {
                let at = pack.before(pack.bytes().len())?;
                let out = take(pack.at(at)?.0);
                self.data.truncate(self.start as usize + at);
                out
            }
        };
        self.count = self.count.saturating_sub(1);
        self.write_count();
        Some(out)
    }

    /// The pack without room before it.
    fn plain(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.data.drain(..self.start as usize);
            self.start = 0;
        }
        if self.data.is_empty() {
            self.data.resize(HEAD, 0);
        }
        &mut self.data
    }

    /// Room for one more element, in a small step.
    fn reserve_inside(&mut self, text: &[u8]) {
        let need = text.len() + 10;
        let data = self.plain();
        if data.capacity() - data.len() < need {
            data.reserve_exact(need + data.len() / 16);
        }
    }

    /// Puts an element before the one at `offset` of the pack.
    pub fn insert(&mut self, offset: usize, text: &[u8]) {
        self.reserve_inside(text);
        pack::insert(self.plain(), offset, text);
        self.count += 1;
        self.write_count();
    }

    /// Puts `text` in place of the element at `offset` of the pack.
    pub fn replace(&mut self, offset: usize, text: &[u8]) {
        self.reserve_inside(text);
        pack::replace(self.plain(), offset, text);
        self.write_count();
    }

    /// Takes out `count` elements, from element `index` on.
    pub fn remove(&mut self, index: u32, count: u32) {
        let count = count.min(self.count.saturating_sub(index));
        let pack = self.pack();
        let len = pack.bytes().len();
        let offset = |n: u32| pack.seek(i64::from(n)).unwrap_or(len);
        let (from, to) = (offset(index), offset(index + count));
        if index == 0 {
            self.start += (to - HEAD) as u32;
        } else {
            let at = self.start as usize;
            self.data.drain(at + from..at + to);
        }
        self.count -= count;
        self.write_count();
    }

    /// Takes out elements whose text is `text`, `most` at most, counted from `side`. Returns how many.
    pub fn remove_equal(&mut self, side: Side, text: &[u8], most: u64) -> u64 {
        let wanted = Item::of(text);
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let pack = self.pack();
        match side {
            Side::Left => {
                let mut at = HEAD;
                while (spans.len() as u64) < most
                    && let Some((item, next)) = pack.at(at)
                {
                    if item == wanted {
                        spans.push((at, next));
                    }
                    at = next;
                }
            }
            Side::Right => {
                let mut end = pack.bytes().len();
                while (spans.len() as u64) < most
                    && let Some(at) = pack.before(end)
                {
                    if pack.at(at).is_some_and(|(item, _)| item == wanted) {
                        spans.push((at, end));
                    }
                    end = at;
                }
                spans.reverse();
            }
        }
        self.cut(&spans);
        spans.len() as u64
    }

    /// Takes out the elements at `spans`: offsets of the pack, ascending, one element each.
    fn cut(&mut self, spans: &[(usize, usize)]) {
        let Some(&(first, _)) = spans.first() else { return };
        let base = self.start as usize;
        let mut to = base + first;
        for (n, &(_, from)) in spans.iter().enumerate() {
            let until = spans.get(n + 1).map_or(self.data.len(), |next| base + next.0);
            self.data.copy_within(base + from..until, to);
            to += until - (base + from);
        }
        self.data.truncate(to);
        self.count -= spans.len() as u32;
        self.write_count();
    }

    /// The element, neither the first nor behind the last, before which about half of the bytes lie.
    pub fn middle(&self) -> u32 {
        let (pack, mut at, mut index) = (self.pack(), HEAD, 0);
        while at < pack.bytes().len() / 2
            && let Some((_, next)) = pack.at(at)
        {
            at = next;
            index += 1;
        }
        index.min(self.count.saturating_sub(1)).max(1)
    }

    /// Cuts the pack before element `index`: that element and those after it are returned.
    pub fn split_off(&mut self, index: u32) -> Buf {
        let index = index.min(self.count);
        let pack = self.pack();
        let at = pack.seek(i64::from(index)).unwrap_or(pack.bytes().len());
        let tail = pack.bytes().get(at..).unwrap_or_default();
        let mut data = Vec::with_capacity(HEAD + tail.len());
        data.resize(HEAD, 0);
        data.extend_from_slice(tail);
        let mut rest = Buf { data, start: 0, count: self.count - index };
        rest.write_count();
        self.data.truncate(self.start as usize + at);
        self.count = index;
        self.write_count();
        rest
    }

    /// Adds the elements of `other` behind.
    pub fn append(&mut self, other: &Buf) {
        let more = other.bytes().get(HEAD..).unwrap_or_default();
        let mut data = Vec::with_capacity(self.bytes().len().max(HEAD) + more.len());
        data.extend_from_slice(self.bytes());
        data.resize(data.len().max(HEAD), 0);
        data.extend_from_slice(more);
        *self = Buf { data, start: 0, count: self.count + other.count };
        self.write_count();
    }

    /// Gives back room that is worth it: no end of a list is here any more.
    pub fn close(&mut self) {
        let len = self.bytes().len();
        if self.data.capacity() - len > len / 32 {
            // Asking the allocator to shrink may leave the size class as it is.
            self.data = self.bytes().to_vec();
            self.start = 0;
        }
    }
}

fn grown(len: usize, need: usize, growth: Growth) -> usize {
    match growth {
        Growth::Tight => len + need + len / 8 + 16,
        Growth::UpTo(most) => (len + need).next_power_of_two().max(FIRST_ROOM).min(most).max(len + need),
    }
}

fn size_of_item(item: Item) -> usize {
    pack::size_of(item.text(&mut itoa::Buffer::new()))
}

/// A node of a long list.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// A pack.
    Raw(Buf),
    /// A compressed pack: the stream, bytes of the pack, number of elements.
    Lzf(Box<[u8]>, u32, u32),
    /// One long element.
    Plain(Box<[u8]>),
}

/// A chunk, to read: compressed ones are decompressed.
pub enum ListChunk<'a> {
    /// A whole pack.
    Pack(Cow<'a, [u8]>),
    /// One element.
    Plain(Cow<'a, [u8]>),
}

impl Chunk {
    /// Number of elements.
    #[inline]
    pub fn count(&self) -> u32 {
        match self {
            Chunk::Raw(buf) => buf.count(),
            Chunk::Lzf(_, _, count) => *count,
            Chunk::Plain(_) => 1,
        }
    }

    /// Bytes of a listpack with these elements; of a plain one, its length.
    #[inline]
    pub fn listpack_bytes(&self) -> usize {
        match self {
            Chunk::Raw(buf) => buf.listpack_bytes(),
            Chunk::Lzf(_, size, _) => *size as usize + LISTPACK_EXTRA,
            Chunk::Plain(text) => text.len(),
        }
    }

    /// Bytes that it and its handle take from the allocator.
    #[inline]
    pub fn footprint(&self) -> usize {
        let own = match self {
            Chunk::Raw(buf) => buf.capacity(),
            Chunk::Lzf(stream, ..) => stream.len(),
            Chunk::Plain(text) => text.len(),
        };
        own + size_of::<Chunk>() + 32
    }

    /// Whether it is one long element.
    pub fn is_plain(&self) -> bool {
        matches!(self, Chunk::Plain(_))
    }

    /// To read.
    pub fn read(&self) -> ListChunk<'_> {
        match self {
            Chunk::Raw(buf) => ListChunk::Pack(Cow::Borrowed(buf.bytes())),
            Chunk::Lzf(stream, size, _) => ListChunk::Pack(Cow::Owned(unpack(stream, *size))),
            Chunk::Plain(text) => ListChunk::Plain(Cow::Borrowed(text)),
        }
    }

    /// The pack in a form that can change; `None` for a plain one.
    pub fn raw(&mut self) -> Option<&mut Buf> {
        if let Chunk::Lzf(stream, size, _) = self {
            *self = Chunk::Raw(Buf::from_pack(unpack(stream, *size)));
        }
        match self {
            Chunk::Raw(buf) => Some(buf),
            _ => None,
        }
    }

    /// The compressed form, if it is worth it.
    pub fn compressed(&self) -> Option<Chunk> {
        let Chunk::Raw(buf) = self else { return None };
        if buf.listpack_bytes() < COMPRESS_FROM {
            return None;
        }
        let pack = buf.bytes();
        let mut stream = Vec::new();
        if !lzf::compress(pack, pack.len() - COMPRESS_GAIN, &mut stream) {
            return None;
        }
        Some(Chunk::Lzf(stream.into(), pack.len() as u32, buf.count()))
    }
}

/// Our own stream always yields what went in.
fn unpack(stream: &[u8], size: u32) -> Vec<u8> {
    lzf::decompress(stream, u64::from(size)).unwrap_or_default()
}
