//! Values in their serialised form, to and from stock Redis. Random values of every type and encoding are made on Redis 8 and
//! 7.0 and carried over by DUMP and RESTORE; Ringfort must see the same encoding and digest as Redis 8 sees after the same
//! RESTORE, write the same bytes wherever the encoding has an order, and be readable to Redis in return.
//! `RINGFORT_ORACLE_VALUES` says how many values, `RINGFORT_SEED` where to begin.

use crate::support::{Client, Program, Random, Reply, Server, Site, random, reply::printable, site::copy_folder};
use ringfort::data::codec::{FOOTER_BYTES, checksum};

/// Values of a run that does not say how many.
const VALUES: usize = 300;
/// Findings shown.
const SHOWN: usize = 12;
/// The newest version that Redis 7.0 takes, and types that it does not know.
const OLD_VERSION: u16 = 10;
const TYPES_NEWER: &[u8] = &[20, 21, 24, 25];
/// Encodings whose elements lie in an order of their own.
const UNORDERED: &str = "hashtable";

/// Thresholds that both sides get, so that small values are of all encodings too.
pub const LIMITS: &[&[&str]] = &[
    &[],
    &["list-max-listpack-size", "7", "hash-max-listpack-entries", "8", "zset-max-listpack-entries", "8", "set-max-listpack-entries", "8"],
    &["list-max-listpack-size", "-1", "hash-max-listpack-value", "20", "zset-max-listpack-value", "20", "set-max-intset-entries", "5"],
    &["list-max-listpack-size", "-2", "stream-node-max-entries", "3"],
];
const DEFAULTS: &[&str] = &[
    "list-max-listpack-size",
    "-2",
    "hash-max-listpack-entries",
    "512",
    "hash-max-listpack-value",
    "64",
    "zset-max-listpack-entries",
    "128",
    "zset-max-listpack-value",
    "64",
    "set-max-intset-entries",
    "512",
    "set-max-listpack-value",
    "64",
    "stream-node-max-entries",
    "100",
];

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|w| w.as_bytes().to_vec()).collect()
}

/// A text that tries the borders of the encodings.
pub fn text(random: &mut Random) -> Vec<u8> {
    match random.below(7) {
        0 | 1 => (random.bits() as i64 >> random.below(64)).to_string().into_bytes(),
        2 => vec![b'x'; *random.pick(&[1usize, 20, 21, 63, 64, 65, 300, 5000])],
        3 => (0..random.below(30)).map(|_| random.bits() as u8).collect(),
        4 => random.pick(&["", "0", "-0", "007", "+1", "1.0", "9223372036854775808", "-9223372036854775808"]).as_bytes().to_vec(),
        _ => format!("element:{}", random.below(5000)).into_bytes(),
    }
}

fn number(random: &mut Random) -> Vec<u8> {
    let bits = *random.pick(&[1u32, 8, 20, 40, 63]);
    (random.bits() as i64 >> (64 - bits)).to_string().into_bytes()
}

fn score(random: &mut Random, is_whole: bool) -> Vec<u8> {
    match random.below(6) {
        // Of numbers with more digits Redis does not always find the nearest shortest text.
        0 if !is_whole => format!("{}e{}", random.bits() % 1_000_000_000_000, random.below(500) as i64 - 250).into_bytes(),
        1 if !is_whole => format!("{}.{}", random.below(1000), random.below(1000)).into_bytes(),
        2 => random.pick(&["inf", "-inf", "0", "1000000"]).as_bytes().to_vec(),
        _ => (random.below(2000) as i64 - 1000).to_string().into_bytes(),
    }
}

/// Commands that make a value of some type at key `v`. `is_old`: for Redis 7.0.
pub fn value(random: &mut Random, is_old: bool) -> Vec<Vec<Vec<u8>>> {
    let most = *random.pick(&[3, 12, 150, 700]);
    let count = 1 + random.below(most);
    let kind = random.below(7);
    let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
    for n in 0..count {
        let mut command = words(["RPUSH v", "SADD v", "SADD v", "ZADD v", "HSET v", "HSET v", "XADD v *"][kind]);
        match kind {
            0 if random.once_in(3) => command[0] = b"LPUSH".to_vec(),
            // 7.0 prints a digest of other scores differently.
            3 => command.push(score(random, is_old)),
            6 => command[2] = format!("{}-{}", 1000 + n / 3, n % 3 + 1).into_bytes(),
            _ => {}
        }
        let fields = if kind == 6 { 1 + random.below(3) } else { 1 };
        for field in 0..fields {
            match kind {
                2 => command.push(number(random)),
                6 if !random.once_in(4) => command.push(format!("field{field}").into_bytes()),
                _ => command.push(text(random)),
            }
            if kind >= 4 {
                command.push(text(random));
            }
        }
        let name = command[2].clone();
        commands.push(command);
        if kind == 5 && !is_old && random.once_in(2) {
            let at = 1_900_000_000_000 + random.below(1_000_000) as u64;
            commands.push([words(&format!("HPEXPIREAT v {at} FIELDS 1")), vec![name]].concat());
        }
        if kind == 6 && random.once_in(9) {
            commands.push(words(&format!("XDEL v {}-1", 1000 + n / 3)));
        }
    }
    if kind == 6 {
        groups(random, &mut commands);
    }
    commands
}

/// Groups with consumers and pending entries, for a stream.
fn groups(random: &mut Random, commands: &mut Vec<Vec<Vec<u8>>>) {
    for group in 0..random.below(3) {
        commands.push(words(&format!("XGROUP CREATE v group{group} {}", random.pick(&["0", "$", "1001-1"]))));
        for consumer in 0..random.below(4) {
            let count = 1 + random.below(5);
            commands.push(words(&format!("XREADGROUP GROUP group{group} consumer{consumer} COUNT {count} STREAMS v >")));
        }
        if random.once_in(2) {
            commands.push(words(&format!("XACK v group{group} 1000-1 1001-2")));
        }
        commands.push(words(&format!("XGROUP CREATECONSUMER v group{group} idle")));
    }
}

fn call(client: &mut Client, line: &str) -> Reply {
    client.call(&words(line))
}

fn dump(client: &mut Client) -> Option<Vec<u8>> {
    match call(client, "DUMP v") {
        Reply::Bulk(payload) => Some(payload),
        _ => None,
    }
}

fn restore(client: &mut Client, payload: &[u8]) -> Reply {
    client.call(&[b"RESTORE".as_slice(), b"v", b"0", payload, b"REPLACE"])
}

/// What `v` holds. Of hashes the times of fields too, which not every server has in its digests.
fn content(client: &mut Client) -> Vec<Reply> {
    if call(client, "TYPE v") != Reply::Simple(b"hash".to_vec()) {
        return vec![call(client, "DEBUG DIGEST-VALUE v")];
    }
    let fields = call(client, "HKEYS v");
    let mut names: Vec<Vec<u8>> = fields.elements().iter().map(|field| field.bytes().to_vec()).collect();
    names.sort();
    let about = |name: &str, more: &[Vec<u8>]| [&[name.as_bytes().to_vec(), b"v".to_vec()], more, &names].concat();
    let count = [b"FIELDS".to_vec(), names.len().to_string().into_bytes()];
    [about("HMGET", &[]), about("HPEXPIRETIME", &count)].map(|words| client.call(&words)).to_vec()
}

fn body(payload: &[u8]) -> &[u8] {
    &payload[..payload.len() - FOOTER_BYTES]
}

/// The payload with the footer of Redis 7.0; `None` where that does not know the type.
fn for_old(payload: &[u8]) -> Option<Vec<u8>> {
    if TYPES_NEWER.contains(&payload[0]) {
        return None;
    }
    let mut old = body(payload).to_vec();
    old.extend_from_slice(&OLD_VERSION.to_le_bytes());
    let sum = checksum(&old);
    old.extend_from_slice(&sum.to_le_bytes());
    Some(old)
}

/// Three servers and what was found between them.
struct Trial {
    ours: Client,
    new: Client,
    old: Client,
    findings: Vec<String>,
}

impl Trial {
    fn expect(&mut self, what: &str, ours: &Reply, theirs: &Reply) {
        if ours != theirs {
            self.findings.push(format!("{what}: {ours}, Redis says {theirs}"));
        }
    }

    fn set(&mut self, options: &[&str]) {
        for option in options.chunks(2) {
            for client in [&mut self.ours, &mut self.new, &mut self.old] {
                client.call(&["CONFIG", "SET", option[0], option[1]]);
            }
        }
    }

    /// One payload that Redis made.
    fn carry(&mut self, payload: &[u8], what: &str) {
        self.new.call(&["DEL", "v"]);
        let ok = Reply::Simple(b"OK".to_vec());
        let (ours, theirs) = (restore(&mut self.ours, payload), restore(&mut self.new, payload));
        self.expect(&format!("{what}: RESTORE"), &ours, &theirs);
        if ours != ok {
            return;
        }
        for question in ["OBJECT ENCODING v", "DEBUG DIGEST-VALUE v", "TYPE v"] {
            let (ours, theirs) = (call(&mut self.ours, question), call(&mut self.new, question));
            self.expect(&format!("{what}: {question}"), &ours, &theirs);
        }
        let (Some(mine), Some(theirs)) = (dump(&mut self.ours), dump(&mut self.new)) else {
            return self.findings.push(format!("{what}: no DUMP"));
        };
        let encoding = call(&mut self.new, "OBJECT ENCODING v");
        if encoding != Reply::Bulk(UNORDERED.into()) && body(&mine) != body(&theirs) {
            self.findings.push(format!("{what}: DUMP of {encoding}\n    ours  {}\n    Redis {}", printable(&mine), printable(&theirs)));
        }
        let digest = call(&mut self.ours, "DEBUG DIGEST-VALUE v");
        let back = restore(&mut self.new, &mine);
        self.expect(&format!("{what}: RESTORE of our DUMP"), &ok, &back);
        let theirs = call(&mut self.new, "DEBUG DIGEST-VALUE v");
        self.expect(&format!("{what}: digest of our DUMP"), &digest, &theirs);
        if let Some(mine) = for_old(&mine) {
            let back = restore(&mut self.old, &mine);
            self.expect(&format!("{what}: RESTORE of our DUMP in 7.0"), &ok, &back);
        }
    }
}

#[test]
fn payloads_go_to_valkey_9_and_come_back_in_the_version_that_was_asked_for() {
    let servers = [
        Server::ringfort(2, &[]),
        Server::start(Program::Valkey9, &["--enable-debug-command", "yes"]),
        Server::start(Program::Debian, &["--enable-debug-command", "yes"]),
    ];
    let [mut ours, mut valkey, mut old] = [servers[0].client(), servers[1].client(), servers[2].client()];
    let (seed, ok) = (random::seed(), Reply::Simple(b"OK".to_vec()));
    for n in 0..VALUES as u64 / 2 {
        let mut random = Random::new(seed.wrapping_add(n));
        let made_by_old = n % 3 == 0;
        let maker = if made_by_old { &mut old } else { &mut valkey };
        maker.call(&["DEL", "v"]);
        value(&mut random, made_by_old).iter().for_each(|command| drop(maker.call(command)));
        let Some(payload) = dump(maker) else { continue };
        let before = if made_by_old { vec![call(maker, "DEBUG DIGEST-VALUE v")] } else { content(maker) };
        let seen = |client: &mut Client| if made_by_old { vec![call(client, "DEBUG DIGEST-VALUE v")] } else { content(client) };
        let what = format!("seed {}, type {}", seed.wrapping_add(n), payload[0]);
        assert_eq!(restore(&mut ours, &payload), ok, "{what}");
        assert_eq!(seen(&mut ours), before, "{what}");
        assert_eq!(call(&mut ours, "CONFIG SET rdb-version valkey"), ok);
        let mine = dump(&mut ours).expect("a version for every value");
        assert_eq!(mine[mine.len() - FOOTER_BYTES..][..2], [80, 0]);
        assert_eq!(restore(&mut valkey, &mine), ok, "{what}");
        assert_eq!(seen(&mut valkey), before, "{what}");
        for version in ["9", "10"] {
            assert_eq!(call(&mut ours, &format!("CONFIG SET rdb-version {version}")), ok);
            match dump(&mut ours) {
                None => assert_eq!(payload[0], 22, "{what}: only fields that expire cannot be held"),
                Some(mine) => {
                    assert_eq!(restore(&mut old, &mine), ok, "{what}");
                    let scores_alike = call(&mut ours, "TYPE v") != Reply::Simple(b"zset".to_vec()) || made_by_old;
                    let digest = call(&mut ours, "DEBUG DIGEST-VALUE v");
                    assert!(!scores_alike || call(&mut old, "DEBUG DIGEST-VALUE v") == digest, "{what}, version {version}");
                }
            }
        }
    }
}

/// What the log keeps of a payload of Valkey's is readable to servers that do not know its version.
#[test]
fn a_payload_of_valkey_is_logged_as_redis_reads_it() {
    let valkey = Server::start(Program::Valkey9, &["--enable-debug-command", "yes"]);
    let mut maker = valkey.client();
    let mut ours = Site::new(Program::Ringfort, &["--appendonly", "yes", "--appendfsync", "always"]);
    ours.start();
    let mut client = ours.client();
    for (key, line) in [("h", "HSET v f 1 g 2"), ("t", "HSET v f 1 g 2"), ("s", "SET v text"), ("l", "RPUSH v a 1 b")] {
        maker.call(&["DEL", "v"]);
        call(&mut maker, line);
        if key == "h" {
            call(&mut maker, "HPEXPIREAT v 4000000000000 FIELDS 1 g");
        }
        let payload = dump(&mut maker).expect("a payload");
        let ttl: &[u8] = if key == "t" { b"100000000" } else { b"0" };
        let reply = client.call(&[b"RESTORE".as_slice(), key.as_bytes(), ttl, &payload]);
        assert_eq!(reply, Reply::Simple(b"OK".to_vec()), "{key}");
    }
    let before = call(&mut client, "DEBUG DIGEST");
    ours.kill();
    let mut stock = Site::new(Program::Redis8, &["--appendonly", "yes"]);
    copy_folder(&ours.data, &stock.data);
    stock.start();
    assert_eq!(call(&mut stock.client(), "DEBUG DIGEST"), before);
}

#[test]
fn payloads_go_to_redis_and_come_back() {
    let plain = &["--rdbcompression", "no"];
    let servers = [
        Server::ringfort(2, plain),
        Server::start(Program::Redis8, &[plain.as_slice(), &["--enable-debug-command", "yes"]].concat()),
        Server::start(Program::Debian, plain),
    ];
    let mut trial = Trial { ours: servers[0].client(), new: servers[1].client(), old: servers[2].client(), findings: Vec::new() };
    let values = std::env::var("RINGFORT_ORACLE_VALUES").ok().and_then(|v| v.parse().ok()).unwrap_or(VALUES);
    let seed = random::seed();
    for n in 0..values as u64 {
        let mut random = Random::new(seed.wrapping_add(n));
        trial.set(DEFAULTS);
        trial.set(random.pick::<&[&str]>(LIMITS));
        let is_old = n % 3 == 0;
        let maker = if is_old { &mut trial.old } else { &mut trial.new };
        maker.call(&["DEL", "v"]);
        for command in value(&mut random, is_old) {
            maker.call(&command);
        }
        let Some(payload) = dump(maker) else { continue };
        // Half of the values find other thresholds where they arrive.
        if random.once_in(2) {
            trial.set(random.pick::<&[&str]>(LIMITS));
        }
        trial.carry(&payload, &format!("seed {} of {}, type {}", seed.wrapping_add(n), if is_old { "7.0" } else { "8.0" }, payload[0]));
    }
    let shown: Vec<_> = trial.findings.iter().take(SHOWN).map(|f| f.chars().take(1500).collect::<String>()).collect();
    assert!(shown.is_empty(), "{} differences:\n{}", trial.findings.len(), shown.join("\n"));
}
