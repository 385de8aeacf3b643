//! One core's turn, without sockets: takes in what connections and other cores sent, advances the order of tickets, runs what
//! may run, hands out what must leave. The node drives it with a kernel, the simulator with a seed.
//!
//! Order of a turn (the proof of strict serializability stands on it): 1 take in commands, answers, rounds, parcels; 2 advance
//! the bound over the marks; 3 if it moved, drain the ticket rings; 4 run tickets below the bound, in number order; 5 run
//! calls; 6 send. A command that may not start yet stays unread at its connection.
//!
//! Does not know: sockets, clocks (time comes in), which of its outputs were sent.

use super::{
    block::{home::Timers, owner::Waiters},
    conn::Conns,
    intake::{Batch, Sources},
    link::{Answer, Link, Parcel},
    probe::{Fault, Point, Probe},
    remote::Waiting,
    tracking::Flushed,
    txn::{marks::Marks, queue::Queue, ticket::Tickets},
};
use crate::spec::{Shard, client::Client, persist::Loading};
use std::{collections::VecDeque, sync::Arc};

/// Calls that one turn runs for its own connections before it looks at the kernel again.
const TURN_CALLS: usize = 8192;
/// Keys that background work (expiry, giving memory back) handles in one turn.
const BACKGROUND_KEYS: usize = 256;

/// Bytes that arrived at a connection; they stay where they are for the turn.
#[derive(Clone, Copy)]
pub struct Input<'i> {
    pub conn: usize,
    pub bytes: &'i [u8],
}

/// See the file's head.
pub struct Worker {
    pub shard: Shard,
    pub conns: Conns,
    pub(super) links: Vec<Option<Link>>,
    pub(super) marks: Arc<Marks>,
    pub(super) queue: Queue,
    pub(super) tickets: Tickets,
    /// Parcels being filled, by target core.
    pub(super) parcels: Vec<Option<Box<Parcel>>>,
    // Boxed as they travel: what comes back is kept as it is.
    #[allow(clippy::vec_box)]
    pub(super) spare: Vec<Box<Parcel>>,
    /// Parcels of other cores to be run in this turn.
    pub(super) inbox: VecDeque<(usize, Box<Parcel>)>,
    pub(super) batch: Batch,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) waiters: Waiters,
    pub(super) timers: Timers,
    pub(super) flushed: Flushed,
    /// Connections whose unread input may be able to go on.
    pub(super) again: Vec<usize>,
    pub(super) dirty: Vec<usize>,
    /// A connection was stalled since all stalled ones were last told to try again.
    pub(super) has_stalled: bool,
    /// A ticket could not start for want of credits or numbers; its connection tries again in every turn.
    pub(super) is_starved: bool,
    /// Cores that were sent something in this turn.
    pub(super) wake: Vec<bool>,
    pub(super) now: i64,
    /// Nanoseconds of a monotonic clock.
    pub(super) nanos: fn() -> u64,
    pub(super) key_places: Vec<(u32, u8)>,
    pub probe: Probe,
    /// Durability, where there is any.
    pub persist: Option<Box<crate::persist::Persist>>,
    pub durable: super::durable::Durable,
}

impl Worker {
    /// `links`: as [`super::link::mesh`] made them for this core. `nanos`: a monotonic clock to time commands by.
    pub fn new(shard: Shard, links: Vec<Option<Link>>, marks: Arc<Marks>, nanos: fn() -> u64) -> Worker {
        let cores = shard.cores;
        Worker {
            shard,
            conns: Conns::default(),
            links,
            marks,
            queue: Queue::default(),
            tickets: Tickets::default(),
            parcels: (0..cores).map(|_| None).collect(),
            spare: Vec::new(),
            inbox: VecDeque::new(),
            batch: Batch::default(),
            waiting: VecDeque::new(),
            waiters: Waiters::default(),
            timers: Timers::default(),
            flushed: Flushed::new(cores),
            again: Vec::new(),
            dirty: Vec::new(),
            has_stalled: false,
            is_starved: false,
            wake: vec![false; cores],
            now: 0,
            nanos,
            key_places: Vec::new(),
            probe: Probe::default(),
            persist: None,
            durable: super::durable::Durable::default(),
        }
    }

    /// A client connected. Returns its index.
    pub fn open(&mut self, mut client: Client) -> usize {
        let is_resp3 = client.is_resp3;
        client.tracking.home = self.shard.core as u16;
        let i = self.shard.clients.insert(client);
        self.conns.open(i).out.resp3 = is_resp3;
        i
    }

    /// The connection is gone; what it still waits for finds nobody.
    pub fn close(&mut self, i: usize) {
        self.release_watches(i);
        self.abandon_wait(i);
        self.end_tracking(i);
        self.conns.remove(i);
        self.shard.clients.remove(i);
    }

    /// One turn at unix time `now` (ms). `inputs`: what arrived, at most one per connection.
    pub fn turn(&mut self, now: i64, inputs: &[Input]) {
        self.now = now;
        self.shard.ks.set_now(now);
        self.take_in_messages();
        self.pass(Point::MessagesTaken);
        self.time_out_waits();
        if self.shard.pause.until_ms != 0 && now >= self.shard.pause.until_ms {
            self.shard.end_pause();
            self.look_again_all();
        }
        if std::mem::take(&mut self.is_starved) {
            self.look_again_all();
        }
        let mut sources = Sources::default();
        for input in inputs {
            self.admit_input(&mut sources, *input);
        }
        self.resume_connections(&mut sources);
        let mut ran = 0;
        loop {
            let taken = self.start_tries() | self.take_in_commands(&mut sources);
            self.pass(Point::CommandsTaken);
            if self.probe.has(Fault::CallsBeforeTickets) {
                ran += self.run_calls(&sources);
            }
            self.run_tickets();
            self.pass(Point::TicketsRun);
            if self.probe.has(Fault::CallsTakenLate) {
                self.take_in_messages();
            }
            ran += self.run_calls(&sources);
            self.pass(Point::CallsRun);
            self.take_in_own_answers();
            self.resume_connections(&mut sources);
            let has_released = std::mem::take(&mut self.queue.has_released);
            let has_tries = !self.timers.tries.is_empty() && !self.is_starved;
            if (!taken && !sources.has_ready() && !has_released && !has_tries) || ran >= TURN_CALLS {
                break;
            }
        }
        self.keep_unread(sources);
        self.background();
        self.serve_if_ready();
        self.tell_trackers();
        self.end_turn();
        self.send_parcels();
        self.flush_links();
    }

    #[inline(always)]
    pub(super) fn pass(&self, point: Point) {
        self.probe.pass(self.shard.core, point);
    }

    /// Expiry that is due and memory that is being given back, a slice of each.
    fn background(&mut self) {
        // What is freed or expires is handed out to a snapshot first, which has too much to write already if writes wait for it.
        if self.shard.debug.pause_cron || self.shard.persist.is_choked {
            return;
        }
        // A log has no command before the first lines of all logs are on disk: a run that is in some of them only must be empty.
        if self.shard.persist.loading == Loading::No {
            let queue = &self.queue;
            self.shard.ks.expire_due(self.now, BACKGROUND_KEYS, &mut |slot| queue.is_barred(slot));
            // Of no unit: what expires by itself belongs to nothing.
            let unit = std::mem::take(&mut self.shard.fx.unit);
            self.shard.record_expired();
            self.shard.fx.unit = unit;
        }
        if self.shard.ks.has_doomed() {
            self.shard.ks.free_doomed(BACKGROUND_KEYS);
        }
    }

    /// Unix ms at which the next key's time is over, if keys may go now.
    fn next_expiry(&self) -> Option<i64> {
        if self.shard.persist.loading == Loading::No { self.shard.ks.next_expiry() } else { None }
    }

    /// Whether there is work that needs no message and no input: the core must not sleep.
    pub fn has_work(&self) -> bool {
        !self.again.is_empty()
            || self.has_durable_work()
            || (self.shard.ks.has_doomed() && !self.shard.debug.pause_cron && !self.shard.persist.is_choked)
            || self.next_expiry().is_some_and(|at| at <= self.now)
    }

    /// Whether another core sent something that was not taken in.
    pub fn has_news(&mut self) -> bool {
        self.links.iter_mut().flatten().any(Link::has_news)
    }

    /// Longest sleep in microseconds that the ticket protocol allows: a core that knows of an unrun ticket,
    /// or that could not start one, looks again soon.
    pub fn sleep_max_usec(&self) -> Option<u64> {
        if self.probe.has(Fault::SleepsOnTickets) {
            return None;
        }
        let unsent = self.links.iter().flatten().any(|l| !l.answers_waiting.is_empty() || !l.rounds_waiting.is_empty());
        (!self.queue.is_empty() || unsent || self.is_starved || self.marks.advance(self.queue.bound) != self.queue.bound).then_some(100)
    }

    /// Unix ms of the next thing that time alone makes due.
    pub fn next_deadline(&self) -> Option<i64> {
        let pause = (self.shard.pause.until_ms > self.now).then_some(self.shard.pause.until_ms);
        [self.next_expiry(), pause, self.timers.next()].into_iter().flatten().min()
    }

    /// Cores to wake because something was sent to them; the list is empty afterwards.
    pub fn wakes(&mut self, mut wake: impl FnMut(usize)) {
        for (core, flag) in self.wake.iter_mut().enumerate() {
            if std::mem::take(flag) {
                self.shard.stats.wakes += 1;
                wake(core);
            }
        }
    }

    /// Connections with output to send or a change of state, each once; the list is empty afterwards.
    pub fn take_dirty(&mut self, into: &mut Vec<usize>) {
        std::mem::swap(&mut self.dirty, into);
        self.dirty.clear();
        for i in into.iter() {
            if let Some(c) = self.conns.get(*i) {
                c.is_dirty = false;
            }
        }
    }

    /// Puts a connection on the list of those the node has to look at.
    pub fn mark_dirty(&mut self, i: usize) {
        if let Some(c) = self.conns.get(i)
            && !c.is_dirty
        {
            c.is_dirty = true;
            self.dirty.push(i);
        }
    }

    /// A connection may be able to go on with what it sent earlier.
    pub fn look_again(&mut self, i: usize) {
        if let Some(c) = self.conns.get(i)
            && c.is_stalled
            && !c.is_listed
        {
            c.is_listed = true;
            self.again.push(i);
        }
    }

    /// Lets every stalled connection try again (a pause ended, credits came back).
    pub fn look_again_all(&mut self) {
        if !std::mem::take(&mut self.has_stalled) {
            return;
        }
        let stalled: Vec<usize> = self.conns.iter().filter(|(_, c)| c.is_stalled).map(|(i, _)| i).collect();
        stalled.into_iter().for_each(|i| self.look_again(i));
    }

    fn take_in_messages(&mut self) {
        let (mut has_parcels, mut has_parts) = (false, false);
        // What is said about calls that wait may have to be answered, so it has to wait until the link is back in its place.
        let mut about_waits = Vec::new();
        for core in 0..self.links.len() {
            let Some(mut link) = self.links[core].take() else { continue };
            while let Some(answer) = link.answers_in.pop() {
                match answer {
                    Answer::Parcel(parcel) => {
                        link.parcels_out -= 1;
                        has_parcels = true;
                        self.parcel_came_back(parcel);
                    }
                    Answer::Late { back, reply } if about_waits.is_empty() => self.deliver(back, &reply),
                    Answer::Note(note) => self.hear_note(core, *note),
                    Answer::Part(part) => {
                        if !part.is_of_round {
                            link.parts_out -= 1;
                        }
                        self.tickets.arrived.push_back(*part);
                        has_parts = true;
                    }
                    other => about_waits.push(other),
                }
            }
            self.pass(Point::RingRead);
            while let Some(round) = link.rounds_in.pop() {
                self.queue.rounds.push_back(*round);
            }
            self.pass(Point::RingRead);
            while let Some(parcel) = link.calls_in.pop() {
                self.inbox.push_back((core, parcel));
            }
            self.links[core] = Some(link);
            about_waits.drain(..).for_each(|answer| self.hear_of_wait(core, answer));
        }
        self.take_in_own_answers();
        if has_parcels || (has_parts && !self.probe.has(Fault::StarvedForgotten)) {
            // Credits came back: whoever waited for them may go on.
            self.look_again_all();
        }
    }

    pub(super) fn flush_links(&mut self) {
        for (link, wake) in self.links.iter_mut().zip(&mut self.wake) {
            *wake |= link.as_mut().is_some_and(Link::flush) && !self.probe.has(Fault::LateAnswerSleeps);
        }
    }
}
