//! Sorted sets against a model: every operation, both forms, shared copies. Node limits are tiny here, so that a few hundred
//! members make a tree of several levels.

use std::collections::BTreeMap;

use super::*;
use crate::base::rng::Rng;

type Model = BTreeMap<Vec<u8>, f64>;

fn sorted(model: &Model) -> Vec<(Vec<u8>, f64)> {
    let mut all: Vec<_> = model.iter().map(|(m, s)| (m.clone(), *s)).collect();
    all.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap().then_with(|| a.0.cmp(&b.0)));
    all
}

fn member(rng: &mut Rng, spread: u64) -> Vec<u8> {
    let n = rng.below(spread);
    match n % 11 {
        0 => format!("{n}").into_bytes(),
        1 => format!("a common prefix that is long {n}").into_bytes(),
        2 => vec![b'x'; (n % 700) as usize],
        _ => format!("m{n}").into_bytes(),
    }
}

fn score(rng: &mut Rng) -> f64 {
    match rng.below(12) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => -0.0,
        3..=8 => rng.below(5) as f64 - 2.0,
        _ => rng.unit() * 10.0 - 5.0,
    }
}

fn check(zset: &Zset, model: &Model) {
    if let Form::Big(tree) = &zset.form {
        tree.check();
    }
    let view = zset.view();
    let all = sorted(model);
    let ours: Vec<_> = view.iter().map(|(m, s)| (m.to_vec(), s)).collect();
    assert_eq!(ours, all);
    let mut back: Vec<_> = view.iter().rev().map(|(m, s)| (m.to_vec(), s)).collect();
    back.reverse();
    assert_eq!(back, all);
}

fn check_queries(zset: &Zset, model: &Model, rng: &mut Rng) {
    let (view, all) = (zset.view(), sorted(model));
    for _ in 0..20 {
        let name = member(rng, 900);
        let rank = all.iter().position(|(m, _)| *m == name);
        assert_eq!(view.rank(&name), rank.map(|r| (r, all[r].1)));
        assert_eq!(view.score(&name), model.get(&name).copied());
        let (a, b) = (score(rng), score(rng));
        let range = ScoreRange { min: a, max: b, min_open: rng.below(2) == 0, max_open: rng.below(2) == 0 };
        let expected: Vec<_> = all.iter().filter(|(_, s)| range.is_from_min(*s) && range.is_to_max(*s)).cloned().collect();
        let found: Vec<_> = view.range_by_score(&range).map(|(m, s)| (m.to_vec(), s)).collect();
        assert_eq!(found, expected, "{range:?}");
        let (from, to) = (rng.below(all.len() as u64 + 2) as usize, rng.below(all.len() as u64 + 2) as usize);
        let mut walk = view.range(from..to);
        let mut expected = all[from.min(all.len())..to.min(all.len()).max(from.min(all.len()))].iter();
        loop {
            let (ours, theirs) = if rng.below(2) == 0 { (walk.next(), expected.next()) } else { (walk.next_back(), expected.next_back()) };
            assert_eq!(ours.map(|(m, s)| (m.to_vec(), s)), theirs.cloned());
            if theirs.is_none() {
                break;
            }
        }
    }
}

fn torment(seed: u64, spread: u64, steps: u64, limits: &Limits) {
    let mut rng = Rng::new(seed);
    let (mut zset, mut model) = (Zset::default(), Model::new());
    let mut snapshots: Vec<(Zset, Model)> = Vec::new();
    for step in 0..steps {
        // Phases of growth and of shrinking.
        let growing = (step / (steps / 6 + 1)).is_multiple_of(2);
        let name = member(&mut rng, spread);
        match rng.below(10) {
            0..=5 if growing => {
                let score = score(&mut rng);
                let old = model.get(&name).copied();
                let updated = zset.insert(&name, score, limits);
                assert_eq!((updated.old, updated.new), (old, Some(score)));
                if old != Some(score) {
                    model.insert(name, score);
                }
            }
            6 if !model.is_empty() => {
                let all = sorted(&model);
                let from = rng.below(all.len() as u64) as usize;
                let to = (from + rng.below(6) as usize).min(all.len());
                let mut gone = Vec::new();
                let from_high = rng.below(2) == 0;
                zset.remove_range(from..to, from_high, &mut |m, s| gone.push((m.to_vec(), s)));
                if from_high {
                    gone.reverse();
                }
                assert_eq!(gone, all[from..to]);
                for (m, _) in &gone {
                    model.remove(m);
                }
            }
            _ => assert_eq!(zset.remove(&name), model.remove(&name)),
        }
        if step % (steps / 40 + 1) == 0 {
            check(&zset, &model);
            check_queries(&zset, &model, &mut rng);
            snapshots.push((zset.clone(), model.clone()));
        }
    }
    for (zset, model) in &snapshots {
        check(zset, model);
    }
}

#[test]
fn big_ones_agree_with_a_model_and_copies_do_not_change() {
    let limits = Limits { zset_max_listpack_entries: 0, ..Limits::default() };
    for seed in 0..6 {
        torment(seed, 900, 5000, &limits);
    }
}

#[test]
fn small_ones_agree_with_a_model_and_grow() {
    for seed in 10..14 {
        torment(seed, 150, 2000, &Limits::default());
        torment(seed, 40, 1000, &Limits { zset_max_listpack_value: 1000, ..Limits::default() });
    }
}

#[test]
fn members_of_one_score_are_found_by_their_bytes() {
    let mut rng = Rng::new(5);
    for limits in [Limits { zset_max_listpack_entries: 0, ..Limits::default() }, Limits::default()] {
        let (mut zset, mut model) = (Zset::default(), Model::new());
        for _ in 0..120 {
            let name = member(&mut rng, 5000);
            zset.insert(&name, 1.5, &limits);
            model.insert(name, 1.5);
        }
        check(&zset, &model);
        for _ in 0..500 {
            let (a, b) = (member(&mut rng, 5000), member(&mut rng, 5000));
            let bound = |rng: &mut Rng, text| match rng.below(8) {
                0 => LexBound::Min,
                1 => LexBound::Max,
                2..5 => LexBound::Open(text),
                _ => LexBound::Closed(text),
            };
            let range = LexRange { min: bound(&mut rng, &a), max: bound(&mut rng, &b) };
            let expected: Vec<_> = model.keys().filter(|m| range.is_from_min(m) && range.is_to_max(m)).cloned().collect();
            let found: Vec<_> = zset.view().range_by_lex(&range).map(|(m, _)| m.to_vec()).collect();
            assert_eq!(found, expected, "{range:?}");
        }
    }
}

#[test]
fn scan_meets_every_member_that_stays() {
    let limits = Limits { zset_max_listpack_entries: 0, ..Limits::default() };
    let mut rng = Rng::new(8);
    for growing in [true, false] {
        let mut zset = Zset::default();
        for n in 0..400 {
            zset.insert(format!("stay{n}").as_bytes(), rng.unit(), &limits);
        }
        for n in 0..800 {
            zset.insert(format!("go{n}").as_bytes(), rng.unit(), &limits);
        }
        let (mut met, mut cursor, mut n) = (std::collections::BTreeSet::new(), 0, 0);
        loop {
            cursor = zset.view().scan(cursor, 10, &mut |member, score| {
                assert_eq!(zset.view().score(member), Some(score));
                met.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..20 {
                n += 1;
                if growing {
                    zset.insert(format!("new{n}").as_bytes(), rng.unit(), &limits);
                } else {
                    zset.remove(format!("go{n}").as_bytes());
                }
            }
        }
        assert!((0..400).all(|n| met.contains(format!("stay{n}").as_bytes())));
    }
}

#[test]
fn form_follows_the_limits() {
    let limits = Limits { zset_max_listpack_entries: 4, zset_max_listpack_value: 5, ..Limits::default() };
    let mut zset = Zset::default();
    for n in 0..4 {
        zset.insert(format!("{n}").as_bytes(), f64::from(n), &limits);
    }
    assert_eq!(zset.view().encoding(), "listpack");
    zset.insert(b"2", 9.0, &limits);
    assert_eq!(zset.view().encoding(), "listpack");
    zset.insert(b"4", 9.5, &limits);
    assert_eq!(zset.view().encoding(), "skiplist");
    zset.remove(b"4");
    assert_eq!(zset.view().encoding(), "skiplist");
    zset.shrink(&limits);
    assert_eq!(zset.view().encoding(), "listpack");
    zset.insert(b"123456", 1.0, &limits);
    assert_eq!((zset.view().encoding(), zset.view().len()), ("skiplist", 5));
    while !zset.free_some(1) {}
}
