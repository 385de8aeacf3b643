//! Clients with caches read while others write, on keys of all cores, pipelined. A value goes into the cache when its reply arrives
//! and out when a message says so, in the order in which they come. When all is quiet each cache must hold what the server holds: a
//! message that overtook the reply it is about would leave a stale value behind for ever.

use super::Talker;
use crate::support::{Program, Random, Reply, Server, random};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const KEYS: usize = 40;
const READS: usize = 3_000;
const PIPELINE: usize = 8;
const SILENCE: Duration = Duration::from_millis(300);

fn key(n: usize) -> String {
    format!("key:{n}")
}

/// A client with a cache.
struct Reader {
    talker: Talker,
    /// Key by key, `None` = there is no such key.
    cache: HashMap<String, Option<Vec<u8>>>,
}

fn value(reply: Reply) -> Option<Vec<u8>> {
    match reply {
        Reply::Bulk(bytes) => Some(bytes),
        _ => None,
    }
}

impl Reader {
    fn new(server: &Server, mode: &[&str]) -> Reader {
        let mut talker = Talker::new(server, 3);
        talker.send(&[&["CLIENT", "TRACKING", "ON"], mode].concat());
        assert!(matches!(talker.reply(), Some(Reply::Simple(_))));
        Reader { talker, cache: HashMap::new() }
    }

    fn forget(&mut self, parts: &[Reply]) {
        for key in super::told(parts) {
            if key == "*" {
                self.cache.clear();
            }
            self.cache.remove(&key);
        }
    }

    /// The next reply, with messages before it obeyed.
    fn reply(&mut self) -> Reply {
        loop {
            match self.talker.next(super::PATIENCE).expect("every command is answered") {
                Reply::Push(parts) => self.forget(&parts),
                reply => return reply,
            }
        }
    }

    /// Reads some keys, one command after the other or all at once; writes one now and then.
    fn read(&mut self, rng: &mut Random) {
        let keys: Vec<String> = (0..1 + rng.below(PIPELINE)).map(|_| key(rng.below(KEYS))).collect();
        let writes = rng.once_in(8);
        if writes {
            self.talker.send(&["INCR", &keys[0]]);
        }
        if rng.once_in(2) {
            let words: Vec<&str> = ["MGET"].into_iter().chain(keys.iter().map(String::as_str)).collect();
            self.talker.send(&words);
        } else {
            keys.iter().for_each(|key| self.talker.send(&["GET", key]));
        }
        if writes {
            self.reply();
        }
        let mut left = keys.into_iter();
        while left.len() > 0 {
            match self.reply() {
                Reply::Array(values) => left.by_ref().zip(values).for_each(|(key, v)| {
                    self.cache.insert(key, value(v));
                }),
                reply => {
                    if let Some(key) = left.next() {
                        self.cache.insert(key, value(reply));
                    }
                }
            }
        }
    }

    /// Obeys messages until none comes.
    fn settle(&mut self) {
        while let Some(message) = self.talker.next(SILENCE) {
            if let Reply::Push(parts) = message {
                self.forget(&parts);
            }
        }
    }
}

fn write(server: &Server, seed: u64, is_over: &AtomicBool) {
    let (mut client, mut rng) = (server.client(), Random::new(seed));
    while !is_over.load(Ordering::Relaxed) {
        let (a, b) = (key(rng.below(KEYS)), key(rng.below(KEYS)));
        let n = rng.below(1000).to_string();
        let words: Vec<&str> = match rng.below(40) {
            0 => vec!["FLUSHALL"],
            1..4 => vec!["RENAME", &a, &b],
            4..8 => vec!["DEL", &a, &b],
            8..14 => vec!["MSET", &a, &n, &b, &n],
            14..17 => vec!["SET", &a, &n, "PX", "5"],
            _ => vec!["SET", &a, &n],
        };
        client.call(&words);
        if rng.once_in(4) {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn run(server: &Server, mode: &[&str]) {
    let seed = random::seed();
    let is_over = AtomicBool::new(false);
    let mut readers: Vec<Reader> = (0..4).map(|_| Reader::new(server, mode)).collect();
    std::thread::scope(|scope| {
        for n in 0..2 {
            let is_over = &is_over;
            scope.spawn(move || write(server, seed + n, is_over));
        }
        let reading: Vec<_> = readers
            .iter_mut()
            .enumerate()
            .map(|(n, reader)| {
                scope.spawn(move || {
                    let mut rng = Random::new(seed + 100 + n as u64);
                    (0..READS / 4).for_each(|_| reader.read(&mut rng));
                })
            })
            .collect();
        let ends: Vec<_> = reading.into_iter().map(|r| r.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(Result::is_ok), "seed {seed}");
    });
    let mut judge = server.client();
    for reader in &mut readers {
        reader.settle();
        for (key, cached) in &reader.cache {
            let held = value(judge.call(&["GET", key]));
            assert_eq!(*cached, held, "{:?} {mode:?} seed {seed}: {key} is stale", server.program);
        }
    }
}

#[test]
fn caches_are_right_in_the_end_at_a_stock_server() {
    let server = Server::start(Program::Redis8, &[]);
    run(&server, &[]);
    run(&server, &["BCAST"]);
}

#[test]
fn caches_are_right_in_the_end_on_any_number_of_cores() {
    for cores in [1, 2, 5] {
        let server = Server::ringfort(cores, &[]);
        run(&server, &[]);
        run(&server, &["BCAST"]);
    }
}
