//! The reply reader: the other end of [`super::encode`], for the command-line client, the load generator, replication,
//! tests, and for cutting other cores' replies into parts that can be merged.
//!
//! Invariants: no input panics or recurses without bound; a claimed length reserves nothing; a reply is returned only
//! when all of its bytes are there. It reads everything RESP2 and RESP3 servers send except streamed types.
//!
//! Ref: redis.io/docs/reference/protocol-spec.

use super::inline::quote;
use crate::base::num::{fmt_double, parse_f64_or_nan, parse_i64};
use std::fmt;

/// Deepest nesting [`read`] builds; deeper replies are refused as malformed.
pub const DEPTH_MAX: usize = 128;

/// One reply with everything in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Simple(Vec<u8>),
    /// Error text with its code, without the dash.
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    /// `$-1` or `_`.
    Null,
    /// `*-1`.
    NullArray,
    Array(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    Set(Vec<Reply>),
    Push(Vec<Reply>),
    Double(f64),
    Bool(bool),
    /// The digits of a whole number of any size.
    Big(Vec<u8>),
    /// Format (`txt`, `mkd`) and text.
    Verbatim([u8; 3], Vec<u8>),
    /// Remarks on a reply, and the reply.
    Attribute(Vec<(Reply, Reply)>, Box<Reply>),
}

/// The input is no reply, whatever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Offset of the header that cannot be read, in bytes.
    pub at: usize,
}

/// The first line of a reply, and for strings its body.
enum Head<'a> {
    Line(u8, &'a [u8]),
    Body(u8, &'a [u8]),
    Many(u8, usize),
    NullBulk,
    NullArray,
}

/// Reads the head at `at`; returns it and where the next one starts. `Ok(None)`: not all there yet.
fn head(input: &[u8], at: usize) -> Result<Option<(Head<'_>, usize)>, Malformed> {
    let Some((&kind, rest)) = input.get(at..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    let Some(end) = memchr::memchr(b'\r', rest) else {
        return Ok(None);
    };
    let (line, body) = (&rest[..end], at + end + 3);
    match input.get(body - 1) {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) => return Err(Malformed { at }),
    }
    let number = || parse_i64(line).ok_or(Malformed { at });
    match kind {
        b'+' | b'-' | b':' | b',' | b'#' | b'(' | b'_' => Ok(Some((Head::Line(kind, line), body))),
        b'$' | b'=' | b'!' => {
            let len = number()?;
            if len == -1 && kind == b'$' {
                return Ok(Some((Head::NullBulk, body)));
            }
            let len = usize::try_from(len).map_err(|_| Malformed { at })?;
            let end = body.checked_add(len).ok_or(Malformed { at })?;
            match input.get(end..).unwrap_or_default() {
                [b'\r', b'\n', ..] => Ok(Some((Head::Body(kind, &input[body..end]), end + 2))),
                [] | [b'\r'] => Ok(None),
                _ => Err(Malformed { at }),
            }
        }
        b'*' | b'%' | b'~' | b'>' | b'|' => match number()? {
            -1 if kind == b'*' => Ok(Some((Head::NullArray, body))),
            count => {
                let count = usize::try_from(count).map_err(|_| Malformed { at })?;
                Ok(Some((Head::Many(kind, count), body)))
            }
        },
        _ => Err(Malformed { at }),
    }
}

/// Length in bytes of the first reply, without building it; `None` if it is not complete or malformed.
/// O(its headers), any depth.
pub fn skip(input: &[u8]) -> Option<usize> {
    let (mut at, mut missing) = (0, 1u64);
    while missing != 0 {
        let (found, next) = head(input, at).ok()??;
        at = next;
        missing -= 1;
        if let Head::Many(kind, count) = found {
            missing = missing.checked_add(elements(kind, count)?)?;
        }
    }
    Some(at)
}

/// How many replies follow the head of an aggregate.
fn elements(kind: u8, count: usize) -> Option<u64> {
    let count = count as u64;
    match kind {
        b'%' => count.checked_mul(2),
        b'|' => count.checked_mul(2)?.checked_add(1),
        _ => Some(count),
    }
}

/// An aggregate whose elements are not complete.
struct Frame {
    kind: u8,
    missing: u64,
    items: Vec<Reply>,
}

/// Reads the first reply; returns it and its length in bytes. `Ok(None)`: not complete. O(length).
pub fn read(input: &[u8]) -> Result<Option<(Reply, usize)>, Malformed> {
    let mut at = 0;
    let mut frames: Vec<Frame> = Vec::new();
    loop {
        let Some((found, next)) = head(input, at)? else {
            return Ok(None);
        };
        let mut done = match found {
            Head::Many(kind, count) => {
                let missing = elements(kind, count).ok_or(Malformed { at })?;
                if missing != 0 {
                    if frames.len() == DEPTH_MAX {
                        return Err(Malformed { at });
                    }
                    frames.push(Frame { kind, missing, items: Vec::new() });
                    at = next;
                    continue;
                }
                aggregate(kind, Vec::new())
            }
            Head::NullBulk => Reply::Null,
            Head::NullArray => Reply::NullArray,
            Head::Line(kind, line) => from_line(kind, line).ok_or(Malformed { at })?,
            Head::Body(kind, body) => from_body(kind, body).ok_or(Malformed { at })?,
        };
        at = next;
        // A finished reply is an element of the innermost frame and may finish it as well.
        loop {
            let Some(mut frame) = frames.pop() else {
                return Ok(Some((done, at)));
            };
            frame.items.push(done);
            frame.missing -= 1;
            if frame.missing != 0 {
                frames.push(frame);
                break;
            }
            done = aggregate(frame.kind, frame.items);
        }
    }
}

fn aggregate(kind: u8, mut items: Vec<Reply>) -> Reply {
    match kind {
        b'%' => Reply::Map(pairs(items)),
        b'~' => Reply::Set(items),
        b'>' => Reply::Push(items),
        b'|' => {
            let about = items.pop().unwrap_or(Reply::Null);
            Reply::Attribute(pairs(items), Box::new(about))
        }
        _ => Reply::Array(items),
    }
}

fn pairs(items: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

fn from_line(kind: u8, line: &[u8]) -> Option<Reply> {
    Some(match (kind, line) {
        (b'+', _) => Reply::Simple(line.to_vec()),
        (b'-', _) => Reply::Error(line.to_vec()),
        (b':', _) => Reply::Int(parse_i64(line)?),
        (b',', _) => Reply::Double(parse_f64_or_nan(line)?),
        (b'#', b"t") => Reply::Bool(true),
        (b'#', b"f") => Reply::Bool(false),
        (b'(', _) => Reply::Big(line.to_vec()),
        (b'_', b"") => Reply::Null,
        _ => return None,
    })
}

fn from_body(kind: u8, body: &[u8]) -> Option<Reply> {
    match (kind, body) {
        (b'=', [a, b, c, b':', text @ ..]) => Some(Reply::Verbatim([*a, *b, *c], text.to_vec())),
        (b'=', _) => None,
        (b'!', _) => Some(Reply::Error(body.to_vec())),
        _ => Some(Reply::Bulk(body.to_vec())),
    }
}

/// The reply as redis-cli shows it to a person: `(integer) 1`, `"text"`, `1) ...`, without a last line end.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        show(self, "", &mut text, 0);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// Writes `reply`; lines after the first start with `indent`.
fn show(reply: &Reply, indent: &str, out: &mut Vec<u8>, depth: usize) {
    // Replies built by hand may nest deeper than those read.
    if depth > DEPTH_MAX {
        return out.extend_from_slice(b"...");
    }
    match reply {
        Reply::Simple(text) => out.extend_from_slice(text),
        Reply::Error(text) => out.extend_from_slice(&[b"(error) ", text.as_slice()].concat()),
        Reply::Int(value) => out.extend_from_slice(format!("(integer) {value}").as_bytes()),
        Reply::Bulk(bytes) => out.extend_from_slice(&quote(bytes)),
        Reply::Null | Reply::NullArray => out.extend_from_slice(b"(nil)"),
        Reply::Double(value) => {
            out.extend_from_slice(b"(double) ");
            fmt_double(out, *value);
        }
        Reply::Bool(value) => out.extend_from_slice(if *value { b"(true)" } else { b"(false)" }),
        Reply::Big(digits) => out.extend_from_slice(&[b"(big number) ", digits.as_slice()].concat()),
        Reply::Verbatim(_, text) => out.extend_from_slice(text),
        Reply::Array(items) => show_items(items, b")", "(empty array)", indent, out, depth),
        Reply::Set(items) => show_items(items, b"~", "(empty set)", indent, out, depth),
        Reply::Push(items) => show_items(items, b")", "(empty push)", indent, out, depth),
        Reply::Map(items) => show_pairs(items, b"#", indent, out, depth),
        Reply::Attribute(items, about) => {
            show_pairs(items, b"|", indent, out, depth);
            out.push(b'\n');
            out.extend_from_slice(indent.as_bytes());
            show(about, indent, out, depth + 1);
        }
    }
}

/// The number in front of an item, right aligned to the longest one; returns the indent of lines below it.
fn numbered(index: usize, count: usize, sign: &[u8], indent: &str, out: &mut Vec<u8>) -> String {
    let width = count.to_string().len();
    if index != 0 {
        out.push(b'\n');
        out.extend_from_slice(indent.as_bytes());
    }
    out.extend_from_slice(format!("{:width$}", index + 1).as_bytes());
    out.extend_from_slice(sign);
    out.push(b' ');
    format!("{indent}{:1$}", "", width + 2)
}

fn show_items(items: &[Reply], sign: &[u8], empty: &str, indent: &str, out: &mut Vec<u8>, depth: usize) {
    if items.is_empty() {
        out.extend_from_slice(empty.as_bytes());
    }
    for (index, item) in items.iter().enumerate() {
        let below = numbered(index, items.len(), sign, indent, out);
        show(item, &below, out, depth + 1);
    }
}

fn show_pairs(items: &[(Reply, Reply)], sign: &[u8], indent: &str, out: &mut Vec<u8>, depth: usize) {
    if items.is_empty() {
        out.extend_from_slice(b"(empty hash)");
    }
    for (index, (key, value)) in items.iter().enumerate() {
        let below = numbered(index, items.len(), sign, indent, out);
        show(key, &below, out, depth + 1);
        out.extend_from_slice(b" => ");
        show(value, &below, out, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::Out;
    use super::*;

    fn sample(resp3: bool) -> Vec<u8> {
        let mut out = Out::new(resp3);
        out.array(13);
        out.ok();
        out.error("ERR no");
        out.int(-12);
        out.bulk(b"a\r\nb");
        out.null();
        out.null_array();
        out.map(1);
        out.bulk(b"k");
        out.array(0);
        out.set(1);
        out.int(1);
        out.push(1);
        out.double(1.5);
        out.boolean(true);
        out.big_number("12345678901234567890");
        out.verbatim(b"txt", b"v");
        out.double(f64::INFINITY);
        out.buf
    }

    #[test]
    fn what_is_written_reads_back() {
        let bytes = sample(true);
        let (reply, len) = read(&bytes).unwrap().unwrap();
        assert_eq!((len, skip(&bytes)), (bytes.len(), Some(bytes.len())));
        let bulk = |text: &[u8]| Reply::Bulk(text.to_vec());
        let expected = vec![
            Reply::Simple(b"OK".to_vec()),
            Reply::Error(b"ERR no".to_vec()),
            Reply::Int(-12),
            bulk(b"a\r\nb"),
            Reply::Null,
            Reply::Null,
            Reply::Map(vec![(bulk(b"k"), Reply::Array(vec![]))]),
            Reply::Set(vec![Reply::Int(1)]),
            Reply::Push(vec![Reply::Double(1.5)]),
            Reply::Bool(true),
            Reply::Big(b"12345678901234567890".to_vec()),
            Reply::Verbatim(*b"txt", b"v".to_vec()),
            Reply::Double(f64::INFINITY),
        ];
        assert_eq!(reply, Reply::Array(expected));
        let resp2 = sample(false);
        assert_eq!(skip(&resp2), Some(resp2.len()));
        assert_eq!(read(&resp2).unwrap().unwrap().1, resp2.len());
    }

    #[test]
    fn a_part_of_a_reply_is_not_a_reply() {
        for bytes in [sample(true), sample(false), b"|1\r\n+a\r\n+b\r\n:1\r\n".to_vec()] {
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), Ok(None), "{end}");
                assert_eq!(skip(&bytes[..end]), None, "{end}");
            }
            let twice = [bytes.as_slice(), &bytes].concat();
            assert_eq!(skip(&twice), Some(bytes.len()));
        }
    }

    #[test]
    fn malformed_replies_are_refused() {
        for bytes in [
            &b"x\r\n"[..],
            b"+a\rb",
            b"$-2\r\n",
            b"$3\r\nabcd\r\n",
            b"*x\r\n",
            b":1x\r\n",
            b"#y\r\n",
            b"_x\r\n",
            b"=2\r\nab\r\n",
            b"%-1\r\n",
        ] {
            assert!(read(bytes).is_err(), "{}", bytes.escape_ascii());
        }
        let deep = [b"*1\r\n".repeat(100_000), b":1\r\n".to_vec()].concat();
        assert!(read(&deep).is_err());
        assert_eq!(skip(&deep), Some(deep.len()));
        assert_eq!(read(b"*9223372036854775807\r\n"), Ok(None));
        assert!(read(b"%9223372036854775807\r\n").is_ok());
        assert_eq!(skip(b"$9223372036854775807\r\n"), None);
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut seed = 11u64;
        for _ in 0..50_000 {
            let mut next = |letters: &[u8]| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                letters[(seed >> 33) as usize % letters.len()]
            };
            let bytes: Vec<u8> = (0..24).map(|_| next(b"*$%|~=+-:,#(_!0123\r\n\r\n")).collect();
            if let Ok(Some((_, len))) = read(&bytes) {
                assert_eq!(skip(&bytes), Some(len));
            }
        }
    }

    #[test]
    fn text_for_people_is_numbered_and_indented() {
        let reply = read(b"*3\r\n*2\r\n:1\r\n$1\r\n\"\r\n%1\r\n+k\r\n~0\r\n_\r\n").unwrap().unwrap().0;
        assert_eq!(reply.to_string(), "1) 1) (integer) 1\n   2) \"\\\"\"\n2) 1# k => (empty set)\n3) (nil)");
    }
}
