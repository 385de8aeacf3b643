//! Client-side caching over sockets: transcripts that a stock server confirms, and caches that must be right in the end.

mod caches;

use crate::support::{Client, Program, Reply, Server, cases, reply::decode};
use std::collections::BTreeMap;
use std::time::Duration;

const TALKS: &str = include_str!("talks.txt");
/// Wait for what must come, and for what must not.
const PATIENCE: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(40);
/// Wait for a command to block, and for a connection to be gone.
const MOMENT: Duration = Duration::from_millis(150);

/// A connection on which replies and messages arrive.
struct Talker {
    client: Client,
    resp: u8,
    input: Vec<u8>,
    messages: Vec<String>,
}

impl Talker {
    fn new(server: &Server, resp: u8) -> Talker {
        Talker { client: server.client_speaking(resp), resp, input: Vec::new(), messages: Vec::new() }
    }

    fn send(&mut self, words: &[&str]) {
        self.client.send_words(words);
    }

    /// Whatever comes next, if anything comes in time.
    fn next(&mut self, patience: Duration) -> Option<Reply> {
        loop {
            if let Some((reply, len)) = decode(&self.input).expect("the server keeps to the protocol") {
                self.input.drain(..len);
                return Some(reply);
            }
            let (bytes, _) = self.client.read_raw(patience, |b| !b.is_empty());
            if bytes.is_empty() {
                return None;
            }
            self.input.extend_from_slice(&bytes);
        }
    }

    /// The next reply; messages before it are kept.
    fn reply(&mut self) -> Option<Reply> {
        loop {
            match self.next(PATIENCE)? {
                Reply::Push(parts) => self.messages.extend(told(&parts)),
                reply => return Some(reply),
            }
        }
    }

    /// What messages have named since the last time: at least `count`, if so many come.
    fn told(&mut self, count: usize) -> Vec<String> {
        loop {
            let patience = if self.messages.len() < count { PATIENCE } else { QUIET };
            match self.next(patience) {
                Some(Reply::Push(parts)) => self.messages.extend(told(&parts)),
                Some(reply) => self.messages.push(format!("a reply: {reply}")),
                None => break,
            }
        }
        self.messages.sort();
        std::mem::take(&mut self.messages)
    }
}

/// What a message names: keys, `*` for everything, `broken`.
fn told(parts: &[Reply]) -> Vec<String> {
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    };
    match parts {
        [kind, Reply::Array(keys)] if text(kind) == "invalidate" => keys.iter().map(text).collect(),
        [kind, Reply::Null] if text(kind) == "invalidate" => vec!["*".to_string()],
        [kind, Reply::Int(_)] if text(kind) == "tracking-redir-broken" => vec!["broken".to_string()],
        other => vec![format!("{other:?}")],
    }
}

/// The clients of one section.
struct Section<'s> {
    server: &'s Server,
    /// Those that speak RESP3.
    modern: Vec<char>,
    talkers: BTreeMap<char, Talker>,
}

impl Section<'_> {
    fn talker(&mut self, name: char) -> &mut Talker {
        let resp = if self.modern.contains(&name) { 3 } else { 2 };
        self.talkers.entry(name).or_insert_with(|| Talker::new(self.server, resp))
    }

    /// The id of a client whose name is in angle brackets.
    fn named(&mut self, word: &str) -> String {
        let Some(name) = word.strip_prefix('<').and_then(|w| w.chars().next()) else { return word.to_string() };
        let talker = self.talker(name);
        talker.send(&["CLIENT", "ID"]);
        match talker.reply() {
            Some(Reply::Int(id)) => id.to_string(),
            other => format!("{other:?}"),
        }
    }

    /// Runs a line; returns what was wrong.
    fn line(&mut self, line: &str) -> Option<String> {
        let (name, rest) = (line.chars().next()?, line.get(2..)?.trim());
        match line.as_bytes()[1] {
            b'#' => {
                self.talkers.remove(&name);
                std::thread::sleep(MOMENT);
                None
            }
            b'*' => {
                let expected: Vec<&str> = rest.split_whitespace().filter(|w| *w != "-").collect();
                let told = self.talker(name).told(expected.len());
                (told != expected).then(|| format!("{line}: {told:?}"))
            }
            b'<' => self.hear(name, line, rest),
            _ => {
                let (words, expected) = rest.split_once("  ").unwrap_or((rest, "?"));
                let words: Vec<String> = words.split_whitespace().map(|w| self.named(w)).collect();
                self.talker(name).send(&words.iter().map(String::as_str).collect::<Vec<_>>());
                if expected.trim() == "silence" {
                    std::thread::sleep(MOMENT);
                    return None;
                }
                match words[0].as_str() {
                    "HELLO" => self.talker(name).resp = if words[1] == "3" { 3 } else { 2 },
                    "RESET" => self.talker(name).resp = 2,
                    _ => {}
                }
                self.hear(name, line, expected.trim())
            }
        }
    }

    fn hear(&mut self, name: char, line: &str, expected: &str) -> Option<String> {
        let talker = self.talker(name);
        let case = cases::parse(&format!("> X  {expected}")).expect("well written");
        match talker.reply() {
            Some(reply) if case[0].expected.fits(&reply, talker.resp) => None,
            reply => Some(format!("{line}: {reply:?}")),
        }
    }
}

fn run(server: &Server) -> Vec<String> {
    let mut failures = Vec::new();
    let mut section = Section { server, modern: Vec::new(), talkers: BTreeMap::new() };
    for line in TALKS.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(head) = line.strip_prefix("---") {
            section.talkers.clear();
            section.modern = head.split_whitespace().map_while(|w| w.strip_suffix('3')?.chars().next()).collect();
            std::thread::sleep(MOMENT);
            server.client().call(&["FLUSHALL"]);
            continue;
        }
        failures.extend(section.line(line));
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

#[test]
fn figures_say_who_tracks_and_how_much() {
    let server = Server::ringfort(2, &[]);
    let mut a = Talker::new(&server, 3);
    let figures = |server: &Server| {
        let info = match server.client().call(&["INFO", "clients", "stats"]) {
            Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        };
        info.lines().filter_map(|l| l.strip_prefix("tracking_")).collect::<Vec<_>>().join(" ")
    };
    for words in [&["CLIENT", "TRACKING", "ON"][..], &["MGET", "a", "b", "c", "d"], &["GET", "a"]] {
        a.send(words);
        assert!(a.reply().is_some());
    }
    assert_eq!(figures(&server), "clients:1 total_keys:4 total_items:4 total_prefixes:0");
    let mut b = Talker::new(&server, 3);
    b.send(&["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "x", "PREFIX", "y"]);
    assert!(b.reply().is_some());
    assert_eq!(figures(&server), "clients:2 total_keys:4 total_items:4 total_prefixes:2");
    // Each core has a share of the limit; keys beyond it are forgotten, and their readers are told.
    server.client().call(&["CONFIG", "SET", "tracking-table-max-keys", "2"]);
    let told = a.told(2);
    assert!(told.len() >= 2, "{told:?}");
    assert_eq!(figures(&server), format!("clients:2 total_keys:{0} total_items:{0} total_prefixes:2", 4 - told.len()));
    drop((a, b));
    std::thread::sleep(MOMENT);
    server.client().call(&["FLUSHALL"]);
    assert_eq!(figures(&server), "clients:0 total_keys:0 total_items:0 total_prefixes:0");
}
