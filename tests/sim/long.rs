//! Long runs, too long for a search: invariants that hold in every order. Transfers between accounts leave their sum; MSETs of
//! all keys are never seen mixed, nor out of date.

use super::history::{Command, Entry, Operation, entries, key_names};
use super::number;
use super::world::{Script, Shape, World};
use ringfort::base::rng::Rng;
use ringfort::proto::reply::Reply;

/// Seeds of one run, a hundredth of what the short worlds take: each is a hundred times as long.
fn seeds() -> std::ops::Range<u64> {
    let first = number("RINGFORT_SEED", 1);
    first..first + number("RINGFORT_SEEDS", 2000).div_ceil(50)
}

/// Runs clients that draw their operations from `draw`.
fn run(seed: u64, keys: usize, length: usize, mut draw: impl FnMut(&mut Rng) -> Operation) -> (Vec<Entry>, Vec<Option<i64>>) {
    let mut rng = Rng::new(seed);
    let shape = Shape::random(&mut rng);
    let names = key_names(shape.cores, keys);
    let operations: Vec<Vec<Operation>> = (0..6).map(|_| (0..length).map(|_| draw(&mut rng)).collect()).collect();
    let scripts = operations.iter().map(|own| Script {
        core: rng.below(shape.cores as u64) as usize,
        pipeline: 1 + rng.below(16) as usize,
        breaks_after: None,
        requests: own.iter().map(|o| o.request(&names)).collect(),
    });
    let scripts = scripts.collect();
    let world = World::new(seed, shape, scripts);
    let outcomes = world.run().unwrap_or_else(|text| panic!("seed {seed}: {text}"));
    let entries = entries(&operations, &outcomes).unwrap_or_else(|text| panic!("seed {seed}: {text}"));
    (entries, names.iter().map(|n| world.value(n).and_then(|(text, _)| text.parse().ok())).collect())
}

/// The numbers of an array of strings; a missing one is 0.
fn numbers(reply: &Option<Reply>) -> Vec<i64> {
    let Some(Reply::Array(items)) = reply else { return Vec::new() };
    let number = |r: &Reply| match r {
        Reply::Bulk(b) => String::from_utf8_lossy(b).parse().expect("values are numbers"),
        _ => 0,
    };
    items.iter().map(number).collect()
}

#[test]
fn transfers_over_cores_leave_the_sum() {
    for seed in seeds() {
        let all: Vec<usize> = (0..6).collect();
        let (entries, last) = run(seed, 6, 300, |rng| match rng.below(4) {
            0 => Operation::Alone(Command::Mget(all.clone())),
            _ => {
                let (from, to, by) = (rng.below(6) as usize, rng.below(6) as usize, 1 + rng.below(50) as i64);
                Operation::Block(vec![Command::IncrBy(from, -by), Command::IncrBy(to, by)])
            }
        });
        for e in entries.iter().filter(|e| matches!(e.operation, Operation::Alone(_))) {
            assert_eq!(numbers(&e.reply).iter().sum::<i64>(), 0, "seed {seed}: {:?}", e.reply);
        }
        assert_eq!(last.iter().flatten().sum::<i64>(), 0, "seed {seed}");
    }
}

#[test]
fn values_set_together_are_seen_together_and_never_old_ones() {
    for seed in seeds() {
        let all: Vec<usize> = (0..6).collect();
        let mut value = 0;
        let (entries, _) = run(seed, 6, 150, |rng| {
            value += 100;
            Operation::Alone(if rng.below(2) == 0 { Command::Mget(all.clone()) } else { Command::Mset(all.clone(), value) })
        });
        let writes: std::collections::BTreeMap<i64, &Entry> = entries
            .iter()
            .filter_map(|e| match &e.operation {
                Operation::Alone(Command::Mset(_, v)) => Some((*v, e)),
                _ => None,
            })
            .collect();
        for read in entries.iter().filter(|e| matches!(e.operation, Operation::Alone(Command::Mget(_)))) {
            let seen = numbers(&read.reply);
            let first = seen[0];
            let is_whole = seen.iter().enumerate().all(|(n, v)| *v == if first == 0 { 0 } else { first + n as i64 });
            assert!(is_whole, "seed {seed}: mixed {seen:?}");
            let since = writes.get(&first).map_or(0, |w| w.respond);
            let newer = writes.values().find(|w| w.invoke > since && w.respond < read.invoke);
            assert!(newer.is_none(), "seed {seed}: read {first} although {newer:?} was complete");
            assert!(writes.get(&first).is_none_or(|w| w.invoke < read.respond), "seed {seed}: read {first} before it was sent");
        }
    }
}
