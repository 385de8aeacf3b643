//! One key in one allocation: header, optional expiry, key bytes, value.
//!
//! ```text
//! u8      flags   bits 0..=2 type | 3..=4 encoding | 5 raw | 6..=7 expiry form
//! u24     clock   LRU seconds, or LFU 16-bit minutes and 8-bit counter
//! varint  key length (1, 2, ... bytes, seven bits each)
//! varint  value length, inline values only
//! [u48 expiry in ms, or i64 when it does not fit; then u32 place in the timing wheel, 0 = none]
//! key bytes
//! value   inline bytes (a string, or the pack of a small collection) | u24 | i32 | i64 | u32 number of a value kept apart
//! ```
//! Integers from 0 to 2^27 - 1 are kept in three bytes: type 7 says so, and bits 3..=5 of the flags are their upper bits.
//! A 16-byte key with 32 bytes of value is 54 bytes (56 in the arena), with expiry 64; with an 8-digit integer 24.
//!
//! Strings above INLINE_MAX are `bytes::Bytes` in a slab of this core, collections that outgrew their pack are `Object`s
//! in another; the entry holds their number. A reply or another core clones the handle; a change takes it back when
//! nobody else holds it and copies otherwise.
//!
//! Where it sits: under `mod.rs`; the index carries the `u32` of an `Entry` without knowing more.
//!
//! Invariants
//! - An entry's lengths always agree with its allocation: they are written here and nowhere else.
//! - Key and value bytes follow each other without a gap, so that a change of the header moves them in one piece.
//! - An `Entry` is dead after `free`, or after a call that returned another one in its place.
#![allow(unsafe_code)]

pub use super::apart::Held;
use super::apart::{Apart, Objects, apart_bytes};
use crate::base::arena::{Arena, Collapse, rounded};
use crate::base::same::is_same;
use crate::base::simd::prefetch;
pub use crate::data::collection::Kind;
use crate::data::collection::Object;

/// Longest string value inside an entry, in bytes. Longer ones are kept apart and move without a copy.
pub const INLINE_MAX: usize = 2048;

const KIND_MASK: u8 = 7;
const ENCODING_SHIFT: u32 = 3;
const INLINE: u8 = 0;
const INT32: u8 = 1;
const INT64: u8 = 2;
const APART: u8 = 3;
/// An integer of 27 bits, its upper three added to this; in the flags it is the type SHORT_INT with those three bits.
const INT27: u8 = 4;
const SHORT_INT: u8 = 7;
const RAW: u8 = 1 << 5;
const EXPIRY_SHIFT: u32 = 6;
const NO_EXPIRY: u8 = 0;
const SHORT_EXPIRY: u8 = 1;
const LONG_EXPIRY: u8 = 2;
const CLOCK_MASK: u32 = 0x00FF_FFFF;

/// A live entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(u32);

impl Entry {
    /// The number that the index carries.
    #[inline]
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// The entry of a number that the index or the wheel carried.
    #[inline]
    pub(super) fn from_number(number: u32) -> Entry {
        Entry(number)
    }
}

/// What an entry's value is to be.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// An integer.
    Int(i64),
    /// Bytes inside the entry, at most INLINE_MAX.
    Inline(&'a [u8]),
    /// The number of a value kept apart.
    Apart(u32),
}

/// What an entry's value is.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// An integer.
    Int(i64),
    /// Bytes inside the entry.
    Inline(&'a [u8]),
    /// The number of a value kept apart.
    Apart(u32),
}

/// The header's variable parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head {
    /// The type.
    pub kind: Kind,
    /// The string was changed in place: its encoding is "raw" at any length.
    pub raw: bool,
    /// When it expires, unix ms.
    pub expire_at: Option<i64>,
    /// Place in the timing wheel, 0 = none. Kept only with an expiry.
    pub timer: u32,
    /// The access clock, 24 bits.
    pub clock: u32,
}

/// Byte offsets inside one entry.
#[derive(Clone, Copy)]
struct Shape {
    encoding: u8,
    expiry: u8,
    expiry_at: usize,
    key_at: usize,
    key_len: usize,
    value_len: usize,
}

impl Shape {
    fn new(head: &Head, key_len: usize, content: &Content) -> Shape {
        let (encoding, value_len) = match content {
            Content::Int(n) if (0..1 << 27).contains(n) => (INT27 + (n >> 24) as u8, 3),
            Content::Int(n) if i32::try_from(*n).is_ok() => (INT32, 4),
            Content::Int(_) => (INT64, 8),
            Content::Inline(bytes) => (INLINE, bytes.len()),
            Content::Apart(_) => (APART, 4),
        };
        Shape::of(encoding, expiry_form(head.expire_at), key_len, value_len)
    }

    fn of(encoding: u8, expiry: u8, key_len: usize, value_len: usize) -> Shape {
        let lengths = varint_len(key_len) + if encoding == INLINE { varint_len(value_len) } else { 0 };
        let expiry_at = 4 + lengths;
        Shape { encoding, expiry, expiry_at, key_at: expiry_at + expiry_len(expiry), key_len, value_len }
    }

    fn value_at(&self) -> usize {
        self.key_at + self.key_len
    }

    fn size(&self) -> usize {
        self.value_at() + self.value_len
    }
}

fn expiry_form(at: Option<i64>) -> u8 {
    match at {
        None => NO_EXPIRY,
        Some(at) if (0..1 << 48).contains(&at) => SHORT_EXPIRY,
        Some(_) => LONG_EXPIRY,
    }
}

#[inline]
fn expiry_len(form: u8) -> usize {
    match form {
        NO_EXPIRY => 0,
        SHORT_EXPIRY => 10,
        _ => 12,
    }
}

#[inline]
fn varint_len(n: usize) -> usize {
    if n < 1 << 7 { 1 } else { (n.ilog2() as usize) / 7 + 1 }
}

/// A raw look at one entry's bytes. All offsets come from the entry itself.
#[derive(Clone, Copy)]
struct Raw(*mut u8);

impl Raw {
    /// # Safety
    /// `at` lies inside this entry's allocation.
    #[inline]
    unsafe fn byte(self, at: usize) -> u8 {
        // SAFETY: the caller keeps `at` inside the allocation.
        unsafe { *self.0.add(at) }
    }

    /// # Safety
    /// `at..at + N` lies inside this entry's allocation.
    #[inline]
    unsafe fn get<const N: usize>(self, at: usize) -> [u8; N] {
        // SAFETY: the caller keeps the range inside the allocation; byte arrays need no alignment.
        unsafe { self.0.add(at).cast::<[u8; N]>().read() }
    }

    /// # Safety
    /// The range lies inside this entry's allocation.
    #[inline]
    unsafe fn put(self, at: usize, bytes: &[u8]) {
        // SAFETY: the caller keeps the range inside the allocation; `bytes` is not part of it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.add(at), bytes.len()) }
    }

    /// # Safety
    /// A varint written by `put_varint` starts at `at`.
    #[inline]
    unsafe fn varint(self, at: usize) -> (usize, usize) {
        // SAFETY: a varint of this entry is read up to its last byte only.
        let first = unsafe { self.byte(at) };
        if first < 0x80 {
            return (usize::from(first), at + 1);
        }
        let (mut value, mut shift, mut at) = (usize::from(first & 0x7F), 7, at + 1);
        loop {
            // SAFETY: as above: the previous byte said that another one follows.
            let byte = unsafe { self.byte(at) };
            value |= usize::from(byte & 0x7F) << shift;
            at += 1;
            shift += 7;
            if byte < 0x80 || shift > 35 {
                return (value, at);
            }
        }
    }

    /// # Safety
    /// `varint_len(value)` bytes at `at` lie inside this entry's allocation.
    unsafe fn put_varint(self, at: usize, value: usize) -> usize {
        let (mut value, mut at) = (value, at);
        while value >= 0x80 {
            // SAFETY: the caller provides the room.
            unsafe { self.put(at, &[value as u8 | 0x80]) };
            value >>= 7;
            at += 1;
        }
        // SAFETY: as above.
        unsafe { self.put(at, &[value as u8]) };
        at + 1
    }

    /// # Safety
    /// This is a live entry.
    #[inline]
    unsafe fn shape(self) -> Shape {
        // SAFETY: flags and lengths were written by `write` for this allocation.
        unsafe {
            let flags = self.byte(0);
            let bits = flags >> ENCODING_SHIFT;
            let encoding = if flags & KIND_MASK == SHORT_INT { INT27 + (bits & 7) } else { bits & 3 };
            let expiry = flags >> EXPIRY_SHIFT;
            let (key_len, mut at) = self.varint(4);
            let value_len = match encoding {
                INLINE => {
                    let (len, next) = self.varint(at);
                    at = next;
                    len
                }
                INT32 | APART => 4,
                INT64 => 8,
                _ => 3,
            };
            Shape { encoding, expiry, expiry_at: at, key_at: at + expiry_len(expiry), key_len, value_len }
        }
    }

    /// Writes everything before the key.
    ///
    /// # Safety
    /// The allocation has room for `shape`.
    unsafe fn put_head(self, shape: &Shape, head: &Head) {
        let form = if shape.encoding >= INT27 {
            SHORT_INT | ((shape.encoding - INT27) << ENCODING_SHIFT)
        } else {
            head.kind as u8 | (shape.encoding << ENCODING_SHIFT) | if head.raw { RAW } else { 0 }
        };
        let flags = form | (shape.expiry << EXPIRY_SHIFT);
        let clock = (head.clock & CLOCK_MASK).to_le_bytes();
        // SAFETY: the caller provides room for the whole shape, of which these are parts.
        unsafe {
            self.put(0, &[flags, clock[0], clock[1], clock[2]]);
            let mut at = self.put_varint(4, shape.key_len);
            if shape.encoding == INLINE {
                at = self.put_varint(at, shape.value_len);
            }
            debug_assert_eq!(at, shape.expiry_at);
            self.put_expiry(shape, head.expire_at, head.timer);
        }
    }

    /// # Safety
    /// The allocation has room for `shape`.
    unsafe fn put_expiry(self, shape: &Shape, at: Option<i64>, timer: u32) {
        let Some(at) = at else { return };
        let width = expiry_len(shape.expiry).saturating_sub(4);
        // SAFETY: the expiry field is part of the shape.
        unsafe {
            self.put(shape.expiry_at, &at.to_le_bytes()[..width]);
            self.put(shape.expiry_at + width, &timer.to_le_bytes());
        }
    }
}

/// An entry to read.
#[derive(Clone, Copy)]
pub struct View<'a> {
    raw: Raw,
    shape: Shape,
    _store: std::marker::PhantomData<&'a [u8]>,
}

impl<'a> View<'a> {
    /// The key.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        // SAFETY: the key lies inside the live entry, which nobody changes during 'a.
        unsafe { std::slice::from_raw_parts(self.raw.0.add(self.shape.key_at), self.shape.key_len) }
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn body(&self) -> Body<'a> {
        let at = self.shape.value_at();
        // SAFETY: the value of this encoding lies inside the live entry, which nobody changes during 'a.
        unsafe {
            match self.shape.encoding {
                INLINE => Body::Inline(std::slice::from_raw_parts(self.raw.0.add(at), self.shape.value_len)),
                INT32 => Body::Int(i64::from(i32::from_le_bytes(self.raw.get(at)))),
                INT64 => Body::Int(i64::from_le_bytes(self.raw.get(at))),
                APART => Body::Apart(u32::from_le_bytes(self.raw.get(at))),
                short => {
                    let [a, b, c] = self.raw.get(at);
                    Body::Int(i64::from(u32::from_le_bytes([a, b, c, short - INT27])))
                }
            }
        }
    }

    /// The type.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind {
        // SAFETY: the flags of a live entry.
        Kind::from_bits(unsafe { self.raw.byte(0) } & KIND_MASK)
    }

    /// Whether the string was changed in place.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        // SAFETY: the flags of a live entry.
        self.shape.encoding < INT27 && unsafe { self.raw.byte(0) & RAW != 0 }
    }

    /// When it expires, unix ms.
    #[inline]
    #[must_use]
    pub fn expire_at(&self) -> Option<i64> {
        let at = self.shape.expiry_at;
        // SAFETY: the form says that the field is there.
        unsafe {
            match self.shape.expiry {
                NO_EXPIRY => None,
                SHORT_EXPIRY => {
                    let low = u32::from_le_bytes(self.raw.get(at));
                    let high = u16::from_le_bytes(self.raw.get(at + 4));
                    Some(i64::from(high) << 32 | i64::from(low))
                }
                _ => Some(i64::from_le_bytes(self.raw.get(at))),
            }
        }
    }

    /// Place in the timing wheel, 0 = none.
    #[inline]
    #[must_use]
    pub fn timer(&self) -> u32 {
        let width = expiry_len(self.shape.expiry);
        if width == 0 {
            return 0;
        }
        // SAFETY: the timer is the last four bytes of the expiry field.
        u32::from_le_bytes(unsafe { self.raw.get(self.shape.expiry_at + width - 4) })
    }

    /// The access clock.
    #[inline]
    #[must_use]
    pub fn clock(&self) -> u32 {
        // SAFETY: the first four bytes of a live entry.
        u32::from_le_bytes(unsafe { self.raw.get(0) }) >> 8
    }

    /// The header as it stands.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { kind: self.kind(), raw: self.is_raw(), expire_at: self.expire_at(), timer: self.timer(), clock: self.clock() }
    }
}

/// All entries of one core.
pub struct Store {
    arena: Arena,
    apart: Apart,
    objects: Objects,
}

impl Store {
    /// An empty store of at most `bytes` of entries.
    #[must_use]
    pub fn new(bytes: usize) -> Store {
        Store { arena: Arena::new(bytes), apart: Apart::default(), objects: Objects::default() }
    }

    /// The next full chunk of entries to be backed by a huge page.
    pub fn next_huge(&mut self) -> Option<Collapse> {
        self.arena.next_huge()
    }

    /// Bytes of all entries and of the values kept apart.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.arena.used_bytes() + self.apart.bytes + self.objects.bytes
    }

    /// Bytes of the arena's pages that no entry uses at the moment.
    #[must_use]
    pub fn slack_bytes(&self) -> usize {
        self.arena.page_bytes().saturating_sub(self.arena.used_bytes())
    }

    /// Whether entries of together `bytes` fit for certain.
    #[must_use]
    pub fn room_for(&self, bytes: usize) -> bool {
        self.arena.room_for(bytes)
    }

    /// Bytes that this entry takes, its value included.
    #[must_use]
    pub fn bytes_of(&self, entry: Entry) -> usize {
        let view = self.view(entry);
        let apart = match view.body() {
            Body::Apart(number) if view.kind() == Kind::String => self.apart.get(number).map_or(0, apart_bytes),
            Body::Apart(number) => self.objects.get(number).map_or(0, Object::bytes),
            _ => 0,
        };
        self.arena.size_of(entry.0) + apart
    }

    /// An entry, to read.
    #[inline]
    #[must_use]
    pub fn view(&self, entry: Entry) -> View<'_> {
        let raw = Raw(self.arena.address(entry.0));
        // SAFETY: an Entry is live until it is freed, and entries are only changed through `&mut self`.
        let shape = unsafe { raw.shape() };
        View { raw, shape, _store: std::marker::PhantomData }
    }

    /// Asks for an entry's first cache line, and for the next one where most entries of a key and a short value end.
    #[inline]
    pub fn prefetch(&self, entry: u32) {
        let address = self.arena.address(entry);
        prefetch(address);
        prefetch(address.wrapping_add(48));
    }

    /// Whether the entry's key is `key`.
    #[inline]
    #[must_use]
    pub fn has_key(&self, entry: Entry, key: &[u8]) -> bool {
        is_same(self.view(entry).key(), key)
    }

    /// A new entry; `None` when the arena is full.
    #[inline]
    pub fn create(&mut self, head: &Head, key: &[u8], content: &Content) -> Option<Entry> {
        let shape = Shape::new(head, key.len(), content);
        let at = self.arena.alloc(shape.size())?;
        self.write(at, &shape, head, key, content);
        Some(Entry(at))
    }

    /// Gives an entry another header and value. `key` is its key; neither that nor the content may be borrowed from
    /// the entry (the borrow checker sees to it). The value kept apart before, if any, stays: the caller frees it.
    #[inline]
    pub fn replace(&mut self, entry: Entry, head: &Head, key: &[u8], content: &Content) -> Option<Entry> {
        let shape = Shape::new(head, key.len(), content);
        let room = self.arena.size_of(entry.0);
        if rounded(shape.size()) == room {
            self.write(entry.0, &shape, head, key, content);
            return Some(entry);
        }
        let at = self.arena.alloc(shape.size())?;
        self.write(at, &shape, head, key, content);
        self.arena.free(entry.0);
        Some(Entry(at))
    }

    /// Frees an entry; its value kept apart, if any, is returned.
    pub fn free(&mut self, entry: Entry) -> Option<Held> {
        let held = self.release(entry);
        self.arena.free(entry.0);
        held
    }

    /// Takes the value kept apart, if any, from an entry that is about to be freed or overwritten.
    pub fn release(&mut self, entry: Entry) -> Option<Held> {
        let view = self.view(entry);
        match view.body() {
            Body::Apart(number) if view.kind() == Kind::String => self.apart.remove(number).map(Held::Bytes),
            Body::Apart(number) => self.objects.remove(number).map(Held::Object),
            _ => None,
        }
    }

    /// Sets the access clock.
    #[inline]
    pub fn set_clock(&mut self, entry: Entry, clock: u32) {
        let raw = Raw(self.arena.address(entry.0));
        // SAFETY: bytes 1..4 of a live entry, borrowed mutably through self.
        unsafe { raw.put(1, &clock.to_le_bytes()[..3]) };
    }

    /// Sets the place in the timing wheel of an entry that has an expiry.
    pub fn set_timer(&mut self, entry: Entry, timer: u32) {
        let raw = Raw(self.arena.address(entry.0));
        // SAFETY: a live entry; the timer is the last four bytes of its expiry field, borrowed mutably through self.
        unsafe {
            let shape = raw.shape();
            if shape.expiry != NO_EXPIRY {
                raw.put(shape.key_at - 4, &timer.to_le_bytes());
            }
        }
    }

    /// Gives an entry another expiry (or none) and timer; key and value stay. `None` when the arena is full.
    pub fn set_expiry(&mut self, entry: Entry, expire_at: Option<i64>, timer: u32) -> Option<Entry> {
        let view = self.view(entry);
        let (old, mut head) = (view.shape, view.head());
        head.expire_at = expire_at;
        head.timer = timer;
        let new = Shape::of(old.encoding, expiry_form(expire_at), old.key_len, old.value_len);
        self.reshape(entry, &old, &new, &head)
    }

    /// Gives an inline value another length, keeping what fits and zeroing what is new; marks it raw.
    /// `spare`: bytes of room for more to come. `None` when the arena is full.
    pub fn resize(&mut self, entry: Entry, len: usize, spare: usize) -> Option<Entry> {
        let view = self.view(entry);
        let (old, mut head) = (view.shape, view.head());
        debug_assert!(old.encoding == INLINE && len <= INLINE_MAX);
        head.raw = true;
        let new = Shape::of(INLINE, old.expiry, old.key_len, len);
        let entry = if new.size() > self.arena.size_of(entry.0) {
            let at = self.arena.alloc(new.size() + spare)?;
            self.move_to(entry, at, &old, &new, &head);
            Entry(at)
        } else {
            self.move_to(entry, entry.0, &old, &new, &head);
            entry
        };
        if let Some(fresh) = self.inline_mut(entry).and_then(|bytes| bytes.get_mut(old.value_len..)) {
            fresh.fill(0);
        }
        Some(entry)
    }

    /// An inline value, to change.
    pub fn inline_mut(&mut self, entry: Entry) -> Option<&mut [u8]> {
        let raw = Raw(self.arena.address(entry.0));
        // SAFETY: a live entry, borrowed mutably through self for as long as the slice lives.
        unsafe {
            let shape = raw.shape();
            (shape.encoding == INLINE).then(|| std::slice::from_raw_parts_mut(raw.0.add(shape.value_at()), shape.value_len))
        }
    }

    /// The collections kept apart.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The collections kept apart, to change.
    pub fn objects_mut(&mut self) -> &mut Objects {
        &mut self.objects
    }

    /// The values kept apart.
    #[must_use]
    pub fn apart(&self) -> &Apart {
        &self.apart
    }

    /// The values kept apart, to change.
    pub fn apart_mut(&mut self) -> &mut Apart {
        &mut self.apart
    }

    fn reshape(&mut self, entry: Entry, old: &Shape, new: &Shape, head: &Head) -> Option<Entry> {
        // A raw value may have spare room: it only moves when it must.
        let room = self.arena.size_of(entry.0);
        let fits = if head.raw { new.size() <= room } else { rounded(new.size()) == room };
        if fits {
            self.move_to(entry, entry.0, old, new, head);
            return Some(entry);
        }
        let at = self.arena.alloc(new.size())?;
        self.move_to(entry, at, old, new, head);
        Some(Entry(at))
    }

    /// Moves key and value (as much of it as both shapes have) to `at`, writes the header, frees the old place.
    fn move_to(&mut self, entry: Entry, at: u32, old: &Shape, new: &Shape, head: &Head) {
        let (from, to) = (Raw(self.arena.address(entry.0)), Raw(self.arena.address(at)));
        let len = old.key_len + old.value_len.min(new.value_len);
        // SAFETY: `len` bytes from the key on lie inside the old shape and inside the new one, each within its
        // allocation; `copy` allows them to overlap. The header ends where the new key begins and is written last.
        unsafe {
            std::ptr::copy(from.0.add(old.key_at), to.0.add(new.key_at), len);
            to.put_head(new, head);
        }
        if at != entry.0 {
            self.arena.free(entry.0);
        }
    }

    #[inline]
    fn write(&mut self, at: u32, shape: &Shape, head: &Head, key: &[u8], content: &Content) {
        debug_assert!(self.arena.size_of(at) >= shape.size());
        let raw = Raw(self.arena.address(at));
        let value_at = shape.value_at();
        // SAFETY: the allocation has at least `shape.size()` bytes, and every part lies inside the shape.
        unsafe {
            raw.put_head(shape, head);
            raw.put(shape.key_at, key);
            match content {
                Content::Int(n) => raw.put(value_at, &n.to_le_bytes()[..shape.value_len]),
                Content::Inline(bytes) => raw.put(value_at, bytes),
                Content::Apart(number) => raw.put(value_at, &number.to_le_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_take_the_bytes_the_budget_counts_on() {
        let head = Head::default();
        let timed = Head { expire_at: Some(1_700_000_000_000), ..head };
        let value = Content::Inline(&[b'v'; 32]);
        assert_eq!(Shape::new(&head, 16, &value).size(), 54);
        assert_eq!(Shape::new(&timed, 16, &value).size(), 64);
        assert_eq!(Shape::new(&head, 16, &Content::Int(99_999_999)).size(), 24);
        assert_eq!(Shape::new(&head, 16, &Content::Int(-1)).size(), 25);
    }

    #[test]
    fn integers_of_every_width_read_back_and_keep_type_and_expiry() {
        let mut store = Store::new(1 << 26);
        for n in
            [0, 1, 255, 1 << 23, (1 << 24) - 1, 1 << 24, 99_999_999, (1 << 27) - 1, 1 << 27, -1, i64::from(i32::MIN), 1 << 31, i64::MIN]
        {
            let mut entry = store.create(&Head { clock: 77, ..Head::default() }, b"key", &Content::Int(n)).unwrap();
            for at in [Some(5), Some(1 << 50), None] {
                entry = store.set_expiry(entry, at, 3).unwrap();
                let view = store.view(entry);
                assert!(matches!(view.body(), Body::Int(m) if m == n), "{n}");
                assert_eq!((view.key(), view.kind(), view.is_raw(), view.clock()), (&b"key"[..], Kind::String, false, 77));
                assert_eq!(view.expire_at(), at);
            }
            store.free(entry);
        }
        assert_eq!(store.used_bytes(), 0);
    }

    #[test]
    fn every_shape_reads_back_and_changes_its_expiry() {
        let mut store = Store::new(1 << 26);
        for key_len in [0usize, 1, 16, 127, 128, 5000, 70_000] {
            for value_len in [0usize, 1, 32, 127, 128, 2048] {
                for at in [None, Some(0), Some(1 << 40), Some((1 << 48) - 1), Some(1 << 48), Some(-5), Some(i64::MAX)] {
                    let (key, value) = (vec![b'k'; key_len], vec![b'v'; value_len]);
                    let head = Head { kind: Kind::Zset, raw: value_len % 2 == 1, expire_at: None, timer: 0, clock: 0x00AB_CDEF };
                    let entry = store.create(&head, &key, &Content::Inline(&value)).unwrap();
                    let entry = store.set_expiry(entry, at, 7).unwrap();
                    let view = store.view(entry);
                    assert_eq!((view.key(), view.expire_at()), (&key[..], at));
                    assert_eq!(view.timer(), if at.is_some() { 7 } else { 0 });
                    assert!(matches!(view.body(), Body::Inline(v) if v == value));
                    assert_eq!((view.clock(), view.is_raw(), view.kind()), (0x00AB_CDEF, head.raw, Kind::Zset));
                    let entry = store.replace(entry, &view.head(), &key, &Content::Int(i64::MIN)).unwrap();
                    assert!(matches!(store.view(entry).body(), Body::Int(i64::MIN)));
                    assert_eq!(store.view(entry).expire_at(), at);
                    store.free(entry);
                }
            }
        }
        assert_eq!(store.used_bytes(), 0);
    }

    #[test]
    fn resizing_keeps_what_fits_and_zeroes_the_rest() {
        let mut store = Store::new(1 << 26);
        let mut entry = store.create(&Head::default(), b"key", &Content::Inline(b"abc")).unwrap();
        for len in [4usize, 126, 127, 128, 129, 2000, 100, 2048] {
            entry = store.resize(entry, len, len / 2).unwrap();
            let Body::Inline(bytes) = store.view(entry).body() else { panic!() };
            assert_eq!((bytes.len(), &bytes[..3]), (len, &b"abc"[..]));
            assert!(bytes[3..].iter().all(|&b| b == 0));
            assert_eq!(store.view(entry).key(), b"key");
        }
    }
}
