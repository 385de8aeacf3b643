//! What is wrong with a command, in the words of redis-check-aof: it reads the broken command once more, line by line. Part of `check_aof`.

use crate::persist::aof::read::{Fault, Found};
use crate::persist::disk::Store;

/// Longest line that the stock tool reads at once.
const LINE_MAX: usize = 127;

/// One line (or more) for what stopped the scanner.
pub fn explain(store: &mut dyn Store, name: &str, path: &str, size: u64, found: &Found) -> String {
    let mut reader = Reader { store, path: path.as_bytes(), at: found.broken, size };
    let placed = |at: u64, text: &str| format!("0x{at:>16x}: {text}");
    let bad = match found.fault {
        Some(Fault::End) if found.broken == found.whole && reader.is_command_start() && found.last >= found.whole => {
            // Everything that was read is well-formed; what is missing is the end of a transaction.
            return placed(found.last, "Reached EOF before reading EXEC for MULTI");
        }
        Some(Fault::Bad(at)) => Some(at),
        _ => None,
    };
    match reader.command() {
        Err(Some((at, text))) => placed(at, &text),
        // The stock tool says nothing where the end cuts off a line that did not begin.
        Err(None) if bad.is_none() => placed(found.broken, "Reached EOF before reading a whole command"),
        Err(None) => format!("AOF {name} format error"),
        Ok((at, word)) if word.eq_ignore_ascii_case(b"multi") => placed(at, &format!("Unexpected MULTI in AOF {path}")),
        Ok((at, word)) if word.eq_ignore_ascii_case(b"exec") => placed(at, &format!("Unexpected EXEC in AOF {path}")),
        Ok(_) if bad.is_none() => placed(found.last, "Reached EOF before reading EXEC for MULTI"),
        Ok((at, _)) => placed(at, "Not allowed here"),
    }
}

/// Where something is wrong, and what; `None`: the line is not there, or is no command.
type Trouble = Option<(u64, String)>;

struct Reader<'a> {
    store: &'a mut dyn Store,
    path: &'a [u8],
    at: u64,
    size: u64,
}

impl Reader<'_> {
    fn bytes(&mut self, at: u64, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most.min(usize::try_from(self.size.saturating_sub(at)).unwrap_or(most))];
        let mut len = 0;
        while let Some(room) = bytes.get_mut(len..).filter(|room| !room.is_empty()) {
            match self.store.read(self.path, at + len as u64, room) {
                Ok(count) if count > 0 => len += count,
                _ => break,
            }
        }
        bytes.truncate(len);
        bytes
    }

    /// Whether there is nothing, or the beginning of a command, and that is complete.
    fn is_command_start(&mut self) -> bool {
        let at = self.at;
        let is_whole = self.command().is_ok();
        self.at = at;
        is_whole
    }

    /// A command: where its last word begins, and its first word as far as it matters.
    fn command(&mut self) -> Result<(u64, Vec<u8>), Trouble> {
        while self.bytes(self.at, 1) == b"#" {
            let line = self.bytes(self.at, 1 << 10);
            let end = line.iter().position(|b| *b == b'\n').ok_or(None)?;
            self.at += end as u64 + 1;
        }
        if !matches!(self.bytes(self.at, 1)[..], [b'*']) {
            return Err(None);
        }
        let start = self.at;
        let count = self.number(b'*')?;
        if count < 1 {
            return Err(Some((start, format!("Expected a command of at least one word, got {count}"))));
        }
        let (mut last, mut first) = (start, Vec::new());
        for n in 0..count {
            let (at, word) = self.word()?;
            last = at;
            if n == 0 {
                first = word;
                if first.eq_ignore_ascii_case(b"multi") || first.eq_ignore_ascii_case(b"exec") {
                    return Ok((last, first));
                }
            }
        }
        Ok((last, first))
    }

    fn number(&mut self, mark: u8) -> Result<i64, Trouble> {
        let at = self.at;
        let mut line = self.bytes(at, LINE_MAX);
        if let Some(end) = line.iter().position(|b| *b == b'\n') {
            line.truncate(end + 1);
        }
        let Some((first, rest)) = line.split_first() else { return Err(None) };
        self.at += line.len() as u64;
        if *first != mark {
            return Err(Some((at, format!("Expected prefix '{}', got: '{}'", mark as char, *first as char))));
        }
        let sign = usize::from(matches!(rest.first(), Some(b'-' | b'+')));
        let digits = rest.iter().skip(sign).take_while(|b| b.is_ascii_digit()).count();
        let end = if digits == 0 { 0 } else { sign + digits };
        let (number, tail) = rest.split_at(end);
        let value =
            std::str::from_utf8(number).unwrap_or_default().trim_start_matches('+').parse().unwrap_or(if end == 0 { 0 } else { i64::MAX });
        line_end(tail).map_err(|text| Some((at, text)))?;
        Ok(value)
    }

    fn word(&mut self) -> Result<(u64, Vec<u8>), Trouble> {
        let start = self.at;
        let len = self.number(b'$')?;
        let at = self.at;
        let Some(wanted) = u64::try_from(len).ok().and_then(|len| len.checked_add(2)) else {
            return Err(Some((start, format!("Expected to read string of {len} bytes, which is not in the suitable range"))));
        };
        let there = self.size.saturating_sub(at);
        if wanted > there {
            return Err(Some((at, format!("Expected to read {wanted} bytes, got {there} bytes"))));
        }
        let end = self.bytes(at + wanted - 2, 2);
        line_end(&end).map_err(|text| Some((at, text)))?;
        let word = self.bytes(at, usize::try_from(wanted - 2).unwrap_or(LINE_MAX).min(LINE_MAX));
        self.at += wanted;
        Ok((at, word))
    }
}

/// Whether a line ends here with CR LF.
fn line_end(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(b"\r\n") {
        return Ok(());
    }
    let byte = |n: usize| bytes.get(n).copied().unwrap_or(0);
    Err(format!("Expected \\r\\n, got: {:02x}{:02x}", byte(0), byte(1)))
}
