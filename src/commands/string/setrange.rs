//! SETRANGE key offset value: overwrites a part of a string.
//! Ref: redis.io/commands/setrange

use super::shared::{grown, len_of};
use crate::base::num::parse_i64;
use crate::commands::common::{stored, string_of, will_tell_new, wrote};
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "SETRANGE",
    since: "2.2.0",
    group: Group::String,
    summary: "Overwrites a part of a string from a place on; the string grows as needed, filled up with zero bytes.",
    cost: "O(N), N bytes of the value",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("offset"), Arg::string("value")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > SETRANGE k x v             -ERR value is not an integer or out of range
        > SETRANGE k -1 v            -ERR offset is out of range
        > SETRANGE k 9223372036854775807 ab    -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 536870911 ab    -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 5 \"\"            :0
        > EXISTS k                   :0
        > SETRANGE k 2 abc           :5
        > GET k                      \"\\x00\\x00abc\"
        > SETRANGE k 1 \"\"            :5
        > SET k 12345                +OK
        > SETRANGE k 1 xx            :5
        > GET k                      $1xx45
        > SETRANGE k 4 yz            :6
        > GET k                      $1xx4yz
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let offset = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    let offset = u64::try_from(offset).map_err(|_| Refusal::OFFSET_RANGE)?;
    let (key, value) = (call.key(1), call.arg(3));
    let old = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => 0,
        Some(item) => len_of(string_of(&item)?),
    };
    if value.is_empty() {
        call.out.int(old as i64);
        return Ok(());
    }
    let end = grown(call, offset, value.len())?;
    let is_new = will_tell_new(call, 1);
    let place = end - value.len()..end;
    let did = call.shard.ks.edit_str(call.db, &key, end, |bytes| {
        bytes[place].copy_from_slice(value)
    });
    stored(did)?;
    wrote(call, is_new, Class::String, "setrange", 1);
    call.out.int(old.max(end) as i64);
    Ok(())
}
