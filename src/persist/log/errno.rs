//! Errors of the disk: what they are called, and which of them mean nothing.
//!
//! Ref: man pages errno(3), strerror(3)

pub use crate::persist::aof::own::errno_text as text;

/// The disk has no room.
pub const NO_SPACE: i32 = 28;

/// The operation was interrupted before it did anything; it may be repeated.
#[must_use]
pub fn is_passing(errno: i32) -> bool {
    matches!(errno, 4 | 11)
}
