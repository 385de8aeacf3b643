//! HDEL key field [field ...]: deletes fields, and the key with the last one.
//! Ref: redis.io/commands/hdel

use super::shared::{before_write, edit, gone};
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HDEL",
    since: "2.0.0",
    group: Group::Hash,
    summary: "Deletes fields of a hash, and the hash with the last of them.",
    cost: "O(N), N fields to delete",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), Arg::string("field").multiple()],
    element: 2,
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.4.0", "Several arguments `field`.")],
    cases: "
        > HDEL h                -ERR wrong number of arguments for 'hdel' command
        > SET s v               +OK
        > HDEL s a              -WRONGTYPE Operation against a key holding the wrong kind of value
        > HDEL h a              :0
        > HSET h a 1 b 2 c 3    :3
        > HDEL h x              :0
        > HDEL h a x b a        :2
        > HLEN h                :1
        > HDEL h c              :1
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let count = if before_write(call, |hash| hash.is_some())? {
        let edited = edit(call, |hash, _| {
            let count = args.from(2).filter(|field| hash.remove(field)).count();
            (count as i64, count as u64)
        })?;
        if edited.out > 0 {
            call.event(Class::Hash, "hdel", 1);
        }
        gone(call, &edited);
        edited.out
    } else {
        0
    };
    call.out.int(count);
    Ok(())
}
