//! HRANDFIELD key [count [WITHVALUES]]: fields chosen at random.
//! Ref: redis.io/commands/hrandfield

use std::collections::BTreeSet;

use super::shared::{bulk_item, read};
use crate::base::num::parse_i64;
use crate::base::rng::Rng;
use crate::data::hash::{Entry, HashRef, is_over};
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HRANDFIELD",
    since: "6.2.0",
    group: Group::Hash,
    summary: "Returns fields of a hash chosen at random.",
    cost: "O(N), N fields returned",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::block("options", &[Arg::integer("count"), Arg::word("withvalues", "WITHVALUES").optional()]).optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output"],
    cases: "
        > HRANDFIELD h x            -ERR value is not an integer or out of range
        > HRANDFIELD h 1 FOO        -ERR syntax error
        > HRANDFIELD h 1 WITHVALUES x    -ERR syntax error
        > HRANDFIELD h 9223372036854775807 WITHVALUES    -ERR value is out of range
        > SET s v                   +OK
        > HRANDFIELD s              -WRONGTYPE Operation against a key holding the wrong kind of value
        > HRANDFIELD s 1            -WRONGTYPE Operation against a key holding the wrong kind of value
        > HRANDFIELD h              nil
        > HRANDFIELD h 5            []
        > HSET h a 1                :1
        > HRANDFIELD h              $a
        > HRANDFIELD h -3           [a, a, a]
        > HRANDFIELD h 0            []
        > HSET h b 2                :1
        > HRANDFIELD h 5            ~[a, b]
    ",
    ..Spec::DEFAULT
};

const RANGE: Refusal =
    Refusal::fixed("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
/// Most fields that one call draws with repetition: Redis has no bound and runs out of memory.
const REPEATS_MAX: i64 = 1 << 27;
/// A cleaning before the choice deletes at most so many fields.
const CLEANED: usize = 1000;
/// Choices that hit a field whose time is over before the others are walked through.
const TRIES: usize = 100;

/// Fields whose time is over are deleted first, so that they are not chosen.
fn clean(call: &mut Call) -> Outcome {
    let (key, now) = (call.key(1), call.now);
    if read(call, |hash, _| hash.is_some_and(|hash| hash.has_due(now)))? {
        call.shard.ks.expire_some_fields(call.db, &key, now, CLEANED);
        call.shard.record_expired();
    }
    Ok(())
}

fn run(call: &mut Call) -> Outcome {
    if call.args.len() == 2 {
        return one(call);
    }
    let count = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    if count == i64::MIN {
        return Err(RANGE);
    }
    let with_values = call.args.len() > 3;
    if with_values && (call.args.len() > 4 || !call.args.is(3, "WITHVALUES")) {
        return Err(Refusal::SYNTAX);
    }
    if with_values && !(-(i64::MAX / 2)..=i64::MAX / 2).contains(&count) {
        return Err(Refusal::OUT_OF_RANGE);
    }
    if count < -REPEATS_MAX {
        return Err(Refusal::OUT_OF_RANGE);
    }
    let now = call.now;
    // One look-up is counted, not that of the cleaning.
    let (hits, misses) = (call.shard.ks.stats.hits, call.shard.ks.stats.misses);
    clean(call)?;
    (call.shard.ks.stats.hits, call.shard.ks.stats.misses) = (hits, misses);
    let mut rng = Rng::new(call.shard.rng.next_u64());
    read(call, |hash, out| match hash.filter(|hash| !hash.is_empty() && count != 0) {
        None => out.array(0),
        Some(hash) => {
            let shape = Shape { with_values };
            if count < 0 { repeated(hash, out, shape, count.unsigned_abs(), now, &mut rng) } else { unique(hash, out, shape, count as u64, now, &mut rng) }
        }
    })
}

fn one(call: &mut Call) -> Outcome {
    clean(call)?;
    let now = call.now;
    let mut rng = Rng::new(call.shard.rng.next_u64());
    read(call, |hash, out| match hash.and_then(|hash| any(hash, now, &mut rng)) {
        Some((field, ..)) => bulk_item(out, field),
        None => out.null(),
    })
}

/// A field whose time is not over; `None` when there is none.
fn any<'a>(hash: HashRef<'a>, now: i64, rng: &mut Rng) -> Option<Entry<'a>> {
    let is_live = |(_, _, ttl): &Entry| !is_over(*ttl, now);
    let chosen = (0..TRIES).find_map(|_| hash.random(rng).filter(is_live));
    chosen.or_else(|| hash.iter().find(is_live))
}

/// How an element of the reply looks.
#[derive(Clone, Copy)]
struct Shape {
    with_values: bool,
}

impl Shape {
    fn head(self, out: &mut Out, count: usize) {
        out.array(if self.with_values && !out.resp3 { count * 2 } else { count });
    }

    fn reply(self, out: &mut Out, (field, value, _): Entry) {
        if self.with_values && out.resp3 {
            out.array(2);
        }
        bulk_item(out, field);
        if self.with_values {
            bulk_item(out, value);
        }
    }
}

/// A negative count: so many choices, each from all fields.
fn repeated(hash: HashRef, out: &mut Out, shape: Shape, count: u64, now: i64, rng: &mut Rng) {
    let Some(first) = any(hash, now, rng) else { return out.array(0) };
    shape.head(out, count as usize);
    shape.reply(out, first);
    for _ in 1..count {
        shape.reply(out, any(hash, now, rng).unwrap_or(first));
    }
}

/// A positive count: different fields.
fn unique(hash: HashRef, out: &mut Out, shape: Shape, count: u64, now: i64, rng: &mut Rng) {
    let is_timed = hash.has_due(now);
    let len = if is_timed { hash.iter().filter(|(_, _, ttl)| !is_over(*ttl, now)).count() } else { hash.len() };
    let live = || hash.iter().filter(|(_, _, ttl)| !is_over(*ttl, now));
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(len);
    shape.head(out, count);
    if count == len {
        return live().for_each(|entry| shape.reply(out, entry));
    }
    // Few of many: draw until they differ. Else every field has its chance as they pass by.
    if !is_timed && count < len / 3 && matches!(hash, HashRef::Big(_)) {
        let mut seen = BTreeSet::new();
        while seen.len() < count
            && let Some(entry) = hash.random(rng)
        {
            if seen.insert(entry.0.to_vec()) {
                shape.reply(out, entry);
            }
        }
        return;
    }
    let mut needed = count as u64;
    for (passed, entry) in live().enumerate() {
        if rng.below((len - passed) as u64) < needed {
            shape.reply(out, entry);
            needed -= 1;
        }
    }
}
