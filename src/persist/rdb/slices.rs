//! One big record, written a piece a call.
//!
//! Layer 4, under `rdb`. The value is held by its handle: whoever changes the key meanwhile changes a copy of what it touches. Between
//! calls only a place in the value is kept, so a call begins with a look-up of that place and costs no more than its budget.
//!
//! Invariants: all pieces together are what `write.rs` would have written in one go, but for the compression of strings longer than
//! [`LONG_TEXT`]; a call looks at about as many bytes as its budget says. Exceptions, which are written in one go: packed forms,
//! which are small unless the configuration says otherwise, and one block of a stream.
//! It does not tell how long the record will be.

use std::borrow::Cow;

use super::write::{CannotHold, Format, Head, kind_for, put_head, put_key};
use crate::data::codec::collection::{View, put_value};
use crate::data::codec::piece::{Piece, Pieces};
use crate::data::codec::stream::{put_block, put_consumer_head, put_facts, put_group_head, put_pending};
use crate::data::codec::wire::put_length;
use crate::data::codec::{TYPE_STRING, hash, list, lzf, zset};
use crate::data::hash::HashForm;
use crate::data::list::ListRef;
use crate::data::set::SetForm;
use crate::data::stream::{Id, Stream};
use crate::data::zset::ZsetRef;
use crate::keyspace::Value;

/// Strings above this length are written in parts.
const LONG_TEXT: usize = 64 * 1024;
/// Strings above this length are not compressed: the compressed form is complete in memory before its length is known.
const PACKED_MAX: usize = 64 << 20;
/// After so many bytes a compression that saves less than a sixteenth is given up.
const TRIAL: usize = 256 * 1024;
/// What an element costs besides its bytes.
const ELEMENT_COST: usize = 16;

type Name = Box<[u8]>;

/// A record that is being written. See the file's head.
#[derive(Debug)]
pub struct Slices {
    value: Value,
    kind: u8,
    compress: bool,
    at: At,
}

#[derive(Debug)]
enum At {
    /// These bytes come first, then elements or a stream.
    Head(Vec<u8>),
    /// Before the element of this place; `Long`: inside of it.
    Element(u64, Option<Long>),
    Stream(Box<Spot>),
    Done,
}

/// A place in a stream.
#[derive(Debug)]
enum Spot {
    /// Blocks from this ID on.
    Blocks(Id),
    Facts,
    /// The group after this one.
    Group(Option<Name>),
    /// Pending entries of a group, from this ID on.
    Pending(Name, Id),
    /// The consumer of a group after this one.
    Consumer(Name, Option<Name>),
    /// What is pending for a consumer of a group, from this ID on.
    Consumed(Name, Name, Id),
}

/// A place inside of an element: the piece, and how far it is.
#[derive(Debug)]
struct Long {
    piece: usize,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Start,
    /// Compressed so far.
    Packing(usize, Vec<u8>),
    /// The compressed form, written so far.
    Packed(usize, Vec<u8>),
    /// Plain, written so far.
    Plain(usize),
}

impl Slices {
    /// Of a key with a value, which may be of any type and size. Also returns the lowest version of Redis's files that can hold it.
    pub fn new(format: &Format, head: &Head<'_>, value: Value) -> Result<(Slices, u16), CannotHold> {
        let mut bytes = Vec::with_capacity(head.key.len() + 64);
        let (kind, needed) = match &value {
            Value::Object(object) => {
                let found = kind_for(format.version, View::of(object));
                found.ok_or_else(|| CannotHold { key: head.key.to_vec(), version: format.version })?
            }
            Value::Int(_) => {
                let needed = put_key(&mut bytes, format, head, &value)?;
                return Ok((Slices { value, kind: TYPE_STRING, compress: false, at: At::Head(bytes) }, needed));
            }
            Value::Str { .. } => (TYPE_STRING, 9),
        };
        put_head(&mut bytes, head, kind, format.compresses);
        Ok((Slices { value, kind, compress: format.compresses, at: At::Head(bytes) }, needed))
    }

    /// Appends the next piece; `budget`: bytes of the value to be looked at, about. True when that was the last one.
    pub fn write(&mut self, budget: usize, out: &mut Vec<u8>) -> bool {
        let mut left = budget.max(1);
        while left > 0 {
            let at = std::mem::replace(&mut self.at, At::Done);
            self.at = match at {
                At::Done => return true,
                At::Head(head) => {
                    out.extend_from_slice(&head);
                    self.begin(out)
                }
                At::Element(place, None) => self.elements(place, out, &mut left),
                At::Element(place, Some(long)) => self.inside(place, long, out, &mut left),
                At::Stream(spot) => match stream_of(&self.value) {
                    Some(stream) => {
                        step(stream, *spot, self.kind, self.compress, out, &mut left).map_or(At::Done, |spot| At::Stream(spot.into()))
                    }
                    None => At::Done,
                },
            };
        }
        matches!(self.at, At::Done)
    }

    /// What stands before the elements; small forms are written at once.
    fn begin(&self, out: &mut Vec<u8>) -> At {
        let object = match &self.value {
            // Written with the head.
            Value::Int(_) => return At::Done,
            Value::Str { .. } => return At::Element(0, None),
            Value::Object(object) => object,
        };
        let view = View::of(object);
        match view {
            View::List(list @ ListRef::Quick(_)) => put_length(out, list::count(self.kind, list)),
            View::Set(set) if matches!(set.form(), SetForm::Table) => put_length(out, set.len() as u64),
            View::Zset(zset @ ZsetRef::Big(_)) => put_length(out, zset.len() as u64),
            View::Hash(hash) if matches!(hash.form(), HashForm::Table) => hash::put_head(out, self.kind, hash),
            View::Stream(stream) => {
                put_length(out, stream.log().blocks_len() as u64);
                return At::Stream(Spot::Blocks(Id::MIN).into());
            }
            _ => {
                put_value(out, self.kind, view, self.compress);
                return At::Done;
            }
        }
        At::Element(0, None)
    }

    /// Elements from `place` on, as many as the budget allows.
    fn elements(&self, mut place: u64, out: &mut Vec<u8>, left: &mut usize) -> At {
        for (pieces, next) in elements_of(&self.value, self.kind, place) {
            if pieces.iter().flatten().any(|piece| piece.bytes().is_some_and(|text| text.len() > LONG_TEXT)) {
                return At::Element(place, Some(Long { piece: 0, way: Way::Start }));
            }
            let before = out.len();
            let mut cost = ELEMENT_COST;
            for piece in pieces.iter().flatten() {
                cost += piece.cost();
                piece.put(out, self.compress);
            }
            *left = left.saturating_sub(cost.max(out.len() - before));
            place = next;
            if *left == 0 {
                return At::Element(place, None);
            }
        }
        At::Done
    }

    /// One element with long strings, from where it was left.
    fn inside(&self, place: u64, mut long: Long, out: &mut Vec<u8>, left: &mut usize) -> At {
        let Some((pieces, next)) = elements_of(&self.value, self.kind, place).next() else { return At::Done };
        let all: Vec<&Piece> = pieces.iter().flatten().collect();
        while let Some(piece) = all.get(long.piece) {
            match piece.bytes().filter(|text| text.len() > LONG_TEXT) {
                None => piece.put(out, self.compress),
                Some(text) => {
                    if !long.way.write(text, self.compress, out, left) {
                        return At::Element(place, Some(long));
                    }
                }
            }
            long = Long { piece: long.piece + 1, way: Way::Start };
        }
        At::Element(next, None)
    }
}

impl Way {
    /// Goes on with a long string; true when it is written.
    fn write(&mut self, text: &[u8], compress: bool, out: &mut Vec<u8>, left: &mut usize) -> bool {
        while *left > 0 {
            let now = std::mem::replace(self, Way::Start);
            *self = match now {
                Way::Start if compress && text.len() <= PACKED_MAX => Way::Packing(0, Vec::new()),
                Way::Start => plain(text, out),
                Way::Packing(at, mut stream) => {
                    // Streams of parts, one behind the other, are the stream of the whole.
                    let part = text.get(at..text.len().min(at + LONG_TEXT)).unwrap_or_default();
                    lzf::compress(part, part.len() * 2, &mut stream);
                    *left = left.saturating_sub(part.len());
                    let at = at + part.len();
                    let is_worth = |len: usize| stream.len() + 4 <= len;
                    match at == text.len() {
                        true if is_worth(at) => {
                            out.push(0xC3);
                            put_length(out, stream.len() as u64);
                            put_length(out, text.len() as u64);
                            Way::Packed(0, stream)
                        }
                        false if at < TRIAL || is_worth(at - at / 16) => Way::Packing(at, stream),
                        _ => plain(text, out),
                    }
                }
                Way::Packed(at, stream) => {
                    let end = stream.len().min(at.saturating_add(*left));
                    out.extend_from_slice(stream.get(at..end).unwrap_or_default());
                    *left -= end - at;
                    if end == stream.len() {
                        return true;
                    }
                    Way::Packed(end, stream)
                }
                Way::Plain(at) => {
                    let end = text.len().min(at.saturating_add(*left));
                    out.extend_from_slice(text.get(at..end).unwrap_or_default());
                    *left -= end - at;
                    if end == text.len() {
                        return true;
                    }
                    Way::Plain(end)
                }
            };
        }
        false
    }
}

fn plain(text: &[u8], out: &mut Vec<u8>) -> Way {
    put_length(out, text.len() as u64);
    Way::Plain(0)
}

fn stream_of(value: &Value) -> Option<&Stream> {
    match value {
        Value::Object(object) => match View::of(object) {
            View::Stream(stream) => Some(stream),
            _ => None,
        },
        _ => None,
    }
}

/// Elements of a big form (or a string as one) from a place on, each with the place behind it.
fn elements_of(value: &Value, kind: u8, place: u64) -> Box<dyn Iterator<Item = (Pieces<'_>, u64)> + '_> {
    let object = match value {
        Value::Int(_) => return Box::new(std::iter::empty()),
        Value::Str { bytes, .. } => {
            let one = [Some(Piece::Bytes(Cow::Borrowed(&bytes[..]))), None, None];
            return Box::new((place == 0).then_some((one, 1)).into_iter());
        }
        Value::Object(object) => object,
    };
    let number = usize::try_from(place).unwrap_or(usize::MAX);
    match View::of(object) {
        View::List(list) => Box::new(list.chunks_from(number).zip(place + 1..).map(move |(chunk, next)| (list::pieces(kind, chunk), next))),
        View::Set(set) => {
            let mut members = set.iter_from(place);
            Box::new(std::iter::from_fn(move || {
                let member = members.next()?;
                Some(([Some(Piece::Text(member)), None, None], members.place()))
            }))
        }
        View::Zset(zset) => {
            let rest = zset.range(0..zset.len().saturating_sub(number)).rev();
            Box::new(rest.zip(place + 1..).map(|((member, score), next)| (zset::pieces(member, score), next)))
        }
        View::Hash(hash) => {
            let first = hash.next_expiry().unwrap_or(0);
            Box::new(hash.table_from(place).map(move |(entry, next)| (hash::pieces(kind, first, entry), next)))
        }
        View::Stream(_) => Box::new(std::iter::empty()),
    }
}

/// The next part of a stream, from `spot` on; where to go on, `None` at the end.
fn step(stream: &Stream, spot: Spot, kind: u8, compress: bool, out: &mut Vec<u8>, left: &mut usize) -> Option<Spot> {
    let before = out.len();
    let mut spend = |out: &Vec<u8>, start: usize| {
        *left = left.saturating_sub(out.len() - start);
        *left > 0
    };
    match spot {
        Spot::Blocks(from) => {
            for block in stream.log().blocks_from(from) {
                let start = out.len();
                put_block(out, block, compress);
                let goes_on = spend(out, start.saturating_sub(block.data_len()));
                if !goes_on {
                    return Some(block.first.next().map_or(Spot::Facts, Spot::Blocks));
                }
            }
            Some(Spot::Facts)
        }
        Spot::Facts => {
            put_facts(out, kind, stream);
            spend(out, before);
            Some(Spot::Group(None))
        }
        Spot::Group(after) => {
            let (name, group) = stream.group_after(after.as_deref())?;
            put_group_head(out, kind, name, group, compress);
            spend(out, before);
            Some(Spot::Pending(name.into(), Id::MIN))
        }
        Spot::Pending(name, from) => {
            let group = stream.group(&name)?;
            for (id, pending) in group.pending(from, Id::MAX) {
                let start = out.len();
                put_pending(out, id, pending);
                if let (false, Some(next)) = (spend(out, start), id.next()) {
                    return Some(Spot::Pending(name, next));
                }
            }
            put_length(out, group.consumers_len() as u64);
            Some(Spot::Consumer(name, None))
        }
        Spot::Consumer(name, after) => {
            let Some(consumer) = stream.group(&name)?.consumer_after(after.as_deref()) else { return Some(Spot::Group(Some(name))) };
            put_consumer_head(out, kind, consumer, compress);
            spend(out, before);
            Some(Spot::Consumed(name, consumer.name.clone(), Id::MIN))
        }
        Spot::Consumed(name, owner, from) => {
            let group = stream.group(&name)?;
            let consumer = group.find(&owner).and_then(|number| group.consumer(number))?;
            for id in consumer.pending(from, Id::MAX) {
                let start = out.len();
                out.extend_from_slice(&id.to_bytes());
                if let (false, Some(next)) = (spend(out, start), id.next()) {
                    return Some(Spot::Consumed(name, owner, next));
                }
            }
            Some(Spot::Consumer(name, Some(owner)))
        }
    }
}
