//! A server in memory: two cores on this thread, without sockets, files and a clock. Fuzz targets run on it, and the simulator
//! takes its facts of the process and its clients from here. Also compiled into the fuzzer's binaries, so it names no other test.

use ringfort::config::Config;
use ringfort::engine::{link, txn::marks::Marks, worker::Input, worker::Worker};
use ringfort::spec::{Shard, Table, client::Client, shard::Server};
use std::sync::{Arc, OnceLock, atomic::AtomicU64};

pub const CORES: usize = 2;

/// Facts of a process that does not exist.
pub fn server() -> &'static Server {
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
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
        supervised: "no",
        enter_dir: |dir| Ok(dir.to_vec()),
        sleep: |_| (),
    })
}

/// A client nobody has heard of yet.
pub fn client(id: u64) -> Client {
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
        blocked: Default::default(),
        no_touch: false,
        no_evict: false,
        tracking: Default::default(),
        close_after_reply: false,
        close_now: false,
        last_command: "NULL",
        input_bytes: 0,
        input_free: 0,
        is_postponed: false,
        output: Default::default(),
        output_peak: 0,
        output_peak_ms: 0,
        argv_bytes: 0,
        total_in: 0,
        total_out: 0,
        total_commands: 0,
    }
}

/// The cores, and what time it is.
pub struct Cores {
    pub workers: Vec<Worker>,
    pub now: i64,
}

impl Cores {
    /// Without keys and connections.
    pub fn new() -> Cores {
        let marks = Arc::new(Marks::sized(CORES, 4));
        let worker = |(core, links)| {
            let config = Config { proto_max_bulk_len: 1 << 20, slowlog_log_slower_than: -1, ..Config::default() };
            Worker::new(Shard::new(core, CORES, config, server(), 7, core as u64), links, marks.clone(), || 0)
        };
        Cores { workers: link::mesh(CORES, 2).into_iter().enumerate().map(worker).collect(), now: 1_000_000 }
    }

    /// A turn of each core; `inputs`: core, connection, bytes. Returns what was sent, by core and connection.
    pub fn turn(&mut self, inputs: &[(usize, usize, &[u8])]) -> Vec<(usize, usize, Vec<u8>)> {
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
    pub fn settle(&mut self) -> Vec<(usize, usize, Vec<u8>)> {
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

    /// The reply to one command of a connection; nothing else may be under way.
    pub fn call<W: AsRef<[u8]>>(&mut self, core: usize, conn: usize, words: &[W]) -> Vec<u8> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", word.as_ref().len()).bytes());
            request.extend_from_slice(word.as_ref());
            request.extend(b"\r\n");
        }
        let mut sent = self.turn(&[(core, conn, &request)]);
        sent.extend(self.settle());
        sent.into_iter().filter(|(c, i, _)| (*c, *i) == (core, conn)).flat_map(|(.., bytes)| bytes).collect()
    }
}
