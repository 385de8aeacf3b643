//! UNLINK key [key ...]: deletes keys; large values are given back later.
//! Ref: redis.io/commands/unlink

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "UNLINK",
    since: "4.0.0",
    group: Group::Generic,
    summary: "Deletes keys and returns how many there were; memory of large values is given back later.",
    cost: "O(N), N keys",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, Access::RM.and(Access::DELETE))],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Split(Merge::Sum)),
    run,
    cases: "
        > UNLINK           -ERR wrong number of arguments for 'unlink' command
        > MSET a 1 b 2     +OK
        > UNLINK a b c a   :2
        > EXISTS a b       :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::delete_all(call)
}
