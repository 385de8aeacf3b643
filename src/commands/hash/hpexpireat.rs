//! HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]: lets fields expire at a time.
//! Ref: redis.io/commands/hpexpireat

use super::deadline::{expire, grammar};
use crate::commands::common::Clock;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HPEXPIREAT",
    since: "7.4.0",
    group: Group::Hash,
    summary: "Sets the Unix time in milliseconds at which fields of a hash expire.",
    cost: "O(N), N fields named",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &grammar(Arg::unix_time("unix-time-milliseconds")),
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HPEXPIREAT h 10 FIELDS 1    -ERR wrong number of arguments for 'hpexpireat' command
        > SET s v               +OK
        > HPEXPIREAT s x FIELDS 1 a    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HPEXPIREAT h x FOO 1 a    -ERR value is not an integer or out of range
        > HPEXPIREAT h -1 FIELDS 1 a    -ERR invalid expire time, must be >= 0
        > HPEXPIREAT h 9223372036854775807 FIELDS 1 a    -ERR invalid expire time in 'hpexpireat' command
        > HPEXPIREAT h 10 FOO 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HPEXPIREAT h 10 NX XX FIELDS 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HPEXPIREAT h 10 FIELDS 0 a    -ERR Parameter `numFields` should be greater than 0
        > HPEXPIREAT h 10 FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HPEXPIREAT h 10 FIELDS 2 a b    [:-2, :-2]
        > HSET h a 1 b 2 c 3    :3
        > HPEXPIREAT h 4000000000000 XX FIELDS 1 a    [:0]
        > HPEXPIREAT h 4000000000000 GT FIELDS 1 a    [:0]
        > HPEXPIREAT h 4000000000000 NX FIELDS 3 a x b    [:1, :-2, :1]
        > OBJECT ENCODING h     $listpackex
        > HPEXPIREAT h 4000000000000 NX FIELDS 2 a c    [:0, :1]
        > HPEXPIREAT h 5000000000000 LT FIELDS 1 a    [:0]
        > HPEXPIREAT h 5000000000000 GT FIELDS 1 b    [:1]
        > HPEXPIRETIME h FIELDS 1 a    [:4000000000000]
        > HPEXPIREAT h 0 FIELDS 2 a a    [:2, :-2]
        > HLEN h                :2
        > HPEXPIREAT h 0 FIELDS 2 b c    [:2, :2]
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    expire(call, Clock::UnixMillis, "hpexpireat")
}
