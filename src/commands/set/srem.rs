//! SREM key member [member ...]: takes members out of a set; the key goes with the last one.
//! Ref: redis.io/commands/srem

use super::shared::edited;
use crate::data::collection::Collection;
use crate::data::set::Set;
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SREM",
    since: "1.0.0",
    group: Group::Set,
    summary: "Takes members out of a set. Deletes the key with the last one.",
    cost: "O(N) where N is the number of members to be removed.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    cases: r#"
        > SREM s               -ERR wrong number of arguments for 'srem' command
        > SET text 1           +OK
        > SREM text a          -WRONGTYPE Operation against a key holding the wrong kind of value
        > SREM missing a b     :0
        > SADD s a b c 1 2     :5
        > SREM s x y           :0
        > SREM s a 1 a x       :2
        > SMEMBERS s           [b, c, 2]
        > SREM s c b 2 b       :3
        > EXISTS s             :0
        > SADD n 1 2 300       :3
        > SREM n a 2 01        :1
        > OBJECT ENCODING n    $intset
        > SMEMBERS n           [1, 300]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, Look::Write) else {
        call.out.int(0);
        return Ok(());
    };
    item.get::<Set>().ok_or(Refusal::WRONG_TYPE)?;
    let args = call.args;
    let done = call.shard.ks.edit(call.db, &key, |set: &mut Set| {
        let removed = args.from(2).filter(|member| !set.is_gone() && set.remove(member)).count() as u64;
        (removed, removed)
    });
    let done = edited(done)?;
    if done.out > 0 {
        call.event(Class::Set, "srem", 1);
    }
    if done.is_gone {
        call.event(Class::Generic, "del", 1);
    }
    call.out.int(done.out as i64);
    Ok(())
}
