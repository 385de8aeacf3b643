//! `ringfort check-rdb FILE`: reads a snapshot file with every value in it and says whether it is whole. Also when the program is
//! called redis-check-rdb.
//!
//! Layer 8. Lines and exit codes are those of redis-check-rdb of Redis 7; two readers share the work. Stricter than that tool: packed
//! forms are decoded, as loading does.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime};

use super::rdb_file::{Ending, Facts, Sink, Trouble, read};
use crate::data::codec::Value;
use crate::metrics::human;
use crate::persist::rdb::skim::NOT_CHECKED;
use crate::persist::rdb::{Cause, Failure, Record};

/// Readers at a time: the first also prints and computes the checksum.
const READERS: u64 = 2;
/// Time between two drawings of the progress bar.
const REDRAW: Duration = Duration::from_millis(100);
const BAR: usize = 30;

/// Names of types by their bytes, as users of the tool know them.
const TYPES: [&str; 26] = [
    "string",
    "list-linked",
    "set-hashtable",
    "zset-v1",
    "hash-hashtable",
    "zset-v2",
    "module-pre-release",
    "module-value",
    "",
    "hash-zipmap",
    "list-ziplist",
    "set-intset",
    "zset-ziplist",
    "hash-ziplist",
    "quicklist",
    "stream",
    "hash-listpack",
    "zset-listpack",
    "quicklist-v2",
    "stream-v2",
    "set-listpack",
    "stream-v3",
    "hash-hashtable-md-pre-release",
    "hash-listpack-md-pre-release",
    "hash-hashtable-md",
    "hash-listpack-md",
];

/// Runs the tool with the words behind its name. Returns the exit code: 0 whole, 1 not.
pub fn main(arguments: &[String]) -> i32 {
    match arguments {
        [path] => check(path),
        _ => {
            eprintln!("Usage: ringfort check-rdb <rdb-file-name>");
            1
        }
    }
}

/// What was counted.
#[derive(Default)]
struct Counts {
    keys: u64,
    expires: u64,
    expired: u64,
    functions: u64,
    timed_hashes: u64,
}

/// What the first reader does.
struct Printer {
    counts: Counts,
    now: i64,
    bar: Option<Bar>,
}

/// What the others do.
struct Silent {
    timed_hashes: u64,
}

fn is_timed(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Object(object)) if object.next_expiry().is_some())
}

fn say(at: u64, text: &str) {
    line(&format!("[offset {at}] {text}"));
}

/// One line of output. A closed pipe is the reader's wish; tests have their output captured.
fn line(text: &str) {
    if cfg!(test) {
        println!("{text}");
    } else {
        let _ = writeln!(std::io::stdout(), "{text}");
    }
}

fn check(path: &str) -> i32 {
    say(0, &format!("Checking RDB file {path}"));
    let is_shown = std::io::stderr().is_terminal();
    let mut printer = Printer { counts: Counts::default(), now: unix_ms(), bar: is_shown.then(Bar::new) };
    let (first, others) = std::thread::scope(|scope| {
        let others: Vec<_> = (1..READERS)
            .map(|number| {
                scope.spawn(move || {
                    let mut silent = Silent { timed_hashes: 0 };
                    (read(path, (number, READERS), &mut silent), silent.timed_hashes)
                })
            })
            .collect();
        let first = read(path, (0, READERS), &mut printer);
        (first, others.into_iter().map(|other| other.join()).collect::<Vec<_>>())
    });
    if let Some(bar) = &mut printer.bar {
        bar.clear();
    }
    let mut ending = first;
    for other in others {
        let Ok((other, timed)) = other else {
            eprintln!("ringfort check-rdb: a reader failed");
            return 1;
        };
        printer.counts.timed_hashes += timed;
        ending = earlier(ending, other);
    }
    match ending {
        Ok(ending) => {
            say(ending.at, if ending.is_unchecked { NOT_CHECKED } else { "Checksum OK" });
            say(ending.at, "\\o/ RDB looks OK! \\o/");
            print_counts(&printer.counts);
            0
        }
        Err(trouble) => {
            tell(path, &trouble);
            print_counts(&printer.counts);
            1
        }
    }
}

/// The failure that comes first in the file, if there is one.
fn earlier(one: Result<Ending, Trouble>, other: Result<Ending, Trouble>) -> Result<Ending, Trouble> {
    let place = |trouble: &Trouble| if let Trouble::File { failure, .. } = trouble { failure.at } else { 0 };
    match (one, other) {
        (Err(a), Err(b)) => Err(if place(&b) < place(&a) { b } else { a }),
        (Ok(_), other @ Err(_)) => other,
        (one, _) => one,
    }
}

fn tell(path: &str, trouble: &Trouble) {
    let (failure, key) = match trouble {
        Trouble::Disk(e) => {
            eprintln!("Cannot read file {path}: {e}");
            return;
        }
        Trouble::File { failure, key } => (failure, key),
    };
    line("--- RDB ERROR DETECTED ---");
    say(failure.at, &message(failure));
    line(&format!("[additional info] While doing: {}", doing(failure, key.is_some())));
    if let Some((key, kind)) = key {
        line(&format!("[additional info] Reading key '{}'", String::from_utf8_lossy(key)));
        let name = TYPES.get(usize::from(*kind)).copied().unwrap_or("unknown");
        line(&format!("[additional info] Reading type {kind} ({name})"));
    }
}

fn message(failure: &Failure) -> String {
    match &failure.cause {
        Cause::Short => "Unexpected EOF reading RDB file".into(),
        Cause::Checksum { .. } => "RDB CRC error".into(),
        Cause::UnknownType(kind) => format!("Invalid object type: {kind}"),
        other => other.to_string(),
    }
}

fn doing(failure: &Failure, is_in_value: bool) -> &'static str {
    match &failure.cause {
        Cause::Signature | Cause::Version(_) => "start",
        Cause::Short if failure.at == 0 => "start",
        Cause::Checksum { .. } => "check-sum",
        _ if is_in_value => "read-object-value",
        Cause::Database { .. } | Cause::Slot(_) => "read-len",
        Cause::PreReleaseFunction => "read-function",
        Cause::Value { kind, .. } if *kind < 0xF0 => "read-object-value",
        _ => "read-type",
    }
}

fn print_counts(counts: &Counts) {
    line(&format!("[info] {} keys read", counts.keys));
    line(&format!("[info] {} expires", counts.expires));
    line(&format!("[info] {} already expired", counts.expired));
    if counts.timed_hashes > 0 {
        line(&format!("[info] {} subexpires", counts.timed_hashes));
    }
    if counts.functions > 0 {
        line(&format!("[info] {} functions", counts.functions));
    }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Printer {
    fn say(&mut self, at: u64, text: &str) {
        if let Some(bar) = &mut self.bar {
            bar.clear();
        }
        say(at, text);
    }
}

impl Sink for Printer {
    fn record(&mut self, record: &Record<'_>, at: u64) {
        match record {
            Record::Aux { name, value } => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                self.say(at, &format!("AUX FIELD {} = '{}'", text(name), text(value)));
            }
            Record::SelectDb(db) => self.say(at, &format!("Selecting DB ID {db}")),
            Record::ModuleAux { name, .. } => self.say(at, &format!("MODULE AUX for: {name}")),
            Record::Function(_) => self.counts.functions += 1,
            _ => {}
        }
    }

    fn key(&mut self, facts: &Facts<'_>, value: Option<Value>) {
        self.counts.keys += 1;
        self.counts.timed_hashes += u64::from(is_timed(value.as_ref()));
        if let Some(at) = facts.expire_at {
            self.counts.expires += 1;
            self.counts.expired += u64::from(at < self.now);
        }
    }

    fn progress(&mut self, at: u64, len: u64) {
        if let Some(bar) = &mut self.bar {
            bar.draw(at, len);
        }
    }
}

impl Sink for Silent {
    fn record(&mut self, _record: &Record<'_>, _at: u64) {}

    fn key(&mut self, _facts: &Facts<'_>, value: Option<Value>) {
        self.timed_hashes += u64::from(is_timed(value.as_ref()));
    }
}

/// A progress bar on standard error.
struct Bar {
    begun: Instant,
    drawn: Instant,
    is_there: bool,
}

impl Bar {
    fn new() -> Bar {
        let now = Instant::now();
        Bar { begun: now, drawn: now, is_there: false }
    }

    fn draw(&mut self, at: u64, len: u64) {
        if self.drawn.elapsed() < REDRAW {
            return;
        }
        self.drawn = Instant::now();
        let share = human::ratio(at, len).min(1.0);
        let filled = (share * BAR as f64) as usize;
        let speed = (at as f64 / self.begun.elapsed().as_secs_f64().max(0.001)) as u64;
        let bar: String = (0..BAR).map(|n| if n < filled { '#' } else { '.' }).collect();
        eprint!("\r[{bar}] {:3.0}% of {}, {}/s ", share * 100.0, human::bytes(len), human::bytes(speed));
        self.is_there = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_there) {
            eprint!("\r{:80}\r", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Value;
    use crate::persist::rdb::write::{magic, put_checksum, put_end, put_key, put_select_db};
    use crate::persist::rdb::{Format, Head, Version, checksum};

    fn with_file(name: &str, bytes: &[u8], then: impl FnOnce(&str)) {
        let path = std::env::temp_dir().join(format!("ringfort-{}-{name}.rdb", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        then(path.to_str().unwrap());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn whole_files_are_told_from_others() {
        for name in ["redis-7.0", "redis-8.0", "valkey-9", "redis-8.0-lru"] {
            let path = format!("{}/tests/fixtures/rdb/{name}.rdb", env!("CARGO_MANIFEST_DIR"));
            assert_eq!(check(&path), 0, "{name}");
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.truncate(bytes.len() - 9);
            with_file(name, &bytes, |path| assert_eq!(check(path), 1));
        }
        assert_eq!(check("/no/such/file"), 1);
        assert_eq!(main(&[]), 1);
    }

    /// One reader jumps over what the other one builds.
    #[test]
    fn values_longer_than_a_window_count_in_the_checksum() {
        let mut file = magic(Version::V11, 0).to_vec();
        put_select_db(&mut file, 0);
        let text: Vec<u8> = (0..20_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let format = Format { version: Version::V11, ..Format::default() };
        for key in [b"a", b"b", b"c"] {
            let value = Value::Str { bytes: text.clone().into(), raw: false };
            put_key(&mut file, &format, &Head { key, ..Head::default() }, &value).unwrap();
        }
        put_end(&mut file);
        let sum = checksum(&file);
        put_checksum(&mut file, sum);
        with_file("long", &file, |path| assert_eq!(check(path), 0));
        file[30_000_000] ^= 1;
        with_file("long", &file, |path| assert_eq!(check(path), 1));
    }
}
