//! ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]: the members of every input.
//! Ref: redis.io/commands/zinter

use super::combine::{self, End, Op};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZINTER",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Returns the members that are in each of several sorted sets.",
    cost: "O(N K + M log M), N members of the smallest of K, M in the result",
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
        > ZINTER 0 a b      -ERR at least 1 input key is needed for 'zinter' command
        > ZINTER x a      -ERR value is not an integer or out of range
        > ZINTER 3 a b    -ERR syntax error
        > ZINTER 1 a FOO  -ERR syntax error
        > SET s x       +OK
        > ZINTER 2 a s    -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZINTER 1 a WEIGHTS x       -ERR weight value is not a float
        > ZINTER 1 a AGGREGATE FOO   -ERR syntax error
        > ZINTER 2 a b              []
        > ZADD a 1 x 5 y 2 z     :3
        > ZADD b 10 y 3 z        :2
        > ZINTER 2 a b              [z, y]
        > ZINTER 1 a                [x, z, y]
        > ZINTER 2 a b WITHSCORES   ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    combine::run(call, Op::Inter, End::Reply)
}
