//! SETEX key seconds value: stores a string that expires.
//! Ref: redis.io/commands/setex

use crate::commands::common::Clock;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "SETEX",
    since: "2.0.0",
    group: Group::String,
    summary: "Sets the string value of a key and its time to live in seconds.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::integer("seconds"),
        Arg::string("value"),
    ],
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
    cases: "
        > SETEX k 0 v         -ERR invalid expire time in 'setex' command
        > SETEX k x v         -ERR value is not an integer or out of range
        > SETEX k 9223372036854775807 v    -ERR invalid expire time in 'setex' command
        > SETEX k 100 v       +OK
        > GET k               $v
        > TTL k               :100
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::store_expiring(call, Clock::Seconds, "setex")
}
