//! HGETALL key: all fields and values.
//! Ref: redis.io/commands/hgetall

use super::shared::{Parts, reply_all};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HGETALL",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Returns all fields of a hash with their values.",
    cost: "O(N), N fields of the hash",
    arity: 2,
    flags: Flags::READONLY,
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output_order"],
    cases: "
        > HGETALL h x            -ERR wrong number of arguments for 'hgetall' command
        > SET s v               +OK
        > HGETALL s              -WRONGTYPE Operation against a key holding the wrong kind of value
        > HGETALL h              {}
        > HSET h a 1 b 2        :2
        > HGETALL h              {a: 1, b: 2}
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_all(call, Parts::Both)
}
