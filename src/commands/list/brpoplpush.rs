//! BRPOPLPUSH source destination timeout: RPOPLPUSH that waits for an element.
//! Ref: redis.io/commands/brpoplpush

use super::blocking::move_or_block;
use crate::data::list::Side;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BRPOPLPUSH",
    since: "2.2.0",
    group: Group::List,
    summary: "Moves the last element of one list to the front of another and returns it; waits for one if there is none.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::NOSCRIPT).and(Flags::BLOCKING),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)), KeySpec::one(2, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("source"), Arg::key_of("destination", 1), Arg::double("timeout")],
    route: Route::Keys(Multi::Gather(same_db)),
    history: &[("6.0.0", "The `timeout` may have a fraction.")],
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    run,
    cases: "
        > BRPOPLPUSH a b                -ERR wrong number of arguments for 'brpoplpush' command
        > BRPOPLPUSH a b x              -ERR timeout is not a float or out of range
        > BRPOPLPUSH a b -1             -ERR timeout is negative
        > BRPOPLPUSH a b 0.001          nil
        > SET s v                       +OK
        > BRPOPLPUSH s b 0              -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH a 1 2                   :2
        > BRPOPLPUSH a s 0              -WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOPLPUSH a b 0              $2
        > BRPOPLPUSH a b 0              $1
        > LRANGE b 0 -1                 [1, 2]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    move_or_block(call, Side::Right, Side::Left)
}
