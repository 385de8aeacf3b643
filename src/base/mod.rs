//! Layer 0: numbers, patterns, rings, memory: building blocks that know nothing of Redis commands.

pub mod arena;
pub mod glob;
pub mod heap;
pub mod num;
pub mod park;
pub mod ring;
pub mod rng;
pub mod same;
pub mod simd;
pub mod wheel;
