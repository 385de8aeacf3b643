//! XDEL key id [id ...]: deletes entries.
//! Ref: redis.io/commands/xdel

use super::shared::{ids, is_stream_to_write};
use crate::data::stream::Stream;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XDEL",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Deletes entries from a stream and counts them.",
    cost: "O(log N) an ID, N entries of the stream",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("id").multiple()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > XDEL x foo             :0
        > SET s v                +OK
        > XDEL s 1               -WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD x 1-1 a 1         $1-1
        > XADD x 1-2 a 2         $1-2
        > XADD x 1-3 a 3         $1-3
        > XDEL x 1-1 foo         -ERR Invalid stream ID specified as stream command argument
        > XDEL x 1-2 1-2 5-5     :1
        > XRANGE x - +           [[1-1, [a, 1]], [1-3, [a, 3]]]
        > XDEL x 1-1 1-3         :2
        > XLEN x                 :0
        > XADD x 1-3 a 1         -ERR The ID specified in XADD is equal or smaller than the target stream top item
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if !is_stream_to_write(call, 1)? {
        call.out.int(0);
        return Ok(());
    }
    let ids = ids(call, 2)?;
    let key = call.key(1);
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let deleted = ids.iter().filter(|id| stream.delete(**id)).count();
        (deleted, deleted as u64)
    });
    let deleted = edited.ok_or(Refusal::ARENA_FULL)?.out;
    if deleted > 0 {
        call.event(Class::Stream, "xdel", 1);
    }
    call.out.int(deleted as i64);
    Ok(())
}
