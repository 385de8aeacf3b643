//! Queues with real sockets: consumers block on keys of different cores with different commands, some of them die
//! while they wait, producers push. Every item is received once, or is still there, or was on its way to a consumer that died.
//!
//! RINGFORT_ITEMS: items of the run (4000); `tests/long queue` takes a million. What a single client sees of blocking commands
//! is compared with a stock server in order.rs.

mod order;

use crate::support::{Client, Random, Reply, Server};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const CORES: usize = 3;
const KEYS: usize = 5;
const CONSUMERS: usize = 8;
const PRODUCERS: usize = 3;

fn key(n: usize) -> String {
    format!("queue:{}", n % KEYS)
}

/// What became of the items.
#[derive(Default)]
struct Ledger {
    received: Mutex<HashMap<String, usize>>,
    /// Consumers that died while they waited: each may have taken an item along.
    deaths: AtomicU64,
    is_over: AtomicBool,
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// The items of a reply: `[key, item]`, `[key, [item, ...]]`.
fn items(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Array(pair) if pair.len() == 2 => match &pair[1] {
            Reply::Array(list) => list.iter().map(text).collect(),
            item => vec![text(item)],
        },
        _ => Vec::new(),
    }
}

fn consume(server: &Server, seed: u64, ledger: &Ledger) {
    let mut random = Random::new(seed);
    let mut client = server.client();
    while !ledger.is_over.load(Ordering::Relaxed) {
        let first = random.below(KEYS);
        let width = 1 + random.below(3);
        let keys: Vec<String> = (0..width).map(|n| key(first + n)).collect();
        let words: Vec<String> = match random.below(3) {
            0 => [vec!["BLMPOP".into(), "0.2".into(), width.to_string()], keys, vec!["LEFT".into(), "COUNT".into(), "3".into()]].concat(),
            1 => [vec!["BRPOP".into()], keys, vec!["0.2".into()]].concat(),
            _ => [vec!["BLPOP".into()], keys, vec!["0.2".into()]].concat(),
        };
        if random.below(500) == 0 {
            client.send_words(&words);
            ledger.deaths.fetch_add(1, Ordering::Relaxed);
            client = server.client();
            continue;
        }
        let reply = client.call(&words);
        let mut received = ledger.received.lock().expect("no thread has failed");
        items(&reply).into_iter().for_each(|item| *received.entry(item).or_default() += 1);
    }
}

fn produce(server: &Server, producer: usize, count: usize) {
    let mut random = Random::new(producer as u64);
    let mut client = server.client();
    let mut next = 0;
    while next < count {
        let n = (1 + random.below(8)).min(count - next);
        let to = random.below(KEYS);
        let list: Vec<String> = (next..next + n).map(|i| format!("{producer}:{i}")).collect();
        next += n;
        let push = [vec!["RPUSH".to_string(), key(to)], list].concat();
        if random.below(4) == 0 {
            client.call(&["MULTI"]);
            client.call(&push);
            client.call(&["GET".to_string(), format!("other:{to}")]);
            client.call(&["EXEC"]);
        } else {
            client.call(&push);
        }
    }
}

#[test]
fn every_item_is_consumed_once() {
    let count: usize = std::env::var("RINGFORT_ITEMS").ok().and_then(|v| v.parse().ok()).unwrap_or(4000);
    let server = Arc::new(Server::ringfort(CORES, &[]));
    let ledger = Arc::new(Ledger::default());
    let consumers: Vec<_> = (0..CONSUMERS)
        .map(|n| {
            let (server, ledger) = (server.clone(), ledger.clone());
            std::thread::spawn(move || consume(&server, 100 + n as u64, &ledger))
        })
        .collect();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|n| {
            let server = server.clone();
            std::thread::spawn(move || produce(&server, n, count / PRODUCERS))
        })
        .collect();
    producers.into_iter().for_each(|p| p.join().expect("a producer"));
    // What is left is consumed by those that still wait.
    let mut client = server.client();
    let left = |client: &mut Client| -> u64 {
        let len = |k: usize, c: &mut Client| if let Reply::Int(n) = c.call(&["LLEN".to_string(), key(k)]) { n as u64 } else { 0 };
        (0..KEYS).map(|k| len(k, client)).sum()
    };
    for _ in 0..6000 {
        if left(&mut client) == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(left(&mut client), 0, "items lie there although consumers wait");
    ledger.is_over.store(true, Ordering::Relaxed);
    consumers.into_iter().for_each(|c| c.join().expect("a consumer"));
    let received = ledger.received.lock().expect("no thread has failed");
    assert!(received.values().all(|n| *n == 1), "an item was received twice");
    let lost = (count / PRODUCERS * PRODUCERS - received.len()) as u64;
    // A consumer that dies takes what was on its way to it: up to three items.
    let deaths = ledger.deaths.load(Ordering::Relaxed);
    println!("{} items, {deaths} consumers died, {lost} items were on their way to them", received.len());
    assert!(lost <= deaths * 3, "{lost} items are lost, {deaths} consumers died");
    let info = text(&client.call(&["INFO", "clients"]));
    assert!(info.contains("blocked_clients:0\r\n") && info.contains("total_blocking_keys:0\r\n"), "{info}");
}
