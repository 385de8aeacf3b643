//! PSETEX key milliseconds value: stores a string that expires.
//! Ref: redis.io/commands/psetex

use crate::commands::common::Clock;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "PSETEX",
    since: "2.6.0",
    group: Group::String,
    summary: "Sets the string value of a key and its time to live in milliseconds.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::integer("milliseconds"),
        Arg::string("value"),
    ],
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
    cases: "
        > PSETEX k 0 v        -ERR invalid expire time in 'psetex' command
        > PSETEX k -1 v       -ERR invalid expire time in 'psetex' command
        > PSETEX k x v        -ERR value is not an integer or out of range
        > PSETEX k 9223372036854775807 v    -ERR invalid expire time in 'psetex' command
        > EXISTS k            :0
        > PSETEX k 100000 v   +OK
        > GET k               $v
        > TTL k               :100
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::store_expiring(call, Clock::Millis, "psetex")
}
