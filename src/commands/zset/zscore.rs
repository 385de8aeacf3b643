//! ZSCORE key member: the score of a member.
//! Ref: redis.io/commands/zscore

use super::shared::read;
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZSCORE",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Returns the score of a member of a sorted set.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member")],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > ZSCORE z a              nil
        > ZADD z 1.5 a -inf b 1e30 c 0.1 d 3 17    :5
        > ZSCORE z a              ,1.5
        > ZSCORE z b              ,-inf
        > ZSCORE z c              ,1e+30
        > ZSCORE z d              ,0.1
        > ZSCORE z 17             ,3
        > ZSCORE z x              nil
        > SET s x                 +OK
        > ZSCORE s a              -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let member = call.arg(2);
    read(call, 1, Out::null, |out, zset| match zset.score(member) {
        Some(score) => out.double(score),
        None => out.null(),
    })
}
