//! ZDIFF numkeys key [key ...] [WITHSCORES]: the members of the first input that no other has.
//! Ref: redis.io/commands/zdiff

use super::combine::{self, End, Op};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZDIFF",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Returns the members of the first sorted set that are in none of the others.",
    cost: "O(N K + M log M), N members of the first of K, M in the result",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), Arg::word("withscores", "WITHSCORES").optional()],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZDIFF 0 a b      -ERR at least 1 input key is needed for 'zdiff' command
        > ZDIFF x a      -ERR value is not an integer or out of range
        > ZDIFF 3 a b    -ERR syntax error
        > ZDIFF 1 a FOO  -ERR syntax error
        > SET s x       +OK
        > ZDIFF 2 a s    -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZDIFF 1 a WEIGHTS 1     -ERR syntax error
        > ZDIFF 2 a b              []
        > ZADD a 1 x 5 y 2 z     :3
        > ZADD b 10 y 3 z        :2
        > ZDIFF 2 a b              [x]
        > ZDIFF 1 a                [x, z, y]
        > ZDIFF 2 a b WITHSCORES   ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    combine::run(call, Op::Diff, End::Reply)
}
