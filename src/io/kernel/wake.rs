//! Waking a core that sleeps in its ring, from any thread, and not bothering one that is awake.
//!
//! Beside `net.rs`. Each core has an eventfd on which its ring holds a multishot poll, and a flag that says that the
//! core sleeps or is about to; their protocol is that of `base/park.rs`.
//! The eventfd is never read: every write makes the poll complete once more, and a
//! 64-bit counter does not fill up.
//!
//! Invariants: a wake-up is never lost; it may come twice or without reason.
//!
//! Ref: eventfd(2), io_uring_enter(2) on IORING_OP_POLL_ADD with IORING_POLL_ADD_MULTI.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use crate::base::park::SleepFlag;
use crate::io::{Refused, errno_text};

/// What one core's sleep needs; alone on its cache lines.
#[repr(align(128))]
pub(super) struct Bed {
    sleeping: SleepFlag,
    event: OwnedFd,
}

impl Bed {
    fn new() -> Result<Self, Refused> {
        // SAFETY: eventfd takes two numbers and gives a new descriptor or -1.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            return Err(Refused(format!("Can't create an eventfd: {}", errno_text(errno))));
        }
        // SAFETY: the descriptor was just created and belongs to nobody else.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { sleeping: SleepFlag::default(), event })
    }
}

/// Wakes cores. Cheap to clone; may be used from every thread.
#[derive(Clone)]
pub struct Waker {
    beds: Arc<[Bed]>,
}

impl Waker {
    /// A waker for `cores` cores; each core's reactor is then created with it.
    pub fn new(cores: usize) -> Result<Self, Refused> {
        let beds = (0..cores).map(|_| Bed::new()).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { beds: beds.into() })
    }

    /// How many cores it knows.
    pub fn cores(&self) -> usize {
        self.beds.len()
    }

    /// Makes `core` return from its sleep, if it sleeps; to be called after the message has been queued.
    ///
    /// One system call if it sleeps and nobody else is waking it, one fence otherwise.
    pub fn wake(&self, core: usize) {
        if self.beds[core].sleeping.must_wake() {
            self.wake_always(core);
        }
    }

    /// Makes `core` find an `Event::Wake` in this or its next turn, whether it sleeps or not. One system call.
    pub fn wake_always(&self, core: usize) {
        let one = 1u64;
        // SAFETY: writes eight bytes of a living number to an open eventfd. The only possible failure, a full
        // counter, means that the core is being woken anyway.
        unsafe {
            libc::write(self.event_fd(core), (&one as *const u64).cast(), 8);
        }
    }

    /// True if `core` sleeps or is about to; orders the caller's earlier writes before the look.
    pub(super) fn sleeps(&self, core: usize) -> bool {
        self.beds[core].sleeping.is_set()
    }

    /// The eventfd of `core`: what a signal handler writes to.
    pub fn event_fd(&self, core: usize) -> RawFd {
        self.beds[core].event.as_raw_fd()
    }

    /// Announces that `core` is going to sleep; its queues must be looked at after this.
    pub(super) fn lie_down(&self, core: usize) {
        self.beds[core].sleeping.announce();
    }

    /// Announces that `core` is awake.
    pub(super) fn get_up(&self, core: usize) {
        self.beds[core].sleeping.clear();
    }
}
