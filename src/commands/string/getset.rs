//! GETSET key value: stores a string and returns the one it replaces.
//! Ref: redis.io/commands/getset

use super::shared::{reply_string, store};
use crate::keyspace::Ttl;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "GETSET",
    since: "1.0.0",
    group: Group::String,
    summary: "Sets the string value of a key and returns the one it had.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    args: &[Arg::key("key"), Arg::string("value")],
    route: Route::Keys(Multi::Single),
    run,
    deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
    cases: "
        > GETSET k           -ERR wrong number of arguments for 'getset' command
        > GETSET k a         nil
        > EXPIRE k 100       :1
        > GETSET k b         $a
        > TTL k              :-1
        > GET k              $b
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    reply_string(call, 1)?;
    let value = call.arg(2);
    store(call, 1, value, Ttl::None)?;
    call.effect(&[b"SET", call.arg(1), value]);
    Ok(())
}
