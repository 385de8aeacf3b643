//! ZRANDMEMBER key [count [WITHSCORES]]: random members.
//! Ref: redis.io/commands/zrandmember

use super::shared::{reply_members, view};
use crate::base::num::parse_i64;
use crate::base::rng::Rng;
use crate::commands::common::missed;
use crate::data::pack::Item;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};
use std::collections::BTreeSet;

pub const SPEC: Spec = Spec {
    name: "ZRANDMEMBER",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Returns random members of a sorted set.",
    cost: "O(M log N), M members of N",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::block("options", &[Arg::integer("count"), Arg::word("withscores", "WITHSCORES").optional()]).optional()],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output"],
    cases: "
        > ZRANDMEMBER z x                    -ERR value is not an integer or out of range
        > ZRANDMEMBER z -9223372036854775808    -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > ZRANDMEMBER z 1 FOO                -ERR syntax error
        > ZRANDMEMBER z 1 WITHSCORES x       -ERR syntax error
        > ZRANDMEMBER z -4611686018427387905 WITHSCORES    -ERR value is out of range
        > ZRANDMEMBER z                      nil
        > ZRANDMEMBER z 5                    []
        > ZADD z 1 a                         :1
        > ZRANDMEMBER z                      $a
        > ZRANDMEMBER z 0                    []
        > ZRANDMEMBER z -3                   [a, a, a]
        > ZADD z 2 b 3 c                     :2
        > ZRANDMEMBER z 9                    ~[a, b, c]
        > SET s x                            +OK
        > ZRANDMEMBER s                      -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

/// Most members that may be asked for with repetition: beyond, the reply would not fit memory.
const REPEATED_MAX: i64 = 1 << 26;

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let plan = match args.len() {
        2 => None,
        _ => Some(plan(call)?),
    };
    let (key, look) = (call.key(1), call.look());
    let Some(zset) = view(&mut call.shard.ks, call.db, &key, call.now, look)? else {
        if plan.is_some() {
            call.out.array(0)
        } else {
            call.out.null()
        }
        missed(call, 1);
        return Ok(());
    };
    let (rng, len) = (&mut call.shard.rng, zset.len());
    let any = |rng: &mut Rng| zset.get(rng.below(len as u64) as usize).unwrap_or((Item::Int(0), 0.0));
    let Some((count, with_scores)) = plan else {
        call.out.bulk(any(rng).0.text(&mut itoa::Buffer::new()));
        return Ok(());
    };
    if count < 0 {
        let count = count.unsigned_abs() as usize;
        reply_members(call.out, (0..count).map(|_| any(rng)), count, with_scores);
    } else if count as u64 >= len as u64 {
        reply_members(call.out, zset.iter(), len, with_scores);
    } else {
        let ranks = distinct(rng, len as u64, count as u64);
        let members = ranks.iter().filter_map(|&rank| zset.get(rank as usize));
        reply_members(call.out, members, ranks.len(), with_scores);
    }
    Ok(())
}

/// The count, negative if members may repeat, and whether scores are wanted.
fn plan(call: &Call) -> Result<(i64, bool), Refusal> {
    let args = call.args;
    let count = parse_i64(args.get(2)).ok_or(Refusal::NOT_INTEGER)?;
    if count == i64::MIN {
        let text = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
        return Err(Refusal::fixed(text));
    }
    let with_scores = match args.len() {
        3 => false,
        4 if args.is(3, "WITHSCORES") => true,
        _ => return Err(Refusal::SYNTAX),
    };
    let is_too_big = count < -REPEATED_MAX || (with_scores && count > i64::MAX / 2);
    if is_too_big { Err(Refusal::OUT_OF_RANGE) } else { Ok((count, with_scores)) }
}

/// `count` different numbers below `len`, each choice as likely as any other. Ref: R. Floyd, CACM 30 (1987), 754
fn distinct(rng: &mut Rng, len: u64, count: u64) -> BTreeSet<u64> {
    let mut chosen = BTreeSet::new();
    for top in len - count..len {
        let number = rng.below(top + 1);
        if !chosen.insert(number) {
            chosen.insert(top);
        }
    }
    chosen
}
