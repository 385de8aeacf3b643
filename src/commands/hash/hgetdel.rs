//! HGETDEL key FIELDS numfields field [field ...]: values of fields, which are deleted.
//! Ref: redis.io/commands/hgetdel

use super::fields::{LIST, NOT_POSITIVE, first_of};
use super::shared::{before_write, edit_replying, expire_words, gone, record_removed, reply_value};
use crate::data::collection::Collection;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HGETDEL",
    since: "8.0.0",
    group: Group::Hash,
    summary: "Returns the values of fields of a hash and deletes the fields.",
    cost: "O(N), N fields named",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::DELETE))],
    args: &[Arg::key("key"), LIST],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HGETDEL h FIELDS 1    -ERR wrong number of arguments for 'hgetdel' command
        > SET s v               +OK
        > HGETDEL s FOO 1 a     -WRONGTYPE Operation against a key holding the wrong kind of value
        > HGETDEL h FOO 1 a     -ERR Mandatory argument FIELDS is missing or not at the right position
        > HGETDEL h FIELDS x a    -ERR Number of fields must be a positive integer
        > HGETDEL h FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HGETDEL h FIELDS 2 a b    [nil, nil]
        > HSET h a 1 b 2 c 3    :3
        > HGETDEL h FIELDS 3 a x a    [1, nil, nil]
        > HGETALL h             {b: 2, c: 3}
        > HGETDEL h FIELDS 2 c b    [3, 2]
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let planned = before_write(call, |hash| first_of(&args, 2, NOT_POSITIVE).map(|first| (first, hash.is_some())))?;
    let (first, is_there) = planned?;
    if !is_there {
        call.out.array(args.len() - first);
        (first..args.len()).for_each(|_| call.out.null());
        return Ok(());
    }
    expire_words(call, first..args.len())?;
    let mut found: Vec<&[u8]> = Vec::new();
    let now = call.over_until();
    let edited = edit_replying(call, |hash, out| {
        out.array(args.len() - first);
        for field in args.from(first) {
            if !reply_value(out, Some(hash.view()), field, now) && hash.remove(field) {
                found.push(field);
            }
        }
        found.len() as u64
    })?;
    if !found.is_empty() {
        call.event(Class::Hash, "hdel", 1);
        record_removed(call, &found);
        gone(call, &edited);
    }
    Ok(())
}
