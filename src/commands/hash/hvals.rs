//! HVALS key: all values.
//! Ref: redis.io/commands/hvals

use super::shared::{Parts, reply_all};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HVALS",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Returns the values of all fields of a hash.",
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
        > HVALS h x            -ERR wrong number of arguments for 'hvals' command
        > SET s v               +OK
        > HVALS s              -WRONGTYPE Operation against a key holding the wrong kind of value
        > HVALS h              []
        > HSET h a 1 b 2        :2
        > HVALS h              [1, 2]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_all(call, Parts::Values)
}
