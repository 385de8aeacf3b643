//! SETNX key value: stores a string if the key does not exist.
//! Ref: redis.io/commands/setnx

use super::shared::store;
use crate::keyspace::{Look, Ttl};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "SETNX",
    since: "1.0.0",
    group: Group::String,
    summary: "Sets the string value of a key unless the key exists.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::OW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("value")],
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
    cases: "
        > SETNX k           -ERR wrong number of arguments for 'setnx' command
        > SETNX k a         :1
        > SETNX k b         :0
        > GET k             $a
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let is_free = call
        .shard
        .ks
        .find(call.db, &key, call.now, Look::Write)
        .is_none();
    if is_free {
        let value = call.arg(2);
        store(call, 1, value, Ttl::None)?;
    }
    call.out.int(i64::from(is_free));
    Ok(())
}
