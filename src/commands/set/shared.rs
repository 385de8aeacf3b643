//! What several commands on sets need: reading one or several, replying members, storing a result.

use std::ops::Range;
use std::sync::Arc;

use crate::base::rng::Rng;
use crate::commands::common::{missed, stored, will_tell_new, wrote};
use crate::data::collection::{Collection, Object};
use crate::data::pack::Item;
use crate::data::set::{Set, SetRef};
use crate::keyspace::{Edited, Look, Ttl};
use crate::proto::encode::Out;
use crate::spec::{Call, Outcome, Refusal, effect::Class};

/// Reads the set at the key of word `i`, with the reply and chance at hand; `None` if there is no such key.
#[inline]
pub fn read<R>(call: &mut Call, i: usize, f: impl FnOnce(SetRef, &mut Out, &mut Rng) -> R) -> Result<Option<R>, Refusal> {
    let (key, look) = (call.key(i), call.look());
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else {
        missed(call, i);
        return Ok(None);
    };
    let set = item.get::<Set>().ok_or(Refusal::WRONG_TYPE)?;
    Ok(Some(f(set, call.out, &mut call.shard.rng)))
}

/// The sets at the keys of these words, held so that others can be looked up and changed; `None` for a missing one.
/// Refused if any of them is something else, also behind a missing one.
pub fn sources(call: &mut Call, words: Range<usize>) -> Result<Vec<Option<Object>>, Refusal> {
    let look = call.look();
    let mut found = Vec::with_capacity(words.len());
    for i in words {
        let key = call.key(i);
        let object = match call.shard.ks.find(call.db, &key, call.now, look) {
            Some(item) if item.kind() == Set::KIND => item.to_object(),
            Some(_) => return Err(Refusal::WRONG_TYPE),
            None => {
                missed(call, i);
                None
            }
        };
        found.push(object);
    }
    Ok(found)
}

/// Those sets, to read.
pub fn views(found: &[Option<Object>]) -> Vec<Option<SetRef<'_>>> {
    found.iter().map(|object| object.as_ref().and_then(Set::of).map(Set::view)).collect()
}

/// Stores a result at key 1, in place of whatever is there; an empty one deletes it. Replies its size.
pub fn store(call: &mut Call, set: Set, event: &'static str) -> Outcome {
    let key = call.key(1);
    let size = set.view().len();
    if size == 0 {
        // Found first: a key whose time has passed counts as gone already.
        if call.shard.ks.find(call.db, &key, call.now, Look::Write).is_some() {
            call.shard.ks.remove(call.db, &key);
            call.event(Class::Generic, "del", 1);
        }
    } else {
        let is_new = will_tell_new(call, 1);
        stored(call.shard.ks.put_object(call.db, &key, Set::wrap(Arc::new(set)), Ttl::None))?;
        wrote(call, is_new, Class::Set, event, 1);
    }
    call.out.int(size as i64);
    Ok(())
}

/// What a change left behind, or that there was no memory for it.
pub fn edited<R>(done: Option<Edited<R>>) -> Result<Edited<R>, Refusal> {
    done.ok_or(Refusal::ARENA_FULL)
}

/// Replies a member.
#[inline]
pub fn reply_item(out: &mut Out, item: Item) {
    match item {
        Item::Text(text) => out.bulk(text),
        Item::Int(n) => out.bulk_int(n),
    }
}

/// Replies all members, without their number.
pub fn members(out: &mut Out, set: SetRef) {
    set.iter().for_each(|item| reply_item(out, item));
}

/// Members that were taken out of a set, end to end in one buffer.
#[derive(Default)]
pub struct Members {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Members {
    /// Adds one.
    pub fn push(&mut self, item: Item) {
        self.bytes.extend_from_slice(item.text(&mut itoa::Buffer::new()));
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, i: usize) -> Option<&[u8]> {
        let start = if i == 0 { 0 } else { *self.ends.get(i - 1)? };
        self.bytes.get(start..*self.ends.get(i)?)
    }

    /// The one that was added last.
    pub fn last(&self) -> Option<&[u8]> {
        self.get(self.count().checked_sub(1)?)
    }

    /// In the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count()).filter_map(|i| self.get(i))
    }
}
