//! ZREMRANGEBYSCORE key min max: takes a range of members out.
//! Ref: redis.io/commands/zremrangebyscore

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREMRANGEBYSCORE",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Takes the members with scores in a range out of a sorted set.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: 4,
    flags: Flags::WRITE,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::double("min"), Arg::double("max")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZREMRANGEBYSCORE z x 1       -ERR min or max is not a float
        > ZREMRANGEBYSCORE z 0 1       :0
        > ZADD z 1 a 2 b 3 c           :3
        > ZREMRANGEBYSCORE z (1 (3     :1
        > ZRANGE z 0 -1                [a, c]
        > ZREMRANGEBYSCORE z -inf inf  :2
        > EXISTS z                     :0
        > SET s x                      +OK
        > ZREMRANGEBYSCORE s 0 1       -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::remove(call, By::Score, "zremrangebyscore")
}
