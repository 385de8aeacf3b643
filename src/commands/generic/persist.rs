//! PERSIST key: removes the time to live of a key.
//! Ref: redis.io/commands/persist

use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "PERSIST",
    since: "2.2.0",
    group: Group::Generic,
    summary: "Removes the time to live of a key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > PERSIST k         :0
        > SET k v           +OK
        > PERSIST k         :0
        > EXPIRE k 100      :1
        > PERSIST k         :1
        > TTL k             :-1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let had_one = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => false,
        Some(_) => call.shard.ks.clear_expire(call.db, &key),
    };
    if had_one {
        call.event(Class::Generic, "persist", 1);
    }
    call.out.int(i64::from(had_one));
    Ok(())
}
