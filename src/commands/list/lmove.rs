//! LMOVE source destination LEFT|RIGHT LEFT|RIGHT: takes an element off one list and adds it to another.
//! Ref: redis.io/commands/lmove

use super::shared::{move_element, side_arg, side_of};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LMOVE",
    since: "6.2.0",
    group: Group::List,
    summary: "Moves an element from an end of one list to an end of another and returns it.",
    cost: "O(1)",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)), KeySpec::one(2, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("source"), Arg::key_of("destination", 1), side_arg("wherefrom"), side_arg("whereto")],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > LMOVE a b LEFT            -ERR wrong number of arguments for 'lmove' command
        > LMOVE a b FOO LEFT        -ERR syntax error
        > LMOVE a b LEFT FOO        -ERR syntax error
        > LMOVE a b LEFT LEFT       nil
        > SET s v                   +OK
        > LMOVE s b LEFT LEFT       -WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE a s LEFT LEFT       nil
        > RPUSH a 1 2 c d           :4
        > LMOVE a s LEFT LEFT       -WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE a b left right      $1
        > LMOVE a b LEFT LEFT       $2
        > LMOVE a b RIGHT RIGHT     $d
        > LRANGE b 0 -1             [2, 1, d]
        > LMOVE b b RIGHT LEFT      $d
        > LRANGE b 0 -1             [d, 2, 1]
        > LMOVE a a LEFT RIGHT      $c
        > LMOVE a b RIGHT RIGHT     $c
        > EXISTS a                  :0
        > LRANGE b 0 -1             [d, 2, 1, c]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (from, to) = (side_of(call, 3)?, side_of(call, 4)?);
    move_element(call, 1, 2, from, to)
}
