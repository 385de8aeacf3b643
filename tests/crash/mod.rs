//! Durability with real processes: a server is killed at random microseconds under load, started again in the same directory, and what is
//! there is held against a ledger of what was attempted and acknowledged. `RINGFORT_JUDGED` names the program that is judged
//! (ours by default), `RINGFORT_KILLS` how many kills, `RINGFORT_SEED` where to begin.

mod bank;
mod damaged;
mod databases;
mod disk;
mod ledger;
mod load;
mod model;
mod power;
mod snapshot;

use crate::support::{Program, Random, Reply, Site, random, reply::decode, site};
use bank::Bank;
use ledger::Rule;
use load::{Load, Theme};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Clients at work.
const CLIENTS: usize = 8;
/// `everysec` promises to a crashed process only what was written, which happens every 100 ms; the rest is for a busy machine.
const UNWRITTEN: Duration = Duration::from_millis(300);
/// A stock server puts a write off for up to two seconds while an fsync is under way.
const UNWRITTEN_BY_STOCK: Duration = Duration::from_millis(2300);

/// When a log is on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    Always,
    EverySecond,
}

impl Policy {
    pub fn word(self) -> &'static str {
        if self == Policy::Always { "always" } else { "everysec" }
    }
}

/// Kills of one test: what `RINGFORT_KILLS` says, or `usual`.
fn kills(usual: usize) -> usize {
    std::env::var("RINGFORT_KILLS").ok().map_or(usual, |k| k.parse().expect("RINGFORT_KILLS is a number"))
}

/// A directory with an append-only log; rewrites begin early.
fn site(program: Program, policy: Policy) -> Site {
    Site::new(program, &["--appendonly", "yes", "--appendfsync", policy.word(), "--auto-aof-rewrite-min-size", "4mb"])
}

/// What the log promises after SIGKILL at `at`.
fn rule_after_kill(program: Program, policy: Policy, at: Instant) -> Rule {
    let is_ours = program == Program::Ringfort;
    let promised_until = match policy {
        Policy::Always => at + Duration::from_secs(3600),
        Policy::EverySecond if is_ours => at - UNWRITTEN,
        Policy::EverySecond => at - UNWRITTEN_BY_STOCK,
    };
    // A stock server has one log only, and so keeps the order of all clients.
    Rule { promised_until, is_one_state: !is_ours, cut_by: None }
}

/// Stock servers (7.0, 8.0) cut a tail that was torn inside of a transaction only behind its last whole command: what is logged next becomes
/// part of that transaction and is lost with it. And they refuse a tail of zeros, which a power cut leaves. Their logs are cut before both,
/// so that what is known hides nothing else.
fn mend_stock_log(program: Program, data: &Path) {
    let files = increments(data);
    let Some(last) = files.last().filter(|_| program != Program::Ringfort) else { return };
    let bytes = std::fs::read(last).expect("the log can be read");
    let (mut at, mut open) = (0, None);
    while let Some((reply, len)) = decode(&bytes[at..]).ok().flatten() {
        match reply.elements().first().map(Reply::bytes) {
            Some(b"MULTI") => open = Some(at),
            Some(b"EXEC") => open = None,
            _ => {}
        }
        at += len;
    }
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let end = open.unwrap_or(end);
    if end < bytes.len() {
        let file = std::fs::OpenOptions::new().write(true).open(last).expect("the log can be written");
        file.set_len(end as u64).expect("the log can be cut");
    }
}

/// What all kills of a test came to.
#[derive(Default)]
struct Tally {
    kills: usize,
    kept: usize,
    lost: usize,
    oldest: Duration,
}

impl Tally {
    fn say(&self, what: &str) {
        eprintln!(
            "{what}: {} kills, {} units kept, {} acknowledged units lost within what is allowed, the oldest {:?} before its kill",
            self.kills, self.kept, self.lost, self.oldest
        );
    }
}

/// A server that is killed under load, again and again in the same directory.
struct Trial {
    program: Program,
    policy: Policy,
    site: Site,
    load: Load,
    random: Random,
    tally: Tally,
}

impl Trial {
    fn new(program: Program, policy: Policy, theme: Theme) -> Trial {
        let seed = random::seed();
        let mut site = site(program, policy);
        site.start();
        Trial { program, policy, site, load: Load::new(theme, CLIENTS, seed), random: Random::new(seed), tally: Tally::default() }
    }

    /// Load, a kill, something done to the directory, a start, and the judgement.
    fn round(&mut self, meddle: impl Fn(&Path)) -> Result<(), String> {
        let load = std::mem::replace(&mut self.load, Load::new(Theme::Plain, 0, 0));
        let running = load.begin(self.site.address());
        disturb(&self.site, &mut self.random);
        std::thread::sleep(Duration::from_micros(self.random.below(80_000) as u64));
        let at = Instant::now();
        self.site.kill();
        self.load = running.join();
        mend_stock_log(self.program, &self.site.data);
        meddle(&self.site.data);
        if self.random.once_in(6) {
            self.site.cores = *self.random.pick(&[1, 2, 3, 5]);
        }
        self.site.try_start().map_err(|e| format!("no start:\n{}", e.words))?;
        let rule = rule_after_kill(self.program, self.policy, at);
        let verdict = self.load.settle(&mut self.site.client(), &rule)?;
        let age = verdict.first_missing.map_or(Duration::ZERO, |m| at.saturating_duration_since(m));
        let tally = &mut self.tally;
        (tally.kills, tally.kept, tally.lost) = (tally.kills + 1, tally.kept + verdict.kept, tally.lost + verdict.lost);
        tally.oldest = tally.oldest.max(age);
        Ok(())
    }

    /// After the last kill: nothing may be missing after an end in order.
    fn end_well(mut self) {
        let running = self.load.begin(self.site.address());
        std::thread::sleep(Duration::from_micros(self.random.below(40_000) as u64));
        running.stop();
        let mut load = running.join();
        self.site.shut_down();
        self.site.start();
        let rule = Rule { promised_until: Instant::now() + Duration::from_secs(3600), is_one_state: true, cut_by: None };
        load.settle(&mut self.site.client(), &rule).unwrap_or_else(|why| panic!("after SHUTDOWN: {why}"));
    }
}

fn kill_again_and_again(policy: Policy, theme: Theme, kills: usize) {
    let mut trial = Trial::new(site::judged(), policy, theme);
    let what = format!("{:?}, {policy:?}, {theme:?}, seed {}", trial.program, random::seed());
    for n in 0..kills {
        trial.round(|_| {}).unwrap_or_else(|why| panic!("{what}, kill {n}: {why}"));
    }
    trial.tally.say(&what);
    trial.end_well();
}

/// A snapshot or a rewrite now and then, so that kills hit those too.
fn disturb(site: &Site, random: &mut Random) {
    std::thread::sleep(Duration::from_micros(random.below(30_000) as u64));
    let command = *random.pick(&["PING", "BGREWRITEAOF", "BGSAVE", "BGREWRITEAOF"]);
    // One that is under way already refuses another.
    let _ = site.client().try_call(&[command]);
}

#[test]
fn nothing_acknowledged_is_lost_when_fsync_is_always() {
    kill_again_and_again(Policy::Always, Theme::Plain, kills(14));
}

#[test]
fn only_the_last_moment_is_lost_when_fsync_is_every_second() {
    kill_again_and_again(Policy::EverySecond, Theme::Plain, kills(10));
}

#[test]
fn flushes_and_swaps_keep_their_place() {
    kill_again_and_again(Policy::Always, Theme::Flushes, kills(8));
    kill_again_and_again(Policy::EverySecond, Theme::Flushes, kills(4));
}

/// As `Trial`, with transfers between accounts on all cores.
fn rob_the_bank(program: Program, policy: Policy, kills: usize, meddle: impl Fn(&Path)) -> Result<(), String> {
    let seed = random::seed();
    let (mut random, mut site) = (Random::new(seed), site(program, policy));
    let mut bank = Bank::new(CLIENTS, seed);
    let mut tally = Tally::default();
    site.start();
    bank.found(&mut site.client());
    // `everysec`: the opening balances are to be on disk before the first kill.
    std::thread::sleep(UNWRITTEN);
    if program != Program::Ringfort {
        std::thread::sleep(UNWRITTEN_BY_STOCK);
    }
    for n in 0..kills {
        let open = bank.begin(site.address());
        disturb(&site, &mut random);
        std::thread::sleep(Duration::from_micros(random.below(80_000) as u64));
        let at = Instant::now();
        site.kill();
        bank = open.join();
        mend_stock_log(program, &site.data);
        meddle(&site.data);
        if random.once_in(6) {
            site.cores = *random.pick(&[1, 2, 3, 5]);
        }
        site.try_start().map_err(|e| format!("kill {n}: no start:\n{}", e.words))?;
        let rule = rule_after_kill(program, policy, at);
        let audit = bank.audit(&mut site.client(), &rule).map_err(|why| format!("kill {n}: {why}"))?;
        (tally.kills, tally.kept, tally.lost) = (tally.kills + 1, tally.kept + audit.kept, tally.lost + audit.lost);
        bank.forget(&mut site.client());
    }
    tally.say(&format!("bank, {program:?}, {policy:?}, seed {seed}"));
    Ok(())
}

#[test]
fn transactions_over_cores_are_whole_or_absent() {
    for (policy, usual) in [(Policy::Always, 8), (Policy::EverySecond, 6)] {
        rob_the_bank(site::judged(), policy, kills(usual), |_| {})
            .unwrap_or_else(|why| panic!("{policy:?}, seed {}: {why}", random::seed()));
    }
}

#[test]
fn a_lost_transfer_is_noticed() {
    let said = rob_the_bank(Program::Redis8, Policy::Always, 8, cut_the_log).expect_err("logs were cut and nobody noticed");
    assert!(said.contains("is not there"), "{said}");
}

/// The incremental files of a log, by sequence number.
fn increments(data: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(data.join("appendonlydir")).expect("there is a log");
    let mut files: Vec<_> = folder.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.to_string_lossy().ends_with(".incr.aof")).collect();
    let number = |p: &PathBuf| p.to_string_lossy().split('.').rev().nth(2).and_then(|n| n.parse::<u64>().ok());
    files.sort_by_key(number);
    files
}

/// Cuts the last file.
fn cut_the_log(data: &Path) {
    let files = increments(data);
    let Some(last) = files.last() else { return };
    let file = std::fs::OpenOptions::new().write(true).open(last).expect("the log can be written");
    let len = file.metadata().expect("the log has a size").len();
    file.set_len(len * 3 / 4).expect("the log can be cut");
}

/// The tests of this module are worth something only if they notice a loss: here a stock server's log loses its end.
#[test]
fn a_loss_is_noticed() {
    for (policy, theme) in [(Policy::Always, Theme::Plain), (Policy::EverySecond, Theme::Plain), (Policy::Always, Theme::Flushes)] {
        let mut trial = Trial::new(Program::Redis8, policy, theme);
        trial.round(|_| {}).unwrap_or_else(|why| panic!("before the loss: {why}"));
        // What a cut takes may be from the last moments, of which nothing was promised: then the next one is tried.
        let noticed = (0..40).any(|_| trial.round(cut_the_log).is_err());
        assert!(noticed, "{policy:?}, {theme:?}: forty logs were cut and nobody noticed");
    }
}
