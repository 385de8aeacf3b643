//! SMOVE source destination member: takes a member out of a set and puts it into another.
//! Ref: redis.io/commands/smove

use super::shared::edited;
use crate::commands::common::{limits, wrote};
use crate::data::set::Set;
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SMOVE",
    since: "1.0.0",
    group: Group::Set,
    summary: "Moves a member from one set to another.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)), KeySpec::one(2, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("source"), Arg::key_of("destination", 1), Arg::string("member")],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: r#"
        > SMOVE a b               -ERR wrong number of arguments for 'smove' command
        > SET text 1              +OK
        > SMOVE missing text m    :0
        > SMOVE text b m          -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD a m n 1            :3
        > SMOVE a text m          -WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE a b x             :0
        > EXISTS b                :0
        > SMOVE a b 1             :1
        > OBJECT ENCODING b       $intset
        > SMOVE a b m             :1
        > SMEMBERS b              [1, m]
        > SMOVE b b m             :1
        > SMOVE b b x             :0
        > SMOVE a b n             :1
        > EXISTS a                :0
        > SMEMBERS b              [1, m, n]
        > SADD a m                :1
        > SMOVE a b m             :1
        > SCARD b                 :3
    "#,
    ..Spec::DEFAULT
};

/// The set at the key of word `i`: whether it has the member; `None` if there is no key.
fn has(call: &mut Call, i: usize) -> Result<Option<bool>, Refusal> {
    let key = call.key(i);
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, Look::Write) else { return Ok(None) };
    let set = item.get::<Set>().ok_or(Refusal::WRONG_TYPE)?;
    Ok(Some(set.contains(call.args.get(3))))
}

fn run(call: &mut Call) -> Outcome {
    let (from, to, member) = (call.key(1), call.key(2), call.arg(3));
    let Some(is_there) = has(call, 1)? else {
        call.out.int(0);
        return Ok(());
    };
    has(call, 2)?;
    if !is_there || from.bytes == to.bytes {
        call.out.int(i64::from(is_there));
        return Ok(());
    }
    let limits = limits(call.shard);
    // Put in first: without memory for it nothing is lost.
    let put = edited(call.shard.ks.edit(call.db, &to, |set: &mut Set| {
        let is_new = set.insert(member, &limits);
        (is_new, u64::from(is_new))
    }))?;
    let taken = edited(call.shard.ks.edit(call.db, &from, |set: &mut Set| ((), u64::from(set.remove(member)))))?;
    call.event(Class::Set, "srem", 1);
    if taken.is_gone {
        call.event(Class::Generic, "del", 1);
    }
    if put.out {
        wrote(call, put.is_new, Class::Set, "sadd", 2);
    }
    call.out.int(1);
    Ok(())
}
