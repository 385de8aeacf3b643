//! What SORT and SORT_RO do: read the options, look up what the patterns name, put the elements in order, reply or store.
//! Ref: redis.io/commands/sort
//!
//! A pattern stands for a key for each element: its first `*` is the element; what follows `->` is a field of the hash there.
//! Such keys may be on any core; see `Scout` in spec/route.rs for how they get here. Elements that compare equal keep the
//! order in which they were read.

use crate::base::num::{parse_f64, parse_i64};
use crate::commands::common::{limits, missed, stored, will_tell_new, wrote};
use crate::data::codec::{add_footer, collection::dump_object};
use crate::data::collection::{Collection, Limits, Object};
use crate::data::{hash::Hash, list::List, list::Side, pack, set::Set, zset::Zset};
use crate::keyspace::{Item, Keyspace, Kind, Look, StrRef, Ttl, slot_of};
use crate::proto::encode::Out;
use crate::spec::effect::Class;
use crate::spec::{Args, Call, Outcome, Refusal, Scout, Shard};
use std::cmp::Ordering;
use std::sync::Arc;

/// Of the key specs.
pub const PATTERN_KEYS: &str = "The keys of BY and GET, whose names follow from the elements of the first key";

/// How SORT finds the keys that its patterns name.
pub const SCOUT: Scout = Scout { is_needed: |args| is_needed(args, true), further: |a, db, ks, now, f| further(a, true, db, ks, now, f) };
/// The same for SORT_RO.
pub const SCOUT_RO: Scout =
    Scout { is_needed: |args| is_needed(args, false), further: |a, db, ks, now, f| further(a, false, db, ks, now, f) };

/// What a word behind BY or GET stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// Without a `*`: no key.
    Nothing,
    /// The key `before`, element, `after`; the field of the hash there if there is one, else the string.
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    fn read(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = memchr::memchr(b'*', text) else { return Pattern::Nothing };
        let (before, after) = (&text[..star], &text[star + 1..]);
        match memchr::memmem::find(after, b"->") {
            Some(at) if at + 2 < after.len() => Pattern::Key { before, after: &after[..at], field: Some(&after[at + 2..]) },
            _ => Pattern::Key { before, after, field: None },
        }
    }

    /// The key for `element`, written into `name`.
    fn name<'n>(self, element: &[u8], name: &'n mut Vec<u8>) -> Option<&'n [u8]> {
        let Pattern::Key { before, after, .. } = self else { return None };
        name.clear();
        [before, element, after].iter().for_each(|part| name.extend_from_slice(part));
        Some(name)
    }

    /// The slot of all its keys: known when a whole hash tag stands before the element.
    fn slot(self) -> Option<u16> {
        let Pattern::Key { before, .. } = self else { return None };
        let open = memchr::memchr(b'{', before)?;
        let close = memchr::memchr(b'}', &before[open..])?;
        (close > 1).then(|| slot_of(before))
    }
}

/// What the words ask for.
struct Asked<'a> {
    by: Option<Pattern<'a>>,
    /// BY names no key: elements stay in the order in which they are.
    is_unsorted: bool,
    gets: Vec<Pattern<'a>>,
    is_descending: bool,
    is_alpha: bool,
    /// Offset and count; a negative count is all.
    limit: (i64, i64),
    /// Word of the key that takes the result.
    target: Option<usize>,
}

fn asked<'a>(args: &Args<'a>, may_store: bool) -> Result<Asked<'a>, Refusal> {
    let gets = Vec::new();
    let mut asked = Asked { by: None, is_unsorted: false, gets, is_descending: false, is_alpha: false, limit: (0, -1), target: None };
    let mut i = 2;
    while i < args.len() {
        let behind = args.len() - i - 1;
        match () {
            () if args.is(i, "ASC") => asked.is_descending = false,
            () if args.is(i, "DESC") => asked.is_descending = true,
            () if args.is(i, "ALPHA") => asked.is_alpha = true,
            () if args.is(i, "LIMIT") && behind >= 2 => {
                let offset = parse_i64(args.get(i + 1)).ok_or(Refusal::NOT_INTEGER)?;
                let count = parse_i64(args.get(i + 2)).ok_or(Refusal::NOT_INTEGER)?;
                asked.limit = (offset, count);
                i += 2;
            }
            () if may_store && args.is(i, "STORE") && behind >= 1 => {
                asked.target = Some(i + 1);
                i += 1;
            }
            () if args.is(i, "BY") && behind >= 1 => {
                let word = args.get(i + 1);
                asked.by = Some(Pattern::read(word));
                // Once a constant was named, a later pattern does not bring the sorting back.
                asked.is_unsorted |= !word.contains(&b'*');
                i += 1;
            }
            () if args.is(i, "GET") && behind >= 1 => {
                asked.gets.push(Pattern::read(args.get(i + 1)));
                i += 1;
            }
            () => return Err(Refusal::SYNTAX),
        }
        i += 1;
    }
    Ok(asked)
}

impl<'a> Asked<'a> {
    /// The patterns whose keys are looked at.
    fn patterns(&self) -> impl Iterator<Item = Pattern<'a>> {
        let by = self.by.filter(|_| !self.is_unsorted);
        by.into_iter().chain(self.gets.iter().copied()).filter(|p| matches!(p, Pattern::Key { .. }))
    }
}

/// The keys that words name: the source, and of several destinations the last, which is the one that is used.
pub fn find_keys(args: &Args, may_store: bool, out: &mut Vec<(u32, u8)>) {
    out.push((1, 0));
    let (mut target, mut i) = (None, 2);
    while i < args.len() {
        i += match () {
            () if args.is(i, "LIMIT") => 3,
            () if args.is(i, "BY") || args.is(i, "GET") => 2,
            () if may_store && args.is(i, "STORE") && i + 1 < args.len() => {
                target = Some(i as u32 + 1);
                2
            }
            () => 1,
        };
    }
    out.extend(target.map(|at| (at, 2)));
}

fn is_needed(args: &Args, may_store: bool) -> bool {
    let Ok(asked) = asked(args, may_store) else { return false };
    let own = slot_of(args.get(1));
    let is_stored_elsewhere = asked.target.is_some_and(|at| slot_of(args.get(at)) != own);
    asked.patterns().any(|pattern| is_stored_elsewhere || pattern.slot() != Some(own))
}

fn further(args: &Args, may_store: bool, db: usize, ks: &mut Keyspace, now: i64, f: &mut dyn FnMut(&[u8])) {
    let Ok(asked) = asked(args, may_store) else { return };
    let key = ks.key(args.get(1));
    let Some(item) = ks.find(db, &key, now, Look::Quiet) else { return };
    let Some(elements) = Elements::read(&item, &asked) else { return };
    let mut name = Vec::new();
    for pattern in asked.patterns() {
        for n in 0..elements.len() {
            pattern.name(elements.get(n), &mut name).into_iter().for_each(&mut *f);
        }
    }
}

/// Elements read from a collection, end to end in one buffer.
#[derive(Default)]
struct Elements {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Those that are wanted, once in order.
    wanted: (usize, usize),
}

impl Elements {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, n: usize) -> &[u8] {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[n]]
    }

    fn push(&mut self, item: pack::Item) {
        self.bytes.extend_from_slice(item.text(&mut itoa::Buffer::new()));
        self.ends.push(self.bytes.len());
    }

    /// What is to be sorted; of a list or sorted set that stays as it is, no more than is wanted. `None`: not a kind that
    /// can be sorted.
    fn read(item: &Item, asked: &Asked) -> Option<Elements> {
        let mut elements = Elements::default();
        let stays = stays(item.kind(), asked);
        match item.kind() {
            Kind::List => {
                let list = item.get::<List>()?;
                let len = usize::try_from(list.len()).unwrap_or(usize::MAX);
                let (from, to) = if stays { elements.stay(len, asked) } else { (0, len) };
                let (start, side) = if stays && asked.is_descending { (to.saturating_sub(1), Side::Right) } else { (from, Side::Left) };
                if from < to {
                    list.each(start as u64, (to - from) as u64, side, |item| {
                        elements.push(item);
                        true
                    });
                }
            }
            Kind::Zset => {
                let zset = item.get::<Zset>()?;
                let (from, to) = if stays { elements.stay(zset.len(), asked) } else { (0, zset.len()) };
                let items = zset.range_by_rank(from..to).map(|(member, _)| member);
                if stays && asked.is_descending {
                    items.rev().for_each(|item| elements.push(item));
                } else {
                    items.for_each(|item| elements.push(item));
                }
            }
            Kind::Set => item.get::<Set>()?.iter().for_each(|item| elements.push(item)),
            _ => return None,
        }
        if !stays {
            elements.wanted = wanted(elements.len(), asked.limit);
        }
        Some(elements)
    }

    /// Elements of a collection that stays as it is will be read from the first to the second number; all of them are wanted.
    fn stay(&mut self, len: usize, asked: &Asked) -> (usize, usize) {
        let (from, to) = wanted(len, asked.limit);
        self.wanted = (0, to - from);
        if asked.is_descending { (len - to, len - from) } else { (from, to) }
    }
}

/// Whether elements keep the order that their collection has, so that no more of them need be read than are wanted.
fn stays(kind: Kind, asked: &Asked) -> bool {
    asked.is_unsorted && kind != Kind::Set
}

/// The elements from the first up to, not including, the second that LIMIT leaves of `len`.
fn wanted(len: usize, (offset, count): (i64, i64)) -> (usize, usize) {
    let from = usize::try_from(offset.max(0)).unwrap_or(usize::MAX).min(len);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    (from, from.saturating_add(count).min(len))
}

/// Where and how a call looks keys up.
#[derive(Clone, Copy)]
struct Where {
    db: usize,
    now: i64,
    look: Look,
}

/// What a pattern stands for with one element.
fn look_up<'s>(shard: &'s mut Shard, at: Where, pattern: Pattern<'_>, element: &'s [u8], name: &mut Vec<u8>) -> Option<StrRef<'s>> {
    if pattern == Pattern::Element {
        return Some(StrRef::Bytes(element));
    }
    let key = shard.ks.key(pattern.name(element, name)?);
    if shard.ks.find(at.db, &key, at.now, at.look).is_none() {
        if shard.fx.mask & Class::KeyMiss as u32 != 0 {
            shard.fx.event(Class::KeyMiss, "keymiss", at.db, key.bytes);
        }
        return None;
    }
    let item = shard.ks.find(at.db, &key, at.now, Look::Quiet)?;
    match pattern {
        Pattern::Key { field: Some(field), .. } => match item.get::<Hash>()?.get_live(field, at.now)? {
            pack::Item::Int(n) => Some(StrRef::Int(n)),
            pack::Item::Text(text) => Some(StrRef::Bytes(text)),
        },
        _ if item.kind() == Kind::String => Some(item.string()),
        _ => None,
    }
}

/// The number that a text is sorted by: what the C library's `strtod` makes of all of it.
fn number(text: &[u8]) -> Option<f64> {
    let text = text.split(|b| *b == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let digits = text.iter().position(|b| !matches!(b, b' ' | b'\t'..=b'\r'))?;
    parse_f64(&text[digits..])
}

/// The numbers of elements in the order asked for, as far as they are wanted.
fn sorted(shard: &mut Shard, at: Where, elements: &Elements, asked: &Asked, by: Option<Pattern>) -> Result<Vec<usize>, Refusal> {
    let mut name = Vec::new();
    let count = elements.len();
    if asked.is_alpha {
        let Some(by) = by else {
            return Ok(in_order(elements, asked, |a, b| elements.get(a).cmp(elements.get(b))));
        };
        let texts: Vec<Option<Vec<u8>>> = (0..count).map(|n| look_up(shard, at, by, elements.get(n), &mut name).map(text_of)).collect();
        return Ok(in_order(elements, asked, |a, b| texts[a].cmp(&texts[b])));
    }
    let (mut numbers, mut is_wrong) = (Vec::with_capacity(count), false);
    for n in 0..count {
        let element = elements.get(n);
        let value = match by {
            Some(by) => look_up(shard, at, by, element, &mut name),
            None => Some(StrRef::Bytes(element)),
        };
        let number = match value {
            None => Some(0.0),
            Some(StrRef::Int(n)) => Some(n as f64),
            Some(StrRef::Bytes(text)) => number(text),
        };
        is_wrong |= number.is_none();
        numbers.push(number.unwrap_or(0.0));
    }
    if is_wrong {
        return Err(Refusal::fixed("ERR One or more scores can't be converted into double"));
    }
    let compare = |a: usize, b: usize| {
        let order = numbers[a].partial_cmp(&numbers[b]).unwrap_or(Ordering::Equal);
        order.then_with(|| elements.get(a).cmp(elements.get(b)))
    };
    Ok(in_order(elements, asked, compare))
}

fn text_of(value: StrRef) -> Vec<u8> {
    match value {
        StrRef::Int(n) => n.to_string().into_bytes(),
        StrRef::Bytes(text) => text.to_vec(),
    }
}

/// The wanted elements in the order that `compare` says; those that are equal in the order in which they were read.
fn in_order(elements: &Elements, asked: &Asked, compare: impl Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let (from, to) = elements.wanted;
    let mut numbers: Vec<usize> = (0..elements.len()).collect();
    let order = |a: &usize, b: &usize| {
        let order = compare(*a, *b);
        (if asked.is_descending { order.reverse() } else { order }).then(a.cmp(b))
    };
    if to < numbers.len() / 2 {
        numbers.select_nth_unstable_by(to, order);
        numbers.truncate(to);
    }
    numbers.sort_unstable_by(order);
    numbers.truncate(to);
    numbers.drain(..from.min(numbers.len()));
    numbers
}

/// SORT (`may_store`) and SORT_RO.
pub fn run(call: &mut Call, may_store: bool) -> Outcome {
    let mut asked = asked(&call.args, may_store)?;
    let at = Where { db: call.db, now: call.now, look: call.look() };
    let key = call.key(1);
    let elements = match call.shard.ks.find(at.db, &key, at.now, at.look) {
        None => {
            missed(call, 1);
            Elements::default()
        }
        Some(item) => {
            if asked.is_unsorted && item.kind() == Kind::Set && asked.target.is_some() {
                // A set has no order that another server would repeat.
                (asked.is_unsorted, asked.is_alpha, asked.by) = (false, true, None);
            }
            Elements::read(&item, &asked).ok_or(Refusal::WRONG_TYPE)?
        }
    };
    let numbers = if asked.is_unsorted {
        (elements.wanted.0..elements.wanted.1).collect()
    } else {
        sorted(call.shard, at, &elements, &asked, asked.by)?
    };
    match asked.target {
        None => {
            reply(call.shard, call.out, at, &elements, &numbers, &asked.gets);
            Ok(())
        }
        Some(target) => store(call, at, &elements, &numbers, &asked, target),
    }
}

fn reply(shard: &mut Shard, out: &mut Out, at: Where, elements: &Elements, numbers: &[usize], gets: &[Pattern]) {
    let mut name = Vec::new();
    out.array(numbers.len() * gets.len().max(1));
    for n in numbers {
        let element = elements.get(*n);
        if gets.is_empty() {
            out.bulk(element);
        }
        for get in gets {
            match look_up(shard, at, *get, element, &mut name) {
                None => out.null(),
                Some(StrRef::Int(n)) => out.bulk_int(n),
                Some(StrRef::Bytes(text)) => out.bulk(text),
            }
        }
    }
}

fn store(call: &mut Call, at: Where, elements: &Elements, numbers: &[usize], asked: &Asked, target: usize) -> Outcome {
    let limits = limits(call.shard);
    let list = result(call.shard, at, elements, numbers, &asked.gets, &limits);
    let count = numbers.len() * asked.gets.len().max(1);
    let key = call.key(target);
    if count == 0 {
        let is_there = call.shard.ks.find(at.db, &key, at.now, Look::Write).is_some();
        if is_there && call.shard.ks.remove(at.db, &key) {
            call.event(Class::Generic, "del", target);
            call.effect(&[b"DEL", key.bytes]);
        }
        call.out.int(0);
        return Ok(());
    }
    let is_new = will_tell_new(call, target);
    let object = List::wrap(Arc::new(list));
    let payload = (call.shard.fx.is_on && asked.patterns().next().is_some()).then(|| payload(call.shard, &object));
    stored(call.shard.ks.put_object(at.db, &key, object, Ttl::None))?;
    call.shard.ks.stats.changes += count as u64 - 1;
    wrote(call, is_new, Class::List, "sortstore", target);
    // What the patterns found may be elsewhere, and another value, when the effect is repeated: so the result is the effect.
    if let Some(payload) = payload {
        call.effect(&[b"RESTORE", key.bytes, b"0", &payload, b"REPLACE"]);
    }
    call.out.int(count as i64);
    Ok(())
}

fn result(shard: &mut Shard, at: Where, elements: &Elements, numbers: &[usize], gets: &[Pattern], limits: &Limits) -> List {
    let (mut list, mut name) = (List::default(), Vec::new());
    for n in numbers {
        let element = elements.get(*n);
        if gets.is_empty() {
            list.push_back(element, limits);
        }
        for get in gets {
            match look_up(shard, at, *get, element, &mut name) {
                None => list.push_back(b"", limits),
                Some(StrRef::Int(n)) => list.push_back(itoa::Buffer::new().format(n).as_bytes(), limits),
                Some(StrRef::Bytes(text)) => list.push_back(text, limits),
            }
        }
    }
    list
}

fn payload(shard: &Shard, object: &Object) -> Vec<u8> {
    let mut payload = Vec::new();
    dump_object(&mut payload, object, shard.config.rdbcompression);
    add_footer(&mut payload);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_keys_and_fields() {
        let key = |before, after, field| Pattern::Key { before, after, field };
        assert_eq!(Pattern::read(b"#"), Pattern::Element);
        assert_eq!(Pattern::read(b"nosort->x"), Pattern::Nothing);
        assert_eq!(Pattern::read(b"w_*"), key(b"w_", b"", None));
        assert_eq!(Pattern::read(b"a*b*->f->g"), key(b"a", b"b*", Some(b"f->g")));
        assert_eq!(Pattern::read(b"a->*"), key(b"a->", b"", None));
        assert_eq!(Pattern::read(b"a*->"), key(b"a", b"->", None));
        assert_eq!(Pattern::read(b"*").name(b"x", &mut Vec::new()), Some(&b"x"[..]));
    }

    #[test]
    fn only_a_whole_tag_before_the_element_fixes_the_slot() {
        for (text, is_fixed) in
            [("{u}w_*", true), ("x{u}*->f", true), ("w_*{u}", false), ("{u*}", false), ("{}*", false), ("{*", false), ("*", false)]
        {
            assert_eq!(Pattern::read(text.as_bytes()).slot(), is_fixed.then(|| slot_of(b"{u}")), "{text}");
        }
    }

    #[test]
    fn limits_are_cut_to_what_is_there() {
        let cases = [(0, -1), (2, 2), (-5, 2), (9, 1), (0, 0), (i64::MAX, i64::MAX), (1, i64::MIN), (3, i64::MAX)];
        let got: Vec<(usize, usize)> = cases.iter().map(|c| wanted(5, *c)).collect();
        assert_eq!(got, [(0, 5), (2, 4), (0, 2), (5, 5), (0, 0), (5, 5), (1, 5), (3, 5)]);
    }

    #[test]
    fn numbers_are_read_as_the_c_library_reads_them() {
        for (text, value) in [("", 0.0), (" 1.5", 1.5), ("\t-0x10", -16.0), ("inf", f64::INFINITY), ("1\0x", 1.0)] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in ["a", "1 ", " ", "nan", "1e400", "1x"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
    }
}
