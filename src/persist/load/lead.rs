//! Core 0: the stages of what is being loaded, what is said about it, and DEBUG RELOAD from the first freeze to the answer.
//!
//! Layer 4, under `load`.
//!
//! ```text
//! DEBUG RELOAD    freeze -> snapshot -> flush -> load -> thaw -> +OK
//! DEBUG LOADAOF   freeze -> the owner of the logs gives a plan -> flush -> load -> thaw -> +OK
//! ```
//! Invariant: a step begins when all cores are through with the one before.
//! Ref: redis.io/commands/debug

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Counts, LoadNote, Options};
use crate::persist::aof::{LoadFile, LoadKind, LoadPlan};
use crate::persist::disk::Disk;
use crate::persist::plan::{Now, Out, Point, SaveJob};
use crate::persist::save::Save;
use crate::spec::Shard;
use crate::spec::persist::{Ask, Wish};
use crate::spec::request::LogLevel::{Notice, Warning};

/// See the file's head.
pub struct Lead {
    cores: usize,
    run: Option<Stages>,
    reload: Option<Reload>,
    waiting: VecDeque<Reload>,
    /// Told to all cores.
    pub orders: VecDeque<LoadNote>,
}

/// The plan that is being carried out.
struct Stages {
    plan: Arc<LoadPlan>,
    stage: usize,
    done: usize,
    missing: Option<String>,
    counts: Vec<Counts>,
    began: Now,
    stage_began: Now,
}

#[derive(Clone)]
struct Reload {
    ask: Ask,
    what: What,
    step: Step,
    /// Cores that passed the point of this step.
    reached: usize,
}

#[derive(Clone, PartialEq, Eq)]
enum What {
    Snapshot { saves: bool, flushes: bool, merges: bool },
    Log(Option<LoadPlan>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Freezing,
    /// The snapshot waits for another one to end, or is on.
    ToSave,
    Saving,
    Planning,
    Flushing,
    Loading,
}

impl Lead {
    pub fn new(cores: usize) -> Lead {
        Lead { cores, run: None, reload: None, waiting: VecDeque::new(), orders: VecDeque::new() }
    }

    /// Loading begins on this core, and so on all.
    pub fn started(&mut self, plan: &Arc<LoadPlan>, _options: Options, now: Now, shard: &mut Shard) {
        let figures = &mut shard.persist;
        figures.load_started = now.wall_ms.div_euclid(1000);
        figures.load_total_bytes = plan.files().map(|file| if file.end == u64::MAX { 0 } else { file.end - file.start }).sum();
        (figures.load_done_bytes, figures.loaded_keys, figures.loaded_expired) = (0, 0, 0);
        figures.loads_log = plan.is_log;
        figures.functions.clear();
        self.run = Some(Stages {
            plan: Arc::clone(plan),
            stage: 0,
            done: 0,
            missing: None,
            counts: vec![Counts::default(); self.cores],
            began: now,
            stage_began: now,
        });
    }

    /// What a core says.
    pub fn heard(&mut self, from: usize, note: LoadNote, now: Now, shard: &mut Shard, out: &mut Vec<Out>) {
        match note {
            LoadNote::Reached => {
                if let Some(reload) = &mut self.reload {
                    reload.reached += 1;
                }
            }
            LoadNote::Counted(counts) => self.count(from, counts, shard),
            LoadNote::StageDone { counts, missing } => {
                self.count(from, counts, shard);
                let Some(run) = &mut self.run else { return };
                run.done += 1;
                run.missing = run.missing.take().or(missing);
                if run.done == self.cores {
                    self.stage_done(now, shard, out);
                }
            }
            LoadNote::Begin { .. } | LoadNote::Stage(_) | LoadNote::Over => {}
        }
    }

    fn count(&mut self, from: usize, counts: Counts, shard: &mut Shard) {
        let Some(run) = &mut self.run else { return };
        if let Some(slot) = run.counts.get_mut(from) {
            *slot = counts;
        }
        let all = run.all();
        shard.persist.load_done_bytes = all.bytes;
        shard.persist.loaded_keys = all.keys;
        shard.persist.loaded_expired = all.expired;
    }

    fn stage_done(&mut self, now: Now, shard: &mut Shard, out: &mut Vec<Out>) {
        let Some(run) = &mut self.run else { return };
        run.done = 0;
        if run.missing.is_none() {
            run.tell_stage(now, out);
            (run.stage, run.stage_began) = (run.stage + 1, now);
            if run.stage < run.plan.stages.len() {
                return self.orders.push_back(LoadNote::Stage(run.stage));
            }
            run.tell_end(now, out);
        }
        let missing = run.missing.take();
        self.run = None;
        self.orders.push_back(LoadNote::Over);
        shard.persist.load_started = -1;
        if let Some(reload) = self.reload.take() {
            self.answer(&reload, missing, out);
        }
    }

    /// A reload is over, one way or the other.
    fn answer(&mut self, reload: &Reload, failed: Option<String>, out: &mut Vec<Out>) {
        out.push(Out::Point(Point::Freeze(false)));
        let (line, error) = match reload.what {
            What::Snapshot { .. } => ("DB reloaded by DEBUG RELOAD", "-ERR Error trying to load the RDB dump, check server logs.\r\n"),
            What::Log(_) => ("Append Only File loaded by DEBUG LOADAOF", "-ERR Error trying to load the AOF files, check server logs.\r\n"),
        };
        let reply = match failed {
            None => {
                out.push(Out::Line(Warning, line.into()));
                "+OK\r\n"
            }
            Some(why) => {
                if !why.is_empty() {
                    out.push(Out::Line(Warning, why));
                }
                error
            }
        };
        out.push(Out::Reply(reload.ask, reply.into()));
        self.reload = None;
    }

    /// See `Load::wish`.
    pub fn wish(&mut self, wish: &Wish, out: &mut Vec<Out>) -> bool {
        let (ask, what) = match wish {
            Wish::Reload { ask, saves, flushes, merges } => (*ask, What::Snapshot { saves: *saves, flushes: *flushes, merges: *merges }),
            Wish::LoadLog(ask) => (*ask, What::Log(None)),
            _ => return false,
        };
        self.waiting.push_back(Reload { ask, what, step: Step::Freezing, reached: 0 });
        self.next_reload(out);
        true
    }

    fn next_reload(&mut self, out: &mut Vec<Out>) {
        if self.reload.is_none()
            && self.run.is_none()
            && let Some(reload) = self.waiting.pop_front()
        {
            out.push(Out::Point(Point::Freeze(true)));
            self.reload = Some(reload);
        }
    }

    pub fn wants_plan(&self) -> bool {
        self.reload.as_ref().is_some_and(|reload| reload.step == Step::Planning)
    }

    /// See `Load::give_plan`.
    pub fn give_plan(&mut self, plan: LoadPlan, out: &mut Vec<Out>) {
        if let Some(reload) = self.reload.as_mut().filter(|reload| reload.step == Step::Planning) {
            reload.what = What::Log(Some(plan));
            reload.flush(out);
        }
    }

    /// Goes on with a reload.
    pub fn drive(&mut self, save: &mut Save, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        self.next_reload(out);
        let Some(reload) = &mut self.reload else { return };
        match (reload.step, &reload.what) {
            (Step::Freezing, what) if reload.reached == self.cores => match what {
                What::Log(_) => reload.step = Step::Planning,
                What::Snapshot { saves: true, .. } => reload.step = Step::ToSave,
                What::Snapshot { saves: false, flushes: true, .. } => reload.flush(out),
                What::Snapshot { .. } => self.load(shard),
            },
            (Step::ToSave, _) if !save.is_busy() => {
                let has_begun = save.begin_for_reload(SaveJob::dump(shard), now, shard, disk, out).is_ok();
                reload.step = if has_begun { Step::Saving } else { Step::ToSave };
            }
            (Step::Saving, What::Snapshot { flushes, .. }) => match save.ended_for_reload() {
                None => {}
                Some(Err(_)) => {
                    out.push(Out::Point(Point::Freeze(false)));
                    out.push(Out::Reply(reload.ask, b"-ERR\r\n".to_vec()));
                    self.reload = None;
                }
                Some(Ok(_)) if *flushes => reload.flush(out),
                Some(Ok(_)) => self.load(shard),
            },
            (Step::Flushing, _) if reload.reached == self.cores => self.load(shard),
            _ => {}
        }
    }

    /// All cores load what the reload is about.
    fn load(&mut self, shard: &Shard) {
        let Some(reload) = &mut self.reload else { return };
        reload.step = Step::Loading;
        let (plan, merges) = match &mut reload.what {
            What::Log(plan) => (plan.take().unwrap_or_default(), false),
            What::Snapshot { merges, .. } => {
                let file = LoadFile {
                    path: shard.config.in_dir(&shard.config.dbfilename),
                    kind: LoadKind::Rdb,
                    start: 0,
                    end: u64::MAX,
                    skips: Vec::new(),
                    commands: 0,
                    is_base: false,
                    core: None,
                };
                (LoadPlan { stages: vec![vec![file]], is_log: false }, *merges)
            }
        };
        // A plan of nothing is loaded like any other, so that all cores hear of its end.
        let plan = if plan.stages.is_empty() { LoadPlan { stages: vec![Vec::new()], ..plan } } else { plan };
        let options = Options { merges, is_reload: true };
        self.orders.push_back(LoadNote::Begin { plan: Arc::new(plan), options });
    }
}

impl Reload {
    fn flush(&mut self, out: &mut Vec<Out>) {
        (self.step, self.reached) = (Step::Flushing, 0);
        out.push(Out::Point(Point::Flush));
    }
}

impl Stages {
    fn all(&self) -> Counts {
        let mut all = Counts::default();
        self.counts.iter().for_each(|counts| all.add(counts));
        all
    }

    /// The lines about the files of the stage.
    fn tell_stage(&self, now: Now, out: &mut Vec<Out>) {
        let files = self.plan.stages.get(self.stage).map(Vec::as_slice).unwrap_or_default();
        let all = self.all();
        if files.iter().any(|file| file.kind == LoadKind::Rdb) {
            let empty = if all.empty > 0 { format!(", empty keys skipped: {}", all.empty) } else { String::new() };
            let (keys, expired) = (all.keys, all.expired);
            out.push(Out::Line(Notice, format!("Done loading RDB, keys loaded: {keys}, keys expired: {expired}{empty}.")));
        }
        if self.plan.is_log {
            let seconds = seconds(self.stage_began, now);
            for file in files {
                let kind = if file.is_base { "base" } else { "incr" };
                let name = file.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                let name = String::from_utf8_lossy(name);
                out.push(Out::Line(Notice, format!("DB loaded from {kind} file {name}: {seconds:.3} seconds")));
            }
        }
    }

    fn tell_end(&self, now: Now, out: &mut Vec<Out>) {
        let from = if self.plan.is_log { "append only file" } else { "disk" };
        out.push(Out::Line(Notice, format!("DB loaded from {from}: {:.3} seconds", seconds(self.began, now))));
    }
}

fn seconds(from: Now, to: Now) -> f64 {
    (to.mono_ms - from.mono_ms).max(0) as f64 / 1000.0
}
