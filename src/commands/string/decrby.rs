//! DECRBY key decrement: subtracts from an integer.
//! Ref: redis.io/commands/decrby

use crate::base::num::parse_i64;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DECRBY",
    since: "1.0.0",
    group: Group::String,
    summary: "Subtracts a number from the integer at a key; a missing key counts as 0.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    args: &[Arg::key("key"), Arg::integer("decrement")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > DECRBY k x                       -ERR value is not an integer or out of range
        > DECRBY k -9223372036854775808    -ERR decrement would overflow
        > DECRBY k 3                       :-3
        > DECRBY k -5                      :2
        > DECRBY k 9223372036854775807     :-9223372036854775805
        > DECRBY k 4                       -ERR increment or decrement would overflow
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let amount = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    let delta = amount.checked_neg().ok_or(Refusal::DECR_OVERFLOW)?;
    super::shared::add(call, delta)
}
