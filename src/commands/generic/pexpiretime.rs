//! PEXPIRETIME key: when a key expires, in milliseconds.
//! Ref: redis.io/commands/pexpiretime

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "PEXPIRETIME",
    since: "7.0.0",
    group: Group::Generic,
    summary: "Returns the Unix time in milliseconds at which a key expires, -1 if never, -2 without such a key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > PEXPIRETIME k                :-2
        > SET k v                      +OK
        > PEXPIRETIME k                :-1
        > PEXPIREAT k 99999999999500   :1
        > PEXPIRETIME k                :99999999999500
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::reply_expiry(call, |at, _| at)
}
