//! HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]: lets fields expire at a time.
//! Ref: redis.io/commands/hexpireat

use super::deadline::{expire, grammar};
use crate::commands::common::Clock;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HEXPIREAT",
    since: "7.4.0",
    group: Group::Hash,
    summary: "Sets the Unix time in seconds at which fields of a hash expire.",
    cost: "O(N), N fields named",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &grammar(Arg::unix_time("unix-time-seconds")),
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HEXPIREAT h 10 FIELDS 1    -ERR wrong number of arguments for 'hexpireat' command
        > SET s v               +OK
        > HEXPIREAT s x FIELDS 1 a    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXPIREAT h x FOO 1 a    -ERR value is not an integer or out of range
        > HEXPIREAT h -1 FIELDS 1 a    -ERR invalid expire time, must be >= 0
        > HEXPIREAT h 9223372036854775807 FIELDS 1 a    -ERR invalid expire time in 'hexpireat' command
        > HEXPIREAT h 10 FOO 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIREAT h 10 NX XX FIELDS 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIREAT h 10 FIELDS 0 a    -ERR Parameter `numFields` should be greater than 0
        > HEXPIREAT h 10 FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HEXPIREAT h 10 FIELDS 2 a b    [:-2, :-2]
        > HSET h a 1 b 2 c 3    :3
        > HEXPIREAT h 4000000000 XX FIELDS 1 a    [:0]
        > HEXPIREAT h 4000000000 GT FIELDS 1 a    [:0]
        > HEXPIREAT h 4000000000 NX FIELDS 3 a x b    [:1, :-2, :1]
        > OBJECT ENCODING h     $listpackex
        > HEXPIREAT h 4000000000 NX FIELDS 2 a c    [:0, :1]
        > HEXPIREAT h 5000000000 LT FIELDS 1 a    [:0]
        > HEXPIREAT h 5000000000 GT FIELDS 1 b    [:1]
        > HEXPIRETIME h FIELDS 1 a    [:4000000000]
        > HEXPIREAT h 0 FIELDS 2 a a    [:2, :-2]
        > HLEN h                :2
        > HEXPIREAT h 0 FIELDS 2 b c    [:2, :2]
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    expire(call, Clock::UnixSeconds, "hexpireat")
}
