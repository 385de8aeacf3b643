//! One core's share of a snapshot: walking its keys from the cut on, and writing them.
//!
//! Layer 4, under `save`. All cores write into one file; each buffer of whole records takes its place there from the job's counter when it is
//! written. A record that fits no buffer is made twice: once to know its length, once into the place of exactly that length.
//!
//! Invariants: a share ends once, and only after all its operations have come back; after an error nothing more is begun but closing the
//! file; every byte written is in `extents`, in one piece with its checksum.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::encode::Slices;
use super::pace::{Pace, Slice};
use super::sink::{Chunk, Shared, Sink};
use super::{Bounds, Extent, Share, reason};
use crate::data::codec;
use crate::data::collection::Object;
use crate::persist::disk::{Disk, Done, FileId, Mode, Op};
use crate::persist::log::errno::NO_SPACE;
use crate::persist::plan::{MaybeFile, Now, Part as Of, SaveJob};
use crate::spec::Shard;

/// Elements of a collection, no longer in use, that are freed for one unit of work.
const FREED_A_UNIT: usize = 8;

/// See the file's head.
pub struct Part {
    job: Arc<SaveJob>,
    bounds: Bounds,
    sink: Rc<RefCell<Sink>>,
    stage: Stage,
    file: MaybeFile,
    error: Option<String>,
    current: Option<Current>,
    has_walked: bool,
    pace: Pace,
    writes: BTreeMap<u64, Write>,
    sync: Option<u64>,
    unsynced: u64,
    extents: Vec<Extent>,
    graves: VecDeque<Object>,
    /// Keys at the cut.
    pub keys: u64,
}

#[derive(PartialEq, Eq)]
enum Stage {
    New,
    Opening(u64),
    Open,
    Closing(u64),
    Ended,
}

struct Write {
    at: u64,
    from: usize,
    len: usize,
}

/// The big value that is being encoded.
struct Current {
    slices: Slices,
    out: Vec<u8>,
    /// Bytes that name its database.
    selector: usize,
    pass: Pass,
}

enum Pass {
    /// All of it fits `out` so far.
    Gather,
    /// It does not: so many bytes were made and thrown away.
    Count(u64),
    /// Made for the second time: where the next bytes go, and how many are still to come.
    Place { at: u64, left: u64 },
}

impl Part {
    /// The cut: from here on the keyspace hands out what it had at this moment.
    pub fn cut(job: Arc<SaveJob>, bounds: Bounds, shard: &mut Shard, now: i64) -> Part {
        let sink = Rc::new(RefCell::new(Sink::new(&job, now, bounds.buffer)));
        shard.ks.begin_walk(Box::new(Shared(Rc::clone(&sink))));
        let keys = (0..shard.ks.databases()).map(|db| shard.ks.len(db) as u64).sum();
        Part {
            job,
            bounds,
            sink,
            stage: Stage::New,
            file: None,
            error: None,
            current: None,
            has_walked: false,
            pace: Pace::default(),
            writes: BTreeMap::new(),
            sync: None,
            unsynced: 0,
            extents: Vec::new(),
            graves: VecDeque::new(),
            keys,
        }
    }

    /// Which snapshot this is a share of.
    pub fn id(&self) -> u64 {
        self.job.id
    }

    /// Keys handed out so far.
    pub fn done(&self) -> u64 {
        self.sink.borrow().keys
    }

    /// Whether there is something to do that waits for nothing.
    pub fn has_work(&self) -> bool {
        match self.stage {
            Stage::New => true,
            Stage::Opening(_) | Stage::Closing(_) => false,
            Stage::Open => self.error.is_none() && self.is_making() && !self.is_behind(),
            Stage::Ended => !self.graves.is_empty(),
        }
    }

    /// Whether more waits for the disk than memory is meant for.
    pub fn is_choked(&self, was: bool) -> bool {
        let bound = if was { self.bounds.choked / 4 } else { self.bounds.choked };
        self.error.is_none() && self.sink.borrow().waiting() > bound
    }

    /// Ends it without a result that counts. `why` is what the leader hears unless something else went wrong before.
    pub fn stop(&mut self, why: &str, shard: &mut Shard) {
        self.error.get_or_insert_with(|| why.into());
        self.sink.borrow_mut().deafen();
        if !self.has_walked {
            shard.ks.end_walk();
            self.has_walked = true;
        }
        self.current = None;
    }

    /// Begins what is due. `next` gives numbers of operations. The result, once, when all is done.
    pub fn pump(&mut self, now: Now, shard: &mut Shard, disk: &mut dyn Disk, next: &mut u64) -> Option<Share> {
        match self.stage {
            Stage::New => {
                let n = take(next);
                let op = Op::Open { path: self.job.temporary.clone(), mode: Mode::Extend };
                disk.submit(Of::Save.token(n), op);
                self.stage = Stage::Opening(n);
            }
            Stage::Open => {
                self.make(now, shard);
                self.flush(disk, next);
                if self.is_finished() {
                    return self.close(disk, next);
                }
            }
            Stage::Opening(_) | Stage::Closing(_) => {}
            Stage::Ended => self.bury(1000),
        }
        None
    }

    /// An operation ended. `None` in the first place: it was not one of this share.
    pub fn finished(&mut self, n: u64, done: &mut Done, shard: &mut Shard, disk: &mut dyn Disk) -> Option<Option<Share>> {
        if self.stage == Stage::Opening(n) {
            match done.result {
                Ok(file) => {
                    self.file = Some(FileId(file as u32));
                    self.stage = Stage::Open;
                }
                Err(errno) => {
                    self.fail("open", errno, shard);
                    return Some(Some(self.end()));
                }
            }
            return Some(None);
        }
        if self.stage == Stage::Closing(n) {
            if let Err(errno) = done.result {
                self.fail("fclose", errno, shard);
            }
            return Some(Some(self.end()));
        }
        if self.sync == Some(n) {
            self.sync = None;
            if let Err(errno) = done.result {
                self.fail("fsync", errno, shard);
            }
            return Some(None);
        }
        let write = self.writes.remove(&n)?;
        self.wrote(n, write, done, shard, disk);
        Some(None)
    }

    fn wrote(&mut self, n: u64, mut write: Write, done: &mut Done, shard: &mut Shard, disk: &mut dyn Disk) {
        let buf = std::mem::take(&mut done.buf);
        let count = match done.result {
            // A write of nothing would go on for ever.
            Ok(0) => return self.fail("write", NO_SPACE, shard),
            Ok(count) => usize::try_from(count).unwrap_or(usize::MAX).min(write.len - write.from),
            Err(errno) => return self.fail("write", errno, shard),
        };
        write.from += count;
        self.unsynced += count as u64;
        let Some(file) = self.file.filter(|_| write.from < write.len && self.error.is_none()) else {
            return self.sink.borrow_mut().recycle(buf);
        };
        let op = Op::Write { file, at: write.at + write.from as u64, buf, from: write.from };
        disk.submit(Of::Save.token(n), op);
        self.writes.insert(n, write);
    }

    fn fail(&mut self, what: &str, errno: i32, shard: &mut Shard) {
        let why = format!("Write error saving DB on disk({what}): {}", reason(errno));
        self.stop(&why, shard);
    }

    /// Whether keys or values are still to become bytes.
    fn is_making(&self) -> bool {
        !self.has_walked || self.current.is_some() || self.sink.borrow().has_big()
    }

    /// Whether so much waits for the disk that no more should be made.
    fn is_behind(&self) -> bool {
        self.sink.borrow().full_bytes() >= self.bounds.ahead
    }

    fn is_finished(&self) -> bool {
        let has_made = self.error.is_some() || !self.is_making() && self.sink.borrow().is_empty();
        has_made && self.writes.is_empty() && self.sync.is_none()
    }

    /// Makes bytes: of big values first, they hold memory; then of keys that nobody touched.
    fn make(&mut self, now: Now, shard: &mut Shard) {
        if self.error.is_some() {
            return;
        }
        self.sink.borrow_mut().now = now.wall_ms;
        let served = shard.ks.stats;
        let calls = shard.stats.commands_processed + served.hits + served.misses + served.changes;
        let key_delay = shard.config.rdb_key_save_delay;
        let before = self.pace.slice(now, calls, key_delay);
        let mut slice = before.copy();
        while !slice.is_over() && !self.is_behind() && self.error.is_none() {
            if self.current.is_some() || self.sink.borrow().has_big() {
                self.encode(&mut slice, shard);
            } else if !self.has_walked {
                self.walk(&mut slice, shard);
            } else {
                break;
            }
        }
        self.pace.used(&before, &slice, key_delay);
        self.bury(100);
        let fault = self.sink.borrow_mut().fault.take();
        if let Some(fault) = fault {
            self.stop(&fault, shard);
        }
        if !self.is_making() {
            self.sink.borrow_mut().close();
        }
    }

    fn walk(&mut self, slice: &mut Slice, shard: &mut Shard) {
        let made = |sink: &Sink| (sink.keys, sink.full_bytes() + sink.open_bytes());
        let (keys, bytes) = made(&self.sink.borrow());
        let is_over = shard.ks.walk_step(slice.keys());
        let (keys_after, bytes_after) = made(&self.sink.borrow());
        slice.take(keys_after - keys, bytes_after.saturating_sub(bytes));
        if is_over {
            shard.ks.end_walk();
            self.has_walked = true;
        }
    }

    fn encode(&mut self, slice: &mut Slice, shard: &mut Shard) {
        let mut current = match self.current.take().map_or_else(|| self.next_big(), |current| Ok(Some(current))) {
            Ok(Some(current)) => current,
            Ok(None) => return,
            Err(why) => return self.stop(&why, shard),
        };
        let before = current.out.len();
        let is_complete = current.slices.step(&mut current.out, slice.bytes());
        slice.take(0, current.out.len().saturating_sub(before));
        self.current = self.carry(current, is_complete, shard);
    }

    fn next_big(&mut self) -> Result<Option<Current>, String> {
        let mut sink = self.sink.borrow_mut();
        let Some(big) = sink.pop_big() else { return Ok(None) };
        let (encoder, mut out) = (sink.encoder(), sink.take_spare());
        encoder.select(&mut out, big.db);
        let selector = out.len();
        let (slices, needed) = encoder.slices(big)?;
        sink.needed = sink.needed.max(needed);
        Ok(Some(Current { slices, out, selector, pass: Pass::Gather }))
    }

    /// Takes over what a slice made. The value, unless it is done with.
    fn carry(&mut self, mut current: Current, is_complete: bool, shard: &mut Shard) -> Option<Current> {
        let len = current.out.len();
        match &mut current.pass {
            Pass::Gather if is_complete => {
                let (db, out) = (current.slices.db(), std::mem::take(&mut current.out));
                self.sink.borrow_mut().records(db, out, current.selector);
            }
            Pass::Gather if current.slices.is_divisible() && len >= self.bounds.buffer => self.pass_on(&mut current),
            Pass::Gather if len > self.bounds.giant => {
                current.pass = Pass::Count(len as u64);
                current.out.clear();
            }
            Pass::Gather => {}
            Pass::Count(bytes) => {
                *bytes += len as u64;
                current.out.clear();
                if is_complete {
                    return self.place(current, shard);
                }
            }
            Pass::Place { at, left } => {
                if len as u64 > *left || is_complete && (len as u64) < *left {
                    self.stop("Write error saving DB on disk(length of a value): it changed", shard);
                    return None;
                }
                if len >= self.bounds.buffer || is_complete {
                    let fresh = self.sink.borrow_mut().take_spare();
                    let bytes = std::mem::replace(&mut current.out, fresh);
                    self.sink.borrow_mut().push(Chunk { bytes, at: Some(*at) });
                    *at += len as u64;
                    *left -= len as u64;
                }
            }
        }
        if !is_complete {
            return Some(current);
        }
        self.graves.extend(current.slices.into_object());
        None
    }

    fn pass_on(&mut self, current: &mut Current) {
        let mut sink = self.sink.borrow_mut();
        let mut fresh = sink.take_spare();
        sink.encoder().select(&mut fresh, current.slices.db());
        let bytes = std::mem::replace(&mut current.out, fresh);
        sink.push(Chunk { bytes, at: None });
    }

    /// The length of a giant is known: it gets its place, and is made again.
    fn place(&mut self, mut current: Current, shard: &mut Shard) -> Option<Current> {
        let Pass::Count(left) = current.pass else { return Some(current) };
        if let Err(why) = current.slices.rewind() {
            self.stop(&why, shard);
            return None;
        }
        current.pass = Pass::Place { at: self.job.extents.take(left), left };
        let encoder = self.sink.borrow().encoder();
        encoder.select(&mut current.out, current.slices.db());
        Some(current)
    }

    /// Begins writes and syncs.
    fn flush(&mut self, disk: &mut dyn Disk, next: &mut u64) {
        let Some(file) = self.file.filter(|_| self.error.is_none()) else { return };
        while self.writes.len() < self.bounds.in_flight {
            let Some(Chunk { bytes, at }) = self.sink.borrow_mut().pop() else { break };
            if bytes.is_empty() {
                // A piece that ended just where a buffer did.
                self.sink.borrow_mut().recycle(bytes);
                continue;
            }
            let len = bytes.len() as u64;
            let at = at.unwrap_or_else(|| self.job.extents.take(len));
            let crc = if self.job.form.checksum && !self.job.as_commands { codec::checksum(&bytes) } else { 0 };
            self.extents.push(Extent { at, len, crc });
            let n = take(next);
            self.writes.insert(n, Write { at, from: 0, len: bytes.len() });
            disk.submit(Of::Save.token(n), Op::Write { file, at, buf: bytes, from: 0 });
        }
        let every = self.job.form.sync_every;
        if every > 0 && self.unsynced >= every && self.sync.is_none() {
            let n = take(next);
            disk.submit(Of::Save.token(n), Op::Sync { file });
            (self.sync, self.unsynced) = (Some(n), 0);
        }
    }

    fn close(&mut self, disk: &mut dyn Disk, next: &mut u64) -> Option<Share> {
        let Some(file) = self.file.take() else { return Some(self.end()) };
        let n = take(next);
        disk.submit(Of::Save.token(n), Op::Close { file });
        self.stage = Stage::Closing(n);
        None
    }

    fn end(&mut self) -> Share {
        self.stage = Stage::Ended;
        let extents = std::mem::take(&mut self.extents);
        Share { extents, keys: self.done(), needed: self.sink.borrow().needed, error: self.error.clone() }
    }

    /// Whether the result was given and nothing is left to free.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Ended && self.graves.is_empty()
    }

    /// Lets go of values that may have been deleted meanwhile: this may be the last handle.
    fn bury(&mut self, units: usize) {
        if let Some(object) = self.graves.front_mut()
            && object.free_some(units * FREED_A_UNIT)
        {
            self.graves.pop_front();
        }
    }
}

/// The next number of an operation.
pub fn take(next: &mut u64) -> u64 {
    *next += 1;
    *next
}
