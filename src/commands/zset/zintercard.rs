//! ZINTERCARD numkeys key [key ...] [LIMIT limit]: the members of every input, counted.
//! Ref: redis.io/commands/zintercard

use super::combine::{self, End, Op};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZINTERCARD",
    since: "7.0.0",
    group: Group::SortedSet,
    summary: "Counts the members that are in each of several sorted sets.",
    cost: "O(N K), N members of the smallest of K",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), Arg::integer("limit").token("LIMIT").optional()],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZINTERCARD 0 a b      -ERR at least 1 input key is needed for 'zintercard' command
        > ZINTERCARD x a      -ERR value is not an integer or out of range
        > ZINTERCARD 3 a b    -ERR syntax error
        > ZINTERCARD 1 a FOO  -ERR syntax error
        > SET s x       +OK
        > ZINTERCARD 2 a s    -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZINTERCARD 1 a LIMIT -1    -ERR LIMIT can't be negative
        > ZINTERCARD 2 a b          :0
        > ZADD a 1 x 2 y 3 z 4 q    :4
        > ZADD b 1 y 2 z 9 w 3 q    :4
        > ZINTERCARD 2 a b          :3
        > ZINTERCARD 2 a b LIMIT 2  :2
        > ZINTERCARD 2 a b LIMIT 0  :3
        > ZINTERCARD 2 a missing    :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    combine::run(call, Op::Inter, End::Count)
}
