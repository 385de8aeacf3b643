//! LPOP key [count]: takes elements off the front of a list.
//! Ref: redis.io/commands/lpop

use super::shared::pop_words;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LPOP",
    group: Group::List,
    summary: "Takes one or more elements off the front of a list; the key goes away with the last one.",
    cost: "O(N), N elements returned",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional().since("6.2.0")],
    route: Route::Keys(Multi::Single),
    history: &[("6.2.0", "The argument `count`.")],
    run,
    cases: "
        > LPOP                      -ERR wrong number of arguments for 'lpop' command
        > LPOP k 1 2                -ERR wrong number of arguments for 'lpop' command
        > LPOP k x                  -ERR value is out of range, must be positive
        > LPOP k -1                 -ERR value is out of range, must be positive
        > LPOP k                    nil
        > LPOP k 1                  nil
        > SET s v                   +OK
        > LPOP s                    -WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOP s 0                  -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a b 3 -4 5        :5
        > LPOP k 0                  []
        > LPOP k                    $a
        > LPOP k 2                  [b, 3]
        > LLEN k                    :2
        > LPOP k 9223372036854775807    [$-4, 5]
        > EXISTS k                  :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pop_words(call, Side::Left)
}
