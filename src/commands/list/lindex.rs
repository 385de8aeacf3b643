//! LINDEX key index: one element of a list.
//! Ref: redis.io/commands/lindex

use super::shared::{bulk, find};
use crate::base::num::parse_i64;
use crate::commands::common::missed;
use crate::data::list::Side;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LINDEX",
    group: Group::List,
    summary: "Returns the element of a list at an index, negative ones counted from the end.",
    cost: "O(log N); O(1) at both ends",
    arity: 3,
    flags: Flags::READONLY,
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("index")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LINDEX k           -ERR wrong number of arguments for 'lindex' command
        > LINDEX k x         nil
        > LINDEX k 0         nil
        > SET s v            +OK
        > LINDEX s x         -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a 2 c      :3
        > LINDEX k x         -ERR value is not an integer or out of range
        > LINDEX k 0         $a
        > LINDEX k 1         $2
        > LINDEX k -1        $c
        > LINDEX k -3        $a
        > LINDEX k 3         nil
        > LINDEX k -4        nil
        > LINDEX k -9223372036854775808    nil
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (key, look) = (call.key(1), call.look());
    let Some(list) = find(&mut call.shard.ks, call.db, &key, call.now, look)? else {
        missed(call, 1);
        call.out.null();
        return Ok(());
    };
    let index = parse_i64(call.args.get(2)).ok_or(Refusal::NOT_INTEGER)?;
    match list.resolve(index) {
        Some(index) => list.each(index, 1, Side::Left, |item| {
            bulk(call.out, item);
            true
        }),
        None => call.out.null(),
    }
    Ok(())
}
