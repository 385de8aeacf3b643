//! Where the logs of several cores end together: a ticket is in the logs of all its participants, or in none.
//!
//! Pure: it gets what the ends of the logs say and gives where each ends. A log ends before the first ticket that some participant lacks;
//! what it loses with that may be lacking elsewhere, and so on until nothing changes. The result is the greatest one, whatever the order
//! in which it is computed. O(tickets x participants).

use super::annotation::Cores;
use std::collections::HashMap;

/// One ticket in one log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    pub number: u64,
    /// Offset of its line.
    pub at: u64,
    /// Who takes part: index in [`Tails::sets`].
    pub set: u32,
}

/// The end of every core's log, from a point on before which all tickets are complete.
#[derive(Clone, Default, Debug)]
pub struct Tails {
    /// By core: its tickets in the order of its log.
    pub logs: Vec<Vec<Ticket>>,
    /// By core: where its log ends at most.
    pub ends: Vec<u64>,
    /// Participants, each set of them once.
    sets: Vec<Vec<usize>>,
    numbers: HashMap<Cores, u32>,
}

/// Why a log ends where it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lack {
    pub ticket: u64,
    /// The participant whose log does not have it.
    pub core: usize,
}

impl Tails {
    /// Logs of so many cores that end there, without tickets so far.
    #[must_use]
    pub fn new(ends: Vec<u64>) -> Tails {
        Tails { logs: vec![Vec::new(); ends.len()], ends, ..Tails::default() }
    }

    /// Appends a ticket to the log of `core`. False if its participants are not cores of these logs, or it is not one of them.
    #[must_use]
    pub fn push(&mut self, core: usize, number: u64, at: u64, participants: Cores) -> bool {
        let is_right = participants.has(core) && participants.iter().all(|p| p < self.logs.len());
        let Some(log) = self.logs.get_mut(core).filter(|_| is_right) else { return false };
        let set = match self.numbers.get(&participants) {
            Some(set) => *set,
            None => {
                let set = self.sets.len() as u32;
                self.sets.push(participants.iter().collect());
                self.numbers.insert(participants, set);
                set
            }
        };
        log.push(Ticket { number, at, set });
        true
    }

    /// Moves `ends` to where all logs agree. By core: which ticket it was that ended it, if one did.
    pub fn settle(&mut self) -> Vec<Option<Lack>> {
        let places: Vec<HashMap<u64, usize>> = self.logs.iter().map(|log| places(log)).collect();
        let mut lacks: Vec<Option<Lack>> = vec![None; self.logs.len()];
        // How many tickets of each log count.
        let mut kept: Vec<usize> = self.logs.iter().zip(&self.ends).map(|(log, end)| log.partition_point(|t| t.at < *end)).collect();
        // Tickets that `core` lacks, to be cut from other logs.
        let mut work: Vec<(usize, u64, u32)> = Vec::new();
        for (core, log) in self.logs.iter().enumerate() {
            for (n, ticket) in log.iter().enumerate() {
                if n >= kept.get(core).copied().unwrap_or(0) {
                    work.push((core, ticket.number, ticket.set));
                    continue;
                }
                let absent = self
                    .participants(ticket.set)
                    .iter()
                    .find(|p| !places.get(**p).is_some_and(|places| places.contains_key(&ticket.number)));
                if let Some(absent) = absent {
                    work.push((*absent, ticket.number, ticket.set));
                }
            }
        }
        while let Some((lacking, number, set)) = work.pop() {
            let participants = self.sets.get(set as usize).map_or(&[][..], Vec::as_slice);
            for &core in participants {
                let place = places.get(core).and_then(|p| p.get(&number)).copied();
                let (Some(place), Some(log), Some(kept)) = (place, self.logs.get(core), kept.get_mut(core)) else { continue };
                if core == lacking || place >= *kept {
                    continue;
                }
                let gone = log.get(place..*kept).unwrap_or_default();
                work.extend(gone.iter().map(|t| (core, t.number, t.set)));
                *kept = place;
                if let (Some(first), Some(end), Some(lack)) = (gone.first(), self.ends.get_mut(core), lacks.get_mut(core)) {
                    *end = first.at;
                    *lack = Some(Lack { ticket: number, core: lacking });
                }
            }
        }
        lacks
    }

    fn participants(&self, set: u32) -> &[usize] {
        self.sets.get(set as usize).map_or(&[], Vec::as_slice)
    }
}

/// The first place of each ticket in a log.
fn places(log: &[Ticket]) -> HashMap<u64, usize> {
    let mut places = HashMap::with_capacity(log.len());
    for (n, ticket) in log.iter().enumerate() {
        places.entry(ticket.number).or_insert(n);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    /// The rule as it is told: look at every ticket of every log until nothing changes.
    fn naive(logs: &[Vec<(u64, u64, Vec<usize>)>], ends: &[u64]) -> Vec<u64> {
        let mut ends = ends.to_vec();
        loop {
            let before = ends.clone();
            for core in 0..logs.len() {
                for (number, at, participants) in &logs[core] {
                    let has = |p: &usize| logs[*p].iter().any(|(n, at, _)| n == number && *at < ends[*p]);
                    if *at < ends[core] && !participants.iter().all(has) {
                        ends[core] = *at;
                    }
                }
            }
            if ends == before {
                return ends;
            }
        }
    }

    #[test]
    fn random_logs_end_where_the_naive_rule_says() {
        for seed in 0..2000 {
            let mut rng = Rng::new(seed);
            let cores = 1 + rng.below(5) as usize;
            let mut logs = vec![Vec::new(); cores];
            for number in 0..rng.below(40) {
                let participants: Vec<usize> = (0..cores).filter(|_| rng.below(2) == 0).collect();
                for core in &participants {
                    // Now and then one is missing, or two stand in the other order.
                    if rng.below(60) == 0 {
                        continue;
                    }
                    let log: &mut Vec<(u64, u64, Vec<usize>)> = &mut logs[*core];
                    let place = if rng.below(10) == 0 { log.len().saturating_sub(1) } else { log.len() };
                    log.insert(place, (number, 0, participants.clone()));
                }
            }
            for log in &mut logs {
                log.iter_mut().enumerate().for_each(|(n, t)| t.1 = 10 + n as u64 * 7);
            }
            let ends: Vec<u64> =
                logs.iter().map(|log| if rng.below(2) == 0 { 1000 } else { rng.below(20 + log.len() as u64 * 7) }).collect();
            let mut tails = Tails::new(ends.clone());
            for (core, log) in logs.iter().enumerate() {
                for (number, at, participants) in log {
                    assert!(tails.push(core, *number, *at, Cores::of(cores, |c| participants.contains(&c))));
                }
            }
            let lacks = tails.settle();
            assert_eq!(tails.ends, naive(&logs, &ends), "seed {seed}: {logs:?} {ends:?}");
            for (core, lack) in lacks.iter().enumerate() {
                assert_eq!(lack.is_some(), tails.ends[core] < ends[core], "seed {seed}");
            }
        }
    }

    #[test]
    fn a_chain_of_tickets_falls_together() {
        // 0 and 1 share 1, 1 and 2 share 2, 2 and 3 share 3; core 3 lost its last.
        let mut tails = Tails::new(vec![100; 4]);
        for (core, number, at) in [(0, 1, 10), (1, 2, 10), (1, 1, 20), (2, 3, 10), (2, 2, 20)] {
            let number_is = number as usize;
            assert!(tails.push(core, number, at, Cores::of(4, |c| c == number_is || c == number_is - 1)));
        }
        let lacks = tails.settle();
        assert_eq!(tails.ends, [10, 10, 10, 100]);
        assert_eq!(lacks[2], Some(Lack { ticket: 3, core: 3 }));
        assert_eq!(lacks[3], None);
    }

    #[test]
    fn a_ticket_of_cores_that_are_not_there_is_refused() {
        let mut tails = Tails::new(vec![1, 1]);
        assert!(!tails.push(0, 1, 0, Cores::of(3, |_| true)));
        assert!(!tails.push(0, 1, 0, Cores::of(2, |c| c == 1)));
        assert!(!tails.push(2, 1, 0, Cores::of(2, |_| true)));
    }
}
