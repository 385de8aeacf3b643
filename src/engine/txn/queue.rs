//! Tickets as one core takes part in them: parts waiting for their number, slots held between rounds, later rounds.
//!
//! Invariants: parts run in number order and only below the bound; a part that meets a held slot waits and bars its own slots
//! for everything later (FIFO a slot); a hold waits only for smaller numbers, so there is no cycle.
//! Source: the protocol of ARCHITECTURE.md, "Tickets", steps 2 to 4 and round 2.

use crate::data::codec::{add_footer, collection::dump_object};
use crate::engine::{
    link::{Answer, Change, Moved, Part, PartAnswer, PartKind, Round, RoundKind, Step, Wanted},
    probe::{Fault, Point},
    run::{self, Job},
    worker::Worker,
};
use crate::keyspace::{Look, Ttl, Value};
use crate::proto::encode::Out;
use crate::spec::{Route, client::Watched};
use std::collections::{BTreeMap, VecDeque};

/// Slots that a ticket holds here between its rounds.
struct Held {
    slots: Vec<u16>,
    is_whole: bool,
}

/// One core's part in tickets.
#[derive(Default)]
pub struct Queue {
    /// All numbers below it are fully pushed everywhere.
    pub bound: u64,
    parts: BTreeMap<u64, Part>,
    held: BTreeMap<u64, Held>,
    /// Slots that nothing later may touch now: held, or wanted by something earlier that waits.
    barred: Vec<u16>,
    is_whole_barred: bool,
    /// Slots of keys whose waiters are being served: calls wait, tickets do not.
    pub kept_for_waiters: Vec<u16>,
    /// Rounds that arrived and were not applied.
    pub rounds: VecDeque<Round>,
    /// Slots became free since the last look: what waits for them may run.
    pub has_released: bool,
}

impl Queue {
    /// No slot is barred.
    #[inline(always)]
    pub fn is_clear(&self) -> bool {
        self.barred.is_empty() && !self.is_whole_barred
    }
    /// Nothing is held or waits.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.held.is_empty() && self.rounds.is_empty()
    }
    #[inline]
    pub fn is_barred(&self, slot: u16) -> bool {
        self.is_whole_barred || self.barred.contains(&slot)
    }
    /// Whether a ticket holds the slot, or waits for it below the bound.
    pub fn is_taken(&self, slot: u16) -> bool {
        let is_held = self.held.values().any(|h| h.is_whole || h.slots.contains(&slot));
        is_held || self.parts.range(..self.bound).any(|(_, p)| p.is_whole || p.slots.contains(&slot))
    }
    /// Bars slots until the bars are rebuilt.
    pub fn bar(&mut self, slots: &[u16]) {
        self.barred.extend_from_slice(slots);
    }
    /// Bars exactly what is held, what parts below the bound wait for, and what is kept for waiters.
    pub fn rebuild_bars(&mut self) {
        self.barred.clear();
        self.is_whole_barred = false;
        for held in self.held.values() {
            self.is_whole_barred |= held.is_whole;
            self.barred.extend_from_slice(&held.slots);
        }
        for part in self.parts.range(..self.bound).map(|(_, p)| p) {
            self.is_whole_barred |= part.is_whole;
            self.barred.extend_from_slice(&part.slots);
        }
        self.barred.extend_from_slice(&self.kept_for_waiters);
    }
    /// Adds a part that arrived.
    pub fn add(&mut self, part: Part) {
        self.parts.insert(part.ticket, part);
    }
    fn blocks(&self, part: &Part) -> bool {
        // What concerns the whole core waits for every ticket that holds anything, if only its place in the log.
        self.is_whole_barred
            || (part.is_whole && !(self.barred.is_empty() && self.held.is_empty()))
            || part.slots.iter().any(|s| self.barred.contains(s))
    }
}

impl Worker {
    /// Steps 2 to 4 of a turn.
    pub(in crate::engine) fn run_tickets(&mut self) {
        if self.links.len() < 2 {
            return;
        }
        if self.probe.has(Fault::DrainBeforeMarks) {
            self.drain_tickets();
            self.pass(Point::RingsDrained);
        }
        let mut bound = self.marks.advance(self.queue.bound);
        if self.probe.has(Fault::BoundTooFar) {
            bound = self.marks.advance(bound + 1).max(bound);
        }
        if bound != self.queue.bound {
            self.queue.bound = bound;
            if !self.probe.has(Fault::StarvedForgotten) {
                self.look_again_all();
            }
            self.pass(Point::MarksRead);
            if !self.probe.has(Fault::DrainBeforeMarks) {
                self.drain_tickets();
            }
            self.pass(Point::RingsDrained);
        }
        if !self.queue.parts.is_empty() {
            self.run_parts();
        }
    }

    fn drain_tickets(&mut self) {
        for core in 0..self.links.len() {
            while let Some(part) = self.links[core].as_mut().and_then(|l| l.tickets_in.pop()) {
                self.queue.add(*part);
            }
            self.pass(Point::RingRead);
        }
    }

    fn run_parts(&mut self) {
        let numbers: Vec<u64> = self.queue.parts.range(..self.queue.bound).map(|(n, _)| *n).collect();
        // Bars are built up in number order: first what is held, then each part that cannot run.
        self.queue.barred.clear();
        self.queue.is_whole_barred = false;
        let held: Vec<(Vec<u16>, bool)> = self.queue.held.values().map(|h| (h.slots.clone(), h.is_whole)).collect();
        for (slots, is_whole) in held {
            self.queue.bar(&slots);
            self.queue.is_whole_barred |= is_whole;
        }
        for n in numbers {
            let Some(part) = self.queue.parts.remove(&n) else { continue };
            if self.queue.blocks(&part) {
                if !self.probe.has(Fault::TicketsOvertake) {
                    self.queue.bar(&part.slots);
                    self.queue.is_whole_barred |= part.is_whole;
                }
                self.queue.parts.insert(n, part);
                continue;
            }
            self.run_part(part);
        }
        // Calls that wait already keep their place before later calls of the same slots.
        let waiting: Vec<u16> = self.waiting.iter().flat_map(|w| w.slots.iter().copied()).collect();
        self.queue.bar(&waiting);
        let kept = std::mem::take(&mut self.queue.kept_for_waiters);
        self.queue.bar(&kept);
        self.queue.kept_for_waiters = kept;
    }

    /// Makes the bars anew, those of calls that wait included.
    pub(in crate::engine) fn refresh_bars(&mut self) {
        self.queue.rebuild_bars();
        let waiting: Vec<u16> = self.waiting.iter().flat_map(|w| w.slots.iter().copied()).collect();
        self.queue.bar(&waiting);
    }

    fn run_part(&mut self, part: Part) {
        let mut answer = PartAnswer { ticket: part.ticket, core: self.shard.core, is_unchanged: true, ..Default::default() };
        self.shard.stats.parts_run += 1;
        self.begin_part(part.ticket);
        let mut is_last = true;
        match part.kind {
            PartKind::Run(steps) => answer.replies = self.run_steps(&steps, part.now),
            PartKind::Watch(keys) => answer.tokens = keys.iter().map(|w| self.watch_key(w, part.now)).collect(),
            PartKind::Hold { watched, fetch } => {
                answer.is_unchanged = watched.iter().all(|w| self.is_watch_unchanged(w, part.now)) || self.probe.has(Fault::WatchIgnored);
                self.end_watches(&watched);
                answer.fetched = fetch.iter().map(|w| self.fetch_for(part.coordinator, w, part.now)).collect();
                if !self.probe.has(Fault::HoldForgotten) {
                    self.queue.bar(&part.slots);
                    self.queue.is_whole_barred |= part.is_whole;
                    self.queue.held.insert(part.ticket, Held { slots: part.slots, is_whole: part.is_whole });
                }
                is_last = false;
            }
            PartKind::Point(point) => self.pass_point(&point, part.ticket),
        }
        self.end_part(part.ticket, part.participants.as_ref(), is_last);
        self.part_answer(part.coordinator, answer);
    }

    fn part_answer(&mut self, coordinator: usize, answer: PartAnswer) {
        if coordinator == self.shard.core {
            self.tickets.arrived.push_back(answer);
        } else {
            self.answer(coordinator, Answer::Part(Box::new(answer)));
        }
    }

    /// Applies the rounds that arrived, in order.
    pub(in crate::engine) fn apply_rounds(&mut self) {
        while let Some(round) = self.queue.rounds.pop_front() {
            let mut answer =
                PartAnswer { ticket: round.ticket, core: self.shard.core, is_of_round: true, is_unchanged: true, ..Default::default() };
            self.begin_part(round.ticket);
            let answers = match round.kind {
                RoundKind::Run(steps) => {
                    answer.replies = self.run_steps(&steps, round.now);
                    true
                }
                RoundKind::Fetch(wanted) => {
                    answer.fetched = wanted.iter().map(|w| self.fetch(w, round.now)).collect();
                    true
                }
                RoundKind::Put(changes) => {
                    changes.into_iter().for_each(|c| self.put_change(c));
                    false
                }
                RoundKind::Nothing => false,
                RoundKind::Unwatch(keys) => {
                    self.end_watches(&keys);
                    false
                }
                RoundKind::Block(waiter) => {
                    self.enter(*waiter);
                    false
                }
                RoundKind::Claim(back) => {
                    self.claimed((round.coordinator, back));
                    false
                }
                RoundKind::Kept(back) => {
                    self.kept((round.coordinator, back));
                    false
                }
                RoundKind::Withdraw(back) => {
                    self.forget((round.coordinator, back));
                    false
                }
                RoundKind::Hasten { back, with_error } => {
                    self.stop_putting_off(round.coordinator, back, Some(with_error));
                    false
                }
                RoundKind::Drop(back) => {
                    self.stop_putting_off(round.coordinator, back, None);
                    false
                }
            };
            self.end_part(round.ticket, None, round.releases);
            if round.releases || self.probe.has(Fault::EarlyRelease) {
                self.queue.held.remove(&round.ticket);
                self.queue.rebuild_bars();
                self.queue.has_released = true;
            }
            if answers {
                self.part_answer(round.coordinator, answer);
            }
        }
    }

    /// Runs the steps of a part. Returns the reply of each with its place in the transaction.
    fn run_steps(&mut self, steps: &[Step], now: i64) -> Vec<(u32, Vec<u8>)> {
        let mut replies = Vec::with_capacity(steps.len());
        for step in steps {
            let mut out = Out { buf: Vec::new(), resp3: step.is_resp3 };
            let (row, args) = (step.row, step.words.args());
            let job = Job { row, args, db: step.db as usize, now, origin: step.origin, home: None, hint: None };
            let start = (self.nanos)();
            if step.is_part {
                // Time is counted where it was spent; the call is counted once, by the coordinator.
                run::run_part(&mut self.shard, &mut out, &job);
                let nanos = (self.nanos)().saturating_sub(start);
                self.shard.command_stats[row as usize].nanos += nanos;
                self.shard.stats.command_nanos += nanos;
            } else {
                run::run(&mut self.shard, &mut out, &job);
                let nanos = (self.nanos)().saturating_sub(start);
                run::account(&mut self.shard, row, nanos, 1);
                run::note_slow(&mut self.shard, &job, nanos);
            }
            if matches!(self.shard.server.commands.row(row).spec.route, Route::Every(_)) {
                self.look_at_clients();
            }
            replies.push((step.index, out.buf));
        }
        replies
    }

    pub(in crate::engine) fn watch_key(&mut self, w: &Watched, now: i64) -> u64 {
        let key = self.shard.ks.key(&w.key);
        self.shard.ks.watch(w.db, &key, now)
    }

    fn end_watches(&mut self, keys: &[Watched]) {
        for w in keys {
            let key = self.shard.ks.key(&w.key);
            self.shard.ks.unwatch(w.db, &key);
        }
    }

    pub(in crate::engine) fn is_watch_unchanged(&mut self, w: &Watched, now: i64) -> bool {
        let key = self.shard.ks.key(&w.key);
        self.shard.ks.is_unchanged(w.db, &key, w.token, now)
    }

    /// The same for a call of `core` that may wait, for whom a key that others are waiting for is empty.
    fn fetch_for(&mut self, core: usize, w: &Wanted, now: i64) -> Moved {
        let is_others = w.yields_for.is_some_and(|back| self.is_kept_from((core, back), w, now));
        if is_others && !self.probe.has(Fault::NewcomersFirst) { None } else { self.fetch(w, now) }
    }

    /// A copy of what a key holds; big values by reference.
    pub(in crate::engine) fn fetch(&mut self, w: &Wanted, now: i64) -> Moved {
        let key = self.shard.ks.key(&w.key);
        let is_there = self.shard.ks.find(w.db, &key, now, Look::Quiet).is_some();
        self.note_fetch(w, &key);
        if is_there { self.shard.ks.get_value(w.db, &key) } else { None }
    }

    /// Applies a change that was computed at a ticket's coordinator, and records it as its value.
    pub(in crate::engine) fn put_change(&mut self, change: Change) {
        let key = self.shard.ks.key(&change.key);
        self.shard.record_expired();
        if self.shard.fx.is_on && change.effects.is_empty() {
            self.record_change(&change);
        }
        if self.shard.fx.is_on {
            change.effects.iter().for_each(|words| self.shard.fx.command(change.db, words.iter().map(Vec::as_slice)));
        }
        match change.value {
            None => {
                self.shard.ks.remove(change.db, &key);
            }
            Some((value, expire)) => {
                self.shard.ks.put(change.db, &key, value, expire.map_or(Ttl::None, Ttl::At));
            }
        }
        self.note_changes(change.client);
    }

    fn record_change(&mut self, change: &Change) {
        let mut words: Vec<Vec<u8>> = Vec::new();
        match &change.value {
            None => words.extend([b"DEL".to_vec(), change.key.clone()]),
            Some((value, expire)) => {
                let at = expire.map(|at| at.to_string().into_bytes());
                let text = match value {
                    Value::Int(n) => n.to_string().into_bytes(),
                    Value::Str { bytes, .. } => bytes.to_vec(),
                    Value::Object(object) => {
                        let mut payload = Vec::new();
                        dump_object(&mut payload, object, self.shard.config.rdbcompression);
                        add_footer(&mut payload);
                        let at = at.unwrap_or_else(|| b"0".to_vec());
                        words.extend([b"RESTORE".to_vec(), change.key.clone(), at, payload, b"REPLACE".to_vec(), b"ABSTTL".to_vec()]);
                        self.shard.fx.command(change.db, words.iter().map(Vec::as_slice));
                        return;
                    }
                };
                words.extend([b"SET".to_vec(), change.key.clone(), text]);
                if let Some(at) = at {
                    words.extend([b"PXAT".to_vec(), at]);
                }
            }
        }
        self.shard.fx.command(change.db, words.iter().map(Vec::as_slice));
    }
}
