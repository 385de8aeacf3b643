//! HEXPIRETIME key FIELDS numfields field [field ...]: when fields expire, in seconds.
//! Ref: redis.io/commands/hexpiretime

use super::fields::{LIST, reply_times};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HEXPIRETIME",
    since: "7.4.0",
    group: Group::Hash,
    summary: "Returns the Unix times in seconds at which fields of a hash expire.",
    cost: "O(N), N fields named",
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), LIST],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HEXPIRETIME h FIELDS 1    -ERR wrong number of arguments for 'hexpiretime' command
        > SET s v               +OK
        > HEXPIRETIME s FOO 1 a    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXPIRETIME h FOO 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRETIME h FIELDS x a    -ERR Number of fields must be a positive integer
        > HEXPIRETIME h FIELDS 0 a    -ERR Number of fields must be a positive integer
        > HEXPIRETIME h FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HEXPIRETIME h FIELDS 2 a b    [:-2, :-2]
        > HSET h a 1 b 2        :2
        > HEXPIREAT h 4000000000 FIELDS 1 a    [:1]
        > HEXPIRETIME h FIELDS 3 a b c    [:4000000000, :-1, :-2]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_times(call, |at, _| at.saturating_add(999) / 1000)
}
