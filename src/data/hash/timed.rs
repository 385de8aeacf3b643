//! Packs of triplets: field, value, time, the earliest time first and 0 (none) last.
//!
//! Layer 1, under `hash.rs`. A field that gets a time goes before those with the same time, one that loses it goes to the end:
//! the order that DUMP shows.

use crate::data::pack::{self, HEAD, Item, Pack};

/// One triplet: where its parts begin, and where it ends.
pub(super) struct Triplet<'a> {
    /// The field.
    pub field: Item<'a>,
    /// Its value.
    pub value: Item<'a>,
    /// When it expires, unix ms.
    pub ttl: Option<i64>,
    value_at: usize,
    /// Where the next triplet begins.
    pub end: usize,
}

/// The triplet at `at`; `None` at the end.
pub(super) fn read(pack: Pack<'_>, at: usize) -> Option<Triplet<'_>> {
    let (field, value_at) = pack.at(at)?;
    let (value, ttl_at) = pack.at(value_at)?;
    let (ttl, end) = pack.at(ttl_at)?;
    let ttl = match ttl {
        Item::Int(at) if at > 0 => Some(at),
        _ => None,
    };
    Some(Triplet { field, value, ttl, value_at, end })
}

/// The triplet of a field.
pub(super) fn find<'a>(pack: Pack<'a>, field: &[u8]) -> Option<(usize, Triplet<'a>)> {
    let (at, _) = pack.find(field, 3)?;
    Some((at, read(pack, at)?))
}

/// The same fields without times.
pub(super) fn from_pairs(pairs: Pack) -> Vec<u8> {
    let mut out = Vec::with_capacity(pairs.bytes().len() + pairs.len() * 5 + 32);
    out.resize(HEAD, 0);
    for (n, item) in pairs.iter().enumerate() {
        pack::push_item(&mut out, item);
        if n % 2 == 1 {
            pack::push_item(&mut out, Item::Int(0));
        }
    }
    out
}

/// Where a triplet with this time goes.
fn place(pack: Pack, ttl: Option<i64>) -> usize {
    let Some(ttl) = ttl else { return pack.bytes().len() };
    let mut at = HEAD;
    while let Some(triplet) = read(pack, at)
        && triplet.ttl.is_some_and(|other| other < ttl)
    {
        at = triplet.end;
    }
    at
}

fn add(pack: &mut Vec<u8>, field: &[u8], value: &[u8], ttl: Option<i64>) {
    let at = place(Pack::new(pack), ttl);
    let mut digits = itoa::Buffer::new();
    pack::splice(pack, at, 0, &[field, value, digits.format(ttl.unwrap_or(0)).as_bytes()]);
}

/// Sets a field's value and time; true when it is new.
pub(super) fn insert(pack: &mut Vec<u8>, field: &[u8], value: &[u8], ttl: Option<i64>) -> bool {
    let Some((at, old)) = find(Pack::new(pack), field) else {
        add(pack, field, value, ttl);
        return true;
    };
    if old.ttl == ttl && ttl.is_none() {
        let value_at = old.value_at;
        pack::replace(pack, value_at, value);
    } else {
        pack::remove(pack, at, 3);
        add(pack, field, value, ttl);
    }
    false
}

/// Sets the value of a field that is there.
pub(super) fn replace_value(pack: &mut Vec<u8>, field: &[u8], value: &[u8]) {
    if let Some((_, old)) = find(Pack::new(pack), field) {
        let value_at = old.value_at;
        pack::replace(pack, value_at, value);
    }
}

/// Sets a field's time; false when there is no such field. Taking away a time that is not there moves nothing.
pub(super) fn set_ttl(pack: &mut Vec<u8>, field: &[u8], ttl: Option<i64>) -> bool {
    let Some((at, old)) = find(Pack::new(pack), field) else { return false };
    if old.ttl.is_none() && ttl.is_none() {
        return true;
    }
    let value = old.value.to_vec();
    pack::remove(pack, at, 3);
    add(pack, field, &value, ttl);
    true
}

/// Takes out triplets whose time is before `now`.
pub(super) fn expire_due(pack: &mut Vec<u8>, now: i64, budget: usize, each: &mut dyn FnMut(&[u8])) -> usize {
    let view = Pack::new(pack);
    let (mut at, mut count) = (HEAD, 0);
    while count < budget
        && let Some(triplet) = read(view, at)
        && triplet.ttl.is_some_and(|ttl| ttl < now)
    {
        each(triplet.field.text(&mut itoa::Buffer::new()));
        at = triplet.end;
        count += 1;
    }
    if count > 0 {
        pack::remove(pack, HEAD, count * 3);
    }
    count
}
