//! COMMAND [COUNT | DOCS | GETKEYS | GETKEYSANDFLAGS | HELP | INFO | LIST]: the server's commands, as the command table says.
//! Nothing here is written twice: every reply derives from the specs.
//! Ref: redis.io/commands/command, redis.io/commands/command-docs

mod docs;
mod info;
mod keys;
mod list;

use super::shared::categories_of;

use crate::commands::help;
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Spec};

pub const SPEC: Spec = Spec {
    name: "COMMAND",
    since: "2.8.13",
    group: Group::Server,
    summary: "Describes all commands.",
    cost: "O(N), N commands",
    arity: -1,
    flags: FLAGS.and(Flags::CONTAINER),
    categories: Category::CONNECTION,
    subs: &[&COUNT, &docs::SPEC, &keys::GETKEYS, &keys::GETKEYSANDFLAGS, &HELP, &info::SPEC, &list::SPEC],
    tips: &["nondeterministic_output_order"],
    help: LINES,
    run: info::run_all,
    cases: "
        > COMMAND nonsense   -ERR unknown subcommand 'nonsense'. Try COMMAND HELP.
        > COMMAND            ?
    ",
    ..Spec::DEFAULT
};

/// Flags of the command and of all its subcommands.
const FLAGS: Flags = Flags::LOADING.and(Flags::STALE);

/// What the subcommands have in common.
const BASE: Spec =
    Spec { since: "2.8.13", group: Group::Server, arity: 2, flags: FLAGS, categories: Category::CONNECTION, ..Spec::DEFAULT };

/// The grammar of a whole call as an argument.
const WHOLE_CALL: &[Arg] = &[Arg::string("command"), Arg::string("arg").optional().multiple()];
/// The grammar of a list of names.
const NAMES: &[Arg] = &[Arg::string("command-name").optional().multiple()];

const COUNT: Spec = Spec {
    name: "COUNT",
    summary: "Counts the commands.",
    run: count,
    cases: "
        > COMMAND COUNT x   -ERR wrong number of arguments for 'command|count' command
        > COMMAND COUNT     ?
    ",
    ..BASE
};

const HELP: Spec = help::spec(Group::Server, "5.0.0", Category::CONNECTION, run_help);

const LINES: &[&str] = &[
    "(no subcommand)",
    "    Describes all commands.",
    "COUNT",
    "    Counts the commands.",
    "DOCS [<command-name> ...]",
    "    Explains the named commands; without names, all.",
    "GETKEYS <full-command>",
    "    Shows which words of a call are keys.",
    "GETKEYSANDFLAGS <full-command>",
    "    Shows which words of a call are keys and what happens to them.",
    "INFO [<command-name> ...]",
    "    Describes the named commands; without names, all.",
    "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]",
    "    Names the commands.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "COMMAND", LINES)
}

/// Rows of the commands that clients can call, without subcommands.
fn top_level(call: &Call) -> Vec<u16> {
    let rows = &call.shard.server.commands.rows;
    let is_shown = |i: &usize| rows[*i].parent.is_none() && !rows[*i].call_name.is_empty();
    (0..rows.len()).filter(is_shown).map(|i| i as u16).collect()
}

fn count(call: &mut Call) -> Outcome {
    let count = top_level(call).len();
    call.out.int(count as i64);
    Ok(())
}
