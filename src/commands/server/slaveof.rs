//! SLAVEOF: the old name of REPLICAOF.
//! Ref: redis.io/commands/slaveof

use super::shared::{REPLICA_OF, REPLICA_OF_ARGS, replica_of};
use crate::spec::{Group, Spec};

pub const SPEC: Spec = Spec {
    name: "SLAVEOF",
    group: Group::Server,
    summary: "Makes the server follow a master, or none.",
    arity: 3,
    flags: REPLICA_OF,
    args: REPLICA_OF_ARGS,
    deprecated: Some(("5.0.0", "`REPLICAOF`")),
    run: replica_of,
    cases: "
        > SLAVEOF NO       -ERR wrong number of arguments for 'slaveof' command
        > SLAVEOF NO ONE   +OK
    ",
    ..Spec::DEFAULT
};
