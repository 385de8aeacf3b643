//! Layer 0: helpers that know nothing of Redis.

pub mod arena;
pub mod rng;
pub mod simd;
pub mod wheel;
