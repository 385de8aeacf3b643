//! HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]: lets fields expire in some milliseconds.
//! Ref: redis.io/commands/hpexpire

use super::deadline::{expire, grammar};
use crate::commands::common::Clock;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HPEXPIRE",
    since: "7.4.0",
    group: Group::Hash,
    summary: "Lets fields of a hash expire after some milliseconds.",
    cost: "O(N), N fields named",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &grammar(Arg::integer("milliseconds")),
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HPEXPIRE h 10 FIELDS 1    -ERR wrong number of arguments for 'hpexpire' command
        > SET s v               +OK
        > HPEXPIRE s x FIELDS 1 a    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HPEXPIRE h x FOO 1 a    -ERR value is not an integer or out of range
        > HPEXPIRE h -1 FIELDS 1 a    -ERR invalid expire time, must be >= 0
        > HPEXPIRE h 9223372036854775807 FIELDS 1 a    -ERR invalid expire time in 'hpexpire' command
        > HPEXPIRE h 10 FOO 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HPEXPIRE h 10 NX XX FIELDS 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HPEXPIRE h 10 FIELDS 0 a    -ERR Parameter `numFields` should be greater than 0
        > HPEXPIRE h 10 FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HPEXPIRE h 10 FIELDS 2 a b    [:-2, :-2]
        > HSET h a 1 b 2 c 3    :3
        > HPEXPIRE h 100000 XX FIELDS 1 a    [:0]
        > HPEXPIRE h 100000 GT FIELDS 1 a    [:0]
        > HPEXPIRE h 100000 NX FIELDS 3 a x b    [:1, :-2, :1]
        > OBJECT ENCODING h     $listpackex
        > HPEXPIRE h 100000 NX FIELDS 2 a c    [:0, :1]
        > HPEXPIRE h 200000 LT FIELDS 1 a    [:0]
        > HPEXPIRE h 200000 GT FIELDS 1 b    [:1]
        > HTTL h FIELDS 1 a    [:100]
        > HPEXPIRE h 0 FIELDS 2 a a    [:2, :-2]
        > HLEN h                :2
        > HPEXPIRE h 0 FIELDS 2 b c    [:2, :2]
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    expire(call, Clock::Millis, "hpexpire")
}
