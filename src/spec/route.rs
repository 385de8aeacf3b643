//! How a command finds the cores it runs on. Routing reads this and nothing else; the request and response policies of
//! COMMAND's tips derive from it.

use super::call::{Args, Call, Outcome};
use crate::keyspace::Keyspace;

/// Where a command runs.
#[derive(Clone, Copy)]
pub enum Route {
    /// On the core that holds the connection, at once: it needs no key of any core.
    Home,
    /// Where its keys are; `Multi` says what happens when they are on several cores.
    Keys(Multi),
    /// On every core as one ticket, replies merged.
    Every(Merge),
    /// On the core that the function names (SCAN: the cursor's); `Err` text is refused by the command itself at home.
    Pick(fn(&Args, usize) -> usize),
    /// Changes the state of a connection's transaction; carried out by the engine.
    Session(SessionOp),
}

/// A command with keys on several cores.
#[derive(Clone, Copy)]
pub enum Multi {
    /// Cannot happen: one key, or keys that are checked to be on one core.
    Single,
    /// Parts need nothing from each other: each core runs the same function on its own keys. One round.
    Split(Merge),
    /// The values come to the coordinator, the function runs there on them, the changes go back. Two rounds with held slots.
    /// The function names the database of the key at word `.2` of a call in database `.1` ([`same_db`] but for COPY).
    Gather(fn(&Args, usize, usize) -> usize),
    /// The same for a command that looks at keys which only the value of another key names (SORT): three rounds, with all slots
    /// of all cores held.
    Scout(Scout),
}

/// How the keys are found that no word of the call names.
#[derive(Clone, Copy)]
pub struct Scout {
    /// Whether such keys may be anywhere. If not, they are of the slots of keys that the words name.
    pub is_needed: fn(&Args) -> bool,
    pub further: Further,
}

/// Calls the function with each key of a call that no word names (more than once is fine). Reads a keyspace that holds the keys
/// that words name; all are of the given database. The number after the keyspace is the time, unix ms.
pub type Further = fn(&Args, usize, &mut Keyspace, i64, &mut dyn FnMut(&[u8]));

/// The usual database of a key: the connection's.
pub fn same_db(_: &Args, db: usize, _word: usize) -> usize {
    db
}

/// The core of commands that ask something of durability: what concerns all cores is decided there.
pub fn first_core(_: &Args, _cores: usize) -> usize {
    0
}

/// How the replies of the parts become one reply. A part that failed makes the whole fail with its error.
#[derive(Clone, Copy)]
pub enum Merge {
    /// `+OK` of all.
    AllOk,
    /// Integers added.
    Sum,
    /// Each part answers an array with one element per key of its own; elements are put back in the order of the keys.
    ByKey,
    /// Arrays joined one after the other.
    Concat,
    /// The function reads the parts' replies (one per participating core, in core order) and writes the reply.
    Custom(fn(&mut Call, &[&[u8]]) -> Outcome),
}

/// What a transaction command does to its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionOp {
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
}
