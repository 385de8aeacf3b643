//! A snapshot file, as one core reads it: all of it, to keep the keys of its own slots.
//!
//! Layer 4, under `load`. Invariants: a key is stored once or the load fails; what the file claims is checked against what is there;
//! nothing counts before the checksum at the end was right.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

use std::ops::RangeInclusive;

use super::Counts;
use super::reader::Reader;
use crate::data::codec::{self, Dialect, Fault};
use crate::data::collection::Limits;
use crate::keyspace::{Ttl, Value, slot_of};
use crate::persist::aof::LoadFile;
use crate::persist::disk::Disk;
use crate::persist::key_time::KeyTime;
use crate::persist::plan::{Now, Out};
use crate::persist::rdb::skim::NOT_CHECKED;
use crate::persist::rdb::{Cause, Failure, KeyRecord, Next, Record, Skim, checksum_more};
use crate::spec::Shard;
use crate::spec::request::LogLevel::{Debug, Notice, Warning};

/// What one go costs at most: a key of ours 4, any record 1, and 1 for every so many bytes. About 3 ms.
const BUDGET: usize = 12_000;
const BYTES_A_UNIT: usize = 256;
/// Keys without a value that each core tells of by name; all are counted.
const EMPTY_TOLD: u64 = 10;
/// The first version of the format with a checksum at the end.
const VERSION_WITH_CHECKSUM: u16 = 5;

/// What is the same for all keys.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Keys whose time is over stay.
    pub keeps_expired: bool,
    /// A key that is there already is replaced.
    pub merges: bool,
    /// This core tells what the file says about itself, and checks its checksum.
    pub leads: bool,
}

/// How far a go came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Went {
    /// There is more to do.
    On,
    /// The next piece of the file is not here yet.
    Waits,
    /// All keys are stored; so many bytes of the file are the snapshot.
    Done(u64),
}

/// See the file's head.
pub struct Dump {
    pub reader: Reader,
    skim: Skim,
    window: Vec<u8>,
    /// Offset of the window in the file.
    base: u64,
    version: u16,
    dialect: Dialect,
    limits: Limits,
    rules: Rules,
    /// Checksum of everything before `base`.
    crc: u64,
    /// The long value that is being built belongs to this key.
    long: Option<Kept>,
    /// Slots of which the file has some keys at most: they were on their way to the server that wrote it.
    partial: Vec<RangeInclusive<u16>>,
    counts: Counts,
    /// There is more to do in what is here.
    pub is_paused: bool,
    /// How long keys take that are to take time, and unix-independent ms of the last go.
    key_time: KeyTime,
    last_ms: i64,
    /// Keys that there is time for in this go.
    keys_left: i64,
}

/// What stands before a value.
struct Kept {
    db: usize,
    key: Vec<u8>,
    at: u64,
    expire_at: Option<i64>,
    idle: Option<u64>,
    freq: Option<u8>,
}

impl Dump {
    /// Begins to read the snapshot in `file`.
    pub fn open(file: &LoadFile, rules: Rules, shard: &Shard, disk: &mut dyn Disk, next: &mut u64) -> Dump {
        Dump {
            reader: Reader::open(&file.path, file.start, file.end, disk, next),
            skim: Skim::new(None, shard.ks.databases() as u64),
            window: Vec::new(),
            base: file.start,
            version: 0,
            dialect: Dialect::Redis,
            limits: shard.limits(),
            rules,
            crc: 0,
            long: None,
            partial: Vec::new(),
            counts: Counts::default(),
            is_paused: false,
            key_time: KeyTime::default(),
            last_ms: i64::MAX,
            keys_left: i64::MAX,
        }
    }

    /// What was loaded so far; bytes are counted where the load is led.
    pub fn counts(&self) -> Counts {
        let bytes = if self.rules.leads { self.counts.bytes } else { 0 };
        Counts { bytes, ..self.counts }
    }

    /// Stores some keys.
    pub fn work(&mut self, now: Now, shard: &mut Shard, out: &mut Vec<Out>) -> Result<Went, String> {
        let (mut budget, delay) = (BUDGET, shard.config.key_load_delay);
        self.is_paused = false;
        let allowed = self.key_time.keys(now.mono_ms.saturating_sub(self.last_ms), delay);
        (self.last_ms, self.keys_left) = (now.mono_ms, allowed);
        let went = self.go(&mut budget, now, shard, out);
        self.key_time.used(allowed - self.keys_left.max(0), delay);
        went
    }

    fn go(&mut self, budget: &mut usize, now: Now, shard: &mut Shard, out: &mut Vec<Out>) -> Result<Went, String> {
        while *budget > 0 && self.keys_left > 0 {
            let window = std::mem::take(&mut self.window);
            let went = self.records(&window, budget, now, shard, out);
            self.window = window;
            match went? {
                Step::More(from) => {
                    let Some(piece) = self.reader.take() else {
                        return if self.reader.is_at_end() { Err(self.skim.end_of_input().to_string()) } else { Ok(Went::Waits) };
                    };
                    self.slide(from, piece);
                }
                Step::Paused => {}
                Step::End { crc, covered } => {
                    self.check(crc, covered, shard, out)?;
                    return Ok(Went::Done(covered + self.checksum_bytes()));
                }
            }
        }
        self.is_paused = true;
        Ok(Went::On)
    }

    /// The window goes on with `piece`; what precedes `from` is not needed any more.
    fn slide(&mut self, from: u64, piece: Vec<u8>) {
        let gone = usize::try_from(from.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.window.len());
        if self.rules.leads {
            self.crc = checksum_more(self.crc, self.window.get(..gone).unwrap_or_default());
        }
        self.base += gone as u64;
        self.counts.bytes += piece.len() as u64;
        if gone == self.window.len() {
            let old = std::mem::replace(&mut self.window, piece);
            return self.reader.recycle(old);
        }
        self.window.drain(..gone);
        self.window.extend_from_slice(&piece);
        self.reader.recycle(piece);
    }

    fn records(&mut self, window: &[u8], budget: &mut usize, now: Now, shard: &mut Shard, out: &mut Vec<Out>) -> Result<Step, String> {
        while *budget > 0 && self.keys_left > 0 {
            let before = self.skim.offset();
            let record = match self.skim.next(window, self.base).map_err(|why| why.to_string())? {
                Next::NeedMore { from, .. } => return Ok(Step::More(from)),
                Next::Record(record) => record,
            };
            let mut cost = 1;
            match record {
                Record::Key(key) => {
                    // All keys of the file, whosever they are: it takes as long as on one core.
                    self.keys_left = self.keys_left.saturating_sub(1);
                    let slot = slot_of(&key.key);
                    if shard.ks.slots().contains(&slot) && !self.is_partial(slot) {
                        cost += 3;
                        self.key(key, now, shard, out)?;
                    }
                }
                Record::Built(value) => {
                    if let Some(kept) = self.long.take() {
                        self.put(&kept, value, now, shard)?;
                    }
                }
                Record::End { crc, covered } => return Ok(Step::End { crc, covered }),
                Record::Magic { version, dialect } => (self.version, self.dialect) = (version, dialect),
                Record::Aux { name, value } if self.rules.leads => tell(&name, &value, now, out),
                Record::Function(source) if self.rules.leads => shard.persist.functions.push(source.to_vec()),
                Record::ModuleAux { name, .. } if self.rules.leads => {
                    out.push(Out::Line(Warning, format!("The RDB file contains AUX module data of '{name}', which is left out")));
                }
                Record::SlotImport(ranges) => {
                    if self.rules.leads {
                        out.push(Out::Line(Warning, partial_line(&ranges)));
                    }
                    self.partial.extend(ranges);
                }
                Record::Aux { .. } | Record::Function(_) | Record::ModuleAux { .. } => {}
                Record::SelectDb(_) | Record::ResizeDb { .. } | Record::SlotInfo { .. } => {}
            }
            let bytes = usize::try_from(self.skim.offset().saturating_sub(before)).unwrap_or(usize::MAX);
            *budget = budget.saturating_sub(cost + bytes / BYTES_A_UNIT);
        }
        Ok(Step::Paused)
    }

    fn key(&mut self, record: KeyRecord<'_>, now: Now, shard: &mut Shard, out: &mut Vec<Out>) -> Result<(), String> {
        if self.is_over(record.expire_at, now) {
            self.counts.expired += 1;
            return Ok(());
        }
        let kept = Kept {
            db: usize::try_from(record.db).unwrap_or(usize::MAX),
            key: record.key.to_vec(),
            at: record.at,
            expire_at: record.expire_at,
            idle: record.idle,
            freq: record.freq,
        };
        if record.value.is_none() {
            self.skim.keep(&self.limits);
            self.long = Some(kept);
            return Ok(());
        }
        match record.decode(self.dialect, &self.limits) {
            Ok(value) => self.put(&kept, value, now, shard),
            Err(Failure { cause: Cause::Value { fault: Fault::Empty, .. }, .. }) => {
                self.counts.empty += 1;
                if self.counts.empty <= EMPTY_TOLD {
                    let name = String::from_utf8_lossy(&kept.key);
                    out.push(Out::Line(Notice, format!("rdbLoadObject skipping empty key: {name}")));
                }
                Ok(())
            }
            Err(failure) => Err(failure.to_string()),
        }
    }

    fn is_partial(&self, slot: u16) -> bool {
        self.partial.iter().any(|range| range.contains(&slot))
    }

    fn is_over(&self, expire_at: Option<i64>, now: Now) -> bool {
        !self.rules.keeps_expired && expire_at.is_some_and(|at| at < now.wall_ms)
    }

    fn put(&mut self, kept: &Kept, value: codec::Value, now: Now, shard: &mut Shard) -> Result<(), String> {
        let key = shard.ks.key(&kept.key);
        if !self.rules.merges && shard.ks.get_value(kept.db, &key).is_some() {
            let name = String::from_utf8_lossy(&kept.key).into_owned();
            return Err(format!("RDB has duplicated key '{name}' in DB {}, at offset {}", kept.db, kept.at));
        }
        let value = match value {
            codec::Value::Int(n) => Value::Int(n),
            codec::Value::Str(bytes) => Value::Str { bytes: bytes.into(), raw: false },
            codec::Value::Object(object) => Value::Object(object),
        };
        if !shard.ks.put(kept.db, &key, value, kept.expire_at.map_or(Ttl::None, Ttl::At)) {
            return Err(Failure::new(kept.at, Cause::Short).to_string());
        }
        let clock = match (shard.ks.tuning.is_lfu, kept.freq, kept.idle) {
            (true, Some(freq), _) => Some(shard.ks.clock_for_freq(freq, now.wall_ms)),
            (false, _, Some(idle)) => Some(shard.ks.clock_for_idle(idle, now.wall_ms)),
            _ => None,
        };
        if let Some(clock) = clock {
            shard.ks.set_clock(kept.db, &key, clock);
        }
        self.counts.keys += 1;
        Ok(())
    }

    /// Bytes behind the end's opcode.
    fn checksum_bytes(&self) -> u64 {
        if self.version >= VERSION_WITH_CHECKSUM { 8 } else { 0 }
    }

    fn check(&mut self, stored: u64, covered: u64, shard: &Shard, out: &mut Vec<Out>) -> Result<(), String> {
        if !self.rules.leads || !shard.config.rdbchecksum || self.checksum_bytes() == 0 {
            return Ok(());
        }
        if stored == 0 {
            out.push(Out::Line(Notice, NOT_CHECKED.into()));
            return Ok(());
        }
        let rest = usize::try_from(covered.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.window.len());
        let computed = checksum_more(self.crc, self.window.get(..rest).unwrap_or_default());
        crate::persist::rdb::skim::verify(stored, computed, covered).map_err(|why| why.to_string())
    }
}

enum Step {
    More(u64),
    Paused,
    End { crc: u64, covered: u64 },
}

/// The line about slots whose keys are left out.
fn partial_line(ranges: &[RangeInclusive<u16>]) -> String {
    let shown: Vec<String> = ranges.iter().map(|range| format!("{}-{}", range.start(), range.end())).collect();
    format!(
        "The RDB file was written while slots {} were being imported from another node: their keys are left out, that node has them",
        shown.join(" ")
    )
}

/// The log lines about what a file says of itself.
fn tell(name: &[u8], value: &[u8], now: Now, out: &mut Vec<Out>) {
    let text = String::from_utf8_lossy(value);
    let number = text.parse::<i64>().unwrap_or(0);
    let line = match name.to_ascii_lowercase().as_slice() {
        b"redis-ver" | b"valkey-ver" => (Notice, format!("Loading RDB produced by version {text}")),
        b"ctime" => (Notice, format!("RDB age {} seconds", (now.wall_ms.div_euclid(1000) - number).max(0))),
        b"used-mem" => (Notice, format!("RDB memory usage when created {:.2} Mb", number as f64 / (1024.0 * 1024.0))),
        b"aof-base" if number != 0 => (Notice, "RDB is base AOF".to_owned()),
        b"aof-preamble" if number != 0 => (Notice, "RDB has an AOF tail".to_owned()),
        b"redis-bits" | b"aof-base" | b"aof-preamble" | b"lua" => return,
        b"repl-stream-db" | b"repl-id" | b"repl-offset" | b"slot-info" | b"cluster-slot-states" => return,
        [b'%', ..] => (Notice, format!("RDB '{}': {text}", String::from_utf8_lossy(name))),
        _ => (Debug, format!("Unrecognized RDB AUX field: '{}'", String::from_utf8_lossy(name))),
    };
    out.push(Out::Line(line.0, line.1));
}
