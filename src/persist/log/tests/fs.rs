//! A disk in memory that does what real ones do: it finishes operations in any order, writes less than it was given, fails, and forgets
//! what was not synced when the power goes.

use crate::base::rng::Rng;
use crate::persist::disk::{Disk, Done, FileId, Mode, Op, Store};
use std::collections::BTreeMap;

#[derive(Clone, Default)]
struct File {
    bytes: Vec<u8>,
    /// What survives a power failure for certain.
    synced: Vec<u8>,
}

/// Most bytes of a file that exist after a power failure without ever having been written.
const ZEROS_MAX: usize = 512;

struct Pending {
    core: usize,
    token: u64,
    op: Op,
    /// What a sync covers: the file when it was submitted.
    covers: Vec<u8>,
}

/// Faults planted to see that they are found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Lie {
    #[default]
    None,
    /// fdatasync of logs does nothing.
    Sync,
    /// Names are not made durable.
    Names,
    /// What a start writes again is not written.
    Again,
}

pub struct Fs {
    files: Vec<File>,
    names: BTreeMap<Vec<u8>, usize>,
    durable: BTreeMap<Vec<u8>, usize>,
    pending: Vec<Pending>,
    pub rng: Rng,
    pub lie: Lie,
    /// Writes find no room.
    pub is_full: bool,
    /// The next fdatasync fails, and what it covered is lost although it looks as if it were there.
    pub fails_sync: bool,
    /// Nothing finishes.
    pub hangs: bool,
    /// Files that a start wrote again.
    pub written_again: usize,
    /// Syncs that were submitted for a file after one of it had failed.
    pub trusted_after_failure: usize,
    failed: Vec<usize>,
}

/// The disk of one core.
pub struct Port<'a> {
    pub fs: &'a mut Fs,
    pub core: usize,
}

impl Disk for Port<'_> {
    fn submit(&mut self, token: u64, op: Op) {
        let mut covers = Vec::new();
        if let Op::Sync { file } = op {
            covers = self.fs.files[file.0 as usize].bytes.clone();
            if self.fs.failed.contains(&(file.0 as usize)) {
                println!(
                    "again: {:?}",
                    self.fs.names.iter().find(|(_, n)| **n == file.0 as usize).map(|(p, _)| String::from_utf8_lossy(p).into_owned())
                );
            }
            self.fs.trusted_after_failure += usize::from(self.fs.failed.contains(&(file.0 as usize)));
        }
        self.fs.pending.push(Pending { core: self.core, token, op, covers });
    }
}

impl Fs {
    pub fn new(seed: u64) -> Fs {
        Fs {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
            rng: Rng::new(seed),
            lie: Lie::None,
            is_full: false,
            fails_sync: false,
            hangs: false,
            written_again: 0,
            trusted_after_failure: 0,
            failed: Vec::new(),
        }
    }

    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn bytes(&self, path: &[u8]) -> Option<&[u8]> {
        self.names.get(path).map(|n| &self.files[*n].bytes[..])
    }

    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.names.keys().map(Vec::as_slice)
    }

    /// A file that is there and durable.
    pub fn put(&mut self, path: &[u8], bytes: Vec<u8>) {
        self.files.push(File { synced: bytes.clone(), bytes });
        let n = self.files.len() - 1;
        self.names.insert(path.to_vec(), n);
        self.durable.insert(path.to_vec(), n);
    }

    /// Finishes one operation, any.
    pub fn finish_one(&mut self) -> Option<(usize, Done)> {
        if self.pending.is_empty() || self.hangs {
            return None;
        }
        let at = self.rng.below(self.pending.len() as u64) as usize;
        let Pending { core, token, op, covers } = self.pending.swap_remove(at);
        let (result, buf) = self.run(op, covers);
        Some((core, Done { token, result, buf }))
    }

    fn run(&mut self, op: Op, covers: Vec<u8>) -> (Result<u64, i32>, Vec<u8>) {
        let result = match op {
            Op::Write { file, at, buf, from } => {
                let result = self.write(file, at, &buf[from..]);
                return (result, buf);
            }
            Op::Sync { file } => self.sync(file, covers),
            Op::Open { path, mode } => self.open(path, mode),
            Op::Truncate { file, len } => {
                self.files[file.0 as usize].bytes.resize(len as usize, 0);
                Ok(0)
            }
            Op::Rename { from, to } => match self.names.remove(&from) {
                Some(n) => {
                    self.names.insert(to, n);
                    Ok(0)
                }
                None => Err(2),
            },
            Op::Remove { path } => self.names.remove(&path).map_or(Err(2), |_| Ok(0)),
            Op::SyncDir { path } => {
                if self.lie != Lie::Names {
                    let names = &self.names;
                    self.durable.retain(|name, _| !is_in(name, &path) || names.contains_key(name));
                    let inside = self.names.iter().filter(|(name, _)| is_in(name, &path));
                    self.durable.extend(inside.map(|(name, n)| (name.clone(), *n)));
                }
                Ok(0)
            }
            Op::Size { file } => Ok(self.files[file.0 as usize].bytes.len() as u64),
            Op::MakeDir { .. } => Err(17),
            Op::Close { .. } | Op::Read { .. } => Ok(0),
        };
        (result, Vec::new())
    }

    fn open(&mut self, path: Vec<u8>, mode: Mode) -> Result<u64, i32> {
        let n = match self.names.get(&path) {
            Some(n) => *n,
            None if self.is_full => return Err(28),
            None => {
                self.files.push(File::default());
                self.names.insert(path, self.files.len() - 1);
                self.files.len() - 1
            }
        };
        if mode == Mode::Create {
            self.files[n].bytes.clear();
        }
        Ok(n as u64)
    }

    fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<u64, i32> {
        let some = self.rng.below(bytes.len() as u64) as usize;
        let count = match (self.is_full, self.rng.below(8)) {
            (true, 0..4) if some > 0 => some,
            (true, _) => return Err(28),
            (false, 0) => return Err(4),
            (false, 1) if some > 0 => some,
            _ => bytes.len(),
        };
        let file = &mut self.files[file.0 as usize].bytes;
        assert!(at as usize <= file.len(), "a hole");
        file.truncate(at as usize);
        file.extend_from_slice(&bytes[..count]);
        Ok(count as u64)
    }

    fn sync(&mut self, file: FileId, covers: Vec<u8>) -> Result<u64, i32> {
        let n = file.0 as usize;
        if std::mem::take(&mut self.fails_sync) {
            self.failed.push(n);
            return Err(5);
        }
        // After a failure the kernel says that all is well.
        if self.lie != Lie::Sync && !self.failed.contains(&n) {
            self.files[n].synced = covers;
        }
        Ok(0)
    }

    /// The process ends, or the machine: what is under way happens in part.
    pub fn kill(&mut self, is_power: bool) {
        for Pending { op, .. } in std::mem::take(&mut self.pending) {
            if let (Op::Write { file, at, buf, from }, 0) = (op, self.rng.below(2)) {
                self.is_full = false;
                let _ = self.write(file, at, &buf[from..]);
            }
        }
        if is_power {
            self.lose_names();
            for n in 0..self.files.len() {
                self.lose_bytes(n);
            }
        }
        for file in &mut self.files {
            // What a process finds is what it may make durable with its next sync.
            if is_power {
                file.synced.clone_from(&file.bytes);
            }
        }
        self.is_full = false;
        self.fails_sync = false;
        self.hangs = false;
        // The kernel outlives the process, and with it what it takes for clean.
        if is_power {
            self.failed.clear();
        }
    }

    fn lose_names(&mut self) {
        let mut paths: Vec<Vec<u8>> = self.names.keys().chain(self.durable.keys()).cloned().collect();
        paths.dedup();
        for path in paths {
            let source = if self.rng.below(2) == 0 { &self.names } else { &self.durable };
            match source.get(&path).copied() {
                Some(n) => drop(self.durable.insert(path, n)),
                None => drop(self.durable.remove(&path)),
            }
        }
        self.names = self.durable.clone();
    }

    fn lose_bytes(&mut self, n: usize) {
        let (failed, chance) = (self.failed.contains(&n), self.rng.below(4));
        let file = &mut self.files[n];
        if !file.bytes.starts_with(&file.synced) || failed {
            if chance < 2 || failed {
                file.bytes.clone_from(&file.synced);
            }
            return;
        }
        let unsynced = file.bytes.len() - file.synced.len();
        let kept = file.synced.len() + self.rng.below(unsynced as u64 + 1) as usize;
        let len = file.bytes.len();
        file.bytes.truncate(kept);
        // The size may have reached the disk without the bytes.
        if chance == 0 {
            file.bytes.resize(len.min(kept + ZEROS_MAX), 0);
        }
    }
}

fn is_in(name: &[u8], dir: &[u8]) -> bool {
    match name.iter().rposition(|b| *b == b'/') {
        Some(at) => &name[..at] == dir,
        None => dir == b".",
    }
}

impl Store for Fs {
    fn size(&mut self, path: &[u8]) -> Result<Option<u64>, i32> {
        Ok(self.bytes(path).map(|b| b.len() as u64))
    }
    fn read(&mut self, path: &[u8], at: u64, buf: &mut [u8]) -> Result<usize, i32> {
        let bytes = self.bytes(path).ok_or(2)?;
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn replace(&mut self, path: &[u8], _: &[u8], bytes: &[u8]) -> Result<(), i32> {
        self.put(path, bytes.to_vec());
        Ok(())
    }
    fn truncate(&mut self, path: &[u8], len: u64) -> Result<(), i32> {
        let n = *self.names.get(path).ok_or(2)?;
        let file = &mut self.files[n];
        file.bytes.truncate(len as usize);
        // After a failure the kernel says that all is well.
        match self.failed.contains(&n) {
            true => file.synced.truncate(len as usize),
            false => file.synced.clone_from(&file.bytes),
        }
        Ok(())
    }
    fn write_again(&mut self, path: &[u8], from: u64, to: u64) -> Result<(), i32> {
        let n = *self.names.get(path).ok_or(2)?;
        let file = &mut self.files[n];
        assert_eq!(to as usize, file.bytes.len());
        self.written_again += 1;
        if from as usize <= file.synced.len() && self.lie != Lie::Again {
            file.synced.clone_from(&file.bytes);
            self.failed.retain(|failed| *failed != n);
        }
        Ok(())
    }
    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), i32> {
        let n = self.names.remove(from).ok_or(2)?;
        self.names.insert(to.to_vec(), n);
        self.durable = self.names.clone();
        Ok(())
    }
    fn remove(&mut self, path: &[u8]) -> Result<(), i32> {
        self.names.remove(path);
        self.durable.remove(path);
        Ok(())
    }
    fn make_dir(&mut self, _: &[u8]) -> Result<(), i32> {
        Ok(())
    }
    fn list(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, i32> {
        let start = if path == b"." { 0 } else { path.len() + 1 };
        Ok(self.names.keys().filter(|name| is_in(name, path)).map(|name| name[start..].to_vec()).collect())
    }
}
