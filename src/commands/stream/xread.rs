//! XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...]: entries after an ID, of several streams.
//! Ref: redis.io/commands/xread

use super::reading::{reading, resolve, serve, wait_or_nothing};
use crate::spec::keys::{Begin, Find};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XREAD",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Returns entries of several streams after the given IDs; waits for some if there is none and it is told to.",
    cost: "",
    arity: -4,
    flags: Flags::READONLY.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Category::STREAM,
    keys: &[KeySpec {
        begin: Begin::Keyword("STREAMS", 1),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        access: Access::RO.and(Access::ACCESS),
        notes: "",
    }],
    args: &[
        Arg::integer("count").token("COUNT").optional(),
        Arg::integer("milliseconds").token("BLOCK").optional(),
        Arg::block("streams", &[Arg::key("key").multiple(), Arg::string("id").multiple()]).token("STREAMS"),
    ],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > XREAD COUNT 1 FOO x 0             -ERR syntax error
        > XREAD STREAMS x y 0               -ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.   # stock: skip
        > XREAD COUNT a STREAMS x 0         -ERR value is not an integer or out of range
        > XREAD BLOCK a STREAMS x 0         -ERR timeout is not an integer or out of range
        > XREAD BLOCK -1 STREAMS x 0        -ERR timeout is negative
        > XREAD GROUP g c STREAMS x 0       -ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
        > XREAD NOACK STREAMS x 0           -ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
        > XREAD STREAMS x >                 -ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
        > XREAD STREAMS x foo               -ERR Invalid stream ID specified as stream command argument
        > SET s v                           +OK
        > XREAD STREAMS s 0                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > XREAD STREAMS x y 0 0             nil
        > XADD x 1-1 a 1                    $1-1
        > XADD x 2-1 a 2                    $2-1
        > XADD y 1-1 b 1                    $1-1
        > XREAD STREAMS x y 0 1             ?
        > XREAD COUNT 1 STREAMS x y 1-1 1-1   ?
        > XREAD STREAMS x $                 nil
        > XREAD BLOCK 5 STREAMS x $         nil
        > XREAD COUNT 5 STREAMS x +         ?
        > XREAD COUNT 0 STREAMS x 1-1       ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let reading = reading(call, false)?;
    let from = resolve(call, &reading)?;
    if serve(call, &reading, &from)? { Ok(()) } else { wait_or_nothing(call, &reading, &from) }
}
