//! The power goes: the disk is an image of ext4 in memory; at some instant the server is frozen and the image copied. What was not synced is
//! not in the copy. The server starts again on the copy, as on a machine that was switched off. `RINGFORT_CUTS` says how often.

use super::ledger::Rule;
use super::load::{Load, Theme};
use super::{CLIENTS, Policy, bank::Bank, mend_stock_log};
use crate::support::{Program, Random, Site, mount::Mount, mount::copy_image, mount::make_image, random, site};
use std::path::Path;
use std::time::{Duration, Instant};

/// What `everysec` may lose at most, and in all but one of a hundred cuts.
const MAY_LOSE: Duration = Duration::from_millis(2000);
const USUALLY_LOSES: Duration = Duration::from_millis(1100);

fn cuts(usual: usize) -> usize {
    std::env::var("RINGFORT_CUTS").ok().map_or(usual, |c| c.parse().expect("RINGFORT_CUTS is a number"))
}

/// A disk that can lose its power, with a server on it.
struct Machine {
    site: Site,
    disk: Option<Mount>,
    memory: Mount,
    number: usize,
}

impl Machine {
    fn new(program: Program, fsync: &str) -> Machine {
        let memory = Mount::memory(600);
        let image = memory.folder.join("disk0");
        make_image(&image, 128, true);
        let disk = Mount::image(&image);
        let early = if program == Program::Ringfort { "2mb" } else { "1gb" };
        let options = ["--appendonly", "yes", "--appendfsync", fsync, "--auto-aof-rewrite-min-size", early];
        let site = Site::over(program, &disk.folder, &options);
        Machine { site, disk: Some(disk), memory, number: 0 }
    }

    /// Takes the power away; nothing of the machine runs afterwards. Returns when.
    fn cut(&mut self) -> Instant {
        let disk = self.disk.as_ref().expect("a disk is there");
        self.site.signal("STOP");
        let at = Instant::now();
        disk.cut_power();
        let (old, new) = (format!("disk{}", self.number), format!("disk{}", self.number + 1));
        copy_image(&self.memory.folder.join(&old), &self.memory.folder.join(&new));
        self.site.kill();
        self.disk = None;
        std::fs::remove_file(self.memory.folder.join(&old)).expect("the old disk can go");
        self.number += 1;
        let disk = Mount::image(&self.memory.folder.join(&new));
        forget_boot(&disk.folder).expect("a disk with a journal is whole after a cut");
        mend_stock_log(self.site.program, &disk.folder);
        self.site.data = disk.folder.clone();
        self.disk = Some(disk);
        at
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.site.kill();
        // The image goes before what it lies on.
        self.disk = None;
    }
}

/// Logs of Ringfort name the boot of the machine; after a cut that must be another one.
pub fn forget_boot(data: &Path) -> std::io::Result<()> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("Linux has a boot id");
    let boot = boot.trim();
    let Ok(folder) = std::fs::read_dir(data.join("appendonlydir")) else { return Ok(()) };
    for path in folder.filter_map(|e| Some(e.ok()?.path())) {
        let mut bytes = std::fs::read(&path)?;
        let mut has_changed = false;
        for boot in [boot.to_string(), boot.replace('-', "")] {
            let places: Vec<_> = memchr::memmem::find_iter(&bytes, boot.as_bytes()).collect();
            for at in places {
                let digit = &mut bytes[at];
                *digit = if *digit == b'0' { b'1' } else { b'0' };
                has_changed = true;
            }
        }
        if has_changed {
            std::fs::write(&path, bytes)?;
        }
    }
    Ok(())
}

fn rule(policy: Policy, at: Instant) -> Rule {
    let promised_until = if policy == Policy::Always { at + Duration::from_secs(3600) } else { at - MAY_LOSE };
    Rule { promised_until, is_one_state: true, cut_by: None }
}

/// Lets clients work until about `at_least`, with a rewrite or snapshot near the end now and then.
fn work(site: &Site, random: &mut Random, policy: Policy) {
    if policy == Policy::EverySecond {
        std::thread::sleep(Duration::from_millis(1200 + random.below(1500) as u64));
    }
    // A stock server whose rewrite began shortly before finds the log before that torn, and refuses it.
    if policy == Policy::Always || site.program == Program::Ringfort {
        super::disturb(site, random);
    }
    std::thread::sleep(Duration::from_micros(random.below(120_000) as u64));
}

/// Ages of the oldest losses of all cuts.
fn say(what: &str, mut ages: Vec<Duration>) {
    ages.sort();
    let usual = ages.iter().filter(|a| **a > USUALLY_LOSES).count();
    eprintln!("{what}: {} cuts, oldest loss {:?}, {usual} beyond {USUALLY_LOSES:?}", ages.len(), ages.last().copied().unwrap_or_default());
    assert!(usual <= ages.len() / 100 + 1, "{what}: more than one of a hundred cuts lost more than {USUALLY_LOSES:?}");
}

fn cut_again_and_again(program: Program, policy: Policy, fsync: &str, cuts: usize) -> Result<(), String> {
    let seed = random::seed();
    let mut random = Random::new(seed);
    let mut machine = Machine::new(program, fsync);
    machine.site.start();
    let (mut load, mut ages) = (Load::new(Theme::Plain, CLIENTS, seed), Vec::new());
    if policy == Policy::EverySecond {
        load.pause = Duration::from_millis(4);
    }
    for n in 0..cuts {
        let running = load.begin(machine.site.address());
        work(&machine.site, &mut random, policy);
        let at = machine.cut();
        load = running.join();
        machine.site.try_start().map_err(|e| format!("cut {n}: no start:\n{}", e.words))?;
        let verdict = load.settle(&mut machine.site.client(), &rule(policy, at)).map_err(|why| format!("cut {n}: {why}"))?;
        ages.push(verdict.first_missing.map_or(Duration::ZERO, |m| at.saturating_duration_since(m)));
    }
    say(&format!("power, {program:?}, appendfsync {fsync}, seed {seed}"), ages);
    Ok(())
}

fn cut_the_bank(program: Program, policy: Policy, cuts: usize) -> Result<(), String> {
    let seed = random::seed();
    let mut random = Random::new(seed);
    let mut machine = Machine::new(program, policy.word());
    machine.site.start();
    let mut bank = Bank::new(CLIENTS, seed);
    bank.found(&mut machine.site.client());
    std::thread::sleep(if policy == Policy::EverySecond { MAY_LOSE } else { Duration::ZERO });
    for n in 0..cuts {
        let open = bank.begin(machine.site.address());
        work(&machine.site, &mut random, policy);
        let at = machine.cut();
        bank = open.join();
        machine.site.try_start().map_err(|e| format!("cut {n}: no start:\n{}", e.words))?;
        bank.audit(&mut machine.site.client(), &rule(policy, at)).map_err(|why| format!("cut {n}: {why}"))?;
        bank.forget(&mut machine.site.client());
    }
    eprintln!("power, bank, {program:?}, {policy:?}, seed {seed}: {cuts} cuts");
    Ok(())
}

#[test]
fn always_survives_a_power_cut_without_a_loss() {
    cut_again_and_again(site::judged(), Policy::Always, "always", cuts(2)).unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn every_second_loses_only_the_latest_and_leaves_a_state_that_was_seen() {
    cut_again_and_again(site::judged(), Policy::EverySecond, "everysec", cuts(1)).unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn a_power_cut_leaves_no_half_of_a_transaction() {
    cut_the_bank(site::judged(), Policy::Always, cuts(1)).unwrap_or_else(|why| panic!("{why}"));
    if cuts(0) > 0 {
        cut_the_bank(site::judged(), Policy::EverySecond, cuts(0)).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// These tests are worth something only if they notice a server that does not sync.
#[test]
fn a_server_that_does_not_sync_is_found_out() {
    let said = cut_again_and_again(Program::Redis8, Policy::Always, "no", 3).expect_err("nobody noticed");
    assert!(said.contains("only") || said.contains("no number"), "{said}");
}
