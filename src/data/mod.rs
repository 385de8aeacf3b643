//! Values, without keys, clients or commands: the data types, their forms in memory and in payloads, and what is
//! computed from them.
//!
//! ```text
//! collection.rs   what every collection offers        list.rs set.rs hash.rs zset.rs stream.rs   the types
//! pack.rs         the packed form of small ones       table.rs   the hash table of big sets and hashes
//! codec/          the serialised form                 geo.rs     positions as scores of a sorted set
//! digest.rs       digests of values and datasets      bits.rs hll.rs lcs.rs   strings as bits, sketches, texts
//! ```
//! Layer 1. What comes out follows from what goes in: time is an argument, so are chance and the seed of hashes. A
//! command decides which value to hand in, what limit applies and what a failure is called; nothing here knows a
//! command's name, a reply's shape or the time of day.
//!
//! Invariants
//! - No input, however damaged, makes a function here panic, read out of bounds or reserve memory that the input's own
//!   size does not justify.
//! - Whoever holds a clone of a collection never sees a later change of the original.

pub mod bits;
pub mod codec;
pub mod collection;
pub mod digest;
pub mod geo;
pub mod hash;
pub mod hll;
pub mod lcs;
pub mod list;
pub mod pack;
pub mod set;
pub mod stream;
pub mod table;
pub mod zset;
