//! The reactor of one core: accepts, receives, sends and closes over one io_uring, and sleeps in it.
//!
//! Called by `node/` once a turn. This file is the caller's side (start, pause, close), `send.rs` its sending half;
//! `reap.rs` is what comes back. Budget of a busy turn: one system call, however many connections it serves.
//!
//! Invariants:
//! - At most one multishot receive, one fill and one send are in flight for a connection; a fill never together with
//!   a receive, or bytes would change places.
//! - A multishot receive holds no buffer while its connection is idle.
//! - `in_flight` counts operations whose last completion is still to come; at 0, and not before, a closing connection
//!   is freed.
//!
//! Not here: zero-copy sends (slower on loopback and below 32 KiB), registered files, bundles.
//!
//! Ref: io_uring_prep_recv_multishot(3), io_uring_prep_accept(3), io_uring_prep_cancel(3).
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use io_uring::types::{CancelBuilder, Fd};
use io_uring::{opcode, squeue};

use super::buffers::{Buffers, GROUP};
use super::file::Files;
use super::ring::{Done, Ring};
use super::slab::*;
use super::{listen, wake::Waker};
use crate::io::{BufId, ConnId, Counters, Event, Opts, Peer, Refused};

/// How long a listener rests after `EMFILE` and the like.
pub(super) const ACCEPT_REST: Duration = Duration::from_millis(100);
/// What a poke writes; the kernel reads it whenever it likes.
static ONE: u64 = 1;

/// One listening socket.
pub(super) struct Listener {
    pub fd: OwnedFd,
    pub tag: u8,
    /// Connections are to be accepted.
    pub wanted: bool,
    /// A multishot accept is in flight.
    pub armed: bool,
    /// Rests until then.
    pub rest_until: Option<Instant>,
}

/// One core's door to the network. Not `Send`: it is created, used and dropped on the core's own thread.
pub struct Reactor {
    // The order matters on drop: the ring first, then the memory it could point to.
    pub(super) ring: Ring,
    pub(super) buffers: Buffers,
    pub(super) slab: Slab,
    pub(super) files: Files,
    pub(super) listeners: Vec<Listener>,
    /// Connections whose receive ended for want of buffers, in that order.
    pub(super) starved: VecDeque<ConnId>,
    /// Events that need no completion, for the next turn.
    pub(super) ready: Vec<Event>,
    pub(super) batch: Vec<Done>,
    pub(super) waker: Waker,
    pub(super) core: usize,
    pub(super) wake_armed: bool,
    /// Cores that have been poked since the last enter.
    poked: Vec<usize>,
    pub(super) counters: Counters,
    _on_one_thread: std::marker::PhantomData<Rc<()>>,
}

impl Reactor {
    /// The reactor of core `core`, created on that core's thread. `waker` knows all cores.
    ///
    /// Fails with one line for the operator if the kernel does not give what is needed.
    pub fn new(opts: Opts, waker: Waker, core: usize) -> Result<Self, Refused> {
        assert!(core < waker.cores());
        let ring = Ring::new(opts.entries)?;
        let buffers = Buffers::new(ring.inner(), opts.buffers, opts.buffer_bytes)?;
        let files = Files::new(&ring);
        Ok(Self {
            ring,
            buffers,
            slab: Slab::default(),
            files,
            listeners: Vec::new(),
            starved: VecDeque::new(),
            ready: Vec::new(),
            batch: Vec::with_capacity(super::reap::REAP_MAX),
            waker,
            core,
            wake_armed: false,
            poked: Vec::new(),
            counters: Counters::default(),
            _on_one_thread: std::marker::PhantomData,
        })
    }

    /// Accepts connections from `fd`, a blocking listening socket, until the reactor ends. `tag` comes back in events
    /// and must be unused.
    pub fn listen(&mut self, fd: OwnedFd, tag: u8) {
        assert!(self.listeners.iter().all(|listener| listener.tag != tag));
        self.listeners.push(Listener { fd, tag, wanted: true, armed: false, rest_until: None });
    }

    /// Stops (`false`) or resumes accepting on the listener `tag`. Meanwhile connections wait in the kernel's backlog.
    /// A few that the kernel has already accepted may still be announced. The kernel remembers the limit on open files
    /// of the moment when accepting began: after raising it, stop and resume.
    pub fn accepting(&mut self, tag: u8, wanted: bool) {
        let Some(index) = self.listeners.iter().position(|listener| listener.tag == tag) else {
            return;
        };
        let listener = &mut self.listeners[index];
        listener.wanted = wanted;
        if !wanted && listener.armed {
            let token = token(Kind::Accept, ConnId::new(index as u32, 0));
            self.cancel(token);
        }
    }

    /// Sets TCP keepalive (seconds, 0 = off) for connections accepted from now on.
    pub fn set_keepalive(&mut self, seconds: u32) {
        for listener in &self.listeners {
            // Accepted sockets inherit it; a Unix socket refuses, which is right.
            let _ = listen::keepalive(listener.fd.as_raw_fd(), seconds);
        }
    }

    /// Takes over a connected socket, accepted by another core or connected by the caller. Nothing is received before
    /// `start`.
    pub fn adopt(&mut self, fd: OwnedFd, listener: u8) -> ConnId {
        use std::os::fd::IntoRawFd;
        self.slab.insert(fd.into_raw_fd(), listener)
    }

    /// Gives a connection away that has not been started; its id is dead at once. `None` if it is gone or started.
    pub fn detach(&mut self, conn: ConnId) -> Option<OwnedFd> {
        let state = self.slab.open_mut(conn)?;
        if state.has(STARTED) || state.in_flight > 0 {
            return None;
        }
        let fd = self.slab.release(conn)?;
        // SAFETY: the slab owned the descriptor and has just given it up.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Begins to receive.
    pub fn start(&mut self, conn: ConnId) {
        if let Some(state) = self.slab.open_mut(conn) {
            state.set(STARTED | WANTED);
            self.arm(conn);
        }
    }

    /// The first `len` bytes of a received buffer.
    pub fn bytes(&self, buf: &BufId, len: usize) -> &[u8] {
        self.buffers.bytes(buf, len)
    }

    /// Gives a received buffer back to the kernel.
    pub fn recycle(&mut self, buf: BufId) {
        self.buffers.give(buf);
    }

    /// Stops receiving. `Received` events may still come until `Paused` says that it has taken effect.
    pub fn pause_recv(&mut self, conn: ConnId) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        if !state.has(WANTED) || state.has(HUNG_UP) {
            return;
        }
        state.clear(WANTED);
        state.set(PAUSING);
        if !state.has(ARMED) {
            self.settle_pause(conn);
        } else if !state.has(ENDING) {
            state.set(ENDING);
            self.cancel(token(Kind::Receive, conn));
        }
    }

    /// Receives again after `pause_recv`, whether or not `Paused` has come (then it does not come any more).
    pub fn resume_recv(&mut self, conn: ConnId) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        if !state.has(STARTED) || state.has(HUNG_UP) {
            return;
        }
        assert!(!state.has(FILLING), "resume after Filled");
        state.set(WANTED);
        state.clear(QUIET | PAUSING);
        self.arm(conn);
    }

    /// Receives once, up to `max` bytes, straight into the spare capacity of `buf`; `Filled` follows. Allowed only
    /// between `Paused` and `resume_recv`, and one at a time.
    pub fn recv_into(&mut self, conn: ConnId, buf: Vec<u8>, max: usize) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        if state.has(HUNG_UP) {
            self.ready.push(Event::Filled { conn, buf, len: 0 });
            return;
        }
        assert!(state.has(QUIET) && !state.has(FILLING), "a fill needs a paused connection");
        let max = max.min(buf.capacity() - buf.len()).min(1 << 30);
        assert!(max > 0, "a fill needs room");
        let max = max as u32;
        state.fill = Some(Box::new(Fill { buf, max }));
        state.set(FILLING);
        state.in_flight += 1;
        self.submit_fill(conn);
    }

    /// Ends a connection: what the kernel has taken is still delivered, what it has not is dropped. `Freed` follows.
    pub fn close(&mut self, conn: ConnId) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        state.set(CLOSING);
        state.clear(WANTED);
        if state.in_flight == 0 {
            self.free(conn);
            return;
        }
        // Both: the shutdown tells the peer and ends operations that a cancel in the same enter would not find.
        // SAFETY: plain system call on a descriptor the slab owns.
        unsafe { libc::shutdown(state.fd, libc::SHUT_RDWR) };
        let flags = state.flags;
        for (flag, kind) in [(ARMED, Kind::Receive), (FILLING, Kind::Fill), (SENDING, Kind::Send)] {
            if flags & flag != 0 {
                self.cancel(token(kind, conn));
            }
        }
    }

    /// The descriptor, for getsockopt and CLIENT LIST; not to be closed, read or written.
    pub fn fd_of(&self, conn: ConnId) -> Option<RawFd> {
        self.slab.get(conn).map(|state| state.fd)
    }

    /// The listener a connection came from.
    pub fn listener_of(&self, conn: ConnId) -> Option<u8> {
        self.slab.get(conn).map(|state| state.listener)
    }

    /// The two ends of a connection: the peer's and ours. Two system calls.
    pub fn ends_of(&self, conn: ConnId) -> Option<(Peer, Peer)> {
        self.slab.get(conn).map(|state| listen::ends(state.fd))
    }

    /// Connections that are not freed yet.
    pub fn connections(&self) -> usize {
        self.slab.len()
    }

    /// Counts since the start.
    pub fn counters(&self) -> Counters {
        Counters { enters: self.ring.enters, ..self.counters }
    }

    /// The receive buffers: how many are out, how large one is.
    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Wakes another core if it sleeps, with this core's next enter instead of a system call of its own. To be called
    /// after the message has been queued.
    pub fn wake(&mut self, core: usize) {
        if core == self.core || !self.waker.sleeps(core) || self.poked.contains(&core) {
            return;
        }
        self.poked.push(core);
        let fd = Fd(self.waker.event_fd(core));
        let entry = opcode::Write::new(fd, (&raw const ONE).cast(), 8).build().user_data(token(Kind::Poke, ConnId::new(0, 0)));
        // SAFETY: the number is static.
        unsafe { self.ring.push(entry) };
    }

    /// Before an enter: what the previous turn has left to do.
    pub(super) fn prepare(&mut self) {
        self.poked.clear();
        self.ring.before_enter();
        self.buffers.refill();
        self.feed_starved();
        if !self.wake_armed {
            self.wake_armed = true;
            let entry = opcode::PollAdd::new(Fd(self.waker.event_fd(self.core)), libc::POLLIN as u32)
                .multi(true)
                .build()
                .user_data(token(Kind::Wake, ConnId::new(0, 0)));
            // SAFETY: no pointers.
            unsafe { self.ring.push(entry) };
        }
        self.arm_listeners();
    }

    /// Re-arms starved connections, the longest waiting first, as many as there are buffers on offer.
    fn feed_starved(&mut self) {
        for _ in 0..self.buffers.on_offer() {
            let Some(conn) = self.starved.pop_front() else {
                return;
            };
            if let Some(state) = self.slab.open_mut(conn) {
                state.clear(STARVED);
                self.arm(conn);
            }
        }
    }

    fn arm_listeners(&mut self) {
        for index in 0..self.listeners.len() {
            let listener = &mut self.listeners[index];
            if listener.armed || !listener.wanted {
                continue;
            }
            if let Some(until) = listener.rest_until {
                if Instant::now() < until {
                    continue;
                }
                listener.rest_until = None;
            }
            listener.armed = true;
            let entry = opcode::AcceptMulti::new(Fd(listener.fd.as_raw_fd()))
                .flags(libc::SOCK_CLOEXEC)
                .build()
                .user_data(token(Kind::Accept, ConnId::new(index as u32, 0)));
            // SAFETY: no pointers.
            unsafe { self.ring.push(entry) };
        }
    }

    /// Arms the multishot receive if it is wanted and not yet there.
    pub(super) fn arm(&mut self, conn: ConnId) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        if !state.has(WANTED) || state.flags & (ARMED | STARVED | HUNG_UP) != 0 {
            return;
        }
        state.set(ARMED);
        state.in_flight += 1;
        let entry = opcode::RecvMulti::new(Fd(state.fd), GROUP).build().user_data(token(Kind::Receive, conn));
        // SAFETY: the operation carries no pointer; the buffers it picks live as long as the ring.
        unsafe { self.ring.push(entry) };
    }

    /// Submits the one-shot receive whose buffer the record holds.
    pub(super) fn submit_fill(&mut self, conn: ConnId) {
        let Some(state) = self.slab.get_mut(conn) else {
            return;
        };
        let fd = Fd(state.fd);
        let Some(fill) = &mut state.fill else { return };
        let spare = fill.buf.spare_capacity_mut();
        let entry: squeue::Entry = opcode::Recv::new(fd, spare.as_mut_ptr().cast(), fill.max).build().user_data(token(Kind::Fill, conn));
        // SAFETY: `max` is within the spare capacity; the vector stays in the record until the completion.
        unsafe { self.ring.push(entry) };
    }

    fn cancel(&mut self, target: u64) {
        let entry = opcode::AsyncCancel2::new(CancelBuilder::user_data(target)).build().user_data(token(Kind::Cancel, ConnId::new(0, 0)));
        // SAFETY: no pointers.
        unsafe { self.ring.push(entry) };
    }

    /// Tells the caller that receiving has stopped, if it still wants to know.
    pub(super) fn settle_pause(&mut self, conn: ConnId) {
        if let Some(state) = self.slab.open_mut(conn)
            && state.has(PAUSING)
        {
            state.clear(PAUSING);
            state.set(QUIET);
            self.ready.push(Event::Paused { conn });
        }
    }

    /// Closes the descriptor of a connection with nothing in flight and announces it.
    pub(super) fn free(&mut self, conn: ConnId) {
        if let Some(fd) = self.slab.release(conn) {
            // SAFETY: the slab owned the descriptor and has just given it up.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
            self.ready.push(Event::Freed { conn });
            // A descriptor is free again: listeners that rest for want of one need not wait.
            for listener in &mut self.listeners {
                listener.rest_until = None;
            }
        }
    }
}

impl Drop for Reactor {
    /// Ends every operation on a connection and waits for it and for those on files, so that the kernel writes to no buffer that has been freed.
    fn drop(&mut self) {
        for index in 0..self.listeners.len() {
            let tag = self.listeners[index].tag;
            self.accepting(tag, false);
        }
        let mut events = Vec::new();
        for _ in 0..1000 {
            // Connections that were accepted meanwhile end too; closing twice does nothing.
            for conn in self.slab.ids() {
                self.close(conn);
            }
            if self.slab.len() == 0 && self.files.unfinished() == 0 {
                return;
            }
            if self.ring.enter(true, Some(Duration::from_millis(1))).is_err() {
                break;
            }
            self.reap(&mut events);
        }
        // Reached with a disk that does not answer. Leaking is better than handing memory on that is still written to.
        std::mem::forget(std::mem::take(&mut self.slab));
        std::mem::forget(std::mem::take(&mut self.files));
    }
}
