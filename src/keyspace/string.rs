//! Strings: setting, changing in place, detaching.
//!
//! Where it sits: over `Keyspace::write`, the one way in which a value is written.
//!
//! Invariants
//! - Bytes that an integer would print are kept as that integer, unless the string was changed in place since.
//! - Up to INLINE_MAX bytes live in the entry, more are kept apart; no operation copies a big value that nobody else
//!   holds.
//! - The limit of 512 MB is the caller's to check.
//!
//! Ref: redis.io/docs/latest/develop/data-types/strings

use bytes::{Bytes, BytesMut};

use super::entry::{Body, Content, Entry, Held, INLINE_MAX, Kind};
use super::item::{Ttl, Value, canonical_int};
use super::{Found, Key, Keyspace};
use crate::data::collection::Object;

impl Keyspace {
    /// Sets a string; one that reads as an integer becomes one. `false` when memory is out: then nothing changed.
    #[inline]
    pub fn set_str(&mut self, db: usize, key: &Key, value: &[u8], ttl: Ttl, now: i64) -> bool {
        self.now = now;
        if value.len() <= 20
            && let Some(number) = canonical_int(value)
        {
            return self.write(db, key, &Content::Int(number), false, ttl);
        }
        self.set_bytes(db, key, value, false, ttl)
    }

    /// Sets an integer. `false` when memory is out.
    #[inline]
    pub fn set_int(&mut self, db: usize, key: &Key, value: i64, ttl: Ttl) -> bool {
        self.write(db, key, &Content::Int(value), false, ttl)
    }

    /// Sets a string from a buffer, which is adopted without a copy when it is too big for an entry.
    /// `false` when memory is out.
    pub fn set_big(&mut self, db: usize, key: &Key, value: Bytes, ttl: Ttl) -> bool {
        match canonical_int(&value) {
            Some(number) => self.write(db, key, &Content::Int(number), false, ttl),
            None => self.adopt(db, key, value, false, ttl),
        }
    }

    /// Sets a key to a detached value. `false` when memory is out.
    pub fn put(&mut self, db: usize, key: &Key, value: Value, ttl: Ttl) -> bool {
        match value {
            Value::Int(number) => self.set_int(db, key, number, ttl),
            Value::Str { bytes, raw } => self.adopt(db, key, bytes, raw, ttl),
            Value::Object(object) => self.put_object(db, key, object, ttl),
        }
    }

    /// Removes a key and returns its value and expiry; a value kept apart moves without a copy.
    /// Does not look at the time.
    pub fn take(&mut self, db: usize, key: &Key) -> Option<(Value, Option<i64>)> {
        self.note(db, key.bytes);
        let found = self.locate(db, key)?;
        let view = self.store.view(found.entry);
        let (raw, at) = (view.is_raw(), view.expire_at());
        let value = match view.body() {
            Body::Int(number) => Value::Int(number),
            Body::Inline(pack) if view.kind() != Kind::String => {
                Object::from_pack(view.kind(), pack.to_vec()).map_or(Value::Int(0), Value::Object)
            }
            Body::Inline(bytes) => Value::Str { bytes: Bytes::copy_from_slice(bytes), raw },
            Body::Apart(_) => Value::Str { bytes: Bytes::new(), raw },
        };
        self.stats.changes += 1;
        let value = match self.detach(db, key, found) {
            None => value,
            Some(Held::Bytes(bytes)) => Value::Str { bytes, raw },
            Some(Held::Object(object)) => Value::Object(object),
        };
        Some((value, at))
    }

    /// A detached copy of a key's value (one kept apart is shared, not copied) and its expiry. Counts nothing and does
    /// not look at the time.
    #[must_use]
    pub fn get_value(&self, db: usize, key: &Key) -> Option<(Value, Option<i64>)> {
        let item = self.item(self.locate(db, key)?.entry);
        Some((item.to_value(), item.expire_at()))
    }

    /// Lends a string's bytes for a change: at least `min_len` of them, new ones zero. A missing key is made first.
    /// Keeps the expiry; the string counts as raw from now on. `false` when memory is out.
    pub fn edit_str(&mut self, db: usize, key: &Key, min_len: usize, change: impl FnOnce(&mut [u8])) -> bool {
        let Some(found) = self.make_bytes(db, key, min_len) else {
            self.stats.refused += 1;
            return false;
        };
        if let Body::Apart(number) = self.store.view(found.entry).body() {
            self.store.apart_mut().change(number, |bytes| {
                if bytes.len() < min_len {
                    bytes.resize(min_len, 0);
                }
                change(bytes);
            });
        } else if let Some(bytes) = self.store.inline_mut(found.entry) {
            change(bytes);
        }
        true
    }

    /// Appends to a string (a missing key is set to `tail`); the new length, `None` when memory is out.
    /// Repeated appends cost amortised O(1) a byte.
    pub fn append_str(&mut self, db: usize, key: &Key, tail: &[u8]) -> Option<usize> {
        let now = self.now;
        let Some(found) = self.locate(db, key) else {
            return self.set_str(db, key, tail, Ttl::None, now).then_some(tail.len());
        };
        let old_len = match self.store.view(found.entry).body() {
            Body::Int(number) => itoa::Buffer::new().format(number).len(),
            Body::Inline(bytes) => bytes.len(),
            Body::Apart(number) => {
                self.note(db, key.bytes);
                self.before(db, key, found.place, found.spot.unit);
                let len = self.store.apart_mut().change(number, |bytes| {
                    bytes.extend_from_slice(tail);
                    bytes.len()
                });
                self.stats.changes += 1;
                self.use_entry(found.entry);
                return len;
            }
        };
        let len = old_len.checked_add(tail.len())?;
        let done = self.edit_str(db, key, len, |bytes| {
            if let Some(end) = bytes.get_mut(old_len..len) {
                end.copy_from_slice(tail);
            }
        });
        done.then_some(len)
    }

    /// Bytes as they are, inline or apart by their length.
    fn set_bytes(&mut self, db: usize, key: &Key, value: &[u8], raw: bool, ttl: Ttl) -> bool {
        if value.len() <= INLINE_MAX {
            return self.write(db, key, &Content::Inline(value), raw, ttl);
        }
        self.adopt(db, key, Bytes::copy_from_slice(value), raw, ttl)
    }

    fn adopt(&mut self, db: usize, key: &Key, value: Bytes, raw: bool, ttl: Ttl) -> bool {
        if value.len() <= INLINE_MAX {
            return self.write(db, key, &Content::Inline(&value), raw, ttl);
        }
        let number = self.store.apart_mut().insert(value);
        self.write(db, key, &Content::Apart(number), raw, ttl)
    }

    /// Turns a key's value into bytes that can be changed in place: raw, `min_len` long at least (one kept apart is
    /// lengthened by the caller). `None` when memory is out.
    fn make_bytes(&mut self, db: usize, key: &Key, min_len: usize) -> Option<Found> {
        let Some(found) = self.locate(db, key) else {
            if min_len > INLINE_MAX {
                let zeroes = BytesMut::zeroed(min_len).freeze();
                return self.adopt(db, key, zeroes, true, Ttl::None).then(|| self.locate(db, key))?;
            }
            self.set_bytes(db, key, &[], true, Ttl::None).then_some(())?;
            let found = self.locate(db, key)?;
            return self.resize(found, min_len);
        };
        match self.store.view(found.entry).body() {
            Body::Int(number) => {
                let mut text = itoa::Buffer::new();
                self.set_bytes(db, key, text.format(number).as_bytes(), true, Ttl::Keep).then_some(())?;
                let found = self.locate(db, key)?;
                self.lengthen(db, key, found, min_len)
            }
            Body::Inline(_) | Body::Apart(_) => {
                self.note(db, key.bytes);
                self.use_entry(found.entry);
                self.before(db, key, found.place, found.spot.unit);
                self.stats.changes += 1;
                self.lengthen(db, key, found, min_len)
            }
        }
    }

    fn lengthen(&mut self, db: usize, key: &Key, found: Found, min_len: usize) -> Option<Found> {
        let Body::Inline(bytes) = self.store.view(found.entry).body() else {
            return Some(found);
        };
        if min_len > INLINE_MAX {
            let mut grown = BytesMut::with_capacity(min_len.saturating_add(min_len / 2));
            grown.extend_from_slice(bytes);
            grown.resize(min_len, 0);
            self.adopt(db, key, grown.freeze(), true, Ttl::Keep).then_some(())?;
            return self.locate(db, key);
        }
        self.resize(found, min_len.max(bytes.len()))
    }

    fn resize(&mut self, found: Found, len: usize) -> Option<Found> {
        let view = self.store.view(found.entry);
        let old = (view.expire_at(), view.timer());
        let is_growing = matches!(view.body(), Body::Inline(bytes) if !bytes.is_empty() && bytes.len() < len);
        let spare = if is_growing { (len / 2).min(INLINE_MAX - len.min(INLINE_MAX)) } else { 0 };
        let entry: Entry = self.store.resize(found.entry, len, spare)?;
        self.replaced(found, entry, old, old.0);
        Some(Found { entry, ..found })
    }
}
