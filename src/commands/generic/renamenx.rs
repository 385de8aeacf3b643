//! RENAMENX key newkey: gives a key a name that is free.
//! Ref: redis.io/commands/renamenx

use crate::spec::route::same_db;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "RENAMENX",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Gives a key another name unless a key has that name.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[
        KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)),
        KeySpec::one(2, Access::OW.and(Access::INSERT)),
    ],
    args: &[Arg::key("key"), Arg::key_of("newkey", 1)],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    history: &[("3.2.0", "No error where both names are the same.")],
    cases: "
        > RENAMENX a b        -ERR no such key
        > SET a 1 EX 100      +OK
        > SET b 2             +OK
        > RENAMENX a a        :0
        > RENAMENX a b        :0
        > RENAMENX a c        :1
        > MGET a b c          [nil, 2, 1]
        > TTL c               :100
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let did = super::shared::rename(call, true)?;
    call.out.int(i64::from(did));
    Ok(())
}
