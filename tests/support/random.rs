//! Random numbers from a seed, so that a failure can be repeated.
//! Ref: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014), SplitMix64.

/// A sequence of numbers that its seed decides.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// The seed of this run: `RINGFORT_SEED`, or a fixed one, so that a run without it is the same every time.
pub fn seed() -> u64 {
    match std::env::var("RINGFORT_SEED") {
        Ok(text) => text.parse().expect("RINGFORT_SEED is a number"),
        Err(_) => 1,
    }
}
