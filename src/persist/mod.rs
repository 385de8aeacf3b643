//! Durability: the append-only log, snapshots, loading, and the files of both, as state machines without a kernel.
//!
//! Layer 4: knows keys, values, settings and effects; the engine calls it at the instants that matter (end of a turn, a point of all
//! cores), the node lends it a disk. Every core has one [`Persist`]; that of core 0 also decides what all of them do.
//!
//! Invariants: nothing here waits; an error of the disk is never swallowed; no file that is complete is touched before its successor is durable.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

pub mod aof;
pub mod book;
pub mod disk;
pub mod load;
pub mod log;
pub mod plan;
pub mod rdb;
pub mod save;

mod end;
mod key_time;

use crate::config::kinds::AppendFsync;
use crate::spec::persist::{Ask, Loading, Wish};
use crate::spec::{Shard, effect::Record};
use aof::{LoadPlan, Recovered};
use book::{Book, BookStart};
use disk::{Disk, Done};
use end::End;
use load::Load;
use log::{How, Log, LogStart};
use plan::{Note, Now, Out, Part, Point};
use save::Save;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What all cores begin with: what recovery found, and who they are.
#[derive(Clone)]
pub struct Start {
    pub recovered: Arc<Recovered>,
    pub plan: Arc<LoadPlan>,
    /// Id of this run of the server, and of this boot of the machine.
    pub run: String,
    pub boot: String,
}

impl Start {
    /// Of what [`aof::recover`] found.
    #[must_use]
    pub fn new(mut recovered: Recovered, run: &str, boot: &str) -> Start {
        let plan = Arc::new(std::mem::take(&mut recovered.plan));
        Start { recovered: Arc::new(recovered), plan, run: run.to_string(), boot: boot.to_string() }
    }
}

/// How far a core is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Files become keys.
    Loading,
    /// The first lines of the logs become durable.
    Opening,
    Open,
}

/// One core's part in durability.
pub struct Persist {
    log: Log,
    save: Save,
    load: Load,
    /// Core 0's.
    book: Option<Box<Book>>,
    end: End,
    /// What is to be done by whoever runs this core.
    pub out: Vec<Out>,
    now: Now,
    stage: Stage,
    start: Option<Start>,
    core: usize,
    /// Replies that leave at unix ms `.0` and not before (0 = never), as far as they are known.
    held: BTreeMap<Ask, (i64, Option<Vec<u8>>)>,
    /// The files as they are now were asked for (DEBUG LOADAOF).
    has_asked_for_plan: bool,
}

impl Persist {
    /// The part of `shard`'s core, which begins to load what `start` says.
    #[must_use]
    pub fn new(start: Start, now: Now, shard: &mut Shard) -> Persist {
        let (core, cores) = (shard.core, shard.cores);
        let mut load = Load::new(core, cores);
        load.begin(start.plan.clone(), now, shard);
        let mut persist = Persist {
            log: Log::new(core, cores),
            save: Save::new(core, cores),
            load,
            book: (core == 0).then(|| Box::new(Book::new(cores))),
            end: End::default(),
            out: Vec::new(),
            now,
            stage: Stage::Loading,
            start: Some(start),
            core,
            held: BTreeMap::new(),
            has_asked_for_plan: false,
        };
        persist.settle(shard);
        persist
    }

    /// The effects of a turn, or of what ran before a point, go to the log.
    pub fn append(&mut self, record: &Record, shard: &Shard) {
        self.log.append(record, self.now, &shard.config);
    }

    /// All effects that this core has of a ticket of several cores.
    pub fn transaction(&mut self, ticket: u64, participants: &[u16], record: &Record, shard: &Shard) {
        self.log.append_transaction(ticket, participants, record, self.now, &shard.config);
    }

    /// Bytes logged so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.log.position()
    }

    /// Replies that depend on anything up to here may leave.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.log.acked()
    }

    /// Every reply waits for the disk.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.log.is_on() && self.log.policy() == AppendFsync::Always
    }

    /// An instant of all cores.
    pub fn at_point(&mut self, point: &Point, ticket: u64, shard: &mut Shard) {
        self.log.at_point(point, ticket, shard, &mut self.out);
        self.save.at_point(point, ticket, shard, &mut self.out);
        self.load.at_point(point, ticket, shard, &mut self.out);
        self.settle(shard);
        self.watch_end();
    }

    /// Begins what is due.
    pub fn pump(&mut self, now: Now, shard: &mut Shard, disk: &mut dyn Disk) {
        self.now = now;
        if let Some(book) = &mut self.book {
            book.set_now(now);
        }
        for wish in std::mem::take(&mut shard.wishes) {
            self.take_wish(wish, shard, disk);
        }
        if let Some(reply) = shard.persist.load_error.take() {
            self.load.failed(&reply);
        }
        self.log.pump(now, shard, disk, &mut self.out);
        self.save.pump(now, shard, disk, &mut self.out);
        self.load.pump(now, shard, disk, &mut self.out);
        self.load.drive(&mut self.save, now, shard, disk, &mut self.out);
        self.turn_pages(shard, disk);
        self.release_held();
        self.settle(shard);
        self.watch_end();
    }

    /// The book's share: manifests, rewrites.
    fn turn_pages(&mut self, shard: &mut Shard, disk: &mut dyn Disk) {
        let Some(book) = &mut self.book else { return };
        while let Some((_, purpose, result)) = self.save.ended() {
            if matches!(purpose, plan::Purpose::Base { .. }) {
                book.save_ended(result, &mut self.out);
            }
        }
        book.pump(self.now, &mut self.log, shard, disk, &mut self.out);
        if book.take_cancel() {
            self.save.cancel(shard, &mut self.out);
        }
        if let Some(job) = book.take_job() {
            let began = self.save.begin(job, self.now, shard, disk, &mut self.out);
            book.save_began(began);
        }
        if self.load.wants_plan() && !std::mem::replace(&mut self.has_asked_for_plan, true) {
            book.flush_all(&self.log);
        }
        if self.has_asked_for_plan && book.flushed().is_some() {
            self.out.push(Out::WantsPlan);
        }
    }

    /// Core 0: the directory in which the files of the log are.
    #[must_use]
    pub fn log_dir(&self) -> Option<&[u8]> {
        self.book.as_ref().map(|book| book.dir()).filter(|dir| !dir.is_empty())
    }

    /// The files of the log as they are now, for DEBUG LOADAOF.
    pub fn give_plan(&mut self, plan: LoadPlan) {
        if std::mem::take(&mut self.has_asked_for_plan) {
            self.load.give_plan(plan, &mut self.out);
        }
    }

    /// An operation of the disk ended.
    pub fn finished(&mut self, done: Done, shard: &mut Shard, disk: &mut dyn Disk) {
        let Some((part, n)) = Part::of(done.token) else { return };
        match (part, &mut self.book) {
            (Part::Log, _) => self.log.finished(n, done, shard, disk, &mut self.out),
            (Part::Save, _) => self.save.finished(n, done, shard, disk, &mut self.out),
            (Part::Load, _) => self.load.finished(n, done, shard, disk, &mut self.out),
            (Part::Book, Some(book)) => book.finished(n, done, &mut self.log, shard, disk, &mut self.out),
            (Part::Book, None) => {}
        }
        // What an operation that ended says may be taken before the next pump.
        self.release_held();
        self.watch_end();
    }

    /// A message of another core.
    pub fn heard(&mut self, from: usize, note: Note, shard: &mut Shard) {
        match note {
            Note::Log(note) => self.log.heard(from, note),
            Note::Save(note) => self.save.heard(from, note, shard, &mut self.out),
            Note::Load(note) => self.load.heard(from, note, shard, &mut self.out),
        }
        self.release_held();
        self.settle(shard);
        self.watch_end();
    }

    /// The core must not sleep.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.load.has_work() || self.save.has_work() || !self.out.is_empty()
    }

    /// What is next to be run from a log that is being loaded.
    pub fn next_input(&mut self) -> Option<Vec<u8>> {
        self.load.input()
    }

    /// Everything of the input so far was carried out but `left` bytes, which are no whole command or inside of an open transaction.
    pub fn input_done(&mut self, left: usize) {
        self.load.executed(left);
    }

    /// Core 0: what a command wishes.
    fn take_wish(&mut self, wish: Wish, shard: &mut Shard, disk: &mut dyn Disk) {
        match &wish {
            Wish::Hold { ask, until, reply } => drop(self.held.insert(*ask, (*until, reply.clone()))),
            _ => {
                let is_taken = self.save.wish(&wish, self.now, shard, disk, &mut self.out)
                    || self.load.wish(&wish, &mut self.out)
                    || self.book.as_mut().is_some_and(|book| book.wish(&wish));
                debug_assert!(is_taken || self.core != 0, "nobody takes {wish:?}");
            }
        }
    }

    /// Whoever waits by [`Wish::Hold`] or [`Wish::WaitDurable`] waits no longer. `is_told`: has the reply as it is now; otherwise none. `wishes`: what
    /// was wished and not looked at yet.
    pub fn stop_waiting(&mut self, ask: Ask, is_told: bool, wishes: &mut Vec<Wish>) {
        let is_theirs = |wish: &Wish| matches!(wish, Wish::Hold { ask: a, .. } | Wish::WaitDurable { ask: a, .. } if *a == ask);
        if !is_told {
            wishes.retain(|wish| !is_theirs(wish));
            self.held.remove(&ask);
        }
        for wish in wishes.iter_mut().filter(|wish| is_theirs(wish)) {
            if let Wish::Hold { until, .. } | Wish::WaitDurable { until, .. } = wish {
                *until = self.now.wall_ms.max(1);
            }
        }
        if let Some((until, _)) = self.held.get_mut(&ask) {
            *until = 1;
        }
        if let Some(book) = &mut self.book {
            book.stop_waiting(ask, is_told);
        }
    }

    /// Replies that were to wait leave when their time has come.
    fn release_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        for out in &mut self.out {
            if let Out::Reply(ask, reply) = out
                && let Some((_, kept @ None)) = self.held.get_mut(ask)
            {
                *kept = Some(std::mem::take(reply));
            }
        }
        let held = &self.held;
        self.out.retain(|out| !matches!(out, Out::Reply(ask, _) if held.contains_key(ask)));
        let is_due = |until: i64| until != 0 && until <= self.now.wall_ms;
        let due: Vec<Ask> = self.held.iter().filter(|(_, (until, reply))| is_due(*until) && reply.is_some()).map(|(ask, _)| *ask).collect();
        for ask in due {
            let reply = self.held.remove(&ask).and_then(|(_, reply)| reply);
            self.out.push(Out::Reply(ask, reply.unwrap_or_default()));
        }
    }

    /// Keeps what the rest of the core sees in step.
    fn settle(&mut self, shard: &mut Shard) {
        if self.stage == Stage::Loading && !self.load.is_loading() {
            self.begin_logs(shard);
            self.stage = Stage::Opening;
        }
        if self.stage == Stage::Opening {
            let is_ready = self.log.is_ready();
            self.stage = if is_ready { Stage::Open } else { Stage::Opening };
            shard.persist.loading = if is_ready { Loading::No } else { Loading::Waits };
        }
        shard.persist.is_choked = self.log.is_choked() || self.save.is_choked();
        shard.fx.is_on = self.log.is_on() && self.stage != Stage::Loading && !self.load.is_loading();
        shard.ks.tuning.is_loading = self.load.is_loading();
    }

    fn begin_logs(&mut self, shard: &Shard) {
        let Some(start) = self.start.take() else { return };
        let (found, config) = (&start.recovered, &shard.config);
        let append = found.append.as_ref().filter(|_| config.appendonly);
        if let Some(book) = &mut self.book {
            let begin = BookStart {
                manifest: found.manifest.clone(),
                next_base: found.next_base,
                is_on: config.appendonly,
                is_extended: append.is_some(),
                generation: found.generation,
                base_bytes: found.base_bytes,
                log_bytes: found.log_bytes,
            };
            book.begin(begin, config);
        }
        let how = match append.and_then(|files| files.get(self.core)) {
            _ if !config.appendonly => How::Off,
            Some(file) => How::Extend { path: file.path.clone(), len: file.len },
            None => How::Begin,
        };
        let next_seq = u64::try_from(found.next_incr).unwrap_or(1);
        let begin = LogStart { run: start.run, boot: start.boot, generation: found.generation, next_seq, how };
        self.log.begin(begin, self.now, config);
    }

    /// The process ends only when the logs are complete.
    fn watch_end(&mut self) {
        let Some(book) = &mut self.book else { return };
        self.end.watch(&mut self.out, book, &self.log);
    }
}
