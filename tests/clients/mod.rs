//! Clients that others wrote, against a running server on one core and on two: redis-py, ioredis, redis-cli, redis-benchmark,
//! valkey-benchmark and redis-rs. What they send and what must come back stands in python.py, node.js, session.txt with
//! session.out, and rust.rs. A program that is not installed fails its test; tests/run installs all but the npm package,
//! which is fetched here once. Nothing here looks at bytes: that is done in wire/.

mod rust;

use crate::support::{Program, Server};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest time for one run of a client.
const PATIENCE: Duration = Duration::from_secs(60);
/// Replies that a script checks at least; fewer mean that it ended early.
const REPLIES_MIN: usize = 500;
/// Tests that redis-benchmark runs by itself; their names as printed.
const BENCHMARKS: [&str; 20] = [
    "PING_INLINE",
    "PING_MBULK",
    "SET",
    "GET",
    "INCR",
    "LPUSH",
    "RPUSH",
    "LPOP",
    "RPOP",
    "SADD",
    "HSET",
    "SPOP",
    "ZADD",
    "ZPOPMIN",
    "LPUSH (needed to benchmark LRANGE)",
    "LRANGE_100 (first 100 elements)",
    "LRANGE_300 (first 300 elements)",
    "LRANGE_500 (first 500 elements)",
    "LRANGE_600 (first 600 elements)",
    "MSET (10 keys)",
];
/// What valkey-benchmark runs besides, without what needs functions.
const VALKEY_BENCHMARKS: [&str; 2] = ["MGET (10 keys)", "XADD"];
/// The tests of both, as valkey-benchmark is told them.
const VALKEY_CHOICE: &str = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset,mget,xadd";

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Runs a program to its end; fails the test with `how_to_get` when it cannot be started, and when it takes too long.
/// Output goes through files, so that a program that prints much does not wait for a reader.
fn finish(command: &mut Command, input: Option<&Path>, how_to_get: &str) -> Output {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mark = format!("client-{}-{:?}", std::process::id(), std::thread::current().id());
    let (out, err) = (folder.join(format!("{mark}.out")), folder.join(format!("{mark}.err")));
    let create = |path: &Path| std::fs::File::create(path).expect("the target directory can be written");
    let stdin = input.map_or_else(Stdio::null, |path| std::fs::File::open(path).expect("the input is there").into());
    let child = command.stdin(stdin).stdout(create(&out)).stderr(create(&err)).spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{command:?} does not start: {e}; {how_to_get}"));
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break Some(status);
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let take = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        bytes
    };
    let (stdout, stderr) = (take(&out), take(&err));
    match status {
        Some(status) => Output { status, stdout, stderr },
        None => panic!("{command:?} is not done after {PATIENCE:?}:\n{}\n{}", text(&stdout), text(&stderr)),
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// What a client printed; fails the test unless it ended with success.
fn succeed(command: &mut Command, input: Option<&Path>, how_to_get: &str) -> String {
    let output = finish(command, input, how_to_get);
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{complained}", output.status);
    said.into_owned()
}

/// Runs a script that checks replies by itself.
fn check_with_script(command: &mut Command, how_to_get: &str) {
    let said = succeed(command, None, how_to_get);
    let last = said.lines().last().unwrap_or_default();
    println!("{command:?}: {last}");
    let checked = last.split_once(" replies checked, 0 mismatches").and_then(|(count, _)| count.parse::<usize>().ok());
    assert!(checked.is_some_and(|count| count >= REPLIES_MIN), "{command:?} did too little:\n{said}");
}

/// A python3 that has redis-py: the one on the path, or the system's own where Debian's package puts it.
fn python() -> &'static str {
    let has_it = |name: &&str| {
        Command::new(name).args(["-c", "import redis"]).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_it);
    found.expect("no python3 with redis-py: install the package python3-redis; tests/run does it")
}

#[test]
fn redis_py_gets_what_it_expects() {
    for cores in [1, 2] {
        let server = Server::ringfort(cores, &[]);
        check_with_script(Command::new(python()).arg(here().join("python.py")).arg(server.address.port().to_string()), "");
    }
}

/// The folder of node's packages with ioredis in it, which is installed when it is missing.
fn node_modules() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node");
    let modules = folder.join("node_modules");
    if !modules.join("ioredis/package.json").exists() {
        std::fs::create_dir_all(&folder).expect("the target directory can be written");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(&folder).arg("ioredis");
        succeed(&mut npm, None, "install the package npm; tests/run does it");
    }
    modules
}

#[test]
fn ioredis_gets_what_it_expects() {
    let modules = node_modules();
    for cores in [1, 2] {
        let server = Server::ringfort(cores, &[]);
        let mut node = Command::new("node");
        node.env("NODE_PATH", &modules).arg(here().join("node.js")).arg(server.address.port().to_string());
        check_with_script(&mut node, "install the package nodejs; tests/run does it");
    }
}

fn cli(server: &Server, arguments: &[&str], input: Option<&Path>) -> String {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &server.address.port().to_string()]).args(arguments);
    succeed(&mut command, input, "install the package redis-tools; tests/run does it")
}

#[test]
fn redis_cli_prints_what_it_should() {
    let expected = std::fs::read_to_string(here().join("session.out")).expect("the session's output is there");
    // The only replies of the session that have another shape in RESP3.
    let expected3 = expected.replace("1) \"databases\"\n2) \"16\"\n", "1# \"databases\" => \"16\"\n");
    assert_ne!(expected, expected3);
    let session = here().join("session.txt");
    for server in [Server::ringfort(1, &[]), Server::ringfort(2, &[]), Server::start(Program::Debian, &[])] {
        for (version, expected) in [("-2", &expected), ("-3", &expected3)] {
            cli(&server, &["FLUSHALL"], None);
            assert_eq!(&cli(&server, &["--no-raw", version], Some(&session)), expected, "{:?} {version}", server.program);
        }
    }
}

#[test]
fn redis_cli_looks_at_all_keys() {
    const KEYS: usize = 1000;
    let load = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
    let commands: String = (0..KEYS).map(|i| format!("SET key:{i} {i}\r\n")).collect();
    std::fs::write(&load, commands + "SET big 0123456789\r\n").expect("the target directory can be written");
    for cores in [1, 2] {
        let server = Server::ringfort(cores, &[]);
        let piped = cli(&server, &["--pipe"], Some(&load));
        assert!(piped.contains("errors: 0, replies: 1001"), "{piped}");
        let scanned = cli(&server, &["--scan", "--pattern", "key:*"], None);
        let mut names: Vec<_> = scanned.lines().collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), KEYS);
        let report = cli(&server, &["--bigkeys"], None);
        assert!(report.contains("Sampled 1001 keys in the keyspace!"), "{report}");
        assert!(report.contains("Biggest string found '\"big\"' has 10 bytes"), "{report}");
        let report = cli(&server, &["--memkeys"], None);
        assert!(report.contains("Sampled 1001 keys in the keyspace!") && report.contains("1001 strings with "), "{report}");
    }
    let _ = std::fs::remove_file(&load);
}

/// Runs a benchmark program and looks for the line of every test.
fn benchmark(mut program: Command, expected: &[&str], how_to_get: &str) {
    program.args(["-n", "2000", "-P", "4", "-q"]);
    for cores in [1, 2] {
        let server = Server::ringfort(cores, &[]);
        let mut command = Command::new(program.get_program());
        command.args(program.get_args()).args(["-p", &server.address.port().to_string()]);
        let output = finish(&mut command, None, how_to_get);
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && complained.is_empty(), "{command:?}: {}\n{said}\n{complained}", output.status);
        assert!(!said.contains("rror") && !said.contains("WARNING"), "{command:?}:\n{said}");
        // Lines that show progress are overwritten in place: carriage returns stand between them.
        let lines: Vec<_> = said.split(['\r', '\n']).map(str::trim).filter(|l| l.contains("requests per second")).collect();
        let tests: Vec<_> = lines.iter().filter_map(|l| l.split_once(": ")).map(|(name, _)| name).collect();
        assert_eq!(tests, expected, "{said}");
        let rate = |l: &&str| l.split_once(": ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
        assert!(lines.iter().all(|l| rate(l).is_some_and(|r| r > 0.0)), "{said}");
    }
}

#[test]
fn redis_benchmark_runs() {
    benchmark(Command::new("redis-benchmark"), &BENCHMARKS, "install the package redis-tools; tests/run does it");
}

#[test]
fn valkey_benchmark_runs() {
    let mut command = Command::new(crate::support::server::peers().join("run"));
    command.args(["valkey-benchmark", "-t", VALKEY_CHOICE]);
    benchmark(
        command,
        &[&BENCHMARKS[..], &VALKEY_BENCHMARKS[..]].concat(),
        "run tests/peers.sh target/peers or name its folder in RINGFORT_PEERS; tests/run does it",
    );
}
