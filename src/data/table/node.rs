//! One node of a table: some elements in one piece of memory.
//!
//! Layer 1, used by `table.rs` alone. The layout of a node of `len` bytes:
//!
//! ```text
//! 0..2    number of elements          4..6    bytes of data that no element uses any more
//! 2..4    where the data begins       6       depth: leading bits of the hash that all elements share
//! 8..12   those bits                  others  0
//! 16..    blocks of 32 bytes, each eight tags (u16 LE), then eight offsets of elements (u16 LE)
//! ..      free
//! ..len   data, grown downwards: the element with the lowest offset is the youngest
//!
//! element   varint (key length * 2 + has payload), [varint payload length], key, payload
//!           or FF 7F and a u32 LE: the element is kept apart under that number
//! ```
//! Tags and offsets are dense: the last slot moves into a gap. Invariant: a node is at most [`NODE_MAX`] bytes long and
//! was written by this file, so what it says about itself is true.

use std::sync::Arc;

use crate::base::simd::{match_eight, prefetch};

/// A node; copied when it changes while somebody else holds it.
pub(super) type Node = Arc<[u8]>;

const HEAD: usize = 16;
const BLOCK: usize = 32;
const LANES: usize = 8;
/// What an allocation of a node takes besides the node's bytes.
pub(super) const ARC_BYTES: usize = 16;
/// Offsets have 16 bits.
const NODE_MAX: usize = u16::MAX as usize;
/// Elements up to this many bytes of key and payload are kept in their node.
pub(super) const INLINE_MAX: usize = 1024;
const APART: [u8; 2] = [0xFF, 0x7F];
const APART_SIZE: usize = 6;

/// A node's own numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Number of elements.
    pub count: usize,
    low: usize,
    dead: usize,
    /// Leading bits of the hash that all elements share.
    pub depth: u32,
    /// Those bits.
    pub prefix: u32,
}

/// Where an element's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Key and payload, in the node.
    Here(&'a [u8], &'a [u8]),
    /// Kept apart under a number.
    Apart(u32),
}

impl Place<'_> {
    /// Bytes that it takes as data.
    pub(super) fn size(&self) -> usize {
        match *self {
            Place::Apart(_) => APART_SIZE,
            Place::Here(key, payload) => {
                let head = varint_len(key.len() * 2) + if payload.is_empty() { 0 } else { varint_len(payload.len()) };
                head + key.len() + payload.len()
            }
        }
    }
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).and_then(|b| b.first_chunk::<2>()).map_or(0, |b| usize::from(u16::from_le_bytes(*b)))
}

#[inline]
fn put_u16(bytes: &mut [u8], at: usize, value: usize) {
    if let Some(place) = bytes.get_mut(at..).and_then(|b| b.first_chunk_mut::<2>()) {
        *place = (value as u16).to_le_bytes();
    }
}

impl Head {
    #[inline]
    pub(super) fn of(node: &[u8]) -> Head {
        let Some(&[a, b, c, d, e, f, depth, _, p, q, r, s]) = node.first_chunk::<12>() else {
            return Head { count: 0, low: 0, dead: 0, depth: 0, prefix: 0 };
        };
        let pair = |low, high| usize::from(u16::from_le_bytes([low, high]));
        Head { count: pair(a, b), low: pair(c, d), dead: pair(e, f), depth: u32::from(depth), prefix: u32::from_le_bytes([p, q, r, s]) }
    }

    fn write(&self, node: &mut [u8]) {
        let Some(head) = node.first_chunk_mut::<12>() else { return };
        let ([a, b], [c, d], [e, f]) =
            ((self.count as u16).to_le_bytes(), (self.low as u16).to_le_bytes(), (self.dead as u16).to_le_bytes());
        let [p, q, r, s] = self.prefix.to_le_bytes();
        *head = [a, b, c, d, e, f, self.depth as u8, 0, p, q, r, s];
    }
}

/// Bytes of the blocks for `count` elements.
#[inline]
fn blocks_bytes(count: usize) -> usize {
    count.div_ceil(LANES) * BLOCK
}

/// Where the tag of `slot` is; its offset follows 16 bytes later.
#[inline]
fn tag_place(slot: usize) -> usize {
    HEAD + slot / LANES * BLOCK + slot % LANES * 2
}

#[inline]
fn offset_of(node: &[u8], slot: usize) -> usize {
    u16_at(node, tag_place(slot) + LANES * 2)
}

/// Bytes of data in use.
#[inline]
pub(super) fn live(node: &[u8]) -> usize {
    let head = Head::of(node);
    node.len().saturating_sub(head.low + head.dead)
}

/// The length of a node with room for `need` bytes: its allocation fills one of the allocator's classes, four to a doubling.
fn length_for(need: usize) -> usize {
    let total = (need + ARC_BYTES).max(64);
    let step = 1usize << ((total - 1).ilog2() - 2);
    (total.next_multiple_of(step) - ARC_BYTES).min(NODE_MAX)
}

/// A node without elements.
fn empty(length: usize, depth: u32, prefix: u32) -> Node {
    let mut node: Node = std::iter::repeat_n(0u8, length).collect();
    if let Some(bytes) = Arc::get_mut(&mut node) {
        Head { count: 0, low: length, dead: 0, depth, prefix }.write(bytes);
    }
    node
}

/// A node for `count` elements of `data` bytes together and a little more.
pub(super) fn with_room(count: usize, data: usize, depth: u32, prefix: u32) -> Node {
    empty(length_for(HEAD + blocks_bytes(count.max(1)) + data), depth, prefix)
}

/// Whether an element of `size` bytes fits in.
#[inline]
fn fits(node: &[u8], head: &Head, size: usize) -> bool {
    HEAD + blocks_bytes(head.count + 1) + size <= head.low && head.low <= node.len()
}

/// Adds an element; false when there is no room.
#[inline]
pub(super) fn push(node: &mut [u8], tag: u16, place: Place) -> bool {
    let size = place.size();
    let Some(at) = make_slot(node, tag, size) else { return false };
    if let Some(out) = node.get_mut(at..at + size) {
        write(out, place);
    }
    true
}

/// Takes a slot and `size` bytes of data for it; returns where those are.
#[inline]
fn make_slot(node: &mut [u8], tag: u16, size: usize) -> Option<usize> {
    let mut head = Head::of(node);
    if !fits(node, &head, size) {
        return None;
    }
    let slot = tag_place(head.count);
    head.low -= size;
    head.count += 1;
    put_u16(node, slot, usize::from(tag));
    put_u16(node, slot + LANES * 2, head.low);
    head.write(node);
    Some(head.low)
}

/// Adds an element of another node as it is written there; false when there is no room.
pub(super) fn push_raw(node: &mut [u8], tag: u16, raw: &[u8]) -> bool {
    let Some(at) = make_slot(node, tag, raw.len()) else { return false };
    if let Some(out) = node.get_mut(at..at + raw.len()) {
        out.copy_from_slice(raw);
    }
    true
}

fn write(out: &mut [u8], place: Place) {
    match place {
        Place::Apart(number) => {
            if let Some((mark, rest)) = out.split_first_chunk_mut::<2>() {
                *mark = APART;
                rest.copy_from_slice(&number.to_le_bytes());
            }
        }
        Place::Here(key, payload) => {
            let has_payload = !payload.is_empty();
            let mut at = put_varint(out, 0, key.len() * 2 + usize::from(has_payload));
            if has_payload {
                at = put_varint(out, at, payload.len());
            }
            let (to_key, to_payload) = out.split_at_mut(at).1.split_at_mut(key.len());
            to_key.copy_from_slice(key);
            to_payload.copy_from_slice(payload);
        }
    }
}

/// Bytes of `value`, which is below 0x3FFF.
#[inline]
fn varint_len(value: usize) -> usize {
    if value < 0x80 { 1 } else { 2 }
}

#[inline]
fn put_varint(out: &mut [u8], at: usize, value: usize) -> usize {
    let bytes = [(value as u8 & 0x7F) | if value < 0x80 { 0 } else { 0x80 }, (value >> 7) as u8];
    let len = varint_len(value);
    if let Some(place) = out.get_mut(at..at + len) {
        place.copy_from_slice(bytes.get(..len).unwrap_or_default());
    }
    at + len
}

#[inline]
fn varint(bytes: &[u8], at: usize) -> (usize, usize) {
    let first = usize::from(bytes.get(at).copied().unwrap_or_default());
    if first < 0x80 {
        return (first, at + 1);
    }
    let second = usize::from(bytes.get(at + 1).copied().unwrap_or_default());
    ((first & 0x7F) | (second << 7), at + 2)
}

/// The element at `offset` and its size.
#[inline]
fn read(node: &[u8], offset: usize) -> (Place<'_>, usize) {
    let (first, mut at) = varint(node, offset);
    if first == 0x3FFF {
        let number = node.get(at..).and_then(|b| b.first_chunk::<4>()).map_or(0, |b| u32::from_le_bytes(*b));
        return (Place::Apart(number), APART_SIZE);
    }
    let mut payload = 0;
    if first & 1 != 0 {
        (payload, at) = varint(node, at);
    }
    let split = at + first / 2;
    let end = split + payload;
    let here = Place::Here(node.get(at..split).unwrap_or_default(), node.get(split..end).unwrap_or_default());
    (here, end - offset)
}

/// The element in `slot`.
#[inline]
pub(super) fn get(node: &[u8], slot: usize) -> Place<'_> {
    read(node, offset_of(node, slot)).0
}

/// The tag and the written form of the element in `slot`.
pub(super) fn raw(node: &[u8], slot: usize) -> (u16, &[u8]) {
    let offset = offset_of(node, slot);
    let size = read(node, offset).1;
    (u16_at(node, tag_place(slot)) as u16, node.get(offset..offset + size).unwrap_or_default())
}

/// The slot of the element that has `tag` and of which `is_it` is true.
#[inline]
pub(super) fn find<'a>(node: &'a [u8], tag: u16, mut is_it: impl FnMut(Place<'a>) -> bool) -> Option<usize> {
    let count = u16_at(node, 0);
    let (blocks, _) = node.get(HEAD..)?.as_chunks::<BLOCK>();
    let mut first = 0;
    for block in blocks {
        if first >= count {
            break;
        }
        let (tags, offsets) = block.split_first_chunk::<16>()?;
        let mut hits = match_eight(tags, tag);
        while hits != 0 {
            let lane = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            if first + lane < count && is_it(read(node, u16_at(offsets, lane * 2)).0) {
                return Some(first + lane);
            }
        }
        first += LANES;
    }
    None
}

/// Asks for the bytes of the first element that has `tag`; without one, for the place where a new element would go.
#[inline]
pub(super) fn prefetch_fitting(node: &[u8], tag: u16) {
    let count = u16_at(node, 0);
    let (blocks, _) = node.get(HEAD..).unwrap_or_default().as_chunks::<BLOCK>();
    for block in blocks.iter().take(count.div_ceil(LANES)) {
        let Some((tags, offsets)) = block.split_first_chunk::<16>() else { return };
        let hits = match_eight(tags, tag);
        if hits != 0 {
            let lane = hits.trailing_zeros() as usize;
            return prefetch(node.as_ptr().wrapping_add(u16_at(offsets, lane * 2)));
        }
    }
    let low = u16_at(node, 2);
    prefetch(node.as_ptr().wrapping_add(low.saturating_sub(32)));
}

/// Takes out the element in `slot`.
pub(super) fn remove(node: &mut [u8], slot: usize) {
    let mut head = Head::of(node);
    let offset = offset_of(node, slot);
    let size = read(node, offset).1;
    if offset == head.low {
        head.low += size;
    } else {
        head.dead += size;
    }
    head.count -= 1;
    let (last, gap) = (tag_place(head.count), tag_place(slot));
    for part in [0, LANES * 2] {
        let moved = u16_at(node, last + part);
        put_u16(node, gap + part, moved);
    }
    if head.count == 0 {
        (head.low, head.dead) = (node.len(), 0);
    }
    head.write(node);
}

/// Writes `place` over the element in `slot` if that is of the same size; false when it is not.
pub(super) fn overwrite(node: &mut [u8], slot: usize, place: Place) -> bool {
    let offset = offset_of(node, slot);
    let size = read(node, offset).1;
    if size != place.size() {
        return false;
    }
    if let Some(out) = node.get_mut(offset..offset + size) {
        write(out, place);
    }
    true
}

/// Whether so much of the node is unused that a smaller one would do.
pub(super) fn is_roomy(node: &[u8]) -> bool {
    let head = Head::of(node);
    node.len() > 128 && length_for(HEAD + blocks_bytes(head.count) + live(node)) <= node.len() / 2
}

/// The same elements without unused data, with room for one more of `extra` bytes. `None` when that is more than a node can be.
pub(super) fn rebuilt(old: &[u8], extra: usize) -> Option<Node> {
    let head = Head::of(old);
    let need = HEAD + blocks_bytes(head.count + 1) + live(old) + extra;
    if need > NODE_MAX {
        return None;
    }
    let length = length_for(need);
    let mut node = empty(length, head.depth, head.prefix);
    let fresh = Arc::get_mut(&mut node)?;
    if head.dead > 0 {
        for slot in 0..head.count {
            let (tag, bytes) = raw(old, slot);
            push_raw(fresh, tag, bytes);
        }
        return Some(node);
    }
    let data = old.get(head.low..)?;
    let shift = (length as u16).wrapping_sub(old.len() as u16);
    fresh.get_mut(length - data.len()..)?.copy_from_slice(data);
    let blocks = HEAD..HEAD + blocks_bytes(head.count);
    let slots = fresh.get_mut(blocks.clone())?;
    slots.copy_from_slice(old.get(blocks)?);
    for block in slots.as_chunks_mut::<BLOCK>().0 {
        for offset in block.split_at_mut(LANES * 2).1.as_chunks_mut::<2>().0 {
            *offset = u16::from_le_bytes(*offset).wrapping_add(shift).to_le_bytes();
        }
    }
    Head { low: length - data.len(), ..head }.write(fresh);
    Some(node)
}
