//! Claims about where a configuration comes from and goes to: files, the command line, CONFIG REWRITE.

use super::tests::{Files, fatal_line, load_text, set, shown, split};
use super::*;

fn command_line(args: &[&str]) -> CommandLine {
    let args: Vec<Vec<u8>> = args.iter().map(|a| a.as_bytes().to_vec()).collect();
    parse_command_line(&args, split)
}

fn option_lines(args: &[&str]) -> Vec<String> {
    let text = String::from_utf8(command_line(args).options).expect("ASCII");
    text.split('\n').map(|line| line.trim().to_string()).collect()
}

fn rewritten(old: &str, config: &Config) -> String {
    String::from_utf8(rewrite(old.as_bytes(), config, &Config::default(), split, false)).expect("ASCII")
}

#[test]
fn file_errors_name_line_and_reason() {
    for (text, number, line, why) in [
        ("port 7000\nfoo bar\n", 2, "foo bar", "Bad directive or wrong number of arguments"),
        ("\n# x\n  hz  \n", 3, "hz", "wrong number of arguments"),
        ("maxclients 1 2", 1, "maxclients 1 2", "wrong number of arguments"),
        ("hz \"abc\"", 1, "hz \"abc\"", "argument couldn't be parsed into an integer"),
        ("hz \"abc", 1, "hz \"abc", "Unbalanced quotes in configuration line"),
        ("databases 0", 1, "databases 0", "argument must be between 1 and 2147483647 inclusive"),
        ("unixsocketperm 999", 1, "unixsocketperm 999", "argument couldn't be parsed as an octal number"),
        ("unixsocketperm 1000", 1, "unixsocketperm 1000", "argument must be between 0 and 777 inclusive"),
        ("appendfilename a/b", 1, "appendfilename a/b", "appendfilename can't be a path, just a filename"),
        ("dbfilename a/b", 1, "dbfilename a/b", "dbfilename can't be a path, just a filename"),
        ("dir /missing", 1, "dir /missing", "No such file or directory"),
        ("replicaof a", 1, "replicaof a", "wrong number of arguments"),
        ("replicaof a 0x", 1, "replicaof a 0x", "Invalid master port"),
        ("rename-command GET", 1, "rename-command GET", "Bad directive or wrong number of arguments"),
        ("include bad", 3, "nonsense 1", "Bad directive or wrong number of arguments"),
        ("abc.def x", 1, "abc.def x", "Bad directive or wrong number of arguments"),
    ] {
        assert_eq!(fatal_line(text), (number, line.to_string(), why.to_string()), "{text}");
    }
    let block = load_text("port 1\nfoo bar").expect_err("foo").to_string();
    let expected = "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***\nReading the configuration file, at line 2\n\
                    >>> 'foo bar'\nBad directive or wrong number of arguments\n";
    assert_eq!(block, expected);
    let missing = load_text("include gone").expect_err("gone").to_string();
    assert_eq!(missing, "Fatal error, can't open config file '/x': No such file or directory\n");
    assert!(fatal_line("include self").2.contains("nested"));
}

/// The directives that a distribution's packaged file sets, in our words.
const PACKAGED: &str = "\
# a packaged server
bind 127.0.0.1 -::1
protected-mode yes
port 6379
tcp-backlog 511
timeout 0
tcp-keepalive 300
daemonize yes
pidfile /run/redis/redis-server.pid
loglevel notice
logfile /var/log/redis/redis-server.log
databases 16
always-show-logo no
set-proc-title yes
proc-title-template \"{title} {listen-addr} {server-mode}\"
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename dump.rdb
rdb-del-sync-files no
dir /var/lib/redis
replica-serve-stale-data yes
replica-read-only yes
repl-diskless-sync yes
repl-diskless-sync-delay 5
repl-diskless-sync-max-replicas 0
repl-diskless-load disabled
repl-disable-tcp-nodelay no
replica-priority 100
acllog-max-len 128
lazyfree-lazy-eviction no
lazyfree-lazy-expire no
lazyfree-lazy-server-del no
replica-lazy-flush no
lazyfree-lazy-user-del no
lazyfree-lazy-user-flush no
oom-score-adj no
oom-score-adj-values 0 200 800
disable-thp yes
appendonly no
appendfilename \"appendonly.aof\"
appenddirname \"appendonlydir\"
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
aof-load-truncated yes
aof-use-rdb-preamble yes
aof-timestamp-enabled no
slowlog-log-slower-than 10000
slowlog-max-len 128
latency-monitor-threshold 0
notify-keyspace-events \"\"
hash-max-listpack-entries 512
hash-max-listpack-value 64
list-max-listpack-size -2
list-compress-depth 0
set-max-intset-entries 512
zset-max-listpack-entries 128
zset-max-listpack-value 64
hll-sparse-max-bytes 3000
stream-node-max-bytes 4096
stream-node-max-entries 100
activerehashing yes
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
dynamic-hz yes
aof-rewrite-incremental-fsync yes
rdb-save-incremental-fsync yes
jemalloc-bg-thread yes
";

#[test]
fn a_packaged_file_loads() {
    let config = load_text(PACKAGED).expect("loads");
    assert!(config.daemonize);
    assert_eq!(config.logfile, b"/var/log/redis/redis-server.log");
    assert_eq!(config.dir, b"/var/lib/redis");
    assert_eq!(config.client_output_buffer_limit, kinds::OutputLimits::standard());
    let (_, line, why) = fatal_line(&format!("{PACKAGED}save 900\n"));
    assert_eq!((line.as_str(), why.as_str()), ("save 900", "Invalid save parameters"));
}

#[test]
fn the_first_save_line_replaces_the_built_in_points_others_add_and_an_empty_one_removes() {
    for (text, expected) in [
        ("", "3600 1 300 100 60 10000"),
        ("save 900 1\nsave 300 10", "900 1 300 10"),
        ("save 900 1 300 10\nsave \"\"", ""),
        ("save \"\"\nsave 5 5", "5 5"),
        ("save 900 1\nsave \n", ""),
        ("save 900 1\ninclude two*\nsave \"100 100\"", "900 1 100 100"),
    ] {
        assert_eq!(shown(&load_text(text).expect("loads"), "save"), expected, "{text}");
    }
}

#[test]
fn includes_renames_and_forgotten_directives_are_read() {
    let config = load_text("include two*\nRENAME-COMMAND flushall \"\"\nlua-replicate-commands no\nSAVE \"\"\nHZ 30").expect("loads");
    assert_eq!((config.hz, config.timeout, config.tcp_backlog), (30, 7, 9));
    assert_eq!(config.renames, [(b"flushall".to_vec(), Vec::new())]);
}

#[test]
fn command_line_becomes_lines_as_in_redis() {
    for (args, expected) in [
        (&["--port", "7922", "--foo"][..], &["port \"7922\"", "foo"][..]),
        (&["--port", "1", "--bind", "a", "b"], &["port \"1\"", "bind \"a\" \"b\""]),
        (&["--port=7922"], &["port=7922"]),
        (&["f.conf", "7922"], &["\"7922\""]),
        (&["--save", "--port", "1"], &["save \"\"", "port \"1\""]),
        (&["--port", "1", "--save"], &["port \"1\"", "save \"\""]),
        (&["--save", "", "--hz", "5"], &["save \"\"", "hz \"5\""]),
        (&["--requirepass", "--hello", "--foo"], &["requirepass \"--hello\"", "foo"]),
        (&["--foo bar", "--hz", "1"], &["foo bar", "hz \"1\""]),
        (&["--port", "1", "-foo", "x"], &["port \"1\" \"-foo\" \"x\""]),
        (&["f.conf", "--", "foo"], &["\"foo\""]),
        (&["--sentinel", "--port", "1"], &["sentinel", "port \"1\""]),
        (&["--port", "1", "f.conf"], &["port \"1\" \"f.conf\""]),
    ] {
        assert_eq!(option_lines(args), expected, "{args:?}");
    }
}

#[test]
fn command_line_modes_and_sources_are_told_apart() {
    assert_eq!(command_line(&["-v", "--port", "3"]).mode, Mode::Version);
    assert_eq!(command_line(&["--help"]).mode, Mode::Help);
    assert_eq!(command_line(&["--test-memory", "10"]).mode, Mode::TestMemory(Some(b"10".to_vec())));
    assert_eq!(command_line(&["--test-memory"]).mode, Mode::TestMemory(None));
    assert_eq!(command_line(&["x.conf", "--sentinel"]).mode, Mode::Sentinel);
    let line = command_line(&["x.conf", "--hz", "5", "-"]);
    assert_eq!((line.mode.clone(), line.reads_stdin), (Mode::Server, true));
    assert_eq!(line.config_file, Some(b"x.conf".to_vec()));
    assert!(command_line(&["-"]).reads_stdin);
    let text = line.full_text(b"port 1\n", b"");
    assert_eq!(text, b"port 1\n\nhz \"5\" ");
    assert_eq!(command_line(&[]).full_text(b"", b""), b"");
    // The first option of a start without a file is on line 2, as in Redis.
    let text = command_line(&["--hz", "abc"]).full_text(b"", b"");
    assert!(matches!(load(&text, &Files, split), Err(FatalConfig::Line { number: 2, .. })));
}

#[test]
fn rewrite_keeps_order_comments_and_positions() {
    let old = "# head\nport 7922\n\n# limits\nclient-output-buffer-limit normal 0 0 0\n\
               client-output-buffer-limit pubsub 32mb 8mb 60\nsave \"\"\nslave-priority 50\nrequirepass \"\"\n\
               logfile \"\"\nhz 10\nrename-command FLUSHALL \"\"\n\n\nunixsocketperm 700\nhz 12\n";
    let config = load_text(old).expect("loads");
    let config = set(
        &config,
        &[
            ("client-output-buffer-limit", "replica 1mb 3k 5"),
            ("appendfsync", "always"),
            ("ignore-warnings", "a\"b\nhz 3"),
            ("latency-tracking-info-percentiles", ""),
            ("proto-max-bulk-len", "1gb"),
        ],
    )
    .expect("set");
    let new = "# head\nport 7922\n\n# limits\nclient-output-buffer-limit normal 0 0 0\n\
               client-output-buffer-limit replica 1mb 3000 5\nsave \"\"\nreplica-priority 50\n\n\
               logfile \"\"\nhz 12\nrename-command FLUSHALL \"\"\n\nunixsocketperm 700\n\n\
               # Generated by CONFIG REWRITE\nappendfsync always\nignore-warnings \"a\\\"b\\nhz 3\"\n\
               latency-tracking-info-percentiles \"\"\nproto-max-bulk-len 1gb\n";
    assert_eq!(rewritten(old, &config), new);
    assert_eq!(rewritten(new, &config), new, "a second rewrite changes nothing");
    assert_eq!(load_text(new).expect("loads"), config);
}

#[test]
fn rewrite_of_defaults_adds_save_points_and_nothing_else() {
    // Save points are always told.
    let points = "# Generated by CONFIG REWRITE\nsave 3600 1\nsave 300 100\nsave 60 10000\n";
    assert_eq!(rewritten("", &Config::default()), points);
    assert_eq!(rewritten("# only this\n\n", &Config::default()), format!("# only this\n\n{points}"));
}

#[test]
fn rewrite_reads_back_to_the_same_configuration_for_every_free_value() {
    // Every directive, one by one, at some value other than its default, where it has one.
    for directive in TABLE.iter().filter(|d| d.only_default.is_none()) {
        for value in ["yes", "no", "7", "1048577", "0.5", "512", "always", "KEAn", "-::1 *", "now", "1 2 3", "x\n\\\"\u{1}"] {
            let mut config = Config::default();
            let words: Vec<&[u8]> = if directive.is_list { split_at_blanks(value.as_bytes()) } else { vec![value.as_bytes()] };
            if config.assign(directive, &words).is_ok() {
                let text = rewritten("", &config);
                assert_eq!(load_text(&text), Ok(config), "{} {value}: {text}", directive.name);
            }
        }
    }
}

#[test]
fn hostile_text_never_panics() {
    let mut state = 7u32;
    for _ in 0..2000 {
        let mut text = Vec::new();
        for _ in 0..12 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let directive = &TABLE[state as usize >> 8 & 127];
            text.extend_from_slice(directive.name.as_bytes());
            text.extend_from_slice(&[b' ', (state >> 16) as u8, (state >> 24) as u8, b' ', b'9', b'%', b'\n']);
        }
        let loaded = load(&text, &Files, split);
        assert!(loaded.is_err() || loaded.is_ok());
        let out = rewrite(&text, &Config::default(), &Config::default(), split, false);
        assert!(out.len() <= text.len() * 3 + 8);
    }
}
