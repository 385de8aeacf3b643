//! Keys and fields whose time is over: deleted when somebody asks for them, or by timers within milliseconds.
//!
//! A key is over when `now > at`, as in Redis, and so is a field of a hash. Either way its name is queued, in order, until
//! the caller drains the queue (keyspace events, effects for the log and the replicas). Keys have the timing wheel, hashes
//! with fields that have a time an ordered map by the first of those times (`element_timers`, kept by `collection.rs`).
//!
//! Invariants
//! - The wheel holds exactly the entries with an expiry, each at the place that its entry remembers (0 while it is
//!   being handed out, and for flushed keys that came up before they were freed).
//! - An expiry that moves later leaves the wheel alone: the key comes up early and is filed anew.
//! - `expire_due` handles at most `budget` timers of keys and a share of that of fields.
//!
//! Ref: redis.io/commands/expire ("How Redis expires keys")

use super::entry::{Body, Entry, Store};
use super::{Edited, Found, Key, Keyspace, Kind, slot_of};
use crate::base::wheel::{Poll, Timers};
use crate::data::collection::Collection;
use crate::data::hash::Hash;

/// How long a key is left in peace whose slot the caller wanted skipped, ms.
const SKIP_MS: i64 = 8;
/// Keys that are taken out of the wheel before the first of them is deleted.
const DUE_AT_ONCE: usize = 16;
/// Fields of one hash that are deleted before others have their turn.
const FIELDS_AT_ONCE: usize = 128;

/// What expired, as `drain_expired` hands it out.
#[derive(Clone, Copy)]
pub struct Over<'a> {
    /// Its database.
    pub db: usize,
    /// The key.
    pub key: &'a [u8],
    /// The fields of it that expired; none: the key itself did.
    pub fields: Names<'a>,
    /// The key went, too.
    pub is_gone: bool,
}

/// Names, end to end.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Names<'a> {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// In order.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| self.bytes.get(std::mem::replace(&mut start, end)..end).unwrap_or_default())
    }
}

/// One entry of the queue: where its parts end.
struct Gone {
    db: usize,
    key_end: usize,
    /// In `field_ends`.
    fields_end: usize,
    /// In `bytes`.
    end: usize,
    is_gone: bool,
}

/// Names of expired keys and fields, waiting to be drained.
#[derive(Default)]
pub(super) struct Expired {
    queue: Vec<Gone>,
    bytes: Vec<u8>,
    /// Where each field's name ends, counted from the end of its key's.
    field_ends: Vec<usize>,
    /// Hashes are left in peace until this time: one of them was in a slot to be skipped.
    fields_rest_until: i64,
}

impl Expired {
    fn key(&mut self, db: usize, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        let end = self.bytes.len();
        self.queue.push(Gone { db, key_end: end, fields_end: self.field_ends.len(), end, is_gone: true });
    }

    fn fields<'f>(&mut self, db: usize, key: &[u8], fields: impl Iterator<Item = &'f [u8]>, is_gone: bool) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        for field in fields {
            self.bytes.extend_from_slice(field);
            self.field_ends.push(self.bytes.len() - key_end);
        }
        self.queue.push(Gone { db, key_end, fields_end: self.field_ends.len(), end: self.bytes.len(), is_gone });
    }
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

    fn prefetch(&self, id: u32) {
        self.0.prefetch(id);
    }
}

/// The first millisecond at which a key is over.
fn due(at: Option<i64>) -> i64 {
    at.map_or(i64::MAX, |at| at.saturating_add(1))
}

impl Keyspace {
    /// Deletes keys and fields whose time is over, at most `budget` of them; `skip` says which slots to leave alone for now
    /// (held by a ticket). Returns how many were deleted. Call again at once while `next_expiry` is not after `now`.
    pub fn expire_due(&mut self, now: i64, budget: usize, skip: &mut dyn FnMut(u16) -> bool) -> usize {
        self.now = now;
        if !self.tuning.active_expire || self.tuning.keep_expired || self.tuning.is_loading {
            return 0;
        }
        let (mut deleted, mut left, mut is_idle) = (0, budget, false);
        let mut due: Vec<(Entry, u64, u16)> = Vec::with_capacity(DUE_AT_ONCE);
        while left > 0 && !is_idle {
            // Several at a time, so that the misses of finding them overlap.
            while left > 0 && due.len() < DUE_AT_ONCE {
                match self.wheel.poll(now, &mut Clockwork(&mut self.store)) {
                    Poll::Idle => {
                        is_idle = true;
                        break;
                    }
                    Poll::Moved => {}
                    Poll::Due(id) => {
                        let entry = Entry::from_number(id);
                        let bytes = self.store.view(entry).key();
                        let (hash, slot) = (self.hash(bytes), slot_of(bytes));
                        // Nearly all keys are in the first database.
                        self.prefetch_root(0, &Key { bytes: &[], hash, slot });
                        due.push((entry, hash, slot));
                    }
                }
                left -= 1;
            }
            for &(_, hash, slot) in &due {
                self.prefetch_bucket(0, &Key { bytes: &[], hash, slot });
            }
            for (entry, hash, slot) in due.drain(..) {
                deleted += usize::from(self.expire_entry(entry, (hash, slot), now, skip));
            }
        }
        // Hashes have a share of their own, so that neither keys nor fields wait for all of the others.
        deleted + self.expire_elements(now, left.max(budget / 4), skip)
    }

    /// No key and no field expires before this time (unix ms); `None` when nothing has an expiry or nothing is deleted
    /// because of it. Possibly early, never late.
    #[must_use]
    pub fn next_expiry(&self) -> Option<i64> {
        if !self.tuning.active_expire || self.tuning.keep_expired || self.tuning.is_loading {
            return None;
        }
        let fields = self.element_timers.first_key_value().map(|(&(at, _), _)| at.saturating_add(1).max(self.expired.fields_rest_until));
        [self.wheel.next_ms(), fields].into_iter().flatten().min()
    }

    /// Whether `drain_expired` has something.
    #[inline]
    #[must_use]
    pub fn has_expired(&self) -> bool {
        !self.expired.queue.is_empty()
    }

    /// Hands everything that expired since the last call to `each`, in order.
    pub fn drain_expired(&mut self, each: &mut dyn FnMut(Over)) {
        let (mut start, mut first) = (0, 0);
        let Expired { queue, bytes, field_ends, .. } = &mut self.expired;
        for gone in queue.iter() {
            let fields = Names {
                bytes: bytes.get(gone.key_end..gone.end).unwrap_or_default(),
                ends: field_ends.get(first..gone.fields_end).unwrap_or_default(),
            };
            each(Over { db: gone.db, key: bytes.get(start..gone.key_end).unwrap_or_default(), fields, is_gone: gone.is_gone });
            (start, first) = (gone.end, gone.fields_end);
        }
        queue.clear();
        bytes.clear();
        field_ends.clear();
        bytes.shrink_to(64 * 1024);
        queue.shrink_to(4096);
        field_ends.shrink_to(4096);
    }

    /// Deletes those of the named fields of the hash at `key` whose time is over; the key too when none is left.
    /// The type is not looked at: `find` comes first. Nothing happens where expired keys are kept.
    pub fn expire_fields(&mut self, db: usize, key: &Key, now: i64, fields: &[&[u8]]) {
        let find = |hash: &Hash, field: &[u8]| hash.view().find(field).is_some_and(|(_, ttl)| ttl.is_some_and(|at| at < now));
        self.expire_from(db, key, &mut |hash, names| {
            for field in fields {
                if find(hash, field) && hash.remove(field) {
                    names.push(field.to_vec());
                }
            }
        });
    }

    /// Deletes fields of the hash at `key` whose time is over, at most `budget` of them. As `expire_fields` otherwise.
    pub fn expire_some_fields(&mut self, db: usize, key: &Key, now: i64, budget: usize) -> usize {
        self.expire_from(db, key, &mut |hash, names| {
            hash.expire_due(now, budget, &mut |field| names.push(field.to_vec()));
        })
    }

    /// What `take` takes out of a hash and names is queued. It counts as no change, as with keys.
    fn expire_from(&mut self, db: usize, key: &Key, take: &mut dyn FnMut(&mut Hash, &mut Vec<Vec<u8>>)) -> usize {
        if self.tuning.keep_expired {
            return 0;
        }
        let changes = self.stats.changes;
        let mut names = Vec::new();
        let edited = self.edit::<Hash, ()>(db, key, |hash| {
            take(hash, &mut names);
            ((), names.len() as u64)
        });
        self.stats.changes = changes;
        let Some(Edited { is_gone, .. }) = edited.filter(|_| !names.is_empty()) else { return 0 };
        self.stats.expired_fields += names.len() as u64;
        self.expired.fields(db, key.bytes, names.iter().map(Vec::as_slice), is_gone);
        names.len()
    }

    /// Deletes fields of hashes whose time is over, the earliest hash first.
    fn expire_elements(&mut self, now: i64, budget: usize, skip: &mut dyn FnMut(u16) -> bool) -> usize {
        let mut deleted = 0;
        while deleted < budget && now >= self.expired.fields_rest_until {
            let Some((&(at, number), (space, bytes))) = self.element_timers.first_key_value() else { break };
            if at >= now {
                break;
            }
            let slot = slot_of(bytes);
            if skip(slot) {
                self.expired.fields_rest_until = now.saturating_add(SKIP_MS);
                break;
            }
            let (space, bytes) = (*space, bytes.clone());
            let key = Key { bytes: &bytes, hash: self.hash(&bytes), slot };
            let db = self.numbers.iter().position(|&other| other == space);
            let db = db.filter(|&db| self.object_at(db, &key) == Some(number));
            let count = match db {
                Some(db) => self.expire_some_fields(db, &key, now, FIELDS_AT_ONCE.min(budget - deleted)),
                None => 0,
            };
            if count == 0 {
                // A hash of a flushed space, on its way to be freed.
                self.element_timers.remove(&(at, number));
            }
            deleted += count.max(1);
        }
        deleted
    }

    /// The number of the object that a key holds.
    fn object_at(&self, db: usize, key: &Key) -> Option<u32> {
        let view = self.store.view(self.locate(db, key)?.entry);
        match view.body() {
            Body::Apart(number) if view.kind() == Kind::Hash => Some(number),
            _ => None,
        }
    }

    /// Deletes a found key because its time is over.
    #[cold]
    pub(super) fn expire(&mut self, db: usize, key: &Key, found: Found) {
        self.expired.key(db, key.bytes);
        self.stats.expired_keys += 1;
        self.erase(db, key, found);
    }

    /// A timer came up: the entry is out of the wheel now.
    fn expire_entry(&mut self, entry: Entry, (hash, slot): (u64, u16), now: i64, skip: &mut dyn FnMut(u16) -> bool) -> bool {
        if skip(slot) {
            let timer = self.wheel.insert(entry.number(), now.saturating_add(SKIP_MS), now);
            self.store.set_timer(entry, timer);
            return false;
        }
        let bytes = self.store.view(entry).key().to_vec();
        let key = Key { bytes: &bytes, hash, slot };
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
