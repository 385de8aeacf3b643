//! HSTRLEN key field: the length of a value.
//! Ref: redis.io/commands/hstrlen

use super::shared::{expire_named, read};
use crate::data::hash::is_over;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HSTRLEN",
    since: "3.2.0",
    group: Group::Hash,
    summary: "Returns the number of bytes of a field's value.",
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
        > HSTRLEN h             -ERR wrong number of arguments for 'hstrlen' command
        > SET s v               +OK
        > HSTRLEN s f           -WRONGTYPE Operation against a key holding the wrong kind of value
        > HSTRLEN h f           :0
        > HSET h a hello n -12345 e \"\"    :3
        > HSTRLEN h a           :5
        > HSTRLEN h n           :6
        > HSTRLEN h e           :0
        > HSTRLEN h x           :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (field, now) = (call.arg(2), call.now);
    let is_expired = read(call, |hash, out| match hash.and_then(|hash| hash.find(field)) {
        Some((value, ttl)) if !is_over(ttl, now) => {
            out.int(value.text(&mut itoa::Buffer::new()).len() as i64);
            false
        }
        found => {
            out.int(0);
            found.is_some()
        }
    })?;
    if is_expired {
        expire_named(call, &[field]);
    }
    Ok(())
}
