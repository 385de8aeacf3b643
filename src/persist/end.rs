//! The end of the process: when snapshots are done, the logs are written and synced on all cores; only then it may go.

use super::book::Book;
use super::log::Log;
use super::plan::Out;
use crate::spec::request::LogLevel;

/// Core 0's view of it.
#[derive(Default)]
pub struct End {
    is_flushing: bool,
}

impl End {
    /// Holds [`Out::End`] back until the logs are complete, or it is clear that they cannot be: then the log says so.
    pub fn watch(&mut self, out: &mut Vec<Out>, book: &mut Book, log: &Log) {
        let count = out.len();
        out.retain(|out| !matches!(out, Out::End));
        if out.len() < count && !self.is_flushing {
            self.is_flushing = true;
            if log.is_on() {
                out.push(Out::Line(LogLevel::Notice, "Calling fsync() on the AOF file.".into()));
            }
            book.flush_all(log);
        }
        if !self.is_flushing {
            return;
        }
        match book.flushed() {
            None => {}
            Some(Ok(())) => out.push(Out::End),
            Some(Err(why)) => {
                out.push(Out::Line(LogLevel::Warning, format!("Fail to fsync the AOF file: {why}.")));
                out.push(Out::End);
            }
        }
    }
}
