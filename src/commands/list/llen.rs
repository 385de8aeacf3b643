//! LLEN key: the length of a list.
//! Ref: redis.io/commands/llen

use super::shared::find;
use crate::commands::common::missed;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LLEN",
    group: Group::List,
    summary: "Returns the number of elements of a list.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LLEN               -ERR wrong number of arguments for 'llen' command
        > LLEN k             :0
        > SET s v            +OK
        > LLEN s             -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a b        :2
        > LLEN k             :2
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (key, look) = (call.key(1), call.look());
    let len = find(&mut call.shard.ks, call.db, &key, call.now, look)?.map(|list| list.len());
    if len.is_none() {
        missed(call, 1);
    }
    call.out.int(len.unwrap_or(0) as i64);
    Ok(())
}
