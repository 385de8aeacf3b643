//! REPLICAOF host port | NO ONE: whom the server follows. Replication does not exist yet: it follows nobody, and says so.
//! Ref: redis.io/commands/replicaof

use crate::base::num::parse_i64;
use crate::spec::{Arg, Call, Flags, Group, Outcome, Refusal, Spec};

pub(super) const ARGS: &[Arg] = &[Arg::one_of(
    "args",
    &[
        Arg::block("host-port", &[Arg::string("host"), Arg::integer("port")]),
        Arg::block("no-one", &[Arg::word("no", "NO"), Arg::word("one", "ONE")]),
    ],
)];

pub(super) const FLAGS: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::STALE).and(Flags::NO_ASYNC_LOADING);

pub const SPEC: Spec = Spec {
    name: "REPLICAOF",
    since: "5.0.0",
    group: Group::Server,
    summary: "Makes the server follow a master, or none.",
    arity: 3,
    flags: FLAGS,
    args: ARGS,
    run,
    cases: "
        > REPLICAOF NO           -ERR wrong number of arguments for 'replicaof' command
        > REPLICAOF host x       -ERR Invalid master port
        > REPLICAOF host 70000   -ERR Invalid master port
        > REPLICAOF NO ONE       +OK
    ",
    ..Spec::DEFAULT
};

pub(super) fn run(call: &mut Call) -> Outcome {
    if call.args.is(1, "NO") && call.args.is(2, "ONE") {
        call.out.ok();
        return Ok(());
    }
    if !parse_i64(call.args.get(2)).is_some_and(|port| (0..=65535).contains(&port)) {
        return Err(Refusal::fixed("ERR Invalid master port"));
    }
    Err(Refusal::fixed("ERR replication is not supported yet by this version"))
}
