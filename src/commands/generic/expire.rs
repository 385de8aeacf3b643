//! EXPIRE key seconds [NX | XX | GT | LT]: lets a key expire after a time.
//! Ref: redis.io/commands/expire

use crate::commands::common::Clock;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "EXPIRE",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Sets the time to live of a key in seconds.",
    cost: "O(1)",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("seconds"), Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")]).optional().since("7.0.0")],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("7.0.0", "NX, XX, GT and LT.")],
    cases: "
        > EXPIRE k x FOO                     -ERR Unsupported option FOO
        > EXPIRE k x NX XX                   -ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k x GT LT                   -ERR GT and LT options at the same time are not compatible
        > EXPIRE k x                         -ERR value is not an integer or out of range
        > EXPIRE k 9223372036854775807       -ERR invalid expire time in 'expire' command
        > EXPIRE k -9223372036854775808      -ERR invalid expire time in 'expire' command
        > EXPIRE k 10                        :0
        > SET k v                            +OK
        > EXPIRE k 10 XX                     :0
        > EXPIRE k 10 GT                     :0
        > EXPIRE k 100 LT                    :1
        > EXPIRE k 200 NX                    :0
        > EXPIRE k 200 LT                    :0
        > EXPIRE k 200 GT XX                 :1
        > TTL k                              :200
        > EXPIRE k -1                        :1
        > EXISTS k                           :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::expire(call, Clock::Seconds, "expire")
}
