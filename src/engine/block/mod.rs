//! Blocking commands. The protocol: ARCHITECTURE.md, "Blocking".
//!
//! A blocked call has two sides. At **home**, the core of its connection, there is its [`home::Wait`]: until when, and which cores
//! know of it. Each core that owns one of its keys, an **owner**, has an [`owner::Waiter`] in the queue of that key.
//!
//! Invariants
//! - Looking at the keys and entering the queues is one step for everybody else: a call does both in one run, a ticket holds the slots
//!   until all owners have entered it.
//! - A queue is served from its oldest waiter on, one at a time; while one is being asked or served, calls for the key's slot wait.
//! - Home alone decides whether its client is served, times out, is unblocked or is gone. An owner takes nothing out of a key for
//!   a client of another core unless home has said that it may ("claim"), and home says so once.
//! - What waits for an answer here never holds up a ticket: so there is no cycle with the slots that tickets hold.

pub mod home;
pub mod owner;

use super::link::Words;
use crate::spec::{Args, Block};

/// The words of a call as it is to be run again.
fn words_again(args: &Args, block: &Block) -> Words {
    let mut words = Words::default();
    for (i, word) in args.from(0).enumerate() {
        words.push(block.words.iter().find(|(at, _)| *at == i).map_or(word, |(_, other)| other));
    }
    words
}
