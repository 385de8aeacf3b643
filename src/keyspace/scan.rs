//! Going over keys: SCAN, KEYS, RANDOMKEY, the keys of a slot.
//!
//! ```text
//! cursor   bits 34..48 slot | bits 0..34 the first bits of the hash where the next call goes on
//! ```
//! 0 begins and, returned, ends. The slot is the cluster's, not the core's: after the last slot of this core's range
//! the cursor names the first of the next core's, and the caller goes on there.
//!
//! Invariants
//! - A call ends between two home buckets, and order is by hash: a key that is there from the first call to the last is
//!   returned at least once (here: exactly once), whatever grows, splits or shrinks in between.
//! - A call returns at least one key unless the range is finished. It passes `count` by at most one bucket's keys.
//! - Keys whose time is over are handed out too; the caller, who knows the time, leaves them out and may have them deleted.
//!
//! Ref: redis.io/commands/scan ("Scan guarantees")

use std::ops::Range;

use super::entry::Entry;
use super::item::Item;
use super::table::Place;
use super::{GROUP, Keyspace, SLOTS};
use crate::base::rng::Rng;
use crate::base::simd::LANES;

const HASH_BITS: u32 = 34;
/// Hash bits below the cursor's.
const CUT_BITS: u32 = 64 - HASH_BITS;
/// Random lanes tried before taking the next key in order.
const PICKS: usize = 100;

impl Keyspace {
    /// Visits about `count` keys from `cursor` on and returns the cursor to go on with, 0 after the last slot of all.
    /// A cursor of a slot before this core's range begins at the range; one behind it is returned as it is.
    pub fn scan(&mut self, db: usize, cursor: u64, count: usize, visit: &mut dyn FnMut(Item)) -> u64 {
        self.scan_slots(db, cursor, count, self.slots.clone(), visit)
    }

    /// The same for one slot only; 0 when it is finished. The first cursor is 0.
    pub fn scan_slot(&mut self, db: usize, slot: u16, cursor: u64, count: usize, visit: &mut dyn FnMut(Item)) -> u64 {
        let next = self.scan_slots(db, cursor.max(u64::from(slot) << HASH_BITS), count, slot..slot + 1, visit);
        if next >> HASH_BITS == u64::from(slot) && next != 0 { next } else { 0 }
    }

    /// Deletes those of the keys that a walk met whose time is over, as if somebody had asked for them.
    pub fn expire_met(&mut self, db: usize, names: &[Vec<u8>], now: i64) {
        for name in names {
            let key = self.key(name);
            self.live(db, &key, now);
        }
    }

    /// The slot a SCAN cursor stands in: which core to ask. Anything is a cursor: what names no slot counts as done.
    #[must_use]
    pub fn cursor_slot(cursor: u64) -> Option<u16> {
        u16::try_from(cursor >> HASH_BITS).ok().filter(|&slot| slot < SLOTS)
    }

    /// Visits every key of a database.
    pub fn for_each(&self, db: usize, visit: &mut dyn FnMut(&Item)) {
        for root in 0..self.space(db).map_or(0, |space| space.counts.len()) {
            self.for_each_in_root(db, root, visit);
        }
    }

    /// Visits every key of a slot.
    pub fn for_each_in_slot(&self, db: usize, slot: u16, visit: &mut dyn FnMut(&Item)) {
        if let Some(root) = self.root_of(slot) {
            self.for_each_in_root(db, root, visit);
        }
    }

    /// A key chosen almost evenly from all of a database; `None` when there is none. Its time may be over.
    pub fn random_key(&mut self, db: usize, rng: &mut Rng) -> Option<Vec<u8>> {
        Some(self.random_item(db, rng)?.key().to_vec())
    }

    /// The same as an item: for sampling by eviction.
    pub fn random_item(&self, db: usize, rng: &mut Rng) -> Option<Item<'_>> {
        let space = self.space(db).filter(|space| space.len > 0)?;
        let mut rank = rng.below(space.len as u64);
        let mut root = 0;
        for &group in &space.groups {
            if rank < u64::from(group) {
                break;
            }
            rank -= u64::from(group);
            root += GROUP;
        }
        for &count in space.counts.get(root..)? {
            if rank < u64::from(count) {
                break;
            }
            rank -= u64::from(count);
            root += 1;
        }
        let place = Place { space: *self.numbers.get(db)?, root };
        // A table covers as much of the hash range as of the slot's keys; within it, a random lane that is in use is a
        // random key.
        for _ in 0..PICKS {
            let hash = rng.next_u64();
            let span = self.index.span(place, hash)?;
            if let Some(entry) = self.index.pick(&span, rng.below(1 << 20), rng.below(LANES as u64) as usize) {
                return Some(self.item(Entry::from_number(entry)));
            }
        }
        self.first_in(place).map(|entry| self.item(Entry::from_number(entry)))
    }

    fn first_in(&self, place: Place) -> Option<u32> {
        let mut hash = 0;
        loop {
            let span = self.index.span(place, hash)?;
            if let Some(entry) = span.units().find_map(|unit| self.index.entries(unit).next()) {
                return Some(entry);
            }
            hash = span.next()?;
        }
    }

    fn scan_slots(&mut self, db: usize, cursor: u64, count: usize, slots: Range<u16>, visit: &mut dyn FnMut(Item)) -> u64 {
        let Some(slot) = Keyspace::cursor_slot(cursor) else {
            return 0;
        };
        if slot >= slots.end {
            return cursor;
        }
        let (mut slot, mut hash) = if slot < slots.start { (slots.start, 0) } else { (slot, cursor << CUT_BITS) };
        let mut left = count.max(1);
        let mut entries = Vec::new();
        while slot < slots.end {
            if self.slot_len(db, slot) == 0 {
                slot = self.skip_empty(db, slot);
                hash = 0;
                continue;
            }
            let Some(place) = self.place(db, slot) else {
                break;
            };
            let next = self.scan_table(place, hash, &mut left, &mut entries, visit);
            match next {
                Some(at) => hash = at,
                None => {
                    slot += 1;
                    hash = 0;
                }
            }
            if left == 0 {
                break;
            }
        }
        let slot = slot.min(slots.end);
        if slot == SLOTS { 0 } else { (u64::from(slot) << HASH_BITS) | (hash >> CUT_BITS) }
    }

    /// Goes through one table from `hash` on; the hash to go on with, `None` at the end of the slot.
    fn scan_table(&self, place: Place, hash: u64, left: &mut usize, entries: &mut Vec<u32>, visit: &mut dyn FnMut(Item)) -> Option<u64> {
        let span = self.index.span(place, hash)?;
        // A cursor has 34 hash bits: below a depth of 18 every home bucket begins at one, deeper a table is one step.
        let may_stop = span.depth + 16 <= HASH_BITS;
        let mut at = hash;
        loop {
            entries.clear();
            let next = self.index.home(&span, at, entries);
            for &entry in entries.iter() {
                visit(self.item(Entry::from_number(entry)));
            }
            *left = left.saturating_sub(entries.len());
            match next {
                Some(hash) if *left == 0 && may_stop => return Some(hash),
                Some(hash) => at = hash,
                None => return span.next(),
            }
        }
    }

    /// The next slot after an empty one that may have keys.
    fn skip_empty(&self, db: usize, slot: u16) -> u16 {
        let (Some(space), Some(root)) = (self.space(db), self.root_of(slot)) else {
            return self.slots.end;
        };
        if space.counts.is_empty() {
            return self.slots.end;
        }
        let is_group_empty = root % GROUP == 0 && space.groups.get(root / GROUP).is_some_and(|&n| n == 0);
        let step = if is_group_empty { GROUP as u16 } else { 1 };
        slot.saturating_add(step).min(self.slots.end)
    }

    fn for_each_in_root(&self, db: usize, root: usize, visit: &mut dyn FnMut(&Item)) {
        let Some(&space) = self.numbers.get(db) else {
            return;
        };
        let place = Place { space, root };
        let mut hash = 0;
        while let Some(span) = self.index.span(place, hash) {
            for unit in span.units() {
                for entry in self.index.entries(unit) {
                    visit(&self.item(Entry::from_number(entry)));
                }
            }
            match span.next() {
                Some(next) => hash = next,
                None => break,
            }
        }
    }
}
