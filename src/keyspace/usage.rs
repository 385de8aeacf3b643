//! Memory figures of one core's keys: exact for entries and buckets, whole pages nowhere.
//!
//! Ref: redis.io/commands/memory-usage

use super::{Key, Keyspace};
use crate::base::arena::Collapse;

/// Bytes of a bucket of the index.
const BUCKET_BYTES: usize = 64;
/// Most bytes of the wheel that one key is charged with, where few share it.
const TIMER_MAX: usize = 16;

impl Keyspace {
    /// Bytes in use: entries with their class rounding, values kept apart, buckets, roots, directories, the wheel.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.store.used_bytes() + self.overhead_bytes()
    }

    /// The next full 2 MiB of entries or index to be backed by a huge page, by another thread.
    pub fn next_huge(&mut self) -> Option<Collapse> {
        self.index.next_huge().or_else(|| self.store.next_huge())
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

    /// MEMORY USAGE: bytes that this key takes, with its share of its table in the index and of the wheel; `None` when it is missing.
    #[must_use]
    pub fn usage(&self, db: usize, key: &Key) -> Option<usize> {
        let found = self.locate(db, key)?;
        let table = self.index.span(found.place, key.hash);
        let (buckets, keys) = table.map_or((1, 1), |span| {
            span.units().fold((0, 0), |(buckets, keys), unit| (buckets + 1, keys + self.index.entries(unit).count()))
        });
        let has_time = self.store.view(found.entry).expire_at().is_some();
        let timer = if has_time { (self.wheel.memory() / self.wheel.len().max(1)).min(TIMER_MAX) } else { 0 };
        Some(self.store.bytes_of(found.entry) + (buckets * BUCKET_BYTES).div_ceil(keys.max(1)) + timer)
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
