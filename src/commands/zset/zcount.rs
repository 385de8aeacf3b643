//! ZCOUNT key min max: the number of members with scores in a range.
//! Ref: redis.io/commands/zcount

use super::query::{By, reply_count};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZCOUNT",
    since: "2.0.0",
    group: Group::SortedSet,
    summary: "Counts the members of a sorted set with scores in a range.",
    cost: "O(log N), N members",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::double("min"), Arg::double("max")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZCOUNT z x 1            -ERR min or max is not a float
        > ZCOUNT z 1 (nan         -ERR min or max is not a float
        > ZCOUNT z 1 2            :0
        > ZADD z 1 a 2 b 2 c 3 d  :4
        > ZCOUNT z 1 2            :3
        > ZCOUNT z (1 (3          :2
        > ZCOUNT z -inf +inf      :4
        > ZCOUNT z 3 1            :0
        > SET s x                 +OK
        > ZCOUNT s 1 2            -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_count(call, By::Score)
}
