//! ZADD and ZINCRBY: the options, and what becomes of each pair of score and member.

use super::shared::change_live;
use crate::base::num::parse_f64;
use crate::commands::common::{limits, wrote};
use crate::data::collection::Collection;
use crate::data::zset::Zset;
use crate::spec::{Args, Call, Outcome, Refusal, effect::Class};

/// The words before the first score.
#[derive(Clone, Copy, Default)]
struct Options {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    /// Changed members count as well as new ones.
    ch: bool,
    incr: bool,
    /// Word of the first score.
    first: usize,
}

impl Options {
    fn read(args: &Args, incr: bool) -> Result<Options, Refusal> {
        let mut o = Options { incr, first: 2, ..Options::default() };
        while o.first < args.len() {
            match () {
                () if args.is(o.first, "NX") => o.nx = true,
                () if args.is(o.first, "XX") => o.xx = true,
                () if args.is(o.first, "CH") => o.ch = true,
                () if args.is(o.first, "INCR") => o.incr = true,
                () if args.is(o.first, "GT") => o.gt = true,
                () if args.is(o.first, "LT") => o.lt = true,
                () => break,
            }
            o.first += 1;
        }
        let words = args.len() - o.first;
        match o {
            _ if words == 0 || !words.is_multiple_of(2) => Err(Refusal::SYNTAX),
            Options { nx: true, xx: true, .. } => Err(Refusal::fixed("ERR XX and NX options at the same time are not compatible")),
            Options { gt, lt, nx, .. } if (nx && (gt || lt)) || (gt && lt) => {
                Err(Refusal::fixed("ERR GT, LT, and/or NX options at the same time are not compatible"))
            }
            Options { incr: true, .. } if words > 2 => Err(Refusal::fixed("ERR INCR option supports a single increment-element pair")),
            _ => Ok(o),
        }
    }

    /// What becomes of a member with score `old`, if it is there, and what the words say. `Ok(None)`: nothing, the options
    /// forbid it. `Err`: the sum is not a number.
    #[inline]
    fn decide(&self, old: Option<f64>, said: f64) -> Result<Option<f64>, ()> {
        let Some(old) = old else {
            return Ok((!self.xx).then_some(said));
        };
        if self.nx {
            return Ok(None);
        }
        let new = if self.incr { old + said } else { said };
        match () {
            () if new.is_nan() => Err(()),
            () if (self.lt && new >= old) || (self.gt && new <= old) => Ok(None),
            () => Ok(Some(new)),
        }
    }
}

/// What all pairs came to.
#[derive(Clone, Copy, Default)]
struct Done {
    added: u64,
    updated: u64,
    /// Score of the last member that the options did not forbid.
    score: Option<f64>,
    nan: bool,
}

/// ZADD, or ZINCRBY if `incr`.
pub(super) fn run(call: &mut Call, incr: bool) -> Outcome {
    const FEW: usize = 16;
    let args = call.args;
    let o = Options::read(&args, incr)?;
    let pairs = (args.len() - o.first) / 2;
    // All scores are read before anything changes; a few need no memory from the allocator.
    let (mut few, mut many) = ([0.0; FEW], Vec::new());
    let scores = match few.get_mut(..pairs) {
        Some(scores) => scores,
        None => {
            many.resize(pairs, 0.0);
            &mut many[..]
        }
    };
    for (n, score) in scores.iter_mut().enumerate() {
        *score = parse_f64(args.get(o.first + n * 2)).ok_or(Refusal::NOT_FLOAT)?;
    }
    let limits = limits(call.shard);
    let edited = change_live(call, 1, |zset: &mut Zset| {
        let is_new = zset.view().is_empty();
        if is_new && o.xx {
            return (Done::default(), 0);
        }
        zset.expect(pairs, if is_new { args.get(o.first + 1).len() } else { 0 }, &limits);
        let mut done = Done::default();
        for (n, &said) in scores.iter().enumerate() {
            let updated = zset.update(args.get(o.first + n * 2 + 1), &limits, |old| {
                let decided = o.decide(old, said);
                done.nan |= decided.is_err();
                let new = decided.unwrap_or(None);
                done.score = new;
                new
            });
            done.added += u64::from(updated.old.is_none() && updated.new.is_some());
            done.updated += u64::from(updated.old.is_some() && updated.old != updated.new);
        }
        (done, done.added + done.updated)
    })?;
    let done = edited.out;
    if done.added + done.updated > 0 {
        wrote(call, edited.is_new, Class::Zset, if o.incr { "zincr" } else { "zadd" }, 1);
    }
    reply(call, &o, done)
}

fn reply(call: &mut Call, o: &Options, done: Done) -> Outcome {
    match done {
        Done { nan: true, .. } => return Err(Refusal::fixed("ERR resulting score is not a number (NaN)")),
        Done { score: Some(score), .. } if o.incr => call.out.double(score),
        _ if o.incr => call.out.null(),
        Done { added, updated, .. } => call.out.int((added + if o.ch { updated } else { 0 }) as i64),
    }
    Ok(())
}
