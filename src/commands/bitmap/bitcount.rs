//! BITCOUNT key [start end [BYTE | BIT]]: how many bits of a string, or of a part of it, are one.
//! Ref: redis.io/commands/bitcount

use super::shared;
use crate::data::bits::{self, Unit};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BITCOUNT",
    since: "2.6.0",
    group: Group::Bitmap,
    summary: "Counts the bits that are set in a string.",
    cost: "O(N)",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::BITMAP,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::block("range", &[Arg::integer("start"), Arg::integer("end"), UNIT]).optional()],
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SET k foobar                            +OK
        > BITCOUNT k 0                            -ERR syntax error
        > BITCOUNT k 0 1 WORD                     -ERR syntax error
        > BITCOUNT k 0 1 BIT BIT                  -ERR syntax error
        > BITCOUNT k a 1                          -ERR value is not an integer or out of range
        > BITCOUNT k 0 9223372036854775808        -ERR value is not an integer or out of range
        > BITCOUNT missing                        :0
        > BITCOUNT missing 0 x                    -ERR value is not an integer or out of range
        > BITCOUNT k                              :26
        > BITCOUNT k 1 1 byte                     :6
        > BITCOUNT k 5 30 BIT                     :17
        > BITCOUNT k -2 -1                        :7
        > BITCOUNT k 9223372036854775807 -9223372036854775808 BIT     :0
        > BITCOUNT k -9223372036854775808 9223372036854775807 BIT     :26
    "#,
    ..Spec::DEFAULT
};

const UNIT: Arg = Arg::one_of("unit", &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")]).optional().since("7.0.0");

fn run(call: &mut Call) -> Outcome {
    let (start, end, unit) = match call.args.len() {
        2 => (0, -1, Unit::Byte),
        4 | 5 => (shared::integer(call.arg(2))?, shared::integer(call.arg(3))?, shared::unit(call, 4)?),
        _ => return Err(Refusal::SYNTAX),
    };
    let count = shared::with_bytes(call, 1, |bytes| bytes.map_or(0, |b| bits::bitcount(b, start, end, unit)))?;
    call.out.int(count as i64);
    Ok(())
}
