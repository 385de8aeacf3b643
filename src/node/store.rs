//! Files one call after the other, for the time before cores run and for tools.
//!
//! Invariants: what `replace`, `truncate`, `write_again`, `rename` and `make_dir` answer with success is durable, names included; after a failed sync
//! nothing is tried again. An errno that the standard library does not tell becomes `EIO`.
//!
//! Not here: what cores do while they run; that goes through their rings (`node/disk.rs`).
//! Ref: open(2), fsync(2), rename(2).

use crate::persist::disk::Store;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Permissions of files that are made here, before the umask.
const FILE_MODE: u32 = 0o644;

/// Bytes read and written again at once.
const AGAIN_BYTES: usize = 1 << 20;

/// The file system of this process.
#[derive(Default)]
pub struct FileStore {
    /// The file that was read last: it is read in pieces.
    reading: Option<(Vec<u8>, File)>,
}

impl FileStore {
    /// A store that has nothing open.
    #[must_use]
    pub fn new() -> FileStore {
        FileStore::default()
    }

    /// The open file of that name.
    fn opened(&mut self, path: &[u8]) -> io::Result<&File> {
        let reading = match self.reading.take() {
            Some((name, file)) if name == path => (name, file),
            _ => (path.to_vec(), File::open(as_path(path))?),
        };
        Ok(&self.reading.insert(reading).1)
    }
}

impl Store for FileStore {
    fn size(&mut self, path: &[u8]) -> Result<Option<u64>, i32> {
        match fs::metadata(as_path(path)) {
            Ok(about) => Ok(Some(about.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(errno(&error)),
        }
    }

    fn read(&mut self, path: &[u8], at: u64, buf: &mut [u8]) -> Result<usize, i32> {
        let file = self.opened(path).map_err(|e| errno(&e))?;
        loop {
            match file.read_at(buf, at) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other.map_err(|e| errno(&e)),
            }
        }
    }

    fn replace(&mut self, path: &[u8], temporary: &[u8], bytes: &[u8]) -> Result<(), i32> {
        self.reading = None;
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(as_path(temporary))?;
            file.write_all(bytes)?;
            file.sync_data()?;
            fs::rename(as_path(temporary), as_path(path))
        };
        if let Err(error) = write() {
            // The error above is what counts; a rest under the temporary name is in nobody's way.
            let _ = fs::remove_file(as_path(temporary));
            return Err(errno(&error));
        }
        sync_parent(path)
    }

    fn truncate(&mut self, path: &[u8], len: u64) -> Result<(), i32> {
        self.reading = None;
        let cut = || {
            let file = OpenOptions::new().write(true).open(as_path(path))?;
            file.set_len(len)?;
            file.sync_all()
        };
        cut().map_err(|e| errno(&e))
    }

    fn write_again(&mut self, path: &[u8], from: u64, to: u64) -> Result<(), i32> {
        self.reading = None;
        let again = || {
            let file = OpenOptions::new().read(true).write(true).open(as_path(path))?;
            let mut buf = vec![0; AGAIN_BYTES];
            let mut at = from;
            while at < to {
                let len = usize::try_from(to - at).unwrap_or(AGAIN_BYTES).min(AGAIN_BYTES);
                let piece = buf.get_mut(..len).unwrap_or_default();
                file.read_exact_at(piece, at)?;
                file.write_all_at(piece, at)?;
                at += len as u64;
            }
            file.sync_all()
        };
        again().map_err(|e| errno(&e))
    }

    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), i32> {
        self.reading = None;
        fs::rename(as_path(from), as_path(to)).map_err(|e| errno(&e))?;
        sync_parent(to)?;
        if parent(from) == parent(to) { Ok(()) } else { sync_parent(from) }
    }

    fn remove(&mut self, path: &[u8]) -> Result<(), i32> {
        self.reading = None;
        match fs::remove_file(as_path(path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(errno(&error)),
            _ => Ok(()),
        }
    }

    fn make_dir(&mut self, path: &[u8]) -> Result<(), i32> {
        match fs::create_dir(as_path(path)) {
            Ok(()) => sync_parent(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let about = fs::metadata(as_path(path)).map_err(|e| errno(&e))?;
                if about.is_dir() { Ok(()) } else { Err(libc::ENOTDIR) }
            }
            Err(error) => Err(errno(&error)),
        }
    }

    fn list(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, i32> {
        let entries = match fs::read_dir(as_path(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|e| errno(&e))?,
        };
        let names: io::Result<Vec<Vec<u8>>> = entries.map(|entry| Ok(entry?.file_name().into_vec())).collect();
        let mut names = names.map_err(|e| errno(&e))?;
        names.sort_unstable();
        Ok(names)
    }
}

/// CONFIG SET dir.
pub fn enter_dir(dir: &[u8]) -> Result<Vec<u8>, String> {
    let text = |error: io::Error| crate::io::errno_text(errno(&error));
    std::env::set_current_dir(as_path(dir)).map_err(text)?;
    std::env::current_dir().map(|path| path.into_os_string().into_vec()).map_err(text)
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

fn errno(error: &io::Error) -> i32 {
    match error.raw_os_error() {
        Some(errno) => errno,
        // A path with a NUL in it never reaches the kernel.
        None if error.kind() == ErrorKind::InvalidInput => libc::EINVAL,
        None => libc::EIO,
    }
}

/// The directory that holds a name.
fn parent(path: &[u8]) -> &Path {
    match as_path(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// Makes the name of `path` durable.
fn sync_parent(path: &[u8]) -> Result<(), i32> {
    match File::open(parent(path)).and_then(|dir| dir.sync_all()) {
        // The file system keeps nothing for a directory that could be synced.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        other => other.map_err(|e| errno(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Dir(std::path::PathBuf);

    impl Dir {
        fn new() -> Dir {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("ringfort-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Dir(path)
        }
        fn path(&self, name: &str) -> Vec<u8> {
            self.0.join(name).as_os_str().as_bytes().to_vec()
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn all(store: &mut FileStore, path: &[u8]) -> Vec<u8> {
        let (mut out, mut buf) = (Vec::new(), [0; 3]);
        loop {
            let n = store.read(path, out.len() as u64, &mut buf).unwrap();
            if n == 0 {
                return out;
            }
            out.extend_from_slice(&buf[..n]);
        }
    }

    #[test]
    fn reading_follows_what_was_done_to_the_name() {
        let (dir, mut store) = (Dir::new(), FileStore::new());
        let (a, b, temporary) = (dir.path("a"), dir.path("b"), dir.path("t"));
        assert_eq!(store.size(&a), Ok(None));
        assert_eq!(store.read(&a, 0, &mut [0]), Err(libc::ENOENT));
        store.replace(&a, &temporary, b"first text").unwrap();
        assert_eq!(all(&mut store, &a), b"first text");
        store.replace(&a, &temporary, b"second").unwrap();
        assert_eq!(all(&mut store, &a), b"second");
        store.truncate(&a, 3).unwrap();
        assert_eq!((all(&mut store, &a), store.size(&a)), (b"sec".to_vec(), Ok(Some(3))));
        store.rename(&a, &b).unwrap();
        assert_eq!(store.read(&a, 0, &mut [0]), Err(libc::ENOENT));
        assert_eq!(all(&mut store, &b), b"sec");
        assert_eq!(store.list(&dir.path("")), Ok(vec![b"b".to_vec()]));
        store.remove(&b).unwrap();
        store.remove(&b).unwrap();
        assert_eq!(store.size(&b), Ok(None));
        assert_eq!(store.truncate(&b, 0), Err(libc::ENOENT));
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_file_and_no_rest() {
        let (dir, mut store) = (Dir::new(), FileStore::new());
        store.make_dir(&dir.path("d")).unwrap();
        store.replace(&dir.path("d/x"), &dir.path("t"), b"old").unwrap();
        assert_eq!(store.replace(&dir.path("d"), &dir.path("t"), b"new"), Err(libc::EISDIR));
        assert_eq!(store.replace(&dir.path("none/x"), &dir.path("none/t"), b"new"), Err(libc::ENOENT));
        assert_eq!(store.list(&dir.path("")), Ok(vec![b"d".to_vec()]));
        assert_eq!(all(&mut store, &dir.path("d/x")), b"old");
    }

    #[test]
    fn directories_are_made_once_and_listed_in_order() {
        let (dir, mut store) = (Dir::new(), FileStore::new());
        assert_eq!(store.list(&dir.path("d")), Ok(vec![]));
        store.make_dir(&dir.path("d")).unwrap();
        store.make_dir(&dir.path("d")).unwrap();
        for name in ["b", "a\u{ff}", "a"] {
            store.replace(&dir.path(&format!("d/{name}")), &dir.path("t"), b"").unwrap();
        }
        assert_eq!(store.list(&dir.path("d")), Ok(vec![b"a".to_vec(), "a\u{ff}".into(), b"b".to_vec()]));
        assert_eq!(store.make_dir(&dir.path("d/a")), Err(libc::ENOTDIR));
        assert_eq!(store.make_dir(&dir.path("e/f")), Err(libc::ENOENT));
        assert_eq!(store.size(b"a\0b"), Err(libc::EINVAL));
    }

    #[test]
    fn every_name_has_a_directory() {
        assert_eq!(parent(b"dump.rdb"), Path::new("."));
        assert_eq!(parent(b"./dump.rdb"), Path::new("."));
        assert_eq!(parent(b"d/x"), Path::new("d"));
        assert_eq!(parent(b"/x"), Path::new("/"));
        assert_eq!(parent(b"/"), Path::new("/"));
    }
}
