//! XINFO STREAM key [FULL [COUNT count]] | GROUPS key | CONSUMERS key group | HELP: what a stream is made of.
//! Ref: redis.io/commands/xinfo-stream

use super::shared::{count_or_all, integer, no_group_of_key, read, reply_entries, reply_entry, reply_id};
use crate::commands::help;
use crate::data::stream::{Facts, Group as ConsumerGroup, Id, Stream, group::UNKNOWN};
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XINFO",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Groups the commands that look into streams.",
    cost: "Depends on subcommand.",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&CONSUMERS, &GROUPS, &HELP, &STREAM],
    help: LINES,
    cases: "
        > XINFO                            -ERR wrong number of arguments for 'xinfo' command
        > XINFO FOO                        -ERR unknown subcommand 'FOO'. Try XINFO HELP.
        > XINFO STREAM x                   -ERR no such key
        > XINFO GROUPS x                   -ERR no such key
        > XINFO CONSUMERS x g              -ERR no such key
        > SET s v                          +OK
        > XINFO STREAM s                   -WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD x 1-1 a 1                   $1-1
        > XADD x 1-2 a 2                   $1-2
        > XINFO STREAM x FOO               -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM x FULL FOO 1        -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM x FULL COUNT a      -ERR value is not an integer or out of range
        > XINFO CONSUMERS x g              -NOGROUP No such consumer group 'g' for key name 'x'
        > XINFO STREAM x                   {length: :2, radix-tree-keys: :1, radix-tree-nodes: :2, last-generated-id: 1-2, max-deleted-entry-id: 0-0, entries-added: :2, recorded-first-entry-id: 1-1, groups: :0, first-entry: [1-1, [a, 1]], last-entry: [1-2, [a, 2]]}
        > XGROUP CREATE x g 0              +OK
        > XINFO GROUPS x                   [{name: g, consumers: :0, pending: :0, last-delivered-id: 0-0, entries-read: nil, lag: :2}]
        > XREADGROUP GROUP g c COUNT 1 STREAMS x >   ?
        > XINFO GROUPS x                   [{name: g, consumers: :1, pending: :1, last-delivered-id: 1-1, entries-read: :1, lag: :1}]
        > XINFO CONSUMERS x g              [{name: c, pending: :1, idle: ?, inactive: ?}]
        > XINFO STREAM x FULL COUNT 1      {length: :2, radix-tree-keys: :1, radix-tree-nodes: :2, last-generated-id: 1-2, max-deleted-entry-id: 0-0, entries-added: :2, recorded-first-entry-id: 1-1, entries: [[1-1, [a, 1]]], groups: [{name: g, last-delivered-id: 1-1, entries-read: :1, lag: :1, pel-count: :1, pending: [[1-1, c, ?, :1]], consumers: [{name: c, seen-time: ?, active-time: ?, pel-count: :1, pending: [[1-1, ?, :1]]}]}]}
        > XDEL x 1-1 1-2                   :2
        > XINFO STREAM x                   {length: :0, radix-tree-keys: :0, radix-tree-nodes: :1, last-generated-id: 1-2, max-deleted-entry-id: 1-2, entries-added: :2, recorded-first-entry-id: 0-0, groups: :1, first-entry: nil, last-entry: nil}
        > XINFO HELP                       ?
    ",
    ..Spec::DEFAULT
};

const BASE: Spec = Spec {
    since: "5.0.0",
    group: Group::Stream,
    cost: "O(1)",
    arity: 3,
    flags: Flags::READONLY,
    categories: Category::STREAM,
    keys: &[KeySpec::one(2, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    ..Spec::DEFAULT
};

const STREAM: Spec = Spec {
    name: "STREAM",
    summary: "Tells about a stream.",
    arity: -3,
    args: &[
        Arg::key("key"),
        Arg::block("full-block", &[Arg::word("full", "FULL"), Arg::integer("count").token("COUNT").optional()]).optional(),
    ],
    history: &[
        ("6.0.0", "Accepts FULL."),
        ("7.0.0", "Tells max-deleted-entry-id, entries-added, recorded-first-entry-id, entries-read and lag."),
        ("7.2.0", "Tells active-time; seen-time is that of the last try."),
    ],
    run: stream,
    ..BASE
};

const GROUPS: Spec = Spec {
    name: "GROUPS",
    summary: "Lists the consumer groups of a stream.",
    history: &[("7.0.0", "Tells entries-read and lag.")],
    run: groups,
    ..BASE
};

const CONSUMERS: Spec = Spec {
    name: "CONSUMERS",
    summary: "Lists the consumers of a group.",
    arity: 4,
    args: &[Arg::key("key"), Arg::string("group")],
    tips: &["nondeterministic_output"],
    history: &[("7.2.0", "Tells inactive; idle is since the last try.")],
    run: consumers,
    ..BASE
};

const HELP: Spec = help::spec(Group::Stream, "5.0.0", Category::STREAM, run_help);

const LINES: &[&str] = &[
    "CONSUMERS <key> <groupname>",
    "    Lists the consumers of <groupname>.",
    "GROUPS <key>",
    "    Lists the consumer groups of the stream.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Tells about the stream.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "XINFO", LINES)
}

/// Calls `tell` with the stream of word 2; refuses without it.
fn about(call: &mut Call, tell: impl FnOnce(&mut Out, &Stream) -> Outcome) -> Outcome {
    read(call, 2, |stream, out| tell(out, stream))?.unwrap_or(Err(Refusal::NO_KEY))
}

fn groups(call: &mut Call) -> Outcome {
    about(call, |out, stream| {
        out.array(stream.groups_len());
        for (name, group) in stream.groups() {
            out.map(6);
            named(out, "name").bulk(name);
            named(out, "consumers").int(group.consumers_len() as i64);
            named(out, "pending").int(group.pending_len() as i64);
            reply_id(named(out, "last-delivered-id"), group.last);
            progress(out, group, &stream.facts);
        }
        Ok(())
    })
}

fn consumers(call: &mut Call) -> Outcome {
    let (name, now, missing) = (call.arg(3), call.now, no_group_of_key(call, 2, 3));
    about(call, |out, stream| {
        let group = stream.group(name).ok_or(missing)?;
        out.array(group.consumers_len());
        for consumer in group.consumers() {
            let inactive = if consumer.active == -1 { -1 } else { now.wrapping_sub(consumer.active) };
            out.map(4);
            named(out, "name").bulk(&consumer.name);
            named(out, "pending").int(consumer.pending_len() as i64);
            named(out, "idle").int(now.wrapping_sub(consumer.seen).max(0));
            named(out, "inactive").int(inactive);
        }
        Ok(())
    })
}

/// `None` without FULL, else how many elements of each kind.
fn full(call: &Call) -> Result<Option<usize>, Refusal> {
    let args = &call.args;
    let count = match args.len() {
        3 => return Ok(None),
        4 if args.is(3, "FULL") => 10,
        6 if args.is(3, "FULL") && args.is(4, "COUNT") => integer(args.get(5))?,
        _ => return Err(Refusal::subcommand_or_arity(args.get(1), "XINFO")),
    };
    Ok(Some(count_or_all(if count < 0 { 10 } else { count })))
}

fn stream(call: &mut Call) -> Outcome {
    let full = full(call);
    about(call, |out, stream| {
        let full = full?;
        let (facts, log) = (&stream.facts, stream.log());
        out.map(if full.is_some() { 9 } else { 10 });
        named(out, "length").int(facts.length as i64);
        named(out, "radix-tree-keys").int(log.blocks_len() as i64);
        named(out, "radix-tree-nodes").int(log.radix_nodes() as i64);
        reply_id(named(out, "last-generated-id"), facts.last);
        reply_id(named(out, "max-deleted-entry-id"), facts.max_deleted);
        named(out, "entries-added").int(facts.added as i64);
        reply_id(named(out, "recorded-first-entry-id"), facts.first);
        match full {
            None => in_short(out, stream),
            Some(count) => in_full(out, stream, count),
        }
        Ok(())
    })
}

fn in_short(out: &mut Out, stream: &Stream) {
    let log = stream.log();
    named(out, "groups").int(stream.groups_len() as i64);
    let (first, last) = (log.range(Id::MIN, Id::MAX).next(), log.range_back(Id::MIN, Id::MAX).next());
    for (name, entry) in [("first-entry", first), ("last-entry", last)] {
        match entry {
            Some(entry) => reply_entry(named(out, name), &entry),
            None => named(out, name).null(),
        }
    }
}

fn in_full(out: &mut Out, stream: &Stream, count: usize) {
    reply_entries(named(out, "entries"), stream.log().range(Id::MIN, Id::MAX), count);
    named(out, "groups").array(stream.groups_len());
    for (name, group) in stream.groups() {
        out.map(7);
        named(out, "name").bulk(name);
        reply_id(named(out, "last-delivered-id"), group.last);
        progress(out, group, &stream.facts);
        named(out, "pel-count").int(group.pending_len() as i64);
        named(out, "pending").array(group.pending_len().min(count));
        for (id, pending) in group.pending(Id::MIN, Id::MAX).take(count) {
            out.array(4);
            reply_id(out, id);
            out.bulk(group.name(pending.consumer));
            out.int(pending.time);
            out.int(pending.count as i64);
        }
        named(out, "consumers").array(group.consumers_len());
        for consumer in group.consumers() {
            out.map(5);
            named(out, "name").bulk(&consumer.name);
            named(out, "seen-time").int(consumer.seen);
            named(out, "active-time").int(consumer.active);
            named(out, "pel-count").int(consumer.pending_len() as i64);
            named(out, "pending").array(consumer.pending_len().min(count));
            for id in consumer.pending(Id::MIN, Id::MAX).take(count) {
                out.array(3);
                reply_id(out, id);
                let (time, deliveries) = group.get(id).map_or((0, 0), |pending| (pending.time, pending.count));
                out.int(time);
                out.int(deliveries as i64);
            }
        }
    }
}

/// How far a group has read.
fn progress(out: &mut Out, group: &ConsumerGroup, facts: &Facts) {
    for (name, number) in [("entries-read", Some(group.read).filter(|read| *read != UNKNOWN)), ("lag", facts.lag(group))] {
        match number {
            Some(number) => named(out, name).int(number),
            None => named(out, name).null(),
        }
    }
}

/// Replies a name in a map; the value follows.
fn named<'o>(out: &'o mut Out, name: &str) -> &'o mut Out {
    out.bulk(name.as_bytes());
    out
}
