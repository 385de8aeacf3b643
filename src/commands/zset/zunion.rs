//! ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]: the members of any of the inputs.
//! Ref: redis.io/commands/zunion

use super::combine::{self, End, Op};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZUNION",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Returns the members that are in any of several sorted sets.",
    cost: "O(N log N), N members of all together",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::integer("weight").token("WEIGHTS").optional().multiple(),
        Arg::one_of("aggregate", &[Arg::word("sum", "SUM"), Arg::word("min", "MIN"), Arg::word("max", "MAX")])
            .token("AGGREGATE")
            .optional(),
        Arg::word("withscores", "WITHSCORES").optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZUNION 0 a b      -ERR at least 1 input key is needed for 'zunion' command
        > ZUNION x a      -ERR value is not an integer or out of range
        > ZUNION 3 a b    -ERR syntax error
        > ZUNION 1 a FOO  -ERR syntax error
        > SET s x       +OK
        > ZUNION 2 a s    -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 1 a WEIGHTS x       -ERR weight value is not a float
        > ZUNION 1 a AGGREGATE FOO   -ERR syntax error
        > ZUNION 2 a b              []
        > ZADD a 1 x 5 y 2 z     :3
        > ZADD b 10 y 3 z        :2
        > ZUNION 2 a b              [x, z, y]
        > ZUNION 1 a                [x, z, y]
        > ZUNION 2 a b WITHSCORES   ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    combine::run(call, Op::Union, End::Reply)
}
