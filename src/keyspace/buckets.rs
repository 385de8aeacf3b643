//! The memory of the index: 64-byte buckets, and the heap in which a table's buckets lie side by side.
//!
//! ```text
//! bucket    u32 meta { 10 bits lanes in use | 6 bits overflow | 16 bits snapshot epoch }
//!           10 x u16 tag | 10 x u32 entry reference                     = one cache line
//! table     1..=90 buckets in a row; sizes 1..=16, then about an eighth more each time
//! block     32 KiB of tables of one size; a size's tables fill its blocks without a gap
//! ```
//!
//! Where it sits: under `table.rs`, which knows what tags and references mean.
//!
//! Invariants
//! - The tables of one size are dense: freeing one moves the last one into the hole and tells whose it was. A keyspace
//!   that grows passes every table through many sizes; without this the outgrown sizes would keep 3 to 4 bytes a key.
//! - `overflow` counts the entries that passed this bucket by because it was full; at 63 it stays there until the table
//!   is built anew. A search ends at the first bucket whose count is 0.
//! - Any unit number inside the mapping is a readable bucket, whatever it holds.
#![allow(unsafe_code)]

use crate::base::arena::{Collapse, HugeChunks, Mapping};
use crate::base::simd::{LANES, match_tags, prefetch};

/// Most buckets in one table.
pub const BUCKETS_MAX: usize = 90;
const BLOCK_BUCKETS: usize = 512;
const BUCKET_BYTES: usize = 64;
/// Empty blocks that keep their memory: 8 * 32 KiB.
const SPARE_BLOCKS: usize = 8;
const PRESENT: u32 = (1 << LANES) - 1;
const OVERFLOW_SHIFT: u32 = 10;
const OVERFLOW_MAX: u32 = 63;
const EPOCH_SHIFT: u32 = 16;

/// The sizes a table may have, in buckets.
const SIZES: [u8; 31] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 27, 30, 33, 37, 42, 47, 53, 60, 68, 78, 90];

/// Ten entries of the index.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Bucket {
    meta: u32,
    /// Sixteen hash bits of each entry.
    pub tags: [u16; LANES],
    /// The entries; meaningful where the lane is in use.
    pub refs: [u32; LANES],
}

impl Bucket {
    /// Lanes in use whose tag is `tag`, as a bit mask.
    #[inline]
    #[must_use]
    pub fn matching(&self, tag: u16) -> u32 {
        match_tags(&self.tags, tag) & self.meta & PRESENT
    }

    /// Lanes in use, as a bit mask.
    #[inline]
    #[must_use]
    pub fn present(&self) -> u32 {
        self.meta & PRESENT
    }

    /// The first lane not in use.
    #[inline]
    #[must_use]
    pub fn free_lane(&self) -> Option<usize> {
        let free = !self.meta & PRESENT;
        (free != 0).then(|| free.trailing_zeros() as usize)
    }

    /// Whether some entry went on to the next bucket.
    #[inline]
    #[must_use]
    pub fn has_overflow(&self) -> bool {
        self.meta & (OVERFLOW_MAX << OVERFLOW_SHIFT) != 0
    }

    /// One more entry passed by.
    #[inline]
    pub fn add_overflow(&mut self) {
        if (self.meta >> OVERFLOW_SHIFT) & OVERFLOW_MAX < OVERFLOW_MAX {
            self.meta += 1 << OVERFLOW_SHIFT;
        }
    }

    /// One entry that passed by is gone.
    #[inline]
    pub fn drop_overflow(&mut self) {
        let count = (self.meta >> OVERFLOW_SHIFT) & OVERFLOW_MAX;
        if count > 0 && count < OVERFLOW_MAX {
            self.meta -= 1 << OVERFLOW_SHIFT;
        }
    }

    /// The epoch of the snapshot for which this bucket was handed out last.
    #[inline]
    #[must_use]
    pub fn epoch(&self) -> u16 {
        (self.meta >> EPOCH_SHIFT) as u16
    }

    /// Remembers that the bucket was handed out.
    #[inline]
    pub fn set_epoch(&mut self, epoch: u16) {
        self.meta = (self.meta & 0xFFFF) | (u32::from(epoch) << EPOCH_SHIFT);
    }

    /// Puts an entry into a lane.
    #[inline]
    pub fn fill(&mut self, lane: usize, tag: u16, entry: u32) {
        if lane < LANES {
            self.tags[lane] = tag;
            self.refs[lane] = entry;
            self.meta |= 1 << lane;
        }
    }

    /// Empties a lane.
    #[inline]
    pub fn clear(&mut self, lane: usize) {
        if lane < LANES {
            self.meta &= !(1 << lane);
        }
    }

    /// The entries as (tag, reference).
    pub fn entries(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        let present = self.present();
        (0..LANES).filter(move |lane| present & (1 << lane) != 0).map(|lane| (self.tags[lane], self.refs[lane]))
    }
}

/// Whose table it is: the root it hangs on and the first 32 hash bits of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Number of the space (database storage).
    pub space: u32,
    /// Index of the slot's root in it.
    pub root: u32,
    /// Upper half of the first hash of the table's range.
    pub prefix: u32,
}

#[derive(Default)]
struct Class {
    blocks: Vec<u32>,
    len: usize,
    /// Owners of the tables of each block: a growing keyspace passes every class by, so none of them gets room for all tables at once.
    owners: Vec<Vec<(u32, u32)>>,
}

/// All tables of one core. See the file's head.
pub struct BucketHeap {
    map: Mapping,
    classes: Vec<Class>,
    /// Position of a block among its class's blocks.
    position: Vec<u32>,
    free_blocks: Vec<u32>,
    /// How many of the first free blocks have been given back to the system.
    cold: usize,
    buckets: usize,
    huge: HugeChunks,
}

impl BucketHeap {
    /// An empty heap with `bytes` of address space.
    #[must_use]
    pub fn new(bytes: usize) -> BucketHeap {
        BucketHeap {
            map: Mapping::reserve(bytes),
            classes: (0..SIZES.len()).map(|_| Class::default()).collect(),
            // Block 0 is never used, so that unit 0 can mean "no table".
            position: vec![0],
            free_blocks: Vec::new(),
            cold: 0,
            buckets: 0,
            huge: HugeChunks::default(),
        }
    }

    /// Bytes of all live tables.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.buckets * BUCKET_BYTES
    }

    /// The next full chunk to be backed by a huge page.
    pub fn next_huge(&mut self) -> Option<Collapse> {
        let (filled, has_cold) = (self.position.len() * BLOCK_BUCKETS * BUCKET_BYTES, self.cold > 0);
        self.huge.next(&self.map, filled, |_, _| has_cold)
    }

    /// Bytes of bookkeeping beside the buckets.
    #[must_use]
    pub fn side_bytes(&self) -> usize {
        let owners: usize = self
            .classes
            .iter()
            .map(|c| c.owners.iter().map(|o| o.capacity() * 8).sum::<usize>() + c.owners.capacity() * 24 + c.blocks.capacity() * 4)
            .sum();
        owners + (self.position.capacity() + self.free_blocks.capacity()) * 4
    }

    /// Whether tables of together `buckets` buckets can still be made, however they split over the sizes.
    #[must_use]
    pub fn room_for(&self, buckets: usize) -> bool {
        let blocks = self.map.len() / (BLOCK_BUCKETS * BUCKET_BYTES) - self.position.len() + self.free_blocks.len();
        // A block may be a sixth unused, and every size may open one; a table that grows is there twice for a moment.
        blocks > buckets / (BLOCK_BUCKETS * 5 / 6) + 2 * SIZES.len()
    }

    /// A table of `len` buckets (one of SIZES), all empty with that epoch; `None` when the heap is full.
    pub fn alloc(&mut self, len: usize, epoch: u16, owner: Owner) -> Option<u32> {
        let class_number = class_of(len);
        let per_block = BLOCK_BUCKETS / len;
        let class = self.classes.get_mut(class_number)?;
        let index = class.len;
        if index / per_block == class.blocks.len() {
            let block = take_block(&self.map, &mut self.free_blocks, &mut self.cold, &mut self.position)?;
            self.position[block as usize] = class.blocks.len() as u32;
            class.blocks.push(block);
            class.owners.push(Vec::with_capacity(per_block));
        }
        class.len += 1;
        class.owners.last_mut()?.push((pack_root(owner), owner.prefix));
        let at = class.blocks[index / per_block] * BLOCK_BUCKETS as u32 + (index % per_block * len) as u32;
        self.buckets += len;
        let mut empty = Bucket { meta: 0, tags: [0; LANES], refs: [0; LANES] };
        empty.set_epoch(epoch);
        self.table_mut(at, len).fill(empty);
        Some(at)
    }

    /// Frees a table. When another one had to move into its place, says whose and from where; it now begins at `at`.
    pub fn free(&mut self, at: u32, len: usize) -> Option<(Owner, u32)> {
        let class_number = class_of(len);
        let per_block = BLOCK_BUCKETS / len;
        let (block, inside) = (at as usize / BLOCK_BUCKETS, at as usize % BLOCK_BUCKETS);
        let index = *self.position.get(block)? as usize * per_block + inside / len;
        let class = self.classes.get_mut(class_number)?;
        debug_assert!(index < class.len && class.blocks[index / per_block] as usize == block);
        let last = class.len.checked_sub(1)?;
        let last_owner = class.owners.get_mut(last / per_block)?.pop()?;
        let last_at = class.blocks[last / per_block] * BLOCK_BUCKETS as u32 + (last % per_block * len) as u32;
        class.len = last;
        self.buckets -= len;
        let mut moved = None;
        if index != last {
            class.owners[index / per_block][index % per_block] = last_owner;
            moved = Some((unpack_root(last_owner), last_at));
            self.copy(last_at, at, len);
        }
        let class = &mut self.classes[class_number];
        if class.len.div_ceil(per_block) < class.blocks.len()
            && let Some(block) = class.blocks.pop()
        {
            class.owners.pop();
            self.give_block(block);
        }
        moved
    }

    /// One bucket by its unit number.
    #[inline]
    #[must_use]
    pub fn bucket(&self, unit: u32) -> &Bucket {
        let unit = self.clamp(unit, 1);
        // SAFETY: `clamp` keeps the unit inside the mapping, which is 64-byte aligned; any bytes are a valid Bucket.
        unsafe { &*self.map.base().cast::<Bucket>().add(unit) }
    }

    /// One bucket, to change.
    #[inline]
    pub fn bucket_mut(&mut self, unit: u32) -> &mut Bucket {
        let unit = self.clamp(unit, 1);
        // SAFETY: as in `bucket`; the mapping is borrowed mutably through self.
        unsafe { &mut *self.map.base().cast::<Bucket>().add(unit) }
    }

    /// The buckets of one table.
    #[inline]
    #[must_use]
    pub fn table(&self, at: u32, len: usize) -> &[Bucket] {
        let at = self.clamp(at, len);
        // SAFETY: `clamp` keeps at..at+len inside the mapping; any bytes are valid Buckets.
        unsafe { std::slice::from_raw_parts(self.map.base().cast::<Bucket>().add(at), len) }
    }

    /// The buckets of one table, to change.
    #[inline]
    pub fn table_mut(&mut self, at: u32, len: usize) -> &mut [Bucket] {
        let at = self.clamp(at, len);
        // SAFETY: as in `table`; the mapping is borrowed mutably through self.
        unsafe { std::slice::from_raw_parts_mut(self.map.base().cast::<Bucket>().add(at), len) }
    }

    /// Two tables at once, which must not overlap: the first to read, the second to fill.
    pub fn pair_mut(&mut self, from: (u32, usize), to: (u32, usize)) -> (&[Bucket], &mut [Bucket]) {
        let (a, b) = (self.clamp(from.0, from.1), self.clamp(to.0, to.1));
        assert!(a + from.1 <= b || b + to.1 <= a, "tables overlap");
        let base = self.map.base().cast::<Bucket>();
        // SAFETY: both ranges lie inside the mapping and do not overlap, as just checked; self is borrowed mutably.
        unsafe { (std::slice::from_raw_parts(base.add(a), from.1), std::slice::from_raw_parts_mut(base.add(b), to.1)) }
    }

    /// Asks for a bucket's cache line.
    #[inline]
    pub fn prefetch(&self, unit: u32) {
        prefetch(self.map.base().wrapping_add(unit as usize * BUCKET_BYTES));
    }

    /// `at` when `len` buckets from there lie inside the mapping, else 0: a wrong number reads an empty bucket.
    #[inline]
    fn clamp(&self, at: u32, len: usize) -> usize {
        let at = at as usize;
        if at + len <= self.map.len() / BUCKET_BYTES && len <= BUCKETS_MAX {
            at
        } else {
            debug_assert!(false, "no bucket at {at}");
            0
        }
    }

    fn copy(&mut self, from: u32, to: u32, len: usize) {
        let (source, target) = self.pair_mut((from, len), (to, len));
        target.copy_from_slice(source);
    }

    fn give_block(&mut self, block: u32) {
        self.free_blocks.push(block);
        while self.free_blocks.len() - self.cold > SPARE_BLOCKS {
            let bytes = BLOCK_BUCKETS * BUCKET_BYTES;
            self.map.discard(self.free_blocks[self.cold] as usize * bytes, bytes);
            self.cold += 1;
        }
    }
}

fn take_block(map: &Mapping, free: &mut Vec<u32>, cold: &mut usize, position: &mut Vec<u32>) -> Option<u32> {
    if let Some(block) = free.pop() {
        *cold = (*cold).min(free.len());
        return Some(block);
    }
    if (position.len() + 1) * BLOCK_BUCKETS * BUCKET_BYTES > map.len() {
        return None;
    }
    position.push(0);
    Some(position.len() as u32 - 1)
}

fn pack_root(owner: Owner) -> u32 {
    (owner.space << 14) | (owner.root & 0x3FFF)
}

fn unpack_root((root, prefix): (u32, u32)) -> Owner {
    Owner { space: root >> 14, root: root & 0x3FFF, prefix }
}

fn class_of(len: usize) -> usize {
    SIZES.partition_point(|&size| usize::from(size) < len)
}

/// The smallest table of at least `len` buckets; BUCKETS_MAX when there is none.
#[must_use]
pub fn size_for(len: usize) -> usize {
    SIZES.get(class_of(len)).map_or(BUCKETS_MAX, |&size| usize::from(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(root: u32) -> Owner {
        Owner { space: 3, root, prefix: root * 7 }
    }

    #[test]
    fn freeing_moves_the_last_table_into_the_hole() {
        let mut heap = BucketHeap::new(1 << 24);
        let at: Vec<u32> = (0..400).map(|i| heap.alloc(5, 0, owner(i)).unwrap()).collect();
        heap.table_mut(at[399], 5)[4].fill(2, 77, 88);
        assert_eq!(heap.free(at[10], 5), Some((owner(399), at[399])));
        assert_eq!(heap.table(at[10], 5)[4].entries().collect::<Vec<_>>(), [(77, 88)]);
        assert_eq!(heap.free(at[398], 5), None);
        assert_eq!(heap.used_bytes(), 398 * 5 * 64);
    }

    #[test]
    fn a_full_heap_refuses() {
        let mut heap = BucketHeap::new(1 << 20);
        let made = (0..1000).take_while(|&i| heap.alloc(90, 0, owner(i)).is_some()).count();
        assert_eq!(made, 31 * 5);
        assert!(!heap.room_for(1));
    }

    #[test]
    fn overflow_counts_down_again_unless_it_reached_its_end() {
        let mut heap = BucketHeap::new(1 << 20);
        let at = heap.alloc(1, 9, owner(0)).unwrap();
        let bucket = heap.bucket_mut(at);
        bucket.add_overflow();
        assert!(bucket.has_overflow());
        bucket.drop_overflow();
        assert!(!bucket.has_overflow());
        (0..70).for_each(|_| bucket.add_overflow());
        (0..70).for_each(|_| bucket.drop_overflow());
        assert!(bucket.has_overflow());
        assert_eq!((bucket.epoch(), bucket.present()), (9, 0));
    }
}
