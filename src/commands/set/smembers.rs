//! SMEMBERS key: all members of a set.
//! Ref: redis.io/commands/smembers

use super::shared::{members, read};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SMEMBERS",
    since: "1.0.0",
    group: Group::Set,
    summary: "Returns all members of a set.",
    cost: "O(N) where N is the set cardinality.",
    arity: 2,
    flags: Flags::READONLY,
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output_order"],
    cases: r#"
        > SMEMBERS             -ERR wrong number of arguments for 'smembers' command
        > SET text 1           +OK
        > SMEMBERS text        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SMEMBERS missing     []
        > SADD s b a 5         :3
        > SMEMBERS s           [b, a, 5]
        > SADD n 7 -7 70000    :3
        > SMEMBERS n           [-7, 7, 70000]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = read(call, 1, |set, out, _| {
        out.set(set.len());
        members(out, set);
    })?;
    if found.is_none() {
        call.out.set(0);
    }
    Ok(())
}
