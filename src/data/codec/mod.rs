//! The serialised form of one value: the body of DUMP, and the only decoder RESTORE and the loaders use.
//!
//! Layer 1. A payload is `type byte | value | version, 2 bytes LE | CRC-64, 8 bytes LE`; the checksum covers
//! everything before it. Files hold the same `value` without the footer.
//!
//! Invariants: a length read from the input is held against the bytes that are there before anything is
//! reserved for it; a decoded value has used the whole input; every failure is a typed [`Fault`].
//!
//! It does not know keys, times to live or error texts.
//! Ref: redis.io/commands/dump, redis.io/commands/restore; the format's public descriptions.

pub mod collection;
pub mod growing;
pub mod hash;
pub mod intset;
pub mod list;
pub mod lzf;
pub mod piece;
pub mod set;
pub mod stream;
pub mod string;
pub mod wire;
pub mod ziplist;
pub mod zipmap;
pub mod zset;

use crc_fast::{CrcAlgorithm::Crc64Redis, Digest, checksum_combine};

use crate::data::collection::{Limits, Object};

pub use string::{dump_string, put_pack, put_string};
pub use wire::Reader;

/// Version written in footers: that of Redis 7.2.
pub const VERSION: u16 = 11;
/// Newest version of Redis accepted in a footer: that of 7.4.
pub const VERSION_MAX: u16 = 12;
/// Version in footers of Valkey 9 and newer, the only one of its that is accepted; between lie those of others.
pub const VERSION_VALKEY: u16 = 80;
/// Bytes of the footer: version and checksum.
pub const FOOTER_BYTES: usize = 10;
/// First of the types that only `VERSION_MAX` has.
const TYPE_NEWER: u8 = 22;
/// Type byte of a string value.
pub const TYPE_STRING: u8 = 0;
/// Type bytes of streams: of Redis 5, 7.0 and 7.2.
pub const TYPE_STREAM: u8 = 15;
/// See [`TYPE_STREAM`].
pub const TYPE_STREAM_2: u8 = 19;
/// See [`TYPE_STREAM`]; the one that is written.
pub const TYPE_STREAM_3: u8 = 21;

/// CRC-64 (Jones) of `bytes`, as files and payloads carry it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(Crc64Redis, bytes)
}

/// The checksum of what `crc` is the checksum of, and `bytes` behind it.
#[must_use]
pub fn checksum_more(crc: u64, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new_with_init_state(Crc64Redis, crc);
    digest.update(bytes);
    digest.finalize()
}

/// The checksum of two pieces from those of each: `first`, and `second` of `second_len` bytes behind it.
#[must_use]
pub fn checksum_joined(first: u64, second: u64, second_len: u64) -> u64 {
    checksum_combine(Crc64Redis, first, second, second_len)
}

/// Why a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too short, of a newer version, or with another checksum: `DUMP payload version or checksum are wrong`.
    Footer,
    /// A type of value this server does not read, by its type byte.
    UnsupportedType(u8),
    /// The input ends before the value does; also a length larger than what is there.
    Truncated,
    /// A length in none of the known forms, by its first byte.
    BadLength(u8),
    /// A string in an encoding that does not exist, by its number (only 0 to 3 do).
    BadStringEncoding(u8),
    /// Compressed bytes that do not decode to exactly their stated length.
    BadCompression,
    /// Bytes after the end of the value.
    TrailingBytes,
    /// A part that contradicts itself, by the name of its form.
    Malformed(&'static str),
    /// A collection without elements: no value, and in a file nothing to load.
    Empty,
    /// A member or field that is there twice.
    Duplicate,
    /// A score that is no number.
    NotANumber,
}

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string that is the canonical decimal text of this number.
    Int(i64),
    /// Any other string.
    Str(Vec<u8>),
    /// A collection; never an empty one, except of streams.
    Object(Object),
}

/// Whose files and payloads: one type number has two meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Redis, and Valkey before 9.
    Redis,
    /// Valkey 9 and newer.
    Valkey,
}

/// Whose readers are to understand what is written: a version of files, with the types that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// Redis 5.0 to 6.2: no listpack but those inside of streams.
    V9,
    /// Redis 7.0.
    V10,
    /// Redis 7.2, Valkey before 9.
    V11,
    /// Redis 7.4 and newer: fields of hashes may expire.
    V12,
    /// Valkey 9 and newer.
    Valkey,
}

impl Edition {
    /// The version in footers of its payloads.
    #[must_use]
    pub fn version(self) -> u16 {
        match self {
            Edition::V9 => 9,
            Edition::V10 => 10,
            Edition::V11 => VERSION,
            Edition::V12 => VERSION_MAX,
            Edition::Valkey => VERSION_VALKEY,
        }
    }
}

/// What RESTORE stores.
pub type Decoded = Value;

/// Appends the footer to a payload that begins at the start of `out`: the version that knows its type.
pub fn add_footer(out: &mut Vec<u8>) {
    let version = if out.first().is_some_and(|kind| *kind >= TYPE_NEWER) { VERSION_MAX } else { VERSION };
    add_footer_of(out, version);
}

/// The same with a version of the caller's.
pub fn add_footer_of(out: &mut Vec<u8>, version: u16) {
    out.extend_from_slice(&version.to_le_bytes());
    let sum = checksum(out);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// Checks the footer of a payload and returns what precedes it, and in whose words that is. Fails with `Footer`.
pub fn check_footer(payload: &[u8]) -> Result<(&[u8], Dialect), Fault> {
    let checked = check_version(payload)?;
    let (covered, sum) = payload.split_last_chunk::<8>().ok_or(Fault::Footer)?;
    if checksum(covered) == u64::from_le_bytes(*sum) { Ok(checked) } else { Err(Fault::Footer) }
}

/// The same without a look at the checksum, for tests that damage payloads.
pub fn check_version(payload: &[u8]) -> Result<(&[u8], Dialect), Fault> {
    let (covered, _) = payload.split_last_chunk::<8>().ok_or(Fault::Footer)?;
    let (body, version) = covered.split_last_chunk::<2>().ok_or(Fault::Footer)?;
    match u16::from_le_bytes(*version) {
        ..=VERSION_MAX => Ok((body, Dialect::Redis)),
        VERSION_VALKEY => Ok((body, Dialect::Valkey)),
        _ => Err(Fault::Footer),
    }
}

/// Decodes a DUMP payload: footer, type, value, and nothing after it. O(payload + value), for sorted sets and packed forms
/// with a logarithm. A collection gets the form that `limits` dictate.
/// Stricter than Redis: a value may not reach into the footer, be followed by other bytes, or be a compressed string of
/// length 0; and packed forms are checked in full, as Redis does when `sanitize-dump-payload` is on.
/// `Footer` means that the payload is foreign or damaged in transit; every other fault, that its content is bad.
pub fn restore(payload: &[u8], limits: &Limits) -> Result<Decoded, Fault> {
    let (body, dialect) = check_footer(payload)?;
    decode(body, dialect, limits)
}

/// Decodes what precedes the footer, see [`restore`].
pub fn decode(body: &[u8], dialect: Dialect, limits: &Limits) -> Result<Decoded, Fault> {
    let mut reader = Reader::new(body);
    let kind = reader.byte()?;
    let value = read_value(&mut reader, kind, dialect, limits)?;
    if reader.is_empty() { Ok(value) } else { Err(Fault::TrailingBytes) }
}

/// Decodes the value of type `kind` that `reader` stands before.
pub fn read_value(reader: &mut Reader<'_>, kind: u8, dialect: Dialect, limits: &Limits) -> Result<Value, Fault> {
    match kind {
        TYPE_STRING => string::read_string_value(reader),
        other => collection::read_object(reader, other, dialect, limits).map(Value::Object),
    }
}

#[cfg(test)]
mod collection_tests;
#[cfg(test)]
mod tests;
