//! What callers of the keyspace see of a value: a found entry, a detached value, and the settings and counters.
//!
//! Where it sits: between `mod.rs` and everything above.
//! It does not change anything; all changes go through `Keyspace`.
//!
//! Ref: redis.io/commands/object-encoding, object-idletime, object-freq (behaviour of 7.2)

use bytes::Bytes;

use super::entry::{Body, Kind, Store, View};
use crate::data::collection::{Collection, Object, encoding_of_pack};

/// Longest string whose encoding is called "embstr".
const EMBSTR_MAX: usize = 44;
/// What a new key's LFU counter starts at.
const LFU_START: u32 = 5;
const CLOCK_MASK: u32 = 0x00FF_FFFF;

/// Settings that the keyspace obeys. Whoever owns the configuration writes them.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// The access clock counts uses (LFU) instead of seconds (LRU).
    pub is_lfu: bool,
    /// lfu-log-factor.
    pub lfu_log_factor: u32,
    /// lfu-decay-time, minutes; 0 = never.
    pub lfu_decay_time: u32,
    /// Which keyspace events are wanted; for those above, the keyspace does not read it.
    pub notify: u32,
    /// Expired keys are reported as missing but stay until somebody deletes them (a replica).
    pub keep_expired: bool,
    /// A log is being carried out: keys whose time is over stay until it deletes them.
    pub is_loading: bool,
    /// `expire_due` deletes nothing while this is off (DEBUG SET-ACTIVE-EXPIRE 0).
    pub active_expire: bool,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            is_lfu: false,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
            notify: 0,
            keep_expired: false,
            is_loading: false,
            active_expire: true,
        }
    }
}

impl Tuning {
    /// The clock of a key that is created at `now` (unix ms).
    #[inline]
    pub(super) fn first_clock(&self, now: i64) -> u32 {
        if self.is_lfu { (minutes(now) << 8) | LFU_START } else { seconds(now) }
    }

    /// The counter of an LFU clock after its decay until `now`.
    pub(super) fn decayed(&self, clock: u32, now: i64) -> u32 {
        let (then, count) = (clock >> 8, clock & 0xFF);
        let now = minutes(now);
        let elapsed = if now >= then { now - then } else { 65535 - then + now };
        let periods = elapsed.checked_div(self.lfu_decay_time).unwrap_or(0);
        count.saturating_sub(periods)
    }

    /// The clock after one more use at `now`; `chance` is random in [0, 1).
    pub(super) fn used_clock(&self, clock: u32, now: i64, chance: impl FnOnce() -> f64) -> u32 {
        if !self.is_lfu {
            return seconds(now);
        }
        let mut count = self.decayed(clock, now);
        if count < 255 {
            let base = f64::from(count.saturating_sub(LFU_START));
            if chance() < 1.0 / (base * f64::from(self.lfu_log_factor) + 1.0) {
                count += 1;
            }
        }
        (minutes(now) << 8) | count
    }
}

fn seconds(now: i64) -> u32 {
    (now.div_euclid(1000) as u32) & CLOCK_MASK
}

fn minutes(now: i64) -> u32 {
    (now.div_euclid(60_000) as u32) & 0xFFFF
}

/// Plain counters since the start (or since somebody set them to 0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Look-ups for reading that found a key.
    pub hits: u64,
    /// Look-ups for reading that found none.
    pub misses: u64,
    /// Keys deleted because their time was over.
    pub expired_keys: u64,
    /// Fields of hashes deleted because their time was over.
    pub expired_fields: u64,
    /// Changes of any key ("dirty").
    pub changes: u64,
    /// Flushed keys and big values that were freed after they were gone.
    pub lazyfreed: u64,
    /// Writes refused because the core's memory for entries or index was full.
    pub refused: u64,
}

/// What a look-up counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A read: counts a hit or miss, sets the access clock.
    Read,
    /// A read that leaves the access clock alone (EXISTS, TYPE, TTL, a NO-TOUCH client): counts a hit or miss.
    Peek,
    /// Nothing at all (OBJECT, DEBUG, internal use).
    Quiet,
    /// For a write: sets the access clock only.
    Write,
}

/// What a write does with the key's expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Leave it.
    Keep,
    /// Remove it.
    None,
    /// Set it, unix ms.
    At(i64),
}

/// A string's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrRef<'a> {
    /// Kept as an integer.
    Int(i64),
    /// Kept as bytes.
    Bytes(&'a [u8]),
}

/// A detached value that may go to another core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string kept as an integer.
    Int(i64),
    /// Any other string.
    Str {
        /// The bytes, of any length.
        bytes: Bytes,
        /// Whether its encoding is "raw" at any length.
        raw: bool,
    },
    /// A collection; a big one is handed over without a copy.
    Object(Object),
}

/// A key that was found.
#[derive(Clone, Copy)]
pub struct Item<'k> {
    view: View<'k>,
    store: &'k Store,
    tuning: &'k Tuning,
}

impl<'k> Item<'k> {
    #[inline]
    pub(super) fn new(view: View<'k>, store: &'k Store, tuning: &'k Tuning) -> Item<'k> {
        Item { view, store, tuning }
    }

    /// The key.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &'k [u8] {
        self.view.key()
    }

    /// The type.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.view.kind()
    }

    /// The string; of another type's value, nothing that means anything.
    #[inline]
    #[must_use]
    pub fn string(&self) -> StrRef<'k> {
        match self.view.body() {
            Body::Int(n) => StrRef::Int(n),
            Body::Inline(bytes) => StrRef::Bytes(bytes),
            Body::Apart(number) => StrRef::Bytes(self.store.apart().get(number).map_or(&[], |b| &b[..])),
        }
    }

    /// The handle of a string that is kept apart: clone it to hold the bytes without a copy.
    #[inline]
    #[must_use]
    pub fn big(&self) -> Option<&'k Bytes> {
        match self.view.body() {
            Body::Apart(number) if self.kind() == Kind::String => self.store.apart().get(number),
            _ => None,
        }
    }

    /// The handle of a collection that is kept apart: clone it to hold the collection without a copy.
    #[inline]
    #[must_use]
    pub fn object(&self) -> Option<&'k Object> {
        match self.view.body() {
            Body::Apart(number) if self.kind() != Kind::String => self.store.objects().get(number),
            _ => None,
        }
    }

    /// The collection, to read; `None` when it is of another type.
    #[inline]
    #[must_use]
    pub fn get<C: Collection>(&self) -> Option<C::Ref<'k>> {
        if self.kind() != C::KIND {
            return None;
        }
        match self.view.body() {
            Body::Inline(pack) => Some(C::view_pack(pack)),
            Body::Apart(number) => self.store.objects().get(number).and_then(C::of).map(C::view),
            Body::Int(_) => None,
        }
    }

    /// When it expires, unix ms.
    #[inline]
    #[must_use]
    pub fn expire_at(&self) -> Option<i64> {
        self.view.expire_at()
    }

    /// OBJECT ENCODING: "int", "embstr", "raw", or the form of a collection.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match (self.kind(), self.view.body()) {
            (Kind::String, _) | (_, Body::Int(_)) => {}
            (kind, Body::Inline(pack)) => return encoding_of_pack(kind, pack),
            (_, Body::Apart(number)) => return self.store.objects().get(number).map_or("", Object::encoding),
        }
        match self.string() {
            StrRef::Int(_) => "int",
            StrRef::Bytes(b) if b.len() <= EMBSTR_MAX && !self.view.is_raw() => "embstr",
            StrRef::Bytes(_) => "raw",
        }
    }

    /// Whether the string was changed in place.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.view.is_raw()
    }

    /// Seconds since the last use, with an LRU policy.
    #[must_use]
    pub fn idle_seconds(&self, now: i64) -> u32 {
        seconds(now).wrapping_sub(self.view.clock()) & CLOCK_MASK
    }

    /// The use counter (0..=255) decayed until `now`, with an LFU policy.
    #[must_use]
    pub fn freq(&self, now: i64) -> u8 {
        self.tuning.decayed(self.view.clock(), now) as u8
    }

    /// A detached copy; a value kept apart is shared instead of copied.
    #[must_use]
    pub fn to_value(&self) -> Value {
        if self.kind() != Kind::String {
            return self.to_object().map_or(Value::Int(0), Value::Object);
        }
        match (self.string(), self.big()) {
            (StrRef::Int(n), _) => Value::Int(n),
            (_, Some(big)) => Value::Str { bytes: big.clone(), raw: self.view.is_raw() },
            (StrRef::Bytes(bytes), None) => Value::Str { bytes: Bytes::copy_from_slice(bytes), raw: self.view.is_raw() },
        }
    }
}

impl Item<'_> {
    /// The collection, detached: a big one is shared, a packed one copied. `None` for a string.
    #[must_use]
    pub fn to_object(&self) -> Option<Object> {
        match self.view.body() {
            _ if self.kind() == Kind::String => None,
            Body::Inline(pack) => Object::from_pack(self.kind(), pack.to_vec()),
            Body::Apart(number) => self.store.objects().get(number).cloned(),
            Body::Int(_) => None,
        }
    }
}

/// The integer that `text` is, if it is written as Redis would print it: no sign but a minus, no leading zero.
#[inline]
#[must_use]
pub(super) fn canonical_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut magnitude = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // 19 digits are below 10^19 < 2^64.
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_integers_are_kept_as_integers() {
        for n in [0, 1, -1, 9, 10, -10, i64::MAX, i64::MIN, 1234567890123456789] {
            assert_eq!(canonical_int(n.to_string().as_bytes()), Some(n));
        }
        for text in [
            "",
            "-",
            "-0",
            "00",
            "01",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "1a",
            "--1",
        ] {
            assert_eq!(canonical_int(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn lfu_counts_up_by_chance_and_down_by_time() {
        let tuning = Tuning { is_lfu: true, ..Tuning::default() };
        let clock = tuning.first_clock(0);
        assert_eq!(clock, 5);
        let clock = tuning.used_clock(clock, 0, || 0.0);
        assert_eq!(tuning.decayed(clock, 0), 6);
        assert_eq!(tuning.decayed(clock, 4 * 60_000), 2);
        assert_eq!(tuning.decayed(clock, 60 * 60_000), 0);
        assert_eq!(tuning.used_clock((7 << 8) | 255, 7 * 60_000, || 0.0), (7 << 8) | 255);
        assert_eq!(tuning.decayed((65535 << 8) | 50, 65536 * 60_000), 50);
    }
}
