//! INCR key: adds one to an integer.
//! Ref: redis.io/commands/incr

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "INCR",
    since: "1.0.0",
    group: Group::String,
    summary: "Adds one to the integer at a key; a missing key counts as 0.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > SET k \" 1\"    +OK
        > INCR k        -ERR value is not an integer or out of range
        > SET k +1      +OK
        > INCR k        -ERR value is not an integer or out of range
        > SET k 01      +OK
        > INCR k        -ERR value is not an integer or out of range
        > SET k 1e3     +OK
        > INCR k        -ERR value is not an integer or out of range
        > SET k 9223372036854775807    +OK
        > INCR k        -ERR increment or decrement would overflow
        > INCR n        :1
        > INCR n        :2
        > GET n         $2
        > SET t 5 EX 1000    +OK
        > INCR t        :6
        > TTL t         :1000
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::add(call, 1)
}
