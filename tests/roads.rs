//! The roads: every command's transcript is run in each way in which its behaviour must be the same. Written once beside
//! the command, run here on one core, on four, in both versions of the protocol, over a reload, and on a stock server as
//! judge of the transcript itself.

use crate::support::{Client, Program, Reply, Server, cases, client::Silence, site};
use ringfort::spec::Spec;

/// Databases that transcripts may use.
const DATABASES: usize = 16;
/// Failures shown before the rest is only counted.
const SHOWN: usize = 60;

/// Every command with a transcript, subcommands included, under its full name.
fn transcripts() -> Vec<(String, &'static str)> {
    fn add(prefix: &str, spec: &'static Spec, to: &mut Vec<(String, &'static str)>) {
        let name = format!("{prefix}{}", spec.name);
        for sub in spec.subs {
            add(&format!("{name} "), sub, to);
        }
        to.push((name, spec.cases));
    }
    let mut all = Vec::new();
    for spec in ringfort::commands::GROUPS.iter().copied().flatten() {
        add("", spec, &mut all);
    }
    all.retain(|(_, cases)| !cases.trim().is_empty());
    all
}

/// One way of running a transcript.
struct Road {
    server: Server,
    resp: u8,
    /// What the data go through after each transcript; the digest must stay.
    over: Over,
}

/// A way out of memory and back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    Nothing,
    /// DUMP and RESTORE of every key.
    Dump,
    /// A snapshot.
    Snapshot,
    /// The append-only log.
    Log,
}

#[test]
fn every_transcript_can_be_read() {
    let wrong: Vec<_> =
        transcripts().iter().filter_map(|(name, text)| cases::parse(text).err().map(|why| format!("{name}: {why}"))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_command_has_a_transcript() {
    let bare: Vec<_> = ringfort::commands::GROUPS
        .iter()
        .copied()
        .flatten()
        .filter(|s| s.subs.is_empty() && s.cases.trim().is_empty())
        .map(|s| s.name)
        .collect();
    assert!(bare.is_empty(), "no cases: {}", bare.join(" "));
}

#[test]
fn transcripts_hold_on_one_core_in_resp2() {
    run(Road { server: Server::ringfort(1, &[]), resp: 2, over: Over::Nothing });
}

#[test]
fn transcripts_hold_on_one_core_in_resp3() {
    run(Road { server: Server::ringfort(1, &[]), resp: 3, over: Over::Nothing });
}

#[test]
fn transcripts_hold_on_four_cores_in_resp2() {
    run(Road { server: Server::ringfort(4, &[]), resp: 2, over: Over::Nothing });
}

#[test]
fn transcripts_hold_on_four_cores_in_resp3() {
    run(Road { server: Server::ringfort(4, &[]), resp: 3, over: Over::Nothing });
}

#[test]
fn what_transcripts_leave_survives_dump_and_restore() {
    run(Road { server: Server::ringfort(4, &[]), resp: 2, over: Over::Dump });
}

#[test]
fn what_transcripts_leave_survives_a_snapshot() {
    run(Road { server: judged(&[]), resp: 2, over: Over::Snapshot });
}

#[test]
fn what_transcripts_leave_survives_the_log() {
    run(Road { server: judged(&["--appendonly", "yes", "--appendfsync", "no"]), resp: 3, over: Over::Log });
}

/// Ours on four cores, or the stock server that is judged in its place.
fn judged(arguments: &[&str]) -> Server {
    match site::judged() {
        Program::Ringfort => Server::ringfort(4, arguments),
        stock => Server::start(stock, arguments),
    }
}

#[test]
fn a_stock_server_agrees_with_the_transcripts_in_resp2() {
    run(Road { server: Server::start(Program::Redis8, &[]), resp: 2, over: Over::Nothing });
}

#[test]
fn a_stock_server_agrees_with_the_transcripts_in_resp3() {
    run(Road { server: Server::start(Program::Redis8, &[]), resp: 3, over: Over::Nothing });
}

fn run(mut road: Road) {
    let mut failures = Vec::new();
    for (name, text) in transcripts() {
        // A transcript that cannot be read is reported by its own test.
        let Ok(lines) = cases::parse(text) else { continue };
        let mut client = road.server.client_speaking(road.resp);
        client.call(&["FLUSHALL"]);
        if road.server.program != Program::Ringfort && !knows(&mut client, &name) {
            continue;
        }
        if road.over == Over::Log && is_not_logged(&road.server, &name) {
            continue;
        }
        failures.extend(run_transcript(&road, &mut client, &name, &lines));
        let left = match road.over {
            Over::Nothing => None,
            Over::Dump => reload(&road.server),
            Over::Snapshot => reload_by(&road.server, "RELOAD"),
            Over::Log => reload_by(&road.server, "LOADAOF"),
        };
        failures.extend(left.map(|why| format!("{name}: {why}")));
        if !road.server.is_alive() {
            failures.push(format!("{name}: the server ended:\n{}", road.server.last_words()));
            break;
        }
    }
    let more = failures.len().saturating_sub(SHOWN);
    failures.truncate(SHOWN);
    assert!(failures.is_empty(), "{} failures and {more} more:\n{}", failures.len(), failures.join("\n"));
}

/// Commands that cannot go this road: DEBUG writes past the log; WAITAOF is told there that there is none. In stock servers also a BITFIELD
/// that only makes a string longer, and ROLE, which shows an offset that grows with the log.
fn is_not_logged(server: &Server, name: &str) -> bool {
    let is_stock = server.program != Program::Ringfort;
    name == "DEBUG" || name.starts_with("DEBUG ") || name == "WAITAOF" || is_stock && ["BITFIELD", "ROLE"].contains(&name)
}

/// Whether the server has the command of this full name.
fn knows(client: &mut Client, name: &str) -> bool {
    let full = name.to_lowercase().replace(' ', "|");
    client.call(&["COMMAND", "INFO", &full]).elements().first().is_some_and(|info| *info != Reply::Null)
}

fn run_transcript(road: &Road, client: &mut Client, name: &str, lines: &[cases::Case]) -> Vec<String> {
    let (mut failures, mut resp) = (Vec::new(), road.resp);
    for case in lines {
        if case.skip_stock && road.server.program != Program::Ringfort {
            continue;
        }
        match client.try_call(&case.words) {
            Ok(reply) => {
                // HELLO already speaks the version it changes to.
                resp = cases::version_after(&case.words, &reply, resp);
                if !case.expected.fits(&reply, resp) {
                    failures.push(format!("{name}: {}\n    got {reply}", case.text));
                }
            }
            Err(silence) => {
                // QUIT and CLIENT KILL close; a transcript that expects no reply says `?`.
                if case.expected != cases::Expected::Anything || !matches!(silence, Silence::Closed(_)) {
                    failures.push(format!("{name}: {}\n    got {silence:?}", case.text));
                }
                match Client::connect(road.server.address) {
                    Ok(new) => *client = new,
                    Err(e) => return vec![failures.join("\n"), format!("{name}: no connection: {e}")],
                }
                resp = 2;
            }
        }
    }
    failures
}

/// One key in serialised form.
struct Dumped {
    db: usize,
    key: Vec<u8>,
    expire_at: i64,
    payload: Vec<u8>,
}

/// Takes all keys out by DUMP and puts them back by RESTORE. Says what is not the same afterwards.
fn reload(server: &Server) -> Option<String> {
    let mut client = server.client();
    let before = client.call(&["DEBUG", "DIGEST"]);
    let dumped = dump_all(&mut client);
    client.call(&["FLUSHALL"]);
    for d in &dumped {
        client.call(&["SELECT", &d.db.to_string()]);
        let ttl = d.expire_at.max(0).to_string();
        let words: [&[u8]; 5] = [b"RESTORE", &d.key, ttl.as_bytes(), &d.payload, b"ABSTTL"];
        let reply = client.call(&words);
        if reply != Reply::Simple(b"OK".to_vec()) {
            return Some(format!("RESTORE says {reply}"));
        }
    }
    let after = client.call(&["DEBUG", "DIGEST"]);
    if before != after || !matches!(before, Reply::Simple(_)) {
        return Some(format!("digest {before} before the reload of {} keys, {after} after", dumped.len()));
    }
    None
}

/// Lets the server load what it has written. Says what is not the same afterwards.
fn reload_by(server: &Server, how: &str) -> Option<String> {
    let mut client = server.client();
    let before = client.call(&["DEBUG", "DIGEST"]);
    // Most transcripts leave nothing, and each reload costs a few fsyncs.
    if before.bytes().iter().all(|b| *b == b'0') {
        return None;
    }
    let reply = client.call(&["DEBUG", how]);
    if reply != Reply::Simple(b"OK".to_vec()) {
        return Some(format!("DEBUG {how} says {reply}"));
    }
    let after = client.call(&["DEBUG", "DIGEST"]);
    (before != after).then(|| format!("digest {before} before DEBUG {how}, {after} after"))
}

fn dump_all(client: &mut Client) -> Vec<Dumped> {
    let mut dumped = Vec::new();
    for db in 0..DATABASES {
        client.call(&["SELECT", &db.to_string()]);
        for key in scan_all(client) {
            let expire_at = match client.call(&[b"PEXPIRETIME", key.as_slice()]) {
                Reply::Int(n) => n,
                other => panic!("PEXPIRETIME says {other}"),
            };
            match client.call(&[b"DUMP", key.as_slice()]) {
                Reply::Bulk(payload) => dumped.push(Dumped { db, key, expire_at, payload }),
                // It expired between SCAN and DUMP.
                Reply::Null => {}
                other => panic!("DUMP says {other}"),
            }
        }
    }
    dumped
}

/// All keys of the selected database.
fn scan_all(client: &mut Client) -> Vec<Vec<u8>> {
    scan_all_with(client, &[])
}

/// The keys that SCAN finds from 0 to the end, with further words.
pub fn scan_all_with(client: &mut Client, words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (mut keys, mut cursor) = (std::collections::BTreeSet::new(), b"0".to_vec());
    loop {
        let mut call = vec![b"SCAN".to_vec(), cursor];
        call.extend_from_slice(words);
        let reply = client.call(&call);
        let [next, found] = reply.elements() else { panic!("SCAN says {reply}") };
        keys.extend(found.elements().iter().map(|k| k.bytes().to_vec()));
        cursor = next.bytes().to_vec();
        if cursor == b"0" {
            return keys.into_iter().collect();
        }
    }
}
