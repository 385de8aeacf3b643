//! SUBSTR key start end: a part of a string; the old name of GETRANGE.
//! Ref: redis.io/commands/substr

use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "SUBSTR",
    since: "1.0.0",
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
    deprecated: Some(("2.0.0", "`GETRANGE`")),
    cases: "
        > SUBSTR k x 1       -ERR value is not an integer or out of range
        > SUBSTR k 0 -1      $
        > SET k hello        +OK
        > SUBSTR k 1 3       $ell
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    super::shared::reply_range(call)
}
