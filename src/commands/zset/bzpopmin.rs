//! BZPOPMIN key [key ...] timeout: takes the member with the lowest score out of the first sorted set that has any, and waits for
//! one if none has.
//! Ref: redis.io/commands/bzpopmin

use super::blocking::pop_or_block;
use super::shared::End;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "BZPOPMIN",
    since: "5.0.0",
    group: Group::SortedSet,
    summary: "Takes the member with the lowest score out of the first sorted set that has any; waits for one if none has.",
    cost: "O(log N), N members",
    arity: -3,
    flags: Flags::WRITE.and(Flags::NOSCRIPT).and(Flags::BLOCKING).and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::range(1, -2, 1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key").multiple(), Arg::double("timeout")],
    route: Route::Keys(Multi::Gather(route::same_db)),
    history: &[("6.0.0", "The `timeout` may have a fraction.")],
    run,
    cases: "
        > BZPOPMIN z                  -ERR wrong number of arguments for 'bzpopmin' command
        > BZPOPMIN z x                -ERR timeout is not a float or out of range
        > BZPOPMIN z -1               -ERR timeout is negative
        > BZPOPMIN y z 0.001          nil
        > SET s v                   +OK
        > BZPOPMIN y s z 0            -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD z 1 a 2.5 b          :2
        > BZPOPMIN y z s 0            [z, a, ,1]
        > BZPOPMIN z 0                [z, b, ,2.5]
        > EXISTS z                  :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pop_or_block(call, End::Min)
}
