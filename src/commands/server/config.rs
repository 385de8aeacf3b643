//! CONFIG GET | SET | RESETSTAT | REWRITE | HELP: the settings.
//! Every core has its own copy. SET runs the same pure change on each copy as one operation, so all accept or all refuse; the
//! node then takes over what only it can apply.
//! Ref: redis.io/commands/config-set, redis.io/commands/config-get

use super::shared::{OPERATOR, write_settings};
use crate::base::glob;
use crate::commands::help;
use crate::config::{self, SetContext};
use crate::spec::persist::Wish;
use crate::spec::request::{LogLevel, Request};
use crate::spec::stats::{CommandStat, Stats};
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "CONFIG",
    since: "2.0.0",
    group: Group::Server,
    summary: "Groups the commands about settings.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&GET, &HELP, &RESETSTAT, &REWRITE, &SET],
    help: LINES,
    cases: "
        > CONFIG                           -ERR wrong number of arguments for 'config' command
        > CONFIG nonsense                  -ERR unknown subcommand 'nonsense'. Try CONFIG HELP.
    ",
    ..Spec::DEFAULT
};

const BASE: Spec = Spec { since: "2.0.0", group: Group::Server, flags: OPERATOR, ..Spec::DEFAULT };

const GET: Spec = Spec {
    name: "GET",
    summary: "Returns settings.",
    cost: "O(N), N settings",
    arity: -3,
    args: &[Arg::string("parameter").multiple()],
    history: &[("7.0.0", "Takes several patterns.")],
    run: get,
    cases: "
        > CONFIG GET                     -ERR wrong number of arguments for 'config|get' command
        > CONFIG GET nonsense            {}
        > CONFIG GET hash-max-listpack-entrie?   {hash-max-listpack-entries: 512}
        > CONFIG GET timeout timeout     {timeout: 0}
    ",
    ..BASE
};

const SET: Spec = Spec {
    name: "SET",
    summary: "Changes settings, all or none.",
    cost: "O(N), N settings",
    arity: -4,
    args: &[Arg::block("data", &[Arg::string("parameter"), Arg::string("value")]).multiple()],
    route: Route::Every(Merge::AllOk),
    history: &[("7.0.0", "Takes several settings.")],
    run: set,
    cases: "
        > CONFIG SET maxmemory             -ERR wrong number of arguments for 'config|set' command
        > CONFIG SET timeout 0 hz          -ERR syntax error
        > CONFIG SET nonsense 1            -ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'
        > CONFIG SET timeout x             -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer
        > CONFIG SET timeout 1 timeout 2   -ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter
        > CONFIG SET databases 4           -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
        > CONFIG SET list-compress-depth 1 hz x   -ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer
        > CONFIG GET list-compress-depth   {list-compress-depth: 0}
        > CONFIG SET list-compress-depth 1   +OK
        > CONFIG GET list-compress-depth   {list-compress-depth: 1}
        > CONFIG SET list-compress-depth 0   +OK
    ",
    ..BASE
};

const RESETSTAT: Spec = Spec {
    name: "RESETSTAT",
    summary: "Sets the counters of INFO to zero.",
    arity: 2,
    route: Route::Every(Merge::AllOk),
    run: reset_stat,
    cases: "
        > CONFIG RESETSTAT x   -ERR wrong number of arguments for 'config|resetstat' command
        > CONFIG RESETSTAT     +OK
    ",
    ..BASE
};

const REWRITE: Spec = Spec {
    name: "REWRITE",
    since: "2.8.0",
    summary: "Writes the settings into the configuration file.",
    arity: 2,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: rewrite,
    ..BASE
};

const HELP: Spec = help::spec(Group::Server, "5.0.0", Category::NONE, run_help);

const LINES: &[&str] = &[
    "GET <pattern>",
    "    Shows the settings whose names match <pattern>.",
    "SET <directive> <value>",
    "    Gives <directive> the value <value>.",
    "RESETSTAT",
    "    Sets the counters of INFO to zero.",
    "REWRITE",
    "    Writes the settings into the configuration file.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "CONFIG", LINES)
}

fn get(call: &mut Call) -> Outcome {
    let patterns: Vec<&[u8]> = call.args.from(2).collect();
    let found = call.shard.config.get_matching(&patterns, |pattern, text| glob::matches(pattern, text, true));
    call.out.map(found.len());
    for (name, value) in found {
        call.out.bulk(&name);
        call.out.bulk(&value);
    }
    Ok(())
}

fn set(call: &mut Call) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err(Refusal::SYNTAX);
    }
    let words: Vec<&[u8]> = call.args.from(2).collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let context = SetContext { is_loading: call.shard.persist.is_loading(), is_local_client: call.origin.is_local };
    let (mut config, mut changed) = call.shard.config.set_many(&pairs, context).map_err(Refusal::text)?;
    // Where the server listens is settled once, at its start.
    if let Some(listener) = changed.iter().find(|change| matches!(change.name, "port" | "bind")) {
        return Err(Refusal::text(config::set_failed(listener.asked, "listeners of a running server cannot be changed yet by this version")));
    }
    if let Some((_, dir)) = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"dir")) {
        enter_dir(call, dir, &mut config)?;
        changed.retain(|change| change.name != "dir" || config.dir != call.shard.config.dir);
    }
    if !changed.is_empty() || config.dir != call.shard.config.dir {
        if call.shard.core == 0 && config.appendonly != call.shard.config.appendonly {
            call.shard.wishes.push(Wish::AppendOnly(config.appendonly));
        }
        call.shard.config = config;
        call.shard.requests.push(Request::Reconfigured);
    }
    call.out.ok();
    Ok(())
}

/// The last of all changes, so that nothing has to be taken back when it fails. Every core does it, for the process: of a name from the root
/// on, which each of them makes of the same setting, so that the second time changes nothing.
fn enter_dir(call: &mut Call, dir: &[u8], config: &mut config::Config) -> Outcome {
    let name = if dir.is_empty() { Vec::new() } else { call.shard.config.in_dir(dir) };
    match (call.shard.server.enter_dir)(&name) {
        Ok(entered) => config.dir = entered,
        Err(why) => return Err(Refusal::text(config::set_failed("dir", &why))),
    }
    if call.shard.core == 0 && call.shard.persist.log_is_on && config.dir != call.shard.config.dir {
        let line = "The append-only log stays in the directory in which it is until it is switched off and on again";
        call.shard.requests.push(Request::Log(LogLevel::Warning, line.into()));
    }
    Ok(())
}

/// Counters only: what is connected or stored now stays as it is.
fn reset_stat(call: &mut Call) -> Outcome {
    let shard = &mut *call.shard;
    // Changes since the last snapshot are no statistics: save points go by them.
    shard.stats = Stats { changes: shard.stats.changes, ..Stats::default() };
    shard.ks.stats = crate::keyspace::Stats { changes: shard.ks.stats.changes, ..Default::default() };
    let figures = &mut shard.persist;
    (figures.saves, figures.rewrites, figures.rewrite_failures, figures.log_delayed) = (0, 0, 0, 0);
    shard.command_stats.fill(CommandStat::default());
    shard.errors.clear();
    shard.latency.histograms.clear();
    call.out.ok();
    Ok(())
}

fn rewrite(call: &mut Call) -> Outcome {
    write_settings(call, false)
}
