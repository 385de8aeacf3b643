//! What several HyperLogLog commands need: a key's value as checked bytes, its way back, and the texts of its faults.

use crate::commands::common::{missed, stored, string_of};
use crate::data::hll::{self, Fault};
use crate::keyspace::{Look, StrRef, Ttl, Value};
use crate::spec::{Call, Outcome, Refusal};

/// What a client reads about a value that cannot be used.
pub fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::NotHll => Refusal::NOT_HLL,
        Fault::Corrupt => Refusal::HLL_CORRUPT,
    }
}

/// Gives `f` the HyperLogLog at the key of word `i`, as a reading command does; `None` if there is no such key.
pub fn with_value<T>(call: &mut Call, i: usize, f: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, Refusal> {
    let look = call.look();
    let given = look_at(call, i, look, f)?;
    if given.is_none() {
        missed(call, i);
    }
    Ok(given)
}

/// A copy of the HyperLogLog at the key of word `i`, to be changed and stored.
pub fn old_value(call: &mut Call, i: usize) -> Result<Option<Vec<u8>>, Refusal> {
    look_at(call, i, Look::Write, <[u8]>::to_vec)
}

fn look_at<T>(call: &mut Call, i: usize, look: Look, f: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, Refusal> {
    let key = call.key(i);
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else { return Ok(None) };
    match string_of(&item)? {
        StrRef::Bytes(bytes) => {
            hll::check(bytes).map_err(refusal)?;
            Ok(Some(f(bytes)))
        }
        // A number is too short to be one.
        StrRef::Int(_) => Err(Refusal::NOT_HLL),
    }
}

/// Stores `bytes` at the key of word `i`, whose expiry stays. Refused when memory is out.
pub fn store(call: &mut Call, i: usize, bytes: Vec<u8>) -> Outcome {
    let key = call.key(i);
    stored(call.shard.ks.put(call.db, &key, Value::Str { bytes: bytes.into(), raw: true }, Ttl::Keep))
}

/// hll-sparse-max-bytes.
pub fn sparse_max(call: &Call) -> usize {
    usize::try_from(call.shard.config.hll_sparse_max_bytes).unwrap_or(usize::MAX)
}
