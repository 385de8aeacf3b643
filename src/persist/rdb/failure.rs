//! Why a snapshot file cannot be read, with the place in it, in Redis's words where it has words.
//!
//! Layer 4, under `rdb`.

use std::fmt;

use crate::data::codec::Fault;

/// What is wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It does not begin as such a file does.
    Signature,
    /// It is of a version that is not read, by the number in its magic.
    Version(i64),
    /// It ends before its end.
    Short,
    /// A value, key or name that cannot be decoded.
    Value { kind: u8, fault: Fault },
    /// Functions as the candidates of Redis 7.0 wrote them.
    PreReleaseFunction,
    /// A byte that is neither an opcode nor a type.
    UnknownType(u8),
    /// A value of a module, by the module type's name.
    Module(String),
    /// A value of a module as the candidates of Redis 4.0 wrote them.
    PreReleaseModule,
    /// A database beyond those that are configured, of which there are so many.
    Database { db: u64, databases: u64 },
    /// Facts about a slot that does not exist.
    Slot(u64),
    /// Another checksum than that of the bytes.
    Checksum { stored: u64, computed: u64 },
}

/// What is wrong, and the offset in the file of the record (or value) where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub at: u64,
    pub cause: Cause,
}

impl Failure {
    /// A failure at a file offset.
    #[must_use]
    pub fn new(at: u64, cause: Cause) -> Failure {
        Failure { at, cause }
    }
}

/// The message; without the offset, which callers place as their tool's users are used to.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Signature => f.write_str("Wrong signature trying to load DB from file"),
            Cause::Version(version) => write!(f, "Can't handle RDB format version {version}"),
            Cause::Short => f.write_str("Short read or OOM loading DB. Unrecoverable error, aborting now."),
            Cause::Value { kind, fault } => write!(f, "{}", FaultText(*kind, *fault)),
            Cause::PreReleaseFunction => f.write_str("Pre-release function format not supported."),
            Cause::UnknownType(kind) => write!(f, "Unknown RDB encoding type {kind}"),
            Cause::Module(name) => {
                write!(f, "The RDB file contains module data I can't load: no matching module type '{name}'")
            }
            Cause::PreReleaseModule => f.write_str("The RDB file contains module data of a release candidate, which cannot be loaded"),
            Cause::Database { databases, .. } => {
                write!(f, "FATAL: Data file was created with a Redis server configured to handle more than {databases} databases. Exiting")
            }
            Cause::Slot(slot) => write!(f, "Slot {slot} in the RDB file is out of range"),
            Cause::Checksum { stored, computed } => {
                write!(f, "Wrong RDB checksum expected: ({stored:x}) but got ({computed:x}). Aborting now.")
            }
        }
    }
}

/// A fault of the decoder in words, for a value of a type.
struct FaultText(u8, Fault);

impl fmt::Display for FaultText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FaultText(kind, fault) = self;
        match fault {
            Fault::BadStringEncoding(encoding) => write!(f, "Unknown RDB string encoding type {encoding}"),
            Fault::BadCompression => f.write_str("Invalid LZF compressed string"),
            Fault::BadLength(first) => write!(f, "Unknown length encoding {first} in a value of type {kind}"),
            Fault::UnsupportedType(other) => write!(f, "Unknown RDB encoding type {other}"),
            Fault::Malformed(what) => write!(f, "{} integrity check failed: {what}", container(*kind)),
            Fault::Duplicate => match kind {
                2 => f.write_str("Duplicate set members detected"),
                3 | 5 => f.write_str("Duplicate zset fields detected"),
                4 | 22..=25 => f.write_str("Duplicate hash fields detected"),
                _ => write!(f, "{0} integrity check failed: {0} with dup elements", container(*kind)),
            },
            Fault::NotANumber => f.write_str("Zset with NAN score detected"),
            Fault::Empty => write!(f, "{} integrity check failed: it is empty", container(*kind)),
            Fault::Truncated | Fault::TrailingBytes | Fault::Footer => {
                write!(f, "{} integrity check failed: it does not end where it should", container(*kind))
            }
        }
    }
}

/// What a value of a type consists of, as Redis's messages name it.
fn container(kind: u8) -> &'static str {
    match kind {
        0 => "String",
        1 => "List",
        2 => "Set",
        3 | 5 => "Zset",
        4 | 22 | 24 => "Hash",
        9 => "Zipmap",
        10 => "List ziplist",
        11 => "Intset",
        12 => "Zset ziplist",
        13 => "Hash ziplist",
        14 => "Ziplist",
        16 => "Hash listpack",
        17 => "Zset listpack",
        18 => "Listpack",
        15 | 19 | 21 => "Stream listpack",
        20 => "Set listpack",
        23 | 25 => "Hash listpackex",
        _ => "Value",
    }
}

/// What is wrong with a payload that RESTORE got, as the log tells it. `body`: the payload without its footer.
#[must_use]
pub fn payload_failure(body: &[u8], fault: Fault) -> String {
    let kind = body.first().copied().unwrap_or_default();
    Failure::new(0, Cause::Value { kind, fault }).to_string()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if matches!(self.cause, Cause::Checksum { .. }) { "RDB CRC error: " } else { "" };
        write!(f, "Internal error in RDB reading offset {}: {name}{}", self.at, self.cause)
    }
}

impl std::error::Error for Failure {}
