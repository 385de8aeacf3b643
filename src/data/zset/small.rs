//! A small sorted set: one pack of member, score, member, score... ascending by (score, member).
//!
//! Layer 1. Whole scores stand as numbers, others as their shortest text, as in the listpacks of Redis.

use super::Updated;
use crate::base::num::{fmt_double, parse_f64};
use crate::data::pack::{self, HEAD, Item, Pack};

/// Whole scores up to this are stored as integers.
const WHOLE_MAX: f64 = (i64::MAX / 2) as f64;

/// A score as text of the pack.
fn score_text(score: f64, out: &mut Vec<u8>) {
    let whole = score as i64;
    if (-WHOLE_MAX..=WHOLE_MAX).contains(&score) && whole as f64 == score {
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else {
        fmt_double(out, score);
    }
}

/// The score that an element says.
#[inline]
pub(super) fn score_of(item: Item) -> f64 {
    match item {
        Item::Int(n) => n as f64,
        Item::Text(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// The member at `offset`, its score and the offset behind both.
#[inline]
pub(super) fn at(pack: Pack<'_>, offset: usize) -> Option<(Item<'_>, f64, usize)> {
    let (member, next) = pack.at(offset)?;
    let (score, next) = pack.at(next)?;
    Some((member, score_of(score), next))
}

/// Number of members.
#[inline]
pub(super) fn len(pack: Pack) -> usize {
    pack.len() / 2
}

/// Offset, rank and score of a member.
pub(super) fn find(pack: Pack, member: &[u8]) -> Option<(usize, usize, f64)> {
    let (offset, index) = pack.find(member, 2)?;
    Some((offset, index / 2, at(pack, offset)?.1))
}

/// The first rank for which `is_from(member, score)` holds, from rank `start` on; the length if there is none.
pub(super) fn first(pack: Pack, start: usize, is_from: impl Fn(&[u8], f64) -> bool) -> usize {
    let mut digits = itoa::Buffer::new();
    let (mut offset, mut rank) = (HEAD, 0);
    while let Some((member, score, next)) = at(pack, offset) {
        if rank >= start && is_from(member.text(&mut digits), score) {
            return rank;
        }
        (offset, rank) = (next, rank + 1);
    }
    rank
}

/// `decide` gets the score of a member, if it is there, and says what it is to be; `None` leaves everything as it is.
/// Whether a new member fits this form is the caller's to see.
pub(super) fn update(pack: &mut Vec<u8>, member: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) -> Updated {
    let found = find(Pack::new(pack), member);
    let old = found.map(|(_, _, score)| score);
    match decide(old) {
        Some(new) if old != Some(new) => {
            if let Some((offset, _, _)) = found {
                pack::remove(pack, offset, 2);
            }
            insert(pack, member, new);
            Updated { old, new: Some(new) }
        }
        _ => Updated { old, new: old },
    }
}

/// Puts in a member that is not there.
pub(super) fn insert(pack: &mut Vec<u8>, member: &[u8], score: f64) {
    let mut digits = itoa::Buffer::new();
    let mut offset = HEAD;
    while let Some((own, own_score, next)) = at(Pack::new(pack), offset) {
        if own_score > score || (own_score == score && own.text(&mut digits) > member) {
            break;
        }
        offset = next;
    }
    let mut text = Vec::with_capacity(32);
    score_text(score, &mut text);
    pack::splice(pack, offset, 0, &[member, &text]);
}

/// Adds a member behind all others.
pub(super) fn push(pack: &mut Vec<u8>, member: Item, score: f64) {
    let mut text = Vec::with_capacity(32);
    score_text(score, &mut text);
    pack::push(pack, member.text(&mut itoa::Buffer::new()));
    pack::push(pack, &text);
}

/// Takes `count` members out from rank `start` on.
pub(super) fn remove_range(pack: &mut Vec<u8>, start: usize, count: usize) {
    if let Some(offset) = Pack::new(pack).seek(start as i64 * 2) {
        pack::remove(pack, offset, count * 2);
    }
}
