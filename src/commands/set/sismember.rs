//! SISMEMBER key member: whether a set has a member.
//! Ref: redis.io/commands/sismember

use super::shared::read;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SISMEMBER",
    since: "1.0.0",
    group: Group::Set,
    summary: "Tells whether a member belongs to a set.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key"), Arg::string("member")],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SISMEMBER s            -ERR wrong number of arguments for 'sismember' command
        > SET text 1             +OK
        > SISMEMBER text a       -WRONGTYPE Operation against a key holding the wrong kind of value
        > SISMEMBER missing a    :0
        > SADD s a 1             :2
        > SISMEMBER s a          :1
        > SISMEMBER s 1          :1
        > SISMEMBER s 01         :0
        > SADD n 1 2             :2
        > SISMEMBER n a          :0
        > SISMEMBER n 2          :1
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let member = call.arg(2);
    let is_there = read(call, 1, |set, _, _| set.contains(member))?;
    call.out.int(i64::from(is_there == Some(true)));
    Ok(())
}
