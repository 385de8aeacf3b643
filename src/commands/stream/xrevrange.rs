//! XREVRANGE key end start [COUNT count]: entries between two IDs, the last one first.
//! Ref: redis.io/commands/xrevrange

use super::shared::range;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XREVRANGE",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Returns the entries of a stream between two IDs, the last one first.",
    cost: "O(N), N entries returned",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("end"), Arg::string("start"), Arg::integer("count").token("COUNT").optional()],
    route: Route::Keys(Multi::Single),
    history: &[("6.2.0", "Accepts intervals without their start or end.")],
    run,
    cases: "
        > XREVRANGE x a -              -ERR Invalid stream ID specified as stream command argument
        > XREVRANGE x + - COUNT        -ERR syntax error
        > XREVRANGE x + -              []
        > XADD x 1-1 a 1               $1-1
        > XADD x 1-2 b 2               $1-2
        > XADD x 3-0 a 3               $3-0
        > XREVRANGE x + -              [[3-0, [a, 3]], [1-2, [b, 2]], [1-1, [a, 1]]]
        > XREVRANGE x + (1-1 COUNT 1   [[3-0, [a, 3]]]
        > XREVRANGE x 2 (1-1           [[1-2, [b, 2]]]
        > XDEL x 3-0                   :1
        > XREVRANGE x + - COUNT 1      [[1-2, [b, 2]]]
        > XREVRANGE x - +              []
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    range(call, true)
}
