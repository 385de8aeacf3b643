//! MOVE key database: moves a key to another database.
//! Ref: redis.io/commands/move

use super::shared::{copy, is_there};
use crate::commands::common::{database, event_in};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "MOVE",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Moves a key to another database unless that has such a key.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    args: &[Arg::key("key"), Arg::integer("db")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > MOVE k 0         -ERR source and destination objects are the same
        > MOVE k x         -ERR value is not an integer or out of range
        > MOVE k 16        -ERR DB index is out of range
        > MOVE k -1        -ERR DB index is out of range
        > MOVE k 1         :0
        > SET k v EX 100   +OK
        > MOVE k 1         :1
        > EXISTS k         :0
        > SET k w          +OK
        > MOVE k 1         :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let to = database(call, call.arg(2))?;
    if to == call.db {
        return Err(Refusal::SAME_OBJECT);
    }
    let (key, from) = (call.key(1), call.db);
    let did = is_there(call, from, 1) && !is_there(call, to, 1) && copy(call, 1, 1, to)?;
    if did {
        call.shard.ks.remove(from, &key);
        call.event(Class::Generic, "move_from", 1);
        event_in(call, Class::Generic, "move_to", to, 1);
    }
    call.out.int(i64::from(did));
    Ok(())
}
