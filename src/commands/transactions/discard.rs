//! DISCARD: drops a transaction with everything queued in it.
//! Ref: redis.io/commands/discard

use crate::spec::{Category, Flags, Group, Route, SessionOp, Spec};

pub const SPEC: Spec = Spec {
    name: "DISCARD",
    since: "2.0.0",
    group: Group::Transactions,
    summary: "Drops a transaction with everything queued in it.",
    cost: "O(N), when N is the number of queued commands",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    categories: Category::TRANSACTION,
    route: Route::Session(SessionOp::Discard),
    cases: "
        > DISCARD             -ERR DISCARD without MULTI
        > MULTI               +OK
        > SET a 1             +QUEUED
        > DISCARD             +OK
        > GET a               nil
    ",
    ..Spec::DEFAULT
};
