//! ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]: gives members scores.
//! Ref: redis.io/commands/zadd

use super::add;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZADD",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Adds members with scores to a sorted set or gives members other scores. Makes the key if there is none.",
    cost: "O(log N) for each member, N members",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")]).optional().since("3.0.2"),
        Arg::one_of("comparison", &[Arg::word("gt", "GT"), Arg::word("lt", "LT")]).optional().since("6.2.0"),
        Arg::word("change", "CH").optional().since("3.0.2"),
        Arg::word("increment", "INCR").optional().since("3.0.2"),
        Arg::block("data", &[Arg::double("score"), Arg::string("member")]).multiple(),
    ],
    element: 3,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.4.0", "Several members."), ("3.0.2", "`NX`, `XX`, `CH`, `INCR`."), ("6.2.0", "`GT`, `LT`.")],
    cases: r#"
        > ZADD z 1                            -ERR wrong number of arguments for 'zadd' command
        > ZADD z 1 a 2                        -ERR syntax error
        > ZADD z x a                          -ERR value is not a valid float
        > ZADD z nan a                        -ERR value is not a valid float
        > ZADD z NX XX 1 a                    -ERR XX and NX options at the same time are not compatible
        > ZADD z GT NX 1 a                    -ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z GT LT 1 a                    -ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z INCR 1 a 2 b                 -ERR INCR option supports a single increment-element pair
        > ZADD z XX 1 a                       :0
        > EXISTS z                            :0
        > ZADD z 1 a 2 b x c                  -ERR value is not a valid float
        > EXISTS z                            :0
        > ZADD z 1 a 2 b 3 c                  :3
        > OBJECT ENCODING z                   $listpack
        > ZADD z CH 1 a 5 b 4 d               :2
        > ZRANGE z 0 -1                       [a, c, d, b]
        > ZADD z NX 9 a 9 e                   :1
        > ZADD z GT CH 0 a 6 b                :1
        > ZADD z LT CH 0 a 7 b                :1
        > ZMSCORE z a b                       [,0, ,6]
        > ZADD z INCR 1.5 a                   ,1.5
        > ZADD z GT INCR -1 a                 nil
        > ZADD z NX INCR 1 a                  nil
        > ZADD z XX INCR 1 q                  nil
        > ZADD z inf a                        :0
        > ZADD z INCR -inf a                  -ERR resulting score is not a number (NaN)
        > ZSCORE z a                          ,inf
        > ZADD z 1 "a member that is much longer than sixty-four bytes, so that it does not fit a pack"    :1
        > OBJECT ENCODING z                   $skiplist
        > ZCARD z                             :6
        > SET s x                             +OK
        > ZADD s 1 a                          -WRONGTYPE Operation against a key holding the wrong kind of value
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    add::run(call, false)
}
