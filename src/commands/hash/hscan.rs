//! HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]: walks over the fields of a hash in steps.
//! Ref: redis.io/commands/hscan, redis.io/commands/scan

use super::shared::{Parts, read};
use crate::base::glob;
use crate::base::num::{parse_i64, parse_u64};
use crate::data::hash::is_over;
use crate::spec::{Access, Arg, Args, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HSCAN",
    since: "2.8.0",
    group: Group::Hash,
    summary: "Walks over the fields of a hash in steps.",
    cost: "O(N) for a whole walk over N fields, O(1) for each call",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("novalues", "NOVALUES").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output"],
    cases: "
        > HSCAN h               -ERR wrong number of arguments for 'hscan' command
        > HSCAN h x             -ERR invalid cursor
        > HSCAN h 0 COUNT x     [0, []]
        > SET s v               +OK
        > HSCAN s 0             -WRONGTYPE Operation against a key holding the wrong kind of value
        > HSET h a 1 b 2 ab 3   :3
        > HSCAN h 0 COUNT x     -ERR value is not an integer or out of range
        > HSCAN h 0 COUNT 0     -ERR syntax error
        > HSCAN h 0 MATCH       -ERR syntax error
        > HSCAN h 0 TYPE hash   -ERR syntax error
        > HSCAN h 0             [0, [a, 1, b, 2, ab, 3]]
        > HSCAN h 0 MATCH a*    [0, [a, 1, ab, 3]]
        > HSCAN h 0 COUNT 1 NOVALUES    [0, [a, b, ab]]
    ",
    ..Spec::DEFAULT
};

/// What the words after the cursor say.
struct Plan<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    parts: Parts,
}

fn plan<'a>(args: &Args<'a>) -> Result<Plan<'a>, Refusal> {
    let mut plan = Plan { pattern: None, count: 10, parts: Parts::Both };
    let mut i = 3;
    while i < args.len() {
        let next = args.try_get(i + 1);
        match (next, ()) {
            (Some(next), ()) if args.is(i, "COUNT") => {
                let count = parse_i64(next).ok_or(Refusal::NOT_INTEGER)?;
                plan.count = usize::try_from(count).ok().filter(|n| *n > 0).ok_or(Refusal::SYNTAX)?;
                i += 2;
            }
            (Some(next), ()) if args.is(i, "MATCH") => {
                plan.pattern = (next != b"*").then_some(next);
                i += 2;
            }
            _ if args.is(i, "NOVALUES") => {
                plan.parts = Parts::Fields;
                i += 1;
            }
            _ => return Err(Refusal::SYNTAX),
        }
    }
    Ok(plan)
}

fn run(call: &mut Call) -> Outcome {
    let cursor = parse_u64(call.arg(2)).ok_or(Refusal::INVALID_CURSOR)?;
    let (args, now) = (call.args, call.now);
    read(call, |hash, out| {
        let Some(hash) = hash else {
            out.array(2);
            out.bulk(b"0");
            out.array(0);
            return Ok(());
        };
        let plan = plan(&args)?;
        let mut found = crate::proto::encode::Out::new(out.resp3);
        let mut count = 0;
        let next = hash.scan(cursor, plan.count, &mut |(field, value, ttl)| {
            let fits = |pattern: &[u8]| glob::matches(pattern, field.text(&mut itoa::Buffer::new()), false);
            if !is_over(ttl, now) && plan.pattern.is_none_or(fits) {
                plan.parts.reply(&mut found, field, value);
                count += if plan.parts == Parts::Both { 2 } else { 1 };
            }
        });
        out.array(2);
        out.bulk(itoa::Buffer::new().format(next).as_bytes());
        out.array(count);
        out.raw(&found.buf);
        Ok(())
    })?
}
