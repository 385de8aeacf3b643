//! The append-only log of one core: effects become bytes of its file, and the file becomes durable as `appendfsync` says.
//!
//! Positions count the bytes appended since the process started, over all files. A *generation* is one file a core; what is bound to no
//! slot (FLUSHALL, SWAPDB) and every rewrite begin a new one, at the same instant on all cores. A reply that depends on anything up
//! to position p may leave when [`Log::acked`] has reached p.
//!
//! Invariants: with `always` nothing is acknowledged that a crash could take back: not what is not on disk, not what follows a ticket
//! that some core might lose, not what follows a rotation whose generation is not in the durable manifest. Every error is counted; with `always` it ends
//! the process before any reply, otherwise writes are refused until it is over. A file that failed to sync is never trusted again.
//!
//! A transaction around a global command spans two further generations: what precedes the command is in files of their own that are
//! listed together with what follows, so that the manifest, written at once, has all of it or nothing.
//!
//! What it does not do: names, manifest, rewrites, when marks are due (`book.rs`); reading (`aof`).
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

pub mod encode;
pub mod errno;
mod note;
mod progress;
mod segment;
#[cfg(test)]
mod tests;
mod whole;

pub use note::{How, LogNote, LogStart, News};
pub use whole::{Durable, Judge};

use super::{
    aof::{Cores, Owner, Rf, manifest, put_end, put_rf},
    disk::{Disk, Done, Mode, folder},
    plan::{Now, Out, Point, Purpose, SaveJob},
};
use crate::{
    config::{Config, kinds::AppendFsync},
    spec::{Refusal, effect::Record, shard::Shard},
};
use encode::{Encoder, Piece};
use segment::{Kind, Segment};
use std::collections::{BTreeMap, VecDeque};

/// Bytes that wait for the disk at which writes wait too; they go on at half of it.
pub const UNWRITTEN_MAX: u64 = 32 << 20;
/// Ms between two syncs of `everysec`, and how long after one a mark is taken as the occasion for the next.
const SYNC_EVERY_MS: i64 = 1000;
const SYNC_AT_MARK_MS: i64 = 850;
/// Ms after which a sync counts as slow, as in Redis.
const SLOW_SYNC_MS: i64 = 2000;
/// Ms for which replies wait for the files of a rewrite unless `always` promises more.
const REWRITE_HOLD_MS: i64 = 1000;
/// Ms between two messages about growth.
const TELL_MS: i64 = 100;
/// Ms between two lines about the same failure.
const LINE_MS: i64 = 30_000;
/// Marks remembered while they are not on disk.
const MARKS_MAX: usize = 64;

/// A rotation whose generation is not in the durable manifest.
#[derive(Debug)]
struct Hold {
    generation: u64,
    at: u64,
    is_global: bool,
    since: i64,
}

/// A generation that core 0 is told about when it is durable up to `prefix`.
#[derive(Debug)]
struct Begun {
    generation: u64,
    since: u64,
    prefix: u64,
}

/// A part of a ticket that some participant may not have on disk.
#[derive(Debug)]
struct Part {
    durable: Durable,
    begin: u64,
    end: u64,
}

/// See the file's head.
#[derive(Debug)]
pub struct Log {
    core: usize,
    cores: usize,
    run: String,
    boot: String,
    is_on: bool,
    /// In force since the last mark, not since CONFIG SET.
    policy: AppendFsync,
    /// In force from the next mark on.
    next_policy: AppendFsync,
    dir: Vec<u8>,
    name: Vec<u8>,
    generation: u64,
    next_seq: u64,
    encoder: Encoder,
    segments: VecDeque<Segment>,
    serial: u64,
    position: u64,
    /// Acknowledged whatever happened since.
    floor: u64,
    /// Highest value of [`Log::durable_up_to`].
    durable: u64,
    /// What is acknowledged would be found again: false until the first base is complete, and after a failed sync.
    is_promising: bool,
    live: u64,
    /// Where the base was cut that made good for the last loss.
    fresh: u64,
    ready_at: u64,
    holds: VecDeque<Hold>,
    begun: VecDeque<Begun>,
    files: Vec<u64>,
    /// Newest generation in which something was lost here, and on any core; what a base made good for does not count.
    lost: Option<u64>,
    broken_in: Option<u64>,
    /// The process is about to end because of an error: nothing is acknowledged beyond this any more.
    doomed: Option<u64>,
    term: u64,
    parts: VecDeque<Part>,
    /// How many of them core 0 knows of.
    told: usize,
    marks: VecDeque<(u64, u64)>,
    last_mark: u64,
    /// Position behind it; `None`: this process has put none into its files.
    last_mark_end: Option<u64>,
    now: i64,
    last_sync: i64,
    slow_since: i64,
    delayed: u64,
    told_at: i64,
    told_position: u64,
    has_told_since_mark: bool,
    is_saving: bool,
    is_choked: bool,
    /// The mark that a flush waits for, and the position, once it is known.
    flush: Option<(u64, Option<u64>)>,
    /// Everything is on disk, and the line that says so is on its way.
    has_ended: bool,
    trouble: Option<String>,
    troubles: BTreeMap<usize, String>,
    broken: Option<String>,
    line_at: Option<i64>,
    outbox: Vec<(usize, LogNote)>,
    news: Vec<News>,
}

impl Log {
    /// A log that is off, of one of `cores` cores.
    #[must_use]
    pub fn new(core: usize, cores: usize) -> Log {
        Log {
            core,
            cores,
            run: String::new(),
            boot: String::new(),
            is_on: false,
            policy: AppendFsync::EverySec,
            next_policy: AppendFsync::EverySec,
            dir: Vec::new(),
            name: Vec::new(),
            generation: 0,
            next_seq: 1,
            encoder: Encoder::default(),
            segments: VecDeque::new(),
            serial: 0,
            position: 0,
            floor: 0,
            durable: 0,
            is_promising: false,
            live: 0,
            fresh: 0,
            ready_at: 0,
            holds: VecDeque::new(),
            begun: VecDeque::new(),
            files: Vec::new(),
            lost: None,
            broken_in: None,
            doomed: None,
            term: 0,
            parts: VecDeque::new(),
            told: 0,
            marks: VecDeque::new(),
            last_mark: 0,
            last_mark_end: None,
            now: 0,
            last_sync: i64::MIN / 2,
            slow_since: 0,
            delayed: 0,
            told_at: i64::MIN / 2,
            told_position: 0,
            has_told_since_mark: false,
            is_saving: false,
            is_choked: false,
            flush: None,
            has_ended: false,
            trouble: None,
            troubles: BTreeMap::new(),
            broken: None,
            line_at: None,
            outbox: Vec::new(),
            news: Vec::new(),
        }
    }

    /// Start-up: what recovery found. Clients are served when [`Log::is_ready`] says so on all cores.
    pub fn begin(&mut self, start: LogStart, now: Now, config: &Config) {
        self.run = start.run;
        self.boot = start.boot;
        self.dir = config.in_dir(&config.appenddirname);
        self.name = config.appendfilename.clone();
        self.generation = start.generation;
        self.next_seq = start.next_seq;
        self.now = now.mono_ms;
        match start.how {
            How::Off => return,
            _ => (self.policy, self.next_policy) = (config.appendfsync, config.appendfsync),
        }
        match start.how {
            How::Off => return,
            How::Extend { path, len } => self.open(config.in_dir(&path), Mode::Extend, len, self.position),
            How::Begin => {
                self.next_generation(None);
                self.open_next();
            }
        }
        self.is_on = true;
        self.is_promising = true;
        self.ready_at = self.generation;
        self.begun.push_back(Begun { generation: self.generation, since: 0, prefix: self.position });
        self.demand(self.position);
    }

    /// The log is off, or what it began with at start-up is durable.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.live >= self.ready_at
    }

    /// Effects are to be appended.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> AppendFsync {
        self.policy
    }

    /// Bytes appended since the process started.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Replies that depend on anything up to here may leave.
    #[must_use]
    pub fn acked(&self) -> u64 {
        if let Some(acked) = self.doomed {
            return acked;
        }
        if !self.is_promising {
            return self.position;
        }
        let is_always = self.policy == AppendFsync::Always;
        let mut upto = self.position;
        if is_always {
            let unsafe_from = self.parts.front().map_or(u64::MAX, |part| part.begin);
            upto = self.on_disk().min(unsafe_from);
        }
        let holds = |hold: &&Hold| is_always || hold.is_global || self.now - hold.since < REWRITE_HOLD_MS;
        if let Some(hold) = self.holds.iter().find(holds) {
            upto = upto.min(hold.at);
        }
        upto.max(self.floor)
    }

    /// Up to here everything is on disk and would be found there.
    #[must_use]
    pub fn durable_up_to(&self) -> u64 {
        if !self.is_promising || self.doomed.is_some() {
            return self.durable;
        }
        let held = self.holds.front().map_or(u64::MAX, |hold| hold.at);
        self.on_disk().min(held).max(self.durable)
    }

    /// What is acknowledged would be found again; false while the log is being switched on, and after a failed sync.
    #[must_use]
    pub fn is_promising(&self) -> bool {
        self.is_promising
    }

    /// Bytes that wait for the disk.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.segments.iter().map(Segment::unwritten).sum()
    }

    /// Too many bytes wait for the disk: this part's share of `shard.persist.is_choked`.
    #[must_use]
    pub fn is_choked(&self) -> bool {
        self.is_choked
    }

    /// Why writes are refused, on any core of the server.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let text = self.broken.as_ref().or_else(|| self.troubles.values().next())?;
        Some(Refusal::text(format!("{REFUSES}{text}")))
    }

    /// Appends what a turn recorded, in order.
    pub fn append(&mut self, record: &Record, now: Now, config: &Config) {
        if !self.is_on || record.is_empty() {
            return;
        }
        self.now = now.mono_ms;
        if !record.iter().any(|(head, _)| head.is_global) {
            self.write(now, config, |encoder, out| encoder.record(out, record.iter()));
            return;
        }
        let pieces: Vec<Piece<'_>> = record.iter().collect();
        for unit in pieces.chunk_by(|a, b| a.0.unit == b.0.unit) {
            if unit.iter().any(|(head, _)| head.is_global) {
                self.append_global(unit, None, now, config);
            } else {
                self.write(now, config, |encoder, out| encoder.unit(out, unit, None));
            }
        }
    }

    /// Appends all effects that this core has of a ticket of several cores, even if there are none. `participants`: ascending, this core included.
    pub fn append_transaction(&mut self, ticket: u64, participants: &[u16], record: &Record, now: Now, config: &Config) {
        if !self.is_on {
            return;
        }
        if participants.len() < 2 && !record.iter().any(|(head, _)| head.is_global) {
            self.append(record, now, config);
            return;
        }
        self.now = now.mono_ms;
        let pieces: Vec<Piece<'_>> = record.iter().collect();
        if pieces.iter().any(|(head, _)| head.is_global) {
            self.append_global(&pieces, Some(ticket), now, config);
            return;
        }
        let begin = self.position;
        let cores = Cores::of(self.cores, |core| participants.binary_search(&(core as u16)).is_ok());
        self.write(now, config, |encoder, out| encoder.unit(out, &pieces, Some((ticket, &cores))));
        if self.policy == AppendFsync::Always {
            let durable = Durable { ticket, participants: participants.into() };
            self.parts.push_back(Part { durable, begin, end: self.position });
        }
    }

    /// What happens at one instant on all cores, inside of `ticket`.
    pub fn at_point(&mut self, point: &Point, ticket: u64, shard: &mut Shard, _out: &mut Vec<Out>) {
        match point {
            Point::Mark => {
                self.mark(ticket, self.next_policy);
                self.tell_book(News::Mark { ticket });
            }
            Point::Cut(job) => match job.purpose {
                Purpose::Base { generation: 0 } => self.tell_book(News::Cut { job: job.id, generation: 0 }),
                Purpose::Base { .. } => {
                    self.rotate(ticket, job, &shard.config);
                    self.tell_book(News::Cut { job: job.id, generation: self.generation });
                }
                Purpose::Dump => {}
            },
            Point::LogsEnd => {
                if self.is_on {
                    self.mark(ticket, self.policy);
                    self.seal();
                    self.is_on = false;
                    self.next_policy = AppendFsync::EverySec;
                }
                self.tell_book(News::Ended);
            }
            Point::Freeze(_) | Point::Flush => {}
        }
    }

    /// A message of a core's log or of the book. On core 0 the book finds what is for it at its next `Book::pump`.
    pub fn heard(&mut self, from: usize, note: LogNote) {
        match note {
            LogNote::Live { generation, fresh } => self.went_live(generation, fresh),
            LogNote::Safe { term, count } => {
                if term == self.term {
                    let count = (count as usize).min(self.told);
                    self.parts.drain(..count);
                    self.told -= count;
                }
            }
            LogNote::Flush { mark } => (self.flush, self.has_ended) = (Some((mark, None)), false),
            LogNote::Policy { n, policy } => {
                self.next_policy = policy;
                self.tell_core_0(LogNote::PolicyHeard { n });
            }
            LogNote::Saving(is_saving) => self.is_saving = is_saving,
            LogNote::AskRest { n } => {
                let mark = (self.is_on && self.is_promising && self.last_mark_end == Some(self.position)).then_some(self.last_mark);
                self.tell_core_0(LogNote::Rest { n, mark });
            }
            LogNote::Broken { generation, ref text } => {
                if generation >= self.fresh {
                    self.broken_in = self.broken_in.max(Some(generation));
                    self.stop_promising(text.clone());
                }
                self.tell_book(News::From(from, note));
            }
            LogNote::Trouble { source, ref text } => {
                self.note_trouble(source, text.clone());
                self.tell_book(News::From(from, note));
            }
            other => self.tell_book(News::From(from, other)),
        }
    }

    /// After each turn: begins what is due, keeps the figures of this core, tells other cores.
    pub fn pump(&mut self, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        self.now = now.mono_ms;
        self.sync_by_time(shard.config.no_appendfsync_on_rewrite);
        self.go_on(disk);
        self.count_slow_syncs(out);
        self.settle();
        self.tell_growth();
        self.show(shard);
        self.post(out);
    }

    /// An operation of `Part::Log` ended.
    pub fn finished(&mut self, n: u64, done: Done, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        let Some((serial, kind)) = Kind::of(n) else {
            return;
        };
        let now = self.now;
        if let Some(segment) = self.segments.iter_mut().find(|s| s.serial == serial) {
            let fault = segment.finished(kind, done, now);
            let (generation, is_abandoned) = (segment.generation, segment.is_abandoned);
            if let (Some(fault), false) = (fault, is_abandoned) {
                segment.undo(disk);
                self.failed(generation, fault, out);
            }
        }
        self.go_on(disk);
        self.segments.retain(|s| !s.is_gone());
        self.check_trouble(out);
        self.settle();
        self.show(shard);
        self.post(out);
    }

    /// A planted fault: tickets are safe as soon as they are durable here.
    #[cfg(test)]
    fn trust_itself(&mut self) {
        self.parts.drain(..self.told);
        self.told = 0;
    }

    /// For the book of this core.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Whether the last operation of any core failed.
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        self.broken.is_some() || !self.troubles.is_empty()
    }

    /// fdatasyncs of this core under way.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.segments.iter().filter(|s| s.syncing_since().is_some()).count() as u64
    }
}

/// What a refused write is told, before the reason.
const REFUSES: &str = "MISCONF Errors writing to the AOF file: ";

/// Appending and rotating.
impl Log {
    fn write(&mut self, now: Now, config: &Config, put: impl FnOnce(&mut Encoder, &mut Vec<u8>)) {
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        let encoder = &mut self.encoder;
        self.position += segment.append(|out| {
            if config.aof_timestamp_enabled {
                encoder.time(out, now.wall_ms.div_euclid(1000));
            }
            put(encoder, out);
        });
    }

    /// Effects that are one unit with a global command among them.
    fn append_global(&mut self, pieces: &[Piece<'_>], ticket: Option<u64>, now: Now, config: &Config) {
        let at = self.position;
        let count = pieces.iter().filter(|(head, _)| head.is_global).count();
        let mut parts = pieces.split(|(head, _)| head.is_global);
        self.seal();
        self.next_generation(None);
        let before = parts.next().unwrap_or_default();
        if !before.is_empty() {
            self.open_next();
            self.write(now, config, |encoder, out| encoder.unit(out, before, None));
        }
        let mut since = self.position;
        let globals = pieces.iter().filter(|(head, _)| head.is_global);
        for (n, (global, part)) in globals.zip(parts).enumerate() {
            self.seal();
            self.next_generation(Some(*global));
            since = self.position;
            if n + 1 == count || !part.is_empty() {
                self.open_next();
            }
            if !part.is_empty() {
                self.write(now, config, |encoder, out| encoder.unit(out, part, None));
            }
        }
        // What stands before the first mark of a file may be cut off after a power failure; this is part of what the manifest promises.
        let number = ticket.or_else(|| pieces.iter().find_map(|(head, _)| head.ticket)).unwrap_or(self.last_mark);
        let policy = self.policy;
        self.position += self.segments.back_mut().map_or(0, |segment| segment.append_mark(number, policy));
        self.begun.push_back(Begun { generation: self.generation, since, prefix: self.position });
        self.demand(self.position);
        self.holds.push_back(Hold { generation: self.generation, at, is_global: true, since: self.now });
    }

    /// A new generation without a global command; switches the log on.
    fn rotate(&mut self, ticket: u64, job: &SaveJob, config: &Config) {
        let at = self.position;
        self.seal();
        if !self.is_on {
            // Beside its base.
            self.dir = folder(&job.path);
            self.name = config.appendfilename.clone();
            // The book says what holds, for all cores at one instant.
            self.policy = AppendFsync::EverySec;
            self.is_on = true;
            self.is_promising = false;
            self.restart_term(ticket);
        }
        // Without a promise they hold nothing, but the promise may come before their generation is listed.
        self.holds.push_back(Hold { generation: self.generation + 1, at, is_global: false, since: self.now });
        // The promise may be on its way: only the book knows whether what precedes the cut is listed.
        if job.is_afresh && !self.is_promising {
            // Their generations will never be listed: the base that is being made replaces them.
            self.segments.iter_mut().for_each(Segment::abandon);
            self.begun.clear();
            self.files.clear();
        }
        self.next_generation(None);
        self.open_next();
        self.begun.push_back(Begun { generation: self.generation, since: at, prefix: self.position });
        self.demand(self.position);
    }

    fn mark(&mut self, ticket: u64, policy: AppendFsync) {
        let (begin, acked) = (self.position, self.acked());
        self.last_mark = ticket;
        self.has_told_since_mark = false;
        if !self.is_on {
            return;
        }
        if let Some(segment) = self.segments.back_mut() {
            let added = segment.append_mark(ticket, policy);
            self.position += added;
            // A mark by itself is no growth that calls for another one.
            self.told_position += added;
            self.last_mark_end = Some(self.position);
        }
        if policy != self.policy {
            self.floor = acked;
            self.policy = policy;
            self.restart_term(ticket);
        }
        if policy == AppendFsync::Always {
            // A mark is a ticket of all cores: nothing after it is safe before everything before it is on disk everywhere.
            let participants = (0..self.cores).map(|core| core as u16).collect();
            self.parts.push_back(Part { durable: Durable { ticket, participants }, begin, end: self.position });
        }
        if self.marks.len() == MARKS_MAX {
            self.marks.pop_back();
        }
        self.marks.push_back((ticket, self.position));
        // Syncs follow marks, so that all cores are cut back to a recent one.
        if self.policy == AppendFsync::EverySec && self.now - self.last_sync >= SYNC_AT_MARK_MS && !self.is_saving {
            self.last_sync = self.now;
            self.demand(self.position);
        }
    }

    /// The line that says that the file has nothing before it that is not on disk: a start need not doubt it. Where it stands after.
    fn put_end(&mut self) -> u64 {
        if let (true, Some(segment)) = (self.is_on, self.segments.back_mut()) {
            let added = segment.append(put_end);
            self.position += added;
            self.told_position += added;
        }
        self.demand(self.position);
        self.position
    }

    fn restart_term(&mut self, ticket: u64) {
        self.term = ticket.saturating_add(1);
        self.parts.clear();
        self.told = 0;
    }

    fn next_generation(&mut self, global: Option<Piece<'_>>) {
        self.generation += 1;
        let first = self.next_seq;
        self.next_seq += 1 + self.cores as u64;
        let is_flush_all = global.is_some_and(|(_, resp)| encode::is_flush_all(resp));
        let global = global.map(|(head, resp)| {
            let mut bytes = Vec::with_capacity(resp.len() + 256);
            put_rf(&mut bytes, &self.title(Owner::All));
            encode::select(&mut bytes, head.db);
            bytes.extend_from_slice(resp);
            bytes
        });
        self.tell_book(News::Began { generation: self.generation, first, global, is_flush_all });
    }

    /// Opens this core's file of the newest generation.
    fn open_next(&mut self) {
        let seq = self.next_seq - self.cores as u64 + self.core as u64;
        let path = manifest::path_in(&self.dir, &manifest::incr_name(&self.name, seq as i64));
        self.files.push(self.generation);
        self.open(path, Mode::Create, 0, self.position);
    }

    fn open(&mut self, path: Vec<u8>, mode: Mode, at: u64, start: u64) {
        self.serial += 1;
        let mut segment = Segment::new(self.serial, self.generation, path, mode, at, start);
        self.encoder.restart();
        let rf = self.title(Owner::Core(self.core));
        self.position += segment.append_title(|out| put_rf(out, &rf));
        self.segments.push_back(segment);
    }

    /// The first line of a file.
    fn title(&self, owner: Owner) -> Rf {
        let (run, boot) = (self.run.clone(), self.boot.clone());
        Rf { generation: self.generation, owner, cores: self.cores, run, boot, policy: self.policy }
    }

    fn seal(&mut self) {
        if let Some(segment) = self.segments.back_mut() {
            segment.seal();
        }
    }

    fn demand(&mut self, upto: u64) {
        self.segments.iter_mut().for_each(|s| s.demand(upto));
    }
}
