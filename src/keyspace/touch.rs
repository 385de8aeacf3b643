//! The one write hook, and what hangs on it: WATCH versions, keys that somebody waits for, keys of which somebody has a copy
//! (tracked.rs), snapshot pre-images, the report of touched keys.
//!
//! `before` is called ahead of every change of a key, by Keyspace alone. With nothing watched, awaited or tracked, no walk and no report
//! it is one predictable branch on `attention`.
//!
//! Invariants
//! - A watched key's version grows with every change, and never repeats, so a token of an earlier WATCH cannot match.
//! - A key that expires after WATCH has changed; one that had expired before has not when it is deleted.
//! - An awaited key that changes, appears or goes is in the list of ready keys once, in the order of first changes.
//!
//! Ref: redis.io/docs/latest/develop/using-commands/transactions ("Optimistic locking"), WATCH and expiry as in 7.2

use std::collections::{BTreeMap, VecDeque};

use super::table::Place;
use super::{Key, Keyspace, hands};

/// `attention` bits.
const WATCHED: u8 = 1;
const WALKING: u8 = 2;
const REPORTING: u8 = 4;
const AWAITED: u8 = 8;
/// The list of ready keys is not empty.
const READY: u8 = 16;
/// Somebody has a copy of a key or wants to hear of keys.
pub(super) const TRACKED: u8 = 32;
/// Changes of such keys were noted.
pub(super) const TOUCHED: u8 = 64;
/// Somebody has to be told of them before anything else runs.
const UNTOLD: u8 = 128;
/// Token bit: the key's time was over when WATCH was called.
const WAS_EXPIRED: u64 = 1;

/// Whether a key is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    None,
    /// Its time is over and nobody has noticed.
    Over,
    Live,
}

struct Watch {
    db: usize,
    key: Box<[u8]>,
    watchers: usize,
    /// Stamp of the last change.
    version: u64,
    /// The same, but deleting the key after its time was over counts as well.
    version_with_burial: u64,
    /// SWAPDB has put a key here whose time was over where there was none: to whoever watches, there still is none.
    is_stale: bool,
}

/// All watched keys, by hash.
#[derive(Default)]
pub(super) struct Watched {
    keys: BTreeMap<u64, Vec<Watch>>,
    version: u64,
}

impl Watched {
    fn find(&mut self, db: usize, key: &Key) -> Option<&mut Watch> {
        let list = self.keys.get_mut(&key.hash)?;
        list.iter_mut().find(|w| w.db == db && *w.key == *key.bytes)
    }

    fn change(&mut self, db: usize, key: &Key, is_burial: bool) {
        self.version += 1;
        let version = self.version;
        if let Some(watch) = self.find(db, key) {
            if std::mem::take(&mut watch.is_stale) && is_burial {
                return;
            }
            watch.version_with_burial = version;
            if !is_burial {
                watch.version = version;
            }
        }
    }
}

/// A key with its database.
type Named = (usize, Box<[u8]>);

/// Keys that somebody waits for, by hash, and those of them that changed.
#[derive(Default)]
pub(super) struct Awaited {
    keys: BTreeMap<u64, Vec<Named>>,
    ready: VecDeque<Named>,
}

impl Awaited {
    fn has(&self, db: usize, key: &Key) -> bool {
        self.keys.get(&key.hash).is_some_and(|list| list.iter().any(|(d, k)| *d == db && **k == *key.bytes))
    }

    /// Notes a change; says whether the key is awaited.
    fn change(&mut self, db: usize, key: &Key) -> bool {
        if !self.has(db, key) {
            return false;
        }
        if !self.ready.iter().any(|(d, k)| *d == db && **k == *key.bytes) {
            self.ready.push_back((db, key.bytes.into()));
        }
        true
    }
}

impl Keyspace {
    /// From now on changes of the key, existing or not, are noted in the list of ready keys. Awaiting a key twice is awaiting it once.
    pub fn await_key(&mut self, db: usize, key: &Key) {
        if !self.awaited.has(db, key) {
            self.awaited.keys.entry(key.hash).or_default().push((db, key.bytes.into()));
        }
        self.attention |= AWAITED;
    }

    /// Nobody waits for the key any more.
    pub fn unawait_key(&mut self, db: usize, key: &Key) {
        if let Some(list) = self.awaited.keys.get_mut(&key.hash) {
            list.retain(|(d, k)| *d != db || **k != *key.bytes);
            if list.is_empty() {
                self.awaited.keys.remove(&key.hash);
            }
        }
        if self.awaited.keys.is_empty() {
            self.attention &= !AWAITED;
        }
    }

    /// Whether an awaited key changed since the list was emptied, or somebody has to be told of a change.
    #[inline(always)]
    #[must_use]
    pub fn has_ready(&self) -> bool {
        self.attention & (READY | UNTOLD) != 0
    }

    /// Whether everybody has been told of changes who has to be told before anything else runs.
    pub fn set_told(&mut self, is_told: bool) {
        self.attention = if is_told { self.attention & !UNTOLD } else { self.attention | UNTOLD };
    }

    /// The next awaited key that changed, with its database.
    pub fn take_ready(&mut self) -> Option<(usize, Box<[u8]>)> {
        let next = self.awaited.ready.pop_front();
        if self.awaited.ready.is_empty() {
            self.attention &= !READY;
        }
        next
    }

    fn note_ready(&mut self, db: usize, key: &Key) {
        if self.awaited.change(db, key) {
            self.attention |= READY;
        }
    }

    /// Begins to watch a key, existing or not; the token goes to `is_unchanged`. Every `watch` is ended by an
    /// `unwatch` of the same database and key.
    pub fn watch(&mut self, db: usize, key: &Key, now: i64) -> u64 {
        self.now = now;
        self.note(db, key.bytes);
        let was_expired = self.is_over(db, key, now);
        self.attention |= WATCHED;
        self.watched.version += 1;
        let version = self.watched.version;
        if self.watched.find(db, key).is_none() {
            let watch = Watch { db, key: key.bytes.into(), watchers: 0, version, version_with_burial: version, is_stale: false };
            self.watched.keys.entry(key.hash).or_default().push(watch);
        }
        let version = self.watched.find(db, key).map_or(0, |watch| {
            watch.watchers += 1;
            if was_expired { watch.version } else { watch.version_with_burial }
        });
        (version << 1) | if was_expired { WAS_EXPIRED } else { 0 }
    }

    /// Ends one `watch`.
    pub fn unwatch(&mut self, db: usize, key: &Key) {
        let Some(watch) = self.watched.find(db, key) else {
            return;
        };
        watch.watchers = watch.watchers.saturating_sub(1);
        if watch.watchers == 0
            && let Some(list) = self.watched.keys.get_mut(&key.hash)
        {
            list.retain(|w| w.watchers > 0);
            if list.is_empty() {
                self.watched.keys.remove(&key.hash);
            }
        }
        if self.watched.keys.is_empty() {
            self.attention &= !WATCHED;
        }
    }

    /// Whether nobody changed the key since the `watch` that gave `token`.
    pub fn is_unchanged(&mut self, db: usize, key: &Key, token: u64, now: i64) -> bool {
        self.now = now;
        let was_expired = token & WAS_EXPIRED != 0;
        let same = self.watched.find(db, key).is_some_and(|watch| {
            let version = if was_expired { watch.version } else { watch.version_with_burial };
            version == token >> 1
        });
        let is_stale = self.watched.find(db, key).is_some_and(|watch| watch.is_stale);
        same && (was_expired || is_stale || !self.is_over(db, key, now))
    }

    /// Switches the report of touched keys on (from empty) or off.
    pub fn record_touched(&mut self, on: bool) {
        self.touched.clear();
        self.attention = if on { self.attention | REPORTING } else { self.attention & !REPORTING };
    }

    /// Every (database, key) that any command looked at or changed since the last call, sorted.
    pub fn touched(&mut self) -> Vec<(usize, Vec<u8>)> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// A key is looked at.
    #[inline]
    pub(super) fn note(&mut self, db: usize, key: &[u8]) {
        if self.attention & REPORTING != 0 {
            self.report(db, key);
        }
    }

    #[cold]
    fn report(&mut self, db: usize, key: &[u8]) {
        self.touched.insert((db, key.to_vec()));
    }

    /// A key in bucket `unit` is about to change or appear.
    #[inline]
    pub(super) fn before(&mut self, db: usize, key: &Key, place: Place, unit: u32) {
        if self.attention & (WATCHED | WALKING | AWAITED | TRACKED) != 0 {
            self.before_noticed(db, key, place, unit, false);
        }
    }

    /// The value of a key in bucket `unit` may be about to change; `changed` follows if it did.
    #[inline]
    pub(super) fn before_edit(&mut self, place: Place, unit: u32) {
        if self.attention & WALKING != 0 {
            self.index.hand_out_once(place, unit, hands!(self));
        }
    }

    /// The value of a key changed, after `before_edit`.
    #[inline]
    pub(super) fn changed(&mut self, db: usize, key: &Key) {
        if self.attention & (WATCHED | AWAITED | TRACKED) != 0 {
            self.changed_noticed(db, key);
        }
    }

    #[cold]
    fn changed_noticed(&mut self, db: usize, key: &Key) {
        if self.attention & WATCHED != 0 {
            self.watched.change(db, key, false);
        }
        if self.attention & AWAITED != 0 {
            self.note_ready(db, key);
        }
        if self.attention & TRACKED != 0 {
            self.note_tracked(key);
        }
    }

    /// A key in bucket `unit` is about to go.
    #[inline]
    pub(super) fn before_removal(&mut self, db: usize, key: &Key, place: Place, unit: u32) {
        if self.attention & (WATCHED | WALKING | AWAITED | TRACKED) != 0 {
            let is_burial = self.is_over(db, key, self.now);
            self.before_noticed(db, key, place, unit, is_burial);
        }
    }

    #[cold]
    fn before_noticed(&mut self, db: usize, key: &Key, place: Place, unit: u32, is_burial: bool) {
        if self.attention & WATCHED != 0 {
            self.watched.change(db, key, is_burial);
        }
        if self.attention & AWAITED != 0 {
            self.note_ready(db, key);
        }
        if self.attention & TRACKED != 0 {
            self.note_tracked(key);
        }
        if self.attention & WALKING != 0 {
            self.index.hand_out_once(place, unit, hands!(self));
        }
    }

    /// A walk begins or ends.
    pub(super) fn set_walking(&mut self, on: bool) {
        self.attention = if on { self.attention | WALKING } else { self.attention & !WALKING };
        self.index.set_walking(on);
    }

    /// The keys of database `db` are about to be replaced by those of `other`, or by none: awaited keys that exist in either change,
    /// watched keys where that can be seen, since a key whose time is over is none.
    pub(super) fn before_replacing(&mut self, db: usize, other: Option<usize>) {
        if self.attention & (WATCHED | AWAITED) == 0 {
            return;
        }
        let awaited: Vec<Named> = self.awaited.keys.values().flatten().filter(|(of, _)| *of == db).cloned().collect();
        for (_, bytes) in awaited {
            let key = self.key(&bytes);
            if self.locate(db, &key).is_some() || other.is_some_and(|other| self.locate(other, &key).is_some()) {
                self.note_ready(db, &key);
            }
        }
        let watched: Vec<Box<[u8]>> = self.watched.keys.values().flatten().filter(|w| w.db == db).map(|w| w.key.clone()).collect();
        for bytes in watched {
            let key = self.key(&bytes);
            let (old, new) = (self.presence(db, &key), other.map_or(Presence::None, |other| self.presence(other, &key)));
            match (old, new) {
                (Presence::None, Presence::None) => {}
                (Presence::None, Presence::Over) => {
                    if let Some(watch) = self.watched.find(db, &key) {
                        watch.is_stale = true;
                    }
                }
                (Presence::Over, Presence::None | Presence::Over) => self.watched.change(db, &key, true),
                (Presence::Live, _) | (_, Presence::Live) => self.watched.change(db, &key, false),
            }
        }
    }

    fn presence(&self, db: usize, key: &Key) -> Presence {
        match self.locate(db, key) {
            None => Presence::None,
            Some(_) if self.is_over(db, key, self.now) => Presence::Over,
            Some(_) => Presence::Live,
        }
    }

    fn is_over(&self, db: usize, key: &Key, now: i64) -> bool {
        self.locate(db, key).and_then(|found| self.store.view(found.entry).expire_at()).is_some_and(|at| now > at)
    }
}
