//! Value algorithms: what a value's bytes mean, without keys, clients or commands.
//!
//! Layer 1. Every function here is pure: bytes and numbers in, bytes and numbers out. A command decides which
//! value to hand in, what limit applies and what a failure is called; nothing here knows a command's name, a
//! reply shape or the time of day.
//!
//! Invariant: no input, however damaged, makes a function here panic, read out of bounds or reserve memory that
//! the input's own size does not justify.

pub mod bits;
pub mod codec;
pub mod collection;
pub mod digest;
pub mod hash;
pub mod hll;
pub mod lcs;
pub mod list;
pub mod pack;
pub mod set;
pub mod stream;
pub mod zset;
