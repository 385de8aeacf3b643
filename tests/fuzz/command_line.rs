//! Any command with any arguments, from two connections, on two cores: no panic, replies that can be read, and afterwards a
//! server that still answers and has nothing left over.

use ringfort::config::Config;
use ringfort::engine::{link, txn::marks::Marks, worker::Input, worker::Worker};
use ringfort::proto::reply;
use ringfort::spec::{Shard, Table, client::Client, shard::Server};
use std::sync::{Arc, OnceLock, atomic::AtomicU64};

const CORES: usize = 2;

/// Words that commands are likely to understand; others come from the input itself.
const WORDS: &[&str] = &[
    "a",
    "b",
    "{a}c",
    "k1",
    "k2",
    "k3",
    "0",
    "1",
    "-1",
    "10",
    "9223372036854775807",
    "-9223372036854775808",
    "3.0e3",
    "nan",
    "",
    "EX",
    "PX",
    "NX",
    "XX",
    "GET",
    "KEEPTTL",
    "PERSIST",
    "MATCH",
    "*",
    "COUNT",
    "TYPE",
    "string",
    "BIT",
    "BYTE",
    "AND",
    "NOT",
    "DIFF",
    "SET",
    "INCRBY",
    "u8",
    "i63",
    "#1",
    "OVERFLOW",
    "SAT",
    "FAIL",
    "LEN",
    "IDX",
    "REPLACE",
    "DB",
    "ABSTTL",
    "FREQ",
    "IFEQ",
    "ON",
    "OFF",
    "SKIP",
    "ID",
    "LIST",
];

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server {
        run_id: "0".repeat(40),
        pid: 1,
        started_ms: 0,
        executable: String::new(),
        config_file: String::new(),
        os: String::new(),
        commands: Table::new(ringfort::commands::GROUPS, &[]),
        next_client: AtomicU64::new(1),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
    })
}

fn client(id: u64) -> Client {
    Client {
        id,
        name: Vec::new(),
        lib_name: Vec::new(),
        lib_ver: Vec::new(),
        addr: String::new(),
        laddr: String::new(),
        fd: -1,
        db: 0,
        is_resp3: false,
        is_authenticated: true,
        is_unix: false,
        is_local: true,
        user: "default",
        created_ms: 0,
        active_ms: 0,
        multi: None,
        watched: Vec::new(),
        reply_mode: Default::default(),
        no_touch: false,
        no_evict: false,
        close_after_reply: false,
        close_now: false,
        last_command: "NULL",
        input_bytes: 0,
        input_free: 0,
        output_bytes: 0,
        output_capacity: 0,
        argv_bytes: 0,
        total_in: 0,
        total_out: 0,
        total_commands: 0,
    }
}

struct Cores {
    workers: Vec<Worker>,
    now: i64,
}

impl Cores {
    fn new() -> Cores {
        let marks = Arc::new(Marks::sized(CORES, 4));
        let worker = |(core, links)| {
            let config = Config { proto_max_bulk_len: 1 << 20, slowlog_log_slower_than: -1, ..Config::default() };
            Worker::new(Shard::new(core, CORES, config, server(), 7, core as u64), links, marks.clone(), || 0)
        };
        Cores { workers: link::mesh(CORES, 2).into_iter().enumerate().map(worker).collect(), now: 1_000_000 }
    }

    /// A turn of each core; `inputs`: core, connection, bytes. Returns what was sent, by core and connection.
    fn turn(&mut self, inputs: &[(usize, usize, &[u8])]) -> Vec<(usize, usize, Vec<u8>)> {
        let mut sent = Vec::new();
        for (core, worker) in self.workers.iter_mut().enumerate() {
            let own: Vec<Input> = inputs.iter().filter(|i| i.0 == core).map(|i| Input { conn: i.1, bytes: i.2 }).collect();
            worker.turn(self.now, &own);
            worker.shard.requests.clear();
            let mut dirty = Vec::new();
            worker.take_dirty(&mut dirty);
            for i in dirty {
                let Some(c) = worker.conns.get(i) else { continue };
                sent.push((core, i, std::mem::take(&mut c.out.buf)));
                worker.look_again(i);
                if worker.shard.clients.get(i).is_some_and(|c| c.close_now || c.close_after_reply) {
                    worker.close(i);
                }
            }
            worker.wakes(|_| {});
        }
        sent
    }

    /// Turns until nothing moves.
    fn settle(&mut self) -> Vec<(usize, usize, Vec<u8>)> {
        let mut sent = Vec::new();
        for n in 0.. {
            assert!(n < 10_000, "the cores do not come to rest");
            self.now += 1_000_000;
            let new = self.turn(&[]);
            let is_quiet =
                new.is_empty() && self.workers.iter_mut().all(|w| !w.has_news() && !w.has_work() && w.sleep_max_usec().is_none());
            sent.extend(new);
            if is_quiet {
                break;
            }
        }
        sent
    }
}

/// Turns the input into a stream of requests: a command of the table with words of the list or of the input, or raw bytes.
fn requests(data: &[u8]) -> Vec<u8> {
    let table = &server().commands;
    let mut out = Vec::new();
    let mut bytes = data.iter().copied();
    while let Some(kind) = bytes.next() {
        if kind == 255 {
            out.extend(bytes.by_ref().take(8));
            continue;
        }
        let spec = table.row((usize::from(kind) % table.rows.len()) as u16).full_name;
        let mut words: Vec<Vec<u8>> = spec.split('|').map(|w| w.as_bytes().to_vec()).collect();
        for _ in 0..bytes.next().unwrap_or(0) % 7 {
            let word = bytes.next().unwrap_or(0);
            words.push(match WORDS.get(usize::from(word)) {
                Some(w) => w.as_bytes().to_vec(),
                None => bytes.by_ref().take(usize::from(word) % 5).collect(),
            });
        }
        out.extend(format!("*{}\r\n", words.len()).bytes());
        for w in words {
            out.extend(format!("${}\r\n", w.len()).bytes());
            out.extend(w);
            out.extend(b"\r\n");
        }
    }
    out
}

/// One input of the fuzzer.
pub fn run(data: &[u8]) {
    let (first, second) = data.split_at(data.len() / 2);
    let streams = [requests(first), requests(second)];
    let mut cores = Cores::new();
    let conns: Vec<usize> = (0..CORES).map(|n| cores.workers[n].open(client(n as u64 + 1))).collect();
    let mut received = vec![Vec::new(); CORES];
    let mut at = 0;
    while at < streams[0].len().max(streams[1].len()) {
        let size = 1 + data.len() % 97;
        let piece = |s: &Vec<u8>| -> Vec<u8> { s[at.min(s.len())..(at + size).min(s.len())].to_vec() };
        let pieces: Vec<Vec<u8>> = streams.iter().map(piece).collect();
        let inputs: Vec<_> = (0..CORES).filter(|n| !pieces[*n].is_empty()).map(|n| (n, conns[n], pieces[n].as_slice())).collect();
        for (core, conn, bytes) in cores.turn(&inputs) {
            assert_eq!(conn, conns[core], "output of a connection nobody opened");
            received[core].extend(bytes);
        }
        cores.now += 1;
        at += size;
    }
    for (core, _, bytes) in cores.settle() {
        received[core].extend(bytes);
    }
    for bytes in received {
        let mut at = 0;
        while at < bytes.len() {
            let (_, len) = reply::read(&bytes[at..]).expect("replies are well-formed").expect("replies are complete");
            at += len;
        }
    }
    still_answers(&mut cores);
}

/// A command over both cores from new connections is answered.
fn still_answers(cores: &mut Cores) {
    for core in 0..CORES {
        let conn = cores.workers[core].open(client(100 + core as u64));
        let mut sent = cores.turn(&[(core, conn, b"*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n")]);
        sent.extend(cores.settle());
        let reply: Vec<u8> = sent.into_iter().filter(|(c, i, _)| (*c, *i) == (core, conn)).flat_map(|(.., b)| b).collect();
        assert_eq!(reply, b"+OK\r\n", "core {core} does not answer any more");
    }
}
