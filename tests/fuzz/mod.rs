//! The functions of the fuzz targets, run here on random inputs so that they keep compiling and holding. The fuzzer itself:
//! tests/long fuzz.

mod command_line;
mod parser;

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
