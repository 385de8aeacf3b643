//! The ledger of one connection: every command that was attempted, when it was sent and when it was acknowledged, kept where no server
//! reaches it; and the judgement of what is found afterwards.
//!
//! Keys lie in groups, each under one hash tag and so in one core. What survives of a connection's commands in one group must be a
//! prefix of them, long enough to hold all that was promised; a command over several groups is whole or absent in all of them.

use super::model::{State, Words, apply};
use crate::support::reply::printable;
use std::time::Instant;

/// Hash tags, spread over all slots.
pub const GROUPS: usize = 12;

/// One unit: a command, or MULTI to EXEC.
pub struct Attempt {
    pub db: u8,
    /// What is to be carried out, without MULTI and EXEC.
    pub commands: Vec<Words>,
    /// Groups it touches; all if there are none.
    pub groups: Vec<usize>,
    pub sent: Instant,
    pub acked: Option<Instant>,
}

impl Attempt {
    fn touches(&self, group: usize) -> bool {
        self.groups.is_empty() || self.groups.contains(&group)
    }

    fn text(&self) -> String {
        let words = |w: &Words| w.iter().map(|w| printable(&w[..w.len().min(40)])).collect::<Vec<_>>().join(" ");
        self.commands.iter().map(words).collect::<Vec<_>>().join("; ")
    }
}

/// What has to be there.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Units that were acknowledged up to then.
    pub promised_until: Instant,
    /// What is there is one state that clients saw: no unit is missing that was acknowledged before one that is there was sent.
    pub is_one_state: bool,
    /// What was sent later cannot be there.
    pub cut_by: Option<Instant>,
}

/// One connection's ledger.
pub struct Ledger {
    pub connection: usize,
    /// Groups as they were found last.
    base: Vec<State>,
    /// Groups as they are when all that was attempted is done.
    pub front: Vec<State>,
    pub attempts: Vec<Attempt>,
}

/// The judgement over one connection.
#[derive(Default)]
pub struct Verdict {
    pub kept: usize,
    pub lost: usize,
    /// When the last unit was sent that is there, and when the first was acknowledged that is not.
    pub last_sent: Option<Instant>,
    pub first_missing: Option<Instant>,
}

impl Verdict {
    /// Both together.
    pub fn and(self, other: Verdict) -> Verdict {
        Verdict {
            kept: self.kept + other.kept,
            lost: self.lost + other.lost,
            last_sent: self.last_sent.max(other.last_sent),
            first_missing: [self.first_missing, other.first_missing].into_iter().flatten().min(),
        }
    }
}

impl Ledger {
    pub fn new(connection: usize) -> Ledger {
        Ledger { connection, base: vec![State::new(); GROUPS], front: vec![State::new(); GROUPS], attempts: Vec::new() }
    }

    /// How the names of this connection's keys in a group begin.
    pub fn prefix(&self, group: usize) -> String {
        format!("{{g{group}}}c{}:", self.connection)
    }

    /// Notes a unit before it is sent and foretells its result.
    pub fn attempt(&mut self, db: u8, commands: Vec<Words>, groups: Vec<usize>) {
        let attempt = Attempt { db, commands, groups, sent: Instant::now(), acked: None };
        for group in (0..GROUPS).filter(|g| attempt.touches(*g)) {
            let prefix = self.prefix(group);
            carry_out(&mut self.front[group], &attempt, &prefix);
        }
        self.attempts.push(attempt);
    }

    /// Holds what was found against the ledger, group by group.
    pub fn compare(&self, found: &[State], rule: &Rule) -> Result<Comparison<'_>, String> {
        let streams: Vec<Vec<usize>> =
            (0..GROUPS).map(|g| (0..self.attempts.len()).filter(|a| self.attempts[*a].touches(g)).collect()).collect();
        let lengths = streams.iter().enumerate().map(|(g, stream)| self.possible_lengths(g, stream, &found[g], rule));
        let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
        Ok(Comparison { ledger: self, streams, lengths })
    }

    /// Goes on from what was found.
    pub fn go_on(&mut self, found: Vec<State>) {
        self.base = found.clone();
        self.front = found;
        self.attempts.clear();
    }

    /// Numbers of units of this group after which it would look as found, ascending.
    fn possible_lengths(&self, group: usize, stream: &[usize], found: &State, rule: &Rule) -> Result<Vec<usize>, String> {
        let is_promised = |a: &usize| self.attempts[*a].acked.is_some_and(|at| at <= rule.promised_until);
        let least = stream.iter().rposition(is_promised).map_or(0, |i| i + 1);
        let (mut state, prefix) = (self.base[group].clone(), self.prefix(group));
        let (mut fitting, mut too_short) = (Vec::new(), None);
        let mut at_least = None;
        for len in 0..=stream.len() {
            if len > 0 {
                carry_out(&mut state, &self.attempts[stream[len - 1]], &prefix);
            }
            if len == least {
                at_least = Some(state.clone());
            }
            match state == *found {
                true if len >= least => fitting.push(len),
                true => too_short = Some(len),
                false => {}
            }
        }
        if !fitting.is_empty() {
            return Ok(fitting);
        }
        let head = format!("connection {}, group {group}, {} units, {least} of them promised", self.connection, stream.len());
        Err(match too_short {
            Some(len) => format!("{head}: only {len} are there; the first that is missing: {}", self.attempts[stream[len]].text()),
            None => format!("{head}: no number of them leads to what is there: {}", differences(&at_least.unwrap_or_default(), found)),
        })
    }
}

/// What may have survived of one connection: in each group the numbers of units that lead to what was found. Several may: a key that was set
/// and removed leaves no trace. The least that contradict nothing are taken.
pub struct Comparison<'a> {
    ledger: &'a Ledger,
    /// For each group its units.
    streams: Vec<Vec<usize>>,
    /// For each group possible numbers of them, ascending; the first is taken.
    lengths: Vec<Vec<usize>>,
}

impl Comparison<'_> {
    /// Takes out what cannot be if all units are there that were acknowledged before `seen`.
    pub fn close(&mut self, seen: Option<Instant>) -> Result<Verdict, String> {
        let attempts = &self.ledger.attempts;
        let mut must: Vec<bool> = attempts.iter().map(|a| a.acked.is_some_and(|at| Some(at) < seen)).collect();
        loop {
            for (stream, lengths) in self.streams.iter().zip(&self.lengths) {
                stream[..lengths[0]].iter().for_each(|unit| must[*unit] = true);
            }
            let mut has_changed = false;
            for (stream, lengths) in self.streams.iter().zip(&mut self.lengths) {
                let least = stream.iter().rposition(|unit| must[*unit]).map_or(0, |at| at + 1);
                if lengths[0] >= least {
                    continue;
                }
                let unit = &attempts[stream[least - 1]];
                lengths.retain(|len| *len >= least);
                if lengths.is_empty() {
                    let why = if unit.groups.len() == 1 { "missing although a later unit is there" } else { "there only in part" };
                    return Err(format!("connection {}: {why}: {}", self.ledger.connection, unit.text()));
                }
                has_changed = true;
            }
            if !has_changed {
                return Ok(self.verdict(&must));
            }
        }
    }

    fn verdict(&self, is_kept: &[bool]) -> Verdict {
        let mut verdict = Verdict::default();
        for (attempt, is_kept) in self.ledger.attempts.iter().zip(is_kept) {
            if *is_kept {
                verdict.kept += 1;
                verdict.last_sent = verdict.last_sent.max(Some(attempt.sent));
            } else if let Some(acked) = attempt.acked {
                verdict.lost += 1;
                verdict.first_missing = Some(verdict.first_missing.map_or(acked, |m| m.min(acked)));
            }
        }
        verdict
    }
}

/// Judges all connections together.
pub fn judge(mut comparisons: Vec<Comparison<'_>>, rule: &Rule) -> Result<Verdict, String> {
    let mut seen = None;
    loop {
        let mut verdict = Verdict::default();
        for comparison in &mut comparisons {
            verdict = verdict.and(comparison.close(seen)?);
        }
        if let (Some(by), Some(sent)) = (rule.cut_by, verdict.last_sent)
            && sent > by
        {
            return Err(format!("a unit is there that was sent {:?} after the cut", sent - by));
        }
        if !rule.is_one_state || verdict.last_sent == seen {
            return Ok(verdict);
        }
        seen = verdict.last_sent;
    }
}

fn carry_out(state: &mut State, attempt: &Attempt, prefix: &str) {
    for words in &attempt.commands {
        apply(state, attempt.db, words, |key| key.starts_with(prefix.as_bytes()));
    }
}

/// A few keys that are not as they should be.
fn differences(expected: &State, found: &State) -> String {
    let keys = expected.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
    let differing = keys.into_iter().filter(|k| expected.get(*k) != found.get(*k)).take(3);
    let show = |v: Option<&super::model::Value>| v.map_or("nothing".into(), |v| format!("{v:?}").chars().take(300).collect::<String>());
    differing
        .map(|k| {
            format!(
                "\n    {}:{} is {}, after the promised units it was {}",
                k.0,
                printable(&k.1),
                show(found.get(k)),
                show(expected.get(k))
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        line.split(' ').map(|w| w.as_bytes().to_vec()).collect()
    }

    /// Three units in group 0, one of them also in group 1; the first two are acknowledged.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(0);
        ledger.attempt(0, vec![words("RPUSH {g0}c0:l 1")], vec![0]);
        ledger.attempt(0, vec![words("MSET {g0}c0:0 2 {g1}c0:0 2")], vec![0, 1]);
        ledger.attempt(0, vec![words("RPUSH {g0}c0:l 3")], vec![0]);
        ledger.attempts[0].acked = Some(Instant::now());
        ledger.attempts[1].acked = Some(Instant::now());
        ledger
    }

    fn state(lines: &[&str], group: usize) -> State {
        let mut state = State::new();
        let prefix = format!("{{g{group}}}");
        lines.iter().for_each(|l| apply(&mut state, 0, &words(l), |k| k.starts_with(prefix.as_bytes())));
        state
    }

    fn judged(lines: &[&str], promised_until: Instant) -> Result<Verdict, String> {
        let found: Vec<_> = (0..GROUPS).map(|g| state(lines, g)).collect();
        let rule = Rule { promised_until, is_one_state: true, cut_by: None };
        let ledger = ledger();
        judge(vec![ledger.compare(&found, &rule)?], &rule)
    }

    #[test]
    fn the_judge_knows_good_from_bad() {
        let (early, late) = (Instant::now(), Instant::now() + std::time::Duration::from_secs(600));
        let (one, two, three) = ("RPUSH {g0}c0:l 1", "MSET {g0}c0:0 2 {g1}c0:0 2", "RPUSH {g0}c0:l 3");
        assert_eq!(judged(&[one, two, three], late).unwrap().kept, 3);
        assert_eq!(judged(&[one, two], late).unwrap().kept, 2);
        for (bad, why) in [
            // An acknowledged unit is gone, all are, or a half of one.
            (vec![one], "only"),
            (vec![], "only"),
            (vec![one, "SET {g0}c0:0 2", three], "only"),
            // One is there twice, one that was never sent, or one without what was before it.
            (vec![one, two, three, three], "no number"),
            (vec![two, one, "SET {g0}c0:3 9"], "no number"),
            (vec![two, three], "no number"),
        ] {
            let said = judged(&bad, late).err().unwrap_or_else(|| panic!("{bad:?} passed"));
            assert!(said.contains(why), "{said}");
        }
        assert_eq!(judged(&[one], early).unwrap().lost, 1);
        let half = judged(&[one, "SET {g0}c0:0 2"], early).err().unwrap();
        assert!(half.contains("only in part"), "{half}");
    }

    #[test]
    fn a_state_that_nobody_saw_is_found_out() {
        let early = Instant::now();
        let mut ledger = Ledger::new(0);
        ledger.attempt(0, vec![words("SET {g0}c0:0 1")], vec![0]);
        ledger.attempts[0].acked = Some(Instant::now());
        std::thread::sleep(std::time::Duration::from_millis(2));
        ledger.attempt(0, vec![words("SET {g1}c0:0 2")], vec![1]);
        let found: Vec<_> = (0..GROUPS).map(|g| state(&["SET {g1}c0:0 2"], g)).collect();
        let mut rule = Rule { promised_until: early, is_one_state: false, cut_by: None };
        assert!(judge(vec![ledger.compare(&found, &rule).unwrap()], &rule).is_ok());
        rule.is_one_state = true;
        assert!(judge(vec![ledger.compare(&found, &rule).unwrap()], &rule).is_err());
        rule = Rule { is_one_state: false, cut_by: Some(early), ..rule };
        assert!(judge(vec![ledger.compare(&found, &rule).unwrap()], &rule).is_err());
    }

    #[test]
    fn what_left_no_trace_may_be_there_or_not() {
        let early = Instant::now();
        let mut ledger = Ledger::new(0);
        ledger.attempt(0, vec![words("SET {g0}c0:0 1")], vec![0]);
        ledger.attempt(0, vec![words("DEL {g0}c0:0")], vec![0]);
        let rule = Rule { promised_until: early, is_one_state: true, cut_by: Some(early) };
        let found = vec![State::new(); GROUPS];
        assert_eq!(judge(vec![ledger.compare(&found, &rule).unwrap()], &rule).unwrap().kept, 0);
    }
}
