//! Clients that write as fast as they can and keep a ledger of it: pipelines of 1 to 64 units, every kind of value, commands over
//! several cores, transactions; and shared counters that all of them add to.

use super::ledger::{GROUPS, Ledger, Rule, Verdict, judge};
use super::model::{self, KINDS, State, Value, Words};
use crate::support::{Client, Random, Reply, client::request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest pipeline, in units.
const PIPELINE: usize = 64;
/// Elements of a collection beyond which some are taken out.
const MANY: usize = 24;
/// Times to live end this far in the future: nothing expires during a test.
const FAR_MS: i64 = 4_000_000_000_000;

/// What the clients do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// All kinds of values, in database 0.
    Plain,
    /// Also values of up to a megabyte, and keys that come and go by the hundred.
    Big,
    /// FLUSHALL, FLUSHDB and SWAPDB between writes to databases 3 and 4. One writer; the others write what nobody reads.
    Flushes,
}

impl Theme {
    fn databases(self) -> &'static [u8] {
        if self == Theme::Flushes { &[3, 4] } else { &[0] }
    }
}

/// Additions to one of the shared counters.
#[derive(Clone, Copy, Default)]
struct Added {
    attempted: i64,
    acked: i64,
    /// The highest value that a reply showed, to a write or a read: from then on it must not be lower.
    seen: i64,
}

/// What a reply in the pipeline belongs to.
enum Awaited {
    Unit(usize),
    Total(usize),
    /// A read of a shared counter.
    Look(usize),
    /// Not the last reply of a unit.
    Nothing,
}

/// One client.
pub struct Writer {
    pub ledger: Ledger,
    totals: [Added; GROUPS],
    random: Random,
    serial: u64,
    db: u8,
    /// An error reply; none is expected.
    pub refused: Option<String>,
}

/// A command made of words of any kind.
macro_rules! words {
    ($($word:expr),+) => { vec![$(Vec::<u8>::from($word)),+] };
}

impl Writer {
    fn new(connection: usize, seed: u64) -> Writer {
        let random = Random::new(seed ^ (connection as u64) << 32);
        Writer { ledger: Ledger::new(connection), totals: Default::default(), random, serial: 0, db: 0, refused: None }
    }

    /// Writes until told to stop, or until the server is gone.
    pub fn drive(&mut self, address: SocketAddr, theme: Theme, pause: Duration, stop: &AtomicBool) {
        let Ok(mut client) = Client::connect(address) else { return };
        self.db = 0;
        let is_noise = theme == Theme::Flushes && self.ledger.connection > 0;
        while !stop.load(Ordering::Relaxed) {
            let (bytes, awaited) = if is_noise { self.noise() } else { self.pipeline(theme) };
            client.send(&bytes);
            for waits in awaited {
                let Ok(reply) = client.read() else { return };
                // A counter that nobody has added to is not there.
                let is_bare = matches!(waits, Awaited::Look(_)) && reply == Reply::Null;
                if let Some(error) = error_in(&reply).filter(|_| !is_bare) {
                    self.refused = Some(error);
                    return;
                }
                match waits {
                    Awaited::Unit(n) => self.ledger.attempts[n].acked = Some(Instant::now()),
                    Awaited::Total(n) => {
                        self.totals[n].acked += 1;
                        self.totals[n].seen = self.totals[n].seen.max(number(&reply));
                    }
                    Awaited::Look(n) => self.totals[n].seen = self.totals[n].seen.max(number(&reply)),
                    Awaited::Nothing => {}
                }
            }
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
    }

    fn pipeline(&mut self, theme: Theme) -> (Vec<u8>, Vec<Awaited>) {
        let most = *self.random.pick(&[1, 4, 16, PIPELINE]);
        let (mut bytes, mut awaited) = (Vec::new(), Vec::new());
        for _ in 0..1 + self.random.below(most) {
            if theme != Theme::Flushes && self.random.once_in(12) {
                let n = self.random.below(GROUPS);
                self.totals[n].attempted += 1;
                bytes.extend(request(&["INCR", &total(n)]));
                awaited.push(Awaited::Total(n));
                let n = self.random.below(GROUPS);
                bytes.extend(request(&["GET", &total(n)]));
                awaited.push(Awaited::Look(n));
                continue;
            }
            let db = *self.random.pick(theme.databases());
            if db != self.db {
                self.db = db;
                bytes.extend(request(&["SELECT", &db.to_string()]));
                awaited.push(Awaited::Nothing);
            }
            let (commands, groups, is_transaction) = self.unit(db, theme);
            if is_transaction {
                bytes.extend(request(&["MULTI"]));
                awaited.push(Awaited::Nothing);
            }
            for command in &commands {
                bytes.extend(request(command));
                if is_transaction {
                    awaited.push(Awaited::Nothing);
                }
            }
            if is_transaction {
                bytes.extend(request(&["EXEC"]));
            }
            awaited.push(Awaited::Unit(self.ledger.attempts.len()));
            self.ledger.attempt(db, commands, groups);
        }
        (bytes, awaited)
    }

    /// Writes that only keep the cores busy, in a database of their own.
    fn noise(&mut self) -> (Vec<u8>, Vec<Awaited>) {
        let mut bytes = request(&["SELECT", "9"]);
        let count = 1 + self.random.below(16);
        for _ in 0..count {
            bytes.extend(request(&["SET", &format!("noise{}", self.random.below(500)), "x"]));
        }
        (bytes, (0..=count).map(|_| Awaited::Nothing).collect())
    }

    /// Commands, the groups they touch, and whether they are to be one transaction.
    fn unit(&mut self, db: u8, theme: Theme) -> (Vec<Words>, Vec<usize>, bool) {
        if theme == Theme::Flushes && self.random.once_in(30) {
            let command = match self.random.below(5) {
                0 => words!["FLUSHALL"],
                1 | 2 => words!["FLUSHDB"],
                _ => words!["SWAPDB", "3", "4"],
            };
            return (vec![command], Vec::new(), false);
        }
        match self.random.below(10) {
            0 => {
                let groups = self.some_groups();
                self.serial += 1;
                let mut command = words!["MSET"];
                for group in &groups {
                    let kind = b'0' + self.random.below(4) as u8;
                    command.extend([self.key(*group, kind), self.serial.to_string().into_bytes()]);
                }
                (vec![command], groups, false)
            }
            1 | 2 => {
                let groups = self.some_groups();
                let commands = groups.iter().map(|g| self.single(db, *g, theme)).collect();
                (commands, groups, true)
            }
            _ => {
                let group = self.random.below(GROUPS);
                (vec![self.single(db, group, theme)], vec![group], false)
            }
        }
    }

    /// Two to four different groups.
    fn some_groups(&mut self) -> Vec<usize> {
        let (first, step, count) = (self.random.below(GROUPS), 1 + self.random.below(2), 2 + self.random.below(3));
        (0..count).map(|n| (first + n * step) % GROUPS).collect()
    }

    fn key(&self, group: usize, kind: u8) -> Vec<u8> {
        format!("{}{}", self.ledger.prefix(group), kind as char).into_bytes()
    }

    /// A command on one group that changes something and cannot fail.
    fn single(&mut self, db: u8, group: usize, theme: Theme) -> Words {
        self.serial += 1;
        let n = self.serial.to_string();
        let kind = *self.random.pick(KINDS);
        let key = self.key(group, kind);
        let value = self.ledger.front[group].get(&(db, key.clone())).cloned();
        let few = self.random.below(5);
        if theme == Theme::Big && self.random.below(10) < 7 {
            return self.growth(db, group, n);
        }
        match (kind, value) {
            // What is there sometimes goes as a whole.
            (_, Some(_)) if self.random.once_in(25) => words!["DEL", key],
            (b'0'..=b'3', Some(_)) if self.random.once_in(12) => {
                let to = self.key(group, b'0' + (kind - b'0' + 1) % 4);
                words!["RENAME", key, to]
            }
            (b'0'..=b'3', _) if few == 0 => words!["SET", key, n, "PXAT", (FAR_MS + self.serial as i64).to_string()],
            (b'0'..=b'3', _) => words!["SET", key, n],
            (b'n', _) => words!["INCR", key],
            (b'b', Some(Value::Text(text, _))) if text.len() > 2000 => words!["SET", key, n],
            (b'b', _) => words!["APPEND", key, format!("{n}.")],
            (b'l', Some(Value::List(list))) if list.len() > MANY || few == 0 => words!["LPOP", key],
            (b'l', _) => words!["RPUSH", key, n, "and more"],
            (b's', Some(Value::Set(set))) if set.len() > MANY => words!["SREM", key, set.first().cloned().unwrap_or_default()],
            (b's', _) => words!["SADD", key, n],
            (b'x', Some(Value::Stream(entries))) if entries.len() > MANY => words!["XDEL", key, entries[0].0.clone()],
            (b'x', _) => words!["XADD", key, format!("{n}-1"), "f", n],
            (b'h', _) => words!["HSET", key, format!("field{}", self.random.below(30)), n],
            _ => words!["ZADD", key, n, format!("member{}", self.random.below(30))],
        }
    }
}

impl Writer {
    /// Keys that come, go and change their names by the hundred, so that tables grow under a snapshot; and big values.
    fn growth(&mut self, db: u8, group: usize, n: String) -> Words {
        let new = format!("{}new{n}:0", self.ledger.prefix(group)).into_bytes();
        let first = self.ledger.front[group].range((db, format!("{}new", self.ledger.prefix(group)).into_bytes())..).next();
        let old = first.map(|((_, key), _)| key.clone()).filter(|key| key.ends_with(b":0"));
        match (self.random.below(1000), old) {
            (0..2, _) => words!["SET", self.key(group, b'b'), format!("{n}:{}", "big ".repeat(1 << 20))],
            (2..8, _) => words!["SET", self.key(group, b'b'), format!("{n}:{}", "big ".repeat(1 + self.random.below(60_000)))],
            (8..250, Some(old)) => words!["DEL", old],
            (250..400, Some(old)) => words!["RENAME", old, new],
            _ => words!["SET", new, n],
        }
    }
}

fn total(n: usize) -> String {
    format!("{{g{n}}}total")
}

/// The error in a reply, also inside of the reply to EXEC.
fn error_in(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Error(text) => Some(String::from_utf8_lossy(text).into_owned()),
        Reply::Null => Some("EXEC was refused".into()),
        Reply::Array(elements) => elements.iter().find_map(|e| if *e == Reply::Null { None } else { error_in(e) }),
        _ => None,
    }
}

/// The number in a reply, 0 if there is none.
fn number(reply: &Reply) -> i64 {
    match reply {
        Reply::Int(n) => *n,
        other => String::from_utf8_lossy(other.bytes()).parse().unwrap_or(0),
    }
}

/// All clients.
pub struct Load {
    theme: Theme,
    /// Between two pipelines of a client: a run of seconds would else be long to judge.
    pub pause: Duration,
    writers: Vec<Writer>,
    /// The shared counters as they were found last.
    totals: [i64; GROUPS],
}

/// Clients at work.
pub struct Running {
    theme: Theme,
    pause: Duration,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Writer>>,
    totals: [i64; GROUPS],
}

impl Load {
    pub fn new(theme: Theme, clients: usize, seed: u64) -> Load {
        Load { theme, pause: Duration::ZERO, writers: (0..clients).map(|c| Writer::new(c, seed)).collect(), totals: [0; GROUPS] }
    }

    /// Lets the clients begin.
    pub fn begin(self, address: SocketAddr) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |mut writer: Writer| {
            let (stop, theme, pause) = (stop.clone(), self.theme, self.pause);
            std::thread::spawn(move || {
                writer.drive(address, theme, pause, &stop);
                writer
            })
        };
        let threads = self.writers.into_iter().map(start).collect();
        Running { theme: self.theme, pause: self.pause, stop, threads, totals: self.totals }
    }

    /// Reads everything back and judges it; goes on from what was found.
    pub fn settle(&mut self, client: &mut Client, rule: &Rule) -> Result<Verdict, String> {
        let found = self.look(client)?;
        let verdict = self.judge(&found, rule)?;
        self.totals = found.totals;
        for (writer, groups) in self.writers.iter_mut().zip(found.groups) {
            writer.ledger.go_on(groups);
            writer.totals = Default::default();
        }
        Ok(verdict)
    }

    /// Judges what was found, without going on from there.
    pub fn judge(&self, found: &Found, rule: &Rule) -> Result<Verdict, String> {
        if let Some(error) = self.writers.iter().find_map(|w| w.refused.as_ref()) {
            return Err(format!("a write was refused: {error}"));
        }
        let readers = if self.theme == Theme::Flushes { 1 } else { self.writers.len() };
        let pairs = self.writers.iter().zip(&found.groups).take(readers);
        let comparisons = pairs.map(|(writer, groups)| writer.ledger.compare(groups, rule)).collect::<Result<Vec<_>, _>>()?;
        let verdict = judge(comparisons, rule)?;
        // Shared counters: acknowledged <= found <= attempted. Which additions fall into the time that may be lost is not known.
        let is_all_promised = rule.promised_until > Instant::now();
        for n in 0..GROUPS {
            let sum = |of: fn(&Added) -> i64| self.writers.iter().map(|w| of(&w.totals[n])).sum::<i64>();
            let (base, acked, attempted) = (self.totals[n], sum(|a| a.acked), sum(|a| a.attempted));
            let seen = self.writers.iter().map(|w| w.totals[n].seen).max().unwrap_or(0);
            let least = if is_all_promised { seen.max(base + acked) } else { base };
            if !(least..=base + attempted).contains(&found.totals[n]) {
                let found = found.totals[n];
                return Err(format!(
                    "{} is {found}; it was {base}, {acked} additions were acknowledged, {attempted} tried, {seen} was read",
                    total(n)
                ));
            }
        }
        Ok(verdict)
    }

    /// Reads everything that the clients wrote, wherever it is now.
    pub fn look(&self, client: &mut Client) -> Result<Found, String> {
        let mut found = Found { groups: self.writers.iter().map(|_| vec![State::new(); GROUPS]).collect(), totals: [0; GROUPS] };
        for db in self.theme.databases() {
            client.call(&["SELECT", &db.to_string()]);
            let mut keys: Vec<Vec<Vec<Vec<u8>>>> = self.writers.iter().map(|_| vec![Vec::new(); GROUPS]).collect();
            for key in client.call(&["KEYS", "*"]).elements().iter().map(Reply::bytes) {
                match place(key) {
                    Some((group, Some(connection))) if connection < keys.len() && group < GROUPS => {
                        keys[connection][group].push(key.to_vec())
                    }
                    // A shared counter or an account.
                    Some((_, None)) => {}
                    _ => return Err(format!("{} is there and nobody wrote it", String::from_utf8_lossy(key))),
                }
            }
            for (groups, keys) in found.groups.iter_mut().zip(&keys) {
                groups.iter_mut().zip(keys).for_each(|(state, keys)| model::read(client, *db, keys, state));
            }
        }
        client.call(&["SELECT", "0"]);
        for (n, found) in found.totals.iter_mut().enumerate() {
            *found = number(&client.call(&["GET", &total(n)]));
        }
        Ok(found)
    }
}

/// What is on a server: the groups of each connection, and the shared counters.
pub struct Found {
    groups: Vec<Vec<State>>,
    totals: [i64; GROUPS],
}

/// The group and connection in the name of a key; accounts and counters belong to no connection.
fn place(key: &[u8]) -> Option<(usize, Option<usize>)> {
    let (tag, rest) = std::str::from_utf8(key).ok()?.strip_prefix('{')?.split_once('}')?;
    if tag.starts_with('a') || rest == "total" {
        return Some((0, None));
    }
    let connection = rest.strip_prefix('c')?.split_once(':')?.0;
    Some((tag.strip_prefix('g')?.parse().ok()?, Some(connection.parse().ok()?)))
}

impl Running {
    /// Tells the clients to stop; they finish their pipelines.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the clients, who end when the server is gone or when they were told to.
    pub fn join(self) -> Load {
        let writers = self.threads.into_iter().map(|t| t.join().expect("a client does not panic")).collect();
        Load { theme: self.theme, pause: self.pause, writers, totals: self.totals }
    }
}
