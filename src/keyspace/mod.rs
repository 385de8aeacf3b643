//! One core's keys: the only door to them.
//!
//! ```text
//! mod.rs      Keyspace: finding, removing, expiry times; the one way in which a value is written
//! string.rs   string operations            expire.rs  keys whose time is over, active and lazy
//! touch.rs    the one write hook           walk.rs    snapshot without fork
//! tracked.rs  copies that clients have
//! scan.rs     SCAN, KEYS, RANDOMKEY        flush.rs   FLUSHDB, SWAPDB, freeing in slices
//! usage.rs    memory figures               item.rs    what callers see
//! table.rs    index over buckets.rs        entry.rs   entries over base/arena.rs         slots.rs  key -> slot -> core
//! ```
//! Where it sits: a command runs on the core that owns the key's slot and asks the `Keyspace` of that core. Nothing
//! here knows replies, clients or clocks: time is `now`, unix milliseconds; chance comes from the seed.
//!
//! A database is a **space** under a number: SWAPDB exchanges numbers, FLUSHDB gives the number a fresh space and
//! leaves the old one to be freed in slices. A space costs nothing until its first key.
//!
//! Invariants
//! - Every change of a key passes `touch.rs::before` first, and nothing else calls it.
//! - An entry is in the index exactly once; in the wheel exactly once if it has an expiry; its place in the wheel is
//!   in the entry. Keys of flushed spaces are still in the wheel until they are freed.
//! - A write that finds no memory changes nothing and returns `false` (counted in `stats.refused`).
//! - Writes do not look at the time. A command calls `find` (or `exists`) first, which deletes a key whose time is over;
//!   a blind SET without KEEPTTL need not.
//!
//! Budget: no allocation and no system call on a look-up or an overwrite; two cache misses, both prefetchable.

pub mod apart;
pub mod buckets;
pub mod collection;
pub mod entry;
pub mod expire;
pub mod flush;
pub mod item;
pub mod scan;
pub mod slots;
pub mod string;
pub mod table;
pub mod touch;
pub mod tracked;
pub mod usage;
pub mod walk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::Hasher;
use std::ops::Range;

use foldhash::{SharedSeed, quality::FoldHasher};

pub use collection::{Edited, Unedited};
pub use entry::{INLINE_MAX, Kind};
pub use expire::{Names, Over};
pub use item::{Item, Look, Stats, StrRef, Ttl, Tuning, Value};
pub use slots::{SLOTS, owner_of, range_of, slot_of};
pub use tracked::{Reader, Touched};
pub use walk::PreImages;

use crate::base::rng::Rng;
use crate::base::wheel::Wheel;
use crate::data::collection::Object;
use entry::{Content, Entry, Head, Held, Store};
use table::{Index, Place, Spot};

/// Address space for one core's entries and for its index; memory appears as it is used.
const ENTRY_SPACE: usize = 1 << 35;
const INDEX_SPACE: usize = 1 << 34;
/// The same for a scratch keyspace.
const SCRATCH_SPACE: usize = 1 << 32;
/// Slots are counted in groups of this many, so that the n-th key is found in 128 + 128 steps.
const GROUP: usize = 128;

/// A key with what is computed from it once.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// `Keyspace::hash` of them.
    pub hash: u64,
    /// `slot_of` them.
    pub slot: u16,
}

/// One database's storage.
#[derive(Default)]
struct Space {
    len: usize,
    expires: usize,
    /// Sum of all expiry times, for the average.
    expire_sum: i128,
    /// Keys by slot and by group of slots; empty until the first key.
    counts: Vec<u32>,
    groups: Vec<u32>,
    /// The database's number when the current snapshot began.
    number_at_cut: usize,
}

/// Keyed hash: an outsider does not know the seed and cannot choose keys that collide.
#[derive(Clone)]
struct KeyHasher {
    seed: u64,
    shared: SharedSeed,
}

impl KeyHasher {
    fn new(seed: u64) -> KeyHasher {
        let mut rng = Rng::new(seed);
        KeyHasher { seed: rng.next_u64(), shared: SharedSeed::from_u64(rng.next_u64()) }
    }

    #[inline]
    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(bytes);
        hasher.finish()
    }
}

/// The space and the name of a collection whose elements expire.
type ElementTimer = (usize, Box<[u8]>);

/// One core's keys. See the file's head.
pub struct Keyspace {
    /// Settings; the owner of the configuration writes them.
    pub tuning: Tuning,
    /// Counters; whoever publishes them reads or resets them.
    pub stats: Stats,
    index: Index,
    store: Store,
    wheel: Wheel,
    spaces: Vec<Space>,
    /// Database number -> space.
    numbers: Vec<usize>,
    free_spaces: Vec<usize>,
    doomed: VecDeque<flush::Doom>,
    hasher: KeyHasher,
    slots: Range<u16>,
    /// All slots share one root: a scratch keyspace.
    is_single: bool,
    rng: Rng,
    /// The latest time anybody passed in.
    now: i64,
    /// What the write hook has to do; 0 nearly always.
    attention: u8,
    watched: touch::Watched,
    awaited: touch::Awaited,
    tracked: tracked::Tracked,
    walk: Option<walk::Walk>,
    touched: BTreeSet<(usize, Vec<u8>)>,
    expired: expire::Expired,
    /// Big collections that are being freed in steps.
    graveyard: VecDeque<Object>,
    /// Collections whose elements expire: when the next one does, and its object's number -> space and key.
    element_timers: BTreeMap<(i64, u32), ElementTimer>,
}

/// The index's view of the entries; a macro because it borrows four fields and leaves the index free.
macro_rules! hands {
    ($keys:expr) => {
        &mut $crate::keyspace::walk::Hands {
            store: &$keys.store,
            hasher: &$keys.hasher,
            tuning: &$keys.tuning,
            spaces: &$keys.spaces,
            walk: &mut $keys.walk,
        }
    };
}
use hands;

/// A key that is there.
#[derive(Clone, Copy)]
struct Found {
    place: Place,
    spot: Spot,
    entry: Entry,
}

impl Keyspace {
    /// An empty keyspace of `databases` databases for a core that owns `slots`. Equal seeds behave equally.
    #[must_use]
    pub fn new(seed: u64, databases: usize, slots: Range<u16>) -> Keyspace {
        let roots = usize::from(slots.end.saturating_sub(slots.start));
        Keyspace::build(KeyHasher::new(seed), seed, databases, slots, (roots, ENTRY_SPACE, INDEX_SPACE))
    }

    /// A small empty keyspace with the same hash that takes keys of every slot, cheap to make and to drop: commands run
    /// on it with values fetched from other cores. It has as many databases. SCAN does not work on it.
    #[must_use]
    pub fn scratch(&self) -> Keyspace {
        let space = (1, SCRATCH_SPACE, SCRATCH_SPACE);
        let mut scratch = Keyspace::build(self.hasher.clone(), self.hasher.seed, self.numbers.len(), 0..SLOTS, space);
        scratch.is_single = true;
        scratch.tuning = self.tuning.clone();
        scratch.now = self.now;
        scratch
    }

    fn build(
        hasher: KeyHasher,
        seed: u64,
        databases: usize,
        slots: Range<u16>,
        (roots, entry_space, index_space): (usize, usize, usize),
    ) -> Keyspace {
        Keyspace {
            tuning: Tuning::default(),
            stats: Stats::default(),
            index: Index::new(roots, index_space),
            store: Store::new(entry_space),
            wheel: Wheel::new(),
            spaces: (0..databases).map(|_| Space::default()).collect(),
            numbers: (0..databases).collect(),
            free_spaces: Vec::new(),
            doomed: VecDeque::new(),
            hasher,
            slots,
            is_single: false,
            rng: Rng::new(seed ^ 0x6B65_7973),
            now: 0,
            attention: 0,
            watched: touch::Watched::default(),
            awaited: touch::Awaited::default(),
            tracked: tracked::Tracked::default(),
            walk: None,
            touched: BTreeSet::new(),
            expired: expire::Expired::default(),
            graveyard: VecDeque::new(),
            element_timers: BTreeMap::new(),
        }
    }

    /// Tells the time (unix ms) to operations that take none: new keys' clocks, the timing wheel. Once a turn is enough.
    #[inline]
    pub fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// Databases.
    #[must_use]
    pub fn databases(&self) -> usize {
        self.numbers.len()
    }

    /// The slots of this core.
    #[must_use]
    pub fn slots(&self) -> Range<u16> {
        self.slots.clone()
    }

    /// The hash of a key.
    #[inline]
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash(bytes)
    }

    /// The seed of all hashes.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.hasher.seed
    }

    /// A key with its hash and slot.
    #[inline]
    #[must_use]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        Key { bytes, hash: self.hash(bytes), slot: slot_of(bytes) }
    }

    /// First of three hints before a look-up: asks for what stands for the key's slot.
    #[inline]
    pub fn prefetch_root(&self, db: usize, key: &Key) {
        if let Some(place) = self.place(db, key.slot) {
            self.index.prefetch_root(place);
        }
    }

    /// Second hint: asks for the key's bucket.
    #[inline]
    pub fn prefetch_bucket(&self, db: usize, key: &Key) {
        if let Some(place) = self.place(db, key.slot) {
            self.index.prefetch_bucket(place, key.hash);
        }
    }

    /// Third hint, some time after the second: asks for the key's entry.
    #[inline]
    pub fn prefetch_entry(&self, db: usize, key: &Key) {
        if let Some(place) = self.place(db, key.slot)
            && let Some(entry) = self.index.likely(place, key.hash)
        {
            self.store.prefetch(entry);
        }
    }

    /// The key, unless it is missing or its time is over (then it is deleted first and queued as expired).
    #[inline]
    pub fn find(&mut self, db: usize, key: &Key, now: i64, look: Look) -> Option<Item<'_>> {
        self.now = now;
        let found = self.live(db, key, now);
        match look {
            Look::Read | Look::Peek if found.is_some() => self.stats.hits += 1,
            Look::Read | Look::Peek => self.stats.misses += 1,
            Look::Quiet | Look::Write => {}
        }
        let found = found?;
        if matches!(look, Look::Read | Look::Write) {
            self.use_entry(found.entry);
        }
        Some(self.item(found.entry))
    }

    /// Whether the key is there: a `find` with `Look::Peek`.
    pub fn exists(&mut self, db: usize, key: &Key, now: i64) -> bool {
        self.find(db, key, now, Look::Peek).is_some()
    }

    /// Deletes a key; says whether it was there (also when its time was over and nobody had noticed).
    pub fn remove(&mut self, db: usize, key: &Key) -> bool {
        self.note(db, key.bytes);
        let Some(found) = self.locate(db, key) else {
            return false;
        };
        self.stats.changes += 1;
        self.erase(db, key, found);
        true
    }

    /// Gives a key an expiry, unix ms, whatever that is: the caller deletes keys whose time is over already.
    /// `false` when the key is missing or memory is out.
    pub fn set_expire(&mut self, db: usize, key: &Key, at: i64) -> bool {
        self.change_expiry(db, key, Some(at))
    }

    /// Takes a key's expiry away; `false` when there is no key or it had none.
    pub fn clear_expire(&mut self, db: usize, key: &Key) -> bool {
        let has_expiry = self.locate(db, key).is_some_and(|found| self.store.view(found.entry).expire_at().is_some());
        has_expiry && self.change_expiry(db, key, None)
    }

    /// Keys of a database.
    #[must_use]
    pub fn len(&self, db: usize) -> usize {
        self.space(db).map_or(0, |space| space.len)
    }

    /// Whether a database has no key.
    #[must_use]
    pub fn is_empty(&self, db: usize) -> bool {
        self.len(db) == 0
    }

    /// Keys with an expiry.
    #[must_use]
    pub fn expires_len(&self, db: usize) -> usize {
        self.space(db).map_or(0, |space| space.expires)
    }

    /// Average time that keys with an expiry still have, ms.
    #[must_use]
    pub fn avg_ttl(&self, db: usize, now: i64) -> u64 {
        let Some(space) = self.space(db).filter(|space| space.expires > 0) else {
            return 0;
        };
        let average = space.expire_sum / space.expires as i128;
        u64::try_from(average - i128::from(now)).unwrap_or(0)
    }

    /// Keys of one slot.
    #[must_use]
    pub fn slot_len(&self, db: usize, slot: u16) -> usize {
        let count = || {
            let root = self.root_of(slot)?;
            self.space(db)?.counts.get(root).copied()
        };
        count().unwrap_or(0) as usize
    }

    /// Sets the access clock's seconds of use or counter of a key (RESTORE's IDLETIME and FREQ): `clock` is the raw 24
    /// bits of `Keyspace::clock_for_idle` or `clock_for_freq`. `false` when the key is missing.
    pub fn set_clock(&mut self, db: usize, key: &Key, clock: u32) -> bool {
        let Some(found) = self.locate(db, key) else {
            return false;
        };
        self.store.set_clock(found.entry, clock);
        true
    }

    /// The clock of a key unused for `idle` seconds at `now`.
    #[must_use]
    pub fn clock_for_idle(&self, idle: u64, now: i64) -> u32 {
        let lru = Tuning { is_lfu: false, ..self.tuning.clone() };
        lru.first_clock(now.saturating_sub(i64::try_from(idle.saturating_mul(1000)).unwrap_or(i64::MAX)))
    }

    /// The clock of a key with that use counter at `now`.
    #[must_use]
    pub fn clock_for_freq(&self, freq: u8, now: i64) -> u32 {
        let lfu = Tuning { is_lfu: true, ..self.tuning.clone() };
        (lfu.first_clock(now) & 0x00FF_FF00) | u32::from(freq)
    }

    // Below: what the other files of this folder use.

    #[inline]
    fn space(&self, db: usize) -> Option<&Space> {
        self.spaces.get(*self.numbers.get(db)?)
    }

    #[inline]
    fn root_of(&self, slot: u16) -> Option<usize> {
        if self.is_single {
            return Some(0);
        }
        self.slots.contains(&slot).then(|| usize::from(slot - self.slots.start))
    }

    #[inline]
    fn place(&self, db: usize, slot: u16) -> Option<Place> {
        Some(Place { space: *self.numbers.get(db)?, root: self.root_of(slot)? })
    }

    #[inline]
    fn locate(&self, db: usize, key: &Key) -> Option<Found> {
        let place = self.place(db, key.slot)?;
        let spot = self.index.find(place, key.hash, |number| self.store.has_key(Entry::from_number(number), key.bytes))?;
        let entry = Entry::from_number(self.index.get(spot));
        Some(Found { place, spot, entry })
    }

    /// The key if its time is not over; otherwise it is deleted here.
    #[inline]
    fn live(&mut self, db: usize, key: &Key, now: i64) -> Option<Found> {
        self.note(db, key.bytes);
        let found = self.locate(db, key)?;
        let is_over = self.store.view(found.entry).expire_at().is_some_and(|at| now > at);
        if !is_over || self.tuning.is_loading {
            return Some(found);
        }
        if !self.tuning.keep_expired {
            self.expire(db, key, found);
        }
        None
    }

    #[inline]
    fn item(&self, entry: Entry) -> Item<'_> {
        Item::new(self.store.view(entry), &self.store, &self.tuning)
    }

    #[inline]
    fn use_entry(&mut self, entry: Entry) {
        let clock = self.store.view(entry).clock();
        let rng = &mut self.rng;
        let used = self.tuning.used_clock(clock, self.now, || rng.unit());
        if used != clock {
            self.store.set_clock(entry, used);
        }
    }

    /// The one way in which a string's value is written: makes the key or overwrites it.
    /// A value kept apart that is refused is dropped.
    #[inline]
    fn write(&mut self, db: usize, key: &Key, content: &Content, raw: bool, ttl: Ttl) -> bool {
        self.write_kind(db, key, (Kind::String, content), raw, ttl)
    }

    /// The one way in which a value of any type is written.
    #[inline]
    fn write_kind(&mut self, db: usize, key: &Key, (kind, content): (Kind, &Content), raw: bool, ttl: Ttl) -> bool {
        self.note(db, key.bytes);
        let done = match self.locate(db, key) {
            Some(found) => self.overwrite(db, key, found, (kind, content), raw, ttl),
            None => self.add(db, key, (kind, content), raw, ttl),
        };
        if done.is_none() {
            self.stats.refused += 1;
            if let Content::Apart(number) = content {
                if kind == Kind::String {
                    self.store.apart_mut().remove(*number);
                } else {
                    self.remove_object(*number);
                }
            }
        }
        done.is_some()
    }

    #[inline]
    fn overwrite(&mut self, db: usize, key: &Key, found: Found, (kind, content): (Kind, &Content), raw: bool, ttl: Ttl) -> Option<()> {
        self.before(db, key, found.place, found.spot.unit);
        let view = self.store.view(found.entry);
        let mut head = view.head();
        let (old_at, old_timer) = (head.expire_at, head.timer);
        let old_apart = match view.body() {
            entry::Body::Apart(number) => Some((view.kind(), number)),
            _ => None,
        };
        head.kind = kind;
        head.raw = raw;
        match ttl {
            Ttl::Keep => {}
            Ttl::None => head.expire_at = None,
            Ttl::At(at) => head.expire_at = Some(at),
        }
        let rng = &mut self.rng;
        head.clock = self.tuning.used_clock(head.clock, self.now, || rng.unit());
        let entry = self.store.replace(found.entry, &head, key.bytes, content)?;
        match old_apart {
            None => {}
            Some((Kind::String, number)) => drop(self.store.apart_mut().remove(number)),
            Some((_, number)) => {
                self.remove_object(number);
            }
        }
        self.replaced(found, entry, (old_at, old_timer), head.expire_at);
        self.stats.changes += 1;
        Some(())
    }

    /// After an entry may have moved or got another expiry: index, wheel and counters follow.
    #[inline]
    fn replaced(&mut self, found: Found, entry: Entry, old: (Option<i64>, u32), new_at: Option<i64>) {
        let has_moved = entry != found.entry;
        if has_moved {
            self.index.set(found.spot, entry.number());
        }
        if old.0.is_some() || new_at.is_some() {
            self.retime(found.place.space, (entry, has_moved), old, new_at);
        }
    }

    fn add(&mut self, db: usize, key: &Key, (kind, content): (Kind, &Content), raw: bool, ttl: Ttl) -> Option<()> {
        let place = self.place(db, key.slot)?;
        let expire_at = match ttl {
            Ttl::At(at) => Some(at),
            Ttl::Keep | Ttl::None => None,
        };
        let head = Head { kind, raw, expire_at, timer: 0, clock: self.tuning.first_clock(self.now) };
        // The index first: making room there may fail, and does no harm when the entry fails after it.
        let unit = self.index.prepare(place, key.hash, hands!(self))?;
        let entry = self.store.create(&head, key.bytes, content)?;
        self.before(db, key, place, unit);
        if self.index.insert(place, key.hash, entry.number()).is_none() {
            self.store.free(entry);
            return None;
        }
        self.count(place, 1);
        if expire_at.is_some() {
            self.retime(place.space, (entry, false), (None, 0), expire_at);
        }
        self.stats.changes += 1;
        Some(())
    }

    fn change_expiry(&mut self, db: usize, key: &Key, at: Option<i64>) -> bool {
        self.note(db, key.bytes);
        let Some(found) = self.locate(db, key) else {
            return false;
        };
        self.before(db, key, found.place, found.spot.unit);
        let view = self.store.view(found.entry);
        let old = (view.expire_at(), view.timer());
        let Some(entry) = self.store.set_expiry(found.entry, at, old.1) else {
            self.stats.refused += 1;
            return false;
        };
        self.replaced(found, entry, old, at);
        self.stats.changes += 1;
        true
    }

    /// Takes a key out of everything and frees it. Returns its value if that was kept apart.
    fn detach(&mut self, db: usize, key: &Key, found: Found) -> Option<Held> {
        self.before_removal(db, key, found.place, found.spot.unit);
        self.index.remove(found.place, key.hash, found.spot, hands!(self));
        self.count(found.place, -1);
        self.bury(found.place.space, found.entry)
    }

    /// The same, for good: what the key held is freed, in steps when it is big.
    fn erase(&mut self, db: usize, key: &Key, found: Found) {
        if let Some(Held::Object(object)) = self.detach(db, key, found) {
            self.discard(object);
        }
    }

    /// Frees an entry that the index no longer has.
    fn bury(&mut self, space: usize, entry: Entry) -> Option<Held> {
        let view = self.store.view(entry);
        let old = (view.expire_at(), view.timer());
        if old.0.is_some() {
            self.retime(space, (entry, false), old, None);
        }
        let view = self.store.view(entry);
        if let entry::Body::Apart(number) = view.body()
            && let Some(object) = self.store.objects().get(number).filter(|_| view.kind() != Kind::String)
            && let Some(at) = object.next_expiry()
        {
            self.element_timers.remove(&(at, number));
        }
        self.store.free(entry)
    }

    /// One key more or less in a slot.
    #[inline]
    fn count(&mut self, place: Place, change: i32) {
        let Some(space) = self.spaces.get_mut(place.space) else {
            return;
        };
        if space.counts.is_empty() {
            let roots = if self.is_single { 1 } else { self.slots.len() };
            space.counts = vec![0; roots];
            space.groups = vec![0; roots.div_ceil(GROUP)];
        }
        space.len = space.len.saturating_add_signed(change as isize);
        if let Some(count) = space.counts.get_mut(place.root) {
            *count = count.saturating_add_signed(change);
        }
        if let Some(group) = space.groups.get_mut(place.root / GROUP) {
            *group = group.saturating_add_signed(change);
        }
    }
}

#[cfg(test)]
mod tests;
