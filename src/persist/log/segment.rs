//! One file of a log: what was appended, how much of it was written, how much is on disk.
//!
//! At most one write and one fdatasync of a file are under way; what is appended meanwhile goes with the next (group commit).
//! Invariants: `synced <= written <= end`, all positions of the whole log; a short write goes on where it ended; after a failed write the file
//! is cut back to the end of a whole append, and tried again after a second; a file whose fdatasync failed is dead: nothing is
//! written to it or synced again, because the kernel may have dropped what it could not write and says so once only.
//! What it does not do: policy. Whoever owns it says what has to be synced.
//! Ref: man pages write(2), fdatasync(2)

use super::errno;
use crate::config::kinds::AppendFsync;
use crate::persist::aof::{Sum, put_mark};
use crate::persist::{
    disk::{Disk, Done, FileId, Mode, Op},
    plan::Part,
};

/// Ms after which a failed operation is tried again.
const RETRY_MS: i64 = 1000;
/// Buffers up to this size are kept for the next write.
const SPARE_MAX: usize = 1 << 20;

/// What can be under way, once each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Kind {
    Open,
    Write,
    Sync,
    Truncate,
    Close,
}

impl Kind {
    /// The kind and serial of an operation's number.
    #[must_use]
    pub fn of(n: u64) -> Option<(u64, Kind)> {
        let kind = match n & 7 {
            0 => Kind::Open,
            1 => Kind::Write,
            2 => Kind::Sync,
            3 => Kind::Truncate,
            4 => Kind::Close,
            _ => return None,
        };
        Some((n >> 3, kind))
    }
}

/// What went wrong. Errors of the disk are errnos.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    Open(i32),
    /// `written` of `expected` bytes went before it failed.
    Write {
        errno: i32,
        written: usize,
        expected: usize,
    },
    /// The file is dead.
    Sync(i32),
    /// What a failed write left could not be cut off.
    Truncate(i32),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Handle {
    Closed,
    Opening,
    Open(FileId),
    Closing,
    /// It was closed for good.
    Gone,
}

/// Bytes on their way to the file.
#[derive(Debug)]
struct Chunk {
    /// With the disk while `in_flight`.
    bytes: Vec<u8>,
    len: usize,
    from: usize,
    /// Ends of whole appends.
    ends: Vec<usize>,
    in_flight: bool,
}

/// See the file's head.
#[derive(Debug)]
pub struct Segment {
    pub serial: u64,
    pub generation: u64,
    path: Vec<u8>,
    mode: Mode,
    handle: Handle,
    /// Offset in the file of the next byte to be written.
    at: u64,
    buf: Vec<u8>,
    /// Of everything since the last mark, `summed` bytes of `buf` included.
    sum: Sum,
    summed: usize,
    ends: Vec<usize>,
    spare: Vec<u8>,
    chunk: Option<Chunk>,
    /// A failed write is being cut off.
    truncating: Option<usize>,
    /// Position behind everything appended.
    pub end: u64,
    pub written: u64,
    pub synced: u64,
    /// What the fdatasync under way covers, and since when (ms of the clock that never jumps).
    syncing: Option<(u64, i64)>,
    /// Everything up to here is to be synced as soon as it is written.
    demand: u64,
    retry_at: Option<i64>,
    /// The last operation failed and will be tried again.
    pub error: Option<i32>,
    /// Nothing more is appended.
    pub is_sealed: bool,
    /// fdatasync failed.
    pub is_dead: bool,
    /// Nobody needs what is in it.
    pub is_abandoned: bool,
}

impl Segment {
    /// A file to be opened and written from position `start` of the log on, offset `at` of the file.
    #[must_use]
    pub fn new(serial: u64, generation: u64, path: Vec<u8>, mode: Mode, at: u64, start: u64) -> Segment {
        Segment {
            serial,
            generation,
            path,
            mode,
            handle: Handle::Closed,
            at,
            buf: Vec::new(),
            sum: Sum::default(),
            summed: 0,
            ends: Vec::new(),
            spare: Vec::new(),
            chunk: None,
            truncating: None,
            end: start,
            written: start,
            synced: start,
            syncing: None,
            demand: start,
            retry_at: None,
            error: None,
            is_sealed: false,
            is_dead: false,
            is_abandoned: false,
        }
    }

    /// Appends what `write` puts behind the buffer it is given. All of it or nothing stays after a failed write.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let before = self.buf.len();
        write(&mut self.buf);
        let added = self.buf.len().saturating_sub(before);
        self.end += added as u64;
        if self.is_dead || self.is_abandoned {
            self.buf.clear();
            self.summed = 0;
        } else if added > 0 {
            self.ends.push(self.buf.len());
        }
        added as u64
    }

    /// Appends the line that begins the run: checksums count from behind it.
    pub fn append_title(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let added = self.append(write);
        self.summed = self.buf.len();
        added
    }

    /// Appends a mark with the checksum of what stands before it.
    pub fn append_mark(&mut self, ticket: u64, policy: AppendFsync) -> u64 {
        self.take_sum();
        let sum = self.sum.take();
        let added = self.append(|out| put_mark(out, ticket, policy, Some(sum)));
        self.summed = self.buf.len();
        added
    }

    /// Takes in what was appended since it was last done: pieces as large as possible.
    fn take_sum(&mut self) {
        self.sum.add(self.buf.get(self.summed..).unwrap_or_default());
        self.summed = self.buf.len();
    }

    /// Everything up to position `upto` is to be synced as soon as it is written.
    pub fn demand(&mut self, upto: u64) {
        self.demand = self.demand.max(upto.min(self.end));
    }

    /// Nothing more is appended; everything is to be synced.
    pub fn seal(&mut self) {
        self.is_sealed = true;
        self.demand = self.end;
    }

    /// What is in it is not needed any more.
    pub fn abandon(&mut self) {
        self.is_abandoned = true;
        self.is_sealed = true;
        self.error = None;
        (self.buf, self.summed) = (Vec::new(), 0);
        self.ends.clear();
        if self.chunk.as_ref().is_some_and(|c| !c.in_flight) {
            self.chunk = None;
        }
    }

    /// Bytes that wait for the disk.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        if self.is_dead || self.is_abandoned { 0 } else { self.end - self.written }
    }

    /// Everything is on disk and nothing more comes.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_sealed && self.synced == self.end && self.handle != Handle::Closed
    }

    /// It can be forgotten.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.handle == Handle::Gone
    }

    /// Ms at which the fdatasync under way began.
    #[must_use]
    pub fn syncing_since(&self) -> Option<i64> {
        self.syncing.map(|(_, since)| since)
    }

    /// Begins what can begin. `eager`: whatever was written is synced at once.
    pub fn pump(&mut self, now: i64, eager: bool, disk: &mut dyn Disk) {
        if self.retry_at.is_some_and(|at| now < at) && !self.is_abandoned {
            return;
        }
        if self.is_complete() || self.is_dead || self.is_abandoned {
            self.close(disk);
            return;
        }
        match self.handle {
            Handle::Closed => {
                self.handle = Handle::Opening;
                self.retry_at = None;
                disk.submit(self.token(Kind::Open), Op::Open { path: self.path.clone(), mode: self.mode });
            }
            Handle::Open(file) if self.truncating.is_none() => {
                self.retry_at = None;
                self.sync(file, now, eager, disk);
                self.write(file, disk);
            }
            Handle::Open(_) | Handle::Opening | Handle::Closing | Handle::Gone => {}
        }
    }

    /// An operation ended.
    pub fn finished(&mut self, kind: Kind, done: Done, now: i64) -> Option<Fault> {
        match kind {
            Kind::Open => match done.result {
                Ok(file) => {
                    self.handle = Handle::Open(FileId(file as u32));
                    self.error = None;
                    None
                }
                Err(errno) => {
                    self.handle = Handle::Closed;
                    self.fail(errno, now);
                    Some(Fault::Open(errno))
                }
            },
            Kind::Write => self.wrote(done, now),
            Kind::Sync => self.did_sync(done.result),
            Kind::Truncate => self.truncated(done.result),
            Kind::Close => {
                self.handle = Handle::Gone;
                None
            }
        }
    }

    fn token(&self, kind: Kind) -> u64 {
        Part::Log.token(self.serial << 3 | kind as u64)
    }

    fn fail(&mut self, errno: i32, now: i64) {
        self.error = Some(errno);
        self.retry_at = Some(now + RETRY_MS);
    }

    fn sync(&mut self, file: FileId, now: i64, eager: bool, disk: &mut dyn Disk) {
        let is_midway = self.chunk.as_ref().is_some_and(|c| c.from > 0);
        let is_due = (eager && !is_midway) || (self.demand > self.synced && self.written >= self.demand);
        if is_due && self.written > self.synced && self.syncing.is_none() {
            self.syncing = Some((self.written, now));
            disk.submit(self.token(Kind::Sync), Op::Sync { file });
        }
    }

    fn write(&mut self, file: FileId, disk: &mut dyn Disk) {
        if self.chunk.is_none() && !self.buf.is_empty() {
            self.take_sum();
            self.summed = 0;
            let bytes = std::mem::replace(&mut self.buf, std::mem::take(&mut self.spare));
            let len = bytes.len();
            self.chunk = Some(Chunk { bytes, len, from: 0, ends: std::mem::take(&mut self.ends), in_flight: false });
        }
        let token = self.token(Kind::Write);
        if let Some(chunk) = self.chunk.as_mut().filter(|c| !c.in_flight) {
            chunk.in_flight = true;
            let buf = std::mem::take(&mut chunk.bytes);
            disk.submit(token, Op::Write { file, at: self.at, buf, from: chunk.from });
        }
    }

    fn wrote(&mut self, done: Done, now: i64) -> Option<Fault> {
        let mut chunk = self.chunk.take()?;
        chunk.in_flight = false;
        chunk.bytes = done.buf;
        if self.is_dead || self.is_abandoned {
            return None;
        }
        let left = chunk.len - chunk.from;
        match done.result {
            Ok(n) if n > 0 && n <= left as u64 => {
                chunk.from += n as usize;
                self.at += n;
                self.written += n;
                self.error = None;
                if chunk.from < chunk.len {
                    self.chunk = Some(chunk);
                } else if chunk.bytes.capacity() <= SPARE_MAX {
                    chunk.bytes.clear();
                    self.spare = chunk.bytes;
                }
                None
            }
            Err(errno) if errno::is_passing(errno) => {
                self.chunk = Some(chunk);
                None
            }
            // Nothing written and no error: there is no room.
            other => {
                let errno = other.err().unwrap_or(errno::NO_SPACE);
                let fault = Fault::Write { errno, written: chunk.from, expected: chunk.len };
                self.fail(errno, now);
                let whole = chunk.ends.iter().copied().take_while(|end| *end <= chunk.from).last().unwrap_or(0);
                if chunk.from > whole {
                    self.truncating = Some(whole);
                }
                self.chunk = Some(chunk);
                Some(fault)
            }
        }
    }

    /// Cuts off what a failed write left behind its last whole append.
    pub fn undo(&mut self, disk: &mut dyn Disk) {
        if let (Some(whole), Handle::Open(file), Some(chunk)) = (self.truncating, self.handle, &self.chunk) {
            let over = (chunk.from - whole) as u64;
            disk.submit(self.token(Kind::Truncate), Op::Truncate { file, len: self.at - over });
        }
    }

    fn truncated(&mut self, result: Result<u64, i32>) -> Option<Fault> {
        let whole = self.truncating.take()?;
        let chunk = self.chunk.as_mut()?;
        if let Err(errno) = result {
            // The half append stays where it is and will be gone on with.
            return Some(Fault::Truncate(errno));
        }
        let over = (chunk.from - whole) as u64;
        chunk.from = whole;
        self.at -= over;
        self.written -= over;
        // A sync that ran meanwhile says nothing about bytes that will be written anew.
        self.synced = self.synced.min(self.written);
        self.syncing = self.syncing.map(|(covers, since)| (covers.min(self.written), since));
        None
    }

    fn did_sync(&mut self, result: Result<u64, i32>) -> Option<Fault> {
        let (covers, _) = self.syncing.take()?;
        match result {
            Ok(_) => {
                self.synced = self.synced.max(covers);
                None
            }
            Err(errno) if errno::is_passing(errno) => None,
            Err(errno) => {
                self.is_dead = true;
                self.error = None;
                (self.buf, self.summed) = (Vec::new(), 0);
                self.ends.clear();
                Some(Fault::Sync(errno))
            }
        }
    }

    /// Closes the file when nothing is under way in it any more.
    fn close(&mut self, disk: &mut dyn Disk) {
        let is_busy = self.syncing.is_some() || self.truncating.is_some() || self.chunk.as_ref().is_some_and(|c| c.in_flight);
        match self.handle {
            Handle::Open(file) if !is_busy && self.is_sealed => {
                self.handle = Handle::Closing;
                disk.submit(self.token(Kind::Close), Op::Close { file });
            }
            Handle::Closed => self.handle = Handle::Gone,
            _ => {}
        }
    }
}
