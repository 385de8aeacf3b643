//! LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]: takes elements off the first list that exists.
//! Ref: redis.io/commands/lmpop

use super::shared::{pop_first, pop_plan, side_arg};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LMPOP",
    since: "7.0.0",
    group: Group::List,
    summary: "Takes elements off an end of the first of several lists that has any.",
    cost: "O(N + M), N keys, M elements returned",
    arity: -4,
    flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
    categories: Category::LIST,
    keys: &[KeySpec::counted(1, 1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), side_arg("where"), Arg::integer("count").token("COUNT").optional()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > LMPOP 1 a                     -ERR wrong number of arguments for 'lmpop' command
        > LMPOP 0 a LEFT                -ERR numkeys should be greater than 0
        > LMPOP x a LEFT                -ERR numkeys should be greater than 0
        > LMPOP 2 a LEFT                -ERR syntax error
        > LMPOP 1 a FOO                 -ERR syntax error
        > LMPOP 1 a LEFT COUNT          -ERR syntax error
        > LMPOP 1 a LEFT COUNT 0        -ERR count should be greater than 0
        > LMPOP 1 a LEFT COUNT 1 COUNT 1    -ERR syntax error
        > LMPOP 9223372036854775807 a LEFT  -ERR syntax error
        > LMPOP 2 a b LEFT              nil
        > SET s v                       +OK
        > LMPOP 2 a s LEFT              -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH b 1 2 c d               :4
        > LMPOP 3 a b s LEFT            [b, [1]]
        > LMPOP 2 a b right COUNT 2     [b, [d, c]]
        > LMPOP 2 a b LEFT COUNT 10     [b, [2]]
        > EXISTS b                      :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let plan = pop_plan(call, 1)?;
    if !pop_first(call, 2, &plan)? {
        call.out.null_array();
    }
    Ok(())
}
