//! ZMSCORE key member [member ...]: the scores of several members.
//! Ref: redis.io/commands/zmscore

use super::shared::read;
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZMSCORE",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Returns the scores of several members of a sorted set.",
    cost: "O(N), N members asked for",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZMSCORE z a b           [nil, nil]
        > ZADD z 1 a 2 b          :2
        > ZMSCORE z b x a b       [,2, nil, ,1, ,2]
        > SET s x                 +OK
        > ZMSCORE s a             -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let none = |out: &mut Out| {
        out.array(args.len() - 2);
        args.from(2).for_each(|_| out.null());
    };
    read(call, 1, none, |out, zset| {
        out.array(args.len() - 2);
        for member in args.from(2) {
            match zset.score(member) {
                Some(score) => out.double(score),
                None => out.null(),
            }
        }
    })
}
