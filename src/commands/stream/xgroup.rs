//! XGROUP CREATE | CREATECONSUMER | DELCONSUMER | DESTROY | SETID | HELP: consumer groups and their consumers.
//! Ref: redis.io/commands/xgroup-create

use super::shared::{id, id_or_edge, integer, is_stream_to_write, no_group_of_key};
use crate::commands::common::wrote;
use crate::commands::help;
use crate::data::stream::{Group as ConsumerGroup, Id, Stream, group::UNKNOWN};
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XGROUP",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Groups the commands about consumer groups.",
    cost: "Depends on subcommand.",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&CREATE, &CREATECONSUMER, &DELCONSUMER, &DESTROY, &HELP, &SETID],
    help: LINES,
    cases: "
        > XGROUP                              -ERR wrong number of arguments for 'xgroup' command
        > XGROUP FOO                          -ERR unknown subcommand 'FOO'. Try XGROUP HELP.
        > XGROUP CREATE x g 0                 -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP CREATE x g foo MKSTREAM      -ERR Invalid stream ID specified as stream command argument
        > XGROUP CREATE x g 0 FOO             -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE x g 0 ENTRIESREAD -2  -ERR value for ENTRIESREAD must be positive or -1
        > XGROUP CREATE x g $ MKSTREAM        +OK
        > XGROUP CREATE x g $ MKSTREAM        -BUSYGROUP Consumer Group name already exists
        > XLEN x                              :0
        > XGROUP SETID x h 0                  -NOGROUP No such consumer group 'h' for key name 'x'
        > XGROUP SETID x g 5 ENTRIESREAD 3    +OK
        > XGROUP CREATECONSUMER x h c         -NOGROUP No such consumer group 'h' for key name 'x'
        > XGROUP CREATECONSUMER x g c         :1
        > XGROUP CREATECONSUMER x g c         :0
        > XGROUP DELCONSUMER x g d            :0
        > XGROUP DELCONSUMER x g c            :0
        > XGROUP DESTROY x h                  :0
        > XGROUP DESTROY x g                  :1
        > XGROUP HELP                         ?
    ",
    ..Spec::DEFAULT
};

const BASE: Spec = Spec {
    since: "5.0.0",
    group: Group::Stream,
    cost: "O(1)",
    arity: 5,
    flags: Flags::WRITE,
    categories: Category::STREAM,
    route: Route::Keys(Multi::Single),
    args: &[Arg::key("key"), Arg::string("group"), Arg::string("consumer")],
    ..Spec::DEFAULT
};

const ID_SELECTOR: Arg = Arg::one_of("id-selector", &[Arg::string("id"), Arg::word("new-id", "$")]);
const ENTRIES_READ: Arg = Arg::integer("entriesread").token("ENTRIESREAD").display("entries-read").optional();

const CREATE: Spec = Spec {
    name: "CREATE",
    summary: "Makes a consumer group.",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    keys: &[KeySpec::one(2, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("group"), ID_SELECTOR, Arg::word("mkstream", "MKSTREAM").optional(), ENTRIES_READ],
    history: &[("7.0.0", "Accepts ENTRIESREAD.")],
    run: create,
    ..BASE
};

const CREATECONSUMER: Spec = Spec {
    name: "CREATECONSUMER",
    since: "6.2.0",
    summary: "Makes a consumer of a group.",
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    keys: &[KeySpec::one(2, Access::RW.and(Access::INSERT))],
    run: create_consumer,
    ..BASE
};

const DELCONSUMER: Spec = Spec {
    name: "DELCONSUMER",
    summary: "Removes a consumer of a group with what is pending for it, and counts that.",
    keys: &[KeySpec::one(2, Access::RW.and(Access::DELETE))],
    run: delete_consumer,
    ..BASE
};

const DESTROY: Spec = Spec {
    name: "DESTROY",
    summary: "Removes a consumer group.",
    cost: "O(N), N entries pending",
    arity: 4,
    keys: &[KeySpec::one(2, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("group")],
    run: destroy,
    ..BASE
};

const SETID: Spec = Spec {
    name: "SETID",
    summary: "Sets what a consumer group has read last.",
    arity: -5,
    keys: &[KeySpec::one(2, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::string("group"), ID_SELECTOR, ENTRIES_READ],
    history: &[("7.0.0", "Accepts ENTRIESREAD.")],
    run: set_id,
    ..BASE
};

const HELP: Spec = help::spec(Group::Stream, "5.0.0", Category::STREAM, run_help);

const LINES: &[&str] = &[
    "CREATE <key> <groupname> <id|$> [option]",
    "    Makes a consumer group that starts after an ID. Options are:",
    "    * MKSTREAM",
    "      Makes an empty stream if there is none.",
    "    * ENTRIESREAD entries_read",
    "      Sets how many entries the group has read (for replication).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Makes a consumer of the group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Removes a consumer and what is pending for it.",
    "DESTROY <key> <groupname>",
    "    Removes the group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Sets what the group has read last, and how many entries that were.",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "XGROUP", LINES)
}

/// The words after the ID.
struct Options {
    mkstream: bool,
    read: i64,
}

fn options(call: &Call, may_make: bool) -> Result<Options, Refusal> {
    let mut options = Options { mkstream: false, read: UNKNOWN };
    let mut i = 5;
    while i < call.args.len() {
        if may_make && call.args.is(i, "MKSTREAM") {
            options.mkstream = true;
        } else if call.args.is(i, "ENTRIESREAD") && i + 1 < call.args.len() {
            i += 1;
            options.read = integer(call.arg(i))?;
            if options.read < UNKNOWN {
                return Err(Refusal::fixed("ERR value for ENTRIESREAD must be positive or -1"));
            }
        } else {
            return Err(bad_words(call));
        }
        i += 1;
    }
    Ok(options)
}

fn bad_words(call: &Call) -> Refusal {
    Refusal::subcommand_or_arity(call.arg(1), "XGROUP")
}

/// Refuses unless the key holds a stream.
fn need_stream(call: &mut Call) -> Outcome {
    if is_stream_to_write(call, 2)? {
        return Ok(());
    }
    Err(Refusal::fixed(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
    ))
}

/// The stream of word 2, to look at.
fn stream<'c>(call: &'c mut Call) -> Option<&'c Stream> {
    let key = call.key(2);
    call.shard.ks.find(call.db, &key, call.now, Look::Quiet).and_then(|item| item.get::<Stream>())
}

fn need_group(call: &mut Call) -> Outcome {
    need_stream(call)?;
    let name = call.arg(3);
    let is_there = stream(call).is_some_and(|stream| stream.group(name).is_some());
    if is_there { Ok(()) } else { Err(no_group_of_key(call, 2, 3)) }
}

fn create(call: &mut Call) -> Outcome {
    let options = options(call, true)?;
    if call.args.len() > 8 {
        return Err(bad_words(call));
    }
    if !is_stream_to_write(call, 2)? && !options.mkstream {
        need_stream(call)?;
    }
    let last = match call.arg(4) {
        b"$" => stream(call).map_or(Id::MIN, |stream| stream.facts.last),
        word => id(word, 0)?,
    };
    let (key, name) = (call.key(2), call.arg(3));
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let is_new = stream.add_group(name, ConsumerGroup::new(last, options.read));
        (is_new, u64::from(is_new))
    });
    let edited = edited.ok_or(Refusal::ARENA_FULL)?;
    if !edited.out {
        return Err(Refusal::fixed("BUSYGROUP Consumer Group name already exists"));
    }
    call.out.ok();
    wrote(call, edited.is_new, Class::Stream, "xgroup-create", 2);
    Ok(())
}

fn set_id(call: &mut Call) -> Outcome {
    let options = options(call, false)?;
    need_group(call)?;
    if call.args.len() > 7 {
        return Err(bad_words(call));
    }
    let last = match call.arg(4) {
        b"$" => stream(call).map_or(Id::MIN, |stream| stream.facts.last),
        word => id_or_edge(word, 0)?,
    };
    change_group(call, |group| {
        (group.last, group.read) = (last, options.read);
        ((), 1)
    })?;
    call.out.ok();
    call.event(Class::Stream, "xgroup-setid", 2);
    Ok(())
}

fn destroy(call: &mut Call) -> Outcome {
    need_stream(call)?;
    let (key, name) = (call.key(2), call.arg(3));
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let is_gone = stream.remove_group(name);
        (is_gone, u64::from(is_gone))
    });
    let is_gone = edited.ok_or(Refusal::ARENA_FULL)?.out;
    if is_gone {
        call.event(Class::Stream, "xgroup-destroy", 2);
    }
    call.out.int(i64::from(is_gone));
    Ok(())
}

fn create_consumer(call: &mut Call) -> Outcome {
    need_group(call)?;
    let (name, now) = (call.arg(4), call.now);
    let is_new = change_group(call, |group| {
        let (_, is_new) = group.enroll(name, now);
        (is_new, u64::from(is_new))
    })?;
    if is_new {
        call.event(Class::Stream, "xgroup-createconsumer", 2);
    }
    call.out.int(i64::from(is_new));
    Ok(())
}

fn delete_consumer(call: &mut Call) -> Outcome {
    need_group(call)?;
    let name = call.arg(4);
    let pending = change_group(call, |group| {
        let pending = group.dismiss(name);
        (pending, u64::from(pending.is_some()))
    })?;
    if pending.is_some() {
        call.event(Class::Stream, "xgroup-delconsumer", 2);
    }
    call.out.int(pending.unwrap_or(0) as i64);
    Ok(())
}

/// Changes the group of word 3, which is there.
fn change_group<R: Default>(call: &mut Call, change: impl FnOnce(&mut ConsumerGroup) -> (R, u64)) -> Result<R, Refusal> {
    let (key, name) = (call.key(2), call.arg(3));
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| match stream.group_mut(name) {
        Some((mut group, ..)) => change(&mut group),
        None => (R::default(), 0),
    });
    Ok(edited.ok_or(Refusal::ARENA_FULL)?.out)
}
