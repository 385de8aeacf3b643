//! `FIELDS number field ...`: the list of fields at the end of newer hash commands.
//! Ref: redis.io/commands/hexpire, redis.io/commands/httl

use crate::base::num::parse_i64;
use crate::data::hash::{HashRef, is_over};
use crate::spec::{Arg, Args, Call, Outcome, Refusal};

use super::shared::read;

const MISSING: Refusal = Refusal::fixed("ERR Mandatory argument FIELDS is missing or not at the right position");
const MISMATCH: Refusal = Refusal::fixed("ERR The `numfields` parameter must match the number of arguments");
/// What most commands say of a count that is none.
pub const NOT_POSITIVE: Refusal = Refusal::fixed("ERR Number of fields must be a positive integer");

/// The list's grammar.
pub const LIST: Arg = Arg::block("fields", &[Arg::integer("numfields"), Arg::string("field").multiple()]).token("FIELDS");

/// The number of the first field's word, where word `i` begins the list; `bad_count` is said of a count that is none.
pub fn first_of(args: &Args, i: usize, bad_count: Refusal) -> Result<usize, Refusal> {
    if !args.is(i, "FIELDS") {
        return Err(MISSING);
    }
    let count = args.try_get(i + 1).and_then(parse_i64).filter(|n| *n > 0).ok_or(bad_count)?;
    if usize::try_from(count).ok() != args.len().checked_sub(i + 2) {
        return Err(MISMATCH);
    }
    Ok(i + 2)
}

/// Replies an integer for each listed field: -2 without such a field, -1 without a time, else what `tell` makes of it.
pub fn reply_times(call: &mut Call, tell: fn(at: i64, now: i64) -> i64) -> Outcome {
    let (args, now) = (call.args, call.now);
    read(call, |hash, out| {
        let first = first_of(&args, 2, NOT_POSITIVE)?;
        out.array(args.len() - first);
        for field in args.from(first) {
            out.int(time_of(hash, field, now).map_or_else(|n| n, |at| tell(at, now)));
        }
        Ok(())
    })?
}

/// A field's time; `Err(-2)` without such a field, `Err(-1)` without a time.
pub fn time_of(hash: Option<HashRef<'_>>, field: &[u8], now: i64) -> Result<i64, i64> {
    match hash.and_then(|hash| hash.find(field)) {
        Some((_, ttl)) if !is_over(ttl, now) => ttl.ok_or(-1),
        _ => Err(-2),
    }
}
