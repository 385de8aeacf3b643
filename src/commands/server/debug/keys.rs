//! The subcommands of DEBUG that look at keys: OBJECT, DIGEST, DIGEST-VALUE, POPULATE, HTSTATS.
//! Each core sees its own keys only; what it finds goes home in a record.

use super::values::chunks_of;
use crate::commands::parts;
use crate::data::codec::collection::dump_object;
use crate::data::digest::{Digest, of_object, of_object_key, of_string, of_string_key};
use crate::keyspace::{Key, Look, Ttl, Value, owner_of};
use crate::spec::{Call, Outcome, Refusal, Shard};
use std::fmt::Write;

/// Whether the key is one of this core's.
pub fn is_mine(shard: &Shard, key: &Key) -> bool {
    owner_of(key.slot, shard.cores) == shard.core
}

/// The bytes of a string value.
fn text_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Int(n) => n.to_string().into_bytes(),
        Value::Str { bytes, .. } => bytes.to_vec(),
        Value::Object(_) => Vec::new(),
    }
}

fn digest_of(value: &Value, expires: bool) -> Digest {
    match value {
        Value::Object(object) => of_object(object, expires),
        string => of_string(&text_of(string), expires),
    }
}

/// Bytes that hold a length in a snapshot. Ref: the length encoding of RDB files.
fn length_size(n: usize) -> usize {
    match n {
        0..64 => 1,
        64..16_384 => 2,
        16_384..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// Bytes of a value in a snapshot, strings without compression.
fn serialized_size(value: &Value, compress: bool) -> usize {
    match value {
        Value::Object(object) => {
            let mut bytes = Vec::new();
            dump_object(&mut bytes, object, compress);
            bytes.len().saturating_sub(1)
        }
        Value::Int(-128..=127) => 2,
        Value::Int(-32_768..=32_767) => 3,
        Value::Int(-2_147_483_648..=2_147_483_647) => 5,
        other => {
            let n = text_of(other).len();
            length_size(n) + n
        }
    }
}

/// OBJECT: the line about the key of word 2, if it is here.
pub fn object(call: &mut Call, is_fast: bool, record: &mut Vec<u8>) {
    let key = call.key(2);
    if !is_mine(call.shard, &key) {
        return;
    }
    let (db, now) = (call.db, call.now);
    let Some(item) = call.shard.ks.find(db, &key, now, Look::Quiet) else {
        return;
    };
    let (encoding, idle, value) = (item.encoding(), u64::from(item.idle_seconds(now)), item.to_value());
    let clock = (now / 1000).saturating_sub(idle as i64) & 0x00ff_ffff;
    let mut line = format!("Value at:0x0 refcount:1 encoding:{encoding}");
    if !is_fast {
        let _ = write!(line, " serializedlength:{}", serialized_size(&value, call.shard.config.rdbcompression));
    }
    let _ = write!(line, " lru:{clock} lru_seconds_idle:{idle}");
    if let Value::Object(object) = &value {
        let config = &call.shard.config;
        line.push_str(&chunks_of(object, config.list_max_listpack_size, config.list_compress_depth));
    }
    record.extend_from_slice(line.as_bytes());
}

/// The one record that is not empty, as a status; without one there is no such key.
pub fn first_or_no_key(call: &mut Call, records: &[&[u8]]) -> Outcome {
    let found = records.iter().find(|r| !r.is_empty()).ok_or(Refusal::NO_KEY)?;
    call.out.simple(&String::from_utf8_lossy(found));
    Ok(())
}

/// DIGEST: per database the number of keys and the sum of their digests.
pub fn digest(call: &mut Call, record: &mut Vec<u8>) {
    let now = call.now;
    for db in 0..super::databases(call.shard) {
        let (mut sum, mut keys) = (Digest::default(), 0u64);
        call.shard.ks.for_each(db, &mut |item| {
            let expires = item.expire_at();
            if expires.is_some_and(|at| at < now) {
                return;
            }
            let digest = match item.to_value() {
                Value::Object(object) => of_object_key(item.key(), &object, expires.is_some()),
                string => of_string_key(item.key(), &text_of(&string), expires.is_some()),
            };
            sum.add(&digest.0);
            keys += 1;
        });
        if keys > 0 {
            parts::put_number(record, db as u64);
            record.extend_from_slice(&sum.0);
        }
    }
}

/// Databases in rising order; within one the sums of the cores are combined by exclusive or, in which order does not matter.
pub fn join_digests(call: &mut Call, records: &[&[u8]]) {
    let mut databases = std::collections::BTreeMap::<u64, [u8; 20]>::new();
    for record in records {
        let mut rest = *record;
        while let Some(db) = parts::number(&mut rest) {
            let Some((sum, next)) = rest.split_first_chunk::<20>() else {
                break;
            };
            xor(databases.entry(db).or_default(), sum);
            rest = next;
        }
    }
    let mut all = Digest::default();
    for (db, sum) in databases {
        all.mix(&(db as u32).to_be_bytes());
        xor(&mut all.0, &sum);
    }
    call.out.simple(&all.to_string());
}

fn xor(a: &mut [u8; 20], b: &[u8; 20]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
}

/// DIGEST-VALUE: for each key of this core its place among the words and the digest of its value.
pub fn digest_values(call: &mut Call, record: &mut Vec<u8>) {
    let (db, now) = (call.db, call.now);
    for i in 2..call.args.len() {
        let key = call.key(i);
        if !is_mine(call.shard, &key) {
            continue;
        }
        let found = call.shard.ks.find(db, &key, now, Look::Quiet);
        if let Some(item) = found {
            let digest = digest_of(&item.to_value(), item.expire_at().is_some());
            parts::put_number(record, i as u64);
            record.extend_from_slice(&digest.0);
        }
    }
}

/// In the order of the words; keys that no core has show zeros.
pub fn join_values(call: &mut Call, records: &[&[u8]]) {
    let mut digests = vec![Digest::default(); call.args.len() - 2];
    for record in records {
        let mut rest = *record;
        while let Some(i) = parts::number(&mut rest) {
            let Some((digest, next)) = rest.split_first_chunk::<20>() else {
                break;
            };
            if let Some(place) = digests.get_mut((i as usize).wrapping_sub(2)) {
                *place = Digest(*digest);
            }
            rest = next;
        }
    }
    call.out.array(digests.len());
    digests.iter().for_each(|digest| call.out.simple(&digest.to_string()));
}

/// POPULATE: makes those of the keys that belong here and do not exist. A value is `value:<number>`, cut or filled up with
/// zeros to `size`.
pub fn populate(call: &mut Call, count: u64, prefix: &[u8], size: Option<usize>) -> Outcome {
    let (db, now, changes) = (call.db, call.now, call.shard.ks.stats.changes);
    let mut name = prefix.to_vec();
    name.push(b':');
    let stem = name.len();
    for n in 0..count {
        name.truncate(stem);
        name.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        let key = call.shard.ks.key(&name);
        if !is_mine(call.shard, &key) || call.shard.ks.find(db, &key, now, Look::Quiet).is_some() {
            continue;
        }
        let mut value = format!("value:{n}").into_bytes();
        value.resize(size.unwrap_or(value.len()), 0);
        if !call.shard.ks.set_str(db, &key, &value, Ttl::None, now) {
            return Err(Refusal::ARENA_FULL);
        }
    }
    // Like those of Redis, keys made for a test are not recorded anywhere, and no changes that save points count.
    call.shard.ks.stats.changes = changes;
    call.no_effect();
    Ok(())
}

/// HTSTATS: this core's part of a database's index.
pub fn index_stats(call: &mut Call, db: usize, record: &mut Vec<u8>) {
    let shard = &call.shard;
    parts::put_number(record, shard.ks.len(db) as u64);
    parts::put_number(record, shard.ks.expires_len(db) as u64);
    parts::put_number(record, shard.ks.slots().len() as u64);
}

/// Keys, keys with a time to live and slots, core by core.
pub fn join_stats(call: &mut Call, records: &[&[u8]]) {
    let (mut main, mut expires) = (String::from("[Dictionary HT]\n"), String::from("[Expires HT]\n"));
    for (core, record) in records.iter().enumerate() {
        let mut rest = *record;
        let numbers = (parts::number(&mut rest), parts::number(&mut rest), parts::number(&mut rest));
        if let (Some(keys), Some(volatile), Some(slots)) = numbers {
            let _ = write!(main, "Core {core}:\n slots: {slots}\n number of elements: {keys}\n");
            let _ = write!(expires, "Core {core}:\n number of elements: {volatile}\n");
        }
    }
    main.push_str(&expires);
    call.out.verbatim(b"txt", main.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_snapshots() {
        assert_eq!(serialized_size(&Value::Int(1), true), 2);
        assert_eq!(serialized_size(&Value::Int(-129), true), 3);
        assert_eq!(serialized_size(&Value::Int(40_000), true), 5);
        assert_eq!(serialized_size(&Value::Int(4_000_000_000), true), 11);
        assert_eq!(length_size(63) + length_size(64) + length_size(20_000), 8);
    }
}
