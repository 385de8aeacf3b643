//! Ranges as words: bounds of scores and of members, and the grammar of ZRANGE and its older relatives.

use std::ops::Range;

use super::shared::{read, reply_members};
use crate::base::num::{parse_f64_clamped, parse_i64};
use crate::data::zset::{LexBound, LexRange, ScoreRange, ZsetRef};
use crate::spec::{Args, Call, Outcome, Refusal};

const NOT_SCORES: Refusal = Refusal::fixed("ERR min or max is not a float");
const NOT_LEX: Refusal = Refusal::fixed("ERR min or max not valid string range item");

/// What a range counts by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// The two ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends<'a> {
    /// Places, negative ones from the end.
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

impl<'a> Ends<'a> {
    /// Reads both ends, the lower one first.
    pub(super) fn read(by: By, min: &'a [u8], max: &'a [u8]) -> Result<Ends<'a>, Refusal> {
        Ok(match by {
            By::Rank => {
                let number = |word| parse_i64(word).ok_or(Refusal::NOT_INTEGER);
                Ends::Ranks(number(min)?, number(max)?)
            }
            By::Score => {
                let ((min, min_open), (max, max_open)) = (score(min)?, score(max)?);
                Ends::Scores(ScoreRange { min, max, min_open, max_open })
            }
            By::Lex => Ends::Lex(LexRange { min: lex(min)?, max: lex(max)? }),
        })
    }

    /// The ranks between them. `rev`: places count from the highest score.
    pub(super) fn ranks(&self, zset: ZsetRef, rev: bool) -> Range<usize> {
        match self {
            Ends::Scores(range) => zset.ranks_by_score(range),
            Ends::Lex(range) => zset.ranks_by_lex(range),
            Ends::Ranks(start, end) => {
                let len = zset.len() as i64;
                let place = |n: i64| if n < 0 { n.saturating_add(len) } else { n };
                let (start, end) = (place(*start).max(0), place(*end).min(len - 1));
                match () {
                    () if start > end => 0..0,
                    () if rev => (len - 1 - end) as usize..(len - start) as usize,
                    () => start as usize..end as usize + 1,
                }
            }
        }
    }
}

/// A score, `(` before it if it does not belong to the range itself.
fn score(word: &[u8]) -> Result<(f64, bool), Refusal> {
    let (text, open) = match word.strip_prefix(b"(") {
        Some(rest) => (rest, true),
        None => (word, false),
    };
    Ok((parse_f64_clamped(text).ok_or(NOT_SCORES)?, open))
}

/// `-`, `+`, `[member` or `(member`.
fn lex(word: &[u8]) -> Result<LexBound<'_>, Refusal> {
    match word {
        [b'-'] | [b'-', 0, ..] => Ok(LexBound::Min),
        [b'+'] | [b'+', 0, ..] => Ok(LexBound::Max),
        [b'[', member @ ..] => Ok(LexBound::Closed(member)),
        [b'(', member @ ..] => Ok(LexBound::Open(member)),
        _ => Err(NOT_LEX),
    }
}

/// What a command fixes; `None` leaves it to the call's words.
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    /// By what ends are compared.
    pub by: Option<By>,
    /// Highest first.
    pub rev: Option<bool>,
    /// WITHSCORES is not among its words.
    pub stores: bool,
}

/// A whole range of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    ends: Ends<'a>,
    /// Highest first.
    pub rev: bool,
    /// Replies have scores.
    pub with_scores: bool,
    offset: i64,
    /// Negative: all.
    limit: i64,
}

impl<'a> Query<'a> {
    /// Reads the words from the lower end at word `first` on.
    pub(super) fn read(args: &Args<'a>, first: usize, fixed: Fixed) -> Result<Query<'a>, Refusal> {
        let Fixed { mut by, mut rev, stores } = fixed;
        let (mut with_scores, mut offset, mut limit) = (false, 0, -1);
        let mut i = first + 2;
        while i < args.len() {
            match () {
                () if !stores && args.is(i, "WITHSCORES") => with_scores = true,
                () if args.is(i, "LIMIT") && i + 2 < args.len() => {
                    offset = parse_i64(args.get(i + 1)).ok_or(Refusal::NOT_INTEGER)?;
                    limit = parse_i64(args.get(i + 2)).ok_or(Refusal::NOT_INTEGER)?;
                    i += 2;
                }
                () if rev.is_none() && args.is(i, "REV") => rev = Some(true),
                () if by.is_none() && args.is(i, "BYLEX") => by = Some(By::Lex),
                () if by.is_none() && args.is(i, "BYSCORE") => by = Some(By::Score),
                () => return Err(Refusal::SYNTAX),
            }
            i += 1;
        }
        let (by, rev) = (by.unwrap_or(By::Rank), rev.unwrap_or(false));
        if limit != -1 && by == By::Rank {
            return Err(Refusal::fixed("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"));
        }
        if with_scores && by == By::Lex {
            return Err(Refusal::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        // Going down, scores and members are told from the higher end.
        let (min, max) = if rev && by != By::Rank { (first + 1, first) } else { (first, first + 1) };
        let ends = Ends::read(by, args.get(min), args.get(max))?;
        Ok(Query { ends, rev, with_scores, offset, limit })
    }

    /// The ranks it names.
    pub(super) fn ranks(&self, zset: ZsetRef) -> Range<usize> {
        let all = self.ends.ranks(zset, self.rev);
        if matches!(self.ends, Ends::Ranks(..)) {
            return all;
        }
        let Ok(offset) = usize::try_from(self.offset) else { return 0..0 };
        if offset >= all.len() {
            return 0..0;
        }
        let rest = all.len() - offset;
        let count = usize::try_from(self.limit).map_or(rest, |limit| limit.min(rest));
        if self.rev { all.end - offset - count..all.end - offset } else { all.start + offset..all.start + offset + count }
    }
}

/// ZRANGE and its relatives: replies the range that the words tell.
pub(super) fn reply_range(call: &mut Call, by: Option<By>, rev: Option<bool>) -> Outcome {
    let query = Query::read(&call.args, 2, Fixed { by, rev, stores: false })?;
    read(
        call,
        1,
        |out| out.array(0),
        |out, zset| {
            let members = zset.range(query.ranks(zset));
            let count = members.len();
            if query.rev {
                reply_members(out, members.rev(), count, query.with_scores);
            } else {
                reply_members(out, members, count, query.with_scores);
            }
        },
    )
}

/// ZCOUNT and ZLEXCOUNT.
pub(super) fn reply_count(call: &mut Call, by: By) -> Outcome {
    let args = call.args;
    let ends = Ends::read(by, args.get(2), args.get(3))?;
    read(call, 1, |out| out.int(0), |out, zset| out.int(ends.ranks(zset, false).len() as i64))
}

/// ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX.
pub(super) fn remove(call: &mut Call, by: By, event: &'static str) -> Outcome {
    let args = call.args;
    let ends = Ends::read(by, args.get(2), args.get(3))?;
    super::shared::remove_ranks(call, event, |zset| ends.ranks(zset, false))
}

/// ZRANK and ZREVRANK.
pub(super) fn reply_rank(call: &mut Call, rev: bool) -> Outcome {
    let args = call.args;
    let with_score = match args.len() {
        3 => false,
        4 if args.is(3, "WITHSCORE") => true,
        4 => return Err(Refusal::SYNTAX),
        _ => return Err(Refusal::arity(if rev { "zrevrank" } else { "zrank" })),
    };
    let nothing = |out: &mut crate::proto::encode::Out| if with_score { out.null_array() } else { out.null() };
    read(call, 1, nothing, |out, zset| match zset.rank(args.get(2)) {
        None => nothing(out),
        Some((rank, score)) => {
            let rank = if rev { zset.len() - 1 - rank } else { rank };
            if with_score {
                out.array(2);
            }
            out.int(rank as i64);
            if with_score {
                out.double(score);
            }
        }
    })
}
