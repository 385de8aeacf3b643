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
use super::piece::{Piece, Pieces, put_all};
use super::wire::{Reader, put_length};
use super::{Dialect, Edition, Fault, put_pack, string::read_string, ziplist, zipmap};
use crate::data::collection::Limits;
use crate::data::hash::{Entry, Hash, HashForm, HashRef};
use crate::data::pack::{self, Item, Pack};

const TYPE_PAIRS: u8 = 4;
const TYPE_LISTPACK: u8 = 16;
const TYPE_VALKEY: u8 = 22;
const TYPE_METADATA: u8 = 24;
const TYPE_LISTPACK_EX: u8 = 25;
/// The last moment that a field's expiry can name.
const MOMENT_MAX: u64 = 0x0000_FFFF_FFFF_FFFF;

const WRONG_MOMENT: Fault = Fault::Malformed("expiry of a field");

/// The type byte that a hash gets; `None`: it has fields with a moment, and the edition has not.
#[must_use]
pub fn kind(hash: HashRef<'_>, edition: Edition) -> Option<u8> {
    let is_table = matches!(hash.form(), HashForm::Table);
    match (hash.next_expiry(), edition) {
        (Some(_), Edition::V12) => Some(if is_table { TYPE_METADATA } else { TYPE_LISTPACK_EX }),
        (Some(_), Edition::Valkey) => Some(TYPE_VALKEY),
        (Some(_), _) => None,
        (None, Edition::V12) if matches!(hash.form(), HashForm::Timed(_)) => Some(TYPE_LISTPACK_EX),
        (None, _) => Some(if is_table || edition == Edition::V9 { TYPE_PAIRS } else { TYPE_LISTPACK }),
    }
}

/// Appends the value of type `kind`.
pub fn put(out: &mut Vec<u8>, kind: u8, hash: HashRef<'_>, compress: bool) {
    match (kind, hash.form()) {
        (TYPE_LISTPACK, HashForm::Pack(pack)) => put_pack(out, pack, compress),
        (TYPE_LISTPACK, _) => {
            let mut pairs = pack::empty();
            hash.iter().for_each(|(field, value, _)| [field, value].into_iter().for_each(|item| pack::push_item(&mut pairs, item)));
            put_pack(out, Pack::new(&pairs), compress);
        }
        (TYPE_LISTPACK_EX, HashForm::Timed(pack)) => {
            out.extend_from_slice(&hash.next_expiry().unwrap_or(0).to_le_bytes());
            put_pack(out, pack, compress);
        }
        _ => {
            put_head(out, kind, hash);
            let first = hash.next_expiry().unwrap_or(0);
            hash.iter().for_each(|entry| put_all(out, &pieces(kind, first, entry), compress));
        }
    }
}

/// Appends what stands before the fields of types 4, 22 and 24.
pub fn put_head(out: &mut Vec<u8>, kind: u8, hash: HashRef<'_>) {
    if kind == TYPE_METADATA {
        out.extend_from_slice(&hash.next_expiry().unwrap_or(0).to_le_bytes());
    }
    put_length(out, hash.len() as u64);
}

/// A field of types 4, 22 and 24 in pieces. `first`: the first moment of all fields.
#[must_use]
pub fn pieces<'a>(kind: u8, first: i64, (field, value, moment): Entry<'a>) -> Pieces<'a> {
    let (field, value) = (Some(Piece::Text(field)), Some(Piece::Text(value)));
    match kind {
        TYPE_METADATA => [Some(Piece::Length(moment.map_or(0, |at| at.abs_diff(first) + 1))), field, value],
        TYPE_VALKEY => [field, value, Some(Piece::Raw(moment.unwrap_or(-1).to_le_bytes()))],
        _ => [field, value, None],
    }
}

/// How a field of types 4, 22 and 24 stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// Field, value.
    Pairs,
    /// Field, value, moment.
    Valkey,
    /// Code, field, value; the moment is this base and the code, less one.
    Coded(u64),
}

/// Reads what stands before the count, and so tells the layout of type `kind`. Of other types nothing is read.
pub fn layout(reader: &mut Reader<'_>, kind: u8, dialect: Dialect) -> Result<Layout, Fault> {
    Ok(match kind {
        TYPE_VALKEY if dialect == Dialect::Valkey => Layout::Valkey,
        TYPE_VALKEY => Layout::Coded(1),
        TYPE_METADATA => Layout::Coded(first_moment(reader)?),
        _ => Layout::Pairs,
    })
}

/// One field.
pub fn read_field(hash: &mut Hash, layout: Layout, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
    let code = if let Layout::Coded(_) = layout { reader.length()? } else { 0 };
    let (field, value) = (read_string(reader)?, read_string(reader)?);
    let moment = match layout {
        Layout::Coded(base) if code > 0 => Some(moment(base.checked_add(code - 1).ok_or(WRONG_MOMENT)?)?),
        Layout::Valkey => match i64::from_le_bytes(reader.array()?) {
            -1 => None,
            at => Some(moment(u64::try_from(at).map_err(|_| WRONG_MOMENT)?)?),
        },
        _ => None,
    };
    insert(hash, &field, &value, moment, limits)
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
