//! Core 0: one snapshot from its beginning to the file with its final name.
//!
//! Layer 4, under `save`. One operation of its own is in flight at a time; the cores' shares are written meanwhile.
//!
//! ```text
//! Opening -> Heading -> Walking -> Patching -> Ending -> Syncing -> Closing -> Renaming -> SyncingDir -> ended
//!                         any failure, when all shares are in:      Closing -> Removing -> ended as failed
//! ```
//! Invariant: the temporary file is removed only when no core writes to it any more.

use std::collections::VecDeque;
use std::sync::Arc;

use super::encode::{Prelude, epilogue};
use super::part::take;
use super::policy::Policy;
use super::{Extent, SaveNote, Share, reason};
use crate::config::kinds::RdbVersion;
use crate::data::codec;
use crate::persist::disk::{Disk, Done, FileId, Mode, Op, folder};
use crate::persist::log::errno::NO_SPACE;
use crate::persist::plan::{Form, MaybeFile, Now, Out, Part as Of, Point, Purpose, SaveJob};
use crate::persist::rdb::{Format, Recency, Version};
use crate::spec::Shard;
use crate::spec::persist::{Ask, Wish};
use crate::spec::request::LogLevel;

/// Every how many bytes a file is synced while it is written (rdb-save-incremental-fsync).
const SYNC_EVERY: u64 = 4 << 20;

/// Who wants a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum For {
    /// Whoever called `begin`, and looks at `ended`.
    Caller,
    /// BGSAVE and save points.
    Background,
    /// SAVE.
    Asked(Ask),
    /// SHUTDOWN.
    Shutdown,
    /// DEBUG RELOAD.
    Reload,
}

/// See the file's head.
pub struct Leader {
    pub(super) running: Option<Running>,
    pub(super) policy: Policy,
    last_id: u64,
    /// The time; whoever calls sets it before.
    pub now: Now,
    /// Told to all cores.
    pub orders: VecDeque<SaveNote>,
    pub ended: VecDeque<(u64, Purpose, Result<u64, String>)>,
    /// How the snapshot of a reload ended.
    pub reload: Option<Result<u64, String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Opening,
    Heading,
    Walking,
    Patching,
    Ending,
    Syncing,
    Closing,
    Renaming,
    SyncingDir,
    Removing,
}

/// The snapshot that is on.
pub(super) struct Running {
    pub(super) job: Arc<SaveJob>,
    pub(super) whom: For,
    step: Step,
    op: Option<u64>,
    /// The write in flight: where its buffer goes.
    at: u64,
    from: usize,
    len: usize,
    file: MaybeFile,
    prelude: Prelude,
    shares: Vec<Option<Share>>,
    progress: Vec<(u64, u64)>,
    started: Now,
    error: Option<String>,
    /// Ended by us, which is no failure of the disk.
    is_cancelled: bool,
    is_stopped: bool,
    bytes: u64,
}

impl Leader {
    pub fn new(cores: usize) -> Leader {
        Leader {
            running: None,
            policy: Policy::new(cores),
            last_id: 0,
            now: Now::default(),
            orders: VecDeque::new(),
            ended: VecDeque::new(),
            reload: None,
        }
    }

    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Begins a snapshot.
    pub fn begin(
        &mut self,
        mut job: SaveJob,
        whom: For,
        shard: &mut Shard,
        disk: &mut dyn Disk,
        next: &mut u64,
        out: &mut Vec<Out>,
    ) -> Result<u64, &'static str> {
        if self.running.is_some() {
            return Err("Background save already in progress");
        }
        let now = self.now;
        self.last_id += 1;
        job.id = self.last_id;
        job.form = form(&job, shard);
        let prelude = Prelude::new(&job, now, shard);
        // The first bytes are the leader's.
        let _ = job.extents.take(prelude.bytes.len() as u64);
        let op = take(next);
        disk.submit(Of::Save.token(op), Op::Open { path: job.temporary.clone(), mode: Mode::Create });
        self.policy.begun(&job, whom, now, shard, out);
        self.running = Some(Running {
            job: Arc::new(job),
            whom,
            step: Step::Opening,
            op: Some(op),
            at: 0,
            from: 0,
            len: 0,
            file: None,
            prelude,
            shares: vec![None; shard.cores],
            progress: vec![(0, 0); shard.cores],
            started: now,
            error: None,
            is_cancelled: false,
            is_stopped: false,
            bytes: 0,
        });
        Ok(self.last_id)
    }

    /// Ends the snapshot that is on as failed.
    pub fn cancel(&mut self) {
        if let Some(running) = &mut self.running
            && running.error.is_none()
            && !matches!(running.step, Step::Renaming | Step::SyncingDir)
        {
            running.error = Some("stopped".into());
            running.is_cancelled = true;
        }
    }

    /// See `Save::wish`.
    pub fn wish(&mut self, wish: &Wish, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64, out: &mut Vec<Out>) -> bool {
        let is_mine = self.policy.wish(wish, self.running.as_ref(), shard, out);
        if self.policy.wants_cancel {
            self.policy.wants_cancel = false;
            self.cancel();
        }
        self.start_due(shard, disk, next, out);
        is_mine
    }

    /// Begins what is due.
    pub fn pump(&mut self, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64, out: &mut Vec<Out>) {
        self.policy.tick(self.now, shard);
        self.start_due(shard, disk, next, out);
        self.advance(shard, disk, next, out);
    }

    fn start_due(&mut self, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64, out: &mut Vec<Out>) {
        if self.running.is_none()
            && let Some(whom) = self.policy.due(self.now, shard, out)
        {
            let job = SaveJob::dump(shard);
            // Nothing is on: it cannot be refused.
            let _ = self.begin(job, whom, shard, disk, next, out);
        }
    }

    /// What a core says.
    pub fn heard(&mut self, from: usize, note: SaveNote, shard: &mut Shard) {
        match note {
            SaveNote::Changes(changes) => self.policy.changed(from, changes),
            SaveNote::Progress { id, all, done } => {
                if let Some(running) = self.running.as_mut().filter(|running| running.job.id == id)
                    && let Some(slot) = running.progress.get_mut(from)
                {
                    *slot = (all, done);
                    shard.persist.save_keys_total = running.progress.iter().map(|p| p.0).sum();
                    shard.persist.save_keys_done = running.progress.iter().map(|p| p.1).sum();
                }
            }
            SaveNote::Share { id, share } => {
                let Some(running) = self.running.as_mut().filter(|running| running.job.id == id) else { return };
                if let Some(error) = &share.error {
                    running.error.get_or_insert_with(|| error.clone());
                }
                if let Some(slot) = running.shares.get_mut(from) {
                    *slot = Some(share);
                }
            }
            SaveNote::Stop { .. } | SaveNote::Saved { .. } | SaveNote::Health { .. } => {}
        }
    }

    /// Goes on where nothing is waited for.
    fn advance(&mut self, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64, out: &mut Vec<Out>) {
        let Some(running) = &mut self.running else { return };
        if running.op.is_some() {
            return;
        }
        if running.step == Step::Walking {
            if running.error.is_some() && !running.is_stopped {
                running.is_stopped = true;
                self.orders.push_back(SaveNote::Stop { id: running.job.id });
            }
            if running.shares.iter().any(Option::is_none) {
                return;
            }
            running.step = match running.settle() {
                true if running.error.is_none() => Step::Patching,
                _ => Step::Closing,
            };
        }
        match running.begin_step(disk, next) {
            true => {}
            false => self.end(shard, out),
        }
    }

    /// An operation of the leader ended.
    pub fn finished(&mut self, n: u64, done: Done, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64, out: &mut Vec<Out>) {
        let Some(running) = self.running.as_mut().filter(|running| running.op == Some(n)) else { return };
        running.op = None;
        if let Some(point) = running.step_ended(done, shard, disk, next) {
            out.push(Out::Point(point));
        }
        self.advance(shard, disk, next, out);
    }

    /// The snapshot is over: figures, log lines, answers.
    fn end(&mut self, shard: &mut Shard, out: &mut Vec<Out>) {
        let Some(running) = self.running.take() else { return };
        let result = match running.error {
            None => Ok(running.bytes),
            Some(why) => Err(why),
        };
        if result.is_ok() {
            let counts = running.job.purpose == Purpose::Dump;
            self.orders.push_back(SaveNote::Saved { id: running.job.id, counts });
        } else if !running.is_cancelled
            && let Err(why) = &result
        {
            out.push(Out::Line(LogLevel::Warning, why.clone()));
        }
        let told =
            super::policy::Ended { job: &running.job, whom: running.whom, started: running.started, is_cancelled: running.is_cancelled };
        if let Some(has_failed) = self.policy.ended(&told, result.is_ok(), self.now, shard, out) {
            self.orders.push_back(SaveNote::Health { has_failed });
        }
        match running.whom {
            For::Reload => self.reload = Some(result),
            _ => self.ended.push_back((running.job.id, running.job.purpose.clone(), result)),
        }
    }
}

impl Running {
    /// Whether nobody wants it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// All shares are in: the file's length is known, and its pieces must be whole. `false` if they are not.
    fn settle(&mut self) -> bool {
        if self.error.is_some() {
            return false;
        }
        let shares = || self.shares.iter().flatten();
        let needed = shares().map(|share| share.needed).max().unwrap_or(0);
        let mut pieces: Vec<Extent> = shares().flat_map(|share| share.extents.iter().copied()).collect();
        pieces.sort_unstable_by_key(|piece| piece.at);
        self.prelude.raise_version(needed);
        let mut end = self.prelude.bytes.len() as u64;
        let checks = self.job.form.checksum && !self.job.as_commands;
        let mut crc = codec::checksum(&self.prelude.bytes);
        for piece in &pieces {
            if piece.at != end {
                self.error = Some("Write error saving DB on disk(extents): a piece is missing".into());
                return false;
            }
            end += piece.len;
            if checks {
                crc = codec::checksum_joined(crc, piece.crc, piece.len);
            }
        }
        if end != self.job.extents.end() {
            self.error = Some("Write error saving DB on disk(extents): the last piece is missing".into());
            return false;
        }
        self.prelude.tail = epilogue(&self.job, crc);
        self.bytes = end + self.prelude.tail.len() as u64;
        true
    }

    /// Begins the operation of the step; `false` when there is no step left.
    fn begin_step(&mut self, disk: &mut dyn Disk, next: &mut u64) -> bool {
        loop {
            let op = match (self.step, self.file) {
                (Step::Patching, Some(file)) if self.prelude.is_patched => self.write(file, 0, self.prelude.bytes.clone()),
                (Step::Patching, _) => {
                    self.step = Step::Ending;
                    continue;
                }
                (Step::Ending, Some(file)) if !self.prelude.tail.is_empty() => {
                    let tail = self.prelude.tail.clone();
                    self.write(file, self.bytes - tail.len() as u64, tail)
                }
                (Step::Ending, _) => {
                    self.step = Step::Syncing;
                    continue;
                }
                (Step::Syncing, Some(file)) => Op::Sync { file },
                (Step::Closing, Some(file)) => Op::Close { file },
                (Step::Closing, None) => {
                    self.step = Step::Removing;
                    continue;
                }
                (Step::Renaming, _) => Op::Rename { from: self.job.temporary.clone(), to: self.job.path.clone() },
                (Step::SyncingDir, _) => Op::SyncDir { path: folder(&self.job.path) },
                (Step::Removing, _) => Op::Remove { path: self.job.temporary.clone() },
                (Step::Opening | Step::Heading | Step::Walking | Step::Syncing, _) => return false,
            };
            let n = take(next);
            self.op = Some(n);
            disk.submit(Of::Save.token(n), op);
            return true;
        }
    }

    fn write(&mut self, file: FileId, at: u64, buf: Vec<u8>) -> Op {
        (self.at, self.from, self.len) = (at, 0, buf.len());
        Op::Write { file, at, buf, from: 0 }
    }

    /// The operation of the step ended: what follows.
    fn step_ended(&mut self, done: Done, shard: &Shard, disk: &mut dyn Disk, next: &mut u64) -> Option<Point> {
        let count = match done.result {
            Ok(count) => count,
            Err(errno) => {
                self.failed(errno, shard);
                return None;
            }
        };
        match self.step {
            Step::Opening => {
                let file = FileId(count as u32);
                self.file = Some(file);
                if self.error.is_some() {
                    self.step = Step::Closing;
                    return None;
                }
                self.step = Step::Heading;
                if self.prelude.bytes.is_empty() {
                    return self.written();
                }
                let op = self.write(file, 0, self.prelude.bytes.clone());
                self.submit(op, disk, next);
            }
            Step::Heading | Step::Patching | Step::Ending => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                if count == 0 {
                    self.failed(NO_SPACE, shard);
                    return None;
                }
                self.from = self.from.saturating_add(count);
                if let (true, Some(file)) = (self.from < self.len, self.file) {
                    let op = Op::Write { file, at: self.at + self.from as u64, buf: done.buf, from: self.from };
                    self.submit(op, disk, next);
                } else {
                    return self.written();
                }
            }
            Step::Syncing => self.step = Step::Closing,
            Step::Closing => {
                self.file = None;
                self.step = if self.error.is_some() { Step::Removing } else { Step::Renaming };
            }
            Step::Renaming => self.step = Step::SyncingDir,
            Step::SyncingDir | Step::Removing => self.step = Step::Opening,
            Step::Walking => {}
        }
        None
    }

    fn submit(&mut self, op: Op, disk: &mut dyn Disk, next: &mut u64) {
        let n = take(next);
        self.op = Some(n);
        disk.submit(Of::Save.token(n), op);
    }

    /// A write is complete.
    fn written(&mut self) -> Option<Point> {
        match self.step {
            Step::Heading if self.error.is_some() => self.step = Step::Closing,
            Step::Heading => {
                self.step = Step::Walking;
                return Some(Point::Cut(Arc::clone(&self.job)));
            }
            Step::Patching if self.error.is_none() => self.step = Step::Ending,
            Step::Ending if self.error.is_none() => self.step = Step::Syncing,
            _ => self.step = Step::Closing,
        }
        None
    }

    /// The operation of the step failed.
    fn failed(&mut self, errno: i32, shard: &Shard) {
        let why = reason(errno);
        // The directory is named apart.
        let text = |path: &[u8]| String::from_utf8_lossy(path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)).into_owned();
        let (temporary, path, dir) = (text(&self.job.temporary), text(&self.job.path), String::from_utf8_lossy(&shard.config.dir));
        let line = match self.step {
            Step::Opening => format!("Failed opening the temp RDB file {temporary} (in server root dir {dir}) for saving: {why}"),
            Step::Heading | Step::Patching | Step::Ending => format!("Write error saving DB on disk(rdbSaveRio): {why}"),
            Step::Syncing => format!("Write error saving DB on disk(fsync): {why}"),
            Step::Closing => format!("Write error saving DB on disk(fclose): {why}"),
            Step::Renaming => {
                format!("Error moving temp DB file {temporary} on the final destination {path} (in server root dir {dir}): {why}")
            }
            Step::SyncingDir => format!("Fail to fsync directory of {path}: {why}"),
            // It is told already what went wrong.
            Step::Removing | Step::Walking => String::new(),
        };
        self.error.get_or_insert(line);
        self.step = match self.step {
            // Nothing was made, or the name is another one already.
            Step::Opening | Step::SyncingDir | Step::Removing => Step::Opening,
            Step::Closing => {
                self.file = None;
                Step::Removing
            }
            Step::Renaming => Step::Removing,
            _ => Step::Closing,
        };
    }
}

/// The settings that a snapshot keeps.
fn form(job: &SaveJob, shard: &Shard) -> Form {
    let config = &shard.config;
    let is_incremental = match job.purpose {
        Purpose::Dump => config.rdb_save_incremental_fsync,
        Purpose::Base { .. } => config.aof_rewrite_incremental_fsync,
    };
    let policy = config.maxmemory_policy.word();
    let recency = match policy {
        _ if policy.contains("lru") => Recency::Idle,
        _ if policy.contains("lfu") => Recency::Freq,
        _ => Recency::Nothing,
    };
    Form {
        format: Format { version: version(config.rdb_version), compresses: config.rdbcompression, recency },
        checksum: config.rdbchecksum,
        sync_every: if is_incremental { SYNC_EVERY } else { 0 },
    }
}

fn version(option: RdbVersion) -> Version {
    match option {
        RdbVersion::Auto => Version::Auto,
        RdbVersion::V9 => Version::V9,
        RdbVersion::V10 => Version::V10,
        RdbVersion::V11 => Version::V11,
        RdbVersion::V12 => Version::V12,
        RdbVersion::Valkey => Version::Valkey,
    }
}
