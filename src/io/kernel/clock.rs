//! Clocks: wall and monotonic time, read once a turn, and a cheap tick counter for timing single commands.
//!
//! Used by `node/` only; everything below gets time as an argument. The tick counter is the CPU's time stamp counter
//! where it runs at a constant rate in all power states, and the monotonic clock in nanoseconds elsewhere.
//!
//! Invariants: monotonic time and ticks do not go back; wall time may.
//!
//! Ref: clock_gettime(2); the processor manuals on the invariant TSC (CPUID leaf 8000_0007, EDX bit 8).
#![allow(unsafe_code)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Microseconds since 1970-01-01 UTC.
    pub wall_us: i64,
    /// Microseconds since the `Clock` was created.
    pub mono_us: i64,
}

impl Now {
    /// Wall time in milliseconds: what keys expire by.
    pub fn wall_ms(self) -> i64 {
        self.wall_us / 1000
    }

    /// Monotonic time in milliseconds: what timeouts and the timing wheel go by.
    pub fn mono_ms(self) -> i64 {
        self.mono_us / 1000
    }
}

/// Reads the clocks. Create one per process and copy it, so that monotonic times agree between cores.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Both clocks: about 40 ns, no system call.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        Now { wall_us: wall, mono_us: self.mono_us() }
    }

    /// Microseconds since the `Clock` was created.
    pub fn mono_us(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// A moment as people write it where the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub year: i64,
    /// 0 = January.
    pub month: usize,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub ms: u32,
}

/// Local time of a moment, by the rules of TZ or /etc/localtime. Those are read from a file the first time.
pub fn local(wall_us: i64) -> Local {
    let seconds = wall_us.div_euclid(1_000_000);
    // SAFETY: all zero is a valid tm; localtime_r reads the seconds and writes the tm, both of this function.
    let tm = unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        libc::localtime_r(&raw const seconds, &raw mut tm);
        tm
    };
    let part = |n: i32| n.max(0) as u32;
    Local {
        year: i64::from(tm.tm_year) + 1900,
        month: part(tm.tm_mon).min(11) as usize,
        day: part(tm.tm_mday),
        hour: part(tm.tm_hour),
        minute: part(tm.tm_min),
        second: part(tm.tm_sec),
        ms: (wall_us.rem_euclid(1_000_000) / 1000) as u32,
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Turns differences of `now()` into nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    start: Instant,
    /// Nanoseconds a tick, times 2^20; 0 if ticks are the monotonic clock itself.
    scale: u64,
}

impl Ticks {
    /// Measures the counter's rate against the monotonic clock: takes about two milliseconds, once per process.
    pub fn calibrate() -> Self {
        let start = Instant::now();
        let mut ticks = Self { start, scale: 0 };
        if !constant_rate() {
            return ticks;
        }
        let (first, from) = (counter(), Instant::now());
        while from.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let (last, nanos) = (counter(), from.elapsed().as_nanos() as u64);
        let count = last.wrapping_sub(first);
        ticks.scale = (nanos << 20).checked_div(count).unwrap_or(0);
        ticks
    }

    /// The counter now: some 10 ns.
    #[inline]
    pub fn now(&self) -> u64 {
        if self.scale == 0 {
            return self.start.elapsed().as_nanos() as u64;
        }
        counter()
    }

    /// The nanoseconds between two readings of this thread; 0 if they are in the wrong order.
    #[inline]
    pub fn nanos(&self, from: u64, to: u64) -> u64 {
        let count = to.saturating_sub(from);
        if self.scale == 0 {
            return count;
        }
        ((u128::from(count) * u128::from(self.scale)) >> 20) as u64
    }
}

#[cfg(target_arch = "x86_64")]
fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction; it touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    0
}

/// Whether the time stamp counter runs at one rate whatever the processor does.
#[cfg(target_arch = "x86_64")]
fn constant_rate() -> bool {
    use core::arch::x86_64::__cpuid;
    let highest = __cpuid(0x8000_0000).eax;
    highest >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0
}

#[cfg(not(target_arch = "x86_64"))]
fn constant_rate() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_is_within_a_day_of_universal_time() {
        let noon_of_leap_day = 951_825_600_123_456;
        let local = local(noon_of_leap_day);
        assert_eq!((local.year, local.ms, local.second), (2000, 123, 0));
        assert!([(1, 28), (1, 29), (2, 1)].contains(&(local.month, local.day)), "{local:?}");
        assert!(super::local(noon_of_leap_day + 86_400_000_000).day != local.day);
    }

    #[test]
    fn ticks_agree_with_the_monotonic_clock() {
        let ticks = Ticks::calibrate();
        let (from, start) = (ticks.now(), Instant::now());
        while start.elapsed() < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        let (nanos, real) = (ticks.nanos(from, ticks.now()), start.elapsed().as_nanos() as u64);
        assert!(nanos >= 4_500_000 && nanos <= real * 12 / 10 + 1_000_000, "{nanos} against {real}");
        assert_eq!(ticks.nanos(5, 3), 0);
    }

    #[test]
    fn monotonic_time_does_not_go_back() {
        let clock = Clock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(second.mono_us >= first.mono_us);
        assert!(first.wall_ms() > 1_600_000_000_000);
    }
}
