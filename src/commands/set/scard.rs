//! SCARD key: the number of members of a set.
//! Ref: redis.io/commands/scard

use super::shared::read;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SCARD",
    since: "1.0.0",
    group: Group::Set,
    summary: "Returns the number of members of a set.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SCARD            -ERR wrong number of arguments for 'scard' command
        > SET text 1       +OK
        > SCARD text       -WRONGTYPE Operation against a key holding the wrong kind of value
        > SCARD missing    :0
        > SADD s a b 1     :3
        > SCARD s          :3
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let count = read(call, 1, |set, _, _| set.len())?;
    call.out.int(count.unwrap_or(0) as i64);
    Ok(())
}
