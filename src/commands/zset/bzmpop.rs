//! BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]: ZMPOP that waits for a member.
//! Ref: redis.io/commands/bzmpop

use super::blocking::{PopPlan, pop_and_reply};
use crate::keyspace::Kind;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "BZMPOP",
    since: "7.0.0",
    group: Group::SortedSet,
    summary: "Takes the members with the lowest or highest scores out of the first sorted set that has any; waits for some if none has.",
    cost: "O(K + M log N), K keys, M members of N",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::counted(2, 1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[
        Arg::double("timeout"),
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::one_of("where", &[Arg::word("min", "MIN"), Arg::word("max", "MAX")]),
        Arg::integer("count").token("COUNT").optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > BZMPOP x 0 z MIN                  -ERR numkeys should be greater than 0
        > BZMPOP x 1 z FOO                  -ERR syntax error
        > BZMPOP 0 5 z MIN                  -ERR syntax error
        > BZMPOP 0 1 z MIN COUNT 0          -ERR count should be greater than 0
        > BZMPOP x 1 z MIN                  -ERR timeout is not a float or out of range
        > BZMPOP -1 1 z MIN                 -ERR timeout is negative
        > BZMPOP 0.001 2 y z MIN            nil
        > ZADD z 1 a 2 b 3 c                :3
        > BZMPOP 0 2 y z MIN                [z, [[a, ,1]]]
        > BZMPOP 0 2 y z max COUNT 10       [z, [[c, ,3], [b, ,2]]]
        > EXISTS z                          :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let plan = PopPlan::read(call, 2)?;
    let until = call.timeout_seconds(1)?;
    if !pop_and_reply(call, &plan)? {
        call.block_or_null(plan.keys, Kind::Zset, until);
    }
    Ok(())
}
