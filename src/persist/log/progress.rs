//! Writing and syncing what was appended, in the order that `appendfsync` asks for; what became durable; what failed.
//!
//! Part of [`Log`], whose head has the invariants.

use super::{
    Durable, LINE_MS, Log, LogNote, News, REFUSES, SLOW_SYNC_MS, SYNC_EVERY_MS, Segment, TELL_MS, UNWRITTEN_MAX, errno, segment::Fault,
};
use crate::config::kinds::AppendFsync;
use crate::persist::{
    disk::Disk,
    plan::{Note, Out},
};
use crate::spec::{request::LogLevel, shard::Shard};

/// Writing, syncing, telling.
impl Log {
    /// Everything up to here is on disk.
    pub(super) fn on_disk(&self) -> u64 {
        let behind = self.segments.iter().find(|s| !s.is_abandoned && s.synced < s.end);
        behind.map_or(self.position, |s| s.synced)
    }

    pub(super) fn sync_by_time(&mut self, waits_for_snapshots: bool) {
        let is_due = self.policy == AppendFsync::EverySec
            && self.now - self.last_sync >= SYNC_EVERY_MS
            && !(waits_for_snapshots && self.is_saving)
            && self.segments.iter().any(|s| s.synced < s.end);
        if is_due {
            self.last_sync = self.now;
        }
        if is_due || self.flush.is_some() {
            self.demand(self.position);
        }
    }

    pub(super) fn go_on(&mut self, disk: &mut dyn Disk) {
        let eager = self.policy == AppendFsync::Always;
        for segment in &mut self.segments {
            segment.pump(self.now, eager, disk);
        }
        self.segments.retain(|s| !s.is_gone());
    }

    pub(super) fn count_slow_syncs(&mut self, out: &mut Vec<Out>) {
        let since = self.segments.iter().filter(|s| s.end > s.synced).find_map(Segment::syncing_since);
        let Some(since) = since.filter(|_| self.policy == AppendFsync::EverySec) else {
            self.slow_since = 0;
            return;
        };
        let from = self.slow_since.max(since);
        if self.now - from >= SLOW_SYNC_MS {
            self.slow_since = self.now;
            self.delayed += 1;
            let text = "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete, this may slow down Redis.";
            out.push(Out::Line(LogLevel::Notice, text.into()));
        }
    }

    /// Tells core 0 what became durable.
    pub(super) fn settle(&mut self) {
        if self.doomed.is_some() {
            return;
        }
        self.durable = self.durable_up_to();
        let on_disk = self.on_disk();
        while let Some(begun) = self.begun.front() {
            let is_done = |s: &Segment| {
                if s.generation < begun.generation {
                    s.is_complete() || s.is_dead || s.is_abandoned
                } else {
                    s.generation > begun.generation || s.synced >= begun.prefix
                }
            };
            if !self.segments.iter().all(is_done) {
                break;
            }
            let (generation, since) = (begun.generation, begun.since);
            self.begun.pop_front();
            let later = self.files.iter().position(|g| *g > generation).unwrap_or(self.files.len());
            let files = self.files.drain(..later).collect();
            self.tell_core_0(LogNote::Ready { generation, files, since, lost: self.lost });
        }
        let news = self.parts.iter().skip(self.told).take_while(|part| part.end <= on_disk);
        let tickets: Vec<Durable> = news.map(|part| part.durable.clone()).collect();
        if !tickets.is_empty() {
            self.told += tickets.len();
            self.tell_core_0(LogNote::Durable { term: self.term, tickets });
        }
        let mut newest = None;
        while let Some((ticket, end)) = self.marks.front().copied().filter(|(_, end)| *end <= self.durable && self.is_promising) {
            newest = Some((ticket, end));
            self.marks.pop_front();
        }
        if let Some((ticket, _)) = newest {
            self.tell_core_0(LogNote::Marked { ticket });
        }
        self.settle_flush(on_disk);
    }

    pub(super) fn settle_flush(&mut self, on_disk: u64) {
        let Some((mark, target)) = self.flush else {
            return;
        };
        let target = target.or_else(|| (self.last_mark >= mark || !self.is_on).then_some(self.position));
        self.flush = Some((mark, target));
        let reached = if self.is_promising { self.durable } else { on_disk };
        let error = self.broken.clone().or_else(|| self.troubles.values().next().cloned());
        let is_there = target.is_some_and(|target| reached >= target);
        if is_there && error.is_none() && !std::mem::replace(&mut self.has_ended, true) {
            let end = self.put_end();
            self.flush = Some((mark, Some(end)));
            return;
        }
        if error.is_some() || is_there {
            self.flush = None;
            self.tell_core_0(LogNote::Flushed { error });
        }
    }

    pub(super) fn failed(&mut self, generation: u64, fault: Fault, out: &mut Vec<Out>) {
        let (text, is_sync) = match fault {
            Fault::Open(errno) => (format!("Can't open the append-only file: {}", errno::text(errno)), false),
            Fault::Write { errno, written: 0, .. } => (format!("Error writing to the AOF file: {}", errno::text(errno)), false),
            Fault::Write { written, expected, .. } => {
                (format!("Short write while writing to the AOF file: (nwritten={written}, expected={expected})"), false)
            }
            Fault::Truncate(errno) => (format!("Could not remove short write from the append-only file: {}", errno::text(errno)), false),
            Fault::Sync(errno) => (format!("Fail to fsync the AOF file: {}", errno::text(errno)), true),
        };
        let (Fault::Open(errno) | Fault::Write { errno, .. } | Fault::Truncate(errno) | Fault::Sync(errno)) = fault;
        if self.policy == AppendFsync::Always {
            self.doomed = Some(self.acked());
            let rule = match is_sync {
                true => {
                    format!("Can't persist AOF for fsync error when the AOF fsync policy is 'always': {}. Exiting...", errno::text(errno))
                }
                false => format!("{text}. Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."),
            };
            out.push(Out::Die(rule));
            return;
        }
        if is_sync || self.line_at.is_none_or(|at| self.now - at >= LINE_MS) {
            self.line_at = Some(self.now);
            out.push(Out::Line(LogLevel::Warning, text));
        }
        if is_sync {
            self.lost = self.lost.max(Some(generation));
            self.broken_in = self.broken_in.max(Some(generation));
            self.stop_promising(errno::text(errno));
            self.tell_all(LogNote::Broken { generation, text: errno::text(errno) });
        }
    }

    /// Takes note of whether operations of this core fail, and tells all when that changes.
    pub(super) fn check_trouble(&mut self, out: &mut Vec<Out>) {
        let error = self.segments.iter().find_map(|s| s.error).map(errno::text);
        if error == self.trouble {
            return;
        }
        if error.is_none() {
            self.line_at = None;
            out.push(Out::Line(LogLevel::Warning, "AOF write error looks solved. The server can write again.".into()));
        }
        self.trouble.clone_from(&error);
        self.note_trouble(self.core, error.clone());
        self.tell_all(LogNote::Trouble { source: self.core, text: error });
    }

    pub(super) fn note_trouble(&mut self, source: usize, text: Option<String>) {
        match text {
            Some(text) => drop(self.troubles.insert(source, text)),
            None => drop(self.troubles.remove(&source)),
        }
    }

    pub(super) fn stop_promising(&mut self, text: String) {
        self.durable = self.durable_up_to();
        self.is_promising = false;
        self.broken = Some(text);
    }

    pub(super) fn went_live(&mut self, generation: u64, fresh: Option<u64>) {
        let acked = self.acked();
        self.live = self.live.max(generation);
        self.holds.retain(|hold| hold.generation > generation);
        let Some(cut) = fresh else {
            return;
        };
        self.fresh = cut;
        self.segments.iter_mut().filter(|s| s.generation < cut).for_each(Segment::abandon);
        self.lost = self.lost.filter(|lost| *lost >= cut);
        // Another core may have told of a newer loss before the book told of this base.
        self.broken_in = self.broken_in.filter(|broken| *broken >= cut);
        if self.broken_in.is_none() {
            self.floor = self.floor.max(acked);
            self.is_promising = true;
            self.broken = None;
        }
    }

    pub(super) fn tell_growth(&mut self) {
        let is_due = !self.has_told_since_mark || self.now - self.told_at >= TELL_MS;
        if self.is_on && self.told_position != self.position && is_due {
            self.has_told_since_mark = true;
            self.told_at = self.now;
            self.told_position = self.position;
            self.tell_core_0(LogNote::Logged { position: self.position });
        }
    }

    pub(super) fn show(&mut self, shard: &mut Shard) {
        let unwritten = self.unwritten();
        self.is_choked = unwritten > if self.is_choked { UNWRITTEN_MAX / 2 } else { UNWRITTEN_MAX };
        let figures = &mut shard.persist;
        figures.log_unwritten = unwritten;
        figures.log_delayed = self.delayed;
        figures.pending_syncs = self.syncs();
        // A refusal of another part stays; one of ours is replaced and taken back.
        let is_ours = figures.refuses_writes.as_ref().is_none_or(|r| r.as_bytes().starts_with(REFUSES.as_bytes()));
        if is_ours && (figures.refuses_writes.is_some() || self.has_trouble()) {
            figures.refuses_writes = self.refusal();
        }
    }

    pub(super) fn tell_core_0(&mut self, note: LogNote) {
        if self.core == 0 {
            self.news.push(News::From(0, note));
        } else {
            self.outbox.push((0, note));
        }
    }

    pub(super) fn tell_all(&mut self, note: LogNote) {
        for core in (0..self.cores).filter(|core| *core != self.core) {
            self.outbox.push((core, note.clone()));
        }
        self.tell_book(News::From(self.core, note));
    }

    pub(super) fn tell_book(&mut self, news: News) {
        if self.core == 0 {
            self.news.push(news);
        }
    }

    pub(super) fn post(&mut self, out: &mut Vec<Out>) {
        out.extend(self.outbox.drain(..).map(|(core, note)| Out::Note(core, Note::Log(note))));
    }
}
