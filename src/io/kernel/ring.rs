//! One io_uring: set-up with the flags a single-threaded server wants, a submission side that never drops an entry, and
//! one place that enters the kernel.
//!
//! Under `net.rs`. Invariants: created, used and dropped on one thread (SINGLE_ISSUER); every enter carries GETEVENTS,
//! because DEFER_TASKRUN makes completions appear in such an enter only; an entry that does not fit is kept aside and
//! goes first the next time.
//!
//! Not here: what the entries mean.
//!
//! Ref: io_uring_setup(2), io_uring_enter(2), io_uring_register(2).
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use io_uring::{EnterFlags, IoUring, squeue, types};

use crate::io::Refused;

/// Opcode of io_uring_register that puts a ring descriptor into the thread's own small table.
const REGISTER_RING_FDS: libc::c_uint = 20;

/// Mirrors `struct io_uring_rsrc_update` of the kernel.
#[repr(C)]
struct RsrcUpdate {
    offset: u32,
    resv: u32,
    data: u64,
}

/// One finished (or continuing) operation: user data, result, flags.
#[derive(Clone, Copy)]
pub(super) struct Done {
    pub token: u64,
    pub result: i32,
    pub flags: u32,
}

pub(super) struct Ring {
    ring: IoUring,
    /// What the enter call names: the registered index, or the descriptor itself.
    enter_fd: i32,
    /// REGISTERED_RING and NO_IOWAIT where the kernel knows them.
    base_flags: u32,
    /// Entries that found the queue full while the kernel took none.
    aside: VecDeque<squeue::Entry>,
    pub enters: u64,
}

impl Ring {
    /// A ring with `entries` submissions and eight times as many completions, for the calling thread only.
    pub fn new(entries: u32) -> Result<Self, Refused> {
        let build = |no_sqarray: bool| {
            let mut builder = IoUring::builder();
            builder
                .setup_single_issuer()
                .setup_defer_taskrun()
                .setup_coop_taskrun()
                .setup_taskrun_flag()
                .setup_submit_all()
                .setup_clamp()
                .setup_cqsize(entries.saturating_mul(8));
            if no_sqarray {
                builder.setup_no_sqarray();
            }
            builder.build(entries)
        };
        // NO_SQARRAY is from Linux 6.6; an older kernel answers EINVAL.
        let ring = match build(true) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => build(false),
            other => other,
        }
        .map_err(|error| super::probe::explain_setup(&error))?;
        let mut ring = Self { enter_fd: ring.as_raw_fd(), base_flags: 0, ring, aside: VecDeque::new(), enters: 0 };
        if ring.ring.params().is_feature_no_iowait() {
            ring.base_flags |= EnterFlags::NO_IOWAIT.bits();
        }
        ring.register_own_fd();
        Ok(ring)
    }

    /// Saves the descriptor look-up of every enter. Failure only means that the look-up stays.
    fn register_own_fd(&mut self) {
        let mut update = RsrcUpdate { offset: u32::MAX, resv: 0, data: self.ring.as_raw_fd() as u64 };
        // SAFETY: the argument is one valid structure of the layout the kernel expects, alive during the call.
        let done = unsafe {
            libc::syscall(libc::SYS_io_uring_register, self.ring.as_raw_fd(), REGISTER_RING_FDS, &mut update as *mut RsrcUpdate, 1)
        };
        if done == 1 {
            self.enter_fd = update.offset as i32;
            self.base_flags |= EnterFlags::REGISTERED_RING.bits();
        }
    }

    /// For registering buffers.
    pub fn inner(&self) -> &IoUring {
        &self.ring
    }

    /// Queues one operation; it reaches the kernel with the next `enter`, or now if the queue is full.
    ///
    /// # Safety
    /// Every pointer in `entry` must stay valid until the operation's last completion has been reaped.
    pub unsafe fn push(&mut self, entry: squeue::Entry) {
        self.settle_aside();
        if self.aside.is_empty() {
            // SAFETY: promised by the caller.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return;
            }
            // Full: hand over what is there. If the kernel takes nothing now, the entry waits aside.
            let _ = self.enter(false, None);
            // SAFETY: as above.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return;
            }
        }
        self.aside.push_back(entry);
    }

    /// Moves entries kept aside into the queue, oldest first.
    fn settle_aside(&mut self) {
        while let Some(entry) = self.aside.front() {
            // SAFETY: whoever pushed the entry promised that its pointers stay valid until it completes.
            if unsafe { self.ring.submission().push(entry) }.is_err() {
                return;
            }
            self.aside.pop_front();
        }
    }

    /// True if an enter has something to do: entries to submit, deferred work to run, overflown completions to fetch.
    pub fn wants_enter(&mut self) -> bool {
        if !self.aside.is_empty() {
            return true;
        }
        let queue = self.ring.submission();
        !queue.is_empty() || queue.taskrun() || queue.cq_overflow()
    }

    /// True if a completion waits to be reaped.
    pub fn has_done(&mut self) -> bool {
        !self.ring.completion().is_empty()
    }

    /// Submits everything queued and runs deferred work; with `sleep`, waits for one completion (at most `timeout`).
    ///
    /// An interrupted or timed-out wait is success. `EBUSY` and `EAGAIN` too: the caller reaps and comes again.
    /// Any other error means that the ring is unusable.
    pub fn enter(&mut self, sleep: bool, timeout: Option<Duration>) -> io::Result<()> {
        let to_submit = {
            let mut queue = self.ring.submission();
            queue.sync();
            queue.len() as u32
        };
        let timespec = timeout.map(types::Timespec::from);
        let mut args = types::SubmitArgs::new();
        if let Some(timespec) = &timespec {
            args = args.timespec(timespec);
        }
        let flags = self.base_flags | EnterFlags::GETEVENTS.bits() | EnterFlags::EXT_ARG.bits();
        self.enters += 1;
        // SAFETY: `args` has the layout of the extended argument and lives, with the timespec it points to, until the
        // call returns; what the submitted entries point to was promised by `push`.
        let result = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                self.enter_fd,
                to_submit,
                u32::from(sleep),
                flags,
                &args as *const types::SubmitArgs<'_, '_>,
                size_of::<types::SubmitArgs<'_, '_>>(),
            )
        };
        if result >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR | libc::ETIME | libc::EBUSY | libc::EAGAIN) => Ok(()),
            _ => Err(error),
        }
    }

    /// Appends up to `limit` completions to `batch`.
    pub fn reap(&mut self, batch: &mut Vec<Done>, limit: usize) {
        batch.extend(self.ring.completion().take(limit).map(|entry| Done {
            token: entry.user_data(),
            result: entry.result(),
            flags: entry.flags(),
        }));
    }

    /// Moves entries kept aside into the queue if there is room again.
    pub fn before_enter(&mut self) {
        if !self.aside.is_empty() {
            self.settle_aside();
        }
    }
}
