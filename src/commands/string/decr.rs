//! DECR key: subtracts one from an integer.
//! Ref: redis.io/commands/decr

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DECR",
    since: "1.0.0",
    group: Group::String,
    summary: "Subtracts one from the integer at a key; a missing key counts as 0.",
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
        > SET k -9223372036854775808    +OK
        > DECR k        -ERR increment or decrement would overflow
        > SET k -9223372036854775807    +OK
        > DECR k        :-9223372036854775808
        > DECR k        -ERR increment or decrement would overflow
        > DECR n        :-1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::add(call, -1)
}
