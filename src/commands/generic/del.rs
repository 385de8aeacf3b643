//! DEL key [key ...]: deletes keys.
//! Ref: redis.io/commands/del

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DEL",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Deletes keys and returns how many there were.",
    cost: "O(N), N keys",
    arity: -2,
    flags: Flags::WRITE,
    categories: Category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, Access::RM.and(Access::DELETE))],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Split(Merge::Sum)),
    run,
    cases: "
        > DEL              -ERR wrong number of arguments for 'del' command
        > MSET a 1 b 2     +OK
        > DEL a b c a      :2
        > EXISTS a b       :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::delete_all(call)
}
