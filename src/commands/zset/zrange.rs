//! ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]: a range of members.
//! Ref: redis.io/commands/zrange

use super::query;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZRANGE",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Returns the members of a sorted set in a range of places, scores or names.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("start"),
        Arg::string("stop"),
        Arg::one_of("sortby", &[Arg::word("byscore", "BYSCORE"), Arg::word("bylex", "BYLEX")]).optional().since("6.2.0"),
        Arg::word("rev", "REV").optional().since("6.2.0"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional().since("6.2.0"),
        Arg::word("withscores", "WITHSCORES").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("6.2.0", "`BYSCORE`, `BYLEX`, `REV`, `LIMIT`.")],
    cases: "
        > ZRANGE z 0 -1 FOO                      -ERR syntax error
        > ZRANGE z 0 -1 REV REV                  -ERR syntax error
        > ZRANGE z 0 -1 LIMIT 0                  -ERR syntax error
        > ZRANGE z 0 -1 LIMIT 0 5                -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z - + BYLEX WITHSCORES          -ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZRANGE z x -1                          -ERR value is not an integer or out of range
        > ZRANGE z x 1 BYSCORE                   -ERR min or max is not a float
        > ZRANGE z 1 2 BYSCORE LIMIT x 1         -ERR value is not an integer or out of range
        > ZRANGE z a + BYLEX                     -ERR min or max not valid string range item
        > ZRANGE z 0 -1                          []
        > ZADD z 1 a 2 b 3 c 4 d                 :4
        > ZRANGE z 0 -1                          [a, b, c, d]
        > ZRANGE z -2 100                        [c, d]
        > ZRANGE z -9223372036854775808 9223372036854775807    [a, b, c, d]
        > ZRANGE z 3 1                           []
        > ZRANGE z 0 1 REV                       [d, c]
        > ZRANGE z (1 3 BYSCORE                  [b, c]
        > ZRANGE z 3 1 BYSCORE                   []
        > ZRANGE z 3 1 BYSCORE REV               [c, b, a]
        > ZRANGE z -inf +inf BYSCORE LIMIT 1 2   [b, c]
        > ZRANGE z -inf +inf BYSCORE LIMIT 9 2   []
        > ZRANGE z -inf +inf BYSCORE LIMIT 2 -1  [c, d]
        > ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2    [c, b]
        > ZADD l 0 a 0 b 0 c                     :3
        > ZRANGE l [a (c BYLEX                   [a, b]
        > ZRANGE l + (a BYLEX REV                [c, b]
        > SET s x                                +OK
        > ZRANGE s 0 -1                          -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_range(call, None, None)
}
