//! STRLEN key: the length of a string.
//! Ref: redis.io/commands/strlen

use super::shared::len_of;
use crate::commands::common::{missed, string_of};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "STRLEN",
    since: "2.2.0",
    group: Group::String,
    summary: "Returns the number of bytes of a string, 0 for a missing key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > STRLEN            -ERR wrong number of arguments for 'strlen' command
        > STRLEN k          :0
        > SET k hello       +OK
        > STRLEN k          :5
        > SET k -12345      +OK
        > STRLEN k          :6
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let look = call.look();
    let len = match call.shard.ks.find(call.db, &key, call.now, look) {
        None => None,
        Some(item) => Some(len_of(string_of(&item)?)),
    };
    if len.is_none() {
        missed(call, 1);
    }
    call.out.int(len.unwrap_or(0) as i64);
    Ok(())
}
