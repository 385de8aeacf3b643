//! ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]: the members of every input, stored.
//! Ref: redis.io/commands/zinterstore

use super::combine::{self, End, Op};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZINTERSTORE",
    since: "2.0.0",
    group: Group::SortedSet,
    summary: "Stores the members that are in each of several sorted sets at a key.",
    cost: "O(N K + M log M), N members of the smallest of K, M in the result",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::counted(2, 1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("destination"),
        Arg::integer("numkeys"),
        Arg::key_of("key", 1).multiple(),
        Arg::integer("weight").token("WEIGHTS").optional().multiple(),
        Arg::one_of("aggregate", &[Arg::word("sum", "SUM"), Arg::word("min", "MIN"), Arg::word("max", "MAX")])
            .token("AGGREGATE")
            .optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZINTERSTORE d 0 a      -ERR at least 1 input key is needed for 'zinterstore' command
        > ZINTERSTORE d x a      -ERR value is not an integer or out of range
        > ZINTERSTORE d 3 a b    -ERR syntax error
        > ZINTERSTORE d 1 a FOO  -ERR syntax error
        > SET s x       +OK
        > ZINTERSTORE d 2 a s    -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZINTERSTORE d 1 a WEIGHTS x       -ERR weight value is not a float
        > ZINTERSTORE d 1 a AGGREGATE FOO   -ERR syntax error
        > ZINTERSTORE d 1 a WITHSCORES      -ERR syntax error
        > SET d x                +OK
        > ZINTERSTORE d 2 a b             :0
        > EXISTS d               :0
        > ZADD a 1 x 5 y 2 z     :3
        > ZADD b 10 y 3 z        :2
        > ZINTERSTORE d 2 a b             :2
        > ZRANGE d 0 -1          [z, y]
        > OBJECT ENCODING d      $listpack
        > ZINTERSTORE a 2 a b             :2
        > ZRANGE a 0 -1          [z, y]
        > ZINTERSTORE d 2 b b WEIGHTS 2 -1 AGGREGATE MAX    :2
        > ZMSCORE d y z          [,20, ,6]
        > ZADD i inf x           :1
        > ZINTERSTORE d 2 i i WEIGHTS 1 -1    :1
        > ZSCORE d x             ,0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    combine::run(call, Op::Inter, End::Store)
}
