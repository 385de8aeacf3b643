//! HEXISTS key field: whether a field is there.
//! Ref: redis.io/commands/hexists

use super::shared::{expire_named, read};
use crate::data::hash::is_over;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HEXISTS",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Tells whether a hash has a field.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key"), Arg::string("field")],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HEXISTS h             -ERR wrong number of arguments for 'hexists' command
        > SET s v               +OK
        > HEXISTS s f           -WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXISTS h f           :0
        > HSET h f v            :1
        > HEXISTS h f           :1
        > HEXISTS h g           :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (field, now) = (call.arg(2), call.now);
    let is_expired = read(call, |hash, out| {
        let found = hash.and_then(|hash| hash.find(field));
        let is_there = found.is_some_and(|(_, ttl)| !is_over(ttl, now));
        out.int(i64::from(is_there));
        found.is_some() && !is_there
    })?;
    if is_expired {
        expire_named(call, &[field]);
    }
    Ok(())
}
