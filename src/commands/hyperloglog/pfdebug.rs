//! PFDEBUG GETREG | DECODE | ENCODING | TODENSE key: looks inside a HyperLogLog. GETREG and TODENSE make it dense.
//! Ref: redis.io/commands/pfdebug

use super::shared;
use crate::data::hll::{self, Encoding, Fault, REGISTERS, Registers};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "PFDEBUG",
    since: "2.8.9",
    group: Group::Hyperloglog,
    summary: "Shows the inside of a HyperLogLog, for tests.",
    cost: "N/A",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::ADMIN),
    categories: Category::HYPERLOGLOG,
    keys: &[KeySpec::one(2, Access::RW.and(Access::ACCESS))],
    args: &[Arg::string("subcommand"), Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > PFDEBUG ENCODING missing  -ERR The specified key does not exist
        > PFADD h a b c             :1
        > PFDEBUG NOTHING h         -ERR Unknown PFDEBUG subcommand 'NOTHING'
        > PFDEBUG DECODE h          $Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603
        > PFDEBUG ENCODING h        +sparse
        > PFDEBUG TODENSE h         :1
        > PFDEBUG TODENSE h         :0
        > PFDEBUG encoding h        +dense
        > PFDEBUG DECODE h          -ERR HLL encoding is not sparse
        > STRLEN h                  :12304
        > PFCOUNT h                 :3
        > SET text hello            +OK
        > PFDEBUG NOTHING text      -WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET bad "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x00"    +OK
        > PFDEBUG GETREG bad        -INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG TODENSE bad       -INVALIDOBJ Corrupted HLL object detected
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let Some(bytes) = shared::old_value(call, 2)? else {
        return Err(Refusal::fixed("ERR The specified key does not exist"));
    };
    if call.args.is(1, "GETREG") {
        get_registers(call, bytes)
    } else if call.args.is(1, "DECODE") {
        match hll::describe_sparse(&bytes) {
            Ok(text) => call.out.bulk(text.as_bytes()),
            Err(Fault::NotHll) => return Err(Refusal::fixed("ERR HLL encoding is not sparse")),
            Err(Fault::Corrupt) => return Err(Refusal::HLL_CORRUPT),
        }
        Ok(())
    } else if call.args.is(1, "ENCODING") {
        let is_dense = hll::check(&bytes) == Ok(Encoding::Dense);
        call.out.simple(if is_dense { "dense" } else { "sparse" });
        Ok(())
    } else if call.args.is(1, "TODENSE") {
        let has_changed = make_dense(call, bytes)?.1;
        call.out.int(i64::from(has_changed));
        Ok(())
    } else {
        let word = String::from_utf8_lossy(call.arg(1)).into_owned();
        Err(Refusal::text(format!("ERR Unknown PFDEBUG subcommand '{word}'")))
    }
}

/// Stores the value in its dense form if it is not yet in it; tells whether it was not.
fn make_dense(call: &mut Call, mut bytes: Vec<u8>) -> Result<(Vec<u8>, bool), Refusal> {
    let was_sparse = hll::check(&bytes) == Ok(Encoding::Sparse);
    if was_sparse {
        hll::to_dense(&mut bytes).map_err(shared::refusal)?;
        shared::store(call, 2, bytes.clone())?;
    }
    Ok((bytes, was_sparse))
}

fn get_registers(call: &mut Call, bytes: Vec<u8>) -> Outcome {
    let (bytes, _) = make_dense(call, bytes)?;
    let mut registers = Registers::default();
    registers.merge(&bytes).map_err(shared::refusal)?;
    call.out.array(REGISTERS);
    for i in 0..REGISTERS {
        call.out.int(i64::from(registers.get(i).unwrap_or(0)));
    }
    Ok(())
}
