//! Tickets as their coordinator sees them: numbering and pushing, collecting answers, later rounds, the reply.
//!
//! A ticket of one round runs its steps where they belong and is merged. A ticket with rounds (a watch, or a command that needs
//! the values of several cores) first holds all its slots, then goes through its commands, then lets go.
//!
//! Invariants: everything that can refuse is decided and all bytes are copied before a number is taken; between taking and
//! marking there is nothing but pushes; a credit covers a part until its first answer.

use super::plan::{Planned, Where, plan};
use crate::engine::{
    link::{Back, Change, Moved, Part, PartAnswer, PartKind, Round, RoundKind, Step, Wanted, Words},
    probe::{Fault, Point},
    run::{self, Job},
    worker::Worker,
};
use crate::keyspace::slots;
use crate::persist::plan::Point as Instant;
use crate::proto::encode::Out;
use crate::spec::{Access, Args, Block, Flags, call::Origin, client::Watched};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a ticket waits for.
enum Phase {
    /// The only round.
    OneRound,
    /// An instant of all cores: nobody is told.
    Point,
    Watching(Vec<Watched>),
    Holding,
    /// Commands `.0..` up to `.1` run.
    Running(usize),
    Fetching,
}

/// How a ticket goes on.
enum Progress {
    /// Answers are missing.
    GoesOn,
    /// Its only command waits for a key.
    Blocked,
    /// This is the reply.
    Done(Vec<u8>),
}

/// A ticket under way.
struct Ticket {
    back: Back,
    origin: Origin,
    /// It runs a call again that waits.
    is_again: bool,
    now: i64,
    /// When it began, nanoseconds.
    started: u64,
    commands: Vec<Planned>,
    /// A command alone: its reply stands for itself, without the array of EXEC.
    is_bare: bool,
    participants: Vec<usize>,
    due: usize,
    /// Replies of the parts by command: `(core, bytes)`.
    replies: Vec<Vec<(usize, Vec<u8>)>>,
    /// Values by core, in the order in which they were asked for there.
    fetched: BTreeMap<usize, VecDeque<Moved>>,
    /// Values of the first keys of the command at hand, while its further keys are being fetched.
    scouted: Vec<Moved>,
    tokens: BTreeMap<usize, VecDeque<u64>>,
    is_unchanged: bool,
    /// Next command to start.
    next: usize,
    phase: Phase,
}

/// All tickets that this core coordinates.
#[derive(Default)]
pub struct Tickets {
    open: BTreeMap<u64, Ticket>,
    /// Answers that came and were not looked at.
    pub arrived: VecDeque<PartAnswer>,
}

impl Worker {
    /// Starts a ticket for one command of connection `i`. `false`: there is no room now, try again in a later turn.
    pub(in crate::engine) fn start_command_ticket(&mut self, i: usize, row: u16, args: &Args) -> bool {
        let client = &self.shard.clients[i];
        let command = plan(&self.shard, row, args, client.db, client.is_resp3);
        self.start((i, None), vec![command], true, Vec::new())
    }

    /// Starts a ticket that runs a call again whose connection waits for it.
    pub(in crate::engine) fn start_again(&mut self, back: Back, command: Planned) -> bool {
        self.start((back.conn as usize, Some(back)), vec![command], true, Vec::new())
    }

    /// Starts a ticket that puts keys under WATCH.
    pub(in crate::engine) fn start_watch_ticket(&mut self, i: usize, _row: u16, args: &Args) -> bool {
        let keys = self.keys_to_watch(i, args);
        let cores = self.shard.cores;
        let mut participants: Vec<usize> = keys.iter().map(|w| slots::owner_of(w.slot, cores)).collect();
        participants.sort_unstable();
        participants.dedup();
        let mut parts = Vec::new();
        for core in &participants {
            let own: Vec<Watched> = keys.iter().filter(|w| slots::owner_of(w.slot, cores) == *core).cloned().collect();
            parts.push((*core, own.iter().map(|w| w.slot).collect(), false, PartKind::Watch(own)));
        }
        self.launch((i, None), parts, Vec::new(), true, Phase::Watching(keys))
    }

    /// Starts a ticket for the queued commands of connection `i`.
    pub(in crate::engine) fn start_exec_ticket(&mut self, i: usize) -> bool {
        let commands = self.plan_queue(i);
        let is_in_session = commands.iter().any(|c| matches!(c.place, Where::Home));
        let watched = self.conns.get(i).map(|c| c.watched.clone()).unwrap_or_default();
        if !self.start((i, None), commands, false, watched) {
            return false;
        }
        // A ticket behind it would be planned for the database that a SELECT in the block is about to change.
        if let Some(conn) = self.conns.get(i) {
            conn.is_in_session = is_in_session && conn.tickets > 0;
        }
        // The parts have the watches now and end them where they look at them: told from here, the owners could forget them first.
        if !self.probe.has(Fault::WatchesForgotten) {
            self.forget_watches(i);
        }
        self.end_multi(i);
        true
    }

    fn start(&mut self, (i, again): (usize, Option<Back>), commands: Vec<Planned>, is_bare: bool, watched: Vec<Watched>) -> bool {
        let cores = self.shard.cores;
        let is_whole = commands.iter().any(Planned::is_whole);
        let is_simple = watched.is_empty() && commands.iter().all(Planned::is_simple);
        // Whoever coordinates several rounds of writes has a part in any case: its log tells when all of the ticket is durable.
        let leads = (!is_simple && self.may_write(&commands)).then_some(self.shard.core);
        let takes_part = |core: usize| {
            is_whole
                || leads == Some(core)
                || watched.iter().any(|w| slots::owner_of(w.slot, cores) == core)
                || commands.iter().any(|c| c.slots.iter().any(|(o, _)| *o == core) || matches!(c.place, Where::One(o) if o == core))
        };
        let origin = crate::engine::origin(&self.shard.clients[i], !is_bare);
        let mut parts = Vec::new();
        for core in (0..cores).filter(|c| takes_part(*c)) {
            let mut touched: Vec<u16> = commands.iter().flat_map(|c| &c.slots).filter(|(o, _)| *o == core).map(|(_, s)| *s).collect();
            let kind = if is_simple {
                PartKind::Run(commands.iter().enumerate().filter_map(|(n, c)| c.step(core, n, origin)).collect())
            } else {
                let own: Vec<Watched> = watched.iter().filter(|w| slots::owner_of(w.slot, cores) == core).cloned().collect();
                touched.extend(own.iter().map(|w| w.slot));
                let mut fetch = commands.first().map_or(Vec::new(), |c| wanted(c, core, 0));
                commands.first().inspect(|c| self.mark_readers(c, &mut fetch, origin));
                if is_bare && let Some(command) = commands.first().filter(|c| self.is_blocking(c.row)) {
                    self.yield_to_waiters(command, &mut fetch, again.unwrap_or(Back::NOBODY));
                }
                PartKind::Hold { watched: own, fetch }
            };
            touched.sort_unstable();
            touched.dedup();
            parts.push((core, touched, is_whole, kind));
        }
        let phase = if is_simple { Phase::OneRound } else { Phase::Holding };
        self.launch((i, again), parts, commands, is_bare, phase)
    }

    /// Marks the keys from which a call that may wait takes something out.
    fn yield_to_waiters(&self, command: &Planned, fetch: &mut [Wanted], back: Back) {
        let spec = self.shard.server.commands.row(command.row).spec;
        let (args, mut places) = (command.words.args(), Vec::new());
        // The same extraction succeeded when the command was planned.
        let _ = crate::spec::keys::positions(spec, &args, &mut places);
        for (at, _) in places.iter().filter(|(_, n)| spec.keys[*n as usize].access.has(Access::DELETE)) {
            fetch.iter_mut().filter(|w| w.key == args.get(*at as usize)).for_each(|w| w.yields_for = Some(back));
        }
    }

    /// Starts a ticket that lets all cores pass a point. `false`: there is no room now.
    pub(in crate::engine) fn start_point_ticket(&mut self, point: &Instant) -> bool {
        let parts = (0..self.shard.cores).map(|core| (core, Vec::new(), true, PartKind::Point(point.clone()))).collect();
        self.launch((usize::MAX, Some(Back::NOBODY)), parts, Vec::new(), true, Phase::Point)
    }

    /// Takes a number, pushes the parts, marks the number. All bytes are ready; nothing else happens in between.
    fn launch(
        &mut self,
        (i, again): (usize, Option<Back>),
        parts: Vec<(usize, Vec<u16>, bool, PartKind)>,
        commands: Vec<Planned>,
        is_bare: bool,
        phase: Phase,
    ) -> bool {
        let is_free = |core: usize| self.links[core].as_ref().is_none_or(|l| l.parts_out < l.credits);
        let may_start = self.marks.may_start(self.queue.bound) || self.probe.has(Fault::MarksReused);
        if !parts.iter().all(|(core, ..)| is_free(*core)) || !may_start {
            self.is_starved = !self.probe.has(Fault::StarvedForgotten);
            return false;
        }
        let is_point = matches!(phase, Phase::Point);
        let origin = if is_point { Origin::default() } else { crate::engine::origin(&self.shard.clients[i], !is_bare) };
        let Some(back) = again.or_else(|| self.owe_ticket(i)) else { return false };
        let participants: Vec<usize> = parts.iter().map(|(core, ..)| *core).collect();
        let logged_by = self.logged_by(&participants, &commands);
        let (due, last) = (participants.len(), participants.last().copied());
        let replies = commands.iter().map(|_| Vec::new()).collect();
        let ticket = Ticket {
            back,
            origin,
            is_again: again.is_some(),
            now: self.now,
            started: (self.nanos)(),
            commands,
            is_bare,
            participants,
            due,
            replies,
            fetched: BTreeMap::new(),
            scouted: Vec::new(),
            tokens: BTreeMap::new(),
            is_unchanged: true,
            next: 0,
            phase,
        };
        self.shard.stats.tickets_started += 1;
        let (coordinator, now) = (self.shard.core, self.now);
        let mut boxed: Vec<(usize, Box<Part>)> = parts
            .into_iter()
            .map(|(core, slots, is_whole, kind)| {
                (core, Box::new(Part { ticket: 0, coordinator, now, slots, is_whole, participants: logged_by.clone(), kind }))
            })
            .collect();
        let n = self.marks.take();
        self.pass(Point::NumberTaken);
        for (core, mut part) in boxed.drain(..) {
            part.ticket = n;
            if self.probe.has(Fault::MarkBeforeLastPush) && Some(core) == last {
                self.marks.mark(n);
                self.pass(Point::PartPushed);
            }
            match self.links[core].as_mut() {
                None => self.queue.add(*part),
                Some(link) => {
                    link.parts_out += 1;
                    self.wake[core] = true;
                    assert!(link.tickets_out.push(part).is_ok(), "credits keep the ticket ring from filling up");
                }
            }
            self.pass(Point::PartPushed);
        }
        self.marks.mark(n);
        self.tickets.open.insert(n, ticket);
        if due == 0 {
            // Commands without any key on any core (a block of PING): nothing to wait for.
            self.finish_if_due(n);
        }
        true
    }

    /// The cores whose logs have a ticket's transaction: those with a part, if it may write on several of them.
    fn logged_by(&self, participants: &[usize], commands: &[Planned]) -> Option<Arc<[u16]>> {
        (participants.len() > 1 && self.may_write(commands)).then(|| participants.iter().map(|core| *core as u16).collect())
    }

    fn may_write(&self, commands: &[Planned]) -> bool {
        commands.iter().any(|c| self.shard.server.commands.row(c.row).spec.flags.has(Flags::WRITE))
    }

    /// The place of a ticket's reply.
    fn owe_ticket(&mut self, i: usize) -> Option<Back> {
        let is_mute = self.takes_mute(i);
        let conn = self.conns.get(i)?;
        let seq = conn.next_place();
        conn.owe(seq, is_mute);
        conn.tickets += 1;
        Some(Back { conn: i as u32, generation: conn.generation, seq })
    }

    /// Looks at the answers that arrived, and applies the rounds for this core that follow from them.
    pub(in crate::engine) fn take_in_own_answers(&mut self) {
        while !self.tickets.arrived.is_empty() || !self.queue.rounds.is_empty() {
            self.look_at_answers();
            self.apply_rounds();
        }
    }

    fn look_at_answers(&mut self) {
        while let Some(answer) = self.tickets.arrived.pop_front() {
            let number = answer.ticket;
            let Some(ticket) = self.tickets.open.get_mut(&number) else { continue };
            ticket.due -= 1;
            ticket.is_unchanged &= answer.is_unchanged;
            for (index, bytes) in answer.replies {
                ticket.replies[index as usize].push((answer.core, bytes));
            }
            ticket.fetched.entry(answer.core).or_default().extend(answer.fetched);
            ticket.tokens.entry(answer.core).or_default().extend(answer.tokens);
            self.finish_if_due(number);
        }
    }

    fn finish_if_due(&mut self, number: u64) {
        if self.tickets.open.get(&number).is_none_or(|t| t.due > 0) {
            return;
        }
        let Some(mut ticket) = self.tickets.open.remove(&number) else { return };
        let is_watch = matches!(ticket.phase, Phase::Watching(_));
        let reply = match std::mem::replace(&mut ticket.phase, Phase::OneRound) {
            Phase::Point => return,
            Phase::OneRound => Progress::Done(self.assemble(&mut ticket)),
            Phase::Watching(keys) => {
                self.note_watch(&ticket, &keys);
                Progress::Done(self.watching(&mut ticket, keys))
            }
            Phase::Holding if !ticket.is_unchanged => {
                self.release(number, &ticket, BTreeMap::new());
                let mut out = Out { buf: Vec::new(), resp3: self.is_resp3(ticket.back) };
                out.null_array();
                Progress::Done(out.buf)
            }
            Phase::Running(end) => {
                ticket.next = end;
                self.go_on(number, &mut ticket)
            }
            Phase::Holding | Phase::Fetching => self.go_on(number, &mut ticket),
        };
        match reply {
            Progress::GoesOn => {
                self.tickets.open.insert(number, ticket);
            }
            Progress::Blocked => {}
            Progress::Done(reply) => {
                if is_watch || !ticket.is_bare {
                    self.count_session(if is_watch { b"WATCH" } else { b"EXEC" }, ticket.started);
                }
                self.answer_ticket(ticket.back, &reply);
            }
        }
    }

    /// Starts what comes next under held slots.
    fn go_on(&mut self, number: u64, ticket: &mut Ticket) -> Progress {
        while ticket.next < ticket.commands.len() {
            let n = ticket.next;
            if !ticket.commands[n].is_simple() {
                let is_asked = n == 0 || !ticket.scouted.is_empty() || !ticket.fetched.values().all(VecDeque::is_empty);
                if !is_asked || self.scout_command(ticket, n) {
                    self.ask_for_values(number, ticket, n);
                    return Progress::GoesOn;
                }
                if !self.gather_command(number, ticket, n) {
                    return Progress::Blocked;
                }
                ticket.next += 1;
                if ticket.next == ticket.commands.len() {
                    return Progress::Done(self.assemble(ticket));
                }
                continue;
            }
            let end = (n..ticket.commands.len()).find(|k| !ticket.commands[*k].is_simple()).unwrap_or(ticket.commands.len());
            if self.run_range(number, ticket, n, end) {
                return Progress::GoesOn;
            }
            ticket.next = end;
        }
        self.release(number, ticket, BTreeMap::new());
        Progress::Done(self.assemble(ticket))
    }

    /// Where command `n` is one that names further keys once its first values are there: takes those, finds the further keys.
    /// Returns whether there are any, so that their values must be asked for.
    fn scout_command(&mut self, ticket: &mut Ticket, n: usize) -> bool {
        let command = &mut ticket.commands[n];
        let Where::Scout(keys) = &mut command.place else { return false };
        let mut keys = std::mem::take(keys);
        let values = take_values(&mut ticket.fetched, &keys);
        let first = keys.len();
        self.further_keys(command, &mut keys, &values, ticket.now);
        let has_further = keys.len() > first;
        ticket.scouted = values;
        ticket.commands[n].place = Where::Gather(keys);
        has_further
    }

    /// Asks for the values of command `n`, those excepted that are there.
    fn ask_for_values(&mut self, number: u64, ticket: &mut Ticket, n: usize) {
        for core in ticket.participants.clone() {
            let mut fetch = wanted(&ticket.commands[n], core, ticket.scouted.len());
            if !fetch.is_empty() {
                if ticket.scouted.is_empty() {
                    self.mark_readers(&ticket.commands[n], &mut fetch, ticket.origin);
                }
                ticket.due += 1;
                self.send_round(
                    core,
                    Round { ticket: number, coordinator: self.shard.core, now: ticket.now, kind: RoundKind::Fetch(fetch), releases: false },
                );
            }
        }
        ticket.phase = Phase::Fetching;
    }

    /// Runs command `n` on the values that came and sends the changes home; the last command also lets the slots go.
    /// `false`: it was the only one, and waits for a key.
    fn gather_command(&mut self, number: u64, ticket: &mut Ticket, n: usize) -> bool {
        let Where::Gather(keys) = &ticket.commands[n].place else { return true };
        let mut values = std::mem::take(&mut ticket.scouted);
        values.extend(take_values(&mut ticket.fetched, &keys[values.len()..]));
        let home = self.conns.asked(ticket.back).is_some().then_some(ticket.back.conn as usize);
        if home.is_none() && ticket.is_bare && self.is_blocking(ticket.commands[n].row) && !self.probe.has(Fault::DeathIgnored) {
            // Nobody is there to get what it would take out.
            self.release(number, ticket, BTreeMap::new());
            return true;
        }
        let (reply, changes) = self.run_gathered(&ticket.commands[n], values, ticket.now, home, ticket.origin);
        if let Some(block) = self.shard.block.take() {
            self.block_ticket(number, ticket, changes, &block);
            return false;
        }
        if ticket.is_again {
            let back = ticket.back;
            ticket.participants.iter().for_each(|core| self.tell(*core, RoundKind::Withdraw(back)));
        }
        ticket.replies[n].push((self.shard.core, reply));
        let mut by_core: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for (core, change) in changes {
            by_core.entry(core).or_default().push(change);
        }
        if n + 1 == ticket.commands.len() {
            self.release(number, ticket, by_core);
            return true;
        }
        for (core, changes) in by_core {
            let kind = RoundKind::Put(changes);
            self.send_round(core, Round { ticket: number, coordinator: self.shard.core, now: ticket.now, kind, releases: false });
        }
        true
    }

    /// The call of a ticket found nothing and waits: its owners enter it in their queues, or keep it there, before they let go.
    fn block_ticket(&mut self, number: u64, ticket: &Ticket, changes: Vec<(usize, Change)>, block: &Block) {
        let command = &ticket.commands[0];
        if ticket.is_again {
            self.wait_on(ticket.back);
            self.release(number, ticket, BTreeMap::new());
            return;
        }
        let (row, args, db, now, origin) = (command.row, command.words.args(), command.db, ticket.now, ticket.origin);
        let job = Job { row, args, db, now, origin, home: None, hint: None };
        let (waiters, wait) = self.split_block(ticket.back, &job, command.is_resp3, block);
        if self.probe.has(Fault::WaitsTooLate) {
            self.release(number, ticket, BTreeMap::new());
        }
        for (core, waiter) in waiters {
            let kind = RoundKind::Block(Box::new(waiter));
            self.send_round(core, Round { ticket: number, coordinator: self.shard.core, now: ticket.now, kind, releases: false });
        }
        let mut by_core: BTreeMap<usize, Vec<Change>> = BTreeMap::new();
        changes.into_iter().for_each(|(core, change)| by_core.entry(core).or_default().push(change));
        self.begin_wait(wait);
        if !self.probe.has(Fault::WaitsTooLate) {
            self.release(number, ticket, by_core);
        }
    }

    /// Sends commands `from..to` to their cores. `false`: none of them needs a core.
    fn run_range(&mut self, number: u64, ticket: &mut Ticket, from: usize, to: usize) -> bool {
        let is_last = to == ticket.commands.len();
        let mut rounds: Vec<(usize, Vec<Step>)> = Vec::new();
        for core in &ticket.participants {
            let steps: Vec<Step> = (from..to).filter_map(|n| ticket.commands[n].step(*core, n, ticket.origin)).collect();
            rounds.push((*core, steps));
        }
        if rounds.iter().all(|(_, steps)| steps.is_empty()) {
            return false;
        }
        for (core, steps) in rounds {
            let kind = if steps.is_empty() { RoundKind::Nothing } else { RoundKind::Run(steps) };
            ticket.due += usize::from(matches!(kind, RoundKind::Run(_)));
            if is_last || matches!(kind, RoundKind::Run(_)) {
                self.send_round(core, Round { ticket: number, coordinator: self.shard.core, now: ticket.now, kind, releases: is_last });
            }
        }
        // Once everything was sent with the release, only the replies are missing.
        ticket.phase = if is_last { Phase::OneRound } else { Phase::Running(to) };
        true
    }

    /// Lets all slots of a ticket go, with the changes that are still to be made.
    fn release(&mut self, number: u64, ticket: &Ticket, mut changes: BTreeMap<usize, Vec<crate::engine::link::Change>>) {
        let last = ticket.participants.last();
        for core in &ticket.participants {
            if self.probe.has(Fault::RoundLost) && Some(core) == last {
                continue;
            }
            let mut kind = changes.remove(core).map_or(RoundKind::Nothing, RoundKind::Put);
            if self.probe.has(Fault::ChangeLost) && Some(core) == last {
                kind = RoundKind::Nothing;
            }
            self.send_round(*core, Round { ticket: number, coordinator: self.shard.core, now: ticket.now, kind, releases: true });
        }
    }

    /// Sends a round, also to this core itself.
    pub(in crate::engine) fn send_round(&mut self, core: usize, round: Round) {
        match self.links[core].as_mut() {
            None => self.queue.rounds.push_back(round),
            Some(link) => {
                link.round(Box::new(round));
                self.wake[core] = true;
            }
        }
    }

    /// The whole reply of a ticket; commands that touch no key run now.
    fn assemble(&mut self, ticket: &mut Ticket) -> Vec<u8> {
        let home = self.conns.asked(ticket.back).is_some().then_some(ticket.back.conn as usize);
        let mut out = Out { buf: Vec::new(), resp3: self.is_resp3(ticket.back) };
        if !ticket.is_bare {
            out.array(ticket.commands.len());
        }
        for (command, parts) in ticket.commands.iter().zip(&mut ticket.replies) {
            parts.sort_by_key(|(core, _)| *core);
            match (&command.place, home) {
                (Where::Gather(_), _) => parts.iter().for_each(|(_, p)| out.raw(p)),
                (Where::Home, Some(i)) => self.run_queued_at_home(i, command, &mut out),
                (Where::Home, None) => {}
                _ => {
                    let slices: Vec<(usize, &[u8])> = parts.iter().map(|(c, p)| (*c, p.as_slice())).collect();
                    let reply = self.merged(command, &slices, home, ticket.origin);
                    if command.is_of_many() {
                        self.count_once(command, &reply, ticket.started, home, ticket.origin);
                    }
                    out.raw(&reply);
                }
            }
        }
        out.buf
    }

    /// Counts a command of several cores, once and with all its words.
    fn count_once(&mut self, command: &Planned, reply: &[u8], started: u64, home: Option<usize>, origin: Origin) {
        let nanos = (self.nanos)().saturating_sub(started);
        run::account_whole(&mut self.shard, command.row, nanos);
        run::count_merged(&mut self.shard, command.row, reply);
        let (row, args, db, now) = (command.row, command.words.args(), command.db, self.now);
        run::note_slow(&mut self.shard, &Job { row, args, db, now, origin, home, hint: None }, nanos);
    }

    /// EXEC and WATCH over several cores count as calls too.
    fn count_session(&mut self, name: &[u8], started: u64) {
        if let Some(row) = self.shard.server.commands.find(name) {
            let nanos = (self.nanos)().saturating_sub(started);
            run::account(&mut self.shard, row, nanos, 1);
        }
    }

    /// The slow log has WATCH over several cores as one call.
    fn note_watch(&mut self, ticket: &Ticket, keys: &[Watched]) {
        let nanos = (self.nanos)().saturating_sub(ticket.started);
        let Some(row) = self.shard.server.commands.find(b"WATCH") else { return };
        if self.shard.config.slowlog_log_slower_than < 0 {
            return;
        }
        let mut words = Words::default();
        words.push(b"WATCH");
        keys.iter().for_each(|w| words.push(&w.key));
        let home = self.conns.asked(ticket.back).is_some().then_some(ticket.back.conn as usize);
        let job = Job { row, args: words.args(), db: 0, now: self.now, origin: ticket.origin, home, hint: None };
        run::note_slow(&mut self.shard, &job, nanos);
    }

    fn watching(&mut self, ticket: &mut Ticket, mut keys: Vec<Watched>) -> Vec<u8> {
        let cores = self.shard.cores;
        for w in &mut keys {
            let tokens = ticket.tokens.get_mut(&slots::owner_of(w.slot, cores));
            w.token = tokens.and_then(VecDeque::pop_front).unwrap_or(0);
        }
        match self.conns.asked(ticket.back) {
            Some(conn) => {
                conn.watched.extend(keys);
                let i = ticket.back.conn as usize;
                self.shard.clients[i].watched = self.conns.get(i).map(|c| c.watched.clone()).unwrap_or_default();
            }
            None => self.unwatch_keys(keys),
        }
        b"+OK\r\n".to_vec()
    }

    fn is_resp3(&mut self, back: Back) -> bool {
        self.conns.asked(back).is_some_and(|c| c.out.resp3)
    }

    fn answer_ticket(&mut self, back: Back, reply: &[u8]) {
        self.look_at_loaded(back, reply);
        let Some(conn) = self.conns.asked(back) else { return };
        if conn.is_exclusive {
            conn.end_exclusive();
            self.end_wait(back.conn as usize);
        } else {
            conn.end_ticket();
        }
        let Some(conn) = self.conns.asked(back) else { return };
        conn.deliver(back.seq, reply);
        let i = back.conn as usize;
        self.look_again(i);
        self.mark_dirty(i);
    }
}

/// The values that came for `keys`, in their order; nothing is left.
fn take_values(fetched: &mut BTreeMap<usize, VecDeque<Moved>>, keys: &[(usize, usize, Vec<u8>)]) -> Vec<Moved> {
    let values = keys.iter().map(|(core, _, _)| fetched.get_mut(core).and_then(VecDeque::pop_front).flatten()).collect();
    fetched.values_mut().for_each(VecDeque::clear);
    values
}

/// The keys of a gathered command that core `core` has, of those from number `from` on.
fn wanted(command: &Planned, core: usize, from: usize) -> Vec<Wanted> {
    match &command.place {
        Where::Gather(keys) | Where::Scout(keys) => {
            let own = keys[from..].iter().filter(|(c, _, _)| *c == core);
            own.map(|(_, db, key)| Wanted { db: *db, key: key.clone(), yields_for: None, reader: None }).collect()
        }
        _ => Vec::new(),
    }
}
