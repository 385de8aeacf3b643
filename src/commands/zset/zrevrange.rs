//! ZREVRANGE key start stop [WITHSCORES]: a range of members, highest score first.
//! Ref: redis.io/commands/zrevrange

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREVRANGE",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Returns the members of a sorted set in a range of places, highest score first.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop"), Arg::word("withscores", "WITHSCORES").optional()],
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    cases: "
        > ZREVRANGE z 0 -1 REV       -ERR syntax error
        > ZREVRANGE z 0 -1           []
        > ZADD z 1 a 2 b 3 c         :3
        > ZREVRANGE z 0 1            [c, b]
        > ZREVRANGE z -1 -1          [a]
        > SET s x                    +OK
        > ZREVRANGE s 0 -1           -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_range(call, Some(By::Rank), Some(true))
}
