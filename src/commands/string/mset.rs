//! MSET key value [key value ...]: stores several strings, whatever the keys held before.
//! Ref: redis.io/commands/mset

use super::shared::store_at;
use crate::keyspace::Ttl;
use crate::spec::{
    Access, Arg, Args, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Refusal,
    Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "MSET",
    since: "1.0.1",
    group: Group::String,
    summary: "Sets several keys to string values, whatever they held before.",
    cost: "O(N), N pairs",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::STRING,
    keys: &[KeySpec::range(1, -1, 2, Access::OW.and(Access::UPDATE))],
    args: &[Arg::block("data", &[Arg::key("key"), Arg::string("value")]).multiple()],
    route: Route::Keys(Multi::Split(Merge::AllOk)),
    run,
    check: Some(pairs),
    cases: "
        > MSET a             -ERR wrong number of arguments for 'mset' command
        > MSET a 1 b         -ERR wrong number of arguments for 'mset' command
        > EXISTS a           :0
        > SET a 0 EX 100     +OK
        > MSET a 1 b 2 a 3   +OK
        > MGET a b           [3, 2]
        > TTL a              :-1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pairs(&call.args)?;
    call.each_key(1, 2, |call, i, key| {
        let value = call.arg(i + 1);
        store_at(call, i, &key, value, Ttl::None)
    })?;
    call.out.ok();
    Ok(())
}

/// Refuses a key without its value, before any core has stored anything.
fn pairs(args: &Args) -> Outcome {
    if args.len().is_multiple_of(2) {
        Err(Refusal::arity("mset"))
    } else {
        Ok(())
    }
}
