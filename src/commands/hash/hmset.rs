//! HMSET key field value [field value ...]: sets fields.
//! Ref: redis.io/commands/hmset

use super::shared::set_pairs;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HMSET",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Sets fields of a hash.",
    cost: "O(N), N pairs",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    cases: "
        > HMSET h a 1 b         -ERR wrong number of arguments for 'hmset' command
        > SET s v               +OK
        > HMSET s a 1           -WRONGTYPE Operation against a key holding the wrong kind of value
        > HMSET h a 1 b 2       +OK
        > HMSET h a 3           +OK
        > HMGET h a b           [3, 2]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    set_pairs(call, "hmset")?;
    call.out.ok();
    Ok(())
}
