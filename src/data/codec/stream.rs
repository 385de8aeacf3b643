//! Streams in the serialised form: blocks as listpacks, facts, groups with what is pending in them.
//!
//! Layer 1. Types: 15 (Redis 5), 19 (7.0: facts of deleted entries), 21 (7.2: when consumers were active). 21 is what DUMP writes.
//!
//! ```text
//! length   blocks, each: string of the first ID (16 bytes, big endian), string of a listpack
//!          length, last ID, [19, 21: first ID, greatest deleted ID, entries added]
//! length   groups, each: name, last ID, [19, 21: entries read],
//!            length  pending entries, each: ID (16 bytes), time (8 bytes LE), number of deliveries
//!            length  consumers, each: name, seen (8 bytes LE), [21: active], length and IDs of its pending entries
//! listpack live entries, deleted entries, number of names, names..., 0, entries
//! entry    flags (1 deleted, 2 the names are the block's), ms and sequence more than the first ID,
//!          [number of fields], values or names and values, number of elements before this one
//! ```
//! Invariants: the reader believes no count: whatever it reserves is there; IDs rise strictly over all blocks; every pending
//! entry belongs to exactly one consumer.
//! Ref: redis.io/commands/dump; the format's public descriptions.

use std::collections::BTreeMap;

use super::string::{put_pack, put_string, read_string};
use super::wire::{Reader, put_length};
use super::{Edition, Fault, TYPE_STREAM, TYPE_STREAM_2, TYPE_STREAM_3};
use crate::data::pack::{self, Item, Pack};
use crate::data::stream::{Block, Consumer, Group, Id, Pending, Stream, group::UNKNOWN};

const DELETED: i64 = 1;
const SAME: i64 = 2;

const BAD_BLOCK: Fault = Fault::Malformed("stream block");
const BAD_ORDER: Fault = Fault::Malformed("stream order");
const BAD_FACTS: Fault = Fault::Malformed("stream facts");
const BAD_GROUP: Fault = Fault::Malformed("stream group");

/// The type byte that a stream gets.
#[must_use]
pub fn kind(edition: Edition) -> u8 {
    match edition {
        Edition::V9 => TYPE_STREAM,
        Edition::V10 => TYPE_STREAM_2,
        _ => TYPE_STREAM_3,
    }
}

/// Appends a stream, the value of type `kind`. `compress`: the option `rdbcompression`.
pub fn put(out: &mut Vec<u8>, kind: u8, stream: &Stream, compress: bool) {
    put_length(out, stream.log().blocks_len() as u64);
    stream.log().blocks().for_each(|block| put_block(out, block, compress));
    put_facts(out, kind, stream);
    for (name, group) in stream.groups() {
        put_group_head(out, kind, name, group, compress);
        group.pending(Id::MIN, Id::MAX).for_each(|(id, pending)| put_pending(out, id, pending));
        put_length(out, group.consumers_len() as u64);
        for consumer in group.consumers() {
            put_consumer_head(out, kind, consumer, compress);
            consumer.pending(Id::MIN, Id::MAX).for_each(|id| out.extend_from_slice(&id.to_bytes()));
        }
    }
}

/// Appends one block.
pub fn put_block(out: &mut Vec<u8>, block: &Block, compress: bool) {
    put_string(out, &block.first.to_bytes(), false);
    put_pack(out, Pack::new(&to_pack(block)), compress);
}

/// Appends what stands between the blocks and the first group: the facts and the number of groups.
pub fn put_facts(out: &mut Vec<u8>, kind: u8, stream: &Stream) {
    let facts = &stream.facts;
    put_length(out, facts.length);
    put_id(out, facts.last);
    if kind != TYPE_STREAM {
        put_id(out, facts.first);
        put_id(out, facts.max_deleted);
        put_length(out, facts.added);
    }
    put_length(out, stream.groups_len() as u64);
}

fn put_id(out: &mut Vec<u8>, id: Id) {
    put_length(out, id.ms);
    put_length(out, id.seq);
}

/// Appends what stands before a group's pending entries.
pub fn put_group_head(out: &mut Vec<u8>, kind: u8, name: &[u8], group: &Group, compress: bool) {
    put_string(out, name, compress);
    put_id(out, group.last);
    if kind != TYPE_STREAM {
        put_length(out, group.read as u64);
    }
    put_length(out, group.pending_len() as u64);
}

/// Appends one pending entry of a group.
pub fn put_pending(out: &mut Vec<u8>, id: Id, pending: &Pending) {
    out.extend_from_slice(&id.to_bytes());
    out.extend_from_slice(&pending.time.to_le_bytes());
    put_length(out, pending.count);
}

/// Appends what stands before the IDs of a consumer's pending entries.
pub fn put_consumer_head(out: &mut Vec<u8>, kind: u8, consumer: &Consumer, compress: bool) {
    put_string(out, &consumer.name, compress);
    out.extend_from_slice(&consumer.seen.to_le_bytes());
    if kind == TYPE_STREAM_3 {
        out.extend_from_slice(&consumer.active.to_le_bytes());
    }
    put_length(out, consumer.pending_len() as u64);
}

/// The elements of a block's listpack.
fn to_pack(block: &Block) -> Vec<u8> {
    let mut pack = Vec::with_capacity(block.listpack_bytes() as usize);
    let mut put = |item: Item| pack::push_item(&mut pack, item);
    put(Item::Int(block.live.into()));
    put(Item::Int((block.total - block.live).into()));
    put(Item::Int(block.names().count() as i64));
    block.names().for_each(&mut put);
    put(Item::Int(0));
    for entry in block.iter() {
        let flags = if entry.is_deleted { DELETED } else { 0 } | if entry.is_same() { SAME } else { 0 };
        put(Item::Int(flags));
        put(Item::Int(entry.id.ms.wrapping_sub(block.first.ms) as i64));
        put(Item::Int(entry.id.seq.wrapping_sub(block.first.seq) as i64));
        let count = entry.len() as i64;
        if !entry.is_same() {
            put(Item::Int(count));
        }
        for (name, value) in entry.fields() {
            if !entry.is_same() {
                put(name);
            }
            put(value);
        }
        put(Item::Int(elements_of(count, entry.is_same())));
    }
    pack
}

/// Elements of an entry before the one that counts them.
fn elements_of(fields: i64, is_same: bool) -> i64 {
    if is_same { fields + 3 } else { fields * 2 + 4 }
}

/// Reads a stream of type `kind`: 15, 19 or 21.
pub fn read_stream(reader: &mut Reader<'_>, kind: u8) -> Result<Stream, Fault> {
    let mut stream = Stream::default();
    let mut last = Id::MIN;
    for _ in 0..reader.length()? {
        if let Some(block) = read_block(reader, last)? {
            last = block.last_live().unwrap_or(last);
            stream.adopt(block);
        }
    }
    read_facts(reader, kind, &mut stream, last)?;
    for _ in 0..reader.length()? {
        let name = read_string(reader)?;
        let group = read_group(reader, kind, &stream)?;
        if !stream.add_group(&name, group) {
            return Err(Fault::Duplicate);
        }
    }
    Ok(stream)
}

fn read_id(reader: &mut Reader<'_>) -> Result<Id, Fault> {
    Ok(Id::new(reader.length()?, reader.length()?))
}

/// What is said about the stream, held against what its blocks say; `last`: the last ID in them.
fn read_facts(reader: &mut Reader<'_>, kind: u8, stream: &mut Stream, last: Id) -> Result<(), Fault> {
    let facts = &mut stream.facts;
    let live = facts.length;
    let length = reader.length()?;
    facts.last = read_id(reader)?;
    facts.added = length;
    if kind != TYPE_STREAM {
        // The first ID follows from the entries; only a foolish one is refused. XSETID may have said any greatest deleted ID.
        let first = read_id(reader)?;
        facts.max_deleted = read_id(reader)?;
        facts.added = reader.length()?;
        if first > facts.last {
            return Err(BAD_FACTS);
        }
    }
    let is_right = length == live && facts.added >= length && facts.last >= last;
    if is_right { Ok(()) } else { Err(BAD_FACTS) }
}

/// The numbers and texts of a listpack in turn.
struct Elements<'a>(pack::Iter<'a>);

impl<'a> Elements<'a> {
    fn item(&mut self) -> Result<Item<'a>, Fault> {
        match self.0.next().ok_or(BAD_BLOCK)? {
            // A number written as text is that number.
            Item::Text(text) => Ok(Item::of(text)),
            number => Ok(number),
        }
    }

    fn number(&mut self) -> Result<i64, Fault> {
        match self.item()? {
            Item::Int(number) => Ok(number),
            Item::Text(_) => Err(BAD_BLOCK),
        }
    }

    fn count(&mut self) -> Result<u64, Fault> {
        u64::try_from(self.number()?).ok().filter(|count| *count > 0).ok_or(BAD_BLOCK)
    }
}

/// A block all of whose IDs are above `last`. `None` if it has deleted entries only and their IDs cannot be kept: XSETID can
/// have made IDs of deleted entries greater than those of later ones.
fn read_block(reader: &mut Reader<'_>, last: Id) -> Result<Option<Block>, Fault> {
    let key = read_string(reader)?;
    let key = Id::from_bytes(key.first_chunk().filter(|_| key.len() == 16).copied().ok_or(BAD_BLOCK)?);
    let listpack = read_string(reader)?;
    let pack = pack::from_listpack(&listpack).ok_or(BAD_BLOCK)?;
    let mut elements = Elements(Pack::new(&pack).iter());
    let counts = (elements.number()?, elements.number()?);
    let mut names = Vec::new();
    for _ in 0..elements.count()? {
        names.push(elements.item()?);
    }
    if elements.number()? != 0 {
        return Err(BAD_BLOCK);
    }
    let entries = Entries { key, names, counts, capacity: pack.len() / 2 };
    match entries.read(&mut Elements(elements.0.clone()), last, true) {
        Err(BAD_ORDER) => entries.read(&mut elements, last, false),
        block => block,
    }
}

/// What is known of the entries of a block before they are read.
struct Entries<'a> {
    key: Id,
    names: Vec<Item<'a>>,
    /// Live and deleted ones.
    counts: (i64, i64),
    capacity: usize,
}

impl<'a> Entries<'a> {
    fn read(&self, elements: &mut Elements<'a>, last: Id, keeps_deleted: bool) -> Result<Option<Block>, Fault> {
        let mut block: Option<Block> = None;
        let (mut before, mut pairs, mut counts) = (last, Vec::new(), (0, 0));
        while elements.0.clone().next().is_some() {
            let (id, is_deleted) = read_entry(elements, self.key, &self.names, &mut pairs)?;
            if is_deleted {
                counts.1 += 1;
            } else {
                counts.0 += 1;
            }
            if is_deleted && !keeps_deleted {
                continue;
            }
            if id <= before {
                return Err(BAD_ORDER);
            }
            before = id;
            let offset = match &mut block {
                Some(block) => block.push(id, &pairs[..]),
                None => block.insert(Block::new(id, &pairs[..], self.capacity)).last_offset(),
            };
            if is_deleted && let Some(block) = &mut block {
                block.delete(offset);
            }
        }
        if counts != self.counts || counts == (0, 0) {
            return Err(BAD_BLOCK);
        }
        if let Some(block) = &mut block {
            block.seal();
        }
        Ok(block)
    }
}

/// One entry: its ID and whether it is deleted; its names and values in turn come into `pairs`.
fn read_entry<'a>(elements: &mut Elements<'a>, key: Id, names: &[Item<'a>], pairs: &mut Vec<Item<'a>>) -> Result<(Id, bool), Fault> {
    let flags = elements.number()?;
    if flags & !(DELETED | SAME) != 0 {
        return Err(BAD_BLOCK);
    }
    let ms = key.ms.wrapping_add(elements.number()? as u64);
    let id = Id::new(ms, key.seq.wrapping_add(elements.number()? as u64));
    pairs.clear();
    let is_same = flags & SAME != 0;
    if is_same {
        for name in names {
            pairs.extend([*name, elements.item()?]);
        }
    } else {
        for _ in 0..elements.count()? {
            pairs.extend([elements.item()?, elements.item()?]);
        }
    }
    let said = elements.number()?;
    if said != elements_of(pairs.len() as i64 / 2, is_same) {
        return Err(BAD_BLOCK);
    }
    Ok((id, flags & DELETED != 0))
}

fn read_group(reader: &mut Reader<'_>, kind: u8, stream: &Stream) -> Result<Group, Fault> {
    let last = read_id(reader)?;
    let read = match kind {
        TYPE_STREAM => stream.facts.rank(last),
        _ => (reader.length()? as i64).max(UNKNOWN),
    };
    let mut group = Group::new(last, read);
    let mut pending = BTreeMap::new();
    for _ in 0..reader.length()? {
        let id = Id::from_bytes(reader.array()?);
        let delivered = (i64::from_le_bytes(reader.array()?), reader.length()?);
        if pending.insert(id, delivered).is_some() {
            return Err(Fault::Duplicate);
        }
    }
    for _ in 0..reader.length()? {
        let name = read_string(reader)?;
        let seen = i64::from_le_bytes(reader.array()?);
        let active = if kind == TYPE_STREAM_3 { i64::from_le_bytes(reader.array()?) } else { seen };
        let (number, is_new) = group.enroll(&name, seen);
        if !is_new {
            return Err(Fault::Malformed("Duplicate stream consumer detected"));
        }
        if let Some(consumer) = group.consumer_mut(number) {
            consumer.active = active;
        }
        for _ in 0..reader.length()? {
            let id = Id::from_bytes(reader.array()?);
            let (time, count) = pending.remove(&id).ok_or(BAD_GROUP)?;
            group.assign(id, Pending { time, count, consumer: number });
        }
    }
    if pending.is_empty() { Ok(group) } else { Err(BAD_GROUP) }
}

/// Whether `kind` is a type byte of streams.
#[must_use]
pub fn is_stream(kind: u8) -> bool {
    matches!(kind, TYPE_STREAM | TYPE_STREAM_2 | TYPE_STREAM_3)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
