//! ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]: members with scores in a range.
//! Ref: redis.io/commands/zrangebyscore

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZRANGEBYSCORE",
    since: "1.0.5",
    group: Group::SortedSet,
    summary: "Returns the members of a sorted set with scores in a range.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::double("min"),
        Arg::double("max"),
        Arg::word("withscores", "WITHSCORES").optional().since("2.0.0"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.0.0", "`WITHSCORES`.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    cases: "
        > ZRANGEBYSCORE z x 1             -ERR min or max is not a float
        > ZRANGEBYSCORE z 1 2 REV         -ERR syntax error
        > ZRANGEBYSCORE z 1 2 LIMIT 0     -ERR syntax error
        > ZRANGEBYSCORE z 1 2             []
        > ZADD z 1 a 2 b 3 c              :3
        > ZRANGEBYSCORE z -inf (3         [a, b]
        > ZRANGEBYSCORE z 2 +inf LIMIT 1 5    [c]
        > SET s x                         +OK
        > ZRANGEBYSCORE s 1 2             -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_range(call, Some(By::Score), Some(false))
}
