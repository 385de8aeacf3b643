//! One file from its first byte to its last, in pieces that come in order.
//!
//! Layer 4, under `load`. While one piece is being used the next is on its way; no more than two are held.
//! Invariant: what `take` gives is contiguous; a short read is continued, and only the end of the file ends it.

use std::collections::VecDeque;

use crate::persist::disk::{Disk, Done, FileId, Mode, Op};
use crate::persist::plan::Part;

/// Bytes of a piece.
const PIECE: usize = 1 << 20;
/// Pieces held or on their way.
const AHEAD: usize = 2;

/// What became of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It belongs to somebody else.
    NotMine,
    Fine,
    /// The file cannot be opened: an errno.
    NotOpened(i32),
    /// It cannot be read: an errno.
    Failed(i32),
}

/// See the file's head.
pub struct Reader {
    state: State,
    /// Next byte to ask for.
    at: u64,
    end: u64,
    pieces: VecDeque<Piece>,
    spare: Option<Vec<u8>>,
    /// The file ends before `end`.
    pub is_short: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Opening(u64),
    Sizing(u64, FileId),
    Open(FileId),
    Closed,
}

struct Piece {
    op: u64,
    at: u64,
    want: usize,
    /// `None` while it is being read.
    buf: Option<Vec<u8>>,
}

impl Reader {
    /// Begins to open a file, to be read from `start` to `end` (or to its own end if that comes first).
    pub fn open(path: &[u8], start: u64, end: u64, disk: &mut dyn Disk, next: &mut u64) -> Reader {
        *next += 1;
        disk.submit(Part::Load.token(*next), Op::Open { path: path.to_vec(), mode: Mode::Read });
        Reader { state: State::Opening(*next), at: start, end, pieces: VecDeque::new(), spare: None, is_short: false }
    }

    /// Asks for what is needed next.
    pub fn pump(&mut self, disk: &mut dyn Disk, next: &mut u64) {
        let State::Open(file) = self.state else { return };
        while self.pieces.len() < AHEAD && self.at < self.end {
            let want = usize::try_from(self.end - self.at).unwrap_or(PIECE).min(PIECE);
            *next += 1;
            let mut buf = self.spare.take().unwrap_or_default();
            buf.clear();
            disk.submit(Part::Load.token(*next), Op::Read { file, at: self.at, len: want, buf });
            self.pieces.push_back(Piece { op: *next, at: self.at, want, buf: None });
            self.at += want as u64;
        }
    }

    /// Operation `n` ended.
    pub fn finished(&mut self, n: u64, done: &mut Done, disk: &mut dyn Disk, next: &mut u64) -> Progress {
        match (self.state, done.result) {
            (State::Opening(op), Ok(file)) if op == n => {
                let file = FileId(file as u32);
                *next += 1;
                disk.submit(Part::Load.token(*next), Op::Size { file });
                self.state = State::Sizing(*next, file);
                return Progress::Fine;
            }
            (State::Opening(op), Err(errno)) if op == n => return Progress::NotOpened(errno),
            (State::Sizing(op, file), Ok(size)) if op == n => {
                self.is_short = self.end != u64::MAX && size < self.end;
                self.end = self.end.min(size);
                self.state = State::Open(file);
                return Progress::Fine;
            }
            (State::Sizing(op, _), Err(errno)) if op == n => return Progress::Failed(errno),
            _ => {}
        }
        let State::Open(file) = self.state else { return Progress::NotMine };
        let Some(place) = self.pieces.iter().position(|piece| piece.op == n) else { return Progress::NotMine };
        match done.result {
            Err(errno) => Progress::Failed(errno),
            Ok(count) => {
                self.read(place, file, count, std::mem::take(&mut done.buf), disk);
                Progress::Fine
            }
        }
    }

    fn read(&mut self, place: usize, file: FileId, count: u64, buf: Vec<u8>, disk: &mut dyn Disk) {
        let Some(piece) = self.pieces.get_mut(place) else { return };
        let got = buf.len();
        if got < piece.want && count > 0 {
            let op = Op::Read { file, at: piece.at + got as u64, len: piece.want - got, buf };
            return disk.submit(Part::Load.token(piece.op), op);
        }
        if got < piece.want {
            self.is_short = true;
            self.end = self.end.min(piece.at + got as u64);
            piece.want = got;
        }
        piece.buf = Some(buf);
    }

    /// The next piece, when it is here.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.pieces.front()?.buf.as_ref()?;
        self.pieces.pop_front()?.buf
    }

    /// A piece's buffer, used up.
    pub fn recycle(&mut self, buf: Vec<u8>) {
        self.spare = Some(buf);
    }

    /// Whether `take` would give something.
    pub fn has_piece(&self) -> bool {
        self.pieces.front().is_some_and(|piece| piece.buf.is_some())
    }

    /// Whether everything was taken.
    pub fn is_at_end(&self) -> bool {
        matches!(self.state, State::Open(_)) && self.pieces.is_empty() && self.at >= self.end
    }

    /// Lets the file go.
    pub fn close(&mut self, disk: &mut dyn Disk, next: &mut u64) {
        if let State::Open(file) | State::Sizing(_, file) = self.state {
            *next += 1;
            disk.submit(Part::Load.token(*next), Op::Close { file });
        }
        self.state = State::Closed;
    }
}
