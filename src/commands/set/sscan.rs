//! SSCAN key cursor [MATCH pattern] [COUNT count]: walks over the members of a set in steps.
//! Ref: redis.io/commands/sscan

use super::shared::{read, reply_item};
use crate::base::{
    glob,
    num::{parse_i64, parse_u64},
};
use crate::data::pack::Item;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SSCAN",
    since: "2.8.0",
    group: Group::Set,
    summary: "Walks over the members of a set in steps.",
    cost: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output"],
    cases: r#"
        > SSCAN s                         -ERR wrong number of arguments for 'sscan' command
        > SSCAN missing x                 -ERR invalid cursor
        > SSCAN missing 0 COUNT 0         [0, []]
        > SET text 1                      +OK
        > SSCAN text 0 COUNT 0            -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD s apple 12 bee             :3
        > SSCAN s 0 COUNT 0               -ERR syntax error
        > SSCAN s 0 COUNT x               -ERR value is not an integer or out of range
        > SSCAN s 0 MATCH                 -ERR syntax error
        > SSCAN s 0 TYPE set              -ERR syntax error
        > SSCAN s 18446744073709551616    -ERR invalid cursor
        > SSCAN s 0                       [0, [apple, 12, bee]]
        > SSCAN s 0 match 1* count 1      [0, [12]]
        > SSCAN s 7 MATCH *e*             [0, [apple, bee]]
    "#,
    ..Spec::DEFAULT
};

/// What the words after the cursor say: pattern and count.
fn plan<'a>(call: &Call<'a>) -> Result<(Option<&'a [u8]>, usize), Refusal> {
    let args = call.args;
    let (mut pattern, mut count) = (None, 10);
    let mut i = 3;
    while i < args.len() {
        let next = args.try_get(i + 1).ok_or(Refusal::SYNTAX)?;
        if args.is(i, "COUNT") {
            let number = parse_i64(next).ok_or(Refusal::NOT_INTEGER)?;
            count = usize::try_from(number).ok().filter(|&n| n > 0).ok_or(Refusal::SYNTAX)?;
        } else if args.is(i, "MATCH") {
            pattern = (next != b"*").then_some(next);
        } else {
            return Err(Refusal::SYNTAX);
        }
        i += 2;
    }
    Ok((pattern, count))
}

fn run(call: &mut Call) -> Outcome {
    let cursor = parse_u64(call.arg(2)).ok_or(Refusal::INVALID_CURSOR)?;
    // Redis looks at the options only where there is something to scan.
    let plan = plan(call);
    let found = read(call, 1, |set, out, _| {
        let (pattern, count) = plan?;
        out.array(2);
        // The cursor comes before the members and is known after them.
        let mut members = crate::proto::encode::Out::new(out.resp3);
        let mut number = 0;
        let next = set.scan(cursor, count, &mut |item: Item| {
            let fits = |pattern| glob::matches(pattern, item.text(&mut itoa::Buffer::new()), false);
            if pattern.is_none_or(fits) {
                reply_item(&mut members, item);
                number += 1;
            }
        });
        out.bulk(itoa::Buffer::new().format(next).as_bytes());
        out.array(number);
        out.raw(&members.buf);
        Ok(())
    })?;
    found.unwrap_or_else(|| {
        call.out.array(2);
        call.out.bulk(b"0");
        call.out.array(0);
        Ok(())
    })
}
