//! PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]: lets a key expire at a time.
//! Ref: redis.io/commands/pexpireat

use crate::commands::common::Clock;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "PEXPIREAT",
    since: "2.6.0",
    group: Group::Generic,
    summary: "Sets the Unix time in milliseconds at which a key expires.",
    cost: "O(1)",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::unix_time("unix-time-milliseconds"),
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
        > PEXPIREAT k x                      -ERR value is not an integer or out of range
        > SET k v                            +OK
        > PEXPIREAT k 9223372036854775807    :1
        > PEXPIRETIME k                      :9223372036854775807
        > PEXPIREAT k 9223372036854775807 GT    :0
        > PEXPIREAT k -9223372036854775808   :1
        > EXISTS k                           :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::expire(call, Clock::UnixMillis, "pexpireat")
}
