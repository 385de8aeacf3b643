//! Files through the core's ring: opened, read, written, synced, renamed while the core goes on with other things.
//!
//! Beside `net.rs`; the caller's side is here, and `finished_file`, which `reap.rs` calls. Every call begins one operation and gives it
//! the caller's 64-bit token; one `Event::File` with that token ends it, never inside of the call.
//!
//! Invariants:
//! - What the kernel borrows (paths, buffers, the place for a size) lies on the heap, owned by the operation's record, until its
//!   completion has been reaped; if the reactor ends before, the records are leaked, not freed.
//! - A descriptor is closed after the last operation on it that began before the close.
//! - A count is passed on as it is: short reads and writes are the caller's matter. `EINTR` and `EAGAIN` mean that nothing has happened and
//!   are tried again, but never for a sync: an error of it is reported once by the kernel, and a second sync would say that all is well.
//!
//! Not here: order (the kernel runs operations in any), `O_DIRECT`, `O_APPEND` (every write names its offset), registered files.
//!
//! Ref: io_uring_enter(2), open(2), fdatasync(2), ftruncate(2), statx(2), rename(2), unlink(2), mkdir(2).
#![allow(unsafe_code)]

use std::ffi::{CString, c_int};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use io_uring::types::{Fd, FsyncFlags};
use io_uring::{Probe, opcode, squeue};

use super::net::Reactor;
use super::ring::{Done, Ring};
use super::slab::{Kind, token};
use crate::io::{ConnId, Event, Opening};

/// Most bytes one read or write may take; below what the kernel itself would cut, so that it always fits its 32-bit count.
const PIECE_MAX: usize = 1 << 30;
/// Permissions of files and directories that are made here, before the umask. As redis-server's.
const FILE_MODE: libc::mode_t = 0o644;
const DIR_MODE: libc::mode_t = 0o755;

/// What an operation does, with everything the kernel borrows for it. Moving this moves no byte that the kernel was shown.
enum Work {
    Open {
        path: CString,
        how: Opening,
    },
    Read {
        at: u64,
        len: u32,
        buf: Vec<u8>,
    },
    Write {
        at: u64,
        from: usize,
        buf: Vec<u8>,
    },
    Sync,
    Truncate {
        len: u64,
    },
    Size {
        place: Box<libc::statx>,
    },
    /// Names the file; its record gives the descriptor away when the operation is submitted.
    Close {
        fd: RawFd,
    },
    Rename {
        from: CString,
        to: CString,
    },
    Remove {
        path: CString,
    },
    MakeDir {
        path: CString,
    },
    /// First half of making names durable.
    OpenDir {
        path: CString,
    },
    /// Second half.
    SyncDir {
        dir: OwnedFd,
    },
}

/// One operation that has not ended.
struct Flight {
    /// The caller's.
    token: u64,
    /// The open file it works on; a close holds none.
    file: Option<u32>,
    work: Work,
}

/// One open file.
struct Open {
    fd: OwnedFd,
    /// Operations on it that have not ended.
    in_flight: u32,
    /// Its close waits for them: the caller's token.
    closing: Option<u64>,
}

/// A growing table whose places are used again; indices stay small.
struct Places<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T> Places<T> {
    fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.items[index as usize] = Some(item);
            return index;
        }
        self.items.push(Some(item));
        u32::try_from(self.items.len() - 1).expect("fewer operations than memory for them")
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.items.get_mut(index as usize)?.as_mut()
    }

    fn remove(&mut self, index: u32) -> Option<T> {
        let item = self.items.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(item)
    }

    fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}

/// Open files and unfinished operations of one core.
#[derive(Default)]
pub(super) struct Files {
    open: Places<Open>,
    flights: Places<Flight>,
    /// The ring can cut files (Linux 6.9); otherwise a plain system call does it.
    has_truncate: bool,
}

impl Files {
    pub fn new(ring: &Ring) -> Self {
        let mut probe = Probe::new();
        let is_known = ring.inner().submitter().register_probe(&mut probe).is_ok();
        Self { has_truncate: is_known && probe.is_supported(opcode::Ftruncate::CODE), ..Self::default() }
    }

    /// Operations that have not ended, closes that wait for others included.
    pub fn unfinished(&self) -> usize {
        self.flights.len() + self.open.items.iter().flatten().filter(|file| file.closing.is_some()).count()
    }
}

impl Reactor {
    /// Opens a file. Ends with its number: small, this core's own, used again after `close_file`.
    pub fn open_file(&mut self, token: u64, path: Vec<u8>, how: Opening) {
        if let Some(path) = self.checked(token, path) {
            self.launch(token, None, Work::Open { path, how });
        }
    }

    /// Appends up to `len` bytes (at most 1 GiB) from offset `at` to `buf`. Ends with their count; 0 at the end of the file.
    pub fn read_file(&mut self, token: u64, file: u32, at: u64, len: usize, mut buf: Vec<u8>) {
        let len = len.min(PIECE_MAX);
        if i64::try_from(at).is_err() {
            return self.refuse(token, libc::EINVAL, buf);
        }
        if buf.try_reserve(len).is_err() {
            return self.refuse(token, libc::ENOMEM, buf);
        }
        self.launch(token, Some(file), Work::Read { at, len: len as u32, buf });
    }

    /// Writes `buf[from..]`, at most 1 GiB of it, at offset `at`. Ends with how many bytes were written.
    pub fn write_file(&mut self, token: u64, file: u32, at: u64, buf: Vec<u8>, from: usize) {
        // An offset of -1 would mean the file's own position.
        if i64::try_from(at).is_err() || from > buf.len() {
            return self.refuse(token, libc::EINVAL, buf);
        }
        self.launch(token, Some(file), Work::Write { at, from, buf });
    }

    /// fdatasync: contents and size, whatever has been written when it begins. Ends with 0.
    pub fn sync_file(&mut self, token: u64, file: u32) {
        self.launch(token, Some(file), Work::Sync);
    }

    /// Cuts the file to `len` bytes, or extends it with zeros. Ends with 0. Before Linux 6.9 a system call inside of this one.
    pub fn truncate_file(&mut self, token: u64, file: u32, len: u64) {
        if i64::try_from(len).is_err() {
            return self.refuse(token, libc::EINVAL, Vec::new());
        }
        if self.files.has_truncate {
            return self.launch(token, Some(file), Work::Truncate { len });
        }
        let result = match self.files.open.get_mut(file) {
            Some(open) if open.closing.is_none() => truncate_now(open.fd.as_raw_fd(), len),
            _ => Err(libc::EBADF),
        };
        self.ready.push(Event::File { token, result, buf: Vec::new() });
    }

    /// Ends with the size in bytes.
    pub fn size_of_file(&mut self, token: u64, file: u32) {
        // SAFETY: all bytes zero is a valid statx.
        let place = Box::new(unsafe { std::mem::zeroed::<libc::statx>() });
        self.launch(token, Some(file), Work::Size { place });
    }

    /// Closes a file; its number is dead at once. Ends with 0, after the operations on it that were begun before.
    pub fn close_file(&mut self, token: u64, file: u32) {
        match self.files.open.get_mut(file) {
            Some(open) if open.closing.is_none() => open.closing = Some(token),
            _ => return self.refuse(token, libc::EBADF, Vec::new()),
        }
        self.close_when_done(file);
    }

    /// Renames a file over whatever has the name `to`. Ends with 0.
    pub fn rename_file(&mut self, token: u64, from: Vec<u8>, to: Vec<u8>) {
        if let Some(from) = self.checked(token, from)
            && let Some(to) = self.checked(token, to)
        {
            self.launch(token, None, Work::Rename { from, to });
        }
    }

    /// Removes a file's name. Ends with 0.
    pub fn remove_file(&mut self, token: u64, path: Vec<u8>) {
        if let Some(path) = self.checked(token, path) {
            self.launch(token, None, Work::Remove { path });
        }
    }

    /// Makes a directory. Ends with 0.
    pub fn make_dir(&mut self, token: u64, path: Vec<u8>) {
        if let Some(path) = self.checked(token, path) {
            self.launch(token, None, Work::MakeDir { path });
        }
    }

    /// Makes the names in a directory durable: opens, syncs and closes it. Ends with 0.
    pub fn sync_dir(&mut self, token: u64, path: Vec<u8>) {
        if let Some(path) = self.checked(token, path) {
            self.launch(token, None, Work::OpenDir { path });
        }
    }

    /// File operations that have not ended.
    pub fn file_operations(&self) -> usize {
        self.files.unfinished()
    }

    /// The path as the kernel takes it; one with a NUL inside ends the operation.
    fn checked(&mut self, token: u64, path: Vec<u8>) -> Option<CString> {
        let path = CString::new(path).ok();
        if path.is_none() {
            self.refuse(token, libc::EINVAL, Vec::new());
        }
        path
    }

    fn refuse(&mut self, token: u64, errno: i32, buf: Vec<u8>) {
        self.ready.push(Event::File { token, result: Err(errno), buf });
    }

    fn launch(&mut self, token: u64, file: Option<u32>, work: Work) {
        if let Some(file) = file {
            match self.files.open.get_mut(file) {
                Some(open) if open.closing.is_none() => open.in_flight += 1,
                _ => return self.refuse(token, libc::EBADF, work.into_buffer()),
            }
        }
        let index = self.files.flights.insert(Flight { token, file, work });
        self.submit_flight(index);
    }

    fn submit_flight(&mut self, index: u32) {
        let files = &mut self.files;
        let Some(flight) = files.flights.get_mut(index) else { return };
        let fd = flight.file.and_then(|file| files.open.get_mut(file)).map(|open| open.fd.as_raw_fd());
        let entry = flight.work.entry(Fd(fd.unwrap_or(libc::AT_FDCWD)));
        let entry = entry.user_data(self::token(Kind::File, ConnId::new(index, 0)));
        // SAFETY: the entry points into heap memory that the record owns, which stays in the table until `finished_file`
        // takes it out after the completion, or is leaked with the table.
        unsafe { self.ring.push(entry) };
    }

    /// The completion of operation `index`.
    pub(super) fn finished_file(&mut self, index: u32, done: &Done) {
        let Some(flight) = self.files.flights.get_mut(index) else { return };
        if matches!(-done.result, libc::EINTR | libc::EAGAIN) && flight.work.may_repeat() {
            return self.submit_flight(index);
        }
        let Some(Flight { token, file, work }) = self.files.flights.remove(index) else { return };
        let result = if done.result < 0 { Err(-done.result) } else { Ok(done.result as u64) };
        if let (Work::OpenDir { .. }, Ok(fd)) = (&work, result) {
            // SAFETY: the kernel has just made this descriptor for this operation.
            let dir = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
            return self.launch(token, None, Work::SyncDir { dir });
        }
        let (result, buf) = self.outcome(work, result);
        self.ready.push(Event::File { token, result, buf });
        if let Some(file) = file {
            if let Some(open) = self.files.open.get_mut(file) {
                open.in_flight -= 1;
            }
            self.close_when_done(file);
        }
    }

    /// What the caller hears of a completion.
    fn outcome(&mut self, work: Work, result: Result<u64, i32>) -> (Result<u64, i32>, Vec<u8>) {
        match work {
            Work::Open { .. } => {
                let number = result.map(|fd| {
                    // SAFETY: the kernel has just made this descriptor for this operation.
                    let fd = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
                    u64::from(self.files.open.insert(Open { fd, in_flight: 0, closing: None }))
                });
                (number, Vec::new())
            }
            Work::Read { len, mut buf, .. } => {
                let count = usize::try_from(result.unwrap_or(0)).unwrap_or(usize::MAX);
                assert!(count <= len as usize, "the kernel has read more than it was asked for");
                // SAFETY: the kernel has written `count` bytes behind the old length; `read_file` reserved `len` of them.
                unsafe { buf.set_len(buf.len() + count) };
                (result, buf)
            }
            Work::Size { place } => (result.map(|_| place.stx_size), Vec::new()),
            // The descriptor is gone even so; see close(2).
            Work::Close { .. } if result == Err(libc::EINTR) => (Ok(0), Vec::new()),
            // The file system keeps nothing for a directory that could be synced; redis-server goes on too.
            Work::SyncDir { .. } if result == Err(libc::EINVAL) => (Ok(0), Vec::new()),
            work => (result, work.into_buffer()),
        }
    }

    /// Submits the close of a file once nothing else is in flight on it.
    fn close_when_done(&mut self, file: u32) {
        let is_due = self.files.open.get_mut(file).is_some_and(|open| open.closing.is_some() && open.in_flight == 0);
        if !is_due {
            return;
        }
        if let Some(Open { fd, closing: Some(token), .. }) = self.files.open.remove(file) {
            // From here on the descriptor belongs to the operation.
            self.launch(token, None, Work::Close { fd: fd.into_raw_fd() });
        }
    }
}

impl Work {
    /// The entry for the ring. `fd`: the file it works on, if it does.
    fn entry(&mut self, fd: Fd) -> squeue::Entry {
        let here = Fd(libc::AT_FDCWD);
        match self {
            Work::Open { path, how } => opcode::OpenAt::new(here, path.as_ptr()).flags(open_flags(*how)).mode(FILE_MODE).build(),
            Work::Read { at, len, buf } => opcode::Read::new(fd, buf.spare_capacity_mut().as_mut_ptr().cast(), *len).offset(*at).build(),
            Work::Write { at, from, buf } => {
                let rest = &buf[*from..];
                opcode::Write::new(fd, rest.as_ptr(), rest.len().min(PIECE_MAX) as u32).offset(*at).build()
            }
            Work::Sync => opcode::Fsync::new(fd).flags(FsyncFlags::DATASYNC).build(),
            Work::Truncate { len } => opcode::Ftruncate::new(fd, *len).build(),
            Work::Size { place } => {
                opcode::Statx::new(fd, c"".as_ptr(), (&raw mut **place).cast()).flags(libc::AT_EMPTY_PATH).mask(libc::STATX_SIZE).build()
            }
            Work::Close { fd } => opcode::Close::new(Fd(*fd)).build(),
            Work::Rename { from, to } => opcode::RenameAt::new(here, from.as_ptr(), here, to.as_ptr()).build(),
            Work::Remove { path } => opcode::UnlinkAt::new(here, path.as_ptr()).build(),
            Work::MakeDir { path } => opcode::MkDirAt::new(here, path.as_ptr()).mode(DIR_MODE).build(),
            Work::OpenDir { path } => {
                let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
                opcode::OpenAt::new(here, path.as_ptr()).flags(flags).build()
            }
            Work::SyncDir { dir } => opcode::Fsync::new(Fd(dir.as_raw_fd())).build(),
        }
    }

    /// Whether an interrupted operation is begun again: not what reports an error only once, and not what gives a descriptor up.
    fn may_repeat(&self) -> bool {
        !matches!(self, Work::Sync | Work::SyncDir { .. } | Work::Close { .. })
    }

    /// The caller's buffer.
    fn into_buffer(self) -> Vec<u8> {
        match self {
            Work::Read { buf, .. } | Work::Write { buf, .. } => buf,
            _ => Vec::new(),
        }
    }
}

/// Every file that is written may be read again: what one wrote is copied or checked later.
fn open_flags(how: Opening) -> c_int {
    libc::O_CLOEXEC
        | match how {
            Opening::Read => libc::O_RDONLY,
            Opening::Create => libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC,
            Opening::Extend => libc::O_RDWR | libc::O_CREAT,
        }
}

fn truncate_now(fd: RawFd, len: u64) -> Result<u64, i32> {
    loop {
        // SAFETY: plain system call on a descriptor that the table owns.
        if unsafe { libc::ftruncate(fd, len as libc::off_t) } == 0 {
            return Ok(0);
        }
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => {}
            errno => return Err(errno.unwrap_or(libc::EIO)),
        }
    }
}

#[cfg(test)]
mod tests;
