//! DBSIZE: number of keys in the database.
//! Ref: redis.io/commands/dbsize

use crate::spec::{Call, Category, Flags, Group, Merge, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "DBSIZE",
    group: Group::Server,
    summary: "Counts the keys of the database.",
    arity: 1,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    route: Route::Every(Merge::Sum),
    run,
    cases: "
        > DBSIZE x       -ERR wrong number of arguments for 'dbsize' command
        > DBSIZE         :0
        > MSET a 1 b 2   +OK
        > DBSIZE         :2
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    call.out.int(call.shard.ks.len(call.db) as i64);
    Ok(())
}
