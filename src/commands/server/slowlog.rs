//! SLOWLOG GET [count] | LEN | RESET | HELP: the last slow calls. Each core keeps a log of its clients' calls; GET puts them in
//! the order of their ids.
//! Ref: redis.io/commands/slowlog-get

use crate::base::num::parse_i64;
use crate::commands::{help, parts};
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SLOWLOG",
    since: "2.2.12",
    group: Group::Server,
    summary: "Groups the commands about the log of slow calls.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&GET, &HELP, &LEN, &RESET],
    help: LINES,
    cases: "
        > SLOWLOG            -ERR wrong number of arguments for 'slowlog' command
        > SLOWLOG nonsense   -ERR unknown subcommand 'nonsense'. Try SLOWLOG HELP.
    ",
    ..Spec::DEFAULT
};

const BASE: Spec =
    Spec { since: "2.2.12", group: Group::Server, arity: 2, flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE), ..Spec::DEFAULT };

const GET: Spec = Spec {
    name: "GET",
    summary: "Returns the last slow calls.",
    cost: "O(N), N entries shown",
    arity: -2,
    args: &[Arg::integer("count").optional()],
    route: Route::Every(Merge::Custom(merge_get)),
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    history: &[("4.0.0", "Tells the client's address and name.")],
    run: get,
    cases: "
        > SLOWLOG GET x     -ERR count should be greater than or equal to -1
        > SLOWLOG GET -2    -ERR count should be greater than or equal to -1
        > SLOWLOG GET 5 5   -ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.
        > SLOWLOG RESET     +OK
        > SLOWLOG GET       ?
        > SLOWLOG GET 0     []
    ",
    ..BASE
};

const LEN: Spec = Spec {
    name: "LEN",
    summary: "Counts the calls in the log.",
    route: Route::Every(Merge::Custom(merge_len)),
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    run: len,
    cases: "
        > SLOWLOG LEN x   -ERR wrong number of arguments for 'slowlog|len' command
        > SLOWLOG LEN     ?
    ",
    ..BASE
};

const RESET: Spec = Spec {
    name: "RESET",
    summary: "Empties the log.",
    cost: "O(N), N entries of the log",
    route: Route::Every(Merge::AllOk),
    run: reset,
    ..BASE
};

const HELP: Spec = help::spec(Group::Server, "6.2.0", Category::NONE, run_help);

const LINES: &[&str] = &[
    "GET [<count>]",
    "    Shows the last <count> slow calls (default: 10, -1 means all), for each:",
    "    id, time, microseconds, words, client address, client name.",
    "LEN",
    "    Counts the calls in the log.",
    "RESET",
    "    Empties the log.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "SLOWLOG", LINES)
}

/// Number of entries asked for.
fn count(call: &Call) -> Result<usize, Refusal> {
    if call.args.len() > 3 {
        return Err(Refusal::subcommand_or_arity(call.args.get(1), "SLOWLOG"));
    }
    let Some(word) = call.args.try_get(2) else {
        return Ok(10);
    };
    match parse_i64(word) {
        Some(-1) => Ok(usize::MAX),
        Some(n) if n >= 0 => Ok(n as usize),
        _ => Err(Refusal::fixed("ERR count should be greater than or equal to -1")),
    }
}

fn get(call: &mut Call) -> Outcome {
    let count = count(call)?;
    let mut record = Vec::new();
    for entry in call.shard.slowlog.entries.iter().take(count) {
        parts::put_number(&mut record, entry.unix_seconds as u64);
        parts::put_number(&mut record, entry.id);
        parts::put_number(&mut record, entry.usec);
        parts::put_text(&mut record, entry.addr.as_bytes());
        parts::put_text(&mut record, &entry.name);
        parts::put_number(&mut record, entry.words.len() as u64);
        entry.words.iter().for_each(|word| parts::put_text(&mut record, word));
    }
    parts::send(call, &record);
    Ok(())
}

/// An entry of some core's log as it arrived at home.
struct Entry<'p> {
    seconds: u64,
    id: u64,
    usec: u64,
    addr: &'p [u8],
    name: &'p [u8],
    words: Vec<&'p [u8]>,
}

fn read<'p>(record: &mut &'p [u8]) -> Option<Entry<'p>> {
    let (seconds, id, usec) = (parts::number(record)?, parts::number(record)?, parts::number(record)?);
    let (addr, name) = (parts::text(record)?, parts::text(record)?);
    let words = (0..parts::number(record)?).map(|_| parts::text(record)).collect::<Option<_>>()?;
    Some(Entry { seconds, id, usec, addr, name, words })
}

fn merge_get(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let count = count(call)?;
    let Some(records) = parts::receive(call, parts) else {
        return Ok(());
    };
    let mut entries = Vec::new();
    for mut record in records {
        while let Some(entry) = read(&mut record) {
            entries.push(entry);
        }
    }
    entries.sort_by_key(|e| std::cmp::Reverse(e.id));
    entries.truncate(count.min(call.shard.config.slowlog_max_len as usize));
    let out = &mut *call.out;
    out.array(entries.len());
    for e in entries {
        out.array(6);
        out.int(e.id as i64);
        out.int(e.seconds as i64);
        out.int(e.usec as i64);
        out.array(e.words.len());
        e.words.iter().for_each(|word| out.bulk(word));
        out.bulk(e.addr);
        out.bulk(e.name);
    }
    Ok(())
}

fn len(call: &mut Call) -> Outcome {
    let len = call.shard.slowlog.entries.len() as u64;
    parts::send_numbers(call, &[len]);
    Ok(())
}

fn merge_len(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    if let Some(mut records) = parts::receive(call, parts) {
        let len: u64 = records.iter_mut().filter_map(parts::number).sum();
        call.out.int(len.min(call.shard.config.slowlog_max_len) as i64);
    }
    Ok(())
}

fn reset(call: &mut Call) -> Outcome {
    call.shard.slowlog.reset();
    call.out.ok();
    Ok(())
}
