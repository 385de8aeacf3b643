//! Files through a ring, on the file system that holds the temporary directory. Needs `unsafe` to look at descriptors and limits.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::io::kernel::Waker;
use crate::io::{Opts, Wait};

/// A directory of one test, removed at its end.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ringfort-file-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> Vec<u8> {
        bytes(&self.0.join(name))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

type Outcome = (u64, Result<u64, i32>, Vec<u8>);

struct Bench {
    reactor: Reactor,
    dir: Dir,
}

impl Bench {
    fn new() -> Self {
        let opts = Opts { entries: 8, buffers: 4, buffer_bytes: 4096 };
        Self { reactor: Reactor::new(opts, Waker::new(1).unwrap(), 0).unwrap(), dir: Dir::new() }
    }

    /// Outcomes of the next `count` operations, in the order in which they ended.
    fn outcomes(&mut self, count: usize) -> Vec<Outcome> {
        let (mut events, mut found, start) = (Vec::new(), Vec::new(), Instant::now());
        while found.len() < count {
            assert!(start.elapsed() < Duration::from_secs(20), "it never ended");
            let timeout = Some(Duration::from_millis(100));
            self.reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).unwrap();
            for event in events.drain(..) {
                if let Event::File { token, result, buf } = event {
                    found.push((token, result, buf));
                }
            }
        }
        found
    }

    /// The one operation that is in flight.
    fn outcome(&mut self) -> (Result<u64, i32>, Vec<u8>) {
        let (token, result, buf) = self.outcomes(1).remove(0);
        assert_eq!(token, 0);
        (result, buf)
    }

    fn open(&mut self, name: &str, how: Opening) -> u32 {
        self.reactor.open_file(0, self.dir.path(name), how);
        u32::try_from(self.outcome().0.unwrap()).unwrap()
    }

    fn contents(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.0.join(name)).unwrap()
    }
}

#[test]
fn a_file_goes_through_its_whole_life() {
    let mut bench = Bench::new();
    let file = bench.open("new", Opening::Create);
    bench.reactor.write_file(0, file, 3, b"--hello".to_vec(), 2);
    assert_eq!(bench.outcome(), (Ok(5), b"--hello".to_vec()));
    bench.reactor.sync_file(0, file);
    assert_eq!(bench.outcome().0, Ok(0));
    bench.reactor.size_of_file(0, file);
    assert_eq!(bench.outcome().0, Ok(8));
    bench.reactor.read_file(0, file, 1, 100, b"got:".to_vec());
    assert_eq!(bench.outcome(), (Ok(7), b"got:\0\0hello".to_vec()));
    bench.reactor.read_file(0, file, 8, 100, Vec::new());
    assert_eq!(bench.outcome().0, Ok(0));
    bench.reactor.truncate_file(0, file, 5);
    assert_eq!(bench.outcome().0, Ok(0));
    bench.reactor.close_file(0, file);
    assert_eq!(bench.outcome().0, Ok(0));
    assert_eq!(bench.contents("new"), b"\0\0\0he");
    bench.reactor.rename_file(0, bench.dir.path("new"), bench.dir.path("old"));
    assert_eq!(bench.outcome().0, Ok(0));
    bench.reactor.sync_dir(0, bytes(&bench.dir.0));
    assert_eq!(bench.outcome().0, Ok(0));
    assert_eq!(bench.contents("old"), b"\0\0\0he");
    bench.reactor.remove_file(0, bench.dir.path("old"));
    assert_eq!(bench.outcome().0, Ok(0));
    assert!(!bench.dir.0.join("old").exists());
    assert_eq!(bench.reactor.file_operations(), 0);
}

#[test]
fn truncation_works_without_the_kernels_operation() {
    let mut bench = Bench::new();
    bench.reactor.files.has_truncate = false;
    let file = bench.open("f", Opening::Create);
    bench.reactor.truncate_file(0, file, 3);
    assert_eq!(bench.outcome().0, Ok(0));
    assert_eq!(bench.contents("f"), b"\0\0\0");
    bench.reactor.truncate_file(0, file + 1, 3);
    assert_eq!(bench.outcome().0, Err(libc::EBADF));
    let file = bench.open("f", Opening::Read);
    bench.reactor.truncate_file(0, file, 1);
    assert_eq!(bench.outcome().0, Err(libc::EINVAL));
}

#[test]
fn opening_keeps_or_empties_as_asked() {
    let mut bench = Bench::new();
    std::fs::write(bench.dir.0.join("f"), b"kept").unwrap();
    let file = bench.open("f", Opening::Extend);
    bench.reactor.write_file(0, file, 4, b" on".to_vec(), 0);
    assert_eq!(bench.outcome().0, Ok(3));
    assert_eq!(bench.contents("f"), b"kept on");
    let file = bench.open("f", Opening::Read);
    bench.reactor.write_file(0, file, 0, b"no".to_vec(), 0);
    assert_eq!(bench.outcome(), (Err(libc::EBADF), b"no".to_vec()));
    bench.open("f", Opening::Create);
    assert_eq!(bench.contents("f"), b"");
}

#[test]
fn errors_come_back_as_the_kernel_names_them() {
    let mut bench = Bench::new();
    bench.reactor.open_file(0, bench.dir.path("missing"), Opening::Read);
    assert_eq!(bench.outcome().0, Err(libc::ENOENT));
    bench.reactor.remove_file(0, bench.dir.path("missing"));
    assert_eq!(bench.outcome().0, Err(libc::ENOENT));
    bench.reactor.rename_file(0, bench.dir.path("missing"), bench.dir.path("x"));
    assert_eq!(bench.outcome().0, Err(libc::ENOENT));
    bench.reactor.sync_dir(0, bench.dir.path("missing"));
    assert_eq!(bench.outcome().0, Err(libc::ENOENT));
    bench.reactor.make_dir(0, bench.dir.path("sub"));
    assert_eq!(bench.outcome().0, Ok(0));
    bench.reactor.make_dir(0, bench.dir.path("sub"));
    assert_eq!(bench.outcome().0, Err(libc::EEXIST));
    bench.reactor.open_file(0, bench.dir.path("sub"), Opening::Extend);
    assert_eq!(bench.outcome().0, Err(libc::EISDIR));
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_its_buffer() {
    let mut bench = Bench::new();
    let file = bench.open("f", Opening::Create);
    bench.reactor.write_file(0, file, u64::MAX, b"w".to_vec(), 0);
    assert_eq!(bench.outcome(), (Err(libc::EINVAL), b"w".to_vec()));
    bench.reactor.write_file(0, file, 0, b"w".to_vec(), 2);
    assert_eq!(bench.outcome(), (Err(libc::EINVAL), b"w".to_vec()));
    bench.reactor.read_file(0, file, u64::MAX, 1, b"r".to_vec());
    assert_eq!(bench.outcome(), (Err(libc::EINVAL), b"r".to_vec()));
    bench.reactor.truncate_file(0, file, u64::MAX);
    assert_eq!(bench.outcome().0, Err(libc::EINVAL));
    bench.reactor.write_file(0, 99, 0, b"w".to_vec(), 0);
    assert_eq!(bench.outcome(), (Err(libc::EBADF), b"w".to_vec()));
    bench.reactor.open_file(0, b"a\0b".to_vec(), Opening::Create);
    assert_eq!(bench.outcome().0, Err(libc::EINVAL));
    bench.reactor.rename_file(0, b"a".to_vec(), b"a\0b".to_vec());
    assert_eq!(bench.outcome().0, Err(libc::EINVAL));
    assert_eq!(bench.contents("f"), b"");
}

#[test]
fn many_more_operations_than_the_ring_holds_end_once_each() {
    let mut bench = Bench::new();
    let file = bench.open("f", Opening::Create);
    let count = 500u64;
    let token = |n: u64| n << 56 | n;
    for n in 0..count {
        let piece = vec![n as u8; 100];
        bench.reactor.write_file(token(n % 200) ^ n, file, n * 100, piece, 0);
    }
    let mut outcomes = bench.outcomes(count as usize);
    outcomes.sort_by_key(|(token, _, _)| *token);
    let mut tokens: Vec<u64> = (0..count).map(|n| token(n % 200) ^ n).collect();
    tokens.sort_unstable();
    assert_eq!(outcomes.iter().map(|(token, _, _)| *token).collect::<Vec<_>>(), tokens);
    assert!(outcomes.iter().all(|(_, result, buf)| *result == Ok(100) && buf.len() == 100));
    let expected: Vec<u8> = (0..count).flat_map(|n| [n as u8; 100]).collect();
    assert!(bench.contents("f") == expected);
    assert_eq!(bench.reactor.file_operations(), 0);
}

#[test]
fn what_is_above_a_gibibyte_is_cut() {
    let mut bench = Bench::new();
    bench.reactor.open_file(0, b"/dev/null".to_vec(), Opening::Extend);
    let file = u32::try_from(bench.outcome().0.unwrap()).unwrap();
    // Zeros that are never looked at take no memory.
    bench.reactor.write_file(0, file, 0, vec![0; PIECE_MAX + 10], 1);
    assert_eq!(bench.outcome().0, Ok(PIECE_MAX as u64));
}

#[test]
fn a_close_waits_for_what_was_begun_before_it() {
    let mut bench = Bench::new();
    let file = bench.open("f", Opening::Create);
    for n in 0..20 {
        bench.reactor.write_file(1 + n, file, n << 20, vec![7; 1 << 20], 0);
    }
    bench.reactor.close_file(99, file);
    bench.reactor.sync_file(100, file);
    bench.reactor.close_file(101, file);
    let outcomes = bench.outcomes(23);
    for (token, result, _) in &outcomes {
        match token {
            100 | 101 => assert_eq!(*result, Err(libc::EBADF)),
            99 => assert_eq!(*result, Ok(0)),
            _ => assert_eq!(*result, Ok(1 << 20)),
        }
    }
    assert_eq!(outcomes[22].0, 99);
    assert_eq!(bench.contents("f").len(), 20 << 20);
    assert_eq!(bench.open("g", Opening::Create), file, "the number is used again");
}

#[test]
fn descriptors_are_not_inherited_and_not_lost() {
    let mut bench = Bench::new();
    let before = bench.reactor.files.open.len();
    for round in 0..50 {
        let file = bench.open("f", if round == 0 { Opening::Create } else { Opening::Extend });
        let fd = bench.reactor.files.open.get_mut(file).unwrap().fd.as_raw_fd();
        // SAFETY: asks for the flags of a descriptor that the table owns.
        assert_eq!(unsafe { libc::fcntl(fd, libc::F_GETFD) }, libc::FD_CLOEXEC);
        bench.reactor.sync_dir(0, bytes(&bench.dir.0));
        assert_eq!(bench.outcome().0, Ok(0));
        bench.reactor.close_file(0, file);
        assert_eq!(bench.outcome().0, Ok(0));
        assert_eq!(file, 0);
    }
    assert_eq!((bench.reactor.files.open.len(), bench.reactor.files.flights.items.len()), (before, 1));
}

#[test]
fn a_reactor_that_ends_waits_for_its_files() {
    for round in 0..20u64 {
        let mut bench = Bench::new();
        let file = bench.open("f", Opening::Create);
        for n in 0..12 {
            bench.reactor.write_file(n, file, n * 100_000, vec![round as u8; 100_000], 0);
            bench.reactor.read_file(n, file, 0, 100_000, Vec::new());
        }
        bench.reactor.open_file(0, bench.dir.path("g"), Opening::Create);
        bench.reactor.sync_dir(0, bytes(&bench.dir.0));
        bench.reactor.close_file(0, file);
        let Bench { reactor, dir } = bench;
        drop(reactor);
        assert!(std::fs::read(dir.0.join("f")).unwrap() == vec![round as u8; 1_200_000]);
        assert!(dir.0.join("g").exists());
    }
}

/// Runs in a process of its own, because the limit holds for all of it.
#[test]
fn a_full_disk_shows_as_a_short_write_and_then_an_error() {
    if std::env::var("RINGFORT_FSIZE").is_err() {
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["a_full_disk_shows_as_a_short_write_and_then_an_error", "--test-threads=1"])
            .env("RINGFORT_FSIZE", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        return;
    }
    let mut bench = Bench::new();
    let limit = libc::rlimit { rlim_cur: 1000, rlim_max: 1000 };
    // SAFETY: sets a disposition to a constant and a limit from a structure that lives during the call.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
    let file = bench.open("f", Opening::Create);
    bench.reactor.write_file(0, file, 600, vec![1; 600], 0);
    assert_eq!(bench.outcome(), (Ok(400), vec![1; 600]));
    bench.reactor.write_file(0, file, 1000, vec![1; 600], 400);
    assert_eq!(bench.outcome(), (Err(libc::EFBIG), vec![1; 600]));
}
