//! The functions of the fuzz targets, run here on random inputs so that they keep compiling and holding. The fuzzer itself:
//! tests/long fuzz.

mod aof_file;
mod aof_manifest;
mod command_line;
mod hll;
mod pack;
mod parser;
mod rdb_file;
mod restore;

use crate::support::cores;
use ringfort::base::rng::Rng;

/// Random bytes, now and then with the bytes that requests are made of.
fn bytes(rng: &mut Rng) -> Vec<u8> {
    const LIKELY: &[u8] = b"*$\r\n\r\n\r\n0123 \"'ab";
    (0..rng.below(120))
        .map(|_| match rng.below(3) {
            0 => rng.next_u32() as u8,
            _ => LIKELY[rng.below(LIKELY.len() as u64) as usize],
        })
        .collect()
}

/// RINGFORT_SEEDS: inputs of each target (2000).
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("RINGFORT_SEEDS").ok().and_then(|v| v.parse().ok()).unwrap_or(2000)
}

#[test]
fn the_parser_reads_the_same_however_the_input_is_cut() {
    seeds().for_each(|seed| parser::run(&bytes(&mut Rng::new(seed))));
}

#[test]
fn two_cores_survive_any_commands() {
    for seed in seeds() {
        let mut rng = Rng::new(seed);
        let data: Vec<u8> = (0..rng.below(400)).map(|_| rng.next_u32() as u8).collect();
        let done = std::panic::catch_unwind(|| command_line::run(&data));
        assert!(done.is_ok(), "seed {seed}: {data:?}");
    }
}

/// A seed of a target, often with a few bytes changed, cut or doubled; now and then bytes of no meaning.
fn changed(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    if seeds.is_empty() || rng.below(20) == 0 {
        return bytes(rng);
    }
    let mut data = seeds[rng.below(seeds.len() as u64) as usize].clone();
    for _ in 0..rng.below(4) {
        let at = rng.below(data.len() as u64 + 1) as usize;
        match rng.below(4) {
            0 => data.truncate(at),
            1 => data.insert(at, rng.next_u32() as u8),
            // Near the front stand the counts and lengths.
            2 if !data.is_empty() => {
                let front = at % data.len().min(24);
                data[front] = rng.next_u32() as u8;
            }
            _ if at < data.len() => data[at] ^= 1 << rng.below(8),
            _ => {}
        }
    }
    data
}

/// The files of a target's folder of seeds.
fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = files.map(|f| f.expect("the folder can be read").path()).collect();
    paths.sort();
    paths.iter().map(|p| std::fs::read(p).expect("a seed can be read")).collect()
}

fn run_changed(target: &str, share: u64, run: fn(&[u8])) {
    let files = seeds_of(target);
    files.iter().for_each(|data| run(data));
    for seed in 0..seeds().end.div_ceil(share) {
        let data = changed(&files, &mut Rng::new(seed));
        let done = std::panic::catch_unwind(|| run(&data));
        assert!(done.is_ok(), "seed {seed}: {data:?}");
    }
}

#[test]
fn whatever_restore_accepts_can_be_used_and_dumped() {
    run_changed("restore", 2, restore::run);
}

#[test]
fn packs_agree_with_a_vector() {
    run_changed("pack", 1, pack::run);
}

#[test]
fn hyperloglogs_of_any_bytes_are_refused_or_work() {
    run_changed("hll", 4, hll::run);
}

#[test]
fn files_of_any_bytes_are_told_apart_and_what_they_hold_is_written() {
    run_changed("rdb_file", 4, rdb_file::run);
}

#[test]
fn files_of_a_log_are_refused_or_cut_once_and_for_all() {
    run_changed("aof_file", 1, aof_file::run);
}

#[test]
fn manifests_are_refused_or_written_as_they_were_read() {
    run_changed("aof_manifest", 1, aof_manifest::run);
}
