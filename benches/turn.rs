//! Whole turns of one core without a kernel: a pipeline of 16 commands comes in, runs, and its replies are taken away.
//! `cargo bench --bench turn -- lpush`
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfort::base::rng::Rng;
use ringfort::config::Config;
use ringfort::engine::{link, txn::marks::Marks, worker::Input, worker::Worker};
use ringfort::keyspace::slots::slot_of;
use ringfort::spec::{Shard, Table, client::Client, shard::Server};
use std::sync::{Arc, atomic::AtomicU64};

const PIPELINE: usize = 16;
const KEYS: u64 = 1_000_000;

fn worker() -> (Worker, usize) {
    let mut workers = workers(1);
    let mut worker = workers.pop().expect("there is one");
    let conn = worker.open(Client { is_authenticated: true, ..Client::new(1, 0) });
    (worker, conn)
}

fn workers(cores: usize) -> Vec<Worker> {
    let server: &'static Server = Box::leak(Box::new(Server {
        run_id: "0".repeat(40),
        pid: 1,
        started_ms: 0,
        executable: String::new(),
        config_file: String::new(),
        os: String::new(),
        commands: Table::new(ringfort::commands::GROUPS, &[]),
        next_client: AtomicU64::new(1),
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
        supervised: "no",
        enter_dir: |dir| Ok(dir.to_vec()),
        sleep: |_| (),
    }));
    let marks = Arc::new(Marks::new(cores));
    let links = link::mesh(cores, 64).into_iter().enumerate();
    links.map(|(core, links)| Worker::new(Shard::new(core, cores, Config::default(), server, 7, 7), links, marks.clone(), || 0)).collect()
}

fn resp(words: &[String]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().for_each(|w| out.extend_from_slice(format!("${}\r\n{w}\r\n", w.len()).as_bytes()));
    out
}

/// Pipelines of a command whose words `make` draws, ready to be sent.
fn pipelines(make: impl Fn(&mut Rng) -> String) -> Vec<Vec<u8>> {
    let mut rng = Rng::new(1);
    let mut one = || (0..PIPELINE).flat_map(|_| resp(&make(&mut rng).split(' ').map(str::to_string).collect::<Vec<_>>())).collect();
    (0..4096).map(|_| one()).collect()
}

fn turn(worker: &mut Worker, conn: usize, bytes: &[u8]) {
    worker.turn(1_000_000, &[Input { conn, bytes }]);
    let out = &mut worker.conns.get(conn).expect("the connection lives").out.buf;
    assert!(out.first().is_some_and(|b| *b != b'-'), "{}", String::from_utf8_lossy(out));
    out.clear();
}

fn turns(criterion: &mut Criterion) {
    let below = |rng: &mut Rng| rng.below(KEYS);
    let mut group = criterion.benchmark_group("turn");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let mut run = |name: &str, first: Option<&dyn Fn(u64) -> String>, make: &dyn Fn(&mut Rng) -> String| {
        let (mut worker, conn) = worker();
        if let Some(first) = first {
            for n in 0..KEYS {
                let words: Vec<String> = first(n).split(' ').map(str::to_string).collect();
                turn(&mut worker, conn, &resp(&words));
            }
        }
        let all = pipelines(make);
        let mut at = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                at = (at + 1) % all.len();
                turn(&mut worker, conn, &all[at]);
            });
        });
    };
    let set = |n: u64| format!("SET key:{n:012} {}", "v".repeat(32));
    run("get", Some(&set), &|rng| format!("GET key:{:012}", below(rng)));
    run("set", Some(&set), &|rng| set(below(rng)));
    run("lpush", None, &|_| "LPUSH mylist VXK".into());
    run("rpop", Some(&|n| format!("RPUSH mylist item:{n}")), &|_| "RPOP mylist".into());
    run("sadd", None, &|rng| format!("SADD myset element:{:012}", below(rng)));
    run("hset", None, &|rng| format!("HSET myhash element:{:012} VXK", below(rng)));
    run("zadd", Some(&|n| format!("ZADD myzset {} element:{n:012}", n * 7919 % 1_000_003)), &|rng| {
        format!("ZADD myzset {} element:{:012}", below(rng), below(rng))
    });
    run("xadd", None, &|_| "XADD mystream * field value".into());
}

/// Two cores in turns on one thread: what a call costs both of them together when its key lies on the other core.
fn crossings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("two_cores");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    for (name, is_here) in [("get_here", true), ("get_there", false)] {
        let mut workers = workers(2);
        let conn = workers[0].open(Client { is_authenticated: true, ..Client::new(1, 0) });
        let owner = |n: u64| slot_of(format!("key:{n:012}").as_bytes()) >= 8192;
        let keys: Vec<u64> = (0..KEYS).filter(|n| owner(*n) != is_here).collect();
        let mut exchange = |bytes: &[u8]| {
            workers[0].turn(1_000_000, &[Input { conn, bytes }]);
            if !is_here {
                workers[1].turn(1_000_000, &[]);
                workers[0].turn(1_000_000, &[]);
            }
            let out = &mut workers[0].conns.get(conn).expect("the connection lives").out.buf;
            assert!(!out.is_empty() && out[0] != b'-');
            out.clear();
        };
        for n in &keys {
            exchange(&resp(&format!("SET key:{n:012} {}", "v".repeat(32)).split(' ').map(str::to_string).collect::<Vec<_>>()));
        }
        let all = pipelines(|rng| format!("GET key:{:012}", keys[rng.below(keys.len() as u64) as usize]));
        let mut at = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                at = (at + 1) % all.len();
                exchange(&all[at]);
            });
        });
    }
}

criterion_group!(benches, turns, crossings);
criterion_main!(benches);
