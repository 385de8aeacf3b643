//! RPUSH key element [element ...]: adds elements to the end of a list.
//! Ref: redis.io/commands/rpush

use super::shared::push_words;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "RPUSH",
    since: "1.0.0",
    group: Group::List,
    summary: "Adds elements to the end of a list; a missing key becomes a list.",
    cost: "O(N), N elements",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("element").multiple()],
    route: Route::Keys(Multi::Single),
    history: &[("2.4.0", "Several elements are accepted.")],
    run,
    cases: "
        > RPUSH k                   -ERR wrong number of arguments for 'rpush' command
        > SET s v                   +OK
        > RPUSH s a                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a                 :1
        > RPUSH k b 12              :3
        > LRANGE k 0 -1             [a, b, 12]
        > EXPIRE k 100              :1
        > RPUSH k -1                :4
        > TTL k                     :100
        > LINDEX k -1               $-1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    push_words(call, Side::Right, false)
}
