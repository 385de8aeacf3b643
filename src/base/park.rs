//! The flag by which a thread says that it sleeps, so that others wake it only when they must.
//!
//! The protocol is Dekker's:
//!
//! | sleeper                                       | waker                                    |
//! |-----------------------------------------------|------------------------------------------|
//! | [`SleepFlag::announce`]                       | queue the message                        |
//! | look at all queues; sleep if all are empty    | if [`SleepFlag::must_wake`]: wake it     |
//! | [`SleepFlag::clear`]                          |                                          |
//!
//! Both sides write, pass a full fence, and read what the other wrote: one of the two sees the other. Hence no wake-up is lost;
//! one may come for nothing. Of several wakers one is told to wake.
//! Not here: how a thread sleeps and how it is woken (io/kernel/wake.rs), the queues (ring.rs).
//! Ref: Dekker's algorithm as in Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?" (2012), on fences.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// See the file's head.
pub struct SleepFlag(AtomicBool);

impl Default for SleepFlag {
    fn default() -> SleepFlag {
        SleepFlag(AtomicBool::new(false))
    }
}

impl SleepFlag {
    /// The owner is going to sleep; it must look at its queues after this.
    pub fn announce(&self) {
        self.0.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// The owner is awake.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the owner sleeps or is about to; what the caller wrote before is visible to it if not.
    pub fn is_set(&self) -> bool {
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the caller, who has queued a message, must wake the owner.
    pub fn must_wake(&self) -> bool {
        // The swap lets one of several wakers do it.
        self.is_set() && self.0.swap(false, Ordering::AcqRel)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_wakers_is_told_to_wake() {
        let flag = SleepFlag::default();
        assert!(!flag.must_wake());
        flag.announce();
        assert!(flag.is_set() && flag.must_wake() && !flag.must_wake());
        flag.announce();
        flag.clear();
        assert!(!flag.must_wake());
    }

    /// RINGFORT_RACES: how often (10 000).
    #[test]
    fn no_wake_up_is_lost_between_two_threads() {
        use crate::base::ring::ring;
        use std::sync::{Arc, atomic::AtomicU64};
        let races: u64 = std::env::var("RINGFORT_RACES").ok().and_then(|v| v.parse().ok()).unwrap_or(10_000);
        let (flag, wakes) = (Arc::new(SleepFlag::default()), Arc::new(AtomicU64::new(0)));
        let (mut to, mut from) = ring::<u64>(1);
        let (their_flag, their_wakes) = (flag.clone(), wakes.clone());
        let waker = std::thread::spawn(move || {
            for n in 0..races {
                let mut message = n;
                while let Err(back) = to.push(message) {
                    message = back;
                    std::hint::spin_loop();
                    std::thread::yield_now();
                }
                if their_flag.must_wake() {
                    their_wakes.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let (mut next, mut woken) = (0, 0);
        while next < races {
            flag.announce();
            if !from.has_news() {
                // Asleep: only a wake-up helps.
                let start = std::time::Instant::now();
                while wakes.load(Ordering::SeqCst) == woken {
                    std::thread::yield_now();
                    assert!(start.elapsed().as_secs() < 60, "wake-up lost before message {next}");
                }
            }
            flag.clear();
            woken = wakes.load(Ordering::SeqCst);
            while let Some(n) = from.pop() {
                assert_eq!(n, next);
                next += 1;
            }
        }
        waker.join().expect("the waker does not panic");
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::ring::ring;
    use loom::sync::Arc;

    /// One message, one sleeper: if it goes to sleep, it is woken. `announces_late`, `fences`: the broken variants.
    fn one_sleeper(announces_late: bool, fences: bool) {
        loom::model(move || {
            let (flag, event) = (Arc::new(SleepFlag::default()), Arc::new(AtomicBool::new(false)));
            let (mut to, mut from) = ring::<u64>(1);
            let (their_flag, their_event) = (flag.clone(), event.clone());
            let waker = loom::thread::spawn(move || {
                to.push(1).expect("the ring has room");
                let must = if fences { their_flag.must_wake() } else { their_flag.0.load(Ordering::Relaxed) };
                if must {
                    their_event.store(true, Ordering::Release);
                }
            });
            let sleeps = if announces_late {
                let is_empty = !from.has_news();
                flag.announce();
                is_empty
            } else {
                flag.announce();
                !from.has_news()
            };
            waker.join().expect("no panic");
            assert!(!sleeps || event.load(Ordering::Acquire), "nobody wakes the sleeper");
        });
    }

    #[test]
    fn a_sleeper_is_woken_in_every_interleaving() {
        one_sleeper(false, true);
    }

    #[test]
    #[should_panic(expected = "nobody wakes the sleeper")]
    fn announcing_after_the_look_loses_a_wake_up() {
        one_sleeper(true, true);
    }

    #[test]
    #[should_panic(expected = "nobody wakes the sleeper")]
    fn a_waker_without_a_fence_loses_a_wake_up() {
        one_sleeper(false, false);
    }

    /// Two wakers and one sleeper: it is woken, and by one of them at most.
    #[test]
    fn one_of_two_wakers_wakes() {
        loom::model(|| {
            let (flag, wakes) = (Arc::new(SleepFlag::default()), Arc::new(loom::sync::atomic::AtomicUsize::new(0)));
            let (mut to, mut from) = ring::<u64>(1);
            let (mut to_also, mut from_also) = ring::<u64>(1);
            let (a, b, count_a, count_b) = (flag.clone(), flag.clone(), wakes.clone(), wakes.clone());
            let first = loom::thread::spawn(move || {
                to.push(1).expect("the ring has room");
                count_a.fetch_add(usize::from(a.must_wake()), Ordering::AcqRel);
            });
            let second = loom::thread::spawn(move || {
                to_also.push(1).expect("the ring has room");
                count_b.fetch_add(usize::from(b.must_wake()), Ordering::AcqRel);
            });
            flag.announce();
            let sleeps = !from.has_news() && !from_also.has_news();
            first.join().expect("no panic");
            second.join().expect("no panic");
            let woken = wakes.load(Ordering::Acquire);
            assert!(woken <= 1 && (!sleeps || woken == 1), "sleeps {sleeps}, woken {woken} times");
        });
    }
}
