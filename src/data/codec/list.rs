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
use super::wire::{Reader, put_length};
use super::{Fault, put_pack, put_string, string::read_string, ziplist};
use crate::data::collection::{Collection, Limits};
use crate::data::list::{List, ListChunk, ListRef};
use crate::data::pack::Pack;

const TYPE_QUICKLIST_2: u8 = 18;
const PLAIN: u64 = 1;
const PACKED: u64 = 2;

/// Appends type byte and value.
pub fn dump(out: &mut Vec<u8>, list: ListRef<'_>, compress: bool) {
    out.push(TYPE_QUICKLIST_2);
    put_length(out, list.nodes() as u64);
    for chunk in list.chunks() {
        match chunk {
            ListChunk::Plain(text) => {
                put_length(out, PLAIN);
                put_string(out, &text, compress);
            }
            ListChunk::Pack(pack) => {
                put_length(out, PACKED);
                put_pack(out, Pack::new(&pack), compress);
            }
        }
    }
}

/// Type 1.
pub fn read_texts(reader: &mut Reader<'_>, limits: &Limits) -> Result<List, Fault> {
    let mut list = List::default();
    for _ in 0..reader.length()? {
        list.push_back(&read_string(reader)?, limits);
    }
    filled(list)
}

/// Type 10.
pub fn read_ziplist(reader: &mut Reader<'_>, limits: &Limits) -> Result<List, Fault> {
    let mut list = List::default();
    adopt_ziplist(&mut list, reader, limits)?;
    filled(list)
}

/// Type 14.
pub fn read_ziplists(reader: &mut Reader<'_>, limits: &Limits) -> Result<List, Fault> {
    let mut list = List::default();
    for _ in 0..reader.length()? {
        adopt_ziplist(&mut list, reader, limits)?;
    }
    filled(list)
}

/// Type 18.
pub fn read_chunks(reader: &mut Reader<'_>, limits: &Limits) -> Result<List, Fault> {
    let mut list = List::default();
    for _ in 0..reader.length()? {
        let container = reader.length()?;
        let chunk = read_string(reader)?;
        match container {
            _ if chunk.is_empty() => return Err(Fault::Malformed("chunk of a list")),
            PLAIN => list.push_plain(chunk.into_owned(), limits),
            PACKED => adopt(&mut list, pack_of(&chunk)?, limits),
            _ => return Err(Fault::Malformed("kind of chunk")),
        }
    }
    filled(list)
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
