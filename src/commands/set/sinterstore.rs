//! SINTERSTORE destination key [key ...]: stores the members that all sets have.
//! Ref: redis.io/commands/sinterstore

use super::shared::{sources, store, views};
use crate::commands::common::limits;
use crate::data::set::{Set, algebra};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SINTERSTORE",
    since: "1.0.0",
    group: Group::Set,
    summary: "Stores the intersection of several sets in a key.",
    cost: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::range(2, -1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("destination"), Arg::key_of("key", 1).multiple()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: r#"
        > SINTERSTORE d                 -ERR wrong number of arguments for 'sinterstore' command
        > SET text 1                    +OK
        > SINTERSTORE d missing text    -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD a a b c 1 2              :5
        > SADD b c 1 2 x                :4
        > SADD n 5 2 1                  :3
        > SINTERSTORE text a b          :3
        > SMEMBERS text                 ~[c, 1, 2]
        > OBJECT ENCODING text          $listpack
        > SINTERSTORE d a b n           :2
        > SMEMBERS d                    [1, 2]
        > OBJECT ENCODING d             $intset
        > SREM b c x                    :2
        > EXPIRE d 100                  :1
        > SINTERSTORE d a b             :2
        > OBJECT ENCODING d             $intset
        > TTL d                         :-1
        > SINTERSTORE d a missing       :0
        > EXISTS d                      :0
        > SINTERSTORE a a n             :2
        > SMEMBERS a                    [1, 2]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = sources(call, 2..call.args.len())?;
    let limits = limits(call.shard);
    let result = match views(&found).into_iter().collect::<Option<Vec<_>>>() {
        Some(sets) => algebra::inter_set(&sets, &limits),
        None => Set::default(),
    };
    store(call, result, "sinterstore")
}
