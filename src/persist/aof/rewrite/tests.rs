//! Values as commands, in one go and in pieces.

use super::*;
use crate::data::collection::Limits;
use crate::data::stream::{Group, Id, Pending};
use crate::proto::parse::{Limits as Wire, Parsed, Resume, parse};
use std::sync::Arc;

/// The commands in `bytes`, words joined by blanks.
fn commands(mut bytes: &[u8]) -> Vec<String> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let (mut spans, mut scratch) = (Vec::new(), Vec::new());
        let wire = Wire { max_bulk: usize::MAX, authenticated: true };
        let Parsed::Command { used } = parse(bytes, &wire, &mut Resume::default(), &mut spans, &mut scratch) else {
            panic!("no command: {}", bytes.escape_ascii());
        };
        let words: Vec<String> = spans.iter().map(|s| s.of(bytes).escape_ascii().to_string()).collect();
        list.push(words.join(" "));
        bytes = &bytes[used..];
    }
    list
}

fn lines(value: Value, expire_at: Option<i64>, budget: usize) -> Vec<u8> {
    let mut lines = Lines::new(b"k", value, expire_at);
    let mut out = Vec::new();
    let mut calls = 0;
    while !lines.write(budget, &mut out) {
        calls += 1;
        assert!(calls < 1_000_000, "no end");
    }
    assert!(lines.write(1, &mut out), "what is done stays done");
    out
}

/// In pieces of every size it is the same.
fn text(value: Value, expire_at: Option<i64>) -> Vec<String> {
    let whole = lines(value.clone(), expire_at, usize::MAX);
    for budget in [1, 7, 100, 5000] {
        let pieces = lines(value.clone(), expire_at, budget);
        // Batches of a table end where a piece ends; everything else is equal.
        if !matches!(&value, Value::Object(Object::Set(_) | Object::Hash(_))) {
            assert!(pieces == whole, "budget {budget}");
        }
    }
    commands(&whole)
}

fn stream() -> Stream {
    let limits = Limits::default();
    let mut stream = Stream::default();
    for seq in 1..=3 {
        stream
            .append(Id::new(1, seq), &[crate::data::pack::Item::Text(b"f"), crate::data::pack::Item::Text(b"v")][..], 1, &limits)
            .expect("rises");
    }
    stream
}

#[test]
fn strings_and_expiry() {
    assert_eq!(text(Value::Int(-5), Some(12)), ["SET k -5", "PEXPIREAT k 12"]);
    let long = Value::Str { bytes: vec![b'x'; 20_000].into(), raw: true };
    assert_eq!(text(long, None), [format!("SET k {}", "x".repeat(20_000))]);
    assert_eq!(text(Value::Str { bytes: Default::default(), raw: false }, None), ["SET k "]);
}

#[test]
fn collections_come_in_batches_of_64() {
    let limits = Limits::default();
    for count in [1usize, 63, 64, 65, 1000] {
        let (mut list, mut set, mut zset, mut hash) = (List::default(), Set::default(), Zset::default(), Hash::default());
        for n in 0..count {
            let word = format!("e{n}");
            list.push_back(word.as_bytes(), &limits);
            set.insert(word.as_bytes(), &limits);
            zset.insert(word.as_bytes(), n as f64 / 2.0, &limits);
            hash.insert(word.as_bytes(), b"v", None, &limits);
        }
        let cases = [
            (Object::List(Arc::new(list)), 1),
            (Object::Set(Arc::new(set)), 1),
            (Object::Zset(Arc::new(zset)), 2),
            (Object::Hash(Arc::new(hash)), 2),
        ];
        for (object, width) in cases {
            let out = text(Value::Object(object), None);
            assert_eq!(out.len(), count.div_ceil(64), "{}", out[0]);
            let words: usize = out.iter().map(|line| line.split(' ').count() - 2).sum();
            assert_eq!(words, count * width);
        }
    }
}

#[test]
fn pieces_of_a_table_have_every_element_once() {
    let limits = Limits::default();
    let mut hash = Hash::default();
    for n in 0..3000 {
        hash.insert(format!("f{n}").as_bytes(), b"v", (n % 3 == 0).then_some(9_000_000_000_000 + n), &limits);
    }
    for budget in [1, 300, 4096, usize::MAX] {
        let out = commands(&lines(Value::Object(Object::Hash(Arc::new(hash.clone()))), None, budget));
        let mut fields: Vec<&str> =
            out.iter().filter(|l| l.starts_with("HMSET k ")).flat_map(|l| l.split(' ').skip(2).step_by(2)).collect();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), 3000);
        let times: Vec<&String> = out.iter().filter(|l| l.starts_with("HPEXPIREAT")).collect();
        assert_eq!(times.len(), 1000);
        assert!(times.contains(&&"HPEXPIREAT k 9000000000003 FIELDS 1 f3".to_string()));
        // A field has its time after it is there.
        let place = |word: &str, start: &str| out.iter().position(|l| l.starts_with(start) && l.split(' ').any(|w| w == word));
        assert!(place("f3", "HMSET") < place("f3", "HPEXPIREAT"));
    }
}

#[test]
fn scores_have_17_digits_and_lists_keep_their_order() {
    let limits = Limits::default();
    let mut zset = Zset::default();
    for (member, score) in [("a", 1.5), ("b", 3.0), ("c", 0.1), ("d", f64::INFINITY), ("e", f64::NEG_INFINITY)] {
        zset.insert(member.as_bytes(), score, &limits);
    }
    assert_eq!(text(Value::Object(Object::Zset(Arc::new(zset))), None), ["ZADD k -inf e 0.10000000000000001 c 1.5 a 3 b inf d"]);
    let mut list = List::default();
    for n in 0..5 {
        list.push_back(n.to_string().as_bytes(), &limits);
    }
    assert_eq!(text(Value::Object(Object::List(Arc::new(list))), Some(1)), ["RPUSH k 0 1 2 3 4", "PEXPIREAT k 1"]);
}

#[test]
fn streams_with_groups() {
    let mut full = stream();
    let mut group = Group::new(Id::new(1, 2), 2);
    let (c, _) = group.enroll(b"c", 5);
    group.enroll(b"d", 6);
    group.assign(Id::new(1, 1), Pending { time: 77, count: 3, consumer: c });
    group.assign(Id::new(1, 2), Pending { time: 78, count: 1, consumer: c });
    assert!(full.add_group(b"g", group));
    assert!(full.add_group(b"h", Group::new(Id::MIN, -1)));
    assert_eq!(
        text(Value::Object(Object::Stream(Arc::new(full))), Some(8)),
        [
            "XADD k 1-1 f v",
            "XADD k 1-2 f v",
            "XADD k 1-3 f v",
            "XSETID k 1-3 ENTRIESADDED 3 MAXDELETEDID 0-0",
            "XGROUP CREATE k g 1-2 ENTRIESREAD 2",
            "XCLAIM k g c 0 1-1 TIME 77 RETRYCOUNT 3 JUSTID FORCE",
            "XCLAIM k g c 0 1-2 TIME 78 RETRYCOUNT 1 JUSTID FORCE",
            "XGROUP CREATECONSUMER k g d",
            "XGROUP CREATE k h 0-0 ENTRIESREAD -1",
            "PEXPIREAT k 8",
        ]
    );
    let mut empty = stream();
    (1..=3).for_each(|seq| assert!(empty.delete(Id::new(1, seq))));
    let out = text(Value::Object(Object::Stream(Arc::new(empty))), None);
    assert_eq!(out, ["XADD k MAXLEN 0 0-1 x y", "XSETID k 1-3 ENTRIESADDED 3 MAXDELETEDID 1-3"]);
}
