//! The big form of a set: one table of its texts and one of its integers.
//!
//! Layer 1. Integers are kept as their shortest bytes, so that a set of them takes 9 to 15 bytes a member. A text that is the
//! canonical form of an integer is always in the table of integers, as in a pack.

use crate::base::rng::Rng;
use crate::data::pack::Item;
use crate::data::table::{self, Table};

/// Cursors of a scan that has come to the integers have this bit.
const IN_INTS: u64 = 1 << 32;
/// Places of iterators that have come to the integers start here; beyond all places of a table.
const PAST_TEXTS: u64 = 1 << 63;

/// See the file's head.
#[derive(Clone)]
pub(super) struct Big {
    seed: u64,
    texts: Table,
    ints: Option<Box<Table>>,
}

/// The key of an integer: small ones of both signs have few bytes.
#[inline]
fn key_of(n: i64) -> ([u8; 8], usize) {
    let folded = (n.cast_unsigned() << 1) ^ (n >> 63).cast_unsigned();
    (folded.to_le_bytes(), 8 - folded.leading_zeros() as usize / 8)
}

/// The integer of a key.
#[inline]
fn int_of(key: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    let folded = u64::from_le_bytes(bytes);
    (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
}

impl Big {
    /// An empty one. `seed`: of its hashes.
    pub fn new(seed: u64) -> Big {
        Big { seed, texts: Table::new(seed), ints: None }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.texts.len() + self.ints.as_ref().map_or(0, |ints| ints.len())
    }

    /// See `Collection::prefetch_on`.
    #[inline]
    pub fn prefetch(&self, item: Item, depth: u32, kept: &mut u64) {
        match item {
            Item::Text(text) => self.texts.prefetch_step(text, depth, kept),
            Item::Int(n) => {
                let (key, len) = key_of(n);
                if let Some(ints) = &self.ints {
                    ints.prefetch_step(key.get(..len).unwrap_or_default(), depth, kept);
                }
            }
        }
    }

    /// Bytes that it takes from the allocator, itself not included. O(1).
    pub fn bytes(&self) -> usize {
        self.texts.bytes() + self.ints.as_ref().map_or(0, |ints| ints.bytes() + size_of::<Table>())
    }

    /// Whether it has a member.
    #[inline]
    pub fn contains(&self, item: Item) -> bool {
        match item {
            Item::Text(text) => self.texts.contains(text),
            Item::Int(n) => self.ints.as_ref().is_some_and(|ints| {
                let (key, len) = key_of(n);
                ints.contains(key.get(..len).unwrap_or_default())
            }),
        }
    }

    /// Adds a member; true when it is new.
    pub fn insert(&mut self, item: Item) -> bool {
        match item {
            Item::Text(text) => self.texts.insert(text, b""),
            Item::Int(n) => {
                let (key, len) = key_of(n);
                let ints = self.ints.get_or_insert_with(|| Box::new(Table::new(self.seed)));
                ints.insert(key.get(..len).unwrap_or_default(), b"")
            }
        }
    }

    /// Removes a member; true when it was there.
    pub fn remove(&mut self, item: Item) -> bool {
        match (item, &mut self.ints) {
            (Item::Text(text), _) => self.texts.remove(text),
            (Item::Int(n), Some(ints)) => {
                let (key, len) = key_of(n);
                ints.remove(key.get(..len).unwrap_or_default())
            }
            (Item::Int(_), None) => false,
        }
    }

    /// All members, texts first.
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0)
    }

    /// The same from a place on that `Iter::place` gave; 0 is the start.
    pub fn iter_from(&self, place: u64) -> Iter<'_> {
        let (texts, ints) = if place < PAST_TEXTS { (place, 0) } else { (PAST_TEXTS, place - PAST_TEXTS) };
        Iter {
            texts: self.texts.iter_from(texts),
            ints: self.ints.as_ref().map(|table| table.iter_from(ints)),
            is_past_texts: place >= PAST_TEXTS,
        }
    }

    /// A member, each as likely as any other; `None` when it is empty.
    pub fn random(&self, rng: &mut Rng) -> Option<Item<'_>> {
        if rng.below(self.len() as u64) < self.texts.len() as u64 {
            return self.texts.random(rng).map(|(text, _)| Item::Text(text));
        }
        self.ints.as_ref()?.random(rng).map(|(key, _)| Item::Int(int_of(key)))
    }

    /// See [`Table::scan`]: texts come first, then integers.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut dyn FnMut(Item)) -> u64 {
        let mut left = count.max(1);
        let mut at = cursor;
        if cursor < IN_INTS {
            let next = self.texts.scan(cursor, left, &mut |text, _| {
                left = left.saturating_sub(1);
                f(Item::Text(text));
            });
            if next != 0 {
                return next;
            }
            at = IN_INTS;
        }
        let Some(ints) = self.ints.as_ref().filter(|ints| !ints.is_empty() && at < 2 * IN_INTS) else { return 0 };
        if left == 0 {
            return at;
        }
        match ints.scan(at - IN_INTS, left, &mut |key, _| f(Item::Int(int_of(key)))) {
            0 => 0,
            next => next + IN_INTS,
        }
    }

    /// Frees about `budget` members; true when only an empty shell is left.
    pub fn free_some(&mut self, budget: usize) -> bool {
        if !self.texts.free_some(budget) {
            return false;
        }
        self.ints.as_mut().is_none_or(|ints| ints.free_some(budget))
    }
}

/// Members.
#[derive(Clone)]
pub struct Iter<'a> {
    texts: table::Iter<'a>,
    ints: Option<table::Iter<'a>>,
    is_past_texts: bool,
}

impl Iter<'_> {
    /// Where the next member is, for `Big::iter_from`.
    pub fn place(&self) -> u64 {
        match &self.ints {
            Some(ints) if self.is_past_texts => PAST_TEXTS | ints.place(),
            _ => self.texts.place(),
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if let Some((text, _)) = self.texts.next() {
            return Some(Item::Text(text));
        }
        self.is_past_texts = true;
        self.ints.as_mut()?.next().map(|(key, _)| Item::Int(int_of(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_from_their_keys() {
        for shift in 0..64 {
            for n in [i64::MAX >> shift, i64::MIN >> shift, 1 << shift, 1i64.wrapping_shl(shift).wrapping_neg(), 0, -1] {
                let (key, len) = key_of(n);
                assert_eq!(int_of(&key[..len]), n);
            }
        }
        assert_eq!((key_of(0).1, key_of(-100).1, key_of(1_000_000).1), (0, 1, 3));
    }
}
