//! Tests of the table of keys.

use super::*;
use crate::base::rng::Rng;
use std::collections::BTreeMap;

/// Entry n has the n-th hash of this list.
struct Hashes(Vec<u64>, Vec<u32>);

impl Entries for Hashes {
    fn hash_of(&self, entry: u32) -> u64 {
        self.0[entry as usize]
    }
    fn prefetch(&self, _: u32) {}
    fn hand_out(&mut self, _: usize, entries: &[u32]) {
        self.1.extend(entries);
    }
}

const HERE: Place = Place { space: 1, root: 2 };

fn all(index: &Index, place: Place) -> Vec<u32> {
    let (mut out, mut hash) = (Vec::new(), 0);
    while let Some(span) = index.span(place, hash) {
        let mut at = hash;
        while let Some(next) = index.home(&span, at, &mut out) {
            at = next;
        }
        match span.next() {
            Some(next) => hash = next,
            None => break,
        }
    }
    out.sort_unstable();
    out
}

fn add(index: &mut Index, place: Place, hashes: &mut Hashes, entry: u32) {
    let hash = hashes.0[entry as usize];
    index.prepare(place, hash, hashes).unwrap();
    index.insert(place, hash, entry).unwrap();
}

fn cut(index: &mut Index, place: Place, hashes: &mut Hashes, entry: u32) {
    let hash = hashes.0[entry as usize];
    let spot = index.find(place, hash, |e| e == entry).unwrap();
    index.remove(place, hash, spot, hashes);
}

#[test]
fn one_slot_grows_through_directories_and_shrinks_to_nothing() {
    let mut rng = Rng::new(5);
    let n = 1_500_000;
    let mut hashes = Hashes((0..n).map(|_| rng.next_u64()).collect(), Vec::new());
    let mut index = Index::new(4, 1 << 28);
    for entry in 0..n {
        add(&mut index, HERE, &mut hashes, entry);
    }
    assert!((0..n).all(|e| index.find(HERE, hashes.0[e as usize], |x| x == e).is_some()));
    assert_eq!(all(&index, HERE), (0..n).collect::<Vec<_>>());
    let bytes = (index.bucket_bytes() + index.side_bytes()) as f64 / f64::from(n);
    assert!(bytes < 9.5, "{bytes} bytes a key");
    for entry in 0..n {
        cut(&mut index, HERE, &mut hashes, entry);
    }
    assert_eq!(index.bucket_bytes(), 0);
    assert!(!index.has_root(HERE));
    assert_eq!(index.dir_bytes, 0);
}

#[test]
fn random_adds_and_removes_over_slots_agree_with_a_map() {
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        let mut hashes = Hashes((0..60_000).map(|_| rng.next_u64()).collect(), Vec::new());
        let mut index = Index::new(8, 1 << 26);
        let mut model: BTreeMap<u32, Place> = BTreeMap::new();
        for round in 0..240_000u32 {
            let entry = rng.below(60_000) as u32;
            let grows = (round / 40_000) % 2 == 0;
            if let Some(place) = model.get(&entry).copied() {
                if !grows || rng.below(4) == 0 {
                    cut(&mut index, place, &mut hashes, entry);
                    model.remove(&entry);
                }
            } else if grows || rng.below(8) == 0 {
                let root = ((rng.below(64) + 1).ilog2() % 8) as usize;
                let place = Place { space: entry as usize % 2, root };
                add(&mut index, place, &mut hashes, entry);
                model.insert(entry, place);
            }
        }
        for (&entry, &place) in &model {
            assert!(index.find(place, hashes.0[entry as usize], |e| e == entry).is_some(), "seed {seed}");
        }
        for space in 0..2 {
            for root in 0..8 {
                let place = Place { space, root };
                let mut expected: Vec<u32> = model.iter().filter(|(_, p)| **p == place).map(|(e, _)| *e).collect();
                expected.sort_unstable();
                assert_eq!(all(&index, place), expected, "seed {seed}");
            }
        }
    }
}

#[test]
fn too_many_equal_hashes_are_refused_not_fatal() {
    let mut hashes = Hashes(vec![42; 3000], Vec::new());
    let mut index = Index::new(4, 1 << 26);
    let mut taken = 0;
    for entry in 0..3000 {
        if index.prepare(HERE, 42, &mut hashes).is_none() {
            break;
        }
        index.insert(HERE, 42, entry);
        taken += 1;
    }
    assert_eq!(taken, capacity(BUCKETS_MAX));
    for entry in 0..taken as u32 {
        cut(&mut index, HERE, &mut hashes, entry);
    }
    assert!(!index.has_root(HERE));
}

#[test]
fn small_slots_stay_within_the_byte_budget() {
    for per_slot in [24.4, 39.0, 67.0] {
        let mut rng = Rng::new(9);
        let slots = 4096u32;
        let n = (per_slot * f64::from(slots)) as u32;
        let mut hashes = Hashes((0..n).map(|_| rng.next_u64()).collect(), Vec::new());
        let mut index = Index::new(slots as usize, 1 << 26);
        for entry in 0..n {
            let root = rng.below(u64::from(slots)) as usize;
            add(&mut index, Place { space: 0, root }, &mut hashes, entry);
        }
        let bytes = (index.bucket_bytes() + index.side_bytes()) as f64 / f64::from(n);
        assert!(bytes < 9.6, "{per_slot} keys a slot: {bytes}");
    }
}
