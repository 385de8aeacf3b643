//! One thread for what would block a core: log lines, name look-ups, certificate and ACL files.
//!
//! Beside the cores. Jobs run in the order in which they were submitted. A job that has an answer puts it into a queue
//! the core looks at and wakes the core with its own clone of the `Waker`.
//!
//! Invariants: the queue is bounded; submitting never blocks; a job that panics ends only itself.
//!
//! Not here: the AOF and snapshots, which go through the cores' rings.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::io::{Refused, errno_text};

type Job = Box<dyn FnOnce() + Send>;

/// The queue is full (or the thread has gone); the job comes back.
pub struct Full(pub Job);

impl std::fmt::Debug for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Full")
    }
}

/// Submits jobs; clone it for every core.
#[derive(Clone)]
pub struct Helper {
    queue: SyncSender<Job>,
}

/// The thread itself. Ends when the last `Helper` has been dropped and the queue is empty.
pub struct HelperThread(JoinHandle<()>);

impl Helper {
    /// Starts the thread with a queue of `capacity` jobs.
    pub fn start(capacity: usize) -> Result<(Self, HelperThread), Refused> {
        let (queue, jobs) = sync_channel::<Job>(capacity);
        let thread = std::thread::Builder::new()
            .name("helper".to_string())
            .stack_size(256 << 10)
            .spawn(move || {
                for job in jobs {
                    // The panic hook has reported it; the next job is not to blame.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })
            .map_err(|error| Refused(format!("Can't start the helper thread: {}", errno_text(error.raw_os_error().unwrap_or(0)))))?;
        Ok((Self { queue }, HelperThread(thread)))
    }

    /// Queues a job. Never blocks; gives the job back if the queue is full.
    pub fn submit(&self, job: Job) -> Result<(), Full> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => Full(job),
        })
    }
}

impl HelperThread {
    /// Waits until all jobs are done. Drop every `Helper` first.
    pub fn join(self) {
        let _ = self.0.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_full_queue_gives_the_job_back_and_a_panic_ends_only_its_job() {
        let (helper, thread) = Helper::start(2).unwrap();
        let (gate, opened) = channel::<()>();
        let (told, done) = channel::<u32>();
        let (started, begun) = channel::<()>();
        helper
            .submit(Box::new(move || {
                started.send(()).unwrap();
                opened.recv().unwrap();
            }))
            .unwrap();
        begun.recv().unwrap();
        helper.submit(Box::new(|| std::panic::resume_unwind(Box::new(())))).unwrap();
        let last = told.clone();
        helper.submit(Box::new(move || last.send(1).unwrap())).unwrap();
        assert!(helper.submit(Box::new(move || told.send(2).unwrap())).is_err());
        gate.send(()).unwrap();
        drop(helper);
        thread.join();
        assert_eq!(done.iter().collect::<Vec<_>>(), [1]);
    }
}
