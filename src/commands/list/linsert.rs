//! LINSERT key BEFORE|AFTER pivot element: puts an element beside another one.
//! Ref: redis.io/commands/linsert

use super::shared::{edit, len_to_write};
use crate::commands::common::limits;
use crate::data::collection::Collection;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "LINSERT",
    since: "2.2.0",
    group: Group::List,
    summary: "Puts an element before or behind the first element that equals a given one.",
    cost: "O(N), N elements before the given one",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::LIST,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[
        Arg::key("key"),
        Arg::one_of("where", &[Arg::word("before", "BEFORE"), Arg::word("after", "AFTER")]),
        Arg::string("pivot"),
        Arg::string("element"),
    ],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > LINSERT k BEFORE a        -ERR wrong number of arguments for 'linsert' command
        > LINSERT k FOO a b         -ERR syntax error
        > LINSERT k BEFORE a b      :0
        > EXISTS k                  :0
        > SET s v                   +OK
        > LINSERT s BEFORE a b      -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH k a 2 a             :3
        > LINSERT k before x b      :-1
        > LINSERT k BEFORE a 0      :4
        > LINSERT k AFTER a 1       :5
        > LINSERT k after 2 b       :6
        > LRANGE k 0 -1             [0, a, 1, 2, b, a]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let after = call.args.is(2, "AFTER");
    if !after && !call.args.is(2, "BEFORE") {
        return Err(Refusal::SYNTAX);
    }
    if len_to_write(call, 1)?.is_none() {
        call.out.int(0);
        return Ok(());
    }
    let (pivot, text, limits) = (call.arg(3), call.arg(4), limits(call.shard));
    let done = edit(call, 1, |list| {
        let did = list.insert(pivot, text, after, &limits);
        (did.then(|| list.view().len()), u64::from(did))
    })?;
    match done.out {
        Some(len) => {
            done.tell(call, "linsert", 1);
            call.out.int(len as i64);
        }
        None => call.out.int(-1),
    }
    Ok(())
}
