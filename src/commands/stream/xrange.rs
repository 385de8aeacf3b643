//! XRANGE key start end [COUNT count]: entries between two IDs.
//! Ref: redis.io/commands/xrange

use super::shared::range;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XRANGE",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Returns the entries of a stream between two IDs.",
    cost: "O(N), N entries returned",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("start"), Arg::string("end"), Arg::integer("count").token("COUNT").optional()],
    route: Route::Keys(Multi::Single),
    history: &[("6.2.0", "Accepts intervals without their start or end.")],
    run,
    cases: "
        > XRANGE x a +              -ERR Invalid stream ID specified as stream command argument
        > XRANGE x (+ +             -ERR Invalid stream ID specified as stream command argument
        > XRANGE x - (0-0           -ERR invalid end ID for the interval
        > XRANGE x (18446744073709551615-18446744073709551615 +  -ERR invalid start ID for the interval
        > XRANGE x - + COUNT        -ERR syntax error
        > XRANGE x - + COUNT a      -ERR value is not an integer or out of range
        > XRANGE x - + FOO 1        -ERR syntax error
        > SET s v                   +OK
        > XRANGE s - +              -WRONGTYPE Operation against a key holding the wrong kind of value
        > XRANGE x - +              []
        > XADD x 1-1 a 1            $1-1
        > XADD x 1-2 a 2 b -300     $1-2
        > XADD x 3-0 a hello        $3-0
        > XRANGE x - +              [[1-1, [a, 1]], [1-2, [a, 2, b, \"-300\"]], [3-0, [a, hello]]]
        > XRANGE x 1 1              [[1-1, [a, 1]], [1-2, [a, 2, b, \"-300\"]]]
        > XRANGE x (1-1 (3          [[1-2, [a, 2, b, \"-300\"]], [3-0, [a, hello]]]
        > XRANGE x - + COUNT 1      [[1-1, [a, 1]]]
        > XRANGE x - + COUNT 0      nil
        > XRANGE x - + COUNT -5     nil
        > XRANGE x 2 1              []
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    range(call, false)
}
