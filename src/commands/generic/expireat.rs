//! EXPIREAT key unix-time-seconds [NX | XX | GT | LT]: lets a key expire at a time.
//! Ref: redis.io/commands/expireat

use crate::commands::common::Clock;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "EXPIREAT",
    since: "1.2.0",
    group: Group::Generic,
    summary: "Sets the Unix time in seconds at which a key expires.",
    cost: "O(1)",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::unix_time("unix-time-seconds"),
        Arg::one_of(
            "condition",
            &[
                Arg::word("nx", "NX"),
                Arg::word("xx", "XX"),
                Arg::word("gt", "GT"),
                Arg::word("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("7.0.0", "NX, XX, GT and LT.")],
    cases: "
        > EXPIREAT k 9223372036854775807    -ERR invalid expire time in 'expireat' command
        > SET k v                           +OK
        > EXPIREAT k 99999999999            :1
        > EXPIRETIME k                      :99999999999
        > EXPIREAT k -5                     :1
        > EXISTS k                          :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::expire(call, Clock::UnixSeconds, "expireat")
}
