//! Layer 1: RESP on the wire. Requests in ([`parse`], [`inline`]), replies out ([`encode`]), replies read back
//! ([`reply`]).
//!
//! Works on byte slices and buffers its caller owns. It knows no command, no client and no socket.
//! Ref: redis.io/docs/reference/protocol-spec.

pub mod encode;
pub mod inline;
pub mod parse;
pub mod reply;

/// A run of bytes in a buffer the caller knows: where it starts and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub len: u32,
}

impl Span {
    /// The bytes meant, or nothing if `buffer` is not the one the span was made for.
    #[inline]
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        let start = self.start as usize;
        buffer.get(start..start + self.len as usize).unwrap_or_default()
    }
}
