//! What several string commands need: replies, storing with events, adding to integers, ranges.

use crate::base::num::parse_i64;
use crate::commands::common::{deadline, missed, stored, string_of, will_tell_new, wrote};
use crate::keyspace::{Key, Look, StrRef, Ttl};
use crate::proto::encode::Out;
use crate::spec::{Call, Outcome, Refusal, effect::Class};

use super::options::Expiry;

/// Writes a string value as a bulk reply.
#[inline(always)]
pub fn bulk_of(out: &mut Out, value: StrRef<'_>) {
    match value {
        StrRef::Bytes(bytes) => out.bulk(bytes),
        StrRef::Int(n) => out.bulk(itoa::Buffer::new().format(n).as_bytes()),
    }
}

/// The bytes of a string value; `digits` holds them where the value is kept as an integer.
#[inline(always)]
pub fn text_of<'t>(value: StrRef<'t>, digits: &'t mut itoa::Buffer) -> &'t [u8] {
    match value {
        StrRef::Bytes(bytes) => bytes,
        StrRef::Int(n) => digits.format(n).as_bytes(),
    }
}

/// Number of bytes of a string value.
#[inline(always)]
pub fn len_of(value: StrRef<'_>) -> usize {
    match value {
        StrRef::Bytes(bytes) => bytes.len(),
        StrRef::Int(n) => itoa::Buffer::new().format(n).len(),
    }
}

/// Replies the string at the key of word `i`, or null. Tells whether there was one.
#[inline(always)]
pub fn reply_string(call: &mut Call, i: usize) -> Result<bool, Refusal> {
    let key = call.key(i);
    let look = call.look();
    match call.shard.ks.find(call.db, &key, call.now, look) {
        None => {
            call.out.null();
            missed(call, i);
            Ok(false)
        }
        Some(item) => {
            bulk_of(call.out, string_of(&item)?);
            Ok(true)
        }
    }
}

/// Stores `value` at the key of word `i`, whatever was there.
#[inline(always)]
pub fn store(call: &mut Call, i: usize, value: &[u8], ttl: Ttl) -> Outcome {
    let key = call.key(i);
    store_at(call, i, &key, value, ttl)
}

/// The same with the key of word `i` at hand.
pub fn store_at(call: &mut Call, i: usize, key: &Key, value: &[u8], ttl: Ttl) -> Outcome {
    let is_new = will_tell_new(call, i);
    stored(call.shard.ks.set_str(call.db, key, value, ttl, call.now))?;
    wrote(call, is_new, Class::String, "set", i);
    Ok(())
}

/// Stores word 3 at key 1, to expire as word 2 tells (SETEX, PSETEX).
pub fn store_expiring(call: &mut Call, clock: crate::commands::common::Clock, command: &str) -> Outcome {
    let at = deadline(call.arg(2), clock, call.now, command)?;
    let value = call.arg(3);
    store(call, 1, value, Ttl::At(at))?;
    call.event(Class::Generic, "expire", 1);
    let key = call.arg(1);
    call.effect(&[b"SET", key, value, b"PXAT", itoa::Buffer::new().format(at).as_bytes()]);
    call.out.ok();
    Ok(())
}

/// The time to live that an option asks for; `at` is what it resolved to.
pub fn ttl_of(expiry: Expiry, at: Option<i64>) -> Ttl {
    match (expiry, at) {
        (_, Some(at)) => Ttl::At(at),
        (Expiry::Keep, _) => Ttl::Keep,
        _ => Ttl::None,
    }
}

/// Adds `delta` to the integer at key 1 and replies the sum (INCR and its like).
#[inline(always)]
pub fn add(call: &mut Call, delta: i64) -> Outcome {
    let key = call.key(1);
    let old = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => 0,
        Some(item) => match string_of(&item)? {
            StrRef::Int(n) => n,
            StrRef::Bytes(bytes) => parse_i64(bytes).ok_or(Refusal::NOT_INTEGER)?,
        },
    };
    let sum = old.checked_add(delta).ok_or(Refusal::OVERFLOW)?;
    let is_new = will_tell_new(call, 1);
    stored(call.shard.ks.set_int(call.db, &key, sum, Ttl::Keep))?;
    wrote(call, is_new, Class::String, "incrby", 1);
    call.out.int(sum);
    Ok(())
}

/// Replies the bytes from word 2 to word 3, both included, negative ones counted from the end (GETRANGE, SUBSTR).
pub fn reply_range(call: &mut Call) -> Outcome {
    let from = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    let to = parse_i64(call.arg(3)).ok_or(Refusal::NOT_INTEGER)?;
    let key = call.key(1);
    let look = call.look();
    match call.shard.ks.find(call.db, &key, call.now, look) {
        None => {
            call.out.bulk(b"");
            missed(call, 1);
        }
        Some(item) => {
            let mut digits = itoa::Buffer::new();
            let text = text_of(string_of(&item)?, &mut digits);
            call.out.bulk(slice(text, from, to));
        }
    }
    Ok(())
}

/// The part of `text` from index `from` to index `to`; out of range is cut, as GETRANGE does it.
fn slice(text: &[u8], from: i64, to: i64) -> &[u8] {
    if from < 0 && to < 0 && from > to {
        return b"";
    }
    let len = text.len() as i64;
    let place = |n: i64| {
        if n < 0 { n.saturating_add(len).max(0) } else { n }
    };
    let (from, to) = (place(from), place(to).min(len - 1));
    if from > to { b"" } else { &text[from as usize..=to as usize] }
}

/// The length of a string of `old` bytes, or up to place `old`, with `more` bytes after it. Refused where that exceeds
/// proto-max-bulk-len.
pub fn grown(call: &Call, old: u64, more: usize) -> Result<usize, Refusal> {
    let total = old.checked_add(more as u64).ok_or(Refusal::TOO_BIG)?;
    if total > call.shard.config.proto_max_bulk_len.unsigned_abs() {
        return Err(Refusal::TOO_BIG);
    }
    usize::try_from(total).map_err(|_| Refusal::TOO_BIG)
}

#[cfg(test)]
mod tests {
    use super::slice;

    #[test]
    fn ranges_are_cut_to_the_text() {
        let all = b"hello";
        assert_eq!(slice(all, 0, -1), all);
        assert_eq!(slice(all, -2, 100), b"lo");
        assert_eq!(slice(all, 5, 10), b"");
        assert_eq!(slice(all, -1, -2), b"");
        assert_eq!(slice(all, 0, -100), b"h");
        assert_eq!(slice(all, i64::MIN, i64::MAX), all);
        assert_eq!(slice(all, i64::MAX, i64::MIN), b"");
        assert_eq!(slice(b"", 0, -1), b"");
    }
}
