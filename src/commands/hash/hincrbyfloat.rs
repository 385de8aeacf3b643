//! HINCRBYFLOAT key field increment: adds to the number of a field.
//! Ref: redis.io/commands/hincrbyfloat

use super::shared::{before_write, edit, expire_words, record_fields};
use crate::base::num::Extended;
use crate::data::pack::Item;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HINCRBYFLOAT",
    since: "2.6.0",
    group: Group::Hash,
    summary: "Adds a number with a fraction to the number that a field holds; a missing field counts as 0.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::string("field"), Arg::double("increment")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HINCRBYFLOAT h f x    -ERR value is not a valid float
        > HINCRBYFLOAT h f nan  -ERR value is not a valid float
        > HINCRBYFLOAT h f inf  -ERR value is NaN or Infinity
        > SET s v               +OK
        > HINCRBYFLOAT s f 1    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBYFLOAT h f 10.5    $10.5
        > HINCRBYFLOAT h f 0.1  $10.6
        > HINCRBYFLOAT h f -5.6    $5
        > HINCRBY h f 1         :6
        > HSET h t abc          :1
        > HINCRBYFLOAT h t 1    -ERR hash value is not a float
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let amount = Extended::parse(call.arg(3)).ok_or(Refusal::NOT_FLOAT)?;
    if !amount.is_finite() {
        return Err(Refusal::fixed("ERR value is NaN or Infinity"));
    }
    let field = call.arg(2);
    expire_words(call, 2..3)?;
    let (old, ttl) = before_write(call, |hash| match hash.and_then(|hash| hash.find(field)) {
        None => (Some(Extended::from_i64(0)), None),
        Some((Item::Int(n), ttl)) => (Some(Extended::from_i64(n)), ttl),
        Some((Item::Text(text), ttl)) => (Extended::parse(text), ttl),
    })?;
    let sum = old.ok_or(Refusal::fixed("ERR hash value is not a float"))?.add(amount);
    if !sum.is_finite() {
        return Err(Refusal::NAN_OR_INFINITY);
    }
    let text = sum.to_text();
    edit(call, |hash, limits| (hash.insert_keeping(field, text.as_bytes(), limits), 1))?;
    call.event(Class::Hash, "hincrbyfloat", 1);
    // The sum, not the addition: another machine may round differently. HSET takes the time away, so it is set again.
    let key = call.arg(1);
    call.effect(&[b"HSET", key, field, text.as_bytes()]);
    if ttl.is_some() {
        record_fields(call, b"HPEXPIREAT", ttl, &[field]);
    }
    call.out.bulk(text.as_bytes());
    Ok(())
}
