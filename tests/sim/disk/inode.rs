//! One file of the simulated disk: what processes read, and what a power cut would leave of it.

use ringfort::base::rng::Rng;
use std::collections::BTreeSet;
use std::ops::Range;

/// What reaches the medium as a whole, or not.
pub const SECTOR: usize = 512;

/// What became of unsynced sectors when the power went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Damage {
    pub kept: u64,
    /// As they were before, or zeros where they were nothing.
    pub lost: u64,
    /// The beginning is new, the rest is not.
    pub torn: u64,
    /// Files that were left with NULs where bytes had been written.
    pub zeroed: u64,
}

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub struct Inode {
    /// What processes read.
    pub data: Vec<u8>,
    /// What is on the medium for certain.
    pub disk: Vec<u8>,
    /// Sectors that were changed since they were last written to the medium.
    dirty: BTreeSet<usize>,
    /// Sectors that a failed sync marked clean without having written them.
    gone: BTreeSet<usize>,
    /// The smallest size since the last sync.
    least: usize,
}

fn sectors(range: Range<usize>) -> Range<usize> {
    range.start / SECTOR..range.end.div_ceil(SECTOR)
}

impl Inode {
    /// A file that is wholly on the medium.
    pub fn durable(bytes: &[u8]) -> Inode {
        Inode { data: bytes.to_vec(), disk: bytes.to_vec(), least: bytes.len(), ..Inode::default() }
    }

    pub fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        self.data[at..end].copy_from_slice(bytes);
        self.dirty.extend(sectors(at..end));
    }

    pub fn truncate(&mut self, len: usize) {
        let old = self.data.len();
        self.data.resize(len, 0);
        self.dirty.extend(sectors(old.min(len)..old.max(len)));
        self.least = self.least.min(len);
    }

    pub fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.least == self.data.len() && self.disk.len() == self.data.len()
    }

    /// Copies a sector to the medium, as far as the medium's size goes.
    fn flush(&mut self, sector: usize) {
        let start = sector * SECTOR;
        let end = (start + SECTOR).min(self.data.len()).min(self.disk.len());
        if start < end {
            self.disk[start..end].copy_from_slice(&self.data[start..end]);
        }
    }

    /// A sync that works: all that is not wrongly thought to be clean reaches the medium.
    pub fn sync(&mut self) {
        self.disk.resize(self.data.len(), 0);
        self.least = self.data.len();
        for sector in std::mem::take(&mut self.dirty) {
            self.flush(sector);
            self.gone.remove(&sector);
        }
    }

    /// A sync that fails: at least one sector is not written and yet clean from now on.
    pub fn fail_sync(&mut self, rng: &mut Rng) {
        if rng.below(2) == 0 {
            self.disk.resize(self.data.len(), 0);
        }
        self.least = self.data.len();
        let dirty: Vec<usize> = std::mem::take(&mut self.dirty).into_iter().collect();
        let never = rng.below(dirty.len() as u64) as usize;
        for (i, sector) in dirty.into_iter().enumerate() {
            if i == never || rng.below(2) == 0 {
                self.gone.insert(sector);
            } else {
                self.flush(sector);
                self.gone.remove(&sector);
            }
        }
    }

    /// The process is gone and memory is wanted: what is clean may be read from the medium again.
    pub fn evict(&mut self, rng: &mut Rng) {
        for sector in std::mem::take(&mut self.gone) {
            if self.dirty.contains(&sector) || rng.below(2) == 0 {
                self.gone.insert(sector);
                continue;
            }
            let start = sector * SECTOR;
            for i in start..(start + SECTOR).min(self.data.len()) {
                self.data[i] = self.disk.get(i).copied().unwrap_or(0);
            }
        }
    }

    /// What the medium holds after a power cut becomes what is read.
    pub fn power_cut(&mut self, rng: &mut Rng, damage: &mut Damage) {
        let mut left = std::mem::take(&mut self.disk);
        let synced = left.len();
        let (low, high) = (self.least.min(synced), self.data.len().max(synced));
        // Now and then all of it had been written just before, or none.
        let fate = rng.below(8);
        let len = match rng.below(5) {
            _ if fate == 0 => self.data.len(),
            0 => synced,
            1 => low,
            2 => low + rng.below((high - low) as u64 + 1) as usize,
            _ => self.data.len(),
        };
        left.resize(len, 0);
        for sector in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.data.len()).min(len);
            if start >= end {
                continue;
            }
            let until = match (fate, rng.below(3)) {
                (0, _) | (2.., 0) => end,
                (1, _) | (2.., 1) => start,
                _ => start + rng.below((end - start) as u64 + 1) as usize,
            };
            left[start..until].copy_from_slice(&self.data[start..until]);
            let zeroed = (until.max(synced)..end).any(|i| self.data[i] != 0);
            damage.zeroed += u64::from(zeroed);
            match until {
                _ if until == end => damage.kept += 1,
                _ if until == start => damage.lost += 1,
                _ => damage.torn += 1,
            }
        }
        *self = Inode::durable(&left);
    }

    /// Bytes from the beginning that no power cut can change.
    pub fn promised(&self) -> &[u8] {
        let mut until = self.least.min(self.disk.len()).min(self.data.len());
        for sector in &self.dirty {
            let start = sector * SECTOR;
            let differs = (start..(start + SECTOR).min(until)).find(|&i| self.data[i] != self.disk[i]);
            until = differs.unwrap_or(until);
        }
        &self.disk[..until]
    }
}
