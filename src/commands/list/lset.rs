//! LSET key index element: puts another element at an index of a list.
//! Ref: redis.io/commands/lset

use super::shared::{edit, len_to_write};
use crate::base::num::parse_i64;
use crate::commands::common::limits;
use crate::data::collection::Collection;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LSET",
    group: Group::List,
    summary: "Replaces the element of a list at an index.",
    cost: "O(log N); O(1) at both ends",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("index"), Arg::string("element")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LSET k 0           -ERR wrong number of arguments for 'lset' command
        > LSET k x a         -ERR no such key
        > SET s v            +OK
        > LSET s x a         -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a 2 c      :3
        > LSET k x a         -ERR value is not an integer or out of range
        > LSET k 3 a         -ERR index out of range
        > LSET k -4 a        -ERR index out of range
        > LSET k 1 b         +OK
        > LSET k -1 33       +OK
        > LSET k -3 \"\"       +OK
        > LRANGE k 0 -1      [\"\", b, 33]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if len_to_write(call, 1)?.is_none() {
        return Err(Refusal::NO_KEY);
    }
    let index = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    let (text, limits) = (call.arg(3), limits(call.shard));
    let done = edit(call, 1, |list| {
        let did = list.view().resolve(index).is_some_and(|index| list.set(index, text, &limits));
        (did, u64::from(did))
    })?;
    if !done.out {
        return Err(Refusal::INDEX_RANGE);
    }
    done.tell(call, "lset", 1);
    call.out.ok();
    Ok(())
}
