//! Where the snapshot at the front of a file ends and commands begin: servers before 7.0 wrote both into one file.

use super::own::errno_text;
use super::survey::WINDOW;
use crate::persist::disk::Store;
use crate::persist::rdb::skim::{Next, Record, Skim};

/// Offset behind the checksum. The file is read up to there, values are jumped over. The error names offset and cause.
pub fn end(store: &mut dyn Store, path: &[u8], size: u64) -> Result<u64, String> {
    let mut skim = Skim::new(Some(size), u64::MAX);
    let (mut window, mut base, mut len) = (vec![0; WINDOW], 0, 0);
    loop {
        match skim.next(window.get(..len).unwrap_or_default(), base).map_err(|failure| failure.to_string())? {
            Next::Record(Record::End { .. }) => return Ok(skim.offset()),
            Next::Record(_) => {}
            Next::NeedMore { from, bytes } => {
                if window.len() < bytes {
                    window.resize(bytes, 0);
                }
                base = from;
                len = 0;
                while len < bytes {
                    let room = window.get_mut(len..).unwrap_or_default();
                    match store.read(path, base + len as u64, room).map_err(errno_text)? {
                        0 => return Err(skim.end_of_input().to_string()),
                        n => len += n,
                    }
                }
            }
        }
    }
}
