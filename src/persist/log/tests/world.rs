//! Cores with logs, a book, messages that travel, a disk that fails, and what clients were told. After each kill the files are recovered and held
//! against the history: every core shows a state that it had, transactions are whole, and nothing that was acknowledged is missing.

use super::fs::{Fs, Port};
use crate::base::rng::Rng;
use crate::config::{Config, kinds::AppendFsync};
use crate::persist::{
    aof::{self, LoadKind, Recovered},
    book::{Book, BookStart},
    log::{How, Log, LogNote, LogStart},
    plan::{Note, Now, Out, Part, Point, SaveJob},
};
use crate::spec::{
    Shard, Table,
    effect::{Effects, Record},
    persist::{Ask, Figures, Wish},
    shard::Server,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, atomic::AtomicU64};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Eff {
    Set(u64),
    Flush,
}

/// One unit of a core's history.
#[derive(Clone, Debug)]
struct Event {
    effects: Vec<Eff>,
    ticket: Option<u64>,
    /// Position behind it, 0 if it was recovered.
    at: u64,
    /// It was appended when acknowledging it promises something.
    is_promised: bool,
    is_acked: bool,
}

impl Event {
    fn has_flush(&self) -> bool {
        self.effects.contains(&Eff::Flush)
    }

    /// Acknowledging it promises something: it did when it was appended, and CONFIG SET has not lowered that since.
    fn may_count(&self, core: &Core) -> bool {
        self.is_promised && (self.has_flush() || core.log.policy() == AppendFsync::Always)
    }
}

/// Something that runs on several cores at one place of the order.
#[derive(Clone)]
enum Work {
    Part { ticket: u64, participants: Arc<[u16]>, effects: Vec<Eff> },
    Point { ticket: u64, point: Point },
}

struct Core {
    log: Log,
    shard: Shard,
    queue: VecDeque<Work>,
    history: Vec<Event>,
}

/// Faults of whoever uses the log, planted to see that they are found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Fault {
    #[default]
    None,
    /// Replies leave as soon as their effects are appended.
    AcksAtOnce,
    /// Tickets count as safe as soon as they are durable on one core.
    TrustsItself,
    /// Generations count as live at once.
    LiveAtOnce,
    /// Parts of tickets are logged as if they belonged to one core.
    ForgetsTickets,
    /// WAITAOF answers as soon as everything is on disk here.
    WaitsForItself,
}

pub struct World {
    pub fs: Fs,
    pub rng: Rng,
    pub fault: Fault,
    cores: Vec<Core>,
    pub book: Book,
    /// Messages by sender and receiver.
    mail: BTreeMap<(usize, usize), VecDeque<LogNote>>,
    pub now: Now,
    next_ticket: u64,
    next_id: u64,
    run: u64,
    boot: u64,
    /// The snapshot under way, and what it has of each core.
    snapshot: Option<(SaveJob, BTreeMap<usize, Vec<u64>>)>,
    asks: BTreeMap<Ask, Vec<usize>>,
    next_ask: u64,
    pub answers: (usize, usize),
    pub is_dead: bool,
    pub lines: Vec<String>,
    pub kills: usize,
    pub has_rewrites: bool,
    pub is_calm: bool,
}

pub fn shards(cores: usize, policy: AppendFsync) -> Vec<Shard> {
    let server = Server {
        run_id: "0".repeat(40),
        pid: 1,
        started_ms: 0,
        executable: String::new(),
        config_file: String::new(),
        os: String::new(),
        commands: Table::new(&[], &[]),
        next_client: AtomicU64::new(1),
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
        supervised: "no",
        enter_dir: |dir| Ok(dir.to_vec()),
        sleep: |_| (),
    };
    let server: &'static Server = Box::leak(Box::new(server));
    let config = Config { appendonly: true, appendfsync: policy, aof_use_rdb_preamble: false, databases: 2, ..Config::default() };
    (0..cores).map(|core| Shard::new(core, cores, config.clone(), server, 1, 1)).collect()
}

impl World {
    pub fn new(seed: u64, cores: usize, policy: AppendFsync) -> World {
        let cores: Vec<Core> = shards(cores, policy)
            .into_iter()
            .map(|shard| Core { log: Log::new(shard.core, shard.cores), shard, queue: VecDeque::new(), history: Vec::new() })
            .collect();
        let mut world = World {
            fs: Fs::new(seed ^ 0x5555),
            rng: Rng::new(seed),
            fault: Fault::None,
            book: Book::new(cores.len()),
            cores,
            mail: BTreeMap::new(),
            now: Now { wall_ms: 1_700_000_000_000, mono_ms: 5000 },
            next_ticket: 1,
            next_id: 1,
            run: 0,
            boot: 0,
            snapshot: None,
            asks: BTreeMap::new(),
            next_ask: 0,
            answers: (0, 0),
            is_dead: false,
            lines: Vec::new(),
            kills: 0,
            has_rewrites: true,
            is_calm: false,
        };
        world.start();
        world
    }

    pub fn each_config(&mut self, change: impl Fn(&mut Config)) {
        self.cores.iter_mut().for_each(|core| change(&mut core.shard.config));
    }

    pub fn figures(&self) -> Figures {
        self.cores[0].shard.persist.clone()
    }
    pub fn functions(&mut self, libraries: Vec<Vec<u8>>) {
        self.cores[0].shard.persist.functions = libraries;
    }
    pub fn size(&self, file: &str) -> u64 {
        self.fs.bytes(format!("appendonlydir/appendonly.aof.{file}").as_bytes()).map_or(0, |b| b.len() as u64)
    }
    pub fn flush_all(&mut self) {
        self.book.flush_all(&self.cores[0].log);
    }
    /// Whatever was logged has to be found from here on.
    pub fn expect_everything(&mut self) {
        self.cores.iter_mut().flat_map(|c| &mut c.history).for_each(|e| e.is_acked = true);
    }
    pub fn is_drained(&self) -> bool {
        self.cores.iter().all(|c| c.queue.is_empty())
    }
    /// Some reply waits.
    pub fn held(&self) -> bool {
        self.cores.iter().any(|c| c.log.acked() < c.log.position())
    }
    /// FLUSHALL; alone, or in a transaction.
    pub fn global(&mut self, in_transaction: bool) {
        if in_transaction {
            self.transaction(true);
            return;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let participants: Arc<[u16]> = (0..self.cores.len() as u16).collect();
        for core in &mut self.cores {
            core.queue.push_back(Work::Part { ticket, participants: participants.clone(), effects: vec![Eff::Flush] });
        }
    }

    /// Recovers and begins; gives what recovery found.
    fn start(&mut self) {
        let found = aof::recover(&mut self.fs, &self.cores[0].shard.config, self.cores.len(), &format!("boot{}", self.boot));
        let found = found.unwrap_or_else(|e| {
            self.show();
            panic!("start-up refused: {e}")
        });
        let keys = self.keys(&found);
        self.compare(&keys);
        self.run += 1;
        self.mail.clear();
        self.asks.clear();
        self.snapshot = None;
        self.next_ticket = 1;
        self.is_dead = false;
        self.book = Book::new(self.cores.len());
        let config = self.cores[0].shard.config.clone();
        let start = BookStart {
            manifest: found.manifest.clone(),
            next_base: found.next_base,
            is_on: true,
            is_extended: found.append.is_some(),
            generation: found.generation,
            base_bytes: found.base_bytes,
            log_bytes: found.log_bytes,
        };
        self.book.begin(start, &config);
        for (n, core) in self.cores.iter_mut().enumerate() {
            let how = found.append.as_ref().map_or(How::Begin, |a| How::Extend { path: a[n].path.clone(), len: a[n].len });
            let (run, boot) = (format!("run{}", self.run), format!("boot{}", self.boot));
            core.log = Log::new(n, core.shard.cores);
            core.log.begin(LogStart { run, boot, generation: found.generation, next_seq: found.next_incr as u64, how }, self.now, &config);
            core.queue.clear();
            core.shard.persist = Default::default();
        }
        for _ in 0..100_000 {
            if self.cores.iter().all(|core| core.log.is_ready()) {
                break;
            }
            self.turn();
        }
        assert!(self.cores.iter().all(|core| core.log.is_ready()), "start-up ends");
        // Whatever was recovered is durable again.
        self.cores.iter_mut().flat_map(|core| &mut core.history).for_each(|event| event.is_acked = true);
    }

    /// Keys that loading the files gives.
    fn keys(&self, found: &Recovered) -> BTreeSet<(usize, u64)> {
        let mut keys = BTreeSet::new();
        for file in found.plan.files() {
            assert_eq!(file.kind, LoadKind::Commands);
            let bytes = &self.fs.bytes(&file.path).expect("a listed file")[file.start as usize..file.end as usize];
            let text = std::str::from_utf8(bytes).expect("ASCII");
            let words: Vec<&str> = text.split("\r\n").filter(|l| !l.starts_with(['#', '*', '$'])).collect();
            for (at, word) in words.iter().enumerate() {
                match *word {
                    "SET" => {
                        let (core, id) = words[at + 1].split_once(':').expect("a key");
                        keys.insert((core.parse().expect("a core"), id.parse().expect("an id")));
                    }
                    "FLUSHALL" => keys.clear(),
                    _ => {}
                }
            }
        }
        keys
    }

    /// Holds what was recovered against the history, and makes it the history.
    fn compare(&mut self, keys: &BTreeSet<(usize, u64)>) {
        let cores = self.cores.len();
        let flushes = |core: &Core| core.history.iter().flat_map(|e| &e.effects).filter(|e| **e == Eff::Flush).count();
        let most = self.cores.iter().map(flushes).max().unwrap_or(0);
        let mut why = Vec::new();
        for flushed in (0..=most).rev() {
            let ends: Vec<Option<usize>> = (0..cores).map(|core| self.prefix(core, flushed, keys)).collect();
            if ends.iter().any(Option::is_none) {
                why.push(format!("{flushed} flushes: prefixes {ends:?}"));
                continue;
            }
            let ends: Vec<usize> = ends.into_iter().flatten().collect();
            match self.torn(&ends) {
                Some(ticket) => why.push(format!("{flushed} flushes: ticket {ticket} is torn, prefixes {ends:?}")),
                None => {
                    for (core, end) in self.cores.iter_mut().zip(ends) {
                        core.history.truncate(end);
                        core.history.iter_mut().for_each(|e| (e.ticket, e.at) = (None, 0));
                    }
                    return;
                }
            }
        }
        let acked: Vec<usize> = self.cores.iter().map(|c| c.history.iter().rposition(|e| e.is_acked).map_or(0, |n| n + 1)).collect();
        self.show();
        for (n, core) in self.cores.iter().enumerate() {
            println!("core {n} has {:?}", keys.range((n, 0)..(n + 1, 0)).map(|k| k.1).collect::<Vec<_>>());
            let from = core.history.iter().rposition(|e| e.is_acked).unwrap_or(0).saturating_sub(15);
            core.history[from..].iter().take(30).for_each(|e| println!("  {e:?}"));
        }
        panic!(
            "no state that clients saw; acknowledged {acked:?} of {:?}: {why:?}",
            self.cores.iter().map(|c| c.history.len()).collect::<Vec<_>>()
        );
    }

    /// For whoever looks for the reason: what was logged, and the files.
    fn show(&self) {
        println!("{:?}", self.lines);
        for path in self.fs.paths() {
            let bytes = self.fs.bytes(path).unwrap_or_default();
            println!("== {}: {}", String::from_utf8_lossy(path), String::from_utf8_lossy(bytes).replace("\r\n", " ").replace('\0', "@"));
        }
    }

    /// The longest prefix of a core's history with so many flushes that gives its keys and has everything that was acknowledged.
    fn prefix(&self, core: usize, flushed: usize, keys: &BTreeSet<(usize, u64)>) -> Option<usize> {
        let wanted: BTreeSet<u64> = keys.range((core, 0)..(core + 1, 0)).map(|(_, id)| *id).collect();
        let history = &self.cores[core].history;
        let acked = history.iter().rposition(|e| e.is_acked).map_or(0, |n| n + 1);
        let (mut state, mut count, mut best) = (BTreeSet::new(), 0, None);
        for n in 0..=history.len() {
            if n >= acked && count == flushed && state == wanted {
                best = Some(n);
            }
            for effect in history.get(n).map_or(&[][..], |e| &e.effects) {
                match effect {
                    Eff::Set(id) => _ = state.insert(*id),
                    Eff::Flush => {
                        state.clear();
                        count += 1;
                    }
                }
            }
        }
        best
    }

    /// A ticket with effects inside the prefix of one core and outside that of another.
    fn torn(&self, ends: &[usize]) -> Option<u64> {
        let mut inside: BTreeMap<u64, bool> = BTreeMap::new();
        for (core, end) in self.cores.iter().zip(ends) {
            for (n, event) in core.history.iter().enumerate() {
                if let (Some(ticket), false) = (event.ticket, event.effects.is_empty())
                    && *inside.entry(ticket).or_insert(n < *end) != (n < *end)
                {
                    return Some(ticket);
                }
            }
        }
        None
    }

    /// The process or the machine stops, and starts again.
    pub fn kill(&mut self, is_power: bool) {
        self.lines.push(format!("kill, power {is_power}"));
        self.kills += 1;
        self.fs.kill(is_power);
        self.boot += u64::from(is_power);
        self.start();
    }

    /// One turn of every core, with some operations and messages.
    pub fn turn(&mut self) {
        let step = self.rng.below(20) as i64;
        self.now.mono_ms += step;
        self.now.wall_ms += step;
        for _ in 0..self.rng.below(8) {
            self.finish_one();
        }
        for core in 0..self.cores.len() {
            self.run_queue(core);
            let mut out = Vec::new();
            let Core { log, shard, .. } = &mut self.cores[core];
            log.pump(self.now, shard, &mut Port { fs: &mut self.fs, core }, &mut out);
            if core == 0 {
                self.book.pump(self.now, log, shard, &mut Port { fs: &mut self.fs, core }, &mut out);
            }
            self.carry(core, out);
        }
        self.deliver();
        self.save();
        self.acknowledge();
    }

    /// What goes out while nothing is promised is no promise, even if a base makes good for the loss soon after.
    fn note_broken_promises(&mut self) {
        for core in self.cores.iter_mut().filter(|core| !core.log.is_promising()) {
            core.history.iter_mut().rev().take_while(|e| e.at > 0).filter(|e| !e.is_acked).for_each(|e| e.is_promised = false);
        }
    }

    fn finish_one(&mut self) {
        let Some((core, done)) = self.fs.finish_one() else {
            return;
        };
        let (part, n) = Part::of(done.token).expect("a token");
        let mut out = Vec::new();
        let Core { log, shard, .. } = &mut self.cores[core];
        let port = &mut Port { fs: &mut self.fs, core };
        match part {
            Part::Log => log.finished(n, done, shard, port, &mut out),
            _ => self.book.finished(n, done, log, shard, port, &mut out),
        }
        self.note_broken_promises();
        self.carry(core, out);
    }

    fn carry(&mut self, core: usize, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Note(to, Note::Log(note)) => {
                    assert_ne!(to, core);
                    self.mail.entry((core, to)).or_default().push_back(note);
                }
                Out::Point(point) => self.point(point),
                Out::Reply(ask, reply) => self.answer(ask, reply == b"*2\r\n:1\r\n:0\r\n"),
                Out::Line(_, text) => self.lines.push(text),
                Out::Die(text) => {
                    self.lines.push(text);
                    self.is_dead = true;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn point(&mut self, point: Point) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        for core in &mut self.cores {
            core.queue.push_back(Work::Point { ticket, point: point.clone() });
        }
    }

    fn deliver(&mut self) {
        let pairs: Vec<(usize, usize)> = self.mail.keys().copied().collect();
        for (from, to) in pairs {
            for _ in 0..self.rng.below(6) {
                let Some(note) = self.mail.get_mut(&(from, to)).and_then(VecDeque::pop_front) else {
                    break;
                };
                self.cores[to].log.heard(from, note);
                self.note_broken_promises();
            }
        }
    }

    fn run_queue(&mut self, core: usize) {
        while self.rng.below(4) > 0 {
            let queue = &mut self.cores[core].queue;
            // A ticket that waits for a slot lets others of other slots pass.
            if let (Some(Work::Part { effects: a, .. }), Some(Work::Part { effects: b, .. }), 0) =
                (queue.front(), queue.get(1), self.rng.below(4))
                && !a.contains(&Eff::Flush)
                && !b.contains(&Eff::Flush)
            {
                queue.swap(0, 1);
            }
            let Some(work) = queue.pop_front() else {
                return;
            };
            match work {
                Work::Part { ticket, participants, effects } => self.run_part(core, ticket, &participants, effects),
                Work::Point { ticket, point } => self.run_point(core, ticket, &point),
            }
        }
    }

    fn run_point(&mut self, n: usize, ticket: u64, point: &Point) {
        let mut out = Vec::new();
        let core = &mut self.cores[n];
        if let (Point::Cut(_), Some((_, keys))) = (point, &mut self.snapshot) {
            let mut state = Vec::new();
            for effect in core.history.iter().flat_map(|e| &e.effects) {
                match effect {
                    Eff::Set(id) => state.push(*id),
                    Eff::Flush => state.clear(),
                }
            }
            keys.insert(n, state);
        }
        core.log.at_point(point, ticket, &mut core.shard, &mut out);
        self.carry(n, out);
    }

    fn run_part(&mut self, n: usize, ticket: u64, participants: &[u16], effects: Vec<Eff>) {
        let record = record(n, &effects, Some(ticket));
        let core = &mut self.cores[n];
        if self.fault == Fault::ForgetsTickets && !effects.contains(&Eff::Flush) {
            core.log.append(&record, self.now, &core.shard.config);
        } else {
            core.log.append_transaction(ticket, participants, &record, self.now, &core.shard.config);
        }
        self.remember(n, effects, Some(ticket));
    }

    fn remember(&mut self, n: usize, effects: Vec<Eff>, ticket: Option<u64>) {
        let core = &mut self.cores[n];
        let is_flush = effects.contains(&Eff::Flush);
        let is_promised = core.log.is_on() && core.log.is_promising() && (is_flush || core.log.policy() == AppendFsync::Always);
        core.history.push(Event { effects, ticket, at: core.log.position(), is_promised, is_acked: false });
        if self.fault == Fault::LiveAtOnce && is_flush {
            core.log.heard(0, LogNote::Live { generation: u64::MAX, fresh: None });
        }
    }

    /// Replies leave that may.
    fn acknowledge(&mut self) {
        let mut tickets: BTreeMap<u64, bool> = BTreeMap::new();
        let waiting: BTreeSet<u64> = self
            .cores
            .iter()
            .flat_map(|c| &c.queue)
            .filter_map(|w| if let Work::Part { ticket, .. } = w { Some(*ticket) } else { None })
            .collect();
        let fault = self.fault;
        let acked = |log: &Log| if fault == Fault::AcksAtOnce { log.position() } else { log.acked() };
        // A log that lost something promises nothing: what was held goes out with it, as the last second of writes did before.
        let promised = |log: &Log| if log.is_promising() { acked(log) } else { 0 };
        for core in &self.cores {
            let acked = promised(&core.log);
            for event in core.history.iter().rev().take_while(|e| !e.is_acked || e.at > 0) {
                if let Some(ticket) = event.ticket {
                    *tickets.entry(ticket).or_insert(!waiting.contains(&ticket)) &= event.may_count(core) && event.at <= acked;
                }
            }
        }
        for core in &mut self.cores {
            let acked = promised(&core.log);
            let is_always = core.log.policy() == AppendFsync::Always;
            for event in core.history.iter_mut().rev().take_while(|e| !e.is_acked || e.at > 0) {
                // What CONFIG SET let go stays so when it is taken back.
                event.is_promised &= event.has_flush() || is_always;
                event.is_acked |= match event.ticket {
                    Some(ticket) => tickets.get(&ticket).copied().unwrap_or(false),
                    None => event.is_promised && (event.has_flush() || is_always) && event.at <= acked,
                };
            }
        }
        if self.fault == Fault::TrustsItself {
            for core in &mut self.cores {
                core.log.trust_itself();
            }
        }
        if self.fault == Fault::WaitsForItself {
            let is_there = self.cores[0].log.durable_up_to() == self.cores[0].log.position();
            let asks: Vec<Ask> = self.asks.keys().copied().collect();
            asks.into_iter().filter(|_| is_there).for_each(|ask| self.answer(ask, true));
        }
    }

    /// Everything up to now is to be durable.
    pub fn wait_durable(&mut self, until: i64) {
        let ask = Ask(self.next_ask);
        self.next_ask += 1;
        self.asks.insert(ask, self.cores.iter().map(|c| c.history.len()).collect());
        assert!(self.book.wish(&Wish::WaitDurable { ask, until }));
    }

    fn answer(&mut self, ask: Ask, is_durable: bool) {
        let Some(ends) = self.asks.remove(&ask) else {
            return;
        };
        if is_durable {
            self.answers.0 += 1;
            for (core, end) in self.cores.iter_mut().zip(ends) {
                core.history[..end].iter_mut().for_each(|e| e.is_acked = true);
            }
        } else {
            self.answers.1 += 1;
        }
    }

    /// What makes snapshots.
    fn save(&mut self) {
        if let (None, Some(mut job)) = (&self.snapshot, self.book.take_job()) {
            job.id = self.run << 32 | self.next_ticket;
            self.book.save_began(Ok(job.id));
            self.snapshot = Some((job.clone(), BTreeMap::new()));
            self.point(Point::Cut(Arc::new(job)));
        }
        let is_cut = self.snapshot.as_ref().is_some_and(|(_, keys)| keys.len() == self.cores.len());
        let is_cancelled = self.book.take_cancel();
        if !is_cut || (self.rng.below(30) > 0 && !is_cancelled) {
            return;
        }
        let Some((job, keys)) = self.snapshot.take() else {
            return;
        };
        let mut out = Vec::new();
        let fails = !self.is_calm && self.rng.below(4) == 0;
        if fails || is_cancelled {
            self.book.save_ended(Err("no luck".into()), &mut out);
        } else {
            let mut effects = Vec::new();
            for (core, ids) in keys {
                let all: Vec<Eff> = ids.into_iter().map(Eff::Set).collect();
                effects.extend(record(core, &all, None).iter().flat_map(|(_, resp)| resp.to_vec()));
            }
            let bytes = effects.len() as u64;
            self.fs.put(&job.path, effects);
            self.book.save_ended(Ok(bytes), &mut out);
        }
        self.carry(0, out);
    }

    /// A client's write on one core.
    pub fn write(&mut self) {
        let n = self.rng.below(self.cores.len() as u64) as usize;
        let mut fx = Effects::default();
        let mut units = Vec::new();
        for unit in 0..1 + self.rng.below(3) {
            fx.unit = unit;
            let effects: Vec<Eff> = (0..1 + self.rng.below(2)).map(|_| self.set()).collect();
            put(&mut fx, n, &effects);
            units.push(effects);
        }
        let core = &mut self.cores[n];
        core.log.append(&fx.recorded, self.now, &core.shard.config);
        for effects in units {
            self.remember(n, effects, None);
        }
    }

    fn set(&mut self) -> Eff {
        self.next_id += 1;
        Eff::Set(self.next_id)
    }

    /// A transaction over several cores; with FLUSHALL in it, over all.
    pub fn transaction(&mut self, flushes: bool) {
        let cores = self.cores.len() as u64;
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let mut participants: Vec<u16> = (0..cores as u16).filter(|_| flushes || self.rng.below(2) == 0).collect();
        if participants.len() < 2 && cores > 1 {
            participants = vec![0, cores as u16 - 1];
        }
        let is_plain = flushes && self.rng.below(2) == 0;
        let participants: Arc<[u16]> = participants.into();
        let again = flushes && !is_plain && self.rng.below(4) == 0;
        for core in participants.iter() {
            let mut effects = Vec::new();
            for part in 0..3 {
                let count = if is_plain { 0 } else { self.rng.below(3) };
                effects.extend((0..count).map(|_| self.set()));
                let flushes_now = flushes && (part == 0 || (part == 1 && again));
                effects.extend(flushes_now.then_some(Eff::Flush));
            }
            self.cores[*core as usize].queue.push_back(Work::Part { ticket, participants: participants.clone(), effects });
        }
    }

    /// Lets everything come to rest: nothing waits any more, and everything is acknowledged.
    pub fn settle(&mut self) {
        self.is_calm = true;
        self.fs.is_full = false;
        self.fs.fails_sync = false;
        self.fs.hangs = false;
        let mut quiet = 0;
        for _ in 0..20_000 {
            self.turn();
            if self.is_dead {
                self.kill(false);
            }
            let figures = &self.cores[0].shard.persist;
            let is_rewriting = figures.is_rewriting || figures.is_rewrite_scheduled;
            let is_done =
                |c: &Core| c.queue.is_empty() && c.log.acked() == c.log.position() && c.log.is_promising() && !c.log.has_trouble();
            let is_quiet = self.cores.iter().all(is_done) && self.fs.is_idle() && self.mail.values().all(VecDeque::is_empty);
            quiet = if is_quiet && !is_rewriting { quiet + 1 } else { 0 };
            if quiet == 20 {
                return;
            }
        }
        let state: Vec<String> = self.cores.iter().map(|c| format!("{:?}", c.log)).collect();
        panic!("it does not come to rest: {:?}\n{}", self.book, state.join("\n"));
    }

    pub fn acked(&self) -> usize {
        self.cores.iter().flat_map(|c| &c.history).filter(|e| e.is_acked).count()
    }
}

fn put(fx: &mut Effects, core: usize, effects: &[Eff]) {
    for effect in effects {
        match effect {
            Eff::Set(id) => {
                let key = format!("{core}:{id}");
                fx.command((id % 2) as usize, [&b"SET"[..], key.as_bytes(), b"v"].into_iter());
            }
            Eff::Flush => fx.global(0, [&b"FLUSHALL"[..]].into_iter()),
        }
    }
}

fn record(core: usize, effects: &[Eff], ticket: Option<u64>) -> Record {
    let mut fx = Effects { ticket, ..Effects::default() };
    put(&mut fx, core, effects);
    std::mem::take(&mut fx.recorded)
}
