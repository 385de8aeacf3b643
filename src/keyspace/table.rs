//! The index: (space, slot, hash) -> entry reference, growing in small steps at any size.
//!
//! ```text
//! root (8 B a slot)  empty | one table of 1..=90 buckets | directory
//! directory          2^g table references, g <= 10, by the next g hash bits; a full one gets sub-directories
//! table              home bucket = tag * buckets >> 16, then the following buckets in turn
//! tag                the 16 hash bits that come after the bits the directories have used up
//! ```
//!
//! Where it sits: between `mod.rs` and the bucket memory in `buckets.rs`. Entries are opaque numbers here.
//!
//! Why so. The tag *is* the position: a table can be built anew at any size from its tags alone, without touching one
//! entry, so small tables grow by a single bucket and the average fill stays near 85 %. That, the dense bucket heap
//! and 8-byte roots come to 8.5 to 9.5 B a key from 24 keys a slot on. A bucket holds 10 entries with 16-bit tags, not
//! 12 with 8-bit ones: a wrong candidate costs a cache miss, and 8 bits leave no room for the position.
//! Two dependent misses reach an entry: bucket, entry. The root is hot; directories exist above 787 keys a slot only (12.9 million keys a core, spread evenly).
//!
//! Invariants
//! - Everything is monotone in the hash: iterating by home bucket is iterating by hash prefix, whatever was built anew
//!   in between. SCAN and the snapshot walk rest on it.
//! - One insertion builds at most one table anew (90 buckets, no entry touched) or splits one (787 entries touched,
//!   prefetched). A removal may join two tables of at most 512 entries together.
//! - While a snapshot walk is on, a table is built anew either wholly handed out or wholly not (see `settle`).
//!
//! Ref: Fagin et al., "Extendible Hashing", TODS 1979

mod growth;

use super::buckets::{BUCKETS_MAX, BucketHeap, Owner, size_for};
use crate::base::arena::Collapse;
use crate::base::simd::{self, LANES};

const DIR_BITS_MAX: u32 = 10;
/// Hash bits that directories may use up. 2^30 tables are more than a core's arena can feed.
const DEPTH_MAX: u32 = 30;
/// Two neighbouring tables with no more entries than this become one.
const JOIN_MAX: usize = 512;

/// A table, a directory, or nothing.
#[derive(Clone, Copy, Default)]
struct TableRef {
    /// First bucket of the table, or number of the directory; 0 is an empty table.
    at: u32,
    /// Entries in the table.
    len: u16,
    /// Buckets of the table.
    buckets: u8,
    /// Bits 0..=6: hash bits that this reference uses up within its directory. Bit 7: it is a directory.
    depth: u8,
}

impl TableRef {
    const DIR: u8 = 0x80;

    fn is_dir(self) -> bool {
        self.depth & TableRef::DIR != 0
    }

    fn local(self) -> u32 {
        u32::from(self.depth & !TableRef::DIR)
    }
}

#[derive(Default)]
struct Dir {
    bits: u32,
    refs: Vec<TableRef>,
}

/// Where a hash belongs.
#[derive(Clone, Copy)]
struct Path {
    table: TableRef,
    /// Hash bits used up by the directories above.
    depth: u32,
    /// 1 + number of the directory; 0 when the table hangs on the root.
    dir: usize,
    index: usize,
}

/// A slot's place: the space (a database's storage) and the index of the root in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the space.
    pub space: usize,
    /// Index of the root.
    pub root: usize,
}

/// One entry's place in the index; good until the next insertion or removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Number of the bucket.
    pub unit: u32,
    /// Lane in it.
    pub lane: u8,
}

/// A table as the walks see it.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    at: u32,
    buckets: usize,
    /// Hash bits used up above the table.
    pub depth: u32,
    /// First hash of its range.
    pub first: u64,
}

impl Span {
    /// First hash after the range; `None` when the range ends the slot.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.first.checked_add(1u64.checked_shl(64 - self.depth)?)
    }

    /// The table's buckets as unit numbers.
    pub fn units(&self) -> impl Iterator<Item = u32> + use<> {
        self.at..self.at + self.buckets as u32
    }
}

/// What the index asks of the entries' owner.
pub trait Entries {
    /// The hash of an entry's key.
    fn hash_of(&self, entry: u32) -> u64;
    /// Asks for the entry's cache line.
    fn prefetch(&self, entry: u32);
    /// A bucket's entries must be handed to the snapshot now, before the bucket changes.
    fn hand_out(&mut self, space: usize, entries: &[u32]);
}

/// The index of one core. See the file's head.
pub struct Index {
    heap: BucketHeap,
    dirs: Vec<Dir>,
    free_dirs: Vec<usize>,
    dir_bytes: usize,
    spaces: Vec<Vec<TableRef>>,
    roots: usize,
    /// Epoch of the current snapshot; never 0.
    epoch: u16,
    walking: bool,
    scratch: Vec<(u64, u32)>,
}

impl Index {
    /// The next full chunk of buckets to be backed by a huge page.
    pub fn next_huge(&mut self) -> Option<Collapse> {
        self.heap.next_huge()
    }

    /// An index of `roots` slots a space, in at most `bytes` of bucket memory. Spaces cost nothing until used.
    #[must_use]
    pub fn new(roots: usize, bytes: usize) -> Index {
        Index {
            heap: BucketHeap::new(bytes),
            dirs: Vec::new(),
            free_dirs: Vec::new(),
            dir_bytes: 0,
            spaces: Vec::new(),
            roots,
            epoch: 1,
            walking: false,
            scratch: Vec::new(),
        }
    }

    /// Bytes of buckets in use.
    #[must_use]
    pub fn bucket_bytes(&self) -> usize {
        self.heap.used_bytes()
    }

    /// Bytes of roots, directories and bookkeeping.
    #[must_use]
    pub fn side_bytes(&self) -> usize {
        let roots: usize = self.spaces.iter().map(|s| s.capacity() * size_of::<TableRef>()).sum();
        roots + self.dir_bytes + self.heap.side_bytes()
    }

    /// Whether `keys` more keys can certainly be indexed.
    #[must_use]
    pub fn room_for(&self, keys: usize) -> bool {
        // At worst each key opens a bucket of its own.
        self.heap.room_for(keys)
    }

    /// The entry of `hash` for which `is_it` says yes.
    #[inline]
    pub fn find(&self, place: Place, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<Spot> {
        let path = self.path(place, hash)?;
        if path.table.at == 0 {
            return None;
        }
        let buckets = usize::from(path.table.buckets);
        let tag = tag_of(hash, path.depth);
        let home = home_of(tag, buckets);
        let mut at = home;
        loop {
            let unit = path.table.at + at as u32;
            let bucket = self.heap.bucket(unit);
            let mut hits = bucket.matching(tag);
            while hits != 0 {
                let lane = hits.trailing_zeros() as usize % LANES;
                if is_it(bucket.refs[lane]) {
                    return Some(Spot { unit, lane: lane as u8 });
                }
                hits &= hits - 1;
            }
            if !bucket.has_overflow() {
                return None;
            }
            at = if at + 1 == buckets { 0 } else { at + 1 };
            if at == home {
                return None;
            }
        }
    }

    /// Asks for the reference of a slot's table.
    #[inline]
    pub fn prefetch_root(&self, place: Place) {
        if let Some(root) = self.spaces.get(place.space).and_then(|roots| roots.get(place.root)) {
            simd::prefetch(root);
        }
    }

    /// Asks for the home bucket of `hash`.
    #[inline]
    pub fn prefetch_bucket(&self, place: Place, hash: u64) {
        if let Some(path) = self.path(place, hash)
            && path.table.at != 0
        {
            let home = home_of(tag_of(hash, path.depth), usize::from(path.table.buckets));
            self.heap.prefetch(path.table.at + home as u32);
        }
    }

    /// The first entry in the home bucket whose tag fits: nearly always the one looked for.
    #[inline]
    #[must_use]
    pub fn likely(&self, place: Place, hash: u64) -> Option<u32> {
        let path = self.path(place, hash)?;
        if path.table.at == 0 {
            return None;
        }
        let tag = tag_of(hash, path.depth);
        let home = home_of(tag, usize::from(path.table.buckets));
        let bucket = self.heap.bucket(path.table.at + home as u32);
        let hits = bucket.matching(tag);
        (hits != 0).then(|| bucket.refs[hits.trailing_zeros() as usize % LANES])
    }

    /// The entry at a spot.
    #[inline]
    #[must_use]
    pub fn get(&self, spot: Spot) -> u32 {
        self.heap.bucket(spot.unit).refs[usize::from(spot.lane) % LANES]
    }

    /// Puts another entry of the same key at a spot.
    #[inline]
    pub fn set(&mut self, spot: Spot, entry: u32) {
        self.heap.bucket_mut(spot.unit).refs[usize::from(spot.lane) % LANES] = entry;
    }

    /// Makes room for one more entry of `hash` and says which bucket it will go to; `None` when memory is out.
    pub fn prepare(&mut self, place: Place, hash: u64, entries: &mut impl Entries) -> Option<u32> {
        self.open(place);
        for _ in 0..=DEPTH_MAX {
            let path = self.path(place, hash)?;
            let table = path.table;
            if usize::from(table.len) < capacity(usize::from(table.buckets)) {
                let tag = tag_of(hash, path.depth);
                return Some(self.vacant(table, tag).0);
            }
            if usize::from(table.buckets) < BUCKETS_MAX {
                let larger = size_for(usize::from(table.buckets) + 1);
                self.rebuild(place, hash, path, larger, entries)?;
            } else {
                self.split(place, hash, path, entries)?;
            }
        }
        None
    }

    /// Adds an entry; `prepare` for the same hash came just before.
    pub fn insert(&mut self, place: Place, hash: u64, entry: u32) -> Option<Spot> {
        let path = self.path(place, hash)?;
        let mut table = path.table;
        let tag = tag_of(hash, path.depth);
        let (unit, lane) = self.vacant(table, tag);
        let mut at = home_of(tag, usize::from(table.buckets)) as u32 + table.at;
        while at != unit {
            self.heap.bucket_mut(at).add_overflow();
            at = if at + 1 == table.at + u32::from(table.buckets) { table.at } else { at + 1 };
        }
        self.heap.bucket_mut(unit).fill(lane, tag, entry);
        table.len += 1;
        self.store(place, path, table);
        Some(Spot { unit, lane: lane as u8 })
    }

    /// Removes the entry at `spot`, whose hash is `hash`.
    pub fn remove(&mut self, place: Place, hash: u64, spot: Spot, entries: &mut impl Entries) {
        let Some(path) = self.path(place, hash) else {
            return;
        };
        let mut table = path.table;
        let tag = tag_of(hash, path.depth);
        self.heap.bucket_mut(spot.unit).clear(usize::from(spot.lane));
        let mut at = home_of(tag, usize::from(table.buckets)) as u32 + table.at;
        while at != spot.unit {
            self.heap.bucket_mut(at).drop_overflow();
            at = if at + 1 == table.at + u32::from(table.buckets) { table.at } else { at + 1 };
        }
        table.len -= 1;
        self.store(place, path, table);
        let (len, buckets) = (usize::from(table.len), usize::from(table.buckets));
        if len == 0 {
            self.drop_table(place, path);
        } else if len < buckets * 3 && buckets > 1 {
            let path = Path { table, ..path };
            // Failing for want of memory only leaves the table larger than it need be.
            let _ = self.rebuild(place, hash, path, size_for(len.div_ceil(7)), entries);
        }
        if path.dir != 0 && len < JOIN_MAX / 2 {
            let _ = self.join(place, hash, entries);
        }
    }

    /// The table that covers `hash`, if the slot has any.
    #[must_use]
    pub fn span(&self, place: Place, hash: u64) -> Option<Span> {
        let path = self.path(place, hash)?;
        let first = if path.depth == 0 { 0 } else { hash >> (64 - path.depth) << (64 - path.depth) };
        Some(Span { at: path.table.at, buckets: usize::from(path.table.buckets), depth: path.depth, first })
    }

    /// Collects the entries of the span's home bucket that `hash` falls into, from `hash` on, into `out`.
    /// Returns the first hash of the next home bucket, `None` at the end of the span.
    pub fn home(&self, span: &Span, hash: u64, out: &mut Vec<u32>) -> Option<u64> {
        if span.buckets == 0 {
            return None;
        }
        let from = tag_of(hash, span.depth);
        let home = home_of(from, span.buckets);
        let mut at = home;
        loop {
            let bucket = self.heap.bucket(span.at + at as u32);
            out.extend(bucket.entries().filter(|&(tag, _)| tag >= from && home_of(tag, span.buckets) == home).map(|(_, entry)| entry));
            at = if at + 1 == span.buckets { 0 } else { at + 1 };
            if !bucket.has_overflow() || at == home {
                break;
            }
        }
        // The smallest tag that belongs to the next home.
        let tag = ((home as u64 + 1) << 16).div_ceil(span.buckets as u64);
        (tag < 1 << 16).then(|| span.first | (tag << 48 >> span.depth))
    }

    /// One bucket's entries.
    pub fn entries(&self, unit: u32) -> impl Iterator<Item = u32> + '_ {
        self.heap.bucket(unit).entries().map(|(_, entry)| entry)
    }

    /// The entry in a lane of one of the span's buckets, if there is one.
    #[must_use]
    pub fn pick(&self, span: &Span, bucket: u64, lane: usize) -> Option<u32> {
        if span.buckets == 0 {
            return None;
        }
        let bucket = self.heap.bucket(span.at + (bucket % span.buckets as u64) as u32);
        (bucket.present() & (1 << (lane % LANES)) != 0).then(|| bucket.refs[lane % LANES])
    }

    /// Whether the slot has any table.
    #[must_use]
    pub fn has_root(&self, place: Place) -> bool {
        self.root(place).is_some_and(|root| root.at != 0 || root.is_dir())
    }

    /// Takes all entries out of the table that covers `hash`, without a look at them, and frees it.
    /// Returns the first hash after it. The slot's other tables stay.
    pub fn take_table(&mut self, place: Place, hash: u64, out: &mut Vec<u32>) -> Option<u64> {
        let path = self.path(place, hash)?;
        let span = self.span(place, hash)?;
        for unit in span.units() {
            out.extend(self.heap.bucket(unit).entries().map(|(_, entry)| entry));
        }
        self.drop_table(place, path);
        span.next()
    }

    /// Forgets a slot whose tables were all taken.
    pub fn drop_root(&mut self, place: Place) {
        let Some(root) = self.root(place) else { return };
        if root.is_dir() {
            self.drop_dirs(root.at as usize);
        }
        if let Some(slot) = self.spaces.get_mut(place.space).and_then(|s| s.get_mut(place.root)) {
            *slot = TableRef::default();
        }
    }

    /// Forgets a space whose slots were all dropped.
    pub fn drop_space(&mut self, space: usize) {
        if let Some(roots) = self.spaces.get_mut(space) {
            *roots = Vec::new();
        }
    }

    // Snapshot epochs.

    /// The next snapshot: from now on every bucket counts as not handed out.
    pub fn bump_epoch(&mut self) {
        self.epoch = if self.epoch == u16::MAX { 1 } else { self.epoch + 1 };
    }

    /// Whether buckets are being handed out.
    pub fn set_walking(&mut self, on: bool) {
        self.walking = on;
    }

    /// Marks a bucket as handed out; says whether it was not before.
    #[inline]
    pub fn mark(&mut self, unit: u32) -> bool {
        let epoch = self.epoch;
        let bucket = self.heap.bucket_mut(unit);
        let is_first = bucket.epoch() != epoch;
        bucket.set_epoch(epoch);
        is_first
    }

    // Below: the way down, and growth.

    fn root(&self, place: Place) -> Option<TableRef> {
        self.spaces.get(place.space)?.get(place.root).copied()
    }

    fn open(&mut self, place: Place) {
        if self.spaces.len() <= place.space {
            self.spaces.resize_with(place.space + 1, Vec::new);
        }
        if self.spaces[place.space].is_empty() {
            self.spaces[place.space] = vec![TableRef::default(); self.roots];
        }
    }

    #[inline]
    fn path(&self, place: Place, hash: u64) -> Option<Path> {
        let mut path = Path { table: self.root(place)?, depth: 0, dir: 0, index: 0 };
        while path.table.is_dir() {
            let number = path.table.at as usize;
            let dir = self.dirs.get(number)?;
            path.index = (hash << path.depth >> (64 - dir.bits)) as usize;
            path.table = *dir.refs.get(path.index)?;
            path.dir = number + 1;
            path.depth += path.table.local();
        }
        Some(path)
    }

    /// Writes a table's reference wherever it stands.
    #[inline]
    fn store(&mut self, place: Place, path: Path, table: TableRef) {
        if path.dir == 0 {
            if let Some(slot) = self.spaces.get_mut(place.space).and_then(|s| s.get_mut(place.root)) {
                *slot = table;
            }
        } else if let Some(dir) = self.dirs.get_mut(path.dir - 1) {
            let width = 1usize << (dir.bits - table.local());
            let first = path.index & !(width - 1);
            if let Some(slots) = dir.refs.get_mut(first..first + width) {
                slots.fill(table);
            }
        }
    }

    /// The first bucket from the tag's home on with a free lane. The table has one.
    fn vacant(&self, table: TableRef, tag: u16) -> (u32, usize) {
        let buckets = usize::from(table.buckets);
        let home = home_of(tag, buckets);
        for step in 0..buckets {
            let at = if home + step < buckets { home + step } else { home + step - buckets };
            let unit = table.at + at as u32;
            if let Some(lane) = self.heap.bucket(unit).free_lane() {
                return (unit, lane);
            }
        }
        debug_assert!(false, "a table below its capacity has no free lane");
        (table.at, 0)
    }

    fn owner(&self, place: Place, hash: u64, depth: u32) -> Owner {
        let first = if depth == 0 { 0 } else { hash >> (64 - depth) << (64 - depth) };
        Owner { space: place.space as u32, root: place.root as u32, prefix: (first >> 32) as u32 }
    }

    /// Before a table is built anew during a walk: if part of it was handed out, the rest is too. Returns the epoch
    /// that the new buckets get.
    fn settle(&mut self, place: Place, table: TableRef, entries: &mut impl Entries) -> u16 {
        if !self.walking {
            return 0;
        }
        let buckets = usize::from(table.buckets);
        if table.at == 0 {
            return self.epoch;
        }
        let is_untouched = self.heap.table(table.at, buckets).iter().all(|b| b.epoch() != self.epoch);
        if is_untouched {
            return 0;
        }
        for unit in table.at..table.at + u32::from(table.buckets) {
            self.hand_out(place, unit, entries);
        }
        self.epoch
    }

    fn hand_out(&mut self, place: Place, unit: u32, entries: &mut impl Entries) -> usize {
        let mut len = 0;
        if self.mark(unit) {
            let mut refs = [0; LANES];
            for (_, entry) in self.heap.bucket(unit).entries() {
                refs[len] = entry;
                len += 1;
            }
            if len > 0 {
                entries.hand_out(place.space, &refs[..len]);
            }
        }
        len
    }

    /// Hands a bucket out if the walk has not had it yet; how many entries that were. Called before every change of a bucket.
    pub fn hand_out_once(&mut self, place: Place, unit: u32, entries: &mut impl Entries) -> usize {
        if self.walking { self.hand_out(place, unit, entries) } else { 0 }
    }

    /// Frees a table to which no reference points any more. Another table may move into its place; should that one
    /// hang nowhere either, its former place is returned and the caller sees to it.
    fn free_table(&mut self, table: TableRef) -> Option<u32> {
        if table.at == 0 {
            return None;
        }
        let (owner, from) = self.heap.free(table.at, usize::from(table.buckets))?;
        let place = Place { space: owner.space as usize, root: owner.root as usize };
        let path = self.path(place, u64::from(owner.prefix) << 32)?;
        if path.table.at != from {
            return Some(from);
        }
        debug_assert_eq!(path.table.buckets, table.buckets);
        let at = table.at;
        self.store(place, path, TableRef { at, ..path.table });
        None
    }

    fn drop_table(&mut self, place: Place, path: Path) {
        let empty = TableRef { depth: path.table.depth, ..TableRef::default() };
        self.store(place, path, empty);
        self.free_table(path.table);
    }
}

/// The hash bits that place an entry in its table, and tell it from the others there.
#[inline]
fn tag_of(hash: u64, depth: u32) -> u16 {
    (hash << depth >> 48) as u16
}

#[inline]
fn home_of(tag: u16, buckets: usize) -> usize {
    (usize::from(tag) * buckets) >> 16
}

/// Entries a table takes before it grows: all of a single bucket, 9 of 10 up to four, 8.75 of 10 above.
#[inline]
fn capacity(buckets: usize) -> usize {
    match buckets {
        0 => 0,
        1 => LANES,
        2..=4 => buckets * 9,
        _ => buckets * 35 / 4,
    }
}

#[cfg(test)]
mod tests;
