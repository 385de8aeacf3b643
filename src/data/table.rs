//! A hash table of byte strings with byte payloads: the big form of sets and hashes.
//!
//! Layer 1. Elements live in nodes (`table/node.rs`), each one allocation with all elements whose hashes begin with the
//! same bits; a directory indexed by the leading bits names the node. A full node is split by the next bit, two small
//! neighbours are merged, and when no node is as deep as the directory that is halved: so nothing is ever rehashed as
//! a whole. Elements longer than a kibibyte are kept apart (`table/apart.rs`), so nodes stay below 11 KiB.
//!
//! Invariants
//! - Nodes are numbered without gaps; every place of the directory that begins with a node's bits names that node.
//! - A clone shares all nodes; a change copies what it changes: one node and one group of 256 handles.
//! - A cursor of `scan` is a place in the order of hashes, 1 to 2^32 - 1; splits and merges do not move elements in it.
//!
//! It does not order elements, expire them or know what they mean.
//!
//! Ref: en.wikipedia.org/wiki/Extendible_hashing, redis.io/commands/scan (what a scan guarantees)

mod apart;
mod node;

use std::hash::Hasher;
use std::sync::Arc;

use foldhash::{SharedSeed, quality::FoldHasher};

use crate::base::rng::Rng;
use crate::base::same::is_same;
use crate::base::simd::prefetch;
use apart::Apart;
use node::{Node, Place};

/// A node with this many elements is split.
const SPLIT_COUNT: usize = 128;
/// A node with this many bytes of data is split.
const SPLIT_BYTES: usize = 8 * 1024;
/// Neighbours are merged when they have at most this many elements and bytes together.
const MERGE_COUNT: usize = 48;
const MERGE_BYTES: usize = 3 * 1024;
/// Handles of nodes in a group.
const GROUP: usize = 256;
/// Bits of a hash that the directory may use; cursors have 32 bits.
const DEPTH_MAX: u32 = 28;

/// A table. See the file's head.
#[derive(Clone)]
pub struct Table {
    seed: u64,
    shared: SharedSeed,
    len: usize,
    /// Number of leading hash bits that index the directory.
    depth: u32,
    /// How many nodes have which depth; empty as long as there is one node.
    depths: Vec<u32>,
    /// Numbers of nodes, 2^depth of them; none before the first element.
    directory: Arc<[u32]>,
    groups: Vec<Arc<Vec<Node>>>,
    nodes: usize,
    /// Bytes of all nodes with their allocations' heads.
    node_bytes: usize,
    /// No node has ever had more elements.
    most: usize,
    /// Long elements, from the first one on.
    apart: Option<Box<Apart>>,
}

/// Where an element is.
#[derive(Clone, Copy)]
struct Spot {
    node: u32,
    slot: usize,
}

#[inline]
fn tag_of(hash: u64) -> u16 {
    hash as u16
}

/// Spreads hashes unevenly over the places that they stand for: the density falls by half from one end to the other, evenly
/// in its logarithm, as `log2(1 + x)` does it (here `x + 0.344 x (1 - x)`, which is close enough). With even hashes all
/// nodes would be of one size and grow together, and the allocator would be left with pages of every size they had, each
/// held by the few nodes that are late. So instead there are as many nodes of each size at any time, and what one of them
/// leaves another takes.
#[inline]
fn spread(hash: u64) -> u64 {
    const BEND: u64 = (0.344 * 18_446_744_073_709_551_616.0) as u64;
    let high = |a: u64, b: u64| ((u128::from(a) * u128::from(b)) >> 64) as u64;
    hash.wrapping_add(high(high(hash, !hash), BEND))
}

/// The leading 32 bits: where the element comes in a scan.
#[inline]
fn rank_of(hash: u64) -> u64 {
    hash >> 32
}

impl Table {
    /// An empty table. `seed`: of the hash; an outsider must not know it.
    #[must_use]
    pub fn new(seed: u64) -> Table {
        // The hash is weak where its own seeds are: small numbers are made good ones.
        let mut rng = Rng::new(seed);
        Table {
            seed: rng.next_u64(),
            shared: SharedSeed::from_u64(rng.next_u64()),
            len: 0,
            depth: 0,
            depths: Vec::new(),
            directory: Arc::default(),
            groups: Vec::new(),
            nodes: 0,
            node_bytes: 0,
            most: 0,
            apart: None,
        }
    }

    /// Number of elements.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no element.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes taken from the allocator, the table itself not included. O(1).
    #[must_use]
    pub fn bytes(&self) -> usize {
        let handles = self.nodes * size_of::<Node>() + self.groups.len() * 48;
        self.node_bytes
            + handles
            + self.directory.len() * 4
            + self.depths.capacity() * 4
            + self.apart.as_ref().map_or(0, |apart| apart.bytes())
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(key);
        spread(hasher.finish())
    }

    /// Where in the directory `hash` belongs.
    #[inline]
    fn place_of(&self, hash: u64) -> usize {
        // Two shifts, because 64 - 0 would be too far for one.
        ((hash >> 1) >> (63 - self.depth)) as usize
    }

    /// The number of the node for `hash`; `None` while there is none at all.
    #[inline]
    fn node_for(&self, hash: u64) -> Option<u32> {
        self.directory.get(self.place_of(hash)).copied()
    }

    #[inline]
    fn node(&self, number: u32) -> &[u8] {
        let group = self.groups.get(number as usize / GROUP);
        group.and_then(|g| g.get(number as usize % GROUP)).map_or(&[], |node| node)
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        let group = self.groups.get_mut(number as usize / GROUP)?;
        Arc::make_mut(group).get_mut(number as usize % GROUP)
    }

    #[inline]
    fn resolve<'a>(&'a self, place: Place<'a>) -> (&'a [u8], &'a [u8]) {
        match place {
            Place::Here(key, payload) => (key, payload),
            Place::Apart(number) => self.apart.as_ref().map_or((&[], &[]), |apart| apart.get(number)),
        }
    }

    #[inline]
    fn find(&self, hash: u64, key: &[u8]) -> Option<Spot> {
        let number = self.node_for(hash)?;
        let slot = node::find(self.node(number), tag_of(hash), |place| is_same(self.resolve(place).0, key))?;
        Some(Spot { node: number, slot })
    }

    /// The payload of `key`; empty when it was inserted without one.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = self.hash(key);
        let number = self.node_for(hash)?;
        let mut payload: &[u8] = &[];
        let is_it = |place| {
            let (own, found) = self.resolve(place);
            payload = found;
            is_same(own, key)
        };
        node::find(self.node(number), tag_of(hash), is_it)?;
        Some(payload)
    }

    /// Whether `key` is in it.
    #[inline]
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.find(self.hash(key), key).is_some()
    }

    /// One step of the way to `key`: 0 the place in the directory, 1 the node's handle, 2 its tags, 3 the bytes of the element whose
    /// tag fits. `hash`: 0 before the first step, the hash of the key from then on. See `Collection::prefetch_on`.
    #[inline]
    pub fn prefetch_step(&self, key: &[u8], depth: u32, hash: &mut u64) {
        if depth == 0 {
            *hash = self.hash(key);
            return prefetch(self.directory.as_ptr().wrapping_add(self.place_of(*hash)));
        }
        let Some(number) = self.node_for(*hash) else { return };
        if depth == 1 {
            let Some(group) = self.groups.get(number as usize / GROUP) else { return };
            return prefetch(group.as_ptr().wrapping_add(number as usize % GROUP));
        }
        let node = self.node(number);
        match depth {
            // Head and tags of about a hundred elements lie side by side.
            2 => (0..7).for_each(|line| prefetch(node.as_ptr().wrapping_add(line * 64))),
            3 => node::prefetch_fitting(node, tag_of(*hash)),
            _ => {}
        }
    }

    /// Puts an element in, or its new payload in place of the old one; true when the key is new.
    /// Nothing happens when millions of elements would have hashes that begin alike, which no outsider can bring about.
    pub fn insert(&mut self, key: &[u8], payload: &[u8]) -> bool {
        let hash = self.hash(key);
        match self.find(hash, key) {
            Some(spot) => {
                self.replace(spot, hash, key, payload);
                false
            }
            None => self.add(hash, key, payload),
        }
    }

    fn add(&mut self, hash: u64, key: &[u8], payload: &[u8]) -> bool {
        if key.len() + payload.len() <= node::INLINE_MAX {
            return self.add_place(hash, Place::Here(key, payload));
        }
        let Some(number) = self.apart.get_or_insert_default().insert(key, payload) else { return false };
        let did = self.add_place(hash, Place::Apart(number));
        if !did {
            self.forget(number);
        }
        did
    }

    fn forget(&mut self, number: u32) {
        if let Some(apart) = &mut self.apart {
            apart.remove(number);
        }
    }

    fn add_place(&mut self, hash: u64, place: Place) -> bool {
        if self.groups.is_empty() {
            self.push_node(node::with_room(1, place.size(), 0, 0));
            self.directory = Arc::from([0]);
        }
        let size = place.size();
        loop {
            let Some(number) = self.node_for(hash) else { return false };
            let node = self.node(number);
            let head = node::Head::of(node);
            let is_full = head.count >= SPLIT_COUNT || node::live(node) + size > SPLIT_BYTES;
            if is_full && head.count > 1 && self.split(number) {
                continue;
            }
            if !self.push(number, tag_of(hash), place) {
                return false;
            }
            self.most = self.most.max(head.count + 1);
            self.len += 1;
            return true;
        }
    }

    /// Adds an element to a node, which grows as needed.
    fn push(&mut self, number: u32, tag: u16, place: Place) -> bool {
        let Some(slot) = self.node_mut(number) else { return false };
        if let Some(bytes) = Arc::get_mut(slot)
            && node::push(bytes, tag, place)
        {
            return true;
        }
        let Some(mut fresh) = node::rebuilt(slot, place.size()) else { return false };
        let did = Arc::get_mut(&mut fresh).is_some_and(|bytes| node::push(bytes, tag, place));
        self.put_node(number, fresh);
        did
    }

    /// Puts a node in the place of another one.
    fn put_node(&mut self, number: u32, fresh: Node) {
        self.count_node(&fresh, true);
        let Some(slot) = self.node_mut(number) else { return };
        let old = std::mem::replace(slot, fresh);
        self.count_node(&old, false);
    }

    fn count_node(&mut self, node: &[u8], is_more: bool) {
        let bytes = node.len() + node::ARC_BYTES;
        let depth = self.depths.get_mut(node::Head::of(node).depth as usize);
        if is_more {
            self.node_bytes += bytes;
            depth.into_iter().for_each(|n| *n += 1);
        } else {
            self.node_bytes = self.node_bytes.saturating_sub(bytes);
            depth.into_iter().for_each(|n| *n = n.saturating_sub(1));
        }
    }

    fn push_node(&mut self, fresh: Node) -> u32 {
        self.count_node(&fresh, true);
        if self.nodes.is_multiple_of(GROUP) {
            self.groups.push(Arc::default());
        }
        if let Some(group) = self.groups.last_mut() {
            Arc::make_mut(group).push(fresh);
        }
        self.nodes += 1;
        (self.nodes - 1) as u32
    }

    fn replace(&mut self, spot: Spot, hash: u64, key: &[u8], payload: &[u8]) {
        let old = node::get(self.node(spot.node), spot.slot);
        if self.resolve(old).1 == payload {
            return;
        }
        let fresh = Place::Here(key, payload);
        let is_near = matches!(old, Place::Here(..)) && key.len() + payload.len() <= node::INLINE_MAX;
        if is_near && old.size() == fresh.size() {
            if let Some(slot) = self.node_mut(spot.node) {
                node::overwrite(Arc::make_mut(slot), spot.slot, fresh);
            }
            return;
        }
        self.take_out(spot);
        self.add(hash, key, payload);
    }

    /// Takes an element out; true when it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let hash = self.hash(key);
        let Some(spot) = self.find(hash, key) else { return false };
        self.take_out(spot);
        self.settle(hash, spot.node);
        true
    }

    /// Takes an element out of its node and leaves the node as it is.
    fn take_out(&mut self, spot: Spot) {
        if let Place::Apart(number) = node::get(self.node(spot.node), spot.slot) {
            self.forget(number);
        }
        if let Some(slot) = self.node_mut(spot.node) {
            node::remove(Arc::make_mut(slot), spot.slot);
            self.len -= 1;
        }
    }

    /// After elements were taken out of a node: merges it with its neighbours, or makes it smaller.
    fn settle(&mut self, hash: u64, number: u32) {
        if node::Head::of(self.node(number)).count <= MERGE_COUNT {
            while self.merge(hash) {}
        }
        let Some(number) = self.node_for(hash) else { return };
        if node::is_roomy(self.node(number))
            && let Some(fresh) = node::rebuilt(self.node(number), 0)
        {
            self.put_node(number, fresh);
        }
    }

    /// Splits a node by the next bit of the hashes; false when it cannot be.
    fn split(&mut self, number: u32) -> bool {
        let old = match self.node_mut(number) {
            Some(slot) => slot.clone(),
            None => return false,
        };
        let head = node::Head::of(&old);
        if head.depth == self.depth && !self.double(&old) {
            return false;
        }
        let depth = head.depth + 1;
        let mut sides = [(0usize, 0usize); 2];
        let mut is_right = vec![false; head.count];
        for (slot, right) in is_right.iter_mut().enumerate() {
            let place = node::get(&old, slot);
            *right = (self.hash(self.resolve(place).0) >> (64 - depth)) & 1 == 1;
            let side = &mut sides[usize::from(*right)];
            *side = (side.0 + 1, side.1 + place.size());
        }
        let mut halves: [Node; 2] = [0, 1].map(|side| {
            let (count, data) = sides[side];
            node::with_room(count + 1, data, depth, (head.prefix << 1) | side as u32)
        });
        for (slot, right) in is_right.iter().enumerate() {
            let (tag, bytes) = node::raw(&old, slot);
            if let Some(half) = Arc::get_mut(&mut halves[usize::from(*right)]) {
                node::push_raw(half, tag, bytes);
            }
        }
        let [left, right] = halves;
        let prefix = node::Head::of(&right).prefix;
        self.put_node(number, left);
        let fresh = self.push_node(right);
        self.name(depth, prefix, fresh);
        true
    }

    /// Doubles the directory for a node that is to be split; false when hashes are so uneven that it would grow without end.
    fn double(&mut self, node: &[u8]) -> bool {
        let is_sparse = self.directory.len() > 64 + 32 * self.nodes;
        if self.depth >= DEPTH_MAX || (is_sparse && node.len() < 40 * 1024) {
            return false;
        }
        if self.depths.is_empty() {
            self.depths.push(1);
        }
        self.depths.push(0);
        self.directory = self.directory.iter().flat_map(|&n| [n, n]).collect::<Vec<u32>>().into();
        self.depth += 1;
        true
    }

    /// Makes all places of the directory that begin with these bits name a node.
    fn name(&mut self, depth: u32, prefix: u32, number: u32) {
        let width = 1usize << (self.depth - depth);
        let first = prefix as usize * width;
        if let Some(places) = Arc::make_mut(&mut self.directory).get_mut(first..first + width) {
            places.fill(number);
        }
    }

    /// Merges the node for `hash` with its neighbour if both are small; true when it did.
    fn merge(&mut self, hash: u64) -> bool {
        let Some(number) = self.node_for(hash) else { return false };
        let head = node::Head::of(self.node(number));
        if head.depth == 0 {
            return false;
        }
        let other_place = ((head.prefix ^ 1) as usize) << (self.depth - head.depth);
        let Some(&other) = self.directory.get(other_place) else { return false };
        let other_head = node::Head::of(self.node(other));
        let (one, two) = (self.node(number), self.node(other));
        let (count, data) = (head.count + other_head.count, node::live(one) + node::live(two));
        if other_head.depth != head.depth || count > MERGE_COUNT || data > MERGE_BYTES {
            return false;
        }
        let mut merged = node::with_room(count, data, head.depth - 1, head.prefix >> 1);
        if let Some(bytes) = Arc::get_mut(&mut merged) {
            for (from, count) in [(one, head.count), (two, other_head.count)] {
                for slot in 0..count {
                    let (tag, raw) = node::raw(from, slot);
                    node::push_raw(bytes, tag, raw);
                }
            }
        }
        self.put_node(number, merged);
        self.name(head.depth - 1, head.prefix >> 1, number);
        self.drop_node(other);
        self.halve();
        true
    }

    /// Drops a node that nothing names any more; the last one gets its number.
    fn drop_node(&mut self, number: u32) {
        let Some(group) = self.groups.last_mut() else { return };
        let group = Arc::make_mut(group);
        let Some(last) = group.pop() else { return };
        if group.is_empty() {
            self.groups.pop();
        }
        self.nodes -= 1;
        self.count_node(&last, false);
        if self.nodes != number as usize {
            let head = node::Head::of(&last);
            self.put_node(number, last);
            self.name(head.depth, head.prefix, number);
        }
    }

    /// Halves the directory as long as no node needs its last bit.
    fn halve(&mut self) {
        while self.depth > 0 && self.depths.last() == Some(&0) {
            self.depths.pop();
            self.directory = self.directory.iter().step_by(2).copied().collect::<Vec<u32>>().into();
            self.depth -= 1;
        }
    }

    #[cfg(test)]
    fn nodes(&self) -> impl Iterator<Item = &[u8]> {
        self.groups.iter().flat_map(|group| group.iter()).map(|node| &node[..])
    }

    /// All elements with their payloads, in no order that means anything.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0)
    }

    /// The same from a place on that `Iter::place` gave, in a table that did not change since; 0 is the start.
    #[must_use]
    pub fn iter_from(&self, place: u64) -> Iter<'_> {
        let (next, slot) = ((place >> 32) as u32, place as u32 as usize);
        if slot == 0 {
            return Iter { table: self, next, node: &[], slots: 0..0 };
        }
        let node = self.node(next);
        Iter { table: self, next: next.saturating_add(1), node, slots: slot..node::Head::of(node).count }
    }

    /// Any element, each with the same probability.
    #[must_use]
    pub fn random(&self, rng: &mut Rng) -> Option<(&[u8], &[u8])> {
        if self.len == 0 {
            return None;
        }
        // Every (node, slot) is drawn equally often; those beyond a node's last element are drawn again.
        loop {
            let node = self.node(rng.below(self.nodes as u64) as u32);
            let slot = rng.below(self.most as u64) as usize;
            if slot < node::Head::of(node).count {
                return Some(self.resolve(node::get(node, slot)));
            }
        }
    }

    /// Calls `f` with about `count` elements from `cursor` on and returns where to go on; 0 is the start and the end.
    /// Elements that are there from the first call to the last are given exactly once, whatever else comes and goes.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut dyn FnMut(&[u8], &[u8])) -> u64 {
        // Empty nodes cost time too.
        let (mut left, mut nodes_left) = (count.max(1), count.max(1).saturating_mul(10));
        let mut at = cursor;
        while at <= u64::from(u32::MAX) {
            let Some(number) = self.node_for(at << 32) else { return 0 };
            let node = self.node(number);
            let head = node::Head::of(node);
            let first = u64::from(head.prefix) << (32 - head.depth);
            let end = first + (1u64 << (32 - head.depth));
            if at == first && head.count <= left {
                for slot in 0..head.count {
                    let (key, payload) = self.resolve(node::get(node, slot));
                    f(key, payload);
                }
                left -= head.count;
            } else if let Some(next) = self.scan_part(node, at, &mut left, f) {
                return next;
            }
            at = end;
            nodes_left -= 1;
            if left == 0 || nodes_left == 0 {
                return if end <= u64::from(u32::MAX) { end } else { 0 };
            }
        }
        0
    }

    /// The elements of one node from `at` on in the order of their hashes; where to go on when not all of them were due.
    fn scan_part(&self, node: &[u8], at: u64, left: &mut usize, f: &mut dyn FnMut(&[u8], &[u8])) -> Option<u64> {
        let places = (0..node::Head::of(node).count).map(|slot| self.resolve(node::get(node, slot)));
        let mut due: Vec<_> = places.map(|(key, payload)| (rank_of(self.hash(key)), key, payload)).filter(|due| due.0 >= at).collect();
        due.sort_unstable_by_key(|due| due.0);
        let mut last = at;
        for (rank, key, payload) in &due {
            if *left == 0 && *rank != last {
                return Some(*rank);
            }
            f(key, payload);
            *left = left.saturating_sub(1);
            last = *rank;
        }
        None
    }

    /// Frees about `budget` elements, in any order; true when nothing is left to free. The table is good for nothing else then.
    pub fn free_some(&mut self, budget: usize) -> bool {
        self.directory = Arc::default();
        (self.depth, self.len) = (0, 0);
        let mut freed = 0;
        while freed < budget {
            if let Some(group) = self.groups.last_mut() {
                let Some(node) = Arc::get_mut(group).and_then(Vec::pop) else {
                    // Empty, or somebody else holds it.
                    self.groups.pop();
                    freed += 1;
                    continue;
                };
                self.nodes = self.nodes.saturating_sub(1);
                self.count_node(&node, false);
                freed += node::Head::of(&node).count.max(8);
            } else {
                let Some(apart) = &mut self.apart else { return true };
                freed += apart.free_group().max(8);
                if apart.is_freed() {
                    self.apart = None;
                }
            }
        }
        self.groups.is_empty() && self.apart.is_none()
    }
}

/// Elements of a table.
#[derive(Clone)]
pub struct Iter<'a> {
    table: &'a Table,
    /// Number of the next node.
    next: u32,
    node: &'a [u8],
    slots: std::ops::Range<usize>,
}

impl Iter<'_> {
    /// Where the next element is, for `Table::iter_from`.
    #[must_use]
    pub fn place(&self) -> u64 {
        match self.slots.is_empty() {
            true => u64::from(self.next) << 32,
            false => u64::from(self.next.saturating_sub(1)) << 32 | self.slots.start as u64,
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(slot) = self.slots.next() {
                return Some(self.table.resolve(node::get(self.node, slot)));
            }
            if self.next as usize >= self.table.nodes {
                return None;
            }
            self.node = self.table.node(self.next);
            self.next += 1;
            self.slots = 0..node::Head::of(self.node).count;
            prefetch(self.table.node(self.next).as_ptr());
        }
    }
}

#[cfg(test)]
mod tests;
