//! Is there an order of the operations that respects real time and each connection's own order, in which one map gives exactly
//! the replies that clients saw and ends with exactly the values that the cores hold?
//!
//! The search of Wing and Gong with memory of visited states (Lowe). A read whose reply fits is placed at once: it changes
//! nothing and can only free others.
//! Ref: Wing & Gong, "Testing and Verifying Concurrent Objects" (1993); Lowe, "Testing for linearizability" (2017).

use super::history::{Command, Entry, KEYS, Model, Operation};
use ringfort::keyspace::{owner_of, slot_of};
use std::collections::HashSet;

/// States after which the search gives up.
const STATES_MAX: usize = 400_000;

/// What the search says.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    Fine,
    Violation,
    TooLong,
}

struct Search<'h> {
    entries: &'h [Entry],
    /// What must come before each entry.
    before: Vec<u128>,
    /// Entries that need not have happened.
    open: u128,
    seen: HashSet<(u128, Model)>,
    last: [Option<i64>; KEYS],
}

/// Decides about a history of at most 128 entries, given per client in order. `last`: the values at the end.
pub fn check(entries: &[Entry], names: &[Vec<u8>], cores: usize, last: [Option<i64>; KEYS]) -> Verdict {
    assert!(entries.len() <= 128, "a history fits into one word");
    let before = entries.iter().map(|b| {
        let comes_first =
            |a: &Entry| a.respond < b.invoke || (a.client == b.client && a.invoke <= b.invoke && keeps_order(a, b, names, cores));
        bits(entries.iter().enumerate().filter(|(_, a)| !std::ptr::eq(*a, b) && comes_first(a)).map(|(n, _)| n))
    });
    let mut before: Vec<u128> = before.collect();
    let open = bits(entries.iter().enumerate().filter(|(_, e)| e.reply.is_none()).map(|(n, _)| n));
    // Two requests of one client may arrive in the same step: their order is that of the list.
    for (n, b) in entries.iter().enumerate() {
        for (m, a) in entries.iter().enumerate().skip(n + 1) {
            if a.client == b.client {
                before[n] &= !(1 << m);
            }
        }
    }
    let mut search = Search { entries, before, open, seen: HashSet::new(), last };
    match search.go(0, Model::default()) {
        Some(true) => Verdict::Fine,
        Some(false) => Verdict::Violation,
        None => Verdict::TooLong,
    }
}

fn bits(numbers: impl Iterator<Item = usize>) -> u128 {
    numbers.fold(0, |all, n| all | 1 << n)
}

/// Whether the engine promises that `a`, sent before `b` on the same connection, also takes effect before it: everything but
/// calls of single cores with different slots.
fn keeps_order(a: &Entry, b: &Entry, names: &[Vec<u8>], cores: usize) -> bool {
    let slots = |e: &Entry| -> Vec<u16> { e.operation.keys().iter().map(|k| slot_of(&names[*k])).collect() };
    let (sa, sb) = (slots(a), slots(b));
    let is_wide = |s: &[u16]| s.iter().any(|x| owner_of(*x, cores) != owner_of(s[0], cores));
    !matches!(b.operation, Operation::Alone(_)) || is_wide(&sa) || is_wide(&sb) || sa.iter().any(|s| sb.contains(s))
}

fn is_read(operation: &Operation) -> bool {
    matches!(operation, Operation::Alone(Command::Get(_) | Command::Mget(_) | Command::Exists(_)))
}

impl Entry {
    fn fits(&self, reply: &ringfort::proto::reply::Reply) -> bool {
        self.reply.as_ref().is_none_or(|r| r == reply)
    }
}

impl Search<'_> {
    fn may_go(&self, n: usize, done: u128) -> bool {
        done & (1 << n) == 0 && self.before[n] & !done == 0
    }

    /// `None`: too many states.
    fn go(&mut self, mut done: u128, mut model: Model) -> Option<bool> {
        loop {
            let fits = |n: &usize| {
                let e = &self.entries[*n];
                self.may_go(*n, done) && is_read(&e.operation) && e.fits(&model.clone().apply(e.client, &e.operation))
            };
            let Some(n) = (0..self.entries.len()).find(fits) else { break };
            done |= 1 << n;
        }
        if (done | self.open).count_ones() as usize == self.entries.len() && model.values == self.last {
            return Some(true);
        }
        if self.seen.len() > STATES_MAX {
            return None;
        }
        if !self.seen.insert((done, model.clone())) {
            return Some(false);
        }
        for n in 0..self.entries.len() {
            let e = &self.entries[n];
            if !self.may_go(n, done) || is_read(&e.operation) {
                continue;
            }
            let before = model.clone();
            if e.fits(&model.apply(e.client, &e.operation)) {
                match self.go(done | 1 << n, model.clone()) {
                    Some(false) => {}
                    decided => return decided,
                }
            }
            model = before;
        }
        Some(false)
    }
}
