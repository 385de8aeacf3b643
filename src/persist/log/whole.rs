//! Which transactions over several cores will survive whatever happens: core 0 judges it for all.
//!
//! After a crash a log ends before the first ticket that some participant lacks, and then before the first that some participant lost
//! because of that, and so on. So a ticket that is on disk at all its participants is not yet safe: one of them may have to be cut before
//! it. Safe is the largest set for which nothing has to be cut; it only grows, so whatever was judged safe once stays so.
//!
//! Invariants: each core reports its tickets in the order of its log, each once, when everything up to it is on disk there.

use std::collections::{BTreeMap, VecDeque};

/// A ticket as a core reports it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Durable {
    pub ticket: u64,
    /// Ascending numbers of the cores that take part, the reporting one included.
    pub participants: Box<[u16]>,
}

/// See the file's head.
#[derive(Debug)]
pub struct Judge {
    /// Reports of another term are of a time when nothing waited for them.
    term: u64,
    /// By core: on disk, not yet safe.
    queues: Vec<VecDeque<Durable>>,
    has_news: bool,
}

impl Judge {
    #[must_use]
    pub fn new(cores: usize) -> Judge {
        Judge { term: 0, queues: vec![VecDeque::new(); cores], has_news: false }
    }

    /// Takes in what became durable at `core`.
    pub fn report(&mut self, core: usize, term: u64, tickets: Vec<Durable>) {
        if term > self.term {
            self.term = term;
            self.queues.iter_mut().for_each(VecDeque::clear);
        }
        if let (true, Some(queue)) = (term == self.term, self.queues.get_mut(core)) {
            self.has_news |= !tickets.is_empty();
            queue.extend(tickets);
        }
    }

    /// The term, and how many further tickets of each core are safe, for cores that have any.
    pub fn settle(&mut self) -> (u64, Vec<(usize, u64)>) {
        if !std::mem::take(&mut self.has_news) {
            return (self.term, Vec::new());
        }
        let keep = self.kept();
        let mut safe = Vec::new();
        for (core, (queue, keep)) in self.queues.iter_mut().zip(keep).enumerate() {
            if keep > 0 {
                queue.drain(..keep);
                safe.push((core, keep as u64));
            }
        }
        (self.term, safe)
    }

    /// By core: how many tickets from the front on nothing can cut.
    fn kept(&self) -> Vec<usize> {
        let mut places: BTreeMap<u64, Vec<(usize, usize)>> = BTreeMap::new();
        for (core, queue) in self.queues.iter().enumerate() {
            for (at, entry) in queue.iter().enumerate() {
                places.entry(entry.ticket).or_default().push((core, at));
            }
        }
        let mut keep: Vec<usize> = self.queues.iter().map(VecDeque::len).collect();
        let mut cuts = Vec::new();
        for (core, queue) in self.queues.iter().enumerate() {
            let lacking = |entry: &Durable| places.get(&entry.ticket).map_or(0, Vec::len) < entry.participants.len();
            if let Some(at) = queue.iter().position(lacking) {
                cuts.push((core, at));
            }
        }
        while let Some((core, at)) = cuts.pop() {
            let (Some(kept), Some(queue)) = (keep.get_mut(core), self.queues.get(core)) else {
                continue;
            };
            if at >= *kept {
                continue;
            }
            let lost = at..*kept;
            *kept = at;
            for entry in queue.range(lost) {
                cuts.extend(places.get(&entry.ticket).into_iter().flatten().copied());
            }
        }
        keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn durable(ticket: u64, participants: &[u16]) -> Durable {
        Durable { ticket, participants: participants.into() }
    }

    #[test]
    fn a_ticket_that_is_everywhere_is_not_safe_behind_one_that_is_not() {
        let mut judge = Judge::new(3);
        judge.report(0, 0, vec![durable(2, &[0, 1])]);
        judge.report(1, 0, vec![durable(1, &[1, 2]), durable(2, &[0, 1])]);
        assert_eq!(judge.settle().1, vec![], "core 1 would be cut before 1, and so core 0 before 2");
        judge.report(2, 0, vec![durable(1, &[1, 2])]);
        assert_eq!(judge.settle().1, vec![(0, 1), (1, 2), (2, 1)]);
    }

    #[test]
    fn tickets_in_different_orders_do_not_wait_for_each_other_for_ever() {
        let mut judge = Judge::new(2);
        judge.report(0, 0, vec![durable(5, &[0, 1]), durable(6, &[0, 1])]);
        judge.report(1, 0, vec![durable(6, &[0, 1])]);
        assert_eq!(judge.settle().1, vec![]);
        judge.report(1, 0, vec![durable(5, &[0, 1])]);
        assert_eq!(judge.settle().1, vec![(0, 2), (1, 2)]);
    }

    #[test]
    fn reports_of_an_older_term_do_not_count() {
        let mut judge = Judge::new(2);
        judge.report(0, 1, vec![durable(1, &[0, 1])]);
        judge.report(0, 4, vec![durable(7, &[0, 1])]);
        judge.report(1, 1, vec![durable(7, &[0, 1])]);
        assert_eq!(judge.settle(), (4, vec![]));
        judge.report(1, 4, vec![durable(7, &[0, 1])]);
        assert_eq!(judge.settle(), (4, vec![(0, 1), (1, 1)]));
    }

    /// Cuts logs as recovery does, one step after the other.
    fn recovered(logs: &[Vec<Durable>]) -> Vec<usize> {
        let mut ends: Vec<usize> = logs.iter().map(Vec::len).collect();
        loop {
            let mut changed = false;
            for core in 0..logs.len() {
                let lacks = |d: &Durable| {
                    d.participants.iter().any(|p| !logs[*p as usize][..ends[*p as usize]].iter().any(|o| o.ticket == d.ticket))
                };
                if let Some(at) = logs[core][..ends[core]].iter().position(lacks) {
                    ends[core] = at;
                    changed = true;
                }
            }
            if !changed {
                return ends;
            }
        }
    }

    #[test]
    fn what_is_safe_is_what_recovery_keeps_whatever_the_order() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let cores = 2 + rng.below(3) as usize;
            let mut logs: Vec<Vec<Durable>> = vec![Vec::new(); cores];
            for ticket in 0..12 {
                let mut list: Vec<u16> = (0..cores as u16).filter(|_| rng.below(2) == 0).collect();
                if list.len() < 2 {
                    list = vec![0, 1];
                }
                for core in &list {
                    let log = &mut logs[*core as usize];
                    // Neighbours change places now and then, as tickets that wait for a slot do.
                    let at = if rng.below(4) == 0 { log.len().saturating_sub(1) } else { log.len() };
                    log.insert(at, durable(ticket, &list));
                }
            }
            let (mut judge, mut told, mut safe) = (Judge::new(cores), vec![0usize; cores], vec![0usize; cores]);
            for _ in 0..40 {
                let core = rng.below(cores as u64) as usize;
                let upto = (told[core] + rng.below(3) as usize).min(logs[core].len());
                judge.report(core, 0, logs[core][told[core]..upto].to_vec());
                told[core] = upto;
                for (core, count) in judge.settle().1 {
                    safe[core] += count as usize;
                }
                let on_disk: Vec<Vec<Durable>> = logs.iter().zip(&told).map(|(log, n)| log[..*n].to_vec()).collect();
                assert_eq!(safe, recovered(&on_disk), "seed {seed}");
            }
        }
    }
}
