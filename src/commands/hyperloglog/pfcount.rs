//! PFCOUNT key [key ...]: the estimated number of distinct elements of one HyperLogLog or of the union of several.
//! Of one key the estimate is kept in the value; that write is recorded like any other, although the command only reads.
//! Ref: redis.io/commands/pfcount

use super::shared;
use crate::data::hll::{self, Registers};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "PFCOUNT",
    since: "2.8.9",
    group: Group::Hyperloglog,
    summary: "Estimates how many distinct elements one or several HyperLogLogs have seen.",
    cost: "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.",
    arity: -2,
    flags: Flags::READONLY.and(Flags::MAY_REPLICATE),
    categories: Category::HYPERLOGLOG,
    keys: &[KeySpec::range(1, -1, 1, Access::RW.and(Access::ACCESS)).noted("A count is kept in the value for the next call")],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: r#"
        > SET text hello            +OK
        > PFCOUNT text              -WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT missing text      -WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT missing           :0
        > PFCOUNT missing other     :0
        > PFADD h a b c             :1
        > PFCOUNT h                 :3
        > GETRANGE h 8 15           "\x03\x00\x00\x00\x00\x00\x00\x00"
        > PFADD g c d               :1
        > PFCOUNT h missing g       :4
        > SET bad "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x00"    +OK
        > PFCOUNT bad               -INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT h bad             -INVALIDOBJ Corrupted HLL object detected
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let count = if call.args.len() == 2 { count_one(call)? } else { count_union(call)? };
    call.out.int(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

fn count_one(call: &mut Call) -> Result<u64, Refusal> {
    let counted = shared::with_value(call, 1, |bytes| match hll::cached(bytes) {
        Some(count) => Ok((count, false)),
        None => hll::count(bytes).map(|count| (count, true)),
    })?;
    let Some(counted) = counted else { return Ok(0) };
    let (count, is_new) = counted.map_err(shared::refusal)?;
    if is_new {
        let key = call.key(1);
        // Without room for the kept estimate the count is as good.
        let _ = call.shard.ks.edit_str(call.db, &key, 0, |bytes| hll::store_cached(bytes, count));
        // The value changed, so what repeats the writes has to count, too.
        call.effect(&[b"PFCOUNT", key.bytes]);
    }
    Ok(count)
}

fn count_union(call: &mut Call) -> Result<u64, Refusal> {
    let mut union = Registers::default();
    for i in 1..call.args.len() {
        if let Some(merged) = shared::with_value(call, i, |bytes| union.merge(bytes))? {
            merged.map_err(shared::refusal)?;
        }
    }
    Ok(union.count())
}
