//! SMISMEMBER key member [member ...]: for each member, whether a set has it.
//! Ref: redis.io/commands/smismember

use super::shared::read;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SMISMEMBER",
    since: "6.2.0",
    group: Group::Set,
    summary: "Tells of several members whether they belong to a set.",
    cost: "O(N) where N is the number of elements being checked for membership",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SMISMEMBER s              -ERR wrong number of arguments for 'smismember' command
        > SET text 1                +OK
        > SMISMEMBER text a         -WRONGTYPE Operation against a key holding the wrong kind of value
        > SMISMEMBER missing a b    [:0, :0]
        > SADD s a b 7              :3
        > SMISMEMBER s a x 7 a      [:1, :0, :1, :1]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let found = read(call, 1, |set, out, _| {
        out.array(args.len() - 2);
        args.from(2).for_each(|member| out.int(i64::from(set.contains(member))));
    })?;
    if found.is_none() {
        call.out.array(args.len() - 2);
        (2..args.len()).for_each(|_| call.out.int(0));
    }
    Ok(())
}
