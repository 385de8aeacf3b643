//! BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET|INCRBY encoding offset number ...]: packed integers
//! of a string, read, written and counted up, in the order of the words.
//! The string grows to hold every field that is written, also where OVERFLOW FAIL then writes nothing.
//! Ref: redis.io/commands/bitfield

use super::shared::{self, FieldCall, FieldOp};
use crate::commands::common::{stored, will_tell_new, wrote};
use crate::data::bits;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "BITFIELD",
    since: "3.2.0",
    group: Group::Bitmap,
    summary: "Reads, writes and increments integers of any width inside a string.",
    cost: "O(1) for each subcommand specified",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::BITMAP,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE).and(Access::VARIABLE_FLAGS)).noted("Reads and writes")],
    args: &[Arg::key("key"), Arg::one_of("operation", &[GET, WRITE]).optional().multiple()],
    route: Route::Keys(Multi::Single),
    run,
    cases: r##"
        > BITFIELD k GET u64 0                    -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u0 0                     -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET i65 0                    -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u8 -1                    -ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8                       -ERR syntax error
        > BITFIELD k SET u8 0 x                   -ERR value is not an integer or out of range
        > BITFIELD k OVERFLOW none                -ERR Invalid OVERFLOW type specified
        > BITFIELD k SET u8 0 1 OVERFLOW          -ERR syntax error
        > BITFIELD k GET u8 0                     [:0]
        > EXISTS k                                :0
        > BITFIELD k                              []
        > BITFIELD k SET u8 0 255 GET i8 0 INCRBY u8 #1 10    [:0, :-1, :10]
        > BITFIELD k INCRBY u8 0 1                [:0]
        > BITFIELD k OVERFLOW SAT INCRBY u4 8 100 OVERFLOW FAIL INCRBY u4 8 1    [:15, nil]
        > BITFIELD k SET i64 0 9223372036854775807 INCRBY i64 0 1    [:70368744177664000, :-9223372036854775808]
        > BITFIELD grown OVERFLOW FAIL INCRBY u2 100 5    [nil]
        > STRLEN grown                            :13
    "##,
    ..Spec::DEFAULT
};

const FIELD: [Arg; 2] = [Arg::string("encoding"), Arg::integer("offset")];
const GET: Arg = Arg::block("get-block", &FIELD).token("GET");
const SET: Arg = Arg::block("set-block", &[FIELD[0], FIELD[1], Arg::integer("value")]).token("SET");
const INCRBY: Arg = Arg::block("incrby-block", &[FIELD[0], FIELD[1], Arg::integer("increment")]).token("INCRBY");
const OVERFLOW: Arg =
    Arg::one_of("overflow-block", &[Arg::word("wrap", "WRAP"), Arg::word("sat", "SAT"), Arg::word("fail", "FAIL")]).token("OVERFLOW").optional();
const WRITE: Arg = Arg::block("write", &[OVERFLOW, Arg::one_of("write-operation", &[SET, INCRBY])]);

fn run(call: &mut Call) -> Outcome {
    let calls = shared::field_calls(call)?;
    let written = calls.iter().filter(|c| !matches!(c.op, FieldOp::Get));
    let Some(need) = written.map(|c| bits::bytes_for(c.offset, c.field.bits())).max() else {
        return shared::read_fields(call, &calls);
    };
    // What changes nothing is not written: up to the first change the old bytes tell what every part replies.
    let (before, unchanged) = shared::with_old_bytes(call, 1, |bytes| {
        let fits = need as usize <= bytes.len();
        (bytes.len(), if fits { replies_without_change(bytes, &calls) } else { None })
    })?;
    if let Some(replies) = unchanged {
        reply(call, replies);
        return Ok(());
    }
    let has_grown = need as usize > before;
    let key = call.key(1);
    let mut replies: Vec<Option<i64>> = Vec::with_capacity(calls.len());
    let mut has_changed = false;
    let is_new = will_tell_new(call, 1);
    let did = call.shard.ks.edit_str(call.db, &key, need as usize, |bytes| {
        for c in &calls {
            let (old, new, reply) = evaluate(bytes, c);
            if let Some(new) = new {
                put(bytes, c, new);
                has_changed |= has_grown || new != old;
            }
            replies.push(reply);
        }
    });
    stored(did)?;
    if has_changed {
        wrote(call, is_new, Class::String, "setbit", 1);
    } else if is_new {
        call.event(Class::New, "new", 1);
    }
    reply(call, replies);
    Ok(())
}

/// One part: the field's old number, the new one if it is to be written, and the reply.
fn evaluate(bytes: &[u8], c: &FieldCall) -> (i64, Option<i64>, Option<i64>) {
    let old = c.field.get(bytes, c.offset);
    let (new, reply) = match c.op {
        FieldOp::Get => return (old, None, Some(old)),
        FieldOp::Set(number) => (c.field.set(number, c.overflow), Some(old)),
        FieldOp::IncrBy(by) => {
            let sum = c.field.add(old, by, c.overflow);
            (sum, sum)
        }
    };
    (old, new, new.and(reply))
}

/// The replies of all parts if none of them changes a bit of `bytes`, which is long enough for all of them.
fn replies_without_change(bytes: &[u8], calls: &[FieldCall]) -> Option<Vec<Option<i64>>> {
    let each = calls.iter().map(|c| {
        let (old, new, reply) = evaluate(bytes, c);
        new.is_none_or(|new| new == old).then_some(reply)
    });
    each.collect()
}

fn reply(call: &mut Call, replies: Vec<Option<i64>>) {
    call.out.array(replies.len());
    for reply in replies {
        match reply {
            Some(number) => call.out.int(number),
            None => call.out.null(),
        }
    }
}

/// Writes a field that lies inside `bytes`: the at most nine bytes it touches are changed apart and put back.
fn put(bytes: &mut [u8], c: &FieldCall, number: i64) {
    let place = (c.offset >> 3) as usize..bits::bytes_for(c.offset, c.field.bits()) as usize;
    let mut part = bytes[place.clone()].to_vec();
    c.field.put(&mut part, c.offset & 7, number);
    bytes[place].copy_from_slice(&part);
}
