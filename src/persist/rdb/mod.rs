//! The snapshot file, RDB: writing records, writing big values in slices, and telling the records of a file apart.
//!
//! ```text
//! "REDIS" version (4 digits), or "VALKEY" version (3 digits)
//! FA name value             facts about the writer
//! F3 name n (first last)*   slots that the writer was taking over from another node (Valkey 9)
//! F5 source                 a library of functions
//! FE db   FB keys expires   the database from here on
//! [FC ms] [F8 idle] [F9 freq] type key value
//! FF, CRC-64 LE of everything before it (0 = was not computed)
//! ```
//! write.rs: records into a buffer. slices.rs: one big record, a piece a call. skim.rs: records out of windows of a file, with
//! walk.rs (where a value ends) and build.rs (a big value from windows). Values themselves are `data::codec`'s.
//!
//! Layer 4, without a disk: bytes go in and out. It does not know which keys a core owns, whether a key comes twice or its time is over.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence, rdb.fnordig.de

pub mod build;
pub mod failure;
pub mod skim;
pub mod slices;
pub mod walk;
pub mod write;

pub use crate::data::codec::{checksum, checksum_joined, checksum_more};
pub use failure::{Cause, Failure};
pub use skim::{KeyRecord, Next, Record, Skim, Text, verify};
pub use slices::Slices;
pub use write::{CannotHold, Format, Head, Recency, Version};

/// Bytes of the magic and its version.
pub const MAGIC_BYTES: usize = 9;
/// Bytes of the end: its opcode and the checksum.
pub const END_BYTES: usize = 9;

/// First bytes of records that are no keys; anything below is a type.
pub mod opcode {
    pub const SLOT_IMPORT: u8 = 0xF3;
    pub const SLOT_INFO: u8 = 0xF4;
    pub const FUNCTION: u8 = 0xF5;
    pub const FUNCTION_PRE_GA: u8 = 0xF6;
    pub const MODULE_AUX: u8 = 0xF7;
    pub const IDLE: u8 = 0xF8;
    pub const FREQ: u8 = 0xF9;
    pub const AUX: u8 = 0xFA;
    pub const RESIZE_DB: u8 = 0xFB;
    pub const EXPIRE_MS: u8 = 0xFC;
    pub const EXPIRE_SECONDS: u8 = 0xFD;
    pub const SELECT_DB: u8 = 0xFE;
    pub const END: u8 = 0xFF;
}

#[cfg(test)]
mod tests;
