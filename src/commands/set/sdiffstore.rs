//! SDIFFSTORE destination key [key ...]: stores the members of the first set that no other has.
//! Ref: redis.io/commands/sdiffstore

use super::shared::{sources, store, views};
use crate::commands::common::limits;
use crate::data::set::{Set, algebra};
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SDIFFSTORE",
    since: "1.0.0",
    group: Group::Set,
    summary: "Stores the members of a set that other sets do not have in a key.",
    cost: "O(N) where N is the total number of elements in all given sets.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::range(2, -1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("destination"), Arg::key_of("key", 1).multiple()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: r#"
        > SDIFFSTORE d                 -ERR wrong number of arguments for 'sdiffstore' command
        > SET text 1                   +OK
        > SDIFFSTORE d missing text    -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD a c b a 1 2             :5
        > SADD b b x c a               :4
        > SDIFFSTORE text a b          :2
        > SMEMBERS text                [1, 2]
        > OBJECT ENCODING text         $intset
        > SDIFFSTORE d a text          :3
        > SMEMBERS d                   [c, b, a]
        > SDIFFSTORE d missing a       :0
        > EXISTS d                     :0
        > SDIFFSTORE a a a             :0
        > EXISTS a                     :0
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = sources(call, 2..call.args.len())?;
    let sets = views(&found);
    let others: Vec<_> = sets.iter().skip(1).flatten().copied().collect();
    let result = match sets.first() {
        Some(Some(first)) => algebra::diff_set(*first, &others, &limits(call.shard)),
        _ => Set::default(),
    };
    store(call, result, "sdiffstore")
}
