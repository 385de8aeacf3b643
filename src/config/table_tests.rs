//! Claims about the directive table, row by row.

use super::options::{FREE, HIDDEN, IMMUTABLE, NOT_LOADING, OURS, PROTECTED, SENSITIVE};
use super::tests::shown;
use super::value::{Shape, Unit};
use super::*;

/// name | other name | low high unit | default | flags, for every directive.
const ROWS: &str = "\
acl-pubsub-default|||resetchannels|FREE
aclfile||||IMMUTABLE
acllog-max-len||0 9223372036854775807|128|FREE
active-defrag-cycle-max||1 99|25|FREE
active-defrag-cycle-min||1 99|1|FREE
active-defrag-ignore-bytes||1 9223372036854775807 mem|104857600|FREE
active-defrag-max-scan-fields||1 9223372036854775807|1000|FREE
active-defrag-threshold-lower||0 1000|10|FREE
active-defrag-threshold-upper||0 1000|100|FREE
active-expire-effort||1 10|1|FREE
activedefrag|||no|FREE
activerehashing|||yes|FREE
always-show-logo|||no|IMMUTABLE
aof-disable-auto-gc|||no|HIDDEN
aof-load-corrupt-tail-max-size||0 9223372036854775807 mem|0|FREE
aof-load-truncated|||yes|FREE
aof-rewrite-cpulist|aof_rewrite_cpulist|||IMMUTABLE
aof-rewrite-incremental-fsync|||yes|FREE
aof-timestamp-enabled|||no|FREE
aof-use-rdb-preamble|||yes|FREE
appenddirname|||appendonlydir|IMMUTABLE
appendfilename|||appendonly.aof|IMMUTABLE
appendfsync|||everysec|FREE
appendonly|||no|NOT_LOADING
auto-aof-rewrite-min-size||0 9223372036854775807 mem|67108864|FREE
auto-aof-rewrite-percentage||0 2147483647|100|FREE
bgsave-cpulist|bgsave_cpulist|||IMMUTABLE
bind|||127.0.0.1 -::1|FREE
bind-source-addr||||FREE
bio-cpulist|bio_cpulist|||IMMUTABLE
busy-reply-threshold|lua-time-limit|0 9223372036854775807|5000|FREE
client-default-resp||2 3|2|IMMUTABLE+HIDDEN
client-output-buffer-limit|||normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60|FREE
client-query-buffer-limit||1048576 9223372036854775807 mem|1073741824|FREE
cluster-allow-pubsubshard-when-down|||yes|FREE
cluster-allow-reads-when-down|||no|FREE
cluster-allow-replica-migration|||yes|FREE
cluster-announce-bus-port||0 65535|0|FREE
cluster-announce-hostname||||FREE
cluster-announce-human-nodename||||FREE
cluster-announce-ip||||FREE
cluster-announce-port||0 65535|0|FREE
cluster-announce-tls-port||0 65535|0|FREE
cluster-config-file|||nodes.conf|IMMUTABLE
cluster-enabled|||no|IMMUTABLE
cluster-link-sendbuf-limit||0 18446744073709551615 mem|0|FREE
cluster-migration-barrier||0 2147483647|1|FREE
cluster-node-timeout||0 9223372036854775807|15000|FREE
cluster-ping-interval||0 9223372036854775807|0|HIDDEN
cluster-port||0 65535|0|IMMUTABLE
cluster-preferred-endpoint-type|||ip|FREE
cluster-replica-no-failover|cluster-slave-no-failover||no|FREE
cluster-replica-validity-factor|cluster-slave-validity-factor|0 2147483647|10|FREE
cluster-require-full-coverage|||yes|FREE
core-listeners|||no|IMMUTABLE+OURS
cores||0 1024|0|IMMUTABLE+OURS
crash-log-enabled|||yes|FREE
crash-memcheck-enabled|||yes|FREE
daemonize|||no|IMMUTABLE
databases||1 2147483647|16|IMMUTABLE
dbfilename|||dump.rdb|PROTECTED
dir||||PROTECTED+NOT_LOADING
disable-thp|||yes|IMMUTABLE
dynamic-hz|||yes|FREE
enable-debug-command|||no|IMMUTABLE
enable-module-command|||no|IMMUTABLE
enable-protected-configs|||no|IMMUTABLE
hash-max-listpack-entries|hash-max-ziplist-entries|0 9223372036854775807|512|FREE
hash-max-listpack-value|hash-max-ziplist-value|0 9223372036854775807 mem|64|FREE
hash-seed||0 18446744073709551615|0|IMMUTABLE+HIDDEN
hide-user-data-from-log|||no|FREE
hll-sparse-max-bytes||0 9223372036854775807 mem|3000|FREE
hz||0 2147483647|10|FREE
ignore-warnings||||FREE
io-threads||1 128|1|IMMUTABLE
io-threads-do-reads|||no|IMMUTABLE
jemalloc-bg-thread|||yes|FREE
key-load-delay||-2147483648 2147483647|0|HIDDEN
latency-monitor-threshold||0 9223372036854775807|0|FREE
latency-tracking|||yes|FREE
latency-tracking-info-percentiles|||50 99 99.9|FREE
lazyfree-lazy-eviction|||no|FREE
lazyfree-lazy-expire|||no|FREE
lazyfree-lazy-server-del|||no|FREE
lazyfree-lazy-user-del|||no|FREE
lazyfree-lazy-user-flush|||no|FREE
lfu-decay-time||0 2147483647|1|FREE
lfu-log-factor||0 2147483647|10|FREE
list-compress-depth||0 2147483647|0|FREE
list-max-listpack-size|list-max-ziplist-size|-2147483648 2147483647|-2|FREE
loading-process-events-interval-bytes||1024 9223372036854775807|2097152|HIDDEN
locale-collate||||FREE
logfile||||IMMUTABLE
loglevel|||notice|FREE
masterauth||||SENSITIVE
masteruser||||SENSITIVE
max-new-connections-per-cycle||1 1000|10|FREE
max-new-tls-connections-per-cycle||1 1000|1|FREE
maxclients||1 4294967295|10000|FREE
maxmemory||0 18446744073709551615 mem|0|FREE
maxmemory-clients||-100 9223372036854775807 mem/percent|0|FREE
maxmemory-eviction-tenacity||0 100|10|FREE
maxmemory-policy|||noeviction|FREE
maxmemory-samples||1 64|5|FREE
min-replicas-max-lag|min-slaves-max-lag|0 2147483647|10|FREE
min-replicas-to-write|min-slaves-to-write|0 2147483647|0|FREE
no-appendfsync-on-rewrite|||no|FREE
notify-keyspace-events||||FREE
oom-score-adj|||no|FREE
oom-score-adj-values|||0 200 800|FREE
pidfile||||IMMUTABLE
port||0 65535|6379|FREE
proc-title-template|||{title} {listen-addr} {server-mode}|FREE
propagation-error-behavior|||ignore|FREE
protected-mode|||yes|FREE
proto-max-bulk-len||1048576 9223372036854775807 mem|536870912|FREE
rdb-del-sync-files|||no|FREE
rdb-key-save-delay||-2147483648 2147483647|0|HIDDEN
rdb-save-incremental-fsync|||yes|FREE
rdb-version|||auto|FREE
rdbchecksum|||yes|IMMUTABLE
rdbcompression|||yes|FREE
repl-backlog-size||1 9223372036854775807 mem|1048576|FREE
repl-backlog-ttl||0 9223372036854775807|3600|FREE
repl-disable-tcp-nodelay|||no|FREE
repl-diskless-load|||disabled|NOT_LOADING
repl-diskless-sync|||yes|FREE
repl-diskless-sync-delay||0 2147483647|5|FREE
repl-diskless-sync-max-replicas||0 2147483647|0|FREE
repl-ping-replica-period|repl-ping-slave-period|1 2147483647|10|FREE
repl-timeout||1 2147483647|60|FREE
replica-announce-ip|slave-announce-ip|||FREE
replica-announce-port|slave-announce-port|0 65535|0|FREE
replica-announced|||yes|FREE
replica-ignore-disk-write-errors|||no|FREE
replica-ignore-maxmemory|slave-ignore-maxmemory||yes|FREE
replica-lazy-flush|slave-lazy-flush||no|FREE
replica-priority|slave-priority|0 2147483647|100|FREE
replica-read-only|slave-read-only||yes|FREE
replica-serve-stale-data|slave-serve-stale-data||yes|FREE
replicaof|slaveof|||IMMUTABLE
req-res-logfile||||IMMUTABLE+HIDDEN
requirepass||||SENSITIVE
sanitize-dump-payload|||no|FREE
save|||3600 1 300 100 60 10000|FREE
server-cpulist|server_cpulist|||IMMUTABLE
set-max-intset-entries||0 9223372036854775807|512|FREE
set-max-listpack-entries||0 9223372036854775807|128|FREE
set-max-listpack-value||0 9223372036854775807|64|FREE
set-proc-title|||yes|IMMUTABLE
shutdown-on-sigint|||default|FREE
shutdown-on-sigterm|||default|FREE
shutdown-timeout||0 2147483647|10|FREE
slowlog-log-slower-than||-1 9223372036854775807|10000|FREE
slowlog-max-len||0 9223372036854775807|128|FREE
socket-mark-id||0 4294967295|0|IMMUTABLE
stop-writes-on-bgsave-error|||yes|FREE
stream-node-max-bytes||0 9223372036854775807 mem|4096|FREE
stream-node-max-entries||0 9223372036854775807|100|FREE
supervised|||no|IMMUTABLE
syslog-enabled|||no|IMMUTABLE
syslog-facility|||local0|IMMUTABLE
syslog-ident|||redis|IMMUTABLE
tcp-backlog||0 2147483647|511|IMMUTABLE
tcp-keepalive||0 2147483647|300|FREE
timeout||0 2147483647|0|FREE
tls-auth-clients|||yes|FREE
tls-ca-cert-dir||||FREE
tls-ca-cert-file||||FREE
tls-cert-file||||FREE
tls-ciphers||||FREE
tls-ciphersuites||||FREE
tls-client-cert-file||||FREE
tls-client-key-file||||FREE
tls-client-key-file-pass||||FREE
tls-cluster|||no|FREE
tls-dh-params-file||||FREE
tls-key-file||||FREE
tls-key-file-pass||||FREE
tls-port||0 65535|0|FREE
tls-prefer-server-ciphers|||no|FREE
tls-protocols||||FREE
tls-replication|||no|FREE
tls-session-cache-size||0 2147483647|20480|FREE
tls-session-cache-timeout||0 2147483647|300|FREE
tls-session-caching|||yes|FREE
tracking-table-max-keys||0 9223372036854775807|1000000|FREE
unixsocket||||IMMUTABLE
unixsocketperm||0 511 octal|0|IMMUTABLE
use-exit-on-panic|||no|HIDDEN
watchdog-period||0 2147483647|0|HIDDEN
zset-max-listpack-entries|zset-max-ziplist-entries|0 9223372036854775807|128|FREE
zset-max-listpack-value|zset-max-ziplist-value|0 9223372036854775807 mem|64|FREE
";

fn flag(word: &str) -> options::Flags {
    match word {
        "FREE" => FREE,
        "IMMUTABLE" => IMMUTABLE,
        "PROTECTED" => PROTECTED,
        "SENSITIVE" => SENSITIVE,
        "HIDDEN" => HIDDEN,
        "NOT_LOADING" => NOT_LOADING,
        "OURS" => OURS,
        _ => panic!("{word}"),
    }
}

#[test]
fn every_directive_has_its_names_default_flags_and_bounds() {
    let config = Config::default();
    let mut rows = 0;
    for row in ROWS.lines() {
        rows += 1;
        let [name, alias, range, default, flags] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let (directive, _) = lookup(name.as_bytes()).expect(name);
        assert_eq!((directive.name, directive.alias.unwrap_or("")), (name, alias));
        assert_eq!(shown(&config, name), default, "{name}");
        if !alias.is_empty() {
            assert_eq!(shown(&config, alias), default, "{alias}");
        }
        let flags = flags.split('+').fold(0, |sum, word| sum | flag(word));
        assert_eq!(directive.flags, flags, "{name}");
        let bounds = match directive.shape {
            Shape::Number { low, high, unit } => {
                let unit = match unit {
                    Unit::Plain => "",
                    Unit::Memory => " mem",
                    Unit::MemoryOrPercent => " mem/percent",
                    Unit::Octal => " octal",
                };
                format!("{low} {high}{unit}")
            }
            _ => String::new(),
        };
        assert_eq!(bounds, range, "{name}");
    }
    assert_eq!(rows, TABLE.len());
}

#[test]
fn every_number_takes_its_bounds_and_refuses_what_lies_beyond() {
    for directive in TABLE {
        let Shape::Number { low, high, unit } = directive.shape else {
            continue;
        };
        let write = |number: i128| match unit {
            Unit::Octal => format!("{number:o}"),
            Unit::MemoryOrPercent if number < 0 => format!("{}%", -number),
            _ => number.to_string(),
        };
        for number in [low, high] {
            let mut config = Config::default();
            let text = write(number);
            (directive.parse)(&mut config, &[text.as_bytes()], &directive.shape).expect(directive.name);
            assert_eq!((directive.show)(&config, &directive.shape), text.as_bytes(), "{}", directive.name);
        }
        let mut beyond = vec![low - 1];
        if high < i128::from(u64::MAX) {
            beyond.push(high + 1);
        }
        for number in beyond {
            let mut config = Config::default();
            let text = write(number);
            assert!((directive.parse)(&mut config, &[text.as_bytes()], &directive.shape).is_err(), "{} {text}", directive.name);
            assert_eq!(config, Config::default());
        }
    }
}

#[test]
fn table_is_sorted_and_names_are_unique() {
    let key = |name: &str| name.replace('_', "-");
    assert!(TABLE.windows(2).all(|pair| key(pair[0].name) < key(pair[1].name)));
    let mut names: Vec<&str> = TABLE.iter().flat_map(|d| [Some(d.name), d.alias]).flatten().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
}

#[test]
fn every_default_passes_its_own_check() {
    for directive in TABLE {
        let mut config = Config::default();
        let text = (directive.show)(&config, &directive.shape);
        let words = if directive.is_list { split_at_blanks(&text) } else { vec![text.as_slice()] };
        if directive.name == "replicaof" {
            continue; // No words are "not a replica"; there is no line for it.
        }
        config.assign(directive, &words).expect(directive.name);
        assert_eq!(config, Config::default(), "{}", directive.name);
    }
}
