//! What several hash commands need: reading and changing the hash at key 1, telling of it, replies.

use crate::commands::common::{limits, missed, unedited};
use crate::data::collection::Limits;
use crate::data::hash::{Hash, HashRef, is_over};
use crate::data::pack::Item;
use crate::keyspace::{Edited, Look};
use crate::proto::encode::Out;
use crate::spec::{Call, Outcome, Refusal, effect::Class};

/// Writes a field or a value as a bulk reply.
#[inline]
pub fn bulk_item(out: &mut Out, item: Item<'_>) {
    match item {
        Item::Text(text) => out.bulk(text),
        Item::Int(n) => out.bulk_int(n),
    }
}

/// Hands the hash at key 1 to `then`, `None` if there is no such key, and tells that it was missed.
#[inline(always)]
pub fn read<R>(call: &mut Call, then: impl FnOnce(Option<HashRef<'_>>, &mut Out) -> R) -> Result<R, Refusal> {
    let key = call.key(1);
    let look = call.look();
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else {
        let out = then(None, call.out);
        missed(call, 1);
        return Ok(out);
    };
    let hash = item.get::<Hash>().ok_or(Refusal::WRONG_TYPE)?;
    Ok(then(Some(hash), call.out))
}

/// Hands the hash at key 1, looked up for a write, to `then`; `None` if there is no such key.
#[inline(always)]
pub fn before_write<R>(call: &mut Call, then: impl FnOnce(Option<HashRef<'_>>) -> R) -> Result<R, Refusal> {
    let key = call.key(1);
    match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => Ok(then(None)),
        Some(item) => Ok(then(Some(item.get::<Hash>().ok_or(Refusal::WRONG_TYPE)?))),
    }
}

/// Changes the hash at key 1; `change` returns what it likes and how many fields it changed. Tells of a new key; the rest
/// is the caller's to tell, see [`gone`].
#[inline(always)]
pub fn edit<R>(call: &mut Call, change: impl FnOnce(&mut Hash, &Limits) -> (R, u64)) -> Result<Edited<R>, Refusal> {
    let (key, limits) = (call.key(1), limits(call.shard));
    let edited = call.shard.ks.edit_live(call.db, &key, call.now, |hash: &mut Hash| change(hash, &limits)).map_err(unedited)?;
    if edited.is_new {
        call.event(Class::New, "new", 1);
    }
    Ok(edited)
}

/// The same for a change that writes its reply as it goes: all of it, or none where the change fails.
pub fn edit_replying(call: &mut Call, change: impl FnOnce(&mut Hash, &mut Out) -> u64) -> Result<Edited<()>, Refusal> {
    let mut out = std::mem::take(call.out);
    let start = out.buf.len();
    let edited = edit(call, |hash, _| ((), change(hash, &mut out)));
    if edited.is_err() {
        out.buf.truncate(start);
    }
    *call.out = out;
    edited
}

/// Tells that the key went with its last field, if it did.
pub fn gone<R>(call: &mut Call, edited: &Edited<R>) {
    if edited.is_gone {
        call.event(Class::Generic, "del", 1);
    }
}

/// Deletes those of `fields` whose time is over from the hash at key 1 and tells so, before anything else is told.
#[cold]
pub fn expire_named(call: &mut Call, fields: &[&[u8]]) {
    let key = call.key(1);
    call.shard.ks.expire_fields(call.db, &key, call.now, fields);
    call.shard.record_expired();
}

/// The same for a command that has looked at the hash: only where it has something that is over.
pub fn expire_words(call: &mut Call, words: impl Iterator<Item = usize>) -> Outcome {
    let now = call.over_until();
    if before_write(call, |hash| hash.is_some_and(|hash| hash.has_due(now)))? {
        let fields: Vec<&[u8]> = words.map(|i| call.arg(i)).collect();
        expire_named(call, &fields);
    }
    Ok(())
}

/// Replies the value of one field, or null. Says whether its time was over.
#[inline(always)]
pub fn reply_value(out: &mut Out, hash: Option<HashRef<'_>>, field: &[u8], now: i64) -> bool {
    match hash.and_then(|hash| hash.find(field)) {
        Some((value, ttl)) if !is_over(ttl, now) => {
            bulk_item(out, value);
            false
        }
        found => {
            out.null();
            found.is_some()
        }
    }
}

/// Sets words from 2 on as fields and values (HSET, HMSET); returns how many fields are new.
pub fn set_pairs(call: &mut Call, name: &str) -> Result<i64, Refusal> {
    if call.args.len() % 2 == 1 {
        return Err(Refusal::arity(name));
    }
    let args = call.args;
    let pairs = (args.len() - 2) / 2;
    let longest = args.from(2).map(<[u8]>::len).max().unwrap_or(0);
    let edited = edit(call, |hash, limits| {
        hash.prepare(pairs, longest, limits);
        let mut added = 0;
        for i in (2..args.len()).step_by(2) {
            added += i64::from(hash.insert(args.get(i), args.get(i + 1), None, limits));
        }
        (added, pairs as u64)
    })?;
    call.event(Class::Hash, "hset", 1);
    Ok(edited.out)
}

/// What to reply of every field (HGETALL, HKEYS, HVALS).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    Fields,
    Values,
    Both,
}

impl Parts {
    /// Writes what is wanted of one field.
    #[inline]
    pub fn reply(self, out: &mut Out, field: Item<'_>, value: Item<'_>) {
        if self != Parts::Values {
            bulk_item(out, field);
        }
        if self != Parts::Fields {
            bulk_item(out, value);
        }
    }
}

/// Replies all fields of the hash at key 1 whose time is not over.
pub fn reply_all(call: &mut Call, parts: Parts) -> Outcome {
    let now = call.now;
    read(call, |hash, out| {
        let head = |out: &mut Out, count: usize| if parts == Parts::Both { out.map(count) } else { out.array(count) };
        let Some(hash) = hash else { return head(out, 0) };
        if !hash.has_due(now) {
            head(out, hash.len());
            return hash.iter().for_each(|(field, value, _)| parts.reply(out, field, value));
        }
        let mark = out.deferred();
        let mut count = 0;
        for (field, value, _) in hash.iter().filter(|(_, _, ttl)| !is_over(*ttl, now)) {
            parts.reply(out, field, value);
            count += 1;
        }
        if parts == Parts::Both { out.fix_map(mark, count) } else { out.fix_array(mark, count) }
    })
}

/// A number as a word.
pub fn digits(buffer: &mut itoa::Buffer, n: i64) -> &[u8] {
    buffer.format(n).as_bytes()
}

/// Records `name key FIELDS n field...`, with `at` before FIELDS where there is a time.
pub fn record_fields(call: &mut Call, name: &[u8], at: Option<i64>, fields: &[&[u8]]) {
    if !call.shard.fx.is_on || fields.is_empty() {
        return call.no_effect();
    }
    let (mut number, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut words: Vec<&[u8]> = vec![name, call.arg(1)];
    if let Some(at) = at {
        words.push(digits(&mut number, at));
    }
    words.extend([b"FIELDS".as_slice(), digits(&mut count, fields.len() as i64)]);
    words.extend(fields);
    call.effect(&words);
}

/// Records `HDEL key field...`.
pub fn record_removed(call: &mut Call, fields: &[&[u8]]) {
    if fields.is_empty() {
        return call.no_effect();
    }
    let mut words: Vec<&[u8]> = vec![b"HDEL", call.arg(1)];
    words.extend(fields);
    call.effect(&words);
}
