//! HGET key field: the value of one field.
//! Ref: redis.io/commands/hget

use super::shared::{expire_named, read, reply_value};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HGET",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Returns the value of a field of a hash.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("field")],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HGET h                -ERR wrong number of arguments for 'hget' command
        > SET s v               +OK
        > HGET s f              -WRONGTYPE Operation against a key holding the wrong kind of value
        > HGET h f              nil
        > HSET h f v n 0042 m 42    :3
        > HGET h f              $v
        > HGET h n              $0042
        > HGET h m              $42
        > HGET h other          nil
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (field, now) = (call.arg(2), call.now);
    if read(call, |hash, out| reply_value(out, hash, field, now))? {
        expire_named(call, &[field]);
    }
    Ok(())
}
