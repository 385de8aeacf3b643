//! ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]: takes members from the first sorted set that has any.
//! Ref: redis.io/commands/zmpop

use super::blocking::{PopPlan, pop_and_reply};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZMPOP",
    since: "7.0.0",
    group: Group::SortedSet,
    summary: "Takes the members with the lowest or highest scores out of the first sorted set that has any.",
    cost: "O(K + M log N), K keys, M members of N",
    arity: -4,
    flags: Flags::WRITE,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::one_of("where", &[Arg::word("min", "MIN"), Arg::word("max", "MAX")]),
        Arg::integer("count").token("COUNT").optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZMPOP 0 z MIN               -ERR numkeys should be greater than 0
        > ZMPOP x z MIN               -ERR numkeys should be greater than 0
        > ZMPOP 1 z FOO               -ERR syntax error
        > ZMPOP 5 z MIN               -ERR syntax error
        > ZMPOP 1 z MIN COUNT 0       -ERR count should be greater than 0
        > ZMPOP 1 z MIN COUNT         -ERR syntax error
        > ZMPOP 1 z MIN COUNT 1 COUNT 1    -ERR syntax error
        > ZMPOP 2 y z MIN             nil
        > ZADD z 1 a 2 b 3 c          :3
        > ZMPOP 2 y z MIN             [z, [[a, ,1]]]
        > ZMPOP 2 y z max COUNT 4611686018427387904    [z, [[c, ,3], [b, ,2]]]
        > EXISTS z                    :0
        > SET s x                     +OK
        > ZMPOP 2 s z MIN             -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let plan = PopPlan::read(call, 1)?;
    if !pop_and_reply(call, &plan)? {
        call.out.null_array();
    }
    Ok(())
}
