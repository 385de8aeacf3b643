//! What several server commands need: flags of operators' commands, flushing, the figures of one core and of all.

use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::metrics::catalog::{Facts, View};
use crate::metrics::report::{Command, Database, Numbers, Report};
use crate::spec::request::Request;
use crate::spec::{Arg, Call, Category, Flags, Outcome, Refusal, Shard, Spec, persist::Wish};

/// Flags of most commands that are left to operators.
pub const OPERATOR: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);

/// Flags of the commands that make an operator's files: SAVE and its like.
pub const SAVER: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING);

/// Arguments of REPLICAOF and of its old name.
pub const REPLICA_OF_ARGS: &[Arg] = &[Arg::one_of(
    "args",
    &[
        Arg::block("host-port", &[Arg::string("host"), Arg::integer("port")]),
        Arg::block("no-one", &[Arg::word("no", "NO"), Arg::word("one", "ONE")]),
    ],
)];

/// Flags of REPLICAOF and of its old name.
pub const REPLICA_OF: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::STALE).and(Flags::NO_ASYNC_LOADING);

/// REPLICAOF, by either name: nobody can be followed yet, and the reply says so.
pub fn replica_of(call: &mut Call) -> Outcome {
    if call.args.is(1, "NO") && call.args.is(2, "ONE") {
        call.out.ok();
        return Ok(());
    }
    if !parse_i64(call.args.get(2)).is_some_and(|port| (0..=65535).contains(&port)) {
        return Err(Refusal::fixed("ERR Invalid master port"));
    }
    Err(Refusal::fixed("ERR replication is not supported yet by this version"))
}

/// All ACL categories of a command: its own and those that its flags imply.
pub fn categories_of(spec: &Spec) -> Category {
    let mut all = spec.categories.and(spec.flags.implied());
    if spec.flags.has(Flags::READONLY) && !spec.categories.has(Category::SCRIPTING) {
        all = all.and(Category::READ);
    }
    all
}

/// Whether a snapshot is being made, or will be after this turn. On core 0.
pub fn is_saving(shard: &Shard) -> bool {
    shard.persist.is_saving || shard.wishes.iter().any(|w| matches!(w, Wish::Save(_) | Wish::BackgroundSave))
}

/// Whether the log is being rewritten, or will be after this turn. On core 0.
pub fn is_rewriting(shard: &Shard) -> bool {
    shard.persist.is_rewriting || shard.wishes.contains(&Wish::RewriteLog)
}

/// Unix seconds of the last snapshot, or of the start. On core 0.
pub fn last_save(shard: &Shard) -> i64 {
    let saved = shard.persist.last_save;
    if saved > 0 { saved } else { shard.server.started_ms / 1000 }
}

/// Most keys whose memory FLUSHALL SYNC and FLUSHDB SYNC give back themselves.
const SYNC_KEYS: usize = 4096;

/// Empties databases of this core; the memory is given back in slices. Unless `ASYNC` was said the first of them, a large one, is part of the
/// command; inside EXEC it does not count as freed later.
pub fn flush(call: &mut Call, databases: std::ops::Range<usize>) {
    let ks = &mut call.shard.ks;
    let is_at_once = !call.args.is(1, "ASYNC") && !ks.has_doomed();
    databases.for_each(|db| {
        ks.flush(db);
    });
    if is_at_once {
        let before = ks.stats.lazyfreed;
        ks.free_doomed(SYNC_KEYS);
        if call.origin.in_multi {
            ks.stats.lazyfreed = before;
        }
    }
}

/// Reads `[ASYNC | SYNC]`, the only word of FLUSHALL and FLUSHDB. Both mean the same here: the keys are gone at once, their
/// memory follows in slices.
pub fn check_flush_words(call: &Call) -> Result<(), Refusal> {
    match call.args.len() {
        1 => Ok(()),
        2 if call.args.is(1, "ASYNC") || call.args.is(1, "SYNC") => Ok(()),
        _ => Err(Refusal::SYNTAX),
    }
}

/// Has the settings written into the configuration file, with `all` those as well that are at their defaults. The node reads the old
/// file, merges the settings into it and replaces it; it alone can reach files.
pub fn write_settings(call: &mut Call, all: bool) -> Outcome {
    let path = call.shard.server.config_file.clone();
    if path.is_empty() {
        return Err(Refusal::fixed("ERR The server is running without a config file"));
    }
    call.shard.requests.push(Request::WriteConfig { path, all });
    call.out.ok();
    Ok(())
}

/// Number of databases.
pub fn databases(shard: &Shard) -> usize {
    shard.config.databases as usize
}

/// The figures of this core. `with_latencies`: the histograms too, which are long.
pub fn figures(shard: &Shard, now: i64, with_latencies: bool) -> Report {
    let mut report = Report { numbers: numbers(shard), ..Report::default() };
    for db in 0..databases(shard) {
        let (keys, expires) = (shard.ks.len(db) as u64, shard.ks.expires_len(db) as u64);
        let ttl_sum_ms = shard.ks.avg_ttl(db, now).saturating_mul(expires);
        report.numbers.keys += keys;
        report.numbers.expires += expires;
        report.databases.push(Database { keys, expires, ttl_sum_ms, ttl_samples: expires });
    }
    for (row, c) in shard.command_stats.iter().enumerate() {
        if c.calls + c.rejected + c.failed > 0 {
            let stat = Command { calls: c.calls, nanos: c.nanos, rejected: c.rejected, failed: c.failed };
            report.commands.insert(row as u64, stat);
        }
    }
    report.errors = shard.errors.clone();
    if with_latencies {
        for (row, histogram) in shard.latency.histograms.iter().enumerate() {
            let Some(histogram) = histogram else { continue };
            let samples = report.latencies.entry(row as u64).or_default();
            for step in histogram.iter_recorded() {
                samples.insert(step.value_iterated_to(), step.count_at_value());
            }
        }
    }
    report
}

fn numbers(shard: &Shard) -> Numbers {
    let (s, ks) = (&shard.stats, &shard.ks.stats);
    let mut n = Numbers {
        connections_received: s.connections_received,
        commands_processed: s.commands_processed,
        net_input_bytes: s.net_input_bytes,
        net_output_bytes: s.net_output_bytes,
        rejected_connections: s.rejected_connections,
        keyspace_hits: s.keyspace_hits + ks.hits,
        keyspace_misses: s.keyspace_misses + ks.misses,
        expired_keys: ks.expired_keys,
        expired_subkeys: ks.expired_fields,
        unsaved_changes: (s.changes + ks.changes).saturating_sub(shard.persist.changes_at_save),
        error_replies: s.error_replies,
        reads_processed: s.reads_processed,
        writes_processed: s.writes_processed,
        query_buffer_disconnections: s.query_buffer_disconnections,
        output_buffer_disconnections: s.output_buffer_disconnections,
        turns: s.turns,
        turn_usec: s.turn_usec,
        command_usec: s.command_nanos / 1000,
        cron_usec: s.cron_usec,
        log_usec: s.log_usec,
        most_commands_a_turn: s.most_commands_a_turn,
        lazyfreed: ks.lazyfreed,
        turn_rate: shard.rates.turns,
        turn_usec_rate: shard.rates.turn_usec,
        calls_sent: s.calls_sent,
        tickets_started: s.tickets_started,
        parts_run: s.parts_run,
        calls_held: s.calls_held,
        wakes: s.wakes,
        acl_denied_auth: s.acl_denied_auth,
        slow_turns: s.slow_turns,
        longest_turn_usec: s.longest_turn_usec,
        longest_turn_cpu_usec: s.longest_turn_cpu_usec,
        clients: shard.clients.len() as u64,
        blocked_clients: shard.waits.clients,
        waiting_timeouts: shard.waits.timeouts,
        awaited_keys: shard.waits.keys,
        awaited_keys_on_nokey: shard.waits.keys_on_nokey,
        data_bytes: shard.ks.used_bytes() as u64,
        index_bytes: shard.ks.overhead_bytes() as u64,
        peak_bytes: shard.peak_bytes,
        doomed: shard.ks.doomed_len() as u64,
        ops_rate: shard.rates.ops,
        input_rate: shard.rates.input_bytes,
        output_rate: shard.rates.output_bytes,
        thread_user_usec: shard.process.thread_user_usec,
        thread_system_usec: shard.process.thread_system_usec,
        ..of_durability(shard)
    };
    let (keys, items) = shard.ks.tracked_len();
    (n.tracking_total_keys, n.tracking_total_items) = (keys as u64, items as u64);
    n.tracking_total_prefixes = shard.tracking.registered.len() as u64;
    for (_, c) in shard.clients.iter() {
        n.tracking_clients += u64::from(c.tracking.mode.is_some());
        n.client_bytes += c.total_memory() as u64;
        n.watching_clients += u64::from(!c.watched.is_empty());
        n.watched_keys += c.watched.len() as u64;
        n.input_max = n.input_max.max(c.input_bytes as u64);
        n.output_max = n.output_max.max(c.output.total() as u64);
        n.blocked_clients += u64::from(c.is_postponed);
    }
    n
}

/// The state of durability; the rest is empty.
fn of_durability(shard: &Shard) -> Numbers {
    let p = &shard.persist;
    Numbers {
        is_loading: p.is_loading().into(),
        log_unwritten: p.log_unwritten,
        log_delayed: p.log_delayed,
        last_save: last_save(shard) as u64,
        is_saving: p.is_saving.into(),
        save_started: p.save_started as u64,
        has_save_failed: p.has_save_failed.into(),
        last_save_seconds: p.last_save_seconds as u64,
        saves: p.saves,
        save_keys_total: p.save_keys_total,
        save_keys_done: p.save_keys_done,
        log_is_on: p.log_is_on.into(),
        is_rewriting: p.is_rewriting.into(),
        is_rewrite_scheduled: p.is_rewrite_scheduled.into(),
        rewrite_started: p.rewrite_started as u64,
        last_rewrite_seconds: p.last_rewrite_seconds as u64,
        has_rewrite_failed: p.has_rewrite_failed.into(),
        rewrites: p.rewrites,
        rewrite_failures: p.rewrite_failures,
        has_log_write_failed: p.has_log_write_failed.into(),
        log_bytes: p.log_bytes,
        log_base_bytes: p.log_base_bytes,
        pending_syncs: p.pending_syncs,
        load_started: p.load_started as u64,
        load_total_bytes: p.load_total_bytes,
        load_done_bytes: p.load_done_bytes,
        loaded_keys: p.loaded_keys,
        loaded_expired: p.loaded_expired,
        ..Numbers::default()
    }
}

/// What INFO, MEMORY STATS and their like print from, out of the records of all cores. `None`: a part was refused and its
/// error is the reply.
pub fn view(call: &mut Call, parts: &[&[u8]]) -> Option<View> {
    let records = parts::receive(call, parts)?;
    let mut view = View { facts: facts(call.shard, call.now), ..View::default() };
    for report in records.into_iter().filter_map(Report::read) {
        view.cores.push(report.numbers);
        view.total.add(&report);
    }
    Some(view)
}

/// Sends this core's figures home.
pub fn send_figures(call: &mut Call, with_latencies: bool) {
    let mut record = Vec::new();
    figures(call.shard, call.now, with_latencies).write(&mut record);
    parts::send(call, &record);
}

fn facts(shard: &Shard, now_ms: i64) -> Facts {
    let (server, config, process) = (&shard.server, &shard.config, &shard.process);
    Facts {
        now_ms,
        started_ms: server.started_ms,
        run_id: server.run_id.clone(),
        repl_id: shard.repl_id(),
        pid: server.pid,
        os: server.os.clone(),
        executable: server.executable.clone(),
        config_file: server.config_file.clone(),
        listeners: server.listeners.clone(),
        tcp_port: config.port,
        hz: config.hz,
        configured_hz: config.hz,
        maxclients: u64::from(config.maxclients),
        maxmemory: config.maxmemory,
        maxmemory_policy: config.maxmemory_policy.word(),
        supervised: shard.server.supervised,
        repl_backlog_bytes: config.repl_backlog_size as u64,
        rss_bytes: process.rss_bytes,
        system_bytes: process.system_bytes,
        startup_bytes: process.startup_bytes,
        user_usec: process.user_usec,
        system_usec: process.system_usec,
        percentiles: config.latency_tracking_info_percentiles.0.clone(),
        command_names: server.commands.rows.iter().map(|row| row.full_name).collect(),
    }
}
