//! EXEC: runs all queued commands of a transaction as one.
//! Ref: redis.io/commands/exec

use crate::spec::{Category, Flags, Group, Route, SessionOp, Spec};

pub const SPEC: Spec = Spec {
    name: "EXEC",
    since: "1.2.0",
    group: Group::Transactions,
    summary: "Runs all queued commands of a transaction as one.",
    cost: "Depends on the queued commands",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SKIP_SLOWLOG),
    categories: Category::TRANSACTION,
    route: Route::Session(SessionOp::Exec),
    cases: "
        > EXEC                -ERR EXEC without MULTI
        > MULTI               +OK
        > SET a               -ERR wrong number of arguments for 'set' command
        > EXEC                -EXECABORT Transaction discarded because of previous errors.
        > MULTI               +OK
        > SET a x             +QUEUED
        > INCR a              +QUEUED
        > SET b 2             +QUEUED
        > EXEC                [+OK, -ERR value is not an integer or out of range, +OK]
        > GET b               $2
    ",
    ..Spec::DEFAULT
};
