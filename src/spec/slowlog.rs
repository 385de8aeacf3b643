//! The slow log of one core: the last slow calls with their words cut to a bound.
//! Ref: redis.io/commands/slowlog-get

use super::call::Args;
use std::collections::VecDeque;

/// Most words and most bytes of a word that an entry keeps.
const WORDS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 128;

/// One slow call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Ever growing; unique over cores because each core counts in steps of the number of cores.
    pub id: u64,
    pub unix_seconds: i64,
    pub usec: u64,
    pub words: Vec<Vec<u8>>,
    pub addr: String,
    pub name: Vec<u8>,
}

/// Newest entry first.
#[derive(Default)]
pub struct Slowlog {
    pub entries: VecDeque<Entry>,
    next: u64,
}

impl Slowlog {
    /// Adds a call that took `usec` and keeps at most `len_max` entries. `first_id`, `step`: this core's id and the number of cores.
    #[allow(clippy::too_many_arguments)]
    pub fn add(&mut self, args: &Args, usec: u64, now_ms: i64, addr: &str, name: &[u8], len_max: usize, first_id: usize, step: usize) {
        let id = self.next * step as u64 + first_id as u64;
        self.next += 1;
        let words = cut(args);
        self.entries.push_front(Entry { id, unix_seconds: now_ms / 1000, usec, words, addr: addr.to_string(), name: name.to_vec() });
        self.entries.truncate(len_max);
    }

    /// Forgets all entries; ids go on.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

/// The words of a call as the log keeps them: at most 32, each at most 128 bytes, with a note of what is missing.
fn cut(args: &Args) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    for (i, word) in args.from(0).enumerate() {
        if i == WORDS_MAX - 1 && args.len() > WORDS_MAX {
            words.push(format!("... ({} more arguments)", args.len() - WORDS_MAX + 1).into_bytes());
            break;
        }
        if word.len() > WORD_BYTES_MAX {
            let mut short = word[..WORD_BYTES_MAX].to_vec();
            short.extend_from_slice(format!("... ({} more bytes)", word.len() - WORD_BYTES_MAX).as_bytes());
            words.push(short);
        } else {
            words.push(word.to_vec());
        }
    }
    words
}
