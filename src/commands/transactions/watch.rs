//! WATCH key [key ...]: makes the next EXEC conditional on keys that nobody changed meanwhile.
//! Ref: redis.io/commands/watch

use crate::spec::{Access, Arg, Category, Flags, Group, KeySpec, Route, SessionOp, Spec};

pub const SPEC: Spec = Spec {
    name: "WATCH",
    since: "2.2.0",
    group: Group::Transactions,
    summary: "Makes the next EXEC conditional on keys that nobody changed meanwhile.",
    cost: "O(1) for every key.",
    arity: -2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    categories: Category::TRANSACTION,
    keys: &[KeySpec::range(1, -1, 1, Access::RO)],
    args: &[Arg::key("key").multiple()],
    route: Route::Session(SessionOp::Watch),
    cases: "
        > WATCH               -ERR wrong number of arguments for 'watch' command
        > WATCH a b c         +OK
        > SET b 1             +OK
        > MULTI               +OK
        > WATCH a             -ERR WATCH inside MULTI is not allowed
        > GET b               +QUEUED
        > EXEC                nil
        > WATCH a b c         +OK
        > MULTI               +OK
        > GET b               +QUEUED
        > SET c 3             +QUEUED
        > EXEC                [1, +OK]
    ",
    ..Spec::DEFAULT
};
