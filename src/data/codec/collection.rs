//! Collections in the serialised form: which writer and which reader goes with which type number.
//!
//! Layer 1, under `codec`. Each type's own file has the layouts.
//! Ref: redis.io/commands/dump

use std::cmp::Ordering;

use super::wire::Reader;
use super::{Dialect, Fault, TYPE_STREAM, TYPE_STREAM_2, TYPE_STREAM_3, hash, list, set, stream, string::read_string, zset};
use crate::data::collection::{Collection, Limits, Object};
use crate::data::pack::{self, Item, Pack};

/// Appends a collection: type byte and value, no footer. `compress`: the option `rdbcompression`.
pub fn dump_object(out: &mut Vec<u8>, object: &Object, compress: bool) {
    match object {
        Object::List(list) => list::dump(out, list.view(), compress),
        Object::Set(set) => set::dump(out, set.view(), compress),
        Object::Zset(zset) => zset::dump(out, zset.view(), compress),
        Object::Hash(hash) => hash::dump(out, hash.view(), compress),
        Object::Stream(stream) => stream::dump_stream(out, stream, compress),
    }
}

/// Reads the collection of type `kind` that `reader` stands before, in the form that `limits` dictate.
pub fn read_object(reader: &mut Reader<'_>, kind: u8, dialect: Dialect, limits: &Limits) -> Result<Object, Fault> {
    Ok(match kind {
        1 => wrap(list::read_texts(reader, limits)?),
        2 => wrap(set::read_members(reader, limits)?),
        3 | 5 => wrap(zset::read_pairs(reader, kind == 3, limits)?),
        4 => wrap(hash::read_pairs(reader, limits)?),
        9 => wrap(hash::read_zipmap(reader, limits)?),
        10 => wrap(list::read_ziplist(reader, limits)?),
        11 => wrap(set::read_intset(reader, limits)?),
        12 => wrap(zset::read_ziplist(reader, limits)?),
        13 => wrap(hash::read_ziplist(reader, limits)?),
        14 => wrap(list::read_ziplists(reader, limits)?),
        TYPE_STREAM | TYPE_STREAM_2 | TYPE_STREAM_3 => wrap(stream::read_stream(reader, kind)?),
        16 => wrap(hash::read_listpack(reader, limits)?),
        17 => wrap(zset::read_listpack(reader, limits)?),
        18 => wrap(list::read_chunks(reader, limits)?),
        20 => wrap(set::read_listpack(reader, limits)?),
        22 if dialect == Dialect::Valkey => wrap(hash::read_valkey(reader, limits)?),
        22 | 24 => wrap(hash::read_metadata(reader, kind == 24, limits)?),
        23 | 25 => wrap(hash::read_triplets(reader, kind == 25, limits)?),
        other => return Err(Fault::UnsupportedType(other)),
    })
}

/// The pack of a listpack that stands before `reader` as a string; it may be empty.
pub fn read_pack(reader: &mut Reader<'_>) -> Result<Vec<u8>, Fault> {
    pack_of(&read_string(reader)?)
}

/// The pack of a listpack. Digits that stand there as text become numbers, as packs want them.
pub fn pack_of(listpack: &[u8]) -> Result<Vec<u8>, Fault> {
    let pack = pack::from_listpack(listpack).ok_or(Fault::Malformed("listpack"))?;
    let is_number_in_text = |item: Item| matches!(item, Item::Text(text) if pack::number_of(text).is_some());
    if !Pack::new(&pack).iter().any(is_number_in_text) {
        return Ok(pack);
    }
    let mut canonical = pack::empty();
    let mut digits = itoa::Buffer::new();
    Pack::new(&pack).iter().for_each(|item| pack::push(&mut canonical, item.text(&mut digits)));
    Ok(canonical)
}

fn wrap<C: Collection>(value: C) -> Object {
    C::wrap(std::sync::Arc::new(value))
}

/// Fails with `Duplicate` where two of `items` are equal. O(n log n), for packs that are taken over as they are.
pub fn check_unique<'a>(items: impl Iterator<Item = Item<'a>>) -> Result<(), Fault> {
    let mut sorted: Vec<_> = items.collect();
    sorted.sort_unstable_by(order);
    if sorted.is_sorted_by(|a, b| order(a, b) == Ordering::Less) { Ok(()) } else { Err(Fault::Duplicate) }
}

/// Some order; packs keep a number in one way only, so equal elements are equal items.
fn order(a: &Item<'_>, b: &Item<'_>) -> Ordering {
    match (a, b) {
        (Item::Int(a), Item::Int(b)) => a.cmp(b),
        (Item::Text(a), Item::Text(b)) => a.cmp(b),
        (Item::Int(_), Item::Text(_)) => Ordering::Less,
        (Item::Text(_), Item::Int(_)) => Ordering::Greater,
    }
}
