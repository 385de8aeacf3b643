//! HMGET key field [field ...]: the values of several fields.
//! Ref: redis.io/commands/hmget

use super::shared::{expire_named, read, reply_value};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HMGET",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Returns the values of fields of a hash.",
    cost: "O(N), N fields asked for",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("field").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HMGET h               -ERR wrong number of arguments for 'hmget' command
        > SET s v               +OK
        > HMGET s f             -WRONGTYPE Operation against a key holding the wrong kind of value
        > HMGET h a b           [nil, nil]
        > HSET h a 1 b 2        :2
        > HMGET h b x a b       [2, nil, 1, 2]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (args, now) = (call.args, call.now);
    let over = read(call, |hash, out| {
        out.array(args.len() - 2);
        args.from(2).filter(|field| reply_value(out, hash, field, now)).collect::<Vec<_>>()
    })?;
    if !over.is_empty() {
        expire_named(call, &over);
    }
    Ok(())
}
