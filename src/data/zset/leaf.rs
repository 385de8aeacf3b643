//! A leaf of the tree: about a hundred members in the order of (score, bytes), in one block of memory.
//!
//! Layer 1.
//!
//! ```text
//! head     u16 members, u16 places, u16 where the records begin, u16 bytes of records in use
//! tags     u8 a place          8 bits of the member's hash: a vectorised scan finds a member by name
//! offsets  u16 a place         where in the block its record is
//! scores   f64 a place         searched alone; bytes are compared for equal scores only
//! ...      free
//! records  u8 length, bytes    downwards from the end, in the order in which they came; 255, u32: element of `apart`
//! ```
//! One block is one allocation and one page of addresses or two, whatever is looked for in it. Records do not move when
//! members come and go; what removed ones leave is used when the block is laid out again. Blocks of sets with more than one
//! leaf are of one size, so that no size of the allocator runs empty while another fills.
//!
//! Invariants: no NaN; strictly ascending by (score, bytes); an element of `apart` is named by one record or empty.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::base::simd::prefetch;

use super::chunks::class;

/// What the allocator's header of a shared block takes.
const SHARED: usize = 16;
/// Sizes of blocks: with the header sizes of the allocator of which many fill its pages. A set with one leaf goes up these steps.
const SIZES: &[usize] =
    if cfg!(test) { &[256 - SHARED] } else { &[256 - SHARED, 512 - SHARED, 1024 - SHARED, 1792 - SHARED, 3584 - SHARED] };
/// Bytes of the block of a leaf that has neighbours.
pub(super) const BLOCK: usize = SIZES[SIZES.len() - 1];
/// Most members of a leaf.
const LEN_MAX: usize = 256;
/// Bytes of the head.
const HEAD: usize = 8;
/// Bytes of a place: tag, offset, score.
const PLACE: usize = 1 + 2 + 8;
/// Length that says "kept apart", which members of that many bytes and more are.
const APART: usize = if cfg!(test) { 40 } else { 255 };
/// Bytes of the record of a member that is kept apart.
const APART_RECORD: usize = 1 + 4;
/// Two leaves join if they have no more together.
const JOIN: usize = BLOCK / 4 * 3;

/// Long members; records name them by their place.
type Apart = Vec<Option<Arc<[u8]>>>;

/// Members in order.
#[derive(Clone, Default)]
pub(super) struct Leaf {
    block: Arc<[u8]>,
    #[allow(clippy::box_collection, reason = "eight bytes instead of 24 in every leaf for what few have")]
    apart: Option<Box<Apart>>,
}

/// The head of a block.
#[derive(Clone, Copy, Default)]
struct Head {
    len: usize,
    places: usize,
    /// Where the lowest record begins.
    start: usize,
    /// Bytes of records in use.
    live: usize,
}

/// The bytes of a member, or its handle.
#[derive(Clone, Copy)]
enum Text<'a> {
    In(&'a [u8]),
    Apart(&'a Arc<[u8]>),
}

/// Bytes of a member's record.
fn record_bytes(member: &[u8]) -> usize {
    if member.len() >= APART { APART_RECORD } else { 1 + member.len() }
}

/// Places come in fours.
fn places_for(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// Bytes that `len` members with `live` bytes of records need.
fn bytes_for(len: usize, live: usize) -> usize {
    HEAD + places_for(len) * PLACE + live
}

impl Leaf {
    #[inline(always)]
    fn head(&self) -> Head {
        let Some(head) = self.block.first_chunk::<HEAD>() else { return Head::default() };
        let all = u64::from_le_bytes(*head);
        let part = |at: u32| (all >> at) as usize & 0xFFFF;
        Head { len: part(0), places: part(16), start: part(32), live: part(48) }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.head().len
    }

    /// Bytes that it takes from the allocator.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let apart = self.apart.iter().flat_map(|all| all.iter().flatten());
        let apart: usize = apart.map(|member| class(member.len() + SHARED) + SHARED).sum();
        apart + if self.block.is_empty() { 0 } else { self.block.len() + SHARED }
    }

    /// Bytes in use of its block.
    #[inline]
    pub fn used(&self) -> usize {
        let head = self.head();
        bytes_for(head.len, head.live)
    }

    #[inline]
    fn scores(&self) -> &[[u8; 8]] {
        let Head { len, places, .. } = self.head();
        let start = HEAD + 3 * places;
        self.block.get(start..start + 8 * len).unwrap_or_default().as_chunks().0
    }

    #[inline]
    fn offset(&self, at: usize) -> usize {
        let place = HEAD + self.head().places + 2 * at;
        usize::from(u16::from_le_bytes([self.block[place], self.block[place + 1]]))
    }

    /// The score of the member at `at`.
    #[inline]
    pub fn score(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.scores()[at])
    }

    /// The hash tags of the members.
    #[inline]
    pub fn tags(&self) -> &[u8] {
        self.block.get(HEAD..HEAD + self.len()).unwrap_or_default()
    }

    #[inline]
    fn text(&self, at: usize) -> Text<'_> {
        let record = &self.block[self.offset(at)..];
        let len = usize::from(record[0]);
        if len < 255 {
            return Text::In(&record[1..=len]);
        }
        static NOTHING: &[u8] = &[];
        let element = record[1..].first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
        let kept = self.apart.as_ref().and_then(|all| all.get(element)?.as_ref());
        kept.map_or(Text::In(NOTHING), Text::Apart)
    }

    /// Member `at`.
    #[inline]
    pub fn member(&self, at: usize) -> &[u8] {
        match self.text(at) {
            Text::In(bytes) => bytes,
            Text::Apart(bytes) => bytes,
        }
    }

    /// All members.
    pub fn members(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.member(at))
    }

    fn ask_for(&self, bytes: Range<usize>) {
        let start = self.block.as_ptr();
        bytes.step_by(64).for_each(|at| prefetch(start.wrapping_add(at)));
    }

    /// Asks for what a search by name reads first: head, tags, offsets.
    #[inline]
    pub fn prefetch(&self) {
        // The number of places is in memory that is still on its way: about as many as in most leaves.
        self.ask_for(0..self.block.len() / 8);
    }

    /// Asks for what a search by score and a change read.
    #[inline]
    pub fn prefetch_places(&self) {
        self.ask_for(0..self.block.len() * 3 / 8);
    }

    /// Asks for score and bytes of the first member that has `tag`.
    #[inline]
    pub fn prefetch_member(&self, tag: u8) {
        if let Some(at) = memchr::memchr(tag, self.tags()) {
            let start = self.block.as_ptr();
            prefetch(start.wrapping_add(HEAD + 3 * self.head().places + 8 * at));
            prefetch(start.wrapping_add(self.offset(at)));
        }
    }

    /// Where `member` is.
    #[inline]
    pub fn find(&self, tag: u8, member: &[u8]) -> Option<usize> {
        memchr::memchr_iter(tag, self.tags()).find(|&at| self.member(at) == member)
    }

    /// The first place whose member is not below (score, member).
    pub fn position(&self, score: f64, member: &[u8]) -> usize {
        let scores = self.scores();
        let start = scores.partition_point(|s| f64::from_le_bytes(*s) < score);
        if scores.get(start).is_none_or(|s| f64::from_le_bytes(*s) != score) {
            return start;
        }
        let mut end = start + scores[start..].partition_point(|s| f64::from_le_bytes(*s) <= score);
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
        self.scores().partition_point(|s| {
            let s = f64::from_le_bytes(*s);
            if or_equal { s <= score } else { s < score }
        })
    }

    /// Whether one more member fits into a block of the largest size.
    #[inline]
    pub fn has_room(&self, member: &[u8]) -> bool {
        let head = self.head();
        head.len < LEN_MAX && bytes_for(head.len + 1, head.live + record_bytes(member)) <= BLOCK
    }

    /// Whether it should look for a neighbour to join.
    #[inline]
    pub fn is_sparse(&self) -> bool {
        self.used() < BLOCK / 4
    }

    /// Whether the two may become one.
    pub fn can_join(&self, other: &Leaf) -> bool {
        self.used() + other.used() <= JOIN && self.len() + other.len() <= LEN_MAX
    }

    /// Puts a member in at `at`, for which there is room.
    pub fn insert(&mut self, at: usize, score: f64, tag: u8, member: &[u8]) {
        let bytes = record_bytes(member);
        let head = self.head();
        if head.len == head.places || head.start < HEAD + head.places * PLACE + bytes {
            let (len, live) = (head.len + 1, head.live + bytes);
            *self = Leaf::laid_out(size_for(bytes_for(len, live)).max(self.block.len()), (len, live), &[(self, 0..head.len)]);
        }
        if member.len() >= APART {
            self.put(at, score, tag, Text::Apart(&member.into()))
        } else {
            self.put(at, score, tag, Text::In(member))
        }
    }

    fn put(&mut self, at: usize, score: f64, tag: u8, text: Text<'_>) {
        let mut head = self.head();
        let block = Arc::make_mut(&mut self.block);
        let bytes = match text {
            Text::In(member) => {
                let start = head.start - 1 - member.len();
                block[start] = member.len() as u8;
                block[start + 1..head.start].copy_from_slice(member);
                1 + member.len()
            }
            Text::Apart(member) => {
                let all = self.apart.get_or_insert_default();
                let element = all.iter().position(Option::is_none).unwrap_or_else(|| {
                    all.push(None);
                    all.len() - 1
                });
                all[element] = Some(member.clone());
                let start = head.start - APART_RECORD;
                block[start] = 255;
                block[start + 1..head.start].copy_from_slice(&(element as u32).to_le_bytes());
                APART_RECORD
            }
        };
        (head.start, head.live) = (head.start - bytes, head.live + bytes);
        let (tags, offsets, scores) = (HEAD, HEAD + head.places, HEAD + 3 * head.places);
        block.copy_within(tags + at..tags + head.len, tags + at + 1);
        block[tags + at] = tag;
        block.copy_within(offsets + 2 * at..offsets + 2 * head.len, offsets + 2 * at + 2);
        block[offsets + 2 * at..offsets + 2 * at + 2].copy_from_slice(&(head.start as u16).to_le_bytes());
        block.copy_within(scores + 8 * at..scores + 8 * head.len, scores + 8 * at + 8);
        block[scores + 8 * at..scores + 8 * at + 8].copy_from_slice(&score.to_le_bytes());
        head.len += 1;
        head.write(block);
    }

    /// Takes member `at` out.
    pub fn remove(&mut self, at: usize) {
        let mut head = self.head();
        let offset = self.offset(at);
        let block = Arc::make_mut(&mut self.block);
        let bytes = match block[offset] {
            255 => {
                let element = block[offset + 1..].first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
                if let Some(all) = &mut self.apart {
                    all[element] = None;
                    if all.iter().all(Option::is_none) {
                        self.apart = None;
                    }
                }
                APART_RECORD
            }
            len => 1 + usize::from(len),
        };
        let (tags, offsets, scores) = (HEAD, HEAD + head.places, HEAD + 3 * head.places);
        block.copy_within(tags + at + 1..tags + head.len, tags + at);
        block.copy_within(offsets + 2 * at + 2..offsets + 2 * head.len, offsets + 2 * at);
        block.copy_within(scores + 8 * at + 8..scores + 8 * head.len, scores + 8 * at);
        head.len -= 1;
        head.live -= bytes;
        if offset == head.start {
            head.start += bytes;
        }
        head.write(block);
        let need = bytes_for(head.len, head.live);
        if need * 3 < self.block.len() && self.block.len() > SIZES[0] && head.len > 0 {
            *self = Leaf::laid_out(size_for(need), (head.len, head.live), &[(self, 0..head.len)]);
        }
    }

    /// Gives member `at` another score, which stays within this leaf.
    pub fn rescore(&mut self, at: usize, score: f64) {
        let all = self.scores();
        let below = |s: &[u8; 8]| f64::from_le_bytes(*s);
        let fits_after = at == 0 || below(&all[at - 1]) < score;
        let fits_before = all.get(at + 1).is_none_or(|next| score < below(next));
        let to = if fits_after && fits_before {
            at
        } else {
            // It counts itself when it moves up.
            let to = self.position(score, self.member(at));
            if to > at { to - 1 } else { to }
        };
        let head = self.head();
        let block = Arc::make_mut(&mut self.block);
        for (start, wide) in [(HEAD, 1), (HEAD + head.places, 2), (HEAD + 3 * head.places, 8)] {
            if at < to {
                block[start + at * wide..start + (to + 1) * wide].rotate_left(wide);
            } else {
                block[start + to * wide..start + (at + 1) * wide].rotate_right(wide);
            }
        }
        let place = HEAD + 3 * head.places + 8 * to;
        block[place..place + 8].copy_from_slice(&score.to_le_bytes());
    }

    /// Whether a member with `score` stays in this leaf whatever its neighbours are.
    #[inline]
    pub fn spans(&self, score: f64) -> bool {
        match self.scores() {
            [first, .., last] => f64::from_le_bytes(*first) < score && score < f64::from_le_bytes(*last),
            _ => false,
        }
    }

    /// The members of `leaves`, which follow one another, shared out among `count` leaves by their bytes; none if that does not
    /// go up, because records are too uneven.
    pub fn spread(leaves: &[&Leaf], count: usize) -> Option<Vec<Leaf>> {
        let mut left: usize = leaves.iter().map(|leaf| leaf.len() * PLACE + leaf.head().live).sum();
        let mut rest = leaves.iter().flat_map(|leaf| (0..leaf.len()).map(move |at| (*leaf, at))).peekable();
        let mut out = Vec::with_capacity(count);
        for n in 0..count {
            let share = left / (count - n);
            let (mut taken, mut bytes) = (Vec::new(), 0);
            // What crosses the middle of a record stays on its side.
            let is_in = |(leaf, at): &(&Leaf, usize), bytes| n + 1 == count || bytes + (PLACE + leaf.record_len(*at)) / 2 < share;
            while let Some((leaf, at)) = rest.next_if(|next| is_in(next, bytes)) {
                bytes += PLACE + leaf.record_len(at);
                taken.push((leaf, at..at + 1));
            }
            left -= bytes;
            let live = bytes - taken.len() * PLACE;
            if taken.is_empty() || bytes_for(taken.len(), live) > BLOCK || taken.len() > LEN_MAX {
                return None;
            }
            out.push(Leaf::laid_out(BLOCK, (taken.len(), live), &taken));
        }
        Some(out)
    }

    fn record_len(&self, at: usize) -> usize {
        record_bytes(self.member(at))
    }

    /// A block of `size` bytes with the members of `parts`, and places in proportion for more like the first `len` with `live` bytes.
    fn laid_out(size: usize, (len, live): (usize, usize), parts: &[(&Leaf, Range<usize>)]) -> Leaf {
        let room = size - HEAD;
        let fair = room / (PLACE + live.div_ceil(len.max(1)));
        let most = (room - live) / PLACE;
        let places = (fair.min(most) / 4 * 4).max(places_for(len)).min(LEN_MAX);
        let mut block: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
        if let Some(block) = Arc::get_mut(&mut block) {
            Head { len: 0, places, start: size, live: 0 }.write(block);
        }
        let mut leaf = Leaf { block, apart: None };
        for (from, range) in parts {
            for at in range.clone() {
                leaf.put(leaf.len(), from.score(at), from.tags()[at], from.text(at));
            }
        }
        leaf
    }
}

impl Head {
    #[inline(always)]
    fn write(self, block: &mut [u8]) {
        let all = (self.len | self.places << 16 | self.start << 32 | self.live << 48) as u64;
        block[..HEAD].copy_from_slice(&all.to_le_bytes());
    }
}

/// The smallest size of a block that holds `bytes`.
fn size_for(bytes: usize) -> usize {
    SIZES.iter().copied().find(|&size| bytes <= size).unwrap_or(BLOCK)
}
