//! Keys of which somebody keeps a copy, and beginnings of keys of which somebody wants to hear everything. What changes of either
//! is noted until the owner of the keyspace takes it and tells them.
//!
//! Part of the write hook: touch.rs calls `note_tracked` behind a bit of `attention`, so nothing is paid when nobody tracks.
//! Databases make no difference: a copy is known by its key alone.
//!
//! Invariants
//! - A key that changes is forgotten with its readers: whoever reads it again is noted again.
//! - The readers of a key are sorted, each once.
//!
//! Ref: redis.io/docs/latest/develop/reference/client-side-caching

use std::collections::BTreeMap;

use super::touch::{TOUCHED, TRACKED};
use super::{Key, Keyspace};

/// Somebody who reads keys: a core and a number that is its own business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reader {
    /// Core.
    pub core: u16,
    /// Number there.
    pub client: u64,
}

/// A change that somebody has to hear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Touched {
    /// The key.
    pub key: Box<[u8]>,
    /// Those who had read it, in order.
    pub readers: Vec<Reader>,
    /// It begins with one of the prefixes.
    pub has_prefix: bool,
}

/// A key that was read, and by whom.
type Read = (Box<[u8]>, Vec<Reader>);

/// See the file's head.
#[derive(Default)]
pub(super) struct Tracked {
    /// By hash.
    keys: BTreeMap<u64, Vec<Read>>,
    keys_len: usize,
    items: usize,
    prefixes: Vec<Box<[u8]>>,
    touched: Vec<Touched>,
}

impl Tracked {
    fn take(&mut self, hash: u64, is_it: impl Fn(&[u8]) -> bool) -> Option<Read> {
        let list = self.keys.get_mut(&hash)?;
        let at = list.iter().position(|(key, _)| is_it(key))?;
        let read = list.swap_remove(at);
        if list.is_empty() {
            self.keys.remove(&hash);
        }
        self.keys_len -= 1;
        self.items -= read.1.len();
        Some(read)
    }
}

impl Keyspace {
    /// From now on until the key's next change, `reader` has a copy of it. O(log keys).
    pub fn track(&mut self, key: &Key, reader: Reader) {
        let list = self.tracked.keys.entry(key.hash).or_default();
        let at = list.iter().position(|(bytes, _)| **bytes == *key.bytes).unwrap_or_else(|| {
            list.push((key.bytes.into(), Vec::new()));
            self.tracked.keys_len += 1;
            list.len() - 1
        });
        if let Some((_, readers)) = list.get_mut(at)
            && let Err(place) = readers.binary_search(&reader)
        {
            readers.insert(place, reader);
            self.tracked.items += 1;
        }
        self.attention |= TRACKED;
    }

    /// Changes of keys that begin with any of these are noted as well.
    pub fn set_tracked_prefixes(&mut self, prefixes: Vec<Box<[u8]>>) {
        self.tracked.prefixes = prefixes;
        self.attend_tracked();
    }

    /// Keys of which somebody has a copy, and copies.
    #[must_use]
    pub fn tracked_len(&self) -> (usize, usize) {
        (self.tracked.keys_len, self.tracked.items)
    }

    /// Forgets one key, whichever chance picks, as if it had changed.
    pub fn untrack_any(&mut self) {
        let from = self.rng.next_u64();
        let after = self.tracked.keys.range(from..).next();
        let Some(hash) = after.or_else(|| self.tracked.keys.iter().next()).map(|(hash, _)| *hash) else { return };
        if let Some((key, readers)) = self.tracked.take(hash, |_| true) {
            self.tracked.touched.push(Touched { key, readers, has_prefix: false });
        }
        self.attend_tracked();
    }

    /// Forgets all keys without a word.
    pub fn untrack_all(&mut self) {
        self.tracked.keys.clear();
        (self.tracked.keys_len, self.tracked.items) = (0, 0);
        self.attend_tracked();
    }

    /// Whether a change was noted.
    #[inline(always)]
    #[must_use]
    pub fn has_touched(&self) -> bool {
        self.attention & TOUCHED != 0
    }

    /// The changes noted since the last call, in order.
    pub fn take_touched(&mut self) -> Vec<Touched> {
        let touched = std::mem::take(&mut self.tracked.touched);
        self.attend_tracked();
        touched
    }

    /// A key changes.
    pub(super) fn note_tracked(&mut self, key: &Key) {
        let has_prefix = self.tracked.prefixes.iter().any(|prefix| key.bytes.starts_with(prefix));
        let read = self.tracked.take(key.hash, |bytes| bytes == key.bytes);
        if !has_prefix && read.is_none() {
            return;
        }
        let (bytes, readers) = read.unwrap_or_else(|| (key.bytes.into(), Vec::new()));
        self.tracked.touched.push(Touched { key: bytes, readers, has_prefix });
        self.attend_tracked();
    }

    fn attend_tracked(&mut self) {
        let mut set = |bit: u8, on: bool| self.attention = if on { self.attention | bit } else { self.attention & !bit };
        set(TRACKED, self.tracked.keys_len > 0 || !self.tracked.prefixes.is_empty());
        set(TOUCHED, !self.tracked.touched.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{Look, SLOTS, Ttl};

    const NOW: i64 = 1_000;

    fn reader(client: u64) -> Reader {
        Reader { core: 0, client }
    }

    fn set(ks: &mut Keyspace, name: &[u8]) {
        let key = ks.key(name);
        assert!(ks.set_str(0, &key, b"v", Ttl::None, NOW - 1));
    }

    fn names(touched: &[Touched]) -> Vec<&[u8]> {
        touched.iter().map(|t| &*t.key).collect()
    }

    #[test]
    fn a_change_is_told_once_to_all_who_have_read_the_key_since_the_last() {
        let mut ks = Keyspace::new(1, 2, 0..SLOTS);
        let key = Key { bytes: b"k", ..ks.key(b"k") };
        for client in [2, 1, 2] {
            ks.track(&key, reader(client));
        }
        assert_eq!(ks.tracked_len(), (1, 2));
        set(&mut ks, b"other");
        assert!(!ks.has_touched());
        set(&mut ks, b"k");
        set(&mut ks, b"k");
        let touched = ks.take_touched();
        assert_eq!(touched, [Touched { key: b"k".as_slice().into(), readers: vec![reader(1), reader(2)], has_prefix: false }]);
        assert_eq!((ks.tracked_len(), ks.attention), ((0, 0), 0));
    }

    #[test]
    fn removal_expiry_and_a_new_time_are_changes() {
        let mut ks = Keyspace::new(1, 1, 0..SLOTS);
        for step in 0..3 {
            set(&mut ks, b"k");
            let key = ks.key(b"k");
            ks.track(&key, reader(1));
            match step {
                0 => assert!(ks.remove(0, &key)),
                1 => assert!(ks.set_expire(0, &key, NOW)),
                _ => {
                    assert!(ks.set_expire(0, &key, NOW));
                    ks.track(&key, reader(1));
                    ks.take_touched();
                    assert!(ks.find(0, &key, NOW + 1, Look::Read).is_none());
                }
            }
            assert_eq!(names(&ks.take_touched()), [b"k"], "step {step}");
        }
    }

    #[test]
    fn prefixes_hear_of_every_change_and_of_nothing_else() {
        let mut ks = Keyspace::new(1, 1, 0..SLOTS);
        ks.set_tracked_prefixes(vec![b"a:".as_slice().into()]);
        for name in [b"a:1".as_slice(), b"b:1", b"a:", b"a", b"a:1"] {
            set(&mut ks, name);
        }
        let touched = ks.take_touched();
        assert_eq!(names(&touched), [b"a:1".as_slice(), b"a:", b"a:1"]);
        assert!(touched.iter().all(|t| t.has_prefix && t.readers.is_empty()));
        ks.set_tracked_prefixes(Vec::new());
        set(&mut ks, b"a:1");
        assert!(!ks.has_touched());
    }

    #[test]
    fn forgetting_one_key_tells_its_readers_and_forgetting_all_tells_nobody() {
        let mut ks = Keyspace::new(1, 1, 0..SLOTS);
        for name in [b"a", b"b", b"c"] {
            let key = ks.key(name);
            ks.track(&key, reader(1));
        }
        ks.untrack_any();
        assert_eq!((ks.take_touched().len(), ks.tracked_len()), (1, (2, 2)));
        ks.untrack_all();
        assert_eq!((ks.has_touched(), ks.tracked_len(), ks.attention), (false, (0, 0), 0));
        ks.untrack_any();
    }
}
