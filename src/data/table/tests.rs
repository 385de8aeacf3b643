//! The table against a plain map, its scans while it changes, its randomness, its clones and its size.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn drawn_key(rng: &mut Rng, range: u64) -> Vec<u8> {
    let n = rng.below(range);
    match n % 40 {
        0 => vec![n as u8; 1000 + (n % 100) as usize],
        1 => vec![b'l'; (n % 900) as usize],
        2 => Vec::new(),
        _ => format!("key:{n}").into_bytes(),
    }
}

fn drawn_payload(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0..4 => Vec::new(),
        4 => vec![b'p'; rng.below(3000) as usize],
        n => vec![n as u8; rng.below(20) as usize],
    }
}

fn contents(table: &Table) -> BTreeMap<Vec<u8>, Vec<u8>> {
    table.iter().map(|(key, payload)| (key.to_vec(), payload.to_vec())).collect()
}

/// What the table believes of itself, counted again.
fn check_counts(table: &Table) {
    let nodes: Vec<&[u8]> = table.nodes().collect();
    assert_eq!(nodes.len(), table.nodes);
    assert_eq!(nodes.iter().map(|n| n.len() + node::ARC_BYTES).sum::<usize>(), table.node_bytes);
    assert_eq!(nodes.iter().map(|n| node::Head::of(n).count).sum::<usize>(), table.len());
    assert!(nodes.iter().all(|n| node::Head::of(n).count <= table.most));
    if table.nodes > 0 {
        assert_eq!(table.directory.len(), 1 << table.depth);
    }
    for (place, &number) in table.directory.iter().enumerate() {
        let head = node::Head::of(nodes[number as usize]);
        assert_eq!((place >> (table.depth - head.depth)) as u32, head.prefix);
    }
}

/// What a table should hold.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[test]
fn random_changes_agree_with_a_map() {
    for seed in 0..4 {
        let mut rng = Rng::new(seed);
        let (mut table, mut model) = (Table::new(seed), BTreeMap::new());
        let mut wanted = 3000u64;
        for step in 0..60_000u64 {
            if step % 15_000 == 0 {
                wanted = [200, 6000, 20, 3000][(step / 15_000) as usize];
            }
            let key = drawn_key(&mut rng, 8000);
            if rng.below(10) == 0 || (model.len() as u64) < wanted {
                let payload = drawn_payload(&mut rng);
                assert_eq!(table.insert(&key, &payload), model.insert(key.clone(), payload).is_none());
            } else {
                let victim = if rng.below(3) == 0 { Some(&key) } else { model.range(key.clone()..).next().map(|(k, _)| k) };
                if let Some(victim) = victim.cloned() {
                    assert_eq!(table.remove(&victim), model.remove(&victim).is_some());
                }
            }
            assert_eq!(table.get(&key), model.get(&key).map(|p| &p[..]));
            assert_eq!(table.len(), model.len());
            if step % 5000 == 0 {
                assert_eq!(contents(&table), model);
                check_counts(&table);
            }
        }
        assert_eq!(contents(&table), model);
        for key in model.keys() {
            assert!(table.contains(key));
            assert!(table.remove(key));
        }
        check_counts(&table);
        assert_eq!((table.len(), table.nodes, table.depth), (0, 1, 0));
        assert!(table.bytes() < 8000, "{}", table.bytes());
        assert_eq!(table.random(&mut rng), None);
    }
}

#[test]
fn scans_return_what_stays_exactly_once_while_the_table_grows_and_shrinks() {
    for (seed, count) in [(1, 1), (2, 10), (3, 70), (4, 1000)] {
        let mut rng = Rng::new(seed);
        let mut table = Table::new(seed);
        let stay: BTreeSet<Vec<u8>> = (0..800).map(|n| format!("stay:{n}").into_bytes()).collect();
        stay.iter().for_each(|key| assert!(table.insert(key, b"x")));
        for round in 0..6u64 {
            let (mut cursor, mut seen, mut calls) = (0, Vec::new(), 0);
            loop {
                let before = seen.len();
                cursor = table.scan(cursor, count, &mut |key, _| seen.push(key.to_vec()));
                assert!(seen.len() - before <= count, "{} of {count}", seen.len() - before);
                calls += 1;
                if cursor == 0 {
                    break;
                }
                // Even rounds grow, odd rounds shrink, faster than the scan goes on.
                for _ in 0..count * 4 {
                    let other = format!("come:{}", rng.below(2000 + 38_000 * u64::from(count > 1)));
                    if round % 2 == 0 {
                        table.insert(other.as_bytes(), b"");
                    } else {
                        table.remove(other.as_bytes());
                    }
                }
            }
            let found: Vec<_> = seen.iter().filter(|key| stay.contains(*key)).cloned().collect();
            assert_eq!(found.len(), stay.len(), "round {round}: {calls} calls");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), stay);
        }
        check_counts(&table);
        assert_eq!(table.scan(1 << 32, 10, &mut |_, _| panic!("nothing is there")), 0);
        assert_eq!(table.scan(u64::MAX, 10, &mut |_, _| panic!("nothing is there")), 0);
    }
    assert_eq!(Table::new(0).scan(0, 10, &mut |_, _| panic!("nothing is there")), 0);
    assert_eq!(Table::new(0).scan(77, 10, &mut |_, _| panic!("nothing is there")), 0);
}

#[test]
fn every_element_is_drawn_equally_often() {
    for count in [1u32, 7, 300, 1500] {
        let mut table = Table::new(9);
        // A table that has been larger has nodes of very different sizes.
        (0..count * 7).for_each(|n| assert!(table.insert(&n.to_le_bytes(), b"")));
        (count..count * 7).for_each(|n| assert!(table.remove(&n.to_le_bytes())));
        let draws = u64::from(count) * 200;
        let (mut rng, mut hits) = (Rng::new(5), vec![0f64; count as usize]);
        for _ in 0..draws {
            let key = table.random(&mut rng).unwrap().0;
            hits[u32::from_le_bytes(key.try_into().unwrap()) as usize] += 1.0;
        }
        let chi: f64 = hits.iter().map(|h| (h - 200.0).powi(2) / 200.0).sum();
        let (mean, deviation) = (f64::from(count - 1), (2.0 * f64::from(count)).sqrt());
        assert!((chi - mean).abs() < 5.0 * deviation, "{count}: {chi}");
    }
}

#[test]
fn clones_never_see_later_changes() {
    let mut rng = Rng::new(3);
    let mut table = Table::new(3);
    let mut clones: Vec<(Table, Model)> = Vec::new();
    for step in 0..20_000 {
        let key = drawn_key(&mut rng, 4000);
        if rng.below(3) > u64::from(step > 10_000) {
            table.insert(&key, &drawn_payload(&mut rng));
        } else {
            table.remove(&key);
        }
        if step % 2000 == 1999 {
            clones.push((table.clone(), contents(&table)));
        }
    }
    for (clone, then) in &mut clones {
        assert_eq!(&contents(clone), then);
        check_counts(clone);
        // And the other way round: changing a clone changes nobody else.
        then.keys().for_each(|key| assert!(clone.remove(key)));
    }
    check_counts(&table);
}

#[test]
fn members_of_17_bytes_take_at_most_26_each() {
    let mut table = Table::new(11);
    let mut worst = 0f64;
    for n in 0..1_100_000u32 {
        table.insert(format!("member:{n:010}").as_bytes(), b"");
        if n >= 200_000 && n % 20_000 == 0 {
            worst = worst.max(table.bytes() as f64 / f64::from(n));
        }
        if [400_000, 640_000, 1_099_999].contains(&n) {
            let each = table.bytes() as f64 / f64::from(n);
            println!("{n}: {each:.2} B, {} nodes, directory {}", table.nodes, table.directory.len());
            assert!(each <= 26.0, "{each} at {n}");
        }
    }
    println!("worst {worst:.2}");
    let mut numbers = Table::new(1);
    for n in 0..1_000_000u64 {
        numbers.insert(&n.to_le_bytes(), b"");
    }
    let each = numbers.bytes() as f64 / 1e6;
    println!("numbers of 8 bytes: {each:.2}");
    assert!(each <= 18.0, "{each}");
}

#[test]
fn freeing_goes_in_steps_and_ends() {
    let mut table = Table::new(1);
    (0..20_000u32).for_each(|n| assert!(table.insert(&n.to_le_bytes(), &vec![0; if n % 50 == 0 { 2000 } else { 3 }])));
    let (clone, mut shared) = (table.clone(), table.clone());
    while !shared.free_some(1) {}
    drop(shared);
    check_counts(&clone);
    assert_eq!(clone.iter().count(), 20_000);
    drop(clone);
    let mut steps = 0;
    while !table.free_some(1000) {
        steps += 1;
    }
    assert!((15..60).contains(&steps), "{steps}");
    assert!(table.bytes() < 10_000, "{}", table.bytes());
}
