//! How large the packs of a list may be, as `list-max-listpack-size` and DEBUG QUICKLIST-PACKED-THRESHOLD say.
//!
//! Layer 1, under `list.rs`. The rules are those that OBJECT ENCODING makes visible.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/config (list-max-listpack-size)

use super::chunk::{Chunk, Growth};
use crate::data::collection::Limits;

/// Bytes of a listpack for -1 to -5.
const SIZES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// Bytes that a listpack limited by its number of elements may have.
const SAFETY: usize = 8192;
/// What one more element adds besides its text, as it is estimated before it is added.
const OVERHEAD: usize = 8;
/// The threshold nobody has set; also what no packed element may reach.
const NEVER_PACKED: u64 = 1 << 30;

/// Limits of one pack.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Bytes of listpack; `None`: the number of elements decides.
    bytes: Option<usize>,
    count: u64,
    plain_from: u64,
}

impl Limit {
    /// The limit that the configuration says.
    pub fn of(limits: &Limits) -> Limit {
        let size = limits.list_max_listpack_size;
        let (bytes, count) = if size < 0 {
            let nth = (size.unsigned_abs() as usize - 1).min(SIZES.len() - 1);
            (SIZES.get(nth).copied(), u64::MAX)
        } else {
            (None, size.max(1) as u64)
        };
        let threshold = limits.list_packed_threshold;
        // Longer than fits, or as long as the threshold that was set.
        let plain_from = if threshold < NEVER_PACKED { threshold } else { bytes.unwrap_or(SAFETY) as u64 + 1 };
        Limit { bytes, count, plain_from }
    }

    /// Whether a listpack of so many bytes and elements is too large.
    #[inline]
    pub fn is_exceeded(&self, bytes: usize, count: u64) -> bool {
        match self.bytes {
            Some(most) => bytes > most,
            None => bytes > SAFETY || count > self.count,
        }
    }

    /// The same when a list shrinks to its small form: half of everything.
    pub fn is_over_half(&self, bytes: usize, count: u64) -> bool {
        match self.bytes {
            Some(most) => bytes > most / 2,
            None => count > self.count / 2,
        }
    }

    /// Whether an element of so many bytes gets a chunk of its own.
    #[inline]
    pub fn is_plain(&self, text: usize) -> bool {
        text as u64 >= self.plain_from
    }

    /// Whether a chunk takes one more element of `text` bytes.
    #[inline]
    pub fn takes(&self, chunk: &Chunk, text: usize) -> bool {
        !chunk.is_plain()
            && !self.is_plain(text)
            && !self.is_exceeded(chunk.listpack_bytes() + text + OVERHEAD, u64::from(chunk.count()) + 1)
    }

    /// Whether two neighbours may become one chunk.
    pub fn joins(&self, a: &Chunk, b: &Chunk) -> bool {
        // Two heads and ends become one: 7 bytes.
        let bytes = (a.listpack_bytes() + b.listpack_bytes()).saturating_sub(7);
        !a.is_plain() && !b.is_plain() && !self.is_exceeded(bytes, u64::from(a.count()) + u64::from(b.count()))
    }

    /// Bytes of pack that the end of a list may reserve.
    pub fn room(&self) -> usize {
        self.bytes.unwrap_or(SAFETY)
    }

    /// How the end of a list may grow.
    pub fn growth(&self) -> Growth {
        Growth::UpTo(self.room())
    }
}
