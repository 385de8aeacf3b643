//! Lists against a plain queue of texts.

use std::collections::VecDeque;

use super::*;
use crate::base::rng::Rng;

fn limits(size: i32, depth: i32, threshold: u64) -> Limits {
    Limits { list_max_listpack_size: size, list_compress_depth: depth, list_packed_threshold: threshold, ..Limits::default() }
}

const NONE: u64 = 1 << 30;

fn texts(list: &List) -> Vec<Vec<u8>> {
    list.view().iter().map(|elem| elem.to_vec()).collect()
}

/// Every way of reading agrees with the model, and so do the counters.
fn check(list: &List, model: &VecDeque<Vec<u8>>, rng: &mut Rng) {
    let view = list.view();
    assert_eq!(view.len(), model.len() as u64);
    assert!(texts(list).iter().eq(model.iter()));
    assert!(view.iter().rev().map(|e| e.to_vec()).eq(model.iter().rev().cloned()));
    let mut seen = Vec::new();
    for chunk in view.chunks() {
        match chunk {
            ListChunk::Pack(bytes) => {
                assert!(!Pack::new(&bytes).is_empty());
                assert_eq!(Pack::new(&bytes).len(), Pack::new(&bytes).iter().count());
                seen.extend(Pack::new(&bytes).iter().map(|item| item.to_vec()));
            }
            ListChunk::Plain(text) => seen.push(text.into_owned()),
        }
    }
    assert!(seen.iter().eq(model.iter()) || model.is_empty());
    if model.is_empty() {
        return;
    }
    let start = rng.below(model.len() as u64);
    let count = rng.below(model.len() as u64 + 1);
    let mut part = Vec::new();
    view.each(start, count, Side::Left, |item| {
        part.push(item.to_vec());
        true
    });
    assert!(part.iter().eq(model.iter().skip(start as usize).take(count as usize)));
    part.clear();
    view.each(start, count, Side::Right, |item| {
        part.push(item.to_vec());
        true
    });
    assert!(part.iter().eq(model.iter().take(start as usize + 1).rev().take(count as usize)));
    let (mut both, mut left) = (view.iter_from(start), model.iter().skip(start as usize).collect::<VecDeque<_>>());
    while !left.is_empty() {
        let (own, other) = if rng.below(2) == 0 { (both.next(), left.pop_front()) } else { (both.next_back(), left.pop_back()) };
        assert_eq!(own.map(|e| e.to_vec()).as_ref(), other);
    }
    assert!(both.next().is_none());
    assert_eq!(view.get(start).map(|e| e.to_vec()).as_ref(), model.get(start as usize));
}

fn draw(rng: &mut Rng) -> Vec<u8> {
    match rng.below(8) {
        0 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        1 => vec![b'x'; rng.below(300) as usize],
        2 => vec![b'y'; rng.below(3000) as usize],
        3 => vec![b'z'; 9000 + rng.below(3000) as usize],
        _ => format!("e{}", rng.below(20)).into_bytes(),
    }
}

fn step(list: &mut List, model: &mut VecDeque<Vec<u8>>, limits: &Limits, rng: &mut Rng) {
    let at = rng.below(model.len() as u64 + 1);
    match rng.below(12) {
        0..=1 => {
            let text = draw(rng);
            list.push_back(&text, limits);
            model.push_back(text);
        }
        2..=3 => {
            let text = draw(rng);
            list.push_front(&text, limits);
            model.push_front(text);
        }
        4 => {
            assert_eq!(list.pop(Side::Left, limits, |item| item.to_vec()), model.pop_front());
            list.shrink(limits);
        }
        5 => {
            assert_eq!(list.pop(Side::Right, limits, |item| item.to_vec()), model.pop_back());
            list.shrink(limits);
        }
        6 => {
            let text = draw(rng);
            assert_eq!(list.set(at, &text, limits), at < model.len() as u64);
            if let Some(own) = model.get_mut(at as usize) {
                *own = text;
            }
        }
        7..=9 => {
            let (pivot, text, after) = (model.get(at as usize).cloned().unwrap_or_default(), draw(rng), rng.below(2) == 1);
            let place = model.iter().position(|m| *m == pivot);
            assert_eq!(list.insert(&pivot, &text, after, limits), place.is_some());
            if let Some(place) = place {
                model.insert(place + usize::from(after), text);
            }
        }
        10 => {
            let (text, most, is_left) = (draw(rng), rng.below(4), rng.below(2) == 0);
            let mut places: Vec<usize> = model.iter().enumerate().filter(|(_, m)| **m == text).map(|(i, _)| i).collect();
            if !is_left {
                places.reverse();
            }
            places.truncate(most as usize);
            places.sort_unstable();
            let side = if is_left { Side::Left } else { Side::Right };
            assert_eq!(list.remove_equal(side, &text, most, limits), places.len() as u64);
            places.iter().rev().for_each(|place| drop(model.remove(*place)));
        }
        _ if rng.below(8) == 0 => {
            let count = rng.below(12).min(model.len() as u64 - at);
            list.remove(at, count, limits);
            model.drain(at as usize..(at + count) as usize);
        }
        _ => {}
    }
}

#[test]
fn random_changes_agree_with_a_queue_and_copies_never_see_them() {
    let all = [
        (-2, 0, NONE),
        (-1, 1, NONE),
        (-1, 2, 40),
        (3, 0, NONE),
        (3, 1, NONE),
        (1, 3, NONE),
        (7, 2, 200),
        (0, 0, 2),
        (-5, 3, NONE),
        (16, 3, 3),
    ];
    for (seed, (size, depth, threshold)) in all.into_iter().enumerate() {
        let (limits, mut rng) = (limits(size, depth, threshold), Rng::new(seed as u64 + 1));
        let (mut list, mut model) = (List::default(), VecDeque::new());
        let mut copies: Vec<(List, VecDeque<Vec<u8>>)> = Vec::new();
        for n in 0..1500 {
            step(&mut list, &mut model, &limits, &mut rng);
            if n % 10 == 0 {
                check(&list, &model, &mut rng);
            }
            if n % 97 == 0 {
                copies.push((list.clone(), model.clone()));
            }
            if copies.len() > 4 {
                let at = rng.below(4) as usize;
                let (copy, old) = copies.swap_remove(at);
                check(&copy, &old, &mut rng);
            }
        }
        while !list.is_gone() {
            assert_eq!(list.pop(Side::Right, &limits, |item| item.to_vec()), model.pop_back());
        }
        copies.iter().for_each(|(copy, old)| check(copy, old, &mut rng));
    }
}

#[test]
fn long_lists_keep_their_order_through_many_groups() {
    let limits = limits(2, 0, NONE);
    let (mut list, mut model) = (List::default(), VecDeque::new());
    let mut rng = Rng::new(5);
    for n in 0..6000 {
        let text = format!("n{n}").into_bytes();
        match n % 3 {
            0 => {
                list.push_front(&text, &limits);
                model.push_front(text);
            }
            1 => {
                list.push_back(&text, &limits);
                model.push_back(text);
            }
            _ => {
                let pivot = model[model.len() / 3].clone();
                assert!(list.insert(&pivot, &text, true, &limits));
                model.insert(model.len() / 3 + 1, text);
            }
        }
    }
    check(&list, &model, &mut rng);
    let copy = list.clone();
    for index in (0..6000).step_by(7) {
        list.set(index, b"other", &limits);
    }
    assert_eq!(list.remove_equal(Side::Right, b"other", u64::MAX, &limits), 6000u64.div_ceil(7));
    check(&copy, &model, &mut rng);
    list.keep(100, 1000, &limits);
    assert_eq!(list.view().len(), 1000);
    list.keep(7, 1, &limits);
    assert_eq!(list.view().encoding(), "listpack");
}

#[test]
fn the_forms_change_at_the_limits_of_redis() {
    let usual = limits(-2, 0, NONE);
    let mut list = List::default();
    // 481 elements of 17 bytes are 8184 bytes of listpack: the 482nd, with its 15 bytes of text, is too many.
    for n in 0..481 {
        list.push_back(format!("{n:015}x").get(1..).unwrap().as_bytes(), &usual);
    }
    assert_eq!(list.view().encoding(), "listpack");
    list.push_back(b"000000000000000", &usual);
    assert_eq!((list.view().encoding(), list.view().nodes()), ("quicklist", 2));
    // The second chunk goes first; then half of the limit decides: 4096 bytes hold 240 elements.
    while list.view().len() > 241 {
        list.pop(Side::Right, &usual, |_| ());
        list.shrink(&usual);
    }
    assert_eq!(list.view().encoding(), "quicklist");
    list.pop(Side::Right, &usual, |_| ());
    list.shrink(&usual);
    assert_eq!(list.view().encoding(), "listpack");
    let few = limits(4, 0, NONE);
    let mut list = List::default();
    (0..4).for_each(|_| list.push_back(b"a", &few));
    assert_eq!(list.view().encoding(), "listpack");
    list.push_front(b"a", &few);
    assert_eq!(list.view().encoding(), "quicklist");
    list.remove(0, 2, &few);
    assert_eq!(list.view().encoding(), "quicklist");
    list.remove(0, 1, &few);
    assert_eq!(list.view().encoding(), "listpack");
}

#[test]
fn long_elements_get_a_chunk_of_their_own() {
    let usual = limits(-2, 0, NONE);
    let mut list = List::default();
    list.push_back(&[b'x'; 9000], &usual);
    assert!(matches!(list.view().chunks().next(), Some(ListChunk::Plain(_))));
    assert_eq!(list.view().encoding(), "quicklist");
    list.set(0, b"short", &usual);
    assert_eq!(list.view().encoding(), "listpack");
    let mut list = List::default();
    let numbers = limits(-2, 0, 2);
    list.push_back(b"1234", &numbers);
    list.push_back(b"4", &numbers);
    list.push_plain(b"5678".to_vec(), &numbers);
    assert_eq!(list.view().find(b"5678"), Some(2));
    assert_eq!(list.remove_equal(Side::Left, b"1234", 1, &numbers), 1);
}

#[test]
fn chunks_that_replacing_makes_large_are_cut() {
    let usual = limits(-2, 1, NONE);
    let mut list = List::default();
    (0..20_000).for_each(|n| list.push_back((n % 100).to_string().as_bytes(), &usual));
    let mut model: VecDeque<Vec<u8>> = texts(&list).into();
    for n in 0..2000 {
        let text = vec![b'a' + (n % 26) as u8; 2000 + n % 4000];
        assert!(list.set(9000 + n as u64, &text, &usual));
        model[9000 + n] = text;
    }
    let largest = list.view().chunks().map(|chunk| if let ListChunk::Pack(bytes) = chunk { bytes.len() } else { 0 }).max();
    assert!(largest < Some(5 * 8192), "{largest:?}");
    check(&list, &model, &mut Rng::new(1));
}

#[test]
fn queues_stay_small_however_long_they_run() {
    let usual = Limits::default();
    for (len, into) in [(3, Side::Left), (300, Side::Left), (300, Side::Right), (2000, Side::Left), (2000, Side::Right)] {
        let from = if into == Side::Left { Side::Right } else { Side::Left };
        let mut list = List::default();
        let text = |n: u32| format!("element:{n:07}").into_bytes();
        (0..len).for_each(|n| {
            list.make_room(15, 1, &usual);
            list.push(into, &text(n), &usual);
        });
        for n in 0..20_000 {
            list.make_room(15, 1, &usual);
            list.push(into, &text(len + n), &usual);
            assert_eq!(list.pop(from, &usual, |item| item.to_vec()), Some(text(n)));
            list.shrink(&usual);
        }
        assert!(list.bytes() < len as usize * 17 * 2 + 16_384, "{len} {}", list.bytes());
    }
}

#[test]
fn inner_chunks_are_compressed_and_outer_ones_are_not() {
    for depth in 1..4 {
        let limits = limits(20, depth, NONE);
        let mut list = List::default();
        for n in 0..2000 {
            let side = if n % 2 == 0 { Side::Left } else { Side::Right };
            list.make_room(40, 1, &limits);
            list.push(side, format!("element that compresses well {:08}", n / 5).as_bytes(), &limits);
        }
        list.set(1000, b"other", &limits);
        for round in 0..3 {
            let compressed: Vec<bool> = list.view().chunks().map(|c| matches!(c, ListChunk::Pack(std::borrow::Cow::Owned(_)))).collect();
            let outer = depth as usize;
            let is_right = |n: usize, c: bool| c == (outer..compressed.len() - outer).contains(&n);
            assert!(compressed.iter().enumerate().all(|(n, c)| is_right(n, *c)), "{compressed:?}");
            list.remove(if round == 0 { 0 } else { 900 }, 130, &limits);
        }
    }
}

#[test]
fn whole_packs_are_taken_as_they_are() {
    let usual = limits(-2, 0, NONE);
    let mut small = crate::data::pack::empty();
    (0..10).for_each(|n| crate::data::pack::push(&mut small, format!("e{n}").as_bytes()));
    let mut list = List::default();
    list.adopt_pack(crate::data::pack::empty(), &usual);
    assert!(list.is_gone());
    list.adopt_pack(small.clone(), &usual);
    assert_eq!(list.view().encoding(), "listpack");
    list.adopt_pack(small.clone(), &usual);
    assert_eq!((list.view().encoding(), list.view().nodes(), list.view().len()), ("quicklist", 2, 20));
    let mut large = crate::data::pack::empty();
    (0..5000).for_each(|n| crate::data::pack::push(&mut large, format!("element {n}").as_bytes()));
    list.adopt_pack(large, &usual);
    assert!(list.view().nodes() > 8);
    assert_eq!(list.view().get(5019).map(|e| e.to_vec()), Some(b"element 4999".to_vec()));
}

#[test]
fn freeing_goes_in_steps_and_spares_what_others_hold() {
    let limits = limits(10, 0, NONE);
    let mut list = List::default();
    (0..10_000).for_each(|n| list.push_back(format!("{n}").as_bytes(), &limits));
    let copy = list.clone();
    let mut steps = 0;
    let mut own = list.clone();
    drop(list);
    while !own.free_some(500) {
        steps += 1;
    }
    assert!(steps < 3);
    assert_eq!(texts(&copy).len(), 10_000);
    let (mut last, mut steps) = (copy, 0);
    while !last.free_some(500) {
        steps += 1;
    }
    assert!(steps >= 18, "{steps}");
}

#[test]
fn a_long_list_takes_little_more_than_its_packs() {
    let usual = Limits::default();
    for side in [Side::Left, Side::Right] {
        let mut list = List::default();
        for n in 0..100_000 {
            list.make_room(15, 1, &usual);
            list.push(side, format!("element:{n:07}").as_bytes(), &usual);
        }
        let each = list.bytes() as f64 / 100_000.0;
        assert!(each < 17.5, "{each}");
    }
}
