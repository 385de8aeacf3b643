//! Cores with logs on a disk that forgets: killed, or cut off from power, at any step, they start again and hold what they promised.
//!
//! Clients push numbers that grow onto lists of their own, write pairs of keys on different cores, move money between accounts of all
//! cores, move tokens from set to set. What was there after a start stays there after the next one.
//!
//! What is checked (P2, P3, P4): with `always`, everything acknowledged is there; nothing is there that nobody sent, twice, or out of order; a
//! transaction is whole or absent; with `everysec`, what a kill leaves is a prefix per client and core, and what a power failure
//! leaves is a state that clients saw: if one request was answered before another was sent, the second is not there without the first.

use super::disk::{Faults, SimDisk};
use super::history::{encode, key_names};
use super::number;
use super::world::{Outcome, Request, Script, Shape, World};
use ringfort::base::rng::Rng;
use ringfort::config::{Config, kinds::AppendFsync};
use ringfort::persist::{Persist, Start, aof, book::Book, plan::Now};
use std::collections::BTreeSet;

/// Clients, lists of each client, accounts, sets a token can be in.
const CLIENTS: usize = 3;
const LISTS: usize = 4;
const ACCOUNTS: usize = 6;
const SETS: usize = 4;

/// What one request does.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Deed {
    /// Pushes its number.
    Push { list: usize },
    /// Sets both keys of the client's pair to its number.
    Pair,
    /// Moves money and pushes its number, in one transaction.
    Pay { from: usize, to: usize, list: usize },
    /// Moves the client's token.
    Move { from: usize, to: usize },
    /// Something that leaves no trace in database 0 but changes generations.
    Global,
    /// Begins a rewrite of the log.
    Rewrite,
}

/// Names of all keys, spread over the cores.
struct Names {
    lists: Vec<Vec<String>>,
    pairs: Vec<[String; 2]>,
    accounts: Vec<String>,
    sets: Vec<String>,
}

impl Names {
    fn new(cores: usize) -> Names {
        let mut all =
            key_names(cores, CLIENTS * (LISTS + 2) + ACCOUNTS + SETS).into_iter().map(|n| String::from_utf8_lossy(&n).into_owned());
        let mut take = |n: usize| -> Vec<String> { all.by_ref().take(n).collect() };
        let lists = (0..CLIENTS).map(|_| take(LISTS)).collect();
        let pairs = (0..CLIENTS).map(|_| take(2)).map(|p| [p[0].clone(), p[1].clone()]).collect();
        Names { lists, pairs, accounts: take(ACCOUNTS), sets: take(SETS) }
    }
}

fn request(lines: &[String]) -> Request {
    let mut request = Request { bytes: Vec::new(), last: 0, replies: lines.len() };
    for line in lines {
        request.last = request.bytes.len();
        encode(&line.split(' ').map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>(), &mut request.bytes);
    }
    request
}

impl Deed {
    fn random(rng: &mut Rng) -> Deed {
        let below = |rng: &mut Rng, n: usize| rng.below(n as u64) as usize;
        match rng.below(24) {
            0..8 => Deed::Push { list: below(rng, LISTS) },
            8..12 => Deed::Pair,
            12..18 => Deed::Pay { from: below(rng, ACCOUNTS), to: below(rng, ACCOUNTS), list: below(rng, LISTS) },
            18..22 => Deed::Move { from: below(rng, SETS), to: below(rng, SETS) },
            22 => Deed::Global,
            _ => Deed::Rewrite,
        }
    }

    fn request(self, names: &Names, client: usize, number: u64) -> Request {
        let lists = &names.lists[client];
        let lines = match self {
            Deed::Push { list } => vec![format!("RPUSH {} {number}", lists[list])],
            Deed::Pair => vec![format!("MSET {} {number} {} {number}", names.pairs[client][0], names.pairs[client][1])],
            Deed::Pay { from, to, list } => vec![
                "MULTI".into(),
                format!("DECRBY {} {}", names.accounts[from], number % 7 + 1),
                format!("INCRBY {} {}", names.accounts[to], number % 7 + 1),
                format!("RPUSH {} {number}", lists[list]),
                "EXEC".into(),
            ],
            Deed::Move { from, to } => vec![format!("SMOVE {} {} token{client}", names.sets[from], names.sets[to])],
            Deed::Global => vec!["SWAPDB 9 10".into()],
            Deed::Rewrite => vec!["BGREWRITEAOF".into()],
        };
        request(&lines)
    }
}

/// One request that was sent, in one of the runs.
#[derive(Clone, Copy, Debug)]
struct Sent {
    client: usize,
    number: u64,
    deed: Deed,
    run: usize,
    invoke: u64,
    /// `u64::MAX`: not answered.
    respond: u64,
}

impl Sent {
    /// Requests whose doing can be seen afterwards.
    fn leaves_trace(&self) -> bool {
        matches!(self.deed, Deed::Push { .. } | Deed::Pay { .. })
    }
}

/// What a start found.
struct Found {
    /// Numbers in the lists, by client.
    numbers: Vec<BTreeSet<u64>>,
    /// Numbers of the pairs, 0 = none.
    pairs: Vec<[u64; 2]>,
    money: i64,
    /// In how many sets each token is.
    tokens: Vec<usize>,
}

/// Everything that happened over all runs of one seed.
struct Ledger {
    names: Names,
    sent: Vec<Sent>,
    /// Numbers that an earlier start found, and those that it did not.
    kept: Vec<BTreeSet<u64>>,
    gone: Vec<BTreeSet<u64>>,
    next: u64,
}

impl Ledger {
    fn scripts(&mut self, rng: &mut Rng, cores: usize, run: usize) -> (Vec<Script>, Vec<Vec<(u64, Deed)>>) {
        let mut plans = Vec::new();
        let scripts = (0..CLIENTS).map(|client| {
            let mut plan = Vec::new();
            let mut requests = Vec::new();
            if run == 0 {
                requests.push(request(&[format!("SADD {} token{client}", self.names.sets[0])]));
                plan.push((0, Deed::Global));
            }
            for _ in 0..30 {
                self.next += 1;
                let deed = Deed::random(rng);
                requests.push(deed.request(&self.names, client, self.next));
                plan.push((self.next, deed));
            }
            plans.push(plan);
            Script { core: rng.below(cores as u64) as usize, pipeline: 1 + rng.below(4) as usize, requests, breaks_after: None }
        });
        let scripts = scripts.collect();
        (scripts, plans)
    }

    fn note(&mut self, run: usize, plans: &[Vec<(u64, Deed)>], outcomes: &[Vec<Outcome>]) {
        for (client, (plan, outcomes)) in plans.iter().zip(outcomes).enumerate() {
            for ((number, deed), o) in plan.iter().zip(outcomes) {
                self.sent.push(Sent { client, number: *number, deed: *deed, run, invoke: o.invoke, respond: o.respond });
            }
        }
    }

    fn find(&self, world: &World) -> Result<Found, String> {
        let mut numbers = Vec::new();
        for lists in &self.names.lists {
            let mut all = BTreeSet::new();
            for list in lists {
                let found: Vec<u64> = world.list(list.as_bytes()).iter().filter_map(|n| n.parse().ok()).collect();
                if !found.is_sorted_by(|a, b| a < b) {
                    return Err(format!("list {list} has {found:?}"));
                }
                all.extend(found);
            }
            numbers.push(all);
        }
        let number = |key: &String| world.value(key.as_bytes()).and_then(|(text, _)| text.parse::<i64>().ok()).unwrap_or(0);
        let pairs = self.names.pairs.iter().map(|pair| [number(&pair[0]) as u64, number(&pair[1]) as u64]).collect();
        let tokens =
            (0..CLIENTS).map(|c| self.names.sets.iter().filter(|s| world.has_member(s.as_bytes(), &format!("token{c}"))).count()).collect();
        Ok(Found { numbers, pairs, money: self.names.accounts.iter().map(number).sum(), tokens })
    }

    /// Holds what was found against what was promised. `cut`: the power failed before.
    fn check(&mut self, run: usize, found: &Found, policy: AppendFsync, cut: bool) -> Result<(), String> {
        if found.money != 0 {
            return Err(format!("half a payment: the accounts have {} together", found.money));
        }
        if let Some((client, pair)) = found.pairs.iter().enumerate().find(|(_, p)| p[0] != p[1]) {
            return Err(format!("half a pair of client {client}: {pair:?}"));
        }
        if found.tokens.iter().any(|n| *n > 1) {
            return Err(format!("a token is in several sets: {:?}", found.tokens));
        }
        let has = |s: &Sent| found.numbers[s.client].contains(&s.number);
        for (client, numbers) in found.numbers.iter().enumerate() {
            for n in numbers {
                let is_sent = self.sent.iter().any(|s| s.client == client && s.number == *n && s.leaves_trace());
                if !is_sent || self.gone[client].contains(n) {
                    return Err(format!("client {client}: {n} came from nowhere"));
                }
            }
            if let Some(n) = self.kept[client].iter().find(|n| !numbers.contains(n)) {
                return Err(format!("client {client}: {n} was there after an earlier start"));
            }
        }
        let of_run: Vec<&Sent> = self.sent.iter().filter(|s| s.run + 1 == run && s.leaves_trace()).collect();
        if policy == AppendFsync::Always {
            if let Some(s) = of_run.iter().find(|s| s.respond != u64::MAX && !has(s)) {
                return Err(format!("acknowledged and lost: {s:?}"));
            }
            for (client, pair) in found.pairs.iter().enumerate() {
                let acked = self.sent.iter().filter(|s| s.client == client && s.deed == Deed::Pair && s.respond != u64::MAX);
                if acked.map(|s| s.number).max().is_some_and(|n| n > pair[0]) {
                    return Err(format!("client {client}: the pair is back at {pair:?}"));
                }
            }
        }
        for later in of_run.iter().filter(|s| has(s)) {
            let is_bound = |s: &&&Sent| s.respond < later.invoke && (cut || policy == AppendFsync::Always);
            if let Some(earlier) = of_run.iter().filter(is_bound).find(|s| !has(s)) {
                return Err(format!("{later:?} is there without {earlier:?}, which was answered before"));
            }
        }
        for s in of_run {
            let set = if has(s) { &mut self.kept } else { &mut self.gone };
            set[s.client].insert(s.number);
        }
        Ok(())
    }
}

/// Recovers what is on the disk and lets the world begin with it.
fn start(world: &World, disk: &mut SimDisk, config: &Config, cores: usize) -> Result<(), String> {
    let boot = format!("boot-{}", disk.boot());
    let found = aof::recover(disk, config, cores, &boot)?;
    Book::prepare(disk, config)?;
    world.lines.borrow_mut().extend(found.report.iter().map(|(_, line)| line.clone()));
    let start = Start::new(found, "run", &boot);
    world.give_durability(disk, |worker| {
        worker.shard.config = config.clone();
        let now = Now { wall_ms: 1_000_000, mono_ms: 1_000_000 };
        Box::new(Persist::new(start.clone(), now, &mut worker.shard))
    });
    Ok(())
}

/// One seed: several runs on one disk, each ended by a kill or a power failure. Returns what went wrong.
fn run(seed: u64) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let policy = if rng.below(2) == 0 { AppendFsync::Always } else { AppendFsync::EverySec };
    let faults = if rng.below(3) == 0 { Faults::none() } else { Faults::slow(&mut rng) };
    let mut disk = SimDisk::new(rng.next_u64(), 4, faults);
    let names = Names::new(4);
    let mut ledger =
        Ledger { names, sent: Vec::new(), kept: vec![BTreeSet::new(); CLIENTS], gone: vec![BTreeSet::new(); CLIENTS], next: 0 };
    let mut is_cut = false;
    for round in 0..4 {
        let shape = Shape { ring: 64, ..Shape::random(&mut rng) };
        let (scripts, plans) = if round < 3 { ledger.scripts(&mut rng, shape.cores, round) } else { (Vec::new(), Vec::new()) };
        let config =
            Config { appendonly: true, appendfsync: policy, slowlog_log_slower_than: -1, latency_tracking: false, ..Config::default() };
        let world = World::new(rng.next_u64(), shape, scripts);
        world.clock_step.set([1, 5, 20][rng.below(3) as usize]);
        world.is_silent.set(true);
        start(&world, &mut disk, &config, shape.cores).map_err(|e| format!("round {round}: no start: {e}"))?;
        for _ in 0..2000 {
            if !world.is_loading() {
                break;
            }
            world.go_on(50)?;
        }
        if let Some(due) = &*world.end.borrow() {
            return Err(format!("round {round}: ended while loading: {due:?} {:?}", world.lines.borrow()));
        }
        if world.is_loading() {
            return Err(format!("round {round}: loading does not end: {:?}", world.lines.borrow()));
        }
        let found = ledger.find(&world).map_err(|e| format!("round {round}: {e}"))?;
        let told = || format!("{policy:?}, {}, {} cores", if is_cut { "power cut" } else { "kill" }, shape.cores);
        ledger.check(round, &found, policy, is_cut).map_err(|e| format!("round {round} ({}): {e}\n{:#?}", told(), world.lines.borrow()))?;
        if round == 3 {
            return Ok(());
        }
        world.is_silent.set(false);
        let picks = 1 + rng.below(6000);
        world.go_on(picks)?;
        ledger.note(round, &plans, &world.outcomes());
        drop(world);
        is_cut = rng.below(2) == 0;
        if is_cut { disk.power_cut(&mut rng) } else { disk.crash() }
    }
    Ok(())
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash() {
    let first = number("RINGFORT_SEED", 1);
    for seed in first..first + number("RINGFORT_SEEDS", 2000) {
        if let Err(text) = run(seed) {
            panic!("RINGFORT_SEED={seed} RINGFORT_SEEDS=1: {text}");
        }
    }
}
