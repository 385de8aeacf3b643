//! FLUSHDB and SWAPDB at once, freeing in slices.
//!
//! A flushed database's number gets a fresh space; the old one is **doomed** and freed table by table by `free_doomed`, which
//! the owner of the keyspace calls while `has_doomed` says so. Big values that were deleted go the same way (`collection.rs`).
//!
//! Invariants
//! - A doomed space is in no database; its entries stay valid until their table is taken, so timers that come up
//!   meanwhile find them and let go.
//! - While a snapshot walk is on, a bucket of a doomed space that the walk has to see is handed out before it goes.
//! - One step touches one table (at most 787 keys) more than its budget says.

use super::entry::{Entry, Held};
use super::table::Place;
use super::{Keyspace, Space, hands};

/// A flushed database on its way out.
pub(super) struct Doom {
    space: usize,
    root: usize,
    hash: u64,
    len: usize,
}

impl Keyspace {
    /// Empties a database; returns how many keys it had. Their memory is left to `free_doomed`.
    pub fn flush(&mut self, db: usize) -> usize {
        let Some(&old) = self.numbers.get(db) else {
            return 0;
        };
        let keys = self.len(db);
        if keys == 0 {
            return 0;
        }
        self.before_replacing(db, None);
        let fresh = self.free_spaces.pop().unwrap_or_else(|| {
            self.spaces.push(Space::default());
            self.spaces.len() - 1
        });
        self.numbers[db] = fresh;
        self.doomed.push_back(Doom { space: old, root: 0, hash: 0, len: keys });
        self.stats.changes += keys as u64;
        keys
    }

    /// Exchanges two databases. No change is counted: the database is one on all cores.
    pub fn swap(&mut self, a: usize, b: usize) {
        if a == b || a.max(b) >= self.numbers.len() {
            return;
        }
        self.before_replacing(a, Some(b));
        self.before_replacing(b, Some(a));
        self.numbers.swap(a, b);
    }

    /// Whether flushed keys or big values that were deleted are waiting to be freed.
    #[must_use]
    pub fn has_doomed(&self) -> bool {
        !self.doomed.is_empty() || !self.graveyard.is_empty()
    }

    /// Frees about `budget` of them; `true` when none is left.
    pub fn free_doomed(&mut self, budget: usize) -> bool {
        let mut left = self.free_graves(budget.max(1));
        let mut entries = Vec::new();
        while left > 0 {
            let Some(doom) = self.doomed.front() else {
                return self.graveyard.is_empty();
            };
            let place = Place { space: doom.space, root: doom.root };
            let roots = self.spaces.get(place.space).map_or(0, |space| space.counts.len());
            if place.root >= roots {
                self.finish(place.space);
                continue;
            }
            if !self.index.has_root(place) {
                self.doom_to(place.root + 1, 0);
                // 64 empty slots weigh as much as a key.
                left -= usize::from(place.root.is_multiple_of(64));
                continue;
            }
            let hash = doom.hash;
            self.hand_out_table(place, hash);
            entries.clear();
            let next = self.index.take_table(place, hash, &mut entries);
            self.bury_all(place.space, &entries);
            if let Some(doom) = self.doomed.front_mut() {
                doom.len = doom.len.saturating_sub(entries.len());
            }
            left = left.saturating_sub(entries.len().max(1));
            if let Some(hash) = next {
                self.doom_to(place.root, hash);
            } else {
                self.index.drop_root(place);
                self.doom_to(place.root + 1, 0);
            }
        }
        self.doomed.is_empty() && self.graveyard.is_empty()
    }

    fn bury_all(&mut self, space: usize, entries: &[u32]) {
        const AHEAD: usize = 16;
        for (i, &number) in entries.iter().enumerate() {
            if let Some(&ahead) = entries.get(i + AHEAD) {
                self.store.prefetch(ahead);
            }
            // A key counts once: with its value if that is freed later, too.
            let is_left = match self.bury(space, Entry::from_number(number)) {
                Some(Held::Object(object)) => self.discard(object),
                _ => false,
            };
            self.stats.lazyfreed += u64::from(!is_left);
        }
    }

    /// The walk that is on sees a table of a flushed space before it goes.
    fn hand_out_table(&mut self, place: Place, hash: u64) {
        if !self.walk_has(place.space) {
            return;
        }
        let Some(span) = self.index.span(place, hash) else {
            return;
        };
        for unit in span.units() {
            self.index.hand_out_once(place, unit, hands!(self));
        }
    }

    fn doom_to(&mut self, root: usize, hash: u64) {
        if let Some(doom) = self.doomed.front_mut() {
            doom.root = root;
            doom.hash = hash;
        }
    }

    fn finish(&mut self, space: usize) {
        self.doomed.pop_front();
        self.index.drop_space(space);
        if let Some(slot) = self.spaces.get_mut(space) {
            *slot = Space::default();
        }
        self.free_spaces.push(space);
    }

    /// Keys that are flushed and big values that are deleted, not yet freed.
    #[must_use]
    pub fn doomed_len(&self) -> usize {
        self.doomed.iter().map(|doom| doom.len).sum::<usize>() + self.graveyard.len()
    }
}
