//! RPOPLPUSH source destination: takes the last element off one list and adds it to the front of another.
//! Ref: redis.io/commands/rpoplpush

use super::shared::move_element;
use crate::data::list::Side;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "RPOPLPUSH",
    since: "1.2.0",
    group: Group::List,
    summary: "Moves the last element of one list to the front of another and returns it.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)), KeySpec::one(2, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("source"), Arg::key_of("destination", 1)],
    route: Route::Keys(Multi::Gather(same_db)),
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    run,
    cases: "
        > RPOPLPUSH a               -ERR wrong number of arguments for 'rpoplpush' command
        > RPOPLPUSH a b             nil
        > SET s v                   +OK
        > RPOPLPUSH s b             -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH a x 2 z             :3
        > RPOPLPUSH a s             -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH a b             $z
        > RPOPLPUSH a b             $2
        > LRANGE b 0 -1             [2, z]
        > RPOPLPUSH b b             $z
        > LRANGE b 0 -1             [z, 2]
        > RPOPLPUSH a b             $x
        > EXISTS a                  :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    move_element(call, 1, 2, Side::Right, Side::Left)
}
