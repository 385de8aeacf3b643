//! Records of a snapshot file, appended to a buffer.
//!
//! Layer 4, under `rdb`. Invariants: every call appends whole records, or nothing when it fails; what is written for a version is
//! read by the servers of that version.
//! It does not compute checksums: the caller knows in which order buffers go into the file.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

use std::fmt;

use super::{MAGIC_BYTES, opcode};
use crate::data::codec::collection::{View, kind_of, put_value};
use crate::data::codec::wire::put_length;
use crate::data::codec::{Edition, TYPE_STRING, put_string};
use crate::data::{hash::Hash, list::List, set::Set, stream::Stream, zset::Zset};
use crate::keyspace::{Item, Kind, StrRef, Value};

/// The version of a file, as the option `rdb-version` names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Version {
    /// 11, or 12 if a field of a hash expires.
    #[default]
    Auto,
    /// Redis 5.0 to 6.2.
    V9,
    /// Redis 7.0.
    V10,
    /// Redis 7.2, Valkey before 9.
    V11,
    /// Redis 7.4 and newer.
    V12,
    /// Valkey 9 and newer.
    Valkey,
}

/// What is written about the use of keys; it depends on `maxmemory-policy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Recency {
    #[default]
    Nothing,
    /// Seconds since the last use (LRU policies).
    Idle,
    /// The use counter (LFU policies).
    Freq,
}

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Format {
    pub version: Version,
    /// The option `rdbcompression`.
    pub compresses: bool,
    pub recency: Recency,
}

/// What stands before a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head<'a> {
    pub key: &'a [u8],
    /// Unix ms.
    pub expire_at: Option<i64>,
    /// Seconds since the last use.
    pub idle: Option<u64>,
    /// The use counter.
    pub freq: Option<u8>,
}

impl<'a> Head<'a> {
    /// Of a key of the keyspace at `now` (unix ms).
    #[must_use]
    pub fn of(item: &Item<'a>, recency: Recency, now: i64) -> Head<'a> {
        Head {
            key: item.key(),
            expire_at: item.expire_at(),
            idle: (recency == Recency::Idle).then(|| item.idle_seconds(now).into()),
            freq: (recency == Recency::Freq).then(|| item.freq(now)),
        }
    }
}

/// A file of this version has no type for a value: fields of a hash expire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CannotHold {
    pub key: Vec<u8>,
    pub version: Version,
}

impl fmt::Display for CannotHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = String::from_utf8_lossy(&self.key);
        let version = match self.version {
            Version::V9 => "9",
            Version::V10 => "10",
            Version::V11 => "11",
            _ => "of this kind",
        };
        write!(f, "hash '{key}' has fields that expire, which a file of RDB version {version} cannot hold")
    }
}

impl std::error::Error for CannotHold {}

/// The type that the value of a key gets and the lowest version of Redis's files that has it.
pub(super) fn kind_for(version: Version, view: View<'_>) -> Option<(u8, u16)> {
    let kind = match version {
        Version::Auto => kind_of(view, Edition::V11).or_else(|| kind_of(view, Edition::V12)),
        Version::V9 => kind_of(view, Edition::V9),
        Version::V10 => kind_of(view, Edition::V10),
        Version::V11 => kind_of(view, Edition::V11),
        Version::V12 => kind_of(view, Edition::V12),
        Version::Valkey => kind_of(view, Edition::Valkey),
    }?;
    let needed = match kind {
        0..=15 => 9,
        16..=19 => 10,
        20..=21 => 11,
        _ => 12,
    };
    Some((kind, needed))
}

/// The first bytes of a file. `needed`: the greatest that writing its keys returned; only `Auto` looks at it.
#[must_use]
pub fn magic(version: Version, needed: u16) -> [u8; MAGIC_BYTES] {
    match version {
        Version::Auto if needed > 11 => *b"REDIS0012",
        Version::V9 => *b"REDIS0009",
        Version::V10 => *b"REDIS0010",
        Version::Auto | Version::V11 => *b"REDIS0011",
        Version::V12 => *b"REDIS0012",
        Version::Valkey => *b"VALKEY080",
    }
}

/// A fact about the writer. Never compressed, so that its size is known before.
pub fn put_aux(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(opcode::AUX);
    put_string(out, name, false);
    put_string(out, value, false);
}

/// The source of a library of functions.
pub fn put_function(out: &mut Vec<u8>, source: &[u8], compress: bool) {
    out.push(opcode::FUNCTION);
    put_string(out, source, compress);
}

/// Keys from here on are of database `db`.
pub fn put_select_db(out: &mut Vec<u8>, db: usize) {
    out.push(opcode::SELECT_DB);
    put_length(out, db as u64);
}

/// How many keys the database has and how many of them expire: a hint for loaders.
pub fn put_resize_db(out: &mut Vec<u8>, keys: u64, expires: u64) {
    out.push(opcode::RESIZE_DB);
    put_length(out, keys);
    put_length(out, expires);
}

/// The last record; eight bytes follow it, see [`put_checksum`].
pub fn put_end(out: &mut Vec<u8>) {
    out.push(opcode::END);
}

/// The checksum of everything up to the end's opcode; 0 = not computed (`rdbchecksum no`).
pub fn put_checksum(out: &mut Vec<u8>, crc: u64) {
    out.extend_from_slice(&crc.to_le_bytes());
}

/// What stands before a value of type `kind`.
pub(super) fn put_head(out: &mut Vec<u8>, head: &Head<'_>, kind: u8, compress: bool) {
    if let Some(at) = head.expire_at {
        out.push(opcode::EXPIRE_MS);
        out.extend_from_slice(&at.to_le_bytes());
    }
    if let Some(idle) = head.idle {
        out.push(opcode::IDLE);
        put_length(out, idle);
    }
    if let Some(freq) = head.freq {
        out.extend_from_slice(&[opcode::FREQ, freq]);
    }
    out.push(kind);
    put_string(out, head.key, compress);
}

/// A key of the keyspace as it is at `now` (unix ms). Returns the lowest version of Redis's files that can hold it.
pub fn put_item(out: &mut Vec<u8>, format: &Format, item: &Item<'_>, now: i64) -> Result<u16, CannotHold> {
    let head = Head::of(item, format.recency, now);
    let view = match item.kind() {
        Kind::String => return Ok(put_string_key(out, format, &head, item.string())),
        Kind::List => item.get::<List>().map(View::List),
        Kind::Set => item.get::<Set>().map(View::Set),
        Kind::Zset => item.get::<Zset>().map(View::Zset),
        Kind::Hash => item.get::<Hash>().map(View::Hash),
        Kind::Stream => item.get::<Stream>().map(View::Stream),
    };
    // An item always has the view of its kind.
    view.map_or(Ok(0), |view| put_collection_key(out, format, &head, view))
}

/// A key with a detached value. See [`put_item`].
pub fn put_key(out: &mut Vec<u8>, format: &Format, head: &Head<'_>, value: &Value) -> Result<u16, CannotHold> {
    match value {
        Value::Int(n) => Ok(put_string_key(out, format, head, StrRef::Int(*n))),
        Value::Str { bytes, .. } => Ok(put_string_key(out, format, head, StrRef::Bytes(bytes))),
        Value::Object(object) => put_collection_key(out, format, head, View::of(object)),
    }
}

fn put_string_key(out: &mut Vec<u8>, format: &Format, head: &Head<'_>, value: StrRef<'_>) -> u16 {
    put_head(out, head, TYPE_STRING, format.compresses);
    match value {
        StrRef::Int(n) => put_string(out, itoa::Buffer::new().format(n).as_bytes(), format.compresses),
        StrRef::Bytes(bytes) => put_string(out, bytes, format.compresses),
    }
    9
}

fn put_collection_key(out: &mut Vec<u8>, format: &Format, head: &Head<'_>, view: View<'_>) -> Result<u16, CannotHold> {
    let Some((kind, needed)) = kind_for(format.version, view) else {
        return Err(CannotHold { key: head.key.to_vec(), version: format.version });
    };
    put_head(out, head, kind, format.compresses);
    put_value(out, kind, view, format.compresses);
    Ok(needed)
}
