//! XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]: entries are dealt with, and deleted.
//! Ref: redis.io/commands/xackdel (8.2)

use super::deleting::{Done, IDS, plan};
use super::shared::is_stream_to_write;
use super::trimming::{POLICY, Refs};
use crate::data::stream::Stream;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XACKDEL",
    since: "8.2.0",
    group: Group::Stream,
    summary: "Removes entries from those that are pending in a consumer group, and deletes them.",
    cost: "O(log N) an ID, N entries of the stream",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("group"), POLICY, IDS],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > XACKDEL x g IDS a 1                 -ERR Number of IDs must be a positive integer  # stock: skip
        > XACKDEL x g IDS 1 1                 [:-1]  # stock: skip
        > XADD x 1-1 a 1                      $1-1
        > XADD x 1-2 a 2                      $1-2
        > XADD x 1-3 a 3                      $1-3
        > XGROUP CREATE x g 0                 +OK
        > XGROUP CREATE x h 0                 +OK
        > XREADGROUP GROUP g c COUNT 2 STREAMS x >   ?
        > XREADGROUP GROUP h c COUNT 1 STREAMS x >   ?
        > XACKDEL x g ACKED IDS 3 1-1 1-3 9   [:2, :-1, :-1]  # stock: skip
        > XACKDEL x h ACKED IDS 1 1-1         [:1]  # stock: skip
        > XACKDEL x g IDS 1 1-2               [:1]  # stock: skip
        > XLEN x                              ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (refs, ids) = plan(call, 3)?;
    let name = call.arg(2);
    if !is_stream_to_write(call, 1)? {
        Done { results: vec![-1; ids.len()], ..Done::default() }.finish(call);
        return Ok(());
    }
    let key = call.key(1);
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let mut done = Done::default();
        let mut acked = Vec::new();
        for id in ids {
            let is_pending = stream.group_mut(name).is_some_and(|(mut group, ..)| group.ack(id));
            let result = if is_pending {
                acked.push(id);
                // An entry that was no longer there is dealt with all the same.
                done.delete(stream, id, refs).abs()
            } else {
                -1
            };
            done.results.push(result);
        }
        if !acked.is_empty() {
            done.acked.insert(0, (name.to_vec(), acked));
        }
        let changes = done.deleted.len() + done.acked.len();
        (done, changes as u64)
    });
    let done: Done = edited.ok_or(Refusal::ARENA_FULL)?.out;
    debug_assert!(refs != Refs::Drop || done.results.iter().all(|result| *result != 2));
    done.finish(call);
    Ok(())
}
