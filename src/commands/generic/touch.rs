//! TOUCH key [key ...]: marks keys as just used.
//! Ref: redis.io/commands/touch

use crate::keyspace::Look;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "TOUCH",
    since: "3.2.1",
    group: Group::Generic,
    summary: "Marks keys as just used and returns how many of them exist.",
    cost: "O(N), N keys",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, Access::RO)],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Split(Merge::Sum)),
    run,
    cases: "
        > TOUCH            -ERR wrong number of arguments for 'touch' command
        > MSET a 1 b 2     +OK
        > TOUCH a b c a    :3
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    // Also for clients that asked not to touch: it is what the command is for.
    super::shared::count_found(call, Look::Read)
}
