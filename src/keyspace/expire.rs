//! Keys whose time is over: deleted when somebody asks for them, or by the timing wheel within milliseconds.
//!
//! A key is over when `now > at`, as in Redis. Either way its name is queued, in order, until the caller drains the
//! queue (keyspace events, effects for the log and the replicas).
//!
//! Invariants
//! - The wheel holds exactly the entries with an expiry, each at the place that its entry remembers (0 while it is
//!   being handed out, and for flushed keys that came up before they were freed).
//! - An expiry that moves later leaves the wheel alone: the key comes up early and is filed anew.
//! - `expire_due` handles at most `budget` timers.
//!
//! Ref: redis.io/commands/expire ("How Redis expires keys")

use super::entry::{Entry, Store};
use super::{Found, Key, Keyspace, slot_of};
use crate::base::wheel::{Poll, Timers};

/// How long the wheel leaves a key in peace whose slot the caller wanted skipped, ms.
const SKIP_MS: i64 = 8;

/// Names of expired keys, waiting to be drained.
#[derive(Default)]
pub(super) struct Expired {
    /// Database, and where its key ends in `bytes`.
    ends: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

/// The wheel's view of the entries.
pub(super) struct Clockwork<'a>(pub(super) &'a mut Store);

impl Timers for Clockwork<'_> {
    fn due_ms(&self, id: u32) -> i64 {
        due(self.0.view(Entry::from_number(id)).expire_at())
    }

    fn placed(&mut self, id: u32, place: u32) {
        self.0.set_timer(Entry::from_number(id), place);
    }
}

/// The first millisecond at which a key is over.
fn due(at: Option<i64>) -> i64 {
    at.map_or(i64::MAX, |at| at.saturating_add(1))
}

impl Keyspace {
    /// Deletes keys whose time is over, at most `budget` of them; `skip` says which slots to leave alone for now
    /// (held by a ticket). Returns how many were deleted. Call again at once while `next_expiry` is not after `now`.
    pub fn expire_due(&mut self, now: i64, budget: usize, skip: &mut dyn FnMut(u16) -> bool) -> usize {
        self.now = now;
        if !self.tuning.active_expire || self.tuning.keep_expired {
            return 0;
        }
        let mut deleted = 0;
        for _ in 0..budget {
            match self.wheel.poll(now, &mut Clockwork(&mut self.store)) {
                Poll::Idle => break,
                Poll::Moved => {}
                Poll::Due(id) => deleted += usize::from(self.expire_entry(Entry::from_number(id), now, skip)),
            }
        }
        deleted
    }

    /// No key expires before this time (unix ms); `None` when no key has an expiry. Possibly early, never late.
    #[must_use]
    pub fn next_expiry(&self) -> Option<i64> {
        self.wheel.next_ms()
    }

    /// Whether `drain_expired` has something.
    #[inline]
    #[must_use]
    pub fn has_expired(&self) -> bool {
        !self.expired.ends.is_empty()
    }

    /// Hands every key that expired since the last call to `each` (database, key), in order.
    pub fn drain_expired(&mut self, each: &mut dyn FnMut(usize, &[u8])) {
        let mut start = 0;
        for &(db, end) in &self.expired.ends {
            each(db, self.expired.bytes.get(start..end).unwrap_or_default());
            start = end;
        }
        self.expired.ends.clear();
        self.expired.bytes.clear();
        self.expired.bytes.shrink_to(64 * 1024);
        self.expired.ends.shrink_to(4096);
    }

    /// Deletes a found key because its time is over.
    #[cold]
    pub(super) fn expire(&mut self, db: usize, key: &Key, found: Found) {
        self.expired.bytes.extend_from_slice(key.bytes);
        self.expired.ends.push((db, self.expired.bytes.len()));
        self.stats.expired_keys += 1;
        self.erase(db, key, found);
    }

    /// A timer came up: the entry is out of the wheel now.
    fn expire_entry(&mut self, entry: Entry, now: i64, skip: &mut dyn FnMut(u16) -> bool) -> bool {
        let view = self.store.view(entry);
        let bytes = view.key().to_vec();
        let slot = slot_of(&bytes);
        if skip(slot) {
            let timer = self.wheel.insert(entry.number(), now.saturating_add(SKIP_MS), now);
            self.store.set_timer(entry, timer);
            return false;
        }
        let key = Key { bytes: &bytes, hash: self.hash(&bytes), slot };
        for db in 0..self.numbers.len() {
            let Some(place) = self.place(db, slot) else {
                continue;
            };
            let spot = self.index.find(place, key.hash, |number| number == entry.number());
            if let Some(spot) = spot {
                self.expire(db, &key, Found { place, spot, entry });
                return true;
            }
        }
        // A key of a flushed space, on its way to be freed.
        false
    }

    /// An entry's expiry went from `old` (with its place in the wheel) to `new`: wheel and counters follow. The entry's
    /// header has the new expiry already, and `old`'s place if it has any.
    pub(super) fn retime(&mut self, space: usize, (entry, has_moved): (Entry, bool), (old, timer): (Option<i64>, u32), new: Option<i64>) {
        if let Some(space) = self.spaces.get_mut(space) {
            space.expires = space.expires + usize::from(new.is_some()) - usize::from(old.is_some());
            space.expire_sum += i128::from(new.unwrap_or(0)) - i128::from(old.unwrap_or(0));
        }
        let is_filed = timer != 0;
        let may_stay = is_filed && new.is_some() && due(new) >= due(old);
        if may_stay {
            if has_moved {
                self.wheel.rename(timer, entry.number());
            }
            return;
        }
        if is_filed {
            // Another timer may take the place; the entry itself is never told, so it may be gone already.
            if has_moved {
                self.wheel.rename(timer, entry.number());
            }
            self.wheel.remove(timer, &mut Clockwork(&mut self.store));
        }
        if new.is_some() {
            let timer = self.wheel.insert(entry.number(), due(new), self.now);
            self.store.set_timer(entry, timer);
        }
    }
}
