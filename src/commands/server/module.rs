//! MODULE LIST | LOAD | LOADEX | UNLOAD | HELP. There are no loadable modules: the list is empty, and where enable-module-command
//! lets a client load one, loading fails with a line in the log.
//! Ref: redis.io/commands/module-list

use crate::commands::help;
use crate::spec::request::{LogLevel, Request};
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "MODULE",
    since: "4.0.0",
    group: Group::Server,
    summary: "Groups the commands about modules.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&HELP, &LIST, &LOAD, &LOADEX, &UNLOAD],
    help: LINES,
    cases: "
        > MODULE            -ERR wrong number of arguments for 'module' command
        > MODULE nonsense   -ERR unknown subcommand 'nonsense'. Try MODULE HELP.
    ",
    ..Spec::DEFAULT
};

const BASE: Spec = Spec {
    since: "4.0.0",
    group: Group::Server,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING).and(Flags::PROTECTED),
    run: fail_to_load,
    ..Spec::DEFAULT
};

const LIST: Spec = Spec {
    name: "LIST",
    summary: "Lists the modules.",
    cost: "O(N), N modules",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT),
    tips: &["nondeterministic_output_order"],
    run: list,
    ..BASE
};

const LOAD: Spec = Spec {
    name: "LOAD",
    summary: "Loads a module.",
    arity: -3,
    args: &[Arg::string("path"), Arg::string("arg").optional().multiple()],
    cases: r#"
        > MODULE LOAD     -ERR wrong number of arguments for 'module|load' command
    "#,
    ..BASE
};

const LOADEX: Spec = Spec {
    name: "LOADEX",
    since: "7.0.0",
    summary: "Loads a module with settings of its own.",
    arity: -3,
    args: &[
        Arg::string("path"),
        Arg::block("configs", &[Arg::string("name"), Arg::string("value")]).token("CONFIG").optional().multiple().multiple_token(),
        Arg::string("args").token("ARGS").optional().multiple(),
    ],
    ..BASE
};

const UNLOAD: Spec = Spec { name: "UNLOAD", summary: "Unloads a module.", arity: 3, args: &[Arg::string("name")], run: unload, ..BASE };

const HELP: Spec = help::spec(Group::Server, "5.0.0", Category::NONE, run_help);

const LINES: &[&str] = &[
    "LIST",
    "    Lists the modules.",
    "LOAD <path> [<arg> ...]",
    "    Loads the module at <path>.",
    "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
    "    Loads the module at <path> with settings of its own.",
    "UNLOAD <name>",
    "    Unloads a module.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "MODULE", LINES)
}

fn list(call: &mut Call) -> Outcome {
    call.out.array(0);
    Ok(())
}

/// Admission has seen to enable-module-command.
fn fail_to_load(call: &mut Call) -> Outcome {
    let path = String::from_utf8_lossy(call.arg(2));
    let line = format!("Module {path} failed to load: modules are not supported");
    call.shard.requests.push(Request::Log(LogLevel::Warning, line));
    Err(Refusal::MODULE_FAILED)
}

fn unload(_: &mut Call) -> Outcome {
    Err(Refusal::NO_MODULE)
}
