//! Loading: files become keys, at start and for DEBUG RELOAD.
//!
//! Layer 4, under `persist`. One [`Load`] a core; its owner calls `pump` after every turn, `finished` for operations of `Part::Load`, `heard`
//! for messages of other cores, `at_point` inside of tickets.
//!
//! ```text
//! reader.rs   a file in pieces        dump.rs   snapshots: every core reads them and keeps its own keys
//! feed.rs     files of commands: bytes for the engine, which carries them out wherever they belong
//! lead.rs     core 0: the stages of a plan, figures, DEBUG RELOAD
//! ```
//! Stages of a plan follow each other; within one all cores load at the same time. Core 0 counts who is done.
//!
//! Invariants: no stage begins before all cores are done with the one before; what cannot be loaded as a whole ends the process, and no file
//! is changed; loading is no change that save points count.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

mod dump;
mod feed;
mod lead;
mod reader;

use std::collections::VecDeque;
use std::sync::Arc;

use super::aof::{LoadFile, LoadKind, LoadPlan};
use super::disk::{Disk, Done};
use super::plan::{Note, Now, Out, Point};
use super::save::Save;
use crate::spec::Shard;
use crate::spec::persist::{Loading, Wish};
use crate::spec::request::LogLevel::Warning;
use dump::{Dump, Rules, Went};
use feed::Feed;
use lead::Lead;
use reader::{Progress, Reader};

/// How often a core tells core 0 how far it is, ms.
const TELL_MS: i64 = 100;

/// What was loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Bytes of files, each counted on one core.
    pub bytes: u64,
    pub keys: u64,
    /// Keys left out because their time was over.
    pub expired: u64,
    /// Keys left out because they held nothing.
    pub empty: u64,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.bytes += other.bytes;
        self.keys += other.keys;
        self.expired += other.expired;
        self.empty += other.empty;
    }
}

/// What is different when files are loaded into a running server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Keys that are there already are replaced.
    pub merges: bool,
    /// Clients wait meanwhile, and a file that cannot be opened is an answer, not the end.
    pub is_reload: bool,
}

/// Messages about loading.
#[derive(Clone, Debug)]
pub enum LoadNote {
    /// To core 0: this core passed a point that is waited for.
    Reached,
    /// To all: load this.
    Begin { plan: Arc<LoadPlan>, options: Options },
    /// To all: go on with this stage.
    Stage(usize),
    /// To core 0: how much this core has loaded so far.
    Counted(Counts),
    /// To core 0: this core is done with the stage. `missing`: a file could not be opened.
    StageDone { counts: Counts, missing: Option<String> },
    /// To all: everything is loaded.
    Over,
}

/// See the file's head.
pub struct Load {
    core: usize,
    cores: usize,
    next: u64,
    now: Now,
    run: Option<Run>,
    /// What `input`, `executed` and `failed` have to say.
    says: Vec<Out>,
    lead: Option<Lead>,
}

/// The loading that is on.
struct Run {
    plan: Arc<LoadPlan>,
    options: Options,
    stage: usize,
    /// Files of the stage that this core has to load.
    files: VecDeque<usize>,
    current: Current,
    counts: Counts,
    missing: Option<String>,
    has_told: bool,
    told: Counts,
    told_at: i64,
    /// Set back at the end.
    changes: u64,
    active_expire: bool,
    /// The engine carried out all of the file at hand.
    is_fed: bool,
    /// Something is wrong for good: nothing more is done.
    is_dead: bool,
}

enum Current {
    Nothing,
    Dump(Box<Dump>, usize),
    Feed(Box<Feed>, usize),
}

impl Load {
    /// The part of core `core` of `cores`.
    #[must_use]
    pub fn new(core: usize, cores: usize) -> Load {
        let lead = (core == 0).then(|| Lead::new(cores));
        Load { core, cores, next: 0, now: Now::default(), run: None, says: Vec::new(), lead }
    }

    /// At start, on every core: what is to be loaded before clients are served. An empty plan loads nothing, at once.
    pub fn begin(&mut self, plan: Arc<LoadPlan>, now: Now, shard: &mut Shard) {
        self.now = now;
        if !plan.is_empty() {
            shard.persist.loading = Loading::Refuses;
            self.start(plan, Options::default(), shard);
        }
    }

    fn start(&mut self, plan: Arc<LoadPlan>, options: Options, shard: &mut Shard) {
        if let Some(lead) = &mut self.lead {
            lead.started(&plan, options, self.now, shard);
        }
        let (changes, active_expire) = (shard.ks.stats.changes, shard.ks.tuning.active_expire);
        shard.ks.tuning.active_expire = false;
        let mut run = Run {
            plan,
            options,
            stage: 0,
            files: VecDeque::new(),
            current: Current::Nothing,
            counts: Counts::default(),
            missing: None,
            has_told: false,
            told: Counts::default(),
            told_at: 0,
            changes,
            active_expire,
            is_fed: false,
            is_dead: false,
        };
        run.enter(0, self.core, self.cores);
        self.run = Some(run);
    }

    /// Whether something is being loaded.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.run.is_some()
    }

    /// Whether there is something to do that waits for nothing: the core must not sleep.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let Some(run) = self.run.as_ref().filter(|run| !run.is_dead) else { return !self.says.is_empty() };
        match &run.current {
            Current::Nothing => !run.has_told,
            Current::Dump(dump, _) => dump.reader.has_piece() || dump.is_paused,
            Current::Feed(feed, _) => feed.reader.has_piece(),
        }
    }

    /// Begins what is due.
    pub fn pump(&mut self, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        self.now = now;
        out.append(&mut self.says);
        if let Some(run) = self.run.as_mut().filter(|run| !run.is_dead)
            && let Err(why) = run.work(self.core, now, shard, disk, &mut self.next, out)
        {
            run.die(why, out);
        }
        self.tell_progress(shard, out);
        self.hear_lead(shard, out);
    }

    /// Core 0, after `pump` of both parts: what a reload asks of snapshots.
    pub fn drive(&mut self, save: &mut Save, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        if let Some(lead) = &mut self.lead {
            lead.drive(save, now, shard, disk, out);
        }
        self.hear_lead(shard, out);
    }

    /// Operation `n` of `Part::Load` ended.
    pub fn finished(&mut self, n: u64, mut done: Done, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        let Some(run) = &mut self.run else { return };
        let next = &mut self.next;
        let progress = run.reader().map_or(Progress::NotMine, |reader| reader.finished(n, &mut done, disk, next));
        let what = if run.plan.is_log { "append log" } else { "RDB" };
        match progress {
            Progress::NotMine | Progress::Fine => {}
            Progress::NotOpened(errno) => {
                let path = run.path();
                let why = format!("Fatal error: can't open the {what} file {path} for reading: {}", super::save::reason(errno));
                if !run.options.is_reload {
                    return run.die(why, out);
                }
                run.missing = Some(why);
                run.current = Current::Nothing;
            }
            Progress::Failed(errno) => {
                let (path, why) = (run.path(), super::save::reason(errno));
                let why = if run.plan.is_log {
                    format!("Unrecoverable error reading the append only file {path}: {why}")
                } else {
                    format!("Fatal error loading the DB: {why}. Exiting.")
                };
                run.die(why, out);
            }
        }
        self.hear_lead(shard, out);
    }

    /// A message of another core, or of this one.
    pub fn heard(&mut self, from: usize, note: LoadNote, shard: &mut Shard, out: &mut Vec<Out>) {
        match note {
            LoadNote::Begin { plan, options } => self.start(plan, options, shard),
            LoadNote::Stage(stage) => {
                if let Some(run) = &mut self.run {
                    run.enter(stage, self.core, self.cores);
                }
            }
            LoadNote::Over => {
                if let Some(run) = self.run.take() {
                    shard.ks.stats.changes = run.changes;
                    if run.options.is_reload && run.plan.is_log {
                        // As in Redis, what a log brings back counts as saved.
                        shard.persist.changes_at_save = run.changes;
                    }
                    shard.ks.tuning.active_expire = run.active_expire;
                    if !run.options.is_reload {
                        shard.persist.loading = Loading::No;
                    }
                }
            }
            LoadNote::Reached | LoadNote::Counted(_) | LoadNote::StageDone { .. } => {
                if let Some(lead) = &mut self.lead {
                    lead.heard(from, note, self.now, shard, out);
                }
                self.hear_lead(shard, out);
            }
        }
    }

    /// All cores are at `point`, this one too. Clients are frozen and all keys removed here.
    pub fn at_point(&mut self, point: &Point, _ticket: u64, shard: &mut Shard, out: &mut Vec<Out>) {
        match point {
            Point::Freeze(true) => shard.persist.loading = Loading::Waits,
            // Nobody waits for this one.
            Point::Freeze(false) => return shard.persist.loading = Loading::No,
            Point::Flush => {
                // What comes back is what went.
                let changes = shard.ks.stats.changes;
                for db in 0..shard.ks.databases() {
                    shard.ks.flush(db);
                }
                shard.ks.stats.changes = changes;
                shard.tracking.flush(&mut shard.ks);
            }
            Point::Mark | Point::Cut(_) | Point::LogsEnd => return,
        }
        self.tell(LoadNote::Reached, shard, out);
    }

    /// Core 0: DEBUG RELOAD and DEBUG LOADAOF. `false`: the wish is not for this part.
    pub fn wish(&mut self, wish: &Wish, out: &mut Vec<Out>) -> bool {
        self.lead.as_mut().is_some_and(|lead| lead.wish(wish, out))
    }

    /// Core 0: whether DEBUG LOADAOF waits for [`Load::give_plan`]: clients are frozen on all cores, the logs have to be written out.
    #[must_use]
    pub fn wants_plan(&self) -> bool {
        self.lead.as_ref().is_some_and(Lead::wants_plan)
    }

    /// Core 0: the files of the log as they are now.
    pub fn give_plan(&mut self, plan: LoadPlan, out: &mut Vec<Out>) {
        if let Some(lead) = &mut self.lead {
            lead.give_plan(plan, out);
        }
    }

    /// The next bytes for the connection that carries out commands of files. `None`: none are here (yet).
    pub fn input(&mut self) -> Option<Vec<u8>> {
        let run = self.run.as_mut().filter(|run| !run.is_dead)?;
        match &mut run.current {
            Current::Feed(feed, _) => feed.input(),
            Current::Nothing | Current::Dump(..) => None,
        }
    }

    /// Whether a file of commands was handed out to its end: when all of them are carried out, `executed` is due.
    #[must_use]
    pub fn fed_all(&self) -> bool {
        let run = self.run.as_ref().filter(|run| !run.is_dead);
        run.is_some_and(|run| matches!(&run.current, Current::Feed(feed, _) if feed.is_empty()))
    }

    /// Everything that `input` gave is carried out. `left`: bytes of it that are no whole command, or inside of an open transaction.
    pub fn executed(&mut self, left: usize) {
        if !self.fed_all() {
            return;
        }
        let Some(run) = &mut self.run else { return };
        if left > 0 {
            let path = run.path();
            let why = format!(
                "Unexpected end of file reading the append only file {path}. You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server."
            );
            return run.die(why, &mut self.says);
        }
        run.is_fed = true;
    }

    /// A command of a file was refused, with this reply.
    pub fn failed(&mut self, reply: &[u8]) {
        let Some(run) = &mut self.run else { return };
        let path = run.path();
        let text = String::from_utf8_lossy(reply.strip_prefix(b"-").unwrap_or(reply)).trim_end().to_owned();
        let why = if text.starts_with("ERR Protocol error") {
            format!(
                "Bad file format reading the append only file {path}: make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>"
            )
        } else if let Some(name) = text.strip_prefix("ERR unknown command '").and_then(|rest| rest.split('\'').next()) {
            format!("Unknown command '{name}' reading the append only file {path}")
        } else {
            format!(
                "== CRITICAL == This server is sending an error to its AOF-loading client: '{text}', reading the append only file {path}"
            )
        };
        run.die(why, &mut self.says);
    }

    /// To core 0.
    fn tell(&mut self, note: LoadNote, shard: &mut Shard, out: &mut Vec<Out>) {
        match &self.lead {
            Some(_) => self.heard(self.core, note, shard, out),
            None => out.push(Out::Note(0, Note::Load(note))),
        }
    }

    fn tell_progress(&mut self, shard: &mut Shard, out: &mut Vec<Out>) {
        let Some(run) = self.run.as_mut().filter(|run| !run.is_dead) else { return };
        let counts = run.counted();
        if run.is_done() && !run.has_told {
            run.has_told = true;
            let note = LoadNote::StageDone { counts, missing: run.missing.take() };
            self.tell(note, shard, out);
        } else if counts != run.told && self.now.mono_ms - run.told_at >= TELL_MS {
            (run.told, run.told_at) = (counts, self.now.mono_ms);
            self.tell(LoadNote::Counted(counts), shard, out);
        }
    }

    /// What the lead has to say goes to all cores.
    fn hear_lead(&mut self, shard: &mut Shard, out: &mut Vec<Out>) {
        while let Some(note) = self.lead.as_mut().and_then(|lead| lead.orders.pop_front()) {
            for core in (0..self.cores).filter(|core| *core != self.core) {
                out.push(Out::Note(core, Note::Load(note.clone())));
            }
            self.heard(self.core, note, shard, out);
        }
    }
}

impl Run {
    /// Goes on to a stage.
    fn enter(&mut self, stage: usize, core: usize, cores: usize) {
        self.stage = stage;
        self.has_told = false;
        let Some(files) = self.plan.stages.get(stage) else { return };
        let is_mine = |(place, file): &(usize, &LoadFile)| match file.kind {
            LoadKind::Rdb => true,
            LoadKind::Commands => owner(file, *place, cores) == core,
        };
        self.files = files.iter().enumerate().filter(is_mine).map(|(place, _)| place).collect();
    }

    fn reader(&mut self) -> Option<&mut Reader> {
        match &mut self.current {
            Current::Nothing => None,
            Current::Dump(dump, _) => Some(&mut dump.reader),
            Current::Feed(feed, _) => Some(&mut feed.reader),
        }
    }

    /// The file at hand, for messages.
    fn path(&self) -> String {
        let place = match &self.current {
            Current::Nothing => return String::new(),
            Current::Dump(_, place) | Current::Feed(_, place) => *place,
        };
        let file = self.plan.stages.get(self.stage).and_then(|files| files.get(place));
        file.map_or(String::new(), |file| String::from_utf8_lossy(&file.path).into_owned())
    }

    fn die(&mut self, why: String, out: &mut Vec<Out>) {
        self.is_dead = true;
        out.push(Out::Die(why));
    }

    fn is_done(&self) -> bool {
        self.files.is_empty() && matches!(self.current, Current::Nothing)
    }

    /// What was loaded so far.
    fn counted(&self) -> Counts {
        let mut counts = self.counts;
        match &self.current {
            Current::Nothing => {}
            Current::Dump(dump, _) => counts.add(&dump.counts()),
            Current::Feed(feed, _) => counts.bytes += feed.bytes,
        }
        counts
    }

    fn work(
        &mut self,
        core: usize,
        now: Now,
        shard: &mut Shard,
        disk: &mut dyn Disk,
        next: &mut u64,
        out: &mut Vec<Out>,
    ) -> Result<(), String> {
        match &mut self.current {
            Current::Nothing => self.open(core, shard, disk, next, out),
            Current::Dump(dump, place) => {
                let went = dump.work(now, shard, out).map_err(|why| {
                    out.push(Out::Line(Warning, why));
                    String::from("Terminating server after rdb file reading failure.")
                })?;
                dump.reader.pump(disk, next);
                if let Went::Done(end) = went {
                    let place = *place;
                    dump.reader.close(disk, next);
                    let file = self.plan.stages.get(self.stage).and_then(|files| files.get(place));
                    if file.is_some_and(|file| file.is_base && end < file.end) {
                        let why = "bytes after the end of the snapshot";
                        return Err(format!("Error reading the RDB base file {}, AOF loading aborted: {why}", self.path()));
                    }
                    self.close();
                }
            }
            Current::Feed(feed, _) => {
                feed.reader.pump(disk, next);
                if feed.reader.is_short {
                    return Err(format!("Unrecoverable error reading the append only file {}: it became shorter", self.path()));
                }
                if std::mem::take(&mut self.is_fed) {
                    feed.reader.close(disk, next);
                    self.close();
                }
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        self.counts = self.counted();
        self.current = Current::Nothing;
    }

    fn open(&mut self, core: usize, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64, out: &mut Vec<Out>) {
        let Some(place) = self.files.pop_front() else { return };
        let Some(file) = self.plan.stages.get(self.stage).and_then(|files| files.get(place)) else { return };
        self.is_fed = false;
        if file.kind == LoadKind::Commands {
            let feed = Feed::open(file, disk, next);
            self.current = Current::Feed(Box::new(feed), place);
            return;
        }
        let leads = core == 0;
        if leads && file.is_base {
            out.push(Out::Line(crate::spec::request::LogLevel::Notice, "Reading RDB base file on AOF loading...".into()));
        }
        let rules = Rules { keeps_expired: file.is_base, merges: self.options.merges, leads };
        self.current = Current::Dump(Box::new(Dump::open(file, rules, shard, disk, next)), place);
    }
}

/// The core that feeds the commands of a file to its engine: the one whose log it is, if there are as many as then.
fn owner(file: &LoadFile, place: usize, cores: usize) -> usize {
    file.core.map_or(place, |(core, _)| core) % cores.max(1)
}

#[cfg(test)]
mod tests;
