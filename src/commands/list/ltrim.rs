//! LTRIM key start stop: keeps a range of a list.
//! Ref: redis.io/commands/ltrim

use super::shared::{edit, len_to_write};
use crate::base::num::parse_i64;
use crate::commands::common::limits;
use crate::data::collection::Collection;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LTRIM",
    group: Group::List,
    summary: "Takes everything out of a list but the elements between two indexes.",
    cost: "O(N), N elements taken out",
    arity: 4,
    flags: Flags::WRITE,
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LTRIM k 0              -ERR wrong number of arguments for 'ltrim' command
        > LTRIM k x 0            -ERR value is not an integer or out of range
        > LTRIM k 0 x            -ERR value is not an integer or out of range
        > LTRIM k 0 0            +OK
        > SET s v                +OK
        > LTRIM s 0 0            -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a b c d e      :5
        > LTRIM k 0 -1           +OK
        > LTRIM k 1 -2           +OK
        > LRANGE k 0 -1          [b, c, d]
        > LTRIM k -2 100         +OK
        > LRANGE k 0 -1          [c, d]
        > LTRIM k 5 1            +OK
        > EXISTS k               :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let start = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    let stop = parse_i64(call.arg(3)).ok_or(Refusal::NOT_INTEGER)?;
    if len_to_write(call, 1)?.is_none() {
        call.out.ok();
        return Ok(());
    }
    let limits = limits(call.shard);
    let done = edit(call, 1, |list| {
        let len = list.view().len();
        let (start, count) = list.view().range(start, stop);
        if count < len {
            list.keep(start, count, &limits);
        }
        ((), len - count)
    })?;
    // Told of even when nothing was taken out.
    done.tell(call, "ltrim", 1);
    call.out.ok();
    Ok(())
}
