//! GETRANGE key start end: a part of a string.
//! Ref: redis.io/commands/getrange

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "GETRANGE",
    since: "2.4.0",
    group: Group::String,
    summary: "Returns the bytes of a string between two places, both included.",
    cost: "O(N), N bytes returned",
    arity: 4,
    flags: Flags::READONLY,
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("end")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > GETRANGE k 0 x       -ERR value is not an integer or out of range
        > GETRANGE k 0 -1      $
        > SET k \"hello world\"    +OK
        > GETRANGE k 0 4       $hello
        > GETRANGE k -5 -1     $world
        > GETRANGE k 4 100     \"o world\"
        > GETRANGE k 5 4       $
        > GETRANGE k -1 -2     $
        > GETRANGE k -9223372036854775808 9223372036854775807    \"hello world\"
        > SET n 12345          +OK
        > GETRANGE n -2 -1     $45
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::reply_range(call)
}
