//! A core's ring as the disk of its durability: every operation becomes one of the reactor, under the same token.
//!
//! Made for one call of a state machine and gone after it; ends come as `Event::File` in a later turn.
//! Not here: any order between operations, any repetition; see `persist/disk.rs`.

use crate::io::Opening;
use crate::io::kernel::Reactor;
use crate::persist::disk::{Disk, Mode, Op};

/// Lends a core's reactor to `persist`.
pub struct RingDisk<'a>(pub &'a mut Reactor);

impl Disk for RingDisk<'_> {
    fn submit(&mut self, token: u64, op: Op) {
        let reactor = &mut *self.0;
        match op {
            Op::Open { path, mode } => reactor.open_file(token, path, opening(mode)),
            Op::Read { file, at, len, buf } => reactor.read_file(token, file.0, at, len, buf),
            Op::Write { file, at, buf, from } => reactor.write_file(token, file.0, at, buf, from),
            Op::Sync { file } => reactor.sync_file(token, file.0),
            Op::Truncate { file, len } => reactor.truncate_file(token, file.0, len),
            Op::Size { file } => reactor.size_of_file(token, file.0),
            Op::Close { file } => reactor.close_file(token, file.0),
            Op::Rename { from, to } => reactor.rename_file(token, from, to),
            Op::Remove { path } => reactor.remove_file(token, path),
            Op::MakeDir { path } => reactor.make_dir(token, path),
            Op::SyncDir { path } => reactor.sync_dir(token, path),
        }
    }
}

fn opening(mode: Mode) -> Opening {
    match mode {
        Mode::Read => Opening::Read,
        Mode::Create => Opening::Create,
        Mode::Extend => Opening::Extend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::kernel::Waker;
    use crate::io::{Event, Opts, Wait};
    use crate::persist::disk::FileId;
    use std::os::unix::ffi::OsStrExt;
    use std::time::Duration;

    /// Begins `op` and waits for its end.
    fn run(reactor: &mut Reactor, token: u64, op: Op) -> (Result<u64, i32>, Vec<u8>) {
        RingDisk(reactor).submit(token, op);
        let mut events = Vec::new();
        for _ in 0..200 {
            let timeout = Some(Duration::from_millis(100));
            reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).unwrap();
            for event in events.drain(..) {
                if let Event::File { token: found, result, buf } = event {
                    assert_eq!(found, token);
                    return (result, buf);
                }
            }
        }
        panic!("it never ended");
    }

    #[test]
    fn every_operation_reaches_the_kernel() {
        let mut reactor = Reactor::new(Opts { entries: 8, buffers: 4, buffer_bytes: 4096 }, Waker::new(1).unwrap(), 0).unwrap();
        let dir = std::env::temp_dir().join(format!("ringfort-disk-{}", std::process::id()));
        let path = |name: &str| dir.join(name).as_os_str().as_bytes().to_vec();
        let token = u64::MAX;
        assert_eq!(run(&mut reactor, token, Op::MakeDir { path: path("") }).0, Ok(0));
        let (opened, _) = run(&mut reactor, token, Op::Open { path: path("a"), mode: Mode::Create });
        let file = FileId(u32::try_from(opened.unwrap()).unwrap());
        assert_eq!(run(&mut reactor, token, Op::Write { file, at: 0, buf: b"..text".to_vec(), from: 2 }), (Ok(4), b"..text".to_vec()));
        assert_eq!(run(&mut reactor, token, Op::Sync { file }).0, Ok(0));
        assert_eq!(run(&mut reactor, token, Op::Truncate { file, len: 3 }).0, Ok(0));
        assert_eq!(run(&mut reactor, token, Op::Size { file }).0, Ok(3));
        assert_eq!(run(&mut reactor, token, Op::Read { file, at: 1, len: 9, buf: Vec::new() }), (Ok(2), b"ex".to_vec()));
        assert_eq!(run(&mut reactor, token, Op::Close { file }).0, Ok(0));
        assert_eq!(run(&mut reactor, token, Op::Rename { from: path("a"), to: path("b") }).0, Ok(0));
        assert_eq!(run(&mut reactor, token, Op::SyncDir { path: path("") }).0, Ok(0));
        assert_eq!(std::fs::read(dir.join("b")).unwrap(), b"tex");
        assert_eq!(run(&mut reactor, token, Op::Remove { path: path("b") }).0, Ok(0));
        assert_eq!(run(&mut reactor, token, Op::Open { path: path("b"), mode: Mode::Read }).0, Err(2));
        std::fs::remove_dir(dir).unwrap();
    }
}
