//! What list commands have in common: looking a list up, pushing, popping, moving. The blocking commands run these too.
//!
//! All of them work on one keyspace; keys are named by the word of the call that holds them.
//! Ref: redis.io/commands/lmove, redis.io/commands/lmpop, redis.io/docs/latest/develop/use/keyspace-notifications

use crate::base::num::parse_i64;
use crate::commands::common::{limits, unedited, wrote};
use crate::data::collection::{Collection, Limits};
use crate::data::list::{List, ListRef, Side};
use crate::data::pack::Item;
use crate::keyspace::{Key, Keyspace, Look};
use crate::proto::encode::Out;
use crate::spec::effect::Class;
use crate::spec::{Arg, Call, Outcome, Refusal};

/// The argument grammar of a side; `name`: of the argument.
pub const fn side_arg(name: &'static str) -> Arg {
    const SIDES: &[Arg] = &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")];
    Arg::one_of(name, SIDES)
}

/// The side that word `i` names.
pub(in crate::commands) fn side_of(call: &Call, i: usize) -> Result<Side, Refusal> {
    if call.args.is(i, "LEFT") {
        Ok(Side::Left)
    } else if call.args.is(i, "RIGHT") {
        Ok(Side::Right)
    } else {
        Err(Refusal::SYNTAX)
    }
}

/// An integer but the lowest one, whose opposite does not exist.
pub(in crate::commands) fn symmetric(word: &[u8]) -> Result<i64, Refusal> {
    match parse_i64(word).ok_or(Refusal::NOT_INTEGER)? {
        i64::MIN => Err(Refusal::fixed("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")),
        number => Ok(number),
    }
}

/// A number of `least` or more; everything else gets `refusal`.
pub(in crate::commands) fn at_least(word: &[u8], least: u64, refusal: Refusal) -> Result<u64, Refusal> {
    let number = parse_i64(word).and_then(|n| u64::try_from(n).ok()).filter(|n| *n >= least);
    number.ok_or(refusal)
}

/// The list at a key; `None` without the key, refused if it is of another type.
#[inline]
pub(in crate::commands) fn find<'k>(
    ks: &'k mut Keyspace,
    db: usize,
    key: &Key,
    now: i64,
    look: Look,
) -> Result<Option<ListRef<'k>>, Refusal> {
    match ks.find(db, key, now, look) {
        None => Ok(None),
        Some(item) => item.get::<List>().map(Some).ok_or(Refusal::WRONG_TYPE),
    }
}

/// Length of the list at the key of word `i`, which a command is about to change; `None` without the key.
#[inline]
pub(in crate::commands) fn len_to_write(call: &mut Call, i: usize) -> Result<Option<u64>, Refusal> {
    let key = call.key(i);
    Ok(find(&mut call.shard.ks, call.db, &key, call.now, Look::Write)?.map(|list| list.len()))
}

/// Changes the list at the key of word `i`. `change` returns what it likes and the number of changes.
pub(in crate::commands) fn edit<R>(call: &mut Call, i: usize, change: impl FnOnce(&mut List) -> (R, u64)) -> Result<Changed<R>, Refusal> {
    let key = call.key(i);
    let done = call.shard.ks.edit::<List, R>(call.db, &key, change).ok_or(Refusal::ARENA_FULL)?;
    Ok(Changed { out: done.out, is_new: done.is_new, is_gone: done.is_gone })
}

/// The same for a list at which nobody looked before.
#[inline]
fn edit_live<R>(call: &mut Call, i: usize, change: impl FnOnce(&mut List) -> (R, u64)) -> Result<Changed<R>, Refusal> {
    let key = call.key(i);
    let done = call.shard.ks.edit_live::<List, R>(call.db, &key, call.now, change).map_err(unedited)?;
    Ok(Changed { out: done.out, is_new: done.is_new, is_gone: done.is_gone })
}

/// What a change left behind.
pub(in crate::commands) struct Changed<R> {
    /// What the change returned.
    pub out: R,
    /// The key is new.
    pub is_new: bool,
    /// The key went away because the list is empty now.
    pub is_gone: bool,
}

impl<R> Changed<R> {
    /// Tells of the change: the key is new, `name` happened, the key is gone.
    pub fn tell(&self, call: &mut Call, name: &'static str, i: usize) {
        wrote(call, self.is_new, Class::List, name, i);
        if self.is_gone {
            call.event(Class::Generic, "del", i);
        }
    }
}

fn push_event(side: Side) -> &'static str {
    if side == Side::Left { "lpush" } else { "rpush" }
}

fn pop_event(side: Side) -> &'static str {
    if side == Side::Left { "lpop" } else { "rpop" }
}

/// Writes an element.
#[inline]
pub(in crate::commands) fn bulk(out: &mut Out, item: Item) {
    match item {
        Item::Int(number) => out.bulk_int(number),
        Item::Text(text) => out.bulk(text),
    }
}

/// LPUSH and its like: pushes words 2 and up to the list at word 1 and replies its length.
pub(super) fn push_words(call: &mut Call, side: Side, must_exist: bool) -> Outcome {
    if must_exist && len_to_write(call, 1)?.is_none() {
        call.out.int(0);
        return Ok(());
    }
    let (args, limits) = (call.args, limits(call.shard));
    let done = edit_live(call, 1, |list| {
        let count = args.len() as u64 - 2;
        list.make_room(args.from(2).map(<[u8]>::len).sum(), count, &limits);
        args.from(2).for_each(|word| list.push(side, word, &limits));
        (list.view().len(), count)
    })?;
    done.tell(call, push_event(side), 1);
    call.out.int(done.out as i64);
    Ok(())
}

/// Takes `count` elements off an end of the list at the key of word `i`, which has that many, and replies each as a bulk string.
pub(in crate::commands) fn pop(call: &mut Call, i: usize, side: Side, count: u64) -> Outcome {
    let (key, limits) = (call.key(i), limits(call.shard));
    let start = call.out.buf.len();
    let out = &mut *call.out;
    let done = call.shard.ks.edit::<List, ()>(call.db, &key, |list| {
        let mut popped = 0;
        while popped < count && list.pop(side, &limits, |item| bulk(out, item)).is_some() {
            popped += 1;
        }
        list.shrink(&limits);
        ((), popped)
    });
    let Some(done) = done else {
        call.out.buf.truncate(start);
        return Err(Refusal::ARENA_FULL);
    };
    Changed { out: (), is_new: false, is_gone: done.is_gone }.tell(call, pop_event(side), i);
    Ok(())
}

/// LPOP, RPOP: replies one element or, when a count is given, an array.
pub(super) fn pop_words(call: &mut Call, side: Side) -> Outcome {
    let count = match call.args.len() {
        2 => None,
        3 => Some(at_least(call.arg(2), 0, Refusal::OUT_OF_RANGE_POSITIVE)?),
        _ => return Err(Refusal::arity(if side == Side::Left { "lpop" } else { "rpop" })),
    };
    match (len_to_write(call, 1)?, count) {
        (None, None) => call.out.null(),
        (None, Some(_)) => call.out.null_array(),
        (Some(_), None) => return pop(call, 1, side, 1),
        (Some(_), Some(0)) => call.out.array(0),
        (Some(len), Some(count)) => return pop_array(call, 1, side, count.min(len)),
    }
    Ok(())
}

/// [`pop`] as an array.
fn pop_array(call: &mut Call, i: usize, side: Side, count: u64) -> Outcome {
    let start = call.out.buf.len();
    call.out.array(count as usize);
    let done = pop(call, i, side, count);
    if done.is_err() {
        call.out.buf.truncate(start);
    }
    done
}

/// Moves an element from an end of the list at word `source` to an end of the one at word `target` and replies it; null without
/// a source. The same key may be both.
pub(in crate::commands) fn move_element(call: &mut Call, source: usize, target: usize, from: Side, to: Side) -> Outcome {
    if len_to_write(call, source)?.is_none() {
        call.out.null();
        return Ok(());
    }
    len_to_write(call, target)?;
    if call.arg(source) == call.arg(target) { rotate(call, source, target, from, to) } else { move_between(call, source, target, from, to) }
}

/// An element on its way from one list to another.
struct Moved {
    text: Vec<u8>,
    /// What it adds to a small list, as Redis counts: what was stored as a number counts nothing.
    bytes: usize,
}

impl Moved {
    fn of(item: Item) -> Moved {
        let text = item.to_vec();
        let bytes = if matches!(item, Item::Int(_)) { 0 } else { text.len() };
        Moved { text, bytes }
    }

    fn push(&self, list: &mut List, side: Side, limits: &Limits) {
        list.make_room(self.bytes, 1, limits);
        list.push(side, &self.text, limits);
    }
}

fn rotate(call: &mut Call, source: usize, target: usize, from: Side, to: Side) -> Outcome {
    let limits = limits(call.shard);
    let done = edit(call, source, |list| {
        let Some(moved) = list.pop(from, &limits, Moved::of) else { return (Vec::new(), 0) };
        moved.push(list, to, &limits);
        list.shrink(&limits);
        (moved.text, 1)
    })?;
    call.event(Class::List, push_event(to), target);
    call.event(Class::List, pop_event(from), source);
    call.out.bulk(&done.out);
    Ok(())
}

fn move_between(call: &mut Call, source: usize, target: usize, from: Side, to: Side) -> Outcome {
    let (key, limits) = (call.key(source), limits(call.shard));
    let list = find(&mut call.shard.ks, call.db, &key, call.now, Look::Quiet)?;
    let end = list.and_then(|list| if from == Side::Left { list.iter().next() } else { list.iter().next_back() });
    let Some(moved) = end.map(|elem| Moved::of(elem.item())) else {
        call.out.null();
        return Ok(());
    };
    let pushed = edit(call, target, |list| {
        moved.push(list, to, &limits);
        ((), 1)
    })?;
    pushed.tell(call, push_event(to), target);
    let popped = edit(call, source, |list| {
        list.pop(from, &limits, |_| ());
        list.shrink(&limits);
        ((), 1)
    })?;
    // The move is one change, not two.
    call.shard.ks.stats.changes -= 1;
    popped.tell(call, pop_event(from), source);
    call.out.bulk(&moved.text);
    Ok(())
}

/// What follows the keys of LMPOP and BLMPOP.
pub(in crate::commands) struct PopPlan {
    /// Number of keys.
    pub keys: usize,
    /// The end from which elements are taken.
    pub side: Side,
    /// Most elements taken, at least 1.
    pub count: u64,
}

/// Reads LMPOP's words: `numkeys` is word `at`, the keys follow.
pub(in crate::commands) fn pop_plan(call: &Call, at: usize) -> Result<PopPlan, Refusal> {
    let keys = at_least(call.arg(at), 1, Refusal::fixed("ERR numkeys should be greater than 0"))?;
    let keys = usize::try_from(keys).map_err(|_| Refusal::SYNTAX)?;
    let word = keys.checked_add(at + 1).filter(|word| *word < call.args.len()).ok_or(Refusal::SYNTAX)?;
    let side = side_of(call, word)?;
    let mut count = None;
    let mut i = word + 1;
    while i < call.args.len() {
        if count.is_some() || !call.args.is(i, "COUNT") || i + 1 == call.args.len() {
            return Err(Refusal::SYNTAX);
        }
        count = Some(at_least(call.arg(i + 1), 1, Refusal::fixed("ERR count should be greater than 0"))?);
        i += 2;
    }
    Ok(PopPlan { keys, side, count: count.unwrap_or(1) })
}

/// Pops from the first list among the keys of words `first` and up that exists and replies its key and the elements. False, and no reply, without
/// one. Recorded as LPOP or RPOP with the number that was popped.
pub(in crate::commands) fn pop_first(call: &mut Call, first: usize, plan: &PopPlan) -> Result<bool, Refusal> {
    for i in first..first + plan.keys {
        let Some(len) = len_to_write(call, i)? else { continue };
        let (key, count, start) = (call.arg(i), plan.count.min(len), call.out.buf.len());
        call.out.array(2);
        call.out.bulk(key);
        if let Err(refusal) = pop_array(call, i, plan.side, count) {
            call.out.buf.truncate(start);
            return Err(refusal);
        }
        let name: &[u8] = if plan.side == Side::Left { b"LPOP" } else { b"RPOP" };
        call.effect(&[name, key, itoa::Buffer::new().format(count).as_bytes()]);
        return Ok(true);
    }
    Ok(false)
}
