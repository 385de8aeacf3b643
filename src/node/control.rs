//! Carries out what commands ask of the node, and the housekeeping of a core: rates, timeouts, process figures, shutdown.

use super::core::Core;
use super::store::FileStore;
use crate::base::arena::Collapse;
use crate::config::{self, Config};
use crate::io::kernel::{process, signals};
use crate::io::{Event, Wait};
use crate::persist::{disk::Store, plan::SaveJob};
use crate::proto::inline::split_args;
use crate::spec::client::{Blocked, Client};
use crate::spec::persist::Wish;
use crate::spec::request::{LogLevel, Request, Shutdown};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Huge pages asked for in one housekeeping.
const HUGE_CHUNKS: usize = 4;
/// Longest time that a stopping core waits for its last replies to leave.
const LEAVE_MS: i64 = 500;

/// Counters at the last look, for rates.
#[derive(Default, Clone, Copy)]
pub struct RateBase {
    at_ms: i64,
    commands: u64,
    input: u64,
    output: u64,
    turns: u64,
    turn_usec: u64,
}

impl Core {
    /// Carries out the requests of this turn.
    pub fn carry_out_requests(&mut self) {
        if self.worker.shard.requests.is_empty() {
            return;
        }
        for request in std::mem::take(&mut self.worker.shard.requests) {
            match request {
                Request::Shutdown(how) => self.shut_down(how),
                Request::Crash => std::process::abort(),
                Request::Log(level, text) => self.log.line(level, &text),
                Request::Reconfigured => self.reconfigured(),
                Request::WriteConfig { path, all } => self.write_config(&path, all),
            }
        }
    }

    /// Ends the process; the other cores see the flag and leave too.
    fn shut_down(&mut self, how: Shutdown) {
        if how.abort {
            return;
        }
        self.log.warning("User requested shutdown...");
        self.stop();
    }

    pub fn stop(&mut self) {
        self.common.stopping.store(true, Ordering::SeqCst);
        for core in 0..self.common.waker.cores() {
            self.common.waker.wake_always(core);
        }
    }

    /// SIGTERM or SIGINT arrived, if anything did.
    pub fn look_at_signals(&mut self) {
        if self.core != 0 {
            return;
        }
        if let Some(signal) = signals::taken() {
            let shard = &mut self.worker.shard;
            let (name, how) = match signal {
                signals::Signal::Term => ("SIGTERM", shard.config.shutdown_on_sigterm),
                signals::Signal::Int => ("SIGINT", shard.config.shutdown_on_sigint),
            };
            if shard.persist.is_ending && signal == signals::Signal::Int {
                self.log.warning("You insist... exiting now.");
                // What was written of the last snapshot is of no use to anybody.
                let _ = FileStore::new().remove(&SaveJob::dump(shard).temporary);
                self.common.failed.store(true, Ordering::SeqCst);
                return self.stop();
            }
            self.log.warning(&format!("Received {name} scheduling shutdown..."));
            shard.wishes.push(Wish::of_signal(how, shard.persist.is_loading()));
        }
    }

    fn reconfigured(&mut self) {
        let config = &self.worker.shard.config;
        self.log.set_level(config.loglevel);
        self.reactor.set_keepalive(config.tcp_keepalive.max(0) as u32);
        super::start::tune_keyspace(&mut self.worker.shard);
    }

    /// CONFIG REWRITE: the whole file under another name, then renamed.
    fn write_config(&mut self, path: &str, all: bool) {
        let temporary = format!("{path}-{}.tmp", std::process::id());
        let old = std::fs::read(path).unwrap_or_default();
        let text = config::rewrite(&old, &self.worker.shard.config, &Config::default(), split_args, all);
        let written = std::fs::write(&temporary, &text)
            .and_then(|()| std::fs::File::open(&temporary)?.sync_all())
            .and_then(|()| std::fs::rename(&temporary, path));
        match written {
            Ok(()) => self.log.notice("CONFIG REWRITE executed with success."),
            Err(error) => self.log.warning(&format!("CONFIG REWRITE failed: {error}")),
        }
    }

    /// Housekeeping, ten times a second.
    pub fn cron(&mut self) {
        let now = self.now.mono_ms();
        self.next_cron_ms = now + super::core::CRON_MS;
        self.look_at_signals();
        self.worker.look_again_all();
        self.close_idle_clients();
        self.back_by_huge_pages();
        if now - self.last_rates.at_ms >= 1000 {
            self.rates(now);
            self.process_figures();
        }
    }

    /// Has the helper thread back a few full chunks of memory by huge pages. Where it has too much to do they stay as they are.
    fn back_by_huge_pages(&mut self) {
        if Arc::strong_count(&self.collapsing) > 1 {
            return;
        }
        let ks = &mut self.worker.shard.ks;
        let chunks: Vec<Collapse> = std::iter::from_fn(|| ks.next_huge()).take(HUGE_CHUNKS).collect();
        if !chunks.is_empty() {
            let under_way = self.collapsing.clone();
            self.log.later(Box::new(move || {
                chunks.into_iter().for_each(Collapse::run);
                drop(under_way);
            }));
        }
    }

    fn rates(&mut self, now: i64) {
        let stats = self.worker.shard.stats;
        let last = self.last_rates;
        let per_second = |new: u64, old: u64| new.saturating_sub(old) * 1000 / (now - last.at_ms).max(1) as u64;
        self.worker.shard.rates.ops = per_second(stats.commands_processed, last.commands);
        self.worker.shard.rates.input_bytes = per_second(stats.net_input_bytes, last.input);
        self.worker.shard.rates.output_bytes = per_second(stats.net_output_bytes, last.output);
        self.worker.shard.rates.turns = per_second(stats.turns, last.turns);
        self.worker.shard.rates.turn_usec = per_second(stats.turn_usec, last.turn_usec);
        self.last_rates = RateBase {
            at_ms: now,
            commands: stats.commands_processed,
            input: stats.net_input_bytes,
            output: stats.net_output_bytes,
            turns: stats.turns,
            turn_usec: stats.turn_usec,
        };
        let counters = self.reactor.counters();
        self.worker.shard.stats.reads_processed = counters.reads;
        self.worker.shard.stats.writes_processed = counters.writes;
    }

    pub fn process_figures(&mut self) {
        if self.core == 0 {
            let common = self.common.clone();
            // A full queue only makes the figure a second older.
            let _ = self.log.later(Box::new(move || common.resident_bytes.store(process::resident_bytes(), Ordering::Relaxed)));
        }
        let figures = process::cpu_time();
        let figures_of = &mut self.worker.shard.process;
        figures_of.rss_bytes = self.common.resident_bytes.load(Ordering::Relaxed);
        figures_of.startup_bytes = self.common.startup_bytes;
        figures_of.system_bytes = process::system_bytes();
        figures_of.user_usec = figures.process_user;
        figures_of.system_usec = figures.process_system;
        figures_of.thread_user_usec = figures.thread_user;
        figures_of.thread_system_usec = figures.thread_system;
        let used = self.worker.shard.ks.used_bytes() as u64;
        self.worker.shard.peak_bytes = self.worker.shard.peak_bytes.max(used);
    }

    /// `timeout`: clients that sent nothing for so many seconds are closed, unless they wait in a blocking command.
    fn close_idle_clients(&mut self) {
        let seconds = i64::from(self.worker.shard.config.timeout);
        let now = self.now.wall_ms();
        let is_free = |c: &Client| c.blocked == Blocked::No;
        let is_idle = |c: &Client| seconds > 0 && now - c.active_ms > seconds * 1000 && is_free(c);
        let idle: Vec<usize> = self.worker.shard.clients.iter().filter(|(_, c)| is_idle(c) || c.close_now).map(|(i, _)| i).collect();
        for i in idle {
            self.worker.shard.clients[i].close_now = true;
            self.settle(i);
        }
    }

    /// The process ends: replies that are ready still leave.
    pub fn leave(&mut self) {
        let deadline = self.common.clock.now().mono_ms() + LEAVE_MS;
        let mut events = Vec::new();
        let all: Vec<usize> = self.worker.conns.iter().map(|(i, _)| i).collect();
        all.iter().for_each(|i| self.settle(*i));
        while self.worker.conns.iter().any(|(_, c)| c.sending > 0) && self.common.clock.now().mono_ms() < deadline {
            let timeout = Some(Duration::from_millis(10));
            if self.reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).is_err() {
                return;
            }
            for event in events.drain(..) {
                match event {
                    Event::Sent { conn, buf, result } => self.was_sent(conn, buf, result),
                    Event::Received { buf, .. } => self.reactor.recycle(buf),
                    Event::Freed { conn } => self.freed(conn),
                    _ => {}
                }
            }
        }
        if self.core == 0 {
            self.log.line(LogLevel::Warning, "Ringfort is now ready to exit, bye bye...");
        }
    }
}
