//! How much of a snapshot one core makes in one go: much when it has nothing else to do, a tenth of its time when it is busy.
//!
//! Layer 4, under `save`. Work is counted in units of about 150 ns: a key, or 64 bytes. What a busy core may do comes with time, so it does
//! not matter how many turns a millisecond has.

use crate::persist::key_time::KeyTime;
use crate::persist::plan::Now;

/// Units of one go on a core that serves nobody: 300 us.
const IDLE_SLICE: i64 = 2000;
/// Units that a busy core gets a millisecond, and the most of one go.
const BUSY_A_MS: i64 = 650;
const BUSY_SLICE: i64 = 250;
/// Ms without a call after which a core counts as one that serves nobody.
const QUIET_MS: i64 = 20;
/// What may be saved up, ms.
const SAVED_UP_MS: i64 = 4;
/// Bytes to a unit.
const UNIT_BYTES: usize = 64;

/// See the file's head.
#[derive(Default)]
pub struct Pace {
    last_ms: i64,
    credit: i64,
    last_calls: u64,
    busy_until: i64,
    key_time: KeyTime,
}

/// What may be done in one go.
pub struct Slice {
    left: i64,
    /// Most keys, where keys are slowed down.
    keys_left: i64,
}

impl Pace {
    /// What may be done now. `calls`: what this core did for clients so far, in any unit; `key_delay`: rdb-key-save-delay.
    pub fn slice(&mut self, now: Now, calls: u64, key_delay: i32) -> Slice {
        let elapsed = now.mono_ms.saturating_sub(self.last_ms).clamp(0, SAVED_UP_MS);
        if calls != self.last_calls {
            self.busy_until = now.mono_ms + QUIET_MS;
        }
        let is_idle = now.mono_ms >= self.busy_until;
        (self.last_ms, self.last_calls) = (now.mono_ms, calls);
        self.credit = (self.credit + elapsed * BUSY_A_MS).min(SAVED_UP_MS * BUSY_A_MS);
        let left = if is_idle { IDLE_SLICE } else { self.credit.min(BUSY_SLICE) };
        Slice { left, keys_left: self.key_time.keys(elapsed, key_delay) }
    }

    /// What was done.
    pub fn used(&mut self, before: &Slice, after: &Slice, key_delay: i32) {
        self.credit = (self.credit - (before.left - after.left)).max(0);
        self.key_time.used(before.keys_left.saturating_sub(after.keys_left), key_delay);
    }
}

impl Slice {
    /// Whether there is time for more.
    pub fn is_over(&self) -> bool {
        self.left <= 0 || self.keys_left <= 0
    }

    /// Keys that may be walked before the next look at the time.
    pub fn keys(&self) -> usize {
        usize::try_from(self.left.min(self.keys_left).clamp(1, 64)).unwrap_or(1)
    }

    /// Bytes that may be made before the next look at the time.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.left.clamp(1, 1024)).unwrap_or(1) * UNIT_BYTES
    }

    /// So much was done.
    pub fn take(&mut self, keys: u64, bytes: usize) {
        let keys = i64::try_from(keys).unwrap_or(i64::MAX);
        self.keys_left = self.keys_left.saturating_sub(keys);
        self.left = self.left.saturating_sub(keys).saturating_sub((bytes / UNIT_BYTES) as i64).saturating_sub(1);
    }

    /// The same slice, to be compared with.
    pub fn copy(&self) -> Slice {
        Slice { left: self.left, keys_left: self.keys_left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_ms: i64) -> Now {
        Now { wall_ms: 0, mono_ms }
    }

    #[test]
    fn a_busy_core_gets_a_tenth_of_its_time_however_short_its_turns() {
        let mut pace = Pace::default();
        let mut done = 0;
        for turn in 0..100_000u64 {
            // A hundred turns a millisecond, a command in each.
            let slice = pace.slice(at(turn as i64 / 100), turn + 1, 0);
            let mut after = slice.copy();
            while !after.is_over() {
                after.take(8, 256);
                done += 12;
            }
            pace.used(&slice, &after, 0);
        }
        let share = f64::from(done) * 0.15 / 1_000_000.0;
        assert!((0.06..0.13).contains(&share), "{share}");
    }

    #[test]
    fn an_idle_core_gets_whole_slices() {
        let mut pace = Pace::default();
        let _ = pace.slice(at(0), 5, 0);
        assert!(pace.slice(at(QUIET_MS - 1), 5, 0).left < IDLE_SLICE, "between two calls");
        assert_eq!(pace.slice(at(QUIET_MS), 5, 0).left, IDLE_SLICE);
    }

    #[test]
    fn a_delay_for_every_key_is_kept() {
        let mut pace = Pace::default();
        let mut keys = 0;
        for ms in 0..100 {
            let slice = pace.slice(at(ms), 0, 500);
            let mut after = slice.copy();
            while !after.is_over() {
                after.take(1, 0);
                keys += 1;
            }
            pace.used(&slice, &after, 500);
        }
        assert!((190..=200).contains(&keys), "{keys}");
    }
}
