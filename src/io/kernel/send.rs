//! Sending: whole buffers and gathered parts, cut into pieces that do not hold up the core.
//!
//! Part of `net.rs`. Invariants: one send operation in flight for a connection, pointing into memory that its record
//! owns; a piece is at most `SEND_MAX` bytes and `WINDOW` parts; `reap.rs` submits the next one until nothing is left.
//!
//! Ref: io_uring_prep_send(3), sendmsg(2), recv(2) on MSG_WAITALL.
#![allow(unsafe_code)]

use io_uring::opcode;
use io_uring::types::Fd;

use super::net::Reactor;
use super::slab::*;
use crate::io::{ConnId, Event, Part};

/// Bytes one send operation may take: bounds the copy during which a core does nothing else (0.1 ms).
const SEND_MAX: usize = 1 << 20;

impl Reactor {
    /// Sends all of `data`; `Sent` follows and brings the buffer back. At most one send may be in flight.
    pub fn send(&mut self, conn: ConnId, data: Vec<u8>) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        assert!(!state.has(SENDING), "one send at a time");
        if data.is_empty() {
            self.ready.push(Event::Sent { conn, buf: data, result: Ok(()) });
            return;
        }
        state.out = data;
        state.out_done = 0;
        state.set(SENDING);
        state.in_flight += 1;
        self.submit_send(conn);
    }

    /// Sends all parts, in order, without joining them; `Sent` follows. Counts as the one send in flight.
    pub fn send_parts(&mut self, conn: ConnId, parts: Vec<Part>) {
        let Some(state) = self.slab.open_mut(conn) else {
            return;
        };
        assert!(!state.has(SENDING), "one send at a time");
        if parts.iter().all(|part| part.as_slice().is_empty()) {
            self.ready.push(Event::Sent { conn, buf: Vec::new(), result: Ok(()) });
            return;
        }
        let none = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        // SAFETY: all bytes zero is a valid msghdr (null pointers, zero lengths).
        let header = unsafe { std::mem::zeroed() };
        state.gather = Some(Box::new(Gather { parts, next: 0, skip: 0, vectors: [none; WINDOW], header }));
        state.set(SENDING);
        state.in_flight += 1;
        self.submit_send(conn);
    }

    /// Submits the next piece of the send in flight.
    pub(super) fn submit_send(&mut self, conn: ConnId) {
        let Some(state) = self.slab.get_mut(conn) else {
            return;
        };
        let fd = Fd(state.fd);
        // The kernel retries a short send itself; reap.rs still resubmits one that comes back short.
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        let entry = if let Some(gather) = &mut state.gather {
            gather.point();
            opcode::SendMsg::new(fd, &raw const gather.header).flags(flags as u32).build()
        } else {
            let rest = &state.out[state.out_done..];
            let len = rest.len().min(SEND_MAX) as u32;
            opcode::Send::new(fd, rest.as_ptr(), len).flags(flags).build()
        };
        // SAFETY: the buffer, or the boxed gather with its header, vectors and parts, stays in the record, unmoved
        // on the heap, until the send's completion clears SENDING.
        unsafe { self.ring.push(entry.user_data(token(Kind::Send, conn))) };
    }
}

impl Gather {
    /// Points the header at the next bytes to send: at most `WINDOW` pieces and `SEND_MAX` bytes.
    fn point(&mut self) {
        let (mut count, mut room, mut skip) = (0, SEND_MAX, self.skip);
        for part in &self.parts[self.next..] {
            let rest = &part.as_slice()[skip..];
            skip = 0;
            if rest.is_empty() {
                continue;
            }
            let len = rest.len().min(room);
            self.vectors[count] = libc::iovec { iov_base: rest.as_ptr().cast_mut().cast(), iov_len: len };
            count += 1;
            room -= len;
            if count == WINDOW || room == 0 {
                break;
            }
        }
        self.header.msg_iov = self.vectors.as_mut_ptr();
        self.header.msg_iovlen = count as _;
    }

    /// Counts `sent` bytes off; true if none are left.
    pub(super) fn advance(&mut self, mut sent: usize) -> bool {
        while let Some(part) = self.parts.get(self.next) {
            let rest = part.as_slice().len() - self.skip;
            if sent < rest {
                self.skip += sent;
                return false;
            }
            sent -= rest;
            self.next += 1;
            self.skip = 0;
        }
        true
    }
}
