//! What is to be loaded at start: files in stages. Made by `recover`, carried out by whoever loads.

/// What is in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadKind {
    /// A snapshot. Bytes after its checksum, up to `end`, are commands.
    Rdb,
    /// Commands in the request form of RESP.
    Commands,
}

/// One file, or a part of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadFile {
    /// Relative to the working directory (`dir`).
    pub path: Vec<u8>,
    pub kind: LoadKind,
    /// First byte to load.
    pub start: u64,
    /// Where to stop; nothing behind it counts.
    pub end: u64,
    /// Annotations to jump over: `(offset, bytes)`, ascending, apart from each other, between `start` and `end`, always between commands.
    pub skips: Vec<(u64, u64)>,
    /// Whole commands between `start` and `end`; 0 for a snapshot.
    pub commands: u64,
    /// The base of the log: keys of a snapshot stay even if their time is over.
    pub is_base: bool,
    /// Whose log it is, of how many cores; `None`: of all (a base, a foreign file, a command without slot).
    pub core: Option<(usize, usize)>,
}

/// See the file's head.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LoadPlan {
    /// Files of one stage may be loaded at the same time; a stage begins when the one before is done.
    pub stages: Vec<Vec<LoadFile>>,
    /// They are those of an append-only log.
    pub is_log: bool,
}

impl LoadPlan {
    /// All files in the order of the manifest.
    pub fn files(&self) -> impl Iterator<Item = &LoadFile> {
        self.stages.iter().flatten()
    }

    /// Bytes to load.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files().map(|f| f.end - f.start).sum()
    }

    /// Whether there is nothing to load.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files().next().is_none()
    }
}
