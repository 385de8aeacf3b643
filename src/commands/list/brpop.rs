//! BRPOP key [key ...] timeout: takes the last element off the first list that has any, and waits for one if none has.
//! Ref: redis.io/commands/brpop

use super::blocking::pop_or_block;
use crate::data::list::Side;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BRPOP",
    since: "2.0.0",
    group: Group::List,
    summary: "Takes the last element off the first of several lists that has any; waits for one if none has.",
    cost: "O(N), N keys",
    arity: -3,
    flags: Flags::WRITE.and(Flags::NOSCRIPT).and(Flags::BLOCKING),
    categories: Category::LIST,
    keys: &[KeySpec::range(1, -2, 1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key").multiple(), Arg::double("timeout")],
    route: Route::Keys(Multi::Gather(same_db)),
    history: &[("6.0.0", "The `timeout` may have a fraction.")],
    run,
    cases: "
        > BRPOP k                     -ERR wrong number of arguments for 'brpop' command
        > BRPOP k x                   -ERR timeout is not a float or out of range
        > BRPOP k a b nan             -ERR timeout is not a float or out of range
        > BRPOP k -1                  -ERR timeout is negative
        > BRPOP k -inf                -ERR timeout is negative
        > BRPOP k a b 0.001           nil
        > SET s v                     +OK
        > BRPOP k s 0                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH b 1 2                 :2
        > BRPOP k b s 0               [b, 2]
        > BRPOP b 0                   [b, 1]
        > EXISTS b                    :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pop_or_block(call, Side::Right)
}
