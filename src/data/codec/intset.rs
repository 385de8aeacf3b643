//! Intsets: sets of whole numbers in one piece. Read here; the set writes its own.
//!
//! Layer 1, under `codec`. `u32 LE width (2, 4 or 8 bytes) | u32 LE count | the numbers, signed, rising, each of that width`.
//!
//! Invariant: what was read rises and so holds no number twice.
//! Ref: the layout is that of DUMP payloads.

use super::{Fault, Reader};

/// The numbers of an intset, rising; never empty. Fails with `Malformed` or, without a number, `Empty`.
pub fn read(blob: &[u8]) -> Result<Vec<i64>, Fault> {
    let wrong = Fault::Malformed("intset");
    let mut reader = Reader::new(blob);
    let width = u32::from_le_bytes(reader.array().map_err(|_| wrong)?);
    let count = u32::from_le_bytes(reader.array().map_err(|_| wrong)?);
    if !matches!(width, 2 | 4 | 8) || u64::from(width) * u64::from(count) != reader.left() as u64 {
        return Err(wrong);
    }
    if count == 0 {
        return Err(Fault::Empty);
    }
    let mut numbers = Vec::with_capacity(count as usize);
    while !reader.is_empty() {
        let number = match width {
            2 => reader.array().map(|b| i64::from(i16::from_le_bytes(b))),
            4 => reader.array().map(|b| i64::from(i32::from_le_bytes(b))),
            _ => reader.array().map(i64::from_le_bytes),
        }?;
        numbers.push(number);
    }
    if numbers.is_sorted_by(|a, b| a < b) { Ok(numbers) } else { Err(Fault::Malformed("order of an intset")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_read() {
        assert_eq!(read(b"\x02\0\0\0\x02\0\0\0\xff\xff\x02\0"), Ok(vec![-1, 2]));
        assert_eq!(read(b"\x04\0\0\0\x01\0\0\0\x70\x11\x01\0"), Ok(vec![70_000]));
        assert_eq!(read(b"\x08\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\x80"), Ok(vec![i64::MIN]));
    }

    #[test]
    fn damaged_ones_are_refused() {
        let malformed = Err(Fault::Malformed("intset"));
        assert_eq!(read(b""), malformed);
        assert_eq!(read(b"\x02\0\0\0\0\0\0\0"), Err(Fault::Empty));
        assert_eq!(read(b"\x03\0\0\0\x01\0\0\0abc"), malformed);
        assert_eq!(read(b"\x02\0\0\0\x02\0\0\0\x01\0"), malformed);
        assert_eq!(read(b"\x02\0\0\0\x01\0\0\0\x01\0\x02\0"), malformed);
        assert_eq!(read(b"\x08\0\0\0\xff\xff\xff\xff\x01\0"), malformed);
        let order = Err(Fault::Malformed("order of an intset"));
        assert_eq!(read(b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0"), order);
        assert_eq!(read(b"\x02\0\0\0\x02\0\0\0\x01\0\x01\0"), order);
    }
}
