//! FUNCTION DELETE | DUMP | FLUSH | HELP, and LOAD and RESTORE of a log. Libraries come out of files, are kept as text on core 0
//! and are written to files again. Nothing can run them, so that clients cannot bring new ones: to them LOAD and RESTORE are unknown.
//! Ref: redis.io/commands/function-flush

use crate::commands::help;
use crate::data::codec::string::{put_string, read_string};
use crate::data::codec::{self, wire::Reader};
use crate::proto::inline::split_args;
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Route, Spec, route::first_core};

/// What a library in a payload begins with (the record's type in an RDB file).
const RECORD: u8 = 0xF5;

pub const SPEC: Spec = Spec {
    name: "FUNCTION",
    since: "7.0.0",
    group: Group::Scripting,
    summary: "Groups the commands about functions.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&DELETE, &DUMP, &FLUSH, &HELP, &LOAD, &RESTORE],
    help: LINES,
    cases: "
        > FUNCTION            -ERR wrong number of arguments for 'function' command
        > FUNCTION nonsense   -ERR unknown subcommand 'nonsense'. Try FUNCTION HELP.
    ",
    ..Spec::DEFAULT
};

const BASE: Spec = Spec {
    since: "7.0.0",
    group: Group::Scripting,
    flags: Flags::WRITE.and(Flags::NOSCRIPT),
    categories: Category::SCRIPTING,
    route: Route::Pick(first_core),
    ..Spec::DEFAULT
};

const DELETE: Spec = Spec {
    name: "DELETE",
    summary: "Deletes a library and its functions.",
    cost: "O(N), N libraries",
    arity: 3,
    args: &[Arg::string("library-name")],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    run: delete,
    cases: "
        > FUNCTION DELETE      -ERR wrong number of arguments for 'function|delete' command
        > FUNCTION DELETE x    -ERR Library not found
    ",
    ..BASE
};

const FLUSH: Spec = Spec {
    name: "FLUSH",
    summary: "Deletes all libraries and functions.",
    cost: "O(N), N libraries",
    arity: -2,
    args: &[Arg::one_of("flush-type", &[Arg::word("async", "ASYNC"), Arg::word("sync", "SYNC")]).optional()],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    run: flush,
    cases: "
        > FUNCTION FLUSH x         -ERR FUNCTION FLUSH only supports SYNC|ASYNC option
        > FUNCTION FLUSH SYNC x    -ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.
        > FUNCTION FLUSH           +OK
        > FUNCTION FLUSH async     +OK
        > FUNCTION FLUSH SYNC      +OK
    ",
    ..BASE
};

const DUMP: Spec = Spec {
    name: "DUMP",
    summary: "Returns all libraries as one serialised payload.",
    cost: "O(N), N libraries",
    arity: 2,
    flags: Flags::NOSCRIPT,
    run: dump,
    cases: r#"
        > FUNCTION DUMP x    -ERR wrong number of arguments for 'function|dump' command
        > FUNCTION DUMP      ?
    "#,
    ..BASE
};

const LOAD: Spec = Spec {
    name: "LOAD",
    summary: "Takes a library out of a log.",
    cost: "O(N), N libraries",
    arity: -3,
    args: &[Arg::word("replace", "REPLACE").optional(), Arg::string("function-code")],
    run: load,
    cases: "
        > FUNCTION LOAD x    -ERR unknown subcommand 'LOAD'. Try FUNCTION HELP.   # stock: skip
    ",
    ..BASE
};

const RESTORE: Spec = Spec {
    name: "RESTORE",
    summary: "Takes the libraries of a payload out of a log.",
    cost: "O(N), N libraries",
    arity: -3,
    args: &[
        Arg::string("serialized-value"),
        Arg::one_of("policy", &[Arg::word("flush", "FLUSH"), Arg::word("append", "APPEND"), Arg::word("replace", "REPLACE")]).optional(),
    ],
    run: restore,
    cases: "
        > FUNCTION RESTORE x    -ERR unknown subcommand 'RESTORE'. Try FUNCTION HELP.   # stock: skip
    ",
    ..BASE
};

const HELP: Spec = help::spec(Group::Scripting, "7.0.0", Category::SCRIPTING, run_help);

const LINES: &[&str] = &[
    "DELETE <LIBRARY NAME>",
    "    Deletes the given library.",
    "DUMP",
    "    Returns all libraries as one serialised payload.",
    "FLUSH [ASYNC|SYNC]",
    "    Deletes all libraries.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "FUNCTION", LINES)
}

fn delete(call: &mut Call) -> Outcome {
    match place_of(&call.shard.persist.functions, call.arg(2)) {
        Some(place) => {
            call.shard.persist.functions.remove(place);
            changed(call);
        }
        // A log that began anew with FLUSHALL may lack what it deletes.
        None if call.origin.is_loader => {}
        None => return Err(Refusal::NO_LIBRARY),
    }
    call.out.ok();
    Ok(())
}

fn dump(call: &mut Call) -> Outcome {
    let mut payload = Vec::new();
    for source in &call.shard.persist.functions {
        payload.push(RECORD);
        put_string(&mut payload, source, call.shard.config.rdbcompression);
    }
    codec::add_footer(&mut payload);
    call.out.bulk(&payload);
    Ok(())
}

fn flush(call: &mut Call) -> Outcome {
    match call.args.len() {
        2 => {}
        3 if call.args.is(2, "SYNC") || call.args.is(2, "ASYNC") => {}
        3 => return Err(Refusal::FUNCTION_FLUSH),
        _ => return Err(Refusal::subcommand_or_arity(call.arg(1), "FUNCTION")),
    }
    call.shard.persist.functions.clear();
    changed(call);
    call.out.ok();
    Ok(())
}

fn load(call: &mut Call) -> Outcome {
    only_in_logs(call)?;
    let replaces = call.args.len() > 3 && call.args.is(2, "REPLACE");
    let source = call.arg(call.args.len() - 1);
    keep(&mut call.shard.persist.functions, source, replaces)?;
    call.out.bulk(&name_of(source).unwrap_or_default());
    Ok(())
}

fn restore(call: &mut Call) -> Outcome {
    only_in_logs(call)?;
    let (body, _) = codec::check_footer(call.arg(2)).map_err(|_| Refusal::DUMP_CHECKSUM)?;
    let mut libraries = match call.args.len() > 3 && call.args.is(3, "FLUSH") {
        true => Vec::new(),
        false => call.shard.persist.functions.clone(),
    };
    let replaces = call.args.len() > 3 && call.args.is(3, "REPLACE");
    let mut reader = Reader::new(body);
    while !reader.is_empty() {
        if reader.byte().map_err(|_| Refusal::BAD_FORMAT)? != RECORD {
            return Err(Refusal::BAD_FORMAT);
        }
        keep(&mut libraries, &read_string(&mut reader).map_err(|_| Refusal::BAD_FORMAT)?, replaces)?;
    }
    call.shard.persist.functions = libraries;
    call.out.ok();
    Ok(())
}

/// To clients these subcommands are not there.
fn only_in_logs(call: &Call) -> Outcome {
    if call.origin.is_loader { Ok(()) } else { Err(Refusal::subcommand(call.arg(1), "FUNCTION")) }
}

/// One change, recorded in these words.
fn changed(call: &mut Call) {
    call.shard.ks.stats.changes += 1;
    let words: Vec<&[u8]> = call.args.from(0).collect();
    call.effect(&words);
}

/// Adds a library; one of the same name is in the way unless it is to be replaced.
fn keep(libraries: &mut Vec<Vec<u8>>, source: &[u8], replaces: bool) -> Outcome {
    let name = name_of(source).ok_or(Refusal::LIBRARY_WITHOUT_NAME)?;
    if let Some(place) = place_of(libraries, &name) {
        if !replaces {
            return Err(Refusal::library_exists(&name));
        }
        libraries.remove(place);
    }
    libraries.push(source.to_vec());
    Ok(())
}

fn place_of(libraries: &[Vec<u8>], name: &[u8]) -> Option<usize> {
    libraries.iter().position(|source| name_of(source).as_deref() == Some(name))
}

/// The library's name as its first line gives it: `#!lua name=mylib`.
fn name_of(source: &[u8]) -> Option<Vec<u8>> {
    let line = source.split(|b| *b == b'\n').next()?.strip_prefix(b"#!")?;
    let words = split_args(line)?;
    let name = words.iter().skip(1).find_map(|word| word.split_at_checked(5).filter(|(head, _)| head.eq_ignore_ascii_case(b"name=")))?;
    Some(name.1.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_first_line() {
        assert_eq!(name_of(b"#!lua name=a\nreturn 1").as_deref(), Some(&b"a"[..]));
        assert_eq!(name_of(b"#!lua \"Name=b\" \r\nreturn 1").as_deref(), Some(&b"b"[..]));
        assert_eq!(name_of(b"#!lua\nname=c"), None);
        assert_eq!(name_of(b"return 1"), None);
    }

    #[test]
    fn a_library_is_replaced_only_when_asked() {
        let mut kept = Vec::new();
        assert!(keep(&mut kept, b"#!lua name=a\n1", false).is_ok());
        assert!(keep(&mut kept, b"#!lua name=a\n2", false).is_err());
        assert!(keep(&mut kept, b"#!lua name=a\n2", true).is_ok());
        assert!(keep(&mut kept, b"no name", true).is_err());
        assert_eq!(kept, [b"#!lua name=a\n2".to_vec()]);
        assert_eq!(place_of(&kept, b"b"), None);
    }
}
