//! `ringfort check-aof [--fix] [--truncate-to-timestamp N] FILE|DIRECTORY|MANIFEST`: says whether a log can be loaded, and makes it so.
//! Also when the program is called redis-check-aof.
//!
//! Layer 8. Lines and exit codes are those of redis-check-aof of Redis 7 for everything that a stock server wrote. Logs of our last
//! generation are looked at together, as start-up does ([`crate::persist::aof::own`]): `--fix` cuts them where they agree, so that stock servers
//! load them too. Without `--fix` nothing is changed; with it, only after a `y`.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

mod explain;
mod snapshot;

use crate::node::store::FileStore;
use crate::persist::aof::annotation::Annotation;
use crate::persist::aof::manifest::{FileKind, Manifest};
use crate::persist::aof::own::{self, Log, Rules, errno_text};
use crate::persist::aof::read::{Fault, Found, Scanner, Sink};
use crate::persist::aof::survey::{Survey, is_snapshot, survey};
use crate::persist::disk::Store;
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Bytes read at once.
const WINDOW: usize = 1 << 20;
/// Between two pictures of the progress bar.
const REDRAW: Duration = Duration::from_millis(100);
const BAR: usize = 30;

/// What the words on the command line ask for.
#[derive(Debug, PartialEq, Eq)]
struct Task {
    path: String,
    fixes: bool,
    until: Option<i64>,
}

/// The end of the run with this exit code: everything was said.
struct Stop(i32);

type Checked<T> = Result<T, Stop>;

/// Runs the tool with the words behind its name. `called`: how it was called. Returns the exit code: 0 sane (or made so), 1 not.
pub(super) fn main(called: &str, arguments: &[String]) -> i32 {
    if let [only] = arguments
        && (only == "-v" || only == "--version")
    {
        println!("{called} v={}", env!("CARGO_PKG_VERSION"));
        return 0;
    }
    let task = match parse(arguments) {
        Ok(task) => task,
        Err(true) => {
            println!("Invalid timestamp, aborting...");
            return 1;
        }
        Err(false) => {
            println!("Usage: {called} [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof|directory>");
            return 1;
        }
    };
    let mut store = FileStore::new();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let ask = || {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).is_ok() && line.starts_with(['y', 'Y'])
    };
    let mut check = Check {
        store: &mut store,
        task: &task,
        boot: boot.trim().to_string(),
        out: Box::new(std::io::stdout()),
        ask: Box::new(ask),
        lines: 1,
    };
    match check.run() {
        Ok(()) => 0,
        Err(Stop(code)) => code,
    }
}

/// `Err(true)`: the timestamp is no number.
fn parse(arguments: &[String]) -> Result<Task, bool> {
    let mut task = Task { path: String::new(), fixes: false, until: None };
    let mut words = arguments.iter();
    let mut path = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--fix" => task.fixes = true,
            "--truncate-to-timestamp" => task.until = Some(words.next().ok_or(false)?.parse().map_err(|_| true)?),
            _ if path.is_none() => path = Some(word.clone()),
            _ => return Err(false),
        }
    }
    task.path = path.ok_or(false)?;
    Ok(task)
}

/// How a file was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Valid,
    Empty,
    CutToTime,
    Cut,
}

struct Check<'a> {
    store: &'a mut dyn Store,
    task: &'a Task,
    boot: String,
    out: Box<dyn Write + 'a>,
    ask: Box<dyn FnMut() -> bool + 'a>,
    /// Lines of RESP in all files so far, from 1, as the stock tool counts them.
    lines: u64,
}

/// A file of the log.
struct Part {
    name: String,
    path: String,
    kind: FileKind,
}

impl Check<'_> {
    fn say(&mut self, text: &str) {
        // Nobody to tell is no reason to stop half way.
        let _ = writeln!(self.out, "{text}");
    }

    fn stop<T>(&mut self, text: &str) -> Checked<T> {
        self.say(text);
        Err(Stop(1))
    }

    fn run(&mut self) -> Checked<()> {
        let path = self.manifest_path()?;
        if !self.is_manifest(&path)? {
            return self.check_single(&path);
        }
        self.say("Start checking Multi Part AOF");
        let bytes = self.read_all(&path)?;
        let manifest = match Manifest::parse(&bytes) {
            Ok(manifest) => manifest,
            Err(block) => return self.stop(block.trim_end()),
        };
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder });
        let part = |(kind, listed): (FileKind, &crate::persist::aof::Listed)| {
            let name = String::from_utf8_lossy(&listed.name).into_owned();
            Part { path: if folder == "." { name.clone() } else { format!("{folder}/{name}") }, name, kind }
        };
        let parts: Vec<Part> = manifest.live().map(part).collect();
        self.check_parts(&parts)
    }

    /// The manifest in a directory, or the path itself.
    fn manifest_path(&mut self) -> Checked<String> {
        let path = self.task.path.clone();
        if !std::path::Path::new(&path).is_dir() {
            return Ok(path);
        }
        let names = self.store.list(path.as_bytes()).unwrap_or_default();
        let mut found = names.iter().filter(|name| name.ends_with(b".manifest") && !name.starts_with(b"temp-"));
        match (found.next(), found.next()) {
            (Some(name), None) => Ok(format!("{}/{}", path.trim_end_matches('/'), String::from_utf8_lossy(name))),
            _ => self.stop(&format!("Cannot find one manifest in directory {path}")),
        }
    }

    fn read_all(&mut self, path: &str) -> Checked<Vec<u8>> {
        let size = self.size(path)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX).min(64 << 20)];
        let count = self.read(path, 0, &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// As many bytes as there are, up to the length of `buf`.
    fn read(&mut self, path: &str, at: u64, buf: &mut [u8]) -> Checked<usize> {
        let mut count = 0;
        while count < buf.len() {
            match self.store.read(path.as_bytes(), at + count as u64, &mut buf[count..]) {
                Ok(0) => break,
                Ok(n) => count += n,
                Err(_) => return self.stop(&format!("Cannot read file: {path}")),
            }
        }
        Ok(count)
    }

    fn size(&mut self, path: &str) -> Checked<u64> {
        match self.store.size(path.as_bytes()) {
            Ok(Some(size)) => Ok(size),
            Ok(None) => self.stop(&format!("Cannot open file {path}: No such file or directory")),
            Err(errno) => self.stop(&format!("Cannot open file {path}: {}", errno_text(errno))),
        }
    }

    /// Whether the first line that is no comment begins with `file`.
    fn is_manifest(&mut self, path: &str) -> Checked<bool> {
        self.size(path)?;
        let mut front = vec![0; 1 << 16];
        let count = self.read(path, 0, &mut front)?;
        let lines = front.get(..count).unwrap_or_default().split(|b| *b == b'\n');
        Ok(lines.into_iter().find(|line| line.first() != Some(&b'#')).is_some_and(|line| line.starts_with(b"file")))
    }

    /// A file of the time before manifests, or any other by itself.
    fn check_single(&mut self, path: &str) -> Checked<()> {
        self.say("Start checking Old-Style AOF");
        let is_snapshot = self.starts_as_snapshot(path)?;
        let outcome = self.check_file(path, path, true, is_snapshot)?;
        self.tell("AOF", path, outcome);
        Ok(())
    }

    fn starts_as_snapshot(&mut self, path: &str) -> Checked<bool> {
        match is_snapshot(self.store, path.as_bytes()) {
            Ok(is) => Ok(is),
            Err(2) => Ok(false),
            Err(_) => self.stop(&format!("Cannot read file: {path}")),
        }
    }

    fn check_parts(&mut self, parts: &[Part]) -> Checked<()> {
        let own = self.last_generation(parts)?;
        let (before, last) = parts.split_at(parts.len() - own);
        let mut has_incr = false;
        for (n, part) in before.iter().enumerate() {
            let is_last = n + 1 == parts.len();
            let is_base = part.kind == FileKind::Base;
            let is_snapshot = is_base && self.starts_as_snapshot(&part.path)?;
            if is_base {
                self.say(&format!("Start to check BASE AOF ({} format).", if is_snapshot { "RDB" } else { "RESP" }));
            } else if !has_incr {
                self.say("Start to check INCR files.");
                has_incr = true;
            }
            let outcome = self.check_file(&part.name, &part.path, is_last, is_snapshot)?;
            self.tell(if is_base { "BASE AOF" } else { "INCR AOF" }, &part.name, outcome);
        }
        if !last.is_empty() {
            if !has_incr {
                self.say("Start to check INCR files.");
            }
            self.check_own(last)?;
        }
        self.say("All AOF files and manifest are valid");
        Ok(())
    }

    fn tell(&mut self, kind: &str, name: &str, outcome: Outcome) {
        let text = match outcome {
            Outcome::Valid => format!("{kind} {name} is valid"),
            Outcome::Empty => format!("{kind} {name} is empty"),
            Outcome::CutToTime => format!("Successfully truncated AOF {name} to timestamp {}", self.task.until.unwrap_or(0)),
            Outcome::Cut => format!("Successfully truncated AOF {name}"),
        };
        self.say(&text);
    }

    /// One file by itself.
    fn check_file(&mut self, name: &str, path: &str, is_last: bool, is_snapshot: bool) -> Checked<Outcome> {
        let size = self.open(path)?;
        if size == 0 {
            return Ok(Outcome::Empty);
        }
        let mut start = 0;
        if is_snapshot {
            start = match snapshot::check(self.store, (name, path), size, &mut self.out) {
                Some(end) => end,
                None => return self.stop("RDB preamble of AOF file is not sane, aborting."),
            };
            self.say("RDB preamble is OK, proceeding with AOF tail...");
        }
        let (found, late) = self.scan(path, start, size)?;
        if let Some(at) = late {
            return self.cut_to_time(name, path, start, at, is_last);
        }
        let good = self.analyze(name, path, size, &found)?;
        let Some(good) = good else { return Ok(Outcome::Valid) };
        if !self.task.fixes {
            return self.stop(&format!("AOF {name} is not valid. Use the --fix option to try fixing it."));
        }
        if !is_last {
            return self.stop(&format!("Failed to truncate AOF {name} because it is not the last file"));
        }
        self.say(&shrinks(name, size, good));
        self.confirm()?;
        self.truncate(name, path, good)?;
        Ok(Outcome::Cut)
    }

    fn open(&mut self, path: &str) -> Checked<u64> {
        match self.store.size(path.as_bytes()) {
            Ok(Some(size)) => Ok(size),
            Ok(None) => self.stop(&format!("Cannot open file {path}: No such file or directory, aborting...")),
            Err(errno) => self.stop(&format!("Cannot open file {path}: {}, aborting...", errno_text(errno))),
        }
    }

    /// Says what is wrong, and how far the file is good. `None`: to its end.
    fn analyze(&mut self, name: &str, path: &str, size: u64, found: &Found) -> Checked<Option<u64>> {
        self.lines += found.lines;
        // The stock tool takes a line that the end cut off for a line.
        let good = if found.fault == Some(Fault::EndOfNote) { size } else { found.whole };
        if found.fault.is_some() && good < size {
            let text = explain::explain(self.store, name, path, size, found);
            self.say(&text);
        }
        let diff = size - good;
        if let (0, Some(until)) = (diff, self.task.until) {
            self.say(&format!("Truncate nothing in AOF {name} to timestamp {until}"));
            return Ok(None);
        }
        let lines = self.lines;
        self.say(&format!("AOF analyzed: filename={name}, size={size}, ok_up_to={good}, ok_up_to_line={lines}, diff={diff}"));
        Ok((diff > 0).then_some(good))
    }

    /// Reads a file, with a bar while it takes long; where the first annotation stands that is later than wanted.
    fn scan(&mut self, path: &str, start: u64, size: u64) -> Checked<(Found, Option<u64>)> {
        let mut scanner = Scanner::new(start);
        let mut sink = Times { until: self.task.until, late: None, is_wrong: false };
        let mut bar = Bar::new(size);
        let mut window = vec![0; WINDOW.min(usize::try_from(size - start).unwrap_or(WINDOW)).max(1)];
        let mut at = start;
        while at < size && sink.late.is_none() {
            let room = window.len().min(usize::try_from(size - at).unwrap_or(WINDOW));
            let count = match self.store.read(path.as_bytes(), at, &mut window[..room]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(_) => return self.stop(&format!("Failed to read from AOF {path}, aborting...")),
            };
            if !scanner.feed(&window[..count], &mut sink) {
                break;
            }
            at += count as u64;
            bar.draw(at);
        }
        bar.clear();
        if sink.is_wrong {
            return self.stop("Invalid timestamp annotation");
        }
        Ok((scanner.finish(), sink.late))
    }

    fn cut_to_time(&mut self, name: &str, path: &str, start: u64, at: u64, is_last: bool) -> Checked<Outcome> {
        let until = self.task.until.unwrap_or(0);
        if at == 0 {
            return self.stop(&format!("AOF {path} has nothing before timestamp {until}, aborting..."));
        }
        if !is_last {
            self.say(&format!("Failed to truncate AOF {path} to timestamp {until} to offset {at} because it is not the last file."));
            return self.stop(
                "If you insist, please delete all files after this file according to the manifest file and delete the corresponding \
                 records in manifest file manually. Then re-run redis-check-aof.",
            );
        }
        // The line may stand inside of a transaction: then that goes as a whole.
        let found = match crate::persist::aof::survey::scan(self.store, path.as_bytes(), start, at, &mut ()) {
            Ok(found) => found,
            Err(_) => return self.stop(&format!("Failed to read from AOF {path}, aborting...")),
        };
        self.truncate(name, path, found.whole)?;
        Ok(Outcome::CutToTime)
    }

    fn confirm(&mut self) -> Checked<()> {
        let _ = write!(self.out, "Continue? [y/N]: ");
        let _ = self.out.flush();
        if (self.ask)() { Ok(()) } else { self.stop("Aborting...") }
    }

    fn truncate(&mut self, name: &str, path: &str, len: u64) -> Checked<()> {
        match self.store.truncate(path.as_bytes(), len) {
            Ok(()) => Ok(()),
            Err(_) => self.stop(&format!("Failed to truncate AOF {name}")),
        }
    }

    /// How many files at the end are the logs of the cores of our last generation.
    fn last_generation(&mut self, parts: &[Part]) -> Checked<usize> {
        let mut last = None;
        let mut count = 0;
        for part in parts.iter().rev().take_while(|part| part.kind == FileKind::Incr) {
            let mut front = vec![0; 1024];
            if self.store.size(part.path.as_bytes()) == Ok(None) {
                break;
            }
            let len = self.read(&part.path, 0, &mut front)?;
            let line = front.get(..len).unwrap_or_default().split_inclusive(|b| *b == b'\n').next().unwrap_or_default();
            let generation = match Annotation::read(line) {
                Annotation::Rf(rf) if matches!(rf.owner, crate::persist::aof::Owner::Core(_)) => rf.generation,
                _ => break,
            };
            if *last.get_or_insert(generation) != generation {
                break;
            }
            count += 1;
        }
        Ok(count)
    }

    /// The logs of our last generation, together.
    fn check_own(&mut self, parts: &[Part]) -> Checked<()> {
        let mut surveys = Vec::with_capacity(parts.len());
        for part in parts {
            let size = self.open(&part.path)?;
            let (_, late) = if self.task.until.is_some() { self.scan(&part.path, 0, size)? } else { (Scanner::new(0).finish(), None) };
            match survey(self.store, part.path.as_bytes(), 0, late.unwrap_or(size)) {
                Ok(mut survey) => {
                    survey.size = size;
                    surveys.push(survey);
                }
                Err(_) => return self.stop(&format!("Failed to read from AOF {}, aborting...", part.path)),
            }
        }
        if !own::is_complete(&surveys.iter().collect::<Vec<_>>()) {
            return self.stop("The logs of some cores are missing, or in another order than that of the cores.");
        }
        let logs: Vec<Log> = parts
            .iter()
            .zip(&surveys)
            .map(|(part, survey)| Log { name: part.name.as_bytes(), path: part.path.as_bytes(), survey })
            .collect();
        let rules = Rules { boot: &self.boot, may_truncate: true, corrupt_tail_max: u64::MAX };
        let ends = if self.task.until.is_some() { own::ends_at_time(self.store, &logs) } else { own::ends(self.store, &logs, &rules) };
        let ends = match ends {
            Ok(ends) => ends,
            Err(why) => return self.stop(&why),
        };
        self.report_own(parts, &surveys, &ends)
    }

    fn report_own(&mut self, parts: &[Part], surveys: &[Survey], ends: &[own::End]) -> Checked<()> {
        let mut cuts = Vec::new();
        for ((part, survey), end) in parts.iter().zip(surveys).zip(ends) {
            let (name, size, lines) = (&part.name, survey.size, self.lines + survey.found.lines);
            self.lines = lines;
            if end.at == size {
                self.say(&format!("AOF analyzed: filename={name}, size={size}, ok_up_to={size}, ok_up_to_line={lines}, diff=0"));
                self.tell("INCR AOF", name, if size == 0 { Outcome::Empty } else { Outcome::Valid });
                continue;
            }
            self.say(&format!("0x{:>16x}: {}", end.at, end.why.text()));
            let diff = size - end.at;
            self.say(&format!("AOF analyzed: filename={name}, size={size}, ok_up_to={}, ok_up_to_line={lines}, diff={diff}", end.at));
            cuts.push((part, size, end.at));
        }
        if cuts.is_empty() {
            return Ok(());
        }
        if self.task.until.is_none() {
            if !self.task.fixes {
                let (part, ..) = cuts[0];
                return self.stop(&format!("AOF {} is not valid. Use the --fix option to try fixing it.", part.name));
            }
            for (part, size, end) in &cuts {
                self.say(&shrinks(&part.name, *size, *end));
            }
            self.confirm()?;
        }
        for (part, _, end) in cuts {
            self.truncate(&part.name, &part.path, end)?;
            self.tell("INCR AOF", &part.name, if self.task.until.is_some() { Outcome::CutToTime } else { Outcome::Cut });
        }
        Ok(())
    }
}

fn shrinks(name: &str, size: u64, end: u64) -> String {
    format!("This will shrink the AOF {name} from {size} bytes, with {} bytes, to {end} bytes", size - end)
}

/// Looks for the first time that is later than wanted.
struct Times {
    until: Option<i64>,
    late: Option<u64>,
    is_wrong: bool,
}

impl Sink for Times {
    fn annotation(&mut self, at: u64, line: &[u8], _: bool) {
        let Some(until) = self.until.filter(|_| self.late.is_none() && line.starts_with(b"#TS:")) else { return };
        match Annotation::read(line) {
            Annotation::Ts(seconds) if seconds > until => self.late = Some(at),
            Annotation::Ts(_) => {}
            _ => self.is_wrong = true,
        }
    }
}

/// How far a long file is read, on a terminal.
struct Bar {
    size: u64,
    drawn: Option<Instant>,
    started: Instant,
    is_shown: bool,
}

impl Bar {
    fn new(size: u64) -> Bar {
        Bar { size, drawn: None, started: Instant::now(), is_shown: std::io::stderr().is_terminal() && std::io::stdout().is_terminal() }
    }

    fn draw(&mut self, at: u64) {
        let now = Instant::now();
        let is_due = now.duration_since(self.drawn.unwrap_or(self.started)) >= REDRAW;
        if !self.is_shown || !is_due {
            return;
        }
        self.drawn = Some(now);
        let share = at as f64 / self.size.max(1) as f64;
        let full = ((share * BAR as f64) as usize).min(BAR);
        let rate = at as f64 / now.duration_since(self.started).as_secs_f64().max(0.001) / 1e6;
        eprint!("\r[{}{}] {:>3.0}% {rate:.0} MB/s ", "#".repeat(full), ".".repeat(BAR - full), share * 100.0);
    }

    fn clear(&mut self) {
        if self.drawn.is_some() {
            eprint!("\r{}\r", " ".repeat(BAR + 30));
        }
    }
}

#[cfg(test)]
mod tests;
