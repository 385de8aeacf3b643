//! ZREMRANGEBYLEX key min max: takes a range of members out.
//! Ref: redis.io/commands/zremrangebylex

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREMRANGEBYLEX",
    since: "2.8.9",
    group: Group::SortedSet,
    summary: "Takes the members between two members out of a sorted set.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: 4,
    flags: Flags::WRITE,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("min"), Arg::string("max")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZREMRANGEBYLEX z a +         -ERR min or max not valid string range item
        > ZREMRANGEBYLEX z - +         :0
        > ZADD z 0 a 0 b 0 c           :3
        > ZREMRANGEBYLEX z (a (c       :1
        > ZRANGE z 0 -1                [a, c]
        > ZREMRANGEBYLEX z - +         :2
        > EXISTS z                     :0
        > SET s x                      +OK
        > ZREMRANGEBYLEX s - +         -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::remove(call, By::Lex, "zremrangebylex")
}
