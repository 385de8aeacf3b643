//! The slow log of one core: the last slow calls with their words cut to a bound.
//! Ref: redis.io/commands/slowlog-get

use super::call::Args;
use crate::config::{self, options::SENSITIVE};
use std::collections::VecDeque;

/// Most words and most bytes of a word that an entry keeps.
const WORDS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 128;

/// What stands in place of a password.
const REDACTED: &[u8] = b"(redacted)";

/// One slow call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Ever growing over all cores.
    pub id: u64,
    pub unix_seconds: i64,
    pub usec: u64,
    pub words: Vec<Vec<u8>>,
    pub addr: String,
    pub name: Vec<u8>,
}

impl Entry {
    /// A call of the command `name` (`config|set`) that took `usec`; whose it was is not known yet.
    pub fn new(id: u64, name: &str, args: &Args, usec: u64, now_ms: i64) -> Entry {
        Entry { id, unix_seconds: now_ms / 1000, usec, words: cut(name, args), addr: String::new(), name: Vec::new() }
    }
}

/// A slow call of a client of another core, where it is to be logged: only there its address and name are known.
pub struct Away {
    pub core: usize,
    pub client: u64,
    pub entry: Entry,
}

/// Newest entry first.
#[derive(Default)]
pub struct Slowlog {
    pub entries: VecDeque<Entry>,
    /// For other cores.
    pub away: Vec<Away>,
}

impl Slowlog {
    /// Adds an entry and keeps at most `len_max`.
    pub fn keep(&mut self, entry: Entry, len_max: usize) {
        // What comes from another core may be older than what is there.
        let at = self.entries.iter().position(|e| e.id < entry.id).unwrap_or(self.entries.len());
        self.entries.insert(at, entry);
        self.entries.truncate(len_max);
    }

    /// Forgets all entries; ids go on.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

/// Places of the words of a call that nobody shall read in a log.
fn secrets(name: &str, args: &Args) -> Vec<usize> {
    let len = args.len();
    match name {
        "auth" => (1..len).collect(),
        "acl|setuser" | "acl|deluser" => (2..len).collect(),
        "acl|getuser" => vec![2],
        "hello" => {
            let at = (2..len).find(|i| args.is(*i, "AUTH") && !args.is(i - 1, "SETNAME"));
            at.filter(|i| i + 2 < len).map_or(Vec::new(), |i| vec![i + 1, i + 2])
        }
        "config|set" => {
            let is_secret = |i: &usize| config::lookup(args.get(*i)).is_some_and(|(d, _)| d.has(SENSITIVE));
            (2..len).step_by(2).filter(is_secret).map(|i| i + 1).collect()
        }
        _ => Vec::new(),
    }
}

/// The words of a call as the log keeps them: at most 32, each at most 128 bytes, with a note of what is missing.
fn cut(name: &str, args: &Args) -> Vec<Vec<u8>> {
    let (mut words, secrets) = (Vec::new(), secrets(name, args));
    for (i, word) in args.from(0).enumerate() {
        if i == WORDS_MAX - 1 && args.len() > WORDS_MAX {
            words.push(format!("... ({} more arguments)", args.len() - WORDS_MAX + 1).into_bytes());
            break;
        }
        if secrets.contains(&i) {
            words.push(REDACTED.to_vec());
        } else if word.len() > WORD_BYTES_MAX {
            let mut short = word[..WORD_BYTES_MAX].to_vec();
            short.extend_from_slice(format!("... ({} more bytes)", word.len() - WORD_BYTES_MAX).as_bytes());
            words.push(short);
        } else {
            words.push(word.to_vec());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Span;

    fn words(name: &str, line: &str) -> String {
        let (mut spans, mut start) = (Vec::new(), 0);
        for word in line.split(' ') {
            spans.push(Span { start, len: word.len() as u32 });
            start += word.len() as u32 + 1;
        }
        let args = Args { base: line.as_bytes(), spans: &spans };
        let words: Vec<String> = cut(name, &args).iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect();
        words.join(" ")
    }

    #[test]
    fn passwords_are_not_logged() {
        for (name, line, shown) in [
            ("auth", "AUTH user word", "AUTH (redacted) (redacted)"),
            ("hello", "HELLO 3 AUTH user word SETNAME n", "HELLO 3 AUTH (redacted) (redacted) SETNAME n"),
            ("hello", "HELLO 3 SETNAME auth a b", "HELLO 3 SETNAME auth a b"),
            ("hello", "HELLO 3 AUTH user", "HELLO 3 AUTH user"),
            ("config|set", "config set port 1 RequirePass x masterauth", "config set port 1 RequirePass (redacted) masterauth"),
            ("get", "GET requirepass", "GET requirepass"),
        ] {
            assert_eq!(words(name, line), shown);
        }
    }

    #[test]
    fn long_calls_are_cut_and_entries_keep_the_order_of_their_ids() {
        assert!(
            words("mget", &["MGET"].into_iter().chain([["k"; 40].join(" ").as_str()]).collect::<Vec<_>>().join(" "))
                .ends_with("k ... (10 more arguments)")
        );
        assert_eq!(words("get", &format!("GET {}", "x".repeat(130))), format!("GET {}... (2 more bytes)", "x".repeat(128)));
        let mut log = Slowlog::default();
        for id in [3, 5, 4, 1] {
            let entry = Entry { id, unix_seconds: 0, usec: 0, words: Vec::new(), addr: String::new(), name: Vec::new() };
            log.keep(entry, 3);
        }
        assert_eq!(log.entries.iter().map(|e| e.id).collect::<Vec<_>>(), [5, 4, 3]);
    }
}
