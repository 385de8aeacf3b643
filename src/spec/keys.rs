//! Key positions of a call: the one place where keys are extracted from arguments, for routing, ACL, COMMAND GETKEYS.
//! Ref: redis.io/docs/latest/develop/reference/key-specs

use super::{Access, Spec, call::Args};
use crate::base::num::parse_i64;

/// Where a key spec begins.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    Index(u8),
    /// After the word, searched from argument `from` (negative: backwards from the end).
    Keyword(&'static str, i8),
}

/// How keys follow the beginning.
#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// `last` relative to the beginning (-1 = last argument), every `step`-th; `limit` 2 = only the first half of the rest.
    Range { last: i8, step: u8, limit: u8 },
    /// A number of keys at `count`, keys from `first`, every `step`-th (all relative to the beginning).
    Count { count: u8, first: u8, step: u8 },
    /// Not expressible; `Spec::find_keys` decides (SORT).
    Unknown,
}

/// One run of keys of a command.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    pub begin: Begin,
    pub find: Find,
    pub access: Access,
    /// Why it is as it is, for readers of COMMAND INFO; empty where nothing is odd.
    pub notes: &'static str,
}

impl KeySpec {
    /// One key at argument `index`.
    pub const fn one(index: u8, access: Access) -> KeySpec {
        KeySpec::range(index, 0, 1, access)
    }
    /// Keys from argument `index` to `last` (relative to it, -1 = the last argument), every `step`-th.
    pub const fn range(index: u8, last: i8, step: u8, access: Access) -> KeySpec {
        KeySpec { begin: Begin::Index(index), find: Find::Range { last, step, limit: 0 }, access, notes: "" }
    }
    /// A count at argument `index`, then that many keys, every `step`-th argument.
    pub const fn counted(index: u8, step: u8, access: Access) -> KeySpec {
        KeySpec { begin: Begin::Index(index), find: Find::Count { count: 0, first: 1, step }, access, notes: "" }
    }
    /// Keys that no rule finds; `Spec::find_keys` does.
    pub const fn unknown(access: Access) -> KeySpec {
        KeySpec { begin: Begin::Index(0), find: Find::Unknown, access, notes: "" }
    }
    /// The same with a note.
    pub const fn noted(self, notes: &'static str) -> KeySpec {
        KeySpec { notes, ..self }
    }
}

/// Why keys cannot be extracted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invalid {
    /// The count of keys is not a number or does not fit the call.
    Count,
}

/// Appends `(argument index, key spec index)` of every key of the call to `out`. Fails when a count of keys does not fit.
pub fn positions(spec: &Spec, args: &Args, out: &mut Vec<(u32, u8)>) -> Result<(), Invalid> {
    if let Some(find) = spec.find_keys {
        find(args, out);
        return Ok(());
    }
    for (n, k) in spec.keys.iter().enumerate() {
        let Some(begin) = begin(k, args) else { continue };
        match k.find {
            Find::Range { last, step, limit } => {
                let argc = args.len();
                if begin >= argc {
                    continue;
                }
                let mut end = if last >= 0 { begin + last as usize } else { (argc as i64 + i64::from(last)) as usize };
                if limit > 1 {
                    end = begin + ((argc - begin) / limit as usize).max(1) - 1;
                }
                let mut i = begin;
                while i <= end && i < argc {
                    out.push((i as u32, n as u8));
                    i += step.max(1) as usize;
                }
            }
            Find::Count { count, first, step } => {
                let Some(number) = args.try_get(begin + count as usize).and_then(parse_i64) else { return Err(Invalid::Count) };
                let room = args.len().saturating_sub(begin + first as usize).div_ceil(step.max(1) as usize);
                if number < 0 || number as u64 > room as u64 {
                    return Err(Invalid::Count);
                }
                for i in 0..number as usize {
                    out.push(((begin + first as usize + i * step.max(1) as usize) as u32, n as u8));
                }
            }
            Find::Unknown => {}
        }
    }
    Ok(())
}

fn begin(k: &KeySpec, args: &Args) -> Option<usize> {
    match k.begin {
        Begin::Index(i) => Some(i as usize),
        Begin::Keyword("STREAMS", _) => streams(args),
        Begin::Keyword(word, from) => {
            let same = |i: &usize| args.get(*i).eq_ignore_ascii_case(word.as_bytes());
            let found = if from >= 0 {
                (from as usize..args.len()).find(same)
            } else {
                (1..=args.len().checked_sub(from.unsigned_abs() as usize)?).rev().find(same)
            };
            found.map(|i| i + 1)
        }
    }
}

/// The first key of XREAD and XREADGROUP: groups and consumers may be called STREAMS, so the options before are walked.
fn streams(args: &Args) -> Option<usize> {
    let mut i = 1;
    while i < args.len() {
        i += match () {
            () if args.is(i, "STREAMS") => return Some(i + 1),
            () if args.is(i, "GROUP") => 3,
            () if args.is(i, "COUNT") || args.is(i, "BLOCK") => 2,
            () if args.is(i, "NOACK") => 1,
            // The call will be refused; its keys are what they seem to be.
            () => return (i..args.len()).find(|n| args.is(*n, "STREAMS")).map(|n| n + 1),
        };
    }
    None
}
