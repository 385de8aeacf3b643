//! UNWATCH: forgets the watched keys of the connection.
//! Ref: redis.io/commands/unwatch

use crate::spec::{Category, Flags, Group, Route, SessionOp, Spec};

pub const SPEC: Spec = Spec {
    name: "UNWATCH",
    since: "2.2.0",
    group: Group::Transactions,
    summary: "Forgets the watched keys of the connection.",
    cost: "O(1)",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    categories: Category::TRANSACTION,
    route: Route::Session(SessionOp::Unwatch),
    cases: "
        > WATCH a b           +OK
        > SET a 1             +OK
        > UNWATCH             +OK
        > MULTI               +OK
        > GET a               +QUEUED
        > EXEC                [1]
    ",
    ..Spec::DEFAULT
};
