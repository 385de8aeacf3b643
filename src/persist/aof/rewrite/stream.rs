//! A stream as commands: its entries, its facts, its groups with consumers and what is pending. Part of `rewrite`.
//!
//! ```text
//! XADD k id f v ...            each entry; of an empty stream `XADD k MAXLEN 0 0-1 x y`, which leaves none
//! XSETID k last ENTRIESADDED n MAXDELETEDID id
//! XGROUP CREATE k g last ENTRIESREAD n
//! XCLAIM k g consumer 0 id TIME ms RETRYCOUNT n JUSTID FORCE     each pending entry
//! XGROUP CREATECONSUMER k g consumer                             a consumer without any
//! ```

use super::{put_command, put_count, put_word};
use crate::data::stream::group::Consumer;
use crate::data::stream::{Group, Id, Stream};

/// How far a stream is written.
#[derive(Clone, Debug)]
pub struct Place {
    /// Entries from this ID on; `None` when they and the facts are done.
    entries: Option<Id>,
    /// Groups that are done, and whether the next one is begun.
    groups: usize,
    in_group: bool,
    /// Of that group: consumers that are done, and pending entries of the next one from this ID on.
    consumers: usize,
    pending: Id,
}

impl Default for Place {
    fn default() -> Place {
        Place { entries: Some(Id::MIN), groups: 0, in_group: false, consumers: 0, pending: Id::MIN }
    }
}

/// Appends about `budget` bytes. True when the stream is complete. O(bytes + groups).
pub fn put_some(out: &mut Vec<u8>, key: &[u8], stream: &Stream, place: &mut Place, budget: usize) -> bool {
    let end = out.len().saturating_add(budget.max(1));
    if let Some(from) = place.entries {
        place.entries = put_entries(out, key, stream, from, end);
        if place.entries.is_some() {
            return false;
        }
        put_facts(out, key, stream);
    }
    for (name, group) in stream.groups().skip(place.groups) {
        if out.len() >= end {
            return false;
        }
        if !place.in_group {
            let mut digits = itoa::Buffer::new();
            let read = digits.format(group.read).as_bytes();
            put_command(out, &[b"XGROUP", b"CREATE", key, name, &group.last.text(), b"ENTRIESREAD", read]);
            (place.in_group, place.consumers, place.pending) = (true, 0, Id::MIN);
        }
        for consumer in group.consumers().skip(place.consumers) {
            if let Some(next) = put_consumer(out, &[key, name], group, consumer, place.pending, end) {
                place.pending = next;
                return false;
            }
            place.consumers += 1;
            place.pending = Id::MIN;
        }
        place.groups += 1;
        place.in_group = false;
    }
    true
}

fn put_entries(out: &mut Vec<u8>, key: &[u8], stream: &Stream, from: Id, end: usize) -> Option<Id> {
    let (mut one, mut two) = (itoa::Buffer::new(), itoa::Buffer::new());
    for entry in stream.log().range(from, Id::MAX) {
        if out.len() >= end {
            return Some(entry.id);
        }
        put_count(out, b'*', 3 + entry.len() * 2);
        put_word(out, b"XADD");
        put_word(out, key);
        put_word(out, &entry.id.text());
        for (name, value) in entry.fields() {
            put_word(out, name.text(&mut one));
            put_word(out, value.text(&mut two));
        }
    }
    None
}

fn put_facts(out: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    let facts = &stream.facts;
    if facts.length == 0 {
        put_command(out, &[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"]);
    }
    let added = itoa::Buffer::new().format(facts.added).to_string();
    let (last, deleted) = (facts.last.text(), facts.max_deleted.text());
    put_command(out, &[b"XSETID", key, &last, b"ENTRIESADDED", added.as_bytes(), b"MAXDELETEDID", &deleted]);
}

/// A consumer, from a pending entry on; where to go on. `place`: key and group.
fn put_consumer(out: &mut Vec<u8>, place: &[&[u8]; 2], group: &Group, consumer: &Consumer, from: Id, end: usize) -> Option<Id> {
    let [key, name] = *place;
    if consumer.pending_len() == 0 {
        put_command(out, &[b"XGROUP", b"CREATECONSUMER", key, name, &consumer.name]);
    }
    let (mut one, mut two) = (itoa::Buffer::new(), itoa::Buffer::new());
    for id in consumer.pending(from, Id::MAX) {
        if out.len() >= end {
            return Some(id);
        }
        let Some(pending) = group.get(id) else { continue };
        let (text, time, count) = (id.text(), one.format(pending.time).as_bytes(), two.format(pending.count).as_bytes());
        let times: [&[u8]; 7] = [b"0", &text, b"TIME", time, b"RETRYCOUNT", count, b"JUSTID"];
        put_count(out, b'*', 5 + times.len());
        [b"XCLAIM", key, name, &consumer.name].into_iter().chain(times).chain([&b"FORCE"[..]]).for_each(|word| put_word(out, word));
    }
    None
}
