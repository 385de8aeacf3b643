//! EXISTS key [key ...]: counts the keys that exist.
//! Ref: redis.io/commands/exists

use super::shared::count_found;
use crate::commands::common::QUIETLY;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "EXISTS",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Returns how many of the keys exist; a key named twice counts twice.",
    cost: "O(N), N keys",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, Access::RO)],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Split(Merge::Sum)),
    run,
    history: &[("3.0.3", "Several keys.")],
    cases: "
        > EXISTS           -ERR wrong number of arguments for 'exists' command
        > EXISTS a         :0
        > MSET a 1 b 2     +OK
        > EXISTS a b c a   :3
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    count_found(call, QUIETLY)
}
