//! ZINCRBY key increment member: adds to the score of a member.
//! Ref: redis.io/commands/zincrby

use super::add;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZINCRBY",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Adds to the score of a member of a sorted set.",
    cost: "O(log N), N members",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("increment"), Arg::string("member")],
    element: 3,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZINCRBY z x a           -ERR value is not a valid float
        > ZINCRBY z INCR a        -ERR syntax error
        > ZINCRBY z 2.5 a         ,2.5
        > ZINCRBY z -3 a          ,-0.5
        > ZINCRBY z inf a         ,inf
        > ZINCRBY z -inf a        -ERR resulting score is not a number (NaN)
        > SET s x                 +OK
        > ZINCRBY s 1 a           -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    add::run(call, true)
}
