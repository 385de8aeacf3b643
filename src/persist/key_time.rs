//! Time that each key is to take, for tests of what happens meanwhile: `rdb-key-save-delay` and `key-load-delay`.
//!
//! Layer 4. Redis sleeps after each key; no core of ours sleeps while it has clients, so keys are handled as fast as their times allow.
//! A delay is in microseconds; a negative one is that many keys to a microsecond.

/// What a key takes at least to be saved up, us: however many turns passed without a key, no more of them follow at once.
const SAVED_UP_US: i64 = 1_000_000;

/// Time that no key has used yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyTime {
    unused_us: i64,
}

impl KeyTime {
    /// `elapsed_ms` more have passed: how many keys there is time for.
    #[must_use]
    pub fn keys(&mut self, elapsed_ms: i64, delay: i32) -> i64 {
        let delay = i64::from(delay);
        if delay == 0 {
            return i64::MAX;
        }
        self.unused_us = (self.unused_us + elapsed_ms.max(0).saturating_mul(1000)).min(SAVED_UP_US.max(delay));
        if delay < 0 { self.unused_us.saturating_mul(-delay) } else { self.unused_us / delay }
    }

    /// So many keys were handled.
    pub fn used(&mut self, keys: i64, delay: i32) {
        match i64::from(delay) {
            0 => {}
            delay if delay > 0 => self.unused_us = self.unused_us.saturating_sub(keys.saturating_mul(delay)).max(0),
            delay => self.unused_us = self.unused_us.saturating_sub(keys / -delay).max(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_as_their_times_allow_however_long_one_takes() {
        for (delay, ms, expected) in [(500, 1, 2), (0, 0, i64::MAX), (-25, 1, 25_000), (10_000_000, 9_999, 0), (10_000_000, 10_000, 1)] {
            let mut time = KeyTime::default();
            assert_eq!(time.keys(ms, delay), expected, "{delay}");
        }
        let mut time = KeyTime::default();
        let mut keys = 0;
        for _ in 0..100 {
            let now = time.keys(1, 300);
            time.used(now, 300);
            keys += now;
        }
        assert_eq!(keys, 100 * 1000 / 300);
    }
}
