//! Hashes in the serialised form.
//!
//! Layer 1, under `codec`.
//!
//! ```text
//!  4  count | pairs of field and value
//!  9  a zipmap      13  a ziplist      16  a listpack of fields and values, as one string
//! 22  count | field, value, moment as i64 LE or -1          (Valkey 9)
//! 22  count | moment as length, field, value                (before Redis 7.4.0; 0 = no moment)
//! 23  a listpack of field, value and moment or 0, as one string
//! 24  first moment i64 LE | count | code, field, value: code 0 = no moment, else moment = first + code - 1
//! 25  first moment i64 LE | 23
//! ```
//!
//! Moments are unix ms at which a field expires. Packed triplets are in order of their moments, those without one last.
//!
//! Invariants: no field comes twice; moments are within 48 bits.
//! It does not leave out fields that have expired: the keyspace does, when it has the hash.
//! Ref: redis.io/commands/dump, redis.io/commands/hpexpireat

use super::collection::{check_unique, read_pack};
use super::wire::{Reader, put_length};
use super::{Fault, put_pack, put_string, string::read_string, ziplist, zipmap};
use crate::data::collection::Limits;
use crate::data::hash::{Hash, HashForm, HashRef};
use crate::data::pack::{Item, Pack};

const TYPE_PAIRS: u8 = 4;
const TYPE_LISTPACK: u8 = 16;
const TYPE_METADATA: u8 = 24;
const TYPE_LISTPACK_EX: u8 = 25;
/// The last moment that a field's expiry can name.
const MOMENT_MAX: u64 = 0x0000_FFFF_FFFF_FFFF;

const WRONG_MOMENT: Fault = Fault::Malformed("expiry of a field");

/// Appends type byte and value.
pub fn dump(out: &mut Vec<u8>, hash: HashRef<'_>, compress: bool) {
    match hash.form() {
        HashForm::Pack(pack) => {
            out.push(TYPE_LISTPACK);
            put_pack(out, pack, compress);
        }
        HashForm::Timed(pack) => {
            out.push(TYPE_LISTPACK_EX);
            out.extend_from_slice(&hash.next_expiry().unwrap_or(0).to_le_bytes());
            put_pack(out, pack, compress);
        }
        HashForm::Table => dump_table(out, hash, compress),
    }
}

fn dump_table(out: &mut Vec<u8>, hash: HashRef<'_>, compress: bool) {
    let first = hash.next_expiry();
    match first {
        None => out.push(TYPE_PAIRS),
        Some(first) => {
            out.push(TYPE_METADATA);
            out.extend_from_slice(&first.to_le_bytes());
        }
    }
    put_length(out, hash.len() as u64);
    let mut digits = itoa::Buffer::new();
    for (field, value, moment) in hash.iter() {
        if let Some(first) = first {
            put_length(out, moment.map_or(0, |m| m.abs_diff(first) + 1));
        }
        put_string(out, field.text(&mut digits), compress);
        put_string(out, value.text(&mut digits), compress);
    }
}

/// Type 4.
pub fn read_pairs(reader: &mut Reader<'_>, limits: &Limits) -> Result<Hash, Fault> {
    read_each(reader, limits, |reader| Ok((read_string(reader)?, read_string(reader)?, None)))
}

/// Type 22 as Valkey writes it.
pub fn read_valkey(reader: &mut Reader<'_>, limits: &Limits) -> Result<Hash, Fault> {
    read_each(reader, limits, |reader| {
        let (field, value) = (read_string(reader)?, read_string(reader)?);
        let moment = match i64::from_le_bytes(reader.array()?) {
            -1 => None,
            at => Some(moment(u64::try_from(at).map_err(|_| WRONG_MOMENT)?)?),
        };
        Ok((field, value, moment))
    })
}

/// Type 22 as Redis wrote it, and type 24 (`has_first`).
pub fn read_metadata(reader: &mut Reader<'_>, has_first: bool, limits: &Limits) -> Result<Hash, Fault> {
    let base = if has_first { first_moment(reader)? } else { 1 };
    read_each(reader, limits, |reader| {
        let moment = match reader.length()? {
            0 => None,
            code => Some(moment(base.checked_add(code - 1).ok_or(WRONG_MOMENT)?)?),
        };
        Ok((read_string(reader)?, read_string(reader)?, moment))
    })
}

/// Reads a count and so many fields by `next`.
fn read_each<'a, T: AsRef<[u8]>>(
    reader: &mut Reader<'a>,
    limits: &Limits,
    mut next: impl FnMut(&mut Reader<'a>) -> Result<(T, T, Option<i64>), Fault>,
) -> Result<Hash, Fault> {
    let mut hash = Hash::default();
    let count = reader.length()?;
    // A claim that the input cannot hold fails where the input ends.
    hash.prepare(usize::try_from(count).unwrap_or(usize::MAX), 0, limits);
    for _ in 0..count {
        let (field, value, moment) = next(reader)?;
        insert(&mut hash, field.as_ref(), value.as_ref(), moment, limits)?;
    }
    if count == 0 { Err(Fault::Empty) } else { Ok(hash) }
}

/// Type 9. The only packed form whose texts may be longer than the limits allow: its time knew other ones.
pub fn read_zipmap(reader: &mut Reader<'_>, limits: &Limits) -> Result<Hash, Fault> {
    let pack = zipmap::to_pack(&read_string(reader)?)?;
    let longest = Pack::new(&pack).iter().map(|item| item.text(&mut itoa::Buffer::new()).len()).max().unwrap_or(0);
    check_tuples(&pack, 2)?;
    let mut hash = Hash::default();
    hash.prepare(Pack::new(&pack).len() / 2, longest, limits);
    insert_all(&mut hash, &pack, limits)?;
    Ok(hash)
}

/// Type 13.
pub fn read_ziplist(reader: &mut Reader<'_>, limits: &Limits) -> Result<Hash, Fault> {
    adopt(ziplist::to_pack(&read_string(reader)?)?, limits)
}

/// Type 16.
pub fn read_listpack(reader: &mut Reader<'_>, limits: &Limits) -> Result<Hash, Fault> {
    adopt(read_pack(reader)?, limits)
}

/// The hash with the fields and values of a pack.
fn adopt(pack: Vec<u8>, limits: &Limits) -> Result<Hash, Fault> {
    check_tuples(&pack, 2)?;
    Ok(Hash::adopt_pack(pack, limits))
}

/// Whether a pack holds whole tuples, whose first elements are all different.
fn check_tuples(pack: &[u8], size: usize) -> Result<(), Fault> {
    let items = Pack::new(pack);
    if items.is_empty() {
        return Err(Fault::Empty);
    }
    if !items.len().is_multiple_of(size) {
        return Err(Fault::Malformed("tuples of a hash"));
    }
    check_unique(items.iter().step_by(size))
}

fn insert_all(hash: &mut Hash, pack: &[u8], limits: &Limits) -> Result<(), Fault> {
    let mut items = Pack::new(pack).iter();
    let (mut digits, mut more_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
    while let Some(field) = items.next() {
        let value = items.next().ok_or(Fault::Malformed("pairs of a hash"))?;
        insert(hash, field.text(&mut digits), value.text(&mut more_digits), None, limits)?;
    }
    Ok(())
}

/// Type 23 and type 25 (`has_first`).
pub fn read_triplets(reader: &mut Reader<'_>, has_first: bool, limits: &Limits) -> Result<Hash, Fault> {
    if has_first {
        // A hint for loaders; the triplets say it again.
        first_moment(reader)?;
    }
    let pack = read_pack(reader)?;
    check_tuples(&pack, 3)?;
    let mut before = 0;
    for at in Pack::new(&pack).iter().skip(2).step_by(3) {
        let place = match at {
            Item::Int(0) => i64::MAX,
            Item::Int(at) => moment(u64::try_from(at).map_err(|_| WRONG_MOMENT)?)?,
            Item::Text(_) => return Err(WRONG_MOMENT),
        };
        if place < before {
            return Err(Fault::Malformed("order of the fields of a hash"));
        }
        before = place;
    }
    Ok(Hash::adopt_timed(pack, limits))
}

fn first_moment(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    let first = i64::from_le_bytes(reader.array()?);
    u64::try_from(first).ok().filter(|first| *first <= MOMENT_MAX + 1).ok_or(WRONG_MOMENT)
}

fn moment(at: u64) -> Result<i64, Fault> {
    if (1..=MOMENT_MAX).contains(&at) { Ok(at as i64) } else { Err(WRONG_MOMENT) }
}

fn insert(hash: &mut Hash, field: &[u8], value: &[u8], moment: Option<i64>, limits: &Limits) -> Result<(), Fault> {
    if hash.insert(field, value, moment, limits) { Ok(()) } else { Err(Fault::Duplicate) }
}
