//! ZPOPMAX key [count]: takes members from one end.
//! Ref: redis.io/commands/zpopmax

use super::shared::{End, pop_one_key};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZPOPMAX",
    since: "5.0.0",
    group: Group::SortedSet,
    summary: "Takes the members with the highest scores out of a sorted set and returns them.",
    cost: "O(M log N), M members of N",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZPOPMAX z -1             -ERR value is out of range, must be positive
        > ZPOPMAX z x              -ERR value is out of range, must be positive
        > ZPOPMAX z 1 2            -ERR syntax error
        > ZPOPMAX z                []
        > ZPOPMAX z 5              []
        > ZADD z 1 a 2 b 3 c      :3
        > ZPOPMAX z 0              []
        > ZPOPMAX z                [c, ,3]
        > ZCARD z                 :2
        > ZPOPMAX z 4611686018427387904    ?
        > EXISTS z                :0
        > SET s x                 +OK
        > ZPOPMAX s 0              -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pop_one_key(call, End::Max)
}
