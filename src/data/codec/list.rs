//! Lists in the serialised form.
//!
//! Layer 1, under `codec`.
//!
//! ```text
//!  1  count | texts
//! 10  a ziplist as one string
//! 14  count | ziplists, each as a string
//! 18  count | chunks: 1, text of one long element, or 2, a listpack as a string            (the one that is written)
//! ```
//!
//! Invariant: chunks stay what they were, so that what is read and written again has the same bytes.
//! Ref: redis.io/commands/dump

use super::collection::pack_of;
use super::piece::{Piece, Pieces, put_all};
use super::wire::{Reader, put_length};
use super::{Edition, Fault, string::read_string, ziplist};
use crate::data::collection::{Collection, Limits};
use crate::data::list::{List, ListChunk, ListRef};
use crate::data::pack::Pack;

const TYPE_TEXTS: u8 = 1;
const TYPE_QUICKLIST_2: u8 = 18;
const PLAIN: u64 = 1;
const PACKED: u64 = 2;

/// The type byte that a list gets.
#[must_use]
pub fn kind(edition: Edition) -> u8 {
    if edition == Edition::V9 { TYPE_TEXTS } else { TYPE_QUICKLIST_2 }
}

/// Appends the value of type `kind`.
pub fn put(out: &mut Vec<u8>, kind: u8, list: ListRef<'_>, compress: bool) {
    put_length(out, count(kind, list));
    list.chunks().for_each(|chunk| put_all(out, &pieces(kind, chunk), compress));
}

/// The count that stands before the chunks.
#[must_use]
pub fn count(kind: u8, list: ListRef<'_>) -> u64 {
    if kind == TYPE_TEXTS { list.len() } else { list.nodes() as u64 }
}

/// A chunk in pieces.
#[must_use]
pub fn pieces(kind: u8, chunk: ListChunk<'_>) -> Pieces<'_> {
    let container = |which| (kind != TYPE_TEXTS).then_some(Piece::Length(which));
    match chunk {
        ListChunk::Pack(pack) if kind == TYPE_TEXTS => [Some(Piece::Texts(pack)), None, None],
        ListChunk::Plain(text) => [container(PLAIN), Some(Piece::Bytes(text)), None],
        ListChunk::Pack(pack) => [container(PACKED), Some(Piece::Pack(pack)), None],
    }
}

/// Type 10.
pub fn read_ziplist(reader: &mut Reader<'_>, limits: &Limits) -> Result<List, Fault> {
    let mut list = List::default();
    adopt_ziplist(&mut list, reader, limits)?;
    filled(list)
}

/// One element of type 1, one chunk of type 14 or 18.
pub fn read_element(list: &mut List, kind: u8, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
    match kind {
        TYPE_TEXTS => list.push_back(&read_string(reader)?, limits),
        TYPE_QUICKLIST_2 => return read_chunk(list, reader, limits),
        _ => return adopt_ziplist(list, reader, limits),
    }
    Ok(())
}

fn read_chunk(list: &mut List, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
    let container = reader.length()?;
    let chunk = read_string(reader)?;
    match container {
        _ if chunk.is_empty() => return Err(Fault::Malformed("chunk of a list")),
        PLAIN => list.push_plain(chunk.into_owned(), limits),
        PACKED => adopt(list, pack_of(&chunk)?, limits),
        _ => return Err(Fault::Malformed("kind of chunk")),
    }
    Ok(())
}

fn adopt_ziplist(list: &mut List, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
    let pack = ziplist::to_pack(&read_string(reader)?)?;
    adopt(list, pack, limits);
    Ok(())
}

/// Chunks without elements are left out.
fn adopt(list: &mut List, pack: Vec<u8>, limits: &Limits) {
    if !Pack::new(&pack).is_empty() {
        list.adopt_pack(pack, limits);
    }
}

fn filled(list: List) -> Result<List, Fault> {
    if list.view().is_empty() { Err(Fault::Empty) } else { Ok(list) }
}
