//! The threads of the cores: one glommio executor each, pinned, and background work in queues with shares.
//!
//! The only file that names glommio. A core's long-lived task sleeps in its own ring (`Reactor::turn`), where glommio's
//! timers and files make no progress; so a core that has background tasks outstanding must not sleep long there and
//! has to pass through glommio with `breathe`, on a budget (every millisecond or 64 turns): a pass costs one to three
//! system calls.
//!
//! Invariants: core i runs on the i-th allowed CPU, modulo their number. A panic on a core ends the process: half a
//! server would answer wrongly.
//!
//! Not here: streams, channels, files of glommio.
//!
//! Ref: docs.rs/glommio (LocalExecutorBuilder, Shares); sched_setaffinity(2).

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use glommio::{ExecutorJoinHandle, Latency, LocalExecutorBuilder, Placement as Place, Shares, TaskQueueHandle};

use crate::io::Refused;

/// Where the cores' threads run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Core i on the i-th CPU the process may use, modulo their number.
    Pinned,
    /// Wherever the scheduler likes.
    Unbound,
}

thread_local! {
    /// Background tasks of this core that have not ended.
    static OUTSTANDING: Cell<usize> = const { Cell::new(0) };
}

/// The CPUs this process may use, ascending. Empty only if /proc is missing.
pub fn allowed_cpus() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(|list| parse_cpu_list(list.trim())).unwrap_or_default()
}

/// Reads a list such as `0-3,8,10-11`.
fn parse_cpu_list(list: &str) -> Vec<usize> {
    let mut cpus = Vec::new();
    for range in list.split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            cpus.extend(first..=last);
        }
    }
    cpus
}

/// Running cores.
pub struct Cores<T: Send + 'static> {
    handles: Vec<ExecutorJoinHandle<T>>,
}

impl<T: Send + 'static> Cores<T> {
    /// Waits for all cores to end; the results come in the order of the cores.
    pub fn join(self) -> Result<Vec<T>, Refused> {
        self.handles.into_iter().map(|handle| handle.join().map_err(|error| Refused(one_line(&error.to_string())))).collect()
    }
}

fn one_line(text: &str) -> String {
    format!("Can't run a core: {}", text.replace('\n', " "))
}

/// Starts `cores` threads; thread i runs the future that `make(i)()` gives to its end.
///
/// `make(i)` is called here and may give away what belongs to core i (its listeners); what it returns is called on the
/// core's thread, so the future may hold a `Reactor`. Fails with one line if a thread cannot be started;
/// an executor that cannot be built is reported by `Cores::join`.
pub fn run_cores<F, G, Fut, T>(cores: usize, placement: Placement, mut make: F) -> Result<Cores<T>, Refused>
where
    F: FnMut(usize) -> G,
    G: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = T> + 'static,
    T: Send + 'static,
{
    let cpus = allowed_cpus();
    let mut handles = Vec::with_capacity(cores);
    for core in 0..cores {
        let place = match placement {
            Placement::Pinned if !cpus.is_empty() => Place::Fixed(cpus[core % cpus.len()]),
            _ => Place::Unbound,
        };
        let begin = make(core);
        // Glommio's rings stay small: the data path does not use them.
        let handle = LocalExecutorBuilder::new(place)
            .name(&format!("core{core}"))
            .io_memory(64 << 10)
            .ring_depth(32)
            .preempt_timer(Duration::from_millis(10))
            .spawn(move || Guarded(Box::pin(begin())))
            .map_err(|error| Refused(one_line(&error.to_string())))?;
        handles.push(handle);
    }
    Ok(Cores { handles })
}

/// A future whose panic ends the process.
struct Guarded<F>(Pin<Box<F>>);

impl<F: Future> Future for Guarded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(poll) => poll,
            // The panic hook has written the report.
            Err(_) => std::process::abort(),
        }
    }
}

/// Lets glommio run its timers, files and the background tasks once. Worth its price only while `outstanding() > 0`.
pub async fn breathe() {
    glommio::executor().yield_task_queue_now().await;
}

/// Background tasks of this core that have not ended: while it is not 0, do not sleep for long in the reactor.
pub fn outstanding() -> usize {
    OUTSTANDING.with(Cell::get)
}

/// A queue for background tasks of this core.
#[derive(Clone, Copy)]
pub struct Background(TaskQueueHandle);

impl Background {
    /// A queue with `shares` (1..=1000) of the core's time when others want it too; the core's own task has 1000.
    pub fn new(shares: usize, name: &str) -> Self {
        let shares = shares.clamp(1, 1000);
        Self(glommio::executor().create_task_queue(Shares::Static(shares), Latency::NotImportant, name))
    }

    /// Runs `task` beside the core's own task, in the passes that `breathe` gives. The task yields by itself
    /// (`breathe`) at least every millisecond. Its panic ends the process.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Result<(), Refused> {
        OUTSTANDING.with(|count| count.set(count.get() + 1));
        let ended = Ended;
        let guarded = Guarded(Box::pin(async move {
            let _ended = ended;
            task.await;
        }));
        glommio::spawn_local_into(guarded, self.0).map(|task| drop(task.detach())).map_err(|error| Refused(one_line(&error.to_string())))
    }
}

/// Counts one background task off when it ends, however it ends.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        OUTSTANDING.with(|count| count.set(count.get() - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn cpu_lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_cpu_list("0-2,5,7-8"), [0, 1, 2, 5, 7, 8]);
        assert!(parse_cpu_list("").is_empty());
        assert!(!allowed_cpus().is_empty());
    }

    #[test]
    fn more_cores_than_cpus_run_and_background_work_advances_between_breaths() {
        let cores = run_cores(3, Placement::Pinned, |core| {
            move || async move {
                let queue = Background::new(100, "test");
                let steps = Rc::new(Cell::new(0));
                let seen = steps.clone();
                queue
                    .spawn(async move {
                        for _ in 0..5 {
                            seen.set(seen.get() + 1);
                            breathe().await;
                        }
                    })
                    .unwrap();
                let mut breaths = 0;
                while outstanding() > 0 {
                    breathe().await;
                    breaths += 1;
                    assert!(breaths < 1000);
                }
                (core, steps.get())
            }
        })
        .unwrap();
        assert_eq!(cores.join().unwrap(), [(0, 5), (1, 5), (2, 5)]);
    }
}
