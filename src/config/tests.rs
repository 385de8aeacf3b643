//! Claims about CONFIG GET and CONFIG SET: values as printed, error texts, all or nothing.

use super::*;

/// The inline splitting rules, as far as these tests use them.
pub(super) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.iter().position(|b| !b.is_ascii_whitespace());
        let Some(start) = start else {
            return Some(words);
        };
        rest = &rest[start..];
        let mut word = Vec::new();
        if rest[0] != b'"' {
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            words.push(rest[..end].to_vec());
            rest = &rest[end..];
            continue;
        }
        let mut at = 1;
        loop {
            match rest.get(at)? {
                b'"' => break,
                b'\\' if rest.get(at + 1) == Some(&b'x') => {
                    let digits = std::str::from_utf8(rest.get(at + 2..at + 4)?).ok()?;
                    word.push(u8::from_str_radix(digits, 16).ok()?);
                    at += 4;
                }
                b'\\' => {
                    word.push(match rest.get(at + 1)? {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'a' => 7,
                        b'b' => 8,
                        other => *other,
                    });
                    at += 2;
                }
                byte => {
                    word.push(*byte);
                    at += 1;
                }
            }
        }
        words.push(word);
        rest = &rest[at + 1..];
    }
}

/// Patterns with `*` and `?` only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((b'?', rest)) => !text.is_empty() && glob(rest, &text[1..]),
        Some((byte, rest)) => text.first() == Some(byte) && glob(rest, &text[1..]),
    }
}

const REMOTE: SetContext = SetContext { is_loading: false, is_local_client: false };

pub(super) fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<Config, String> {
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    config.set_many(&pairs, REMOTE).map(|(config, _)| config)
}

pub(super) fn shown(config: &Config, name: &str) -> String {
    String::from_utf8(config.get(name.as_bytes()).expect(name)).expect("ASCII")
}

/// Sets from the defaults and shows, or the reason of the refusal.
fn set_shows(name: &str, value: &str) -> String {
    match set(&Config::default(), &[(name, value)]) {
        Ok(config) => shown(&config, name),
        Err(error) => {
            let head = format!("ERR CONFIG SET failed (possibly related to argument '{name}') - ");
            error.strip_prefix(head.as_str()).unwrap_or(&error).to_string()
        }
    }
}

pub(super) struct Files;

impl Source for Files {
    fn include(&self, pattern: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        match pattern {
            b"two*" => Ok(vec![b"hz 20\n".to_vec(), b"timeout 7\ntcp-backlog 9\n".to_vec()]),
            b"bad" => Ok(vec![b"\n\nnonsense 1\n".to_vec()]),
            b"self" => Ok(vec![b"include self\n".to_vec()]),
            _ => Err("Fatal error, can't open config file '/x': No such file or directory".into()),
        }
    }

    fn enter_dir(&self, dir: &[u8]) -> Result<Vec<u8>, String> {
        if dir == b"/missing" { Err("No such file or directory".into()) } else { Ok(dir.to_vec()) }
    }
}

pub(super) fn load_text(text: &str) -> Result<Config, FatalConfig> {
    load(text.as_bytes(), &Files, split)
}

pub(super) fn fatal_line(text: &str) -> (usize, String, String) {
    match load_text(text) {
        Err(FatalConfig::Line { number, line, why }) => (number, String::from_utf8_lossy(&line).into(), why),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn values_are_printed_as_redis_prints_them() {
    let limits = "normal 1048576 0 5 slave 268435456 67108864 60 pubsub 1000 2000 7";
    for (name, value, expected) in [
        ("hz", "0", "1"),
        ("hz", "1000", "500"),
        ("timeout", "5", "5"),
        ("repl-backlog-size", "1", "16384"),
        ("proc-title-template", "{title} x", "{title} x"),
        ("client-query-buffer-limit", "2mb", "2097152"),
        ("auto-aof-rewrite-min-size", "1K", "1000"),
        ("auto-aof-rewrite-min-size", "1kB", "1024"),
        ("auto-aof-rewrite-min-size", "gb", "0"),
        ("auto-aof-rewrite-min-size", "7b", "7"),
        ("loglevel", "WARNING", "warning"),
        ("shutdown-on-sigterm", "force now", "now force"),
        ("shutdown-on-sigterm", "default now", "now"),
        ("client-output-buffer-limit", "normal 1mb 0 5 pubsub 1k 2k 7", limits),
        ("notify-keyspace-events", "KEA", "AKE"),
        ("notify-keyspace-events", "Kg$lshzxetdnm", "AKm"),
        ("notify-keyspace-events", "EnmxlK", "lxnKEm"),
        ("oom-score-adj-values", "3 2 1", "3 2 1"),
        ("latency-tracking-info-percentiles", "50 99 99.95 0.0000001 1e1 100.0", "50 99 99.95 0 10 100"),
        ("latency-tracking-info-percentiles", "", ""),
        ("slowlog-log-slower-than", "-1", "-1"),
        ("save", "", ""),
        ("save", "900 1 5 0", "900 1 5 0"),
        ("appendonly", "yes", "yes"),
        ("rdb-version", "VALKEY", "valkey"),
        ("rdb-version", "11", "11"),
        ("aof-load-corrupt-tail-max-size", "64kb", "65536"),
        ("shutdown-on-sigint", "force save", "save force"),
        ("bind", "* -::*", "* -::*"),
        ("bind", "", ""),
        ("maxmemory", "0gb", "0"),
        ("requirepass", "a b", "a b"),
    ] {
        assert_eq!(set_shows(name, value), expected, "{name} {value}");
    }
}

#[test]
fn refusals_have_the_texts_of_redis() {
    let integer = "argument couldn't be parsed into an integer";
    let memory = "argument must be a memory value";
    let levels = "argument(s) must be one of the following: debug, verbose, notice, warning, nothing";
    let shutdown = "argument(s) must be one of the following: default, save, nosave, now, force";
    let class = "Invalid client class specified in buffer limit configuration.";
    let limit = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    let scores = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    let sits = "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    for (name, value, expected) in [
        ("databases", "10", "can't set immutable config"),
        ("dir", "/tmp", "can't set protected config"),
        ("dbfilename", "a/b", "can't set protected config"),
        ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
        ("hz", "abc", integer),
        ("hz", "12abc", integer),
        ("hz", "", integer),
        ("hz", " 5", integer),
        ("hz", "+5", integer),
        ("hz", "05", integer),
        ("hz", "-0", integer),
        ("hz", "99999999999999999999999", integer),
        ("hz", "-5", "argument must be between 0 and 2147483647 inclusive"),
        ("hz", "99999999999", "argument must be between 0 and 2147483647 inclusive"),
        ("maxmemory", "-1", memory),
        ("maxmemory", "10xx", memory),
        ("maxmemory", "1.5gb", memory),
        ("maxmemory", "99999999999999gb", memory),
        ("maxmemory-clients", "101%", "percentage argument must be less or equal to 100"),
        ("maxmemory-clients", "9223372036854775808", "percentage argument must be less or equal to 100"),
        ("maxmemory-clients", "-1", "argument must be a memory or percent value"),
        ("maxmemory-clients", "-1%", "argument must be a memory or percent value"),
        ("maxmemory-clients", "5x", "argument must be a memory or percent value"),
        ("proto-max-bulk-len", "5", "argument must be between 1048576 and 9223372036854775807 inclusive"),
        ("maxclients", "0", "argument must be between 1 and 4294967295 inclusive"),
        ("maxmemory-samples", "65", "argument must be between 1 and 64 inclusive"),
        ("slowlog-log-slower-than", "-5", "argument must be between -1 and 9223372036854775807 inclusive"),
        ("list-max-listpack-size", "99999999999", "argument must be between -2147483648 and 2147483647 inclusive"),
        ("port", "70000", "argument must be between 0 and 65535 inclusive"),
        ("loglevel", "loud", levels),
        ("shutdown-on-sigterm", "foo", shutdown),
        ("shutdown-on-sigterm", "", shutdown),
        ("client-output-buffer-limit", "normal", "Wrong number of arguments in buffer limit configuration."),
        ("client-output-buffer-limit", "foo 0 0 0", class),
        ("client-output-buffer-limit", "master 0 0 0", class),
        ("client-output-buffer-limit", "normal 0 0 x", limit),
        ("client-output-buffer-limit", "replica 1mb -1 5", limit),
        ("client-output-buffer-limit", "replica 1mb 0 -5", limit),
        ("notify-keyspace-events", "KEAq", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        ("oom-score-adj-values", "1 2", "wrong number of arguments"),
        ("oom-score-adj-values", "1 2 x", scores),
        ("oom-score-adj-values", "1 2 3000", scores),
        ("latency-tracking-info-percentiles", "50 a", "Invalid latency-tracking-info-percentiles parameters"),
        ("latency-tracking-info-percentiles", "101", sits),
        ("latency-tracking-info-percentiles", "-1", sits),
        ("bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "Too many bind addresses specified."),
        ("save", "x", "Invalid save parameters"),
        ("save", "1", "Invalid save parameters"),
        ("save", "0 1", "Invalid save parameters"),
        ("save", "1 -1", "Invalid save parameters"),
        ("rdb-version", "13", "argument(s) must be one of the following: auto, 9, 10, 11, 12, valkey"),
        ("shutdown-on-sigint", "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"),
        ("proc-title-template", "{foo}", "template format is invalid or contains unknown variables"),
        ("proc-title-template", " ", "template format is invalid or contains unknown variables"),
        ("latency-tracking-info-percentiles", "nan", "Invalid latency-tracking-info-percentiles parameters"),
        ("hz", "9223372036854775808", integer),
        ("cluster-announce-hostname", "bad_", "Hostnames may only contain alphanumeric characters, hyphens or dots"),
        ("cluster-announce-human-nodename", "a@b", "Announced human node name contained invalid character"),
        ("locale-collate", "xx", "Invalid locale name"),
        ("foo", "1", "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"),
        ("include", "x", "ERR Unknown option or number of arguments for CONFIG SET - 'include'"),
    ] {
        assert_eq!(set_shows(name, value), expected, "{name} {value}");
    }
}

#[test]
fn what_has_no_effect_yet_is_refused_with_its_reason() {
    for (name, value) in [
        ("maxmemory", "100mb"),
        ("maxmemory-clients", "5%"),
        ("activedefrag", "yes"),
        ("oom-score-adj", "yes"),
        ("tls-port", "6380"),
        ("min-replicas-to-write", "1"),
    ] {
        let why = set_shows(name, value);
        assert!(why.contains("not supported yet by this version"), "{name}: {why}");
    }
    for line in [
        "replicaof 127.0.0.1 6379",
        "cluster-enabled yes",
        "aclfile users.acl",
        "io-threads 4",
        "syslog-enabled yes",
        "loadmodule x.so",
        "user alice on",
        "server_cpulist 0-1",
    ] {
        let (number, text, why) = fatal_line(line);
        assert_eq!((number, text.as_str()), (1, line));
        assert!(why.contains("support") || why.contains("no I/O threads"), "{line}: {why}");
    }
}

#[test]
fn set_is_all_or_nothing_and_reports_what_changed() {
    let config = Config::default();
    let error = set(&config, &[("hz", "20"), ("timeout", "x")]).expect_err("timeout is no number");
    assert!(error.contains("'timeout'"));
    assert_eq!(config, Config::default());
    let unknown = set(&config, &[("hz", "x"), ("foo", "3")]).expect_err("foo");
    assert_eq!(unknown, "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
    let first = set(&config, &[("databases", "1"), ("foo", "3")]).expect_err("databases");
    assert!(first.ends_with("can't set immutable config"));
    let cores = config.cores.to_string();
    assert!(set(&config, &[("cores", &cores), ("core-listeners", "no")]).is_ok(), "ours, and nothing changes");
    assert!(set(&config, &[("core-listeners", "yes")]).expect_err("changes").ends_with("can't set immutable config"));
    let twice = set(&config, &[("maxclients", "10"), ("MAXCLIENTS", "20")]).expect_err("twice");
    assert_eq!(twice, "ERR CONFIG SET failed (possibly related to argument 'maxclients') - duplicate parameter");
    let pairs: [(&[u8], &[u8]); 3] = [(b"slave-priority", b"10"), (b"replica-priority", b"20"), (b"hz", b"10")];
    let (new, changed) = config.set_many(&pairs, REMOTE).expect("two names of one directive");
    assert_eq!(new.replica_priority, 20);
    assert_eq!(changed, [Changed { name: "replica-priority", asked: "slave-priority" }]);
    let error = set(&config, &[("LUA-time-limit", "-1")]).expect_err("range");
    assert!(error.contains("'lua-time-limit'"));
}

#[test]
fn protected_and_loading_rules_follow_the_context() {
    let mut config = Config::default();
    let dir: [(&[u8], &[u8]); 1] = [(b"dir", b"/data")];
    config.enable_protected_configs = kinds::Permission::Local;
    assert!(config.set_many(&dir, REMOTE).is_err());
    let local = SetContext { is_loading: false, is_local_client: true };
    assert_eq!(config.set_many(&dir, local).expect("local").0.dir, b"/data");
    let loading = SetContext { is_loading: true, is_local_client: true };
    let error = config.set_many(&dir, loading).expect_err("loading");
    assert_eq!(error, "LOADING Redis is loading the dataset in memory");
}

#[test]
fn get_lists_each_name_once_and_hidden_ones_only_by_name() {
    let config = Config::default();
    let names = |words: &[&str]| -> Vec<String> {
        let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
        let found = config.get_matching(&words, glob);
        found.into_iter().map(|(name, _)| String::from_utf8(name).expect("ASCII")).collect()
    };
    assert_eq!(names(&["key-load-delay", "hz", "h?", "HZ", "hz", "nothing"]), ["key-load-delay", "hz"]);
    assert_eq!(names(&["key-load-dela?"]), [""; 0]);
    assert_eq!(names(&["MIN-SLAVES-max-lag"]), ["MIN-SLAVES-max-lag"]);
    assert_eq!(names(&["MIN-SLA*"]), ["min-slaves-max-lag", "min-slaves-to-write"]);
    assert!(names(&["*"]).len() > 200);
    assert_eq!(names(&["hash-seed"]), ["hash-seed"]);
}
