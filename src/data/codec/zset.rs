//! Sorted sets in the serialised form.
//!
//! Layer 1, under `codec`.
//!
//! ```text
//!  3  count | pairs of member and score as text: one byte length, 253 = NaN, 254 = +inf, 255 = -inf
//!  5  count | pairs of member and score, f64 LE; the highest first when written
//! 12  a ziplist of members and scores, rising, as one string
//! 17  the same as a listpack
//! ```
//!
//! Invariants: no member comes twice, no score is NaN; packed ones are in order (score, then bytes of the member).
//! Ref: redis.io/commands/dump

use std::cmp::Ordering;

use super::collection::{check_unique, read_pack};
use super::piece::{Piece, Pieces, put_all};
use super::wire::{Reader, put_length};
use super::{Edition, Fault, put_pack, string::read_string, ziplist};
use crate::base::num::parse_f64_or_nan;
use crate::data::collection::{Collection, Limits};
use crate::data::pack::{Item, Pack};
use crate::data::zset::{Zset, ZsetRef};

const TYPE_DOUBLES: u8 = 5;
const TYPE_LISTPACK: u8 = 17;
/// Packs longer than this are taken apart, whatever the limits say.
const ADOPTED_MAX: usize = 1 << 20;

/// The type byte that a sorted set gets.
#[must_use]
pub fn kind(zset: ZsetRef<'_>, edition: Edition) -> u8 {
    if matches!(zset, ZsetRef::Small(_)) && edition != Edition::V9 { TYPE_LISTPACK } else { TYPE_DOUBLES }
}

/// Appends the value of type `kind`.
pub fn put(out: &mut Vec<u8>, kind: u8, zset: ZsetRef<'_>, compress: bool) {
    match zset {
        ZsetRef::Small(pack) if kind == TYPE_LISTPACK => put_pack(out, pack, compress),
        _ => {
            put_length(out, zset.len() as u64);
            for (member, score) in zset.iter().rev() {
                put_all(out, &pieces(member, score), compress);
            }
        }
    }
}

/// A member of type 5 in pieces.
#[must_use]
pub fn pieces(member: Item<'_>, score: f64) -> Pieces<'_> {
    [Some(Piece::Text(member)), Some(Piece::Raw(score.to_le_bytes())), None]
}

/// One member of type 3 (`is_text`) or type 5.
pub fn read_pair(zset: &mut Zset, is_text: bool, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
    let member = read_string(reader)?;
    let score = if is_text { text_score(reader)? } else { f64::from_le_bytes(reader.array()?) };
    insert(zset, &member, score, limits)
}

fn text_score(reader: &mut Reader<'_>) -> Result<f64, Fault> {
    match reader.byte()? {
        253 => Err(Fault::NotANumber),
        254 => Ok(f64::INFINITY),
        255 => Ok(f64::NEG_INFINITY),
        len => parse_f64_or_nan(reader.take(len.into())?).ok_or(Fault::NotANumber),
    }
}

/// Type 12.
pub fn read_ziplist(reader: &mut Reader<'_>, limits: &Limits) -> Result<Zset, Fault> {
    adopt(ziplist::to_pack(&read_string(reader)?)?, limits)
}

/// Type 17.
pub fn read_listpack(reader: &mut Reader<'_>, limits: &Limits) -> Result<Zset, Fault> {
    adopt(read_pack(reader)?, limits)
}

/// The sorted set with the members and scores of a pack.
fn adopt(pack: Vec<u8>, limits: &Limits) -> Result<Zset, Fault> {
    let items = Pack::new(&pack);
    if items.is_empty() {
        return Err(Fault::Empty);
    }
    let is_small = items.len() as u64 / 2 <= limits.zset_max_listpack_entries && pack.len() <= ADOPTED_MAX;
    if is_small {
        check_unique(items.iter().step_by(2))?;
    }
    let mut zset = Zset::default();
    let mut before: Option<(f64, Item)> = None;
    let (mut elements, mut digits) = (items.iter(), itoa::Buffer::new());
    while let Some(member) = elements.next() {
        let score = score_of(elements.next().ok_or(Fault::Malformed("pairs of a sorted set"))?)?;
        if before.is_some_and(|(s, m)| order(s, &m, score, &member) != Ordering::Less) {
            return Err(Fault::Malformed("order of a sorted set"));
        }
        before = Some((score, member));
        if !is_small {
            insert(&mut zset, member.text(&mut digits), score, limits)?;
        }
    }
    Ok(if is_small { Zset::from_pack(pack) } else { zset })
}

fn score_of(item: Item<'_>) -> Result<f64, Fault> {
    let score = match item {
        Item::Int(n) => n as f64,
        Item::Text(text) => parse_f64_or_nan(text).ok_or(Fault::NotANumber)?,
    };
    if score.is_nan() { Err(Fault::NotANumber) } else { Ok(score) }
}

fn order(score: f64, member: &Item<'_>, other_score: f64, other: &Item<'_>) -> Ordering {
    let by_score = score.partial_cmp(&other_score).unwrap_or(Ordering::Equal);
    by_score.then_with(|| member.text(&mut itoa::Buffer::new()).cmp(other.text(&mut itoa::Buffer::new())))
}

fn insert(zset: &mut Zset, member: &[u8], score: f64, limits: &Limits) -> Result<(), Fault> {
    if score.is_nan() {
        return Err(Fault::NotANumber);
    }
    match zset.insert(member, score, limits).old {
        None => Ok(()),
        Some(_) => Err(Fault::Duplicate),
    }
}
