//! ZRANK key member [WITHSCORE]: the place of a member.
//! Ref: redis.io/commands/zrank

use super::query;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZRANK",
    since: "2.0.0",
    group: Group::SortedSet,
    summary: "Returns the place of a member in a sorted set, counted from the lowest score.",
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
        > ZRANK z a WITHSCORE x     -ERR wrong number of arguments for 'zrank' command
        > ZRANK z a FOO             -ERR syntax error
        > ZRANK z a                 nil
        > ZRANK z a WITHSCORE       nil
        > ZADD z 1 a 2 b 2 c         :3
        > ZRANK z b                 :1
        > ZRANK z c                 :2
        > ZRANK z a WITHSCORE       [:0, ,1]
        > ZRANK z x                 nil
        > SET s x                    +OK
        > ZRANK s a                 -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    query::reply_rank(call, false)
}
