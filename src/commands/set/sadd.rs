//! SADD key member [member ...]: adds members to a set; a missing one is made.
//! Ref: redis.io/commands/sadd

use crate::commands::common::{limits, unedited, wrote};
use crate::data::set::Set;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SADD",
    since: "1.0.0",
    group: Group::Set,
    summary: "Adds members to a set. Creates the key if it doesn't exist.",
    cost: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    cases: r#"
        > SADD s                                        -ERR wrong number of arguments for 'sadd' command
        > SET text 1                                    +OK
        > SADD text a                                   -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD n 3 1 2 3 -5                             :4
        > OBJECT ENCODING n                             $intset
        > SMEMBERS n                                    [-5, 1, 2, 3]
        > SADD n 100000 1                               :1
        > SADD n 9223372036854775807 -9223372036854775808    :2
        > SMEMBERS n                                    [-9223372036854775808, -5, 1, 2, 3, 100000, 9223372036854775807]
        > SADD n a 01 1                                 :2
        > OBJECT ENCODING n                             $listpack
        > SMEMBERS n                                    ~[-9223372036854775808, -5, 1, 2, 3, 100000, 9223372036854775807, a, 01]
        > SADD s b a b 1                                :3
        > SMEMBERS s                                    [b, a, 1]
        > OBJECT ENCODING s                             $listpack
        > SADD s xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx    :1
        > OBJECT ENCODING s                             $hashtable
        > SADD s xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx a 1 2    :1
        > SMEMBERS s                                    ~[a, b, 1, 2, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let limits = limits(call.shard);
    let args = call.args;
    let done = call.shard.ks.edit_live(call.db, &key, call.now, |set: &mut Set| {
        set.expect(args.get(2), args.len() as u64 - 2, &limits);
        let added = args.from(2).filter(|member| set.insert(member, &limits)).count() as u64;
        (added, added)
    });
    let done = done.map_err(unedited)?;
    if done.out > 0 {
        wrote(call, done.is_new, Class::Set, "sadd", 1);
    }
    call.out.int(done.out as i64);
    Ok(())
}
