//! The word rules of inline requests, which configuration files, ACL files and the command-line client share.
//!
//! Words are separated by white space. `"..."` knows the escapes `\xHH \n \r \t \b \a` and takes any other escaped byte
//! as it is; in `'...'` only `\'` is an escape. A quote may open inside a word and continues it, but a closing quote must
//! end the word. Invariant: [`split_args`] of [`quote`]`(x)` is exactly `[x]`, for any bytes x.
//! A line has no line end here, and a NUL byte outside of quotes ends it. Not a shell: no variables, no comments.
//!
//! Ref: redis.io/docs/reference/protocol-spec (inline commands), redis.io/docs/management/config-file.

use super::Span;

/// Splits a line into words, copied and unescaped. `None` if a quote is not closed, or closed in the middle of a word.
pub fn split_args(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut scratch, mut spans) = (Vec::new(), Vec::new());
    split_into(line, &mut scratch, &mut spans)?;
    Some(spans.into_iter().map(|span| span.of(&scratch).to_vec()).collect())
}

/// [`split_args`] without an allocation a word: appends the unescaped bytes to `scratch` and one span of `scratch` for
/// each word to `spans`. On `None` both are as before the call. `scratch` must stay under 4 GiB.
pub fn split_into(line: &[u8], scratch: &mut Vec<u8>, spans: &mut Vec<Span>) -> Option<()> {
    let (scratch_before, spans_before) = (scratch.len(), spans.len());
    let mut at = 0;
    loop {
        at += line.get(at..).unwrap_or_default().iter().take_while(|&&byte| is_space(byte)).count();
        if matches!(line.get(at), None | Some(0)) {
            return Some(());
        }
        let start = scratch.len();
        match word(line, at, scratch) {
            Some(next) => at = next,
            None => {
                scratch.truncate(scratch_before);
                spans.truncate(spans_before);
                return None;
            }
        }
        spans.push(Span { start: start as u32, len: (scratch.len() - start) as u32 });
    }
}

/// White space of the C locale: these separate words, and must follow a closing quote.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Unescapes the word at `at` into `scratch`; returns where it ended.
fn word(line: &[u8], mut at: usize, scratch: &mut Vec<u8>) -> Option<usize> {
    loop {
        match line.get(at..).unwrap_or_default() {
            // Vertical tab and form feed separate words but do not end one: an old rule that clients can see.
            [] | [b' ' | b'\n' | b'\r' | b'\t' | 0, ..] => return Some(at),
            [b'"', ..] => {
                at = double_quoted(line, at + 1, scratch)?;
                return ends_word(line, at);
            }
            [b'\'', ..] => {
                at = single_quoted(line, at + 1, scratch)?;
                return ends_word(line, at);
            }
            [byte, ..] => {
                scratch.push(*byte);
                at += 1;
            }
        }
    }
}

fn ends_word(line: &[u8], at: usize) -> Option<usize> {
    line.get(at).is_none_or(|&byte| is_space(byte) || byte == 0).then_some(at)
}

/// Unescapes up to the closing `"`; returns where the text after it starts.
fn double_quoted(line: &[u8], mut at: usize, scratch: &mut Vec<u8>) -> Option<usize> {
    loop {
        let (byte, taken) = match line.get(at..)? {
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => (hex(*high) << 4 | hex(*low), 4),
            [b'\\', escaped, ..] if *escaped != 0 => {
                let byte = match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                };
                (byte, 2)
            }
            [b'"', ..] => return Some(at + 1),
            [] | [0, ..] => return None,
            [byte, ..] => (*byte, 1),
        };
        scratch.push(byte);
        at += taken;
    }
}

/// Copies up to the closing `'`; returns where the text after it starts.
fn single_quoted(line: &[u8], mut at: usize, scratch: &mut Vec<u8>) -> Option<usize> {
    loop {
        let (byte, taken) = match line.get(at..)? {
            [b'\\', b'\'', ..] => (b'\'', 2),
            [b'\'', ..] => return Some(at + 1),
            [] | [0, ..] => return None,
            [byte, ..] => (*byte, 1),
        };
        scratch.push(byte);
        at += taken;
    }
}

fn hex(digit: u8) -> u8 {
    (digit as char).to_digit(16).unwrap_or(0) as u8
}

/// Writes bytes as one double-quoted printable word, as MONITOR and CONFIG REWRITE show them: `"a\"b\n\x01"`.
/// At most 4 bytes of output for each byte, plus 2.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    quote_into(&mut out, bytes);
    out
}

/// [`quote`], appended to `out`.
pub fn quote_into(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in bytes {
        let letter = match byte {
            b'\\' | b'"' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x07 => b'a',
            0x08 => b'b',
            b' '..=b'~' => {
                out.push(byte);
                continue;
            }
            _ => {
                out.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_as_redis_splits_them() {
        let cases: &[(&[u8], &[&[u8]])] = &[
            (b"", &[]),
            (b"  \t ", &[]),
            (b"  PING ", &[b"PING"]),
            (b"\"PING\"", &[b"PING"]),
            (b"'PING'", &[b"PING"]),
            (br#"SET k "a\x00b""#, &[b"SET", b"k", b"a\0b"]),
            (br#"echo "a\x41\n b""#, &[b"echo", b"aA\n b"]),
            (br"echo 'a\'b \n'", &[b"echo", br"a'b \n"]),
            (br#"a"b c""#, &[b"ab c"]),
            (b"\"\" ''", &[b"", b""]),
            (br#""\x4""#, &[b"x4"]),
            (br#""\r\t\b\a\q\"\\""#, &[b"\r\t\x08\x07q\"\\"]),
            (b"a\x0bb \x0c c", &[b"a\x0bb", b"c"]),
            (b"a\0 b", &[b"a"]),
            (br#""\xzz""#, &[b"xzz"]),
        ];
        for (line, words) in cases {
            assert_eq!(split_args(line).unwrap(), *words, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [&br#"set """k""" v"#[..], br#""a"b"#, b"\"a", b"'a", br#""a\"#, br#""a\""#, b"'a'b", br"'a\'", b"\"a\0\""] {
            assert_eq!(split_args(line), None, "{}", line.escape_ascii());
        }
        let (mut scratch, mut spans) = (b"x".to_vec(), vec![Span { start: 0, len: 1 }]);
        assert_eq!(split_into(b"a b \"c", &mut scratch, &mut spans), None);
        assert_eq!((scratch.len(), spans.len()), (1, 1));
    }

    #[test]
    fn quoted_bytes_read_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(split_args(&quote(&all)).unwrap(), [all]);
        assert_eq!(quote(b"a\"b\n\x01\xff\\"), br#""a\"b\n\x01\xff\\""#);
        assert_eq!(split_args(&quote(b"")).unwrap(), [b""]);
    }
}
