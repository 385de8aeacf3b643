//! ZSCAN key cursor [MATCH pattern] [COUNT count]: walks over members in steps.
//! Ref: redis.io/commands/zscan

use super::shared::view;
use crate::base::{
    glob,
    num::{fmt_double, fmt_double_17, parse_i64, parse_u64},
};
use crate::commands::common::missed;
use crate::data::zset::ZsetRef;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZSCAN",
    since: "2.8.0",
    group: Group::SortedSet,
    summary: "Walks over the members and scores of a sorted set in steps.",
    cost: "O(N) for a whole walk over N members, O(1) for each call",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
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
    cases: "
        > ZSCAN z x                  -ERR invalid cursor
        > ZSCAN z 0 FOO              [0, []]
        > ZADD z 1 a 2.5 b 3 17      :3
        > ZSCAN z 0 MATCH            -ERR syntax error
        > ZSCAN z 0 COUNT 0          -ERR syntax error
        > ZSCAN z 0 COUNT x          -ERR value is not an integer or out of range
        > ZSCAN z 0 FOO 1            -ERR syntax error
        > ZSCAN z 0                  [0, [a, 1, b, 2.5, 17, 3]]
        > ZSCAN z 0 MATCH [ab] COUNT 100    [0, [a, 1, b, 2.5]]
        > SET s x                    +OK
        > ZSCAN s 0                  -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let cursor = parse_u64(call.arg(2)).ok_or(Refusal::INVALID_CURSOR)?;
    let (args, key, look) = (call.args, call.key(1), call.look());
    let Some(zset) = view(&mut call.shard.ks, call.db, &key, call.now, look)? else {
        call.out.array(2);
        call.out.bulk(b"0");
        call.out.array(0);
        missed(call, 1);
        return Ok(());
    };
    let (mut pattern, mut count, mut i) = (None, 10, 3);
    while i < args.len() {
        let next = args.try_get(i + 1).ok_or(Refusal::SYNTAX)?;
        match () {
            () if args.is(i, "COUNT") => {
                let number = parse_i64(next).ok_or(Refusal::NOT_INTEGER)?;
                count = usize::try_from(number).ok().filter(|n| *n > 0).ok_or(Refusal::SYNTAX)?;
            }
            () if args.is(i, "MATCH") => pattern = (next != b"*").then_some(next),
            () => return Err(Refusal::SYNTAX),
        }
        i += 2;
    }
    // Big sets show scores with 17 digits here, small ones the shortest text: as Redis does.
    let text_of = if matches!(zset, ZsetRef::Big(_)) { fmt_double_17 } else { fmt_double };
    let mut found = Vec::new();
    let next = zset.scan(cursor, count, &mut |member, score| {
        if pattern.is_none_or(|pattern| glob::matches(pattern, member, false)) {
            found.push((member.to_vec(), score));
        }
    });
    call.out.array(2);
    call.out.bulk(itoa::Buffer::new().format(next).as_bytes());
    call.out.array(found.len() * 2);
    let mut text = Vec::with_capacity(32);
    for (member, score) in found {
        call.out.bulk(&member);
        text.clear();
        text_of(&mut text, score);
        call.out.bulk(&text);
    }
    Ok(())
}
