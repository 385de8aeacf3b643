//! Values as commands: what a base is made of when it is no snapshot (`aof-use-rdb-preamble no`).
//!
//! A key becomes the commands that make it in an empty database, in the vocabulary of Redis 7.2 (7.4 for times of fields), collections in
//! batches of 64 elements. [`Lines`] does so in pieces, so that a big value delays nobody; it keeps a position, not a copy.
//!
//! ```text
//! string  SET k v                          list  RPUSH k e ...         set   SADD k m ...
//! hash    HMSET k f v ..., HPEXPIREAT      zset  ZADD k score m ...    stream  rewrite/stream.rs
//! expiry  PEXPIREAT k ms, after the value
//! ```
//! As in stock servers a pending entry of a stream whose entry was deleted is left out: no command makes it.
//! What concerns no key (`SELECT`, `FUNCTION LOAD`, `#TS`) is written by whoever writes the file, with [`put_select`] and its like.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence (log rewriting)

mod stream;

use crate::base::num::fmt_double_17;
use crate::data::collection::{Collection, Object};
use crate::data::hash::{Hash, HashRef};
use crate::data::list::{List, ListRef};
use crate::data::set::{Set, SetRef};
use crate::data::stream::Stream;
use crate::data::zset::{Zset, ZsetRef};
use crate::keyspace::{Item, Kind, StrRef, Value};
use stream::Place;

/// Most elements of one command.
const BATCH: usize = 64;

/// Appends a command in the request form of RESP.
pub fn put_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    put_count(out, b'*', words.len());
    words.iter().for_each(|word| put_word(out, word));
}

/// Appends `SELECT <db>`.
pub fn put_select(out: &mut Vec<u8>, db: usize) {
    put_command(out, &[b"SELECT", itoa::Buffer::new().format(db).as_bytes()]);
}

/// Appends `FUNCTION LOAD <source>`: one library.
pub fn put_function(out: &mut Vec<u8>, source: &[u8]) {
    put_command(out, &[b"FUNCTION", b"LOAD", source]);
}

/// Appends a whole key at once: for small values, read where they lie.
pub fn put_item(out: &mut Vec<u8>, item: &Item) {
    let key = item.key();
    let mut cursor = Some(0);
    match item.kind() {
        Kind::String => put_string(out, key, item.string()),
        Kind::List => _ = item.get::<List>().and_then(|view| put_list(out, key, view, 0, usize::MAX)),
        Kind::Zset => _ = item.get::<Zset>().and_then(|view| put_zset(out, key, view, 0, usize::MAX)),
        // A walk over a table goes on until it is through.
        Kind::Set => {
            while let (Some(at), Some(view)) = (cursor, item.get::<Set>()) {
                cursor = put_set(out, key, view, at, usize::MAX);
            }
        }
        Kind::Hash => {
            while let (Some(at), Some(view)) = (cursor, item.get::<Hash>()) {
                cursor = put_hash(out, key, view, at, usize::MAX);
            }
        }
        Kind::Stream => {
            if let Some(stream) = item.get::<Stream>() {
                let mut place = Place::default();
                while !stream::put_some(out, key, stream, &mut place, usize::MAX) {}
            }
        }
    }
    put_expiry(out, key, item.expire_at());
}

#[derive(Clone, Debug)]
enum Step {
    /// In the value: at which element, rank or cursor; in a string at which byte.
    Value(u64),
    Stream(Place),
    Expiry,
    Done,
}

/// One key on its way out, see the file's head.
#[derive(Clone, Debug)]
pub struct Lines {
    key: Vec<u8>,
    value: Value,
    expire_at: Option<i64>,
    step: Step,
}

impl Lines {
    /// A key with a value that nobody changes any more (a handle of a shared one).
    #[must_use]
    pub fn new(key: &[u8], value: Value, expire_at: Option<i64>) -> Lines {
        let step = if matches!(value, Value::Object(Object::Stream(_))) { Step::Stream(Place::default()) } else { Step::Value(0) };
        Lines { key: key.to_vec(), value, expire_at, step }
    }

    /// Appends about `budget` bytes, a whole command at least (of a long string, a part of it). True when there is nothing left.
    pub fn write(&mut self, budget: usize, out: &mut Vec<u8>) -> bool {
        let end = out.len().saturating_add(budget.max(1));
        while out.len() < end {
            let left = end - out.len();
            match &mut self.step {
                Step::Done => return true,
                Step::Expiry => {
                    put_expiry(out, &self.key, self.expire_at);
                    self.step = Step::Done;
                }
                Step::Stream(place) => {
                    let Value::Object(Object::Stream(stream)) = &self.value else { return true };
                    if stream::put_some(out, &self.key, stream, place, left) {
                        self.step = Step::Expiry;
                    }
                }
                Step::Value(at) => match put_some(out, &self.key, &self.value, *at, left) {
                    Some(next) => *at = next,
                    None => self.step = Step::Expiry,
                },
            }
        }
        matches!(self.step, Step::Done)
    }
}

/// Appends what comes at `at` of anything but a stream; where to go on.
fn put_some(out: &mut Vec<u8>, key: &[u8], value: &Value, at: u64, budget: usize) -> Option<u64> {
    match value {
        Value::Int(number) => put_string(out, key, StrRef::Int(*number)),
        Value::Str { bytes, .. } => return put_part(out, key, bytes, at, budget),
        Value::Object(Object::List(list)) => return put_list(out, key, list.view(), at, budget),
        Value::Object(Object::Set(set)) => return put_set(out, key, set.view(), at, budget),
        Value::Object(Object::Zset(zset)) => return put_zset(out, key, zset.view(), at, budget),
        Value::Object(Object::Hash(hash)) => return put_hash(out, key, hash.view(), at, budget),
        Value::Object(Object::Stream(_)) => {}
    }
    None
}

fn put_string(out: &mut Vec<u8>, key: &[u8], value: StrRef) {
    match value {
        StrRef::Int(number) => put_command(out, &[b"SET", key, itoa::Buffer::new().format(number).as_bytes()]),
        StrRef::Bytes(bytes) => put_command(out, &[b"SET", key, bytes]),
    }
}

/// A long string from byte `at` on.
fn put_part(out: &mut Vec<u8>, key: &[u8], bytes: &[u8], at: u64, budget: usize) -> Option<u64> {
    if at == 0 {
        put_count(out, b'*', 3);
        put_word(out, b"SET");
        put_word(out, key);
        put_count(out, b'$', bytes.len());
    }
    let rest = bytes.get(at as usize..).unwrap_or_default();
    let part = rest.get(..budget).unwrap_or(rest);
    out.extend_from_slice(part);
    if part.len() < rest.len() {
        return Some(at + part.len() as u64);
    }
    out.extend_from_slice(b"\r\n");
    None
}

fn put_list(out: &mut Vec<u8>, key: &[u8], list: ListRef, from: u64, budget: usize) -> Option<u64> {
    let end = out.len().saturating_add(budget);
    let mut batch = Batch::new(out, [b"RPUSH", key], 1);
    let (mut at, mut digits) = (from, itoa::Buffer::new());
    for elem in list.iter_from(from) {
        if batch.is_fresh() && batch.out.len() >= end {
            return Some(at);
        }
        batch.add(&[elem.text(&mut digits)]);
        at += 1;
    }
    batch.end();
    None
}

fn put_zset(out: &mut Vec<u8>, key: &[u8], zset: ZsetRef, from: u64, budget: usize) -> Option<u64> {
    let end = out.len().saturating_add(budget);
    let mut batch = Batch::new(out, [b"ZADD", key], 2);
    let (mut at, mut digits, mut text) = (from, itoa::Buffer::new(), Vec::new());
    for (member, score) in zset.range(from as usize..usize::MAX) {
        if batch.is_fresh() && batch.out.len() >= end {
            return Some(at);
        }
        text.clear();
        fmt_double_17(&mut text, score);
        batch.add(&[&text, member.text(&mut digits)]);
        at += 1;
    }
    batch.end();
    None
}

fn put_set(out: &mut Vec<u8>, key: &[u8], set: SetRef, cursor: u64, budget: usize) -> Option<u64> {
    let end = out.len().saturating_add(budget);
    let mut batch = Batch::new(out, [b"SADD", key], 1);
    let mut cursor = cursor;
    loop {
        cursor = set.scan(cursor, BATCH, &mut |member| batch.add(&[member.text(&mut itoa::Buffer::new())]));
        if cursor == 0 || batch.bytes() >= end {
            batch.end();
            return (cursor != 0).then_some(cursor);
        }
    }
}

fn put_hash(out: &mut Vec<u8>, key: &[u8], hash: HashRef, cursor: u64, budget: usize) -> Option<u64> {
    let end = out.len().saturating_add(budget);
    let mut batch = Batch::new(out, [b"HMSET", key], 2);
    let mut cursor = cursor;
    loop {
        cursor = hash.scan(cursor, BATCH, &mut |(field, value, ttl)| {
            let (mut one, mut two) = (itoa::Buffer::new(), itoa::Buffer::new());
            let field = field.text(&mut one);
            batch.add(&[field, value.text(&mut two)]);
            if let Some(at) = ttl {
                batch.after(&[b"HPEXPIREAT", key, itoa::Buffer::new().format(at).as_bytes(), b"FIELDS", b"1", field]);
            }
        });
        if cursor == 0 || batch.bytes() >= end {
            batch.end();
            return (cursor != 0).then_some(cursor);
        }
    }
}

fn put_expiry(out: &mut Vec<u8>, key: &[u8], expire_at: Option<i64>) {
    if let Some(at) = expire_at {
        put_command(out, &[b"PEXPIREAT", key, itoa::Buffer::new().format(at).as_bytes()]);
    }
}

fn put_count(out: &mut Vec<u8>, mark: u8, count: usize) {
    out.push(mark);
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn put_word(out: &mut Vec<u8>, word: &[u8]) {
    put_count(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Commands of up to `BATCH` elements, whose number is known when they are complete.
struct Batch<'a> {
    out: &'a mut Vec<u8>,
    head: [&'a [u8]; 2],
    /// Words of an element.
    width: usize,
    /// Elements of the command that is being gathered, and their number.
    words: Vec<u8>,
    count: usize,
    /// Commands that follow it.
    later: Vec<u8>,
}

impl<'a> Batch<'a> {
    fn new(out: &'a mut Vec<u8>, head: [&'a [u8]; 2], width: usize) -> Batch<'a> {
        Batch { out, head, width, words: Vec::new(), count: 0, later: Vec::new() }
    }

    fn add(&mut self, words: &[&[u8]]) {
        words.iter().for_each(|word| put_word(&mut self.words, word));
        self.count += 1;
        // What follows comes with its last element.
        if self.count == BATCH && self.later.is_empty() {
            self.end();
        }
    }

    fn after(&mut self, command: &[&[u8]]) {
        put_command(&mut self.later, command);
    }

    /// Between two commands.
    fn is_fresh(&self) -> bool {
        self.count == 0
    }

    /// What `out` will have.
    fn bytes(&self) -> usize {
        self.out.len() + self.words.len() + self.later.len()
    }

    /// Writes what was gathered.
    fn end(&mut self) {
        if self.count > 0 {
            put_count(self.out, b'*', self.head.len() + self.count * self.width);
            self.head.iter().for_each(|word| put_word(self.out, word));
            self.out.append(&mut self.words);
            self.count = 0;
        }
        self.out.append(&mut self.later);
    }
}

#[cfg(test)]
mod tests;
