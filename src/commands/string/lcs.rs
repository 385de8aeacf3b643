//! LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]: the longest common subsequence of two strings.
//! Ref: redis.io/commands/lcs

use super::shared::text_of;
use crate::base::num::parse_i64;
use crate::commands::common::{missed, string_of};
use crate::data::lcs::{self, Match};
use crate::proto::encode::Out;
use crate::spec::route::same_db;
use crate::spec::{
    Access, Arg, Args, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "LCS",
    since: "7.0.0",
    group: Group::String,
    summary: "Returns the longest common subsequence of two strings, its length, or where it lies.",
    cost: "O(N*M), N and M bytes of the strings",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::STRING,
    keys: &[KeySpec::range(1, 1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key1"), Arg::key("key2"), Arg::word("len", "LEN").optional(), Arg::word("idx", "IDX").optional(), Arg::integer("min-match-len").token("MINMATCHLEN").optional(), Arg::word("withmatchlen", "WITHMATCHLEN").optional()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > LCS a b FOO                 -ERR syntax error
        > LCS a b MINMATCHLEN         -ERR syntax error
        > LCS a b MINMATCHLEN x       -ERR value is not an integer or out of range
        > LCS a b IDX LEN             -ERR If you want both the length and indexes, please just use IDX.
        > LCS a b                     $
        > LCS a b LEN                 :0
        > LCS a b IDX                 {matches: [], len: :0}
        > MSET a ohmytext b mynewtext    +OK
        > LCS a b                     $mytext
        > LCS a b LEN                 :6
        > LCS a b IDX                 {matches: [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], len: :6}
        > LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN    {matches: [[[:4, :7], [:5, :8], :4]], len: :6}
        > LCS a b IDX MINMATCHLEN -9    {matches: [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], len: :6}
        > SET a 1234                  +OK
        > SET b 234                   +OK
        > LCS a b LEN                 :3
    ",
    ..Spec::DEFAULT
};

/// What the words after the keys say.
#[derive(Default)]
struct Plan {
    len: bool,
    idx: bool,
    with_len: bool,
    len_min: i64,
}

fn plan(args: &Args) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut i = 3;
    while i < args.len() {
        match () {
            () if args.is(i, "IDX") => plan.idx = true,
            () if args.is(i, "LEN") => plan.len = true,
            () if args.is(i, "WITHMATCHLEN") => plan.with_len = true,
            () if args.is(i, "MINMATCHLEN") && i + 1 < args.len() => {
                i += 1;
                plan.len_min = parse_i64(args.get(i)).ok_or(Refusal::NOT_INTEGER)?.max(0);
            }
            () => return Err(Refusal::SYNTAX),
        }
        i += 1;
    }
    if plan.idx && plan.len {
        Err(Refusal::LCS_BOTH)
    } else {
        Ok(plan)
    }
}

/// Longest string that positions of 32 bits still reach.
const BYTES_MAX: usize = u32::MAX as usize - 1;

fn run(call: &mut Call) -> Outcome {
    let a = string(call, 1)?;
    let b = string(call, 2)?;
    let plan = plan(&call.args)?;
    if a.len() >= BYTES_MAX || b.len() >= BYTES_MAX {
        return Err(Refusal::LCS_TOO_LONG);
    }
    // The limit counts what a plain table would need, as Redis does; `find` needs far less of it.
    let needed = lcs::table_bytes(a.len(), b.len()).unwrap_or(u64::MAX);
    if needed > call.shard.config.proto_max_bulk_len.unsigned_abs() {
        return Err(Refusal::LCS_MEMORY);
    }
    if plan.len {
        call.out.int(i64::from(lcs::length(&a, &b)));
        return Ok(());
    }
    let found = lcs::find(&a, &b);
    if !plan.idx {
        call.out.bulk(&found.text);
        return Ok(());
    }
    let shown: Vec<&Match> = found
        .matches
        .iter()
        .filter(|m| m.len as i64 >= plan.len_min)
        .collect();
    call.out.map(2);
    call.out.bulk(b"matches");
    call.out.array(shown.len());
    for m in shown {
        reply_match(call.out, m, plan.with_len);
    }
    call.out.bulk(b"len");
    call.out.int(found.text.len() as i64);
    Ok(())
}

/// A copy of the string at the key of word `i`, empty if there is none. Copied because the next lookup may move it;
/// small beside the work on it.
fn string(call: &mut Call, i: usize) -> Result<Vec<u8>, Refusal> {
    let key = call.key(i);
    let look = call.look();
    match call.shard.ks.find(call.db, &key, call.now, look) {
        None => {
            missed(call, i);
            Ok(Vec::new())
        }
        Some(item) => {
            let mut digits = itoa::Buffer::new();
            Ok(text_of(
                string_of(&item).map_err(|_| Refusal::LCS_NOT_STRING)?,
                &mut digits,
            )
            .to_vec())
        }
    }
}

fn reply_match(out: &mut Out, m: &Match, with_len: bool) {
    out.array(2 + usize::from(with_len));
    for (start, end) in [(m.a_start, m.a_end()), (m.b_start, m.b_end())] {
        out.array(2);
        out.int(start as i64);
        out.int(end as i64);
    }
    if with_len {
        out.int(m.len as i64);
    }
}
