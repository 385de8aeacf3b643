//! ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]: members with scores in a range, highest first.
//! Ref: redis.io/commands/zrevrangebyscore

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREVRANGEBYSCORE",
    since: "2.2.0",
    group: Group::SortedSet,
    summary: "Returns the members of a sorted set with scores in a range, highest score first.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::double("max"),
        Arg::double("min"),
        Arg::word("withscores", "WITHSCORES").optional(),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.1.6", "Exclusive bounds.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    cases: "
        > ZREVRANGEBYSCORE z x 1          -ERR min or max is not a float
        > ZREVRANGEBYSCORE z 2 1          []
        > ZADD z 1 a 2 b 3 c              :3
        > ZREVRANGEBYSCORE z +inf (1      [c, b]
        > ZREVRANGEBYSCORE z 1 3          []
        > ZREVRANGEBYSCORE z 3 1 LIMIT 1 1    [b]
        > SET s x                         +OK
        > ZREVRANGEBYSCORE s 2 1          -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_range(call, Some(By::Score), Some(true))
}
