//! The request parser: turns received bytes into one command's arguments, in place.
//!
//! First code on every command's path, run by the connection over its receive buffer. Budget: 80-120 cycles for a
//! three-argument command; no allocation, no copy, one look at each header byte. An argument is a [`Span`] of the input.
//! Invariants:
//! * The commands found do not depend on how the input was cut into segments.
//! * A command that arrives in pieces is scanned once: [`Resume`] remembers the place, so the total work is O(bytes).
//! * A claimed count or length reserves nothing; memory grows only with bytes that have arrived.
//! * No byte string panics.
//!
//! It does not limit the size of the whole command (the owner of the buffer does), does not look commands up, and does
//! not check the two bytes after a header or an argument: redis-server skips them unread, and so does this.
//! redis-server also searches line ends as C strings, so a NUL byte in a line hides everything after it until the line
//! is too long; that is mirrored as well.
//!
//! Ref: redis.io/docs/reference/protocol-spec, behaviour of 7.2.

use super::{Span, inline};
use crate::base::num::parse_i64;
use std::borrow::Cow;

/// Longest header or inline line, in bytes, that may wait for its end.
const LINE_MAX: usize = 64 * 1024;
/// Most arguments, and longest argument in bytes, before a client has authenticated.
const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
const UNAUTHENTICATED_BULK_MAX: usize = 16 * 1024;
/// Spans a finished command may leave allocated in [`Resume`].
const KEPT_SPANS: usize = 1024;
/// Inputs are addressed with 32 bits; the query buffer limit (1 GiB) keeps real ones far below.
const INPUT_MAX: usize = u32::MAX as usize;

/// What one connection may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest argument in bytes, `proto-max-bulk-len`; `usize::MAX` on the link from a master.
    pub max_bulk: usize,
    /// False until the client has logged in, if it has to.
    pub authenticated: bool,
}

/// What the front of the input is. `used`: bytes to drop from the front before the next call.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// One command; its arguments were appended to `spans`, as places in the input.
    Command { used: usize },
    /// One inline command; its arguments were appended to `spans`, as places in `scratch`.
    Inline { used: usize },
    /// Something without effect: `*0`, `*-1` or an empty line. Go on with the next request.
    Nothing { used: usize },
    /// The command is not complete. `need`: least size in bytes the input must have before another call can tell more;
    /// 0 if not known, any further byte may complete it.
    /// It repeats what the client claims, so it is a hint for the next read, not a reason to reserve so much at once.
    More { need: usize },
    /// The client does not speak the protocol: reply [`ProtocolError::text`], then close.
    Error(ProtocolError),
}

/// Why a connection has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    TooBigInline,
    UnbalancedQuotes,
    TooBigCountLine,
    InvalidCount,
    UnauthenticatedCount,
    TooBigBulkLine,
    /// Holds the byte that stood where `$` was due.
    ExpectedDollar(u8),
    InvalidBulkLength,
    UnauthenticatedBulkLength,
}

impl ProtocolError {
    /// The error reply without the leading `-` and the line end; one line.
    pub fn text(self) -> Cow<'static, [u8]> {
        let text: &'static str = match self {
            ProtocolError::TooBigInline => "ERR Protocol error: too big inline request",
            ProtocolError::UnbalancedQuotes => "ERR Protocol error: unbalanced quotes in request",
            ProtocolError::TooBigCountLine => "ERR Protocol error: too big mbulk count string",
            ProtocolError::InvalidCount => "ERR Protocol error: invalid multibulk length",
            ProtocolError::UnauthenticatedCount => "ERR Protocol error: unauthenticated multibulk length",
            ProtocolError::TooBigBulkLine => "ERR Protocol error: too big bulk count string",
            ProtocolError::InvalidBulkLength => "ERR Protocol error: invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => "ERR Protocol error: unauthenticated bulk length",
            ProtocolError::ExpectedDollar(got) => {
                let got = if matches!(got, b'\r' | b'\n') { b' ' } else { got };
                return Cow::Owned([b"ERR Protocol error: expected '$', got '", &[got][..], b"'"].concat());
            }
        };
        Cow::Borrowed(text.as_bytes())
    }
}

/// How far an incomplete command was scanned. One for each connection; all zero between commands.
#[derive(Debug, Default)]
pub struct Resume {
    /// Arguments that are still missing; 0: the command's first line was not read yet.
    missing: u32,
    /// Where the next header starts.
    at: usize,
    /// Everything before this place holds no end of the line that starts at `at`.
    searched: usize,
    /// Least input size that can change anything.
    need: usize,
    /// Arguments found so far.
    found: Vec<Span>,
}

impl Resume {
    /// Forgets the incomplete command, for a connection whose buffer is emptied.
    pub fn clear(&mut self) {
        self.missing = 0;
        self.at = 0;
        self.searched = 0;
        self.need = 0;
        self.found.clear();
        if self.found.capacity() > KEPT_SPANS {
            self.found = Vec::new();
        }
    }

    /// True while a command is partly read.
    pub fn is_active(&self) -> bool {
        self.missing != 0 || self.need != 0 || self.searched != 0
    }

    /// Bytes allocated here, for the client's memory count.
    pub fn memory_bytes(&self) -> usize {
        self.found.capacity() * size_of::<Span>()
    }
}

/// Why the arguments cannot be read to the end now.
enum Stop {
    More { need: usize },
    Error(ProtocolError),
}

/// Reads the request at the front of `input`. After [`Parsed::More`] call again with the same bytes and further ones
/// behind them (the buffer itself may have moved) and the same `resume`.
/// `spans` and `scratch` only grow, and only for a complete command; the caller clears them when it likes.
#[inline]
pub fn parse(input: &[u8], limits: &Limits, resume: &mut Resume, spans: &mut Vec<Span>, scratch: &mut Vec<u8>) -> Parsed {
    // The whole fast path: a short header in sight, nothing left over from an earlier call.
    if resume.is_active() || input.len() > INPUT_MAX {
        return parse_slow(input, limits, resume, spans, scratch);
    }
    let Some((count, at)) = short_header(input, 0, b'*') else {
        return parse_slow(input, limits, resume, spans, scratch);
    };
    if count == 0 || (!limits.authenticated && count > UNAUTHENTICATED_ARGS_MAX as usize) {
        return parse_slow(input, limits, resume, spans, scratch);
    }
    let before = spans.len();
    let mut cursor = Cursor { at, searched: at, missing: count as u32 };
    match read_args(input, limits, &mut cursor, spans) {
        Ok(()) => Parsed::Command { used: cursor.at },
        Err(stop) => suspend(stop, &cursor, before, resume, spans),
    }
}

/// Keeps what was found for the next call.
#[cold]
fn suspend(stop: Stop, cursor: &Cursor, before: usize, resume: &mut Resume, spans: &mut Vec<Span>) -> Parsed {
    match stop {
        Stop::Error(error) => {
            spans.truncate(before);
            Parsed::Error(error)
        }
        Stop::More { need } => {
            resume.found.extend(spans.drain(before..));
            resume.missing = cursor.missing;
            resume.at = cursor.at;
            resume.searched = cursor.searched;
            resume.need = need;
            Parsed::More { need }
        }
    }
}

/// Everything that is not a whole ordinary command in one piece.
#[cold]
#[inline(never)]
fn parse_slow(input: &[u8], limits: &Limits, resume: &mut Resume, spans: &mut Vec<Span>, scratch: &mut Vec<u8>) -> Parsed {
    let input = &input[..input.len().min(INPUT_MAX)];
    if input.len() < resume.need {
        return Parsed::More { need: resume.need };
    }
    if resume.missing == 0 {
        match input.first() {
            None => return Parsed::More { need: 0 },
            Some(b'*') => {}
            Some(_) => return parse_inline(input, resume, spans, scratch),
        }
        let (count, at) = match line_number(input, 0, &mut resume.searched) {
            Line::Number(count, at) => (count, at),
            Line::Open => return Parsed::More { need: 0 },
            Line::TooLong => return fail(resume, ProtocolError::TooBigCountLine),
            Line::Invalid => return fail(resume, ProtocolError::InvalidCount),
        };
        resume.clear();
        if count > i64::from(i32::MAX) {
            return Parsed::Error(ProtocolError::InvalidCount);
        }
        if count > UNAUTHENTICATED_ARGS_MAX && !limits.authenticated {
            return Parsed::Error(ProtocolError::UnauthenticatedCount);
        }
        if count <= 0 {
            return Parsed::Nothing { used: at };
        }
        resume.missing = count as u32;
        resume.at = at;
        resume.searched = at;
    }
    let mut cursor = Cursor { at: resume.at, searched: resume.searched, missing: resume.missing };
    let outcome = read_args(input, limits, &mut cursor, &mut resume.found);
    match outcome {
        Ok(()) => {
            spans.extend_from_slice(&resume.found);
            resume.clear();
            Parsed::Command { used: cursor.at }
        }
        Err(Stop::Error(error)) => fail(resume, error),
        Err(Stop::More { need }) => {
            resume.missing = cursor.missing;
            resume.at = cursor.at;
            resume.searched = cursor.searched;
            resume.need = need;
            Parsed::More { need }
        }
    }
}

fn fail(resume: &mut Resume, error: ProtocolError) -> Parsed {
    resume.clear();
    Parsed::Error(error)
}

fn parse_inline(input: &[u8], resume: &mut Resume, spans: &mut Vec<Span>, scratch: &mut Vec<u8>) -> Parsed {
    let from = resume.searched.min(input.len());
    let end = match memchr::memchr2(b'\n', 0, &input[from..]).map(|found| found + from) {
        Some(end) if input[end] == b'\n' => end,
        other => {
            // A NUL byte hides whatever follows; stay in front of it.
            resume.searched = other.unwrap_or(input.len());
            if input.len() > LINE_MAX {
                return fail(resume, ProtocolError::TooBigInline);
            }
            return Parsed::More { need: 0 };
        }
    };
    resume.clear();
    let line = &input[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let before = spans.len();
    match inline::split_into(line, scratch, spans) {
        None => Parsed::Error(ProtocolError::UnbalancedQuotes),
        Some(()) if spans.len() == before => Parsed::Nothing { used: end + 1 },
        Some(()) => Parsed::Inline { used: end + 1 },
    }
}

/// The part of [`Resume`] that changes with every argument, kept in registers.
struct Cursor {
    at: usize,
    searched: usize,
    missing: u32,
}

/// Reads the missing arguments into `found`.
#[inline]
fn read_args(input: &[u8], limits: &Limits, cursor: &mut Cursor, found: &mut Vec<Span>) -> Result<(), Stop> {
    let bulk_max = if limits.authenticated { limits.max_bulk } else { limits.max_bulk.min(UNAUTHENTICATED_BULK_MAX) };
    while cursor.missing != 0 {
        let (len, body) = match short_header(input, cursor.at, b'$') {
            Some(header) => header,
            None => long_header(input, cursor)?,
        };
        if len > bulk_max {
            return Err(Stop::Error(refused_length(len, limits)));
        }
        // No overflow: len came from at most 19 digits and fits 63 bits, body is an index of the input.
        let next = body + len + 2;
        if next > input.len() {
            if next > INPUT_MAX {
                return Err(Stop::Error(ProtocolError::InvalidBulkLength));
            }
            return Err(Stop::More { need: next });
        }
        found.push(Span { start: body as u32, len: len as u32 });
        cursor.at = next;
        cursor.searched = next;
        cursor.missing -= 1;
    }
    Ok(())
}

#[cold]
fn refused_length(len: usize, limits: &Limits) -> ProtocolError {
    if len > limits.max_bulk { ProtocolError::InvalidBulkLength } else { ProtocolError::UnauthenticatedBulkLength }
}

/// Reads `<mark><digits>CR?` with one to four digits. `None` for everything else, right or wrong.
/// Returns the number and where the line after it starts, which is at most the end of the input.
#[inline(always)]
fn short_header(input: &[u8], at: usize, mark: u8) -> Option<(usize, usize)> {
    let rest = input.get(at..)?;
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    match *rest {
        [first, a, b'\r', _, ..] if first == mark && digit(a) <= 9 => Some((digit(a), at + 4)),
        [first, a, b, b'\r', _, ..] if first == mark && digit(a).wrapping_sub(1) < 9 && digit(b) <= 9 => {
            Some((digit(a) * 10 + digit(b), at + 5))
        }
        [first, a, b, c, b'\r', _, ..] if first == mark && digit(a).wrapping_sub(1) < 9 && digit(b) <= 9 && digit(c) <= 9 => {
            Some((digit(a) * 100 + digit(b) * 10 + digit(c), at + 6))
        }
        [first, a, b, c, d, b'\r', _, ..]
            if first == mark && digit(a).wrapping_sub(1) < 9 && digit(b) <= 9 && digit(c) <= 9 && digit(d) <= 9 =>
        {
            Some((digit(a) * 1000 + digit(b) * 100 + digit(c) * 10 + digit(d), at + 7))
        }
        _ => None,
    }
}

/// Reads any `$` header, long, wrong or incomplete.
#[cold]
#[inline(never)]
fn long_header(input: &[u8], cursor: &mut Cursor) -> Result<(usize, usize), Stop> {
    let line = line_number(input, cursor.at, &mut cursor.searched);
    let is_complete = matches!(line, Line::Number(..) | Line::Invalid);
    // The mark is judged only once the line has an end, and before the number.
    match input.get(cursor.at) {
        Some(&got) if is_complete && got != b'$' => {
            return Err(Stop::Error(ProtocolError::ExpectedDollar(got)));
        }
        _ => {}
    }
    match line {
        Line::Open => Err(Stop::More { need: 0 }),
        Line::TooLong => Err(Stop::Error(ProtocolError::TooBigBulkLine)),
        Line::Number(len, body) if len >= 0 && (len as u64) < (1 << 62) => Ok((len as usize, body)),
        Line::Number(..) | Line::Invalid => Err(Stop::Error(ProtocolError::InvalidBulkLength)),
    }
}

/// What a header line holds behind its mark.
enum Line {
    /// The number, and where the next line starts.
    Number(i64, usize),
    /// Has an end but no number.
    Invalid,
    /// Has no end yet.
    Open,
    /// Has no end and is over the limit.
    TooLong,
}

/// Reads the header line at `at`. `searched` is moved over the bytes that were found to hold no line end.
fn line_number(input: &[u8], at: usize, searched: &mut usize) -> Line {
    let open = if input.len() - at.min(input.len()) > LINE_MAX { Line::TooLong } else { Line::Open };
    let from = (*searched).clamp(at.min(input.len()), input.len());
    match memchr::memchr2(b'\r', 0, &input[from..]).map(|found| found + from) {
        Some(end) if input[end] == b'\r' => {
            *searched = end;
            if end + 2 > input.len() {
                // One byte after CR is skipped unread, so it has to be there. This is no too long line yet.
                return Line::Open;
            }
            match input.get(at + 1..end).and_then(parse_i64) {
                Some(number) => Line::Number(number, end + 2),
                None => Line::Invalid,
            }
        }
        other => {
            *searched = other.unwrap_or(input.len());
            open
        }
    }
}

#[cfg(test)]
mod tests;
