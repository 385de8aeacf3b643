//! Who is served, when and with what: transcripts of several clients that must hold on a stock server and on ours.
//!
//! `a> WORDS  EXPECTED` sends and reads; `a> WORDS  waits` sends a command that blocks; `a< EXPECTED` reads what came later; a line of dashes
//! begins with new clients and no keys. EXPECTED is the grammar of cases; the word `ID(a)` is the number of client a.

use crate::support::{Client, Program, Reply, Server, cases};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const TALKS: &str = include_str!("order.txt");

/// Waits until as many clients are blocked as should be.
fn until_blocked(server: &Server, count: usize) {
    let mut client = server.client();
    let until = Instant::now() + Duration::from_secs(20);
    let wanted = format!("blocked_clients:{count}\r\n");
    loop {
        let bytes = match client.call(&["INFO", "clients"]) {
            Reply::Bulk(bytes) | Reply::Verbatim(bytes) => bytes,
            _ => Vec::new(),
        };
        let info = String::from_utf8_lossy(&bytes);
        if info.contains(&wanted) {
            return;
        }
        assert!(Instant::now() < until, "{wanted:?} does not come: {info}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn run(server: &Server) -> Vec<String> {
    let mut failures = Vec::new();
    let mut clients: BTreeMap<char, Client> = BTreeMap::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut waiting: Vec<char> = Vec::new();
    for line in TALKS.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if line.starts_with("---") {
            clients.clear();
            waiting.clear();
            until_blocked(server, 0);
            server.client().call(&["FLUSHALL"]);
            continue;
        }
        let (name, rest) = (line.chars().next().unwrap_or('a'), &line[2..]);
        let client = clients.entry(name).or_insert_with(|| {
            let mut client = server.client();
            let Reply::Int(id) = client.call(&["CLIENT", "ID"]) else { panic!("a client without a number") };
            ids.insert(format!("ID({name})"), id.to_string());
            client
        });
        let (words, expected) = match line.as_bytes()[1] {
            b'<' => (None, rest.trim()),
            _ => rest.trim().split_once("  ").map_or((Some(rest.trim()), "?"), |(w, e)| (Some(w), e.trim())),
        };
        if let Some(words) = words {
            client.send_words(&words.split_whitespace().map(|word| ids.get(word).map_or(word, String::as_str)).collect::<Vec<_>>());
        }
        if expected == "waits" {
            waiting.push(name);
            until_blocked(server, waiting.len());
            continue;
        }
        if words.is_none() {
            waiting.retain(|other| *other != name);
        }
        let reply = match client.read() {
            Ok(reply) => reply,
            Err(why) => {
                failures.push(format!("{line}: {why:?}"));
                continue;
            }
        };
        let case = cases::parse(&format!("> X  {expected}")).expect("well written");
        if !case[0].expected.fits(&reply, 2) {
            failures.push(format!("{line}: {reply:?}"));
        }
    }
    failures
}

#[test]
fn stock_server_agrees_with_the_transcripts() {
    let failures = run(&Server::start(Program::Redis8, &[]));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn transcripts_hold_on_any_number_of_cores() {
    for cores in [1, 2, 5] {
        let failures = run(&Server::ringfort(cores, &[]));
        assert!(failures.is_empty(), "{cores} cores:\n{}", failures.join("\n"));
    }
}
