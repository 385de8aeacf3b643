//! RENAME key newkey: gives a key another name.
//! Ref: redis.io/commands/rename

use crate::spec::route::same_db;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "RENAME",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Gives a key another name, over whatever had that name before.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE,
    categories: Category::KEYSPACE,
    keys: &[
        KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)),
        KeySpec::one(2, Access::OW.and(Access::UPDATE)),
    ],
    args: &[Arg::key("key"), Arg::key_of("newkey", 1)],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > RENAME a b          -ERR no such key
        > RENAME a a          -ERR no such key
        > SET a 1 EX 100      +OK
        > SET b 2             +OK
        > RENAME a a          +OK
        > RENAME a b          +OK
        > MGET a b            [nil, 1]
        > TTL b               :100
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::rename(call, false)?;
    call.out.ok();
    Ok(())
}
