//! A block of a stream: entries that lie one after the other in one piece of memory, told apart from the one before.
//! Layer 1, part of `stream`.
//!
//! ```text
//! block    number of fields, their names          those of the first entry
//!          entries
//! entry    D S QQ MMMM                            deleted, names are the block's, how the ID differs from the entry before
//!          [ms]                                   MMMM = 15: milliseconds more, else MMMM is
//!          [seq]                                  QQ = 0: the same sequence, 1: zero, 2: one more, 3: it stands here
//!          values | number, (name, value)...
//! ```
//! Numbers are groups of 7 bits, lowest first. Names and values are coded as listpack elements are, without the backward
//! length: what is a decimal number takes no more bytes than its size needs.
//!
//! A block is what one node is in Redis: it knows how many bytes the node's listpack would take, because that decides where
//! the next block starts, and so what trimming "about" removes and DUMP writes.
//!
//! Invariants: `data` was written by this file; reading a damaged one ends early, it never panics.

use super::Id;
use crate::data::pack::Item;

const DELETED: u8 = 0x80;
const SAME: u8 = 0x40;
const FAR: u8 = 15;
/// Bytes of a listpack's head and end mark.
const LISTPACK_FRAME: u64 = 7;

/// See the head of the file.
#[derive(Clone)]
pub struct Block {
    /// ID of the first entry: the block's key.
    pub first: Id,
    /// ID of the last entry, deleted or not.
    pub last: Id,
    data: Vec<u8>,
    /// Entries that are not deleted.
    pub live: u32,
    /// Entries, deleted ones too.
    pub total: u32,
    /// Bytes of the listpack but for its two counts.
    listpack: u32,
    /// Where the entries start, and where the last one does.
    entries: u32,
    tail: u32,
}

/// One field and its value, or any sequence of both in turn.
pub trait Pairs<'a> {
    /// Number of fields.
    fn count(&self) -> usize;
    /// Name and value of field `n`.
    fn pair(&self, n: usize) -> (Item<'a>, Item<'a>);
}

/// Names and values in turn.
impl<'a> Pairs<'a> for [Item<'a>] {
    fn count(&self) -> usize {
        self.len() / 2
    }

    fn pair(&self, n: usize) -> (Item<'a>, Item<'a>) {
        let at = |i| self.get(i).copied().unwrap_or(Item::Text(&[]));
        (at(2 * n), at(2 * n + 1))
    }
}

impl Block {
    /// A block with one entry. `capacity`: bytes it is expected to take.
    pub fn new<'a, P: Pairs<'a> + ?Sized>(id: Id, pairs: &P, capacity: usize) -> Block {
        let mut data = Vec::with_capacity(capacity);
        put_number(&mut data, pairs.count() as u64);
        let mut listpack = LISTPACK_FRAME + int_bytes(pairs.count() as i64) + 2;
        for n in 0..pairs.count() {
            listpack += put_item(&mut data, pairs.pair(n).0);
        }
        let entries = data.len() as u32;
        let mut block = Block { first: id, last: id, data, live: 0, total: 0, listpack: listpack as u32, entries, tail: entries };
        block.push(id, pairs);
        block
    }

    /// Where the last entry starts.
    #[must_use]
    pub fn last_offset(&self) -> usize {
        self.tail as usize
    }

    /// Adds an entry behind the last one, where it starts. Its ID is greater than that one's, but for the first.
    pub fn push<'a, P: Pairs<'a> + ?Sized>(&mut self, id: Id, pairs: &P) -> usize {
        let is_same = self.has_names(pairs);
        self.make_room(pairs, is_same);
        self.tail = self.data.len() as u32;
        let ms = id.ms.wrapping_sub(self.last.ms);
        let seq = match id.seq {
            seq if seq == self.last.seq => 0,
            0 => 1,
            seq if seq == self.last.seq.wrapping_add(1) => 2,
            _ => 3,
        };
        let near = if ms < u64::from(FAR) { ms as u8 } else { FAR };
        self.data.push(if is_same { SAME } else { 0 } | seq << 4 | near);
        if near == FAR {
            put_number(&mut self.data, ms);
        }
        if seq == 3 {
            put_number(&mut self.data, id.seq);
        }
        let count = pairs.count() as i64;
        let (mut size, elements) = if is_same { (0, count + 3) } else { (int_bytes(count), 2 * count + 4) };
        if !is_same {
            put_number(&mut self.data, count as u64);
        }
        for n in 0..pairs.count() {
            let (name, value) = pairs.pair(n);
            if !is_same {
                size += put_item(&mut self.data, name);
            }
            size += put_item(&mut self.data, value);
        }
        let (ms, seq) = (id.ms.wrapping_sub(self.first.ms) as i64, id.seq.wrapping_sub(self.first.seq) as i64);
        size += 2 + int_bytes(ms) + int_bytes(seq) + int_bytes(elements);
        self.listpack = self.listpack.saturating_add(size as u32);
        self.last = id;
        self.live += 1;
        self.total += 1;
        self.last_offset()
    }

    /// Whether the names of `pairs` are the block's.
    fn has_names<'a, P: Pairs<'a> + ?Sized>(&self, pairs: &P) -> bool {
        let Some((count, mut at)) = number(&self.data, 0) else { return false };
        count == pairs.count() as u64
            && (0..pairs.count()).all(|n| match item(&self.data, at) {
                Some((name, next)) => {
                    at = next;
                    name == pairs.pair(n).0
                }
                None => false,
            })
    }

    /// Makes sure that the next entry causes at most one allocation, and that little of it stays unused.
    fn make_room<'a, P: Pairs<'a> + ?Sized>(&mut self, pairs: &P, is_same: bool) {
        let size = |item: Item| if let Item::Text(text) = item { text.len() + 5 } else { 9 };
        let mut need = 40;
        for n in 0..pairs.count() {
            let (name, value) = pairs.pair(n);
            need += size(value) + if is_same { 0 } else { size(name) };
        }
        if self.data.capacity() - self.data.len() < need {
            self.data.reserve_exact(need.max(self.data.len() / 8));
        }
    }

    /// Gives back memory that is not used: nothing will be added. Copies, for allocators shrink only what is half empty.
    pub fn seal(&mut self) {
        if self.data.capacity() - self.data.len() > self.data.len() / 32 {
            self.data = self.data.as_slice().to_vec();
        }
    }

    /// Bytes from the allocator.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.capacity() + size_of::<Block>() + 16
    }

    /// Bytes of names and entries.
    #[must_use]
    pub fn data_len(&self) -> usize {
        self.data.len()
    }

    /// Bytes of its listpack in Redis.
    #[must_use]
    pub fn listpack_bytes(&self) -> u64 {
        u64::from(self.listpack) + int_bytes(self.live.into()) + int_bytes((self.total - self.live).into())
    }

    /// ID of the last entry that is not deleted.
    #[must_use]
    pub fn last_live(&self) -> Option<Id> {
        if !self.is_tail_deleted() {
            return Some(self.last);
        }
        self.iter().filter(|entry| !entry.is_deleted).last().map(|entry| entry.id)
    }

    /// Whether the last entry is deleted.
    #[must_use]
    pub fn is_tail_deleted(&self) -> bool {
        self.data.get(self.last_offset()).is_none_or(|head| head & DELETED != 0)
    }

    /// Entries in order, deleted ones too.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Entries<'_> {
        let (count, names) = number(&self.data, 0).unwrap_or((0, 0));
        Entries { data: &self.data, at: self.entries as usize, id: self.first, count: count as usize, names }
    }

    /// Names of the fields of the block.
    pub fn names(&self) -> impl Iterator<Item = Item<'_>> {
        let (count, at) = number(&self.data, 0).unwrap_or((0, 0));
        Elements { data: &self.data, at }.take(count as usize)
    }

    /// Marks the entry that starts at `offset` as deleted; false if it is already.
    pub fn delete(&mut self, offset: usize) -> bool {
        match self.data.get_mut(offset) {
            Some(head) if *head & DELETED == 0 => {
                *head |= DELETED;
                self.live -= 1;
                true
            }
            _ => false,
        }
    }
}

/// Entries of a block.
#[derive(Clone)]
pub struct Entries<'a> {
    data: &'a [u8],
    at: usize,
    id: Id,
    /// Number of the block's names, and where they start.
    count: usize,
    names: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let offset = self.at;
        let head = *self.data.get(offset)?;
        let mut at = offset + 1;
        let ms = match head & 15 {
            FAR => {
                let (ms, next) = number(self.data, at)?;
                at = next;
                ms
            }
            near => u64::from(near),
        };
        self.id.ms = self.id.ms.wrapping_add(ms);
        self.id.seq = match head >> 4 & 3 {
            0 => self.id.seq,
            1 => 0,
            2 => self.id.seq.wrapping_add(1),
            _ => {
                let (seq, next) = number(self.data, at)?;
                at = next;
                seq
            }
        };
        let is_same = head & SAME != 0;
        let count = if is_same {
            self.count
        } else {
            let (count, next) = number(self.data, at)?;
            at = next;
            count as usize
        };
        let body = at;
        for _ in 0..if is_same { count } else { count * 2 } {
            at += element_bytes(self.data, at)?;
        }
        self.at = at;
        let names = if is_same { Some(self.names) } else { None };
        Some(Entry { id: self.id, is_deleted: head & DELETED != 0, offset, count, data: self.data, names, body })
    }
}

/// One entry, to read.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Its ID.
    pub id: Id,
    /// It was deleted and only takes room.
    pub is_deleted: bool,
    /// Where it starts in its block.
    pub(super) offset: usize,
    count: usize,
    data: &'a [u8],
    names: Option<usize>,
    body: usize,
}

impl<'a> Entry<'a> {
    /// Number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no field; no entry of a client is so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether its names are those of the block.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.names.is_some()
    }

    /// Names and values.
    #[inline]
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields { data: self.data, left: self.count, names: self.names, body: self.body }
    }
}

/// Names and values of an entry.
#[derive(Clone)]
pub struct Fields<'a> {
    data: &'a [u8],
    left: usize,
    names: Option<usize>,
    body: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Item<'a>, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<(Item<'a>, Item<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let name = match self.names {
            Some(at) => {
                let (name, next) = item(self.data, at)?;
                self.names = Some(next);
                name
            }
            None => {
                let (name, next) = item(self.data, self.body)?;
                self.body = next;
                name
            }
        };
        let (value, next) = item(self.data, self.body)?;
        self.body = next;
        Some((name, value))
    }
}

struct Elements<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (item, next) = item(self.data, self.at)?;
        self.at = next;
        Some(item)
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The number at `at` and the offset behind it.
#[inline]
fn number(data: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let (mut value, mut shift) = (0u64, 0u32);
    loop {
        let byte = *data.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
        shift += 7;
    }
}

/// Appends an element; returns the bytes that it would take in a listpack.
fn put_item(out: &mut Vec<u8>, item: Item) -> u64 {
    let start = out.len();
    match item {
        Item::Int(n @ 0..=127) => out.push(n as u8),
        Item::Int(n @ -4096..=4095) => out.extend_from_slice(&[0xC0 | ((n >> 8) as u8 & 0x1F), n as u8]),
        Item::Int(n) => {
            let (mark, len) = match n {
                -32_768..=32_767 => (0xF1, 2),
                -8_388_608..=8_388_607 => (0xF2, 3),
                -2_147_483_648..=2_147_483_647 => (0xF3, 4),
                _ => (0xF4, 8),
            };
            out.push(mark);
            out.extend_from_slice(n.to_le_bytes().get(..len).unwrap_or_default());
        }
        Item::Text(text) => {
            match text.len() {
                len @ 0..=63 => out.push(0x80 | len as u8),
                len @ 64..=4095 => out.extend_from_slice(&[0xE0 | (len >> 8) as u8, len as u8]),
                len => {
                    out.push(0xF0);
                    out.extend_from_slice(&(len as u32).to_le_bytes());
                }
            }
            out.extend_from_slice(text);
        }
    }
    let size = (out.len() - start) as u64;
    size + back_bytes(size)
}

/// Bytes of the element at `at`.
#[inline]
fn element_bytes(data: &[u8], at: usize) -> Option<usize> {
    Some(match *data.get(at)? {
        0..=0x7F => 1,
        head @ 0x80..=0xBF => 1 + usize::from(head & 0x3F),
        0xC0..=0xDF => 2,
        head @ 0xE0..=0xEF => 2 + (usize::from(head & 0x0F) << 8 | usize::from(*data.get(at + 1)?)),
        0xF0 => 5 + u32::from_le_bytes(*data.get(at + 1..)?.first_chunk()?) as usize,
        0xF1 => 3,
        0xF2 => 4,
        0xF3 => 5,
        0xF4 => 9,
        _ => return None,
    })
}

/// The element at `at` and the offset behind it.
#[inline]
fn item(data: &[u8], at: usize) -> Option<(Item<'_>, usize)> {
    let end = at + element_bytes(data, at)?;
    let (&head, rest) = data.get(at..end)?.split_first()?;
    let item = match (head, rest) {
        (0..=0x7F, _) => Item::Int(i64::from(head)),
        (0x80..=0xBF, text) => Item::Text(text),
        (0xC0..=0xDF, [low, ..]) => {
            let raw = i32::from(head & 0x1F) << 8 | i32::from(*low);
            Item::Int(i64::from(raw << 19 >> 19))
        }
        (0xE0..=0xEF, [_, text @ ..]) => Item::Text(text),
        (0xF0, text) => Item::Text(text.get(4..)?),
        (0xF1, [a, b, ..]) => Item::Int(i64::from(i16::from_le_bytes([*a, *b]))),
        (0xF2, [a, b, c, ..]) => Item::Int(i64::from(i32::from_le_bytes([0, *a, *b, *c]) >> 8)),
        (0xF3, number) => Item::Int(i64::from(i32::from_le_bytes(*number.first_chunk()?))),
        (0xF4, number) => Item::Int(i64::from_le_bytes(*number.first_chunk()?)),
        _ => return None,
    };
    Some((item, end))
}

/// Bytes of a number in a listpack.
fn int_bytes(n: i64) -> u64 {
    match n {
        0..=127 => 2,
        -4096..=4095 => 3,
        -32_768..=32_767 => 4,
        -8_388_608..=8_388_607 => 5,
        -2_147_483_648..=2_147_483_647 => 6,
        _ => 10,
    }
}

/// Bytes of a listpack element's backward length.
fn back_bytes(size: u64) -> u64 {
    match size {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}
