//! MULTI: opens a transaction: the commands that follow are queued until EXEC.
//! Ref: redis.io/commands/multi

use crate::spec::{Category, Flags, Group, Route, SessionOp, Spec};

pub const SPEC: Spec = Spec {
    name: "MULTI",
    since: "1.2.0",
    group: Group::Transactions,
    summary: "Opens a transaction: the commands that follow are queued until EXEC.",
    cost: "O(1)",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    categories: Category::TRANSACTION,
    route: Route::Session(SessionOp::Multi),
    cases: "
        > EXEC                -ERR EXEC without MULTI
        > MULTI               +OK
        > MULTI               -ERR MULTI calls can not be nested
        > SET a 1             +QUEUED
        > INCR a              +QUEUED
        > EXEC                [+OK, :2]
    ",
    ..Spec::DEFAULT
};
