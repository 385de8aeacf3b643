//! The log: lines in the form that redis-server writes, to a file or standard output, by the helper thread so that no core waits
//! for a disk or a terminal.

use crate::config::kinds::LogLevel as Wanted;
use crate::io::kernel::helper::Helper;
use crate::spec::request::LogLevel;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

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

/// `1234:M 21 Nov 2026 12:00:00.000 * text`, in UTC.
fn format_line(level: LogLevel, text: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, ms) = (since.as_secs() as i64, since.subsec_millis());
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month - 1];
    let day_seconds = seconds.rem_euclid(86_400);
    let (h, m, s) = (day_seconds / 3600, day_seconds / 60 % 60, day_seconds % 60);
    let sign = match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning => '#',
    };
    format!("{}:M {day:02} {name} {year} {h:02}:{m:02}:{s:02}.{ms:03} {sign} {text}\n", std::process::id())
}

/// Year, month (1..=12), day of a number of days since 1970-01-01 in the Gregorian calendar.
/// Ref: Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
fn civil(days: i64) -> (i64, usize, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(20_778), (2026, 11, 21));
        assert_eq!(civil(11_016), (2000, 2, 29));
    }
}
