//! A hash as a table.
//!
//! Layer 1, under `hash.rs`.
//!
//! ```text
//! payload of a field   0 | value                without a time
//!                      1 | u48 LE time | value  with one
//! ```
//! Invariant: `due` names exactly the fields that have a time.

use super::due::Due;
use crate::base::rng::Rng;
use crate::data::table::Table;

const PLAIN: u8 = 0;
const TIMED: u8 = 1;
const TIMED_HEAD: usize = 7;
/// Payloads up to this many bytes are put together without an allocation.
const SMALL: usize = 256;

/// The table form. To read, by [`super::HashRef`].
#[derive(Clone)]
pub struct Big {
    table: Table,
    due: Due,
}

/// Name, value, time.
pub(super) type Field<'a> = (&'a [u8], &'a [u8], Option<i64>);

/// A payload's value and time.
#[inline]
pub(super) fn parts(payload: &[u8]) -> (&[u8], Option<i64>) {
    match payload {
        [TIMED, a, b, c, d, e, f, value @ ..] => (value, Some(i64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]))),
        [_, value @ ..] => (value, None),
        [] => (payload, None),
    }
}

/// Calls `then` with the payload of a value.
#[inline]
fn with_payload<R>(value: &[u8], ttl: Option<i64>, then: impl FnOnce(&[u8]) -> R) -> R {
    let mut head = [PLAIN; TIMED_HEAD];
    let head = match ttl {
        None => head.get(..1),
        Some(at) => {
            head[0] = TIMED;
            head[1..].copy_from_slice(at.to_le_bytes().first_chunk::<6>().unwrap_or(&[0; 6]));
            head.get(..)
        }
    };
    let head = head.unwrap_or_default();
    let len = head.len() + value.len();
    let mut small = [0u8; SMALL];
    match small.get_mut(..len) {
        Some(payload) => {
            let (front, back) = payload.split_at_mut(head.len());
            front.copy_from_slice(head);
            back.copy_from_slice(value);
            then(payload)
        }
        None => then(&[head, value].concat()),
    }
}

impl Big {
    /// See `Collection::prefetch_on`.
    #[inline]
    pub fn prefetch(&self, field: &[u8], depth: u32, kept: &mut u64) {
        self.table.prefetch_step(field, depth, kept);
    }

    pub(super) fn new(seed: u64) -> Big {
        Big { table: Table::new(seed), due: Due::default() }
    }

    /// Number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.due.bytes()
    }

    #[inline]
    pub(super) fn find(&self, field: &[u8]) -> Option<(&[u8], Option<i64>)> {
        self.table.get(field).map(parts)
    }

    /// The first time of all.
    pub(super) fn next_expiry(&self) -> Option<i64> {
        self.due.first()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.table.iter().map(|(field, payload)| {
            let (value, ttl) = parts(payload);
            (field, value, ttl)
        })
    }

    /// Fields from a place on (0 is the start), each with the place behind it.
    pub(super) fn iter_from(&self, place: u64) -> impl Iterator<Item = (Field<'_>, u64)> {
        let mut iter = self.table.iter_from(place);
        std::iter::from_fn(move || {
            let (field, payload) = iter.next()?;
            let (value, ttl) = parts(payload);
            Some(((field, value, ttl), iter.place()))
        })
    }

    pub(super) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Field)) -> u64 {
        self.table.scan(cursor, count, &mut |field, payload| {
            let (value, ttl) = parts(payload);
            visit((field, value, ttl));
        })
    }

    pub(super) fn random(&self, rng: &mut Rng) -> Option<Field<'_>> {
        let (field, payload) = self.table.random(rng)?;
        let (value, ttl) = parts(payload);
        Some((field, value, ttl))
    }

    /// Sets value and time; true when the field is new.
    pub(super) fn insert(&mut self, field: &[u8], value: &[u8], ttl: Option<i64>) -> bool {
        if ttl.is_some() || !self.due.is_empty() {
            let old = self.find(field).and_then(|(_, ttl)| ttl);
            self.due.shift(field, old, ttl);
        }
        with_payload(value, ttl, |payload| self.table.insert(field, payload))
    }

    pub(super) fn set_ttl(&mut self, field: &[u8], ttl: Option<i64>) -> bool {
        let Some((value, old)) = self.find(field) else { return false };
        if old != ttl {
            let value = value.to_vec();
            self.insert(field, &value, ttl);
        }
        true
    }

    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        if !self.due.is_empty() {
            let old = self.find(field).and_then(|(_, ttl)| ttl);
            self.due.shift(field, old, None);
        }
        self.table.remove(field)
    }

    pub(super) fn expire_due(&mut self, now: i64, budget: usize, each: &mut dyn FnMut(&[u8])) -> usize {
        let mut count = 0;
        while count < budget
            && let Some(field) = self.due.pop_before(now)
        {
            self.table.remove(&field);
            each(&field);
            count += 1;
        }
        count
    }

    pub(super) fn free_some(&mut self, budget: usize) -> bool {
        self.due.free_some(budget) && self.table.free_some(budget)
    }
}
