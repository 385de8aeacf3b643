//! Tests of [`super`]: one core's keys.

use super::*;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

fn text_of(item: &Item) -> Vec<u8> {
    match item.string() {
        StrRef::Int(n) => n.to_string().into_bytes(),
        StrRef::Bytes(bytes) => bytes.to_vec(),
    }
}

fn random_value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0..=2 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        3..=7 => vec![b'a' + rng.below(26) as u8; rng.below(80) as usize],
        8 => vec![b'm'; rng.below(3000) as usize],
        _ => vec![b'x'; 2000 + rng.below(9000) as usize],
    }
}

fn random_key_name(rng: &mut Rng, keys: u64) -> Vec<u8> {
    let n = rng.below(keys);
    match n % 3 {
        0 => format!("{{tag}}:{n}").into_bytes(),
        1 => format!("key:{n}").into_bytes(),
        _ => [vec![b'l'; 100 + (n as usize % 7) * 1000], n.to_string().into_bytes()].concat(),
    }
}

type Model = BTreeMap<(usize, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// A keyspace and the map it has to agree with.
struct Pair {
    keys: Keyspace,
    model: Model,
    rng: Rng,
    now: i64,
    databases: usize,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        Pair { keys: Keyspace::new(seed, 3, 0..SLOTS), model: Model::new(), rng: Rng::new(seed), now: 1_700_000_000_000, databases: 3 }
    }

    fn ttl(&mut self) -> Ttl {
        match self.rng.below(4) {
            0 => Ttl::Keep,
            1 => Ttl::None,
            _ => Ttl::At(self.now + self.rng.below(30_000) as i64),
        }
    }

    fn forget_expired(&mut self) {
        let now = self.now;
        self.model.retain(|_, (_, at)| at.is_none_or(|at| now <= at));
    }

    fn set(&mut self, id: (usize, Vec<u8>), value: Vec<u8>, ttl: Ttl) {
        let old = self.model.get(&id).and_then(|(_, at)| *at);
        let at = match ttl {
            Ttl::Keep => old,
            Ttl::None => None,
            Ttl::At(at) => Some(at),
        };
        self.model.insert(id, (value, at));
    }

    /// One random operation of every kind that changes something.
    fn step(&mut self, keys: u64) {
        self.forget_expired();
        let db = self.rng.below(self.databases as u64) as usize;
        let name = random_key_name(&mut self.rng, keys);
        let key = self.keys.key(&name);
        let id = (db, name.clone());
        let now = self.now;
        // As commands do: look first, so that a key whose time is over is gone.
        let seen = self.keys.find(db, &key, now, Look::Read).map(|item| (text_of(&item), item.expire_at()));
        assert_eq!(seen.as_ref(), self.model.get(&id), "{:?}", String::from_utf8_lossy(&name));
        let value = random_value(&mut self.rng);
        let ttl = self.ttl();
        match self.rng.below(16) {
            0..=3 => {
                assert!(self.keys.set_str(db, &key, &value, ttl, now));
                self.set(id, value, ttl);
            }
            4 => {
                assert!(self.keys.set_big(db, &key, Bytes::from(value.clone()), ttl));
                self.set(id, value, ttl);
            }
            5 => {
                let number = self.rng.next_u64() as i64;
                assert!(self.keys.set_int(db, &key, number, ttl));
                self.set(id, number.to_string().into_bytes(), ttl);
            }
            6 | 7 => {
                let mut whole = self.model.get(&id).map_or(Vec::new(), |(v, _)| v.clone());
                whole.extend_from_slice(&value);
                assert_eq!(self.keys.append_str(db, &key, &value), Some(whole.len()));
                self.set(id, whole, Ttl::Keep);
            }
            8 => {
                let at = self.rng.below(5000) as usize;
                let mut whole = self.model.get(&id).map_or(Vec::new(), |(v, _)| v.clone());
                whole.resize(whole.len().max(at + 1), 0);
                whole[at] = b'!';
                assert!(self.keys.edit_str(db, &key, at + 1, |bytes| bytes[at] = b'!'));
                self.set(id, whole, Ttl::Keep);
            }
            9 => {
                let taken = self.keys.take(db, &key);
                let expected = self.model.remove(&id);
                assert_eq!(taken.is_some(), expected.is_some());
                if let Some((value, at)) = taken
                    && self.rng.below(2) == 0
                {
                    assert!(self.keys.put(db, &key, value, at.map_or(Ttl::None, Ttl::At)));
                    self.model.insert(id, expected.unwrap());
                }
            }
            10 | 11 => assert_eq!(self.keys.remove(db, &key), self.model.remove(&id).is_some()),
            12 => {
                let at = now + self.rng.below(20_000) as i64;
                assert_eq!(self.keys.set_expire(db, &key, at), self.model.contains_key(&id));
                if let Some(entry) = self.model.get_mut(&id) {
                    entry.1 = Some(at);
                }
            }
            13 => {
                let had = self.model.get_mut(&id).is_some_and(|entry| entry.1.take().is_some());
                assert_eq!(self.keys.clear_expire(db, &key), had);
            }
            14 => {
                self.now += self.rng.below(40) as i64;
                self.keys.expire_due(self.now, 50, &mut |_| false);
            }
            _ => self.rare_step(db),
        }
    }

    fn rare_step(&mut self, db: usize) {
        match self.rng.below(200) {
            0 => {
                self.keys.flush(db);
                self.model.retain(|(other, _), _| *other != db);
                if self.rng.below(2) == 0 {
                    while !self.keys.free_doomed(100) {}
                }
            }
            1 => {
                let other = self.rng.below(self.databases as u64) as usize;
                self.keys.swap(db, other);
                let swapped = std::mem::take(&mut self.model).into_iter().map(|((n, key), v)| {
                    let n = if n == db {
                        other
                    } else if n == other {
                        db
                    } else {
                        n
                    };
                    ((n, key), v)
                });
                self.model = swapped.collect();
            }
            2 => {
                self.keys.free_doomed(30);
            }
            _ => {}
        }
    }

    fn check_all(&mut self) {
        while self.keys.next_expiry().is_some_and(|at| at <= self.now) {
            self.keys.expire_due(self.now, 1000, &mut |_| false);
        }
        self.keys.drain_expired(&mut |_| {});
        self.forget_expired();
        let mut seen = Model::new();
        for db in 0..self.databases {
            let mut count = 0;
            self.keys.for_each(db, &mut |item| {
                count += 1;
                seen.insert((db, item.key().to_vec()), (text_of(item), item.expire_at()));
            });
            assert_eq!(count, self.keys.len(db));
            let volatile = self.model.iter().filter(|((n, _), (_, at))| *n == db && at.is_some()).count();
            let overdue = seen.iter().filter(|((n, _), (_, at))| *n == db && at.is_some_and(|at| at < self.now)).count();
            assert!(self.keys.expires_len(db) >= volatile && self.keys.expires_len(db) <= volatile + overdue);
        }
        seen.retain(|_, (_, at)| at.is_none_or(|at| self.now <= at));
        assert!(seen == self.model, "the keyspace and the map differ");
    }
}

#[test]
fn random_operations_agree_with_a_map() {
    for seed in 0..6 {
        let mut pair = Pair::new(seed);
        for round in 0..30_000 {
            pair.step(if seed % 2 == 0 { 300 } else { 8000 });
            if round % 10_000 == 9_999 {
                pair.check_all();
            }
        }
        for db in 0..3 {
            pair.keys.flush(db);
            while !pair.keys.free_doomed(1000) {}
        }
        assert!(pair.keys.free_doomed(usize::MAX));
        assert_eq!(pair.keys.store.used_bytes(), 0, "seed {seed}");
        assert_eq!(pair.keys.index.bucket_bytes(), 0, "seed {seed}");
        assert!(pair.keys.wheel.is_empty(), "seed {seed}");
    }
}

type Image = (usize, Vec<u8>, Vec<u8>, Option<i64>);

#[derive(Default)]
struct Collected {
    seen: Rc<RefCell<Vec<Image>>>,
}

impl PreImages for Collected {
    fn bucket(&mut self, db: usize, items: &[Item<'_>]) {
        for item in items {
            self.seen.borrow_mut().push((db, item.key().to_vec(), text_of(item), item.expire_at()));
        }
    }
}

#[test]
fn a_snapshot_holds_every_key_once_as_it_was_at_the_cut() {
    for seed in 0..12 {
        let mut pair = Pair::new(seed + 100);
        let keys = if seed % 2 == 0 { 500 } else { 12_000 };
        for _ in 0..12_000 {
            pair.step(keys);
        }
        for _ in 0..3 {
            pair.check_all();
            let sink = Collected::default();
            let seen = sink.seen.clone();
            let mut cut: Vec<_> = Vec::new();
            for db in 0..3 {
                pair.keys.for_each(db, &mut |item| {
                    cut.push((db, item.key().to_vec(), text_of(item), item.expire_at()));
                });
            }
            pair.keys.begin_walk(Box::new(sink));
            loop {
                for _ in 0..pair.rng.below(40) {
                    pair.step(keys * 2);
                }
                let budget = pair.rng.below(60) as usize;
                if pair.keys.walk_step(budget) {
                    break;
                }
            }
            assert!(pair.keys.end_walk().is_some());
            let mut got = seen.take();
            got.sort();
            cut.sort();
            assert_eq!(got.len(), cut.len(), "seed {seed}");
            assert!(got == cut, "seed {seed}");
        }
    }
}

#[test]
fn scan_returns_every_key_that_stays_while_the_table_changes() {
    for seed in 0..4 {
        let mut keys = Keyspace::new(seed, 1, 0..SLOTS);
        let mut rng = Rng::new(seed);
        let name = |n: u64| {
            if seed % 2 == 0 { format!("{{t}}{n}") } else { format!("k{n}") }
        };
        for n in 0..20_000u64 {
            let name = name(n);
            let key = keys.key(name.as_bytes());
            keys.set_int(0, &key, n as i64, Ttl::None);
        }
        let (mut seen, mut cursor, mut extra) = (BTreeMap::new(), 0, 20_000u64);
        loop {
            cursor = keys.scan(0, cursor, 10, &mut |item| {
                *seen.entry(item.key().to_vec()).or_insert(0) += 1;
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..rng.below(60) {
                let is_new = rng.below(2) == 0 && extra < 120_000;
                extra += u64::from(is_new);
                let name = name(if is_new { extra } else { 10_000 + rng.below(10_000) });
                let key = keys.key(name.as_bytes());
                if is_new {
                    keys.set_int(0, &key, 1, Ttl::None);
                } else {
                    keys.remove(0, &key);
                }
            }
        }
        for n in 0..10_000u64 {
            assert_eq!(seen.get(name(n).as_bytes()), Some(&1), "seed {seed} key {n}");
        }
    }
}

#[test]
fn scan_stays_in_its_range_and_names_the_next_core() {
    let range = range_of(1, 3);
    let mut keys = Keyspace::new(1, 1, range.clone());
    let mut mine = 0;
    for n in 0..3000 {
        let name = format!("k{n}");
        let key = keys.key(name.as_bytes());
        assert_eq!(keys.set_int(0, &key, n, Ttl::None), range.contains(&key.slot));
        mine += usize::from(range.contains(&key.slot));
    }
    let (mut cursor, mut seen) = (0, 0);
    while Keyspace::cursor_slot(cursor).is_some_and(|slot| slot < range.end) {
        cursor = keys.scan(0, cursor, 7, &mut |_| seen += 1);
    }
    assert_eq!(seen, mine);
    assert_eq!(cursor, u64::from(range.end) << 34);
    assert_eq!(keys.scan(0, u64::MAX, 7, &mut |_| panic!("no such slot")), 0);
    assert_eq!(keys.scan(0, 1 << 63, 7, &mut |_| panic!("no such slot")), 0);
    let slot = (range.start..range.end).find(|&slot| keys.slot_len(0, slot) > 0).unwrap();
    let (mut cursor, mut seen) = (0, 0);
    loop {
        cursor = keys.scan_slot(0, slot, cursor, 1, &mut |_| seen += 1);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen, keys.slot_len(0, slot));
}

#[test]
fn random_keys_are_nearly_even_over_slots_of_any_size() {
    let mut keys = Keyspace::new(3, 1, 0..SLOTS);
    for n in 0..3000 {
        let name = if n < 2000 { format!("{{big}}{n}") } else { format!("{n}") };
        let key = keys.key(name.as_bytes());
        keys.set_int(0, &key, n, Ttl::None);
    }
    let mut rng = Rng::new(4);
    let big = (0..30_000).filter(|_| keys.random_key(0, &mut rng).unwrap().starts_with(b"{big}")).count();
    assert!((19_000..21_000).contains(&big), "{big}");
    let mut hits = BTreeMap::new();
    for _ in 0..300_000 {
        *hits.entry(keys.random_key(0, &mut rng).unwrap()).or_insert(0) += 1;
    }
    assert!(hits.len() == 3000 && hits.values().all(|&n| (30..250).contains(&n)));
}

#[test]
fn watching_sees_every_kind_of_change_and_nothing_else() {
    let mut keys = Keyspace::new(1, 2, 0..SLOTS);
    let (now, name) = (1000, b"k");
    let key = keys.key(name);
    let other = keys.key(b"other");
    let mut check = |expected: bool, before: &dyn Fn(&mut Keyspace), change: &dyn Fn(&mut Keyspace), later: i64| {
        keys.flush(0);
        keys.free_doomed(1000);
        keys.flush(1);
        keys.free_doomed(1000);
        before(&mut keys);
        let token = keys.watch(0, &key, now);
        assert!(keys.is_unchanged(0, &key, token, now));
        change(&mut keys);
        assert_eq!(keys.is_unchanged(0, &key, token, now + later), expected);
        keys.unwatch(0, &key);
        assert_eq!(keys.attention, 0);
    };
    let none = |_: &mut Keyspace| {};
    let set = |k: &mut Keyspace| assert!(k.set_str(0, &key, b"v", Ttl::None, now));
    let timed = |k: &mut Keyspace| assert!(k.set_str(0, &key, b"v", Ttl::At(1500), now));
    let over = |k: &mut Keyspace| assert!(k.set_str(0, &key, b"v", Ttl::At(500), now));
    check(true, &none, &|k| assert!(k.set_int(0, &other, 1, Ttl::None)), 0);
    check(true, &none, &|k| assert!(k.set_int(1, &key, 1, Ttl::None)), 0);
    check(false, &none, &set, 0);
    check(false, &set, &|k| assert!(k.remove(0, &key)), 0);
    check(false, &set, &|k| assert!(k.set_expire(0, &key, 9999)), 0);
    check(false, &set, &|k| assert!(k.append_str(0, &key, b"x").is_some()), 0);
    check(true, &set, &|k| assert!(k.find(0, &key, now, Look::Read).is_some()), 0);
    check(true, &timed, &none, 0);
    check(false, &timed, &none, 501);
    check(false, &timed, &|k| assert!(!k.exists(0, &key, 1501)), 501);
    check(true, &over, &none, 0);
    check(true, &over, &|k| assert!(!k.exists(0, &key, now)), 0);
    check(false, &over, &set, 0);
    let flush = |k: &mut Keyspace| assert!(k.flush(0) < 2);
    check(false, &set, &flush, 0);
    check(true, &none, &flush, 0);
    check(true, &over, &flush, 0);
    check(false, &timed, &|k| assert!(k.find(0, &other, 1501, Look::Read).is_none() && k.flush(0) == 1), 501);
    let stale = |k: &mut Keyspace| assert!(k.set_str(1, &key, b"v", Ttl::At(500), now));
    check(true, &over, &|k| k.swap(0, 1), 0);
    check(true, &stale, &|k| k.swap(0, 1), 0);
    let both = |other: &dyn Fn(&mut Keyspace), k: &mut Keyspace| {
        stale(k);
        other(k);
    };
    check(true, &|k| both(&over, k), &|k| k.swap(0, 1), 0);
    check(false, &|k| both(&set, k), &|k| k.swap(0, 1), 0);
    let swap_and = |then: &dyn Fn(&mut Keyspace), k: &mut Keyspace| {
        k.swap(0, 1);
        then(k);
    };
    check(true, &stale, &|k| swap_and(&|k| assert!(!k.exists(0, &key, now)), k), 0);
    check(false, &stale, &|k| swap_and(&set, k), 0);
    check(false, &set, &|k| k.swap(0, 1), 0);
    check(true, &none, &|k| k.swap(0, 1), 0);
    check(false, &|k| assert!(k.set_int(1, &key, 1, Ttl::None)), &|k| k.swap(0, 1), 0);
}

#[test]
fn a_million_keys_due_in_one_second_are_gone_in_time() {
    let mut keys = Keyspace::new(2, 1, 0..SLOTS);
    let mut rng = Rng::new(2);
    let start = 1_700_000_000_000i64;
    keys.set_now(start);
    for n in 0..1_000_000 {
        let name = format!("k{n}");
        let key = keys.key(name.as_bytes());
        keys.set_str(0, &key, b"value", Ttl::At(start + 5000 + rng.below(1000) as i64), start);
    }
    assert_eq!(keys.expires_len(0), 1_000_000);
    assert!((5400..5600).contains(&keys.avg_ttl(0, start)));
    let mut now = start;
    while keys.len(0) > 0 {
        now += 10;
        assert!(now <= start + 6050, "{} keys left", keys.len(0));
        let called_for = keys.next_expiry().is_some_and(|at| at <= now);
        if called_for {
            keys.expire_due(now, 40_000, &mut |_| false);
        }
        keys.drain_expired(&mut |_| {});
    }
    assert_eq!(keys.stats.expired_keys, 1_000_000);
    assert!(keys.wheel.is_empty() && now > start + 5990);
}

#[test]
fn expired_keys_are_queued_in_order_and_skipped_slots_wait() {
    let mut keys = Keyspace::new(2, 2, 0..SLOTS);
    let held = slot_of(b"held");
    for (db, name, at) in [(1, "a", 30), (0, "held", 20), (0, "b", 10)] {
        let key = keys.key(name.as_bytes());
        keys.set_str(db, &key, b"v", Ttl::At(at), 0);
    }
    assert_eq!(keys.expire_due(100, 100, &mut |slot| slot == held), 2);
    let mut seen = Vec::new();
    assert!(keys.has_expired());
    keys.drain_expired(&mut |over| seen.push((over.db, over.key.to_vec())));
    assert_eq!(seen, [(0, b"b".to_vec()), (1, b"a".to_vec())]);
    assert_eq!(keys.len(0), 1);
    assert_eq!(keys.expire_due(120, 100, &mut |_| false), 1);
    keys.tuning.keep_expired = true;
    let key = keys.key(b"z");
    keys.set_str(0, &key, b"v", Ttl::At(200), 150);
    assert!(keys.find(0, &key, 201, Look::Read).is_none() && keys.len(0) == 1);
}

#[test]
fn keys_that_a_walk_met_go_when_their_time_is_over_unless_they_are_kept() {
    let mut keys = Keyspace::new(2, 1, 0..SLOTS);
    let names = [b"a".to_vec(), b"b".to_vec(), b"none".to_vec()];
    for (name, at) in [(b"a", 10), (b"b", 900)] {
        let key = keys.key(name);
        keys.set_str(0, &key, b"v", Ttl::At(at), 0);
    }
    keys.tuning.keep_expired = true;
    keys.expire_met(0, &names, 100);
    assert_eq!(keys.len(0), 2);
    keys.tuning.keep_expired = false;
    keys.expire_met(0, &names, 100);
    assert_eq!((keys.len(0), keys.stats.expired_keys, keys.stats.misses), (1, 1, 0));
}

#[test]
fn what_is_freed_later_is_counted_once_it_is() {
    use crate::data::{collection::Limits, list::List};
    let mut keys = Keyspace::new(2, 1, 0..SLOTS);
    let (big, small) = (keys.key(b"big"), keys.key(b"small"));
    let fill = |keys: &mut Keyspace, key: &Key, count: usize| {
        let added = keys.edit::<List, ()>(0, key, |list| {
            (0..count).for_each(|_| list.push_back(&[b'x'; 100], &Limits::default()));
            ((), 1)
        });
        assert!(added.is_some());
    };
    fill(&mut keys, &big, 1000);
    fill(&mut keys, &small, 3);
    let before = keys.used_bytes();
    assert!(keys.remove(0, &small) && !keys.has_doomed());
    assert!(keys.remove(0, &big) && keys.has_doomed() && keys.doomed_len() == 1);
    while !keys.free_doomed(1) {}
    assert_eq!((keys.stats.lazyfreed, keys.doomed_len(), keys.has_doomed()), (1, 0, false));
    assert!(keys.used_bytes() + 100_000 < before);
    fill(&mut keys, &big, 1000);
    fill(&mut keys, &small, 3);
    assert_eq!((keys.flush(0), keys.doomed_len()), (2, 2));
    while !keys.free_doomed(1) {}
    assert_eq!(keys.stats.lazyfreed, 3);
}

#[test]
fn encodings_clocks_and_counters_are_those_of_redis() {
    let mut keys = Keyspace::new(2, 1, 0..SLOTS);
    let key = keys.key(b"k");
    for (value, expected) in [(&b"12"[..], "int"), (b"012", "embstr"), (&[b'x'; 44], "embstr"), (&[b'x'; 45], "raw")] {
        keys.set_str(0, &key, value, Ttl::None, 0);
        assert_eq!(keys.find(0, &key, 0, Look::Quiet).unwrap().encoding(), expected);
    }
    keys.set_str(0, &key, b"1", Ttl::None, 10_000);
    keys.append_str(0, &key, b"2");
    assert_eq!(keys.find(0, &key, 10_000, Look::Quiet).unwrap().encoding(), "raw");
    assert_eq!(keys.find(0, &key, 17_000, Look::Peek).unwrap().idle_seconds(17_000), 7);
    assert_eq!(keys.find(0, &key, 17_000, Look::Read).unwrap().idle_seconds(17_000), 0);
    let missing = keys.key(b"missing");
    assert!(!keys.exists(0, &missing, 0));
    assert_eq!((keys.stats.hits, keys.stats.misses), (2, 1));
    keys.tuning.is_lfu = true;
    let clock = keys.clock_for_freq(77, 17_000);
    keys.set_clock(0, &key, clock);
    assert_eq!(keys.find(0, &key, 17_000, Look::Quiet).unwrap().freq(17_000), 77);
}

#[test]
fn big_values_move_and_are_shared_without_a_copy() {
    let mut keys = Keyspace::new(2, 1, 0..SLOTS);
    let key = keys.key(b"k");
    let value = Bytes::from(vec![b'x'; 100_000]);
    keys.set_big(0, &key, value.clone(), Ttl::At(5));
    let held = keys.find(0, &key, 0, Look::Read).unwrap().big().unwrap().clone();
    assert_eq!(held.as_ptr(), value.as_ptr());
    keys.edit_str(0, &key, 0, |bytes| bytes[0] = b'y');
    assert_eq!((held[0], keys.find(0, &key, 0, Look::Read).unwrap().big().unwrap()[0]), (b'x', b'y'));
    let Some((Value::Str { bytes, .. }, Some(5))) = keys.take(0, &key) else { panic!() };
    assert_eq!(bytes.len(), 100_000);
    assert_eq!(keys.store.used_bytes(), 0);
}

#[test]
fn a_scratch_keyspace_takes_keys_of_every_slot() {
    let home = Keyspace::new(9, 4, 0..100);
    let mut scratch = home.scratch();
    for n in 0..1000 {
        let name = format!("k{n}");
        let key = home.key(name.as_bytes());
        assert!(scratch.set_int(3, &key, n, Ttl::None));
    }
    assert_eq!(scratch.len(3), 1000);
    let key = scratch.key(b"k77");
    assert_eq!(scratch.get_value(3, &key), Some((Value::Int(77), None)));
}

#[test]
fn the_report_names_every_key_touched() {
    let mut keys = Keyspace::new(9, 2, 0..SLOTS);
    let (a, b) = (keys.key(b"a"), keys.key(b"b"));
    keys.set_int(0, &a, 1, Ttl::None);
    keys.record_touched(true);
    keys.exists(0, &b, 0);
    keys.set_int(1, &a, 1, Ttl::None);
    assert_eq!(keys.touched(), [(0, b"b".to_vec()), (1, b"a".to_vec())]);
    keys.record_touched(false);
    keys.exists(0, &b, 0);
    assert!(keys.touched().is_empty());
}

fn bytes_per_key(n: u32, per_key: impl Fn(&mut Keyspace, &Key, u32)) -> f64 {
    let mut keys = Keyspace::new(n.into(), 16, 0..SLOTS);
    for i in 0..n {
        let name = format!("key:{i:012}");
        let key = keys.key(name.as_bytes());
        per_key(&mut keys, &key, i);
    }
    assert_eq!(keys.len(0), n as usize);
    keys.used_bytes() as f64 / f64::from(n)
}

#[test]
fn bytes_a_key_stay_within_the_figures() {
    let value = [b'v'; 32];
    let sizes = [400_000, 640_000, 1_100_000];
    let mean = |figure: f64, fill: &dyn Fn(u32) -> f64| {
        let all = sizes.map(fill);
        let mean = all.iter().sum::<f64>() / 3.0;
        assert!(mean <= figure && all.iter().all(|&b| b <= figure * 1.08), "{all:?} against {figure}");
    };
    mean(66.0, &|n| bytes_per_key(n, |k, key, _| assert!(k.set_str(0, key, &value, Ttl::None, 0))));
    mean(82.0, &|n| {
        bytes_per_key(n, |k, key, i| {
            assert!(k.set_str(0, key, &value, Ttl::At(1_700_000_000_000 + i64::from(i)), 1_600_000_000_000));
        })
    });
    mean(42.0, &|n| bytes_per_key(n, |k, key, i| assert!(k.set_int(0, key, 10_000_000 + i64::from(i), Ttl::None))));
}

#[test]
fn room_is_refused_only_when_memory_is_near_its_end() {
    let keys = Keyspace::new(1, 1, 0..SLOTS);
    assert!(keys.room_for(0) && keys.room_for(512 << 20));
    assert!(!keys.room_for(1 << 36) && !keys.room_for(usize::MAX));
}

#[test]
fn writes_beyond_the_arena_are_refused_and_change_nothing() {
    let mut keys = Keyspace::new(1, 1, 0..SLOTS);
    keys.store = Store::new(1 << 20);
    let value = [b'v'; 1000];
    let mut written = 0;
    while written < 5000 {
        let name = format!("k{written}");
        let key = keys.key(name.as_bytes());
        if !keys.set_str(0, &key, &value, Ttl::None, 0) {
            break;
        }
        written += 1;
    }
    assert!(written > 700 && written < 1100 && keys.len(0) == written);
    assert_eq!(keys.stats.refused, 1);
    let key = keys.key(b"k0");
    assert!(!keys.set_str(0, &key, &[b'w'; 2000], Ttl::At(9), 0));
    assert!(!keys.edit_str(0, &key, 2000, |_| panic!("no room for this")));
    assert_eq!(keys.append_str(0, &key, &value), None);
    let item = keys.find(0, &key, 0, Look::Read).unwrap();
    assert_eq!((item.string(), item.expire_at()), (StrRef::Bytes(&value), None));
    assert!(keys.remove(0, &key) && keys.set_str(0, &key, &value, Ttl::None, 0));
}

mod fields {
    //! Fields of hashes that expire.

    use super::*;
    use crate::data::collection::Limits;
    use crate::data::hash::Hash;

    /// Everything that expired since the last call: database, key, fields, gone.
    fn drained(keys: &mut Keyspace) -> Vec<(usize, String, Vec<String>, bool)> {
        let mut all = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        keys.drain_expired(&mut |over| all.push((over.db, text(over.key), over.fields.iter().map(text).collect(), over.is_gone)));
        all
    }

    fn put(keys: &mut Keyspace, db: usize, name: &[u8], fields: &[(&str, Option<i64>)]) {
        let (key, limits) = (keys.key(name), Limits::default());
        keys.edit(db, &key, |hash: &mut Hash| {
            fields.iter().for_each(|(field, ttl)| assert!(hash.insert(field.as_bytes(), b"v", *ttl, &limits)));
            ((), fields.len() as u64)
        });
    }

    fn len(keys: &mut Keyspace, db: usize, name: &[u8]) -> usize {
        let key = keys.key(name);
        keys.find(db, &key, 0, Look::Quiet).and_then(|item| item.get::<Hash>()).map_or(0, |hash| hash.len())
    }

    #[test]
    fn they_go_on_time_and_the_key_with_the_last() {
        let mut keys = Keyspace::new(3, 2, 0..SLOTS);
        put(&mut keys, 1, b"h", &[("a", Some(100)), ("b", Some(200)), ("c", None)]);
        put(&mut keys, 0, b"only", &[("x", Some(150))]);
        assert_eq!(keys.next_expiry(), Some(101));
        assert_eq!(keys.expire_due(100, 10, &mut |_| false), 0);
        assert_eq!(keys.expire_due(151, 10, &mut |_| false), 2);
        let gone = drained(&mut keys);
        assert_eq!(gone, [(1, "h".into(), vec!["a".into()], false), (0, "only".into(), vec!["x".into()], true)]);
        assert_eq!((keys.len(0), len(&mut keys, 1, b"h"), keys.next_expiry()), (0, 2, Some(201)));
        keys.tuning.keep_expired = true;
        assert_eq!((keys.expire_due(500, 10, &mut |_| false), keys.next_expiry()), (0, None));
        keys.tuning.keep_expired = false;
        assert_eq!(keys.expire_due(500, 10, &mut |_| false), 1);
        assert_eq!((keys.next_expiry(), keys.stats.expired_fields, keys.element_timers.len()), (None, 3, 0));
    }

    #[test]
    fn timers_follow_their_keys_through_everything() {
        let mut keys = Keyspace::new(3, 2, 0..SLOTS);
        put(&mut keys, 0, b"a", &[("f", Some(100)), ("g", Some(300))]);
        let (a, b) = (keys.key(b"a"), keys.key(b"b"));
        let (value, _) = keys.get_value(0, &a).unwrap();
        keys.put(0, &b, value, Ttl::None);
        keys.remove(0, &a);
        assert_eq!(keys.element_timers.len(), 1);
        keys.swap(0, 1);
        assert_eq!(keys.expire_due(101, 10, &mut |_| false), 1);
        assert_eq!(drained(&mut keys), [(1, "b".into(), vec!["f".into()], false)]);
        keys.set_str(1, &b, b"a string", Ttl::None, 102);
        assert!(keys.element_timers.is_empty());
        put(&mut keys, 1, b"a", &[("f", Some(400))]);
        keys.flush(1);
        assert_eq!((keys.expire_due(500, 10, &mut |_| false), drained(&mut keys).len()), (1, 0));
        while !keys.free_doomed(100) {}
        assert_eq!((keys.next_expiry(), keys.element_timers.len()), (None, 0));
    }

    #[test]
    fn skipped_slots_wait_and_named_fields_go_at_once() {
        let mut keys = Keyspace::new(3, 1, 0..SLOTS);
        put(&mut keys, 0, b"h", &[("a", Some(10)), ("b", Some(20)), ("c", None)]);
        assert_eq!(keys.expire_due(100, 10, &mut |_| true), 0);
        assert_eq!(keys.next_expiry(), Some(108));
        assert_eq!(keys.expire_due(107, 10, &mut |_| false), 0);
        let (key, changes) = (keys.key(b"h"), keys.stats.changes);
        keys.expire_fields(0, &key, 107, &[b"b", b"c", b"x"]);
        assert_eq!(drained(&mut keys), [(0, "h".into(), vec!["b".into()], false)]);
        assert_eq!((keys.expire_due(108, 10, &mut |_| false), keys.stats.changes), (1, changes));
        assert_eq!(len(&mut keys, 0, b"h"), 1);
    }

    #[test]
    fn a_million_of_them_go_in_slices() {
        let mut keys = Keyspace::new(3, 1, 0..SLOTS);
        let limits = Limits::default();
        let key = keys.key(b"big");
        keys.edit(0, &key, |hash: &mut Hash| {
            (0..50_000u32).for_each(|n| assert!(hash.insert(&n.to_le_bytes(), b"v", Some(1 + i64::from(n % 7)), &limits)));
            ((), 1)
        });
        let mut slices = 0;
        while keys.next_expiry().is_some_and(|at| at <= 100) {
            assert!(keys.expire_due(100, 1000, &mut |_| false) <= 1000);
            slices += 1;
        }
        assert!(slices >= 50 && keys.len(0) == 0 && keys.stats.expired_fields == 50_000);
        assert!(drained(&mut keys).last().unwrap().3);
    }
}

#[test]
fn the_usage_of_all_keys_is_what_is_used() {
    // Blocks of buckets that stay for the next table, and a count for each slot: no key's.
    const FIXED: usize = 384 << 10;
    for (count, bytes, ttl) in [(100_000, 5, Ttl::None), (100_000, 40, Ttl::At(1_000_000)), (2000, 7000, Ttl::None)] {
        let mut keys = Keyspace::new(1, 1, 0..SLOTS);
        // What a database takes with its first key is no key's.
        let first = keys.key(b"first");
        assert!(keys.set_str(0, &first, b"", Ttl::None, 0));
        let before = keys.used_bytes();
        let names: Vec<String> = (0..count).map(|i| format!("key:{i}")).collect();
        for name in &names {
            let key = keys.key(name.as_bytes());
            assert!(keys.set_str(0, &key, &vec![b'v'; bytes], ttl, 0));
        }
        let used = keys.used_bytes() - before;
        let told: usize = names.iter().filter_map(|name| keys.usage(0, &keys.key(name.as_bytes()))).sum();
        assert!(told.abs_diff(used) < used / 20 + FIXED, "{count} keys of {bytes} bytes: {told} of {used}");
    }
}

#[test]
fn a_walk_in_the_smallest_steps_ends() {
    let mut keys = Keyspace::new(1, 1, 0..SLOTS);
    for i in 0..700 {
        let name = format!("{{same}}{i}");
        let key = keys.key(name.as_bytes());
        assert!(keys.set_str(0, &key, b"v", Ttl::None, 0));
    }
    let sink = Collected::default();
    let seen = sink.seen.clone();
    keys.begin_walk(Box::new(sink));
    let steps = (0..10_000).take_while(|_| !keys.walk_step(1)).count();
    assert!(steps < 10_000);
    assert_eq!(seen.take().len(), 700);
}
