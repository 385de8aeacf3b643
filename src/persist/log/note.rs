//! What logs and the book of files tell each other.

use super::whole::Durable;
use crate::config::kinds::AppendFsync;

/// A message between cores about logs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogNote {
    /// To core 0: bytes appended so far; something was, since the last mark or the last such message.
    Logged { position: u64 },
    /// To core 0: the answer to [`LogNote::Policy`].
    PolicyHeard { n: u64 },
    /// To core 0: the sender's file of `generation` is begun durably, and everything older is on disk. `files`: generations since the last such
    /// message of which the sender has a file; `since`: its position at the beginning of `generation`; `lost`: the newest generation in which a file
    /// of the sender failed, unless a base made good for it.
    Ready { generation: u64, files: Vec<u64>, since: u64, lost: Option<u64> },
    /// To core 0: these tickets are on disk at the sender, in the order of its log.
    Durable { term: u64, tickets: Vec<Durable> },
    /// To core 0: everything up to the mark of this ticket is on disk at the sender.
    Marked { ticket: u64 },
    /// To core 0: what [`LogNote::Flush`] asked for is done, or cannot be.
    Flushed { error: Option<String> },
    /// To all: the sender's log lost something in `generation`; nothing is promised before a newer one stands on its own base.
    Broken { generation: u64, text: String },
    /// To all: operations of `source` (a core; the number of cores for the book) fail for this reason, or succeed again.
    Trouble { source: usize, text: Option<String> },
    /// To logs: everything up to `generation` is in the durable manifest. `fresh`: with a base that was cut where that generation begins, so that what
    /// was lost before does not count any more.
    Live { generation: u64, fresh: Option<u64> },
    /// To logs: the next `count` tickets survive whatever happens.
    Safe { term: u64, count: u64 },
    /// To logs: from the next mark on this policy holds. That mark is put when all have answered, so that it means the same to all.
    Policy { n: u64, policy: AppendFsync },
    /// To logs: put everything up to the mark of this ticket on disk, and tell.
    Flush { mark: u64 },
    /// To logs: a snapshot is being written, or none is.
    Saving(bool),
    /// To logs: tell whether anything was logged since the newest mark.
    AskRest { n: u64 },
    /// To core 0: the answer to question `n`: the newest mark if nothing was logged since.
    Rest { n: u64, mark: Option<u64> },
}

/// What the log of core 0 tells the book of the same core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// A generation began; its files have the numbers from `first` on. `global`: the command that began it, as bytes of a file.
    Began { generation: u64, first: u64, global: Option<Vec<u8>>, is_flush_all: bool },
    /// A snapshot was cut where `generation` begins.
    Cut { job: u64, generation: u64 },
    /// A mark is in all logs.
    Mark { ticket: u64 },
    /// Logs ended.
    Ended,
    /// A message of some core's log.
    From(usize, LogNote),
}

/// How a core's log begins when the process starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogStart {
    /// Id of this run of the server, and of this boot of the machine; without `:` and white space.
    pub run: String,
    pub boot: String,
    /// The newest generation there ever was; 0 = none.
    pub generation: u64,
    /// The first sequence number of incremental files that was never used.
    pub next_seq: u64,
    pub how: How,
}

/// See [`LogStart`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum How {
    /// The log is off.
    Off,
    /// It goes on at the end of this core's file of the newest generation, which has `len` bytes.
    Extend { path: Vec<u8>, len: u64 },
    /// A new generation begins.
    Begin,
}
