//! How the index grows and shrinks: tables built anew at another size, split by the next hash bit, joined again.
//!
//! Where it sits: behind `prepare` and `remove` in `table.rs`, which keeps the data.
//!
//! Invariants
//! - Building anew reads tags only. Splitting and joining read the entries' hashes, prefetching them, 787 and 512 at
//!   most.
//! - A new table hangs in its place before the old one is freed: freeing may move any table, also the new one, and
//!   finds it by the way down.
//! - When memory is out nothing has changed.

use super::*;
use crate::keyspace::buckets::Bucket;

impl Index {
    /// Builds a table anew with another number of buckets, from its tags alone.
    #[cold]
    pub(super) fn rebuild(&mut self, place: Place, hash: u64, path: Path, buckets: usize, entries: &mut impl Entries) -> Option<()> {
        let epoch = self.settle(place, path.table, entries);
        let owner = self.owner(place, hash, path.depth);
        let at = self.heap.alloc(buckets, epoch, owner)?;
        if path.table.at != 0 {
            let (from, to) = self.heap.pair_mut((path.table.at, usize::from(path.table.buckets)), (at, buckets));
            for bucket in from {
                for (tag, entry) in bucket.entries() {
                    put(to, tag, entry);
                }
            }
        }
        let table = TableRef { at, buckets: buckets as u8, ..path.table };
        self.store(place, path, table);
        self.free_table(path.table);
        Some(())
    }

    /// Splits a table of the largest size by the next hash bit.
    #[cold]
    pub(super) fn split(&mut self, place: Place, hash: u64, path: Path, entries: &mut impl Entries) -> Option<()> {
        if path.depth >= DEPTH_MAX {
            return None;
        }
        let epoch = self.settle(place, path.table, entries);
        self.gather(&[path.table], entries);
        let depth = path.depth + 1;
        let bit = |hash: u64| hash << path.depth >> 63;
        let right_len = self.scratch.iter().filter(|(h, _)| bit(*h) == 1).count();
        let left_len = self.scratch.len() - right_len;
        let first = self.owner(place, hash, path.depth).prefix;
        let base = u64::from(first) << 32;
        let left = self.build(place, base, depth, left_len, epoch, |h| bit(h) == 0)?;
        let Some(right) = self.build(place, base | (1 << (63 - path.depth)), depth, right_len, epoch, |h| bit(h) == 1) else {
            self.free_table(left);
            return None;
        };
        let (number, index, local) = self.widen(place, path);
        if let Some(dir) = self.dirs.get_mut(number) {
            let half = 1usize << (dir.bits - local);
            let first = index & !(2 * half - 1);
            if let Some(slots) = dir.refs.get_mut(first..first + 2 * half) {
                slots[..half].fill(TableRef { depth: local as u8, ..left });
                slots[half..].fill(TableRef { depth: local as u8, ..right });
            }
        }
        self.free_table(path.table);
        Some(())
    }

    /// Makes sure that a directory has room for the two halves of a table: its number, the index of the first half,
    /// and how many of the directory's bits each half uses up.
    fn widen(&mut self, place: Place, path: Path) -> (usize, usize, u32) {
        let local = path.table.local();
        if path.dir != 0 && local < DIR_BITS_MAX {
            let number = path.dir - 1;
            let dir = &mut self.dirs[number];
            let mut index = path.index;
            if local == dir.bits {
                let wider: Vec<TableRef> = dir.refs.iter().flat_map(|&r| [r, r]).collect();
                self.dir_bytes += (wider.capacity() - dir.refs.capacity()) * size_of::<TableRef>();
                dir.refs = wider;
                dir.bits += 1;
                index *= 2;
            }
            return (number, index, local + 1);
        }
        let number = self.free_dirs.pop().unwrap_or_else(|| {
            self.dirs.push(Dir::default());
            self.dirs.len() - 1
        });
        self.dirs[number] = Dir { bits: 1, refs: vec![TableRef { depth: 1, ..path.table }; 2] };
        self.dir_bytes += 2 * size_of::<TableRef>() + size_of::<Dir>();
        let link = TableRef { at: number as u32, len: 0, buckets: 0, depth: TableRef::DIR | local as u8 };
        self.store(place, path, link);
        (number, 0, 1)
    }

    /// Joins the table that covers `hash` with its neighbour when both are small, and again as long as that goes.
    #[cold]
    pub(super) fn join(&mut self, place: Place, hash: u64, entries: &mut impl Entries) -> Option<()> {
        let path = self.path(place, hash)?;
        let dir = self.dirs.get(path.dir.checked_sub(1)?)?;
        let width = 1usize << (dir.bits - path.table.local());
        let first = path.index & !(width - 1);
        let other = *dir.refs.get(first ^ width)?;
        let total = usize::from(other.len) + usize::from(path.table.len);
        if other.is_dir() || other.local() != path.table.local() || total > JOIN_MAX {
            return None;
        }
        let (a, b) = (path.table, other);
        // An empty table has nothing to hand out, so it goes with the other whatever that one's state is.
        let states = [a, b].map(|table| (table.at != 0).then(|| self.settle(place, table, entries)));
        let mut epoch = states[0].or(states[1]).unwrap_or(self.epoch);
        if let [Some(x), Some(y)] = states
            && x != y
        {
            for table in [a, b] {
                for unit in table.at..table.at + u32::from(table.buckets) {
                    self.hand_out(place, unit, entries);
                }
            }
            epoch = self.epoch;
        }
        self.gather(&[a, b], entries);
        let base = u64::from(self.owner(place, hash, path.depth - 1).prefix) << 32;
        let joined = self.build(place, base, path.depth - 1, total, epoch, |_| true)?;
        let local = path.table.local() - 1;
        let start = first & !width;
        let number = path.dir - 1;
        let joined = TableRef { depth: local as u8, ..joined };
        if local == 0 {
            self.unlink_dir(place, hash, number, joined);
        } else if let Some(slots) = self.dirs[number].refs.get_mut(start..start + 2 * width) {
            slots.fill(joined);
        }
        // `b` hangs nowhere any more: it may have been the last of its size and moved into the hole that `a` left.
        let b_moved = self.free_table(a).is_some_and(|from| from == b.at);
        self.free_table(if b_moved { TableRef { at: a.at, ..b } } else { b });
        Some(())
    }

    /// A directory that holds one table only goes away; the table takes its place.
    fn unlink_dir(&mut self, place: Place, hash: u64, number: usize, table: TableRef) {
        let mut above = Path { table: self.root(place).unwrap_or_default(), depth: 0, dir: 0, index: 0 };
        while above.table.is_dir() && above.table.at as usize != number {
            let parent = above.table.at as usize;
            let Some(dir) = self.dirs.get(parent) else {
                return;
            };
            above.index = (hash << above.depth >> (64 - dir.bits)) as usize;
            let Some(&next) = dir.refs.get(above.index) else {
                return;
            };
            above.table = next;
            above.dir = parent + 1;
            above.depth += next.local();
        }
        let local = above.table.local();
        self.store(place, above, TableRef { depth: local as u8, ..table });
        self.free_dir(number);
    }

    fn free_dir(&mut self, number: usize) {
        let dir = std::mem::take(&mut self.dirs[number]);
        self.dir_bytes -= dir.refs.capacity() * size_of::<TableRef>() + size_of::<Dir>();
        self.free_dirs.push(number);
    }

    pub(super) fn drop_dirs(&mut self, number: usize) {
        let mut todo = vec![number];
        while let Some(number) = todo.pop() {
            let inner = self.dirs[number].refs.iter().filter(|r| r.is_dir()).map(|r| r.at as usize);
            todo.extend(inner);
            self.free_dir(number);
        }
    }

    /// Reads the hashes of all entries of some tables into the scratch list.
    fn gather(&mut self, tables: &[TableRef], entries: &impl Entries) {
        const AHEAD: usize = 24;
        let mut list = std::mem::take(&mut self.scratch);
        list.clear();
        for table in tables.iter().filter(|t| t.at != 0) {
            for bucket in self.heap.table(table.at, usize::from(table.buckets)) {
                list.extend(bucket.entries().map(|(_, entry)| (0, entry)));
            }
        }
        list.iter().take(AHEAD).for_each(|&(_, entry)| entries.prefetch(entry));
        for i in 0..list.len() {
            if let Some(&(_, entry)) = list.get(i + AHEAD) {
                entries.prefetch(entry);
            }
            list[i].0 = entries.hash_of(list[i].1);
        }
        self.scratch = list;
    }

    /// A table of those gathered entries that `belongs` picks (`len` of them).
    fn build(&mut self, place: Place, first: u64, depth: u32, len: usize, epoch: u16, belongs: impl Fn(u64) -> bool) -> Option<TableRef> {
        if len == 0 {
            return Some(TableRef::default());
        }
        let mut buckets = size_for(len.div_ceil(8));
        while len > capacity(buckets) && buckets < BUCKETS_MAX {
            buckets = size_for(buckets + 1);
        }
        let at = self.heap.alloc(buckets, epoch, self.owner(place, first, depth))?;
        let target = self.heap.table_mut(at, buckets);
        for &(hash, entry) in self.scratch.iter().filter(|(hash, _)| belongs(*hash)) {
            put(target, tag_of(hash, depth), entry);
        }
        Some(TableRef { at, len: len as u16, buckets: buckets as u8, depth: 0 })
    }
}

fn put(table: &mut [Bucket], tag: u16, entry: u32) {
    let buckets = table.len();
    let home = home_of(tag, buckets);
    for step in 0..buckets {
        let at = if home + step < buckets { home + step } else { home + step - buckets };
        let bucket = &mut table[at];
        if let Some(lane) = bucket.free_lane() {
            bucket.fill(lane, tag, entry);
            return;
        }
        bucket.add_overflow();
    }
    debug_assert!(false, "a table was built too small");
}
