//! Zipmaps, the small hashes of files and payloads up to Redis 2.4. Read only.
//!
//! Layer 1, under `codec`.
//!
//! ```text
//! u8 number of pairs, 254 and more = count them | pairs | FF
//! pair: length, field, length, u8 unused bytes, value, so many unused bytes
//! length: one byte below FE, or FE + u32 LE for 254 and more
//! ```
//!
//! Invariant: a length stands in the form it needs, nothing follows the end.
//! Ref: the layout is that of DUMP payloads.

use super::{Fault, Reader};
use crate::data::pack;

const LONG: u8 = 0xFE;
const END: u8 = 0xFF;

/// The pack of fields and values of a zipmap; it may be empty. Fails with `Malformed`, O(bytes).
pub fn to_pack(blob: &[u8]) -> Result<Vec<u8>, Fault> {
    read(blob).ok_or(Fault::Malformed("zipmap"))
}

fn read(blob: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(blob);
    let count = reader.byte().ok()?;
    let (mut out, mut pairs) = (pack::empty(), 0usize);
    while let Some(field_len) = length(&mut reader)? {
        let field = reader.take(field_len).ok()?;
        let value_len = length(&mut reader)??;
        let unused = reader.byte().ok()?;
        let value = reader.take(value_len).ok()?;
        reader.take(unused.into()).ok()?;
        pack::push(&mut out, field);
        pack::push(&mut out, value);
        pairs += 1;
    }
    let is_counted = count >= LONG || usize::from(count) == pairs;
    (is_counted && reader.is_empty()).then_some(out)
}

/// A length; `Some(None)` at the end mark.
fn length(reader: &mut Reader<'_>) -> Option<Option<u64>> {
    match reader.byte().ok()? {
        END => Some(None),
        LONG => {
            let len = u32::from_le_bytes(reader.array().ok()?);
            // A shorter one in the long form would make writers of this form lose track of the next pair.
            (len >= u32::from(LONG)).then_some(Some(len.into()))
        }
        short => Some(Some(short.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::pack::Pack;

    const GOOD: &[u8] = b"\x02\x03foo\x03\0bar\x05hello\x05\x02worldXX\xff";

    fn texts(blob: &[u8]) -> Option<Vec<String>> {
        let pack = to_pack(blob).ok()?;
        Some(Pack::new(&pack).iter().map(|i| String::from_utf8_lossy(&i.to_vec()).into_owned()).collect())
    }

    #[test]
    fn pairs_are_read_and_padding_is_left_out() {
        assert_eq!(texts(GOOD).unwrap(), ["foo", "bar", "hello", "world"]);
        assert_eq!(texts(b"\0\xff").unwrap(), Vec::<String>::new());
        let mut long = b"\xfe\x01f\xfe\x2c\x01\0\0\0".to_vec();
        long.extend_from_slice(&[b'v'; 300]);
        long.push(0xff);
        assert_eq!(texts(&long).unwrap(), ["f", "v".repeat(300).as_str()]);
    }

    #[test]
    fn lengths_counts_and_ends_that_lie_are_refused() {
        for (what, blob) in [
            ("nothing", b"".as_slice()),
            ("no end", b"\0"),
            ("count", b"\x02\x01f\x01\0v\xff"),
            ("short length in the long form", b"\x01\xfe\x01\0\0\0f\x01\0v\xff"),
            ("length beyond the end", b"\x01\xfe\xff\xff\xff\xfff\x01\0v\xff"),
            ("field without value", b"\x01\x01f\xff"),
            ("padding beyond the end", b"\x01\x01f\x01\x09v\xff"),
            ("bytes behind the end", b"\x01\x01f\x01\0v\xff\0"),
        ] {
            assert_eq!(to_pack(blob), Err(Fault::Malformed("zipmap")), "{what}");
        }
        for len in 0..GOOD.len() {
            assert!(to_pack(&GOOD[..len]).is_err());
        }
    }
}
