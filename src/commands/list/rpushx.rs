//! RPUSHX key element [element ...]: adds elements to the end of a list, if it exists.
//! Ref: redis.io/commands/rpushx

use super::shared::push_words;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "RPUSHX",
    since: "2.2.0",
    group: Group::List,
    summary: "Adds elements to the end of a list; nothing happens without the key.",
    cost: "O(N), N elements",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("element").multiple()],
    route: Route::Keys(Multi::Single),
    history: &[("4.0.0", "Several elements are accepted.")],
    run,
    cases: "
        > RPUSHX k                  -ERR wrong number of arguments for 'rpushx' command
        > RPUSHX k a                :0
        > EXISTS k                  :0
        > SET s v                   +OK
        > RPUSHX s a                -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a                 :1
        > RPUSHX k b c              :3
        > LRANGE k 0 -1             [a, b, c]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    push_words(call, Side::Right, true)
}
