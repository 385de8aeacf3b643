//! Effects to the bytes of a log: SELECT where the database changes, MULTI .. EXEC around what belongs together, time lines.
//!
//! Invariants: a unit of several effects is one MULTI .. EXEC, with SELECT inside, as since 7.2; annotations stand before it.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

use crate::persist::aof::{Cores, put_ts, put_tx};
use crate::spec::effect::Head;

/// An effect and its command in the request form of RESP.
pub type Piece<'r> = (Head, &'r [u8]);

/// What the end of a file has in force.
#[derive(Default, Debug)]
pub struct Encoder {
    /// Database that the last SELECT chose.
    db: Option<u32>,
    /// Second of the last time line.
    second: i64,
}

impl Encoder {
    /// A file begins, or is gone on with: nothing is known to be selected.
    pub fn restart(&mut self) {
        self.db = None;
    }

    /// A time line, if the second is another one.
    pub fn time(&mut self, out: &mut Vec<u8>, second: i64) {
        if self.second != second {
            self.second = second;
            put_ts(out, second);
        }
    }

    /// Effects that stand for themselves or as units, in order. None of them may be global.
    pub fn record<'r>(&mut self, out: &mut Vec<u8>, pieces: impl Iterator<Item = Piece<'r>>) {
        let mut pieces = pieces.peekable();
        let mut open = None;
        while let Some((head, resp)) = pieces.next() {
            let goes_on = pieces.peek().is_some_and(|(next, _)| next.unit == head.unit);
            if goes_on && open.is_none() {
                out.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
                open = Some(head.unit);
            }
            self.select(out, head.db);
            out.extend_from_slice(resp);
            if !goes_on && open.take().is_some() {
                out.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
            }
        }
    }

    /// Effects that are one unit, whatever their heads say; with the annotation of their ticket, if any.
    pub fn unit(&mut self, out: &mut Vec<u8>, pieces: &[Piece<'_>], ticket: Option<(u64, &Cores)>) {
        let several = pieces.len() > 1;
        // The annotation announces one command or one block; a SELECT before a single command comes before both.
        if let ([(head, _)], false) = (pieces, several) {
            self.select(out, head.db);
        }
        if let Some((number, participants)) = ticket {
            put_tx(out, number, participants, pieces.is_empty());
        }
        if several {
            out.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
        }
        for (head, resp) in pieces {
            self.select(out, head.db);
            out.extend_from_slice(resp);
        }
        if several {
            out.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
        }
    }

    fn select(&mut self, out: &mut Vec<u8>, db: u32) {
        if self.db != Some(db) {
            self.db = Some(db);
            select(out, db);
        }
    }
}

/// SELECT in the request form of RESP.
pub fn select(out: &mut Vec<u8>, db: u32) {
    let mut digits = itoa::Buffer::new();
    let text = digits.format(db);
    out.extend_from_slice(format!("*2\r\n$6\r\nSELECT\r\n${}\r\n{text}\r\n", text.len()).as_bytes());
}

/// Whether a command in the request form of RESP is FLUSHALL.
#[must_use]
pub fn is_flush_all(resp: &[u8]) -> bool {
    let Some(start) = memchr::memmem::find(resp, b"\r\n$8\r\n") else {
        return false;
    };
    // The first `$` of a request is that of its first word.
    memchr::memchr(b'$', resp) == Some(start + 2)
        && resp.get(start + 6..start + 14).is_some_and(|word| word.eq_ignore_ascii_case(b"FLUSHALL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::effect::Effects;

    fn effects(list: &[(usize, u64, &str)]) -> Effects {
        let mut fx = Effects::default();
        for (db, unit, words) in list {
            fx.unit = *unit;
            fx.command(*db, words.split(' ').map(str::as_bytes));
        }
        fx
    }

    fn plain(bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split("\r\n").filter(|l| !l.starts_with('*') && !l.starts_with('$')).collect::<Vec<_>>().join(" ").trim_end().to_string()
    }

    #[test]
    fn units_of_several_effects_are_blocks_and_databases_are_selected_inside() {
        let fx = effects(&[(0, 1, "SET a 1"), (0, 2, "SET b 1"), (3, 2, "SET c 1"), (3, 3, "DEL a")]);
        let mut out = Vec::new();
        let mut encoder = Encoder::default();
        encoder.record(&mut out, fx.recorded.iter());
        assert_eq!(plain(&out), "SELECT 0 SET a 1 MULTI SET b 1 SELECT 3 SET c 1 EXEC DEL a");
        out.clear();
        encoder.restart();
        encoder.record(&mut out, effects(&[(3, 9, "DEL b")]).recorded.iter());
        assert_eq!(plain(&out), "SELECT 3 DEL b", "a new file selects again");
    }

    #[test]
    fn an_annotated_part_is_one_command_or_one_block() {
        let mut out = Vec::new();
        let mut encoder = Encoder::default();
        let both = Cores::of(2, |_| true);
        let one = effects(&[(2, 1, "SET a 1")]);
        encoder.unit(&mut out, &one.recorded.iter().collect::<Vec<_>>(), Some((5, &both)));
        let two = effects(&[(2, 1, "SET a 2"), (2, 2, "SET b 2")]);
        encoder.unit(&mut out, &two.recorded.iter().collect::<Vec<_>>(), Some((6, &both)));
        encoder.unit(&mut out, &[], Some((7, &both)));
        assert_eq!(plain(&out), "SELECT 2 #TX:5:0-1 SET a 1 #TX:6:0-1 MULTI SET a 2 SET b 2 EXEC #TX:7:0-1:0");
    }

    #[test]
    fn flushall_is_told_from_other_global_commands() {
        for (words, expected) in [("FLUSHALL", true), ("flushall ASYNC", true), ("FLUSHDB", false), ("FUNCTION FLUSHALL", false)] {
            let fx = effects(&[(0, 1, words)]);
            assert_eq!(fx.recorded.iter().any(|(_, resp)| is_flush_all(resp)), expected, "{words}");
        }
    }
}
