//! Runs cases as a client on the first of several cores sees them, without engine and rings: parts run one after the other.

use super::*;
use crate::keyspace::{owner_of, slot_of};
use crate::spec::client::Client;
use crate::spec::slowlog::Entry;
use crate::spec::{Multi, Refusal, keys::positions};

/// Cores that share nothing, with one client on the first.
pub struct Cores {
    pub shards: Vec<Shard>,
    pub client: usize,
}

/// A client that has just connected.
pub fn client(id: u64) -> Client {
    Client {
        id,
        name: Vec::new(),
        lib_name: Vec::new(),
        lib_ver: Vec::new(),
        addr: format!("127.0.0.1:{}", 50_000 + id),
        laddr: "127.0.0.1:6379".into(),
        fd: 8,
        db: 0,
        is_resp3: false,
        is_authenticated: true,
        is_unix: false,
        is_local: true,
        user: "default",
        created_ms: NOW - 5000,
        active_ms: NOW - 2000,
        multi: None,
        watched: Vec::new(),
        reply_mode: Default::default(),
        blocked: Default::default(),
        no_touch: false,
        no_evict: false,
        tracking: Default::default(),
        close_after_reply: false,
        close_now: false,
        last_command: "",
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

impl Cores {
    pub fn new(count: usize) -> Cores {
        let server = shard().server;
        let one = |core| Shard::new(core, count, Config::default(), server, 1, core as u64);
        let mut shards: Vec<Shard> = (0..count).map(one).collect();
        let client = shards[0].clients.insert(client(1));
        Cores { shards, client }
    }

    /// The bytes of the reply to one call.
    pub fn call(&mut self, words: &[Vec<u8>]) -> Vec<u8> {
        let resp3 = self.shards[0].clients[self.client].is_resp3;
        let mut out = Out::new(resp3);
        if let Err(refusal) = self.try_call(words, &mut out) {
            out.buf.clear();
            out.error_bytes(refusal.as_bytes());
        }
        out.buf
    }

    /// The same from words separated by blanks.
    pub fn say(&mut self, line: &str) -> String {
        let words = split_args(line.as_bytes()).expect("well quoted");
        String::from_utf8_lossy(&self.call(&words)).into_owned()
    }

    fn try_call(&mut self, words: &[Vec<u8>], out: &mut Out) -> Result<(), Refusal> {
        let server = self.shards[0].server;
        let table = &server.commands;
        let mut id = table.find(&words[0]).ok_or_else(|| Refusal::text("ERR unknown command"))?;
        if table.row(id).spec.flags.has(Flags::CONTAINER) && words.len() > 1 {
            let found = table.find_sub(id, &words[1]);
            id = found.ok_or_else(|| Refusal::subcommand(&words[1], table.row(id).spec.name))?;
        }
        let row = table.row(id);
        if !row.spec.arity_fits(words.len()) {
            return Err(Refusal::arity(row.full_name));
        }
        let spec = row.spec;
        let count = self.shards.len();
        match spec.route {
            Route::Every(merge) => {
                let parts: Vec<Vec<u8>> = (0..count).map(|core| self.part(core, spec, words)).collect();
                self.merge(spec, merge, words, &parts, out)
            }
            Route::Keys(multi) => {
                let split = owners(spec, words, count);
                match (multi, split.as_slice()) {
                    (Multi::Split(merge), [_, _, ..]) => {
                        let parts: Vec<Vec<u8>> = split.iter().map(|(core, words)| self.part(*core, spec, words)).collect();
                        self.merge(spec, merge, words, &parts, out)
                    }
                    (_, [(core, _)]) => self.run(*core, spec, words, out, None),
                    _ => self.run(0, spec, words, out, None),
                }
            }
            _ => self.run(0, spec, words, out, Some(self.client)),
        }
    }

    fn part(&mut self, core: usize, spec: &'static Spec, words: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Out::new(self.shards[0].clients[self.client].is_resp3);
        if let Err(refusal) = self.run(core, spec, words, &mut out, None) {
            out.buf.clear();
            out.error_bytes(refusal.as_bytes());
        }
        out.buf
    }

    fn run(&mut self, core: usize, spec: &'static Spec, words: &[Vec<u8>], out: &mut Out, home: Option<usize>) -> Result<(), Refusal> {
        self.with_call(core, spec, words, out, home, |call| (spec.run)(call))
    }

    fn merge(&mut self, spec: &'static Spec, merge: Merge, words: &[Vec<u8>], parts: &[Vec<u8>], out: &mut Out) -> Result<(), Refusal> {
        let error = parts.iter().find(|p| p.first() == Some(&b'-'));
        match (merge, error) {
            (Merge::Custom(f), _) => {
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                return self.with_call(0, spec, words, out, Some(self.client), |call| f(call, &parts));
            }
            (_, Some(error)) => out.raw(error),
            (Merge::Sum, _) => out.int(parts.iter().map(|p| integer(p)).sum()),
            _ => out.ok(),
        }
        Ok(())
    }

    fn with_call(
        &mut self,
        core: usize,
        spec: &'static Spec,
        words: &[Vec<u8>],
        out: &mut Out,
        home: Option<usize>,
        f: impl FnOnce(&mut Call) -> crate::spec::Outcome,
    ) -> Result<(), Refusal> {
        let c = &self.shards[0].clients[self.client];
        let origin = Origin { client: c.id, is_local: c.is_local, ..Origin::default() };
        let db = c.db;
        let base = words.concat();
        let mut start = 0;
        let span = |word: &Vec<u8>| {
            let span = Span { start, len: word.len() as u32 };
            start += span.len;
            span
        };
        let spans: Vec<Span> = words.iter().map(span).collect();
        let args = Args { base: &base, spans: &spans };
        let shard = &mut self.shards[core];
        let mut call = Call { spec, args, out, shard, db, now: NOW, origin, home, hint: None };
        f(&mut call)?;
        if call.shard.block.take().is_some() {
            call.out.null_array();
        }
        Ok(())
    }
}

fn integer(reply: &[u8]) -> i64 {
    String::from_utf8_lossy(&reply[1..]).trim().parse().expect("an integer")
}

/// Each core that has keys of the call, with the name and its keys and what follows each of them.
fn owners(spec: &Spec, words: &[Vec<u8>], count: usize) -> Vec<(usize, Vec<Vec<u8>>)> {
    let base = words.concat();
    let mut start = 0;
    let mut spans = Vec::new();
    for word in words {
        spans.push(Span { start, len: word.len() as u32 });
        start += word.len() as u32;
    }
    let mut places = Vec::new();
    if positions(spec, &Args { base: &base, spans: &spans }, &mut places).is_err() {
        return Vec::new();
    }
    let mut out: Vec<(usize, Vec<Vec<u8>>)> = Vec::new();
    for (n, (at, _)) in places.iter().enumerate() {
        let core = owner_of(slot_of(&words[*at as usize]), count);
        let end = places.get(n + 1).map_or(words.len(), |next| next.0 as usize);
        let mine = match out.iter().position(|(c, _)| *c == core) {
            Some(i) => &mut out[i].1,
            None => {
                out.push((core, words[..places[0].0 as usize].to_vec()));
                &mut out.last_mut().expect("just pushed").1
            }
        };
        mine.extend_from_slice(&words[*at as usize..end]);
    }
    out
}

/// Runs the cases of a command and of its subcommands on fresh cores; returns the lines that do not hold.
fn failures(spec: &Spec, count: usize) -> Vec<String> {
    let mut cores = Cores::new(count);
    let mut failures = Vec::new();
    for line in spec.cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = line.strip_suffix("# stock: skip").unwrap_or(line);
        let (words, expected) = split_case(line.strip_prefix("> ").expect("cases start with >"));
        let bytes = cores.call(&words);
        if cores.shards.iter_mut().any(|shard| shard.deferred.take().is_some()) {
            // It answers later; nobody is there to do it.
            continue;
        }
        match reply::read(&bytes).expect("well formed") {
            Some((got, used)) => {
                assert_eq!(used, bytes.len(), "one reply and nothing after it: {line}");
                if !holds(&mut &*expected, &got, false) {
                    failures.push(format!("{count} cores: {line}\n    got {got:?}"));
                }
            }
            None => failures.push(format!("{count} cores: {line}\n    got no reply")),
        }
    }
    failures.extend(spec.subs.iter().flat_map(|sub| self::failures(sub, count)));
    failures
}

#[test]
fn cases_of_connections_and_server_hold_on_any_number_of_cores() {
    let groups = [connection::SPECS, server::SPECS];
    let specs = || groups.into_iter().flatten();
    let failures: Vec<String> = [1, 2, 5].into_iter().flat_map(|n| specs().flat_map(move |spec| failures(spec, n))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_command_is_documented_in_both_protocols() {
    let mut cores = Cores::new(2);
    for proto in ["HELLO 2", "HELLO 3"] {
        cores.say(proto);
        for line in ["COMMAND", "COMMAND DOCS", "COMMAND INFO", "COMMAND LIST", "INFO everything", "MEMORY STATS", "CLIENT LIST"] {
            let bytes = cores.call(&split_args(line.as_bytes()).expect("well quoted"));
            let (_, used) = reply::read(&bytes).expect("well formed").expect("complete");
            assert_eq!(used, bytes.len(), "{line}");
        }
    }
}

#[test]
fn clients_of_all_cores_are_listed_by_id_and_killed_by_filter() {
    let mut cores = Cores::new(3);
    for (core, id) in [(2, 7), (1, 5), (0, 9)] {
        cores.shards[core].clients.insert(client(id));
    }
    let text = cores.say("CLIENT LIST");
    let ids: Vec<&str> = text.lines().filter_map(|l| l.split_once("id=")?.1.split(' ').next()).collect();
    assert_eq!(ids, ["1", "5", "7", "9"], "{text}");
    assert!(cores.say("CLIENT LIST ID 7 5 7 99").matches(" addr=").count() == 3);
    assert_eq!(cores.say("CLIENT KILL 127.0.0.1:50007"), "+OK\r\n");
    assert!(cores.shards[2].clients.iter().all(|(_, c)| c.close_now));
    assert_eq!(cores.say("CLIENT KILL TYPE normal"), ":2\r\n", "neither the caller nor one killed before");
    assert_eq!(cores.say("CLIENT KILL ID 1 SKIPME no"), ":1\r\n");
    let me = &cores.shards[0].clients[cores.client];
    assert!(me.close_after_reply && !me.close_now);
}

#[test]
fn a_password_is_asked_for_and_reset_forgets_it() {
    let mut cores = Cores::new(2);
    assert_eq!(cores.say("CONFIG SET requirepass secret"), "+OK\r\n");
    assert!(cores.shards.iter().all(|s| s.config.requirepass == b"secret" && !s.requests.is_empty()));
    assert_eq!(cores.say("RESET"), "+RESET\r\n");
    assert!(!cores.shards[0].clients[cores.client].is_authenticated);
    assert!(cores.say("HELLO 3").starts_with("-NOAUTH HELLO must be called"));
    assert!(cores.say("AUTH wrong").starts_with("-WRONGPASS"));
    assert!(cores.say("HELLO 3 AUTH default wrong SETNAME me").starts_with("-WRONGPASS"));
    assert_eq!(cores.shards[0].stats.acl_denied_auth, 2);
    assert!(cores.shards[0].clients[cores.client].name.is_empty());
    assert!(cores.say("HELLO 3 AUTH default secret SETNAME me").starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n"));
    assert_eq!(cores.say("CLIENT GETNAME"), "$2\r\nme\r\n");
    assert_eq!(cores.say("ACL WHOAMI"), "$7\r\ndefault\r\n");
}

#[test]
fn a_part_that_is_refused_decides_the_reply() {
    let mut cores = Cores::new(3);
    assert_eq!(cores.say("DEBUG POPULATE x"), "-ERR value is out of range, must be positive\r\n");
    assert_eq!(cores.say("DEBUG ERROR \"CODE a\\r\\nb\""), "-CODE a  b\r\n");
}

#[test]
fn digests_do_not_depend_on_the_number_of_cores() {
    let digest = |count| {
        let mut cores = Cores::new(count);
        cores.say("DEBUG POPULATE 50");
        cores.say("SELECT 3");
        cores.say("SET a 1");
        cores.say("DEBUG DIGEST") + &cores.say("DEBUG DIGEST-VALUE a none")
    };
    assert_eq!(digest(1), digest(4));
    assert!(!digest(1).starts_with("+0000"));
}

#[test]
fn latency_of_all_cores_is_joined() {
    let mut cores = Cores::new(2);
    let row = cores.shards[0].server.commands.find(b"GET").expect("exists") as usize;
    for shard in &mut cores.shards {
        shard.latency.record(row, 3000, 2);
        shard.latency.note("command", 10 + shard.core as u64, NOW);
    }
    let expected = "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:4\r\n$14\r\nhistogram_usec\r\n*2\r\n:4\r\n:4\r\n";
    assert_eq!(cores.say("LATENCY HISTOGRAM get"), expected);
    assert_eq!(cores.say("LATENCY LATEST"), "*1\r\n*4\r\n$7\r\ncommand\r\n:1700000000\r\n:11\r\n:11\r\n");
    assert!(cores.say("INFO latencystats").contains("latency_percentiles_usec_get:p50=3.007,p99=3.007,p99.9=3.007"));
    assert_eq!(cores.say("LATENCY RESET"), ":1\r\n");
    assert_eq!(cores.say("LATENCY LATEST"), "*0\r\n");
}

#[test]
fn slow_calls_of_all_cores_come_newest_first() {
    let mut cores = Cores::new(2);
    for (core, id, ms) in [(0, 0, 1000), (1, 2, 3000), (0, 1, 2000)] {
        let base = b"GETk";
        let spans = [Span { start: 0, len: 3 }, Span { start: 3, len: 1 }];
        let mut entry = Entry::new(id, "get", &Args { base, spans: &spans }, 7, ms);
        (entry.addr, entry.name) = ("a:1".to_string(), b"n".to_vec());
        cores.shards[core].slowlog.keep(entry, 128);
    }
    let text = cores.say("SLOWLOG GET 2");
    assert!(
        text.starts_with("*2\r\n*6\r\n:2\r\n:3\r\n:7\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n$3\r\na:1\r\n$1\r\nn\r\n*6\r\n:1\r\n:2\r\n"),
        "{text}"
    );
    assert_eq!(cores.say("SLOWLOG LEN"), ":3\r\n");
}
