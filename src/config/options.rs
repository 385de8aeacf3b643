//! The directive table: one row per configuration directive, and the `Config` struct made from the same rows.
//!
//! Where it sits: everything about a directive is said here once; reading files, CONFIG GET, CONFIG SET and CONFIG
//! REWRITE derive from it. A row reads
//! `field: type = default, "name" [/ "other name"], shape, flags [only_default "why"];`.
//! Invariants: names and other names are lower case and unique; the table is sorted by name (`-` and `_` alike); every
//! default passes its own check. A directive whose effect does not exist yet is marked `only_default`: its default is
//! what the server does, and any other value is refused with the row's text instead of being ignored.
//! What it does not do: act on values.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/config-file (7.2, with the additions of 7.4)

use super::kinds::*;
use super::value::{RewriteLine, Setting, Shape, Unit, Why};

/// What may be done with a directive: a set of the constants below.
pub type Flags = u8;
/// Settable at any time.
pub const FREE: Flags = 0;
/// Only at start.
pub const IMMUTABLE: Flags = 1;
/// Settable at run time only as `enable-protected-configs` allows.
pub const PROTECTED: Flags = 1 << 1;
/// Never logged: its arguments are redacted.
pub const SENSITIVE: Flags = 1 << 2;
/// For tests: CONFIG GET shows it by its exact name only.
pub const HIDDEN: Flags = 1 << 3;
/// Not settable while data is loading.
pub const NOT_LOADING: Flags = 1 << 4;

/// Of this server alone, so that scripts which set everything to what it is meet it unprepared: that much is allowed.
pub const OURS: Flags = 1 << 5;

/// Reads words into the directive's field.
type Parse = fn(&mut Config, &[&[u8]], &Shape) -> Result<(), Why>;

/// One directive of the table.
pub struct Directive {
    /// Its name, lower case.
    pub name: &'static str,
    /// A second name, lower case.
    pub alias: Option<&'static str>,
    /// Bounds, unit, text check.
    pub shape: Shape,
    /// What may be done with it.
    pub flags: Flags,
    /// True when a line may carry several values.
    pub is_list: bool,
    /// Present when only the default value is supported: why others are refused.
    pub only_default: Option<&'static str>,
    pub(super) show: fn(&Config, &Shape) -> Vec<u8>,
    pub(super) parse: Parse,
    pub(super) rewrite: fn(&Config, &Config, &Shape) -> Vec<RewriteLine>,
}

impl Directive {
    /// True when all bits of `flag` are set.
    pub fn has(&self, flag: Flags) -> bool {
        self.flags & flag == flag
    }
}

macro_rules! directives {
    ($($field:ident: $type:ty = $default:expr, $name:literal $(/ $alias:literal)?, $shape:expr, $flags:expr
        $(, only_default $why:literal)?;)*) => {
        /// The values of all directives: plain data, one copy on every core.
        /// The field of directive `tcp-backlog` is `tcp_backlog`; sizes are bytes, other units as the directive's
        /// documentation says. Texts are bytes as given, empty when not set; `dir` is empty until the node fills in the
        /// working directory.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $(#[doc = concat!("Directive `", $name, "`.")] pub $field: $type,)*
            /// Commands given another name, or none (empty), by `rename-command`, in the order of the file.
            pub renames: Vec<(Vec<u8>, Vec<u8>)>,
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($field: $default,)* renames: Vec::new() }
            }
        }

        /// Every directive, sorted by name.
        pub static TABLE: &[Directive] = &[$(Directive {
            name: $name,
            alias: directives!(@option $($alias)?),
            shape: $shape,
            flags: $flags,
            is_list: <$type as Setting>::IS_LIST,
            only_default: directives!(@option $($why)?),
            show: |config, shape| config.$field.show(shape),
            parse: |config, words, shape| config.$field.parse(words, shape),
            rewrite: |config, defaults, shape| config.$field.rewrite(&defaults.$field, shape),
        },)*];
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
}

const OWN: Shape = Shape::Own;
const I32_MAX: i128 = i32::MAX as i128;
const I32_MIN: i128 = i32::MIN as i128;
const U32_MAX: i128 = u32::MAX as i128;
const I64_MAX: i128 = i64::MAX as i128;
const U64_MAX: i128 = u64::MAX as i128;

const fn number(low: i128, high: i128) -> Shape {
    Shape::Number { low, high, unit: Unit::Plain }
}
const fn memory(low: i128, high: i128) -> Shape {
    Shape::Number { low, high, unit: Unit::Memory }
}
const fn memory_or_percent(low: i128, high: i128) -> Shape {
    Shape::Number { low, high, unit: Unit::MemoryOrPercent }
}
const fn octal(low: i128, high: i128) -> Shape {
    Shape::Number { low, high, unit: Unit::Octal }
}
/// Text whose default is a value like any other.
const fn text(check: fn(&[u8]) -> Result<(), &'static str>) -> Shape {
    Shape::Text { empty_is_unset: false, check }
}
/// Text that is not set while empty.
const fn unset(check: fn(&[u8]) -> Result<(), &'static str>) -> Shape {
    Shape::Text { empty_is_unset: true, check }
}

directives! {
    acl_pubsub_default: AclPubsubDefault = AclPubsubDefault::ResetChannels, "acl-pubsub-default", OWN, FREE;
    aclfile: Vec<u8> = Vec::new(), "aclfile", text(anything), IMMUTABLE, only_default "ACL files are not supported yet by this version: argument must be empty";
    acllog_max_len: u64 = 128, "acllog-max-len", number(0, I64_MAX), FREE;
    active_defrag_cycle_max: i32 = 25, "active-defrag-cycle-max", number(1, 99), FREE;
    active_defrag_cycle_min: i32 = 1, "active-defrag-cycle-min", number(1, 99), FREE;
    active_defrag_ignore_bytes: u64 = 104857600, "active-defrag-ignore-bytes", memory(1, I64_MAX), FREE;
    active_defrag_max_scan_fields: u64 = 1000, "active-defrag-max-scan-fields", number(1, I64_MAX), FREE;
    active_defrag_threshold_lower: i32 = 10, "active-defrag-threshold-lower", number(0, 1000), FREE;
    active_defrag_threshold_upper: i32 = 100, "active-defrag-threshold-upper", number(0, 1000), FREE;
    active_expire_effort: i32 = 1, "active-expire-effort", number(1, 10), FREE;
    activedefrag: bool = false, "activedefrag", OWN, FREE, only_default "active defragmentation is not supported yet by this version: argument must be 'no'";
    activerehashing: bool = true, "activerehashing", OWN, FREE;
    always_show_logo: bool = false, "always-show-logo", OWN, IMMUTABLE;
    aof_disable_auto_gc: bool = false, "aof-disable-auto-gc", OWN, HIDDEN;
    aof_load_corrupt_tail_max_size: u64 = 0, "aof-load-corrupt-tail-max-size", memory(0, I64_MAX), FREE;
    aof_load_truncated: bool = true, "aof-load-truncated", OWN, FREE;
    aof_rewrite_cpulist: Vec<u8> = Vec::new(), "aof-rewrite-cpulist" / "aof_rewrite_cpulist", unset(anything), IMMUTABLE, only_default "processor lists are not supported yet by this version: argument must be empty";
    aof_rewrite_incremental_fsync: bool = true, "aof-rewrite-incremental-fsync", OWN, FREE;
    aof_timestamp_enabled: bool = false, "aof-timestamp-enabled", OWN, FREE;
    aof_use_rdb_preamble: bool = true, "aof-use-rdb-preamble", OWN, FREE;
    appenddirname: Vec<u8> = b"appendonlydir".to_vec(), "appenddirname", text(plain_appenddirname), IMMUTABLE;
    appendfilename: Vec<u8> = b"appendonly.aof".to_vec(), "appendfilename", text(plain_appendfilename), IMMUTABLE;
    appendfsync: AppendFsync = AppendFsync::EverySec, "appendfsync", OWN, FREE;
    appendonly: bool = false, "appendonly", OWN, NOT_LOADING;
    auto_aof_rewrite_min_size: i64 = 67108864, "auto-aof-rewrite-min-size", memory(0, I64_MAX), FREE;
    auto_aof_rewrite_percentage: i32 = 100, "auto-aof-rewrite-percentage", number(0, I32_MAX), FREE;
    bgsave_cpulist: Vec<u8> = Vec::new(), "bgsave-cpulist" / "bgsave_cpulist", unset(anything), IMMUTABLE, only_default "processor lists are not supported yet by this version: argument must be empty";
    bind: Bind = Bind::loopback(), "bind", OWN, FREE;
    bind_source_addr: Vec<u8> = Vec::new(), "bind-source-addr", unset(anything), FREE;
    bio_cpulist: Vec<u8> = Vec::new(), "bio-cpulist" / "bio_cpulist", unset(anything), IMMUTABLE, only_default "processor lists are not supported yet by this version: argument must be empty";
    busy_reply_threshold: i64 = 5000, "busy-reply-threshold" / "lua-time-limit", number(0, I64_MAX), FREE;
    client_default_resp: u32 = 2, "client-default-resp", number(2, 3), IMMUTABLE | HIDDEN;
    client_output_buffer_limit: OutputLimits = OutputLimits::standard(), "client-output-buffer-limit", OWN, FREE;
    client_query_buffer_limit: u64 = 1073741824, "client-query-buffer-limit", memory(1048576, I64_MAX), FREE;
    cluster_allow_pubsubshard_when_down: bool = true, "cluster-allow-pubsubshard-when-down", OWN, FREE;
    cluster_allow_reads_when_down: bool = false, "cluster-allow-reads-when-down", OWN, FREE;
    cluster_allow_replica_migration: bool = true, "cluster-allow-replica-migration", OWN, FREE;
    cluster_announce_bus_port: u16 = 0, "cluster-announce-bus-port", number(0, 65535), FREE;
    cluster_announce_hostname: Vec<u8> = Vec::new(), "cluster-announce-hostname", unset(host_name), FREE;
    cluster_announce_human_nodename: Vec<u8> = Vec::new(), "cluster-announce-human-nodename", unset(node_name), FREE;
    cluster_announce_ip: Vec<u8> = Vec::new(), "cluster-announce-ip", unset(anything), FREE;
    cluster_announce_port: u16 = 0, "cluster-announce-port", number(0, 65535), FREE;
    cluster_announce_tls_port: u16 = 0, "cluster-announce-tls-port", number(0, 65535), FREE;
    cluster_config_file: Vec<u8> = b"nodes.conf".to_vec(), "cluster-config-file", text(anything), IMMUTABLE;
    cluster_enabled: bool = false, "cluster-enabled", OWN, IMMUTABLE, only_default "cluster mode is not supported yet by this version: argument must be 'no'";
    cluster_link_sendbuf_limit: u64 = 0, "cluster-link-sendbuf-limit", memory(0, U64_MAX), FREE;
    cluster_migration_barrier: i32 = 1, "cluster-migration-barrier", number(0, I32_MAX), FREE;
    cluster_node_timeout: i64 = 15000, "cluster-node-timeout", number(0, I64_MAX), FREE;
    cluster_ping_interval: i64 = 0, "cluster-ping-interval", number(0, I64_MAX), HIDDEN;
    cluster_port: u16 = 0, "cluster-port", number(0, 65535), IMMUTABLE;
    cluster_preferred_endpoint_type: PreferredEndpoint = PreferredEndpoint::Ip, "cluster-preferred-endpoint-type", OWN, FREE;
    cluster_replica_no_failover: bool = false, "cluster-replica-no-failover" / "cluster-slave-no-failover", OWN, FREE;
    cluster_replica_validity_factor: i32 = 10, "cluster-replica-validity-factor" / "cluster-slave-validity-factor", number(0, I32_MAX), FREE;
    cluster_require_full_coverage: bool = true, "cluster-require-full-coverage", OWN, FREE;
    core_listeners: bool = false, "core-listeners", OWN, IMMUTABLE | OURS;
    cores: u32 = 0, "cores", number(0, 1024), IMMUTABLE | OURS;
    crash_log_enabled: bool = true, "crash-log-enabled", OWN, FREE;
    crash_memcheck_enabled: bool = true, "crash-memcheck-enabled", OWN, FREE;
    daemonize: bool = false, "daemonize", OWN, IMMUTABLE;
    databases: i32 = 16, "databases", number(1, I32_MAX), IMMUTABLE;
    dbfilename: Vec<u8> = b"dump.rdb".to_vec(), "dbfilename", text(plain_dbfilename), PROTECTED;
    dir: Vec<u8> = Vec::new(), "dir", text(anything), PROTECTED | NOT_LOADING;
    disable_thp: bool = true, "disable-thp", OWN, IMMUTABLE;
    dynamic_hz: bool = true, "dynamic-hz", OWN, FREE;
    enable_debug_command: Permission = Permission::No, "enable-debug-command", OWN, IMMUTABLE;
    enable_module_command: Permission = Permission::No, "enable-module-command", OWN, IMMUTABLE;
    enable_protected_configs: Permission = Permission::No, "enable-protected-configs", OWN, IMMUTABLE;
    hash_max_listpack_entries: u64 = 512, "hash-max-listpack-entries" / "hash-max-ziplist-entries", number(0, I64_MAX), FREE;
    hash_max_listpack_value: u64 = 64, "hash-max-listpack-value" / "hash-max-ziplist-value", memory(0, I64_MAX), FREE;
    hash_seed: u64 = 0, "hash-seed", number(0, U64_MAX), IMMUTABLE | HIDDEN;
    hide_user_data_from_log: bool = false, "hide-user-data-from-log", OWN, FREE;
    hll_sparse_max_bytes: u64 = 3000, "hll-sparse-max-bytes", memory(0, I64_MAX), FREE;
    hz: i32 = 10, "hz", number(0, I32_MAX), FREE;
    ignore_warnings: Vec<u8> = Vec::new(), "ignore-warnings", text(anything), FREE;
    io_threads: i32 = 1, "io-threads", number(1, 128), IMMUTABLE, only_default "this server has no I/O threads, use 'cores': argument must be 1";
    io_threads_do_reads: bool = false, "io-threads-do-reads", OWN, IMMUTABLE;
    jemalloc_bg_thread: bool = true, "jemalloc-bg-thread", OWN, FREE;
    key_load_delay: i32 = 0, "key-load-delay", number(I32_MIN, I32_MAX), HIDDEN;
    latency_monitor_threshold: i64 = 0, "latency-monitor-threshold", number(0, I64_MAX), FREE;
    latency_tracking: bool = true, "latency-tracking", OWN, FREE;
    latency_tracking_info_percentiles: Percentiles = Percentiles(vec![50.0, 99.0, 99.9]), "latency-tracking-info-percentiles", OWN, FREE;
    lazyfree_lazy_eviction: bool = false, "lazyfree-lazy-eviction", OWN, FREE;
    lazyfree_lazy_expire: bool = false, "lazyfree-lazy-expire", OWN, FREE;
    lazyfree_lazy_server_del: bool = false, "lazyfree-lazy-server-del", OWN, FREE;
    lazyfree_lazy_user_del: bool = false, "lazyfree-lazy-user-del", OWN, FREE;
    lazyfree_lazy_user_flush: bool = false, "lazyfree-lazy-user-flush", OWN, FREE;
    lfu_decay_time: i32 = 1, "lfu-decay-time", number(0, I32_MAX), FREE;
    lfu_log_factor: i32 = 10, "lfu-log-factor", number(0, I32_MAX), FREE;
    list_compress_depth: i32 = 0, "list-compress-depth", number(0, I32_MAX), FREE;
    list_max_listpack_size: i32 = -2, "list-max-listpack-size" / "list-max-ziplist-size", number(I32_MIN, I32_MAX), FREE;
    loading_process_events_interval_bytes: i64 = 2097152, "loading-process-events-interval-bytes", number(1024, I64_MAX), HIDDEN;
    locale_collate: Vec<u8> = Vec::new(), "locale-collate", text(locale), FREE;
    logfile: Vec<u8> = Vec::new(), "logfile", text(anything), IMMUTABLE;
    loglevel: LogLevel = LogLevel::Notice, "loglevel", OWN, FREE;
    masterauth: Vec<u8> = Vec::new(), "masterauth", unset(anything), SENSITIVE;
    masteruser: Vec<u8> = Vec::new(), "masteruser", unset(anything), SENSITIVE;
    max_new_connections_per_cycle: i32 = 10, "max-new-connections-per-cycle", number(1, 1000), FREE;
    max_new_tls_connections_per_cycle: i32 = 1, "max-new-tls-connections-per-cycle", number(1, 1000), FREE;
    maxclients: u32 = 10000, "maxclients", number(1, U32_MAX), FREE;
    maxmemory: u64 = 0, "maxmemory", memory(0, U64_MAX), FREE, only_default "eviction is not supported yet by this version: argument must be 0";
    maxmemory_clients: i64 = 0, "maxmemory-clients", memory_or_percent(-100, I64_MAX), FREE, only_default "eviction of clients is not supported yet by this version: argument must be 0";
    maxmemory_eviction_tenacity: i32 = 10, "maxmemory-eviction-tenacity", number(0, 100), FREE;
    maxmemory_policy: MaxmemoryPolicy = MaxmemoryPolicy::NoEviction, "maxmemory-policy", OWN, FREE;
    maxmemory_samples: i32 = 5, "maxmemory-samples", number(1, 64), FREE;
    min_replicas_max_lag: i32 = 10, "min-replicas-max-lag" / "min-slaves-max-lag", number(0, I32_MAX), FREE;
    min_replicas_to_write: i32 = 0, "min-replicas-to-write" / "min-slaves-to-write", number(0, I32_MAX), FREE, only_default "replication is not supported yet by this version: argument must be 0";
    no_appendfsync_on_rewrite: bool = false, "no-appendfsync-on-rewrite", OWN, FREE;
    notify_keyspace_events: NotifyFlags = NotifyFlags(0), "notify-keyspace-events", OWN, FREE;
    oom_score_adj: OomScoreAdj = OomScoreAdj::No, "oom-score-adj", OWN, FREE, only_default "out-of-memory scores are not supported yet by this version: argument must be 'no'";
    oom_score_adj_values: OomScores = OomScores([0, 200, 800]), "oom-score-adj-values", OWN, FREE;
    pidfile: Vec<u8> = Vec::new(), "pidfile", unset(anything), IMMUTABLE;
    port: u16 = 6379, "port", number(0, 65535), FREE;
    proc_title_template: Vec<u8> = b"{title} {listen-addr} {server-mode}".to_vec(), "proc-title-template", text(title_template), FREE;
    propagation_error_behavior: PropagationErrors = PropagationErrors::Ignore, "propagation-error-behavior", OWN, FREE;
    protected_mode: bool = true, "protected-mode", OWN, FREE;
    proto_max_bulk_len: i64 = 536870912, "proto-max-bulk-len", memory(1048576, I64_MAX), FREE;
    rdb_del_sync_files: bool = false, "rdb-del-sync-files", OWN, FREE;
    rdb_key_save_delay: i32 = 0, "rdb-key-save-delay", number(I32_MIN, I32_MAX), HIDDEN;
    rdb_save_incremental_fsync: bool = true, "rdb-save-incremental-fsync", OWN, FREE;
    rdb_version: RdbVersion = RdbVersion::Auto, "rdb-version", OWN, FREE;
    rdbchecksum: bool = true, "rdbchecksum", OWN, IMMUTABLE;
    rdbcompression: bool = true, "rdbcompression", OWN, FREE;
    repl_backlog_size: i64 = 1048576, "repl-backlog-size", memory(1, I64_MAX), FREE;
    repl_backlog_ttl: i64 = 3600, "repl-backlog-ttl", number(0, I64_MAX), FREE;
    repl_disable_tcp_nodelay: bool = false, "repl-disable-tcp-nodelay", OWN, FREE;
    repl_diskless_load: ReplDisklessLoad = ReplDisklessLoad::Disabled, "repl-diskless-load", OWN, NOT_LOADING;
    repl_diskless_sync: bool = true, "repl-diskless-sync", OWN, FREE;
    repl_diskless_sync_delay: i32 = 5, "repl-diskless-sync-delay", number(0, I32_MAX), FREE;
    repl_diskless_sync_max_replicas: i32 = 0, "repl-diskless-sync-max-replicas", number(0, I32_MAX), FREE;
    repl_ping_replica_period: i32 = 10, "repl-ping-replica-period" / "repl-ping-slave-period", number(1, I32_MAX), FREE;
    repl_timeout: i32 = 60, "repl-timeout", number(1, I32_MAX), FREE;
    replica_announce_ip: Vec<u8> = Vec::new(), "replica-announce-ip" / "slave-announce-ip", unset(anything), FREE;
    replica_announce_port: u16 = 0, "replica-announce-port" / "slave-announce-port", number(0, 65535), FREE;
    replica_announced: bool = true, "replica-announced", OWN, FREE;
    replica_ignore_disk_write_errors: bool = false, "replica-ignore-disk-write-errors", OWN, FREE;
    replica_ignore_maxmemory: bool = true, "replica-ignore-maxmemory" / "slave-ignore-maxmemory", OWN, FREE;
    replica_lazy_flush: bool = false, "replica-lazy-flush" / "slave-lazy-flush", OWN, FREE;
    replica_priority: i32 = 100, "replica-priority" / "slave-priority", number(0, I32_MAX), FREE;
    replica_read_only: bool = true, "replica-read-only" / "slave-read-only", OWN, FREE;
    replica_serve_stale_data: bool = true, "replica-serve-stale-data" / "slave-serve-stale-data", OWN, FREE;
    replicaof: ReplicaOf = ReplicaOf(None), "replicaof" / "slaveof", OWN, IMMUTABLE, only_default "replication is not supported yet by this version";
    req_res_logfile: Vec<u8> = Vec::new(), "req-res-logfile", unset(anything), IMMUTABLE | HIDDEN, only_default "logging of requests is not supported: argument must be empty";
    requirepass: Vec<u8> = Vec::new(), "requirepass", unset(anything), SENSITIVE;
    sanitize_dump_payload: SanitizeDumpPayload = SanitizeDumpPayload::No, "sanitize-dump-payload", OWN, FREE;
    save: SavePoints = SavePoints::standard(), "save", OWN, FREE;
    server_cpulist: Vec<u8> = Vec::new(), "server-cpulist" / "server_cpulist", unset(anything), IMMUTABLE, only_default "processor lists are not supported yet by this version: argument must be empty";
    set_max_intset_entries: u64 = 512, "set-max-intset-entries", number(0, I64_MAX), FREE;
    set_max_listpack_entries: u64 = 128, "set-max-listpack-entries", number(0, I64_MAX), FREE;
    set_max_listpack_value: u64 = 64, "set-max-listpack-value", number(0, I64_MAX), FREE;
    set_proc_title: bool = true, "set-proc-title", OWN, IMMUTABLE;
    shutdown_on_sigint: ShutdownOn = ShutdownOn(0), "shutdown-on-sigint", OWN, FREE;
    shutdown_on_sigterm: ShutdownOn = ShutdownOn(0), "shutdown-on-sigterm", OWN, FREE;
    shutdown_timeout: i32 = 10, "shutdown-timeout", number(0, I32_MAX), FREE;
    slowlog_log_slower_than: i64 = 10000, "slowlog-log-slower-than", number(-1, I64_MAX), FREE;
    slowlog_max_len: u64 = 128, "slowlog-max-len", number(0, I64_MAX), FREE;
    socket_mark_id: u32 = 0, "socket-mark-id", number(0, U32_MAX), IMMUTABLE, only_default "socket marks are not supported yet by this version: argument must be 0";
    stop_writes_on_bgsave_error: bool = true, "stop-writes-on-bgsave-error", OWN, FREE;
    stream_node_max_bytes: u64 = 4096, "stream-node-max-bytes", memory(0, I64_MAX), FREE;
    stream_node_max_entries: i64 = 100, "stream-node-max-entries", number(0, I64_MAX), FREE;
    supervised: Supervised = Supervised::No, "supervised", OWN, IMMUTABLE;
    syslog_enabled: bool = false, "syslog-enabled", OWN, IMMUTABLE, only_default "the system log is not supported yet by this version: argument must be 'no'";
    syslog_facility: SyslogFacility = SyslogFacility::Local0, "syslog-facility", OWN, IMMUTABLE;
    syslog_ident: Vec<u8> = b"redis".to_vec(), "syslog-ident", text(anything), IMMUTABLE;
    tcp_backlog: i32 = 511, "tcp-backlog", number(0, I32_MAX), IMMUTABLE;
    tcp_keepalive: i32 = 300, "tcp-keepalive", number(0, I32_MAX), FREE;
    timeout: i32 = 0, "timeout", number(0, I32_MAX), FREE;
    tls_auth_clients: TlsAuthClients = TlsAuthClients::Yes, "tls-auth-clients", OWN, FREE;
    tls_ca_cert_dir: Vec<u8> = Vec::new(), "tls-ca-cert-dir", unset(anything), FREE;
    tls_ca_cert_file: Vec<u8> = Vec::new(), "tls-ca-cert-file", unset(anything), FREE;
    tls_cert_file: Vec<u8> = Vec::new(), "tls-cert-file", unset(anything), FREE;
    tls_ciphers: Vec<u8> = Vec::new(), "tls-ciphers", unset(anything), FREE;
    tls_ciphersuites: Vec<u8> = Vec::new(), "tls-ciphersuites", unset(anything), FREE;
    tls_client_cert_file: Vec<u8> = Vec::new(), "tls-client-cert-file", unset(anything), FREE;
    tls_client_key_file: Vec<u8> = Vec::new(), "tls-client-key-file", unset(anything), FREE;
    tls_client_key_file_pass: Vec<u8> = Vec::new(), "tls-client-key-file-pass", unset(anything), FREE;
    tls_cluster: bool = false, "tls-cluster", OWN, FREE, only_default "TLS is not supported yet by this version: argument must be 'no'";
    tls_dh_params_file: Vec<u8> = Vec::new(), "tls-dh-params-file", unset(anything), FREE;
    tls_key_file: Vec<u8> = Vec::new(), "tls-key-file", unset(anything), FREE;
    tls_key_file_pass: Vec<u8> = Vec::new(), "tls-key-file-pass", unset(anything), FREE;
    tls_port: u16 = 0, "tls-port", number(0, 65535), FREE, only_default "TLS is not supported yet by this version: argument must be 0";
    tls_prefer_server_ciphers: bool = false, "tls-prefer-server-ciphers", OWN, FREE;
    tls_protocols: Vec<u8> = Vec::new(), "tls-protocols", unset(anything), FREE;
    tls_replication: bool = false, "tls-replication", OWN, FREE, only_default "TLS is not supported yet by this version: argument must be 'no'";
    tls_session_cache_size: i32 = 20480, "tls-session-cache-size", number(0, I32_MAX), FREE;
    tls_session_cache_timeout: i32 = 300, "tls-session-cache-timeout", number(0, I32_MAX), FREE;
    tls_session_caching: bool = true, "tls-session-caching", OWN, FREE;
    tracking_table_max_keys: u64 = 1000000, "tracking-table-max-keys", number(0, I64_MAX), FREE;
    unixsocket: Vec<u8> = Vec::new(), "unixsocket", unset(anything), IMMUTABLE;
    unixsocketperm: u32 = 0, "unixsocketperm", octal(0, 0o777), IMMUTABLE;
    use_exit_on_panic: bool = false, "use-exit-on-panic", OWN, HIDDEN;
    watchdog_period: i32 = 0, "watchdog-period", number(0, I32_MAX), HIDDEN, only_default "the software watchdog is not supported yet by this version: argument must be 0";
    zset_max_listpack_entries: u64 = 128, "zset-max-listpack-entries" / "zset-max-ziplist-entries", number(0, I64_MAX), FREE;
    zset_max_listpack_value: u64 = 64, "zset-max-listpack-value" / "zset-max-ziplist-value", memory(0, I64_MAX), FREE;
}

fn anything(_: &[u8]) -> Result<(), &'static str> {
    Ok(())
}

fn plain_file(value: &[u8], why: &'static str) -> Result<(), &'static str> {
    if value.contains(&b'/') || value == b"." || value == b".." { Err(why) } else { Ok(()) }
}

fn plain_dbfilename(value: &[u8]) -> Result<(), &'static str> {
    plain_file(value, "dbfilename can't be a path, just a filename")
}

fn plain_appendfilename(value: &[u8]) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("appendfilename can't be empty");
    }
    plain_file(value, "appendfilename can't be a path, just a filename")
}

fn plain_appenddirname(value: &[u8]) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("appenddirname can't be empty");
    }
    plain_file(value, "appenddirname can't be a path, just a dirname")
}

fn host_name(value: &[u8]) -> Result<(), &'static str> {
    if value.len() >= 256 {
        return Err("Hostnames must be less than 256 characters");
    }
    if !value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots");
    }
    Ok(())
}

fn node_name(value: &[u8]) -> Result<(), &'static str> {
    let is_good = |b: &u8| (b' '..=b'~').contains(b) && !b"!#$%&()*+:;<>?@[]^{|}~".contains(b);
    if value.iter().all(is_good) { Ok(()) } else { Err("Announced human node name contained invalid character") }
}

/// Only the locale that needs no system tables: strings collate by their bytes.
fn locale(value: &[u8]) -> Result<(), &'static str> {
    if matches!(value, b"" | b"C" | b"POSIX") { Ok(()) } else { Err("Invalid locale name") }
}

/// `{name}` with known names only, and something to show.
fn title_template(value: &[u8]) -> Result<(), &'static str> {
    const NAMES: [&[u8]; 7] = [b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"];
    let wrong = "template format is invalid or contains unknown variables";
    if value.iter().all(u8::is_ascii_whitespace) {
        return Err(wrong);
    }
    let mut rest = value;
    while let Some(open) = rest.iter().position(|b| *b == b'{') {
        let after = &rest[open + 1..];
        let close = after.iter().position(|b| *b == b'}').ok_or(wrong)?;
        if !NAMES.contains(&&after[..close]) {
            return Err(wrong);
        }
        rest = &after[close + 1..];
    }
    Ok(())
}
