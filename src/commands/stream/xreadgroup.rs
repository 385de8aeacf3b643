//! XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]: hands out entries to a
//! consumer of a group, new ones (`>`) or those that are pending for it.
//! Ref: redis.io/commands/xreadgroup

use super::reading::{reading, resolve, serve, wait_or_nothing};
use crate::spec::keys::{Begin, Find};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XREADGROUP",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Hands out entries of several streams to a consumer of a group; waits for some if there is none and it is told to.",
    cost: "O(M) a stream, M entries returned",
    arity: -7,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Category::STREAM,
    keys: &[KeySpec {
        begin: Begin::Keyword("STREAMS", 4),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        access: Access::RO.and(Access::ACCESS),
        notes: "",
    }],
    args: &[
        Arg::block("group-block", &[Arg::string("group"), Arg::string("consumer")]).token("GROUP"),
        Arg::integer("count").token("COUNT").optional(),
        Arg::integer("milliseconds").token("BLOCK").optional(),
        Arg::word("noack", "NOACK").optional(),
        Arg::block("streams", &[Arg::key("key").multiple(), Arg::string("id").multiple()]).token("STREAMS"),
    ],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > XREADGROUP GROUP g c COUNT 1 FOO x >   -ERR syntax error
        > XREADGROUP NOACK STREAMS x >            -ERR wrong number of arguments for 'xreadgroup' command
        > XREADGROUP COUNT 1 COUNT 1 STREAMS x >   -ERR Missing GROUP option for XREADGROUP
        > XREADGROUP GROUP g c STREAMS x y >     -ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.
        > XREADGROUP GROUP g c STREAMS x >       -NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option
        > XGROUP CREATE x g 0 MKSTREAM           +OK
        > XREADGROUP GROUP g c STREAMS x >       nil
        > XREADGROUP GROUP h c STREAMS x >       -NOGROUP No such key 'x' or consumer group 'h' in XREADGROUP with GROUP option
        > XREADGROUP GROUP g c STREAMS x foo     -ERR Invalid stream ID specified as stream command argument
        > XREADGROUP GROUP g c STREAMS x 0       ?
        > XADD x 1-1 a 1                         $1-1
        > XADD x 1-2 a 2                         $1-2
        > XADD x 1-3 a 3                         $1-3
        > XREADGROUP GROUP g c COUNT 1 STREAMS x >   ?
        > XREADGROUP GROUP g d COUNT 1 NOACK STREAMS x >   ?
        > XREADGROUP GROUP g c BLOCK 5 STREAMS x >   ?
        > XREADGROUP GROUP g c BLOCK 5 STREAMS x >   nil
        > XPENDING x g                           [:2, 1-1, 1-3, [[c, 2]]]
        > XDEL x 1-1                             :1
        > XREADGROUP GROUP g c STREAMS x 0       ?
        > XREADGROUP GROUP g c STREAMS x 1-1     ?
        > XREADGROUP GROUP g d STREAMS x 0       ?
        > XPENDING x g - + 9                     [[1-1, c, ?, :1], [1-3, c, ?, :3]]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let reading = reading(call, true)?;
    let from = resolve(call, &reading)?;
    if serve(call, &reading, &from)? { Ok(()) } else { wait_or_nothing(call, &reading, &from) }
}
