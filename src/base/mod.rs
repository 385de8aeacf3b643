//! Layer 0: numbers, patterns and other building blocks that know nothing of Redis commands.
pub mod glob;
pub mod num;
pub mod rng;
pub mod ring;
