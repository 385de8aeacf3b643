//! HSETNX key field value: sets a field that is not there.
//! Ref: redis.io/commands/hsetnx

use super::shared::{before_write, edit, expire_named};
use crate::data::hash::is_over;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HSETNX",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Sets a field of a hash unless it is there.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("field"), Arg::string("value")],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HSETNX h f            -ERR wrong number of arguments for 'hsetnx' command
        > SET s v               +OK
        > HSETNX s f v          -WRONGTYPE Operation against a key holding the wrong kind of value
        > HSETNX h f 1          :1
        > HSETNX h f 2          :0
        > HGET h f              $1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (field, value, now) = (call.arg(2), call.arg(3), call.over_until());
    let found = before_write(call, |hash| hash.and_then(|hash| hash.find(field)).map(|(_, ttl)| is_over(ttl, now)))?;
    match found {
        Some(false) => {
            call.out.int(0);
            return Ok(());
        }
        Some(true) => expire_named(call, &[field]),
        None => {}
    }
    edit(call, |hash, limits| (hash.insert(field, value, None, limits), 1))?;
    call.event(Class::Hash, "hset", 1);
    call.out.int(1);
    Ok(())
}
