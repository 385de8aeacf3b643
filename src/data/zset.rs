//! The sorted set: members with scores, in the order of (score, member bytes).
//!
//! Layer 1. Small ones are a pack of member, score, ... ([`small`]); big ones, "skiplist" to users, a counted B+tree with a
//! hash index ([`tree`]). Everything a command asks comes down to ranks: a range of scores or of members becomes a range
//! of ranks in O(log n), and a range of ranks is walked from either end.
//!
//! Invariants: no score is NaN; a member is there once. A big one does not become small again unless its maker says so.
//!
//! Ref: redis.io/docs/latest/develop/data-types/sorted-sets

mod chunks;
mod index;
mod inner;
mod leaf;
mod range;
mod small;
mod tree;

use std::ops::Range;

use super::collection::{Collection, Hint, Limits, collection};
use super::pack::{HEAD, Item, Pack};
pub use range::{Iter, LexBound, LexRange, ScoreRange};
pub use tree::{Tree, Updated};

/// A pack longer than this is no form for a sorted set, whatever the limits say.
const PACK_MAX: usize = 1 << 20;

#[derive(Clone)]
enum Form {
    Small(Vec<u8>),
    Big(Box<Tree>),
}

/// A sorted set.
#[derive(Clone)]
pub struct Zset {
    form: Form,
}

/// A sorted set, to read.
#[derive(Clone, Copy)]
pub enum ZsetRef<'a> {
    /// member, score, ... ascending.
    Small(Pack<'a>),
    /// The tree.
    Big(&'a Tree),
}

impl Default for Zset {
    fn default() -> Zset {
        Zset { form: Form::Small(Vec::new()) }
    }
}

impl Zset {
    /// Makes ready for `count` members (those there included) of which one is `longest` bytes long: an estimate that only
    /// decides the form early.
    pub fn expect(&mut self, count: usize, longest: usize, limits: &Limits) {
        if count as u64 > limits.zset_max_listpack_entries || longest as u64 > limits.zset_max_listpack_value {
            self.grow(limits);
        }
    }

    fn grow(&mut self, limits: &Limits) {
        let Form::Small(pack) = &self.form else { return };
        let mut tree = Box::new(Tree::new(limits.seed));
        let mut digits = itoa::Buffer::new();
        let mut offset = HEAD;
        while let Some((member, score, next)) = small::at(Pack::new(pack), offset) {
            // A damaged pack could hold a member twice or out of order: the tree puts that right.
            tree.update(member.text(&mut digits), |_| Some(score));
            offset = next;
        }
        self.form = Form::Big(tree);
    }

    /// Small again if the limits allow it (results of commands that store).
    pub fn shrink(&mut self, limits: &Limits) {
        let view = self.view();
        let longest = || view.iter().map(|(member, _)| member.text(&mut itoa::Buffer::new()).len()).max().unwrap_or(0);
        let fits = view.len() as u64 <= limits.zset_max_listpack_entries && longest() as u64 <= limits.zset_max_listpack_value;
        if matches!(self.form, Form::Big(_)) && fits {
            let mut pack = Vec::new();
            for (member, score) in view.iter() {
                small::push(&mut pack, member, score);
            }
            self.form = Form::Small(pack);
        }
    }

    /// `decide` gets the score of `member`, if it is there, and says what it is to be, not NaN; `None` leaves everything as
    /// it is. One look-up.
    #[inline]
    pub fn update(&mut self, member: &[u8], limits: &Limits, decide: impl FnOnce(Option<f64>) -> Option<f64>) -> Updated {
        match &mut self.form {
            Form::Big(tree) => tree.update(member, decide),
            Form::Small(_) => self.update_small(member, limits, decide),
        }
    }

    fn update_small(&mut self, member: &[u8], limits: &Limits, decide: impl FnOnce(Option<f64>) -> Option<f64>) -> Updated {
        let Form::Small(pack) = &mut self.form else { return Updated { old: None, new: None } };
        let view = Pack::new(pack);
        let has_room = (small::len(view) as u64) < limits.zset_max_listpack_entries
            && member.len() as u64 <= limits.zset_max_listpack_value
            && pack.len() + member.len() < PACK_MAX;
        if has_room || small::find(view, member).is_some() {
            return small::update(pack, member, decide);
        }
        let new = decide(None);
        if let Some(score) = new {
            self.grow(limits);
            if let Form::Big(tree) = &mut self.form {
                tree.update(member, |_| Some(score));
            }
        }
        Updated { old: None, new }
    }

    /// Gives `member` a score, which is not NaN; adds it if it is not there.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: &Limits) -> Updated {
        self.update(member, limits, |_| Some(score))
    }

    /// Takes a member out. Returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.form {
            Form::Big(tree) => tree.remove(member),
            Form::Small(pack) => {
                let (_, rank, score) = small::find(Pack::new(pack), member)?;
                small::remove_range(pack, rank, 1);
                Some(score)
            }
        }
    }

    /// Takes out the members of these ranks, calling `f` with each before it goes. From the lowest up, or from the highest
    /// down. Returns how many.
    pub fn remove_range(&mut self, ranks: Range<usize>, from_high: bool, f: &mut dyn FnMut(Item, f64)) -> usize {
        let len = self.view().len();
        let (start, end) = (ranks.start.min(len), ranks.end.min(len));
        let count = end.saturating_sub(start);
        match &mut self.form {
            Form::Small(pack) => {
                let range = ZsetRef::Small(Pack::new(pack)).range(start..end);
                if from_high {
                    range.rev().for_each(|(m, s)| f(m, s))
                } else {
                    range.for_each(|(m, s)| f(m, s))
                }
                small::remove_range(pack, start, count);
            }
            Form::Big(tree) => {
                for n in 0..count {
                    let Some(spot) = tree.select(if from_high { end - 1 - n } else { start }) else { break };
                    let (member, score) = (spot.leaf.member(spot.at).to_vec(), spot.leaf.score(spot.at));
                    f(Item::Text(&member), score);
                    tree.remove(&member);
                }
            }
        }
        count
    }
}

impl<'a> ZsetRef<'a> {
    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            ZsetRef::Small(_) => "listpack",
            ZsetRef::Big(_) => "skiplist",
        }
    }

    /// Number of members.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            ZsetRef::Small(pack) => small::len(*pack),
            ZsetRef::Big(tree) => tree.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a member.
    #[inline]
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            ZsetRef::Small(pack) => small::find(*pack, member).map(|(_, _, score)| score),
            ZsetRef::Big(tree) => tree.score(member),
        }
    }

    /// The rank of a member, ascending, and its score.
    #[must_use]
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            ZsetRef::Small(pack) => small::find(*pack, member).map(|(_, rank, score)| (rank, score)),
            ZsetRef::Big(tree) => tree.rank(member),
        }
    }

    /// The ranks of the members whose scores are in `range`.
    #[must_use]
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        let (start, end) = match self {
            ZsetRef::Small(pack) => {
                let start = small::first(*pack, 0, |_, score| range.is_from_min(score));
                (start, small::first(*pack, start, |_, score| !range.is_to_max(score)))
            }
            ZsetRef::Big(tree) => (tree.count_below(range.min, range.min_open), tree.count_below(range.max, !range.max_open)),
        };
        start..end.max(start)
    }

    /// The ranks of the members that are in `range`; means something only where all scores are equal.
    #[must_use]
    pub fn ranks_by_lex(&self, range: &LexRange) -> Range<usize> {
        let (start, end) = match self {
            ZsetRef::Small(pack) => {
                let start = small::first(*pack, 0, |member, _| range.is_from_min(member));
                (start, small::first(*pack, start, |member, _| !range.is_to_max(member)))
            }
            ZsetRef::Big(tree) => {
                let count = |bound: LexBound, or_equal_if_open: bool| match bound {
                    LexBound::Min => 0,
                    LexBound::Max => tree.len(),
                    LexBound::Closed(member) => tree.count_before(member, !or_equal_if_open),
                    LexBound::Open(member) => tree.count_before(member, or_equal_if_open),
                };
                (count(range.min, true), count(range.max, false))
            }
        };
        start..end.max(start)
    }

    /// Members of these ranks with their scores; `rev` works.
    #[must_use]
    pub fn range(&self, ranks: Range<usize>) -> Iter<'a> {
        let len = self.len();
        Iter::new(*self, ranks.start.min(len)..ranks.end.min(len))
    }

    /// The same.
    #[must_use]
    pub fn range_by_rank(&self, ranks: Range<usize>) -> Iter<'a> {
        self.range(ranks)
    }

    /// Members with scores in `range`.
    #[must_use]
    pub fn range_by_score(&self, range: &ScoreRange) -> Iter<'a> {
        self.range(self.ranks_by_score(range))
    }

    /// Members in `range`, where all scores are equal.
    #[must_use]
    pub fn range_by_lex(&self, range: &LexRange) -> Iter<'a> {
        self.range(self.ranks_by_lex(range))
    }

    /// All members, ascending.
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        self.range(0..self.len())
    }

    /// The member of rank `rank`.
    #[must_use]
    pub fn get(&self, rank: usize) -> Option<(Item<'a>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// Calls `f` with about `count` members and returns the cursor to go on with, 0 at the end. A member that is there from
    /// the first call to the last is met at least once.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut dyn FnMut(&[u8], f64)) -> u64 {
        match self {
            ZsetRef::Small(_) => {
                let mut digits = itoa::Buffer::new();
                self.iter().for_each(|(member, score)| f(member.text(&mut digits), score));
                0
            }
            ZsetRef::Big(tree) => {
                let (mut cursor, mut met, mut steps) = (cursor, 0, 0);
                loop {
                    cursor = tree.scan(cursor, &mut |member, score| {
                        met += 1;
                        f(member, score);
                    });
                    steps += 1;
                    if cursor == 0 || met >= count || steps >= count {
                        return cursor;
                    }
                }
            }
        }
    }
}

impl Collection for Zset {
    collection!(Zset);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = ZsetRef<'a>;

    #[inline]
    fn view(&self) -> ZsetRef<'_> {
        match &self.form {
            Form::Small(pack) => ZsetRef::Small(Pack::new(pack)),
            Form::Big(tree) => ZsetRef::Big(tree),
        }
    }
    #[inline]
    fn view_pack(pack: &[u8]) -> ZsetRef<'_> {
        ZsetRef::Small(Pack::new(pack))
    }
    fn from_pack(pack: Vec<u8>) -> Self {
        Zset { form: Form::Small(pack) }
    }
    fn as_pack(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Small(pack) => Some(pack),
            Form::Big(_) => None,
        }
    }
    #[inline]
    fn prefetch(&self, hint: &mut Hint, depth: u32) {
        if let Form::Big(big) = &self.form {
            big.prefetch(hint.element, depth);
        }
    }

    fn is_gone(&self) -> bool {
        self.view().is_empty()
    }
    fn bytes(&self) -> usize {
        match &self.form {
            Form::Small(pack) => pack.capacity(),
            Form::Big(tree) => tree.bytes() + size_of::<Tree>(),
        }
    }
    fn free_some(&mut self, budget: usize) -> bool {
        match &mut self.form {
            Form::Small(_) => true,
            Form::Big(tree) => tree.free_some(budget),
        }
    }
}

#[cfg(test)]
mod tests;
