//! LPOS key element [RANK rank] [COUNT num] [MAXLEN len]: where an element is in a list.
//! Ref: redis.io/commands/lpos

use super::shared::{at_least, find, symmetric};
use crate::commands::common::missed;
use crate::data::list::{ListRef, Side, is_same};
use crate::data::pack::Item;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LPOS",
    since: "6.0.6",
    group: Group::List,
    summary: "Returns the indexes of elements that equal a given one.",
    cost: "O(N), N elements looked at",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("element"),
        Arg::integer("rank").token("RANK").optional(),
        Arg::integer("num-matches").token("COUNT").optional(),
        Arg::integer("len").token("MAXLEN").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LPOS k                     -ERR wrong number of arguments for 'lpos' command
        > LPOS k a FOO               -ERR syntax error
        > LPOS k a RANK              -ERR syntax error
        > LPOS k a RANK 0            -ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > LPOS k a RANK x            -ERR value is not an integer or out of range
        > LPOS k a RANK -9223372036854775808    -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > LPOS k a COUNT -1          -ERR COUNT can't be negative
        > LPOS k a MAXLEN x          -ERR MAXLEN can't be negative
        > LPOS k a                   nil
        > LPOS k a COUNT 0           []
        > SET s v                    +OK
        > LPOS s a                   -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a b 1 a b 1 a      :7
        > LPOS k a                   :0
        > LPOS k 1                   :2
        > LPOS k x                   nil
        > LPOS k x COUNT 1           []
        > LPOS k a RANK 2            :3
        > LPOS k a RANK -1           :6
        > LPOS k a RANK 4            nil
        > LPOS k a COUNT 0           [:0, :3, :6]
        > LPOS k a COUNT 2           [:0, :3]
        > LPOS k a RANK -2 COUNT 5   [:3, :0]
        > LPOS k a MAXLEN 4 COUNT 0  [:0, :3]
        > LPOS k b MAXLEN 1          nil
    ",
    ..Spec::DEFAULT
};

struct Plan {
    rank: i64,
    count: Option<u64>,
    most: u64,
}

fn plan(call: &Call) -> Result<Plan, Refusal> {
    let mut plan = Plan { rank: 1, count: None, most: 0 };
    let mut i = 3;
    while i < call.args.len() {
        let Some(value) = call.args.try_get(i + 1) else { return Err(Refusal::SYNTAX) };
        if call.args.is(i, "RANK") {
            plan.rank = symmetric(value)?;
            if plan.rank == 0 {
                return Err(Refusal::fixed(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
                ));
            }
        } else if call.args.is(i, "COUNT") {
            plan.count = Some(at_least(value, 0, Refusal::fixed("ERR COUNT can't be negative"))?);
        } else if call.args.is(i, "MAXLEN") {
            plan.most = at_least(value, 0, Refusal::fixed("ERR MAXLEN can't be negative"))?;
        } else {
            return Err(Refusal::SYNTAX);
        }
        i += 2;
    }
    Ok(plan)
}

fn run(call: &mut Call) -> Outcome {
    let plan = plan(call)?;
    let (key, look, text) = (call.key(1), call.look(), call.arg(2));
    let Some(list) = find(&mut call.shard.ks, call.db, &key, call.now, look)? else {
        match plan.count {
            Some(_) => call.out.array(0),
            None => call.out.null(),
        }
        missed(call, 1);
        return Ok(());
    };
    let place = plan.count.map(|_| call.out.deferred());
    let mut found = 0;
    each_match(list, text, &plan, |index| {
        found += 1;
        call.out.int(index as i64);
    });
    match place {
        Some(place) => call.out.fix_array(place, found),
        None if found == 0 => call.out.null(),
        None => {}
    }
    Ok(())
}

/// Tells `tell` the indexes that the command is to reply.
fn each_match(list: ListRef, text: &[u8], plan: &Plan, mut tell: impl FnMut(u64)) {
    let side = if plan.rank < 0 { Side::Right } else { Side::Left };
    let len = list.len();
    let start = if side == Side::Right { len.saturating_sub(1) } else { 0 };
    let look_at = if plan.most == 0 { u64::MAX } else { plan.most };
    let wanted_count = match plan.count {
        None => 1,
        Some(0) => u64::MAX,
        Some(count) => count,
    };
    let (mut matches, mut told, mut index) = (0, 0, 0);
    let wanted = Item::of(text);
    list.each(start, look_at, side, |item| {
        if is_same(item, wanted, text) {
            matches += 1;
            if matches >= plan.rank.unsigned_abs() {
                tell(if side == Side::Left { index } else { len - 1 - index });
                told += 1;
            }
        }
        index += 1;
        told < wanted_count
    });
}
