//! ACL CAT | WHOAMI | HELP: categories of commands, and the user. There is one user, `default`.
//! Ref: redis.io/commands/acl-cat, redis.io/commands/acl-whoami

use super::shared::categories_of;
use crate::commands::help;
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "ACL",
    since: "6.0.0",
    group: Group::Server,
    summary: "Groups the commands about users and what they may do.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&CAT, &HELP, &WHOAMI],
    help: LINES,
    cases: "
        > ACL            -ERR wrong number of arguments for 'acl' command
        > ACL nonsense   -ERR unknown subcommand 'nonsense'. Try ACL HELP.
    ",
    ..Spec::DEFAULT
};

const CAT: Spec = Spec {
    name: "CAT",
    since: "6.0.0",
    group: Group::Server,
    summary: "Lists the categories, or the commands of one.",
    cost: "O(1): commands and categories are fixed",
    arity: -2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    args: &[Arg::string("category").optional()],
    run: cat,
    cases: "
        > ACL CAT nonsense   -ERR Unknown category 'nonsense'
        > ACL CAT a b        -ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.
        > ACL CAT            ~[keyspace, read, write, set, sortedset, list, hash, string, bitmap, hyperloglog, geo, stream, pubsub, admin, fast, slow, blocking, dangerous, connection, transaction, scripting]
    ",
    ..Spec::DEFAULT
};

const WHOAMI: Spec = Spec {
    name: "WHOAMI",
    since: "6.0.0",
    group: Group::Server,
    summary: "Returns the user of the connection.",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    run: whoami,
    cases: "
        > ACL WHOAMI x   -ERR wrong number of arguments for 'acl|whoami' command
        > ACL WHOAMI     $default
    ",
    ..Spec::DEFAULT
};

const HELP: Spec = help::spec(Group::Server, "6.0.0", Category::NONE, run_help);

const LINES: &[&str] =
    &["CAT [<category>]", "    Lists the commands of <category>, or all categories.", "WHOAMI", "    Tells the user of this connection."];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "ACL", LINES)
}

fn cat(call: &mut Call) -> Outcome {
    if call.args.len() > 3 {
        return Err(Refusal::subcommand_or_arity(call.args.get(1), "ACL"));
    }
    let Some(word) = call.args.try_get(2) else {
        call.out.array(Category::NAMES.len());
        Category::NAMES.iter().for_each(|(_, name)| call.out.bulk(name.as_bytes()));
        return Ok(());
    };
    let found = Category::NAMES.iter().find(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes()));
    let Some((category, _)) = found else {
        return Err(Refusal::text(format!("ERR Unknown category '{}'", String::from_utf8_lossy(word))));
    };
    let rows = &call.shard.server.commands.rows;
    let names: Vec<&str> = rows.iter().filter(|row| categories_of(row.spec).has(*category)).map(|row| row.full_name).collect();
    call.out.array(names.len());
    names.iter().for_each(|name| call.out.bulk(name.as_bytes()));
    Ok(())
}

fn whoami(call: &mut Call) -> Outcome {
    let user = call.client().user;
    call.out.bulk(user.as_bytes());
    Ok(())
}
