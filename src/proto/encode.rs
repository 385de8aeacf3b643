//! The reply writer: appends one connection's replies to its output buffer, in RESP2 or RESP3.
//!
//! Last code on every command's path; commands call it, the connection sends the buffer. The caller says what a reply
//! means (a map, a double, nothing there) and [`Out`] picks the form the client's protocol has for it.
//! Invariants: a status or error is always one line, whatever text it is given; a length and the elements after it are
//! the caller's to keep equal. Budget: a short bulk or integer is two copies and no formatting call.
//! It never sends, limits or counts bytes, and it adds no error code: texts arrive complete, from the refusal table.
//!
//! Ref: redis.io/docs/reference/protocol-spec; RESP2 forms of RESP3 types as in redis-server 7.2.

use crate::base::num::fmt_double;

/// Replies of one connection, encoded.
#[derive(Debug, Default)]
pub struct Out {
    /// The bytes to send.
    pub buf: Vec<u8>,
    /// The protocol the client has chosen: RESP3 if true, else RESP2.
    pub resp3: bool,
}

/// A place kept for the length of an aggregate whose elements are written first. Give it back to
/// [`Out::fix_array`], [`Out::fix_map`] or [`Out::fix_set`]; inner places before outer ones.
#[must_use]
#[derive(Debug)]
pub struct Mark(usize);

/// Bytes kept for a deferred length: fits counts up to 9, so that small aggregates are never moved.
const PLACE: usize = 4;

impl Out {
    /// An empty buffer that allocates with the first reply.
    pub fn new(resp3: bool) -> Out {
        Out { buf: Vec::new(), resp3 }
    }

    /// The status `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.buf.extend_from_slice(b"+OK\r\n");
    }

    /// A status line. CR and LF in `text` become spaces.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error line; `text` starts with the error code and has no dash. CR and LF in `text` become spaces.
    #[inline]
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// [`Out::error`] for texts that quote a client's bytes and so may not be UTF-8.
    pub fn error_bytes(&mut self, text: &[u8]) {
        let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
        let start = text.iter().position(|b| !is_end(b)).unwrap_or(text.len());
        let end = text.iter().rposition(|b| !is_end(b)).map_or(start, |i| i + 1);
        self.line(b'-', &text[start..end]);
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(b':', value),
            Err(_) => {
                self.buf.push(b':');
                self.buf.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                self.end();
            }
        }
    }

    /// A bulk string of any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        // One reservation: none of the three appends below has to grow the buffer again.
        self.buf.reserve(bytes.len() + 24);
        self.head(b'$', bytes.len() as u64);
        self.buf.extend_from_slice(bytes);
        self.end();
    }

    /// An integer as the text of a bulk string.
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A double as the text of a bulk string in both protocols.
    pub fn bulk_double(&mut self, value: f64) {
        let mut text = Vec::with_capacity(32);
        fmt_double(&mut text, value);
        self.bulk(&text);
    }

    /// No value where a string could be.
    #[inline]
    pub fn null(&mut self) {
        self.buf.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// No value where an array could be.
    #[inline]
    pub fn null_array(&mut self) {
        self.buf.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// Starts an array of `count` replies.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.head(b'*', count as u64);
    }

    /// Starts a map of `pairs` keys and values; RESP2: a flat array.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        let (kind, count) = self.map_head(pairs);
        self.head(kind, count);
    }

    /// Starts a set of `count` replies; RESP2: an array.
    #[inline]
    pub fn set(&mut self, count: usize) {
        self.head(if self.resp3 { b'~' } else { b'*' }, count as u64);
    }

    /// Starts an out-of-band message of `count` replies; RESP2: an array.
    #[inline]
    pub fn push(&mut self, count: usize) {
        self.head(if self.resp3 { b'>' } else { b'*' }, count as u64);
    }

    /// Starts `pairs` keys and values about the reply that follows. False in RESP2, which has no attributes: then
    /// nothing is written and the caller leaves the pairs out.
    #[must_use]
    pub fn attribute(&mut self, pairs: usize) -> bool {
        if self.resp3 {
            self.head(b'|', pairs as u64);
        }
        self.resp3
    }

    /// A double; RESP2: a bulk string with the same text.
    pub fn double(&mut self, value: f64) {
        if !self.resp3 {
            return self.bulk_double(value);
        }
        self.buf.push(b',');
        fmt_double(&mut self.buf, value);
        self.end();
    }

    /// A boolean; RESP2: the integer 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        self.buf.extend_from_slice(match (self.resp3, value) {
            (true, true) => b"#t\r\n",
            (true, false) => b"#f\r\n",
            (false, true) => b":1\r\n",
            (false, false) => b":0\r\n",
        });
    }

    /// A whole number of any size, as its digits; RESP2: a bulk string.
    pub fn big_number(&mut self, digits: &str) {
        if self.resp3 { self.line(b'(', digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }

    /// Text with its format (`txt` or `mkd`); RESP2: a bulk string without the format.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        if !self.resp3 {
            return self.bulk(text);
        }
        self.head(b'=', text.len() as u64 + 4);
        self.buf.extend_from_slice(format);
        self.buf.push(b':');
        self.buf.extend_from_slice(text);
        self.end();
    }

    /// Bytes that are encoded already.
    #[inline]
    pub fn raw(&mut self, encoded: &[u8]) {
        self.buf.extend_from_slice(encoded);
    }

    /// Keeps a place for a length that is known only after the elements are written.
    pub fn deferred(&mut self) -> Mark {
        let mark = Mark(self.buf.len());
        self.buf.extend_from_slice(&[0; PLACE]);
        mark
    }

    /// Fills a place: the `count` replies since then are an array. O(bytes since then) if `count` is over 9.
    pub fn fix_array(&mut self, mark: Mark, count: usize) {
        self.fix(mark, b'*', count as u64);
    }

    /// Fills a place: the replies since then are `pairs` keys and values; RESP2: a flat array.
    pub fn fix_map(&mut self, mark: Mark, pairs: usize) {
        let (kind, count) = self.map_head(pairs);
        self.fix(mark, kind, count);
    }

    /// Fills a place: the `count` replies since then are a set; RESP2: an array.
    pub fn fix_set(&mut self, mark: Mark, count: usize) {
        self.fix(mark, if self.resp3 { b'~' } else { b'*' }, count as u64);
    }

    /// Takes a place back together with everything written since, to reply something else instead.
    pub fn rewind(&mut self, mark: Mark) {
        self.buf.truncate(mark.0);
    }

    fn map_head(&self, pairs: usize) -> (u8, u64) {
        if self.resp3 { (b'%', pairs as u64) } else { (b'*', pairs as u64 * 2) }
    }

    fn fix(&mut self, mark: Mark, kind: u8, count: u64) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(count).as_bytes();
        // kind, digits, CR LF: one byte of place a digit up to one, spliced in beyond.
        let mut head = [0u8; 24];
        let len = digits.len() + 3;
        head[0] = kind;
        head[1..=digits.len()].copy_from_slice(digits);
        head[len - 2..len].copy_from_slice(b"\r\n");
        if let Some(place) = self.buf.get_mut(mark.0..mark.0 + PLACE) {
            debug_assert_eq!(*place, [0; PLACE], "a place is filled once, inner before outer");
            place.copy_from_slice(&head[..PLACE]);
            if len > PLACE {
                let rest = mark.0 + PLACE;
                self.buf.splice(rest..rest, head[PLACE..len].iter().copied());
            }
        }
    }

    /// Writes a kind byte, a number and a line end.
    #[inline]
    fn head(&mut self, kind: u8, number: u64) {
        let digit = |value: u64| b'0' + value as u8;
        if number < 10 {
            self.buf.extend_from_slice(&[kind, digit(number), b'\r', b'\n']);
        } else if number < 100 {
            self.buf.extend_from_slice(&[kind, digit(number / 10), digit(number % 10), b'\r', b'\n']);
        } else {
            self.long_head(kind, number);
        }
    }

    #[inline(never)]
    fn long_head(&mut self, kind: u8, number: u64) {
        self.buf.push(kind);
        self.buf.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.end();
    }

    #[inline]
    fn end(&mut self) {
        self.buf.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.buf.reserve(text.len() + 3);
        self.buf.push(kind);
        if memchr::memchr2(b'\r', b'\n', text).is_none() {
            self.buf.extend_from_slice(text);
        } else {
            self.buf.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        }
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `write` encodes in RESP2 and in RESP3.
    fn both(write: impl Fn(&mut Out)) -> (String, String) {
        let encode = |resp3| {
            let mut out = Out::new(resp3);
            write(&mut out);
            String::from_utf8(out.buf).unwrap()
        };
        (encode(false), encode(true))
    }

    #[test]
    fn each_kind_has_its_form_in_both_protocols() {
        type Write = fn(&mut Out);
        let cases: &[(Write, &str, &str)] = &[
            (|out| out.ok(), "+OK\r\n", "+OK\r\n"),
            (|out| out.simple("a\r\nb"), "+a  b\r\n", "+a  b\r\n"),
            (|out| out.error("ERR x\ny"), "-ERR x y\r\n", "-ERR x y\r\n"),
            (|out| out.int(7), ":7\r\n", ":7\r\n"),
            (|out| out.int(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
            (|out| out.bulk(b""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (|out| out.bulk(&[b'x'; 12]), "$12\r\nxxxxxxxxxxxx\r\n", "$12\r\nxxxxxxxxxxxx\r\n"),
            (|out| out.null(), "$-1\r\n", "_\r\n"),
            (|out| out.null_array(), "*-1\r\n", "_\r\n"),
            (|out| out.array(1000), "*1000\r\n", "*1000\r\n"),
            (|out| out.map(5), "*10\r\n", "%5\r\n"),
            (|out| out.set(5), "*5\r\n", "~5\r\n"),
            (|out| out.push(3), "*3\r\n", ">3\r\n"),
            (|out| out.double(3.6), "$3\r\n3.6\r\n", ",3.6\r\n"),
            (|out| out.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
            (|out| out.boolean(true), ":1\r\n", "#t\r\n"),
            (|out| out.boolean(false), ":0\r\n", "#f\r\n"),
            (|out| out.big_number("123"), "$3\r\n123\r\n", "(123\r\n"),
            (|out| out.verbatim(b"txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
            (|out| assert_eq!(out.attribute(1), out.resp3), "", "|1\r\n"),
            (|out| out.bulk_double(0.5), "$3\r\n0.5\r\n", "$3\r\n0.5\r\n"),
            (|out| out.bulk_int(-5), "$2\r\n-5\r\n", "$2\r\n-5\r\n"),
        ];
        for (write, resp2, resp3) in cases {
            assert_eq!(both(write), (resp2.to_string(), resp3.to_string()));
        }
    }

    #[test]
    fn late_lengths_fit_any_count() {
        for count in [0, 1, 9, 10, 99, 100, 12345] {
            let early = both(|out| {
                out.array(2);
                out.map(count);
                (0..count * 2).for_each(|_| out.int(1));
                out.set(count);
                (0..count).for_each(|_| out.int(2));
            });
            let late = both(|out| {
                let outer = out.deferred();
                let map = out.deferred();
                (0..count * 2).for_each(|_| out.int(1));
                out.fix_map(map, count);
                let set = out.deferred();
                (0..count).for_each(|_| out.int(2));
                out.fix_set(set, count);
                out.fix_array(outer, 2);
            });
            assert_eq!(early, late);
        }
    }

    #[test]
    fn a_taken_back_place_leaves_nothing() {
        let mut out = Out::new(true);
        out.ok();
        let mark = out.deferred();
        out.int(1);
        out.rewind(mark);
        assert_eq!(out.buf, b"+OK\r\n");
    }
}
