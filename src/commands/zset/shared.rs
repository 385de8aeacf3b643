//! What commands on sorted sets have in common: reading one, changing one, storing a result, taking members from an end.

use std::ops::Range;

use crate::commands::common::{missed, stored, unedited, will_tell_new, wrote};
use crate::data::collection::Collection;
use crate::data::pack::Item;
use crate::data::zset::{Zset, ZsetRef};
use crate::keyspace::{Edited, Key, Keyspace, Look, Ttl};
use crate::proto::encode::Out;
use crate::spec::{Call, Outcome, Refusal, effect::Class};
use std::sync::Arc;

/// The sorted set at a key; refused if the key holds another type.
#[inline]
pub(in crate::commands) fn view<'k>(
    ks: &'k mut Keyspace,
    db: usize,
    key: &Key,
    now: i64,
    look: Look,
) -> Result<Option<ZsetRef<'k>>, Refusal> {
    match ks.find(db, key, now, look) {
        None => Ok(None),
        Some(item) => item.get::<Zset>().map(Some).ok_or(Refusal::WRONG_TYPE),
    }
}

/// Replies about the sorted set at the key of word `i`: by `reply`, or by `absent` if there is none.
#[inline]
pub(super) fn read(call: &mut Call, i: usize, absent: impl FnOnce(&mut Out), reply: impl FnOnce(&mut Out, ZsetRef)) -> Outcome {
    let (key, look) = (call.key(i), call.look());
    match view(&mut call.shard.ks, call.db, &key, call.now, look)? {
        Some(zset) => reply(call.out, zset),
        None => {
            absent(call.out);
            missed(call, i);
        }
    }
    Ok(())
}

/// Looks for the sorted set at the key of word `i` before it is changed. False if there is none.
#[inline]
pub(super) fn is_there(call: &mut Call, i: usize) -> Result<bool, Refusal> {
    let key = call.key(i);
    Ok(view(&mut call.shard.ks, call.db, &key, call.now, Look::Write)?.is_some())
}

/// Changes the sorted set at the key of word `i`, whose type was looked at; see [`Keyspace::edit`].
#[inline]
pub(super) fn change<R>(call: &mut Call, i: usize, f: impl FnOnce(&mut Zset) -> (R, u64)) -> Result<Edited<R>, Refusal> {
    let key = call.key(i);
    call.shard.ks.edit(call.db, &key, f).ok_or(Refusal::ARENA_FULL)
}

/// The same for a sorted set at which nobody looked before.
#[inline]
pub(super) fn change_live<R>(call: &mut Call, i: usize, f: impl FnOnce(&mut Zset) -> (R, u64)) -> Result<Edited<R>, Refusal> {
    let key = call.key(i);
    call.shard.ks.edit_live(call.db, &key, call.now, f).map_err(unedited)
}

/// Takes the members of the ranks that `ranks` names out of the sorted set at key 1 and replies how many (ZREMRANGEBY*).
pub(super) fn remove_ranks(call: &mut Call, event: &'static str, ranks: impl FnOnce(ZsetRef) -> Range<usize>) -> Outcome {
    let mut count = 0;
    if is_there(call, 1)? {
        let edited = change(call, 1, |zset: &mut Zset| {
            let ranks = ranks(zset.view());
            let count = zset.remove_range(ranks, false, &mut |_, _| {});
            (count, count as u64)
        })?;
        count = edited.out;
        if count > 0 {
            call.event(Class::Zset, event, 1);
        }
        if edited.is_gone {
            call.event(Class::Generic, "del", 1);
        }
    }
    call.out.int(count as i64);
    Ok(())
}

/// A member that was taken out, with its score.
pub(in crate::commands) type Popped = (Vec<u8>, f64);

/// Which end of a sorted set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::commands) enum End {
    Min,
    Max,
}

impl End {
    /// The end that `word` names.
    pub(in crate::commands) fn of(word: &[u8]) -> Option<End> {
        match () {
            () if word.eq_ignore_ascii_case(b"MIN") => Some(End::Min),
            () if word.eq_ignore_ascii_case(b"MAX") => Some(End::Max),
            () => None,
        }
    }

    /// The command that pops from this end, as the log records it.
    pub(in crate::commands) fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }

    fn event(self) -> &'static str {
        match self {
            End::Min => "zpopmin",
            End::Max => "zpopmax",
        }
    }
}

/// Takes up to `count` members from one end of the sorted set at the key of word `i` and tells the events; nothing if there is
/// none. The effect to record is the caller's. Refused if the key holds another type.
pub(in crate::commands) fn pop(call: &mut Call, i: usize, end: End, count: u64) -> Result<Vec<Popped>, Refusal> {
    if !is_there(call, i)? || count == 0 {
        return Ok(Vec::new());
    }
    let edited = change(call, i, |zset: &mut Zset| {
        let len = zset.view().len();
        let count = usize::try_from(count).unwrap_or(len).min(len);
        let ranks = if end == End::Max { len - count..len } else { 0..count };
        let mut popped = Vec::with_capacity(count);
        zset.remove_range(ranks, end == End::Max, &mut |member, score| popped.push((member.to_vec(), score)));
        let changes = popped.len() as u64;
        (popped, changes)
    })?;
    call.event(Class::Zset, end.event(), i);
    if edited.is_gone {
        call.event(Class::Generic, "del", i);
    }
    Ok(edited.out)
}

/// Pops from the first of the keys of words `first` to `last` that has any member. Returns its word too.
/// Refused at the first key of another type.
pub(in crate::commands) fn pop_first(
    call: &mut Call,
    words: Range<usize>,
    end: End,
    count: u64,
) -> Result<Option<(usize, Vec<Popped>)>, Refusal> {
    for i in words {
        let popped = pop(call, i, end, count)?;
        if !popped.is_empty() {
            return Ok(Some((i, popped)));
        }
    }
    Ok(None)
}

/// Replies `[key, [[member, score], ...]]`, as ZMPOP and BZMPOP do.
pub(in crate::commands) fn reply_popped_with_key(out: &mut Out, key: &[u8], popped: &[Popped]) {
    out.array(2);
    out.bulk(key);
    out.array(popped.len());
    for (member, score) in popped {
        out.array(2);
        out.bulk(member);
        out.double(*score);
    }
}

/// ZPOPMIN and ZPOPMAX.
pub(super) fn pop_one_key(call: &mut Call, end: End) -> Outcome {
    if call.args.len() > 3 {
        return Err(Refusal::SYNTAX);
    }
    let count = match call.args.try_get(2) {
        None => None,
        Some(word) => Some(positive(word).ok_or(Refusal::OUT_OF_RANGE_POSITIVE)?),
    };
    let popped = pop(call, 1, end, count.unwrap_or(1))?;
    // Pairs of their own in RESP3, but not where one member was asked for without a number.
    let nested = call.out.resp3 && count.is_some();
    call.out.array(if nested { popped.len() } else { popped.len() * 2 });
    for (member, score) in &popped {
        if nested {
            call.out.array(2);
        }
        call.out.bulk(member);
        call.out.double(*score);
    }
    Ok(())
}

/// A number that is not negative.
pub(super) fn positive(word: &[u8]) -> Option<u64> {
    crate::base::num::parse_i64(word).and_then(|n| u64::try_from(n).ok())
}

/// Replies members with or without their scores: pairs in RESP3, one after the other in RESP2.
pub(super) fn reply_members<'z>(out: &mut Out, members: impl Iterator<Item = (Item<'z>, f64)>, count: usize, with_scores: bool) {
    out.array(if with_scores && !out.resp3 { count * 2 } else { count });
    let mut digits = itoa::Buffer::new();
    for (member, score) in members {
        if with_scores && out.resp3 {
            out.array(2);
        }
        out.bulk(member.text(&mut digits));
        if with_scores {
            out.double(score);
        }
    }
}

/// Stores a result at the key of word `i`, whatever was there, and replies its length; an empty one deletes the key.
pub(in crate::commands) fn store(call: &mut Call, i: usize, zset: Zset, event: &'static str) -> Outcome {
    let (key, len) = (call.key(i), zset.view().len());
    if len == 0 {
        let db = call.db;
        if call.shard.ks.find(db, &key, call.now, Look::Write).is_some() {
            call.shard.ks.remove(db, &key);
            call.event(Class::Generic, "del", i);
        }
    } else {
        let is_new = will_tell_new(call, i);
        stored(call.shard.ks.put_object(call.db, &key, Zset::wrap(Arc::new(zset)), Ttl::None))?;
        wrote(call, is_new, Class::Zset, event, i);
    }
    call.out.int(len as i64);
    Ok(())
}
