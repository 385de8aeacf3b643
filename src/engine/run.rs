//! Runs admitted calls on one core's keyspace: builds the call, counts, times, keeps the effect.

use crate::proto::encode::Out;
use crate::spec::{Args, Call, Flags, Refusal, Shard, call::Origin, slowlog::Away, slowlog::Entry, tracking};
use std::sync::atomic::Ordering;

/// One call, ready to run here.
pub struct Job<'a> {
    pub row: u16,
    pub args: Args<'a>,
    pub db: usize,
    pub now: i64,
    pub origin: Origin,
    pub home: Option<usize>,
    pub hint: Option<(u32, u64, u16)>,
}

/// Runs one call; exactly one reply is appended to `out`. Returns whether it succeeded.
#[inline]
pub fn run(shard: &mut Shard, out: &mut Out, job: &Job) -> bool {
    run_as::<true>(shard, out, job)
}

/// Runs one core's part of a command of several cores: its failure is the command's, and counted where the parts are merged.
pub fn run_part(shard: &mut Shard, out: &mut Out, job: &Job) -> bool {
    run_as::<false>(shard, out, job)
}

#[inline(always)]
fn run_as<const COUNTS: bool>(shard: &mut Shard, out: &mut Out, job: &Job) -> bool {
    let spec = shard.server.commands.row(job.row).spec;
    let records = shard.fx.is_on;
    let before = shard.ks.stats.changes;
    shard.fx.explicit = false;
    shard.fx.unit += u64::from(records && !job.origin.in_multi);
    if spec.flags.has(Flags::DENY_OOM) && !shard.ks.room_for(job.args.base.len().min(1 << 30)) {
        refuse(shard, out, job.row, &Refusal::ARENA_FULL);
        return false;
    }
    let mut call = Call { spec, args: job.args, out, shard, db: job.db, now: job.now, origin: job.origin, home: job.home, hint: job.hint };
    let outcome = (spec.run)(&mut call);
    let done = match outcome {
        Ok(()) => true,
        Err(refusal) => {
            if COUNTS {
                fail(shard, job.row, &refusal);
            }
            if job.origin.is_loader && job.home.is_some() {
                shard.persist.load_error.get_or_insert_with(|| refusal.as_bytes().to_vec());
            }
            out.error_bytes(refusal.as_bytes());
            false
        }
    };
    if shard.ks.has_touched() {
        shard.tracking.note(&mut shard.ks, shard.core, job.origin.client);
    }
    if job.origin.is_tracking {
        tracking::remember(&mut shard.ks, spec, &job.args, &job.origin);
    }
    if records {
        shard.record_expired();
        if shard.ks.stats.changes != before && !shard.fx.explicit && spec.flags.has(Flags::WRITE) {
            shard.fx.command(job.db, job.args.from(0));
        }
    }
    done
}

/// Counts a call that ran and failed.
#[cold]
fn fail(shard: &mut Shard, row: u16, refusal: &Refusal) {
    shard.command_stats[row as usize].failed += 1;
    count_error(shard, refusal);
}

/// Counts a command of several cores as failed if its merged reply is an error.
pub fn count_merged(shard: &mut Shard, row: u16, reply: &[u8]) {
    if let Some(text) = reply.strip_prefix(b"-") {
        let text = text.strip_suffix(b"\r\n").unwrap_or(text);
        fail(shard, row, &Refusal::quoting(text.to_vec()));
    }
}

/// Writes the error of a call that was not run, and counts it.
#[cold]
pub fn refuse(shard: &mut Shard, out: &mut Out, row: u16, refusal: &Refusal) {
    shard.command_stats[row as usize].rejected += 1;
    count_error(shard, refusal);
    out.error_bytes(refusal.as_bytes());
}

/// Counts an error reply by its code.
#[cold]
pub fn count_error(shard: &mut Shard, refusal: &Refusal) {
    shard.stats.error_replies += 1;
    *shard.errors.entry(refusal.code()).or_default() += 1;
}

/// Adds the time of `calls` calls of a command that together took `nanos`.
#[inline]
pub fn account(shard: &mut Shard, row: u16, nanos: u64, calls: u64) {
    let stat = &mut shard.command_stats[row as usize];
    stat.calls += calls;
    stat.nanos += nanos;
    shard.stats.commands_processed += calls;
    shard.stats.command_nanos += nanos;
    if shard.config.latency_tracking {
        shard.latency.record(row as usize, nanos / calls.max(1), calls);
    }
}

/// Counts a command of several cores that took `nanos` from its start to its answer; the time that the cores spent on it is counted there.
pub fn account_whole(shard: &mut Shard, row: u16, nanos: u64) {
    shard.command_stats[row as usize].calls += 1;
    shard.stats.commands_processed += 1;
    if shard.config.latency_tracking {
        shard.latency.record(row as usize, nanos, 1);
    }
}

/// Keeps a call that took `nanos` in the slow log of its client's core when it is slow enough, and as a latency event.
pub fn note_slow(shard: &mut Shard, job: &Job, nanos: u64) {
    let usec = nanos / 1000;
    let row = shard.server.commands.row(job.row);
    let flags = row.spec.flags;
    let threshold = shard.config.slowlog_log_slower_than;
    let is_kept = threshold >= 0 && shard.config.slowlog_max_len > 0;
    if is_kept && usec >= threshold as u64 && !flags.has(Flags::SKIP_SLOWLOG) {
        let id = shard.server.next_slow.fetch_add(1, Ordering::Relaxed);
        let entry = Entry::new(id, row.full_name, &job.args, usec, job.now);
        let (client, core) = (job.origin.client, usize::from(job.origin.home));
        if job.home.is_none() && core != shard.core {
            shard.slowlog.away.push(Away { core, client, entry });
        } else {
            shard.keep_slow(client, job.home, entry);
        }
    }
    let monitor = shard.config.latency_monitor_threshold;
    if monitor > 0 && usec / 1000 >= monitor as u64 {
        let event = if flags.has(Flags::FAST) { "fast-command" } else { "command" };
        shard.latency.note(event, usec / 1000, job.now);
    }
}
