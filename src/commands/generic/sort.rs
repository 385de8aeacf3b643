//! SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]: sorted elements.
//! Ref: redis.io/commands/sort

use super::sorting;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SORT",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Sorts the elements of a list, a set or a sorted set; returns or stores the result.",
    cost: "O(N+M*log(M)), N elements of the collection, M elements returned; O(N) where nothing is sorted.",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    categories: Category::SET.and(Category::SORTEDSET).and(Category::LIST).and(Category::DANGEROUS),
    keys: &[
        KeySpec::one(1, Access::RO.and(Access::ACCESS)),
        KeySpec::unknown(Access::RO.and(Access::ACCESS)).noted(sorting::PATTERN_KEYS),
        KeySpec::unknown(Access::OW.and(Access::UPDATE)).noted("The key of STORE, which may stand at any place behind the first key"),
    ],
    find_keys: Some(|args, out| sorting::find_keys(args, true, out)),
    args: &[
        Arg::key("key"),
        Arg::pattern_of("by-pattern", 1).display("pattern").token("BY").optional(),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional(),
        Arg::pattern_of("get-pattern", 1).display("pattern").token("GET").optional().multiple().multiple_token(),
        Arg::one_of("order", &[Arg::word("asc", "ASC"), Arg::word("desc", "DESC")]).optional(),
        Arg::word("sorting", "ALPHA").optional(),
        Arg::key_of("destination", 2).token("STORE").optional(),
    ],
    route: Route::Keys(Multi::Scout(sorting::SCOUT)),
    run,
    cases: "
        > SORT none FOO                      -ERR syntax error
        > SORT none BY                       -ERR syntax error
        > SORT none LIMIT 1                  -ERR syntax error
        > SORT none LIMIT 1 x                -ERR value is not an integer or out of range
        > SORT none LIMIT x 1                -ERR value is not an integer or out of range
        > SORT none                          []
        > SET s x                             +OK
        > SORT s LIMIT x 1                   -ERR value is not an integer or out of range
        > SORT s                             -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH l 3 10 2 1.5 0.5              :5
        > SORT l                             [0.5, 1.5, 2, 3, 10]
        > SORT l DESC LIMIT 1 2              [3, 2]
        > SORT l ALPHA                       [0.5, 1.5, 10, 2, 3]
        > SORT l LIMIT -5 2                  [0.5, 1.5]
        > SORT l LIMIT 4 9223372036854775807    [10]
        > SORT l LIMIT 5 1                   []
        > SORT l LIMIT 0 0                   []
        > SORT l BY nosort                   [3, 10, 2, 1.5, 0.5]
        > SORT l BY nosort DESC LIMIT 1 2    [1.5, 2]
        > SORT l BY nosort LIMIT 3 10        [1.5, 0.5]
        > SORT l GET nothing LIMIT 0 1       [nil]
        > MSET w_3 1 w_10 2 w_2 3 w_1.5 4 w_0.5 5    +OK
        > SORT l BY w_*                      [3, 10, 2, 1.5, 0.5]
        > SORT l BY w_* DESC LIMIT 0 2       [0.5, 1.5]
        > MSET v_3 three v_10 ten v_0.5 minus    +OK
        > SORT l BY w_* GET v_* GET #        [three, 3, ten, 10, nil, 2, nil, 1.5, minus, 0.5]
        > SORT l BY v_*                      -ERR One or more scores can't be converted into double
        > SORT l BY v_* ALPHA DESC LIMIT 0 3    [3, 10, 0.5]
        > SORT l BY none_* GET w_*           [5, 4, 2, 3, 1]
        > RPUSH words b a c                   :3
        > SORT words                         -ERR One or more scores can't be converted into double
        > SORT words ALPHA DESC              [c, b, a]
        > SADD set 3 1 2                      :3
        > SORT set DESC                      [3, 2, 1]
        > ZADD z 1 c 2 b 3 a                  :3
        > SORT z ALPHA                       [a, b, c]
        > SORT z BY nosort                   [c, b, a]
        > SORT z BY nosort DESC LIMIT 1 9    [b, c]
        > HSET h_a rank 3 name A              :2
        > HSET h_b rank 1                     :1
        > HSET h_c rank 2 name C              :2
        > SORT z BY h_*->rank GET h_*->name GET h_*->none GET h_*    [nil, nil, nil, C, nil, nil, A, nil, nil]
        > SORT z BY h_*->rank DESC           [a, c, b]
        > SORT z BY w_* BY nosort            [c, b, a]
        > SORT z BY nosort BY h_*->rank      [c, b, a]
        > SORT l BY w_* GET v_* STORE l       :5
        > LRANGE l 0 -1                       [three, ten, \"\", \"\", minus]
        > SORT set BY nosort STORE d GET #    :3
        > LRANGE d 0 -1                       [1, 2, 3]
        > SORT z ALPHA STORE x STORE d        :3
        > LRANGE d 0 -1                       [a, b, c]
        > EXISTS x                            :0
        > SORT z BY nosort LIMIT 9 1 STORE d  :0
        > EXISTS d                            :0
        > SET d x                             +OK
        > SORT none STORE d                   :0
        > EXISTS d                            :0
        > SET w_b 9                           +OK
        > SORT words BY w_* ALPHA STORE d GET # GET w_*    :6
        > LRANGE d 0 -1                       [a, \"\", c, \"\", b, 9]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    sorting::run(call, true)
}
