//! GETBIT key offset: one bit of a string.
//! Ref: redis.io/commands/getbit

use super::shared;
use crate::data::bits;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GETBIT",
    since: "2.2.0",
    group: Group::Bitmap,
    summary: "Returns one bit of a string.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::BITMAP,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("offset")],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SET k a                       +OK
        > GETBIT k -1                   -ERR bit offset is not an integer or out of range
        > GETBIT k 4294967296           -ERR bit offset is not an integer or out of range
        > GETBIT k 1.0                  -ERR bit offset is not an integer or out of range
        > GETBIT k 4294967295           :0
        > GETBIT k 0                    :0
        > GETBIT k 1                    :1
        > GETBIT missing 1              :0
        > SET number 12                 +OK
        > GETBIT number 3               :1
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let offset = shared::offset(call, call.arg(2))?;
    let bit = shared::with_bytes(call, 1, |bytes| bits::get_bit(bytes.unwrap_or(b""), offset))?;
    call.out.int(i64::from(bit));
    Ok(())
}
