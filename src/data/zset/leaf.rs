//! A leaf of the tree: up to 124 members in the order of (score, bytes), packed.
//!
//! Layer 1.
//!
//! ```text
//! tags    u8 a member        8 bits of its hash: a vectorised scan finds a member by name
//! lens    u8 a member        bytes of the member, 255 = kept apart
//! scores  f64 a member       searched alone; bytes are compared for equal scores only
//! bytes   the members one after the other in order; where one begins is the sum of the lengths before it
//! apart   members of 255 bytes and more, in order
//! ```
//! Tags and lengths lie in the leaf itself, so that a look-up waits for two places in memory, not three; 124 of them fill
//! one of the allocator's sizes, 320 bytes.
//!
//! Invariants: the first `len` tags and lengths mean something; no NaN; strictly ascending by (score, bytes); `apart` has as many
//! elements as `lens` has 255s. Memory is taken in the allocator's own sizes, so nothing is reserved that it did not give.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::base::simd::prefetch;

use super::chunks::{class, exact, make_room, trim};

/// Most members of a leaf.
pub(super) const LEN_MAX: usize = if cfg!(test) { 8 } else { 124 };
/// A leaf with this many bytes of members takes no more.
pub(super) const BYTES_MAX: usize = if cfg!(test) { 160 } else { 8192 };
/// A leaf with fewer members looks for a neighbour to join.
pub(super) const LEN_MIN: usize = LEN_MAX / 4;
/// Two leaves join if they have no more together.
const JOIN_LEN: usize = LEN_MAX * 3 / 4;
const JOIN_BYTES: usize = BYTES_MAX / 4 * 3;
/// Length that says "kept apart".
const APART: u8 = 255;

/// Members in order.
#[derive(Clone)]
pub(super) struct Leaf {
    tags: [u8; LEN_MAX],
    lens: [u8; LEN_MAX],
    scores: Vec<f64>,
    bytes: Vec<u8>,
    #[allow(clippy::box_collection, reason = "eight bytes instead of 24 in every leaf for what few have")]
    apart: Option<Box<Vec<Arc<[u8]>>>>,
}

fn sum(lens: &[u8]) -> usize {
    usize::from(lens.iter().fold(0u16, |sum, &len| sum.wrapping_add(u16::from(len))))
}

fn count_apart(lens: &[u8]) -> usize {
    lens.iter().filter(|&&len| len == APART).count()
}

/// Members that leaf `id` may have: not the same for all, because scores that come in a regular pattern fill all leaves
/// alike. They would grow through the allocator's sizes in step, and what one size leaves is of no use to the next.
fn limit_of(id: u32) -> usize {
    const SPREAD: usize = LEN_MAX / 4;
    LEN_MAX - (id.wrapping_mul(0x9E37_79B1) >> 16) as usize % (SPREAD + 1)
}

/// Puts a byte at `at`; those from there on move up, the last one is lost.
fn put(bytes: &mut [u8; LEN_MAX], at: usize, byte: u8) {
    bytes.copy_within(at..LEN_MAX - 1, at + 1);
    bytes[at] = byte;
}

impl Default for Leaf {
    fn default() -> Leaf {
        Leaf::EMPTY
    }
}

impl Leaf {
    /// A leaf without members.
    pub const EMPTY: Leaf = Leaf { tags: [0; LEN_MAX], lens: [0; LEN_MAX], scores: Vec::new(), bytes: Vec::new(), apart: None };

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Bytes that it takes from the allocator, itself included.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let packed = self.scores.capacity() * 8 + self.bytes.capacity();
        let apart = self.apart.iter().flat_map(|apart| apart.iter()).map(|member| class(member.len() + 16) + 16).sum::<usize>();
        packed + apart + size_of::<Leaf>() + 16
    }

    /// The score of the member at `at`.
    #[inline]
    pub fn score(&self, at: usize) -> f64 {
        self.scores[at]
    }

    /// The hash tag of a member.
    #[inline]
    pub fn tags(&self) -> &[u8] {
        &self.tags[..self.len()]
    }

    /// Where the bytes of member `at` begin, and how many are kept apart before it.
    #[inline]
    pub fn offset(&self, at: usize) -> (usize, usize) {
        let before = &self.lens[..at];
        if self.apart.is_none() {
            return (sum(before), 0);
        }
        let apart = count_apart(before);
        (sum(before) - apart * usize::from(APART), apart)
    }

    /// Member `at`, whose place is `place`, as `offset` tells it, and the place behind it.
    #[inline]
    pub fn member_at(&self, at: usize, place: (usize, usize)) -> (&[u8], (usize, usize)) {
        let (offset, apart) = place;
        match self.lens[at] {
            APART => (self.apart.as_ref().map_or(&[], |all| &all[apart]), (offset, apart + 1)),
            len => (&self.bytes[offset..offset + usize::from(len)], (offset + usize::from(len), apart)),
        }
    }

    /// The place before that of member `at` + 1.
    #[inline]
    pub fn place_before(&self, at: usize, place: (usize, usize)) -> (usize, usize) {
        match self.lens[at] {
            APART => (place.0, place.1 - 1),
            len => (place.0 - usize::from(len), place.1),
        }
    }

    /// Member `at`.
    #[inline]
    pub fn member(&self, at: usize) -> &[u8] {
        self.member_at(at, self.offset(at)).0
    }

    /// All members with their tags.
    pub fn members(&self) -> impl Iterator<Item = &[u8]> {
        let mut place = (0, 0);
        (0..self.len()).map(move |at| {
            let (member, next) = self.member_at(at, place);
            place = next;
            member
        })
    }

    /// Asks for the memory that a search by score will read.
    #[inline]
    fn prefetch_scores(&self) {
        let start = self.scores.as_ptr();
        (0..self.scores.len()).step_by(8).for_each(|at| prefetch(start.wrapping_add(at)));
    }

    /// Asks for the leaf itself, so that its lines come side by side.
    #[inline]
    pub fn prefetch(&self) {
        let start = std::ptr::from_ref(self).cast::<u8>();
        (0..size_of::<Leaf>()).step_by(64).for_each(|at| prefetch(start.wrapping_add(at)));
    }

    /// Asks for score and bytes of the first member that has `tag`.
    #[inline]
    pub fn prefetch_member(&self, tag: u8) {
        if let Some(at) = memchr::memchr(tag, self.tags()) {
            prefetch(self.scores.as_ptr().wrapping_add(at));
            prefetch(self.bytes.as_ptr().wrapping_add(sum(&self.lens[..at])));
        }
    }

    /// Where `member` is.
    #[inline]
    pub fn find(&self, tag: u8, member: &[u8]) -> Option<usize> {
        let len = member.len().min(usize::from(APART)) as u8;
        memchr::memchr_iter(tag, self.tags()).find(|&at| {
            // The score is asked next: it comes while the bytes do.
            prefetch(self.scores.as_ptr().wrapping_add(at));
            self.lens[at] == len && self.member(at) == member
        })
    }

    /// The first place whose member is not below (score, member).
    pub fn position(&self, score: f64, member: &[u8]) -> usize {
        self.prefetch_scores();
        let start = self.scores.partition_point(|&s| s < score);
        if self.scores.get(start) != Some(&score) {
            return start;
        }
        let mut end = start + self.scores[start..].partition_point(|&s| s <= score);
        let mut start = start;
        while start < end {
            let middle = usize::midpoint(start, end);
            match self.member(middle).cmp(member) {
                Ordering::Less => start = middle + 1,
                _ => end = middle,
            }
        }
        start
    }

    /// Number of scores below `score`, or not above it.
    pub fn count_below(&self, score: f64, or_equal: bool) -> usize {
        self.scores.partition_point(|&s| if or_equal { s <= score } else { s < score })
    }

    /// Whether it should be split before `more` bytes come in.
    #[inline]
    pub fn is_full(&self, id: u32, more: usize) -> bool {
        let more = if more >= usize::from(APART) { 0 } else { more };
        self.len() >= limit_of(id) || (self.len() >= 2 && self.bytes.len() + more > BYTES_MAX)
    }

    /// Whether the two may become one.
    pub fn can_join(&self, other: &Leaf) -> bool {
        self.len() + other.len() <= JOIN_LEN && self.bytes.len() + other.bytes.len() <= JOIN_BYTES
    }

    /// Puts a member at `at`.
    pub fn insert(&mut self, at: usize, score: f64, tag: u8, member: &[u8]) {
        let (offset, apart) = self.offset(at);
        make_room(&mut self.scores, 1);
        self.scores.insert(at, score);
        let is_apart = member.len() >= usize::from(APART);
        put(&mut self.tags, at, tag);
        put(&mut self.lens, at, if is_apart { APART } else { member.len() as u8 });
        if is_apart {
            self.apart.get_or_insert_default().insert(apart, member.into());
            return;
        }
        let old = self.bytes.len();
        make_room(&mut self.bytes, member.len());
        // The tail moves by the length of the member: written twice, moved once.
        self.bytes.extend_from_slice(member);
        if offset < old {
            self.bytes.copy_within(offset..old, offset + member.len());
            self.bytes[offset..offset + member.len()].copy_from_slice(member);
        }
    }

    /// Takes member `at` out.
    pub fn remove(&mut self, at: usize) {
        let (offset, apart) = self.offset(at);
        match self.lens[at] {
            APART => {
                if let Some(all) = &mut self.apart {
                    all.remove(apart);
                    if all.is_empty() {
                        self.apart = None;
                    }
                }
            }
            len => {
                let len = usize::from(len);
                self.bytes.copy_within(offset + len.., offset);
                self.bytes.truncate(self.bytes.len() - len);
                trim(&mut self.bytes);
            }
        }
        self.scores.remove(at);
        self.tags.copy_within(at + 1.., at);
        self.lens.copy_within(at + 1.., at);
        trim(&mut self.scores);
    }

    /// Gives member `at` another score, which stays within this leaf.
    pub fn rescore(&mut self, at: usize, score: f64) {
        let fits_after = at == 0 || self.scores[at - 1] < score;
        let fits_before = self.scores.get(at + 1).is_none_or(|&next| score < next);
        if fits_after && fits_before {
            self.scores[at] = score;
            return;
        }
        let (tag, member) = (self.tags[at], self.member(at).to_vec());
        self.remove(at);
        let at = self.position(score, &member);
        self.insert(at, score, tag, &member);
    }

    /// Whether a member with `score` stays in this leaf whatever its neighbours are.
    #[inline]
    pub fn spans(&self, score: f64) -> bool {
        matches!((self.scores.first(), self.scores.last()), (Some(&first), Some(&last)) if first < score && score < last)
    }

    /// Takes out the members from `cut` on.
    pub fn split_off(&mut self, cut: usize) -> Leaf {
        let (offset, apart) = self.offset(cut);
        let mut right = self.part(cut, self.len(), offset, self.bytes.len());
        let mut left = self.part(0, cut, 0, offset);
        if let Some(mut all) = self.apart.take() {
            let tail = all.split_off(apart);
            right.apart = (!tail.is_empty()).then(|| Box::new(tail));
            left.apart = (!all.is_empty()).then_some(all);
        }
        *self = left;
        right
    }

    fn part(&self, from: usize, to: usize, first: usize, last: usize) -> Leaf {
        let mut part = Leaf { scores: exact(&[&self.scores[from..to]]), bytes: exact(&[&self.bytes[first..last]]), ..Leaf::EMPTY };
        part.tags[..to - from].copy_from_slice(&self.tags[from..to]);
        part.lens[..to - from].copy_from_slice(&self.lens[from..to]);
        part
    }

    /// The members of both, which follow one another.
    pub fn joined(left: &Leaf, right: &Leaf) -> Leaf {
        let apart: Vec<Arc<[u8]>> = left.apart.iter().chain(&right.apart).flat_map(|all| all.iter().cloned()).collect();
        let (middle, len) = (left.len(), left.len() + right.len());
        let mut joined = Leaf {
            tags: left.tags,
            lens: left.lens,
            scores: exact(&[&left.scores, &right.scores]),
            bytes: exact(&[&left.bytes, &right.bytes]),
            apart: (!apart.is_empty()).then(|| Box::new(apart)),
        };
        joined.tags[middle..len].copy_from_slice(right.tags());
        joined.lens[middle..len].copy_from_slice(&right.lens[..right.len()]);
        joined
    }
}
