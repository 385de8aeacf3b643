//! How a command waits for keys: its function looks at them, and where nothing is there to take it says with [`Call::block`] what
//! it waits for and writes no reply. The engine keeps the call, runs the same function again when one of the keys may be
//! ready, and answers for it when its time is over.
//!
//! Invariants: a call that may not wait (inside EXEC or a script) is told so by [`Call::may_block`] and answers at once; a call that
//! waits has changed nothing that its running again would change once more.
//! Ref: redis.io/commands/blpop ("Blocking behavior", "BLPOP inside a MULTI / EXEC transaction")

use super::{Call, Refusal};
use crate::base::num::{parse_f64, parse_i64};
use crate::keyspace::Kind;
use std::ops::Range;

/// What a call waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// Unix ms at which it gives up; 0 = never.
    pub until: i64,
    /// The words that are the keys.
    pub keys: Range<usize>,
    /// The type that a key must have for the call to be run again.
    pub kind: Kind,
    /// Run it again whatever became of a key, also when that is gone (XREADGROUP).
    pub wants_any: bool,
    /// Words that are to be other ones when it is run again: a `$` that means the end as of now.
    pub words: Vec<(usize, Vec<u8>)>,
}

impl Call<'_> {
    /// Whether this call may wait.
    pub fn may_block(&self) -> bool {
        !self.origin.in_multi
    }

    /// The call waits. Its function returns without a reply.
    pub fn block(&mut self, block: Block) {
        self.shard.block = Some(Box::new(block));
    }

    /// The usual end of a command that pops from keys and found them all empty: waits for a value of type `kind` at the keys of
    /// words `keys` until `until`, or answers that there is nothing, with a null array.
    pub fn block_or_null(&mut self, keys: Range<usize>, kind: Kind, until: i64) {
        if self.may_block() {
            self.block(Block { until, keys, kind, wants_any: false, words: Vec::new() });
        } else {
            self.out.null_array();
        }
    }

    /// The unix time in ms at which the timeout of word `i`, seconds with a fraction, is over; 0 = never.
    pub fn timeout_seconds(&self, i: usize) -> Result<i64, Refusal> {
        let seconds = parse_f64(self.arg(i)).ok_or(Refusal::TIMEOUT_NOT_FLOAT)?;
        // As Redis does: a fraction of a millisecond counts as a whole one.
        let ms = (seconds * 1000.0).ceil();
        if ms >= i64::MAX as f64 {
            return Err(Refusal::TIMEOUT_RANGE);
        }
        self.deadline(ms as i64)
    }

    /// The same for word `i` in whole milliseconds.
    pub fn timeout_millis(&self, i: usize) -> Result<i64, Refusal> {
        let ms = parse_i64(self.arg(i)).ok_or(Refusal::TIMEOUT_NOT_INTEGER)?;
        self.deadline(ms)
    }

    fn deadline(&self, ms: i64) -> Result<i64, Refusal> {
        match ms {
            ..0 => Err(Refusal::TIMEOUT_NEGATIVE),
            0 => Ok(0),
            _ => self.now.checked_add(ms).ok_or(Refusal::TIMEOUT_RANGE),
        }
    }
}
