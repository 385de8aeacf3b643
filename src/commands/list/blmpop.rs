//! BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]: LMPOP that waits for an element.
//! Ref: redis.io/commands/blmpop

use super::shared::{pop_first, pop_plan, side_arg};
use crate::keyspace::Kind;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BLMPOP",
    since: "7.0.0",
    group: Group::List,
    summary: "Takes elements off an end of the first of several lists that has any; waits for one if none has.",
    cost: "O(N + M), N keys, M elements returned",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Category::LIST,
    keys: &[KeySpec::counted(2, 1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[
        Arg::double("timeout"),
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        side_arg("where"),
        Arg::integer("count").token("COUNT").optional(),
    ],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > BLMPOP 1 1 k                          -ERR wrong number of arguments for 'blmpop' command
        > BLMPOP x 0 k LEFT                     -ERR numkeys should be greater than 0
        > BLMPOP 1 2 k LEFT                     -ERR syntax error
        > BLMPOP 1 1 k x                        -ERR syntax error
        > BLMPOP 1 1 k LEFT COUNT 0             -ERR count should be greater than 0
        > BLMPOP x 1 k LEFT                     -ERR timeout is not a float or out of range
        > BLMPOP -1 1 k LEFT                    -ERR timeout is negative
        > BLMPOP 0.001 2 a b LEFT               nil
        > SET s v                               +OK
        > BLMPOP 0 2 a s LEFT                   -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH b 1 2 c                         :3
        > BLMPOP 0 3 a b s LEFT                 [b, [1]]
        > BLMPOP 0 2 a b right COUNT 10         [b, [c, 2]]
        > EXISTS b                              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let plan = pop_plan(call, 2)?;
    let until = call.timeout_seconds(1)?;
    if !pop_first(call, 3, &plan)? {
        call.block_or_null(3..3 + plan.keys, Kind::List, until);
    }
    Ok(())
}
