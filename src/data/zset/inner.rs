//! An inner node of the tree: for each of up to 64 children the bound below it and the number of members in it.
//!
//! Layer 1. A bound is (score, first 16 bytes of a member): not below any member before the child, not above any in it.
//! It decides almost every search without touching a leaf; where it is equal to what is searched, the first member of
//! the child decides.
//!
//! Invariants: the four arrays are of one length; no child is empty; the bound of the first child is never looked at
//! (it stands in the parent) and is set again when nodes join.

use std::sync::Arc;

/// Most children of a node.
pub(super) const FAN_MAX: usize = if cfg!(test) { 6 } else { 64 };
const FAN_MIN: usize = FAN_MAX / 4;
const FAN_JOIN: usize = FAN_MAX * 3 / 4;

/// What a child is.
#[derive(Clone)]
pub(super) enum Kids {
    /// Numbers of leaves.
    Leaves(Vec<u32>),
    Nodes(Vec<Arc<Inner>>),
}

/// The bound below a child.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    /// The score.
    pub score: f64,
    /// The first 16 bytes of the member; see [`prefix`].
    pub prefix: u128,
}

impl Bound {
    /// The bound at this score and member.
    pub fn of(score: f64, member: &[u8]) -> Bound {
        Bound { score, prefix: prefix(member) }
    }
}

/// The first 16 bytes as a number that orders like them; short members count as followed by zeros.
#[inline]
pub(super) fn prefix(member: &[u8]) -> u128 {
    match member.first_chunk::<16>() {
        Some(head) => u128::from_be_bytes(*head),
        None => {
            let mut head = [0; 16];
            head[..member.len()].copy_from_slice(member);
            u128::from_be_bytes(head)
        }
    }
}

/// A node.
#[derive(Clone)]
pub(super) struct Inner {
    /// Scores of the bounds.
    pub scores: Vec<f64>,
    /// First bytes of the bounds.
    pub prefixes: Vec<u128>,
    /// Members below each child.
    pub counts: Vec<u64>,
    /// The children.
    pub kids: Kids,
}

impl Inner {
    /// A node of leaves without any.
    pub fn empty() -> Inner {
        Inner { scores: Vec::new(), prefixes: Vec::new(), counts: Vec::new(), kids: Kids::Leaves(Vec::new()) }
    }

    /// A root over two nodes.
    pub fn over(left: Arc<Inner>, bound: Bound, right: Arc<Inner>) -> Inner {
        let counts = vec![left.total(), right.total()];
        let scores = vec![f64::NEG_INFINITY, bound.score];
        Inner { scores, prefixes: vec![0, bound.prefix], counts, kids: Kids::Nodes(vec![left, right]) }
    }

    /// Number of children.
    #[inline]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Members below it.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Members below the first `n` children.
    #[inline]
    pub fn total_before(&self, n: usize) -> u64 {
        self.counts[..n].iter().sum()
    }

    /// Whether it has too few children to stay alone.
    pub fn is_sparse(&self) -> bool {
        self.len() < FAN_MIN
    }

    /// The child that has the `rank`-th member below this node, and the rank in it.
    #[inline]
    pub fn child_of_rank(&self, mut rank: u64) -> (usize, u64) {
        for (at, &count) in self.counts.iter().enumerate() {
            if rank < count {
                return (at, rank);
            }
            rank -= count;
        }
        (self.len().saturating_sub(1), rank)
    }

    /// The child for (score, member). `is_after(child)`: whether the first member of a child is not above what is
    /// searched; asked only where its bound says equal.
    #[inline]
    pub fn child_of(&self, score: f64, member: &[u8], is_after: impl Fn(usize) -> bool) -> usize {
        let bounds = self.scores.get(1..).unwrap_or_default();
        let low = bounds.partition_point(|&s| s < score);
        if bounds.get(low) != Some(&score) {
            return low;
        }
        let high = low + bounds[low..].partition_point(|&s| s <= score);
        self.child_of_prefix(low, high, prefix(member), is_after)
    }

    /// The same by the member alone, among children `low` + 1 to `high`.
    pub fn child_of_prefix(&self, low: usize, high: usize, prefix: u128, is_after: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = usize::midpoint(low, high);
            let bound = self.prefixes[middle + 1];
            if bound < prefix || (bound == prefix && is_after(middle + 1)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The child in which the members with scores below `score` (or not above it) end.
    pub fn child_of_score(&self, score: f64, or_equal: bool) -> usize {
        let bounds = self.scores.get(1..).unwrap_or_default();
        bounds.partition_point(|&s| if or_equal { s <= score } else { s < score })
    }

    fn insert_bound(&mut self, at: usize, bound: Bound, count: u64) {
        self.scores.insert(at, bound.score);
        self.prefixes.insert(at, bound.prefix);
        self.counts.insert(at, count);
    }

    /// The number of the leaf that is child `at`.
    #[inline]
    pub fn leaf_at(&self, at: usize) -> Option<u32> {
        match &self.kids {
            Kids::Leaves(leaves) => leaves.get(at).copied(),
            Kids::Nodes(_) => None,
        }
    }

    /// Sets the bound below child `at`.
    pub fn set_bound(&mut self, at: usize, bound: Bound) {
        self.scores[at] = bound.score;
        self.prefixes[at] = bound.prefix;
    }

    /// Adds a leaf as child `at`.
    pub fn insert_leaf(&mut self, at: usize, bound: Bound, count: u64, leaf: u32) {
        if let Kids::Leaves(leaves) = &mut self.kids {
            leaves.insert(at, leaf);
            self.insert_bound(at, bound, count);
        }
    }

    /// Adds a node as child `at`; child `at` - 1 is what it came from.
    pub fn insert_node(&mut self, at: usize, bound: Bound, node: Arc<Inner>) {
        let count = node.total();
        if let Kids::Nodes(nodes) = &mut self.kids {
            nodes.insert(at, node);
            self.counts[at - 1] -= count;
            self.insert_bound(at, bound, count);
        }
    }

    /// Takes child `at` out. The one after it keeps its own bound, unless `keeps_bound`: then it gets the bound of the
    /// one that went.
    pub fn remove(&mut self, at: usize, keeps_bound: bool) {
        let gone = if keeps_bound { at + 1 } else { at };
        self.scores.remove(gone);
        self.prefixes.remove(gone);
        self.counts.remove(at);
        match &mut self.kids {
            Kids::Leaves(leaves) => drop(leaves.remove(at)),
            Kids::Nodes(nodes) => drop(nodes.remove(at)),
        }
    }

    /// Takes out the children from `cut` on; the bound below them comes along.
    pub fn split_off(&mut self, cut: usize) -> (Bound, Arc<Inner>) {
        let bound = Bound { score: self.scores[cut], prefix: self.prefixes[cut] };
        let kids = match &mut self.kids {
            Kids::Leaves(leaves) => Kids::Leaves(leaves.split_off(cut)),
            Kids::Nodes(nodes) => Kids::Nodes(nodes.split_off(cut)),
        };
        let (scores, prefixes) = (self.scores.split_off(cut), self.prefixes.split_off(cut));
        let right = Inner { scores, prefixes, counts: self.counts.split_off(cut), kids };
        (bound, Arc::new(right))
    }

    /// Joins child `at` + 1, a node, into child `at` if the two are small enough.
    pub fn join_nodes(&mut self, at: usize) -> bool {
        let bound = match (self.scores.get(at + 1), self.prefixes.get(at + 1)) {
            (Some(&score), Some(&prefix)) => Bound { score, prefix },
            _ => return false,
        };
        let Kids::Nodes(nodes) = &mut self.kids else { return false };
        if nodes[at].len() + nodes[at + 1].len() > FAN_JOIN {
            return false;
        }
        let right = Arc::unwrap_or_clone(nodes.remove(at + 1));
        Arc::make_mut(&mut nodes[at]).append(right, bound);
        let count = self.counts.remove(at + 1);
        self.counts[at] += count;
        self.scores.remove(at + 1);
        self.prefixes.remove(at + 1);
        true
    }

    fn append(&mut self, mut right: Inner, bound: Bound) {
        if let Some(first) = right.scores.first_mut() {
            *first = bound.score;
        }
        if let Some(first) = right.prefixes.first_mut() {
            *first = bound.prefix;
        }
        self.scores.append(&mut right.scores);
        self.prefixes.append(&mut right.prefixes);
        self.counts.append(&mut right.counts);
        match (&mut self.kids, &mut right.kids) {
            (Kids::Leaves(left), Kids::Leaves(right)) => left.append(right),
            (Kids::Nodes(left), Kids::Nodes(right)) => left.append(right),
            // Nodes of one parent are of one height.
            _ => debug_assert!(false, "unequal heights"),
        }
    }
}
