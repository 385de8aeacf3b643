//! Collections in the serialised form: which writer and which reader goes with which type number.
//!
//! Layer 1, under `codec`. Each type's own file has the layouts.
//! Ref: redis.io/commands/dump

use std::cmp::Ordering;

use super::growing::Growing;
use super::wire::Reader;
use super::{Dialect, Edition, Fault, TYPE_STREAM, TYPE_STREAM_2, TYPE_STREAM_3, hash, list, set, stream, string::read_string, zset};
use crate::data::collection::{Collection, Limits, Object};
use crate::data::hash::HashRef;
use crate::data::list::ListRef;
use crate::data::pack::{self, Item, Pack};
use crate::data::set::SetRef;
use crate::data::stream::Stream;
use crate::data::zset::ZsetRef;

/// A collection to read, of any type.
#[derive(Clone, Copy)]
pub enum View<'a> {
    List(ListRef<'a>),
    Set(SetRef<'a>),
    Zset(ZsetRef<'a>),
    Hash(HashRef<'a>),
    Stream(&'a Stream),
}

impl<'a> View<'a> {
    /// Of an object.
    #[must_use]
    pub fn of(object: &'a Object) -> View<'a> {
        match object {
            Object::List(list) => View::List(list.view()),
            Object::Set(set) => View::Set(set.view()),
            Object::Zset(zset) => View::Zset(zset.view()),
            Object::Hash(hash) => View::Hash(hash.view()),
            Object::Stream(stream) => View::Stream(stream),
        }
    }
}

/// The type byte that a collection gets; `None`: the edition has no type for it.
#[must_use]
pub fn kind_of(view: View<'_>, edition: Edition) -> Option<u8> {
    match view {
        View::List(_) => Some(list::kind(edition)),
        View::Set(set) => Some(set::kind(set, edition)),
        View::Zset(zset) => Some(zset::kind(zset, edition)),
        View::Hash(hash) => hash::kind(hash, edition),
        View::Stream(_) => Some(stream::kind(edition)),
    }
}

/// Appends the value of type `kind`, which [`kind_of`] gave. `compress`: the option `rdbcompression`.
pub fn put_value(out: &mut Vec<u8>, kind: u8, view: View<'_>, compress: bool) {
    match view {
        View::List(list) => list::put(out, kind, list, compress),
        View::Set(set) => set::put(out, kind, set, compress),
        View::Zset(zset) => zset::put(out, kind, zset, compress),
        View::Hash(hash) => hash::put(out, kind, hash, compress),
        View::Stream(stream) => stream::put(out, kind, stream, compress),
    }
}

/// Appends a collection: type byte and value, no footer. `compress`: the option `rdbcompression`.
pub fn dump_object(out: &mut Vec<u8>, object: &Object, compress: bool) {
    // This edition has a type for everything.
    let _ = dump_object_for(out, object, Edition::V12, compress);
}

/// The same for readers of an edition. `false`: it has no type for this, and nothing was appended.
#[must_use]
pub fn dump_object_for(out: &mut Vec<u8>, object: &Object, edition: Edition, compress: bool) -> bool {
    let Some(kind) = kind_of(View::of(object), edition) else { return false };
    out.push(kind);
    put_value(out, kind, View::of(object), compress);
    true
}

/// Reads the collection of type `kind` that `reader` stands before, in the form that `limits` dictate.
pub fn read_object(reader: &mut Reader<'_>, kind: u8, dialect: Dialect, limits: &Limits) -> Result<Object, Fault> {
    if let Some(growing) = Growing::begin(reader, kind, dialect, limits) {
        return growing?.read_all(reader, limits);
    }
    Ok(match kind {
        9 => wrap(hash::read_zipmap(reader, limits)?),
        10 => wrap(list::read_ziplist(reader, limits)?),
        11 => wrap(set::read_intset(reader, limits)?),
        12 => wrap(zset::read_ziplist(reader, limits)?),
        13 => wrap(hash::read_ziplist(reader, limits)?),
        TYPE_STREAM | TYPE_STREAM_2 | TYPE_STREAM_3 => wrap(stream::read_stream(reader, kind)?),
        16 => wrap(hash::read_listpack(reader, limits)?),
        17 => wrap(zset::read_listpack(reader, limits)?),
        20 => wrap(set::read_listpack(reader, limits)?),
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
