//! Collections: changing them where they lie, setting and freeing them whole.
//!
//! Where it sits: beside `string.rs`. What a list or a hash *is* stands in `data/`; here is only how its bytes are kept
//! with the key: small ones as a pack inside the entry, the others as an object beside it.
//!
//! Invariants
//! - No collection that is gone (empty) stays in the keyspace.
//! - A snapshot sees the collection as it was: the bucket is handed out before anything changes, and an object that
//!   the snapshot then holds is copied node by node as it changes.
//! - A change that changed nothing leaves WATCH, counters and memory as they were.

use std::sync::Arc;

use super::entry::{Body, Content, Entry, Kind};
use super::item::Ttl;
use super::{Found, Key, Keyspace};
use crate::data::collection::{Collection, Hint, Object, PREFETCH_DEPTH};

/// Objects up to this many bytes are freed at once, others in steps.
const AT_ONCE: usize = 16 * 1024;

/// Collections up to this many bytes are in the processor's caches when they are in use.
const WORTH_PREFETCHING: usize = 256 * 1024;

/// What a change left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited<R> {
    /// What the change returned.
    pub out: R,
    /// The key is new.
    pub is_new: bool,
    /// The key went away because the collection is empty now.
    pub is_gone: bool,
}

/// Why a collection was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unedited {
    /// The key holds another type.
    WrongType,
    /// Memory is out.
    NoRoom,
}

impl Keyspace {
    /// Look-ups to be asked for at once: what they lead to fits the first cache, more would push each other out.
    pub const LOOKS: usize = 32;

    /// Asks for the memory that look-ups of elements in big collections will read, so that the misses of all overlap. The entries
    /// of the keys should be on their way already. A hint: it changes nothing.
    pub fn prefetch_elements<'a>(&self, looks: impl Iterator<Item = (usize, Key<'a>, Hint<'a>)>) {
        let (mut last, mut list) = (None, Vec::new());
        for (db, key, hint) in looks {
            let object = match last {
                Some((d, hash, object)) if d == db && hash == key.hash => object,
                _ => self.big_object(db, &key),
            };
            last = Some((db, key.hash, object));
            if let Some(object) = object {
                if list.is_empty() {
                    list.reserve(Self::LOOKS);
                }
                list.push((object, hint));
            }
        }
        for depth in 0..PREFETCH_DEPTH {
            for (object, hint) in &mut list {
                object.prefetch(hint, depth);
            }
        }
    }

    /// The collection at a key (most likely that key's) if it is too big for the processor's caches.
    fn big_object(&self, db: usize, key: &Key) -> Option<&Object> {
        let place = self.place(db, key.slot)?;
        let view = self.store.view(Entry::from_number(self.index.likely(place, key.hash)?));
        match view.body() {
            Body::Apart(number) if view.kind() != Kind::String => {
                self.store.objects().get(number).filter(|o| o.bytes() > WORTH_PREFETCHING)
            }
            _ => None,
        }
    }

    /// Changes the collection at `key`; a missing one is an empty one first, and one that is empty afterwards goes away.
    /// `change` returns what it likes and the number of elements that it changed; with 0 nothing has happened (so it must not
    /// have changed anything then). The expiry stays. Neither the type nor the time is looked at: `find` comes first.
    /// `None` when memory is out or the key holds another type: then nothing changed.
    #[inline]
    pub fn edit<C: Collection, R>(&mut self, db: usize, key: &Key, change: impl FnOnce(&mut C) -> (R, u64)) -> Option<Edited<R>> {
        self.note(db, key.bytes);
        match self.locate(db, key) {
            Some(found) => self.edit_found(db, key, found, change),
            None => self.edit_new(db, key, change),
        }
    }

    /// The same for a key at which nobody looked before: its time and its type are seen to in the one look-up.
    #[inline]
    pub fn edit_live<C: Collection, R>(
        &mut self,
        db: usize,
        key: &Key,
        now: i64,
        change: impl FnOnce(&mut C) -> (R, u64),
    ) -> Result<Edited<R>, Unedited> {
        self.now = now;
        let done = match self.live(db, key, now) {
            Some(found) if self.store.view(found.entry).kind() != C::KIND => return Err(Unedited::WrongType),
            Some(found) => self.edit_found(db, key, found, change),
            None => self.edit_new(db, key, change),
        };
        done.ok_or(Unedited::NoRoom)
    }

    #[inline]
    fn edit_found<C: Collection, R>(
        &mut self,
        db: usize,
        key: &Key,
        found: Found,
        change: impl FnOnce(&mut C) -> (R, u64),
    ) -> Option<Edited<R>> {
        let view = self.store.view(found.entry);
        if view.kind() != C::KIND {
            return None;
        }
        match view.body() {
            Body::Apart(number) => self.edit_object(db, key, found, number, change),
            Body::Inline(pack) => {
                // Room for a few more elements, so that most changes allocate once.
                let mut copy = Vec::with_capacity(pack.len() + 128);
                copy.extend_from_slice(pack);
                self.edit_pack(db, key, found, C::from_pack(copy), change)
            }
            Body::Int(_) => None,
        }
    }

    fn edit_new<C: Collection, R>(&mut self, db: usize, key: &Key, change: impl FnOnce(&mut C) -> (R, u64)) -> Option<Edited<R>> {
        let mut fresh = C::default();
        let (out, changes) = change(&mut fresh);
        if changes == 0 || fresh.is_gone() {
            return Some(Edited { out, is_new: false, is_gone: false });
        }
        self.put_object(db, key, C::wrap(Arc::new(fresh)), Ttl::None).then_some(())?;
        self.stats.changes += changes - 1;
        Some(Edited { out, is_new: true, is_gone: false })
    }

    fn edit_pack<C: Collection, R>(
        &mut self,
        db: usize,
        key: &Key,
        found: Found,
        mut value: C,
        change: impl FnOnce(&mut C) -> (R, u64),
    ) -> Option<Edited<R>> {
        let (out, changes) = change(&mut value);
        if changes == 0 {
            self.use_entry(found.entry);
            return Some(Edited { out, is_new: false, is_gone: false });
        }
        if value.is_gone() {
            self.stats.changes += changes;
            self.erase(db, key, found);
            return Some(Edited { out, is_new: false, is_gone: true });
        }
        let done = match value.as_pack().filter(|pack| pack.len() <= C::INLINE_MAX) {
            Some(pack) => self.overwrite(db, key, found, (C::KIND, &Content::Inline(pack)), false, Ttl::Keep),
            None => {
                let number = self.insert_object(db, key, C::wrap(Arc::new(value)));
                let done = self.overwrite(db, key, found, (C::KIND, &Content::Apart(number)), false, Ttl::Keep);
                if done.is_none() {
                    self.remove_object(number);
                }
                self.finish_edit(done, changes)?;
                return Some(Edited { out, is_new: false, is_gone: false });
            }
        };
        self.finish_edit(done, changes)?;
        Some(Edited { out, is_new: false, is_gone: false })
    }

    fn finish_edit(&mut self, done: Option<()>, changes: u64) -> Option<()> {
        match done {
            Some(()) => self.stats.changes += changes - 1,
            None => self.stats.refused += 1,
        }
        done
    }

    fn edit_object<C: Collection, R>(
        &mut self,
        db: usize,
        key: &Key,
        found: Found,
        number: u32,
        change: impl FnOnce(&mut C) -> (R, u64),
    ) -> Option<Edited<R>> {
        // A snapshot takes its handle before the object is taken out of its place.
        self.before_edit(found.place, found.spot.unit);
        let object = self.store.objects_mut().borrow(number)?;
        let old_expiry = if C::HAS_EXPIRY { object.next_expiry() } else { None };
        let mut handle = C::unwrap(object)?;
        let value = Arc::make_mut(&mut handle);
        let (out, changes) = change(value);
        let is_gone = value.is_gone();
        let small = value.as_pack().filter(|pack| pack.len() <= C::INLINE_MAX / 2).map(<[u8]>::to_vec);
        let new_expiry = if C::HAS_EXPIRY { value.next_expiry() } else { None };
        self.store.objects_mut().restore(number, C::wrap(handle));
        if C::HAS_EXPIRY && old_expiry != new_expiry {
            self.move_element_timer(db, key, number, old_expiry, new_expiry);
        }
        if changes == 0 {
            self.use_entry(found.entry);
            return Some(Edited { out, is_new: false, is_gone: false });
        }
        self.changed(db, key);
        self.stats.changes += changes;
        if is_gone {
            self.erase(db, key, found);
            return Some(Edited { out, is_new: false, is_gone: true });
        }
        match small {
            // Failing to become small again is no failure: the object stays what it is.
            Some(pack) => drop(self.overwrite_quietly(found, key, C::KIND, &pack)),
            None => self.use_entry(found.entry),
        }
        Some(Edited { out, is_new: false, is_gone: false })
    }

    /// An object becomes a pack inside its entry.
    fn overwrite_quietly(&mut self, found: Found, key: &Key, kind: Kind, pack: &[u8]) -> Option<()> {
        let view = self.store.view(found.entry);
        let Body::Apart(number) = view.body() else { return None };
        let mut head = view.head();
        let (at, timer) = (head.expire_at, head.timer);
        head.kind = kind;
        let entry: Entry = self.store.replace(found.entry, &head, key.bytes, &Content::Inline(pack))?;
        self.remove_object(number);
        self.replaced(found, entry, (at, timer), at);
        self.use_entry(entry);
        Some(())
    }

    /// Sets a key to a whole collection. `false` when memory is out.
    pub fn put_object(&mut self, db: usize, key: &Key, object: Object, ttl: Ttl) -> bool {
        let kind = object.kind();
        if let Some(pack) = object.as_inline() {
            return self.write_kind(db, key, (kind, &Content::Inline(pack)), false, ttl);
        }
        let number = self.insert_object(db, key, object);
        self.write_kind(db, key, (kind, &Content::Apart(number)), false, ttl)
    }

    fn insert_object(&mut self, db: usize, key: &Key, object: Object) -> u32 {
        let at = object.next_expiry();
        let number = self.store.objects_mut().insert(object);
        if at.is_some() {
            self.move_element_timer(db, key, number, None, at);
        }
        number
    }

    /// Takes an object out of its place, with its timer.
    pub(super) fn remove_object(&mut self, number: u32) {
        if let Some(object) = self.store.objects_mut().remove(number) {
            self.forget_element_timer(number, &object);
            self.discard(object);
        }
    }

    /// An object left its place: nobody is to be told when its elements expire.
    pub(super) fn forget_element_timer(&mut self, number: u32, object: &Object) {
        if let Some(at) = object.next_expiry() {
            self.element_timers.remove(&(at, number));
        }
    }

    fn move_element_timer(&mut self, db: usize, key: &Key, number: u32, old: Option<i64>, new: Option<i64>) {
        let space = self.numbers.get(db).copied().unwrap_or_default();
        let mut name: Box<[u8]> = key.bytes.into();
        if let Some(at) = old
            && let Some((_, kept)) = self.element_timers.remove(&(at, number))
        {
            name = kept;
        }
        if let Some(at) = new {
            self.element_timers.insert((at, number), (space, name));
        }
    }

    /// A collection that nobody can reach any more: freed now if it is small, else in steps. Says whether it is left to those.
    pub(super) fn discard(&mut self, object: Object) -> bool {
        let is_big = object.bytes() > AT_ONCE;
        if is_big {
            self.graveyard.push_back(object);
        }
        is_big
    }

    /// Frees about `budget` elements of discarded collections; returns what is left of the budget.
    pub(super) fn free_graves(&mut self, budget: usize) -> usize {
        // Freeing an element of a node costs far less than freeing a key.
        const ELEMENTS_A_KEY: usize = 8;
        let mut left = budget;
        while left > 0
            && let Some(object) = self.graveyard.front_mut()
        {
            if object.free_some(left * ELEMENTS_A_KEY) {
                self.graveyard.pop_front();
                self.stats.lazyfreed += 1;
                left -= 1;
            } else {
                left = 0;
            }
        }
        left
    }
}
