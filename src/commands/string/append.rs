//! APPEND key value: adds bytes to the end of a string.
//! Ref: redis.io/commands/append

use super::shared::{grown, len_of};
use crate::commands::common::{stored, string_of, will_tell_new, wrote};
use crate::keyspace::{Look, Ttl};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "APPEND",
    since: "2.0.0",
    group: Group::String,
    summary: "Adds bytes to the end of a string; a missing key becomes that string.",
    cost: "O(1), amortized",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("value")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > APPEND k             -ERR wrong number of arguments for 'append' command
        > APPEND k hello       :5
        > APPEND k \"\"          :5
        > APPEND k \" world\"    :11
        > GET k                $hello world
        > APPEND n 12          :2
        > OBJECT ENCODING n    $int
        > APPEND n 3           :3
        > OBJECT ENCODING n    $raw
        > INCR n               :124
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (key, tail) = (call.key(1), call.arg(2));
    let old = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => None,
        Some(item) => Some(len_of(string_of(&item)?)),
    };
    let is_new = will_tell_new(call, 1);
    let len = match old {
        // A new key gets the most compact form, as SET gives it.
        None => {
            let did = call
                .shard
                .ks
                .set_str(call.db, &key, tail, Ttl::None, call.now);
            stored(did)?;
            tail.len()
        }
        Some(old) => {
            grown(call, old as u64, tail.len())?;
            call.shard
                .ks
                .append_str(call.db, &key, tail)
                .ok_or(Refusal::ARENA_FULL)?
        }
    };
    wrote(call, is_new, Class::String, "append", 1);
    call.out.int(len as i64);
    Ok(())
}
