//! Snapshots of several cores in one thread: what is in the file is what was there at the cut.

use super::world::{START, World};
use super::*;
use crate::base::rng::Rng;
use crate::config::Config;
use crate::config::kinds::SavePoints;
use crate::data::hash::Hash;
use crate::data::list::List;
use crate::data::set::Set;
use crate::data::zset::Zset;
use crate::keyspace::Ttl;
use crate::persist::aof::{LoadFile, LoadKind, LoadPlan};
use crate::spec::persist::{Ask, Loading};
use std::sync::Arc;

/// Small buffers, so that there are many of them.
const TIGHT: Bounds = Bounds { buffer: 2000, giant: 6000, ahead: 8000, choked: 64 << 10, in_flight: 3 };

fn below(rng: &mut Rng, n: u64) -> u64 {
    rng.next_u64() % n
}

fn text(rng: &mut Rng, longest: u64) -> Vec<u8> {
    let len = below(rng, longest);
    (0..len).map(|_| b'a' + below(rng, 6) as u8).collect()
}

/// Something that clients do.
fn write(world: &mut World, rng: &mut Rng) {
    let name = match below(rng, 400) {
        n @ 0..10 => format!("big{n}"),
        n @ 10..100 => format!("{{same}}{n}"),
        n => format!("key{}", n * 7919 % 5000),
    };
    let (db, now) = (below(rng, 3) as usize, world.now.wall_ms);
    let shard = world.owner(name.as_bytes());
    let limits = shard.limits();
    let ks = &mut shard.ks;
    let key = ks.key(name.as_bytes());
    let size = if name.starts_with("big") { 9_000 } else { 60 };
    match below(rng, 14) {
        0..=3 => _ = ks.set_str(db, &key, &text(rng, size), Ttl::None, now),
        4 => _ = ks.set_int(db, &key, rng.next_u64() as i64, Ttl::At(now + 1_000_000_000)),
        5 => _ = ks.remove(db, &key),
        6 => _ = ks.set_expire(db, &key, now + 1_000_000 + below(rng, 1000) as i64),
        7 => drop(ks.edit(db, &key, |list: &mut List| {
            (0..1 + below(rng, size / 10)).for_each(|_| list.push_back(&text(rng, 30), &limits));
            ((), 1)
        })),
        8 => drop(ks.edit(db, &key, |hash: &mut Hash| {
            (0..1 + below(rng, size / 10)).for_each(|_| _ = hash.insert(&text(rng, 30), &text(rng, 30), None, &limits));
            ((), 1)
        })),
        9 => drop(ks.edit(db, &key, |set: &mut Set| {
            (0..1 + below(rng, size / 10)).for_each(|_| _ = set.insert(&text(rng, 30), &limits));
            ((), 1)
        })),
        10 => drop(ks.edit(db, &key, |zset: &mut Zset| {
            (0..1 + below(rng, size / 10)).for_each(|_| _ = zset.insert(&text(rng, 30), below(rng, 99) as f64 / 3.0, &limits));
            ((), 1)
        })),
        11 if ks.get_value(db, &key).is_some_and(|(value, _)| !matches!(value, crate::keyspace::Value::Object(_))) => {
            _ = ks.append_str(db, &key, &text(rng, size));
        }
        12 => {
            // RENAME, to another core if it must be.
            if let Some((value, at)) = ks.take(db, &key) {
                let other = format!("key{}", below(rng, 5000));
                let shard = world.owner(other.as_bytes());
                let key = shard.ks.key(other.as_bytes());
                shard.ks.put(db, &key, value, at.map_or(Ttl::None, Ttl::At));
            }
        }
        _ => _ = ks.set_str(db, &key, b"1", Ttl::Keep, now),
    }
}

/// What concerns all cores at once.
fn shake(world: &mut World, rng: &mut Rng) {
    let (a, b) = (below(rng, 3) as usize, below(rng, 3) as usize);
    let is_flush = below(rng, 3) == 0;
    for core in &mut world.cores {
        if is_flush {
            core.shard.ks.flush(a);
        } else {
            core.shard.ks.swap(a, b);
        }
    }
}

fn fill(world: &mut World, rng: &mut Rng, writes: usize) {
    (0..writes).for_each(|_| write(world, rng));
}

fn config() -> Config {
    Config::default()
}

fn dump_job() -> SaveJob {
    SaveJob::new(Purpose::Dump, b"temp-7.rdb".to_vec(), b"dump.rdb".to_vec(), false)
}

fn begin(world: &mut World) -> u64 {
    world.on_first(|core, now, out| core.save.begin(dump_job(), now, &mut core.shard, &mut core.disk, out)).unwrap()
}

fn ended(world: &mut World) -> Option<Result<u64, String>> {
    world.cores[0].save.ended().map(|(_, _, result)| result)
}

/// Goes on until the snapshot that is on has ended, with writes in between. The dataset at the cut.
fn finish(world: &mut World, rng: &mut Rng, writes: u64) -> (String, Vec<(usize, Vec<u8>, i64)>) {
    let mut at_cut = Default::default();
    for _ in 0..200_000 {
        if matches!(world.due.front(), Some(Point::Cut(_))) {
            at_cut = world.digest();
        }
        world.run(1);
        for _ in 0..writes {
            write(world, rng);
        }
        if writes > 0 && below(rng, 40) == 0 {
            shake(world, rng);
        }
        for core in &mut world.cores {
            core.shard.ks.free_doomed(50);
            core.shard.stats.commands_processed += writes;
        }
        if !world.cores[0].save.is_busy() {
            return at_cut;
        }
    }
    panic!("the snapshot does not end");
}

pub fn plan(path: &str, kind: LoadKind, end: u64) -> LoadPlan {
    let file = LoadFile { path: path.into(), kind, start: 0, end, skips: Vec::new(), commands: 0, is_base: false, core: None };
    LoadPlan { stages: vec![vec![file]], is_log: false }
}

/// Loads the file into another number of cores.
fn loaded(world: &World, cores: usize, config: &Config) -> World {
    let mut other = World::new(cores, 77, config, Some(world.files.clone()));
    other.now = world.now;
    let plan = Arc::new(plan("dump.rdb", LoadKind::Rdb, u64::MAX));
    for core in &mut other.cores {
        core.load.begin(plan.clone(), other.now, &mut core.shard);
    }
    for _ in 0..10_000 {
        other.run(1);
        if other.has_said("DB loaded from disk") || other.has_said("died") {
            break;
        }
    }
    other.run(2);
    other
}

#[test]
fn the_file_is_the_dataset_at_the_cut_whatever_happens_meanwhile() {
    for (seed, cores, others) in [(1, 1, 3), (2, 2, 1), (3, 3, 2), (4, 5, 4), (5, 2, 2)] {
        let mut world = World::new(cores, seed, &config(), None);
        let mut rng = Rng::new(seed * 31);
        world.files.borrow_mut().is_short = seed % 2 == 0;
        if seed < 5 {
            world.cores.iter_mut().for_each(|core| core.save.bounds = TIGHT);
        }
        fill(&mut world, &mut rng, 2500);
        begin(&mut world);
        let at_cut = finish(&mut world, &mut rng, 6);
        let bytes = ended(&mut world).unwrap().unwrap();
        assert_eq!(world.file("dump.rdb").unwrap().len() as u64, bytes, "{:?}", world.says);
        assert!(world.file("temp-7.rdb").is_none());
        let other = loaded(&world, others, &config());
        assert!(other.says.iter().any(|line| line.starts_with("Done loading RDB, keys loaded: ")), "{:?}", other.says);
        assert_eq!(other.digest(), at_cut, "seed {seed}");
        assert!(other.cores.iter().all(|core| core.shard.persist.loading == Loading::No && !core.load.is_loading()));
    }
}

#[test]
fn commands_hold_every_key_in_whole_commands() {
    #[derive(Default)]
    struct Names(std::collections::BTreeMap<Vec<u8>, usize>);
    impl crate::persist::aof::read::Sink for Names {
        fn command(&mut self, _at: u64, _len: u64, name: &[u8]) {
            *self.0.entry(name.to_vec()).or_default() += 1;
        }
    }
    let mut world = World::new(3, 4, &config(), None);
    world.cores.iter_mut().for_each(|core| core.save.bounds = TIGHT);
    let mut rng = Rng::new(4);
    fill(&mut world, &mut rng, 2000);
    let (mut strings, mut expiries) = (0, 0);
    for core in &world.cores {
        for db in 0..3 {
            core.shard.ks.for_each(db, &mut |item| {
                strings += usize::from(item.kind() == crate::keyspace::Kind::String);
                expiries += usize::from(item.expire_at().is_some());
            });
        }
    }
    let job = SaveJob::new(Purpose::Base { generation: 1 }, b"temp".to_vec(), b"dir/base.aof".to_vec(), true);
    world.on_first(|core, now, out| core.save.begin(job, now, &mut core.shard, &mut core.disk, out)).unwrap();
    finish(&mut world, &mut rng, 0);
    let bytes = ended(&mut world).unwrap().unwrap();
    let file = world.file("dir/base.aof").unwrap();
    assert_eq!(file.len() as u64, bytes);
    let (mut scanner, mut names) = (crate::persist::aof::read::Scanner::new(0), Names::default());
    assert!(scanner.feed(&file, &mut names));
    assert_eq!(scanner.whole(), bytes);
    assert_eq!(names.0.get(b"SET".as_slice()), Some(&strings));
    assert_eq!(names.0.get(b"PEXPIREAT".as_slice()), Some(&expiries));
    assert!(names.0.contains_key(b"SELECT".as_slice()));
}

#[test]
fn an_empty_dataset_is_a_file_too() {
    let mut world = World::new(3, 1, &config(), None);
    begin(&mut world);
    finish(&mut world, &mut Rng::new(1), 0);
    assert!(ended(&mut world).unwrap().is_ok());
    assert_eq!(loaded(&world, 2, &config()).digest(), World::new(1, 1, &config(), None).digest());
}

#[test]
fn every_error_of_the_disk_ends_it_on_all_cores_and_leaves_the_old_file() {
    for nth in (1..80).step_by(3) {
        let mut world = World::new(3, nth.into(), &config(), None);
        let mut rng = Rng::new(nth.into());
        world.cores.iter_mut().for_each(|core| core.save.bounds = TIGHT);
        fill(&mut world, &mut rng, 300);
        begin(&mut world);
        finish(&mut world, &mut rng, 0);
        assert!(ended(&mut world).unwrap().is_ok());
        let old = world.file("dump.rdb");
        fill(&mut world, &mut rng, 300);
        world.files.borrow_mut().fails = Some((nth, 28));
        begin(&mut world);
        finish(&mut world, &mut rng, 3);
        let result = ended(&mut world).unwrap();
        let has_failed = world.files.borrow().fails.is_none();
        assert_eq!(result.is_err(), has_failed, "{nth} {result:?}");
        if has_failed && !result.as_ref().unwrap_err().contains("directory") {
            assert_eq!(world.file("dump.rdb"), old, "{nth}");
        }
        assert!(world.file("temp-7.rdb").is_none(), "{nth} {:?}", world.says);
        assert!(world.cores.iter().all(|core| !core.shard.ks.is_walking()));
        // The next one works.
        world.files.borrow_mut().fails = None;
        begin(&mut world);
        let at_cut = finish(&mut world, &mut rng, 3);
        let again = ended(&mut world).unwrap();
        assert!(again.is_ok(), "{nth} {result:?} {again:?}");
        assert_eq!(loaded(&world, 1, &config()).digest(), at_cut);
    }
}

#[test]
fn a_slow_disk_makes_writers_wait_and_memory_stays_bounded() {
    let mut world = World::new(1, 1, &config(), None);
    let mut rng = Rng::new(5);
    world.cores[0].save.bounds = TIGHT;
    fill(&mut world, &mut rng, 6000);
    begin(&mut world);
    while world.due.is_empty() {
        world.turn(0);
    }
    world.run(1);
    world.files.borrow_mut().is_stuck = true;
    world.run(50);
    let core = &world.cores[0];
    assert!(!core.save.has_work(), "it waits for the disk");
    assert!(!core.save.is_choked(), "untouched keys wait in the keyspace");
    assert!(core.disk.most_in_flight <= 4);
    let mut turns = 0;
    while !world.cores[0].save.is_choked() {
        (0..50).for_each(|_| write(&mut world, &mut rng));
        world.run(1);
        turns += 1;
        assert!(turns < 1000);
    }
    world.files.borrow_mut().is_stuck = false;
    world.run(30);
    assert!(!world.cores[0].save.is_choked());
    finish(&mut world, &mut rng, 0);
    assert!(ended(&mut world).unwrap().is_ok());
}

#[test]
fn a_second_snapshot_is_refused_while_one_is_on_and_a_cancelled_one_leaves_nothing() {
    let mut world = World::new(2, 1, &config(), None);
    fill(&mut world, &mut Rng::new(1), 500);
    begin(&mut world);
    world.run(3);
    let again = world.on_first(|core, now, out| core.save.begin(dump_job(), now, &mut core.shard, &mut core.disk, out));
    assert!(again.is_err());
    world.on_first(|core, _, out| core.save.cancel(&mut core.shard, out));
    world.run(100);
    assert_eq!(ended(&mut world), Some(Err("stopped".into())));
    assert!(world.files.borrow().names.is_empty());
}

#[test]
fn save_points_count_changes_of_all_cores() {
    let mut config = config();
    config.save = SavePoints(vec![(3600, 1), (10, 20)]);
    let mut world = World::new(3, 1, &config, None);
    world.run(10);
    for i in 0..21 {
        let name = format!("k{i}");
        let shard = world.owner(name.as_bytes());
        let key = shard.ks.key(name.as_bytes());
        shard.ks.set_str(0, &key, b"v", Ttl::None, START);
    }
    world.run(9000);
    assert!(!world.has_said("Saving"));
    world.run_until("Background saving terminated with success");
    assert!(world.has_said("21 changes in 10 seconds. Saving..."), "{:?}", world.says);
    let persist = &world.cores[0].shard.persist;
    assert_eq!((persist.saves, persist.has_save_failed, persist.is_saving), (1, false, false));
    world.says.clear();
    world.run(15_000);
    assert!(!world.has_said("Saving"), "nothing changed since");
    let behind: u64 = world.cores.iter().map(|core| core.shard.ks.stats.changes - core.shard.persist.changes_at_save).sum();
    assert_eq!(behind, 0);
}

#[test]
fn a_failed_one_refuses_writes_is_tried_again_and_heals() {
    let mut config = config();
    config.save = SavePoints(vec![(1, 1)]);
    let mut world = World::new(2, 1, &config, None);
    fill(&mut world, &mut Rng::new(1), 50);
    world.run(100);
    world.files.borrow_mut().fails = Some((1, 28));
    world.run_until("Background saving error");
    world.run(5);
    assert!(world.has_said("Failed opening the temp RDB file temp-7.rdb"), "{:?}", world.says);
    assert!(world.cores.iter().all(|core| core.shard.persist.refuses_writes == Some(Refusal::MISCONF_SAVE)));
    let failed_at = world.now.mono_ms;
    world.run_until("terminated with success");
    assert!(world.now.mono_ms - failed_at > 5000);
    world.run(3);
    assert!(world.cores.iter().all(|core| core.shard.persist.refuses_writes.is_none()));
}

#[test]
fn save_answers_when_the_file_is_there() {
    let mut world = World::new(2, 1, &config(), None);
    let wish =
        |world: &mut World, wish: Wish| world.on_first(|core, now, out| core.save.wish(&wish, now, &mut core.shard, &mut core.disk, out));
    assert!(wish(&mut world, Wish::Save(Ask(5))));
    assert!(wish(&mut world, Wish::Save(Ask(6))));
    assert!(world.has_said("6: -ERR Background save already in progress"));
    world.run_until("5: +OK");
    assert!(world.file("dump.rdb").is_some());
    assert!(!wish(&mut world, Wish::RewriteLog));
    world.files.borrow_mut().fails = Some((3, 5));
    wish(&mut world, Wish::Save(Ask(7)));
    world.run_until("7: -ERR");
}

#[test]
fn shutdown_saves_first_and_stays_up_if_it_cannot() {
    let mut config = config();
    config.save = SavePoints(vec![(3600, 1)]);
    let mut world = World::new(2, 1, &config, None);
    fill(&mut world, &mut Rng::new(1), 50);
    let shutdown = Wish::Shutdown { saves: None, now: false, force: false };
    let wish =
        |world: &mut World, wish: &Wish| world.on_first(|core, now, out| core.save.wish(wish, now, &mut core.shard, &mut core.disk, out));
    world.files.borrow_mut().fails = Some((4, 28));
    wish(&mut world, &shutdown);
    wish(&mut world, &Wish::AwaitEnd(Ask(9)));
    world.run_until("9: -ERR Errors trying to SHUTDOWN. Check logs.");
    world.run(2);
    assert!(!world.has_said("end"), "{:?}", world.says);
    assert!(world.cores.iter().all(|core| core.shard.persist.loading == Loading::No));
    wish(&mut world, &shutdown);
    world.run_until("end");
    assert!(world.file("dump.rdb").is_some());
    assert!(world.cores.iter().all(|core| core.shard.persist.loading == Loading::Waits));
}

#[test]
fn reload_gives_the_same_dataset() {
    let mut world = World::new(3, 8, &config(), None);
    let mut rng = Rng::new(8);
    fill(&mut world, &mut rng, 1500);
    let before = world.digest();
    let changes: Vec<u64> = world.cores.iter().map(|core| core.shard.ks.stats.changes).collect();
    let wish = Wish::Reload { ask: Ask(1), saves: true, flushes: true, merges: false };
    assert!(world.on_first(|core, _, out| core.load.wish(&wish, out)));
    world.run_until("1: +OK");
    world.run(3);
    assert!(world.has_said("DB reloaded by DEBUG RELOAD"));
    assert_eq!(world.digest(), before);
    assert!(world.cores.iter().all(|core| core.shard.persist.loading == Loading::No));
    let after: Vec<u64> = world.cores.iter().map(|core| core.shard.ks.stats.changes).collect();
    assert_ne!(changes, [0; 3]);
    assert!(after.iter().zip(&changes).all(|(after, before)| after >= before));
    // Without a file, and without saving one.
    world.files.borrow_mut().names.clear();
    world.says.clear();
    let wish = Wish::Reload { ask: Ask(2), saves: false, flushes: false, merges: true };
    world.on_first(|core, _, out| core.load.wish(&wish, out));
    world.run_until("2: -ERR Error trying to load the RDB dump, check server logs.");
    assert!(!world.has_said("died"), "{:?}", world.says);
}
