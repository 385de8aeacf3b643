//! BLPOP key [key ...] timeout: takes the first element off the first list that has any, and waits for one if none has.
//! Ref: redis.io/commands/blpop

use super::blocking::pop_or_block;
use crate::data::list::Side;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BLPOP",
    since: "2.0.0",
    group: Group::List,
    summary: "Takes the first element off the first of several lists that has any; waits for one if none has.",
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
        > BLPOP k                     -ERR wrong number of arguments for 'blpop' command
        > BLPOP k x                   -ERR timeout is not a float or out of range
        > BLPOP k a b nan             -ERR timeout is not a float or out of range
        > BLPOP k -1                  -ERR timeout is negative
        > BLPOP k -inf                -ERR timeout is negative
        > BLPOP k a b 0.001           nil
        > SET s v                     +OK
        > BLPOP k s 0                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH b 1 2                 :2
        > BLPOP k b s 0               [b, 1]
        > BLPOP b 0                   [b, 2]
        > EXISTS b                    :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    pop_or_block(call, Side::Left)
}
