//! CLIENT: what a connection says about itself, and what an operator may do to connections.
//! Connections live on different cores: LIST, KILL, PAUSE, UNPAUSE, UNBLOCK and TRACKING run on each, the others at home.
//! Ref: redis.io/commands/client-list

mod identity;
mod kill;
mod line;
mod list;
mod modes;
mod pause;
mod tracking;
mod unblock;

use crate::commands::help;
use crate::spec::{Call, Category, Flags, Group, Outcome, Spec};

pub const SPEC: Spec = Spec {
    name: "CLIENT",
    since: "2.4.0",
    group: Group::Connection,
    summary: "Groups the commands about client connections.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[
        &tracking::CACHING,
        &identity::GETNAME,
        &tracking::GETREDIR,
        &HELP,
        &identity::ID,
        &identity::INFO,
        &kill::SPEC,
        &list::SPEC,
        &modes::NO_EVICT,
        &modes::NO_TOUCH,
        &pause::PAUSE,
        &modes::REPLY,
        &identity::SETINFO,
        &identity::SETNAME,
        &tracking::TRACKING,
        &tracking::TRACKINGINFO,
        &unblock::SPEC,
        &pause::UNPAUSE,
    ],
    help: LINES,
    cases: "
        > CLIENT                  -ERR wrong number of arguments for 'client' command
        > CLIENT nonsense         -ERR unknown subcommand 'nonsense'. Try CLIENT HELP.
        > CLIENT HELP x           -ERR wrong number of arguments for 'client|help' command
    ",
    ..Spec::DEFAULT
};

/// Flags of what any client may do to itself, and of what is left to operators.
const OWN: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);
const OPERATOR: Flags = OWN.and(Flags::ADMIN);

const HELP: Spec = help::spec(Group::Connection, "5.0.0", Category::CONNECTION, run_help);

const LINES: &[&str] = &[
    "CACHING (YES|NO)",
    "    Says whether the keys of the next command are tracked, in the modes OPTIN and OPTOUT.",
    "GETREDIR",
    "    Tells the id of the client that hears of stale keys in place of this one.",
    "GETNAME",
    "    Tells the name of this connection.",
    "ID",
    "    Tells the id of this connection.",
    "INFO",
    "    Describes this connection in one line.",
    "KILL <ip:port>",
    "    Closes the connection that comes from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Closes all connections to which every option applies:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      It comes from this address.",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      It was accepted at this address.",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      It is of this type.",
    "    * USER <username>",
    "      It has authenticated as this user.",
    "    * SKIPME (YES|NO)",
    "      Whether this connection is spared (default: yes).",
    "    * ID <client-id>",
    "      It has this id.",
    "    * MAXAGE <maxage>",
    "      It is at least so many seconds old.",
    "LIST [options ...]",
    "    Describes connections, one line each. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Those of one type.",
    "    * ID <client-id> [<client-id> ...]",
    "      Those with these ids.",
    "NO-EVICT (ON|OFF)",
    "    Keeps this connection when clients are closed to free memory.",
    "NO-TOUCH (ON|OFF)",
    "    Lets this connection read keys without marking them as used.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Makes all commands, or those that may write, wait for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Says whether this connection wants replies.",
    "SETINFO <option> <value>",
    "    Describes the client's library. Options are:",
    "    * LIB-NAME: its name.",
    "    * LIB-VER: its version.",
    "SETNAME <name>",
    "    Names this connection.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Tells this connection when keys that it has read change.",
    "TRACKINGINFO",
    "    Describes how keys are tracked for this connection.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Ends the wait of a client in a blocking command.",
    "UNPAUSE",
    "    Ends a pause.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "CLIENT", LINES)
}
