//! MSETNX key value [key value ...]: stores several strings if none of the keys exists.
//! Ref: redis.io/commands/msetnx

use super::shared::store;
use crate::keyspace::{Look, Ttl};
use crate::spec::route::same_db;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "MSETNX",
    since: "1.0.1",
    group: Group::String,
    summary: "Sets several keys to string values unless one of them exists already.",
    cost: "O(N), N pairs",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::STRING,
    keys: &[KeySpec::range(1, -1, 2, Access::OW.and(Access::INSERT))],
    args: &[Arg::block("data", &[Arg::key("key"), Arg::string("value")]).multiple()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > MSETNX a           -ERR wrong number of arguments for 'msetnx' command
        > MSETNX a 1 b       -ERR wrong number of arguments for 'msetnx' command
        > MSETNX a 1 b 2 a 3    :1
        > MGET a b           [3, 2]
        > MSETNX c 1 b 5     :0
        > MGET b c           [2, nil]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if call.args.len().is_multiple_of(2) {
        return Err(Refusal::arity("msetnx"));
    }
    for i in (1..call.args.len()).step_by(2) {
        let key = call.key(i);
        if call
            .shard
            .ks
            .find(call.db, &key, call.now, Look::Write)
            .is_some()
        {
            call.out.int(0);
            return Ok(());
        }
    }
    for i in (1..call.args.len()).step_by(2) {
        let value = call.arg(i + 1);
        store(call, i, value, Ttl::None)?;
    }
    call.out.int(1);
    Ok(())
}
