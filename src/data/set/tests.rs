//! The set against a sorted map, its forms against the rules, its algebra against the plain definitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::base::rng::Rng;

type Model = BTreeSet<Vec<u8>>;

fn drawn(rng: &mut Rng, ints_in_10: u64, range: u64) -> Vec<u8> {
    let n = rng.below(range);
    if rng.below(10) < ints_in_10 {
        return (n as i64 * if n.is_multiple_of(3) { -70_001 } else { 1 }).to_string().into_bytes();
    }
    match n % 50 {
        0 => vec![b'l'; 60 + (n % 10) as usize],
        1 => vec![n as u8; 1500],
        2 => format!("0{n}").into_bytes(),
        _ => format!("m{n}").into_bytes(),
    }
}

fn texts(set: SetRef) -> Model {
    set.iter().map(|item| item.to_vec()).collect()
}

fn of(members: &[&str], limits: &Limits) -> Set {
    let mut set = Set::default();
    members.iter().for_each(|m| assert!(set.insert(m.as_bytes(), limits)));
    set
}

#[test]
fn random_changes_agree_with_a_sorted_set_in_every_form() {
    let mut rng = Rng::new(1);
    let limits = Limits { set_max_intset_entries: 40, set_max_listpack_entries: 30, seed: 5, ..Limits::default() };
    let mut forms = BTreeSet::new();
    for round in 0..60u64 {
        let (mut set, mut model) = (Set::default(), Model::new());
        let range = [20, 50, 400, 3000][round as usize % 4];
        let ints = [0, 10, 9, 5][(round / 4) as usize % 4];
        let mut clones = Vec::new();
        for step in 0..600 {
            let member = drawn(&mut rng, ints, range);
            if rng.below(3) > 0 {
                assert_eq!(set.insert(&member, &limits), model.insert(member.clone()));
            } else {
                assert_eq!(set.remove(&member), model.remove(&member));
            }
            assert_eq!(set.view().contains(&member), model.contains(&member));
            assert_eq!(set.view().len(), model.len());
            assert_eq!(set.is_gone(), model.is_empty());
            forms.insert(set.view().encoding());
            if step % 100 == 0 {
                clones.push((set.clone(), model.clone()));
            }
        }
        assert_eq!(texts(set.view()), model);
        clones.iter().for_each(|(set, model)| assert_eq!(&texts(set.view()), model));
        if let Some(pack) = set.as_pack() {
            assert_eq!(texts(Set::view_pack(pack)), model);
            assert_eq!(texts(Set::from_pack(pack.to_vec()).view()), model);
        }
        let mut seen = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = set.view().scan(cursor, 7, &mut |item| seen.push(item.to_vec()));
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), model.len());
        assert_eq!(seen.into_iter().collect::<Model>(), model);
    }
    assert_eq!(forms.len(), 3);
}

#[test]
fn forms_change_where_redis_changes_them() {
    let limits = Limits::default();
    let ints = |count: u32| {
        let mut set = Set::default();
        (0..count).for_each(|n| assert!(set.insert(n.to_string().as_bytes(), &limits)));
        set
    };
    assert_eq!(ints(512).view().encoding(), "intset");
    assert_eq!(ints(513).view().encoding(), "hashtable");
    for (count, after) in [(127, "listpack"), (128, "hashtable")] {
        let mut set = ints(count);
        assert!(set.insert(b"a", &limits));
        assert_eq!(set.view().encoding(), after, "{count}");
        assert_eq!(set.view().len(), count as usize + 1);
    }
    let mut set = of(&["a"], &limits);
    (0..127).for_each(|n| assert!(set.insert(n.to_string().as_bytes(), &limits)));
    assert_eq!(set.view().encoding(), "listpack");
    assert!(!set.insert(b"5", &limits));
    assert!(set.insert(b"128th", &limits));
    assert_eq!(set.view().encoding(), "hashtable");
    let mut set = of(&["1"], &limits);
    assert!(set.insert(&[b'x'; 64], &limits));
    assert_eq!(set.view().encoding(), "listpack");
    assert!(set.insert(&[b'x'; 65], &limits));
    assert_eq!(set.view().encoding(), "hashtable");
    // What is to come decides at once.
    let mut set = Set::default();
    set.expect(b"a", 129, &limits);
    assert_eq!(set.view().encoding(), "hashtable");
    let mut set = of(&["7"], &limits);
    set.expect(b"a", 512, &limits);
    assert_eq!(set.view().encoding(), "intset");
    set.expect(b"a", 513, &limits);
    assert_eq!((set.view().encoding(), set.view().len()), ("hashtable", 1));
    let none = Limits { set_max_intset_entries: 0, ..limits };
    assert_eq!(of(&["7"], &none).view().encoding(), "listpack");
    let none = Limits { set_max_listpack_entries: 0, ..none };
    assert_eq!(of(&["7"], &none).view().encoding(), "hashtable");
}

#[test]
fn whole_packs_and_runs_are_taken_over_and_checked() {
    let limits = Limits::default();
    let set = Set::adopt_pack(of(&["b", "a", "5"], &limits).as_pack().unwrap().split_last().unwrap().1.to_vec(), &limits).unwrap();
    assert_eq!(set.view().iter().map(|i| i.to_vec()).collect::<Vec<_>>(), [b"b", b"a", b"5"]);
    let mut twice = pack::empty();
    ["a", "b", "a"].iter().for_each(|m| pack::push(&mut twice, m.as_bytes()));
    assert!(Set::adopt_pack(twice, &limits).is_none());
    let mut long = pack::empty();
    (0..129).for_each(|n| pack::push(&mut long, format!("m{n}").as_bytes()));
    assert_eq!(Set::adopt_pack(long, &limits).unwrap().view().encoding(), "hashtable");
    assert_eq!(Set::from_ints(&[3, 1, 3], &limits).view().len(), 2);
    let many: Vec<i64> = (0..513).collect();
    assert_eq!(Set::from_ints(&many[..512], &limits).view().encoding(), "intset");
    assert_eq!(Set::from_ints(&many, &limits).view().encoding(), "hashtable");
}

#[test]
fn algebra_agrees_with_its_definitions() {
    let mut rng = Rng::new(8);
    let limits = Limits { set_max_intset_entries: 30, set_max_listpack_entries: 20, seed: 1, ..Limits::default() };
    for _ in 0..400 {
        let (mut sets, mut models) = (Vec::new(), Vec::new());
        for i in 0..=rng.below(3) {
            let (mut set, mut model) = (Set::default(), Model::new());
            let other = Limits { seed: i * rng.below(2), ..limits };
            let (ints, range) = ([0, 10, 8][rng.below(3) as usize], [15, 60, 300][rng.below(3) as usize]);
            for _ in 0..rng.below(range) + 1 {
                let member = drawn(&mut rng, ints, range);
                set.insert(&member, &other);
                model.insert(member);
            }
            sets.push(set);
            models.push(model);
        }
        if rng.below(4) == 0 {
            sets.push(sets[0].clone());
            models.push(models[0].clone());
        }
        let views: Vec<SetRef> = sets.iter().map(Set::view).collect();
        let list = |f: &mut dyn FnMut(&mut Vec<Vec<u8>>)| {
            let mut all = Vec::new();
            f(&mut all);
            let count = all.len();
            let all: Model = all.into_iter().collect();
            assert_eq!(all.len(), count, "each once");
            all
        };
        let both: Model = models[0].iter().filter(|m| models.iter().all(|other| other.contains(*m))).cloned().collect();
        let inter = list(&mut |all| {
            algebra::inter(&views, |item| {
                all.push(item.to_vec());
                true
            });
        });
        assert_eq!((&inter, &texts(algebra::inter_set(&views, &limits).view())), (&both, &both));
        let any: Model = models.iter().flatten().cloned().collect();
        assert_eq!(list(&mut |all| algebra::union(&views, |item| all.push(item.to_vec()))), any);
        assert_eq!(texts(algebra::union_set(&views, &limits).view()), any);
        let only: Model = models[0].iter().filter(|m| !models[1..].iter().any(|other| other.contains(*m))).cloned().collect();
        assert_eq!(list(&mut |all| algebra::diff(views[0], &views[1..], |item| all.push(item.to_vec()))), only);
        assert_eq!(texts(algebra::diff_set(views[0], &views[1..], &limits).view()), only);
        models.iter().zip(&views).for_each(|(model, view)| assert_eq!(&texts(*view), model));
        let count = rng.below(models[0].len() as u64 + 2) as usize;
        let some = list(&mut |all| algebra::draw(views[0], count, &mut rng, |item| all.push(item.to_vec())));
        assert_eq!(some.len(), count.min(models[0].len()));
        assert!(some.is_subset(&models[0]));
    }
}

#[test]
fn draws_are_uniform_in_every_form() {
    let mut rng = Rng::new(2);
    let limits = Limits { set_max_intset_entries: 50, set_max_listpack_entries: 50, ..Limits::default() };
    for (prefix, count) in [("", 40), ("a", 40), ("", 90), ("a", 90)] {
        let mut set = Set::default();
        (0..count).for_each(|n| assert!(set.insert(format!("{prefix}{n}").as_bytes(), &limits)));
        for wanted in [1, 10, count / 2, count - 1] {
            let mut hits = vec![0f64; count];
            let rounds = 20_000 / wanted;
            for _ in 0..rounds {
                algebra::draw(set.view(), wanted, &mut rng, |item| {
                    let text = String::from_utf8(item.to_vec()).unwrap();
                    hits[text.trim_start_matches('a').parse::<usize>().unwrap()] += 1.0;
                });
            }
            let mean = (rounds * wanted) as f64 / count as f64;
            let chi: f64 = hits.iter().map(|h| (h - mean).powi(2) / mean).sum();
            assert!(chi < count as f64 + 6.0 * (2.0 * count as f64).sqrt(), "{prefix}{count}, {wanted}: {chi}");
        }
    }
}

#[test]
fn a_million_integers_take_at_most_18_bytes_each_and_texts_26() {
    let limits = Limits::default();
    let (mut ints, mut texts, mut wide) = (Set::default(), Set::default(), Set::default());
    for n in 0..400_000u64 {
        ints.insert(n.to_string().as_bytes(), &limits);
        texts.insert(format!("member:{n:010}").as_bytes(), &limits);
        wide.insert(n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string().as_bytes(), &limits);
    }
    for (name, set, bound) in [("ints", &ints, 11), ("random u64", &wide, 25), ("17 bytes", &texts, 26)] {
        println!("{name}: {:.2}", set.bytes() as f64 / 4e5);
        assert!(set.bytes() <= bound * 400_000);
        assert_eq!(set.view().encoding(), "hashtable");
    }
    let shared = Arc::new(ints);
    let mut copy = (*shared).clone();
    while !copy.free_some(10_000) {}
    assert_eq!(shared.view().iter().count(), 400_000);
}
