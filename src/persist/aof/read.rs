//! Scanner of one file of commands, fed with windows of its bytes: where commands and annotations begin and end, how far the file is
//! whole, and what is wrong behind that.
//!
//! It frames and does not keep: a value of any length is jumped over, so its memory is a few lines whatever a length claims. Budget: less
//! than 20 ns for a SET of small words, so that a file is scanned faster than a disk gives it.
//!
//! A **unit** is what counts as a whole or not at all: a command, MULTI to EXEC, and either of them together with the `#TX` line before it.
//! Invariants: however the bytes are cut into windows, the result is the same; `whole` is the end of a unit or of an annotation between
//! units, and everything before it is well-formed. Words are not interpreted but for MULTI and EXEC; commands are not looked up.
//! Stricter than stock servers: lines end with CR LF, lengths are plain digits, transactions do not nest.
//! Ref: redis.io/docs/reference/protocol-spec; behaviour of 7.2

use super::annotation::{self, Annotation};

/// Most words of a command, as for clients.
const WORDS_MAX: u64 = i32::MAX as u64;
/// Longest word, bytes: what can be held when it is carried out.
const WORD_MAX: u64 = u32::MAX as u64;
/// Digits of the greatest of both.
const DIGITS_MAX: usize = 10;
/// Bytes of a command's name that are looked at.
const NAME_MAX: usize = 32;

/// Receives what the scanner finds, in order.
pub trait Sink {
    /// A command: where it begins, its bytes, and up to 32 bytes of its first word.
    fn command(&mut self, at: u64, len: u64, name: &[u8]) {
        let _ = (at, len, name);
    }
    /// A `SELECT` at `at` in the unit that begins at `unit`, with the digits of its database; after its `command`.
    fn select(&mut self, at: u64, unit: u64, db: &[u8]) {
        let _ = (at, unit, db);
    }
    /// A line that starts with `#`, its end included. `is_inside`: between MULTI and EXEC.
    fn annotation(&mut self, at: u64, line: &[u8], is_inside: bool) {
        let _ = (at, line, is_inside);
    }
}

/// Wants to know nothing.
impl Sink for () {}

/// What ends a file before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It ends inside of a unit.
    End,
    /// It ends inside of an annotation, between units: nothing is lost with it.
    EndOfNote,
    /// The byte at this offset cannot be there.
    Bad(u64),
}

/// What was found when all bytes were seen, or none after a bad one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Bytes of the longest prefix that is whole.
    pub whole: u64,
    /// Commands in it.
    pub commands: u64,
    /// Where the command begins that is not whole; `whole` if none does.
    pub broken: u64,
    /// Lines of RESP in everything that was read, the broken command included.
    pub lines: u64,
    /// Where the last word or annotation begins that was read as a whole.
    pub last: u64,
    /// What is behind the whole prefix; `None`: nothing.
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before a command or an annotation.
    Between,
    /// In an annotation whose beginning is in `line`.
    Note,
    /// In the line that says how many words; its beginning is in `line`.
    Count,
    /// Before or in the line that says how long the next of `words` words is.
    Length { words: u64 },
    /// In a word with so many bytes left, CR LF included; `words` come after it.
    Word { words: u64, left: u64 },
    /// After a bad byte.
    Dead(u64),
}

/// See the file's head.
pub struct Scanner {
    state: State,
    /// Offset of the next byte.
    at: u64,
    /// Where the command (or annotation) began that is being read.
    begun: u64,
    whole: u64,
    /// Commands in `whole`, and all.
    commands: u64,
    seen: u64,
    lines: u64,
    last: u64,
    /// Where the word begins that is being read.
    last_begun: u64,
    in_multi: bool,
    /// A `#TX` line waits for its command.
    has_tx: bool,
    /// Where the open unit begins.
    unit: u64,
    /// What a window cut off of a line.
    line: Vec<u8>,
    /// First word of the command that is being read, as far as it is looked at.
    name: Vec<u8>,
    is_first: bool,
    /// The front of the last word that was not the first.
    word: Vec<u8>,
}

impl Scanner {
    /// Begins at offset `at` of a file, between units.
    #[must_use]
    pub fn new(at: u64) -> Scanner {
        Scanner {
            state: State::Between,
            at,
            begun: at,
            whole: at,
            commands: 0,
            seen: 0,
            lines: 0,
            last: at,
            last_begun: at,
            in_multi: false,
            has_tx: false,
            unit: at,
            line: Vec::new(),
            name: Vec::new(),
            word: Vec::new(),
            is_first: false,
        }
    }

    /// Takes in the bytes that follow. False after a bad byte: more bytes would change nothing.
    pub fn feed<S: Sink>(&mut self, window: &[u8], sink: &mut S) -> bool {
        let base = self.at;
        let mut pos = 0;
        while pos < window.len() {
            self.at = base + pos as u64;
            pos = match self.state {
                State::Between => self.between(window, pos, sink),
                State::Note => self.note(window, pos, sink),
                State::Count => self.count(window, pos),
                State::Length { words } => self.length(window, pos, words),
                State::Word { words, left } => self.word(window, pos, words, left, sink),
                State::Dead(_) => return false,
            };
        }
        self.at = base + window.len() as u64;
        !matches!(self.state, State::Dead(_))
    }

    /// The file ends here.
    #[must_use]
    pub fn finish(&self) -> Found {
        let fault = match self.state {
            State::Dead(at) => Some(Fault::Bad(at)),
            State::Between if self.in_multi || self.has_tx => Some(Fault::End),
            State::Between => None,
            State::Note if !self.in_multi && !self.has_tx => Some(Fault::EndOfNote),
            _ => Some(Fault::End),
        };
        let is_between = self.state == State::Between;
        let broken = if is_between { self.whole } else { self.begun };
        Found { whole: self.whole, commands: self.commands, broken, lines: self.lines, last: self.last, fault }
    }

    /// Bytes of the longest whole prefix so far.
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Commands up to `whole`.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.commands
    }

    /// Before a command or an annotation; commands that lie in the window as a whole are read without leaving this function.
    #[inline]
    fn between<S: Sink>(&mut self, window: &[u8], mut pos: usize, sink: &mut S) -> usize {
        let base = self.at - pos as u64;
        while let Some(quick) = quick_command(window, pos) {
            let name = window.get(quick.name.0..quick.name.0 + quick.name.1.min(NAME_MAX)).unwrap_or_default();
            self.begun = base + pos as u64;
            let len = (quick.end - pos) as u64;
            self.at = base + quick.end as u64;
            self.lines += 1 + 2 * quick.words;
            self.last = base + quick.last as u64;
            let word = window.get(quick.last..quick.end - 2).unwrap_or_default();
            if !self.end_command(len, name, quick.name.1, word, sink) {
                return quick.end;
            }
            pos = quick.end;
        }
        self.at = base + pos as u64;
        self.begun = self.at;
        self.line.clear();
        match window.get(pos) {
            Some(b'#') => {
                self.state = State::Note;
                pos
            }
            Some(b'*') => {
                self.state = State::Count;
                pos
            }
            Some(_) => self.die(self.at, window),
            None => pos,
        }
    }

    /// A command is complete; its `len` bytes end at `self.at`. False if it cannot stand here.
    #[inline]
    fn end_command<S: Sink>(&mut self, len: u64, name: &[u8], name_len: usize, last: &[u8], sink: &mut S) -> bool {
        let mut is_select = false;
        if name_len == 5 && name.eq_ignore_ascii_case(b"multi") {
            if self.in_multi {
                self.state = State::Dead(self.begun);
                return false;
            }
            self.in_multi = true;
            if !self.has_tx {
                self.unit = self.begun;
            }
        } else if name_len == 4 && name.eq_ignore_ascii_case(b"exec") {
            if !self.in_multi {
                self.state = State::Dead(self.begun);
                return false;
            }
            self.in_multi = false;
        } else if name_len == 6 {
            is_select = name.eq_ignore_ascii_case(b"select");
        }
        let unit = if self.in_multi || self.has_tx { self.unit } else { self.begun };
        self.seen += 1;
        if !self.in_multi {
            self.has_tx = false;
            self.whole = self.at;
            self.commands = self.seen;
        }
        self.state = State::Between;
        sink.command(self.begun, len, name);
        if is_select {
            sink.select(self.begun, unit, last);
        }
        true
    }

    /// An annotation, up to its line end.
    fn note<S: Sink>(&mut self, window: &[u8], pos: usize, sink: &mut S) -> usize {
        let room = annotation::LINE_MAX - self.line.len();
        let rest = window.get(pos..).unwrap_or_default();
        let part = rest.get(..room).unwrap_or(rest);
        let end = memchr::memchr2(b'\n', 0, part);
        if let Some(zero) = end.filter(|end| part.get(*end) == Some(&0)) {
            // No line has one: what was to stand here never reached the disk.
            return self.die(self.at + zero as u64, window);
        }
        let Some(end) = end else {
            if part.len() == room {
                return self.die(self.begun, window);
            }
            self.line.extend_from_slice(part);
            return window.len();
        };
        let next = pos + end + 1;
        self.at += end as u64 + 1;
        if self.line.is_empty() {
            self.end_note(part.get(..=end).unwrap_or_default(), sink);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(part.get(..=end).unwrap_or_default());
            self.end_note(&line, sink);
            self.line = line;
        }
        if matches!(self.state, State::Dead(_)) { window.len() } else { next }
    }

    fn end_note<S: Sink>(&mut self, line: &[u8], sink: &mut S) {
        self.last = self.begun;
        self.state = State::Between;
        // The only ones that mean something to the framing are told by their first letters.
        let known =
            if matches!(line, [_, b'R' | b'M' | b'E', ..] | [_, b'T', b'X', ..]) { Annotation::read(line) } else { Annotation::Other };
        let is_inside = self.in_multi || self.has_tx;
        match known {
            Annotation::Other | Annotation::Ts(_) => {}
            // Ours stand between units.
            _ if is_inside => {
                self.state = State::Dead(self.begun);
                return;
            }
            Annotation::Tx { is_empty: false, .. } => {
                self.has_tx = true;
                self.unit = self.begun;
            }
            _ => {}
        }
        if !self.in_multi && !self.has_tx {
            self.whole = self.at;
        }
        sink.annotation(self.begun, line, is_inside);
    }

    fn count(&mut self, window: &[u8], pos: usize) -> usize {
        let (next, words) = match self.header(window, pos, b'*', WORDS_MAX) {
            Ok(read) => read,
            Err(next) => return next,
        };
        if words == 0 {
            return self.die(self.begun, window);
        }
        self.is_first = true;
        self.name.clear();
        self.state = State::Length { words };
        next
    }

    fn length(&mut self, window: &[u8], pos: usize, words: u64) -> usize {
        let (next, len) = match self.header(window, pos, b'$', WORD_MAX) {
            Ok(read) => read,
            Err(next) => return next,
        };
        self.last_begun = self.at + (next - pos) as u64;
        self.word.clear();
        self.state = State::Word { words: words - 1, left: len + 2 };
        next
    }

    /// A line of `mark`, digits and CR LF, whose beginning may be in `self.line`. `Err`: not complete, or bad; go on there.
    fn header(&mut self, window: &[u8], pos: usize, mark: u8, most: u64) -> Result<(usize, u64), usize> {
        let before = self.line.len();
        let rest = window.get(pos..).unwrap_or_default();
        let part = rest.get(..DIGITS_MAX + 3).unwrap_or(rest);
        self.line.extend_from_slice(part);
        let end = read_header(&self.line, mark, most);
        let start = self.at - before as u64;
        match end {
            Header::Is { value, len } => {
                self.line.clear();
                self.lines += 1;
                Ok((pos + len - before, value))
            }
            Header::Cut => Err(window.len()),
            Header::Bad(offset) => Err(self.die(start + offset as u64, window)),
        }
    }

    fn word<S: Sink>(&mut self, window: &[u8], pos: usize, words: u64, left: u64, sink: &mut S) -> usize {
        let available = (window.len() - pos) as u64;
        let taken = available.min(left) as usize;
        let part = window.get(pos..pos + taken).unwrap_or_default();
        // Bytes of the word itself in this part, then those of its line end.
        let own = (left.saturating_sub(2)).min(taken as u64) as usize;
        if self.is_first {
            let room = NAME_MAX + 1 - self.name.len().min(NAME_MAX + 1);
            self.name.extend(part.iter().take(own.min(room)));
        } else {
            let room = NAME_MAX.saturating_sub(self.word.len());
            self.word.extend(part.iter().take(own.min(room)));
        }
        let end = (left - own as u64).min(2) as usize;
        for (n, byte) in part.get(own..).unwrap_or_default().iter().enumerate() {
            // `end` is 2 if the whole line end is still to come.
            let wanted = if end - n == 2 { b'\r' } else { b'\n' };
            if *byte != wanted {
                return self.die(self.at + (own + n) as u64, window);
            }
        }
        let left = left - taken as u64;
        let next = pos + taken;
        if left > 0 {
            self.state = State::Word { words, left };
            return next;
        }
        self.lines += 1;
        self.last = self.last_begun;
        self.is_first = false;
        self.at += taken as u64;
        if words > 0 {
            self.state = State::Length { words };
            return next;
        }
        let name = std::mem::take(&mut self.name);
        let len = self.at - self.begun;
        let word = std::mem::take(&mut self.word);
        let is_right = self.end_command(len, name.get(..NAME_MAX).unwrap_or(&name), name.len(), &word, sink);
        self.name = name;
        self.word = word;
        if is_right { next } else { window.len() }
    }

    fn die(&mut self, at: u64, window: &[u8]) -> usize {
        self.state = State::Dead(at);
        window.len()
    }
}

enum Header {
    Is { value: u64, len: usize },
    Cut,
    Bad(usize),
}

/// `mark`, digits, CR LF at the front of `bytes`; the value is at most `most`.
fn read_header(bytes: &[u8], mark: u8, most: u64) -> Header {
    let (mut value, mut digits) = (0u64, 0);
    for (n, byte) in bytes.iter().enumerate() {
        match byte {
            _ if n == 0 => {
                if *byte != mark {
                    return Header::Bad(0);
                }
            }
            b'0'..=b'9' if digits < DIGITS_MAX => {
                digits += 1;
                value = value * 10 + u64::from(byte - b'0');
            }
            b'\r' if digits > 0 && value <= most => {
                return match bytes.get(n + 1) {
                    None => Header::Cut,
                    Some(b'\n') => Header::Is { value, len: n + 2 },
                    Some(_) => Header::Bad(n + 1),
                };
            }
            _ => return Header::Bad(n),
        }
    }
    Header::Cut
}

/// A command that lies in a window as a whole.
struct Quick {
    end: usize,
    words: u64,
    /// Where the last word begins.
    last: usize,
    /// First word: where it begins, its length.
    name: (usize, usize),
}

/// The command at `pos`. `None` if it is not complete, if there is none, or if anything about it is unusual: the states decide then.
#[inline]
fn quick_command(window: &[u8], pos: usize) -> Option<Quick> {
    let (words, mut at) = quick_header(window, pos, b'*')?;
    if words == 0 {
        return None;
    }
    let (len, start) = quick_header(window, at, b'$')?;
    let name = (start, len);
    at = quick_word(window, start, len)?;
    let mut last = start;
    for _ in 1..words {
        let (len, start) = quick_header(window, at, b'$')?;
        at = quick_word(window, start, len)?;
        last = start;
    }
    Some(Quick { end: at, words: words as u64, last, name })
}

/// A header of up to seven digits: its value and where the bytes after it begin.
#[inline(always)]
fn quick_header(window: &[u8], pos: usize, mark: u8) -> Option<(usize, usize)> {
    let rest = window.get(pos..)?;
    // Nearly all are one or two digits.
    if let [first, a, b'\r', b'\n', ..] = rest
        && *first == mark
        && a.is_ascii_digit()
    {
        return Some((usize::from(a - b'0'), pos + 4));
    }
    if let [first, a, b, b'\r', b'\n', ..] = rest
        && *first == mark
        && a.is_ascii_digit()
        && b.is_ascii_digit()
    {
        return Some((usize::from(a - b'0') * 10 + usize::from(b - b'0'), pos + 5));
    }
    if rest.first() != Some(&mark) {
        return None;
    }
    let mut value = 0;
    for (n, byte) in rest.get(1..9)?.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            let is_end = n > 0 && *byte == b'\r' && rest.get(n + 2) == Some(&b'\n');
            return is_end.then_some((value, pos + n + 3));
        }
        value = value * 10 + usize::from(digit);
    }
    None
}

/// Where the bytes after a word begin.
#[inline(always)]
fn quick_word(window: &[u8], start: usize, len: usize) -> Option<usize> {
    let end = start + len;
    (window.get(end..end + 2)? == b"\r\n").then_some(end + 2)
}

#[cfg(test)]
mod tests;
