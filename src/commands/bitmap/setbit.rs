//! SETBIT key offset value: changes one bit of a string, which grows with zeros as far as it must.
//! A bit that is as it should be changes nothing and is not recorded.
//! Ref: redis.io/commands/setbit

use super::shared;
use crate::base::num::parse_i64;
use crate::commands::common::{stored, will_tell_new, wrote};
use crate::data::bits;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SETBIT",
    since: "2.2.0",
    group: Group::Bitmap,
    summary: "Sets or clears one bit of a string and returns what it was. Creates the key if there is none.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::BITMAP,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("offset"), Arg::integer("value")],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SETBIT k 4294967296 1         -ERR bit offset is not an integer or out of range
        > SETBIT k -1 1                 -ERR bit offset is not an integer or out of range
        > SETBIT k x 2                  -ERR bit offset is not an integer or out of range
        > SETBIT k 0 2                  -ERR bit is not an integer or out of range
        > SETBIT k 0 x                  -ERR bit is not an integer or out of range
        > EXISTS k                      :0
        > SETBIT k 7 1                  :0
        > SETBIT k 7 1                  :1
        > GET k                         "\x01"
        > SETBIT k 17 0                 :0
        > GET k                         "\x01\x00\x00"
        > SET number 12 EX 1000         +OK
        > SETBIT number 6 1             :0
        > GET number                    $32
        > TTL number                    ?
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let offset = shared::offset(call, call.arg(2))?;
    let on = match parse_i64(call.arg(3)) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Refusal::BIT_VALUE),
    };
    let need = bits::bytes_for(offset, 1) as usize;
    let (old, len) = shared::with_old_bytes(call, 1, |bytes| (bits::get_bit(bytes, offset), bytes.len()))?;
    if old != on || len < need {
        let key = call.key(1);
        let mask = 0x80 >> (offset & 7);
        let is_new = will_tell_new(call, 1);
        let did = call.shard.ks.edit_str(call.db, &key, need, |bytes| {
            let byte = &mut bytes[need - 1];
            *byte = if on { *byte | mask } else { *byte & !mask };
        });
        stored(did)?;
        wrote(call, is_new, Class::String, "setbit", 1);
    }
    call.out.int(i64::from(old));
    Ok(())
}
