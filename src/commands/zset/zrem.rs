//! ZREM key member [member ...]: takes members out.
//! Ref: redis.io/commands/zrem

use super::shared::{change, is_there};
use crate::data::zset::Zset;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "ZREM",
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Takes members out of a sorted set. Deletes the key with the last one.",
    cost: "O(M log N), M members of N taken out",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::SORTEDSET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.4.0", "Several members.")],
    cases: "
        > ZREM z a                :0
        > ZADD z 1 a 2 b 3 c      :3
        > ZREM z a x a c          :2
        > ZRANGE z 0 -1           [b]
        > ZREM z b b              :1
        > EXISTS z                :0
        > SET s x                 +OK
        > ZREM s a                -WRONGTYPE Operation against a key holding the wrong kind of value
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let mut count = 0;
    if is_there(call, 1)? {
        let edited = change(call, 1, |zset: &mut Zset| {
            let count = args.from(2).filter(|member| zset.remove(member).is_some()).count();
            (count, count as u64)
        })?;
        count = edited.out;
        if count > 0 {
            call.event(Class::Zset, "zrem", 1);
        }
        if edited.is_gone {
            call.event(Class::Generic, "del", 1);
        }
    }
    call.out.int(count as i64);
    Ok(())
}
