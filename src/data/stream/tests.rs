//! Claims about streams, held against a plain map.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::rng::Rng;
use crate::data::pack::Item;

type Model = BTreeMap<Id, Vec<Vec<u8>>>;

fn limits(entries: i64, bytes: u64) -> Limits {
    Limits { stream_node_max_entries: entries, stream_node_max_bytes: bytes, ..Limits::default() }
}

fn items(words: &[Vec<u8>]) -> Vec<Item<'_>> {
    words.iter().map(|word| Item::of(word)).collect()
}

fn add(stream: &mut Stream, id: Id, words: &[Vec<u8>], limits: &Limits) -> Result<(), Refused> {
    let size = words.iter().map(|word| word.len() as u64).sum();
    stream.append(id, &items(words)[..], size, limits)
}

fn words_of(entry: &Entry) -> Vec<Vec<u8>> {
    entry.fields().flat_map(|(name, value)| [name.to_vec(), value.to_vec()]).collect()
}

fn check(stream: &Stream, model: &Model) {
    let own: Vec<_> = stream.log().range(Id::MIN, Id::MAX).map(|entry| (entry.id, words_of(&entry))).collect();
    assert!(own.iter().map(|(id, words)| (id, words)).eq(model.iter()));
    let back: Vec<Id> = stream.log().range_back(Id::MIN, Id::MAX).map(|entry| entry.id).collect();
    assert!(back.iter().eq(model.keys().rev()));
    assert_eq!(stream.facts.length, model.len() as u64);
    assert_eq!(stream.facts.first, model.keys().next().copied().unwrap_or_default());
    assert_eq!(stream.log().last_entry(), model.keys().next_back().copied());
    let bytes: usize = stream.log().blocks().map(Block::bytes).sum();
    assert_eq!(stream.log().bytes, bytes);
}

fn some_words(rng: &mut Rng) -> Vec<Vec<u8>> {
    const NAMES: [&str; 5] =
        ["temp", "sensor", "12", "", "a name that is longer than most names of fields are, so that it takes two bytes"];
    let long = [b'x'; 5000];
    let fields = 1 + rng.below(3);
    let mut words = Vec::new();
    for n in 0..fields {
        let name = if rng.below(4) > 0 { n } else { rng.below(5) };
        words.push(NAMES[name as usize].as_bytes().to_vec());
        words.push(match rng.below(6) {
            0 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
            1 => b"0012".to_vec(),
            2 => long[..rng.below(200) as usize].to_vec(),
            3 if rng.below(50) == 0 => long.to_vec(),
            _ => (rng.below(300) as i64 - 100).to_string().into_bytes(),
        });
    }
    words
}

fn run_model(seed: u64, limits: &Limits) {
    let mut rng = Rng::new(seed);
    let (mut stream, mut model): (Stream, Model) = Default::default();
    let mut kept = Vec::new();
    let mut top = Id::new(5, 5);
    for step in 0..4000 {
        match rng.below(20) {
            0..=11 => {
                top = match rng.below(4) {
                    0 => Id::new(top.ms, top.seq + 1),
                    1 => Id::new(top.ms + 1 + rng.below(3), rng.below(3)),
                    2 => Id::new(top.ms + 1, 0),
                    _ => Id::new(top.ms + rng.below(100_000), top.seq + 1 + rng.below(1 << 40)),
                };
                let words = some_words(&mut rng);
                assert_eq!(add(&mut stream, top, &words, limits), Ok(()));
                assert_eq!(add(&mut stream, top, &words, limits), Err(Refused::Order));
                model.insert(top, words);
            }
            12..=15 => {
                let nth = rng.below(model.len() as u64 + 2) as usize;
                let id = model.keys().nth(nth).copied().unwrap_or(Id::new(3, 3));
                assert_eq!(stream.delete(id), model.remove(&id).is_some());
                assert!(!stream.delete(id));
            }
            16 => {
                let most = rng.below(model.len() as u64 * 2 + 1).max(model.len() as u64 / 2);
                let removed = stream.trim(&Trim { keep: Keep::Newest(most), is_about: false, limit: 0 });
                assert_eq!(removed, (model.len() as u64).saturating_sub(most));
                (0..removed).for_each(|_| drop(model.pop_first()));
            }
            17 => {
                let from = model.keys().nth(rng.below(20) as usize).copied().unwrap_or_default();
                let removed = stream.trim(&Trim { keep: Keep::From(from), is_about: false, limit: 0 });
                let rest = model.split_off(&from);
                assert_eq!(removed, model.len() as u64);
                model = rest;
            }
            18 => {
                let (most, limit) = (rng.below(model.len() as u64 + 1), rng.below(30));
                let blocks = stream.log().blocks_len();
                let removed = stream.trim(&Trim { keep: Keep::Newest(most), is_about: true, limit });
                assert!(stream.facts.length >= most && (limit == 0 || removed <= limit));
                assert!(removed == 0 || stream.log().blocks_len() < blocks);
                (0..removed).for_each(|_| drop(model.pop_first()));
            }
            _ => {
                let id = |rng: &mut Rng| Id::new(rng.below(top.ms + 2), rng.below(4));
                let (from, to) = (id(&mut rng), id(&mut rng));
                let own: Vec<Id> = stream.log().range(from, to).map(|entry| entry.id).collect();
                let expected: Vec<Id> = model.keys().copied().filter(|id| (from..=to).contains(id)).collect();
                assert_eq!(own, expected);
                assert!(stream.log().range_back(from, to).map(|entry| entry.id).eq(expected.into_iter().rev()));
            }
        }
        if step % 500 == 0 {
            check(&stream, &model);
            kept.push((stream.clone(), model.clone()));
        }
    }
    check(&stream, &model);
    kept.iter().for_each(|(stream, model)| check(stream, model));
}

#[test]
fn a_stream_is_an_ordered_map_and_its_clones_never_change() {
    run_model(1, &limits(100, 4096));
    run_model(2, &limits(1, 4096));
    run_model(3, &limits(7, 0));
    run_model(4, &limits(0, 300));
}

#[test]
fn an_entry_takes_few_bytes_and_a_clone_takes_none() {
    let mut stream = Stream::default();
    let words: Vec<Vec<u8>> = ["sensor", "12", "temp", "34"].iter().map(|word| word.as_bytes().to_vec()).collect();
    for ms in 0..100_000 {
        add(&mut stream, Id::new(1_700_000_000_000 + ms, 1), &words, &Limits::default()).unwrap();
    }
    assert_eq!(stream.log().blocks_len(), 1000);
    assert!(stream.bytes() < 100_000 * 5, "{} bytes", stream.bytes());
    let (copy, before) = (stream.clone(), stream.bytes());
    assert!(stream.delete(Id::new(1_700_000_000_050, 1)));
    assert_eq!(stream.bytes(), before);
    assert!(copy.log().contains(Id::new(1_700_000_000_050, 1)) && !stream.log().contains(Id::new(1_700_000_000_050, 1)));
    drop(copy);
    let mut steps = 0;
    while !stream.free_some(320) {
        steps += 1;
    }
    assert!((5..20).contains(&steps), "{steps}");
}

/// Nodes of a radix tree of `keys` below depth `from`, counted one by one.
fn nodes(keys: &BTreeSet<[u8; 16]>, from: usize) -> usize {
    let Some(first) = keys.first() else { return 1 };
    let common = (from..16).take_while(|at| keys.iter().all(|key| key[*at] == first[*at])).count();
    let chain = usize::from(common > 0);
    let at = from + common;
    if at == 16 {
        return chain + 1;
    }
    let branches: BTreeSet<u8> = keys.iter().map(|key| key[at]).collect();
    let below = |byte: &u8| nodes(&keys.iter().filter(|key| key[at] == *byte).copied().collect(), at + 1);
    chain + 1 + branches.iter().map(below).sum::<usize>()
}

#[test]
fn radix_nodes_are_those_of_the_tree() {
    let mut rng = Rng::new(3);
    let words = vec![b"a".to_vec(), b"b".to_vec()];
    for round in 0..200 {
        let mut stream = Stream::default();
        let mut id = Id::MIN;
        for _ in 0..rng.below(60) {
            let (more, bits) = (rng.below(2), (rng.below(40), rng.below(30)));
            id = Id::new(id.ms + more * rng.below(1 << bits.0), id.seq + 1 + rng.below(1 << bits.1));
            add(&mut stream, id, &words, &limits(1, 4096)).unwrap();
        }
        let keys = stream.log().blocks().map(|block| block.first.to_bytes()).collect();
        assert_eq!(stream.log().radix_nodes(), nodes(&keys, 0), "round {round}");
    }
}

#[test]
fn entries_after_deleted_ones_with_greater_ids_are_found() {
    let words = vec![b"a".to_vec(), b"b".to_vec()];
    for stays in [false, true] {
        let mut stream = Stream::default();
        for ms in [1, 2, 900] {
            add(&mut stream, Id::new(ms, 0), &words, &Limits::default()).unwrap();
        }
        assert!(stream.delete(Id::new(900, 0)));
        if !stays {
            stream.trim(&Trim { keep: Keep::From(Id::new(5, 0)), is_about: false, limit: 0 });
        }
        stream.facts.last = Id::new(5, 0);
        for ms in 6..10 {
            add(&mut stream, Id::new(ms, 0), &words, &Limits::default()).unwrap();
            assert!(stream.log().contains(Id::new(ms, 0)));
        }
        assert_eq!(stream.log().range(Id::new(6, 0), Id::MAX).count(), 4);
        assert_eq!(stream.log().range_back(Id::MIN, Id::MAX).count() as u64, stream.facts.length);
        assert!(stream.delete(Id::new(7, 0)) && !stream.delete(Id::new(900, 0)));
    }
}

#[test]
fn what_is_pending_belongs_to_one_consumer() {
    let mut rng = Rng::new(9);
    let (mut group, mut model) = (Group::new(Id::MIN, 0), BTreeMap::new());
    let mut kept = None;
    for step in 0..30_000 {
        let id = Id::new(rng.below(2000), 0);
        let name = [b"a", b"b", b"c"][rng.below(3) as usize];
        match rng.below(10) {
            0..=4 => {
                let (consumer, _) = group.enroll(name, step);
                group.assign(id, Pending { time: step, count: 1, consumer });
                model.insert(id, (name, step, 1));
            }
            5..=7 => assert_eq!(group.ack(id), model.remove(&id).is_some()),
            8 => {
                group.redeliver(id, step);
                if let Some(pending) = model.get_mut(&id) {
                    (pending.1, pending.2) = (step, pending.2 + 1);
                }
            }
            _ if rng.below(500) == 0 => {
                let before = model.len();
                model.retain(|_, pending| pending.0 != name);
                assert_eq!(group.dismiss(name).unwrap_or(0), before - model.len());
            }
            _ => {}
        }
        if step == 10_000 {
            kept = Some((group.clone(), model.clone()));
        }
    }
    let (old, old_model) = kept.unwrap();
    for (group, model) in [(group, model), (old, old_model)] {
        let own = group.pending(Id::MIN, Id::MAX).map(|(id, p)| (id, (group.name(p.consumer), p.time, p.count)));
        assert!(own.eq(model.iter().map(|(id, p)| (*id, (&p.0[..], p.1, p.2)))));
        for consumer in group.consumers() {
            let ids = model.iter().filter(|(_, p)| p.0[..] == *consumer.name).map(|(id, _)| *id);
            assert!(consumer.pending(Id::MIN, Id::MAX).eq(ids));
        }
    }
}

#[test]
fn bytes_follow_what_groups_hold() {
    let mut stream = Stream::default();
    let start = stream.bytes();
    assert!(stream.add_group(b"g", Group::new(Id::MIN, 0)) && !stream.add_group(b"g", Group::new(Id::MIN, 0)));
    let empty = stream.bytes();
    let mut copy = Stream::default();
    for ms in 0..10_000 {
        let (mut group, ..) = stream.group_mut(b"g").unwrap();
        let (consumer, _) = group.enroll(b"c", 0);
        group.assign(Id::new(ms, 1), Pending { time: 0, count: 1, consumer });
        drop(group);
        if ms == 5000 {
            copy = stream.clone();
        }
    }
    assert!(stream.bytes() > empty + 10_000 * 48);
    for ms in 0..10_000 {
        assert!(stream.group_mut(b"g").unwrap().0.ack(Id::new(ms, 1)));
    }
    assert!(stream.bytes() < empty + 10_000);
    assert_eq!(copy.group(b"g").unwrap().pending_len(), 5001);
    assert!(stream.remove_group(b"g") && !stream.remove_group(b"g"));
    assert_eq!(stream.bytes(), start);
}
