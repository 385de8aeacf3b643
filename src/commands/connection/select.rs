//! SELECT index: changes the database of the connection.
//! Ref: redis.io/commands/select

use crate::base::num::parse_i64;
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "SELECT",
    group: Group::Connection,
    summary: "Changes the database of the connection.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Category::CONNECTION,
    args: &[Arg::integer("index")],
    run,
    cases: "
        > SELECT                     -ERR wrong number of arguments for 'select' command
        > SELECT x                   -ERR value is not an integer or out of range
        > SELECT 99999999999         -ERR value is out of range, value must between -2147483648 and 2147483647
        > SELECT -1                  -ERR DB index is out of range
        > SELECT 2147483647          -ERR DB index is out of range
        > SELECT 1                   +OK
        > SELECT 0                   +OK
    ",
    ..Spec::DEFAULT
};

const BEYOND_INT: Refusal = Refusal::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");

fn run(call: &mut Call) -> Outcome {
    let index = parse_i64(call.args.get(1)).ok_or(Refusal::NOT_INTEGER)?;
    let index = i32::try_from(index).map_err(|_| BEYOND_INT)?;
    if index < 0 || i64::from(index) >= call.shard.config.databases as i64 {
        return Err(Refusal::DB_RANGE);
    }
    call.client().db = index as usize;
    call.out.ok();
    Ok(())
}
