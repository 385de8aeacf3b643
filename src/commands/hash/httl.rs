//! HTTL key FIELDS numfields field [field ...]: the seconds that fields still have.
//! Ref: redis.io/commands/httl

use super::fields::{LIST, reply_times};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HTTL",
    since: "7.4.0",
    group: Group::Hash,
    summary: "Returns the seconds that fields of a hash still have.",
    cost: "O(N), N fields named",
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), LIST],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output"],
    cases: "
        > HTTL h FIELDS 1    -ERR wrong number of arguments for 'httl' command
        > SET s v               +OK
        > HTTL s FOO 1 a    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HTTL h FOO 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HTTL h FIELDS x a    -ERR Number of fields must be a positive integer
        > HTTL h FIELDS 0 a    -ERR Number of fields must be a positive integer
        > HTTL h FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HTTL h FIELDS 2 a b    [:-2, :-2]
        > HSET h a 1 b 2        :2
        > HEXPIRE h 100 FIELDS 1 a    [:1]
        > HTTL h FIELDS 3 a b c    [:100, :-1, :-2]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_times(call, |at, now| (at - now).saturating_add(999) / 1000)
}
