//! LRANGE key start stop: the elements of a range of a list.
//! Ref: redis.io/commands/lrange

use super::shared::{bulk, find};
use crate::base::num::parse_i64;
use crate::commands::common::missed;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LRANGE",
    group: Group::List,
    summary: "Returns the elements of a list between two indexes.",
    cost: "O(log S + N), S the distance of start from the nearer end, N elements returned",
    arity: 4,
    flags: Flags::READONLY,
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LRANGE k 0         -ERR wrong number of arguments for 'lrange' command
        > LRANGE k x 0       -ERR value is not an integer or out of range
        > LRANGE k 0 x       -ERR value is not an integer or out of range
        > LRANGE k 0 -1      []
        > SET s v            +OK
        > LRANGE s 0 x       -ERR value is not an integer or out of range
        > LRANGE s 0 -1      -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a 2 c d    :4
        > LRANGE k 0 -1      [a, 2, c, d]
        > LRANGE k 1 2       [2, c]
        > LRANGE k -2 -1     [c, d]
        > LRANGE k -100 100  [a, 2, c, d]
        > LRANGE k 3 1       []
        > LRANGE k 4 9       []
        > LRANGE k -9223372036854775808 9223372036854775807    [a, 2, c, d]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let start = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    let stop = parse_i64(call.arg(3)).ok_or(Refusal::NOT_INTEGER)?;
    let (key, look) = (call.key(1), call.look());
    let Some(list) = find(&mut call.shard.ks, call.db, &key, call.now, look)? else {
        missed(call, 1);
        call.out.array(0);
        return Ok(());
    };
    let (start, count) = list.range(start, stop);
    call.out.array(count as usize);
    list.each(start, count, Side::Left, |item| {
        bulk(call.out, item);
        true
    });
    Ok(())
}
