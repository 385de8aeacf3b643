//! BITFIELD_RO key [GET encoding offset ...]: packed integers of a string, only read.
//! Ref: redis.io/commands/bitfield_ro

use super::shared::{self, FieldOp};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BITFIELD_RO",
    since: "6.0.0",
    group: Group::Bitmap,
    summary: "Reads integers of any width out of a string.",
    cost: "O(1) for each subcommand specified",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::BITMAP,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::block("get-block", &[Arg::string("encoding"), Arg::integer("offset")]).token("GET").optional().multiple().multiple_token(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SET k abc                               +OK
        > BITFIELD_RO k SET u8 0 1                -ERR BITFIELD_RO only supports the GET subcommand
        > BITFIELD_RO k SET u8 0                  -ERR syntax error
        > BITFIELD_RO k GET u8                    -ERR syntax error
        > BITFIELD_RO k GET u64 0                 -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD_RO k                           []
        > BITFIELD_RO missing GET u8 0            [:0]
        > BITFIELD_RO k GET u8 0 GET u4 #1 GET i64 100    [:97, :1, :0]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let calls = shared::field_calls(call)?;
    if calls.iter().any(|c| !matches!(c.op, FieldOp::Get)) {
        return Err(Refusal::BITFIELD_RO);
    }
    shared::read_fields(call, &calls)
}
