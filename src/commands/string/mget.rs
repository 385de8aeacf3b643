//! MGET key [key ...]: the strings of several keys.
//! Ref: redis.io/commands/mget

use super::shared::bulk_of;
use crate::commands::common::{missed, string_of};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "MGET",
    since: "1.0.0",
    group: Group::String,
    summary: "Returns the string values of several keys, null where there is none.",
    cost: "O(N), N keys",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::range(1, -1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Split(Merge::ByKey)),
    run,
    cases: "
        > MGET               -ERR wrong number of arguments for 'mget' command
        > MSET a 1 b two     +OK
        > MGET a b c a       [1, two, nil, 1]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    call.out.array(call.args.len() - 1);
    let look = call.look();
    call.each_key(1, 1, |call, i, key| {
        let found = call.shard.ks.find(call.db, &key, call.now, look);
        let is_missing = found.is_none();
        match found.as_ref().and_then(|item| string_of(item).ok()) {
            Some(value) => bulk_of(call.out, value),
            None => call.out.null(),
        }
        if is_missing {
            missed(call, i);
        }
        Ok(())
    })
}
