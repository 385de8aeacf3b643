//! RANDOMKEY: a key picked at random.
//! Ref: redis.io/commands/randomkey

use crate::keyspace::Look;
use crate::spec::{Call, Category, Flags, Group, Merge, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "RANDOMKEY",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Returns the name of a key picked at random, null if there is none.",
    cost: "O(1)",
    arity: 1,
    flags: Flags::READONLY,
    categories: Category::KEYSPACE,
    route: Route::Every(Merge::Custom(pick)),
    run,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    cases: "
        > RANDOMKEY x    -ERR wrong number of arguments for 'randomkey' command
        > RANDOMKEY      nil
        > SET k v        +OK
        > RANDOMKEY      $k
    ",
    ..Spec::DEFAULT
};

/// Tries to find a key whose time has not passed, before giving up on this core.
const TRIES_MAX: usize = 100;

/// One core's answer: the number of its keys in 8 bytes, then the name of one; nothing if it has none.
fn run(call: &mut Call) -> Outcome {
    let count = call.shard.ks.len(call.db) as u64;
    for _ in 0..TRIES_MAX {
        let Some(name) = call.shard.ks.random_key(call.db, &mut call.shard.rng) else {
            break;
        };
        let key = call.shard.ks.key(&name);
        if call
            .shard
            .ks
            .find(call.db, &key, call.now, Look::Quiet)
            .is_some()
        {
            call.out.raw(&count.to_le_bytes());
            call.out.raw(&name);
            break;
        }
    }
    Ok(())
}

/// Picks one core's name, each as likely as its share of the keys.
fn pick(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let answers = || {
        parts
            .iter()
            .filter_map(|part| part.split_first_chunk::<8>())
            .map(|(n, name)| (u64::from_le_bytes(*n).max(1), name))
    };
    let total: u64 = answers().map(|(n, _)| n).sum();
    if total == 0 {
        call.out.null();
        return Ok(());
    }
    let mut ticket = call.shard.rng.below(total);
    for (n, name) in answers() {
        if ticket < n {
            call.out.bulk(name);
            break;
        }
        ticket -= n;
    }
    Ok(())
}
