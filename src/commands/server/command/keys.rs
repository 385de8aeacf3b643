//! COMMAND GETKEYS and GETKEYSANDFLAGS: which words of a call are keys, and what the call does with them.
//! Ref: redis.io/commands/command-getkeys, redis.io/commands/command-getkeysandflags

use super::{BASE, WHOLE_CALL, info};
use crate::spec::keys::positions;
use crate::spec::{Access, Args, Call, Flags, Outcome, Refusal, Spec};

pub const GETKEYS: Spec = Spec {
    name: "GETKEYS",
    summary: "Returns the keys of a call.",
    cost: "O(N), N words of the call",
    arity: -3,
    args: WHOLE_CALL,
    run: get_keys,
    cases: "
        > COMMAND GETKEYS                    -ERR wrong number of arguments for 'command|getkeys' command
        > COMMAND GETKEYS nonsense a         -ERR Invalid command specified
        > COMMAND GETKEYS ping               -ERR The command has no key arguments
        > COMMAND GETKEYS get                -ERR Invalid number of arguments specified for command
        > COMMAND GETKEYS mset a 1 b 2       [a, b]
        > COMMAND GETKEYS memory usage k     [k]
    ",
    ..BASE
};

pub const GETKEYSANDFLAGS: Spec = Spec {
    name: "GETKEYSANDFLAGS",
    since: "7.0.0",
    summary: "Returns the keys of a call and what it does with them.",
    cost: "O(N), N words of the call",
    arity: -3,
    args: WHOLE_CALL,
    run: get_keys_and_flags,
    cases: "
        > COMMAND GETKEYSANDFLAGS ping           -ERR The command has no key arguments
        > COMMAND GETKEYSANDFLAGS get k          [[k, ~[+RO, +access]]]
        > COMMAND GETKEYSANDFLAGS set k v        [[k, ~[+OW, +update]]]
        > COMMAND GETKEYSANDFLAGS set k v GET    [[k, ~[+RW, +access, +update]]]
    ",
    ..BASE
};

/// The keys of the call whose name is word 2, and what happens to each.
fn keys<'a>(call: &Call<'a>) -> Result<Vec<(&'a [u8], Access)>, Refusal> {
    let args = Args { base: call.args.base, spans: &call.args.spans[2..] };
    let table = &call.shard.server.commands;
    let top = table.find(args.get(0));
    let row = match (top, args.try_get(1)) {
        (Some(id), Some(word)) if !table.row(id).subs.is_empty() => table.find_sub(id, word),
        _ => top,
    };
    let spec = table.row(row.ok_or(Refusal::fixed("ERR Invalid command specified"))?).spec;
    if spec.keys.is_empty() {
        return Err(Refusal::fixed("ERR The command has no key arguments"));
    }
    if !spec.arity_fits(args.len()) {
        return Err(Refusal::fixed("ERR Invalid number of arguments specified for command"));
    }
    let mut places = Vec::new();
    if positions(spec, &args, &mut places).is_err() {
        if spec.flags.has(Flags::NO_MANDATORY_KEYS) {
            return Ok(Vec::new());
        }
        return Err(Refusal::fixed("ERR Invalid arguments specified for command"));
    }
    let access = |n: u8| access_of(spec, spec.keys[n as usize].access, &args);
    Ok(places.into_iter().map(|(i, n)| (args.get(i as usize), access(n))).collect())
}

/// What a call does with a key whose spec says that it depends on the arguments.
fn access_of(spec: &Spec, usual: Access, args: &Args) -> Access {
    let says = |word: &str| (2..args.len()).any(|i| args.is(i, word));
    if !usual.has(Access::VARIABLE_FLAGS) {
        return usual;
    }
    match spec.name {
        "SET" if !says("GET") => Access::OW.and(Access::UPDATE),
        "BITFIELD" if !says("SET") && !says("INCRBY") => Access::RO.and(Access::ACCESS),
        _ => Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    }
}

fn get_keys(call: &mut Call) -> Outcome {
    let keys = keys(call)?;
    call.out.array(keys.len());
    keys.iter().for_each(|(key, _)| call.out.bulk(key));
    Ok(())
}

fn get_keys_and_flags(call: &mut Call) -> Outcome {
    let keys = keys(call)?;
    call.out.array(keys.len());
    for (key, access) in keys {
        call.out.array(2);
        call.out.bulk(key);
        let names: Vec<&str> = access.names().collect();
        info::words(call.out, &names, "");
    }
    Ok(())
}
