//! BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout: LMOVE that waits for an element.
//! Ref: redis.io/commands/blmove

use super::blocking::move_or_block;
use super::shared::{side_arg, side_of};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BLMOVE",
    since: "6.2.0",
    group: Group::List,
    summary: "Moves an element from an end of one list to an end of another and returns it; waits for one if there is none.",
    cost: "O(1)",
    arity: 6,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::NOSCRIPT).and(Flags::BLOCKING),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)), KeySpec::one(2, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("source"), Arg::key_of("destination", 1), side_arg("wherefrom"), side_arg("whereto"), Arg::double("timeout")],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > BLMOVE a b LEFT LEFT          -ERR wrong number of arguments for 'blmove' command
        > BLMOVE a b FOO LEFT -1        -ERR syntax error
        > BLMOVE a b LEFT FOO -1        -ERR syntax error
        > BLMOVE a b LEFT LEFT x        -ERR timeout is not a float or out of range
        > BLMOVE a b LEFT LEFT -1       -ERR timeout is negative
        > BLMOVE a b LEFT LEFT 0.001    nil
        > SET s v                       +OK
        > BLMOVE s b LEFT LEFT 0        -WRONGTYPE Operation against a key holding the wrong kind of value
        > BLMOVE a s LEFT LEFT 0.001    nil
        > RPUSH a 1 2 c                 :3
        > BLMOVE a s LEFT LEFT 0        -WRONGTYPE Operation against a key holding the wrong kind of value
        > BLMOVE a b left right 0       $1
        > BLMOVE a b RIGHT LEFT 0       $c
        > BLMOVE b b RIGHT LEFT 0       $1
        > BLMOVE a b RIGHT RIGHT 0      $2
        > LRANGE b 0 -1                 [1, c, 2]
        > EXISTS a                      :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (from, to) = (side_of(call, 3)?, side_of(call, 4)?);
    move_or_block(call, from, to)
}
