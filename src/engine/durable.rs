//! Where calls and tickets meet durability: effects go to the log, replies wait for it, all cores pass a point at one instant,
//! a log that is being loaded is carried out, commands are answered later.
//!
//! Invariants
//! - Effects of a ticket of several cores reach a core's log as one transaction, when the core lets the ticket's slots go. Until then
//!   nothing else touches those slots, so whatever is logged in between commutes with it.
//! - An answer to another core leaves only when what it may depend on is acknowledged by this core's log; so a reply that
//!   depends on several cores has waited for all of them. Answers to one core keep their order.
//! - The coordinator of a ticket with several rounds has a part in its transaction, so its own log tells when all of it is durable.

use super::{
    block::home::Wait,
    link::{Answer, Back},
    run,
    worker::{Input, Worker},
};
use crate::persist::disk::{Disk, Done};
use crate::persist::plan::{Note, Now, Out, Point};
use crate::spec::persist::{Ask, Loading};
use crate::spec::request::LogLevel;
use crate::spec::{Flags, Refusal, client::Client, client::ReplyMode, effect::Record};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What the node has to do about durability.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    Line(LogLevel, String),
    /// The process ends with code 1.
    Die(String),
    /// The process ends with code 0.
    End,
    /// The files of the log are to be looked at (`Persist::give_plan`).
    Plan,
}

/// What a core remembers between turns about durability.
#[derive(Default)]
pub struct Durable {
    /// Effects of tickets with several rounds, until their last one.
    transactions: BTreeMap<u64, (Arc<[u16]>, Record)>,
    /// Answers that wait for the log: from which position on, to which core. `u64::MAX` = the end of this turn.
    held: VecDeque<(u64, usize, Answer)>,
    /// Points that could not start yet.
    points: VecDeque<Point>,
    /// Who asked, by a command of which row: a core and its connection.
    asked: BTreeMap<Ask, (usize, Back, u16)>,
    /// The connection that carries out a log that is being loaded.
    loader: Option<usize>,
    /// Points passed by a core that is alone.
    passed: u64,
    /// Clients waited, or were refused, when it was last looked at.
    was_loading: bool,
    pub due: Vec<Due>,
}

impl Worker {
    /// Effects recorded so far go to the log.
    fn log_recorded(&mut self) {
        if let Some(persist) = &mut self.persist
            && !self.shard.fx.recorded.is_empty()
        {
            let record = std::mem::take(&mut self.shard.fx.recorded);
            persist.append(&record, &self.shard);
            self.shard.fx.recorded = record;
            self.shard.fx.recorded.clear();
        }
    }

    /// The end of a turn: what it did is logged, and answers that wait for that know how far the log must get.
    pub(super) fn end_turn(&mut self) {
        self.log_recorded();
        self.start_points();
        let Some(persist) = &self.persist else { return };
        let position = persist.position();
        self.durable.held.iter_mut().rev().take_while(|(at, ..)| *at == u64::MAX).for_each(|(at, ..)| *at = position);
        self.release_answers();
    }

    /// Answers whose time has come leave.
    fn release_answers(&mut self) {
        let acked = self.acked();
        while self.durable.held.front().is_some_and(|(at, ..)| *at <= acked) {
            let Some((_, core, answer)) = self.durable.held.pop_front() else { return };
            self.send_answer(core, answer);
        }
    }

    /// Keeps an answer if it must wait for the log; gives it back if it need not.
    pub(super) fn hold_answer(&mut self, core: usize, answer: Answer) -> Option<Answer> {
        let Some(persist) = &self.persist else { return Some(answer) };
        let is_gated = persist.acked() < persist.position() || (persist.is_always() && !self.shard.fx.recorded.is_empty());
        if !is_gated && self.durable.held.is_empty() {
            return Some(answer);
        }
        self.durable.held.push_back((u64::MAX, core, answer));
        None
    }

    /// Position of the log that replies of this turn depend on.
    pub fn position(&self) -> u64 {
        self.persist.as_ref().map_or(0, |p| p.position())
    }

    /// Position up to which replies may leave.
    pub fn acked(&self) -> u64 {
        self.persist.as_ref().map_or(0, |p| p.acked())
    }

    /// A part or round of a ticket begins: what ran before it is logged, so that its effects stand apart. [`Worker::end_part`] follows.
    pub(super) fn begin_part(&mut self, ticket: u64) {
        self.shard.fx.unit += 1;
        // The highest number is that of messages which only travel like a round.
        if ticket != u64::MAX {
            self.shard.fx.ticket = Some(ticket);
            self.log_recorded();
        }
    }

    /// It ended. `is_last`: this core will have no more effects of the ticket.
    pub(super) fn end_part(&mut self, ticket: u64, participants: Option<&Arc<[u16]>>, is_last: bool) {
        self.shard.fx.ticket = None;
        if self.persist.is_none() || !self.shard.fx.is_on || ticket == u64::MAX {
            return;
        }
        let held = self.durable.transactions.remove(&ticket);
        let Some(participants) = participants.cloned().or_else(|| held.as_ref().map(|(p, _)| p.clone())) else {
            // Nothing but keys whose time was over, or a ticket of this core alone: its effects are like those of a call.
            return;
        };
        let mut all = held.map(|(_, record)| record).unwrap_or_default();
        all.append(&self.shard.fx.recorded);
        self.shard.fx.recorded.clear();
        match &mut self.persist {
            Some(persist) if is_last => persist.transaction(ticket, &participants, &all, &self.shard),
            _ => drop(self.durable.transactions.insert(ticket, (participants, all))),
        }
    }

    /// Carries out what the state machines asked for.
    fn carry_out(&mut self) {
        while let Some(persist) = &mut self.persist
            && !persist.out.is_empty()
        {
            for out in std::mem::take(&mut persist.out) {
                match out {
                    Out::Note(core, note) => self.send_answer(core, Answer::Note(Box::new(note))),
                    Out::Point(point) => self.durable.points.push_back(point),
                    Out::Reply(ask, reply) => self.answer_ask(ask, reply),
                    Out::Line(level, line) => self.durable.due.push(Due::Line(level, line)),
                    Out::Die(line) => self.durable.due.push(Due::Die(line)),
                    Out::End => self.durable.due.push(Due::End),
                    Out::WantsPlan => self.durable.due.push(Due::Plan),
                }
            }
        }
    }

    /// A command that was put off is answered.
    fn answer_ask(&mut self, ask: Ask, reply: Vec<u8>) {
        match self.durable.asked.remove(&ask) {
            Some((core, back, _)) if core == self.shard.core => self.deliver(back, &reply),
            Some((core, back, _)) => self.answer(core, Answer::Late { back, reply }),
            None => {}
        }
    }

    /// If the call that just ran is answered later, remembers for whom. Of WAIT and WAITAOF home learns that its client waits.
    pub(super) fn is_put_off(&mut self, asker: usize, back: Back, row: u16) -> bool {
        let Some(ask) = self.shard.deferred.take() else { return false };
        self.durable.asked.insert(ask, (asker, back, row));
        if !self.shard.server.commands.row(row).spec.flags.has(Flags::BLOCKING) {
            return true;
        }
        if asker == self.shard.core {
            self.begin_wait(Wait::put_off(back, row, asker));
        } else {
            self.answer(asker, Answer::PutOff { back, row });
        }
        true
    }

    /// The wait of a command that was put off ends: its client closed (`None`), or CLIENT UNBLOCK said so, with an error or not.
    pub(super) fn stop_putting_off(&mut self, asker: usize, back: Back, told: Option<bool>) {
        let found = self.durable.asked.iter().find(|(_, (core, other, _))| (*core, *other) == (asker, back));
        // Its answer may be on its way.
        let Some((ask, row)) = found.map(|(ask, (.., row))| (*ask, *row)) else { return };
        if let Some(persist) = &mut self.persist {
            persist.stop_waiting(ask, told == Some(false), &mut self.shard.wishes);
        }
        match told {
            None => drop(self.durable.asked.remove(&ask)),
            Some(false) => {}
            Some(true) => {
                let refusal = Refusal::UNBLOCKED;
                self.shard.command_stats[row as usize].failed += 1;
                run::count_error(&mut self.shard, &refusal);
                self.answer_ask(ask, [b"-", refusal.as_bytes(), b"\r\n"].concat());
            }
        }
    }

    /// A message of another core's durability.
    pub(super) fn hear_note(&mut self, from: usize, note: Note) {
        if let Some(persist) = &mut self.persist {
            persist.heard(from, note, &mut self.shard);
        }
    }

    /// Lets the state machines go on. The node calls it after every turn.
    pub fn pump(&mut self, now: Now, disk: &mut dyn Disk) {
        let was_choked = self.shard.persist.is_choked;
        if let Some(persist) = &mut self.persist {
            persist.pump(now, &mut self.shard, disk);
        }
        self.after_pump(was_choked);
    }

    /// Operations of the disk ended.
    pub fn files_done(&mut self, done: impl Iterator<Item = Done>, disk: &mut dyn Disk) {
        let was_choked = self.shard.persist.is_choked;
        for done in done {
            if let Some(persist) = &mut self.persist {
                persist.finished(done, &mut self.shard, disk);
            }
        }
        self.after_pump(was_choked);
    }

    fn after_pump(&mut self, was_choked: bool) {
        self.carry_out();
        self.start_points();
        // Messages move it too, so that nothing is known of when it moved.
        self.release_answers();
        let is_loading = self.shard.persist.loading != Loading::No;
        let was_loading = std::mem::replace(&mut self.durable.was_loading, is_loading);
        if (was_choked && !self.shard.persist.is_choked) || (was_loading && !is_loading) {
            self.look_again_all();
        }
        if was_loading && !is_loading {
            self.end_loading();
        }
        self.send_parcels();
        self.flush_links();
    }

    /// Points that were asked for are passed, as far as there is room for tickets.
    fn start_points(&mut self) {
        while let Some(point) = self.durable.points.pop_front() {
            if self.shard.cores == 1 {
                self.durable.passed += 1;
                let number = self.durable.passed;
                self.pass_point(&point, number);
            } else if !self.start_point_ticket(&point) {
                self.durable.points.push_front(point);
                return;
            }
        }
    }

    /// This core passes a point. What ran before it is logged before it.
    pub(super) fn pass_point(&mut self, point: &Point, ticket: u64) {
        self.log_recorded();
        if let Some(persist) = &mut self.persist {
            persist.at_point(point, ticket, &mut self.shard);
        }
    }

    /// Whether a client's command has to wait: nothing is served until everything is loaded, or writes are too far ahead of the disk.
    #[inline]
    pub(super) fn is_held_up(&mut self, i: usize, flags: Flags) -> bool {
        let persist = &self.shard.persist;
        if persist.loading != Loading::Waits && !persist.is_choked {
            return false;
        }
        if self.durable.loader == Some(i) {
            return false;
        }
        let writes = flags.has(Flags::WRITE) || self.shard.clients[i].last_command == "exec" && self.exec_writes(i);
        persist.loading == Loading::Waits || writes
    }

    /// Whether the disk or loading gives this core something to do at once.
    pub(super) fn has_durable_work(&self) -> bool {
        self.persist.as_ref().is_some_and(|p| p.has_work()) || !self.durable.points.is_empty()
    }

    /// The connection that carries out logs which are being loaded; made when it is first needed.
    fn loader(&mut self) -> usize {
        if let Some(i) = self.durable.loader {
            return i;
        }
        let client = Client { is_authenticated: true, reply_mode: ReplyMode::Off, ..Client::new(0, self.now) };
        let i = self.open(client);
        self.durable.loader = Some(i);
        i
    }

    /// Gives the log that is being loaded a turn. The node calls it in place of a turn without input.
    pub fn load_turn(&mut self, now: i64) {
        if let Some(i) = self.durable.loader
            && self.conns.get(i).is_some_and(|c| c.is_listed || c.is_stalled)
        {
            // What it was given before is not carried out yet.
            return;
        }
        let Some(bytes) = self.persist.as_mut().and_then(|p| p.next_input()) else {
            return self.finish_input();
        };
        let conn = self.loader();
        self.turn(now, &[Input { conn, bytes: &bytes }]);
    }

    /// Another core's reply to a command of a log that is being loaded: an error is the end of loading.
    #[inline]
    pub(super) fn look_at_loaded(&mut self, back: Back, reply: &[u8]) {
        if self.durable.loader == Some(back.conn as usize) && reply.first() == Some(&b'-') {
            self.shard.persist.load_error.get_or_insert_with(|| reply.to_vec());
        }
    }

    /// There is no more input (now): if all of it was carried out, says so.
    fn finish_input(&mut self) {
        let left = match self.durable.loader.and_then(|i| Some((i, self.conns.get(i)?))) {
            Some((_, conn)) if !conn.is_idle() => return,
            Some((i, conn)) => {
                let open = self.shard.clients[i].multi.as_ref().map_or(0, |m| m.bytes.max(1));
                conn.input.len() + open
            }
            None => 0,
        };
        if let Some(persist) = &mut self.persist {
            persist.input_done(left);
        }
    }

    /// Everything is loaded: the connection that did it goes.
    fn end_loading(&mut self) {
        if let Some(i) = self.durable.loader.take() {
            self.close(i);
        }
    }
}
