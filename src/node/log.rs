//! The log: lines in the form that redis-server writes, to a file or standard output, by the helper thread so that no core waits
//! for a disk or a terminal.

use crate::config::kinds::LogLevel as Wanted;
use crate::io::kernel::{clock, helper::Helper};
use crate::spec::request::LogLevel;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
    helper: Option<Helper>,
}

struct Shared {
    /// Empty: standard output.
    file: Vec<u8>,
    level: AtomicU8,
    /// Lines that found the helper's queue full.
    lost: AtomicU64,
}

impl Log {
    /// A log that writes at once (before the helper thread exists).
    pub fn new(file: &[u8], level: Wanted) -> Log {
        let shared = Shared { file: file.to_vec(), level: AtomicU8::new(rank(level)), lost: AtomicU64::new(0) };
        Log { shared: Arc::new(shared), helper: None }
    }

    /// The same log, written by the helper thread from now on.
    pub fn with(mut self, helper: Helper) -> Log {
        self.helper = Some(helper);
        self
    }

    /// Takes over loglevel.
    pub fn set_level(&self, level: Wanted) {
        self.shared.level.store(rank(level), Ordering::Relaxed);
    }

    /// Writes one line if its level is wanted.
    pub fn line(&self, level: LogLevel, text: &str) {
        if (level as u8) < self.shared.level.load(Ordering::Relaxed) {
            return;
        }
        let line = format_line(level, text);
        let shared = self.shared.clone();
        match &self.helper {
            None => write(&shared, &line),
            Some(helper) => {
                if helper.submit(Box::new(move || write(&shared, &line))).is_err() {
                    self.shared.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Has the helper thread do something else; `false` if it has too much to do.
    pub fn later(&self, job: Box<dyn FnOnce() + Send>) -> bool {
        self.helper.as_ref().is_some_and(|h| h.submit(job).is_ok())
    }

    pub fn notice(&self, text: &str) {
        self.line(LogLevel::Notice, text);
    }
    pub fn warning(&self, text: &str) {
        self.line(LogLevel::Warning, text);
    }
}

fn rank(level: Wanted) -> u8 {
    match level {
        Wanted::Debug => 0,
        Wanted::Verbose => 1,
        Wanted::Notice => 2,
        Wanted::Warning => 3,
        Wanted::Nothing => 4,
    }
}

fn write(shared: &Shared, line: &str) {
    // A log that cannot be written must not stop the server, and there is nowhere to say so.
    let _ = if shared.file.is_empty() {
        std::io::stdout().write_all(line.as_bytes())
    } else {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::OsStr::from_bytes(&shared.file);
        std::fs::OpenOptions::new().append(true).create(true).open(path).and_then(|mut f| f.write_all(line.as_bytes()))
    };
}

/// `1234:M 21 Nov 2026 12:00:00.000 * text`, in local time.
fn format_line(level: LogLevel, text: &str) -> String {
    line_at(clock::Clock::new().now().wall_us, level, text)
}

fn line_at(wall_us: i64, level: LogLevel, text: &str) -> String {
    let t = clock::local(wall_us);
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][t.month];
    let sign = match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning => '#',
    };
    let (h, m, s, ms) = (t.hour, t.minute, t.second, t.ms);
    format!("{}:M {:02} {name} {} {h:02}:{m:02}:{s:02}.{ms:03} {sign} {text}\n", std::process::id(), t.day, t.year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_like_those_of_redis_server() {
        let t = clock::local(1_700_000_000_042_000);
        let line = line_at(1_700_000_000_042_000, LogLevel::Notice, "Ready");
        let expected = format!("{}:M {} Nov 2023 {:02}:{:02}:20.042 * Ready\n", std::process::id(), t.day, t.hour, t.minute);
        assert_eq!(line, expected);
    }
}
