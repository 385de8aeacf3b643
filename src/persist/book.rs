//! The book of files, on core 0: which generations the manifest lists, when logs are rewritten, when marks are put.
//!
//! A generation that began is listed as soon as all cores have its files, and everything before, on disk: the global command's file is
//! written, the directory synced, the manifest replaced; then all logs hear that it is live and replies that waited leave.
//!
//! A rewrite is a snapshot whose cut begins a generation. First the manifest lists that generation behind the old files; when the
//! base is complete, the base and what came after its cut; the rest is history, is removed, and leaves the manifest.
//! While a log is being switched on, or has lost something (a failed fdatasync), no generation is listed before its own base is complete:
//! the mode is `Waiting`, and nothing is promised.
//!
//! Invariants: the manifest on disk always names one complete, consistent set of files; nothing is removed that it names as needed; one chain of
//! disk operations at a time. What it does not do: reading (`aof`), making the snapshot (`save`).
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

mod chain;
mod files;
mod marks;
mod rewrite;

use super::{
    aof::Manifest,
    disk::{Disk, Done, Store, folder},
    log::{Judge, Log, LogNote, News, errno},
    plan::{Note, Now, Out, Point, SaveJob},
};
use crate::{
    config::{Config, kinds::AppendFsync},
    spec::{
        persist::{Ask, Wish},
        request::LogLevel,
        shard::Shard,
    },
};
use chain::{Chain, Step};
use files::{Generations, Names};
use marks::Marks;
use rewrite::{Rewrite, State};
use std::collections::BTreeSet;

/// Ms after which a failed chain of operations is tried again.
const RETRY_MS: i64 = 1000;
/// Ms after which a snapshot that could not begin is tried again.
const BUSY_MS: i64 = 100;
/// Ms after which files that could not be removed are tried again.
const COLLECT_MS: i64 = 60_000;

/// How the log stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Off,
    /// Nothing is promised before a base is complete.
    Waiting,
    On,
}

/// What the chain of operations under way is for.
#[derive(Debug)]
enum Doing {
    Nothing,
    /// The directory, before a snapshot is made for it.
    Prepare,
    /// A manifest that lists everything up to a generation; with a new base or not.
    Commit {
        manifest: Manifest,
        upto: u64,
        has_base: bool,
        fresh: Option<u64>,
    },
    /// Files that nothing needs are removed; then the manifest does not name them any more.
    Collect {
        manifest: Option<Manifest>,
    },
}

/// What recovery found, for [`Book::begin`].
#[derive(Clone, Debug, Default)]
pub struct BookStart {
    /// As it is on disk.
    pub manifest: Manifest,
    /// The first number of bases that was never used.
    pub next_base: i64,
    /// The log is on: cores go on with their files of this generation, or begin the one after it.
    pub is_on: bool,
    pub is_extended: bool,
    pub generation: u64,
    /// Of the base, and of everything the manifest lists, in bytes.
    pub base_bytes: u64,
    pub log_bytes: u64,
}

/// See the file's head.
#[derive(Debug)]
pub struct Book {
    cores: usize,
    names: Names,
    mode: Mode,
    /// What CONFIG SET appendonly asked for last.
    is_wanted: bool,
    is_ending: bool,
    /// Logs are being written.
    is_running: bool,
    /// Generations that began before the log was switched off may still be listed.
    is_closing: bool,
    manifest: Manifest,
    generations: Generations,
    live: u64,
    /// Newest generation in which something was lost.
    broken: Option<u64>,
    next_base: i64,
    rewrite: Rewrite,
    chain: Chain,
    doing: Doing,
    retry_at: i64,
    has_trouble: bool,
    /// Paths at which a step failed.
    spoiled: BTreeSet<Vec<u8>>,
    /// The directory itself is durable.
    has_dir: bool,
    /// Not before this ms is history removed.
    collect_at: i64,
    /// Paths that no manifest names.
    orphans: Vec<Vec<u8>>,
    judge: Judge,
    marks: Marks,
    /// By core: bytes appended, and where the files that are listed begin.
    positions: Vec<u64>,
    origins: Vec<u64>,
    /// Listed bytes that are older than this process.
    old_bytes: u64,
    base_bytes: u64,
    /// All listed bytes when the last rewrite ended.
    rewritten_bytes: u64,
    has_told_saving: bool,
    now: Now,
}

impl Book {
    /// A book of nothing.
    #[must_use]
    pub fn new(cores: usize) -> Book {
        Book {
            cores,
            names: Names::default(),
            mode: Mode::Off,
            is_wanted: false,
            is_ending: false,
            is_running: false,
            is_closing: false,
            manifest: Manifest::default(),
            generations: Generations::new(cores),
            live: 0,
            broken: None,
            next_base: 1,
            rewrite: Rewrite::new(),
            chain: Chain::new(),
            doing: Doing::Nothing,
            retry_at: i64::MIN,
            has_trouble: false,
            spoiled: BTreeSet::new(),
            has_dir: false,
            collect_at: i64::MIN,
            orphans: Vec::new(),
            judge: Judge::new(cores),
            marks: Marks::new(cores),
            positions: vec![0; cores],
            origins: vec![0; cores],
            old_bytes: 0,
            base_bytes: 0,
            rewritten_bytes: 0,
            has_told_saving: false,
            now: Now::default(),
        }
    }

    /// Start-up, before [`Log::begin`] of this core.
    pub fn begin(&mut self, start: BookStart, config: &Config) {
        self.names = Names { dir: config.in_dir(&config.appenddirname), name: config.appendfilename.clone() };
        self.next_base = start.next_base.max(1);
        self.live = start.generation;
        self.base_bytes = start.base_bytes;
        self.old_bytes = start.log_bytes.saturating_sub(start.base_bytes);
        self.rewritten_bytes = start.log_bytes;
        self.is_wanted = start.is_on;
        self.is_running = start.is_on;
        if start.is_on {
            self.mode = Mode::On;
            // Stock servers always have a base, so that one makes the first.
            self.rewrite.is_wanted = start.manifest.is_empty();
        }
        if start.is_extended {
            // Its files are listed; it is live when all logs say that they go on.
            self.live = start.generation.saturating_sub(1);
            self.generations.began(start.generation, 0, None, false);
        }
        self.manifest = start.manifest;
    }

    /// Start-up, before any core's log: the directory that logs are written to.
    pub fn prepare(store: &mut dyn Store, config: &Config) -> Result<(), String> {
        let dir = String::from_utf8_lossy(&config.appenddirname);
        store.make_dir(&config.appenddirname).map_err(|e| format!("Can't open or create append-only dir {dir}: {}", errno::text(e)))
    }

    /// What the clocks say before wishes are taken.
    pub fn set_now(&mut self, now: Now) {
        self.now = now;
    }

    /// A wish of a command. False: it is for another part.
    pub fn wish(&mut self, wish: &Wish) -> bool {
        match wish {
            Wish::RewriteLog => self.rewrite.ask(),
            Wish::AppendOnly(is_on) => self.is_wanted = *is_on,
            Wish::WaitDurable { ask, until } => self.marks.wait(*ask, *until, self.now),
            _ => return false,
        }
        true
    }

    /// Who waits by [`Wish::WaitDurable`] waits no longer: is told how it is now, or nothing (`is_told`).
    pub fn stop_waiting(&mut self, ask: Ask, is_told: bool) {
        self.marks.stop_waiting(ask, is_told);
    }

    /// A snapshot to be made now, if there is one. Whoever takes it says how it went: [`Book::save_began`], then [`Book::save_ended`].
    pub fn take_job(&mut self) -> Option<SaveJob> {
        self.rewrite.take_job()
    }

    /// What [`Book::take_job`] gave has begun, or cannot begin now (it is asked for again later).
    pub fn save_began(&mut self, result: Result<u64, &'static str>) {
        self.rewrite.began(result.is_ok());
        if result.is_err() {
            self.retry_at = self.now.mono_ms + BUSY_MS;
        }
    }

    /// The snapshot is complete in its place, durably, with so many bytes; or it failed.
    pub fn save_ended(&mut self, result: Result<u64, String>, out: &mut Vec<Out>) {
        match result {
            Ok(bytes) => {
                if let Some(path) = self.rewrite.complete(bytes) {
                    self.orphans.push(path);
                }
            }
            Err(_) => self.fail_rewrite(out),
        }
    }

    /// Once: the snapshot of a rewrite is not wanted any more (`Save::cancel`).
    pub fn take_cancel(&mut self) -> bool {
        self.rewrite.take_cancel()
    }

    /// For the end of the process: a last mark, then everything written and synced on all cores. [`Book::flushed`] tells how it went.
    pub fn flush_all(&mut self, log: &Log) {
        self.marks.flush(log.is_on());
    }

    /// How [`Book::flush_all`] ended, `None` while it has not.
    #[must_use]
    pub fn flushed(&self) -> Option<Result<(), String>> {
        self.marks.flushed()
    }

    /// After each turn of core 0, after its log's own. `log`: that of this core.
    pub fn pump(&mut self, now: Now, log: &mut Log, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        self.now = now;
        for news in log.take_news() {
            self.hear(news, log, out);
        }
        let (term, safe) = self.judge.settle();
        for (core, count) in safe {
            tell(core, LogNote::Safe { term, count }, log, out);
        }
        self.put_marks(log, shard.config.appendfsync, out);
        for (ask, is_durable) in self.marks.answers(now, self.mode != Mode::Off) {
            let reply: &[u8] = if is_durable { b"*2\r\n:1\r\n:0\r\n" } else { b"*2\r\n:0\r\n:0\r\n" };
            out.push(Out::Reply(ask, reply.to_vec()));
        }
        self.switch(log, shard, out);
        self.tell_saving(log, shard, out);
        self.check_growth(shard, out);
        if matches!(self.doing, Doing::Nothing) && now.mono_ms >= self.retry_at {
            self.go_on(log, shard, disk, out);
        }
        self.show(log, shard);
    }

    /// An operation of `Part::Book` ended.
    pub fn finished(&mut self, n: u64, done: Done, log: &mut Log, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        let Some(result) = self.chain.finished(n, done, disk) else {
            return;
        };
        let doing = std::mem::replace(&mut self.doing, Doing::Nothing);
        match result {
            Ok(()) => self.done(doing, log, shard, out),
            Err((path, errno)) => self.failed(doing, &path, errno, log, out),
        }
        if matches!(self.doing, Doing::Nothing) && self.now.mono_ms >= self.retry_at {
            self.go_on(log, shard, disk, out);
        }
        self.show(log, shard);
    }
}

/// Hearing and telling.
impl Book {
    fn hear(&mut self, news: News, log: &mut Log, out: &mut Vec<Out>) {
        match news {
            News::Began { generation, first, global, is_flush_all } => self.generations.began(generation, first, global, is_flush_all),
            News::Cut { generation, .. } => {
                if generation > 0 && !std::mem::replace(&mut self.is_running, true) {
                    self.marks.switched_on();
                }
                self.rewrite.cut(generation);
            }
            News::Mark { ticket } => {
                if self.marks.put(ticket) {
                    for core in 0..self.cores {
                        tell(core, LogNote::Flush { mark: ticket }, log, out);
                    }
                }
            }
            News::Ended => self.ended(),
            News::From(core, note) => self.hear_log(core, note),
        }
    }

    fn hear_log(&mut self, core: usize, note: LogNote) {
        match note {
            LogNote::Logged { position } => {
                if let Some(known) = self.positions.get_mut(core) {
                    *known = (*known).max(position);
                }
                self.marks.growth();
            }
            LogNote::PolicyHeard { n } => self.marks.heard_policy(n),
            LogNote::Ready { lost, .. } => {
                self.generations.note_ready(core, &note);
                if let Some(lost) = lost {
                    self.note_broken(lost);
                }
            }
            LogNote::Durable { term, tickets } => self.judge.report(core, term, tickets),
            LogNote::Marked { ticket } => self.marks.durable(core, ticket),
            LogNote::Flushed { error } => self.marks.core_flushed(error),
            LogNote::Rest { n, mark } => self.marks.heard_rest(n, mark),
            LogNote::Broken { generation, .. } => self.note_broken(generation),
            LogNote::Trouble { .. }
            | LogNote::Live { .. }
            | LogNote::Safe { .. }
            | LogNote::Flush { .. }
            | LogNote::Policy { .. }
            | LogNote::AskRest { .. }
            | LogNote::Saving(_) => {}
        }
    }

    /// Something of a generation was lost: only a base that was cut after it can make good for it.
    fn note_broken(&mut self, generation: u64) {
        if self.mode == Mode::Off {
            // What began before the log was switched off cannot be listed behind a file that is not whole.
            self.is_closing &= generation < self.live;
            return;
        }
        if self.broken.is_some_and(|known| known >= generation) {
            return;
        }
        // While the log is being switched on, files of earlier attempts are lost on purpose.
        let is_needed = match self.mode {
            Mode::Waiting => self.rewrite.generation().is_none_or(|cut| generation >= cut),
            _ => generation >= self.live,
        };
        if is_needed {
            self.broken = Some(generation);
            self.mode = Mode::Waiting;
            self.rewrite.is_wanted = true;
        }
    }

    fn put_marks(&mut self, log: &mut Log, wanted: AppendFsync, out: &mut Vec<Out>) {
        // All logs have a mark, or none: before the start is over some of them are not begun.
        if !log.is_on() || !log.is_ready() || self.is_ending {
            return;
        }
        if let Some(n) = self.marks.take_policy(wanted != log.policy()) {
            for core in 0..self.cores {
                tell(core, LogNote::Policy { n, policy: wanted }, log, out);
            }
        }
        if let Some(n) = self.marks.take_question() {
            for core in 0..self.cores {
                tell(core, LogNote::AskRest { n }, log, out);
            }
            // The log here has answered already; nothing else may happen on this core for long.
            for news in log.take_news() {
                self.hear(news, log, out);
            }
        }
        if self.marks.take_due(self.now, log.policy() == AppendFsync::Always) {
            out.push(Out::Point(Point::Mark));
        }
    }

    /// Brings the log to where CONFIG SET wants it.
    fn switch(&mut self, log: &Log, shard: &Shard, out: &mut Vec<Out>) {
        if self.is_ending || self.doing_commit() || self.is_wanted == (self.mode != Mode::Off) {
            return;
        }
        if self.is_wanted {
            if !self.follow_dir(&shard.config) {
                return;
            }
            if shard.persist.is_saving {
                let line = "AOF was enabled but there is already another background operation. \
                            An AOF background was scheduled to start when possible.";
                out.push(Out::Line(LogLevel::Notice, line.into()));
            }
            self.mode = Mode::Waiting;
            self.broken = None;
            self.rewrite.is_wanted = true;
            return;
        }
        if !matches!(self.rewrite.state, State::Idle) {
            // In the words that redis-server has for it; what ends here is a part of this process.
            out.push(Out::Line(LogLevel::Notice, "Killing running AOF rewrite child: nobody needs what would come of it".into()));
        }
        self.rewrite.is_wanted = false;
        self.orphans.extend(self.rewrite.discard());
        if log.is_on() || self.rewrite.may_cut() {
            self.is_ending = true;
            out.push(Out::Point(Point::LogsEnd));
        } else {
            self.mode = Mode::Off;
        }
    }

    /// A log that is off goes where CONFIG SET dir says when it is next needed; one that is on stays where all of it is. False: not now.
    fn follow_dir(&mut self, config: &Config) -> bool {
        let dir = config.in_dir(&config.appenddirname);
        if dir == self.names.dir {
            return true;
        }
        if !matches!(self.doing, Doing::Nothing) || !matches!(self.rewrite.state, State::Idle) {
            return false;
        }
        self.names.dir = dir;
        self.manifest = Manifest::default();
        self.spoiled.clear();
        (self.has_dir, self.is_closing) = (false, false);
        (self.base_bytes, self.old_bytes) = (0, 0);
        true
    }

    /// The directory of the log.
    #[must_use]
    pub fn dir(&self) -> &[u8] {
        &self.names.dir
    }

    fn ended(&mut self) {
        self.is_closing = self.mode == Mode::On;
        if !self.is_closing {
            self.orphans.extend(self.generations.paths_between(self.live, u64::MAX, &self.names));
            self.generations.forget(u64::MAX, None);
        }
        self.is_ending = false;
        self.is_running = false;
        self.mode = Mode::Off;
        self.marks.ended();
    }

    /// Cores that do not see core 0's figures hear whether a snapshot is being written.
    fn tell_saving(&mut self, log: &mut Log, shard: &Shard, out: &mut Vec<Out>) {
        let is_saving = shard.persist.is_saving || self.rewrite.is_running();
        if is_saving != self.has_told_saving {
            self.has_told_saving = is_saving;
            for core in 0..self.cores {
                tell(core, LogNote::Saving(is_saving), log, out);
            }
        }
    }

    fn log_bytes(&self) -> u64 {
        let grown = self.positions.iter().zip(&self.origins).map(|(now, then)| now.saturating_sub(*then));
        self.base_bytes + self.old_bytes + grown.sum::<u64>()
    }

    fn check_growth(&mut self, shard: &Shard, out: &mut Vec<Out>) {
        if self.mode != Mode::On || shard.persist.is_saving || self.doing_commit() {
            return;
        }
        let seconds = self.now.wall_ms.div_euclid(1000);
        if let Some(growth) = self.rewrite.is_grown(self.log_bytes(), self.rewritten_bytes, &shard.config) {
            if let Some(text) = self.rewrite.limit(seconds) {
                out.extend(text.map(|text| Out::Line(LogLevel::Warning, text)));
                return;
            }
            self.rewrite.is_allowed = true;
            out.push(Out::Line(LogLevel::Notice, format!("Starting automatic rewriting of AOF on {growth}% growth")));
            self.rewrite.is_wanted = true;
        }
    }

    fn doing_commit(&self) -> bool {
        matches!(self.doing, Doing::Commit { .. })
    }

    fn show(&self, log: &Log, shard: &mut Shard) {
        let bytes = self.log_bytes();
        let figures = &mut shard.persist;
        figures.log_is_on = self.mode != Mode::Off;
        figures.has_log_write_failed = log.has_trouble();
        figures.log_bytes = bytes;
        figures.log_base_bytes = self.rewritten_bytes;
        self.rewrite.show(figures);
        // A rewrite lasts until the manifest names its base.
        let is_listing = self.rewrite.base().is_some() || matches!(self.doing, Doing::Prepare | Doing::Commit { has_base: true, .. });
        shard.persist.is_rewriting |= is_listing;
    }
}

/// Chains of operations.
impl Book {
    /// Begins what is most urgent.
    fn go_on(&mut self, log: &mut Log, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        if self.commit(log, shard, disk, out) || self.begin_rewrite(log, shard, disk, out) || self.now.mono_ms < self.collect_at {
            return;
        }
        if !self.manifest.history.is_empty() && !shard.config.aof_disable_auto_gc {
            let mut manifest = self.manifest.clone();
            let history = std::mem::take(&mut manifest.history);
            let mut steps: Vec<Step> = history.iter().map(|old| Step::Remove(self.names.path(&old.name))).collect();
            steps.extend(self.names.write(&manifest));
            self.start(Doing::Collect { manifest: Some(manifest) }, steps, disk);
        } else if !self.orphans.is_empty() {
            let steps = std::mem::take(&mut self.orphans).into_iter().map(Step::Remove).collect();
            self.start(Doing::Collect { manifest: None }, steps, disk);
        }
    }

    fn start(&mut self, doing: Doing, mut steps: Vec<Step>, disk: &mut dyn Disk) {
        // A file whose sync failed is not synced again: it is made anew.
        let is_spoiled = |step: &&Step| matches!(step, Step::Write(path, _) if self.spoiled.contains(path));
        let spoiled: Vec<Step> = steps.iter().filter(is_spoiled).map(|step| Step::Remove(step.path().to_vec())).collect();
        steps.splice(0..0, spoiled);
        self.doing = doing;
        self.chain.start(steps, disk);
    }

    /// Lists what became ready. Whether there was anything.
    fn commit(&mut self, log: &mut Log, shard: &Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) -> bool {
        let upto = self.generations.ready();
        let base = self.rewrite.base();
        let mut manifest = self.manifest.clone();
        let mut steps = Vec::new();
        let mut reached = self.live;
        let mut fresh = None;
        match (self.mode, &base) {
            // BGREWRITEAOF of a log that is off.
            (_, Some(base)) if base.generation == 0 => {
                manifest.rebase(base.listed.clone(), |_| false);
                // It was cut after logs ended: it has what any generation has, and none may be listed behind it any more.
                reached = self.generations.newest().max(self.live);
                fresh = Some(reached + 1);
            }
            (Mode::Waiting, Some(base)) => {
                if self.broken.is_some_and(|broken| broken >= base.generation) {
                    self.orphans.push(self.names.path(&base.listed.name));
                    self.fail_rewrite(out);
                    return false;
                }
                if upto < base.generation {
                    return false;
                }
                steps = self.generations.list(&mut manifest, base.generation, upto, false, &self.names);
                self.rebase(&mut manifest, base);
                reached = upto;
                fresh = Some(base.generation);
            }
            (Mode::On, _) | (Mode::Off, None) if upto > self.live && (self.mode == Mode::On || self.is_closing) => {
                let may_drop = shard.persist.functions.is_empty();
                steps = self.generations.list(&mut manifest, self.live + 1, upto, may_drop, &self.names);
                reached = upto;
                if let Some(base) = base.as_ref().filter(|base| base.generation <= upto) {
                    self.rebase(&mut manifest, base);
                }
            }
            (Mode::On, Some(base)) if base.generation <= self.live => self.rebase(&mut manifest, base),
            _ => return false,
        }
        let has_base = manifest.base != self.manifest.base && manifest.base.is_some();
        let is_same = manifest == self.manifest;
        if is_same && self.has_dir {
            self.went_live(reached, None, log, out);
            return true;
        }
        // The files that logs made are there; their names become durable here.
        steps.push(Step::SyncDir(self.names.dir.clone()));
        if !self.has_dir {
            steps.push(Step::SyncDir(folder(&self.names.dir)));
        }
        // What the process before this one named may not be durable yet, although recovery found it.
        if !is_same {
            steps.extend(self.names.write(&manifest));
        }
        self.start(Doing::Commit { manifest, upto: reached, has_base, fresh }, steps, disk);
        true
    }

    fn rebase(&self, manifest: &mut Manifest, base: &rewrite::Base) {
        let first = self.generations.get(base.generation).map_or(0, |generation| generation.first as i64);
        manifest.rebase(base.listed.clone(), |incr| incr.seq >= first);
    }

    fn begin_rewrite(&mut self, log: &Log, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) -> bool {
        if self.is_ending || shard.persist.is_saving || !self.rewrite.is_startable() || !log.is_ready() {
            return false;
        }
        // Writes are refused until there is a new base: then no failure is a reason to wait long.
        let is_urgent = self.rewrite.is_allowed || self.broken.is_some();
        let limit = if is_urgent { None } else { self.rewrite.limit(self.now.wall_ms.div_euclid(1000)) };
        if let Some(text) = limit {
            out.extend(text.map(|text| Out::Line(LogLevel::Warning, text)));
            return false;
        }
        if self.mode == Mode::Off && !self.follow_dir(&shard.config) {
            return false;
        }
        self.rewrite.prepare();
        let steps = vec![Step::MakeDir(self.names.dir.clone()), Step::SyncDir(folder(&self.names.dir))];
        self.start(Doing::Prepare, steps, disk);
        true
    }

    fn done(&mut self, doing: Doing, log: &mut Log, shard: &mut Shard, out: &mut Vec<Out>) {
        self.clear_trouble(log, out);
        match doing {
            Doing::Nothing => {}
            Doing::Prepare => {
                let seq = self.next_base;
                self.next_base += 1;
                let purpose = if self.mode == Mode::Off { 0 } else { self.generations.ready().max(self.live) + 1 };
                self.rewrite.offer((purpose, self.mode == Mode::Waiting), seq, &self.names, shard, self.now);
            }
            Doing::Commit { manifest, upto, has_base, fresh } => {
                self.has_dir = true;
                self.spoiled.clear();
                let is_drop = self.manifest.base.is_some() && manifest.base.is_none();
                let lost: Vec<_> = self.manifest.incrs.iter().filter(|old| manifest.incrs.iter().all(|new| new.seq != old.seq)).collect();
                if is_drop || !lost.is_empty() {
                    self.count_from(if has_base { self.rewrite.generation() } else { Some(upto) });
                }
                self.manifest = manifest;
                if is_drop {
                    self.base_bytes = 0;
                }
                // What was lost while the manifest was written is not made good for.
                let fresh = fresh.filter(|cut| self.broken.is_none_or(|broken| broken < *cut));
                if has_base {
                    self.finish_rewrite(fresh, out);
                }
                self.went_live(upto, fresh, log, out);
            }
            Doing::Collect { manifest } => {
                if let Some(manifest) = manifest {
                    self.manifest = manifest;
                }
            }
        }
    }

    /// Bytes of the log are counted from the beginning of a generation on.
    fn count_from(&mut self, generation: Option<u64>) {
        self.old_bytes = 0;
        let Some(generation) = generation.and_then(|n| self.generations.get(n)) else {
            self.origins.clone_from(&self.positions);
            return;
        };
        for (core, since) in &generation.since {
            if let Some(origin) = self.origins.get_mut(*core) {
                *origin = *since;
            }
        }
    }

    fn finish_rewrite(&mut self, fresh: Option<u64>, out: &mut Vec<Out>) {
        let cut = self.rewrite.generation();
        if let Some(cut) = fresh {
            self.orphans.extend(self.generations.paths_between(self.live, cut, &self.names));
            self.broken = None;
            match self.mode {
                Mode::Waiting if self.rewrite.generation() != Some(0) => self.mode = Mode::On,
                _ => self.is_closing = false,
            }
        }
        // When the log is off, nothing but the base is left.
        self.count_from(cut.filter(|cut| *cut > 0));
        self.base_bytes = self.rewrite.succeed(self.now);
        self.rewritten_bytes = self.log_bytes();
        out.push(Out::Line(LogLevel::Notice, "Background AOF rewrite finished successfully".into()));
    }

    fn went_live(&mut self, upto: u64, fresh: Option<u64>, log: &mut Log, out: &mut Vec<Out>) {
        if upto <= self.live && fresh.is_none() {
            return;
        }
        self.live = self.live.max(upto);
        self.generations.forget(upto, self.rewrite.generation());
        for core in 0..self.cores {
            tell(core, LogNote::Live { generation: upto, fresh }, log, out);
        }
    }

    fn failed(&mut self, doing: Doing, path: &[u8], errno: i32, log: &mut Log, out: &mut Vec<Out>) {
        self.spoiled.insert(path.to_vec());
        let (path, reason) = (String::from_utf8_lossy(path).into_owned(), errno::text(errno));
        self.retry_at = self.now.mono_ms + RETRY_MS;
        let is_urgent = matches!(doing, Doing::Commit { upto, .. } if upto > self.live) && self.mode == Mode::On;
        let text = match doing {
            Doing::Nothing => return,
            Doing::Prepare => {
                out.push(Out::Line(LogLevel::Warning, format!("Can't open or create append-only dir {path}: {reason}")));
                self.fail_rewrite(out);
                return;
            }
            Doing::Collect { .. } => {
                self.collect_at = self.now.mono_ms + COLLECT_MS;
                out.push(Out::Line(LogLevel::Warning, format!("Can't remove the history of the AOF, {path}: {reason}")));
                return;
            }
            Doing::Commit { .. } => {
                let text = format!("Error writing the AOF manifest, {path}: {reason}");
                if is_urgent && log.policy() == AppendFsync::Always {
                    out.push(Out::Die(format!("{text}. Can't go on when the AOF fsync policy is 'always'. Exiting...")));
                    return;
                }
                text
            }
        };
        if !std::mem::replace(&mut self.has_trouble, true) {
            out.push(Out::Line(LogLevel::Warning, text));
        }
        // Replies wait for what is not listed; a base that is not listed only leaves the old files in force.
        if is_urgent {
            self.tell_trouble(Some(reason), log, out);
        }
    }

    fn clear_trouble(&mut self, log: &mut Log, out: &mut Vec<Out>) {
        if std::mem::take(&mut self.has_trouble) {
            out.push(Out::Line(LogLevel::Warning, "AOF write error looks solved. The server can write again.".into()));
            self.tell_trouble(None, log, out);
        }
    }

    fn tell_trouble(&self, text: Option<String>, log: &mut Log, out: &mut Vec<Out>) {
        for core in 0..self.cores {
            tell(core, LogNote::Trouble { source: self.cores, text: text.clone() }, log, out);
        }
    }

    fn fail_rewrite(&mut self, out: &mut Vec<Out>) {
        if matches!(self.rewrite.state, State::Idle) {
            return;
        }
        out.push(Out::Line(LogLevel::Warning, "Background AOF rewrite terminated with error".into()));
        self.rewrite.fail(self.now);
        self.rewrite.is_wanted |= self.mode == Mode::Waiting;
        self.retry_at = self.now.mono_ms + RETRY_MS;
    }
}

/// A message to a core's log, this one's included.
fn tell(core: usize, note: LogNote, log: &mut Log, out: &mut Vec<Out>) {
    if core == 0 {
        log.heard(0, note);
    } else {
        out.push(Out::Note(core, Note::Log(note)));
    }
}
