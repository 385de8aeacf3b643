//! Snapshot without fork: every key as it was at the cut, handed out exactly once while writes go on.
//!
//! The unit is a bucket. `begin_walk` is the cut: from then on every bucket counts as not handed out. Whoever is about
//! to change a bucket hands its entries out first (`touch.rs`); `walk_step` hands out the others, in slices. What is
//! born after the cut lands in buckets that were handed out, and is never seen.
//!
//! Invariants
//! - A table is built anew either wholly handed out or wholly not (`table.rs`, `settle`), so growth, splits and joins
//!   neither lose nor repeat a key.
//! - The walk goes by hash prefix and trusts the buckets' epochs, not its own position inside a table.
//! - Databases keep the number they had at the cut, whatever SWAPDB does. A flushed one is walked as it is freed.
//! - The sink gets keys whose time is over too, if nobody had deleted them by the cut: it looks at `expire_at`.

use super::entry::{Entry, Store};
use super::item::{Item, Tuning};
use super::table::{Entries, Place};
use super::{GROUP, KeyHasher, Keyspace, Space};

/// Receives the keys of a snapshot.
pub trait PreImages {
    /// Some keys of database `db` (its number at the cut). Called from inside of write commands: quick, no waiting.
    fn bucket(&mut self, db: usize, items: &[Item<'_>]);
}

/// A walk that is on.
pub(super) struct Walk {
    sink: Box<dyn PreImages>,
    /// Spaces that existed at the cut.
    spaces: Vec<usize>,
    /// Position: index in `spaces`, root, hash.
    at: usize,
    root: usize,
    hash: u64,
}

/// The entries as the index sees them.
pub(super) struct Hands<'a> {
    pub(super) store: &'a Store,
    pub(super) hasher: &'a KeyHasher,
    pub(super) tuning: &'a Tuning,
    pub(super) spaces: &'a [Space],
    pub(super) walk: &'a mut Option<Walk>,
}

impl Entries for Hands<'_> {
    fn hash_of(&self, entry: u32) -> u64 {
        self.hasher.hash(self.store.view(Entry::from_number(entry)).key())
    }

    fn prefetch(&self, entry: u32) {
        self.store.prefetch(entry);
    }

    fn hand_out(&mut self, space: usize, entries: &[u32]) {
        let Some(walk) = self.walk else { return };
        let db = self.spaces.get(space).map_or(0, |space| space.number_at_cut);
        let item = |number| {
            let view = self.store.view(Entry::from_number(number));
            Item::new(view, self.store, self.tuning)
        };
        // At most ten entries: a bucket.
        let mut items = [item(entries.first().copied().unwrap_or_default()); crate::base::simd::LANES];
        let len = entries.len().min(items.len());
        for (slot, &entry) in items.iter_mut().zip(entries) {
            *slot = item(entry);
        }
        walk.sink.bucket(db, items.get(..len).unwrap_or_default());
    }
}

impl Keyspace {
    /// Begins a walk: this instant is the cut. One that was on is dropped.
    pub fn begin_walk(&mut self, sink: Box<dyn PreImages>) {
        self.end_walk();
        self.index.bump_epoch();
        for (number, &space) in self.numbers.iter().enumerate() {
            if let Some(space) = self.spaces.get_mut(space) {
                space.number_at_cut = number;
            }
        }
        self.walk = Some(Walk {
            sink,
            // Spaces flushed before the cut do not belong to it: they are not in `numbers`.
            spaces: self.numbers.clone(),
            at: 0,
            root: 0,
            hash: 0,
        });
        self.set_walking(true);
    }

    /// Hands out about `budget` keys more (a bucket at a time). `true` when every key of the cut was handed out.
    pub fn walk_step(&mut self, budget: usize) -> bool {
        let mut left = budget.max(1);
        loop {
            let Some(walk) = &self.walk else { return true };
            let Some(&space) = walk.spaces.get(walk.at) else {
                return true;
            };
            let place = Place { space, root: walk.root };
            let hash = walk.hash;
            let span = if self.index.has_root(place) { self.index.span(place, hash) } else { None };
            let Some(span) = span else {
                let step = self.next_root(place);
                self.walk_to(step, 0);
                if left == 0 {
                    return false;
                }
                continue;
            };
            let mut units = 0;
            let mut next = span.units().skip(1);
            for unit in span.units() {
                if left == 0 {
                    return false;
                }
                // The keys of the next bucket are on their way while this one's are written.
                next.next().into_iter().flat_map(|unit| self.index.entries(unit)).for_each(|entry| self.store.prefetch(entry));
                // What was handed out before costs nothing here, or a table of more keys than the budget would never end.
                left = left.saturating_sub(self.index.hand_out_once(place, unit, super::hands!(self)));
                units += 1;
            }
            // Looking at eight buckets weighs as much as a key.
            left = left.saturating_sub(1 + units / 8);
            match span.next() {
                Some(hash) => self.walk_to(place.root, hash),
                None => {
                    let step = self.next_root(place);
                    self.walk_to(step, 0);
                }
            }
        }
    }

    /// Ends a walk, finished or not, and gives the sink back.
    pub fn end_walk(&mut self) -> Option<Box<dyn PreImages>> {
        self.set_walking(false);
        Some(self.walk.take()?.sink)
    }

    /// Whether a walk is on.
    #[must_use]
    pub fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// Every space that a walk which is on has to see.
    pub(super) fn walk_has(&self, space: usize) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.spaces.contains(&space))
    }

    /// The next root of a space that may have keys; past the last one when there is none.
    fn next_root(&self, place: Place) -> usize {
        let mut root = place.root + 1;
        let Some(space) = self.spaces.get(place.space) else {
            return usize::MAX;
        };
        while root < space.counts.len() {
            let group_start = root.is_multiple_of(GROUP);
            if group_start && space.groups.get(root / GROUP).is_some_and(|&n| n == 0) {
                root += GROUP;
            } else if space.counts.get(root).is_some_and(|&n| n == 0) {
                root += 1;
            } else {
                return root;
            }
        }
        usize::MAX
    }

    fn walk_to(&mut self, root: usize, hash: u64) {
        if let Some(walk) = &mut self.walk {
            walk.root = root;
            walk.hash = hash;
            if root == usize::MAX {
                walk.at += 1;
                walk.root = 0;
            }
        }
    }
}
