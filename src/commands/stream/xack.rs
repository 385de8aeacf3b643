//! XACK key group id [id ...]: entries are dealt with; they are no longer pending.
//! Ref: redis.io/commands/xack

use super::shared::{ids, read};
use crate::data::stream::Stream;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XACK",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Removes entries from those that are pending in a consumer group, and counts them.",
    cost: "O(log N) an ID, N entries pending",
    arity: -4,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::string("group"), Arg::string("id").multiple()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > XACK x g foo                   :0
        > SET s v                        +OK
        > XACK s g 1                     -WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP CREATE x g 0 MKSTREAM   +OK
        > XACK x h foo                   :0
        > XACK x g foo                   -ERR Invalid stream ID specified as stream command argument
        > XADD x 1-1 a 1                 $1-1
        > XADD x 1-2 a 2                 $1-2
        > XREADGROUP GROUP g c STREAMS x >   ?
        > XACK x g 1-1 1-1 7-7           :1
        > XPENDING x g                   [:1, 1-2, 1-2, [[c, 1]]]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let name = call.arg(2);
    if read(call, 1, |stream, _| stream.group(name).is_some())? != Some(true) {
        call.out.int(0);
        return Ok(());
    }
    let ids = ids(call, 3)?;
    let key = call.key(1);
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let Some((mut group, ..)) = stream.group_mut(name) else { return (0, 0) };
        let acked = ids.iter().filter(|id| group.ack(**id)).count();
        (acked, acked as u64)
    });
    let acked = edited.ok_or(Refusal::ARENA_FULL)?.out;
    call.out.int(acked as i64);
    Ok(())
}
