//! `ringfort bench --stall`: one PING a millisecond on one connection, and the longest time until an answer.
//!
//! Late PINGs follow at once and count from when they were due. On a machine that does other work a wait says little about the
//! server: it may have had no CPU, or the probe. With `--pid` each wait is therefore bounded from two sides, by the CPU time that
//! the server's process used between the PING and its answer, and by the wait less the time in which the probe was ready
//! to run and could not. The smaller of the two is what the server can be blamed for at most (`cpu_ms`).
//!
//! Not here: what loads the server meanwhile.
//! Ref: clock_getcpuclockid(3); Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat".

use super::{Options, Tally, ask, command, connect, ms};
use crate::io::kernel::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(1);

/// Who had the CPU, at one moment.
struct Accounts {
    /// Nanoseconds that the server's process ran.
    server: u64,
    /// Nanoseconds that this thread waited for a CPU.
    kept_off: u64,
}

impl Accounts {
    fn now(pid: u32) -> Result<Accounts, String> {
        let server = process::cpu_nanos_of(pid).ok_or_else(|| format!("process {pid}: no CPU time to be read"))?;
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").map_err(|e| format!("/proc/thread-self/schedstat: {e}"))?;
        let kept_off = text.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or("/proc/thread-self/schedstat: no second number")?;
        Ok(Accounts { server, kept_off })
    }

    /// The part of a wait that is the server's own at most.
    fn blame(&self, after: &Accounts, wait: Duration) -> Duration {
        let nanos = |later: u64, earlier: u64| Duration::from_nanos(later.saturating_sub(earlier));
        let ran = nanos(after.server, self.server);
        ran.min(wait.saturating_sub(nanos(after.kept_off, self.kept_off)))
    }
}

/// Runs until its time, or its input, is over, and describes the waits.
pub fn probe(options: &Options) -> Result<String, String> {
    let mut stream = connect(options)?;
    let mut ping = Vec::new();
    if let Some(password) = &options.password {
        command(&mut ping, &[b"AUTH", password.as_bytes()]);
        ask(&mut stream, &ping)?;
        ping.clear();
    }
    command(&mut ping, &[b"PING"]);
    let is_over = Arc::new(AtomicBool::new(false));
    if options.until_eof {
        let is_over = is_over.clone();
        std::thread::spawn(move || {
            // Whatever ends the input, the probe ends with it.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            is_over.store(true, Ordering::Relaxed);
        });
    }
    let mut tally = Tally::new()?;
    let mut blame = Duration::ZERO;
    let start = Instant::now();
    let mut due = start;
    while due < start + options.duration && !is_over.load(Ordering::Relaxed) {
        let now = Instant::now();
        if due > now {
            std::thread::sleep(due - now);
            // A sleep that lasts too long is the client's own pause, not the server's.
            let late = Instant::now().saturating_duration_since(due);
            tally.pause = tally.pause.max(late);
            due += late;
        }
        let before = options.pid.map(Accounts::now).transpose()?;
        let sent = Instant::now();
        let answer = ask(&mut stream, &ping)?;
        let answered = Instant::now();
        if let (Some(pid), Some(before)) = (options.pid, before) {
            blame = blame.max(before.blame(&Accounts::now(pid)?, answered - sent));
        }
        tally.done += 1;
        if answer.first() == Some(&b'-') {
            tally.errors += 1;
        }
        tally.latency.saturating_record(answered.saturating_duration_since(due).as_nanos() as u64);
        due += TICK;
    }
    Ok(describe(options, &tally, blame))
}

fn describe(options: &Options, tally: &Tally, blame: Duration) -> String {
    let latency = &tally.latency;
    let mut text = format!(
        "PING every millisecond: the longest wait for an answer was {:.3} ms\n\
         p50_ms={:.3} p99_ms={:.3} p999_ms={:.3} max_ms={:.3} done={} errors={} pause_ms={:.3}",
        latency.max() as f64 / 1e6,
        ms(latency, 50.0),
        ms(latency, 99.0),
        ms(latency, 99.9),
        latency.max() as f64 / 1e6,
        tally.done,
        tally.errors,
        tally.pause.as_secs_f64() * 1e3,
    );
    if options.pid.is_some() {
        text += &format!(" cpu_ms={:.3}", blame.as_secs_f64() * 1e3);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(server: u64, kept_off: u64) -> Accounts {
        Accounts { server, kept_off }
    }

    #[test]
    fn server_is_blamed_for_what_it_ran_and_not_for_what_the_probe_waited() {
        let wait = Duration::from_nanos(5000);
        assert_eq!(accounts(100, 7).blame(&accounts(1100, 7), wait), Duration::from_nanos(1000), "it ran for 1000");
        assert_eq!(accounts(0, 0).blame(&accounts(9000, 4400), wait), Duration::from_nanos(600), "the probe waited for 4400");
        assert_eq!(accounts(0, 0).blame(&accounts(9000, 9000), wait), Duration::ZERO);
    }

    #[test]
    fn process_that_burns_its_cpu_is_seen_to() {
        let before = Accounts::now(std::process::id()).expect("own accounts");
        let from = Instant::now();
        let mut after = Accounts::now(std::process::id()).expect("own accounts");
        while after.server - before.server < 2_000_000 && from.elapsed() < Duration::from_secs(20) {
            after = Accounts::now(std::process::id()).expect("own accounts");
        }
        assert!(after.server - before.server >= 2_000_000);
        assert!(Accounts::now((1 << 28) - 1).is_err(), "nobody has that number");
    }
}
