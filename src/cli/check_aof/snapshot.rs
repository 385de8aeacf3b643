//! The snapshot at the front of a log, checked as check-rdb does: every record is read, every value decoded. Part of `check_aof`.

use crate::data::collection::Limits;
use crate::persist::disk::Store;
use crate::persist::rdb::skim::{Next, Record, Skim};
use crate::persist::rdb::{Failure, checksum_more};
use std::io::Write;

/// Bytes read at once.
const WINDOW: usize = 1 << 20;

#[derive(Default)]
struct Counts {
    keys: u64,
    expires: u64,
    expired: u64,
}

/// Where the snapshot ends, if it is whole.
pub fn check(store: &mut dyn Store, (name, path): (&str, &str), size: u64, out: &mut dyn Write) -> Option<u64> {
    let mut say = |text: String| {
        // Nobody to tell is no reason to stop half way.
        let _ = writeln!(out, "{text}");
    };
    say(format!("[offset 0] Checking RDB file {name}"));
    let mut counts = Counts::default();
    let end = read(store, path, size, &mut counts, &mut say);
    match &end {
        Ok(end) => say(format!("[offset {end}] \\o/ RDB looks OK! \\o/")),
        Err(text) => {
            say("--- RDB ERROR DETECTED ---".into());
            say(text.clone());
        }
    }
    say(format!("[info] {} keys read", counts.keys));
    say(format!("[info] {} expires", counts.expires));
    say(format!("[info] {} already expired", counts.expired));
    end.ok()
}

fn read(store: &mut dyn Store, path: &str, size: u64, counts: &mut Counts, say: &mut dyn FnMut(String)) -> Result<u64, String> {
    let tell = |failure: Failure| format!("[offset {}] {}", failure.at, failure.cause);
    let limits = Limits::default();
    let mut skim = Skim::new(Some(size), u64::MAX);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as i64);
    let (mut window, mut base, mut len) = (vec![0; WINDOW], 0, 0);
    loop {
        let dialect = skim.dialect();
        let mut is_long = false;
        match skim.next(window.get(..len).unwrap_or_default(), base).map_err(tell)? {
            Next::Record(Record::Aux { name, value }) => {
                let (name, value) = (String::from_utf8_lossy(&name).into_owned(), String::from_utf8_lossy(&value).into_owned());
                say(format!("[offset {}] AUX FIELD {name} = '{value}'", skim.offset()));
            }
            Next::Record(Record::SelectDb(db)) => say(format!("[offset {}] Selecting DB ID {db}", skim.offset())),
            Next::Record(Record::Key(key)) => {
                counts.keys += 1;
                counts.expires += u64::from(key.expire_at.is_some());
                counts.expired += u64::from(key.expire_at.is_some_and(|at| at < now));
                match key.value {
                    Some(_) => _ = key.decode(dialect, &limits).map_err(tell)?,
                    None => is_long = true,
                }
            }
            Next::Record(Record::End { crc, covered }) => {
                let end = skim.offset();
                verify(store, path, crc, covered)?;
                say(match crc {
                    0 => format!("[offset {end}] RDB file was saved with checksum disabled: no check performed."),
                    _ => format!("[offset {end}] Checksum OK"),
                });
                return Ok(end);
            }
            Next::Record(_) => {}
            Next::NeedMore { from, bytes } => {
                if window.len() < bytes {
                    window.resize(bytes, 0);
                }
                (base, len) = (from, 0);
                while len < bytes {
                    match store.read(path.as_bytes(), base + len as u64, window.get_mut(len..).unwrap_or_default()) {
                        Ok(count) if count > 0 => len += count,
                        _ => return Err(tell(skim.end_of_input())),
                    }
                }
            }
        }
        if is_long {
            skim.keep(&limits);
        }
    }
}

/// Holds the bytes before `covered` against the checksum behind them; 0 is none.
fn verify(store: &mut dyn Store, path: &str, stored: u64, covered: u64) -> Result<(), String> {
    if stored == 0 {
        return Ok(());
    }
    let (mut at, mut sum, mut window) = (0, 0, vec![0; WINDOW]);
    while at < covered {
        let room = WINDOW.min(usize::try_from(covered - at).unwrap_or(WINDOW));
        match store.read(path.as_bytes(), at, window.get_mut(..room).unwrap_or_default()) {
            Ok(count) if count > 0 => {
                sum = checksum_more(sum, window.get(..count).unwrap_or_default());
                at += count as u64;
            }
            _ => return Err(format!("[offset {at}] Unexpected EOF reading RDB file")),
        }
    }
    crate::persist::rdb::skim::verify(stored, sum, covered)
        .map_err(|failure| format!("[offset {}] RDB CRC error: {}", failure.at, failure.cause))
}
