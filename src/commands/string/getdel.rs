//! GETDEL key: the string of a key, which is then deleted.
//! Ref: redis.io/commands/getdel

use super::shared::reply_string;
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "GETDEL",
    since: "6.2.0",
    group: Group::String,
    summary: "Returns the string value of a key and deletes the key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::DELETE),
    )],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > GETDEL                -ERR wrong number of arguments for 'getdel' command
        > GETDEL missing        nil
        > SET k 5               +OK
        > GETDEL k              $5
        > EXISTS k              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if reply_string(call, 1)? {
        let key = call.key(1);
        call.shard.ks.remove(call.db, &key);
        call.event(Class::Generic, "del", 1);
        call.effect(&[b"DEL", key.bytes]);
    }
    Ok(())
}
