//! ZREVRANK key member [WITHSCORE]: the place of a member.
//! Ref: redis.io/commands/zrevrank

use super::query;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREVRANK",
    since: "2.0.0",
    group: Group::SortedSet,
    summary: "Returns the place of a member in a sorted set, counted from the highest score.",
    cost: "O(log N), N members",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member"), Arg::word("withscore", "WITHSCORE").optional()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("7.2.0", "`WITHSCORE`.")],
    cases: "
        > ZREVRANK z a WITHSCORE x     -ERR wrong number of arguments for 'zrevrank' command
        > ZREVRANK z a FOO             -ERR syntax error
        > ZREVRANK z a                 nil
        > ZREVRANK z a WITHSCORE       nil
        > ZADD z 1 a 2 b 2 c         :3
        > ZREVRANK z b                 :1
        > ZREVRANK z c                 :0
        > ZREVRANK z a WITHSCORE       [:2, ,1]
        > ZREVRANK z x                 nil
        > SET s x                    +OK
        > ZREVRANK s a                 -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_rank(call, true)
}
