//! A reply as the tests see it, decoded apart from the server's own code: the judge must not share the mistakes of the judged.
//! Strict: a byte that the protocol does not allow is an error, never skipped.
//! Ref: redis.io/docs/latest/develop/reference/protocol-spec

use std::fmt;

/// One reply of RESP2 or RESP3.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reply {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` or `_`.
    Null,
    Array(Vec<Reply>),
    Set(Vec<Reply>),
    Push(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// The text of the number.
    Double(Vec<u8>),
    Bool(bool),
    /// Without the three letters of the format.
    Verbatim(Vec<u8>),
    BigNumber(Vec<u8>),
}

/// What is wrong with bytes that ought to be a reply.
pub type Garbage = String;

/// Decodes one reply at the start of `bytes`: the reply and its length, or `None` if more bytes are needed.
pub fn decode(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Garbage> {
    let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") else {
        return if bytes.len() > 1 << 20 { Err("a line without an end".into()) } else { Ok(None) };
    };
    let (kind, line, next) = (bytes.first().copied().unwrap_or(0), bytes.get(1..end).unwrap_or(b""), end + 2);
    let number = || std::str::from_utf8(line).ok().and_then(|t| t.parse::<i64>().ok()).ok_or_else(|| bad("number", bytes));
    let reply = match kind {
        b'+' => Reply::Simple(line.to_vec()),
        b'-' => Reply::Error(line.to_vec()),
        b':' => Reply::Int(number()?),
        b',' => Reply::Double(line.to_vec()),
        b'(' => Reply::BigNumber(line.to_vec()),
        b'_' if line.is_empty() => Reply::Null,
        b'#' if line == b"t" || line == b"f" => Reply::Bool(line == b"t"),
        b'$' | b'*' if number()? == -1 => Reply::Null,
        b'$' | b'=' | b'!' => return bulk(kind, number()?, bytes, next),
        b'*' | b'~' | b'>' | b'%' => return aggregate(kind, number()?, bytes, next),
        _ => return Err(bad("type", bytes)),
    };
    Ok(Some((reply, next)))
}

fn bad(what: &str, bytes: &[u8]) -> Garbage {
    format!("bad {what} in reply: {}", Reply::Bulk(bytes[..bytes.len().min(64)].to_vec()))
}

fn bulk(kind: u8, len: i64, bytes: &[u8], start: usize) -> Result<Option<(Reply, usize)>, Garbage> {
    let len = usize::try_from(len).map_err(|_| bad("length", bytes))?;
    let Some(rest) = bytes.get(start..).filter(|r| r.len() >= len + 2) else { return Ok(None) };
    if &rest[len..len + 2] != b"\r\n" {
        return Err(bad("end of bulk", bytes));
    }
    let text = rest[..len].to_vec();
    let reply = match kind {
        b'$' => Reply::Bulk(text),
        b'!' => Reply::Error(text),
        _ if text.get(3) == Some(&b':') => Reply::Verbatim(text[4..].to_vec()),
        _ => return Err(bad("verbatim string", bytes)),
    };
    Ok(Some((reply, start + len + 2)))
}

fn aggregate(kind: u8, count: i64, bytes: &[u8], start: usize) -> Result<Option<(Reply, usize)>, Garbage> {
    let count = usize::try_from(count).map_err(|_| bad("count", bytes))? * if kind == b'%' { 2 } else { 1 };
    let (mut elements, mut at) = (Vec::new(), start);
    for _ in 0..count {
        let Some((element, len)) = decode(&bytes[at..])? else { return Ok(None) };
        elements.push(element);
        at += len;
    }
    let reply = match kind {
        b'*' => Reply::Array(elements),
        b'~' => Reply::Set(elements),
        b'>' => Reply::Push(elements),
        _ => Reply::Map(elements.chunks_exact(2).map(|p| (p[0].clone(), p[1].clone())).collect()),
    };
    Ok(Some((reply, at)))
}

impl Reply {
    /// The elements of an array, set or push; nothing of anything else.
    pub fn elements(&self) -> &[Reply] {
        match self {
            Reply::Array(e) | Reply::Set(e) | Reply::Push(e) => e,
            _ => &[],
        }
    }

    /// The bytes of a string reply, empty of anything else.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Reply::Simple(b) | Reply::Error(b) | Reply::Bulk(b) | Reply::Double(b) | Reply::Verbatim(b) | Reply::BigNumber(b) => b,
            _ => b"",
        }
    }

    /// The same with the elements of every array in one order.
    pub fn sorted(&self) -> Reply {
        match self {
            Reply::Array(e) | Reply::Set(e) => {
                let mut e: Vec<_> = e.iter().map(Reply::sorted).collect();
                e.sort();
                Reply::Array(e)
            }
            Reply::Map(pairs) => {
                let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.sorted(), v.sorted())).collect();
                pairs.sort();
                Reply::Map(pairs)
            }
            other => other.clone(),
        }
    }
}

/// Printable ASCII as it is, all else as `\xNN`.
pub fn printable(bytes: &[u8]) -> String {
    let shown: String = bytes[..bytes.len().min(200)].iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
    if bytes.len() > 200 { format!("{shown}... ({} bytes)", bytes.len()) } else { shown }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, elements: &[Reply]| {
            write!(f, "[")?;
            for (i, e) in elements.iter().enumerate() {
                write!(f, "{}{e}", if i == 0 { "" } else { ", " })?;
            }
            write!(f, "]")
        };
        match self {
            Reply::Simple(t) => write!(f, "+{}", printable(t)),
            Reply::Error(t) => write!(f, "-{}", printable(t)),
            Reply::Int(n) => write!(f, ":{n}"),
            Reply::Bulk(t) => write!(f, "\"{}\"", printable(t)),
            Reply::Null => write!(f, "nil"),
            Reply::Array(e) => list(f, e),
            Reply::Set(e) => write!(f, "~").and_then(|()| list(f, e)),
            Reply::Push(e) => write!(f, ">").and_then(|()| list(f, e)),
            Reply::Map(pairs) => {
                write!(f, "{{")?;
                for (i, (k, v)) in pairs.iter().enumerate() {
                    write!(f, "{}{k}: {v}", if i == 0 { "" } else { ", " })?;
                }
                write!(f, "}}")
            }
            Reply::Double(t) => write!(f, ",{}", printable(t)),
            Reply::Bool(b) => write!(f, "#{b}"),
            Reply::Verbatim(t) => write!(f, "=\"{}\"", printable(t)),
            Reply::BigNumber(t) => write!(f, "({}", printable(t)),
        }
    }
}
