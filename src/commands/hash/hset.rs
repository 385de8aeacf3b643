//! HSET key field value [field value ...]: sets fields.
//! Ref: redis.io/commands/hset

use super::shared::set_pairs;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HSET",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Sets fields of a hash; fields that are there get the new value and lose their time to live.",
    cost: "O(N), N pairs",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("4.0.0", "Several pairs of `field` and `value`.")],
    cases: "
        > HSET h a              -ERR wrong number of arguments for 'hset' command
        > HSET h a 1 b          -ERR wrong number of arguments for 'hset' command
        > SET s v               +OK
        > HSET s a 1 b          -ERR wrong number of arguments for 'hset' command
        > HSET s a 1            -WRONGTYPE Operation against a key holding the wrong kind of value
        > HSET h a 1 b 2        :2
        > HSET h a 3 c 4 c 5    :1
        > HMGET h a b c         [3, 2, 5]
        > OBJECT ENCODING h     $listpack
        > HSET h d 1234567890123456789012345678901234567890123456789012345678901234    :1
        > OBJECT ENCODING h     $listpack
        > HSET h e 12345678901234567890123456789012345678901234567890123456789012345    :1
        > OBJECT ENCODING h     $hashtable
        > HDEL h e              :1
        > OBJECT ENCODING h     $hashtable
        > HLEN h                :4
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let added = set_pairs(call, "hset")?;
    call.out.int(added);
    Ok(())
}
