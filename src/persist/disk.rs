//! The disk as the state machines of this folder see it: operations are submitted and finish later, with counts and errors.
//!
//! A core's `Disk` is its ring (node/) or a simulated disk (tests). Files are named by small numbers of the core that opened them.
//! Invariants: an operation that was submitted finishes exactly once; operations run in any order, so whoever needs an order waits for the first
//! to finish; a write or read may be short, and nobody but the caller repeats it; the buffer always comes back.
//!
//! [`Store`] is the same for the time before cores run, and for tools: every call returns when it is done.
//! Ref: man pages io_uring_enter(2), open(2), fdatasync(2), rename(2).

/// A file that is open on this core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// To be read; must exist.
    Read,
    /// To be written from nothing: created, or emptied.
    Create,
    /// To be written on: created if missing, contents kept.
    Extend,
}

/// One operation. Paths are bytes as the kernel takes them, relative ones to the working directory (`dir`).
#[derive(Debug)]
pub enum Op {
    /// Finishes with the number of the file.
    Open { path: Vec<u8>, mode: Mode },
    /// Appends up to `len` bytes from offset `at` to `buf`. Finishes with their count, 0 at the end of the file.
    Read { file: FileId, at: u64, len: usize, buf: Vec<u8> },
    /// Writes `buf[from..]` at offset `at`. Finishes with how many bytes were written.
    Write { file: FileId, at: u64, buf: Vec<u8>, from: usize },
    /// fdatasync. Finishes with 0.
    Sync { file: FileId },
    /// Cuts (or extends with zeros) to `len` bytes. Finishes with 0.
    Truncate { file: FileId, len: u64 },
    /// Finishes with the size in bytes.
    Size { file: FileId },
    /// Finishes with 0.
    Close { file: FileId },
    /// Finishes with 0.
    Rename { from: Vec<u8>, to: Vec<u8> },
    /// Finishes with 0; a missing file is `ENOENT`.
    Remove { path: Vec<u8> },
    /// Makes a directory. Finishes with 0; one that is there is `EEXIST`.
    MakeDir { path: Vec<u8> },
    /// Makes the names in a directory durable. Finishes with 0.
    SyncDir { path: Vec<u8> },
}

/// An operation that finished.
#[derive(Debug)]
pub struct Done {
    /// As it was submitted.
    pub token: u64,
    /// What the operation says, or an errno.
    pub result: Result<u64, i32>,
    /// The buffer of a read or write.
    pub buf: Vec<u8>,
}

/// See the file's head.
pub trait Disk {
    /// Begins an operation. It never finishes inside of this call.
    fn submit(&mut self, token: u64, op: Op);
}

/// Files one call after the other. Errors are errnos.
pub trait Store {
    /// Size of a file in bytes, `None` if there is none.
    fn size(&mut self, path: &[u8]) -> Result<Option<u64>, i32>;
    /// Reads up to `buf.len()` bytes from offset `at`; 0 = end.
    fn read(&mut self, path: &[u8], at: u64, buf: &mut [u8]) -> Result<usize, i32>;
    /// Replaces a file as a whole: another name, written, synced, renamed, the directory synced.
    fn replace(&mut self, path: &[u8], temporary: &[u8], bytes: &[u8]) -> Result<(), i32>;
    /// Cuts a file, durably.
    fn truncate(&mut self, path: &[u8], len: u64) -> Result<(), i32>;
    /// Writes bytes `from..to` of a file once more as they are, and syncs it. For bytes of which it is not known that a sync ever covered
    /// them: after one that failed the kernel takes what it could not write for clean, and a further sync passes it over.
    fn write_again(&mut self, path: &[u8], from: u64, to: u64) -> Result<(), i32>;
    /// Renames a file, durably (both directories are synced).
    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), i32>;
    /// Removes a file; one that is not there is no error.
    fn remove(&mut self, path: &[u8]) -> Result<(), i32>;
    /// Makes a directory; one that is there is no error.
    fn make_dir(&mut self, path: &[u8]) -> Result<(), i32>;
    /// Names in a directory, sorted; empty if there is none.
    fn list(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, i32>;
}

/// The directory that a file is in.
#[must_use]
pub fn folder(path: &[u8]) -> Vec<u8> {
    match memchr::memrchr(b'/', path) {
        Some(0) => b"/".to_vec(),
        Some(end) => path.get(..end).unwrap_or_default().to_vec(),
        None => b".".to_vec(),
    }
}
