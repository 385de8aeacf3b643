//! GET key: the string stored at a key.
//! Ref: redis.io/commands/get

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "GET",
    since: "1.0.0",
    group: Group::String,
    summary: "Returns the string value of a key.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > SET k hello        +OK
        > GET k              $hello
        > GET missing        nil
        > GET                -ERR wrong number of arguments for 'get' command
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::reply_string(call, 1).map(drop)
}
