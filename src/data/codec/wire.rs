//! Lengths and raw bytes of the serialised form: a checked reader, and the writer of lengths.
//!
//! Layer 1, under the rest of `codec`.
//!
//! ```text
//! 00LLLLLL                 6-bit length
//! 01LLLLLL LLLLLLLL        14-bit length, big endian
//! 10000000 + 4 bytes       32-bit length, big endian
//! 10000001 + 8 bytes       64-bit length, big endian
//! 11EEEEEE                 no length: string encoding E
//! ```
//!
//! Invariant: the reader never hands out bytes that are not there, and allocates nothing.

use super::Fault;

/// A length, or the encoding of a string that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    Length(u64),
    Encoding(u8),
}

/// A cursor over input that may be damaged or hostile.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Stands before the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes left: the bound for any count read from the input.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next byte. Fails with `Truncated`.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[b]| b)
    }

    /// The next `N` bytes. Fails with `Truncated`.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next `count` bytes, as a part of the input. Fails with `Truncated`.
    pub fn take(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let count = usize::try_from(count).map_err(|_| Fault::Truncated)?;
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next length or string encoding. A length in a longer form than it needs is accepted.
    pub fn prefix(&mut self) -> Result<Prefix, Fault> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match (first >> 6, first) {
            (0, _) => Prefix::Length(u64::from(low)),
            (1, _) => Prefix::Length(u64::from(low) << 8 | u64::from(self.byte()?)),
            (3, _) => Prefix::Encoding(low),
            (_, 0x80) => Prefix::Length(u64::from(u32::from_be_bytes(self.array()?))),
            (_, 0x81) => Prefix::Length(u64::from_be_bytes(self.array()?)),
            _ => return Err(Fault::BadLength(first)),
        })
    }

    /// The next length, where a string encoding may not stand.
    pub fn length(&mut self) -> Result<u64, Fault> {
        match self.prefix()? {
            Prefix::Length(n) => Ok(n),
            Prefix::Encoding(e) => Err(Fault::BadLength(0xc0 | e)),
        }
    }
}

/// Appends a length in its shortest form.
pub fn put_length(out: &mut Vec<u8>, length: u64) {
    match length {
        0..0x40 => out.push(length as u8),
        0x40..0x4000 => out.extend_from_slice(&(0x4000 | length as u16).to_be_bytes()),
        0x4000..=0xffff_ffff => {
            out.push(0x80);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
        _ => {
            out.push(0x81);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}
