//! Ranges of scores and of members, and the walk over ranks.
//!
//! Layer 1. A walk over a big set goes along a leaf and finds the next one by its rank: one descent for a hundred members.

use std::ops::Range;

use super::{ZsetRef, leaf::Leaf, small, tree::Tree};
use crate::data::pack::{HEAD, Item, Pack};

/// From `min` to `max`, either of which may be left out itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// Lowest score.
    pub min: f64,
    /// Highest score.
    pub max: f64,
    /// `min` itself does not belong to it.
    pub min_open: bool,
    /// `max` itself does not belong to it.
    pub max_open: bool,
}

impl ScoreRange {
    /// Whether `score` is not below the range.
    #[inline]
    #[must_use]
    pub fn is_from_min(&self, score: f64) -> bool {
        if self.min_open { score > self.min } else { score >= self.min }
    }

    /// Whether `score` is not above the range.
    #[inline]
    #[must_use]
    pub fn is_to_max(&self, score: f64) -> bool {
        if self.max_open { score < self.max } else { score <= self.max }
    }
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before every member.
    Min,
    /// After every member.
    Max,
    /// This member, which belongs to the range.
    Closed(&'a [u8]),
    /// This member, which does not.
    Open(&'a [u8]),
}

/// A range of members by their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// Where it begins.
    pub min: LexBound<'a>,
    /// Where it ends.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether `member` is not before the range.
    #[must_use]
    pub fn is_from_min(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Min => true,
            LexBound::Max => false,
            LexBound::Closed(min) => member >= min,
            LexBound::Open(min) => member > min,
        }
    }

    /// Whether `member` is not behind the range.
    #[must_use]
    pub fn is_to_max(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Min => false,
            LexBound::Max => true,
            LexBound::Closed(max) => member <= max,
            LexBound::Open(max) => member < max,
        }
    }
}

/// Where one end of a walk stands in a leaf: the next member is `at` (walking up) or `at` - 1 (walking down).
#[derive(Clone, Copy)]
struct Place<'a> {
    leaf: &'a Leaf,
    at: usize,
}

#[derive(Clone)]
enum Walk<'a> {
    Small { pack: Pack<'a>, front: usize, back: usize },
    Big { tree: &'a Tree, front: Option<Place<'a>>, back: Option<Place<'a>> },
}

/// Members of a range of ranks with their scores.
#[derive(Clone)]
pub struct Iter<'a> {
    ranks: Range<usize>,
    walk: Walk<'a>,
}

impl<'a> Iter<'a> {
    pub(super) fn new(zset: ZsetRef<'a>, ranks: Range<usize>) -> Iter<'a> {
        let walk = match zset {
            ZsetRef::Big(tree) => Walk::Big { tree, front: None, back: None },
            ZsetRef::Small(pack) => {
                let all = 0..small::len(pack);
                let seek = |rank: usize, end| if rank >= all.end { end } else { pack.seek(rank as i64 * 2).unwrap_or(end) };
                let end = pack.bytes().len();
                let front = if ranks.start == 0 { HEAD } else { seek(ranks.start, end) };
                Walk::Small { pack, front, back: seek(ranks.end, end) }
            }
        };
        Iter { ranks, walk }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Item<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<(Item<'a>, f64)> {
        if self.ranks.start >= self.ranks.end {
            return None;
        }
        let rank = self.ranks.start;
        self.ranks.start += 1;
        match &mut self.walk {
            Walk::Small { pack, front, .. } => {
                let (member, score, next) = small::at(*pack, *front)?;
                *front = next;
                Some((member, score))
            }
            Walk::Big { tree, front, .. } => {
                let place = match front {
                    Some(place) if place.at < place.leaf.len() => place,
                    _ => {
                        let spot = tree.select(rank)?;
                        front.insert(Place { leaf: spot.leaf, at: spot.at })
                    }
                };
                let (leaf, at) = (place.leaf, place.at);
                place.at = at + 1;
                Some((Item::Text(leaf.member(at)), leaf.score(at)))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.ranks.len();
        (len, Some(len))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<(Item<'a>, f64)> {
        if self.ranks.start >= self.ranks.end {
            return None;
        }
        self.ranks.end -= 1;
        let rank = self.ranks.end;
        match &mut self.walk {
            Walk::Small { pack, back, .. } => {
                let score = pack.before(*back)?;
                *back = pack.before(score)?;
                let (member, score, _) = small::at(*pack, *back)?;
                Some((member, score))
            }
            Walk::Big { tree, back, .. } => {
                let place = match back {
                    Some(place) if place.at > 0 => place,
                    _ => {
                        let spot = tree.select(rank)?;
                        back.insert(Place { leaf: spot.leaf, at: spot.at + 1 })
                    }
                };
                let (leaf, at) = (place.leaf, place.at - 1);
                place.at = at;
                Some((Item::Text(leaf.member(at)), leaf.score(at)))
            }
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
