//! One file of the log, read from end to end before anything is loaded: how far it is whole, whose it is, and what its annotations say.
//! Used by `recover` and by the tool that checks files. Memory: what is kept of annotations; marks of a run up to `MARKS_MAX`.

use super::annotation::{Annotation, Rf, Sum};
use super::read::{Fault, Found, Scanner, Sink};
use crate::config::kinds::AppendFsync;
use crate::persist::disk::Store;
use std::collections::VecDeque;

/// Bytes read at once.
pub const WINDOW: usize = 1 << 20;
/// Newest marks of a run that are remembered: at ten a second, those of almost two hours. Logs differ by seconds.
const MARKS_MAX: usize = 1 << 16;

/// The first bytes of a snapshot.
const MAGICS: [&[u8]; 2] = [b"REDIS", b"VALKEY"];

/// The same ticket in all logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    pub ticket: u64,
    pub policy: AppendFsync,
    /// Offset of its line.
    pub at: u64,
    /// Offset behind it.
    pub end: u64,
    /// Of the bytes between the mark before it and this one, if it has one.
    pub sum: Option<u32>,
}

/// What one run of the server wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    pub rf: Rf,
    /// Offset of its first line.
    pub at: u64,
    /// Offset behind that line.
    pub end: u64,
    /// Commands in the file before it.
    pub commands_before: u64,
    /// Its newest marks, oldest first.
    pub marks: VecDeque<Mark>,
    /// Marks older than those are forgotten.
    pub has_forgotten: bool,
    /// Offset behind the line that says that it ended in order.
    pub ended: Option<u64>,
}

/// See the file's head.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Bytes of the file.
    pub size: u64,
    pub found: Found,
    /// Annotations in the whole prefix: `(offset, bytes)`.
    pub skips: Vec<(u64, u64)>,
    /// Runs that wrote it, oldest first.
    pub runs: Vec<Run>,
    /// A file of ours that another server wrote on: from this offset on, before which so many commands stand. A stock server opens the
    /// last file of a manifest and begins with a `SELECT`, which our own logs have only where the database changes and after a first line.
    pub foreign: Option<(u64, u64)>,
    /// From where on everything is NUL; `size` if the last byte is not.
    pub nul_from: u64,
}

impl Survey {
    /// The first line of the file, if it says that the file is one of ours.
    #[must_use]
    pub fn rf(&self) -> Option<&Rf> {
        self.runs.first().filter(|run| run.at == 0).map(|run| &run.rf)
    }

    /// From where on the file has bytes of which nobody knows that a sync ever covered them: a run in this `boot` of the machine that did
    /// not end in order may have seen one fail, and what the kernel then took for clean reads as if it were on disk. What precedes that
    /// run was synced when it began; after another boot the file is what the disk has.
    #[must_use]
    pub fn unsure_from(&self, boot: &str) -> Option<u64> {
        let last = self.runs.last().filter(|run| run.rf.boot == boot)?;
        (last.ended != Some(self.size)).then_some(last.at)
    }

    /// Whether what is behind the whole prefix is the trace of a write that never reached the disk: zeros to the end from the byte on
    /// that cannot be there.
    #[must_use]
    pub fn has_nul_tail(&self) -> bool {
        matches!(self.found.fault, Some(Fault::Bad(at)) if at >= self.nul_from && self.nul_from < self.size)
    }
}

/// Reads a file of commands from offset `from` on.
pub fn survey(store: &mut dyn Store, path: &[u8], from: u64, size: u64) -> Result<Survey, i32> {
    let mut notes = Notes::default();
    let found = scan(store, path, from, size, &mut notes)?;
    let nul_from = if matches!(found.fault, Some(Fault::Bad(_))) { nul_from(store, path, found.whole, size)? } else { size };
    let Notes { mut skips, mut runs, foreign, .. } = notes;
    let is_ours = runs.first().is_some_and(|run| run.at == 0);
    let foreign = foreign.filter(|(at, _)| is_ours && *at < found.whole);
    skips.retain(|(at, _)| *at < found.whole);
    runs.retain(|run| run.at < found.whole);
    Ok(Survey { size, found, skips, runs, foreign, nul_from })
}

/// Feeds bytes `from..to` of a file to a scanner.
pub fn scan<S: Sink>(store: &mut dyn Store, path: &[u8], from: u64, to: u64, sink: &mut S) -> Result<Found, i32> {
    let mut scanner = Scanner::new(from);
    each_window(store, path, from, to, |bytes| scanner.feed(bytes, sink))?;
    Ok(scanner.finish())
}

/// The checksum of bytes `from..to` of a file.
pub fn sum(store: &mut dyn Store, path: &[u8], from: u64, to: u64) -> Result<u32, i32> {
    let mut sum = Sum::default();
    each_window(store, path, from, to, |bytes| {
        sum.add(bytes);
        true
    })?;
    Ok(sum.take())
}

/// Calls `f` with bytes `from..to` of a file, or as many as it has, a window at a time, until it says false.
fn each_window(store: &mut dyn Store, path: &[u8], from: u64, to: u64, mut f: impl FnMut(&[u8]) -> bool) -> Result<(), i32> {
    let mut window = vec![0; WINDOW.min(usize::try_from(to.saturating_sub(from)).unwrap_or(WINDOW))];
    let mut at = from;
    while at < to {
        let room = window.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        let count = store.read(path, at, window.get_mut(..room).unwrap_or_default())?;
        if count == 0 || !f(window.get(..count).unwrap_or_default()) {
            break;
        }
        at += count as u64;
    }
    Ok(())
}

/// From where on a file has zeros only, not before `from`.
fn nul_from(store: &mut dyn Store, path: &[u8], from: u64, size: u64) -> Result<u64, i32> {
    let mut start = from;
    let mut window = vec![0; WINDOW];
    let mut at = from;
    while at < size {
        let count = store.read(path, at, &mut window)?;
        if count == 0 {
            break;
        }
        if let Some(last) = window.get(..count).unwrap_or_default().iter().rposition(|b| *b != 0) {
            start = at + last as u64 + 1;
        }
        at += count as u64;
    }
    Ok(start.min(size))
}

/// Whether a file begins as a snapshot does.
pub fn is_snapshot(store: &mut dyn Store, path: &[u8]) -> Result<bool, i32> {
    let mut front = [0; 6];
    let mut count = 0;
    while count < front.len() {
        match store.read(path, count as u64, front.get_mut(count..).unwrap_or_default())? {
            0 => break,
            n => count += n,
        }
    }
    let front = front.get(..count).unwrap_or_default();
    Ok(MAGICS.iter().any(|magic| front.starts_with(magic)))
}

/// Collects what annotations say.
#[derive(Default)]
struct Notes {
    skips: Vec<(u64, u64)>,
    runs: Vec<Run>,
    commands: u64,
    /// The database that is selected, as it is written.
    db: Option<Vec<u8>>,
    foreign: Option<(u64, u64)>,
}

impl Sink for Notes {
    #[inline]
    fn command(&mut self, _: u64, _: u64, _: &[u8]) {
        self.commands += 1;
    }

    fn select(&mut self, at: u64, unit: u64, db: &[u8]) {
        if self.db.as_deref() == Some(db) && self.foreign.is_none() {
            // This command was counted, and a MULTI before it.
            self.foreign = Some((unit, self.commands - 1 - u64::from(at != unit)));
        }
        self.db = Some(db.to_vec());
    }

    fn annotation(&mut self, at: u64, line: &[u8], _: bool) {
        let (len, end) = (line.len() as u64, at + line.len() as u64);
        match self.skips.last_mut() {
            Some((from, bytes)) if *from + *bytes == at => *bytes += len,
            _ => self.skips.push((at, len)),
        }
        // Tickets are read a second time, and only those that matter.
        if !matches!(line, [_, b'R' | b'M' | b'E', ..]) {
            return;
        }
        match Annotation::read(line) {
            Annotation::Rf(rf) => {
                self.db = None;
                self.runs.push(Run {
                    rf,
                    at,
                    end,
                    commands_before: self.commands,
                    marks: VecDeque::new(),
                    has_forgotten: false,
                    ended: None,
                });
                // A run that was cut off at its start leaves one line, and the one before it still matters.
                if let Some(old) = self.runs.len().checked_sub(4).and_then(|n| self.runs.get_mut(n)) {
                    old.has_forgotten |= !old.marks.is_empty();
                    old.marks = VecDeque::new();
                }
            }
            Annotation::Mark { ticket, policy, sum } => {
                if let Some(run) = self.runs.last_mut() {
                    if run.marks.len() == MARKS_MAX {
                        run.marks.pop_front();
                        run.has_forgotten = true;
                    }
                    run.marks.push_back(Mark { ticket, policy, at, end, sum });
                }
            }
            Annotation::End => {
                if let Some(run) = self.runs.last_mut() {
                    run.ended = Some(end);
                }
            }
            _ => {}
        }
    }
}
