//! TYPE key: the type of the value at a key.
//! Ref: redis.io/commands/type

use crate::commands::common::{QUIETLY, missed, name_of};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "TYPE",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Returns the type of the value at a key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > TYPE           -ERR wrong number of arguments for 'type' command
        > TYPE k         +none
        > SET k v        +OK
        > TYPE k         +string
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    match call.shard.ks.find(call.db, &key, call.now, QUIETLY) {
        Some(item) => call.out.simple(name_of(item.kind())),
        None => {
            call.out.simple("none");
            missed(call, 1);
        }
    }
    Ok(())
}
