//! What several HyperLogLog commands need: a key's value as checked bytes, its way back, and the texts of its faults.

use crate::data::hll::{self, Fault};
use crate::keyspace::{StrRef, Ttl};
use crate::spec::{Call, Outcome, Refusal};

/// What a client reads about a value that cannot be used.
pub fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::NotHll => Refusal::NOT_HLL,
        Fault::Corrupt => Refusal::HLL_CORRUPT,
    }
}

/// Gives `f` the HyperLogLog at the key of word `i`; `None` if there is no such key.
pub fn with_value<T>(call: &mut Call, i: usize, f: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, Refusal> {
    match call.read_string(i)? {
        None => Ok(None),
        Some(StrRef::Bytes(bytes)) => {
            hll::check(bytes).map_err(refusal)?;
            Ok(Some(f(bytes)))
        }
        // A number is too short to be one.
        Some(StrRef::Int(_)) => Err(Refusal::NOT_HLL),
    }
}

/// Stores `bytes` at the key of word `i`, whose expiry stays. Refused when memory is out.
pub fn store(call: &mut Call, i: usize, bytes: &[u8]) -> Outcome {
    let key = call.key(i);
    match call.shard.ks.set_str(call.db, &key, bytes, Ttl::Keep, call.now) {
        true => Ok(()),
        false => Err(Refusal::ARENA_FULL),
    }
}

/// hll-sparse-max-bytes.
pub fn sparse_max(call: &Call) -> usize {
    usize::try_from(call.shard.config.hll_sparse_max_bytes).unwrap_or(usize::MAX)
}
