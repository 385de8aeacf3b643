//! Data that move between servers as files: a keyspace with every type, encoding and time to live, in several databases, goes from a stock
//! server to Ringfort, on to other stock servers and back, as a snapshot and as the directory of the log. DEBUG DIGEST is the same everywhere.
//! `RINGFORT_JUDGED` puts a stock server in our place; `RINGFORT_ORACLE_VALUES` says how many values.

use crate::oracle::payloads;
use crate::support::{Client, Program, Random, Reply, Site, client::request, random, site, site::copy_folder};
use std::path::Path;
use std::time::{Duration, Instant};

/// Values of a run that does not say how many.
const VALUES: usize = 120;
/// Databases that have keys.
const DATABASES: &[&str] = &["0", "1", "3", "15"];
/// Cores of Ringfort.
const CORES: &[usize] = &[1, 2, 5];
/// A text that LZF makes shorter.
const WORDY: &str = "the same words over and over, ";
/// Longest wait for a rewrite.
const PATIENCE: Duration = Duration::from_secs(30);

const LIBRARY: &str = "#!lua name=travel\nredis.register_function('far', function(keys, args) return args[1] end)";

/// How data travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Snapshot,
    Log,
}

/// A stop: who, and on how many cores if it is ours.
type Stop = (Program, usize);

/// What the keyspace has beside what every server knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Extras {
    /// Fields of hashes with a time to live: Redis 8 and Valkey 9, each in a form of its own.
    field_times: bool,
    /// Scores that 7.0 prints in another way.
    odd_scores: bool,
    /// A library of functions: goes through unseen.
    functions: bool,
}

/// Sends commands without waiting for each reply; none may be refused.
fn feed(client: &mut Client, commands: &[Vec<Vec<u8>>], may_fail: bool) {
    for chunk in commands.chunks(200) {
        let bytes: Vec<u8> = chunk.iter().flat_map(|c| request(c)).collect();
        client.send(&bytes);
        for command in chunk {
            let reply = client.read().expect("a reply");
            let name = || String::from_utf8_lossy(&command[0]).into_owned();
            assert!(may_fail || !matches!(reply, Reply::Error(_)), "{}: {reply}", name());
        }
    }
}

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|w| w.as_bytes().to_vec()).collect()
}

/// Fills a server.
fn build(client: &mut Client, random: &mut Random, extras: Extras) {
    let values = std::env::var("RINGFORT_ORACLE_VALUES").ok().and_then(|v| v.parse().ok()).unwrap_or(VALUES);
    for n in 0..values {
        for option in random.pick::<&[&str]>(payloads::LIMITS).chunks(2) {
            client.call(&["CONFIG", "SET", option[0], option[1]]);
        }
        client.call(&["SELECT", DATABASES[random.below(DATABASES.len())]]);
        let key = format!("value:{n}").into_bytes();
        let mut commands = payloads::value(random, !extras.odd_scores);
        commands.retain(|c| extras.field_times || c[0] != b"HPEXPIREAT");
        // Those on values are all of the form `COMMAND key ...` or `... GROUP g c COUNT n STREAMS key >`, `XGROUP CREATE key ...`.
        commands.iter_mut().flatten().filter(|w| *w == b"v").for_each(|w| w.clone_from(&key));
        // Removing an entry that is not there, or reading what is not there, is refused or does nothing.
        feed(client, &commands, true);
        if random.once_in(4) {
            client.call(&[b"PEXPIREAT".to_vec(), key, (4_000_000_000_000 + n as u64).to_string().into_bytes()]);
        }
    }
    let mut keys = 0;
    for db in DATABASES {
        client.call(&["SELECT", db]);
        strings(client, random);
        keys += client.call(&["KEYS", "*"]).elements().len();
    }
    assert!(keys > values * 9 / 10 + 100, "only {keys} keys were made");
    if extras.functions {
        assert!(matches!(client.call(&["FUNCTION", "LOAD", "REPLACE", LIBRARY]), Reply::Bulk(_)));
    }
}

/// Texts of all forms, counts of distinct things, bits and places.
fn strings(client: &mut Client, random: &mut Random) {
    for n in 0..30 {
        client.call(&[b"SET".to_vec(), format!("text:{n}").into_bytes(), payloads::text(random)]);
    }
    client.call(&["SET", "wordy", &WORDY.repeat(400)]);
    client.call(&["SET", "number", "-12345"]);
    client.call(&["SET", "volatile", "x", "PXAT", "4000000000123"]);
    client.call(&["SETBIT", "bits", "70001", "1"]);
    let few: Vec<_> = (0..20).map(|n| format!("PFADD few {n}")).collect();
    let many: Vec<_> = (0..3000).map(|n| format!("PFADD many element{}", n * 7)).collect();
    let geo = ["GEOADD places 13.361389 38.115556 Palermo", "GEOADD places 2.349014 48.864716 Paris"].map(String::from);
    feed(client, &[few.as_slice(), &many, &geo].concat().iter().map(|l| words(l)).collect::<Vec<_>>(), false);
    // The count is kept in the value; it has to be counted everywhere or nowhere.
    client.call(&["PFCOUNT", "few"]);
    client.call(&["PFCOUNT", "many"]);
}

/// A few more writes, so that logs have commands behind their base.
fn touch(client: &mut Client, random: &mut Random) {
    let n = random.below(1_000_000);
    for db in DATABASES {
        let lines = [
            format!("SELECT {db}"),
            format!("SET touched:{n} {n}"),
            format!("RPUSH list:touched {n} {n}"),
            format!("XADD stream:touched * field {n}"),
            format!("ZADD scores:touched {n} member{n}"),
            format!("HSET hash:touched field{n} {n}"),
            format!("SADD set:touched {n} member{n}"),
            "SPOP set:touched".to_string(),
            "INCRBYFLOAT float:touched 0.5".to_string(),
            format!("SET soon:touched {n} EX 100000"),
            format!("MSET {{a}}:{n} 1 {{b}}:{n} 2 {{c}}:{n} 3 {{d}}:{n} 4"),
            "MULTI".to_string(),
            format!("RENAME {{a}}:{n} {{b}}:{n}"),
            format!("COPY {{c}}:{n} {{d}}:{n} REPLACE"),
            "EXEC".to_string(),
        ];
        feed(client, &lines.map(|l| words(&l)), false);
    }
}

fn digest(client: &mut Client) -> String {
    match client.call(&["DEBUG", "DIGEST"]) {
        Reply::Simple(text) => String::from_utf8_lossy(&text).into_owned(),
        other => panic!("DEBUG DIGEST says {other}"),
    }
}

fn info(client: &mut Client, field: &str) -> String {
    let text = String::from_utf8_lossy(client.call(&["INFO", "persistence"]).bytes()).into_owned();
    text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':')).unwrap_or_default().to_string()
}

fn rewrite(client: &mut Client) {
    let reply = client.call(&["BGREWRITEAOF"]);
    assert!(matches!(reply, Reply::Simple(_)), "{reply}");
    let until = Instant::now() + PATIENCE;
    while info(client, "aof_rewrite_in_progress") != "0" || info(client, "aof_rewrite_scheduled") != "0" {
        assert!(Instant::now() < until, "the rewrite does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(info(client, "aof_last_bgrewrite_status"), "ok");
}

/// The form of our files that the next server reads.
fn version_for(next: Program, extras: Extras) -> &'static str {
    match next {
        Program::Debian => "10",
        Program::Valkey9 if extras.field_times => "valkey",
        Program::Valkey9 => "11",
        _ => "auto",
    }
}

/// A server at a stop, in its own directory.
fn arrive(stop: Stop, next: Option<Stop>, by: By, extras: Extras, from: Option<&Path>) -> Site {
    let options: &[&str] = if by == By::Log { &["--appendonly", "yes", "--aof-use-rdb-preamble", "yes"] } else { &[] };
    let mut site = Site::new(stop.0, options);
    site.cores = stop.1;
    if stop.0 == Program::Ringfort {
        let next = next.map_or(Program::Redis8, |n| n.0);
        site.options.extend(["--rdb-version".to_string(), version_for(next, extras).to_string()]);
    }
    if let Some(from) = from {
        copy_folder(from, &site.data);
    }
    site.start();
    site
}

/// Goes along all stops; the digest must never change on the way.
fn travel(stops: &[Stop], by: By, extras: Extras) {
    let seed = random::seed();
    let mut random = Random::new(seed);
    let what = format!("{stops:?} by {by:?} with {extras:?}, seed {seed}");
    let mut site = arrive(stops[0], stops.get(1).copied(), by, extras, None);
    build(&mut site.client(), &mut random, extras);
    let library = extras.functions.then(|| site.client().call(&["FUNCTION", "LIST", "WITHCODE"]));
    for (n, stop) in stops.iter().enumerate() {
        let mut client = site.client();
        if by == By::Log && (n > 0 || extras.functions) {
            rewrite(&mut client);
        }
        touch(&mut client, &mut random);
        let before = digest(&mut client);
        if by == By::Snapshot {
            assert_eq!(client.call(&["SAVE"]), Reply::Simple(b"OK".to_vec()), "{what}, stop {n}");
        }
        site.shut_down();
        let Some(next) = stops.get(n + 1) else { break };
        let other = arrive(*next, stops.get(n + 2).copied(), by, extras, Some(&site.data));
        assert_eq!(digest(&mut other.client()), before, "{what}: from stop {n} {stop:?} to {next:?}");
        if let (Some(library), true) = (&library, next.0 != Program::Ringfort) {
            assert_eq!(other.client().call(&["FUNCTION", "LIST", "WITHCODE"]), *library, "{what}: functions");
        }
        site = other;
    }
}

/// What the travels below stand on: the stock servers show one digest for one keyspace, so that a change is the work of ours.
#[test]
fn stock_servers_agree_on_the_digest() {
    let digests = [Program::Redis8, Program::Valkey9, Program::Debian].map(|program| {
        let site = arrive((program, 1), None, By::Snapshot, Extras::default(), None);
        build(&mut site.client(), &mut Random::new(random::seed()), Extras::default());
        digest(&mut site.client())
    });
    assert!(digests.iter().all(|d| *d == digests[0]), "{digests:?}");
}

/// Ours, or the stock server in our place.
fn ours(cores: usize) -> Stop {
    (site::judged(), cores)
}

#[test]
fn data_go_from_redis_8_and_back() {
    for (n, cores) in CORES.iter().enumerate() {
        for by in [By::Snapshot, By::Log] {
            // Another number of cores on the way back.
            let back = CORES[(n + 1) % CORES.len()];
            let extras = Extras { field_times: true, odd_scores: true, functions: true };
            travel(&[(Program::Redis8, 1), ours(*cores), ours(back), (Program::Redis8, 1)], by, extras);
        }
    }
}

#[test]
fn data_go_around_by_valkey_9() {
    // No stock server writes what all the others read.
    if site::judged() != Program::Ringfort {
        return;
    }
    for cores in CORES {
        for by in [By::Snapshot, By::Log] {
            let stops = [(Program::Redis8, 1), ours(*cores), (Program::Valkey9, 1), ours(*cores), (Program::Redis8, 1)];
            travel(&stops, by, Extras::default());
        }
    }
}

#[test]
fn data_go_around_by_redis_7_0() {
    if site::judged() != Program::Ringfort {
        return;
    }
    for by in [By::Snapshot, By::Log] {
        travel(&[(Program::Debian, 1), ours(2), (Program::Debian, 1), ours(5), (Program::Redis8, 1)], by, Extras::default());
    }
}

#[test]
fn fields_with_times_go_to_valkey_9_and_back() {
    let ours = if site::judged() == Program::Ringfort { ours(2) } else { (Program::Valkey9, 1) };
    for by in [By::Snapshot, By::Log] {
        let extras = Extras { field_times: true, ..Extras::default() };
        travel(&[(Program::Valkey9, 1), ours, (Program::Valkey9, 1)], by, extras);
    }
}

#[test]
fn old_servers_are_read() {
    for by in [By::Snapshot, By::Log] {
        travel(&[(Program::Debian, 1), ours(2)], by, Extras::default());
    }
}

/// What belongs to no core stands in the log at its place between what does.
#[test]
fn flushes_and_swaps_survive_every_kind_of_reload() {
    for cores in CORES {
        let mut site = Site::new(site::judged(), &["--appendonly", "yes", "--appendfsync", "always"]);
        site.cores = *cores;
        site.start();
        let mut random = Random::new(random::seed());
        let mut client = site.client();
        touch(&mut client, &mut random);
        for line in ["FLUSHDB", "SELECT 3", "SET mine 1", "SWAPDB 0 15", "SELECT 0", "SET other 2", "SWAPDB 1 3"] {
            feed(&mut client, &[words(line)], false);
        }
        // FLUSHDB was of database 15, where `touch` ended.
        let reload = |site: &mut Site, step: &str| {
            let before = digest(&mut site.client());
            for words in [&["DEBUG", "RELOAD"], &["DEBUG", "LOADAOF"]] {
                assert_eq!(site.client().call(words), Reply::Simple(b"OK".to_vec()), "{step}, {words:?}");
                assert_eq!(digest(&mut site.client()), before, "{step}, {words:?}, {cores} cores");
            }
            site.shut_down();
            site.start();
            assert_eq!(digest(&mut site.client()), before, "{step}, SHUTDOWN, {cores} cores");
            site.kill();
            site.start();
            assert_eq!(digest(&mut site.client()), before, "{step}, SIGKILL, {cores} cores");
            let mut stock = Site::new(Program::Redis8, &["--appendonly", "yes"]);
            copy_folder(&site.data, &stock.data);
            stock.start();
            assert_eq!(digest(&mut stock.client()), before, "{step}, in Redis 8, {cores} cores");
        };
        reload(&mut site, "swaps");
        let mut client = site.client();
        for line in ["SELECT 3", "FLUSHDB", "SET again 3"] {
            feed(&mut client, &[words(line)], false);
        }
        touch(&mut client, &mut random);
        feed(&mut client, &[words("SELECT 3"), words("FLUSHDB")], false);
        reload(&mut site, "a flushed database");
        let mut client = site.client();
        feed(&mut client, &[words("FLUSHALL")], false);
        reload(&mut site, "nothing");
        touch(&mut site.client(), &mut random);
        reload(&mut site, "writes after FLUSHALL");
    }
}

/// A machine with Debian's package: its configuration, its data directory; ours takes the place of its binary.
#[test]
fn a_debian_installation_is_taken_over() {
    let packaged = Path::new("/etc/redis/redis.conf");
    let Ok(text) = std::fs::read(packaged) else {
        panic!("{} cannot be read: the package redis-server is needed, and root", packaged.display());
    };
    for appendonly in ["no", "yes"] {
        let start = |program: Program, data: Option<&Path>| {
            let mut site = Site::new(program, &["--appendonly", appendonly, "--logfile", "", "--daemonize", "no", "--pidfile", ""]);
            let copy = site.data.with_file_name("redis.conf");
            std::fs::write(&copy, &text).expect("a file can be written");
            site.config = Some(copy);
            if let Some(data) = data {
                copy_folder(data, &site.data);
            }
            site.start();
            site
        };
        let mut debian = start(Program::Debian, None);
        let mut random = Random::new(random::seed());
        build(&mut debian.client(), &mut random, Extras::default());
        let before = digest(&mut debian.client());
        debian.shut_down();
        let mut ours = start(site::judged(), Some(&debian.data));
        assert_eq!(digest(&mut ours.client()), before, "appendonly {appendonly}");
        touch(&mut ours.client(), &mut random);
        let before = digest(&mut ours.client());
        // With the packaged save points SHUTDOWN saves.
        ours.shut_down();
        ours.start();
        assert_eq!(digest(&mut ours.client()), before, "appendonly {appendonly}, after SHUTDOWN");
    }
}

/// The libraries of a server, in the order of their names.
fn libraries(client: &mut Client) -> Vec<String> {
    let mut all: Vec<String> = client.call(&["FUNCTION", "LIST", "WITHCODE"]).elements().iter().map(ToString::to_string).collect();
    all.sort();
    all
}

fn library(name: &str, number: usize) -> String {
    format!("#!lua name={name}\nredis.register_function('{name}', function(keys, args) return {number} end)")
}

/// A Redis that loads, replaces, deletes, flushes and restores libraries, in transactions too, with data between; `step` says how far it goes.
fn handle_libraries(client: &mut Client, step: usize) {
    let ok = |reply: Reply| assert!(!matches!(reply, Reply::Error(_)), "{reply}");
    let load = |client: &mut Client, name: &str, number: usize| {
        ok(client.call(&["SET", name, "there"]));
        ok(client.call(&["FUNCTION", "LOAD", "REPLACE", &library(name, number)]));
    };
    load(client, "one", 1);
    load(client, "two", 2);
    let payload = client.call(&["FUNCTION", "DUMP"]).bytes().to_vec();
    if step >= 1 {
        load(client, "one", 11);
        load(client, "three", 3);
        ok(client.call(&["FUNCTION", "DELETE", "two"]));
    }
    if step >= 2 {
        ok(client.call(&["FUNCTION", "FLUSH", "ASYNC"]));
        ok(client.call(&["FUNCTION", "RESTORE"].map(|w| w.as_bytes().to_vec()).into_iter().chain([payload.clone()]).collect::<Vec<_>>()));
        load(client, "four", 4);
        let append = ["FUNCTION", "RESTORE", "", "REPLACE"].map(|w| if w.is_empty() { payload.clone() } else { w.as_bytes().to_vec() });
        ok(client.call(&append));
    }
    if step >= 3 {
        let flush = ["FUNCTION", "RESTORE", "", "FLUSH"].map(|w| if w.is_empty() { payload.clone() } else { w.as_bytes().to_vec() });
        ok(client.call(&flush));
        ok(client.call(&["MULTI"]));
        ok(client.call(&["FUNCTION", "DELETE", "one"]));
        ok(client.call(&["SET", "in the block", "1"]));
        ok(client.call(&["FUNCTION", "LOAD", &library("five", 5)]));
        ok(client.call(&["EXEC"]));
    }
    if step >= 4 {
        ok(client.call(&["FUNCTION", "FLUSH"]));
    }
}

/// Libraries that a log of Redis 8 has, as text and as a snapshot with commands behind it, are those that it gets back.
#[test]
fn libraries_of_a_log_go_to_ringfort_and_back() {
    for (step, cores) in (0..=4).flat_map(|step| CORES.iter().map(move |cores| (step, *cores))) {
        for (preamble, rewrites) in [("no", false), ("no", true), ("yes", true)] {
            let what = format!("step {step}, {cores} cores, preamble {preamble}, rewritten first: {rewrites}");
            let options = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
            let mut redis = Site::new(Program::Redis8, &options);
            redis.start();
            let mut client = redis.client();
            if rewrites {
                handle_libraries(&mut client, step);
                rewrite(&mut client);
            }
            handle_libraries(&mut client, step);
            let (expected, keys) = (libraries(&mut client), digest(&mut client));
            redis.shut_down();
            let mut ours = Site::new(site::judged(), &options);
            ours.cores = cores;
            copy_folder(&redis.data, &ours.data);
            ours.start();
            assert_eq!(digest(&mut ours.client()), keys, "{what}");
            ours.kill();
            ours.start();
            rewrite(&mut ours.client());
            ours.shut_down();
            let mut back = Site::new(Program::Redis8, &options);
            copy_folder(&ours.data, &back.data);
            back.start();
            assert_eq!(libraries(&mut back.client()), expected, "{what}");
            assert_eq!(digest(&mut back.client()), keys, "{what}");
        }
    }
}

/// What FUNCTION FLUSH and DELETE took away stays away, with the log and with snapshots alone.
#[test]
fn libraries_deleted_by_clients_stay_deleted() {
    for (words, left) in [(&["FUNCTION", "FLUSH"][..], 0), (&["FUNCTION", "DELETE", "two"][..], 1)] {
        for (cores, appendonly) in CORES.iter().flat_map(|cores| ["no", "yes"].map(|on| (*cores, on))) {
            let what = format!("{words:?}, {cores} cores, appendonly {appendonly}");
            let options = ["--appendonly", appendonly, "--appendfsync", "always"];
            let mut redis = Site::new(Program::Redis8, &options);
            redis.start();
            handle_libraries(&mut redis.client(), 0);
            assert!(matches!(redis.client().call(&["SAVE"]), Reply::Simple(_)), "{what}");
            redis.shut_down();
            let mut ours = Site::new(site::judged(), &options);
            ours.cores = cores;
            copy_folder(&redis.data, &ours.data);
            ours.start();
            assert_eq!(ours.client().call(words), Reply::Simple(b"OK".to_vec()), "{what}");
            if appendonly == "no" {
                assert!(matches!(ours.client().call(&["SAVE"]), Reply::Simple(_)), "{what}");
            }
            ours.kill();
            ours.start();
            if appendonly == "no" {
                assert!(matches!(ours.client().call(&["SAVE"]), Reply::Simple(_)), "{what}");
            } else {
                rewrite(&mut ours.client());
            }
            ours.shut_down();
            let mut back = Site::new(Program::Redis8, &options);
            copy_folder(&ours.data, &back.data);
            back.start();
            assert_eq!(libraries(&mut back.client()).len(), left, "{what}");
        }
    }
}

/// A log that FLUSHALL began anew lacks the library that the next command deletes.
#[test]
fn a_library_deleted_right_after_flushall_is_no_obstacle() {
    for cores in CORES {
        let mut redis = Site::new(Program::Redis8, &["--appendonly", "yes"]);
        redis.start();
        handle_libraries(&mut redis.client(), 0);
        redis.shut_down();
        let mut ours = Site::new(site::judged(), &["--appendonly", "yes", "--appendfsync", "always"]);
        ours.cores = *cores;
        copy_folder(&redis.data, &ours.data);
        ours.start();
        let lines = ["FUNCTION DELETE one", "FLUSHALL", "FUNCTION DELETE two", "SET after 1"];
        feed(&mut ours.client(), &lines.map(words), false);
        ours.kill();
        ours.start();
        assert_eq!(ours.client().call(&["KEYS", "*"]).elements().len(), 1, "{cores} cores");
    }
}

/// What a log changed before its time was over keeps that time, however late it is loaded.
#[test]
fn what_expires_while_the_server_is_down_is_gone() {
    let lines = [
        "RPUSH list a",
        "PEXPIRE list 400",
        "RPUSH list b",
        "SET number 1 PX 400",
        "INCR number",
        "RENAME number renamed",
        "APPEND renamed 1",
        "HSET hash f 1",
        "HPEXPIRE hash 400 FIELDS 1 f",
        "HINCRBY hash f 1",
        "HSET hash g 1",
        "HSET gone f 1",
        "HPEXPIRE gone 400 FIELDS 1 f",
        "HINCRBYFLOAT gone f 1",
        "SET kept 1 PX 400",
        "PERSIST kept",
        "HSET freed f 1",
        "HPEXPIRE freed 400 FIELDS 1 f",
        "HPERSIST freed FIELDS 1 f",
        "SET later 1 PX 400",
        "PEXPIRE later 100000000",
        "ZADD scores 1 a",
        "PEXPIRE scores 400",
        "ZINCRBY scores 1 a",
    ];
    for (from, cores) in [(Program::Redis8, 1), (site::judged(), 1), (site::judged(), 2), (site::judged(), 5)] {
        let options = ["--appendonly", "yes", "--appendfsync", "always"];
        let mut first = Site::new(from, &options);
        first.cores = cores;
        first.start();
        feed(&mut first.client(), &lines.map(words), false);
        first.kill();
        std::thread::sleep(Duration::from_millis(500));
        let mut ours = Site::new(site::judged(), &options);
        ours.cores = 3;
        copy_folder(&first.data, &ours.data);
        ours.start();
        let mut client = ours.client();
        assert_eq!(client.call(&["EXISTS", "list", "number", "renamed", "gone", "scores"]), Reply::Int(0), "{from:?}");
        assert_eq!(client.call(&["HKEYS", "hash"]).elements().len(), 1, "{from:?}");
        assert_eq!(client.call(&["EXISTS", "kept", "freed", "later"]), Reply::Int(3), "{from:?}");
        assert_eq!(client.call(&["HLEN", "freed"]), Reply::Int(1), "{from:?}");
    }
}
