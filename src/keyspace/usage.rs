//! Memory figures of one core's keys: exact for entries and buckets, whole pages nowhere.
//!
//! Ref: redis.io/commands/memory-usage

use super::{Key, Keyspace};

/// Buckets' share of one key at the average fill, bytes.
const INDEX_SHARE: usize = 8;

impl Keyspace {
    /// Bytes in use: entries with their class rounding, values kept apart, buckets, roots, directories, the wheel.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.store.used_bytes() + self.overhead_bytes()
    }

    /// Backs one more full 2 MiB of entries or index by a huge page: about 0.2 ms. False when there is none.
    pub fn step_huge(&mut self) -> bool {
        self.index.step_huge() || self.store.step_huge()
    }

    /// The part of `used_bytes` that is neither key nor value: index and wheel.
    #[must_use]
    pub fn overhead_bytes(&self) -> usize {
        let counts: usize = self.spaces.iter().map(|s| (s.counts.capacity() + s.groups.capacity()) * 4).sum();
        self.index.bucket_bytes() + self.index.side_bytes() + self.wheel.memory() + counts
    }

    /// Bytes of arena pages that hold no entry at the moment: what emptying pages could win.
    #[must_use]
    pub fn slack_bytes(&self) -> usize {
        self.store.slack_bytes()
    }

    /// MEMORY USAGE: bytes that this key takes, with its share of the index; `None` when it is missing.
    #[must_use]
    pub fn usage(&self, db: usize, key: &Key) -> Option<usize> {
        let found = self.locate(db, key)?;
        Some(self.store.bytes_of(found.entry) + INDEX_SHARE)
    }

    /// Whether keys and values of together `bytes` can be written for certain. For admission: values above INLINE_MAX
    /// live outside of the arena and need not be counted.
    #[must_use]
    pub fn room_for(&self, bytes: usize) -> bool {
        // On the wire a key with its value takes 8 bytes at least, in the arena up to 24 more than its bytes.
        let keys = (bytes / 8).saturating_add(1);
        let with_heads = bytes.saturating_add(keys.saturating_mul(24));
        self.store.room_for(with_heads) && self.index.room_for(keys)
    }
}
