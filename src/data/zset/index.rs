//! Which leaf a member is in: pairs of (32 hash bits, leaf number), no member bytes.
//!
//! Layer 1. Linear hashing: nodes 0..n, where n grows by one node at a time, and node i's pairs are those whose low hash bits
//! say i. There is no directory, nothing is ever hashed again, and one insertion splits at most one node of about a
//! hundred pairs. A member is found by its 32 bits, then by comparing bytes in the leaf.
//!
//! Invariants: as many pairs as members; pairs with equal bits and leaf are interchangeable, so moving a member between
//! leaves changes any one of them.
//!
//! Ref: W. Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980

use crate::base::simd::prefetch;

use super::chunks::Chunks;

/// Pairs a node on average.
const LOAD: usize = if cfg!(test) { 4 } else { 48 };
/// Pairs a cell.
const CELL: usize = if cfg!(test) { 2 } else { 16 };
/// Cells that a node has itself.
const OWN: usize = if cfg!(test) { 2 } else { 7 };

/// The pairs of a node, in cells of one size: as nodes fill and split, what one leaves is what the next one takes.
#[derive(Clone, Default)]
struct Node {
    len: usize,
    /// The first ones are full.
    cells: [Option<Box<[u64; CELL]>>; OWN],
    /// What the cells do not hold.
    rest: Option<Box<Node>>,
}

impl Node {
    fn of(pairs: impl Iterator<Item = u64>) -> Node {
        let mut node = Node::default();
        pairs.for_each(|pair| node.push(pair));
        node
    }

    #[inline]
    fn pairs(&self) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(self), |node| node.rest.as_deref()).flat_map(|node| {
            let cells = node.cells.iter().flatten().enumerate();
            cells.flat_map(|(n, cell)| cell[..(node.len - n * CELL).min(CELL)].iter().copied())
        })
    }

    fn push(&mut self, pair: u64) {
        let at = self.len;
        if at == OWN * CELL {
            return self.rest.get_or_insert_default().push(pair);
        }
        self.cells[at / CELL].get_or_insert_with(|| Box::new([0; CELL]))[at % CELL] = pair;
        self.len += 1;
    }

    fn pop(&mut self) -> Option<u64> {
        if let Some(rest) = &mut self.rest {
            let last = rest.pop();
            if rest.len == 0 {
                self.rest = None;
            }
            return last;
        }
        let at = self.len.checked_sub(1)?;
        self.len = at;
        let pair = self.cells[at / CELL].as_ref().map(|cell| cell[at % CELL]);
        if at.is_multiple_of(CELL) {
            self.cells[at / CELL] = None;
        }
        pair
    }

    fn place_of(&mut self, wanted: u64) -> Option<&mut u64> {
        let mut node = self;
        loop {
            let cells = node.cells.iter_mut().flatten().enumerate();
            let len = node.len;
            let found = cells.flat_map(|(n, cell)| cell[..(len - n * CELL).min(CELL)].iter_mut()).find(|pair| **pair == wanted);
            if found.is_some() {
                return found;
            }
            node = node.rest.as_deref_mut()?;
        }
    }

    /// Takes one pair out; the last one takes its place.
    fn take(&mut self, wanted: u64) -> bool {
        if self.place_of(wanted).is_none() {
            return false;
        }
        if let Some(last) = self.pop()
            && last != wanted
            && let Some(place) = self.place_of(wanted)
        {
            *place = last;
        }
        true
    }
}

/// The index.
#[derive(Clone)]
pub(super) struct Index {
    nodes: Chunks<Node>,
    len: usize,
}

fn pair(hash: u32, leaf: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(leaf)
}

impl Index {
    /// An index without members.
    pub fn new() -> Index {
        let mut nodes = Chunks::default();
        nodes.push(Node::default());
        Index { nodes, len: 0 }
    }

    /// Bytes that it takes from the allocator, about: half a cell of each node is unused.
    pub fn bytes(&self) -> usize {
        self.len * 8 + self.nodes.len() * CELL / 2 * 8 + self.nodes.bytes()
    }

    /// Number of pairs.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Nodes of the last complete round of splits; a power of two.
    fn round(&self) -> usize {
        1 << self.nodes.len().ilog2()
    }

    #[inline]
    fn node_of(&self, hash: u32) -> usize {
        let round = self.round();
        let wide = hash as usize & (round * 2 - 1);
        if wide < self.nodes.len() { wide } else { wide & (round - 1) }
    }

    /// The leaves in which a member with this hash may be.
    #[inline]
    pub fn leaves(&self, hash: u32) -> impl Iterator<Item = u32> {
        let node = self.nodes.get(self.node_of(hash));
        node.into_iter().flat_map(Node::pairs).filter(move |pair| (pair >> 32) as u32 == hash).map(|pair| pair as u32)
    }

    /// Asks for the node of this hash (0) or for its pairs (1).
    #[inline]
    pub fn prefetch(&self, hash: u32, depth: u32) {
        let at = self.node_of(hash);
        if depth == 0 {
            self.nodes.prefetch(at);
        } else if let Some(node) = self.nodes.get(at) {
            node.cells.iter().flatten().flat_map(|cell| cell.chunks(8)).for_each(|line| prefetch(line.as_ptr()));
        }
    }

    /// Adds a pair.
    pub fn insert(&mut self, hash: u32, leaf: u32) {
        let at = self.node_of(hash);
        if let Some(node) = self.nodes.get_mut(at) {
            node.push(pair(hash, leaf));
            self.len += 1;
        }
        if self.len > self.nodes.len() * LOAD {
            self.split();
        }
    }

    fn split(&mut self) {
        let round = self.round();
        let from = self.nodes.len() - round;
        let bit = round as u64;
        let Some(node) = self.nodes.get_mut(from) else { return };
        let goes = |pair: &u64| (pair >> 32) & bit != 0;
        let go = Node::of(node.pairs().filter(goes));
        *node = Node::of(node.pairs().filter(|pair| !goes(pair)));
        self.nodes.push(go);
    }

    /// Takes a pair out.
    pub fn remove(&mut self, hash: u32, leaf: u32) {
        let at = self.node_of(hash);
        let wanted = pair(hash, leaf);
        let Some(node) = self.nodes.get_mut(at) else { return };
        let found = node.take(wanted);
        debug_assert!(found, "every member is in the index");
        self.len -= usize::from(found);
        if self.nodes.len() > 1 && self.len * 2 < self.nodes.len() * LOAD {
            self.join();
        }
    }

    fn join(&mut self) {
        let Some(last) = self.nodes.pop() else { return };
        let to = self.nodes.len() - self.round();
        if let Some(node) = self.nodes.get_mut(to) {
            last.pairs().for_each(|pair| node.push(pair));
        }
    }

    /// A member moved to another leaf.
    pub fn change(&mut self, hash: u32, from: u32, to: u32) {
        let at = self.node_of(hash);
        let wanted = pair(hash, from);
        let found = self.nodes.get_mut(at).and_then(|node| node.place_of(wanted));
        debug_assert!(found.is_some(), "every member is in the index");
        if let Some(found) = found {
            *found = pair(hash, to);
        }
    }

    /// Calls `f` with the pairs of the group of nodes that `cursor` names; returns the next cursor, 0 at the end.
    /// Whatever splits and joins between calls, no pair that stays is left out: cursors count from the highest bit down,
    /// and a group is all nodes that were one when the round began.
    pub fn scan(&self, cursor: u64, f: &mut dyn FnMut(u32, u32)) -> u64 {
        let round = self.round();
        let mask = round as u64 - 1;
        let first = (cursor & mask) as usize;
        for at in [first, first + round] {
            let node = if at < self.nodes.len() { self.nodes.get(at) } else { None };
            node.into_iter().flat_map(Node::pairs).for_each(|pair| f((pair >> 32) as u32, pair as u32));
        }
        ((cursor | !mask).reverse_bits().wrapping_add(1)).reverse_bits()
    }

    /// Frees one piece; false when nothing is left.
    pub fn drop_piece(&mut self) -> bool {
        self.nodes.drop_piece()
    }
}
