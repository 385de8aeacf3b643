//! What commands on streams share: reading IDs, looking streams up, replying entries.
//! Ref: redis.io/docs/latest/develop/data-types/streams

use crate::base::num::parse_i64;
use crate::data::pack::Item;
use crate::data::stream::{Entry, Id, Pairs, Stream};
use crate::keyspace::{Kind, Look};
use crate::proto::encode::Out;
use crate::spec::{Args, Call, Outcome, Refusal};

use crate::commands::common::missed;

const INVALID_ID: Refusal = Refusal::fixed("ERR Invalid stream ID specified as stream command argument");
/// Longer words are no IDs.
const ID_TEXT_MAX: usize = 127;

/// An ID for a new entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewId {
    /// `*`: by the clock.
    Auto,
    /// `ms-*`: the next one of this millisecond.
    Within(u64),
    /// As given.
    Full(Id),
}

/// A number as the C function `strtoull` reads it, but for those below zero that 64 bits can say.
fn loose_number(text: &[u8]) -> Option<u64> {
    if let Some(number) = parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let start = text.iter().position(|b| !matches!(b, b' ' | b'\t'..=b'\r'))?;
    let (is_negative, digits) = match text.get(start..)? {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    Some(if is_negative { value.wrapping_neg() } else { value })
}

/// The two parts of an ID.
fn parts(word: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if word.len() > ID_TEXT_MAX {
        return None;
    }
    // The text ends where a C string would.
    let text = word.split(|b| *b == 0).next().unwrap_or_default();
    Some(match text.iter().position(|b| *b == b'-') {
        Some(dash) => (text.get(..dash)?, Some(text.get(dash + 1..)?)),
        None => (text, None),
    })
}

fn parse_id(word: &[u8], missing_seq: u64) -> Option<Id> {
    let (ms, seq) = parts(word)?;
    let ms = loose_number(ms)?;
    Some(Id::new(ms, seq.map_or(Some(missing_seq), loose_number)?))
}

/// The ID that `word` says; `missing_seq` stands for a sequence that it leaves out.
pub fn id(word: &[u8], missing_seq: u64) -> Result<Id, Refusal> {
    parse_id(word, missing_seq).ok_or(INVALID_ID)
}

/// The same, and `-` and `+` are the least and the greatest.
pub fn id_or_edge(word: &[u8], missing_seq: u64) -> Result<Id, Refusal> {
    match word {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        _ => id(word, missing_seq),
    }
}

/// The ID of an entry to come.
pub fn new_id(word: &[u8]) -> Result<NewId, Refusal> {
    if word == b"*" {
        return Ok(NewId::Auto);
    }
    if let Some((ms, Some(b"*"))) = parts(word) {
        return loose_number(ms).map(NewId::Within).ok_or(INVALID_ID);
    }
    id(word, 0).map(NewId::Full)
}

/// All words from `from` on as IDs.
pub fn ids(call: &Call, from: usize) -> Result<Vec<Id>, Refusal> {
    call.args.from(from).map(|word| id(word, 0)).collect()
}

fn edge(word: &[u8], missing_seq: u64) -> Result<(Id, bool), Refusal> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => Ok((id(rest, missing_seq)?, true)),
        _ => Ok((id_or_edge(word, missing_seq)?, false)),
    }
}

/// The start of an interval: `-`, an ID, or `(` and an ID that does not belong to it.
pub fn interval_start(word: &[u8]) -> Result<Id, Refusal> {
    match edge(word, 0)? {
        (id, false) => Ok(id),
        (id, true) => id.next().ok_or(Refusal::fixed("ERR invalid start ID for the interval")),
    }
}

/// The end of an interval.
pub fn interval_end(word: &[u8]) -> Result<Id, Refusal> {
    match edge(word, u64::MAX)? {
        (id, false) => Ok(id),
        (id, true) => id.prev().ok_or(Refusal::fixed("ERR invalid end ID for the interval")),
    }
}

/// An integer argument.
pub fn integer(word: &[u8]) -> Result<i64, Refusal> {
    parse_i64(word).ok_or(Refusal::NOT_INTEGER)
}

/// A count; `usize::MAX` for all that are below 1.
pub fn count_or_all(count: i64) -> usize {
    usize::try_from(count).ok().filter(|count| *count > 0).unwrap_or(usize::MAX)
}

/// Calls `tell` with the stream at the key of word `i`, for reading; `None` without such a key (which is told); refused if it is
/// of another type.
#[inline]
pub fn read<R>(call: &mut Call, i: usize, tell: impl FnOnce(&Stream, &mut Out) -> R) -> Result<Option<R>, Refusal> {
    let (key, look) = (call.key(i), call.look());
    match call.shard.ks.find(call.db, &key, call.now, look) {
        Some(item) => {
            let stream = item.get::<Stream>().ok_or(Refusal::WRONG_TYPE)?;
            Ok(Some(tell(stream, call.out)))
        }
        None => {
            missed(call, i);
            Ok(None)
        }
    }
}

/// Whether the key of word `i` holds a stream, for writing; refused if it is of another type.
#[inline]
pub fn is_stream_to_write(call: &mut Call, i: usize) -> Result<bool, Refusal> {
    let key = call.key(i);
    match call.shard.ks.find(call.db, &key, call.now, Look::Write).map(|item| item.kind()) {
        Some(Kind::Stream) => Ok(true),
        Some(_) => Err(Refusal::WRONG_TYPE),
        None => Ok(false),
    }
}

/// The names and values among the words of a call.
pub struct Words<'a> {
    /// The words of the call.
    pub args: Args<'a>,
    /// The first name.
    pub at: usize,
}

impl<'a> Pairs<'a> for Words<'a> {
    #[inline]
    fn count(&self) -> usize {
        (self.args.len() - self.at) / 2
    }

    #[inline]
    fn pair(&self, n: usize) -> (Item<'a>, Item<'a>) {
        let at = self.at + 2 * n;
        (Item::of(self.args.get(at)), Item::of(self.args.get(at + 1)))
    }
}

/// Replies an ID.
#[inline]
pub fn reply_id(out: &mut Out, id: Id) {
    out.bulk(&id.text());
}

/// Replies an entry: its ID, its names and values.
#[inline]
pub fn reply_entry(out: &mut Out, entry: &Entry) {
    out.array(2);
    reply_id(out, entry.id);
    out.array(entry.len() * 2);
    for (name, value) in entry.fields() {
        reply_item(out, name);
        reply_item(out, value);
    }
}

#[inline]
fn reply_item(out: &mut Out, item: Item) {
    match item {
        Item::Int(number) => out.bulk_int(number),
        Item::Text(text) => out.bulk(text),
    }
}

/// Replies at most `count` entries as an array; how many.
pub fn reply_entries<'e>(out: &mut Out, entries: impl Iterator<Item = Entry<'e>>, count: usize) -> usize {
    let mark = out.deferred();
    let mut replied = 0;
    for entry in entries.take(count) {
        reply_entry(out, &entry);
        replied += 1;
    }
    out.fix_array(mark, replied);
    replied
}

/// XRANGE and XREVRANGE, whose ends stand the other way round.
pub fn range(call: &mut Call, is_back: bool) -> Outcome {
    let (start, end) = if is_back { (3, 2) } else { (2, 3) };
    let from = interval_start(call.arg(start))?;
    let to = interval_end(call.arg(end))?;
    let mut count = None;
    let mut i = 4;
    while i < call.args.len() {
        if !call.args.is(i, "COUNT") || i + 1 == call.args.len() {
            return Err(Refusal::SYNTAX);
        }
        count = Some(integer(call.arg(i + 1))?);
        i += 2;
    }
    let replied = read(call, 1, |stream, out| match (count, stream.log()) {
        (Some(..=0), _) => out.null_array(),
        (count, log) if is_back => drop(reply_entries(out, log.range_back(from, to), count_or_all(count.unwrap_or(0)))),
        (count, log) => drop(reply_entries(out, log.range(from, to), count_or_all(count.unwrap_or(0)))),
    })?;
    if replied.is_none() {
        call.out.array(0);
    }
    Ok(())
}

/// `NOGROUP` where either the key or the group is missing.
pub fn no_group(call: &Call, key: usize, group: usize) -> Refusal {
    let (key, group) = (call.arg(key), call.arg(group));
    Refusal::quoting([b"NOGROUP No such key '", key, b"' or consumer group '", group, b"'"].concat())
}

/// `NOGROUP` where the key is there but the group is not.
pub fn no_group_of_key(call: &Call, key: usize, group: usize) -> Refusal {
    let (key, group) = (call.arg(key), call.arg(group));
    Refusal::quoting([b"NOGROUP No such consumer group '", group, b"' for key name '", key, b"'"].concat())
}

/// Decimal text of a number.
pub fn digits(number: i64) -> Vec<u8> {
    itoa::Buffer::new().format(number).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_c_reads_numbers() {
        for (text, expected) in [
            ("5", Some(Id::new(5, 9))),
            ("5-3", Some(Id::new(5, 3))),
            ("005-+3", Some(Id::new(5, 3))),
            (" 5- 3", Some(Id::new(5, 3))),
            ("18446744073709551615-18446744073709551615", Some(Id::MAX)),
            ("18446744073709551616", None),
            ("5--3", None),
            ("-5", None),
            ("5-", None),
            ("", None),
            ("-", None),
            ("+", None),
            ("5-*", None),
            ("5-3-1", None),
            ("5a", None),
            ("5\0a", Some(Id::new(5, 9))),
        ] {
            assert_eq!(parse_id(text.as_bytes(), 9), expected, "{text}");
        }
        assert_eq!(new_id(b"5-*"), Ok(NewId::Within(5)));
        assert_eq!(new_id(b"*"), Ok(NewId::Auto));
        assert_eq!(new_id(b"**"), Err(INVALID_ID));
        assert_eq!(interval_start(b"(5").unwrap(), Id::new(5, 1));
        assert_eq!(interval_end(b"(5").unwrap(), Id::new(5, u64::MAX - 1));
        assert!(interval_start(b"(+").is_err() && interval_end(b"(0-0").is_err() && interval_end(b"(").is_err());
    }
}
