//! CLUSTER: all subcommands that exist; each answers that cluster mode is off, as any server outside a cluster does.
//! Ref: redis.io/commands/cluster-info

use crate::spec::{Arg, Call, Flags, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "CLUSTER",
    since: "3.0.0",
    group: Group::Cluster,
    summary: "Groups the commands about the cluster.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: SUBS,
    cases: "
        > CLUSTER              -ERR wrong number of arguments for 'cluster' command
        > CLUSTER nonsense     -ERR unknown subcommand 'nonsense'. Try CLUSTER HELP.
        > CLUSTER INFO x       -ERR wrong number of arguments for 'cluster|info' command
        > CLUSTER INFO         -ERR This instance has cluster support disabled
        > CLUSTER KEYSLOT k    -ERR This instance has cluster support disabled
        > CLUSTER HELP         -ERR This instance has cluster support disabled
    ",
    ..Spec::DEFAULT
};

fn refuse(_: &mut Call) -> Outcome {
    Err(Refusal::CLUSTER_DISABLED)
}

const BASE: Spec = Spec { since: "3.0.0", group: Group::Cluster, flags: Flags::STALE, run: refuse, ..Spec::DEFAULT };
/// Flags of what changes the cluster, and of what only operators may see.
const CHANGE: Flags = Flags::ADMIN.and(Flags::STALE).and(Flags::NO_ASYNC_LOADING);
const OPERATOR: Flags = Flags::ADMIN.and(Flags::STALE);
const VARIES: &[&str] = &["nondeterministic_output"];
const RANGE: &[Arg] = &[Arg::integer("start-slot"), Arg::integer("end-slot")];
const SETSLOT: &[Arg] = &[
    Arg::string("importing").display("node-id").token("IMPORTING"),
    Arg::string("migrating").display("node-id").token("MIGRATING"),
    Arg::string("node").display("node-id").token("NODE"),
    Arg::word("stable", "STABLE"),
];

const SUBS: &[&Spec] = &[
    &Spec {
        name: "ADDSLOTS",
        summary: "Gives slots to this node.",
        cost: "O(N), N slots",
        arity: -3,
        flags: CHANGE,
        args: &[Arg::integer("slot").multiple()],
        ..BASE
    },
    &Spec {
        name: "ADDSLOTSRANGE",
        since: "7.0.0",
        summary: "Gives ranges of slots to this node.",
        cost: "O(N), N slots of the ranges",
        arity: -4,
        flags: CHANGE,
        args: &[Arg::block("range", RANGE).multiple()],
        ..BASE
    },
    &Spec { name: "BUMPEPOCH", summary: "Raises the configuration epoch.", arity: 2, flags: CHANGE, tips: VARIES, ..BASE },
    &Spec {
        name: "COUNT-FAILURE-REPORTS",
        summary: "Counts the reports that a node failed.",
        cost: "O(N), N reports",
        arity: 3,
        flags: OPERATOR,
        args: &[Arg::string("node-id")],
        tips: VARIES,
        ..BASE
    },
    &Spec { name: "COUNTKEYSINSLOT", summary: "Counts the keys of a slot.", arity: 3, args: &[Arg::integer("slot")], ..BASE },
    &Spec {
        name: "DELSLOTS",
        summary: "Takes slots from this node.",
        cost: "O(N), N slots",
        arity: -3,
        flags: CHANGE,
        args: &[Arg::integer("slot").multiple()],
        ..BASE
    },
    &Spec {
        name: "DELSLOTSRANGE",
        since: "7.0.0",
        summary: "Takes ranges of slots from this node.",
        cost: "O(N), N slots of the ranges",
        arity: -4,
        flags: CHANGE,
        args: &[Arg::block("range", RANGE).multiple()],
        ..BASE
    },
    &Spec {
        name: "FAILOVER",
        summary: "Lets a replica take over from its master.",
        arity: -2,
        flags: CHANGE,
        args: &[Arg::one_of("options", &[Arg::word("force", "FORCE"), Arg::word("takeover", "TAKEOVER")]).optional()],
        ..BASE
    },
    &Spec { name: "FLUSHSLOTS", summary: "Takes all slots from this node.", arity: 2, flags: CHANGE, ..BASE },
    &Spec {
        name: "FORGET",
        summary: "Removes a node from the list of nodes.",
        arity: 3,
        flags: CHANGE,
        args: &[Arg::string("node-id")],
        ..BASE
    },
    &Spec {
        name: "GETKEYSINSLOT",
        summary: "Lists keys of a slot.",
        cost: "O(N), N keys asked for",
        arity: 4,
        args: &[Arg::integer("slot"), Arg::integer("count")],
        tips: VARIES,
        ..BASE
    },
    &Spec {
        name: "HELP",
        since: "5.0.0",
        summary: "Lists the subcommands with a line about each.",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE),
        ..BASE
    },
    &Spec { name: "INFO", summary: "Describes the state of this node.", arity: 2, tips: VARIES, ..BASE },
    &Spec {
        name: "KEYSLOT",
        summary: "Returns the slot of a key.",
        cost: "O(N), N bytes of the key",
        arity: 3,
        args: &[Arg::string("key")],
        ..BASE
    },
    &Spec {
        name: "LINKS",
        since: "7.0.0",
        summary: "Lists the links between nodes.",
        cost: "O(N), N nodes",
        arity: 2,
        tips: VARIES,
        ..BASE
    },
    &Spec {
        name: "MEET",
        summary: "Introduces a node.",
        arity: -4,
        flags: CHANGE,
        args: &[Arg::string("ip"), Arg::integer("port"), Arg::integer("cluster-bus-port").optional().since("4.0.0")],
        history: &[("4.0.0", "Takes the port of the cluster bus.")],
        ..BASE
    },
    &Spec { name: "MYID", summary: "Returns the id of this node.", arity: 2, ..BASE },
    &Spec { name: "MYSHARDID", since: "7.2.0", summary: "Returns the id of this node's shard.", arity: 2, tips: VARIES, ..BASE },
    &Spec { name: "NODES", summary: "Describes the nodes.", cost: "O(N), N nodes", arity: 2, tips: VARIES, ..BASE },
    &Spec {
        name: "REPLICAS",
        since: "5.0.0",
        summary: "Lists the replicas of a master.",
        cost: "O(N), N replicas",
        arity: 3,
        flags: OPERATOR,
        args: &[Arg::string("node-id")],
        tips: VARIES,
        ..BASE
    },
    &Spec { name: "REPLICATE", summary: "Makes this node a replica.", arity: 3, flags: CHANGE, args: &[Arg::string("node-id")], ..BASE },
    &Spec {
        name: "RESET",
        summary: "Makes this node forget the cluster.",
        cost: "O(N), N known nodes, and that of FLUSHALL",
        arity: -2,
        flags: OPERATOR.and(Flags::NOSCRIPT),
        args: &[Arg::one_of("reset-type", &[Arg::word("hard", "HARD"), Arg::word("soft", "SOFT")]).optional()],
        ..BASE
    },
    &Spec { name: "SAVECONFIG", summary: "Writes the cluster's configuration to disk.", arity: 2, flags: CHANGE, ..BASE },
    &Spec {
        name: "SET-CONFIG-EPOCH",
        summary: "Sets the configuration epoch of a new node.",
        arity: 3,
        flags: CHANGE,
        args: &[Arg::integer("config-epoch")],
        ..BASE
    },
    &Spec {
        name: "SETSLOT",
        summary: "Binds a slot to a node.",
        arity: -4,
        flags: CHANGE,
        args: &[Arg::integer("slot"), Arg::one_of("subcommand", SETSLOT)],
        ..BASE
    },
    &Spec {
        name: "SHARDS",
        since: "7.0.0",
        summary: "Maps slots to shards.",
        cost: "O(N), N nodes",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE),
        tips: VARIES,
        ..BASE
    },
    &Spec {
        name: "SLAVES",
        summary: "Lists the replicas of a master.",
        cost: "O(N), N replicas",
        arity: 3,
        flags: OPERATOR,
        args: &[Arg::string("node-id")],
        tips: VARIES,
        deprecated: Some(("5.0.0", "`CLUSTER REPLICAS`")),
        ..BASE
    },
    &Spec {
        name: "SLOTS",
        summary: "Maps slots to nodes.",
        cost: "O(N), N nodes",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE),
        tips: VARIES,
        deprecated: Some(("7.0.0", "`CLUSTER SHARDS`")),
        history: &[("4.0.0", "Tells the ids of nodes."), ("7.0.0", "Tells more about how to reach a node.")],
        ..BASE
    },
];
