//! ZLEXCOUNT key min max: the number of members between two members.
//! Ref: redis.io/commands/zlexcount

use super::query::{By, reply_count};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZLEXCOUNT",
    since: "2.8.9",
    group: Group::SortedSet,
    summary: "Counts the members of a sorted set between two members.",
    cost: "O(log N), N members",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("min"), Arg::string("max")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZLEXCOUNT z a [b        -ERR min or max not valid string range item
        > ZLEXCOUNT z - +         :0
        > ZADD z 0 a 0 b 0 c 0 d  :4
        > ZLEXCOUNT z - +         :4
        > ZLEXCOUNT z (a [c       :2
        > ZLEXCOUNT z + -         :0
        > ZLEXCOUNT z [aa (d      :2
        > SET s x                 +OK
        > ZLEXCOUNT s - +         -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_count(call, By::Lex)
}
