//! How XREAD and XREADGROUP are read and served: the words, where reading begins, the reply. Waiting is not done here: a
//! blocked call is read and resolved once, and served again whenever one of its keys has changed.
//! Ref: redis.io/commands/xread, redis.io/commands/xreadgroup

use super::claims::Tale;
use super::shared::{count_or_all, id, integer, read, reply_entries, reply_entry, reply_id};
use crate::base::num::parse_i64;
use crate::data::stream::{Facts, Group, Id, Log, Pending, Stream};
use crate::keyspace::{Kind, Look};
use crate::proto::encode::{Mark, Out};
use crate::spec::effect::Class;
use crate::spec::{Block, Call, Outcome, Refusal};

/// The words before the keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::commands) struct Reading {
    /// Most entries of each stream.
    pub count: usize,
    /// How long to wait for entries, ms; 0 = for ever; `None` = not at all.
    pub block: Option<i64>,
    /// Entries do not become pending.
    pub noack: bool,
    /// Words of group and consumer (XREADGROUP).
    pub group: Option<(usize, usize)>,
    /// Word of the first key, and number of keys; as many IDs follow.
    pub first: usize,
    pub keys: usize,
}

/// Where reading a stream begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::commands) enum From {
    /// After this ID: of the stream, or with a group of what is pending for the consumer.
    After(Id),
    /// With what the group has not delivered yet (`>`).
    New,
}

/// Reads the words of XREAD, or of XREADGROUP if `is_group`.
pub(in crate::commands) fn reading(call: &Call, is_group: bool) -> Result<Reading, Refusal> {
    let args = &call.args;
    let mut reading = Reading { count: usize::MAX, block: None, noack: false, group: None, first: 0, keys: 0 };
    let mut i = 1;
    while i < args.len() && reading.first == 0 {
        let more = args.len() - 1 - i;
        if args.is(i, "BLOCK") && more > 0 {
            reading.block = Some(timeout(args.get(i + 1), call.now)?);
            i += 1;
        } else if args.is(i, "COUNT") && more > 0 {
            reading.count = count_or_all(integer(args.get(i + 1))?);
            i += 1;
        } else if args.is(i, "STREAMS") && more > 0 {
            if !more.is_multiple_of(2) {
                return Err(unbalanced(is_group));
            }
            (reading.first, reading.keys) = (i + 1, more / 2);
        } else if args.is(i, "GROUP") && more >= 2 {
            if !is_group {
                return Err(Refusal::fixed("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."));
            }
            reading.group = Some((i + 1, i + 2));
            i += 2;
        } else if args.is(i, "NOACK") {
            if !is_group {
                return Err(Refusal::fixed("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."));
            }
            reading.noack = true;
        } else {
            return Err(Refusal::SYNTAX);
        }
        i += 1;
    }
    if reading.first == 0 {
        return Err(Refusal::SYNTAX);
    }
    if is_group && reading.group.is_none() {
        return Err(Refusal::fixed("ERR Missing GROUP option for XREADGROUP"));
    }
    Ok(reading)
}

fn unbalanced(is_group: bool) -> Refusal {
    let (name, sign) = if is_group { ("xreadgroup", '>') } else { ("xread", '$') };
    Refusal::text(format!("ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{sign}' must be specified."))
}

/// Milliseconds to wait.
fn timeout(word: &[u8], now: i64) -> Result<i64, Refusal> {
    let ms = parse_i64(word).ok_or(Refusal::TIMEOUT_NOT_INTEGER)?;
    match ms {
        ..0 => Err(Refusal::TIMEOUT_NEGATIVE),
        _ if ms.checked_add(now).is_none() => Err(Refusal::TIMEOUT_RANGE),
        _ => Ok(ms),
    }
}

/// Where reading each stream begins: `$`, `+` and groups are looked up now.
pub(in crate::commands) fn resolve(call: &mut Call, reading: &Reading) -> Result<Vec<From>, Refusal> {
    (0..reading.keys).map(|n| resolve_one(call, reading, n)).collect()
}

fn resolve_one(call: &mut Call, reading: &Reading, n: usize) -> Result<From, Refusal> {
    let (key_at, id_at) = (reading.first + n, reading.first + reading.keys + n);
    let word = call.arg(id_at);
    let group = reading.group.map(|(group_at, _)| call.arg(group_at));
    let known = read(call, key_at, |stream, _| {
        let last_entry = if word == b"+" { stream.log().last_entry() } else { None };
        (stream.facts.last, last_entry, group.is_some_and(|name| stream.group(name).is_some()))
    })?;
    if let Some(name) = group
        && known.is_none_or(|(.., has_group)| !has_group)
    {
        let text = [b"NOGROUP No such key '", call.arg(key_at), b"' or consumer group '", name, b"' in XREADGROUP with GROUP option"];
        return Err(Refusal::quoting(text.concat()));
    }
    match (word, reading.group) {
        (b"$", None) => Ok(From::After(known.map_or(Id::MIN, |(last, ..)| last))),
        (b"+", None) => Ok(From::After(known.and_then(|(_, last, _)| last?.prev()).unwrap_or(Id::MIN))),
        (b">", Some(_)) => Ok(From::New),
        (b"$", Some(_)) => Err(Refusal::fixed(
            "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
        )),
        (b"+", Some(_)) => Err(Refusal::fixed(
            "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.",
        )),
        (b">", None) => {
            Err(Refusal::fixed("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."))
        }
        // The greatest ID means the same as `>`.
        _ => match id(word, 0)? {
            Id::MAX if reading.group.is_some() => Ok(From::New),
            id => Ok(From::After(id)),
        },
    }
}

/// Replies what there is. False, and nothing replied, where there is nothing: to wait or to reply null is the caller's choice.
pub(in crate::commands) fn serve(call: &mut Call, reading: &Reading, from: &[From]) -> Result<bool, Refusal> {
    let mut reply = Reply { mark: None, streams: 0 };
    for (n, from) in from.iter().enumerate() {
        let key_at = reading.first + n;
        match (reading.group, *from) {
            (None, From::After(after)) => read_stream(call, reading, key_at, after, &mut reply),
            (None, From::New) => {}
            (Some(group), from) => read_group(call, reading, key_at, group, from, &mut reply)?,
        }
    }
    if reading.group.is_some() {
        // What there is to record was recorded with each stream.
        call.no_effect();
    }
    Ok(reply.end(call.out))
}

/// There was nothing: waits for entries if the call says so, else replies nothing.
pub(in crate::commands) fn wait_or_nothing(call: &mut Call, reading: &Reading, from: &[From]) -> Outcome {
    let Some(ms) = reading.block.filter(|_| call.may_block()) else {
        call.out.null_array();
        return Ok(());
    };
    let ids = reading.first + reading.keys;
    // `$` is the end as of now, also when the call is run again.
    let ends = from.iter().enumerate().filter_map(|(n, from)| match from {
        From::After(after) if call.arg(ids + n) == b"$" => Some((ids + n, id_text(*after))),
        _ => None,
    });
    let words = ends.collect();
    let until = if ms == 0 { 0 } else { call.now.saturating_add(ms) };
    let wants_any = reading.group.is_some();
    call.block(Block { until, keys: reading.first..ids, kind: Kind::Stream, wants_any, words });
    Ok(())
}

fn id_text(id: Id) -> Vec<u8> {
    format!("{}-{}", id.ms, id.seq).into_bytes()
}

/// The reply as it grows, one element a stream.
struct Reply {
    mark: Option<Mark>,
    streams: usize,
}

impl Reply {
    fn begin_stream(&mut self, out: &mut Out, key: &[u8]) {
        self.mark.get_or_insert_with(|| out.deferred());
        self.streams += 1;
        if !out.resp3 {
            out.array(2);
        }
        out.bulk(key);
    }

    fn end(self, out: &mut Out) -> bool {
        let Some(mark) = self.mark else { return false };
        if out.resp3 {
            out.fix_map(mark, self.streams);
        } else {
            out.fix_array(mark, self.streams);
        }
        true
    }
}

fn read_stream(call: &mut Call, reading: &Reading, key_at: usize, after: Id, reply: &mut Reply) {
    let key = call.key(key_at);
    let item = call.shard.ks.find(call.db, &key, call.now, Look::Quiet);
    let Some(stream) = item.and_then(|item| item.get::<Stream>()) else { return };
    if stream.log().last_entry().is_some_and(|last| last > after)
        && let Some(start) = after.next()
    {
        reply.begin_stream(call.out, key.bytes);
        reply_entries(call.out, stream.log().range(start, Id::MAX), reading.count);
    }
}

fn read_group(call: &mut Call, reading: &Reading, key_at: usize, group: (usize, usize), from: From, reply: &mut Reply) -> Outcome {
    let (name, consumer, now) = (call.arg(group.0), call.arg(group.1), call.now);
    let key = call.key(key_at);
    let mut tale = Tale::new(call);
    let out = &mut *call.out;
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let Some((mut group, log, facts)) = stream.group_mut(name) else { return (false, 0) };
        let (number, is_new) = group.enroll(consumer, now);
        if is_new {
            tale.enrolled(consumer);
        }
        if let Some(consumer) = group.consumer_mut(number) {
            consumer.seen = now;
        }
        let has_new = match from {
            From::After(after) => {
                reply.begin_stream(out, key.bytes);
                history(out, &mut group, log, number, (after, reading.count, now));
                // When and how often something was delivered again is kept, but is no change that counts, as in Redis.
                false
            }
            From::New if log.last_entry().is_some_and(|last| last > group.last) => {
                reply.begin_stream(out, key.bytes);
                let mut delivery = Delivery { facts, log, number, now, noack: reading.noack, tale: &mut tale };
                delivery.deliver(out, &mut group, reading.count);
                true
            }
            From::New => false,
        };
        tale.stands(&group);
        (is_new, u64::from(is_new) + u64::from(has_new))
    });
    if edited.ok_or(Refusal::ARENA_FULL)?.out {
        call.event(Class::Stream, "xgroup-createconsumer", key_at);
    }
    tale.record(call, key_at, group.0);
    Ok(())
}

/// Replies what is pending for a consumer after an ID; it counts as delivered once more.
fn history(out: &mut Out, group: &mut Group, log: &Log, number: u32, (after, count, now): (Id, usize, i64)) {
    let ids: Vec<Id> = match (group.consumer(number), after.next()) {
        (Some(consumer), Some(start)) => consumer.pending(start, Id::MAX).take(count).collect(),
        _ => Vec::new(),
    };
    out.array(ids.len());
    for id in ids {
        match log.range(id, id).next() {
            Some(entry) => {
                reply_entry(out, &entry);
                group.redeliver(id, now);
            }
            None => {
                out.array(2);
                reply_id(out, id);
                out.null_array();
            }
        }
    }
}

/// Handing out entries that a group has not seen.
struct Delivery<'d> {
    facts: &'d Facts,
    log: &'d Log,
    number: u32,
    now: i64,
    noack: bool,
    tale: &'d mut Tale,
}

impl Delivery<'_> {
    fn deliver(&mut self, out: &mut Out, group: &mut Group, count: usize) {
        let mark = out.deferred();
        let mut replied = 0;
        let start = group.last.next().unwrap_or(Id::MAX);
        for entry in self.log.range(start, Id::MAX).take(count) {
            self.facts.advance(group, entry.id);
            reply_entry(out, &entry);
            replied += 1;
            if !self.noack {
                if let Some(consumer) = group.consumer_mut(self.number) {
                    consumer.active = self.now;
                }
                let pending = Pending { time: self.now, count: 1, consumer: self.number };
                group.assign(entry.id, pending);
                self.tale.claimed(group, entry.id, pending);
            }
        }
        self.tale.read();
        out.fix_array(mark, replied);
    }
}
