//! One core's loop: what the kernel reports goes to the worker, what the worker made goes to the kernel, and when there is
//! nothing to do the core sleeps in its ring.
//!
//! Invariants: a provided buffer is given back in the turn in which it was received; the loop makes no blocking system call
//! but the ring's own enter.

use super::{accept::Handovers, log::Log};
use crate::engine::worker::{Input, Worker};
use crate::io::kernel::{Reactor, Waker, clock, executor, process};
use crate::io::{BufId, ConnId, Event, Hangup, Opts, Wait};
use crate::persist::disk::Done;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often housekeeping runs (rates, timeouts, limits), ms.
pub const CRON_MS: i64 = 100;
/// Turns without a pass through the executor while it has tasks.
const BREATHE_TURNS: u64 = 64;
/// A turn that takes longer counts as slow, microseconds.
const SLOW_TURN_USEC: u64 = 1000;
/// Longest sleep while output is kept back, microseconds; a turn later it leaves.
const WITHHELD_USEC: u64 = 200;

/// What all cores of the process share besides rings: switches, and numbers that the kernel reports per process.
pub struct Common {
    pub stopping: AtomicBool,
    /// The process ends because going on would break a promise.
    pub failed: AtomicBool,
    pub resident_bytes: AtomicU64,
    /// The same before cores ran.
    pub startup_bytes: u64,
    /// Connections by core, for handing new ones to the least loaded.
    pub connections: Vec<AtomicU64>,
    pub waker: Waker,
    pub clock: clock::Clock,
}

/// One core's belongings at start.
pub struct Start {
    pub core: usize,
    pub common: Arc<Common>,
    pub log: Log,
    pub sockets: Vec<(std::os::fd::OwnedFd, u8)>,
    pub handovers: Handovers,
}

/// A core while it runs.
pub struct Core {
    pub core: usize,
    pub common: Arc<Common>,
    pub log: Log,
    pub reactor: Reactor,
    pub worker: Worker,
    pub handovers: Handovers,
    /// Index of the client by the reactor's connection index, and back.
    pub clients: Vec<Option<usize>>,
    pub ids: Vec<Option<ConnId>>,
    /// Output buffers that came back from the kernel.
    pub spare: Vec<Vec<u8>>,
    pub now: clock::Now,
    pub next_cron_ms: i64,
    pub last_rates: super::control::RateBase,
    received: Vec<(usize, BufId, usize)>,
    /// Operations on files that ended in this turn.
    pub files: Vec<Done>,
    /// The helper thread has a second handle while it backs memory of this core by huge pages.
    pub collapsing: Arc<()>,
    /// Turns so far.
    pub turns: u64,
    /// Commands processed when the last turn ended.
    commands_seen: u64,
    /// Connections whose output waits for more of it.
    pub withheld: Vec<usize>,
    /// Connections whose output waits for the log.
    pub gated: Vec<usize>,
    /// How far the log was acknowledged when they were last looked at.
    pub acked: u64,
}

impl Core {
    /// Makes the reactor on this thread and listens. Fails with one line for the operator.
    pub fn new(start: Start, worker: Worker) -> Result<Core, crate::io::Refused> {
        let mut reactor = Reactor::new(Opts::default(), start.common.waker.clone(), start.core)?;
        for (fd, tag) in start.sockets {
            reactor.listen(fd, tag);
        }
        let now = start.common.clock.now();
        Ok(Core {
            core: start.core,
            common: start.common,
            log: start.log,
            reactor,
            worker,
            handovers: start.handovers,
            clients: Vec::new(),
            ids: Vec::new(),
            spare: Vec::new(),
            now,
            next_cron_ms: 0,
            last_rates: Default::default(),
            received: Vec::new(),
            files: Vec::new(),
            collapsing: Arc::new(()),
            turns: 0,
            commands_seen: 0,
            withheld: Vec::new(),
            gated: Vec::new(),
            acked: 0,
        })
    }

    /// Serves until the process stops.
    pub async fn serve(mut self) {
        let mut events = Vec::new();
        let mut dirty = Vec::new();
        self.process_figures();
        while !self.common.stopping.load(Ordering::Relaxed) {
            if let Err(error) = self.wait(&mut events) {
                self.log.warning(&format!("The kernel refuses to serve this core: {error}"));
                self.common.stopping.store(true, Ordering::SeqCst);
                break;
            }
            self.now = self.common.clock.now();
            // Who looks for what is slow pays a system call for telling work from waiting for a CPU.
            let watched = (self.worker.shard.config.latency_monitor_threshold > 0).then(process::thread_nanos);
            let events_seen = !events.is_empty();
            for event in events.drain(..) {
                self.look_at(event);
            }
            self.take_handovers();
            self.run_worker();
            self.write_log();
            self.carry_out_requests();
            self.worker.take_dirty(&mut dirty);
            for i in dirty.drain(..) {
                self.settle(i);
            }
            self.settle_withheld(events_seen);
            self.wake_others();
            if self.now.mono_ms() >= self.next_cron_ms {
                let before = self.common.clock.mono_us();
                self.cron();
                self.worker.shard.stats.cron_usec += (self.common.clock.mono_us() - before).max(0) as u64;
            }
            self.turns += 1;
            self.count_turn(watched);
            if executor::outstanding() > 0 && self.turns.is_multiple_of(BREATHE_TURNS) {
                executor::breathe().await;
            }
        }
        self.leave();
    }

    /// Durability's share of the turn, timed where there is a log.
    fn write_log(&mut self) {
        if !self.worker.shard.persist.log_is_on {
            return self.run_durability();
        }
        let before = self.common.clock.mono_us();
        self.run_durability();
        self.worker.shard.stats.log_usec += (self.common.clock.mono_us() - before).max(0) as u64;
    }

    /// Counts the turn that ends here, with the time since the kernel woke the core. `watched`: the thread's CPU time then, if it was read.
    fn count_turn(&mut self, watched: Option<u64>) {
        let usec = (self.common.clock.mono_us() - self.now.mono_us).max(0) as u64;
        let stats = &mut self.worker.shard.stats;
        stats.turns += 1;
        stats.turn_usec += usec;
        stats.slow_turns += u64::from(usec >= SLOW_TURN_USEC);
        stats.longest_turn_usec = stats.longest_turn_usec.max(usec);
        let commands = stats.commands_processed.saturating_sub(self.commands_seen);
        self.commands_seen = stats.commands_processed;
        stats.most_commands_a_turn = stats.most_commands_a_turn.max(commands);
        if let Some(before) = watched {
            let cpu = process::thread_nanos().saturating_sub(before) / 1000;
            stats.longest_turn_cpu_usec = stats.longest_turn_cpu_usec.max(cpu);
        }
    }

    /// Output kept back leaves when its time is up, or when this core has nothing better to do.
    fn settle_withheld(&mut self, is_busy: bool) {
        for i in std::mem::take(&mut self.withheld) {
            let turns = self.turns;
            let Some(conn) = self.worker.conns.get(i) else { continue };
            let Some(until) = conn.withheld_until else { continue };
            if conn.sending == 0 && (turns >= until || !conn.awaits_more()) {
                self.settle(i);
            } else {
                if !is_busy {
                    conn.withheld_until = Some(turns);
                }
                self.withheld.push(i);
            }
        }
    }

    fn wait(&mut self, events: &mut Vec<Event>) -> std::io::Result<()> {
        if self.worker.has_work() {
            return self.reactor.turn(Wait::Poll, events);
        }
        let cron = (self.next_cron_ms - self.now.mono_ms()).max(0) as u64 * 1000;
        let due = self.worker.next_deadline().map(|at| (at - self.now.wall_ms()).max(0) as u64 * 1000);
        let background = (executor::outstanding() > 0).then_some(1000);
        let withheld = (!self.withheld.is_empty()).then_some(WITHHELD_USEC);
        let usec = [Some(cron), due, self.worker.sleep_max_usec(), background, withheld].into_iter().flatten().min().unwrap_or(cron);
        if usec == 0 {
            return self.reactor.turn(Wait::Poll, events);
        }
        let (worker, handovers, stopping) = (&mut self.worker, &mut self.handovers, &self.common.stopping);
        let mut ready = || worker.has_news() || handovers.has_news() || stopping.load(Ordering::Relaxed);
        let timeout = Some(Duration::from_micros(usec));
        self.reactor.turn(Wait::Until { timeout, ready: &mut ready }, events)
    }

    fn look_at(&mut self, event: Event) {
        match event {
            Event::Received { conn, buf, len } => match self.client_of(conn) {
                Some(i) => self.received.push((i, buf, len)),
                None => self.reactor.recycle(buf),
            },
            Event::Sent { conn, buf, result } => self.was_sent(conn, buf, result),
            Event::Accepted { conn, listener, peer, local } => self.accepted(conn, listener, peer, local),
            Event::Closed { conn, reason } => {
                if let Some(i) = self.client_of(conn) {
                    self.hung_up(i, reason);
                }
            }
            Event::Freed { conn } => self.freed(conn),
            Event::AcceptFailed { errno, .. } => {
                let why = crate::io::errno_text(errno);
                self.log.warning(&format!("Accepting client connection: accept: {why}"));
            }
            Event::Wake => self.look_at_signals(),
            Event::File { token, result, buf } => self.files.push(Done { token, result, buf }),
            // Neither is asked for: input goes through provided buffers alone.
            Event::Paused { .. } | Event::Filled { .. } => {}
        }
    }

    /// Gives the worker what arrived; of one connection one buffer at a time, in order.
    fn run_worker(&mut self) {
        let mut received = std::mem::take(&mut self.received);
        loop {
            let mut later = Vec::new();
            let mut taken: Vec<(usize, BufId, usize)> = Vec::with_capacity(received.len());
            for (i, buf, len) in received {
                if self.worker.conns.get(i).is_some_and(|c| std::mem::replace(&mut c.has_input, true)) {
                    later.push((i, buf, len));
                } else {
                    self.lend_output(i);
                    taken.push((i, buf, len));
                }
            }
            let inputs: Vec<Input> = taken.iter().map(|(i, buf, len)| Input { conn: *i, bytes: self.reactor.bytes(buf, *len) }).collect();
            self.worker.turn(self.now.wall_ms(), &inputs);
            for (i, buf, _) in taken {
                if let Some(c) = self.worker.conns.get(i) {
                    c.has_input = false;
                }
                self.reactor.recycle(buf);
            }
            if later.is_empty() {
                return;
            }
            received = later;
        }
    }

    pub fn client_of(&self, conn: ConnId) -> Option<usize> {
        let i = (*self.clients.get(conn.index() as usize)?)?;
        (self.ids[i] == Some(conn)).then_some(i)
    }

    /// The peer will send no more.
    fn hung_up(&mut self, i: usize, reason: Hangup) {
        let Some(conn) = self.worker.conns.get(i) else { return };
        conn.is_closing = true;
        if matches!(reason, Hangup::Error(_)) {
            conn.is_deaf = true;
            self.worker.shard.clients[i].close_now = true;
        }
        self.worker.mark_dirty(i);
    }

    pub fn wake_others(&mut self) {
        let reactor = &mut self.reactor;
        self.worker.wakes(|core| reactor.wake(core));
    }
}
