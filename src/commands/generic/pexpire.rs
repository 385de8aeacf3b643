//! PEXPIRE key milliseconds [NX | XX | GT | LT]: lets a key expire after a time.
//! Ref: redis.io/commands/pexpire

use crate::commands::common::Clock;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "PEXPIRE",
    since: "2.6.0",
    group: Group::Generic,
    summary: "Sets the time to live of a key in milliseconds.",
    cost: "O(1)",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::integer("milliseconds"),
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
        > PEXPIRE k 9223372036854775807    -ERR invalid expire time in 'pexpire' command
        > PEXPIRE k 1.5                    -ERR value is not an integer or out of range
        > SET k v                          +OK
        > PEXPIRE k 100000                 :1
        > TTL k                            :100
        > PEXPIRE k 0                      :1
        > EXISTS k                         :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::expire(call, Clock::Millis, "pexpire")
}
