//! Where a value ends: its parts are stepped over without being decoded, also when they are longer than the window.
//!
//! Layer 4, under `rdb`. What a type consists of is a small program of [`Op`]s; the walk keeps its place in it, so it goes on
//! where the last window ended.
//!
//! Invariants: a step needs the bytes it looks at; only the bodies of strings are jumped over unseen. So no count that the input
//! claims makes the walk run further than there are bytes.
//! Ref: rdb.fnordig.de/file_format.html

use crate::data::codec::{Dialect, Fault, TYPE_STREAM, TYPE_STREAM_2, TYPE_STREAM_3, TYPE_STRING};

/// A part of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// A string in any encoding.
    Text,
    /// A length.
    Length,
    /// So many bytes.
    Bytes(u8),
    /// A score as text.
    Score,
    /// A count and so many times these parts.
    Each(&'static [Op]),
    /// Items of a module up to their end mark.
    Module,
}

use Op::{Bytes, Each, Length, Module, Score, Text};

const PAIRS: &[Op] = &[Text, Text];
const PENDING: &[Op] = &[Bytes(24), Length];
const PENDING_IDS: Op = Each(&[Bytes(16)]);
const GROUP_1: &[Op] = &[Text, Length, Length, Each(PENDING), Each(&[Text, Bytes(8), PENDING_IDS])];
const GROUP_2: &[Op] = &[Text, Length, Length, Length, Each(PENDING), Each(&[Text, Bytes(8), PENDING_IDS])];
const GROUP_3: &[Op] = &[Text, Length, Length, Length, Each(PENDING), Each(&[Text, Bytes(16), PENDING_IDS])];

/// What a value of type `kind` consists of; `None`: there is no such type.
#[must_use]
pub fn program(kind: u8, dialect: Dialect) -> Option<&'static [Op]> {
    Some(match kind {
        TYPE_STRING | 9..=13 | 16 | 17 | 20 | 23 => &[Text],
        1 | 2 | 14 => &[Each(&[Text])],
        3 => &[Each(&[Text, Score])],
        4 => &[Each(PAIRS)],
        5 => &[Each(&[Text, Bytes(8)])],
        7 => &[Length, Module],
        TYPE_STREAM => &[Each(PAIRS), Length, Length, Length, Each(GROUP_1)],
        18 => &[Each(&[Length, Text])],
        TYPE_STREAM_2 => &[Each(PAIRS), Length, Length, Length, Length, Length, Length, Length, Length, Each(GROUP_2)],
        TYPE_STREAM_3 => &[Each(PAIRS), Length, Length, Length, Length, Length, Length, Length, Length, Each(GROUP_3)],
        22 if dialect == Dialect::Valkey => &[Each(&[Text, Text, Bytes(8)])],
        22 => &[Each(&[Length, Text, Text])],
        24 => &[Bytes(8), Each(&[Length, Text, Text])],
        25 => &[Bytes(8), Text],
        _ => return None,
    })
}

/// The items of a module, up to the end mark.
pub const MODULE_ITEMS: &[Op] = &[Module];

/// Parts that come so many times more.
#[derive(Clone, Copy, Debug)]
struct Frame {
    ops: &'static [Op],
    at: usize,
    left: u64,
}

const NO_FRAME: Frame = Frame { ops: &[], at: 0, left: 0 };
/// A program, groups in it, consumers in those, IDs in those.
const DEPTH: usize = 4;

/// A place in a value. See the file's head.
#[derive(Clone, Debug)]
pub struct Walk {
    frames: [Frame; DEPTH],
    depth: usize,
    at: u64,
}

/// How far a walk came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// To the end, which is where the walk stands; the window may end before.
    Done,
    /// The next step needs so many bytes from where the walk stands.
    Needs(usize),
}

/// What a look at a few bytes gives: a value and the bytes it took, or how many bytes it takes to tell.
pub(super) type Look<T> = Result<Result<(T, usize), usize>, Fault>;

/// A length.
#[inline]
pub(super) fn length(bytes: &[u8]) -> Look<u64> {
    let Some(&first) = bytes.first() else { return Ok(Err(1)) };
    let need = match first {
        0..0x40 => return Ok(Ok((u64::from(first), 1))),
        0x40..0x80 => 2,
        0x80 => 5,
        0x81 => 9,
        _ => return Err(Fault::BadLength(first)),
    };
    let Some(all) = bytes.get(1..need) else { return Ok(Err(need)) };
    let low = all.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(Ok((if need == 2 { u64::from(first & 0x3F) << 8 | low } else { low }, need)))
}

/// The head of a string: bytes of its body, after how many of its head.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Look<u64> {
    match bytes.first() {
        Some(0xC0) => Ok(Ok((1, 1))),
        Some(0xC1) => Ok(Ok((2, 1))),
        Some(0xC2) => Ok(Ok((4, 1))),
        Some(0xC3) => {
            let behind = |n: usize| bytes.get(n..).unwrap_or_default();
            let (stream, taken) = match length(behind(1))? {
                Ok(found) => found,
                Err(need) => return Ok(Err(1 + need)),
            };
            Ok(match length(behind(1 + taken))? {
                Ok((_, more)) => Ok((stream, 1 + taken + more)),
                Err(need) => Err(1 + taken + need),
            })
        }
        Some(encoding @ 0xC4..) => Err(Fault::BadStringEncoding(encoding & 0x3F)),
        _ => length(bytes),
    }
}

impl Walk {
    /// Before the first of these parts, at file offset `at`.
    #[must_use]
    pub fn new(ops: &'static [Op], at: u64) -> Walk {
        let mut frames = [NO_FRAME; DEPTH];
        frames[0] = Frame { ops, at: 0, left: 1 };
        Walk { frames, depth: 1, at }
    }

    /// The file offset where it stands; may lie beyond the last window.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Goes on through a window that begins at file offset `base`, at or before where it stands.
    pub fn run(&mut self, window: &[u8], base: u64) -> Result<Progress, Fault> {
        while let Some(frame) = self.depth.checked_sub(1).and_then(|top| self.frames.get_mut(top)) {
            let Some(&op) = frame.ops.get(frame.at) else {
                frame.left -= 1;
                frame.at = 0;
                if frame.left == 0 {
                    self.depth -= 1;
                }
                continue;
            };
            let from = self.at.checked_sub(base).and_then(|from| usize::try_from(from).ok()).unwrap_or(usize::MAX);
            let rest = window.get(from..).unwrap_or_default();
            let step = match op {
                Op::Bytes(n) if rest.len() >= usize::from(n) => Ok((0, usize::from(n))),
                Op::Bytes(n) => Err(usize::from(n)),
                Op::Length => length(rest)?.map(|(_, taken)| (0, taken)),
                Op::Text => text(rest)?,
                Op::Score => match rest.first() {
                    None => Err(1),
                    Some(253..) => Ok((0, 1)),
                    Some(&len) => Ok((u64::from(len), 1)),
                },
                Op::Each(ops) => match length(rest)? {
                    Err(need) => Err(need),
                    Ok((count, taken)) => {
                        frame.at += 1;
                        if let Some(inner) = self.frames.get_mut(self.depth).filter(|_| count > 0) {
                            *inner = Frame { ops, at: 0, left: count };
                            self.depth += 1;
                        }
                        Ok((0, taken))
                    }
                },
                Op::Module => module_item(rest)?.map(|((body, is_end), taken)| {
                    if is_end {
                        frame.at += 1;
                    }
                    (body, taken)
                }),
            };
            let (body, head) = match step {
                Ok(step) => step,
                Err(need) => return Ok(Progress::Needs(need)),
            };
            if !matches!(op, Op::Each(_) | Op::Module)
                && let Some(frame) = self.frames.get_mut(self.depth - 1)
            {
                frame.at += 1;
            }
            self.at = self.at.checked_add(head as u64).and_then(|at| at.checked_add(body)).ok_or(Fault::Truncated)?;
        }
        Ok(Progress::Done)
    }
}

/// One item of a module: bytes of its body, and whether it is the end mark.
fn module_item(bytes: &[u8]) -> Look<(u64, bool)> {
    let (code, taken) = match length(bytes)? {
        Ok(found) => found,
        Err(need) => return Ok(Err(need)),
    };
    let rest = bytes.get(taken..).unwrap_or_default();
    let (body, more) = match code {
        0 => return Ok(Ok(((0, true), taken))),
        1 | 2 => match length(rest)? {
            Ok((_, more)) => (0, more),
            Err(need) => return Ok(Err(taken + need)),
        },
        3 | 4 => {
            let bytes = if code == 3 { 4 } else { 8 };
            if rest.len() < bytes {
                return Ok(Err(taken + bytes));
            }
            (0, bytes)
        }
        5 => match text(rest)? {
            Ok(found) => found,
            Err(need) => return Ok(Err(taken + need)),
        },
        _ => return Err(Fault::Malformed("item of a module")),
    };
    Ok(Ok(((body, false), taken + more)))
}
