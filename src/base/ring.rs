//! A bounded ring from one writing thread to one reading thread: the only way by which cores reach each other.
//! Messages are owned values; a full ring gives the message back (back-pressure is the caller's), nothing is ever dropped.
//!
//! Invariants: `tail` is written by the sender alone and `head` by the receiver alone; places `head..tail` hold values;
//! `tail - head <= capacity`. Each side keeps a private copy of its own index and a stale copy of the other's, so that the
//! shared line is read only when the stale copy says full or empty.
//! Orderings: both indices are stored with Release and loaded with Acquire by the other side.
//! Not here: waking a sleeping reader (base/park.rs).
//! Ref: Lamport, "Specifying Concurrent Program Modules" (1983), the single-producer single-consumer queue.
#![allow(unsafe_code)]

#[cfg(loom)]
use loom::{cell::UnsafeCell, sync::Arc, sync::atomic::AtomicUsize, sync::atomic::Ordering};
use std::mem::MaybeUninit;
#[cfg(not(loom))]
use std::{sync::Arc, sync::atomic::AtomicUsize, sync::atomic::Ordering};

/// std's cell with loom's interface.
#[cfg(not(loom))]
struct UnsafeCell<T>(std::cell::UnsafeCell<T>);
#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    fn new(value: T) -> Self {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }
    #[inline(always)]
    fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }
    #[inline(always)]
    fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Keeps what one side writes off the lines that the other side writes (two lines: adjacent-line prefetch).
#[repr(align(128))]
struct Padded<T>(T);

struct Shared<T> {
    head: Padded<AtomicUsize>,
    tail: Padded<AtomicUsize>,
    places: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

// SAFETY: a place is accessed by the sender only while it is outside head..tail and by the receiver only while it is inside;
// the Release/Acquire pairs on the indices order these accesses. T crosses threads by value, hence T: Send.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above; the indices themselves are atomics.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Both sides are gone, so plain loads see the final indices.
        let (mut head, tail) = (self.head.0.load(Ordering::Relaxed), self.tail.0.load(Ordering::Relaxed));
        while head != tail {
            // SAFETY: places head..tail hold values and nobody else can reach them any more.
            self.places[head & (self.places.len() - 1)].with_mut(|p| unsafe { (*p).assume_init_drop() });
            head = head.wrapping_add(1);
        }
    }
}

/// The writing end.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
    tail: usize,
    head_seen: usize,
}

/// The reading end.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    head: usize,
    tail_seen: usize,
}

/// Makes a ring of `capacity` places (rounded up to a power of two, at least 1).
pub fn ring<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let capacity = capacity.max(1).next_power_of_two();
    let shared = Arc::new(Shared {
        head: Padded(AtomicUsize::new(0)),
        tail: Padded(AtomicUsize::new(0)),
        places: (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
    });
    (Sender { shared: shared.clone(), tail: 0, head_seen: 0 }, Receiver { shared, head: 0, tail_seen: 0 })
}

impl<T: Send> Sender<T> {
    /// Places free for `push`, as far as this side knows after looking.
    pub fn room(&mut self) -> usize {
        self.head_seen = self.shared.head.0.load(Ordering::Acquire);
        self.shared.places.len() - self.tail.wrapping_sub(self.head_seen)
    }

    /// Puts `value` at the end, or gives it back when the ring is full.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        let capacity = self.shared.places.len();
        if self.tail.wrapping_sub(self.head_seen) == capacity && self.room() == 0 {
            return Err(value);
        }
        // SAFETY: the place at tail is outside head..tail (checked above), so the receiver does not touch it.
        self.shared.places[self.tail & (capacity - 1)].with_mut(|p| unsafe { (*p).write(value) });
        self.tail = self.tail.wrapping_add(1);
        self.shared.tail.0.store(self.tail, Ordering::Release);
        Ok(())
    }
}

impl<T: Send> Receiver<T> {
    /// Takes the oldest value.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.head == self.tail_seen && !self.has_news() {
            return None;
        }
        let place = &self.shared.places[self.head & (self.shared.places.len() - 1)];
        // SAFETY: head < tail as loaded with Acquire, so the sender's write of this place is visible and it writes it no more.
        let value = place.with(|p| unsafe { (*p).assume_init_read() });
        self.head = self.head.wrapping_add(1);
        self.shared.head.0.store(self.head, Ordering::Release);
        Some(value)
    }

    /// Whether `pop` would find something.
    #[inline]
    pub fn has_news(&mut self) -> bool {
        if self.head == self.tail_seen {
            self.tail_seen = self.shared.tail.0.load(Ordering::Acquire);
        }
        self.head != self.tail_seen
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn full_ring_gives_the_message_back_and_order_is_kept() {
        let (mut s, mut r) = ring(2);
        assert!(s.push(1).is_ok() && s.push(2).is_ok());
        assert_eq!(s.push(3), Err(3));
        assert_eq!(r.pop(), Some(1));
        assert!(s.push(3).is_ok());
        assert_eq!((r.pop(), r.pop(), r.pop()), (Some(2), Some(3), None));
    }

    #[test]
    fn values_left_in_the_ring_are_dropped_with_it() {
        let value = Arc::new(());
        let (mut s, r) = ring(4);
        for _ in 0..3 {
            assert!(s.push(value.clone()).is_ok());
        }
        drop((s, r));
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn a_million_messages_cross_threads_in_order() {
        let (mut s, mut r) = ring(8);
        let writer = std::thread::spawn(move || {
            for i in 0..1_000_000u64 {
                let mut value = i;
                while let Err(back) = s.push(value) {
                    value = back;
                    std::thread::yield_now();
                }
            }
        });
        for i in 0..1_000_000u64 {
            loop {
                match r.pop() {
                    Some(v) => break assert_eq!(v, i),
                    None => std::thread::yield_now(),
                }
            }
        }
        writer.join().expect("the writer does not panic");
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;

    #[test]
    fn ring_of_capacity_two_keeps_order_in_every_interleaving() {
        loom::model(|| {
            let (mut s, mut r) = ring(2);
            let writer = loom::thread::spawn(move || {
                for i in 0..3 {
                    let mut value = Box::new(i);
                    while let Err(back) = s.push(value) {
                        value = back;
                        loom::thread::yield_now();
                    }
                }
            });
            let mut next = 0;
            while next < 3 {
                match r.pop() {
                    Some(v) => {
                        assert_eq!(*v, next);
                        next += 1;
                    }
                    None => loom::thread::yield_now(),
                }
            }
            writer.join().expect("the writer does not panic");
        });
    }

    /// Pushes in a way that is wrong: without Release, or showing the place before it is written.
    fn push_wrongly(s: &mut Sender<u64>, value: u64, shows_first: bool) {
        let at = s.tail & (s.shared.places.len() - 1);
        s.tail += 1;
        if shows_first {
            s.shared.tail.0.store(s.tail, Ordering::Release);
        }
        // SAFETY: the place was outside head..tail until now; that the reader may look at it already is what the model must find.
        s.shared.places[at].with_mut(|p| unsafe { (*p).write(value) });
        if !shows_first {
            s.shared.tail.0.store(s.tail, Ordering::Relaxed);
        }
    }

    fn reads_what_was_pushed_wrongly(shows_first: bool) {
        loom::model(move || {
            let (mut s, mut r) = ring(2);
            let writer = loom::thread::spawn(move || push_wrongly(&mut s, 1, shows_first));
            if let Some(v) = r.pop() {
                assert_eq!(v, 1);
            }
            writer.join().expect("the writer does not panic");
        });
    }

    #[test]
    #[should_panic]
    fn a_tail_without_release_shows_a_place_too_early() {
        reads_what_was_pushed_wrongly(false);
    }

    #[test]
    #[should_panic]
    fn a_tail_moved_before_the_write_shows_a_place_too_early() {
        reads_what_was_pushed_wrongly(true);
    }
}
