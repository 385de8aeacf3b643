//! INCRBY key increment: adds to an integer.
//! Ref: redis.io/commands/incrby

use crate::base::num::parse_i64;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "INCRBY",
    since: "1.0.0",
    group: Group::String,
    summary: "Adds a number to the integer at a key; a missing key counts as 0.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    args: &[Arg::key("key"), Arg::integer("increment")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > INCRBY k 1.5                     -ERR value is not an integer or out of range
        > INCRBY k 9223372036854775808     -ERR value is not an integer or out of range
        > INCRBY k 9223372036854775807     :9223372036854775807
        > INCRBY k 1                       -ERR increment or decrement would overflow
        > INCRBY k -9223372036854775808    :-1
        > INCRBY k 11                      :10
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let amount = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    super::shared::add(call, amount)
}
