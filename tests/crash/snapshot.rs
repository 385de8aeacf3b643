//! Snapshots while keys come, go and change their names, while values are big and money moves: what a second server finds in the file must
//! be what all clients had written at one instant, between the command and its reply. `RINGFORT_SNAPSHOTS` says how many.

use super::CLIENTS;
use super::bank::Bank;
use super::ledger::Rule;
use super::load::{Load, Theme};
use crate::support::{Client, Program, Random, Reply, Site, random, site};
use std::time::{Duration, Instant};

/// Tellers beside the other clients.
const TELLERS: usize = 2;
/// The cut may come a little after the reply that a snapshot was begun.
const CUT_DELAY: Duration = Duration::from_millis(100);
/// Longest wait for the end of a snapshot.
const PATIENCE: Duration = Duration::from_secs(60);

fn snapshots(usual: usize) -> usize {
    std::env::var("RINGFORT_SNAPSHOTS").ok().map_or(usual, |s| s.parse().expect("RINGFORT_SNAPSHOTS is a number"))
}

fn info(client: &mut Client, field: &str) -> String {
    let text = String::from_utf8_lossy(client.call(&["INFO", "persistence"]).bytes()).into_owned();
    let line = text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("INFO has no {field}")).to_string()
}

fn wait_for_snapshot(client: &mut Client) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    while info(client, "rdb_bgsave_in_progress") != "0" {
        if Instant::now() > until {
            return Err("the snapshot does not end".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if info(client, "rdb_last_bgsave_status") == "ok" { Ok(()) } else { Err("the snapshot failed".into()) }
}

fn all_promised() -> Rule {
    Rule { promised_until: Instant::now() + Duration::from_secs(3600), is_one_state: true, cut_by: None }
}

/// One snapshot under load, loaded by another server and judged there.
fn snapshot_once(site: &Site, reader: Program, load: &mut Load, bank: &mut Bank, random: &mut Random) -> Result<(), String> {
    let mut client = site.client();
    let running = std::mem::replace(load, Load::new(Theme::Big, 0, 0)).begin(site.address());
    let open = std::mem::replace(bank, Bank::new(0, 0)).begin(site.address());
    std::thread::sleep(Duration::from_micros(random.below(150_000) as u64));
    let promised_until = Instant::now();
    let reply = client.call(&["BGSAVE"]);
    let cut_by = Some(Instant::now() + CUT_DELAY);
    if reply != Reply::Simple(b"Background saving started".to_vec()) {
        return Err(format!("BGSAVE says {reply}"));
    }
    let ended = wait_for_snapshot(&mut client);
    std::thread::sleep(Duration::from_millis(20));
    running.stop();
    open.stop();
    (*load, *bank) = (running.join(), open.join());
    ended?;
    let mut second = Site::new(reader, &["--rdbchecksum", "yes"]);
    std::fs::copy(site.data.join("dump.rdb"), second.data.join("dump.rdb")).map_err(|e| format!("dump.rdb: {e}"))?;
    second.try_start().map_err(|e| format!("{reader:?} does not load it:\n{}", e.words))?;
    let rule = Rule { promised_until, is_one_state: true, cut_by };
    let found = load.look(&mut second.client())?;
    load.judge(&found, &rule).map_err(|why| format!("in the snapshot: {why}"))?;
    bank.judge(&mut second.client(), &rule).map_err(|why| format!("in the snapshot, bank: {why}"))?;
    load.settle(&mut client, &all_promised()).map_err(|why| format!("on the server itself: {why}"))?;
    bank.audit(&mut client, &all_promised()).map_err(|why| format!("on the server itself, bank: {why}"))?;
    bank.forget(&mut client);
    Ok(())
}

#[test]
fn a_snapshot_is_the_state_of_one_instant() {
    let (seed, program) = (random::seed(), site::judged());
    let mut random = Random::new(seed);
    let mut site = Site::new(program, &[]);
    let begin = |site: &Site, n: u64| {
        let bank = Bank::new(TELLERS, seed + n);
        site.client().call(&["FLUSHALL"]);
        bank.found(&mut site.client());
        (Load::new(Theme::Big, CLIENTS, seed + n), bank)
    };
    site.start();
    let (mut load, mut bank) = begin(&site, 0);
    let count = snapshots(5);
    for n in 0..count {
        // Tables are to grow from nothing again and again.
        if n % 5 == 4 {
            site.shut_down();
            site.cores = *random.pick(&[1, 2, 3, 5]);
            let _ = std::fs::remove_file(site.data.join("dump.rdb"));
            site.start();
            (load, bank) = begin(&site, n as u64);
        }
        let reader = if n % 2 == 0 { Program::Redis8 } else { program };
        snapshot_once(&site, reader, &mut load, &mut bank, &mut random)
            .unwrap_or_else(|why| panic!("{program:?}, seed {seed}, snapshot {n}, read by {reader:?}: {why}"));
    }
    eprintln!("{program:?}, seed {seed}: {count} snapshots, each the state of one instant");
}

/// Without a log, a kill leaves the last snapshot that was complete: the old one or the new, never a mixture.
#[test]
fn a_kill_during_a_snapshot_leaves_a_whole_one() {
    let (seed, program) = (random::seed(), site::judged());
    let mut random = Random::new(seed);
    let mut site = Site::new(program, &[]);
    site.start();
    let mut load = Load::new(Theme::Plain, CLIENTS, seed);
    let mut bank = Bank::new(TELLERS, seed);
    bank.found(&mut site.client());
    for n in 0..super::kills(5) {
        // After this nothing older can be found.
        assert_eq!(site.client().call(&["SAVE"]), Reply::Simple(b"OK".to_vec()));
        let promised_until = Instant::now();
        let (running, open) = (load.begin(site.address()), bank.begin(site.address()));
        std::thread::sleep(Duration::from_micros(random.below(60_000) as u64));
        site.client().call(&["BGSAVE"]);
        std::thread::sleep(Duration::from_micros(random.below(40_000) as u64));
        site.kill();
        (load, bank) = (running.join(), open.join());
        site.start();
        let rule = Rule { promised_until, is_one_state: true, cut_by: None };
        let judged = load.settle(&mut site.client(), &rule).and_then(|_| bank.audit(&mut site.client(), &rule));
        judged.unwrap_or_else(|why| panic!("{program:?}, seed {seed}, kill {n}: {why}"));
    }
}

/// These tests are worth something only if they notice keys that were read one after the other.
#[test]
fn a_walk_without_a_cut_is_noticed() {
    let mut site = Site::new(Program::Redis8, &[]);
    site.start();
    let running = Load::new(Theme::Big, CLIENTS, random::seed()).begin(site.address());
    std::thread::sleep(Duration::from_millis(50));
    let walked = Load::new(Theme::Big, CLIENTS, 0).look(&mut site.client());
    std::thread::sleep(Duration::from_millis(50));
    running.stop();
    let load = running.join();
    let rule = Rule { promised_until: Instant::now() - PATIENCE, is_one_state: true, cut_by: None };
    let judged = walked.and_then(|found| load.judge(&found, &rule));
    assert!(judged.is_err(), "nobody noticed");
}

/// What INFO counts as not in a snapshot, step by step, in ours and in Redis 8.
#[test]
fn changes_since_the_last_snapshot_are_those_that_redis_counts() {
    let steps = [
        "SET a 1",
        "SWAPDB 0 1",
        "SWAPDB 0 0",
        "SWAPDB 1 0",
        "DEBUG RELOAD",
        "SET a 2",
        "DEBUG RELOAD NOSAVE",
        "DEBUG RELOAD NOSAVE NOFLUSH MERGE",
        "DEBUG POPULATE 100",
        "RPUSH list 1 2 3",
        "SETBIT bits 3 1",
        "SETBIT bits 3 1",
        "BITFIELD bits SET u8 8 5",
        "BITFIELD bits SET u8 8 5 GET u4 0",
        "XADD stream 1-1 f v",
        "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c STREAMS stream >",
        "XREADGROUP GROUP g c STREAMS stream 0",
        "XREADGROUP GROUP g other STREAMS stream 0",
        "FLUSHDB",
        "SET a 3",
        "DEBUG LOADAOF",
        "SET a 4",
    ];
    let counted = |program: Program, cores: usize| {
        let mut site = Site::new(program, &["--appendonly", "yes"]);
        site.cores = cores;
        site.start();
        let mut client = site.client();
        let mut counts = Vec::new();
        for step in steps {
            let words: Vec<&str> = step.split(' ').collect();
            let reply = client.call(&words);
            assert!(!matches!(reply, Reply::Error(_)), "{step}: {reply}");
            counts.push((step, info(&mut client, "rdb_changes_since_last_save")));
        }
        counts
    };
    let theirs = counted(Program::Redis8, 1);
    for cores in [1, 3] {
        assert_eq!(counted(Program::Ringfort, cores), theirs, "{cores} cores");
    }
}

/// CONFIG SET dir: refused as Redis refuses it; snapshots go to the new directory; the log stays where all of it is.
#[test]
fn the_directory_can_be_changed_at_run_time() {
    let errors = |client: &mut Client, file: &str| {
        ["/nowhere/at/all", "", file, "missing"].map(|dir| client.call(&["CONFIG", "SET", "dir", dir]).to_string())
    };
    let options = ["--enable-protected-configs", "yes", "--appendonly", "yes", "--appendfsync", "always"];
    let mut redis = Site::new(Program::Redis8, &options);
    redis.start();
    let mut site = Site::new(Program::Ringfort, &options);
    site.cores = 3;
    site.start();
    let (mut client, ok) = (site.client(), Reply::Simple(b"OK".to_vec()));
    let (first, second) = (site.data.clone(), site.data.join("second"));
    std::fs::create_dir(&second).expect("the test's directory can be written");
    let file = first.join("appendonlydir/appendonly.aof.manifest").display().to_string();
    let theirs = errors(&mut redis.client(), &redis.data.join("appendonlydir/appendonly.aof.manifest").display().to_string());
    assert_eq!(errors(&mut client, &file), theirs);
    assert!(matches!(client.call(&["CONFIG", "SET", "dir", "second", "hz", "x"]), Reply::Error(_)));
    let dir = |client: &mut Client| String::from_utf8_lossy(client.call(&["CONFIG", "GET", "dir"]).elements()[1].bytes()).into_owned();
    assert_eq!(dir(&mut client), first.display().to_string(), "nothing was changed");
    // A name that begins in the directory of before.
    assert_eq!(client.call(&["CONFIG", "SET", "dir", "./second/../second", "hz", "20"]), ok);
    for _ in 0..6 {
        // Whatever core the connection is on.
        assert_eq!(dir(&mut site.client()), second.display().to_string());
    }
    for line in ["SET k v", "FLUSHALL", "SET k w", "SAVE", "DEBUG RELOAD", "BGREWRITEAOF", "SET l x"] {
        let reply = client.call(&line.split(' ').collect::<Vec<_>>());
        assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply}");
    }
    let until = Instant::now() + PATIENCE;
    while info(&mut client, "aof_rewrite_in_progress") != "0" {
        assert!(Instant::now() < until, "the rewrite does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(client.call(&["DEBUG", "LOADAOF"]), ok);
    assert_eq!(client.call(&["SET", "m", "y"]), ok);
    assert!(second.join("dump.rdb").exists() && !first.join("dump.rdb").exists() && !second.join("appendonlydir").exists());
    // The log as a whole is where it was.
    site.kill();
    site.start();
    let mut client = site.client();
    assert_eq!(client.call(&["MGET", "k", "l", "m"]), Reply::Array(["w", "x", "y"].map(|v| Reply::Bulk(v.into())).to_vec()));
    // Switched off and on it goes to the new directory.
    for line in ["CONFIG SET appendonly no", "CONFIG SET dir second", "CONFIG SET appendonly yes"] {
        assert_eq!(client.call(&line.split(' ').collect::<Vec<_>>()), ok, "{line}");
    }
    assert_eq!(client.call(&["SET", "n", "z"]), ok);
    assert_eq!(client.call(&["WAITAOF", "1", "0", "0"]), Reply::Array(vec![Reply::Int(1), Reply::Int(0)]));
    site.kill();
    site.data = second;
    site.start();
    assert_eq!(site.client().call(&["MGET", "k", "n"]), Reply::Array(["w", "z"].map(|v| Reply::Bulk(v.into())).to_vec()));
}
