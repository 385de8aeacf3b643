//! What comes back from the kernel: one turn of the reactor, and the meaning of every completion.
//!
//! The other half of `net.rs`. Invariants: every completion without F_MORE lowers its connection's `in_flight` by one;
//! a completion that carries a buffer either passes it to the caller or gives it back; `ENOBUFS` is back-pressure and
//! never an error of the connection.
//!
//! Ref: io_uring(7), io_uring_prep_recv_multishot(3).
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use io_uring::cqueue;

use super::listen;
use super::net::{ACCEPT_REST, Reactor};
use super::ring::Done;
use super::slab::*;
use crate::io::{ConnId, Event, Hangup, Wait};

/// Completions taken in one turn; the rest waits in the queue and costs no system call.
pub(super) const REAP_MAX: usize = 512;

impl Reactor {
    /// One turn: submits everything queued, takes in what is finished, appends it to `events`; with `Wait::Until`
    /// sleeps first if there is nothing. May return without an event.
    ///
    /// No system call if nothing is to be submitted and the kernel has no work for this core; one when busy; two when it
    /// submits something and then has to sleep. An error means that the ring is unusable and the core must end.
    pub fn turn(&mut self, wait: Wait<'_>, events: &mut Vec<Event>) -> io::Result<()> {
        let before = events.len();
        self.prepare();
        if self.ring.wants_enter() {
            self.ring.enter(false, None)?;
        }
        self.reap(events);
        if events.len() > before {
            return Ok(());
        }
        let Wait::Until { timeout, ready } = wait else {
            return Ok(());
        };
        // Only a turn that found nothing at all pays for the announcement.
        self.waker.lie_down(self.core);
        if !ready() && !self.ring.has_done() {
            self.prepare();
            self.counters.sleeps += 1;
            let result = self.ring.enter(true, self.nap(timeout));
            self.waker.get_up(self.core);
            result?;
            self.reap(events);
        } else {
            self.waker.get_up(self.core);
        }
        Ok(())
    }

    /// The caller's timeout, or less if a listener's rest ends earlier.
    fn nap(&self, timeout: Option<Duration>) -> Option<Duration> {
        let rest = self
            .listeners
            .iter()
            .filter(|listener| listener.wanted && !listener.armed)
            .filter_map(|listener| listener.rest_until)
            .min()
            .map(|until| until.saturating_duration_since(Instant::now()));
        match (timeout, rest) {
            (Some(timeout), Some(rest)) => Some(timeout.min(rest)),
            (timeout, rest) => timeout.or(rest),
        }
    }

    /// Turns finished operations into events.
    pub(super) fn reap(&mut self, events: &mut Vec<Event>) {
        events.append(&mut self.ready);
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        self.ring.reap(&mut batch, REAP_MAX);
        for done in &batch {
            match untoken(done.token) {
                Some((Kind::Receive, conn)) => self.received(conn, done),
                Some((Kind::Send, conn)) => self.sent(conn, done),
                Some((Kind::Fill, conn)) => self.filled(conn, done),
                Some((Kind::Accept, listener)) => self.accepted(listener.index() as usize, done),
                Some((Kind::Wake, _)) => {
                    self.wake_armed = cqueue::more(done.flags);
                    self.ready.push(Event::Wake);
                }
                Some((Kind::File, place)) => self.finished_file(place.index(), done),
                Some((Kind::Cancel | Kind::Poke, _)) | None => {}
            }
        }
        self.batch = batch;
        events.append(&mut self.ready);
    }

    fn received(&mut self, conn: ConnId, done: &Done) {
        let buf = cqueue::buffer_select(done.flags).map(|id| self.buffers.take(id));
        let more = cqueue::more(done.flags);
        let Some(state) = self.slab.get_mut(conn) else {
            // Cannot be: the record outlives its operations. The buffer must not be lost all the same.
            if let Some(buf) = buf {
                self.buffers.give(buf);
            }
            return;
        };
        if !more {
            state.in_flight -= 1;
            state.clear(ARMED | ENDING);
        }
        let closing = state.has(CLOSING);
        match buf {
            Some(buf) if done.result > 0 && !closing => {
                let len = done.result as usize;
                self.counters.bytes_in += len as u64;
                self.counters.reads += 1;
                self.ready.push(Event::Received { conn, buf, len });
            }
            Some(buf) => self.buffers.give(buf),
            None => {}
        }
        if more {
            return;
        }
        if closing {
            self.free_when_done(conn);
            return;
        }
        match done.result {
            0 => self.hang_up(conn, Hangup::Eof),
            n if n > 0 => self.go_on(conn),
            n if n == -libc::ENOBUFS => self.starve(conn),
            n if n == -libc::ECANCELED || n == -libc::EINTR || n == -libc::EAGAIN => self.go_on(conn),
            n => self.hang_up(conn, Hangup::Error(-n)),
        }
    }

    /// A receive has ended although the connection has not: arm it again, or report the pause.
    fn go_on(&mut self, conn: ConnId) {
        self.settle_pause(conn);
        self.arm(conn);
    }

    /// All buffers are out: the connection waits until some are back.
    fn starve(&mut self, conn: ConnId) {
        self.counters.starved += 1;
        self.buffers.ran_dry();
        self.settle_pause(conn);
        if let Some(state) = self.slab.open_mut(conn)
            && state.has(WANTED)
            && !state.has(STARVED)
        {
            state.set(STARVED);
            self.starved.push_back(conn);
        }
    }

    fn hang_up(&mut self, conn: ConnId, reason: Hangup) {
        if let Some(state) = self.slab.open_mut(conn) {
            state.set(HUNG_UP);
            state.clear(WANTED | PAUSING);
            self.ready.push(Event::Closed { conn, reason });
        }
    }

    fn sent(&mut self, conn: ConnId, done: &Done) {
        let Some(state) = self.slab.get_mut(conn) else {
            return;
        };
        let again = done.result == -libc::EINTR || done.result == -libc::EAGAIN;
        if done.result > 0 {
            self.counters.bytes_out += done.result as u64;
            self.counters.writes += 1;
            state.out_done += done.result as usize;
        }
        let complete = done.result > 0
            && match &mut state.gather {
                Some(gather) => gather.advance(done.result as usize),
                None => state.out_done >= state.out.len(),
            };
        let goes_on = (done.result > 0 && !complete) || again;
        if goes_on && !state.has(CLOSING) {
            self.submit_send(conn);
            return;
        }
        state.in_flight -= 1;
        state.clear(SENDING);
        state.gather = None;
        state.out_done = 0;
        let mut buf = std::mem::take(&mut state.out);
        if state.has(CLOSING) {
            self.free_when_done(conn);
            return;
        }
        buf.clear();
        let result = match done.result {
            n if n > 0 => Ok(()),
            // A send of bytes that takes none does not happen; it would never end.
            0 => Err(libc::EPIPE),
            n => Err(-n),
        };
        self.ready.push(Event::Sent { conn, buf, result });
    }

    fn filled(&mut self, conn: ConnId, done: &Done) {
        let Some(state) = self.slab.get_mut(conn) else {
            return;
        };
        if !state.has(CLOSING) && (done.result == -libc::EINTR || done.result == -libc::EAGAIN) {
            self.submit_fill(conn);
            return;
        }
        state.in_flight -= 1;
        state.clear(FILLING);
        let fill = state.fill.take();
        if state.has(CLOSING) {
            self.free_when_done(conn);
            return;
        }
        let Some(fill) = fill else { return };
        let mut buf = fill.buf;
        let len = usize::try_from(done.result).unwrap_or(0);
        assert!(len <= fill.max as usize);
        // SAFETY: the kernel has written `len` bytes behind the old length, within the capacity (len <= max).
        unsafe { buf.set_len(buf.len() + len) };
        self.counters.bytes_in += len as u64;
        self.counters.reads += u64::from(len > 0);
        self.ready.push(Event::Filled { conn, buf, len });
        if done.result == 0 {
            self.hang_up(conn, Hangup::Eof);
        } else if done.result < 0 {
            self.hang_up(conn, Hangup::Error(-done.result));
        }
    }

    fn free_when_done(&mut self, conn: ConnId) {
        if self.slab.get(conn).is_some_and(|state| state.in_flight == 0) {
            self.free(conn);
        }
    }

    fn accepted(&mut self, index: usize, done: &Done) {
        let Some(listener) = self.listeners.get_mut(index) else {
            return;
        };
        let tag = listener.tag;
        if !cqueue::more(done.flags) {
            listener.armed = false;
        }
        if done.result >= 0 {
            self.counters.accepted += 1;
            self.welcome(done.result, tag);
            return;
        }
        match -done.result {
            // The peer gave up while it waited, or the accept was paused: no harm, the next turn goes on.
            libc::ECONNABORTED | libc::ECANCELED | libc::EINTR | libc::EAGAIN => {}
            errno => {
                listener.rest_until = Some(Instant::now() + ACCEPT_REST);
                self.counters.accept_errors += 1;
                self.ready.push(Event::AcceptFailed { listener: tag, errno });
            }
        }
    }

    fn welcome(&mut self, fd: RawFd, listener: u8) {
        let (peer, local) = listen::ends(fd);
        let conn = self.slab.insert(fd, listener);
        self.ready.push(Event::Accepted { conn, listener, peer, local });
    }
}
