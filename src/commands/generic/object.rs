//! OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT key, OBJECT HELP: how the server keeps a value.
//! Ref: redis.io/commands/object

use super::shared::is_lfu;
use crate::commands::common::{QUIETLY, string_of};
use crate::config::kinds::MaxmemoryPolicy;
use crate::keyspace::StrRef;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "OBJECT",
    since: "2.2.3",
    group: Group::Generic,
    summary: "Tells how the server keeps the value of a key.",
    cost: "Depends on subcommand.",
    arity: -2,
    flags: Flags::CONTAINER,
subs: &[&ENCODING, &FREQ, &HELP, &IDLETIME, &REFCOUNT],
    help: TEXT,
    cases: "
        > OBJECT                      -ERR wrong number of arguments for 'object' command
        > OBJECT FOO                  -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
        > OBJECT ENCODING             -ERR wrong number of arguments for 'object|encoding' command
        > OBJECT ENCODING k           nil
        > OBJECT FREQ k               nil
        > SET k 12345                 +OK
        > OBJECT ENCODING k           $int
        > OBJECT REFCOUNT k           :1
        > OBJECT IDLETIME k           :0
        > OBJECT FREQ k               -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        > SET k 12345678901234567890123456789012345678901234    +OK
        > OBJECT ENCODING k           $embstr
        > SET k 123456789012345678901234567890123456789012345   +OK
        > OBJECT ENCODING k           $raw
        > OBJECT HELP                 ?
    ",
    ..Spec::DEFAULT
};

const ENCODING: Spec = Spec {
    name: "ENCODING",
    summary: "Returns the form in which the server keeps a value.",
    ..ABOUT_KEY
};

const FREQ: Spec = Spec {
    name: "FREQ",
    since: "4.0.0",
    summary: "Returns how often a key is used, on a logarithmic scale.",
    run: freq,
    ..ABOUT_KEY
};

const IDLETIME: Spec = Spec {
    name: "IDLETIME",
    summary: "Returns how many seconds ago a key was last used.",
    run: idletime,
    ..ABOUT_KEY
};

const REFCOUNT: Spec = Spec {
    name: "REFCOUNT",
    summary: "Returns how many references to a value there are.",
    run: refcount,
    ..ABOUT_KEY
};

const HELP: Spec = Spec {
    name: "HELP",
    since: "6.2.0",
    group: Group::Generic,
    summary: "Returns the help of OBJECT.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Category::KEYSPACE,
    run: help,
    ..Spec::DEFAULT
};

/// What the subcommands that take a key have in common.
const ABOUT_KEY: Spec = Spec {
    since: "2.2.3",
    group: Group::Generic,
    arity: 3,
    flags: Flags::READONLY,
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(2, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run: encoding,
    tips: &["nondeterministic_output"],
    ..Spec::DEFAULT
};

const TEXT: &[&str] = &[
    "ENCODING <key>",
    "    The form in which the value of <key> is kept.",
    "FREQ <key>",
    "    How often <key> is used, as the logarithmic counter of LFU policies.",
    "IDLETIME <key>",
    "    Seconds since <key> was last used, about.",
    "REFCOUNT <key>",
    "    References to the value of <key>.",
];

fn help(call: &mut Call) -> Outcome {
    let head = "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
    let lines = || {
        [head]
            .into_iter()
            .chain(TEXT.iter().copied())
            .chain(["HELP", "    Print this help."])
    };
    call.out.array(lines().count());
    lines().for_each(|line| call.out.simple(line));
    Ok(())
}

fn encoding(call: &mut Call) -> Outcome {
    about(call, |call, facts| {
        call.out.bulk(facts.encoding.as_bytes());
        Ok(())
    })
}

fn freq(call: &mut Call) -> Outcome {
    about(call, |call, facts| {
        if !is_lfu(call) {
            return Err(Refusal::LFU_NOT_SELECTED);
        }
        call.out.int(facts.frequency);
        Ok(())
    })
}

fn idletime(call: &mut Call) -> Outcome {
    about(call, |call, facts| {
        if is_lfu(call) {
            return Err(Refusal::LFU_NO_IDLE);
        }
        call.out.int(facts.idle_seconds);
        Ok(())
    })
}

/// Small integers answer what a server answers that shares them between keys.
fn refcount(call: &mut Call) -> Outcome {
    about(call, |call, facts| {
        let is_shared =
            facts.is_small_integer && (call.shard.config.maxmemory == 0 || !keeps_usage(call));
        call.out
            .int(if is_shared { i64::from(i32::MAX) } else { 1 });
        Ok(())
    })
}

/// What the subcommands tell of a key.
struct Facts {
    encoding: &'static str,
    idle_seconds: i64,
    frequency: i64,
    is_small_integer: bool,
}

/// Replies null without the key of word 2, else what `tell` writes.
fn about(call: &mut Call, tell: fn(&mut Call, Facts) -> Outcome) -> Outcome {
    let (key, now) = (call.key(2), call.now);
    let facts = call
        .shard
        .ks
        .find(call.db, &key, now, QUIETLY)
        .map(|item| Facts {
            encoding: item.encoding(),
            idle_seconds: item.idle_seconds(now) as i64,
            frequency: i64::from(item.freq(now)),
            is_small_integer: matches!(string_of(&item), Ok(StrRef::Int(0..=9999))),
        });
    match facts {
        Some(facts) => tell(call, facts),
        None => {
            call.out.null();
            Ok(())
        }
    }
}

/// The policy goes by how keys are used.
fn keeps_usage(call: &Call) -> bool {
    is_lfu(call)
        || matches!(
            call.shard.config.maxmemory_policy,
            MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru
        )
}
