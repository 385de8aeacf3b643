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

#[test]
fn the_parser_reads_the_same_however_the_input_is_cut() {
    (0..2000).for_each(|seed| parser::run(&bytes(&mut Rng::new(seed))));
}

#[test]
fn two_cores_survive_any_commands() {
    for seed in 0..2000 {
        let mut rng = Rng::new(seed);
        let data: Vec<u8> = (0..rng.below(150)).map(|_| rng.next_u32() as u8).collect();
        let done = std::panic::catch_unwind(|| command_line::run(&data));
        assert!(done.is_ok(), "seed {seed}: {data:?}");
    }
}
