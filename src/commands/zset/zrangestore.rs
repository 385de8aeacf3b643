//! ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]: stores a range of members at another key.
//! Ref: redis.io/commands/zrangestore

use super::query::{Fixed, Query};
use super::shared::store;
use crate::commands::common::{limits, missed};
use crate::data::collection::{Collection, Object};
use crate::data::zset::Zset;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "ZRANGESTORE",
    since: "6.2.0",
    group: Group::SortedSet,
    summary: "Stores a range of a sorted set at another key.",
    cost: "O(log N + M), N members of which M are in the range",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::one(2, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("dst"),
        Arg::key_of("src", 1),
        Arg::string("min"),
        Arg::string("max"),
        Arg::one_of("sortby", &[Arg::word("byscore", "BYSCORE"), Arg::word("bylex", "BYLEX")]).optional(),
        Arg::word("rev", "REV").optional(),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: "
        > ZRANGESTORE d z 0 -1 WITHSCORES           -ERR syntax error
        > ZRANGESTORE d z 0 x                       -ERR value is not an integer or out of range
        > SET d x                                   +OK
        > ZRANGESTORE d z 0 -1                      :0
        > EXISTS d                                  :0
        > ZADD z 1 a 2 b 3 c                        :3
        > ZRANGESTORE d z 0 1 REV                   :2
        > ZRANGE d 0 -1                             [b, c]
        > ZRANGESTORE d z (1 +inf BYSCORE LIMIT 0 1    :1
        > ZSCORE d b                                ,2
        > ZRANGESTORE z z 1 1                       :1
        > ZRANGE z 0 -1                             [b]
        > SET s x                                   +OK
        > ZRANGESTORE d s 0 -1                      -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZCARD d                                   :1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let query = Query::read(&call.args, 3, Fixed { by: None, rev: None, stores: true })?;
    let (key, look) = (call.key(2), call.look());
    let source = match call.shard.ks.find(call.db, &key, call.now, look) {
        Some(item) => item.to_object(),
        None => {
            missed(call, 2);
            return store(call, 1, Zset::default(), "zrangestore");
        }
    };
    let Some(Object::Zset(source)) = source else { return Err(Refusal::WRONG_TYPE) };
    let (limits, mut result, mut digits) = (limits(call.shard), Zset::default(), itoa::Buffer::new());
    for (member, score) in source.view().range(query.ranks(source.view())) {
        result.insert(member.text(&mut digits), score, &limits);
    }
    store(call, 1, result, "zrangestore")
}
