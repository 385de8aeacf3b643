//! ZCARD key: the number of members.
//! Ref: redis.io/commands/zcard

use super::shared::read;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZCARD",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Returns the number of members of a sorted set.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZCARD z                 :0
        > ZADD z 1 a 2 b          :2
        > ZCARD z                 :2
        > SET s x                 +OK
        > ZCARD s                 -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    read(call, 1, |out| out.int(0), |out, zset| out.int(zset.len() as i64))
}
