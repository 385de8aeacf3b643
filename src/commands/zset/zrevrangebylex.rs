//! ZREVRANGEBYLEX key max min [LIMIT offset count]: members between two members, last one first.
//! Ref: redis.io/commands/zrevrangebylex

use super::query::{self, By};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREVRANGEBYLEX",
    since: "2.8.9",
    group: Group::SortedSet,
    summary: "Returns the members of a sorted set between two members, last one first.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("max"),
        Arg::string("min"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    cases: "
        > ZREVRANGEBYLEX z + a            -ERR min or max not valid string range item
        > ZREVRANGEBYLEX z + -            []
        > ZADD z 0 a 0 b 0 c              :3
        > ZREVRANGEBYLEX z + (a           [c, b]
        > ZREVRANGEBYLEX z + - LIMIT 1 1  [b]
        > SET s x                         +OK
        > ZREVRANGEBYLEX s + -            -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_range(call, Some(By::Lex), Some(true))
}
