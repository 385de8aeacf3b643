//! BITPOS key bit [start [end [BYTE | BIT]]]: where the first bit of one kind is.
//! Without an end the string counts as followed by zeros for ever.
//! Ref: redis.io/commands/bitpos

use super::shared;
use crate::data::bits::{self, Unit};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BITPOS",
    since: "2.8.7",
    group: Group::Bitmap,
    summary: "Finds the first bit of a string that is set, or clear.",
    cost: "O(N)",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::BITMAP,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("bit"), Arg::block("range", &[Arg::integer("start"), END]).optional()],
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SET k "\xff\xf0\x00"                    +OK
        > BITPOS k x                              -ERR value is not an integer or out of range
        > BITPOS k 2                              -ERR The bit argument must be 1 or 0.
        > BITPOS k 1 0 BIT                        -ERR value is not an integer or out of range
        > BITPOS k 1 0 x WORD                     -ERR syntax error
        > BITPOS k 1 0 -1 BIT BIT                 -ERR syntax error
        > BITPOS missing 1                        :-1
        > BITPOS missing 0 5 9 BIT                :0
        > BITPOS k 0                              :12
        > BITPOS k 1 2                            :-1
        > BITPOS k 0 0 0                          :-1
        > BITPOS k 0 13 -1 BIT                    :13
        > BITPOS k 1 9223372036854775807          :-1
        > BITPOS k 1 -9223372036854775808 9223372036854775807 BIT     :0
        > SET ones "\xff\xff"                     +OK
        > BITPOS ones 0                           :16
        > BITPOS ones 0 0 -1                      :-1
    "#,
    ..Spec::DEFAULT
};

const END: Arg = Arg::block(
    "end-unit-block",
    &[Arg::integer("end"), Arg::one_of("unit", &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")]).optional().since("7.0.0")],
)
.optional();

fn run(call: &mut Call) -> Outcome {
    let bit = match shared::integer(call.arg(2))? {
        0 => false,
        1 => true,
        _ => return Err(Refusal::BIT_ARGUMENT),
    };
    if call.args.len() > 6 {
        return Err(Refusal::SYNTAX);
    }
    let start = call.args.try_get(3).map(shared::integer).transpose()?;
    let unit = if call.args.len() == 6 { shared::unit(call, 5)? } else { Unit::Byte };
    let end = call.args.try_get(4).map(shared::integer).transpose()?;
    let position = shared::with_bytes(call, 1, |bytes| bits::bitpos(bytes, bit, start, end, unit))?;
    call.out.int(position);
    Ok(())
}
