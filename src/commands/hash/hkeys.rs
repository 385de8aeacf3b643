//! HKEYS key: all fields.
//! Ref: redis.io/commands/hkeys

use super::shared::{Parts, reply_all};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HKEYS",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Returns the names of all fields of a hash.",
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
        > HKEYS h x            -ERR wrong number of arguments for 'hkeys' command
        > SET s v               +OK
        > HKEYS s              -WRONGTYPE Operation against a key holding the wrong kind of value
        > HKEYS h              []
        > HSET h a 1 b 2        :2
        > HKEYS h              [a, b]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_all(call, Parts::Fields)
}
