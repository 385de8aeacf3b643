//! DELIFEQ key value: deletes a key if it holds this string.
//! Ref: valkey.io/commands/delifeq

use super::options::Condition;
use crate::commands::common::string_of;
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DELIFEQ",
    since: "9.0.0",
    group: Group::String,
    summary: "Deletes a key if its string value is the one told.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RM.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("value")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > DELIFEQ k             -ERR wrong number of arguments for 'delifeq' command    # stock: skip
        > DELIFEQ k v           :0    # stock: skip
        > SET k v               +OK    # stock: skip
        > DELIFEQ k V           :0    # stock: skip
        > DELIFEQ k v           :1    # stock: skip
        > EXISTS k              :0    # stock: skip
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let condition = Condition::Value {
        is: true,
        text: call.arg(2),
    };
    let holds = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => false,
        Some(item) => condition.holds(Some(string_of(&item)?)),
    };
    if holds {
        call.shard.ks.remove(call.db, &key);
        call.event(Class::Generic, "del", 1);
        call.effect(&[b"DEL", key.bytes]);
    }
    call.out.int(i64::from(holds));
    Ok(())
}
