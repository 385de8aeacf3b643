//! Ziplists, the small lists, hashes and sorted sets of files and payloads up to Redis 6.2. Read only.
//!
//! Layer 1, under `codec`.
//!
//! ```text
//! u32 LE total bytes | u32 LE offset of the last element | u16 LE number of elements, 0xFFFF = count them | elements | FF
//! element: bytes of the element before (0 for the first): one byte below FE, or FE + u32 LE; then
//!   00LLLLLL + bytes      C0 + i16 LE      F0 + i24 LE
//!   01LLLLLL + 1 + bytes  D0 + i32 LE      FE + i8
//!   10...... + u32 BE + bytes              E0 + i64 LE      F1 to FD: 0 to 12
//! ```
//!
//! Invariant: everything that the form says twice is compared; what is taken over is a pack that was written here.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization names the form; its layout
//! is that of DUMP payloads.

use super::{Fault, Reader};
use crate::data::pack::{self, Item};

const HEAD: usize = 10;
const END: u8 = 0xFF;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The pack with the elements of a ziplist; it may be empty. Fails with `Malformed`, O(bytes).
pub fn to_pack(blob: &[u8]) -> Result<Vec<u8>, Fault> {
    read(blob).ok_or(Fault::Malformed("ziplist"))
}

fn read(blob: &[u8]) -> Option<Vec<u8>> {
    let (&end, covered) = blob.split_last()?;
    let mut head = Reader::new(covered);
    let total = u32::from_le_bytes(head.array().ok()?);
    let tail = u32::from_le_bytes(head.array().ok()?);
    let count = u16::from_le_bytes(head.array().ok()?);
    if total as usize != blob.len() || end != END {
        return None;
    }
    let mut out = pack::empty();
    let (mut elements, mut last, mut size_before) = (0usize, HEAD, 0usize);
    while !head.is_empty() {
        let left = head.left();
        let at = covered.len() - left;
        if before(&mut head)? != size_before {
            return None;
        }
        pack::push_item(&mut out, element(&mut head)?);
        (elements, last, size_before) = (elements + 1, at, left - head.left());
    }
    let is_counted = count == COUNT_UNKNOWN || usize::from(count) == elements;
    (is_counted && tail as usize == last).then_some(out)
}

/// The size of the element before, in either form.
fn before(reader: &mut Reader<'_>) -> Option<usize> {
    match reader.byte().ok()? {
        END => None,
        0xFE => Some(u32::from_le_bytes(reader.array().ok()?) as usize),
        short => Some(usize::from(short)),
    }
}

fn element<'a>(reader: &mut Reader<'a>) -> Option<Item<'a>> {
    let first = reader.byte().ok()?;
    let number = match first {
        0x00..=0x3F => return text(reader, u64::from(first)),
        0x40..=0x7F => {
            let low = reader.byte().ok()?;
            return text(reader, u64::from(first & 0x3F) << 8 | u64::from(low));
        }
        0x80..=0xBF => {
            let len = u32::from_be_bytes(reader.array().ok()?);
            return text(reader, u64::from(len));
        }
        0xC0 => i16::from_le_bytes(reader.array().ok()?).into(),
        0xD0 => i32::from_le_bytes(reader.array().ok()?).into(),
        0xE0 => i64::from_le_bytes(reader.array().ok()?),
        0xF0 => {
            let [a, b, c] = reader.array().ok()?;
            i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)
        }
        0xFE => i8::from_le_bytes(reader.array().ok()?).into(),
        0xF1..=0xFD => i64::from(first - 0xF1),
        _ => return None,
    };
    Some(Item::Int(number))
}

/// Text of `len` bytes; digits that an old writer left as text are recognised.
fn text<'a>(reader: &mut Reader<'a>, len: u64) -> Option<Item<'a>> {
    reader.take(len).ok().map(Item::of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::data::pack::Pack;

    /// Written by a real server.
    const GOOD: &[u8] =
        b"\x36\0\0\0\x2b\0\0\0\x07\0\0\xf3\x02\x0bHello World\x0d\xfe\x9c\x03\xc0\xe8\x03\x04\xf0\xa0\x86\x01\x05\xd0\xff\xff\xff\x7f\
        \x06\xe0\0\0\0\0\0\x01\0\0\xff";

    fn texts(blob: &[u8]) -> Option<Vec<String>> {
        let pack = to_pack(blob).ok()?;
        Some(Pack::new(&pack).iter().map(|i| String::from_utf8_lossy(&i.to_vec()).into_owned()).collect())
    }

    fn with(at: usize, byte: u8) -> Vec<u8> {
        let mut blob = GOOD.to_vec();
        blob[at] = byte;
        blob
    }

    #[test]
    fn every_encoding_is_read() {
        let all = ["2", "Hello World", "-100", "1000", "100000", "2147483647", "1099511627776"];
        assert_eq!(texts(GOOD).unwrap(), all);
        let mut long = b"\x40\x01\0\0\x39\x01\0\0\x02\0\0\x41\x2c".to_vec();
        long.extend_from_slice(&[b'x'; 300]);
        long.extend_from_slice(b"\xfe\x2f\x01\0\0\xf6\xff");
        assert_eq!(texts(&long).unwrap(), ["x".repeat(300).as_str(), "5"]);
        assert_eq!(texts(b"\x0b\0\0\0\x0a\0\0\0\0\0\xff").unwrap(), Vec::<String>::new());
        assert_eq!(texts(b"\x15\0\0\0\x0a\0\0\0\x01\0\0\x80\0\0\0\x04-077\xff").unwrap(), ["-077"]);
        assert_eq!(texts(&with(8, 0xff)).is_some(), texts(&with(9, 0xff)).is_some());
        let mut uncounted = with(8, 0xff);
        uncounted[9] = 0xff;
        assert_eq!(texts(&uncounted).unwrap(), all);
    }

    #[test]
    fn whatever_it_says_twice_must_agree() {
        for (what, at, byte) in [
            ("total", 0, 0x35),
            ("total", 3, 1),
            ("tail beyond the end", 5, 1),
            ("tail inside", 4, 0x24),
            ("count", 8, 6),
            ("count", 8, 8),
            ("no end", GOOD.len() - 1, 0),
            ("size before the first", 10, 1),
            ("size before", 12, 3),
            ("size before that ends", 12, 0xff),
            ("text beyond the end", 13, 0x3f),
            ("text beyond the end", 13, 0x7f),
            ("text beyond the end", 13, 0x80),
            ("no encoding", 11, 0xff),
            ("no encoding", 11, 0xc1),
        ] {
            assert_eq!(to_pack(&with(at, byte)), Err(Fault::Malformed("ziplist")), "{what}");
        }
        let mut more = GOOD.to_vec();
        more.push(0);
        assert!(to_pack(&more).is_err());
        more[0] += 1;
        assert!(to_pack(&more).is_err());
        for len in 0..GOOD.len() {
            assert!(to_pack(&GOOD[..len]).is_err());
        }
    }

    #[test]
    fn damaged_ones_never_panic() {
        let mut rng = Rng::new(5);
        for _ in 0..20_000 {
            let mut bad = GOOD.to_vec();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bad.len() as u64) as usize;
                bad[at] = rng.next_u32() as u8;
            }
            if let Ok(pack) = to_pack(&bad) {
                assert_eq!(Pack::new(&pack).iter().count(), Pack::new(&pack).len());
            }
        }
    }
}
