//! SLAVEOF: the old name of REPLICAOF.
//! Ref: redis.io/commands/slaveof

use super::replicaof::{ARGS, FLAGS, run};
use crate::spec::{Group, Spec};

pub const SPEC: Spec = Spec {
    name: "SLAVEOF",
    group: Group::Server,
    summary: "Makes the server follow a master, or none.",
    arity: 3,
    flags: FLAGS,
    args: ARGS,
    deprecated: Some(("5.0.0", "`REPLICAOF`")),
    run,
    cases: "
        > SLAVEOF NO       -ERR wrong number of arguments for 'slaveof' command
        > SLAVEOF NO ONE   +OK
    ",
    ..Spec::DEFAULT
};
