//! The same traffic to Ringfort on 1, 2 and 5 cores and to two versions of stock Redis; every reply and, at the end of each
//! sequence, DEBUG DIGEST are compared. Where the two versions differ, either is right. Intended differences are listed
//! in differences.txt. `RINGFORT_ORACLE_COMMANDS` says how many commands in all, `RINGFORT_SEED` where to begin.

mod collections;
pub mod payloads;
mod traffic;

use crate::roads::scan_all_with;
use crate::support::{Client, Program, Random, Reply, Server, random, reply::printable};
use std::collections::BTreeMap;
use traffic::{Judge, Step, Theme};

/// Commands of a run that does not say how many.
const COMMANDS: usize = 20_000;
/// Steps of one sequence; each begins with an empty data set.
const SEQUENCE: usize = 400;
/// Different findings shown, and examples of each kind.
const SHOWN: usize = 60;
const EXAMPLES: usize = 2;

/// A server under comparison.
struct Side {
    name: String,
    is_ours: bool,
    server: Server,
    client: Client,
}

impl Side {
    fn new(name: &str, server: Server) -> Side {
        let client = server.client();
        Side { name: name.to_string(), is_ours: server.program == Program::Ringfort, server, client }
    }

    /// Carries a step out and returns what it says.
    fn take(&mut self, step: &Step) -> Reply {
        match step {
            Step::Command { words, .. } => match self.client.try_call(words) {
                Ok(reply) => reply,
                Err(silence) => panic!("{}: no reply to {}: {silence:?}\n{}", self.name, show(words), self.server.last_words()),
            },
            Step::ScanAll(words) => Reply::Array(scan_all_with(&mut self.client, words).into_iter().map(Reply::Bulk).collect()),
            Step::CopyByDump { from, to } => match self.client.call(&[b"DUMP", from.as_slice()]) {
                Reply::Bulk(payload) => self.client.call(&[b"RESTORE".as_slice(), to, b"0", &payload, b"REPLACE"]),
                other => other,
            },
        }
    }
}

fn show(words: &[Vec<u8>]) -> String {
    words.iter().map(|w| if w.is_empty() { "\"\"".into() } else { printable(w) }).collect::<Vec<_>>().join(" ")
}

impl Step {
    fn text(&self) -> String {
        match self {
            Step::Command { words, .. } => show(words),
            Step::ScanAll(words) => format!("SCAN to the end {}", show(words)),
            Step::CopyByDump { from, to } => format!("RESTORE {} from DUMP {}", printable(to), printable(from)),
        }
    }

    fn judge(&self) -> Judge {
        match self {
            Step::Command { judge, .. } => *judge,
            Step::ScanAll(_) => Judge::AnyOrder,
            Step::CopyByDump { .. } => Judge::Same,
        }
    }
}

fn agree(judge: Judge, one: &Reply, other: &Reply) -> bool {
    match (judge, one, other) {
        (Judge::Near(most), Reply::Int(a), Reply::Int(b)) if *a >= 0 && *b >= 0 => a.abs_diff(*b) <= most as u64,
        (Judge::AnyOrder, _, _) => one.sorted() == other.sorted(),
        (Judge::Kind, _, _) if !matches!((one, other), (Reply::Error(_), Reply::Error(_))) => {
            matches!(one, Reply::Null) == matches!(other, Reply::Null) && matches!(one, Reply::Error(_)) == matches!(other, Reply::Error(_))
        }
        _ => one == other,
    }
}

/// The patterns of differences.txt.
fn intended() -> Vec<&'static str> {
    let lines = include_str!("differences.txt").lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    lines.map(|l| l.split_once(" | ").expect("a difference has a pattern and a reason").0.trim()).collect()
}

/// Whether `text` is like `pattern`, in which `*` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or("")) else { return false };
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
        last = Some(piece);
    }
    rest.is_empty() || last.is_some_and(|piece| piece.is_empty() || text.ends_with(piece))
}

/// What was found, by kind, so that one mistake does not hide the others.
#[derive(Default)]
struct Findings {
    by_kind: BTreeMap<String, (usize, Vec<String>)>,
}

impl Findings {
    fn add(&mut self, kind: String, text: String) {
        let (count, examples) = self.by_kind.entry(kind).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(text);
        }
    }

    fn check(&self) {
        let lines: Vec<_> =
            self.by_kind.values().take(SHOWN).map(|(count, examples)| format!("({count} times)\n{}", examples.join("\n"))).collect();
        assert!(lines.is_empty(), "{} kinds of differences:\n{}", self.by_kind.len(), lines.join("\n"));
    }
}

#[test]
fn ringfort_replies_as_redis_does() {
    let mut sides =
        vec![Side::new("redis 8.0", Server::start(Program::Redis8, &[])), Side::new("redis 7.0", Server::start(Program::Debian, &[]))];
    for cores in [1, 2, 5] {
        sides.push(Side::new(&format!("ringfort on {cores}"), Server::ringfort(cores, &[])));
    }
    compare(&mut sides, Theme::Strings);
}

#[test]
fn collections_are_as_those_of_redis() {
    let mut sides =
        vec![Side::new("redis 8.0", Server::start(Program::Redis8, &[])), Side::new("redis 7.0", Server::start(Program::Debian, &[]))];
    for cores in [1, 2, 5] {
        sides.push(Side::new(&format!("ringfort on {cores}"), Server::ringfort(cores, &[])));
    }
    compare(&mut sides, Theme::Collections);
}

/// The two versions of Redis differ only where the list of the next lines says so; without this the test above could not
/// tell which of them is right.
#[test]
fn both_versions_of_redis_keep_the_same_data() {
    let mut sides =
        vec![Side::new("redis 8.0", Server::start(Program::Redis8, &[])), Side::new("redis 7.0", Server::start(Program::Debian, &[]))];
    compare(&mut sides, Theme::Strings);
}

fn compare(sides: &mut [Side], theme: Theme) {
    let total = std::env::var("RINGFORT_ORACLE_COMMANDS").ok().and_then(|t| t.parse().ok()).unwrap_or(COMMANDS);
    let (seed, intended, mut findings) = (random::seed(), intended(), Findings::default());
    for n in 0..total.div_ceil(SEQUENCE) as u64 {
        let seed = seed.wrapping_add(n);
        let mut random = Random::new(seed);
        for side in sides.iter_mut() {
            side.client = side.server.client_speaking(if n % 2 == 0 { 2 } else { 3 });
            side.client.call(&["FLUSHALL"]);
        }
        let (mut left, mut is_same, mut stock_agrees) = (SEQUENCE, true, true);
        // Behind a first difference the data differ as well and nothing more is learned.
        while left > 0 && is_same {
            for step in traffic::next(&mut random, theme) {
                left = left.saturating_sub(1);
                let (same, stock) = judge_step(sides, &step, seed, &intended, &mut findings);
                is_same &= same;
                stock_agrees &= stock;
            }
        }
        // Nor can data be compared where the two versions of Redis replied differently: either was right.
        if !is_same || !(stock_agrees || theme == Theme::Strings) {
            continue;
        }
        let differing = which_differ(sides);
        let digests: Vec<_> = sides.iter_mut().map(|s| s.client.call(&["DEBUG", "DIGEST"])).collect();
        for (side, digest) in sides.iter().zip(&digests).skip(1) {
            // Where the two versions of Redis differ, either is right; on strings they must not.
            let is_right = *digest == digests[0] || (side.is_ours && *digest == digests[1]);
            if is_right || (!side.is_ours && theme == Theme::Collections) {
                continue;
            }
            findings.add(
                format!("digest {}", side.name),
                format!(
                    "  seed {seed}: DEBUG DIGEST of {}: {digest}, {} says {}; keys that differ: {differing:?}",
                    side.name, sides[0].name, digests[0]
                ),
            );
        }
    }
    findings.check();
}

/// Keys whose values are not the same on all sides, with the database.
fn which_differ(sides: &mut [Side]) -> Vec<String> {
    let mut differing = Vec::new();
    for db in ["0", "1"] {
        sides.iter_mut().for_each(|s| drop(s.client.call(&["SELECT", db])));
        let Reply::Array(keys) = sides[0].client.call(&["KEYS", "*"]).sorted() else { continue };
        for key in keys {
            let Reply::Bulk(key) = key else { continue };
            let words: [&[u8]; 3] = [b"DEBUG", b"DIGEST-VALUE", &key];
            let values: Vec<_> = sides.iter_mut().map(|s| s.client.call(&words)).collect();
            if values.iter().any(|v| *v != values[0]) {
                differing.push(format!("{db}:{} {}", printable(&key), sides[0].client.call(&[b"TYPE".as_slice(), &key])));
            }
        }
    }
    differing
}

/// Takes one step on all sides. Whether all of ours agree with a stock server, and the stock servers with each other.
fn judge_step(sides: &mut [Side], step: &Step, seed: u64, intended: &[&str], findings: &mut Findings) -> (bool, bool) {
    let mut is_same = true;
    let replies: Vec<_> = sides.iter_mut().map(|s| s.take(step)).collect();
    let stock_agrees = agree(step.judge(), &replies[0], &replies[1]);
    for (side, reply) in sides.iter().zip(&replies).filter(|(s, _)| s.is_ours) {
        if agree(step.judge(), reply, &replies[0]) || agree(step.judge(), reply, &replies[1]) {
            continue;
        }
        let text = format!("{} => {reply}", step.text());
        // Names of commands may come in any case.
        let (name, rest) = text.split_once(' ').unwrap_or((&text, ""));
        if intended.iter().any(|pattern| is_like(&format!("{} {rest}", name.to_uppercase()), pattern)) {
            continue;
        }
        is_same = false;
        let name = name.to_uppercase();
        let start = |r: &Reply| r.to_string().chars().take(12).collect::<String>();
        findings.add(
            format!("{name} {} {}", start(reply), start(&replies[0])),
            format!(
                "  seed {seed}, {}: {text}\n    {} says {}, {} says {}",
                side.name, sides[0].name, replies[0], sides[1].name, replies[1]
            ),
        );
    }
    (is_same, stock_agrees)
}

#[test]
fn differences_are_few_and_explained() {
    assert!(include_str!("differences.txt").lines().count() <= 40);
    assert!(!intended().is_empty());
    assert!(is_like("GET a => nil", "GET * => nil") && is_like("abc", "a*") && is_like("abc", "*c") && is_like("abc", "abc"));
    assert!(!is_like("GET a => nil", "SET*") && !is_like("abc", "a*b") && !is_like("abc", "ab"));
}
