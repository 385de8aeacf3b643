//! Snapshots: every core's share of the one that is on, and on core 0 the lead of all of them.
//!
//! Layer 4, under `persist`. One [`Save`] a core; its owner calls `pump` after every turn, `finished` for operations of `Part::Save`, `heard`
//! for messages of other cores, `at_point` inside of tickets.
//!
//! ```text
//! pace.rs     how much is made in one go           sink.rs     what the keyspace hands out, as bytes
//! part.rs     one core's share of a snapshot       encode.rs   keys as records or commands
//! leader.rs   core 0: one snapshot, begun, ended   policy.rs   core 0: save points, SAVE, BGSAVE, SHUTDOWN
//! ```
//! Invariants
//! - One snapshot at a time, whatever it is for.
//! - A file that is complete is only ever replaced by one that is complete and durable: the temporary file takes its name at the very end.
//! - Whatever fails on any core ends the snapshot on all of them, and removes the temporary file.
//!
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence, redis.io/commands/bgsave

mod encode;
mod leader;
mod pace;
mod part;
mod policy;
mod sink;

use super::disk::{Disk, Done};
use super::plan::{Note, Now, Out, Point, Purpose, SaveJob};
use crate::spec::persist::Wish;
use crate::spec::{Refusal, Shard};
use leader::Leader;
use part::Part;

/// How often a core tells core 0 what changed, ms.
const TELL_MS: i64 = 100;

/// A piece of the file: where it is, how long, and its checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    pub at: u64,
    pub len: u64,
    pub crc: u64,
}

/// What one core did for a snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    pub extents: Vec<Extent>,
    pub keys: u64,
    /// The version of the format that these keys need.
    pub needed: u16,
    /// What went wrong; nothing else counts then.
    pub error: Option<String>,
}

/// Messages about snapshots.
#[derive(Clone, Debug)]
pub enum SaveNote {
    /// To core 0: this core's share is done.
    Share { id: u64, share: Share },
    /// To core 0: how far this core is, in keys.
    Progress { id: u64, all: u64, done: u64 },
    /// To core 0: changes since the last snapshot that succeeded.
    Changes(u64),
    /// To all: the snapshot ends here, it failed.
    Stop { id: u64 },
    /// To all: the file of snapshot `id` is complete; with `counts`, changes are counted from its cut on.
    Saved { id: u64, counts: bool },
    /// To all: whether the last snapshot in the background failed.
    Health { has_failed: bool },
}

/// Bounds on memory and on what is in flight, bytes where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What is written in one go.
    pub buffer: usize,
    /// Records above this are made twice instead of being held.
    pub giant: usize,
    /// No more is made while so much waits for the disk.
    pub ahead: usize,
    /// Clients that write wait while so much waits.
    pub choked: usize,
    /// Writes in flight.
    pub in_flight: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { buffer: 256 << 10, giant: 2 << 20, ahead: 768 << 10, choked: 6 << 20, in_flight: 3 }
    }
}

/// See the file's head.
pub struct Save {
    core: usize,
    cores: usize,
    /// May be changed while no snapshot is on.
    pub bounds: Bounds,
    next: u64,
    now: Now,
    part: Option<Part>,
    /// The latest snapshot that was stopped, should its cut still come.
    stopped: u64,
    is_choked: bool,
    /// The snapshot cut last: its number and the count of changes there.
    cut: (u64, u64),
    has_failed: bool,
    told_changes: Option<u64>,
    told_at: i64,
    has_untold: bool,
    /// Work of core 0.
    leader: Option<Leader>,
}

impl Save {
    /// The part of core `core` of `cores`.
    #[must_use]
    pub fn new(core: usize, cores: usize) -> Save {
        Save {
            core,
            cores,
            bounds: Bounds::default(),
            next: 0,
            now: Now::default(),
            part: None,
            stopped: 0,
            is_choked: false,
            cut: (0, 0),
            has_failed: false,
            told_changes: None,
            told_at: i64::MIN,
            has_untold: false,
            leader: (core == 0).then(|| Leader::new(cores)),
        }
    }

    /// Begins what is due.
    pub fn pump(&mut self, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        self.now = now;
        self.pump_part(now, shard, disk, out);
        self.tell_changes(now, shard, out);
        self.refuse(shard);
        if let Some(leader) = &mut self.leader {
            leader.now = now;
            leader.pump(shard, disk, &mut self.next, out);
        }
        self.hear_leader(shard, out);
    }

    fn pump_part(&mut self, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        let Some(part) = &mut self.part else { return };
        let (id, before) = (part.id(), part.done());
        let share = part.pump(now, shard, disk, &mut self.next);
        let (all, done) = (part.keys, part.done());
        self.is_choked = part.is_choked(self.is_choked);
        if part.is_over() {
            self.part = None;
            self.is_choked = false;
        }
        if before >> 12 != done >> 12 {
            self.tell(SaveNote::Progress { id, all, done }, shard, out);
        }
        if let Some(share) = share {
            self.tell(SaveNote::Share { id, share }, shard, out);
        }
    }

    /// Operation `n` of `Part::Save` ended.
    pub fn finished(&mut self, n: u64, mut done: Done, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) {
        if let Some(part) = &mut self.part
            && let Some(share) = part.finished(n, &mut done, shard, disk)
        {
            let id = part.id();
            if let Some(share) = share {
                self.tell(SaveNote::Share { id, share }, shard, out);
            }
        } else if let Some(leader) = &mut self.leader {
            leader.finished(n, done, shard, disk, &mut self.next, out);
        }
        self.hear_leader(shard, out);
    }

    /// A message of another core, or of this one.
    pub fn heard(&mut self, from: usize, note: SaveNote, shard: &mut Shard, out: &mut Vec<Out>) {
        match note {
            SaveNote::Share { .. } | SaveNote::Progress { .. } | SaveNote::Changes(_) => {
                if let Some(leader) = &mut self.leader {
                    leader.heard(from, note, shard);
                }
                self.hear_leader(shard, out);
            }
            SaveNote::Stop { id } => {
                self.stopped = self.stopped.max(id);
                if let Some(part) = self.part.as_mut().filter(|part| part.id() == id) {
                    part.stop("stopped", shard);
                }
            }
            SaveNote::Saved { id, counts } => {
                if counts && self.cut.0 == id {
                    shard.persist.changes_at_save = self.cut.1;
                    self.told_changes = None;
                }
            }
            SaveNote::Health { has_failed } => self.has_failed = has_failed,
        }
    }

    /// All cores are at `point`, this one too.
    pub fn at_point(&mut self, point: &Point, _ticket: u64, shard: &mut Shard, out: &mut Vec<Out>) {
        let Point::Cut(job) = point else { return };
        self.cut = (job.id, shard.ks.stats.changes);
        if job.id <= self.stopped {
            let share = Share { extents: Vec::new(), keys: 0, needed: 0, error: Some("stopped".into()) };
            return self.tell(SaveNote::Share { id: job.id, share }, shard, out);
        }
        let part = Part::cut(job.clone(), self.bounds, shard, self.now.wall_ms);
        let (all, id) = (part.keys, job.id);
        self.part = Some(part);
        self.tell(SaveNote::Progress { id, all, done: 0 }, shard, out);
    }

    /// Whether there is something to do that waits for nothing: the core must not sleep.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.part.as_ref().is_some_and(Part::has_work)
    }

    /// Whether so much of a snapshot waits for the disk that writes should wait, and whatever else deletes keys.
    #[must_use]
    pub fn is_choked(&self) -> bool {
        self.is_choked
    }

    /// Core 0: begins a snapshot; its number. Refused with a reason while another one is on.
    pub fn begin(
        &mut self,
        job: SaveJob,
        now: Now,
        shard: &mut Shard,
        disk: &mut dyn Disk,
        out: &mut Vec<Out>,
    ) -> Result<u64, &'static str> {
        self.begin_as(leader::For::Caller, job, now, shard, disk, out)
    }

    /// The same for a reload, which looks at [`Save::ended_for_reload`].
    pub(super) fn begin_for_reload(
        &mut self,
        job: SaveJob,
        now: Now,
        shard: &mut Shard,
        disk: &mut dyn Disk,
        out: &mut Vec<Out>,
    ) -> Result<u64, &'static str> {
        self.begin_as(leader::For::Reload, job, now, shard, disk, out)
    }

    fn begin_as(
        &mut self,
        whose: leader::For,
        job: SaveJob,
        now: Now,
        shard: &mut Shard,
        disk: &mut dyn Disk,
        out: &mut Vec<Out>,
    ) -> Result<u64, &'static str> {
        let Some(leader) = &mut self.leader else { return Err("snapshots are begun by core 0") };
        leader.now = now;
        leader.begin(job, whose, shard, disk, &mut self.next, out)
    }

    /// What became of the snapshot of a reload; told once.
    pub(super) fn ended_for_reload(&mut self) -> Option<Result<u64, String>> {
        self.leader.as_mut()?.reload.take()
    }

    /// Core 0: whether a snapshot is on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.leader.as_ref().is_some_and(Leader::is_busy)
    }

    /// Core 0: ends the snapshot that is on as failed, whatever it is for.
    pub fn cancel(&mut self, shard: &mut Shard, out: &mut Vec<Out>) {
        if let Some(leader) = &mut self.leader {
            leader.cancel();
        }
        self.hear_leader(shard, out);
    }

    /// Core 0: SAVE, BGSAVE, SHUTDOWN and its abortion. `false`: the wish is not for this part.
    pub fn wish(&mut self, wish: &Wish, now: Now, shard: &mut Shard, disk: &mut dyn Disk, out: &mut Vec<Out>) -> bool {
        let Some(leader) = &mut self.leader else { return false };
        leader.now = now;
        let is_mine = leader.wish(wish, shard, disk, &mut self.next, out);
        self.hear_leader(shard, out);
        is_mine
    }

    /// Core 0: the next snapshot that ended: number, purpose, and bytes of the file or what went wrong. Each is told once.
    pub fn ended(&mut self) -> Option<(u64, Purpose, Result<u64, String>)> {
        self.leader.as_mut()?.ended.pop_front()
    }

    /// To core 0.
    fn tell(&mut self, note: SaveNote, shard: &mut Shard, out: &mut Vec<Out>) {
        match &mut self.leader {
            Some(_) => self.heard(self.core, note, shard, out),
            None => out.push(Out::Note(0, Note::Save(note))),
        }
    }

    /// What the leader has to say goes to all cores.
    fn hear_leader(&mut self, shard: &mut Shard, out: &mut Vec<Out>) {
        while let Some(note) = self.leader.as_mut().and_then(|leader| leader.orders.pop_front()) {
            for core in (0..self.cores).filter(|core| *core != self.core) {
                out.push(Out::Note(core, Note::Save(note.clone())));
            }
            self.heard(self.core, note, shard, out);
        }
    }

    fn tell_changes(&mut self, now: Now, shard: &mut Shard, out: &mut Vec<Out>) {
        let changes = shard.ks.stats.changes.saturating_sub(shard.persist.changes_at_save);
        self.has_untold = self.told_changes != Some(changes);
        if !self.has_untold || self.told_changes.is_some() && now.mono_ms < self.told_at.saturating_add(TELL_MS) {
            return;
        }
        (self.told_changes, self.told_at, self.has_untold) = (Some(changes), now.mono_ms, false);
        self.tell(SaveNote::Changes(changes), shard, out);
    }

    /// Writes are refused while the last snapshot in the background is a failure, as configured.
    fn refuse(&self, shard: &mut Shard) {
        let refuses = self.has_failed && shard.config.stop_writes_on_bgsave_error && !shard.config.save.0.is_empty();
        let is_mine = shard.persist.refuses_writes == Some(Refusal::MISCONF_SAVE);
        if refuses && shard.persist.refuses_writes.is_none() {
            shard.persist.refuses_writes = Some(Refusal::MISCONF_SAVE);
        } else if !refuses && is_mine {
            shard.persist.refuses_writes = None;
        }
    }
}

pub(super) use super::log::errno::text as reason;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod world;
