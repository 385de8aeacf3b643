//! LPUSH key element [element ...]: adds elements to the front of a list.
//! Ref: redis.io/commands/lpush

use super::shared::push_words;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LPUSH",
    since: "1.0.0",
    group: Group::List,
    summary: "Adds elements to the front of a list; a missing key becomes a list.",
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
        > LPUSH k                   -ERR wrong number of arguments for 'lpush' command
        > SET s v                   +OK
        > LPUSH s a                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > LPUSH k a                 :1
        > LPUSH k b 12 \"\"           :4
        > LRANGE k 0 -1             [\"\", 12, b, a]
        > TYPE k                    +list
        > OBJECT ENCODING k         $listpack
        > CONFIG SET list-max-listpack-size 5    +OK
        > LPUSH k e                 :5
        > OBJECT ENCODING k         $listpack
        > LPUSH k f                 :6
        > OBJECT ENCODING k         $quicklist
        > LRANGE k 0 -1             [f, e, \"\", 12, b, a]
        > CONFIG SET list-max-listpack-size -2    +OK
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    push_words(call, Side::Left, false)
}
