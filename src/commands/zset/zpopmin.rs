//! ZPOPMIN key [count]: takes members from one end.
//! Ref: redis.io/commands/zpopmin

use super::shared::{End, pop_one_key};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZPOPMIN",
    since: "5.0.0",
    group: Group::SortedSet,
    summary: "Takes the members with the lowest scores out of a sorted set and returns them.",
    cost: "O(M log N), M members of N",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZPOPMIN z -1             -ERR value is out of range, must be positive
        > ZPOPMIN z x              -ERR value is out of range, must be positive
        > ZPOPMIN z 1 2            -ERR syntax error
        > ZPOPMIN z                []
        > ZPOPMIN z 5              []
        > ZADD z 1 a 2 b 3 c      :3
        > ZPOPMIN z 0              []
        > ZPOPMIN z                [a, ,1]
        > ZCARD z                 :2
        > ZPOPMIN z 4611686018427387904    ?
        > EXISTS z                :0
        > SET s x                 +OK
        > ZPOPMIN s 0              -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pop_one_key(call, End::Min)
}
