//! LREM key count element: takes equal elements out of a list.
//! Ref: redis.io/commands/lrem

use super::shared::{edit, len_to_write, symmetric};
use crate::commands::common::limits;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LREM",
    group: Group::List,
    summary: "Takes elements that equal a given one out of a list: all, or so many from one of its ends.",
    cost: "O(N), N elements of the list",
    arity: 4,
    flags: Flags::WRITE,
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count"), Arg::string("element")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LREM k 0               -ERR wrong number of arguments for 'lrem' command
        > LREM k x a             -ERR value is not an integer or out of range
        > LREM k -9223372036854775808 a    -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > LREM k 0 a             :0
        > SET s v                +OK
        > LREM s 0 a             -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a 1 a 1 a 1    :6
        > LREM k 1 a             :1
        > LREM k -2 1            :2
        > LRANGE k 0 -1          [1, a, a]
        > LREM k 0 x             :0
        > LREM k 0 a             :2
        > LREM k 9 1             :1
        > EXISTS k               :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let count = symmetric(call.arg(2))?;
    if len_to_write(call, 1)?.is_none() {
        call.out.int(0);
        return Ok(());
    }
    let (text, limits) = (call.arg(3), limits(call.shard));
    let side = if count < 0 { Side::Right } else { Side::Left };
    let most = if count == 0 { u64::MAX } else { count.unsigned_abs() };
    let done = edit(call, 1, |list| {
        let removed = list.remove_equal(side, text, most, &limits);
        (removed, removed)
    })?;
    if done.out > 0 {
        done.tell(call, "lrem", 1);
    }
    call.out.int(done.out as i64);
    Ok(())
}
