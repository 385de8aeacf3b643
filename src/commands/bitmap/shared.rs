//! What several bitmap commands need: offsets, ranges, values as bytes, and the language of BITFIELD.

use crate::base::num::parse_i64;
use crate::commands::common::{missed, string_of};
use crate::data::bits::{Field, Overflow, Unit};
use crate::keyspace::{Look, StrRef};
use crate::spec::{Call, Outcome, Refusal};

/// A bit offset: a whole number from 0 whose byte lies below proto-max-bulk-len.
pub fn offset(call: &Call, word: &[u8]) -> Result<u64, Refusal> {
    parse_i64(word).and_then(|n| in_range(call, n)).ok_or(Refusal::BIT_OFFSET)
}

fn in_range(call: &Call, bit: i64) -> Option<u64> {
    (bit >= 0 && bit >> 3 < call.shard.config.proto_max_bulk_len).then_some(bit as u64)
}

/// An offset of BITFIELD: `#n` counts fields of `bits` bits. A product beyond 64 bits is refused like any offset out of range.
fn field_offset(call: &Call, word: &[u8], bits: u32) -> Result<u64, Refusal> {
    let number = match word.strip_prefix(b"#") {
        Some(digits) => parse_i64(digits).and_then(|n| n.checked_mul(i64::from(bits))),
        None => parse_i64(word),
    };
    number.and_then(|n| in_range(call, n)).ok_or(Refusal::BIT_OFFSET)
}

/// A number of a range.
pub fn integer(word: &[u8]) -> Result<i64, Refusal> {
    parse_i64(word).ok_or(Refusal::NOT_INTEGER)
}

/// The unit that word `i` names; bytes if there is no such word.
pub fn unit(call: &Call, i: usize) -> Result<Unit, Refusal> {
    if call.args.is(i, "BIT") {
        Ok(Unit::Bit)
    } else if call.args.len() <= i || call.args.is(i, "BYTE") {
        Ok(Unit::Byte)
    } else {
        Err(Refusal::SYNTAX)
    }
}

/// Gives `f` the bytes of the string at the key of word `i`, `None` if there is no such key, as a reading command does.
pub fn with_bytes<T>(call: &mut Call, i: usize, f: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, Refusal> {
    let look = call.look();
    let (given, is_there) = look_at(call, i, look, |bytes| (f(bytes), bytes.is_some()))?;
    if !is_there {
        missed(call, i);
    }
    Ok(given)
}

/// The same for a command that is about to write there.
pub fn with_old_bytes<T>(call: &mut Call, i: usize, f: impl FnOnce(&[u8]) -> T) -> Result<T, Refusal> {
    look_at(call, i, Look::Write, |bytes| f(bytes.unwrap_or(b"")))
}

fn look_at<T>(call: &mut Call, i: usize, look: Look, f: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, Refusal> {
    let key = call.key(i);
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else { return Ok(f(None)) };
    Ok(match string_of(&item)? {
        StrRef::Bytes(bytes) => f(Some(bytes)),
        StrRef::Int(n) => f(Some(itoa::Buffer::new().format(n).as_bytes())),
    })
}

/// What one operation of BITFIELD does to its field.
#[derive(Clone, Copy)]
pub enum FieldOp {
    Get,
    Set(i64),
    IncrBy(i64),
}

/// One operation of BITFIELD.
#[derive(Clone, Copy)]
pub struct FieldCall {
    pub op: FieldOp,
    pub field: Field,
    pub offset: u64,
    pub overflow: Overflow,
}

/// Reads all operations, from word 2 on.
pub fn field_calls(call: &Call) -> Result<Vec<FieldCall>, Refusal> {
    let (mut calls, mut overflow, mut i) = (Vec::new(), Overflow::Wrap, 2);
    while i < call.args.len() {
        let left = call.args.len() - i - 1;
        let is_get = call.args.is(i, "GET") && left >= 2;
        let is_set = call.args.is(i, "SET") && left >= 3;
        let is_incr = call.args.is(i, "INCRBY") && left >= 3;
        if call.args.is(i, "OVERFLOW") && left >= 1 {
            overflow = overflow_rule(call, i + 1)?;
            i += 2;
            continue;
        }
        if !(is_get || is_set || is_incr) {
            return Err(Refusal::SYNTAX);
        }
        let field = Field::parse(call.arg(i + 1)).ok_or(Refusal::BITFIELD_TYPE)?;
        let offset = field_offset(call, call.arg(i + 2), field.bits())?;
        let op = match (is_get, is_set) {
            (true, _) => FieldOp::Get,
            (_, true) => FieldOp::Set(integer(call.arg(i + 3))?),
            _ => FieldOp::IncrBy(integer(call.arg(i + 3))?),
        };
        calls.push(FieldCall { op, field, offset, overflow });
        i += if is_get { 3 } else { 4 };
    }
    Ok(calls)
}

fn overflow_rule(call: &Call, i: usize) -> Result<Overflow, Refusal> {
    if call.args.is(i, "WRAP") {
        Ok(Overflow::Wrap)
    } else if call.args.is(i, "SAT") {
        Ok(Overflow::Sat)
    } else if call.args.is(i, "FAIL") {
        Ok(Overflow::Fail)
    } else {
        Err(Refusal::BITFIELD_OVERFLOW)
    }
}

/// Carries out operations that only read.
pub fn read_fields(call: &mut Call, calls: &[FieldCall]) -> Outcome {
    let numbers: Vec<i64> = with_bytes(call, 1, |bytes| calls.iter().map(|c| c.field.get(bytes.unwrap_or(b""), c.offset)).collect())?;
    call.out.array(numbers.len());
    for number in numbers {
        call.out.int(number);
    }
    Ok(())
}
