//! What clients do and what a single map would answer: commands, blocks and watches over a handful of keys.

use super::world::{Outcome, Request, Script};
use ringfort::base::rng::Rng;
use ringfort::keyspace::{owner_of, slot_of};
use ringfort::proto::reply::Reply;

/// Most keys of a world.
pub const KEYS: usize = 8;
/// Most clients of a world.
pub const CLIENTS: usize = 8;

/// A command; keys by number.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Get(usize),
    Set(usize, i64),
    Incr(usize),
    IncrBy(usize, i64),
    Mset(Vec<usize>, i64),
    Mget(Vec<usize>),
    Msetnx(Vec<usize>, i64),
    Rename(usize, usize),
    Del(Vec<usize>),
    Exists(Vec<usize>),
}

/// What a client sends as one operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    Alone(Command),
    Block(Vec<Command>),
    Watch(Vec<usize>),
    Unwatch,
}

/// One operation of one client with what became of it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub client: usize,
    pub operation: Operation,
    pub invoke: u64,
    pub respond: u64,
    /// `None`: the connection broke before there was one; it happened or not.
    pub reply: Option<Reply>,
}

/// A map, and which watches have been touched.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Model {
    pub values: [Option<i64>; KEYS],
    /// Per client: bits of watched keys, and whether one of them changed since.
    watches: [(u8, bool); CLIENTS],
}

impl Command {
    /// Keys that it names.
    pub fn keys(&self) -> Vec<usize> {
        match self {
            Command::Get(k) | Command::Set(k, _) | Command::Incr(k) | Command::IncrBy(k, _) => vec![*k],
            Command::Rename(a, b) => vec![*a, *b],
            Command::Mset(k, _) | Command::Mget(k) | Command::Msetnx(k, _) | Command::Del(k) | Command::Exists(k) => k.clone(),
        }
    }

    fn words(&self, names: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let number = |n: &i64| n.to_string().into_bytes();
        let list = |name: &str, keys: &[usize]| -> Vec<Vec<u8>> {
            std::iter::once(name.as_bytes().to_vec()).chain(keys.iter().map(|k| names[*k].clone())).collect()
        };
        let pairs = |name: &str, keys: &[usize], first: i64| -> Vec<Vec<u8>> {
            let mut words = vec![name.as_bytes().to_vec()];
            for (n, k) in keys.iter().enumerate() {
                words.extend([names[*k].clone(), number(&(first + n as i64))]);
            }
            words
        };
        match self {
            Command::Get(k) => list("GET", &[*k]),
            Command::Set(k, v) => pairs("SET", &[*k], *v),
            Command::Incr(k) => list("INCR", &[*k]),
            Command::IncrBy(k, by) => pairs("INCRBY", &[*k], *by),
            Command::Mset(k, v) => pairs("MSET", k, *v),
            Command::Mget(k) => list("MGET", k),
            Command::Msetnx(k, v) => pairs("MSETNX", k, *v),
            Command::Rename(a, b) => list("RENAME", &[*a, *b]),
            Command::Del(k) => list("DEL", k),
            Command::Exists(k) => list("EXISTS", k),
        }
    }
}

impl Operation {
    /// Keys that it names.
    pub fn keys(&self) -> Vec<usize> {
        match self {
            Operation::Alone(c) => c.keys(),
            Operation::Block(cs) => cs.iter().flat_map(Command::keys).collect(),
            Operation::Watch(k) => k.clone(),
            Operation::Unwatch => Vec::new(),
        }
    }

    /// Its commands as bytes.
    pub fn request(&self, names: &[Vec<u8>]) -> Request {
        let word = |w: &str| vec![w.as_bytes().to_vec()];
        let commands: Vec<Vec<Vec<u8>>> = match self {
            Operation::Alone(c) => vec![c.words(names)],
            Operation::Block(cs) => {
                let inner = cs.iter().map(|c| c.words(names));
                std::iter::once(word("MULTI")).chain(inner).chain(std::iter::once(word("EXEC"))).collect()
            }
            Operation::Watch(keys) => vec![word("WATCH").into_iter().chain(keys.iter().map(|k| names[*k].clone())).collect()],
            Operation::Unwatch => vec![word("UNWATCH")],
        };
        let mut request = Request { bytes: Vec::new(), last: 0, replies: commands.len() };
        for words in commands {
            request.last = request.bytes.len();
            encode(&words, &mut request.bytes);
        }
        request
    }

    /// Whether the replies before the last are what they must be.
    pub fn preface_fits(&self, replies: &[Reply]) -> bool {
        let (Some((_, before)), Operation::Block(_)) = (replies.split_last(), self) else { return replies.len() == 1 };
        before.iter().enumerate().all(|(n, r)| *r == Reply::Simple(if n == 0 { b"OK".to_vec() } else { b"QUEUED".to_vec() }))
    }
}

/// A command in the request form of RESP.
pub fn encode(words: &[Vec<u8>], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

impl Model {
    fn touch(&mut self, key: usize) {
        for (keys, is_dirty) in &mut self.watches {
            *is_dirty |= *keys & (1 << key) != 0;
        }
    }

    fn put(&mut self, key: usize, value: Option<i64>) {
        self.values[key] = value;
        self.touch(key);
    }

    fn run(&mut self, command: &Command) -> Reply {
        let ok = || Reply::Simple(b"OK".to_vec());
        let bulk = |v: Option<i64>| v.map_or(Reply::Null, |v| Reply::Bulk(v.to_string().into_bytes()));
        match command {
            Command::Get(k) => bulk(self.values[*k]),
            Command::Set(k, v) => {
                self.put(*k, Some(*v));
                ok()
            }
            Command::Incr(k) => self.add(*k, 1),
            Command::IncrBy(k, by) => self.add(*k, *by),
            Command::Mset(keys, v) => {
                keys.iter().enumerate().for_each(|(n, k)| self.put(*k, Some(v + n as i64)));
                ok()
            }
            Command::Mget(keys) => Reply::Array(keys.iter().map(|k| bulk(self.values[*k])).collect()),
            Command::Msetnx(keys, v) => {
                let is_free = keys.iter().all(|k| self.values[*k].is_none());
                if is_free {
                    keys.iter().enumerate().for_each(|(n, k)| self.put(*k, Some(v + n as i64)));
                }
                Reply::Int(i64::from(is_free))
            }
            Command::Rename(from, to) => {
                let Some(value) = self.values[*from] else { return Reply::Error(b"ERR no such key".to_vec()) };
                self.put(*from, None);
                self.put(*to, Some(value));
                ok()
            }
            Command::Del(keys) => {
                let found: Vec<usize> = keys.iter().copied().filter(|k| self.values[*k].is_some()).collect();
                found.iter().for_each(|k| self.put(*k, None));
                Reply::Int(found.len() as i64)
            }
            Command::Exists(keys) => Reply::Int(keys.iter().filter(|k| self.values[**k].is_some()).count() as i64),
        }
    }

    fn add(&mut self, key: usize, by: i64) -> Reply {
        let sum = self.values[key].unwrap_or(0) + by;
        self.put(key, Some(sum));
        Reply::Int(sum)
    }

    /// Carries out an operation and returns its (last) reply.
    pub fn apply(&mut self, client: usize, operation: &Operation) -> Reply {
        match operation {
            Operation::Alone(c) => self.run(c),
            Operation::Block(commands) => {
                let (_, is_dirty) = std::mem::take(&mut self.watches[client]);
                if is_dirty { Reply::NullArray } else { Reply::Array(commands.iter().map(|c| self.run(c)).collect()) }
            }
            Operation::Watch(keys) => {
                keys.iter().for_each(|k| self.watches[client].0 |= 1 << k);
                Reply::Simple(b"OK".to_vec())
            }
            Operation::Unwatch => {
                self.watches[client] = Default::default();
                Reply::Simple(b"OK".to_vec())
            }
        }
    }
}

/// Keys that lie on the cores in turn; some share a slot.
pub fn key_names(cores: usize, count: usize) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for n in 0..10_000 {
        if names.len() == count {
            break;
        }
        let name = format!("k{n}").into_bytes();
        if owner_of(slot_of(&name), cores) == names.len() % cores {
            names.push(name);
        }
    }
    if count > cores && count > 3 {
        // The last key shares the slot of the first.
        let tag = String::from_utf8_lossy(&names[0]).into_owned();
        names[count - 1] = format!("{{{tag}}}x").into_bytes();
    }
    names
}

/// Scripts of several clients: which commands are frequent is drawn anew for every world.
pub struct Plan {
    pub names: Vec<Vec<u8>>,
    pub operations: Vec<Vec<Operation>>,
    pub scripts: Vec<Script>,
}

/// Draws a plan for `cores` cores.
pub fn plan(rng: &mut Rng, cores: usize) -> Plan {
    let keys = 2 + rng.below(5) as usize;
    let names = key_names(cores, keys);
    let clients = 2 + rng.below(5) as usize;
    let weights: Vec<u64> = (0..13).map(|_| [0, 1, 1, 4][rng.below(4) as usize]).collect();
    let length = 36 / clients + 1;
    let mut value = 0;
    let mut operations = Vec::new();
    let mut scripts = Vec::new();
    for _ in 0..clients {
        let own: Vec<Operation> = (0..length).map(|_| operation(rng, &weights, keys, &mut value)).collect();
        scripts.push(Script {
            core: rng.below(cores as u64) as usize,
            pipeline: 1 + rng.below(4) as usize,
            breaks_after: (rng.below(8) == 0).then(|| rng.below(length as u64) as usize),
            requests: own.iter().map(|o| o.request(&names)).collect(),
        });
        operations.push(own);
    }
    Plan { names, operations, scripts }
}

fn operation(rng: &mut Rng, weights: &[u64], keys: usize, value: &mut i64) -> Operation {
    match pick(rng, weights) {
        10 => Operation::Block((0..1 + rng.below(3)).map(|_| command(rng, &weights[..10], keys, value)).collect()),
        11 => Operation::Watch(some_keys(rng, keys)),
        12 if rng.below(4) == 0 => Operation::Unwatch,
        12 => Operation::Block((0..1 + rng.below(2)).map(|_| command(rng, &weights[..10], keys, value)).collect()),
        _ => Operation::Alone(command(rng, &weights[..10], keys, value)),
    }
}

fn pick(rng: &mut Rng, weights: &[u64]) -> usize {
    let mut at = rng.below(weights.iter().sum());
    weights
        .iter()
        .position(|w| {
            at < *w || {
                at -= *w;
                false
            }
        })
        .unwrap_or(0)
}

fn some_keys(rng: &mut Rng, keys: usize) -> Vec<usize> {
    let first = rng.below(keys as u64) as usize;
    let count = 1 + rng.below(3.min(keys as u64)) as usize;
    (0..count).map(|n| (first + n) % keys).collect()
}

fn command(rng: &mut Rng, weights: &[u64], keys: usize, value: &mut i64) -> Command {
    *value += 100;
    let key = rng.below(keys as u64) as usize;
    match pick(rng, weights) {
        0 => Command::Get(key),
        1 => Command::Set(key, *value),
        2 => Command::Incr(key),
        3 => Command::IncrBy(key, 7),
        4 => Command::Mset(some_keys(rng, keys), *value),
        5 => Command::Mget(some_keys(rng, keys)),
        6 => Command::Msetnx(some_keys(rng, keys), *value),
        7 => Command::Rename(key, (key + 1 + rng.below(keys as u64 - 1) as usize) % keys),
        8 => Command::Del(some_keys(rng, keys)),
        _ => Command::Exists(some_keys(rng, keys)),
    }
}

/// Operations with their outcomes, or the first reply that is wrong whatever the order.
pub fn entries(operations: &[Vec<Operation>], outcomes: &[Vec<Outcome>]) -> Result<Vec<Entry>, String> {
    let mut all = Vec::new();
    for (client, (own, got)) in operations.iter().zip(outcomes).enumerate() {
        for (operation, outcome) in own.iter().zip(got) {
            if outcome.respond == u64::MAX {
                let (operation, invoke, respond) = (operation.clone(), outcome.invoke, outcome.respond);
                all.push(Entry { client, operation, invoke, respond, reply: None });
                continue;
            }
            if !operation.preface_fits(&outcome.replies) {
                return Err(format!("client {client}: {operation:?} was answered {:?}", outcome.replies));
            }
            let reply = outcome.replies.last().cloned();
            all.push(Entry { client, operation: operation.clone(), invoke: outcome.invoke, respond: outcome.respond, reply });
        }
    }
    Ok(all)
}
