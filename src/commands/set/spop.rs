//! SPOP key [count]: takes members drawn by chance out of a set and returns them.
//! Recorded as the removal of those members, or of the key when none is left.
//! Ref: redis.io/commands/spop

use super::shared::{Members, edited, members};
use crate::base::num::parse_i64;
use crate::base::rng::Rng;
use crate::commands::common::{limits, removal};
use crate::data::collection::{Collection, Limits};
use crate::data::set::{Set, SetForm, algebra};
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Shard, Spec};

pub const SPEC: Spec = Spec {
    name: "SPOP",
    since: "1.0.0",
    group: Group::Set,
    summary: "Takes one or more members out of a set, drawn by chance, and returns them. Deletes the key with the last one.",
    cost: "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional().since("3.2.0")],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("3.2.0", "Added the `count` argument.")],
    tips: &["nondeterministic_output"],
    cases: r#"
        > SPOP                  -ERR wrong number of arguments for 'spop' command
        > SPOP s 1 2            -ERR syntax error
        > SPOP s -1             -ERR value is out of range, must be positive
        > SPOP s x              -ERR value is out of range, must be positive
        > SET text 1            +OK
        > SPOP text             -WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP text 0           -WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP missing          nil
        > SPOP missing 2        []
        > SADD s a              :1
        > SPOP s 0              []
        > SPOP s                $a
        > EXISTS s              :0
        > SADD s a b c 4 5 6    :6
        > SPOP s 2              [?, ?]
        > SCARD s               :4
        > SPOP s                ?
        > SCARD s               :3
        > SPOP s 100            [?, ?, ?]
        > EXISTS s              :0
        > SADD n 1 2 3          :3
        > SPOP n 3              [1, 2, 3]
    "#,
    ..Spec::DEFAULT
};

/// Members in one recorded removal.
const BATCH: usize = 1024;
/// With this many times fewer members left than taken, those that stay are moved out instead.
const MOVE_FACTOR: usize = 5;

fn run(call: &mut Call) -> Outcome {
    match call.args.len() {
        2 => pop_one(call),
        3 => pop_many(call),
        _ => Err(Refusal::SYNTAX),
    }
}

/// Number of members of the set at key 1; `None` if there is none.
fn size(call: &mut Call) -> Result<Option<usize>, Refusal> {
    let key = call.key(1);
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, Look::Write) else { return Ok(None) };
    Ok(Some(item.get::<Set>().ok_or(Refusal::WRONG_TYPE)?.len()))
}

fn pop_one(call: &mut Call) -> Outcome {
    if size(call)?.is_none() {
        call.out.null();
        return Ok(());
    }
    let key = call.key(1);
    let Shard { ks, rng, .. } = &mut *call.shard;
    let done = ks.edit(call.db, &key, |set: &mut Set| {
        let member = set.view().random(rng).map(|item| item.to_vec()).unwrap_or_default();
        let did = set.remove(&member);
        (member, u64::from(did))
    });
    let done = edited(done)?;
    call.event(Class::Set, "spop", 1);
    if done.is_gone {
        call.event(Class::Generic, "del", 1);
    }
    call.effect(&[b"SREM", key.bytes, &done.out]);
    call.out.bulk(&done.out);
    Ok(())
}

fn pop_many(call: &mut Call) -> Outcome {
    let count = parse_i64(call.arg(2)).and_then(|n| usize::try_from(n).ok()).ok_or(Refusal::OUT_OF_RANGE_POSITIVE)?;
    let size = size(call)?.unwrap_or(0);
    if count == 0 || size == 0 {
        call.out.set(0);
        return Ok(());
    }
    if count >= size {
        return pop_all(call, size);
    }
    let (key, limits) = (call.key(1), limits(call.shard));
    let Shard { ks, rng, .. } = &mut *call.shard;
    let done = ks.edit(call.db, &key, |set: &mut Set| {
        let is_few = (size - count) * MOVE_FACTOR > count;
        let taken = if is_few { take_few(set, count, rng) } else { take_most(set, count, rng, &limits) };
        (taken, count as u64)
    });
    let taken = edited(done)?.out;
    call.event(Class::Set, "spop", 1);
    record(call, &taken);
    call.out.set(taken.count());
    taken.iter().for_each(|member| call.out.bulk(member));
    Ok(())
}

/// The key goes away whole.
fn pop_all(call: &mut Call, size: usize) -> Outcome {
    let key = call.key(1);
    if let Some(set) = call.shard.ks.find(call.db, &key, call.now, Look::Quiet).and_then(|item| item.get::<Set>()) {
        call.out.set(size);
        members(call.out, set);
    }
    call.shard.ks.remove(call.db, &key);
    call.shard.ks.stats.changes += size as u64 - 1;
    call.event(Class::Set, "spop", 1);
    call.event(Class::Generic, "del", 1);
    let word = removal(call.shard.config.lazyfree_lazy_server_del);
    call.effect(&[word, key.bytes]);
    Ok(())
}

fn take_few(set: &mut Set, count: usize, rng: &mut Rng) -> Members {
    let mut taken = Members::default();
    if matches!(set.view().form(), SetForm::Pack(_)) {
        algebra::draw(set.view(), count, rng, |item| taken.push(item));
        taken.iter().for_each(|member| {
            set.remove(member);
        });
        return taken;
    }
    while taken.count() < count
        && let Some(item) = set.view().random(rng)
    {
        taken.push(item);
        if let Some(member) = taken.last() {
            set.remove(member);
        }
    }
    taken
}

/// Those that stay go to a new set, whose form is chosen anew.
fn take_most(set: &mut Set, count: usize, rng: &mut Rng, limits: &Limits) -> Members {
    let mut stay = match set.view().form() {
        SetForm::Ints(_) => Set::starting_as_ints(),
        _ => Set::starting_as_pack(),
    };
    let mut taken = Members::default();
    let (mut wanted, mut left) = (count, set.view().len());
    for item in set.view().iter() {
        if rng.below(left as u64) < wanted as u64 {
            taken.push(item);
            wanted -= 1;
        } else {
            stay.insert_item(item, limits);
        }
        left -= 1;
    }
    *set = stay;
    taken
}

fn record(call: &mut Call, taken: &Members) {
    if !call.shard.fx.is_on {
        return call.no_effect();
    }
    let key = call.key(1);
    let all: Vec<&[u8]> = taken.iter().collect();
    for batch in all.chunks(BATCH) {
        let words: Vec<&[u8]> = [b"SREM".as_slice(), key.bytes].into_iter().chain(batch.iter().copied()).collect();
        call.effect(&words);
    }
}
