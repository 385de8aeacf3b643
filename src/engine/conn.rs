//! One connection as the engine sees it: input not yet parsed, output not yet sent, replies still owed, in order.
//! Sockets are the node's.
//!
//! Invariants: replies leave in the order of the commands, whatever core they came from. A reply whose turn has come is written
//! straight to `out`; one that must wait for an earlier one is kept in `side` until that one is there.

use super::link::Back;
use crate::proto::{encode::Out, parse::Resume};
use crate::spec::client::Output;
use std::collections::VecDeque;

/// An output buffer above this size counts as a list of replies.
pub const REPLY_BYTES: usize = 16 * 1024;

/// A reply that is owed or kept back.
struct Owed {
    seq: u64,
    /// Range of `side` once it is there.
    ready: Option<(usize, usize)>,
    /// CLIENT REPLY says that nobody shall see it.
    is_mute: bool,
}

/// See the file's head.
pub struct Conn {
    pub generation: u32,
    pub out: Out,
    /// Input that was received but not parsed.
    pub input: Vec<u8>,
    pub resume: Resume,
    owed: VecDeque<Owed>,
    side: Vec<u8>,
    next_seq: u64,
    /// Single-core calls not answered yet: in this turn's batch, at other cores, or waiting for a held slot.
    pub calls: u32,
    /// Multi-core tickets not answered yet.
    pub tickets: u32,
    /// One of them is an EXEC with commands of the connection itself (SELECT, HELLO): what follows may only begin when they have run.
    pub is_in_session: bool,
    /// A command is under way that nothing may overlap in either direction: it counts as a call and as a ticket.
    pub is_exclusive: bool,
    /// That command waits for a key.
    pub wait: Option<Box<super::block::home::Wait>>,
    /// Already in the list of connections to look at again.
    pub is_listed: bool,
    /// In the list of connections with something for the node to do.
    pub is_dirty: bool,
    /// It has complete commands that wait for something (credits, earlier replies, a pause).
    pub is_stalled: bool,
    /// Nothing more is read from it.
    pub is_deaf: bool,
    /// The peer is gone or was refused; dropped as soon as nothing is owed.
    pub is_closing: bool,
    /// Bytes of output handed to the node and not confirmed.
    pub sending: usize,
    /// The node holds a buffer of this connection for the running turn.
    pub has_input: bool,
    /// Too much output waits: the node has stopped reading.
    pub is_full: bool,
    /// Keys under WATCH, as their owners know them.
    pub watched: Vec<crate::spec::client::Watched>,
    /// Since when the soft limit of its output buffer is exceeded, ms; 0 = not.
    pub over_soft_since: i64,
    /// The node keeps its output back until this turn at the latest.
    pub withheld_until: Option<u64>,
    /// Output up to the length `.1` waits until the log is acknowledged up to `.0`; both grow.
    gates: VecDeque<(u64, usize)>,
    /// The node has it in its list of connections that wait for the log.
    pub is_gated: bool,
}

impl Conn {
    pub fn new(generation: u32) -> Conn {
        Conn {
            generation,
            out: Out { buf: Vec::new(), resp3: false },
            input: Vec::new(),
            resume: Resume::default(),
            owed: VecDeque::new(),
            side: Vec::new(),
            next_seq: 0,
            calls: 0,
            tickets: 0,
            is_in_session: false,
            is_exclusive: false,
            wait: None,
            is_listed: false,
            is_dirty: false,
            is_stalled: false,
            is_deaf: false,
            is_closing: false,
            sending: 0,
            has_input: false,
            is_full: false,
            watched: Vec::new(),
            over_soft_since: 0,
            withheld_until: None,
            gates: VecDeque::new(),
            is_gated: false,
        }
    }

    /// Whether every earlier command has been answered.
    #[inline(always)]
    pub fn is_idle(&self) -> bool {
        self.calls == 0 && self.tickets == 0
    }

    /// The command that started last, a call or a ticket, lets nothing overlap it.
    pub fn begin_exclusive(&mut self) {
        (self.calls, self.tickets, self.is_exclusive) = (1, 1, true);
    }

    /// It is answered.
    pub fn end_exclusive(&mut self) {
        (self.calls, self.tickets, self.is_exclusive) = (0, 0, false);
    }

    /// A ticket is answered.
    pub fn end_ticket(&mut self) {
        self.tickets -= 1;
        self.is_in_session &= self.tickets > 0;
    }

    /// Takes the place of the next reply. A place taken this way is not owed yet: the reply may still be written at once.
    #[inline(always)]
    pub fn next_place(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    /// The reply of place `seq` will come later.
    pub fn owe(&mut self, seq: u64, is_mute: bool) {
        let at = self.owed.iter().rposition(|o| o.seq < seq).map_or(0, |i| i + 1);
        self.owed.insert(at, Owed { seq, ready: None, is_mute });
    }

    /// Whether the reply of place `seq` may be written to `out` now: nothing before it is missing.
    #[inline(always)]
    pub fn may_write(&self, seq: u64) -> bool {
        match self.owed.front() {
            None => true,
            Some(first) => first.seq > seq,
        }
    }

    /// The reply of place `seq` arrived. Writes all replies whose turn has come.
    pub fn deliver(&mut self, seq: u64, reply: &[u8]) {
        let Some(at) = self.owed.iter().position(|o| o.seq == seq) else { return };
        if at == 0 {
            let first = self.owed.pop_front().expect("it was found at place 0");
            if !first.is_mute {
                self.out.raw(reply);
            }
            self.settle();
            return;
        }
        let start = self.side.len();
        self.side.extend_from_slice(reply);
        self.owed[at].ready = Some((start, self.side.len()));
    }

    /// Lends the place where replies wait for their turn.
    pub fn borrow_side(&mut self) -> Out {
        Out { buf: std::mem::take(&mut self.side), resp3: self.out.resp3 }
    }

    /// Takes it back: what was written from `start` on is the reply of place `seq`, which is behind one that is missing.
    pub fn return_side(&mut self, seq: u64, is_mute: bool, side: Out, start: usize) {
        self.side = side.buf;
        let at = self.owed.iter().rposition(|o| o.seq < seq).map_or(0, |i| i + 1);
        self.owed.insert(at, Owed { seq, ready: Some((start, self.side.len())), is_mute });
    }

    /// A message that answers no command. It comes behind all replies that are owed, since what it says may be about them; only a
    /// command that waits for a key has read nothing yet.
    pub fn message(&mut self, bytes: &[u8]) {
        let last = self.owed.back().map(|o| o.seq);
        match last {
            Some(seq) if self.wait.as_ref().is_none_or(|w| w.stage != super::block::home::Stage::Waiting) => {
                let start = self.side.len();
                self.side.extend_from_slice(bytes);
                self.owed.push_back(Owed { seq, ready: Some((start, self.side.len())), is_mute: false });
            }
            _ => self.out.raw(bytes),
        }
    }

    /// The only command under way has begun to wait: messages behind it need not.
    pub fn let_messages_pass(&mut self) {
        if self.owed.iter().skip(1).any(|o| o.ready.is_none()) {
            return;
        }
        for message in self.owed.drain(1.min(self.owed.len())..) {
            if let Some((start, end)) = message.ready {
                self.out.buf.extend_from_slice(&self.side[start..end]);
            }
        }
        self.side.clear();
    }

    fn settle(&mut self) {
        while let Some(Owed { ready: Some((start, end)), is_mute, .. }) = self.owed.front() {
            if !*is_mute {
                self.out.buf.extend_from_slice(&self.side[*start..*end]);
            }
            self.owed.pop_front();
        }
        if self.owed.is_empty() {
            self.side.clear();
            if self.side.capacity() > 1 << 16 {
                self.side = Vec::new();
            }
        }
    }

    /// Whether the replies written so far are the first of several of which the rest is about to come from other cores.
    #[inline]
    pub fn awaits_more(&self) -> bool {
        const WORTH_SENDING: usize = 16 * 1024;
        self.calls > 0 && self.tickets == 0 && self.out.buf.len() < WORTH_SENDING
    }

    /// Output written so far depends on the log up to `position`, which is acknowledged up to `acked`. Returns how much of it may leave.
    pub fn gate(&mut self, position: u64, acked: u64) -> usize {
        let len = self.out.buf.len();
        let known = self.gates.back().map_or(0, |(_, len)| *len);
        if position > acked && len > known {
            self.gates.push_back((position, len));
        }
        let mut free = if self.gates.is_empty() { len } else { 0 };
        while let Some((at, end)) = self.gates.front()
            && *at <= acked
        {
            free = *end;
            self.gates.pop_front();
        }
        if self.gates.is_empty() { len } else { free }
    }

    /// Takes the first `count` bytes of the output.
    pub fn take_output(&mut self, count: usize) -> Vec<u8> {
        if count == self.out.buf.len() {
            self.gates.clear();
            return std::mem::take(&mut self.out.buf);
        }
        let rest = self.out.buf.split_off(count);
        self.gates.iter_mut().for_each(|(_, end)| *end -= count);
        std::mem::replace(&mut self.out.buf, rest)
    }

    /// The same in detail, as operators see it.
    pub fn output(&self) -> Output {
        let buf = &self.out.buf;
        let is_small = buf.capacity() <= REPLY_BYTES;
        let apart = [if is_small { 0 } else { buf.capacity() }, self.side.len(), self.sending];
        Output {
            bytes: if is_small { buf.len() } else { 0 },
            capacity: if is_small { buf.capacity() } else { 0 },
            pieces: apart.iter().filter(|bytes| **bytes > 0).count(),
            piece_bytes: apart.iter().sum(),
        }
    }

    /// Bytes of output this connection holds in memory.
    pub fn output_bytes(&self) -> usize {
        self.out.buf.len() + self.side.len() + self.sending
    }
}

/// All connections of a core, at the same index as their clients.
#[derive(Default)]
pub struct Conns {
    places: Vec<Option<Box<Conn>>>,
    generations: Vec<u32>,
}

impl Conns {
    /// Makes the connection of index `i`.
    pub fn open(&mut self, i: usize) -> &mut Conn {
        if self.places.len() <= i {
            self.places.resize_with(i + 1, || None);
            self.generations.resize(i + 1, 0);
        }
        self.generations[i] = self.generations[i].wrapping_add(1);
        self.places[i].insert(Box::new(Conn::new(self.generations[i])))
    }
    /// Forgets connection `i`; answers that are still under way to it find nobody.
    pub fn remove(&mut self, i: usize) {
        if let Some(place) = self.places.get_mut(i) {
            *place = None;
        }
    }
    #[inline(always)]
    pub fn get(&mut self, i: usize) -> Option<&mut Conn> {
        self.places.get_mut(i)?.as_deref_mut()
    }
    /// The connection that asked, if it is still the same.
    pub fn asked(&mut self, back: Back) -> Option<&mut Conn> {
        self.get(back.conn as usize).filter(|c| c.generation == back.generation)
    }
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Conn)> {
        self.places.iter().enumerate().filter_map(|(i, c)| Some((i, c.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_leave_in_the_order_of_the_commands() {
        let mut c = Conn::new(1);
        let (a, b, d) = (c.next_place(), c.next_place(), c.next_place());
        c.owe(b, false);
        assert!(c.may_write(a));
        c.out.raw(b"a");
        assert!(!c.may_write(d));
        c.owe(d, false);
        c.deliver(d, b"d");
        assert_eq!(c.out.buf, b"a");
        c.deliver(b, b"b");
        assert_eq!(c.out.buf, b"abd");
    }

    #[test]
    fn a_local_call_that_had_to_wait_takes_its_place_before_later_ones() {
        let mut c = Conn::new(1);
        let (a, b) = (c.next_place(), c.next_place());
        c.owe(b, false);
        c.owe(a, false);
        c.deliver(b, b"b");
        c.deliver(a, b"a");
        assert_eq!(c.out.buf, b"ab");
    }

    #[test]
    fn a_reply_written_where_it_waits_leaves_in_its_turn() {
        let mut c = Conn::new(1);
        let (a, b, d) = (c.next_place(), c.next_place(), c.next_place());
        c.owe(a, false);
        for (seq, is_mute, text) in [(b, false, b"b"), (d, true, b"d")] {
            let mut side = c.borrow_side();
            let start = side.buf.len();
            side.raw(text);
            c.return_side(seq, is_mute, side, start);
        }
        assert!(c.out.buf.is_empty());
        c.deliver(a, b"a");
        assert_eq!(c.out.buf, b"ab");
    }

    #[test]
    fn a_message_comes_behind_what_is_owed_and_before_what_is_not() {
        let mut c = Conn::new(1);
        c.message(b"m");
        let (a, b) = (c.next_place(), c.next_place());
        c.owe(a, true);
        c.owe(b, false);
        c.message(b"n");
        let d = c.next_place();
        c.owe(d, false);
        c.deliver(d, b"d");
        c.deliver(b, b"b");
        c.deliver(a, b"a");
        assert_eq!(c.out.buf, b"mbnd");
    }

    #[test]
    fn a_command_that_begins_to_wait_lets_messages_pass() {
        let mut c = Conn::new(1);
        let a = c.next_place();
        c.owe(a, false);
        c.message(b"m");
        c.let_messages_pass();
        assert_eq!(c.out.buf, b"m");
        c.deliver(a, b"a");
        assert_eq!(c.out.buf, b"ma");
    }

    #[test]
    fn a_muted_reply_is_not_seen() {
        let mut c = Conn::new(1);
        let a = c.next_place();
        c.owe(a, true);
        c.deliver(a, b"a");
        assert!(c.out.buf.is_empty());
    }
}
