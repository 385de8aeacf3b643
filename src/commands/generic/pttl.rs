//! PTTL key: the time to live of a key in milliseconds.
//! Ref: redis.io/commands/pttl

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "PTTL",
    since: "2.6.0",
    group: Group::Generic,
    summary: "Returns the time to live of a key in milliseconds, -1 without one, -2 without such a key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.8.0", "The answer -2.")],
    tips: &["nondeterministic_output"],
    cases: "
        > PTTL k               :-2
        > SET k v              +OK
        > PTTL k               :-1
        > PEXPIRE k 100000     :1
        > PTTL k               ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::reply_expiry(call, |at, now| at.saturating_sub(now).max(0))
}
