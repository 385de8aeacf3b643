//! What the reactor knows of each connection: one 64-byte record a connection in a slab, and the tokens that tie
//! completions to it.
//!
//! Under `net.rs` and `reap.rs`. Invariants: a record is given to a new connection only after `release`, which demands
//! that nothing is in flight; `release` raises the generation, so old ids and tokens no longer match.
//!
//! Not here: system calls.

use std::os::fd::RawFd;

use crate::io::{ConnId, GENERATION_BITS, Part};

/// What an operation is; the top four bits of its token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Accept = 1,
    Receive = 2,
    Fill = 3,
    Send = 4,
    /// A cancellation; its own result says nothing that the cancelled operation does not say.
    Cancel = 5,
    /// The poll on this core's eventfd.
    Wake = 6,
    /// A write to another core's eventfd.
    Poke = 7,
    /// An operation on a file; the index is its place in the table of `file.rs`.
    File = 8,
}

/// Kind (4 bits), generation (28), index (32).
pub(super) fn token(kind: Kind, conn: ConnId) -> u64 {
    ((kind as u64) << 60) | conn.as_u64()
}

/// The parts of a token; `None` for a kind that nobody submits.
pub(super) fn untoken(token: u64) -> Option<(Kind, ConnId)> {
    let kind = match token >> 60 {
        1 => Kind::Accept,
        2 => Kind::Receive,
        3 => Kind::Fill,
        4 => Kind::Send,
        5 => Kind::Cancel,
        6 => Kind::Wake,
        7 => Kind::Poke,
        8 => Kind::File,
        _ => return None,
    };
    let generation = (token >> 32) as u32 & ((1 << GENERATION_BITS) - 1);
    Some((kind, ConnId::new(token as u32, generation)))
}

/// The caller has started the connection and wants to receive.
pub(super) const WANTED: u16 = 1;
/// A multishot receive is in flight.
pub(super) const ARMED: u16 = 1 << 1;
/// That receive has been asked to end.
pub(super) const ENDING: u16 = 1 << 2;
/// Waits in the starved list for buffers.
pub(super) const STARVED: u16 = 1 << 3;
/// A one-shot receive is in flight.
pub(super) const FILLING: u16 = 1 << 4;
/// A send is in flight.
pub(super) const SENDING: u16 = 1 << 5;
/// The caller has closed the connection.
pub(super) const CLOSING: u16 = 1 << 6;
/// Nothing more will be received.
pub(super) const HUNG_UP: u16 = 1 << 7;
/// The caller has been told `Paused` and has not resumed.
pub(super) const QUIET: u16 = 1 << 8;
/// `start` has been called.
pub(super) const STARTED: u16 = 1 << 9;
/// The caller waits for a `Paused`.
pub(super) const PAUSING: u16 = 1 << 10;

/// Pieces handed to one sendmsg: more bring nothing, the kernel copies anyway.
pub(super) const WINDOW: usize = 64;

/// A gathered send in flight.
pub(super) struct Gather {
    pub parts: Vec<Part>,
    /// First part that is not sent completely, and how many of its bytes are.
    pub next: usize,
    pub skip: usize,
    /// What the operation in flight points to.
    pub vectors: [libc::iovec; WINDOW],
    pub header: libc::msghdr,
}

/// A one-shot receive in flight.
pub(super) struct Fill {
    pub buf: Vec<u8>,
    pub max: u32,
}

/// One connection.
pub(super) struct Conn {
    /// The buffer being sent, and how much of it the kernel has taken.
    pub out: Vec<u8>,
    pub out_done: usize,
    pub gather: Option<Box<Gather>>,
    pub fill: Option<Box<Fill>>,
    /// -1 when the record is free.
    pub fd: RawFd,
    pub generation: u32,
    /// Operations whose last completion has not been reaped: at most one each of receive, fill and send.
    pub in_flight: u8,
    pub listener: u8,
    pub flags: u16,
}

const _: () = assert!(size_of::<Conn>() <= 72);

impl Conn {
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub fn set(&mut self, flag: u16) {
        self.flags |= flag;
    }

    pub fn clear(&mut self, flag: u16) {
        self.flags &= !flag;
    }
}

/// All connections of one core.
#[derive(Default)]
pub(super) struct Slab {
    conns: Vec<Conn>,
    free: Vec<u32>,
}

impl Slab {
    /// A record for descriptor `fd`. O(1) amortised.
    pub fn insert(&mut self, fd: RawFd, listener: u8) -> ConnId {
        if let Some(index) = self.free.pop() {
            let conn = &mut self.conns[index as usize];
            conn.fd = fd;
            conn.listener = listener;
            conn.flags = 0;
            return ConnId::new(index, conn.generation);
        }
        let index = u32::try_from(self.conns.len()).expect("fewer connections than descriptors");
        self.conns.push(Conn {
            out: Vec::new(),
            out_done: 0,
            gather: None,
            fill: None,
            fd,
            generation: 0,
            in_flight: 0,
            listener,
            flags: 0,
        });
        ConnId::new(index, 0)
    }

    /// The living connection of that id, closing ones included.
    pub fn get(&self, id: ConnId) -> Option<&Conn> {
        self.conns.get(id.index() as usize).filter(|conn| conn.fd >= 0 && conn.generation == id.generation())
    }

    /// As `get`, to change.
    pub fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(id.index() as usize).filter(|conn| conn.fd >= 0 && conn.generation == id.generation())
    }

    /// As `get_mut`, but only what the caller has not closed.
    pub fn open_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.get_mut(id).filter(|conn| !conn.has(CLOSING))
    }

    /// Frees the record and answers the descriptor, which the caller closes or hands on.
    pub fn release(&mut self, id: ConnId) -> Option<RawFd> {
        let conn = self.get_mut(id)?;
        assert_eq!(conn.in_flight, 0, "a connection is freed only when the kernel is done with it");
        let fd = conn.fd;
        conn.fd = -1;
        conn.out = Vec::new();
        conn.gather = None;
        conn.fill = None;
        conn.generation = (conn.generation + 1) & ((1 << GENERATION_BITS) - 1);
        self.free.push(id.index());
        Some(fd)
    }

    /// Living connections.
    pub fn len(&self) -> usize {
        self.conns.len() - self.free.len()
    }

    /// Ids of all living connections. O(slab).
    pub fn ids(&self) -> Vec<ConnId> {
        (0..).zip(&self.conns).filter(|(_, conn)| conn.fd >= 0).map(|(index, conn)| ConnId::new(index, conn.generation)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_ids_do_not_reach_the_next_connection() {
        let mut slab = Slab::default();
        let first = slab.insert(7, 0);
        assert_eq!(slab.release(first), Some(7));
        let second = slab.insert(8, 1);
        assert_eq!(first.index(), second.index());
        assert!(slab.get(first).is_none());
        assert_eq!(slab.get(second).map(|conn| conn.fd), Some(8));
        assert_eq!(slab.release(first), None);
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn tokens_give_back_what_they_were_made_of() {
        let id = ConnId::new(u32::MAX, (1 << GENERATION_BITS) - 1);
        for kind in [Kind::Accept, Kind::Receive, Kind::Send, Kind::Poke, Kind::File] {
            assert_eq!(untoken(token(kind, id)), Some((kind, id)));
        }
        assert_eq!(untoken(0), None);
    }
}
