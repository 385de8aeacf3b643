//! TTL key: the time to live of a key in seconds.
//! Ref: redis.io/commands/ttl

use super::shared::{reply_expiry, seconds};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "TTL",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Returns the time to live of a key in seconds, -1 without one, -2 without such a key.",
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
        > TTL                  -ERR wrong number of arguments for 'ttl' command
        > TTL k                :-2
        > SET k v              +OK
        > TTL k                :-1
        > EXPIRE k 100         :1
        > TTL k                :100
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_expiry(call, |at, now| seconds(at.saturating_sub(now).max(0)))
}
