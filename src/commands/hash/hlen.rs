//! HLEN key: the number of fields.
//! Ref: redis.io/commands/hlen

use super::shared::read;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HLEN",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Returns the number of fields of a hash.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HLEN                  -ERR wrong number of arguments for 'hlen' command
        > SET s v               +OK
        > HLEN s                -WRONGTYPE Operation against a key holding the wrong kind of value
        > HLEN h                :0
        > HSET h a 1 b 2        :2
        > HLEN h                :2
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    read(call, |hash, out| out.int(hash.map_or(0, |hash| hash.len() as i64)))
}
