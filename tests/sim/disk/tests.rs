//! What the simulated disk promises, and that it promises no more.

#![cfg(test)]

use super::*;

/// Begins an operation and steps until it has ended.
fn run(disk: &mut SimDisk, op: Op) -> (Result<u64, i32>, Vec<u8>) {
    disk.submit(7, op);
    disk.settle();
    let mut ended = disk.ended();
    assert_eq!(ended.len(), 1);
    let done = ended.remove(0);
    assert_eq!(done.token, 7);
    (done.result, done.buf)
}

fn open(disk: &mut SimDisk, path: &[u8], mode: Mode) -> FileId {
    FileId(run(disk, Op::Open { path: path.to_vec(), mode }).0.unwrap() as u32)
}

fn write(disk: &mut SimDisk, file: FileId, at: u64, bytes: &[u8]) -> Result<u64, i32> {
    run(disk, Op::Write { file, at, buf: bytes.to_vec(), from: 0 }).0
}

fn sync(disk: &mut SimDisk, file: FileId) -> Result<u64, i32> {
    run(disk, Op::Sync { file }).0
}

fn sync_dir(disk: &mut SimDisk, path: &[u8]) {
    assert_eq!(run(disk, Op::SyncDir { path: path.to_vec() }).0, Ok(0));
}

/// Bytes that are never NUL and differ from place to place and from seed to seed.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| 1 + rng.below(255) as u8).collect()
}

#[test]
fn what_was_synced_survives_and_what_was_not_may_be_damaged_in_every_way() {
    let mut damage = Damage::default();
    let (mut shorter, mut whole, mut longer) = (0, 0, 0);
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let mut disk = SimDisk::new(seed, 1, Faults::slow(&mut rng));
        let file = open(&mut disk, b"log", Mode::Create);
        sync_dir(&mut disk, b".");
        let (synced, rest) = (text(seed, 700 + rng.below(2000) as usize), text(seed + 1, 3000));
        let mut at = 0;
        while at < synced.len() {
            at += write(&mut disk, file, at as u64, &synced[at..]).unwrap() as usize;
        }
        assert_eq!(sync(&mut disk, file), Ok(0));
        assert_eq!(disk.promised(b"log").unwrap(), synced);
        let more = write(&mut disk, file, at as u64, &rest).unwrap() as usize;
        assert_eq!(disk.promised(b"log").unwrap(), synced);
        disk.power_cut(&mut rng);
        let left = disk.contents(b"log").unwrap();
        assert!(left.starts_with(&synced), "seed {seed}");
        shorter += u64::from(left.len() == synced.len());
        whole += u64::from(left[synced.len()..] == rest[..more]);
        longer += u64::from(left.len() > synced.len());
        for (i, byte) in left[synced.len()..].iter().enumerate() {
            assert!(*byte == 0 || *byte == rest[i], "seed {seed}: neither zero nor what was written");
        }
        let of = disk.counters().damage;
        damage.kept += of.kept;
        damage.lost += of.lost;
        damage.torn += of.torn;
        damage.zeroed += of.zeroed;
    }
    assert!(damage.kept > 100 && damage.lost > 100 && damage.torn > 100 && damage.zeroed > 100, "{damage:?}");
    assert!(shorter > 20 && whole > 20 && longer > 100, "{shorter} {whole} {longer}");
}

#[test]
fn bytes_written_over_are_new_or_old_or_torn_within_a_sector() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let mut disk = SimDisk::new(seed, 1, Faults::none());
        disk.put(b"f", &[1; 2 * SECTOR]);
        let file = open(&mut disk, b"f", Mode::Extend);
        write(&mut disk, file, 0, &[2; SECTOR]).unwrap();
        disk.power_cut(&mut Rng::new(seed));
        let left = disk.contents(b"f").unwrap();
        assert_eq!(left[SECTOR..], [1; SECTOR]);
        let new = left.iter().take_while(|byte| **byte == 2).count();
        assert!(left[new..].iter().all(|byte| *byte == 1));
        seen.insert((new > 0, new < SECTOR));
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_cut_that_is_not_synced_may_come_back_and_one_that_is_does_not() {
    let mut lengths = BTreeSet::new();
    for seed in 0..200 {
        let mut disk = SimDisk::new(seed, 1, Faults::none());
        disk.put(b"f", &[1; 3000]);
        let file = open(&mut disk, b"f", Mode::Extend);
        assert_eq!(run(&mut disk, Op::Truncate { file, len: 1000 }).0, Ok(0));
        assert_eq!(disk.promised(b"f").unwrap().len(), 1000);
        if seed % 2 == 0 {
            assert_eq!(sync(&mut disk, file), Ok(0));
        }
        disk.power_cut(&mut Rng::new(seed));
        let left = disk.contents(b"f").unwrap();
        assert!(left.iter().all(|byte| *byte == 1));
        if seed % 2 == 0 {
            assert_eq!(left.len(), 1000);
        } else {
            lengths.insert(left.len());
        }
    }
    assert!(lengths.contains(&1000) && lengths.contains(&3000) && lengths.len() > 4);
}

#[test]
fn a_name_is_there_for_certain_only_when_its_directory_was_synced() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..200 {
        let mut disk = SimDisk::new(seed, 1, Faults::none());
        assert_eq!(run(&mut disk, Op::MakeDir { path: b"d".to_vec() }).0, Ok(0));
        sync_dir(&mut disk, b"");
        let file = open(&mut disk, b"d/synced", Mode::Create);
        assert_eq!(disk.promised(b"d/synced"), None);
        sync_dir(&mut disk, b"d/");
        let late = open(&mut disk, b"d/late", Mode::Create);
        for file in [file, late] {
            write(&mut disk, file, 0, b"text").unwrap();
            assert_eq!(sync(&mut disk, file), Ok(0));
        }
        disk.power_cut(&mut Rng::new(seed));
        assert_eq!(disk.contents(b"d/synced").unwrap(), b"text");
        match disk.contents(b"d/late") {
            Some(text) => {
                assert_eq!(text, b"text");
                kept += 1;
            }
            None => lost += 1,
        }
    }
    assert!(kept > 50 && lost > 50, "{kept} {lost}");
}

#[test]
fn files_in_a_directory_that_is_lost_are_lost() {
    let mut lost = 0;
    for seed in 0..100 {
        let mut disk = SimDisk::new(seed, 1, Faults::none());
        assert_eq!(run(&mut disk, Op::MakeDir { path: b"d".to_vec() }).0, Ok(0));
        open(&mut disk, b"d/f", Mode::Create);
        sync_dir(&mut disk, b"d");
        assert_eq!(disk.promised(b"d/f"), None);
        disk.power_cut(&mut Rng::new(seed));
        assert_eq!(disk.contents(b"d/f").is_some(), Store::list(&mut disk, b"").unwrap() == [b"d"]);
        lost += u64::from(disk.contents(b"d/f").is_none());
    }
    assert!((20..80).contains(&lost), "{lost}");
}

#[test]
fn a_rename_leaves_the_old_file_or_the_new_one() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..200 {
        let mut disk = SimDisk::new(seed, 1, Faults::none());
        disk.put(b"f", b"old");
        let file = open(&mut disk, b"temporary", Mode::Create);
        write(&mut disk, file, 0, b"new").unwrap();
        assert_eq!(sync(&mut disk, file), Ok(0));
        assert_eq!(run(&mut disk, Op::Rename { from: b"temporary".to_vec(), to: b"f".to_vec() }).0, Ok(0));
        assert_eq!((disk.contents(b"f").unwrap(), disk.promised(b"f")), (b"new".to_vec(), None));
        if seed % 2 == 0 {
            sync_dir(&mut disk, b"");
            assert_eq!(disk.promised(b"f").unwrap(), b"new");
        }
        disk.power_cut(&mut Rng::new(seed));
        let text = disk.contents(b"f").unwrap();
        assert!(text == b"new" || seed % 2 == 1 && text == b"old", "seed {seed}");
        assert!(text == b"old" || disk.contents(b"temporary").is_none());
        outcomes.insert(text);
    }
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn a_file_renamed_without_a_sync_may_be_empty() {
    let empty = (0..100).filter(|seed| {
        let mut disk = SimDisk::new(*seed, 1, Faults::none());
        disk.put(b"f", b"old");
        let file = open(&mut disk, b"temporary", Mode::Create);
        write(&mut disk, file, 0, b"new").unwrap();
        run(&mut disk, Op::Rename { from: b"temporary".to_vec(), to: b"f".to_vec() }).0.unwrap();
        sync_dir(&mut disk, b"");
        disk.power_cut(&mut Rng::new(*seed));
        disk.contents(b"f").unwrap().is_empty()
    });
    assert!((5..95).contains(&empty.count()));
}

#[test]
fn a_killed_process_leaves_all_that_was_written() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut disk = SimDisk::new(seed, 2, Faults::slow(&mut rng));
        let file = open(&mut disk, b"f", Mode::Create);
        let bytes = text(seed, 2000);
        let count = write(&mut disk, file, 0, &bytes).unwrap();
        disk.submit(1, Op::Write { file, at: count, buf: vec![0; 600], from: 0 });
        disk.step();
        disk.crash();
        let left = disk.contents(b"f").unwrap();
        assert!(left.starts_with(&bytes[..count as usize]), "seed {seed}");
        assert!(left.len() <= count as usize + 600);
        disk.settle();
        assert!(disk.ended().is_empty() && !disk.has_ended(), "nobody is there to be told");
        assert_eq!(write(&mut disk, file, 0, b"x"), Err(libc::EBADF));
        assert_eq!((disk.counters().kills, disk.boot()), (1, 0));
    }
}

#[test]
fn a_failed_sync_loses_bytes_and_the_next_one_says_all_is_well() {
    let mut evicted = 0;
    for seed in 0..100 {
        let mut disk = SimDisk::new(seed, 1, Faults::none());
        disk.put(b"f", &[1; 600]);
        let file = open(&mut disk, b"f", Mode::Extend);
        write(&mut disk, file, 600, &text(seed, 3000)).unwrap();
        disk.fail_next_sync(b"f");
        assert_eq!(sync(&mut disk, file), Err(libc::EIO));
        assert_eq!(disk.counters().syncs_after_failure, 0);
        assert_eq!(sync(&mut disk, file), Ok(0));
        assert_eq!(disk.counters().syncs_after_failure, 1);
        let before = disk.contents(b"f").unwrap();
        assert_eq!(before[600..], text(seed, 3000), "who reads still sees what was written");
        let promised = disk.promised(b"f").unwrap();
        if seed % 2 == 0 {
            disk.crash();
            evicted += u64::from(disk.contents(b"f").unwrap() != before);
        }
        disk.power_cut(&mut Rng::new(seed));
        let left = disk.contents(b"f").unwrap();
        assert!(left != before && left[..600] == [1; 600], "seed {seed}");
        assert!(left.starts_with(&promised));
    }
    assert!(evicted > 5, "{evicted}");
}

#[test]
fn a_failed_sync_is_told_once_to_everyone_who_has_the_file_open() {
    let mut disk = SimDisk::new(3, 2, Faults::none());
    let mut other = disk.core(1);
    let mine = open(&mut disk, b"f", Mode::Create);
    let theirs = open(&mut other, b"f", Mode::Extend);
    write(&mut disk, mine, 0, b"text").unwrap();
    disk.fail_next_sync(b"f");
    assert_eq!(sync(&mut disk, mine), Err(libc::EIO));
    assert_eq!(sync(&mut other, theirs), Err(libc::EIO));
    assert_eq!(disk.counters().syncs_after_failure, 0);
    assert_eq!(sync(&mut other, theirs), Ok(0));
    assert_eq!(write(&mut disk, mine, 0, b"more"), Ok(4));
    let counters = disk.counters();
    assert_eq!((counters.syncs_after_failure, counters.writes_after_failure, counters.failed_syncs), (1, 1, 1));
    let late = open(&mut disk, b"f", Mode::Extend);
    assert_eq!(sync(&mut disk, late), Ok(0));
}

#[test]
fn a_full_disk_writes_short_then_refuses_and_heals() {
    let mut disk = SimDisk::new(1, 1, Faults { room: Some(1000), ..Faults::none() });
    let file = open(&mut disk, b"f", Mode::Create);
    assert_eq!(write(&mut disk, file, 0, &[1; 800]), Ok(800));
    assert_eq!(write(&mut disk, file, 800, &[1; 800]), Ok(200));
    assert_eq!(write(&mut disk, file, 1000, &[1; 800]), Err(libc::ENOSPC));
    assert_eq!(write(&mut disk, file, 0, &[2; 800]), Ok(800));
    assert_eq!(run(&mut disk, Op::Truncate { file, len: 2000 }).0, Err(libc::ENOSPC));
    assert_eq!(Store::replace(&mut disk, b"g", b"t", b"text"), Err(libc::ENOSPC));
    assert!(disk.counters().full >= 4 && disk.counters().short_writes == 1);
    disk.change_faults(|faults| faults.room = Some(5000));
    assert_eq!(write(&mut disk, file, 1000, &[1; 800]), Ok(800));
    // An open file takes room although it has no name.
    assert_eq!(run(&mut disk, Op::Remove { path: b"f".to_vec() }).0, Ok(0));
    disk.change_faults(|faults| faults.room = Some(1800));
    assert_eq!(write(&mut disk, file, 1800, &[1]), Err(libc::ENOSPC));
    assert_eq!(run(&mut disk, Op::Close { file }).0, Ok(0));
    let file = open(&mut disk, b"h", Mode::Create);
    assert_eq!(write(&mut disk, file, 0, &[1; 800]), Ok(800));
}

#[test]
fn every_operation_ends_once_in_any_order_with_its_buffer() {
    let mut orders = BTreeSet::new();
    for seed in 0..50 {
        let mut rng = Rng::new(seed);
        let disk = SimDisk::new(seed, 3, Faults { write_fails: 200, ..Faults::slow(&mut rng) });
        let files: Vec<FileId> = (0..3).map(|core| open(&mut disk.core(core), b"f", Mode::Extend)).collect();
        for n in 0..60u64 {
            let core = (n % 3) as usize;
            let op = Op::Write { file: files[core], at: n * 10, buf: vec![n as u8; 10], from: 0 };
            disk.core(core).submit(n, op);
            assert!(!disk.core(core).has_ended(), "never inside of submit");
        }
        let mut order = Vec::new();
        while disk.in_flight() > 0 || (0..3).any(|core| disk.core(core).has_ended()) {
            disk.step();
            for core in 0..3 {
                for done in disk.core(core).ended() {
                    assert_eq!(done.token % 3, core as u64);
                    assert_eq!(done.buf, vec![done.token as u8; 10]);
                    order.push(done.token);
                }
            }
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..60).collect::<Vec<_>>());
        orders.insert(order);
    }
    assert_eq!(orders.len(), 50);
}

#[test]
fn a_sync_covers_what_had_ended_before_it_began() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut disk = SimDisk::new(seed, 1, Faults { delay: 1 + rng.below(40), slow_sync: 500, slow_steps: 100, ..Faults::none() });
        let file = open(&mut disk, b"f", Mode::Create);
        sync_dir(&mut disk, b"");
        write(&mut disk, file, 0, &[1; 1000]).unwrap();
        disk.submit(1, Op::Sync { file });
        disk.submit(2, Op::Write { file, at: 1000, buf: vec![2; 1000], from: 0 });
        while !disk.ended().iter().any(|done| done.token == 1) {
            disk.step();
        }
        disk.power_cut(&mut rng);
        assert_eq!(disk.contents(b"f").unwrap()[..1000], [1; 1000]);
    }
}

#[test]
fn a_close_takes_effect_after_what_was_begun_before_it() {
    for seed in 0..100 {
        let mut disk = SimDisk::new(seed, 1, Faults { delay: 20, ..Faults::none() });
        let file = open(&mut disk, b"f", Mode::Create);
        disk.submit(1, Op::Write { file, at: 0, buf: b"text".to_vec(), from: 0 });
        disk.submit(2, Op::Sync { file });
        disk.submit(3, Op::Remove { path: b"f".to_vec() });
        disk.submit(4, Op::Close { file });
        disk.submit(5, Op::Size { file });
        disk.settle();
        for done in disk.ended() {
            let expected = [Ok(4), Ok(0), Ok(0), Ok(0), Err(libc::EBADF)][done.token as usize - 1];
            assert_eq!(done.result, expected);
        }
        assert_eq!(disk.counters().bad_files, 1);
        assert_eq!(open(&mut disk, b"g", Mode::Create), file, "the number is used again");
    }
}

#[test]
fn errors_are_those_of_a_real_disk() {
    let mut disk = SimDisk::new(1, 1, Faults::none());
    disk.put(b"/d/f", b"text");
    let failing = |disk: &mut SimDisk, op| run(disk, op).0.unwrap_err();
    let path = |name: &str| name.as_bytes().to_vec();
    assert_eq!(failing(&mut disk, Op::Open { path: path("d/x"), mode: Mode::Read }), libc::ENOENT);
    assert_eq!(failing(&mut disk, Op::Open { path: path("e/x"), mode: Mode::Create }), libc::ENOENT);
    assert_eq!(failing(&mut disk, Op::Open { path: path("d/f/x"), mode: Mode::Create }), libc::ENOTDIR);
    assert_eq!(failing(&mut disk, Op::Open { path: path("d"), mode: Mode::Extend }), libc::EISDIR);
    assert_eq!(failing(&mut disk, Op::MakeDir { path: path("d") }), libc::EEXIST);
    assert_eq!(failing(&mut disk, Op::Remove { path: path("d/x") }), libc::ENOENT);
    assert_eq!(failing(&mut disk, Op::Rename { from: path("d/x"), to: path("d/y") }), libc::ENOENT);
    assert_eq!(failing(&mut disk, Op::SyncDir { path: path("d/f") }), libc::ENOTDIR);
    let file = open(&mut disk, b"./d//f", Mode::Read);
    assert_eq!(write(&mut disk, file, 0, b"x"), Err(libc::EBADF));
    assert_eq!(failing(&mut disk, Op::Truncate { file, len: 0 }), libc::EINVAL);
    assert_eq!(run(&mut disk, Op::Size { file }).0, Ok(4));
    assert_eq!(run(&mut disk, Op::Read { file, at: 1, len: 9, buf: b"got ".to_vec() }), (Ok(3), b"got ext".to_vec()));
    assert_eq!(run(&mut disk, Op::Read { file, at: 99, len: 9, buf: Vec::new() }), (Ok(0), Vec::new()));
}

#[test]
fn every_fault_that_is_asked_for_happens() {
    let mut disk = SimDisk::new(5, 1, Faults::none());
    let file = open(&mut disk, b"f", Mode::Create);
    disk.change_faults(|f| (f.short, f.write_fails, f.read_fails, f.sync_fails, f.names_fail) = (300, 300, 300, 300, 300));
    let mut failed_names = 0;
    for n in 0..200 {
        let _ = write(&mut disk, file, n * 10, &[1; 10]);
        let _ = run(&mut disk, Op::Read { file, at: 0, len: 50, buf: Vec::new() });
        let _ = sync(&mut disk, file);
        failed_names += u64::from(run(&mut disk, Op::SyncDir { path: Vec::new() }).0 == Err(libc::EIO));
    }
    let counters = disk.counters();
    let seen = [counters.short_writes, counters.short_reads, counters.failed_writes, counters.failed_reads, counters.failed_syncs];
    assert!(seen.iter().all(|count| *count > 10) && failed_names > 10, "{counters:?}");
    assert_eq!((counters.submitted, counters.ended), (801, 801));
    disk.change_faults(|faults| faults.hangs = true);
    disk.submit(1, Op::Sync { file });
    (0..1000).for_each(|_| disk.step());
    assert!(!disk.has_ended() && disk.in_flight() == 1);
}

/// A world of writes, syncs, kills and power cuts; what is left at the end, and the counts.
fn world(seed: u64) -> (Vec<Option<Vec<u8>>>, Counters) {
    let mut rng = Rng::new(seed);
    let mut disk = SimDisk::new(rng.next_u64(), 2, Faults::random(&mut rng));
    for _ in 0..6 {
        let file = FileId(0);
        for n in 0..60 {
            let mut core = disk.core(rng.below(2) as usize);
            let (path, other) = (vec![b'a' + rng.below(3) as u8], vec![b'a' + rng.below(3) as u8]);
            core.submit(
                n,
                match rng.below(9) {
                    0 => Op::Open { path, mode: Mode::Extend },
                    1 => Op::Rename { from: path, to: other },
                    2 => Op::SyncDir { path: Vec::new() },
                    3 => Op::Sync { file },
                    4 => Op::Truncate { file, len: rng.below(2000) },
                    5 => Op::Close { file },
                    6 => Op::Remove { path },
                    _ => Op::Write { file, at: rng.below(3000), buf: text(n, 800), from: 5 },
                },
            );
            (0..rng.below(10)).for_each(|_| disk.step());
            let _ = core.ended();
            for name in [b"a", b"b", b"c"] {
                if let (Some(promised), Some(now)) = (disk.promised(name), disk.contents(name)) {
                    assert!(now.starts_with(&promised) || disk.counters().failed_syncs > 0);
                }
            }
        }
        let before: Vec<_> = [b"a", b"b", b"c"].iter().map(|name| disk.promised(*name)).collect();
        let quiet = disk.in_flight() == 0;
        if rng.below(2) == 0 {
            disk.crash();
        } else {
            disk.power_cut(&mut rng);
            for (name, promised) in [b"a", b"b", b"c"].iter().zip(before).filter(|_| quiet) {
                assert!(promised.is_none_or(|bytes| disk.contents(*name).is_some_and(|left| left.starts_with(&bytes))), "seed {seed}");
            }
        }
    }
    ([b"a", b"b", b"c"].iter().map(|name| disk.contents(*name)).collect(), disk.counters())
}

#[test]
fn one_seed_decides_everything_and_promises_hold() {
    let mut cuts = 0;
    for seed in 0..100 {
        let (left, counters) = world(seed);
        assert_eq!((left, counters), world(seed), "seed {seed}");
        cuts += counters.names_lost.min(1) + counters.names_kept.min(1);
    }
    assert!(cuts > 50, "{cuts}");
}

fn all(disk: &mut SimDisk, path: &[u8]) -> Option<Vec<u8>> {
    let size = Store::size(disk, path).unwrap()?;
    let mut out = Vec::new();
    while (out.len() as u64) < size {
        let mut piece = [0; 100];
        let count = Store::read(disk, path, out.len() as u64, &mut piece).unwrap();
        out.extend_from_slice(&piece[..count]);
    }
    Some(out)
}

#[test]
fn a_store_is_durable_when_it_says_so_and_whole_when_it_dies() {
    let mut died = BTreeSet::new();
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut disk = SimDisk::new(seed, 1, Faults { short: 300, ..Faults::none() });
        let (old, new) = (text(1, 1500), text(2, 1500));
        disk.make_dir(b"d").unwrap();
        disk.make_dir(b"d").unwrap();
        disk.replace(b"d/f", b"d/t", &old).unwrap();
        disk.replace(b"d/g", b"d/t", &old).unwrap();
        disk.rename(b"d/g", b"h").unwrap();
        disk.truncate(b"h", 700).unwrap();
        disk.die_in(rng.below(12));
        let result = disk.replace(b"d/f", b"d/t", &new);
        disk.power_cut(&mut rng);
        let left = all(&mut disk, b"d/f").unwrap();
        assert!(left == new || result.is_err() && left == old, "seed {seed}");
        assert_eq!(all(&mut disk, b"h").unwrap(), old[..700]);
        assert_eq!(all(&mut disk, b"d/g"), None);
        died.insert((result.is_err(), left == new));
        disk.remove(b"d/t").unwrap();
        assert_eq!(Store::list(&mut disk, b"d").unwrap(), [b"f"]);
        assert_eq!(Store::list(&mut disk, b"none").unwrap(), Vec::<Vec<u8>>::new());
    }
    assert_eq!(died.len(), 3, "{died:?}");
}
