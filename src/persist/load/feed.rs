//! A file of commands on its way to the engine, which carries them out as those of a client.
//!
//! Layer 4, under `load`. The engine asks for bytes and says when everything that it got is carried out.
//! Invariant: exactly the bytes between start and end arrive, without the annotations, and before them the choice of database 0.

use std::collections::VecDeque;

use super::reader::Reader;
use crate::persist::aof::LoadFile;
use crate::persist::disk::Disk;

/// A file may have been written after one that ended in another database.
const FIRST: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";

/// See the file's head.
pub struct Feed {
    pub reader: Reader,
    /// Offset of the next byte that comes.
    at: u64,
    skips: VecDeque<(u64, u64)>,
    is_new: bool,
    /// Bytes handed on, annotations included.
    pub bytes: u64,
}

impl Feed {
    /// Begins to read the commands of `file`.
    pub fn open(file: &LoadFile, disk: &mut dyn Disk, next: &mut u64) -> Feed {
        let reader = Reader::open(&file.path, file.start, file.end, disk, next);
        let skips = file.skips.iter().copied().collect();
        Feed { reader, at: file.start, skips, is_new: true, bytes: 0 }
    }

    /// The next bytes.
    pub fn input(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut piece = self.reader.take()?;
            self.cut(&mut piece);
            if std::mem::take(&mut self.is_new) {
                piece.splice(0..0, FIRST.iter().copied());
            }
            if !piece.is_empty() {
                return Some(piece);
            }
        }
    }

    /// Takes the annotations out of a piece.
    fn cut(&mut self, piece: &mut Vec<u8>) {
        let (start, len) = (self.at, piece.len());
        self.at += len as u64;
        self.bytes += len as u64;
        let (mut kept, mut from) = (0, 0);
        while let Some(&(at, count)) = self.skips.front().filter(|skip| skip.0 < self.at) {
            // Both within the piece: an annotation may begin in one and end in the next.
            let begin = usize::try_from(at.saturating_sub(start)).unwrap_or(len).clamp(from, len);
            let end = usize::try_from((at + count).saturating_sub(start)).unwrap_or(len).clamp(begin, len);
            piece.copy_within(from..begin, kept);
            kept += begin - from;
            from = end;
            if at + count > self.at {
                break;
            }
            self.skips.pop_front();
        }
        piece.copy_within(from..len, kept);
        piece.truncate(kept + len - from);
    }

    /// Whether everything was handed on.
    pub fn is_empty(&self) -> bool {
        self.reader.is_at_end()
    }
}
