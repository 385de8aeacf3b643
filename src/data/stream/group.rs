//! Consumer groups: what was delivered to whom and not yet acknowledged. Layer 1, part of `stream`.
//!
//! Invariants: an entry is pending for exactly one consumer, and stands in the group's list and in that consumer's;
//! a consumer's number stays the same as long as it lives.
//! Ref: redis.io/commands/xgroup-create, redis.io/commands/xpending

use std::collections::BTreeMap;
use std::ops::Bound;

use super::Id;
use super::ordered::{Iter, Ordered};

/// Number of entries read that is not known.
pub const UNKNOWN: i64 = -1;

/// A delivered entry that nobody acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    /// When it was delivered last, unix ms.
    pub time: i64,
    /// How often it was delivered.
    pub count: u64,
    /// To whom, by number.
    pub consumer: u32,
}

/// A consumer.
#[derive(Clone, Default)]
pub struct Consumer {
    /// Its name.
    pub name: Box<[u8]>,
    /// When it last tried something, unix ms.
    pub seen: i64,
    /// When it last got something, unix ms; -1 = never.
    pub active: i64,
    pending: Ordered<()>,
}

impl Consumer {
    /// Number of its pending entries.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// IDs of its pending entries between `from` and `to`, both included.
    pub fn pending(&self, from: Id, to: Id) -> impl Iterator<Item = Id> + '_ {
        self.pending.range(from, to).map(|(id, ())| id)
    }
}

/// A consumer group.
#[derive(Clone, Default)]
pub struct Group {
    /// Last ID delivered.
    pub last: Id,
    /// How many entries were read in all, or [`UNKNOWN`].
    pub read: i64,
    pending: Ordered<Pending>,
    numbers: BTreeMap<Box<[u8]>, u32>,
    consumers: Vec<Option<Box<Consumer>>>,
}

impl Group {
    /// A group without consumers that has seen entries up to `last`.
    #[must_use]
    pub fn new(last: Id, read: i64) -> Group {
        Group { last, read, ..Group::default() }
    }

    /// Number of the consumer called `name`.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// Consumer `number`.
    #[must_use]
    pub fn consumer(&self, number: u32) -> Option<&Consumer> {
        self.consumers.get(number as usize)?.as_deref()
    }

    /// Consumer `number`, to set its times.
    pub fn consumer_mut(&mut self, number: u32) -> Option<&mut Consumer> {
        self.consumers.get_mut(number as usize)?.as_deref_mut()
    }

    /// Name of consumer `number`.
    #[must_use]
    pub fn name(&self, number: u32) -> &[u8] {
        self.consumer(number).map_or(&[], |c| &c.name)
    }

    /// Consumers by name.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.numbers.values().filter_map(|number| self.consumer(*number))
    }

    /// The first consumer whose name comes after `name` (of all, if there is none).
    #[must_use]
    pub fn consumer_after(&self, name: Option<&[u8]>) -> Option<&Consumer> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        let (_, number) = self.numbers.range::<[u8], _>((from, Bound::Unbounded)).next()?;
        self.consumer(*number)
    }

    /// Number of consumers.
    #[must_use]
    pub fn consumers_len(&self) -> usize {
        self.numbers.len()
    }

    /// The consumer called `name`, new if there is none; whether it is new.
    pub fn enroll(&mut self, name: &[u8], now: i64) -> (u32, bool) {
        if let Some(number) = self.find(name) {
            return (number, false);
        }
        let fresh = Some(Box::new(Consumer { name: name.into(), seen: now, active: -1, pending: Ordered::default() }));
        let number = match self.consumers.iter().position(Option::is_none) {
            Some(free) => {
                self.consumers[free] = fresh;
                free
            }
            None => {
                self.consumers.push(fresh);
                self.consumers.len() - 1
            }
        };
        self.numbers.insert(name.into(), number as u32);
        (number as u32, true)
    }

    /// Removes a consumer with all that is pending for it; how much that was.
    pub fn dismiss(&mut self, name: &[u8]) -> Option<usize> {
        let number = self.numbers.remove(name)?;
        let gone = self.consumers.get_mut(number as usize)?.take()?;
        for (id, ()) in gone.pending.iter() {
            self.pending.remove(id);
        }
        Some(gone.pending.len())
    }

    /// Number of pending entries.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The pending entry `id`.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Pending> {
        self.pending.get(id)
    }

    /// Pending entries between `from` and `to`, both included.
    #[must_use]
    pub fn pending(&self, from: Id, to: Id) -> Iter<'_, Pending> {
        self.pending.range(from, to)
    }

    /// First and last pending ID.
    #[must_use]
    pub fn pending_edges(&self) -> Option<(Id, Id)> {
        Some((self.pending.first()?.0, self.pending.last()?.0))
    }

    /// Entry `id` is pending for a consumer from now on, whoever had it.
    pub fn assign(&mut self, id: Id, pending: Pending) {
        let old = self.pending.insert(id, pending);
        if let Some(old) = old
            && old.consumer != pending.consumer
            && let Some(consumer) = self.consumer_mut(old.consumer)
        {
            consumer.pending.remove(id);
        }
        if old.is_none_or(|old| old.consumer != pending.consumer)
            && let Some(consumer) = self.consumer_mut(pending.consumer)
        {
            consumer.pending.insert(id, ());
        }
    }

    /// Entry `id` is no longer pending; false if it was not.
    pub fn ack(&mut self, id: Id) -> bool {
        let Some(old) = self.pending.remove(id) else { return false };
        if let Some(consumer) = self.consumer_mut(old.consumer) {
            consumer.pending.remove(id);
        }
        true
    }

    /// Pending entry `id` was delivered once more to its consumer.
    pub fn redeliver(&mut self, id: Id, now: i64) {
        if let Some(pending) = self.pending.get_mut(id) {
            pending.time = now;
            pending.count = pending.count.saturating_add(1);
        }
    }

    /// Bytes from the allocator, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let each_consumer = size_of::<Consumer>() + 64;
        size_of::<Group>() + self.pending.bytes() + self.pending.len() * size_of::<Id>() + self.consumers.len() * each_consumer
    }

    /// Frees about `budget` pending entries; true when none is left.
    pub(super) fn free_some(&mut self, budget: &mut usize) -> bool {
        while *budget > 0 {
            let chunk = self.pending.take_chunk();
            let own = self.consumers.iter_mut().flatten().find_map(|c| c.pending.take_chunk());
            let freed = chunk.as_ref().map_or(0, |c| c.len()) + own.as_ref().map_or(0, |c| c.len());
            if freed == 0 {
                return true;
            }
            *budget = budget.saturating_sub(freed);
        }
        false
    }
}
