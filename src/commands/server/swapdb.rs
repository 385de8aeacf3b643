//! SWAPDB index1 index2: two databases change places, on every core as one operation.
//! Ref: redis.io/commands/swapdb

use super::shared::databases;
use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SWAPDB",
    since: "4.0.0",
    group: Group::Server,
    summary: "Lets two databases change places.",
    cost: "O(N), N clients that watch or wait for keys of both databases",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::KEYSPACE.and(Category::DANGEROUS),
    args: &[Arg::integer("index1"), Arg::integer("index2")],
    route: Route::Every(Merge::Custom(parts::all_ok)),
    run,
    cases: "
        > SWAPDB 0       -ERR wrong number of arguments for 'swapdb' command
        > SWAPDB x 0     -ERR invalid first DB index
        > SWAPDB 0 x     -ERR invalid second DB index
        > SWAPDB 0 99    -ERR DB index is out of range
        > SWAPDB -1 0    -ERR DB index is out of range
        > SET k here     +OK
        > SWAPDB 0 1     +OK
        > GET k          nil
        > SWAPDB 1 0     +OK
        > GET k          $here
        > SWAPDB 0 0     +OK
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let number = |i, refusal| parse_i64(call.args.get(i)).and_then(|n| i32::try_from(n).ok()).ok_or(refusal);
    let first = number(1, Refusal::INVALID_FIRST_DB)?;
    let second = number(2, Refusal::INVALID_SECOND_DB)?;
    let database = |n: i32| usize::try_from(n).ok().filter(|n| *n < databases(call.shard)).ok_or(Refusal::DB_RANGE);
    let (first, second) = (database(first)?, database(second)?);
    if first != second {
        call.shard.ks.swap(first, second);
    }
    // One change, however many cores there are.
    call.shard.ks.stats.changes += u64::from(call.shard.core == 0);
    call.global_effect();
    parts::send(call, &[]);
    Ok(())
}
