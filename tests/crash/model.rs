//! What keys hold after a sequence of commands: just enough of Redis to foretell the commands of `load.rs`, and a reader that
//! sees the same in a server. The kind of a value follows from the last letter of its key's name.

use crate::support::{Client, Reply};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub type Words = Vec<Vec<u8>>;

/// A value as a client sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Text and, if it has one, the unix time of its end in ms.
    Text(Vec<u8>, Option<i64>),
    List(VecDeque<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    /// Also sorted sets: member and score.
    Pairs(BTreeMap<Vec<u8>, Vec<u8>>),
    /// IDs and the value of the only field.
    Stream(Vec<(Vec<u8>, Vec<u8>)>),
}

/// Keys of all databases.
pub type State = BTreeMap<(u8, Vec<u8>), Value>;

/// Letters with which the names of keys end, by kind.
pub const KINDS: &[u8] = b"0123nblhzsx";

fn number(text: &[u8]) -> i64 {
    std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).unwrap_or(0)
}

/// Carries out a command of `load.rs` on database `db`; keys that are not `mine` belong to somebody else's state.
pub fn apply(state: &mut State, db: u8, words: &Words, mine: impl Fn(&[u8]) -> bool) {
    let name = std::str::from_utf8(&words[0]).expect("names of commands are ASCII");
    match name {
        "FLUSHALL" => return state.clear(),
        "FLUSHDB" => return state.retain(|(of, _), _| *of != db),
        "SWAPDB" => return swap(state, number(&words[1]) as u8, number(&words[2]) as u8),
        "MSET" => {
            for pair in words[1..].chunks(2).filter(|p| mine(&p[0])) {
                state.insert((db, pair[0].clone()), Value::Text(pair[1].clone(), None));
            }
            return;
        }
        _ => {}
    }
    let key = (db, words[1].clone());
    if !mine(&words[1]) {
        return;
    }
    match name {
        "SET" => {
            let ends = words.get(4).map(|at| number(at));
            drop(state.insert(key, Value::Text(words[2].clone(), ends)));
        }
        "DEL" => drop(state.remove(&key)),
        "RENAME" => {
            if let Some(value) = state.remove(&key) {
                state.insert((db, words[2].clone()), value);
            }
        }
        _ => change(state, key, name, words),
    }
}

/// Commands that change a part of a value.
fn change(state: &mut State, key: (u8, Vec<u8>), name: &str, words: &Words) {
    let empty = match name {
        "INCR" | "APPEND" => Value::Text(Vec::new(), None),
        "RPUSH" | "LPOP" => Value::List(VecDeque::new()),
        "SADD" | "SREM" => Value::Set(BTreeSet::new()),
        "XADD" | "XDEL" => Value::Stream(Vec::new()),
        _ => Value::Pairs(BTreeMap::new()),
    };
    let value = state.entry(key.clone()).or_insert(empty);
    match (name, value) {
        ("INCR", Value::Text(text, _)) => *text = (number(text) + 1).to_string().into_bytes(),
        ("APPEND", Value::Text(text, _)) => text.extend_from_slice(&words[2]),
        ("RPUSH", Value::List(list)) => list.extend(words[2..].iter().cloned()),
        ("LPOP", Value::List(list)) => drop(list.pop_front()),
        ("SADD", Value::Set(set)) => drop(set.insert(words[2].clone())),
        ("SREM", Value::Set(set)) => drop(set.remove(&words[2])),
        ("HSET", Value::Pairs(pairs)) => drop(pairs.insert(words[2].clone(), words[3].clone())),
        ("ZADD", Value::Pairs(pairs)) => drop(pairs.insert(words[3].clone(), words[2].clone())),
        ("XADD", Value::Stream(entries)) => entries.push((words[2].clone(), words[4].clone())),
        ("XDEL", Value::Stream(entries)) => entries.retain(|(id, _)| *id != words[2]),
        (name, value) => panic!("the model has no {name} of {value:?}"),
    }
    let has_gone = match state.get(&key) {
        Some(Value::List(list)) => list.is_empty(),
        Some(Value::Set(set)) => set.is_empty(),
        _ => false,
    };
    if has_gone {
        state.remove(&key);
    }
}

fn swap(state: &mut State, one: u8, other: u8) {
    let moved = std::mem::take(state).into_iter().map(|((db, key), value)| {
        let db = if db == one {
            other
        } else if db == other {
            one
        } else {
            db
        };
        ((db, key), value)
    });
    *state = moved.collect();
}

/// Reads these keys of database `db` of a server into `state`.
pub fn read(client: &mut Client, db: u8, keys: &[Vec<u8>], state: &mut State) {
    client.call(&["SELECT", &db.to_string()]);
    for keys in keys.chunks(500) {
        for key in keys {
            for words in questions(key) {
                client.send_words(&words);
            }
        }
        for key in keys {
            let replies: Vec<_> = questions(key).iter().map(|_| client.read().expect("a reply to a reading command")).collect();
            if let Some(value) = seen(key, &replies) {
                state.insert((db, key.clone()), value);
            }
        }
    }
}

fn questions(key: &[u8]) -> Vec<Vec<&[u8]>> {
    match key.last() {
        Some(b'l') => vec![vec![b"LRANGE", key, b"0", b"-1"]],
        Some(b's') => vec![vec![b"SMEMBERS", key]],
        Some(b'h') => vec![vec![b"HGETALL", key]],
        Some(b'z') => vec![vec![b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]],
        Some(b'x') => vec![vec![b"XRANGE", key, b"-", b"+"], vec![b"EXISTS", key]],
        _ => vec![vec![b"GET", key], vec![b"PEXPIRETIME", key]],
    }
}

fn seen(key: &[u8], replies: &[Reply]) -> Option<Value> {
    let first = &replies[0];
    if let Reply::Error(text) = first {
        panic!("{}: {}", String::from_utf8_lossy(key), String::from_utf8_lossy(text));
    }
    let texts = || first.elements().iter().map(|e| e.bytes().to_vec());
    let pairs = || first.elements().chunks(2).map(|p| (p[0].bytes().to_vec(), p[1].bytes().to_vec())).collect();
    match key.last() {
        Some(b'x') => {
            let entry = |e: &Reply| (e.elements()[0].bytes().to_vec(), e.elements()[1].elements()[1].bytes().to_vec());
            (replies[1] == Reply::Int(1)).then(|| Value::Stream(first.elements().iter().map(entry).collect()))
        }
        Some(b'l') => (!first.elements().is_empty()).then(|| Value::List(texts().collect())),
        Some(b's') => (!first.elements().is_empty()).then(|| Value::Set(texts().collect())),
        Some(b'h' | b'z') => (!first.elements().is_empty()).then(|| Value::Pairs(pairs())),
        _ => match (first, &replies[1]) {
            (Reply::Bulk(text), Reply::Int(at)) => Some(Value::Text(text.clone(), (*at >= 0).then_some(*at))),
            _ => None,
        },
    }
}

#[test]
fn the_model_does_what_the_commands_say() {
    let mut state = State::new();
    let all = |_: &[u8]| true;
    let mut run = |line: &str, db: u8| {
        let words = line.split(' ').map(|w| w.as_bytes().to_vec()).collect();
        apply(&mut state, db, &words, all);
        state.len()
    };
    assert_eq!(run("SET a0 7", 0), 1);
    assert_eq!(run("INCR an", 0), 2);
    assert_eq!(run("RPUSH al 1 2", 0), 3);
    assert_eq!(run("LPOP al", 0), 3);
    assert_eq!(run("LPOP al", 0), 2);
    assert_eq!(run("RENAME a0 a1", 0), 2);
    assert_eq!(run("MSET a0 1 a2 2", 1), 4);
    assert_eq!(run("SWAPDB 0 1", 0), 4);
    assert_eq!(run("FLUSHDB", 0), 2);
    assert_eq!(state.keys().map(|(db, key)| (*db, key.as_slice())).collect::<Vec<_>>(), [(1, b"a1".as_slice()), (1, b"an")]);
}
