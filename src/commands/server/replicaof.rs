//! REPLICAOF host port | NO ONE: whom the server follows. Replication does not exist yet: it follows nobody, and says so.
//! Ref: redis.io/commands/replicaof

use super::shared::{REPLICA_OF, REPLICA_OF_ARGS, replica_of};
use crate::spec::{Group, Spec};

pub const SPEC: Spec = Spec {
    name: "REPLICAOF",
    since: "5.0.0",
    group: Group::Server,
    summary: "Makes the server follow a master, or none.",
    arity: 3,
    flags: REPLICA_OF,
    args: REPLICA_OF_ARGS,
    run: replica_of,
    cases: "
        > REPLICAOF NO           -ERR wrong number of arguments for 'replicaof' command
        > REPLICAOF host x       -ERR Invalid master port
        > REPLICAOF host 70000   -ERR Invalid master port
        > REPLICAOF NO ONE       +OK
    ",
    ..Spec::DEFAULT
};
