//! The records of a snapshot file, told apart in windows of it, without decoding values.
//!
//! Layer 4, under `rdb`. Every core reads the whole file and decodes its own keys only, so what is done for all keys is done
//! here and is little: one look at a small string.
//!
//! Invariants: bytes that were not seen are not believed: a length reserves nothing; a record that is not whole in the window
//! changes nothing (but for how far its value was walked); values longer than [`LONG`] never need a window of their size.
//! It does not compute checksums, and does not know which keys somebody wants.
//! Ref: rdb.fnordig.de/file_format.html

use std::ops::{Deref, RangeInclusive};

use super::build::{Build, Built};
use super::failure::{Cause, Failure};
use super::walk::{self, Progress, Walk};
use super::{MAGIC_BYTES, opcode};
use crate::data::codec::string::read_string;
use crate::data::codec::{self, Dialect, Fault, Reader, TYPE_STRING};
use crate::data::collection::Limits;

/// A value that takes more bytes of the file than this is jumped over, or built from several windows.
pub const LONG: u64 = 16 << 20;
/// Versions of Redis's files that are read; between 12 and Valkey's lie those of others.
const VERSIONS: RangeInclusive<i64> = 1..=12;
/// Versions of Valkey's files that are read.
const VALKEY_VERSIONS: RangeInclusive<i64> = 80..=80;
/// The first version with a checksum behind the end.
const VERSION_WITH_CHECKSUM: u16 = 5;
const SLOTS: u64 = 16_384;
/// Bytes of the name of a slot import.
const IMPORT_NAME: usize = 40;
/// Types from here on are modules of candidates of Redis 4.0, and others.
const TYPE_MODULE_PRE_GA: u8 = 6;
const TYPE_LAST: u8 = 25;
/// Values of modules.
pub const TYPE_MODULE: u8 = 7;

/// The log line when the stored checksum is 0.
pub const NOT_CHECKED: &str = "RDB file was saved with checksum disabled: no check performed.";

/// Digits of a string that is stored as a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digits {
    bytes: [u8; 11],
    len: u8,
}

/// A string of the file, as its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text<'w> {
    Slice(&'w [u8]),
    Number(Digits),
    Owned(Vec<u8>),
}

impl Deref for Text<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Text::Slice(bytes) => bytes,
            Text::Number(digits) => digits.bytes.get(..usize::from(digits.len)).unwrap_or_default(),
            Text::Owned(bytes) => bytes,
        }
    }
}

/// A record.
#[derive(Debug)]
pub enum Record<'w> {
    /// The first of a file.
    Magic { version: u16, dialect: Dialect },
    /// A fact about the writer.
    Aux { name: Text<'w>, value: Text<'w> },
    /// The source of a library of functions.
    Function(Text<'w>),
    /// Keys from here on are of this database.
    SelectDb(u64),
    /// How many keys a database has: a claim, reserve little for it.
    ResizeDb { keys: u64, expires: u64 },
    /// How many keys a slot has: the same.
    SlotInfo { slot: u64, keys: u64, expires: u64 },
    /// The writer was taking over these slots from another node and did not own them yet: what the file has of their keys is a part.
    SlotImport(Vec<RangeInclusive<u16>>),
    /// Facts of a module; they are jumped over.
    ModuleAux { name: String, before_keys: bool },
    /// A key.
    Key(KeyRecord<'w>),
    /// The value of the key before, after [`Skim::keep`].
    Built(codec::Value),
    /// The last record. `crc`: as it is stored, 0 = not computed; it covers the file up to offset `covered`.
    End { crc: u64, covered: u64 },
}

/// A key and its value.
#[derive(Debug)]
pub struct KeyRecord<'w> {
    /// Offset in the file of the type byte.
    pub at: u64,
    pub db: u64,
    pub key: Text<'w>,
    /// Unix ms.
    pub expire_at: Option<i64>,
    /// Seconds since the last use.
    pub idle: Option<u64>,
    /// The use counter.
    pub freq: Option<u8>,
    /// The type byte.
    pub kind: u8,
    /// The value's bytes; `None`: longer than [`LONG`], see [`Skim::keep`].
    pub value: Option<&'w [u8]>,
}

impl KeyRecord<'_> {
    /// Decodes the value. Fails with `Fault::Empty` inside for a collection without elements: Redis leaves such keys out; with
    /// `Module` for a module's value. Must not be called where there is no value in one piece: fails as if it were cut off.
    pub fn decode(&self, dialect: Dialect, limits: &Limits) -> Result<codec::Value, Failure> {
        decode(self.kind, self.value.unwrap_or_default(), dialect, limits).map_err(|cause| Failure::new(self.at, cause))
    }
}

/// Decodes a whole value.
pub(super) fn decode(kind: u8, value: &[u8], dialect: Dialect, limits: &Limits) -> Result<codec::Value, Cause> {
    if kind == TYPE_MODULE {
        return Err(Cause::Module(walk::length(value).ok().and_then(Result::ok).map_or(String::new(), |(id, _)| module_name(id))));
    }
    let mut reader = Reader::new(value);
    match codec::read_value(&mut reader, kind, dialect, limits) {
        Ok(value) if reader.is_empty() => Ok(value),
        Ok(_) => Err(Cause::Value { kind, fault: Fault::TrailingBytes }),
        Err(fault) => Err(Cause::Value { kind, fault }),
    }
}

/// What [`Skim::next`] found.
#[derive(Debug)]
pub enum Next<'w> {
    Record(Record<'w>),
    /// The window must cover `bytes` bytes from file offset `from` on; it may lie behind the window. More is welcome.
    NeedMore {
        from: u64,
        bytes: usize,
    },
}

/// What is known of the next key.
#[derive(Clone, Copy, Debug, Default)]
struct Attributes {
    expire_at: Option<i64>,
    idle: Option<u64>,
    freq: Option<u8>,
}

#[derive(Debug)]
enum State {
    Magic,
    Records,
    /// Behind the key of a long value, or a module's facts: jumping over it.
    Jump(Walk),
    /// Building it.
    Build(Box<Build>),
    Ended {
        crc: u64,
        covered: u64,
    },
}

/// The place in a file. See the file's head.
#[derive(Debug)]
pub struct Skim {
    /// Offset of the next record, or of what is left of a value.
    at: u64,
    len: u64,
    databases: u64,
    dialect: Dialect,
    version: u16,
    db: u64,
    next_key: Attributes,
    /// How far the value of the record at `at` was walked in windows too short for it.
    half: Option<Walk>,
    /// A database began.
    has_keys: bool,
    /// It has what no version without a checksum has.
    is_modern: bool,
    /// Type and offset of a long value.
    long: (u8, u64),
    /// [`LONG`], but in tests.
    long_from: u64,
    state: State,
}

/// Why a record was not read.
enum Stop {
    /// It takes so many bytes from its start to tell more.
    More(usize),
    Bad(Cause),
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Stop {
        Stop::Bad(cause)
    }
}

/// A cursor in the window, from the start of a record.
struct Peek<'w> {
    bytes: &'w [u8],
    at: usize,
    /// For messages.
    kind: u8,
}

impl<'w> Peek<'w> {
    fn rest(&self) -> &'w [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn look<T>(&mut self, look: impl FnOnce(&'w [u8]) -> walk::Look<T>) -> Result<T, Stop> {
        match look(self.rest()) {
            Ok(Ok((value, taken))) => {
                self.at += taken;
                Ok(value)
            }
            Ok(Err(need)) => Err(Stop::More(self.at.saturating_add(need))),
            Err(fault) => Err(self.bad(fault)),
        }
    }

    fn bad(&self, fault: Fault) -> Stop {
        Stop::Bad(Cause::Value { kind: self.kind, fault })
    }

    fn length(&mut self) -> Result<u64, Stop> {
        self.look(walk::length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.look(|bytes| Ok(bytes.first_chunk().map(|array| (*array, N)).ok_or(N)))
    }

    #[inline]
    fn text(&mut self) -> Result<Text<'w>, Stop> {
        let rest = self.rest();
        if let Some((&len @ 0..0x40, rest)) = rest.split_first()
            && let Some(text) = rest.get(..usize::from(len))
        {
            self.at += 1 + usize::from(len);
            return Ok(Text::Slice(text));
        }
        self.long_text()
    }

    fn long_text(&mut self) -> Result<Text<'w>, Stop> {
        let rest = self.rest();
        let start = self.at;
        let body = self.look(walk::text)?;
        let head = self.at - start;
        self.at = start;
        let end = usize::try_from(body).ok().and_then(|body| body.checked_add(head)).filter(|end| end.checked_add(start).is_some());
        let end = end.ok_or_else(|| self.bad(Fault::Truncated))?;
        let Some(whole) = rest.get(..end) else { return Err(Stop::More(start + end)) };
        self.at = start + end;
        let number = match whole {
            [0xC0, a] => i32::from(i8::from_le_bytes([*a])),
            [0xC1, a, b] => i32::from(i16::from_le_bytes([*a, *b])),
            [0xC2, a, b, c, d] => i32::from_le_bytes([*a, *b, *c, *d]),
            _ => {
                let text = read_string(&mut Reader::new(whole)).map_err(|fault| self.bad(fault))?;
                return Ok(match text {
                    std::borrow::Cow::Borrowed(bytes) => Text::Slice(bytes),
                    std::borrow::Cow::Owned(bytes) => Text::Owned(bytes),
                });
            }
        };
        let mut digits = Digits { bytes: [0; 11], len: 0 };
        for (to, from) in digits.bytes.iter_mut().zip(itoa::Buffer::new().format(number).bytes()) {
            *to = from;
            digits.len += 1;
        }
        Ok(Text::Number(digits))
    }
}

impl Skim {
    /// Before the first byte. `len`: of the file in bytes, if that is known: then what does not fit is refused at once.
    /// `databases`: how many are configured.
    #[must_use]
    pub fn new(len: Option<u64>, databases: u64) -> Skim {
        Skim {
            at: 0,
            len: len.unwrap_or(u64::MAX),
            databases,
            dialect: Dialect::Redis,
            version: 0,
            db: 0,
            next_key: Attributes::default(),
            half: None,
            has_keys: false,
            is_modern: false,
            long: (TYPE_STRING, 0),
            long_from: LONG,
            state: State::Magic,
        }
    }

    #[cfg(test)]
    pub(super) fn with_long_from(mut self, bytes: u64) -> Skim {
        self.long_from = bytes;
        self
    }

    /// File offset of what comes next: bytes before it are not needed any more.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Whose file it is, known from the magic on.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The failure when there are no more bytes although some are needed.
    #[must_use]
    pub fn end_of_input(&self) -> Failure {
        Failure::new(self.at, Cause::Short)
    }

    /// Right after a key without a value in one piece: the value is to be built and comes as [`Record::Built`], in the form
    /// that `limits` dictate. Otherwise it is jumped over.
    pub fn keep(&mut self, limits: &Limits) {
        if let State::Jump(_) = &self.state {
            let (kind, at) = self.long;
            self.at = at;
            self.state = State::Build(Box::new(Build::new(kind, self.dialect, at, limits)));
        }
    }

    /// The next record in a window that begins at file offset `base`, at or before [`Skim::offset`]. After the last record it
    /// comes again and again.
    pub fn next<'w>(&mut self, window: &'w [u8], base: u64) -> Result<Next<'w>, Failure> {
        loop {
            match &mut self.state {
                State::Ended { crc, covered } => return Ok(Next::Record(Record::End { crc: *crc, covered: *covered })),
                State::Jump(walk) => {
                    let (kind, start) = self.long;
                    let progress = walk.run(window, base).map_err(|fault| Failure::new(start, Cause::Value { kind, fault }))?;
                    self.at = walk.at();
                    match progress {
                        Progress::Done => self.state = State::Records,
                        Progress::Needs(bytes) => return self.need(self.at, bytes, false),
                    }
                }
                State::Build(build) => {
                    let progress = build.feed(window, base);
                    self.at = build.at();
                    match progress? {
                        Built::Whole(value) => {
                            self.state = State::Records;
                            return Ok(Next::Record(Record::Built(value)));
                        }
                        Built::Needs(bytes) => return self.need(self.at, bytes, false),
                    }
                }
                State::Magic | State::Records => {
                    let from = self.at.checked_sub(base).and_then(|from| usize::try_from(from).ok()).unwrap_or(usize::MAX);
                    let bytes = window.get(from..).unwrap_or_default();
                    match self.record(bytes) {
                        Ok(Some(record)) => return Ok(Next::Record(record)),
                        Ok(None) => {}
                        Err(Stop::More(needed)) => return self.need(self.at, needed, self.half.is_some()),
                        Err(Stop::Bad(cause)) => return Err(Failure::new(self.at, cause)),
                    }
                }
            }
        }
    }

    /// `is_growing`: the same record may need more again, so rather ask for twice as much.
    fn need<'w>(&self, from: u64, bytes: usize, is_growing: bool) -> Result<Next<'w>, Failure> {
        let left = self.len.saturating_sub(from);
        if from > self.len || bytes as u64 > left {
            return Err(Failure::new(self.at, Cause::Short));
        }
        let more = if is_growing && self.len != u64::MAX { bytes.saturating_mul(2) } else { bytes };
        Ok(Next::NeedMore { from, bytes: usize::try_from(left).map_or(more, |left| more.min(left)) })
    }

    /// One record from the start of `bytes`; `None`: something about the next key, or nothing.
    #[inline]
    fn record<'w>(&mut self, bytes: &'w [u8]) -> Result<Option<Record<'w>>, Stop> {
        if matches!(self.state, State::Magic) {
            return self.magic(bytes).map(Some);
        }
        let Some(&first) = bytes.first() else { return Err(Stop::More(1)) };
        let mut peek = Peek { bytes, at: 1, kind: first };
        if first <= TYPE_LAST {
            return self.key(peek).map(Some);
        }
        let record = match first {
            opcode::EXPIRE_MS => {
                let at = i64::from_le_bytes(peek.array()?);
                // -1 is how servers remember that there is none.
                self.next_key.expire_at = Some(at).filter(|at| *at != -1);
                None
            }
            opcode::EXPIRE_SECONDS => {
                let at = i32::from_le_bytes(peek.array()?);
                self.next_key.expire_at = Some(i64::from(at) * 1000);
                None
            }
            opcode::IDLE => {
                self.next_key.idle = Some(peek.length()?);
                None
            }
            opcode::FREQ => {
                let [freq] = peek.array()?;
                self.next_key.freq = Some(freq);
                None
            }
            _ => self.other_record(first, &mut peek)?,
        };
        self.at += peek.at as u64;
        Ok(record)
    }

    /// Records that are rare.
    fn other_record<'w>(&mut self, first: u8, peek: &mut Peek<'w>) -> Result<Option<Record<'w>>, Stop> {
        Ok(Some(match first {
            opcode::AUX => {
                let (name, value) = (peek.text()?, peek.text()?);
                self.is_modern = true;
                Record::Aux { name, value }
            }
            opcode::FUNCTION => Record::Function(peek.text()?),
            opcode::FUNCTION_PRE_GA => return Err(Cause::PreReleaseFunction.into()),
            opcode::SELECT_DB => {
                let db = peek.length()?;
                if db >= self.databases {
                    return Err(Cause::Database { db, databases: self.databases }.into());
                }
                self.db = db;
                self.has_keys = true;
                Record::SelectDb(db)
            }
            opcode::RESIZE_DB => Record::ResizeDb { keys: peek.length()?, expires: peek.length()? },
            opcode::SLOT_INFO => {
                let slot = peek.length()?;
                if slot >= SLOTS {
                    return Err(Cause::Slot(slot).into());
                }
                Record::SlotInfo { slot, keys: peek.length()?, expires: peek.length()? }
            }
            opcode::SLOT_IMPORT if self.dialect == Dialect::Valkey => Record::SlotImport(self.slot_import(peek)?),
            opcode::MODULE_AUX => {
                let (id, mark, when) = (peek.length()?, peek.length()?, peek.length()?);
                if mark != 2 {
                    return Err(peek.bad(Fault::Malformed("facts of a module")));
                }
                let items = self.at + peek.at as u64;
                self.long = (opcode::MODULE_AUX, items);
                self.state = State::Jump(Walk::new(walk::MODULE_ITEMS, items));
                Record::ModuleAux { name: module_name(id), before_keys: when == 1 }
            }
            opcode::END => {
                let covered = self.at + 1;
                // A damaged version must not take the checksum away.
                let is_summed = self.version >= VERSION_WITH_CHECKSUM || self.is_modern;
                let crc = if is_summed { u64::from_le_bytes(peek.array()?) } else { 0 };
                self.state = State::Ended { crc, covered };
                Record::End { crc, covered }
            }
            other => return Err(Cause::UnknownType(other).into()),
        }))
    }

    /// A name, and ranges of slots by their first and last.
    fn slot_import(&self, peek: &mut Peek<'_>) -> Result<Vec<RangeInclusive<u16>>, Stop> {
        let name = peek.text()?;
        // Whoever counts on it must hear of it before there are keys.
        if name.len() != IMPORT_NAME || self.has_keys {
            return Err(peek.bad(Fault::Malformed("slot import")));
        }
        let count = peek.length()?;
        if count > SLOTS {
            return Err(peek.bad(Fault::Malformed("slot import")));
        }
        let mut ranges = Vec::new();
        for _ in 0..count {
            let (first, last) = (peek.length()?, peek.length()?);
            if last >= SLOTS || first > last {
                return Err(Cause::Slot(first.max(last)).into());
            }
            ranges.push(first as u16..=last as u16);
        }
        Ok(ranges)
    }

    fn magic<'w>(&mut self, bytes: &[u8]) -> Result<Record<'w>, Stop> {
        let is_valkey = bytes.first() == Some(&b'V');
        let name: &[u8] = if is_valkey { b"VALKEY" } else { b"REDIS" };
        let same = bytes.iter().zip(name).take_while(|(a, b)| a == b).count();
        if same < name.len().min(bytes.len()) {
            return Err(Cause::Signature.into());
        }
        let Some(digits) = bytes.get(name.len()..MAGIC_BYTES) else { return Err(Stop::More(MAGIC_BYTES)) };
        let digits = digits.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
        let version = digits.iter().fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let is_read = if is_valkey { VALKEY_VERSIONS.contains(&version) } else { VERSIONS.contains(&version) };
        if !is_read {
            return Err(Cause::Version(version).into());
        }
        self.version = version as u16;
        self.dialect = if is_valkey { Dialect::Valkey } else { Dialect::Redis };
        self.state = State::Records;
        self.at += MAGIC_BYTES as u64;
        Ok(Record::Magic { version: self.version, dialect: self.dialect })
    }

    #[inline]
    fn key<'w>(&mut self, mut peek: Peek<'w>) -> Result<Record<'w>, Stop> {
        let (bytes, kind) = (peek.bytes, peek.kind);
        let key = peek.text()?;
        let start = peek.at;
        // A small plain string, which most values are.
        let mut value = None;
        if kind == TYPE_STRING
            && let Some(&len @ 0..0x40) = bytes.get(start)
        {
            value = bytes.get(start..start + 1 + usize::from(len));
        }
        match value {
            None => value = self.walked_value(kind, bytes, start)?,
            Some(_) => self.half = None,
        }
        let Attributes { expire_at, idle, freq } = std::mem::take(&mut self.next_key);
        let record = KeyRecord { at: self.at, db: self.db, key, expire_at, idle, freq, kind, value };
        self.at += start as u64 + value.map_or(0, |value| value.len() as u64);
        Ok(Record::Key(record))
    }

    /// The value that stands at `start` in the bytes of a record; `None` if it is long, and then the state says so.
    fn walked_value<'w>(&mut self, kind: u8, bytes: &'w [u8], start: usize) -> Result<Option<&'w [u8]>, Stop> {
        let from = self.at + start as u64;
        let mut walk = match self.half.take() {
            Some(walk) => walk,
            None if kind == TYPE_MODULE_PRE_GA => return Err(Cause::PreReleaseModule.into()),
            None => Walk::new(walk::program(kind, self.dialect).ok_or(Cause::UnknownType(kind))?, from),
        };
        let progress = walk.run(bytes, self.at).map_err(|fault| Cause::Value { kind, fault })?;
        let (end, needed) = match progress {
            Progress::Done => (walk.at(), 0),
            Progress::Needs(more) => (walk.at(), more),
        };
        let whole = usize::try_from(end - from).ok().and_then(|len| start.checked_add(len));
        if needed == 0
            && let Some(value) = whole.and_then(|end| bytes.get(start..end))
        {
            return Ok(Some(value));
        }
        if end - from > self.long_from {
            if end > self.len {
                return Err(Cause::Short.into());
            }
            self.long = (kind, from);
            self.state = State::Jump(walk);
            return Ok(None);
        }
        self.half = Some(walk);
        Err(Stop::More(whole.unwrap_or(usize::MAX).saturating_add(needed)))
    }
}

/// The name of a module's type: nine characters of six bits above ten bits of a version.
#[must_use]
pub fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).map(|n| char::from(LETTERS[(id >> (10 + 6 * (8 - n)) & 63) as usize])).collect()
}

/// Holds the checksum of a file against the stored one; `at`: the offset of the end. Where that is 0 nothing is compared.
pub fn verify(stored: u64, computed: u64, at: u64) -> Result<(), Failure> {
    if stored == 0 || stored == computed { Ok(()) } else { Err(Failure::new(at, Cause::Checksum { stored, computed })) }
}
