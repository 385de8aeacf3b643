//! ZREMRANGEBYRANK key start stop: takes a range of members out.
//! Ref: redis.io/commands/zremrangebyrank

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREMRANGEBYRANK",
    since: "2.0.0",
    group: Group::SortedSet,
    summary: "Takes the members in a range of places out of a sorted set.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: 4,
    flags: Flags::WRITE,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZREMRANGEBYRANK z x 1        -ERR value is not an integer or out of range
        > ZREMRANGEBYRANK z 0 1        :0
        > ZADD z 1 a 2 b 3 c           :3
        > ZREMRANGEBYRANK z 5 9        :0
        > ZREMRANGEBYRANK z -2 -2      :1
        > ZRANGE z 0 -1                [a, c]
        > ZREMRANGEBYRANK z 0 -1       :2
        > EXISTS z                     :0
        > SET s x                      +OK
        > ZREMRANGEBYRANK s 0 1        -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::remove(call, By::Rank, "zremrangebyrank")
}
