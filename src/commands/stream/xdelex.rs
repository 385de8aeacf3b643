//! XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]: deletes entries, with a say about what groups hold of them.
//! Ref: redis.io/commands/xdelex (8.2)

use super::deleting::{Done, IDS, plan};
use super::shared::is_stream_to_write;
use super::trimming::POLICY;
use crate::data::stream::Stream;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XDELEX",
    since: "8.2.0",
    group: Group::Stream,
    summary: "Deletes entries from a stream, with a say about what consumer groups hold of them.",
    cost: "O(log N) an ID, N entries of the stream",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), POLICY, IDS],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > XDELEX x IDS 0 1                    -ERR Number of IDs must be a positive integer  # stock: skip
        > XDELEX x IDS 2 1                    -ERR The `numids` parameter must match the number of arguments  # stock: skip
        > XDELEX x IDS 1 foo                  -ERR Invalid stream ID specified as stream command argument  # stock: skip
        > XDELEX x FOO IDS 1 1                -ERR syntax error  # stock: skip
        > XDELEX x IDS 2 1 2                  [:-1, :-1]  # stock: skip
        > XADD x 1-1 a 1                      $1-1
        > XADD x 1-2 a 2                      $1-2
        > XADD x 1-3 a 3                      $1-3
        > XGROUP CREATE x g 0                 +OK
        > XREADGROUP GROUP g c COUNT 2 STREAMS x >   ?
        > XACK x g 1-1                        :1
        > XDELEX x ACKED IDS 4 1-1 1-2 1-3 9  [:1, :2, :2, :-1]  # stock: skip
        > XDELEX x IDS 1 1-2 DELREF           [:1]  # stock: skip
        > XPENDING x g                        ?
        > XDELEX x KEEPREF IDS 1 1-3          [:1]  # stock: skip
        > XLEN x                              ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (refs, ids) = plan(call, 2)?;
    if !is_stream_to_write(call, 1)? {
        Done { results: vec![-1; ids.len()], ..Done::default() }.finish(call);
        return Ok(());
    }
    let key = call.key(1);
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let mut done = Done::default();
        for id in ids {
            let result = done.delete(stream, id, refs);
            done.results.push(result);
        }
        let changes = done.deleted.len() + done.acked.len();
        (done, changes as u64)
    });
    edited.ok_or(Refusal::ARENA_FULL)?.out.finish(call);
    Ok(())
}
