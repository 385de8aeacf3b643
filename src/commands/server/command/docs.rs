//! COMMAND DOCS [name ...]: what commands are for and how their arguments are written.
//! Ref: redis.io/commands/command-docs, redis.io/docs/latest/develop/reference/command-arguments

use super::info::words;
use super::{BASE, NAMES, top_level};
use crate::proto::encode::Out;
use crate::spec::args::Kind;
use crate::spec::{Arg, Call, Outcome, Spec, Table};

pub const SPEC: Spec = Spec {
    name: "DOCS",
    since: "7.0.0",
    summary: "Explains one, several or all commands.",
    cost: "O(N), N commands asked for",
    arity: -2,
    args: NAMES,
    tips: &["nondeterministic_output_order"],
    run,
    cases: "
        > COMMAND DOCS nonsense   {}
        > COMMAND DOCS ping       {ping: {summary: ?, since: 1.0.0, group: connection, complexity: O(1), arguments: ?}}
        > COMMAND DOCS            ?
    ",
    ..BASE
};

/// Commands that only servers and their tests use.
const SYSTEM: &[&str] = &["DEBUG", "PFDEBUG", "PFSELFTEST", "PSYNC", "REPLCONF", "RESTORE-ASKING", "SYNC"];

fn run(call: &mut Call) -> Outcome {
    let table = &call.shard.server.commands;
    let rows: Vec<u16> = match call.args.len() {
        2 => top_level(call),
        _ => call.args.from(2).filter_map(|name| table.find_full(name)).collect(),
    };
    explain_all(call.out, table, &rows);
    Ok(())
}

/// Name and explanation of each row.
fn explain_all(out: &mut Out, table: &Table, rows: &[u16]) {
    out.map(rows.len());
    for row in rows {
        out.bulk(table.row(*row).full_name.as_bytes());
        explain(out, table, *row);
    }
}

/// One command; its subcommands nest, once.
fn explain(out: &mut Out, table: &Table, row: u16) {
    let row = table.row(row);
    let spec = row.spec;
    let is_system = row.parent.is_none() && SYSTEM.contains(&spec.name);
    let optional = [!spec.cost.is_empty(), spec.deprecated.is_some() || is_system, !spec.history.is_empty()];
    let optional = optional.into_iter().chain([!spec.args.is_empty(), !row.subs.is_empty()]).filter(|is| *is).count();
    out.map(3 + optional + if spec.deprecated.is_some() { 2 } else { 0 });
    text(out, "summary", spec.summary);
    text(out, "since", spec.since);
    text(out, "group", spec.group.name());
    if !spec.cost.is_empty() {
        text(out, "complexity", spec.cost);
    }
    if spec.deprecated.is_some() || is_system {
        let flags: Vec<&str> =
            [(spec.deprecated.is_some(), "deprecated"), (is_system, "syscmd")].into_iter().filter(|f| f.0).map(|f| f.1).collect();
        out.bulk(b"doc_flags");
        words(out, &flags, "");
    }
    if let Some((since, instead)) = spec.deprecated {
        text(out, "deprecated_since", since);
        text(out, "replaced_by", instead);
    }
    if !spec.history.is_empty() {
        out.bulk(b"history");
        out.set(spec.history.len());
        for (version, change) in spec.history {
            out.array(2);
            out.bulk(version.as_bytes());
            out.bulk(change.as_bytes());
        }
    }
    if !spec.args.is_empty() {
        out.bulk(b"arguments");
        arguments(out, spec.args);
    }
    if !row.subs.is_empty() {
        out.bulk(b"subcommands");
        explain_all(out, table, &row.subs);
    }
}

fn text(out: &mut Out, name: &str, value: &str) {
    out.bulk(name.as_bytes());
    out.bulk(value.as_bytes());
}

/// Arguments nest as deep as the specs, which are constants, make them.
fn arguments(out: &mut Out, args: &[Arg]) {
    out.array(args.len());
    args.iter().for_each(|arg| argument(out, arg));
}

fn argument(out: &mut Out, arg: &Arg) {
    let (kind, is_leaf, key) = match arg.kind {
        Kind::String => ("string", true, None),
        Kind::Integer => ("integer", true, None),
        Kind::Double => ("double", true, None),
        Kind::Key(n) => ("key", true, Some(n)),
        Kind::Pattern => ("pattern", true, None),
        Kind::PatternOf(n) => ("pattern", true, Some(n)),
        Kind::UnixTime => ("unix-time", true, None),
        Kind::PureToken => ("pure-token", true, None),
        Kind::OneOf => ("oneof", false, None),
        Kind::Block => ("block", false, None),
    };
    let flags = [(arg.optional, "optional"), (arg.multiple, "multiple"), (arg.multiple_token, "multiple_token")];
    let flags: Vec<&str> = flags.into_iter().filter(|f| f.0).map(|f| f.1).collect();
    let texts = [arg.token, arg.since, arg.deprecated_since].into_iter().filter(|t| !t.is_empty()).count();
    let fields = [is_leaf, key.is_some(), !flags.is_empty(), !is_leaf];
    out.map(2 + texts + fields.into_iter().filter(|is| *is).count());
    text(out, "name", arg.name);
    text(out, "type", kind);
    if is_leaf {
        text(out, "display_text", if arg.display.is_empty() { arg.name } else { arg.display });
    }
    if let Some(n) = key {
        out.bulk(b"key_spec_index");
        out.int(i64::from(n));
    }
    if !arg.token.is_empty() {
        text(out, "token", arg.token);
    }
    if !arg.since.is_empty() {
        text(out, "since", arg.since);
    }
    if !arg.deprecated_since.is_empty() {
        text(out, "deprecated_since", arg.deprecated_since);
    }
    if !flags.is_empty() {
        out.bulk(b"flags");
        words(out, &flags, "");
    }
    if !is_leaf {
        out.bulk(b"arguments");
        arguments(out, arg.subs);
    }
}
