//! Tests of [`super`]: hashes against a sorted map.

use std::collections::BTreeMap;

use super::*;
use crate::base::rng::Rng;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn content(hash: &Hash) -> Model {
    let entries = hash.view().iter().map(|(field, value, ttl)| (field.to_vec(), (value.to_vec(), ttl)));
    let mut all = Model::new();
    for (field, entry) in entries {
        assert!(all.insert(field, entry).is_none(), "a field twice");
    }
    all
}

fn check(hash: &Hash, model: &Model) {
    assert_eq!(content(hash), *model);
    assert_eq!((hash.len(), hash.is_gone()), (model.len(), model.is_empty()));
    assert_eq!(hash.next_expiry(), model.values().filter_map(|(_, ttl)| *ttl).min());
    if let HashForm::Timed(_) = hash.view().form() {
        let times: Vec<i64> = hash.view().iter().map(|(_, _, ttl)| ttl.unwrap_or(i64::MAX)).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
}

/// One random change of both.
fn step(hash: &mut Hash, model: &mut Model, rng: &mut Rng, fields: u64, limits: &Limits) {
    let n = rng.below(fields);
    let field = if n.is_multiple_of(3) { n.to_string().into_bytes() } else { format!("field:{n}").into_bytes() };
    let value = match rng.below(8) {
        0 => rng.next_u64().to_string().into_bytes(),
        1 if rng.below(40) == 0 => vec![b'l'; rng.below(3000) as usize],
        _ => vec![b'v'; rng.below(20) as usize],
    };
    let ttl = (rng.below(3) == 0).then(|| 1 + rng.below(1000) as i64);
    match rng.below(10) {
        0..=2 => {
            let is_new = hash.insert(&field, &value, ttl, limits);
            assert_eq!(is_new, model.insert(field, (value, ttl)).is_none());
        }
        3 => {
            let is_new = hash.insert_keeping(&field, &value, limits);
            let old = model.get(&field).map(|(_, ttl)| *ttl);
            model.insert(field, (value, old.flatten()));
            assert_eq!(is_new, old.is_none());
        }
        4 | 5 => {
            let entry = model.get_mut(&field);
            assert_eq!(hash.set_ttl(&field, ttl), entry.is_some());
            if let Some(entry) = entry {
                entry.1 = ttl;
            }
        }
        6 | 7 => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
        8 if rng.below(30) == 0 => expire(hash, model, rng),
        _ => {
            let found = hash.view().find(&field).map(|(value, ttl)| (value.to_vec(), ttl));
            assert_eq!(found, model.get(&field).cloned());
        }
    }
}

fn expire(hash: &mut Hash, model: &mut Model, rng: &mut Rng) {
    let (now, budget) = (rng.below(600) as i64, 1 + rng.below(40) as usize);
    let mut names = Vec::new();
    let count = hash.expire_due(now, budget, &mut |field| names.push(field.to_vec()));
    assert_eq!(count, names.len());
    let due = model.values().filter(|(_, ttl)| ttl.is_some_and(|at| at < now)).count();
    assert_eq!(count, due.min(budget));
    let latest = names.iter().filter_map(|name| model.remove(name)?.1).max();
    assert!(latest.is_none_or(|at| at < now));
    let left = model.values().filter_map(|(_, ttl)| *ttl).min();
    assert!(latest.is_none() || left.is_none() || latest <= left, "earliest first");
}

#[test]
fn every_form_agrees_with_a_map_and_copies_never_change() {
    for (seed, entries, fields) in [(1, 512, 60), (2, 8, 60), (3, 0, 3000), (4, 512, 500), (5, 20, 25)] {
        let limits = Limits { hash_max_listpack_entries: entries, seed, ..Limits::default() };
        let mut rng = Rng::new(seed);
        let (mut hash, mut model) = (Hash::default(), Model::new());
        let mut copies: Vec<(Hash, Model)> = Vec::new();
        for n in 0..12_000 {
            step(&mut hash, &mut model, &mut rng, fields, &limits);
            if n % 500 == 0 {
                check(&hash, &model);
                copies.push((hash.clone(), model.clone()));
            }
        }
        check(&hash, &model);
        for (mut copy, mut was) in copies {
            check(&copy, &was);
            (0..50).for_each(|_| step(&mut copy, &mut was, &mut rng, fields, &limits));
            check(&copy, &was);
        }
        check(&hash, &model);
    }
}

#[test]
fn limits_decide_the_form_and_forms_stay() {
    let limits = Limits { hash_max_listpack_entries: 3, hash_max_listpack_value: 5, ..Limits::default() };
    let fresh = |n: usize| {
        let mut hash = Hash::default();
        (0..n).for_each(|n| assert!(hash.insert(&[b'a' + n as u8], b"1", None, &limits)));
        hash
    };
    let encoding = |hash: &Hash| hash.view().encoding();
    assert_eq!((encoding(&fresh(3)), encoding(&fresh(4))), ("listpack", "hashtable"));
    let mut hash = fresh(2);
    hash.insert(b"a", b"12345", None, &limits);
    assert_eq!(encoding(&hash), "listpack");
    hash.insert(b"a", b"123456", None, &limits);
    assert_eq!(encoding(&hash), "hashtable");
    let mut hash = fresh(3);
    assert!(!hash.set_ttl(b"z", Some(5)) && encoding(&hash) == "listpack" && hash.as_pack().is_some());
    assert!(hash.set_ttl(b"b", Some(5)) && encoding(&hash) == "listpackex" && hash.as_pack().is_none());
    assert!(hash.set_ttl(b"b", None) && encoding(&hash) == "listpackex");
    hash.set_ttl(b"c", Some(9));
    hash.insert(b"d", b"", None, &limits);
    assert_eq!((encoding(&hash), hash.next_expiry()), ("hashtable", Some(9)));
    let mut hash = fresh(1);
    hash.prepare(4, 1, &limits);
    assert_eq!(encoding(&hash), "hashtable");
}

#[test]
fn triplets_are_ordered_as_files_show_them() {
    let limits = Limits::default();
    let mut hash = Hash::default();
    ["a", "b", "c", "d"].iter().for_each(|f| assert!(hash.insert(f.as_bytes(), b"1", None, &limits)));
    let order = |hash: &Hash| hash.view().iter().map(|(f, ..)| String::from_utf8(f.to_vec()).unwrap()).collect::<String>();
    ["c", "b", "a"].iter().for_each(|f| assert!(hash.set_ttl(f.as_bytes(), Some(3000))));
    assert_eq!(order(&hash), "abcd");
    hash.set_ttl(b"d", Some(2900));
    hash.set_ttl(b"c", Some(3000));
    assert_eq!(order(&hash), "dcab");
    hash.insert(b"a", b"5", None, &limits);
    hash.insert(b"e", b"6", None, &limits);
    assert_eq!(order(&hash), "dcbae");
    hash.set_ttl(b"c", None);
    hash.insert_keeping(b"b", b"7", &limits);
    assert_eq!(order(&hash), "dbaec");
}

#[test]
fn a_million_times_are_taken_out_in_order_and_cost_what_they_say() {
    let limits = Limits::default();
    let mut rng = Rng::new(9);
    let mut hash = Hash::default();
    for n in 0..100_000u32 {
        hash.insert(format!("field:{n:010}").as_bytes(), b"value00000001", Some(1 + rng.below(1 << 40) as i64), &limits);
    }
    let copy = hash.clone();
    assert!(hash.bytes() / 100_000 < 110, "{}", hash.bytes());
    let (mut last, mut left) = (0, hash.len());
    while let Some(at) = hash.next_expiry() {
        assert!(at >= last);
        last = at;
        left -= hash.expire_due(at + 1, 10, &mut |_| {});
        assert_eq!(hash.len(), left);
    }
    assert!(hash.is_gone() && copy.len() == 100_000);
    let mut copy = copy;
    let mut steps = 0;
    while !copy.free_some(1000) {
        steps += 1;
        assert!(steps < 1000);
    }
}

#[test]
fn scanning_finds_every_field_and_random_ones_are_all_alike() {
    let limits = Limits::default();
    let mut hash = Hash::default();
    (0..2000).for_each(|n| assert!(hash.insert(format!("f{n}").as_bytes(), b"v", (n % 2 == 0).then_some(5), &limits)));
    let (mut cursor, mut seen) = (0, BTreeMap::<Vec<u8>, u32>::new());
    loop {
        cursor = hash.view().scan(cursor, 10, &mut |(field, _, ttl)| {
            assert_eq!(ttl.is_some(), field.to_vec().last().is_some_and(|d| (d - b'0').is_multiple_of(2)));
            *seen.entry(field.to_vec()).or_default() += 1;
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 2000);
    let mut rng = Rng::new(1);
    let mut few = Hash::default();
    (0..5).for_each(|n| assert!(few.insert(format!("f{n}").as_bytes(), b"v", None, &limits)));
    let mut counts = BTreeMap::<Vec<u8>, u32>::new();
    for _ in 0..5000 {
        *counts.entry(few.view().random(&mut rng).unwrap().0.to_vec()).or_default() += 1;
    }
    assert!(counts.len() == 5 && counts.values().all(|n| (850..1150).contains(n)), "{counts:?}");
}
