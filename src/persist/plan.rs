//! What the state machines of this folder tell each other, other cores, and those who run them.

use super::disk::FileId;
use crate::spec::Shard;
use crate::spec::persist::Ask;
use crate::spec::request::LogLevel;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Time as the node reads it once a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Unix ms.
    pub wall_ms: i64,
    /// Ms of a clock that never jumps.
    pub mono_ms: i64,
}

/// What a snapshot is made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The file of SAVE and BGSAVE.
    Dump,
    /// The base of the append-only log; the generation that begins at its cut.
    Base { generation: u64 },
}

/// A snapshot to be made, the same on all cores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaveJob {
    /// Number of the snapshot in this process.
    pub id: u64,
    pub purpose: Purpose,
    /// Where it is written before it is complete.
    pub temporary: Vec<u8>,
    /// Where it goes in the end.
    pub path: Vec<u8>,
    /// A base without which nothing that was logged before its cut will ever be listed: the log is being switched on, or lost something.
    pub is_afresh: bool,
    /// Commands instead of RDB (`aof-use-rdb-preamble no`).
    pub as_commands: bool,
    /// Where in the file the next bytes go.
    pub extents: Extents,
    /// How it is written; filled in when it begins.
    pub form: Form,
}

/// What a snapshot is called before it is complete, in the directory `dir`.
#[must_use]
pub fn temporary_name(pid: u32) -> Vec<u8> {
    format!("temp-{pid}.rdb").into_bytes()
}

impl SaveJob {
    /// A snapshot to be made; number and form come when it begins.
    #[must_use]
    pub fn new(purpose: Purpose, temporary: Vec<u8>, path: Vec<u8>, as_commands: bool) -> SaveJob {
        SaveJob { id: 0, purpose, temporary, path, is_afresh: false, as_commands, extents: Extents::default(), form: Form::default() }
    }

    /// The snapshot that `dir` and `dbfilename` name now. It goes there whatever becomes of the settings meanwhile.
    #[must_use]
    pub fn dump(shard: &Shard) -> SaveJob {
        let temporary = temporary_name(shard.server.pid);
        let place = |name: &[u8]| shard.config.in_dir(name);
        SaveJob::new(Purpose::Dump, place(&temporary), place(&shard.config.dbfilename), false)
    }
}

/// How a snapshot is written: the settings at the moment it began, the same for all cores.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// Version, rdbcompression, and what is written about the use of keys.
    pub format: super::rdb::Format,
    /// rdbchecksum.
    pub checksum: bool,
    /// What each core syncs after, bytes; 0 = only at the end.
    pub sync_every: u64,
}

/// Where the next bytes of a file that all cores write go: the one counter they draw from, once a buffer.
#[derive(Clone, Debug, Default)]
pub struct Extents(Arc<AtomicU64>);

impl Extents {
    /// Takes the next `len` bytes of the file; their offset.
    #[must_use]
    pub fn take(&self, len: u64) -> u64 {
        self.0.fetch_add(len, Ordering::Relaxed)
    }

    /// Bytes taken so far. Whoever reads it knows by messages that nobody takes more.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same counter, not merely an equal one.
impl PartialEq for Extents {
    fn eq(&self, other: &Extents) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Extents {}

/// What all cores do at one instant, as a ticket on every slot.
#[derive(Clone, Debug)]
pub enum Point {
    /// A mark in every log: `appendfsync everysec` and `no` are cut here after a power failure.
    Mark,
    /// The cut of a snapshot. Where its purpose is a base, logs begin a new generation at the same instant (and are switched on).
    Cut(Arc<SaveJob>),
    /// Logs end here (CONFIG SET appendonly no).
    LogsEnd,
    /// Clients wait from here on, or go on.
    Freeze(bool),
    /// All keys of all databases go.
    Flush,
}

/// A message of one core's part to that of another.
#[derive(Clone, Debug)]
pub enum Note {
    Log(super::log::LogNote),
    Save(super::save::SaveNote),
    Load(super::load::LoadNote),
}

/// What a state machine wants done by whoever runs it.
#[derive(Debug)]
pub enum Out {
    /// To the part of that core (never of this one).
    Note(usize, Note),
    /// Core 0 only: carry this out on all cores.
    Point(Point),
    /// The reply of a command that was put off: RESP bytes.
    Reply(Ask, Vec<u8>),
    Line(LogLevel, String),
    /// The process ends with code 1 after this line: going on would break a promise.
    Die(String),
    /// Core 0: the files of the log are to be looked at as they are now (`Persist::give_plan`).
    WantsPlan,
    /// The process ends with code 0: what had to be saved is saved.
    End,
}

/// Which state machine an operation belongs to: the top byte of its token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Part {
    Log = 1,
    Save = 2,
    Load = 3,
    /// Core 0's book of files: manifest, names, history.
    Book = 4,
}

impl Part {
    /// The token of operation `n` (56 bits) of this part.
    #[must_use]
    pub fn token(self, n: u64) -> u64 {
        (self as u64) << 56 | n & ((1 << 56) - 1)
    }

    /// The part and number of a token.
    #[must_use]
    pub fn of(token: u64) -> Option<(Part, u64)> {
        let part = match token >> 56 {
            1 => Part::Log,
            2 => Part::Save,
            3 => Part::Load,
            4 => Part::Book,
            _ => return None,
        };
        Some((part, token & ((1 << 56) - 1)))
    }
}

/// A file of this core, or one that is being opened.
pub type MaybeFile = Option<FileId>;
