//! A big sorted set: a counted B+tree over (score, member) whose leaves own the members, and a hash index from members to
//! leaves.
//!
//! Layer 1.
//!
//! ```text
//! root      inner nodes: bounds, counts, children        rank, select, ranges: one descent, O(log n)
//! leaves    leaf number -> leaf                          children of the lowest nodes are leaf numbers
//! index     hash of a member -> leaf number              score, rank of a member: one look-up, no descent for the score
//! ```
//! Invariants: every member is in exactly one leaf and has one pair in the index; counts are exact; every piece is shared
//! by handles, so `Clone` costs a few hundred handles and a change copies what is on its way.
//! Recursion goes down the tree: seven levels hold more members than memory.
//!
//! Budget: an update of a random member with a random score touches one index node, two leaves and the paths to them.

use std::hash::Hasher as _;
use std::sync::Arc;

use foldhash::{SharedSeed, quality::FoldHasher};

use super::chunks::Chunks;
use super::index::Index;
use super::inner::{Bound, FAN_MAX, Inner, Kids};
use super::leaf::{BLOCK, Leaf};

/// Bytes of inner nodes a leaf, about.
const INNER_BYTES: usize = 52;

/// Hashes members; an outsider does not know the seed.
#[derive(Clone)]
struct MemberHasher {
    seed: u64,
    shared: SharedSeed,
}

impl MemberHasher {
    fn new(seed: u64) -> MemberHasher {
        MemberHasher { seed: seed ^ 0x7A73_6574, shared: SharedSeed::from_u64(seed) }
    }

    #[inline]
    fn hash(&self, member: &[u8]) -> u32 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(member);
        (hasher.finish() >> 32) as u32
    }
}

/// The tag of a member in its leaf: bits that do not choose its node in the index.
#[inline]
fn tag_of(hash: u32) -> u8 {
    (hash >> 24) as u8
}

/// A member to put in.
#[derive(Clone, Copy)]
struct New<'a> {
    score: f64,
    hash: u32,
    member: &'a [u8],
}

/// Leaves and the index of their members.
#[derive(Clone)]
struct Store {
    leaves: Chunks<Leaf>,
    /// Stands for leaves that are not there.
    none: Leaf,
    free: Vec<u32>,
    index: Index,
    hasher: MemberHasher,
    leaf_bytes: usize,
}

impl Store {
    #[inline]
    fn leaf(&self, id: u32) -> &Leaf {
        self.leaves.get(id as usize).unwrap_or(&self.none)
    }

    #[inline]
    fn change<R>(&mut self, id: u32, f: impl FnOnce(&mut Leaf) -> R) -> Option<R> {
        let leaf = self.leaves.get_mut(id as usize)?;
        let before = leaf.heap_bytes();
        let out = f(leaf);
        self.leaf_bytes = self.leaf_bytes + leaf.heap_bytes() - before;
        Some(out)
    }

    fn set_leaf(&mut self, id: u32, leaf: Leaf) {
        self.change(id, |own| *own = leaf);
    }

    /// The number of a leaf without members.
    fn add_leaf(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.leaves.push(Leaf::default());
            // 2^32 leaves would take terabytes.
            (self.leaves.len() - 1) as u32
        })
    }

    fn free_leaf(&mut self, id: u32) {
        self.set_leaf(id, Leaf::default());
        self.free.push(id);
    }

    /// The index learns that members are now in leaf `to`.
    fn moved<'a>(&mut self, members: impl Iterator<Item = &'a [u8]> + Clone, from: u32, to: u32) {
        // Their nodes lie all over the memory: they come side by side.
        for depth in [0, 1] {
            members.clone().for_each(|member| self.index.prefetch(self.hasher.hash(member), depth));
        }
        members.for_each(|member| self.index.change(self.hasher.hash(member), from, to));
    }

    fn first_leaf<'a>(&'a self, node: &'a Inner, at: usize) -> &'a Leaf {
        let (mut node, mut at) = (node, at);
        loop {
            match &node.kids {
                Kids::Leaves(leaves) => return self.leaf(leaves[at]),
                Kids::Nodes(nodes) => (node, at) = (&nodes[at], 0),
            }
        }
    }

    /// The child of `node` for (score, member).
    fn child_for(&self, node: &Inner, score: f64, member: &[u8]) -> usize {
        node.child_of(score, member, |child| {
            let leaf = self.first_leaf(node, child);
            leaf.score(0) < score || (leaf.score(0) == score && leaf.member(0) <= member)
        })
    }

    /// Puts a member in below `node`. Returns its leaf, and the right part of the node if that was split.
    fn insert(&mut self, node: &mut Inner, new: New) -> (u32, Option<(Bound, Arc<Inner>)>) {
        let at = self.child_for(node, new.score, new.member);
        let leaf = match &mut node.kids {
            Kids::Leaves(_) => self.insert_in_leaf(node, at, new),
            Kids::Nodes(nodes) => {
                let (leaf, split) = self.insert(Arc::make_mut(&mut nodes[at]), new);
                node.counts[at] += 1;
                if let Some((bound, right)) = split {
                    node.insert_node(at + 1, bound, right);
                }
                leaf
            }
        };
        let split = (node.len() > FAN_MAX).then(|| node.split_off(node.len() / 2));
        (leaf, split)
    }

    fn insert_in_leaf(&mut self, node: &mut Inner, mut child: usize, new: New) -> u32 {
        if node.len() == 0 {
            let id = self.add_leaf();
            node.insert_leaf(0, Bound::of(new.score, new.member), 0, id);
        }
        // What a neighbour took may be too little for a long member.
        let mut may_give = true;
        while let Some(id) = node.leaf_at(child) {
            let leaf = self.leaf(id);
            let at = leaf.position(new.score, new.member);
            if leaf.has_room(new.member) {
                return self.put(node, child, id, at, new);
            }
            if at == leaf.len() && child + 1 == node.len() {
                // Members that come in order fill their leaves: the new one gets a leaf of its own and nothing moves.
                let id = self.add_leaf();
                node.insert_leaf(child + 1, Bound::of(new.score, new.member), 0, id);
                return self.put(node, child + 1, id, 0, new);
            }
            self.make_room(node, child, may_give);
            may_give = false;
            child = self.child_for(node, new.score, new.member);
        }
        0
    }

    /// A full leaf gives to the neighbour that has more room, if it may; if both are full, three become four, so that leaves are
    /// at least three quarters full (a B*-tree). Ref: D. Knuth, "The Art of Computer Programming", volume 3, 6.2.4
    fn make_room(&mut self, node: &mut Inner, child: usize, may_give: bool) {
        let used = |at: usize| node.leaf_at(at).map_or(BLOCK, |id| self.leaf(id).used());
        let right = used(child + 1);
        let left = if child > 0 { used(child - 1) } else { BLOCK };
        let with_neighbour = if left < right || child + 1 == node.len() { child.saturating_sub(1) } else { child };
        let first = child.saturating_sub(1).min(node.len().saturating_sub(3));
        let gives = may_give && left.min(right) + BLOCK / 16 <= BLOCK;
        let _ = (gives && self.spread(node, with_neighbour, 2, 2))
            || (node.len() > 2 && self.spread(node, first, 3, 4))
            || (node.len() == 2 && self.spread(node, 0, 2, 3))
            || self.spread(node, child, 1, 2);
    }

    /// Shares the members of `from` leaves, children from `first` on, out among `to` leaves, if that goes up.
    fn spread(&mut self, node: &mut Inner, first: usize, from: usize, to: usize) -> bool {
        let ids: Vec<u32> = (first..first + from).filter_map(|at| node.leaf_at(at)).collect();
        let old: Vec<Leaf> = ids.iter().map(|&id| self.leaf(id).clone()).collect();
        let Some(new) = Leaf::spread(&old.iter().collect::<Vec<_>>(), to) else { return false };
        // A new leaf goes behind the first one, so that most members stay where they are.
        let mut new_ids = ids.clone();
        if to > from {
            let id = self.add_leaf();
            new_ids.insert(1, id);
            node.insert_leaf(first + 1, Bound::of(0.0, b""), 0, id);
        }
        let owners = |leaves: &[Leaf], ids: &[u32]| -> Vec<u32> {
            leaves.iter().zip(ids).flat_map(|(leaf, &id)| std::iter::repeat_n(id, leaf.len())).collect()
        };
        let (was, is) = (owners(&old, &ids), owners(&new, &new_ids));
        let members: Vec<&[u8]> = old.iter().flat_map(Leaf::members).collect();
        let mut start = 0;
        while start < members.len() {
            // A run of members that have the same way.
            let way = (was[start], is[start]);
            let end = start + (start..members.len()).take_while(|&n| (was[n], is[n]) == way).count();
            if way.0 != way.1 {
                self.moved(members[start..end].iter().copied(), way.0, way.1);
            }
            start = end;
        }
        for (n, (leaf, &id)) in new.into_iter().zip(&new_ids).enumerate() {
            node.counts[first + n] = leaf.len() as u64;
            if n > 0 {
                node.set_bound(first + n, Bound::of(leaf.score(0), leaf.member(0)));
            }
            self.set_leaf(id, leaf);
        }
        true
    }

    fn put(&mut self, node: &mut Inner, child: usize, id: u32, at: usize, new: New) -> u32 {
        self.change(id, |leaf| leaf.insert(at, new.score, tag_of(new.hash), new.member));
        node.counts[child] += 1;
        id
    }

    /// Takes out the member at place `at` of its leaf, which is the one for (score, member).
    fn remove(&mut self, node: &mut Inner, score: f64, member: &[u8], at: usize) {
        let child = self.child_for(node, score, member);
        let Some(count) = node.counts.get_mut(child) else { return };
        *count -= 1;
        match &mut node.kids {
            Kids::Leaves(leaves) => {
                let id = leaves[child];
                debug_assert!(self.leaf(id).member(at) == member, "the descent ends where the index points");
                self.change(id, |leaf| leaf.remove(at));
                self.settle_leaf(node, child, id);
            }
            Kids::Nodes(nodes) => {
                let below = Arc::make_mut(&mut nodes[child]);
                self.remove(below, score, member, at);
                if below.len() == 0 {
                    node.remove(child, false);
                } else if below.is_sparse() {
                    let _ = node.join_nodes(child) || (child > 0 && node.join_nodes(child - 1));
                }
            }
        }
    }

    /// A leaf that lost a member goes when it is empty, and joins a neighbour when both are small.
    fn settle_leaf(&mut self, node: &mut Inner, child: usize, id: u32) {
        let leaf = self.leaf(id);
        if leaf.len() == 0 {
            self.free_leaf(id);
            node.remove(child, false);
        } else if leaf.is_sparse() && node.len() > 1 {
            let _ = self.join_leaves(node, child) || (child > 0 && self.join_leaves(node, child - 1));
        }
    }

    /// Joins the leaves that are children `at` and `at` + 1; the smaller one's members move.
    fn join_leaves(&mut self, node: &mut Inner, at: usize) -> bool {
        let Kids::Leaves(leaves) = &node.kids else { return false };
        let (Some(&left), Some(&right)) = (leaves.get(at), leaves.get(at + 1)) else { return false };
        let (first, second) = (self.leaf(left), self.leaf(right));
        if !first.can_join(second) {
            return false;
        }
        let stays_left = first.len() >= second.len();
        let Some(joined) = Leaf::spread(&[first, second], 1).and_then(|mut one| one.pop()) else { return false };
        let (stay, go) = if stays_left { (left, right) } else { (right, left) };
        let gone = self.leaf(go).clone();
        self.moved((0..gone.len()).map(|at| gone.member(at)), go, stay);
        self.free_leaf(go);
        let count = joined.len() as u64;
        self.set_leaf(stay, joined);
        node.remove(if stays_left { at + 1 } else { at }, !stays_left);
        node.counts[at] = count;
        true
    }
}

/// A place in the tree.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    /// The leaf.
    pub leaf: &'a Leaf,
    /// The place in it.
    pub at: usize,
}

/// What an update found and did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Updated {
    /// The score before, if the member was there.
    pub old: Option<f64>,
    /// The score now, if it is there.
    pub new: Option<f64>,
}

/// The set.
#[derive(Clone)]
pub struct Tree {
    root: Arc<Inner>,
    store: Store,
    len: usize,
}

impl Tree {
    /// An empty one. `seed`: of its hashes.
    pub(super) fn new(seed: u64) -> Tree {
        let hasher = MemberHasher::new(seed);
        let store =
            Store { leaves: Chunks::default(), none: Leaf::default(), free: Vec::new(), index: Index::new(), hasher, leaf_bytes: 0 };
        Tree { root: Arc::new(Inner::empty()), store, len: 0 }
    }

    /// Number of members.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn bytes(&self) -> usize {
        let store = &self.store;
        store.leaf_bytes + store.index.bytes() + store.leaves.bytes() + store.leaves.len() * INNER_BYTES
    }

    #[inline]
    fn locate(&self, hash: u32, member: &[u8]) -> Option<(u32, usize)> {
        self.store.index.leaves(hash).find_map(|id| {
            let leaf = self.store.leaf(id);
            leaf.prefetch();
            leaf.find(tag_of(hash), member).map(|at| (id, at))
        })
    }

    /// One step of the way to a member: its node in the index, the pairs there, its leaf, what the leaf points to.
    #[inline]
    pub(super) fn prefetch(&self, member: &[u8], depth: u32) {
        let (store, hash) = (&self.store, self.store.hasher.hash(member));
        match depth {
            0 | 1 => store.index.prefetch(hash, depth),
            _ => {
                let Some(id) = store.index.leaves(hash).next() else { return };
                match depth {
                    2 => store.leaves.prefetch(id as usize),
                    3 => store.leaf(id).prefetch(),
                    _ => store.leaf(id).prefetch_member(tag_of(hash)),
                }
            }
        }
    }

    /// The score of a member.
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        let (id, at) = self.locate(self.store.hasher.hash(member), member)?;
        Some(self.store.leaf(id).score(at))
    }

    /// The rank of a member, ascending, and its score.
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let (id, at) = self.locate(self.store.hasher.hash(member), member)?;
        let score = self.store.leaf(id).score(at);
        let (mut node, mut rank) = (&*self.root, at as u64);
        loop {
            let child = self.store.child_for(node, score, member);
            rank += node.total_before(child);
            match &node.kids {
                Kids::Leaves(_) => return Some((rank as usize, score)),
                Kids::Nodes(nodes) => node = &nodes[child],
            }
        }
    }

    /// The place of the `rank`-th member.
    pub(super) fn select(&self, rank: usize) -> Option<Spot<'_>> {
        if rank >= self.len {
            return None;
        }
        let (mut node, mut rank) = (&*self.root, rank as u64);
        loop {
            let (child, rest) = node.child_of_rank(rank);
            rank = rest;
            match &node.kids {
                Kids::Leaves(leaves) => return Some(Spot { leaf: self.store.leaf(*leaves.get(child)?), at: rank as usize }),
                Kids::Nodes(nodes) => node = &nodes[child],
            }
        }
    }

    /// Number of members with a score below `score`, or not above it.
    pub(super) fn count_below(&self, score: f64, or_equal: bool) -> usize {
        self.count(|node| node.child_of_score(score, or_equal), |leaf| leaf.count_below(score, or_equal))
    }

    /// Number of members before `member` (or up to it) in a set where all scores are equal.
    pub(super) fn count_before(&self, member: &[u8], or_equal: bool) -> usize {
        let is_before = |own: &[u8]| if or_equal { own <= member } else { own < member };
        let prefix = super::inner::prefix(member);
        let descend = |node: &Inner| {
            let is_after = |child| is_before(self.store.first_leaf(node, child).member(0));
            node.child_of_prefix(0, node.len().saturating_sub(1), prefix, is_after)
        };
        let in_leaf = |leaf: &Leaf| {
            let (mut low, mut high) = (0, leaf.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if is_before(leaf.member(middle)) { low = middle + 1 } else { high = middle }
            }
            low
        };
        self.count(descend, in_leaf)
    }

    fn count(&self, child_of: impl Fn(&Inner) -> usize, in_leaf: impl Fn(&Leaf) -> usize) -> usize {
        let (mut node, mut count) = (&*self.root, 0);
        loop {
            let child = child_of(node);
            count += node.total_before(child) as usize;
            match &node.kids {
                Kids::Leaves(leaves) => return count + leaves.get(child).map_or(0, |&id| in_leaf(self.store.leaf(id))),
                Kids::Nodes(nodes) => node = &nodes[child],
            }
        }
    }

    /// `decide` gets the score of a member, if it is there, and says what it is to be; `None` leaves everything as it is.
    pub(super) fn update(&mut self, member: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) -> Updated {
        let hash = self.store.hasher.hash(member);
        let found = self.locate(hash, member);
        let old = found.map(|(id, at)| self.store.leaf(id).score(at));
        let Some(score) = decide(old) else { return Updated { old, new: old } };
        debug_assert!(!score.is_nan());
        let new = New { score, hash, member };
        match (found, old) {
            (Some((id, at)), Some(old)) if old != score => self.rescore(id, at, old, new),
            (Some(_), _) => return Updated { old, new: old },
            _ => {
                let id = self.insert(new);
                self.store.index.insert(hash, id);
                self.len += 1;
            }
        }
        Updated { old, new: Some(score) }
    }

    fn insert(&mut self, new: New) -> u32 {
        let root = Arc::make_mut(&mut self.root);
        let (id, split) = self.store.insert(root, new);
        if let Some((bound, right)) = split {
            let left = std::mem::replace(root, Inner::empty());
            *root = Inner::over(Arc::new(left), bound, right);
        }
        id
    }

    fn rescore(&mut self, id: u32, at: usize, old: f64, new: New) {
        if self.store.leaf(id).spans(new.score) {
            self.store.change(id, |leaf| leaf.rescore(at, new.score));
            return;
        }
        // The leaf to come is on its way into the cache while the member leaves the other one.
        self.prefetch_for(new.score);
        self.take(old, new.member, at);
        let to = self.insert(new);
        // The leaf `id` may be gone by now, or another one: its pair still stands for this member, or for one like it.
        if to != id {
            self.store.index.change(new.hash, id, to);
        }
    }

    /// Asks for the leaf where a member with `score` would be.
    fn prefetch_for(&self, score: f64) {
        let mut node = &*self.root;
        loop {
            let child = node.child_of_score(score, true);
            match &node.kids {
                Kids::Leaves(leaves) => return leaves.get(child).map_or((), |&id| self.store.leaf(id).prefetch_places()),
                Kids::Nodes(nodes) => node = &nodes[child],
            }
        }
    }

    /// Takes a member out of the tree; its pair in the index stays.
    fn take(&mut self, score: f64, member: &[u8], at: usize) {
        let root = Arc::make_mut(&mut self.root);
        self.store.remove(root, score, member, at);
        while let Kids::Nodes(nodes) = &mut Arc::make_mut(&mut self.root).kids
            && nodes.len() <= 1
        {
            self.root = nodes.pop().unwrap_or_else(|| Arc::new(Inner::empty()));
        }
    }

    /// Takes a member out. Returns its score.
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let hash = self.store.hasher.hash(member);
        let (id, at) = self.locate(hash, member)?;
        let score = self.store.leaf(id).score(at);
        self.store.index.remove(hash, id);
        self.take(score, member, at);
        self.len -= 1;
        Some(score)
    }

    /// The members of some part of the index; see [`Index::scan`].
    pub(super) fn scan(&self, cursor: u64, f: &mut dyn FnMut(&[u8], f64)) -> u64 {
        self.store.index.scan(cursor, &mut |hash, id| {
            let leaf = self.store.leaf(id);
            for at in memchr::memchr_iter(tag_of(hash), leaf.tags()) {
                let member = leaf.member(at);
                if self.store.hasher.hash(member) == hash {
                    f(member, leaf.score(at));
                }
            }
        })
    }

    /// Frees about `budget` members in any order; true when only a shell is left.
    pub(super) fn free_some(&mut self, budget: usize) -> bool {
        // A piece of leaves is about 1,400 members, one of the index about 770.
        const MEMBERS_A_PIECE: usize = 1000;
        let mut left = (budget / MEMBERS_A_PIECE).max(1);
        while left > 0 {
            if !self.store.leaves.drop_piece() && !self.store.index.drop_piece() {
                return true;
            }
            left -= 1;
        }
        false
    }

    /// Checks every invariant; for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        fn walk(tree: &Tree, node: &Inner, count: &mut usize, last: &mut Option<(f64, Vec<u8>)>) {
            for at in 0..node.len() {
                let before = *count;
                if let Some((score, member)) = last
                    && at > 0
                {
                    assert!((*score, super::inner::prefix(member)) <= (node.scores[at], node.prefixes[at]));
                }
                match &node.kids {
                    Kids::Nodes(nodes) => walk(tree, &nodes[at], count, last),
                    Kids::Leaves(leaves) => {
                        let leaf = tree.store.leaf(leaves[at]);
                        if at > 0 {
                            assert!((node.scores[at], node.prefixes[at]) <= (leaf.score(0), super::inner::prefix(leaf.member(0))));
                        }
                        for (n, member) in leaf.members().enumerate() {
                            let now = (leaf.score(n), member.to_vec());
                            assert!(last.as_ref().is_none_or(|last| *last < now), "order");
                            *last = Some(now);
                            let hash = tree.store.hasher.hash(member);
                            assert!(tree.store.index.leaves(hash).any(|id| id == leaves[at]), "index");
                            *count += 1;
                        }
                    }
                }
                assert!(*count > before, "no child is empty");
                assert_eq!((*count - before) as u64, node.counts[at]);
            }
        }
        let mut count = 0;
        walk(self, &self.root, &mut count, &mut None);
        assert_eq!(count, self.len);
        assert_eq!(self.store.index.len(), self.len);
        let leaves: usize =
            (0..self.store.leaves.len()).map(|id| self.store.leaf(id as u32)).filter(|l| l.len() > 0).map(Leaf::heap_bytes).sum();
        assert_eq!(leaves, self.store.leaf_bytes);
    }
}
