//! Files of all kinds become keys, or the process ends with a reason.

use super::*;
use crate::config::Config;
use crate::data::codec;
use crate::keyspace::Ttl;
use crate::persist::rdb::write;
use crate::persist::save::world::{START, World};
use std::cell::RefCell;
use std::rc::Rc;

fn file(kind: LoadKind, is_base: bool, end: u64) -> LoadFile {
    LoadFile { path: b"file".to_vec(), kind, start: 0, end, skips: Vec::new(), commands: 0, is_base, core: None }
}

fn world(cores: usize, bytes: &[u8]) -> World {
    let world = World::new(cores, 3, &Config::default(), None);
    world.files.borrow_mut().names.insert(b"file".to_vec(), Rc::new(RefCell::new(bytes.to_vec())));
    world.files.borrow_mut().is_short = true;
    world
}

fn begin(world: &mut World, plan: LoadPlan) {
    let plan = Arc::new(plan);
    let now = world.now;
    world.cores.iter_mut().for_each(|core| core.load.begin(plan.clone(), now, &mut core.shard));
}

fn load(cores: usize, bytes: &[u8], is_base: bool) -> World {
    let mut world = world(cores, bytes);
    let is_log = is_base;
    let end = if is_base { bytes.len() as u64 } else { u64::MAX };
    begin(&mut world, LoadPlan { stages: vec![vec![file(LoadKind::Rdb, is_base, end)]], is_log });
    world.run(300);
    world
}

/// A snapshot of these keys, all of them strings.
fn snapshot(keys: &[(&str, Option<i64>)]) -> Vec<u8> {
    let mut out = write::magic(write::Version::Auto, 0).to_vec();
    write::put_aux(&mut out, b"redis-ver", b"7.2.0");
    write::put_select_db(&mut out, 1);
    for (key, expire_at) in keys {
        if let Some(at) = expire_at {
            out.push(0xFC);
            out.extend_from_slice(&at.to_le_bytes());
        }
        out.push(codec::TYPE_STRING);
        codec::put_string(&mut out, key.as_bytes(), false);
        codec::put_string(&mut out, b"value", false);
    }
    write::put_end(&mut out);
    let crc = codec::checksum(&out);
    write::put_checksum(&mut out, crc);
    out
}

fn keys(world: &World) -> usize {
    world.cores.iter().map(|core| core.shard.ks.len(1)).sum()
}

#[test]
fn keys_whose_time_is_over_are_left_out_but_of_a_base() {
    let bytes = snapshot(&[("a", None), ("b", Some(START - 1)), ("c", Some(START + 1_000_000)), ("d", None)]);
    let world = load(3, &bytes, false);
    assert_eq!(keys(&world), 3);
    assert!(world.has_said("Done loading RDB, keys loaded: 3, keys expired: 1."), "{:?}", world.says);
    assert!(world.has_said("Loading RDB produced by version 7.2.0") && world.has_said("DB loaded from disk: 0.0"));
    let persist = &world.cores[0].shard.persist;
    assert_eq!((persist.loaded_keys, persist.loaded_expired, persist.load_done_bytes), (3, 1, bytes.len() as u64));
    assert!(world.cores.iter().all(|core| core.shard.ks.stats.changes == 0), "loading is no change");
    let world = load(2, &bytes, true);
    assert_eq!(keys(&world), 4);
    assert!(world.has_said("DB loaded from base file file") && world.has_said("DB loaded from append only file"), "{:?}", world.says);
}

#[test]
fn keys_of_slots_that_were_on_their_way_are_left_out() {
    let good = snapshot(&[("a", None), ("b", None), ("c", None)]);
    let slot = crate::keyspace::slot_of(b"b");
    let mut bytes = b"VALKEY080\xf3\x28".to_vec();
    bytes.extend_from_slice(&[b'0'; 40]);
    bytes.push(1);
    (0..2).for_each(|_| bytes.extend_from_slice(&[0x40 | (slot >> 8) as u8, slot as u8]));
    bytes.extend_from_slice(&good[9..good.len() - 8]);
    bytes.extend_from_slice(&[0; 8]);
    for cores in [1, 3] {
        let world = load(cores, &bytes, false);
        assert_eq!(keys(&world), 2);
        assert!(world.has_said(&format!("while slots {slot}-{slot} were being imported")), "{:?}", world.says);
    }
}

#[test]
fn what_is_damaged_ends_the_process() {
    let good = snapshot(&[("a", None), ("b", None)]);
    assert_eq!(keys(&load(2, &good, false)), 2);
    for len in 0..good.len() - 8 {
        let world = load(2, &good[..len], false);
        assert!(world.has_said("died"), "{len} {:?}", world.says);
        assert!(!world.has_said("DB loaded"));
    }
    let mut bad = good.clone();
    let last = bad.len() - 12;
    bad[last] ^= 1;
    assert!(load(2, &bad, false).has_said("Wrong RDB checksum expected"), "{:?}", load(2, &bad, false).says);
    let twice = load(2, &snapshot(&[("a", None), ("b", None), ("a", None)]), false);
    assert!(twice.has_said("RDB has duplicated key 'a' in DB 1"), "{:?}", twice.says);
    let mut more = good;
    more.push(b'x');
    assert!(load(1, &more, true).has_said("AOF loading aborted"));
    assert_eq!(keys(&load(1, &more, false)), 2, "nobody reads behind the checksum of a dump");
    let mut missing = World::new(2, 1, &Config::default(), None);
    begin(&mut missing, LoadPlan { stages: vec![vec![file(LoadKind::Rdb, false, 5)]], is_log: false });
    missing.run(10);
    assert!(
        missing.has_said("died: Fatal error: can't open the RDB file file for reading: No such file or directory"),
        "{:?}",
        missing.says
    );
}

#[test]
fn commands_arrive_without_annotations_and_stages_wait_for_each_other() {
    let bytes: Vec<u8> = (0..2_500_000u32).map(|i| (i % 251) as u8).collect();
    let skips = vec![(0, 10), (500, 7), (1_048_570, 20), (2_097_152, 1), (2_499_990, 5)];
    let mut wanted = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec();
    let end = 2_499_999;
    wanted.extend((0..end).filter(|i| !skips.iter().any(|(at, len)| (*at..at + len).contains(i))).map(|i| bytes[i]));
    let mut world = world(3, &bytes);
    let skips = skips.into_iter().map(|(at, len)| (at as u64, len as u64)).collect();
    let first = LoadFile { skips, core: Some((4, 6)), ..file(LoadKind::Commands, false, end as u64) };
    let second = LoadFile { core: Some((0, 3)), ..file(LoadKind::Commands, false, 10) };
    begin(&mut world, LoadPlan { stages: vec![vec![first], vec![second]], is_log: true });
    let mut got = Vec::new();
    for _ in 0..500 {
        world.run(1);
        got.extend(world.cores[1].load.input().unwrap_or_default());
        assert_eq!(world.cores[0].load.input(), None, "its stage comes later");
    }
    assert!(got == wanted);
    assert!(world.cores[1].load.fed_all() && !world.cores[0].load.fed_all());
    world.cores[1].load.executed(0);
    world.run(20);
    let crate::persist::save::world::Core { shard, load, .. } = &mut world.cores[0];
    assert_eq!(load.input().map(|input| input.len()), Some(33));
    let key = shard.ks.key(b"k");
    shard.ks.set_str(0, &key, b"v", Ttl::None, START);
    load.executed(0);
    world.run(5);
    assert!(world.has_said("DB loaded from append only file"), "{:?}", world.says);
    assert!(world.cores.iter().all(|core| !core.load.is_loading() && core.shard.ks.stats.changes == 0));
}

#[test]
fn a_command_that_cannot_be_carried_out_ends_the_process() {
    for (reply, why) in [
        ("-ERR unknown command 'x', with args beginning with: \r\n", "reading the append only file file"),
        ("-OOM command not allowed", "OOM command not allowed"),
        (
            "-WRONGTYPE Operation\r\n",
            "died: == CRITICAL == This server is sending an error to its AOF-loading client: 'WRONGTYPE Operation'",
        ),
        ("-ERR Protocol error: invalid bulk length\r\n", "Bad file format reading the append only file file: make a backup"),
    ] {
        let mut world = world(1, b"*1\r\n$1\r\nx\r\n");
        begin(&mut world, LoadPlan { stages: vec![vec![file(LoadKind::Commands, false, 11)]], is_log: true });
        world.run(10);
        assert!(world.cores[0].load.input().is_some());
        world.cores[0].load.failed(reply.as_bytes());
        world.run(1);
        assert!(world.has_said("died: ") && world.has_said(why), "{:?}", world.says);
    }
    let mut world = world(1, b"*1\r\n$1\r\nx\r\n");
    begin(&mut world, LoadPlan { stages: vec![vec![file(LoadKind::Commands, false, 7)]], is_log: true });
    world.run(10);
    assert!(world.cores[0].load.input().is_some());
    world.cores[0].load.executed(7);
    world.run(1);
    assert!(world.has_said("died: Unexpected end of file reading the append only file file."), "{:?}", world.says);
}
