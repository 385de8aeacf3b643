//! TABLE of INFO: every section and every field once, with how it is computed from the merged report.
//! A section either lists fields or writes its own lines (one per command, error code, database, core).
//! Adding a field is one row here. Nothing is counted here and nothing is asked of the kernel.
//! Ref: redis.io/commands/info (fields of 7.4)

use super::human;
use super::report::{Command, Database, Numbers, Report, percentile};
use std::fmt::Write;

/// The version of Redis whose behaviour is offered; clients decide by it.
pub const REDIS_VERSION: &str = "7.4.0";

/// All that INFO prints: the sum over cores, the cores one by one, and facts of the process.
#[derive(Default)]
pub struct View {
    /// All cores together.
    pub total: Report,
    /// Core by core, in core order.
    pub cores: Vec<Numbers>,
    pub facts: Facts,
}

/// What is the same whoever asks. Times are Unix milliseconds, memory is bytes, processor time microseconds.
#[derive(Default)]
pub struct Facts {
    pub now_ms: i64,
    pub started_ms: i64,
    pub run_id: String,
    pub repl_id: String,
    pub pid: u32,
    pub os: String,
    pub executable: String,
    pub config_file: String,
    pub listeners: Vec<String>,
    pub tcp_port: u16,
    pub hz: i32,
    pub configured_hz: i32,
    pub maxclients: u64,
    pub maxmemory: u64,
    pub maxmemory_policy: &'static str,
    pub supervised: &'static str,
    pub repl_backlog_bytes: u64,
    pub rss_bytes: u64,
    pub system_bytes: u64,
    /// Resident before there was any key or client.
    pub startup_bytes: u64,
    pub user_usec: u64,
    pub system_usec: u64,
    pub percentiles: Vec<f64>,
    /// Names of the command table's rows.
    pub command_names: Vec<&'static str>,
}

impl View {
    /// Bytes of keys, values and clients, and of what was there before them.
    pub fn used_bytes(&self) -> u64 {
        self.total.numbers.data_bytes + self.base_bytes()
    }
    /// The most bytes ever used.
    pub fn peak_bytes(&self) -> u64 {
        (self.total.numbers.peak_bytes + self.base_bytes()).max(self.used_bytes())
    }
    /// Bytes that are not keys and values: the server itself, clients, index, timers.
    pub fn overhead_bytes(&self) -> u64 {
        self.base_bytes() + self.total.numbers.index_bytes
    }
    fn base_bytes(&self) -> u64 {
        self.facts.startup_bytes + self.total.numbers.client_bytes
    }
    /// Bytes of keys and values.
    pub fn dataset_bytes(&self) -> u64 {
        self.used_bytes().saturating_sub(self.overhead_bytes())
    }
    /// Core 0, which alone knows of snapshots and log.
    fn first(&self) -> Numbers {
        self.cores.first().copied().unwrap_or_default()
    }
    /// Seconds since something began that is under way, -1 if it is not.
    fn seconds_since(&self, is_on: u64, started: u64) -> i64 {
        if is_on == 0 { -1 } else { (self.facts.now_ms / 1000).saturating_sub(started as i64).max(0) }
    }
    /// Going by how long the bytes took that were loaded.
    fn loading_seconds_left(&self) -> u64 {
        let first = self.first();
        match u64::try_from(self.seconds_since(1, first.load_started)) {
            Ok(0) | Err(_) => 1,
            Ok(seconds) => {
                seconds.saturating_mul(first.load_total_bytes.saturating_sub(first.load_done_bytes)) / (first.load_done_bytes + 1)
            }
        }
    }
    fn uptime_seconds(&self) -> i64 {
        (self.facts.now_ms - self.facts.started_ms).max(0) / 1000
    }
    fn command_name(&self, row: u64) -> &'static str {
        usize::try_from(row).ok().and_then(|i| self.facts.command_names.get(i).copied()).unwrap_or("")
    }
}

/// Appends something about the server to a text.
pub type Print = fn(&View, &mut String);

/// One field: its name and how its value is printed.
pub struct Field {
    pub name: &'static str,
    pub value: Print,
}

/// What a section consists of.
pub enum Body {
    /// `name:value`, one line each.
    Fields(&'static [Field]),
    /// Lines of its own.
    Lines(Print),
    /// Fields, then lines of its own.
    Both(&'static [Field], Print),
}

/// When a section is printed besides when it is asked for by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// By INFO without arguments.
    Always,
    /// By `INFO all`.
    InAll,
    ByName,
}

/// One section.
pub struct Section {
    /// As printed behind `# `; asked for in any case.
    pub title: &'static str,
    pub shown: Shown,
    pub body: Body,
}

macro_rules! fields {
    ($($name:ident = |$v:ident| $value:expr;)*) => {
        &[$(Field { name: stringify!($name), value: |$v, out| { let _ = write!(out, "{}", $value); } }),*]
    };
}

/// All sections in the order in which they are printed.
pub const TABLE: &[Section] = &[
    Section { title: "Server", shown: Shown::Always, body: Body::Both(SERVER, listeners) },
    Section { title: "Clients", shown: Shown::Always, body: Body::Fields(CLIENTS) },
    Section { title: "Memory", shown: Shown::Always, body: Body::Fields(MEMORY) },
    Section { title: "Persistence", shown: Shown::Always, body: Body::Both(PERSISTENCE, log_and_loading) },
    Section { title: "Stats", shown: Shown::Always, body: Body::Fields(STATS) },
    Section { title: "Replication", shown: Shown::Always, body: Body::Fields(REPLICATION) },
    Section { title: "CPU", shown: Shown::Always, body: Body::Fields(CPU) },
    Section { title: "Modules", shown: Shown::Always, body: Body::Lines(|_, _| {}) },
    Section { title: "Commandstats", shown: Shown::InAll, body: Body::Lines(command_lines) },
    Section { title: "Errorstats", shown: Shown::Always, body: Body::Lines(error_lines) },
    Section { title: "Latencystats", shown: Shown::InAll, body: Body::Lines(latency_lines) },
    Section { title: "Cluster", shown: Shown::Always, body: Body::Fields(CLUSTER) },
    Section { title: "Cores", shown: Shown::Always, body: Body::Lines(core_lines) },
    Section { title: "Keyspace", shown: Shown::Always, body: Body::Lines(database_lines) },
    Section { title: "Debug", shown: Shown::ByName, body: Body::Fields(DEBUG) },
];

const SERVER: &[Field] = fields! {
    redis_version = |_v| REDIS_VERSION;
    redis_git_sha1 = |_v| "00000000";
    redis_git_dirty = |_v| 0;
    redis_build_id = |_v| "0";
    redis_mode = |_v| "standalone";
    ringfort_version = |_v| env!("CARGO_PKG_VERSION");
    os = |v| v.facts.os;
    arch_bits = |_v| usize::BITS;
    monotonic_clock = |_v| "POSIX clock_gettime";
    multiplexing_api = |_v| "io_uring";
    atomicvar_api = |_v| "rust";
    gcc_version = |_v| "0.0.0";
    process_id = |v| v.facts.pid;
    process_supervised = |v| v.facts.supervised;
    run_id = |v| v.facts.run_id;
    tcp_port = |v| v.facts.tcp_port;
    server_time_usec = |v| v.facts.now_ms.saturating_mul(1000);
    uptime_in_seconds = |v| v.uptime_seconds();
    uptime_in_days = |v| v.uptime_seconds() / 86_400;
    hz = |v| v.facts.hz;
    configured_hz = |v| v.facts.configured_hz;
    lru_clock = |v| (v.facts.now_ms / 1000) & 0x00ff_ffff;
    executable = |v| v.facts.executable;
    config_file = |v| v.facts.config_file;
    io_threads_active = |_v| 0;
    cores = |v| v.cores.len();
};

const CLIENTS: &[Field] = fields! {
    connected_clients = |v| v.total.numbers.clients;
    cluster_connections = |_v| 0;
    maxclients = |v| v.facts.maxclients;
    client_recent_max_input_buffer = |v| v.total.numbers.input_max;
    client_recent_max_output_buffer = |v| v.total.numbers.output_max;
    blocked_clients = |v| v.total.numbers.blocked_clients;
    tracking_clients = |v| v.total.numbers.tracking_clients;
    pubsub_clients = |_v| 0;
    watching_clients = |v| v.total.numbers.watching_clients;
    clients_in_timeout_table = |v| v.total.numbers.waiting_timeouts;
    total_watched_keys = |v| v.total.numbers.watched_keys;
    total_blocking_keys = |v| v.total.numbers.awaited_keys;
    total_blocking_keys_on_nokey = |v| v.total.numbers.awaited_keys_on_nokey;
};

const MEMORY: &[Field] = fields! {
    used_memory = |v| v.used_bytes();
    used_memory_human = |v| human::bytes(v.used_bytes());
    used_memory_rss = |v| v.facts.rss_bytes;
    used_memory_rss_human = |v| human::bytes(v.facts.rss_bytes);
    used_memory_peak = |v| v.peak_bytes();
    used_memory_peak_human = |v| human::bytes(v.peak_bytes());
    used_memory_peak_perc = |v| human::percent(v.used_bytes(), v.peak_bytes());
    used_memory_overhead = |v| v.overhead_bytes();
    used_memory_startup = |v| v.facts.startup_bytes;
    used_memory_dataset = |v| v.dataset_bytes();
    used_memory_dataset_perc = |v| human::percent(v.dataset_bytes(), v.used_bytes());
    allocator_allocated = |v| v.used_bytes();
    allocator_active = |v| v.used_bytes();
    allocator_resident = |v| v.facts.rss_bytes;
    allocator_muzzy = |_v| 0;
    total_system_memory = |v| v.facts.system_bytes;
    total_system_memory_human = |v| human::bytes(v.facts.system_bytes);
    used_memory_lua = |_v| 0;
    used_memory_vm_eval = |_v| 0;
    used_memory_lua_human = |_v| "0B";
    used_memory_scripts_eval = |_v| 0;
    number_of_cached_scripts = |_v| 0;
    number_of_functions = |_v| 0;
    number_of_libraries = |_v| 0;
    used_memory_vm_functions = |_v| 0;
    used_memory_vm_total = |_v| 0;
    used_memory_vm_total_human = |_v| "0B";
    used_memory_functions = |_v| 0;
    used_memory_scripts = |_v| 0;
    used_memory_scripts_human = |_v| "0B";
    maxmemory = |v| v.facts.maxmemory;
    maxmemory_human = |v| human::bytes(v.facts.maxmemory);
    maxmemory_policy = |v| v.facts.maxmemory_policy;
    allocator_frag_ratio = |_v| "1.00";
    allocator_frag_bytes = |_v| 0;
    allocator_rss_ratio = |v| format_args!("{:.2}", human::ratio(v.facts.rss_bytes, v.used_bytes()));
    allocator_rss_bytes = |v| i128::from(v.facts.rss_bytes) - i128::from(v.used_bytes());
    rss_overhead_ratio = |_v| "1.00";
    rss_overhead_bytes = |_v| 0;
    mem_fragmentation_ratio = |v| format_args!("{:.2}", human::ratio(v.facts.rss_bytes, v.used_bytes()));
    mem_fragmentation_bytes = |v| i128::from(v.facts.rss_bytes) - i128::from(v.used_bytes());
    mem_not_counted_for_evict = |_v| 0;
    mem_replication_backlog = |_v| 0;
    mem_total_replication_buffers = |_v| 0;
    mem_clients_slaves = |_v| 0;
    mem_clients_normal = |v| v.total.numbers.client_bytes;
    mem_cluster_links = |_v| 0;
    mem_aof_buffer = |v| v.total.numbers.log_unwritten;
    mem_allocator = |_v| "mimalloc+arena";
    mem_overhead_db_hashtable_rehashing = |_v| 0;
    active_defrag_running = |_v| 0;
    lazyfree_pending_objects = |v| v.total.numbers.doomed;
    lazyfreed_objects = |v| v.total.numbers.lazyfreed;
};

const PERSISTENCE: &[Field] = fields! {
    loading = |v| v.total.numbers.is_loading;
    async_loading = |_v| 0;
    current_cow_peak = |_v| 0;
    current_cow_size = |_v| 0;
    current_cow_size_age = |_v| 0;
    current_fork_perc = |v| format_args!("{:.2}", percent_of_save(&v.first()));
    current_save_keys_processed = |v| v.first().save_keys_done;
    current_save_keys_total = |v| v.first().save_keys_total;
    rdb_changes_since_last_save = |v| v.total.numbers.unsaved_changes;
    rdb_bgsave_in_progress = |v| v.first().is_saving;
    rdb_last_save_time = |v| v.first().last_save as i64;
    rdb_last_bgsave_status = |v| status(v.first().has_save_failed);
    rdb_last_bgsave_time_sec = |v| v.first().last_save_seconds as i64;
    rdb_current_bgsave_time_sec = |v| v.seconds_since(v.first().is_saving, v.first().save_started);
    rdb_saves = |v| v.first().saves;
    rdb_last_cow_size = |_v| 0;
    rdb_last_load_keys_expired = |v| v.first().loaded_expired;
    rdb_last_load_keys_loaded = |v| v.first().loaded_keys;
    aof_enabled = |v| v.first().log_is_on;
    aof_rewrite_in_progress = |v| v.first().is_rewriting;
    aof_rewrite_scheduled = |v| v.first().is_rewrite_scheduled;
    aof_last_rewrite_time_sec = |v| v.first().last_rewrite_seconds as i64;
    aof_current_rewrite_time_sec = |v| v.seconds_since(v.first().is_rewriting, v.first().rewrite_started);
    aof_last_bgrewrite_status = |v| status(v.first().has_rewrite_failed);
    aof_rewrites = |v| v.first().rewrites;
    aof_rewrites_consecutive_failures = |v| v.first().rewrite_failures;
    aof_last_write_status = |v| status(v.first().has_log_write_failed);
    aof_last_cow_size = |_v| 0;
    module_fork_in_progress = |_v| 0;
    module_fork_last_cow_size = |_v| 0;
};

/// Fields that are there while the log is on.
const LOG: &[Field] = fields! {
    aof_current_size = |v| v.first().log_bytes;
    aof_base_size = |v| v.first().log_base_bytes;
    aof_pending_rewrite = |_v| 0;
    aof_buffer_length = |v| v.total.numbers.log_unwritten;
    aof_pending_bio_fsync = |v| v.total.numbers.pending_syncs;
    aof_delayed_fsync = |v| v.total.numbers.log_delayed;
};

/// Fields that are there while keys are being loaded.
const LOADING: &[Field] = fields! {
    loading_start_time = |v| v.first().load_started as i64;
    loading_total_bytes = |v| v.first().load_total_bytes;
    loading_rdb_used_mem = |_v| 0;
    loading_loaded_bytes = |v| v.first().load_done_bytes;
    loading_loaded_perc = |v| format_args!("{:.2}", human::ratio(v.first().load_done_bytes, v.first().load_total_bytes) * 100.0);
    loading_eta_seconds = |v| v.loading_seconds_left();
};

const STATS: &[Field] = fields! {
    total_connections_received = |v| v.total.numbers.connections_received;
    total_commands_processed = |v| v.total.numbers.commands_processed;
    instantaneous_ops_per_sec = |v| v.total.numbers.ops_rate;
    total_net_input_bytes = |v| v.total.numbers.net_input_bytes;
    total_net_output_bytes = |v| v.total.numbers.net_output_bytes;
    total_net_repl_input_bytes = |_v| 0;
    total_net_repl_output_bytes = |_v| 0;
    instantaneous_input_kbps = |v| format_args!("{:.2}", v.total.numbers.input_rate as f64 / 1024.0);
    instantaneous_output_kbps = |v| format_args!("{:.2}", v.total.numbers.output_rate as f64 / 1024.0);
    instantaneous_input_repl_kbps = |_v| "0.00";
    instantaneous_output_repl_kbps = |_v| "0.00";
    rejected_connections = |v| v.total.numbers.rejected_connections;
    sync_full = |_v| 0;
    sync_partial_ok = |_v| 0;
    sync_partial_err = |_v| 0;
    expired_subkeys = |v| v.total.numbers.expired_subkeys;
    expired_keys = |v| v.total.numbers.expired_keys;
    expired_stale_perc = |_v| "0.00";
    expired_time_cap_reached_count = |_v| 0;
    expire_cycle_cpu_milliseconds = |_v| 0;
    evicted_keys = |_v| 0;
    evicted_clients = |_v| 0;
    evicted_scripts = |_v| 0;
    total_eviction_exceeded_time = |_v| 0;
    current_eviction_exceeded_time = |_v| 0;
    keyspace_hits = |v| v.total.numbers.keyspace_hits;
    keyspace_misses = |v| v.total.numbers.keyspace_misses;
    pubsub_channels = |_v| 0;
    pubsub_patterns = |_v| 0;
    pubsubshard_channels = |_v| 0;
    latest_fork_usec = |_v| 0;
    total_forks = |_v| 0;
    migrate_cached_sockets = |_v| 0;
    slave_expires_tracked_keys = |_v| 0;
    active_defrag_hits = |_v| 0;
    active_defrag_misses = |_v| 0;
    active_defrag_key_hits = |_v| 0;
    active_defrag_key_misses = |_v| 0;
    total_active_defrag_time = |_v| 0;
    current_active_defrag_time = |_v| 0;
    tracking_total_keys = |v| v.total.numbers.tracking_total_keys;
    tracking_total_items = |v| v.total.numbers.tracking_total_items;
    tracking_total_prefixes = |v| v.total.numbers.tracking_total_prefixes;
    unexpected_error_replies = |_v| 0;
    total_error_replies = |v| v.total.numbers.error_replies;
    dump_payload_sanitizations = |_v| 0;
    total_reads_processed = |v| v.total.numbers.reads_processed;
    total_writes_processed = |v| v.total.numbers.writes_processed;
    io_threaded_reads_processed = |_v| 0;
    io_threaded_writes_processed = |_v| 0;
    client_query_buffer_limit_disconnections = |v| v.total.numbers.query_buffer_disconnections;
    client_output_buffer_limit_disconnections = |v| v.total.numbers.output_buffer_disconnections;
    reply_buffer_shrinks = |_v| 0;
    reply_buffer_expands = |_v| 0;
    eventloop_cycles = |v| v.total.numbers.turns;
    eventloop_duration_sum = |v| v.total.numbers.turn_usec;
    eventloop_duration_cmd_sum = |v| v.total.numbers.command_usec;
    instantaneous_eventloop_cycles_per_sec = |v| v.total.numbers.turn_rate;
    instantaneous_eventloop_duration_usec = |v| v.total.numbers.turn_usec_rate.checked_div(v.total.numbers.turn_rate).unwrap_or(0);
    acl_access_denied_auth = |v| v.total.numbers.acl_denied_auth;
    acl_access_denied_cmd = |_v| 0;
    acl_access_denied_key = |_v| 0;
    acl_access_denied_channel = |_v| 0;
    cross_core_calls = |v| v.total.numbers.calls_sent;
    tickets_started = |v| v.total.numbers.tickets_started;
    ticket_parts_run = |v| v.total.numbers.parts_run;
    calls_held = |v| v.total.numbers.calls_held;
    core_wakes = |v| v.total.numbers.wakes;
    slow_turns = |v| v.total.numbers.slow_turns;
    longest_turn_usec = |v| v.total.numbers.longest_turn_usec;
    longest_turn_cpu_usec = |v| v.total.numbers.longest_turn_cpu_usec;
};

const REPLICATION: &[Field] = fields! {
    role = |_v| "master";
    connected_slaves = |_v| 0;
    master_failover_state = |_v| "no-failover";
    master_replid = |v| v.facts.repl_id;
    master_replid2 = |_v| "0000000000000000000000000000000000000000";
    master_repl_offset = |_v| 0;
    second_repl_offset = |_v| -1;
    repl_backlog_active = |_v| 0;
    repl_backlog_size = |v| v.facts.repl_backlog_bytes;
    repl_backlog_first_byte_offset = |_v| 0;
    repl_backlog_histlen = |_v| 0;
};

const CPU: &[Field] = fields! {
    used_cpu_sys = |v| human::seconds(v.facts.system_usec);
    used_cpu_user = |v| human::seconds(v.facts.user_usec);
    used_cpu_sys_children = |_v| human::seconds(0);
    used_cpu_user_children = |_v| human::seconds(0);
    used_cpu_sys_main_thread = |v| human::seconds(v.cores.first().map_or(0, |c| c.thread_system_usec));
    used_cpu_user_main_thread = |v| human::seconds(v.cores.first().map_or(0, |c| c.thread_user_usec));
};

const CLUSTER: &[Field] = fields! {
    cluster_enabled = |_v| 0;
};

/// Printed only when asked for by name.
const DEBUG: &[Field] = fields! {
    eventloop_duration_aof_sum = |v| v.total.numbers.log_usec;
    eventloop_duration_cron_sum = |v| v.total.numbers.cron_usec;
    eventloop_duration_max = |v| v.total.numbers.longest_turn_usec;
    eventloop_cmd_per_cycle_max = |v| v.total.numbers.most_commands_a_turn;
};

fn status(has_failed: u64) -> &'static str {
    if has_failed == 0 { "ok" } else { "err" }
}

fn percent_of_save(first: &Numbers) -> f64 {
    if first.is_saving + first.is_rewriting == 0 { 0.0 } else { human::ratio(first.save_keys_done, first.save_keys_total) * 100.0 }
}

fn log_and_loading(view: &View, out: &mut String) {
    if view.first().log_is_on != 0 {
        lines(LOG, view, out);
    }
    if view.total.numbers.is_loading != 0 {
        lines(LOADING, view, out);
    }
}

fn listeners(view: &View, out: &mut String) {
    for (i, listener) in view.facts.listeners.iter().enumerate() {
        let _ = write!(out, "listener{i}:{listener}\r\n");
    }
}

fn command_lines(view: &View, out: &mut String) {
    for (row, c) in &view.total.commands {
        if *c == Command::default() {
            continue;
        }
        let usec = c.nanos / 1000;
        let per_call = human::ratio(c.nanos, c.calls) / 1000.0;
        let name = view.command_name(*row);
        let _ = write!(
            out,
            "cmdstat_{name}:calls={},usec={usec},usec_per_call={per_call:.2},rejected_calls={},failed_calls={}\r\n",
            c.calls, c.rejected, c.failed
        );
    }
}

fn error_lines(view: &View, out: &mut String) {
    for (code, count) in &view.total.errors {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

fn latency_lines(view: &View, out: &mut String) {
    for (row, samples) in view.total.latencies.iter().filter(|(_, s)| !s.is_empty()) {
        let _ = write!(out, "latency_percentiles_usec_{}:", view.command_name(*row));
        for (i, p) in view.facts.percentiles.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(out, "{comma}p{p}={:.3}", percentile(samples, *p) as f64 / 1000.0);
        }
        out.push_str("\r\n");
    }
}

fn core_lines(view: &View, out: &mut String) {
    for (i, n) in view.cores.iter().enumerate() {
        let _ = write!(
            out,
            "core{i}:keys={},expires={},clients={},used_memory={},commands={},ops_per_sec={},calls_sent={},tickets={},\
             parts_run={},calls_held={},wakes={},turns={},slow_turns={},longest_turn_usec={},longest_turn_cpu_usec={},cpu_user={},cpu_sys={}\r\n",
            n.keys,
            n.expires,
            n.clients,
            n.data_bytes,
            n.commands_processed,
            n.ops_rate,
            n.calls_sent,
            n.tickets_started,
            n.parts_run,
            n.calls_held,
            n.wakes,
            n.turns,
            n.slow_turns,
            n.longest_turn_usec,
            n.longest_turn_cpu_usec,
            human::seconds(n.thread_user_usec),
            human::seconds(n.thread_system_usec)
        );
    }
}

fn database_lines(view: &View, out: &mut String) {
    for (i, d) in view.total.databases.iter().enumerate().filter(|(_, d)| d.keys > 0) {
        let Database { keys, expires, ttl_sum_ms, ttl_samples } = d;
        let avg_ttl = ttl_sum_ms.checked_div(*ttl_samples).unwrap_or(0);
        let _ = write!(out, "db{i}:keys={keys},expires={expires},avg_ttl={avg_ttl},subexpiry=0\r\n");
    }
}

/// Which sections INFO was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection(u32);

impl Selection {
    /// The sections named by `words`; none means the default ones. Unknown names select nothing.
    pub fn parse<'w>(words: impl Iterator<Item = &'w [u8]>) -> Selection {
        let mut chosen = 0;
        let mut is_empty = true;
        for word in words {
            is_empty = false;
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            for (i, section) in TABLE.iter().enumerate() {
                let is_shown = match section.shown {
                    Shown::Always => is("default") || is("all") || is("everything"),
                    Shown::InAll => is("all") || is("everything"),
                    Shown::ByName => false,
                };
                if is_shown || is(section.title) {
                    chosen |= 1 << i;
                }
            }
        }
        if is_empty { Selection::parse([b"default".as_slice()].into_iter()) } else { Selection(chosen) }
    }

    /// Whether the section called `title` is printed.
    pub fn has(self, title: &str) -> bool {
        TABLE.iter().enumerate().any(|(i, s)| s.title == title && self.0 & (1 << i) != 0)
    }
}

/// The text of INFO: the chosen sections in table order, an empty line between them.
pub fn render(view: &View, chosen: Selection) -> String {
    let mut out = String::with_capacity(8192);
    for section in TABLE.iter().filter(|s| chosen.has(s.title)) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        let _ = write!(out, "# {}\r\n", section.title);
        let (fields, more): (&[Field], Option<Print>) = match &section.body {
            Body::Fields(fields) => (fields, None),
            Body::Lines(lines) => (&[], Some(*lines)),
            Body::Both(fields, lines) => (fields, Some(*lines)),
        };
        lines(fields, view, &mut out);
        if let Some(more) = more {
            more(view, &mut out);
        }
    }
    out
}

/// `name:value` of each field.
fn lines(fields: &[Field], view: &View, out: &mut String) {
    for field in fields {
        out.push_str(field.name);
        out.push(':');
        (field.value)(view, out);
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> String {
        let view = View { cores: vec![Numbers::default(); 2], ..View::default() };
        render(&view, Selection::parse(words.iter().map(|w| w.as_bytes())))
    }

    #[test]
    fn unknown_sections_print_nothing() {
        assert_eq!(ask(&["nosuch"]), "");
        assert_eq!(ask(&["nosuch", "CLUSTER"]), "# Cluster\r\ncluster_enabled:0\r\n");
    }

    #[test]
    fn default_leaves_out_the_long_sections_and_all_has_every_one() {
        assert!(!ask(&[]).contains("# Commandstats") && ask(&[]).contains("# Keyspace"));
        assert_eq!(ask(&[]), ask(&["default"]));
        for section in TABLE {
            let is_there = ask(&["all"]).contains(&format!("# {}\r\n", section.title));
            assert_eq!(is_there, section.shown != Shown::ByName, "{}", section.title);
        }
        assert!(ask(&["debug"]).starts_with("# Debug\r\n"));
    }

    #[test]
    fn sections_are_apart_by_one_empty_line_and_every_field_has_one_line() {
        let text = ask(&["everything"]);
        assert!(!text.contains("\r\n\r\n\r\n") && !text.ends_with("\r\n\r\n"));
        assert!(text.split("\r\n").all(|l| l.is_empty() || l.starts_with("# ") || l.contains(':')), "{text}");
        assert!(text.contains("\r\ncore0:") && text.contains("\r\ncore1:") && !text.contains("\r\ncore2:"));
    }

    #[test]
    fn lines_of_commands_and_databases_read_as_redis_prints_them() {
        let mut view = View::default();
        view.facts.command_names = vec!["get"];
        view.facts.percentiles = vec![50.0, 99.9];
        view.total.commands.insert(0, Command { calls: 2, nanos: 5000, rejected: 1, failed: 0 });
        view.total.latencies.entry(0).or_default().insert(5023, 2);
        view.total.databases = vec![Database::default(), Database { keys: 3, expires: 2, ttl_sum_ms: 9, ttl_samples: 2 }];
        let text = render(&view, Selection::parse([b"all".as_slice()].into_iter()));
        assert!(text.contains("cmdstat_get:calls=2,usec=5,usec_per_call=2.50,rejected_calls=1,failed_calls=0\r\n"));
        assert!(text.contains("latency_percentiles_usec_get:p50=5.023,p99.9=5.023\r\n"));
        assert!(text.contains("# Keyspace\r\ndb1:keys=3,expires=2,avg_ttl=4,subexpiry=0\r\n"));
    }

    #[test]
    fn durability_is_told_by_core_0_and_its_rare_fields_only_while_they_matter() {
        let first = Numbers { last_save: 1700, save_started: u64::MAX, last_save_seconds: u64::MAX, ..Numbers::default() };
        let other = Numbers { log_unwritten: 7, unsaved_changes: 3, pending_syncs: 2, ..Numbers::default() };
        let mut view = View { cores: vec![first, other], ..View::default() };
        let ask = |view: &mut View| {
            view.total = Report::default();
            for core in view.cores.clone() {
                view.total.add(&Report { numbers: core, ..Report::default() });
            }
            render(view, Selection::parse([b"persistence".as_slice()].into_iter()))
        };
        let text = ask(&mut view);
        assert!(text.contains("rdb_changes_since_last_save:3\r\n") && text.contains("rdb_last_save_time:1700\r\n"));
        assert!(text.contains("rdb_last_bgsave_time_sec:-1\r\nrdb_current_bgsave_time_sec:-1\r\n"));
        assert!(!text.contains("aof_base_size") && !text.contains("loading_start_time"));
        view.facts.now_ms = 60_000;
        let core = &mut view.cores[0];
        (core.is_saving, core.save_started, core.has_save_failed) = (1, 50, 1);
        (core.save_keys_done, core.save_keys_total, core.log_is_on, core.is_loading) = (1, 4, 1, 1);
        (core.load_started, core.load_total_bytes, core.load_done_bytes) = (40, 1000, 199);
        let text = ask(&mut view);
        for line in ["loading:1", "current_fork_perc:25.00", "rdb_last_bgsave_status:err", "rdb_current_bgsave_time_sec:10"] {
            assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} in {text}");
        }
        let loading = "loading_start_time:40\r\nloading_total_bytes:1000\r\nloading_rdb_used_mem:0\r\nloading_loaded_bytes:199\r\n\
                       loading_loaded_perc:19.90\r\nloading_eta_seconds:80\r\n";
        assert!(text.contains(&format!("aof_buffer_length:7\r\naof_pending_bio_fsync:2\r\naof_delayed_fsync:0\r\n{loading}")), "{text}");
    }
}
