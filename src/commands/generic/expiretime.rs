//! EXPIRETIME key: when a key expires, in seconds.
//! Ref: redis.io/commands/expiretime

use super::shared::{reply_expiry, seconds};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "EXPIRETIME",
    since: "7.0.0",
    group: Group::Generic,
    summary: "Returns the Unix time in seconds at which a key expires, -1 if never, -2 without such a key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > EXPIRETIME k                 :-2
        > SET k v                      +OK
        > EXPIRETIME k                 :-1
        > PEXPIREAT k 99999999999500   :1
        > EXPIRETIME k                 :100000000000
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_expiry(call, |at, _| seconds(at))
}
