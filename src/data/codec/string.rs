//! Strings in the serialised form: values, and every name and element inside other values.
//!
//! Layer 1. A string is a length and its bytes, or one of
//!
//! ```text
//! C0 + 1 byte, C1 + 2 bytes, C2 + 4 bytes    a signed number, little endian, for its decimal text
//! C3 + length + length + bytes               LZF: compressed length, true length, stream
//! ```
//!
//! Invariants: the writer picks the first that applies of number, LZF (when allowed, longer than 20 bytes and at
//! least 4 bytes saved) and plain; the reader accepts any of them.
//! Ref: redis.io/commands/dump; the option `rdbcompression`.

use std::borrow::Cow;

use super::wire::{Prefix, Reader, put_length};
use super::{Fault, TYPE_STRING, Value, lzf};
use crate::data::pack::{Pack, number_of};

/// Longest text that is tried as a number: a sign and the ten digits of the largest 32-bit one.
const NUMBER_TEXT_MAX: usize = 11;
/// Strings up to this length are never compressed.
const PLAIN_MAX: usize = 20;
/// Bytes compression must save.
const SAVING_MIN: usize = 4;

/// Appends a string value: type byte and string, no footer. `compress`: the option `rdbcompression`.
pub fn dump_string(out: &mut Vec<u8>, text: &[u8], compress: bool) {
    out.push(TYPE_STRING);
    put_string(out, text, compress);
}

/// Appends one string.
pub fn put_string(out: &mut Vec<u8>, text: &[u8], compress: bool) {
    if text.len() <= NUMBER_TEXT_MAX
        && let Some(number) = number_of(text).and_then(|n| i32::try_from(n).ok())
    {
        return put_number(out, number);
    }
    if compress && text.len() > PLAIN_MAX && put_compressed(out, text) {
        return;
    }
    put_length(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Appends the listpack of a pack as one string.
pub fn put_pack(out: &mut Vec<u8>, pack: Pack<'_>, compress: bool) {
    let mut listpack = Vec::with_capacity(pack.listpack_bytes());
    pack.write_listpack(&mut listpack);
    put_string(out, &listpack, compress);
}

fn put_number(out: &mut Vec<u8>, number: i32) {
    if let Ok(n) = i8::try_from(number) {
        out.extend_from_slice(&[0xc0, n as u8]);
    } else if let Ok(n) = i16::try_from(number) {
        out.push(0xc1);
        out.extend_from_slice(&n.to_le_bytes());
    } else {
        out.push(0xc2);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends `text` compressed and returns true, or appends nothing.
fn put_compressed(out: &mut Vec<u8>, text: &[u8]) -> bool {
    // The stream's length stands before it: it is compressed at the end and moved up behind its prefix.
    let start = out.len();
    if !lzf::compress(text, text.len() - SAVING_MIN, out) {
        return false;
    }
    let end = out.len();
    out.push(0xc3);
    put_length(out, (end - start) as u64);
    put_length(out, text.len() as u64);
    let prefix = out.len() - end;
    out[start..].rotate_right(prefix);
    true
}

/// Reads one string, as its text. Borrows from the input where the text stands there as it is.
pub fn read_string<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    let number = match reader.prefix()? {
        Prefix::Length(length) => return reader.take(length).map(Cow::Borrowed),
        Prefix::Encoding(3) => return read_compressed(reader).map(Cow::Owned),
        Prefix::Encoding(e) => read_number(reader, e)?,
    };
    Ok(Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()))
}

/// Reads a string that is a whole value: a number wherever its text is that of one.
pub fn read_string_value(reader: &mut Reader<'_>) -> Result<Value, Fault> {
    let text = match reader.prefix()? {
        Prefix::Length(length) => Cow::Borrowed(reader.take(length)?),
        Prefix::Encoding(3) => Cow::Owned(read_compressed(reader)?),
        Prefix::Encoding(e) => return read_number(reader, e).map(|n| Value::Int(n.into())),
    };
    Ok(number_of(&text).map_or_else(|| Value::Str(text.into_owned()), Value::Int))
}

fn read_number(reader: &mut Reader<'_>, encoding: u8) -> Result<i32, Fault> {
    match encoding {
        0 => Ok(i8::from_le_bytes(reader.array()?).into()),
        1 => Ok(i16::from_le_bytes(reader.array()?).into()),
        2 => Ok(i32::from_le_bytes(reader.array()?)),
        _ => Err(Fault::BadStringEncoding(encoding)),
    }
}

fn read_compressed(reader: &mut Reader<'_>) -> Result<Vec<u8>, Fault> {
    let (stream_length, length) = (reader.length()?, reader.length()?);
    let stream = reader.take(stream_length)?;
    lzf::decompress(stream, length).ok_or(Fault::BadCompression)
}
