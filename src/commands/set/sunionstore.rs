//! SUNIONSTORE destination key [key ...]: stores the members of several sets together.
//! Ref: redis.io/commands/sunionstore

use super::shared::{sources, store, views};
use crate::commands::common::limits;
use crate::data::set::algebra;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SUNIONSTORE",
    since: "1.0.0",
    group: Group::Set,
    summary: "Stores the union of several sets in a key.",
    cost: "O(N) where N is the total number of elements in all given sets.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::range(2, -1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("destination"), Arg::key_of("key", 1).multiple()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: r#"
        > SUNIONSTORE d                   -ERR wrong number of arguments for 'sunionstore' command
        > SET text 1                      +OK
        > SUNIONSTORE d missing text      -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD a b a 1                    :3
        > SADD n 10 2 1                   :3
        > SUNIONSTORE text a n missing    :5
        > SMEMBERS text                   [b, a, 1, 2, 10]
        > OBJECT ENCODING text            $listpack
        > SUNIONSTORE d n n               :3
        > OBJECT ENCODING d               $intset
        > SUNIONSTORE d n a               :5
        > SMEMBERS d                      [1, 2, 10, b, a]
        > SUNIONSTORE a a n               :5
        > SCARD a                         :5
        > SUNIONSTORE a missing           :0
        > EXISTS a                        :0
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = sources(call, 2..call.args.len())?;
    let sets: Vec<_> = views(&found).into_iter().flatten().collect();
    let result = algebra::union_set(&sets, &limits(call.shard));
    store(call, result, "sunionstore")
}
