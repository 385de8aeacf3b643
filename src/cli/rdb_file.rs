//! A snapshot file read by a tool: from the disk through the records to decoded values.
//!
//! Layer 8, for check_rdb.rs and report.rs. Several readers may go through the same file at once: each tells all records apart, which
//! is cheap, and decodes its share of the values, which is not.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::data::codec::{Fault, Value};
use crate::data::collection::Limits;
use crate::persist::rdb::skim::TYPE_MODULE;
use crate::persist::rdb::{Cause, Failure, KeyRecord, Next, Record, Skim, checksum_more, verify};

/// Bytes read at once; a window is at least this long.
const CHUNK: usize = 4 << 20;

/// A part of a file in memory. With `sums`, the checksum of everything that went by.
struct Windows {
    file: File,
    len: u64,
    buf: Vec<u8>,
    base: u64,
    sum: Option<u64>,
    summed: u64,
}

impl Windows {
    fn open(path: &str, sums: bool) -> io::Result<Windows> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Windows { file, len, buf: Vec::new(), base: 0, sum: sums.then_some(0), summed: 0 })
    }

    fn end(&self) -> u64 {
        self.base + self.buf.len() as u64
    }

    /// Adds what is in memory, up to offset `to`, to the checksum.
    fn sum_to(&mut self, to: u64) {
        let Some(sum) = &mut self.sum else { return };
        let place = |at: u64| usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.buf.len());
        let (from, to) = (place(self.summed), place(to));
        if let Some(bytes) = self.buf.get(from..to) {
            *sum = checksum_more(*sum, bytes);
            self.summed += bytes.len() as u64;
        }
    }

    /// Makes the window begin at `from` and have at least `bytes` bytes, which the file has.
    fn cover(&mut self, from: u64, bytes: usize) -> io::Result<()> {
        self.sum_to(from);
        while from > self.end() && self.sum.is_some() {
            self.base = self.end();
            self.buf.clear();
            self.fill(CHUNK)?;
            self.sum_to(from);
        }
        let gone = usize::try_from(from.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.buf.len());
        self.buf.drain(..gone);
        self.base = from;
        self.fill(bytes.max(CHUNK))
    }

    /// Reads until the window has `bytes` bytes or the file ends.
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        let mut have = self.buf.len();
        let most = usize::try_from(self.len.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.buf.resize(bytes.min(most), 0);
        while have < self.buf.len() {
            let room = self.buf.get_mut(have..).unwrap_or_default();
            match self.file.read_at(room, self.base + have as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// A key without its value.
pub struct Facts<'a> {
    pub db: u64,
    pub key: &'a [u8],
    pub expire_at: Option<i64>,
    /// Bytes of key and value in the file.
    pub file_bytes: u64,
}

/// What a reader does with what it finds.
pub trait Sink {
    /// A record other than a key; the reader stands at offset `at` behind it.
    fn record(&mut self, record: &Record<'_>, at: u64);
    /// A key; `value`: if it is this reader's to decode, and can be (not of modules, not an empty collection).
    fn key(&mut self, facts: &Facts<'_>, value: Option<Value>);
    /// So many bytes of all are done.
    fn progress(&mut self, at: u64, len: u64) {
        let _ = (at, len);
    }
}

/// Why reading ended early.
pub enum Trouble {
    Disk(io::Error),
    /// The file is wrong; `key`: the key whose value it was, with its type.
    File {
        failure: Failure,
        key: Option<(Vec<u8>, u8)>,
    },
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Trouble {
        Trouble::Disk(e)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::File { failure, key: None }
    }
}

/// The end of a file that is whole.
pub struct Ending {
    /// Offset behind the last record.
    pub at: u64,
    /// The stored checksum was 0.
    pub is_unchecked: bool,
}

/// A key whose value is being built.
struct Open {
    db: u64,
    key: Vec<u8>,
    expire_at: Option<i64>,
    kind: u8,
    /// Offset where it began.
    at: u64,
}

/// Reads a file. Of `of` readers this is number `number`, from 0, and decodes each `of`th value; number 0 holds the checksum
/// against the file.
pub fn read(path: &str, (number, of): (u64, u64), sink: &mut dyn Sink) -> Result<Ending, Trouble> {
    let mut windows = Windows::open(path, number == 0)?;
    let mut skim = Skim::new(Some(windows.len), u64::MAX);
    let limits = Limits::default();
    let mut keys = 0u64;
    let mut open: Option<Open> = None;
    loop {
        let next = match skim.next(&windows.buf, windows.base) {
            Ok(next) => next,
            Err(failure) => return Err(Trouble::File { failure, key: open.map(|open| (open.key, open.kind)) }),
        };
        let (from, bytes) = match next {
            Next::NeedMore { from, bytes } => (from, bytes),
            Next::Record(Record::Key(record)) => {
                let is_ours = keys % of == number && record.kind != TYPE_MODULE;
                keys += 1;
                if record.value.is_none() && is_ours {
                    let (key, kind) = (record.key.to_vec(), record.kind);
                    open = Some(Open { db: record.db, key, expire_at: record.expire_at, kind, at: record.at });
                    skim.keep(&limits);
                } else {
                    take(&record, &skim, is_ours, &limits, sink)?;
                }
                continue;
            }
            Next::Record(Record::Built(value)) => {
                if let Some(Open { db, key, expire_at, at, .. }) = open.take() {
                    sink.key(&Facts { db, key: &key, expire_at, file_bytes: skim.offset() - at }, Some(value));
                }
                continue;
            }
            Next::Record(Record::End { crc, covered }) => {
                windows.sum_to(covered);
                if let Some(sum) = windows.sum {
                    verify(crc, sum, skim.offset())?;
                }
                return Ok(Ending { at: skim.offset(), is_unchecked: crc == 0 });
            }
            Next::Record(record) => {
                sink.record(&record, skim.offset());
                continue;
            }
        };
        sink.progress(from.min(windows.len), windows.len);
        windows.cover(from, bytes)?;
    }
}

/// Hands on a key whose value is in one piece, or is nobody's to decode here.
fn take(record: &KeyRecord<'_>, skim: &Skim, is_ours: bool, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Trouble> {
    let value = match record.value {
        Some(_) if is_ours => whole(record.decode(skim.dialect(), limits)),
        _ => Ok(None),
    };
    let value = value.map_err(|failure| Trouble::File { failure, key: Some((record.key.to_vec(), record.kind)) })?;
    let file_bytes = skim.offset() - record.at;
    sink.key(&Facts { db: record.db, key: &record.key, expire_at: record.expire_at, file_bytes }, value);
    Ok(())
}

/// Collections without elements are no values, and no errors.
fn whole(value: Result<Value, Failure>) -> Result<Option<Value>, Failure> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(Failure { cause: Cause::Value { fault: Fault::Empty, .. }, .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}
