//! What several string commands need.

use crate::keyspace::StrRef;
use crate::spec::{Call, Outcome, Refusal};

/// Writes a string value as a bulk reply.
#[inline(always)]
pub fn bulk_of(out: &mut crate::proto::encode::Out, value: StrRef<'_>) {
    match value {
        StrRef::Bytes(bytes) => out.bulk(bytes),
        StrRef::Int(n) => out.bulk(itoa::Buffer::new().format(n).as_bytes()),
    }
}

/// Replies the string at the key of word `i`, or null.
#[inline(always)]
pub fn reply_string(call: &mut Call, i: usize) -> Outcome {
    let key = call.key(i);
    let look = call.look();
    match call.shard.ks.find(call.db, &key, call.now, look) {
        None => call.out.null(),
        Some(item) => bulk_of(call.out, item.string().ok_or(Refusal::WRONG_TYPE)?),
    }
    Ok(())
}
