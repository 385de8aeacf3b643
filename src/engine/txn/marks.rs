//! The shared order of tickets: one counter that numbers them, and marks that say which numbers are fully pushed.
//! Everything else of the ticket protocol is private to a core.
//!
//! Invariants: mark[n % M] holds n + 1 from the moment all parts of n are pushed; a number n is taken only while n - M is known
//! to be marked ([`Marks::may_start`]), so a mark is never overwritten before every core could have seen it.
//! Orderings: mark store Release after the last push, load Acquire before the rings are drained; the counter is Relaxed.
//! Ref: Gray & Lamport's commit ordering is not used; the order is a sequencer with completion marks, as in the
//! LMAX Disruptor's multi-producer publication (mechanical-sympathy.blogspot.com, 2011).

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Marks in the shared array: far more tickets than can be in flight.
#[cfg(not(loom))]
pub const MARKS: u64 = 4096;
#[cfg(loom)]
pub const MARKS: u64 = 4;

/// Counter on a line of its own.
#[repr(align(128))]
struct Counter(AtomicU64);

/// Shared by all cores.
pub struct Marks {
    counter: Counter,
    marks: Box<[AtomicU64]>,
    /// Marks in use at most: their number less the cores, as that many may be past the check at a time.
    in_flight_max: u64,
    mask: u64,
}

impl Marks {
    /// For `cores` cores, which must be fewer than [`MARKS`].
    pub fn new(cores: usize) -> Marks {
        Marks::sized(cores, MARKS)
    }

    /// With `marks` marks: a power of two above `cores`.
    pub fn sized(cores: usize, marks: u64) -> Marks {
        assert!((cores as u64) < marks && marks.is_power_of_two(), "marks must outnumber cores");
        let places = (0..marks).map(|_| AtomicU64::new(0)).collect();
        Marks { counter: Counter(AtomicU64::new(0)), marks: places, in_flight_max: marks - cores as u64, mask: marks - 1 }
    }

    #[inline(always)]
    fn place(&self, n: u64) -> &AtomicU64 {
        &self.marks[(n & self.mask) as usize]
    }

    /// Whether a core that has seen everything below `bound` marked may take a number now.
    pub fn may_start(&self, bound: u64) -> bool {
        self.counter.0.load(Ordering::Relaxed) - bound < self.in_flight_max
    }

    /// Takes the next number. The caller pushes its parts at once and then calls [`Marks::mark`].
    pub fn take(&self) -> u64 {
        self.counter.0.fetch_add(1, Ordering::Relaxed)
    }

    /// All parts of ticket `n` are pushed.
    pub fn mark(&self, n: u64) {
        self.place(n).store(n + 1, Ordering::Release);
    }

    /// The first number, from `bound` on, that is not known to be fully pushed. One load when nothing happened.
    #[inline]
    pub fn advance(&self, mut bound: u64) -> u64 {
        loop {
            let seen = self.place(bound).load(Ordering::Acquire);
            if seen <= bound {
                return bound;
            }
            // A later lap is in this place: number seen - 1 was taken, so everything below seen - MARKS is complete.
            bound = if seen > bound + 1 { (seen - self.marks.len() as u64).max(bound + 1) } else { bound + 1 };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn bound_stops_at_the_first_number_that_is_not_marked() {
        let marks = Marks::new(2);
        let (a, b, c) = (marks.take(), marks.take(), marks.take());
        marks.mark(b);
        marks.mark(c);
        assert_eq!(marks.advance(0), a);
        marks.mark(a);
        assert_eq!(marks.advance(0), 3);
    }

    #[test]
    fn a_core_that_slept_for_laps_catches_up() {
        let marks = Marks::new(2);
        for _ in 0..MARKS * 3 + 7 {
            marks.mark(marks.take());
        }
        assert_eq!(marks.advance(0), MARKS * 3 + 7);
        assert_eq!(marks.advance(MARKS + 5), MARKS * 3 + 7);
    }

    #[test]
    fn numbers_run_out_before_a_mark_could_be_overwritten() {
        let marks = Marks::new(2);
        let mut taken = 0;
        while marks.may_start(0) {
            marks.take();
            taken += 1;
        }
        assert_eq!(taken, MARKS - 2);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::ring::ring;
    use loom::sync::Arc;

    /// What a coordinator or a core does in the wrong order.
    #[derive(Clone, Copy, PartialEq)]
    enum Broken {
        Nothing,
        MarksBeforePush,
        DrainsBeforeMarks,
    }

    /// Two coordinators push one part each to a third core, which runs what lies below its bound: it must find both in order.
    fn two_coordinators(broken: Broken) {
        loom::model(move || {
            let marks = Arc::new(Marks::new(2));
            let launch = move |marks: &Marks, ring: &mut crate::base::ring::Sender<u64>| {
                let n = marks.take();
                if broken == Broken::MarksBeforePush {
                    marks.mark(n);
                }
                ring.push(n).expect("the ring has room");
                marks.mark(n);
            };
            let (mut to_a, mut from_a) = ring::<u64>(2);
            let (mut to_b, mut from_b) = ring::<u64>(2);
            let (marks_a, marks_b) = (marks.clone(), marks.clone());
            let a = loom::thread::spawn(move || launch(&marks_a, &mut to_a));
            let b = loom::thread::spawn(move || launch(&marks_b, &mut to_b));
            let mut found: Vec<u64> = Vec::new();
            if broken == Broken::DrainsBeforeMarks {
                found.extend(from_a.pop().into_iter().chain(from_b.pop()));
            }
            let bound = marks.advance(0);
            if broken != Broken::DrainsBeforeMarks {
                found.extend(from_a.pop().into_iter().chain(from_b.pop()));
            }
            found.sort_unstable();
            found.retain(|n| *n < bound);
            assert_eq!(found, (0..bound).collect::<Vec<_>>(), "a ticket below the bound is missing");
            a.join().expect("no panic");
            b.join().expect("no panic");
        });
    }

    #[test]
    fn every_ticket_below_the_bound_is_in_its_ring() {
        two_coordinators(Broken::Nothing);
    }

    #[test]
    #[should_panic(expected = "a ticket below the bound is missing")]
    fn a_mark_before_the_push_loses_a_ticket() {
        two_coordinators(Broken::MarksBeforePush);
    }

    #[test]
    #[should_panic(expected = "a ticket below the bound is missing")]
    fn rings_drained_before_the_marks_lose_a_ticket() {
        two_coordinators(Broken::DrainsBeforeMarks);
    }
}
