//! ZDIFFSTORE destination numkeys key [key ...]: the members of the first input that no other has, stored.
//! Ref: redis.io/commands/zdiffstore

use super::combine::{self, End, Op};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZDIFFSTORE",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Stores the members of the first sorted set that are in none of the others at a key.",
    cost: "O(N K + M log M), N members of the first of K, M in the result",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::counted(2, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("destination"), Arg::integer("numkeys"), Arg::key_of("key", 1).multiple()],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZDIFFSTORE d 0 a      -ERR at least 1 input key is needed for 'zdiffstore' command
        > ZDIFFSTORE d x a      -ERR value is not an integer or out of range
        > ZDIFFSTORE d 3 a b    -ERR syntax error
        > ZDIFFSTORE d 1 a FOO  -ERR syntax error
        > SET s x       +OK
        > ZDIFFSTORE d 2 a s    -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZDIFFSTORE d 1 a WEIGHTS 1     -ERR syntax error
        > ZDIFFSTORE d 1 a WITHSCORES      -ERR syntax error
        > SET d x                +OK
        > ZDIFFSTORE d 2 a b             :0
        > EXISTS d               :0
        > ZADD a 1 x 5 y 2 z     :3
        > ZADD b 10 y 3 z        :2
        > ZDIFFSTORE d 2 a b             :1
        > ZRANGE d 0 -1          [x]
        > OBJECT ENCODING d      $listpack
        > ZDIFFSTORE a 2 a b             :1
        > ZRANGE a 0 -1          [x]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    combine::run(call, Op::Diff, End::Store)
}
