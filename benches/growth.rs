//! The longest single insertion while the index grows: ten million keys over all slots, and twenty million in one slot.
//!
//! Every insertion is timed, and all of it is done several times with the same seeds. What other work on the machine adds meets
//! another insertion each time, what the keyspace does itself meets the same one: of each insertion the shortest time counts, and the
//! longest of those is the figure. No criterion: its averages hide what is looked for.
//!
//! `cargo bench --bench growth [-- ROUNDS [SHARE]]`: 3 rounds, of all keys. Needs 2 GB.
use ringfort::keyspace::{Keyspace, SLOTS, Ttl};
use std::io::Write;
use std::time::Instant;

const NOW: i64 = 1_000_000;
/// Insertions of one batch.
const BATCH: usize = 128;
/// The promise for one insertion, nanoseconds.
const LIMIT: u32 = 1_000_000;

/// Nanoseconds of each insertion of `keys` keys into a fresh keyspace; what is in `best` already is lowered.
fn fill(keys: usize, tag: &str, best: &mut Vec<u32>) -> u32 {
    let mut keyspace = Keyspace::new(7, 1, 0..SLOTS);
    let (mut name, mut longest) = (Vec::new(), 0);
    for i in 0..keys {
        name.clear();
        write!(name, "{tag}:{i:010}").expect("writing to memory");
        let key = keyspace.key(&name);
        let from = Instant::now();
        assert!(keyspace.set_str(0, &key, b"vvvvvvvv", Ttl::None, NOW));
        let nanos = u32::try_from(from.elapsed().as_nanos()).unwrap_or(u32::MAX);
        longest = longest.max(nanos);
        match best.get_mut(i) {
            Some(shortest) => *shortest = nanos.min(*shortest),
            None => best.push(nanos),
        }
    }
    assert_eq!(keyspace.len(0), keys);
    longest
}

fn main() {
    // `cargo bench` adds `--bench`.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let rounds: usize = words.next().map_or(3, |word| word.parse().expect("a number of rounds"));
    let share: f64 = words.next().map_or(1.0, |word| word.parse().expect("a share of the keys"));
    let us = |nanos: u32| f64::from(nanos) / 1e3;
    let mut is_kept = true;
    for (title, keys, tag) in [("10M keys over all slots", 10e6, "key"), ("20M keys in one slot", 20e6, "{x}")] {
        let mut best = Vec::with_capacity((keys * share) as usize);
        let longest: Vec<String> = (0..rounds).map(|_| format!("{:.0}", us(fill((keys * share) as usize, tag, &mut best)))).collect();
        let mut order: Vec<usize> = (0..best.len()).collect();
        order.sort_unstable_by_key(|i| std::cmp::Reverse(best[*i]));
        let top: Vec<String> = order.iter().take(5).map(|i| format!("{:.0} us at {i}", us(best[*i]))).collect();
        // Calls that one turn may run one after the other without looking at anybody else.
        let batch = best.windows(BATCH).map(|w| w.iter().sum::<u32>()).max().unwrap_or(0);
        let mean = best.iter().map(|n| u64::from(*n)).sum::<u64>() as f64 / best.len().max(1) as f64;
        println!(
            "{title}: longest insertions {}; longest {BATCH} in a row {:.0} us; mean {mean:.0} ns; longest of each round, noise included: {} us",
            top.join(", "),
            us(batch),
            longest.join(", ")
        );
        is_kept &= order.first().is_none_or(|i| best[*i] <= LIMIT);
    }
    println!("{}", if is_kept { "no insertion takes a millisecond" } else { "an insertion takes more than a millisecond" });
}
