//! HINCRBY key field increment: adds to the integer of a field.
//! Ref: redis.io/commands/hincrby

use super::shared::{before_write, edit, expire_named};
use crate::base::num::parse_i64;
use crate::data::hash::is_over;
use crate::data::pack::Item;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HINCRBY",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Adds to the integer that a field holds; a missing field counts as 0.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::string("field"), Arg::integer("increment")],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HINCRBY h f           -ERR wrong number of arguments for 'hincrby' command
        > HINCRBY h f x         -ERR value is not an integer or out of range
        > SET s v               +OK
        > HINCRBY s f x         -ERR value is not an integer or out of range
        > HINCRBY s f 1         -WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBY h f 5         :5
        > HINCRBY h f -7        :-2
        > HSET h t abc u \" 1\" m 9223372036854775807    :3
        > HINCRBY h t 1         -ERR hash value is not an integer
        > HINCRBY h u 1         -ERR hash value is not an integer
        > HINCRBY h m 1         -ERR increment or decrement would overflow
        > HINCRBY h m -1        :9223372036854775806
    ",
    ..Spec::DEFAULT
};

const NOT_INTEGER: Refusal = Refusal::fixed("ERR hash value is not an integer");

fn run(call: &mut Call) -> Outcome {
    let amount = parse_i64(call.arg(3)).ok_or(Refusal::NOT_INTEGER)?;
    let field = call.arg(2);
    let now = call.over_until();
    let (old, is_expired) = before_write(call, |hash| match hash.and_then(|hash| hash.find(field)) {
        None => (Some(0), false),
        Some((_, ttl)) if is_over(ttl, now) => (Some(0), true),
        Some((Item::Int(n), _)) => (Some(n), false),
        Some((Item::Text(text), _)) => (parse_i64(text), false),
    })?;
    if is_expired {
        expire_named(call, &[field]);
    }
    let sum = old.ok_or(NOT_INTEGER)?.checked_add(amount).ok_or(Refusal::OVERFLOW)?;
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(sum).as_bytes();
    edit(call, |hash, limits| (hash.insert_keeping(field, text, limits), 1))?;
    call.event(Class::Hash, "hincrby", 1);
    call.out.int(sum);
    Ok(())
}
