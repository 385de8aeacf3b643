//! The roads: every command's transcript is run in each way in which its behaviour must be the same. Written once beside
//! the command, run here on one core, on four, in both versions of the protocol, over a reload, and on a stock server as
//! judge of the transcript itself.

use crate::support::{Client, Program, Reply, Server, cases, client::Silence};
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
    /// After the transcript, dump and restore all keys and compare digests.
    reload: bool,
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
    run(Road { server: Server::ringfort(1, &[]), resp: 2, reload: false });
}

#[test]
fn transcripts_hold_on_one_core_in_resp3() {
    run(Road { server: Server::ringfort(1, &[]), resp: 3, reload: false });
}

#[test]
fn transcripts_hold_on_four_cores_in_resp2() {
    run(Road { server: Server::ringfort(4, &[]), resp: 2, reload: false });
}

#[test]
fn transcripts_hold_on_four_cores_in_resp3() {
    run(Road { server: Server::ringfort(4, &[]), resp: 3, reload: false });
}

#[test]
fn what_transcripts_leave_survives_dump_and_restore() {
    run(Road { server: Server::ringfort(4, &[]), resp: 2, reload: true });
}

#[test]
fn a_stock_server_agrees_with_the_transcripts_in_resp2() {
    run(Road { server: Server::start(Program::Redis8, &[]), resp: 2, reload: false });
}

#[test]
fn a_stock_server_agrees_with_the_transcripts_in_resp3() {
    run(Road { server: Server::start(Program::Redis8, &[]), resp: 3, reload: false });
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
        failures.extend(run_transcript(&road, &mut client, &name, &lines));
        if road.reload {
            failures.extend(reload(&road.server).map(|why| format!("{name}: {why}")));
        }
        if !road.server.is_alive() {
            failures.push(format!("{name}: the server ended:\n{}", road.server.last_words()));
            break;
        }
    }
    let more = failures.len().saturating_sub(SHOWN);
    failures.truncate(SHOWN);
    assert!(failures.is_empty(), "{} failures and {more} more:\n{}", failures.len(), failures.join("\n"));
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
