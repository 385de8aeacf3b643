//! CLIENT LIST [TYPE type] [ID id ...]: one line per connection, in the order of their ids.
//! Each core sends its lines, each behind id and length; home sorts and joins them.
//! Ref: redis.io/commands/client-list

use super::OPERATOR;
use super::line::{self, Type};
use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::spec::{Arg, Args, Call, Category, Group, Merge, Outcome, Refusal, Route, Spec};
use std::collections::BTreeMap;

const TYPES: &[Arg] =
    &[Arg::word("normal", "NORMAL"), Arg::word("master", "MASTER"), Arg::word("replica", "REPLICA"), Arg::word("pubsub", "PUBSUB")];

pub const SPEC: Spec = Spec {
    name: "LIST",
    since: "2.4.0",
    group: Group::Connection,
    summary: "Describes open connections, one line each.",
    cost: "O(N), N connections",
    arity: -2,
    flags: OPERATOR,
    categories: Category::CONNECTION,
    args: &[
        Arg::one_of("client-type", TYPES).token("TYPE").optional().since("5.0.0"),
        Arg::integer("client-id").token("ID").optional().multiple().since("6.2.0"),
    ],
    route: Route::Every(Merge::Custom(merge)),
    tips: &["nondeterministic_output"],
    history: &[
        ("2.8.12", "Shows the client's `id`."),
        ("5.0.0", "Has the `TYPE` filter."),
        ("6.0.0", "Shows `user`."),
        ("6.2.0", "Shows `argv-mem`, `tot-mem`, `laddr` and `redir`; has the `ID` filter."),
        ("7.0.0", "Shows `resp`, `multi-mem`, `rbs` and `rbp`."),
        ("7.0.3", "Shows `ssub`."),
        ("7.2.0", "Shows `lib-name` and `lib-ver`."),
        ("7.4.0", "Shows `watch`."),
    ],
    run,
    cases: "
        > CLIENT LIST nonsense           -ERR syntax error
        > CLIENT LIST ID                 -ERR syntax error
        > CLIENT LIST TYPE               -ERR syntax error
        > CLIENT LIST TYPE normal ID 3   -ERR syntax error
        > CLIENT LIST TYPE nonsense      -ERR Unknown client type 'nonsense'
        > CLIENT LIST ID x               -ERR Invalid client ID
        > CLIENT LIST TYPE master        ?
        > CLIENT LIST                    ?
    ",
    ..Spec::DEFAULT
};

/// Which clients are listed.
enum Filter {
    All,
    Type(Type),
    Ids(Vec<u64>),
}

fn parse(args: &Args) -> Result<Filter, Refusal> {
    match args.len() {
        2 => Ok(Filter::All),
        4 if args.is(2, "TYPE") => Ok(Filter::Type(Type::parse(args.get(3))?)),
        4.. if args.is(2, "ID") => {
            let id = |word| parse_i64(word).map(|n| n as u64).ok_or(Refusal::fixed("ERR Invalid client ID"));
            Ok(Filter::Ids(args.from(3).map(id).collect::<Result<_, _>>()?))
        }
        _ => Err(Refusal::SYNTAX),
    }
}

fn run(call: &mut Call) -> Outcome {
    let filter = parse(&call.args)?;
    let mut part = Vec::new();
    for (_, client) in call.shard.clients.iter() {
        let is_listed = match &filter {
            Filter::All => true,
            Filter::Type(t) => t.fits(client),
            Filter::Ids(ids) => ids.contains(&client.id),
        };
        if is_listed {
            let text = line::of(client, call.now);
            parts::put_number(&mut part, client.id);
            parts::put_text(&mut part, &text);
        }
    }
    parts::send(call, &part);
    Ok(())
}

fn merge(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(records) = parts::receive(call, parts) else {
        return Ok(());
    };
    let mut lines: BTreeMap<u64, &[u8]> = BTreeMap::new();
    for mut record in records {
        while let (Some(id), Some(text)) = (parts::number(&mut record), parts::text(&mut record)) {
            lines.insert(id, text);
        }
    }
    let mut text = Vec::new();
    let mut add = |line: &[u8]| {
        text.extend_from_slice(line);
        text.push(b'\n');
    };
    match parse(&call.args)? {
        // Asked for by id: in the order of the question, twice if asked twice.
        Filter::Ids(ids) => ids.iter().filter_map(|id| lines.get(id)).for_each(|line| add(line)),
        _ => lines.values().for_each(|line| add(line)),
    }
    call.out.verbatim(b"txt", &text);
    Ok(())
}
