//! A hash, to read, whatever its form.
//!
//! Layer 1, under `hash.rs`. Fields and values of packs may be numbers, those of tables never are: compare texts.

use super::big::{Big, Field};
use super::timed;
use crate::base::rng::Rng;
use crate::data::pack::{HEAD, Item, Pack};

/// A hash, to read.
#[derive(Clone, Copy)]
pub enum HashRef<'a> {
    /// Pairs.
    Pack(Pack<'a>),
    /// Triplets, see [`super`].
    Timed(Pack<'a>),
    /// A table.
    Big(&'a Big),
}

/// The form, for those who write it down.
#[derive(Clone, Copy)]
pub enum HashForm<'a> {
    /// Field, value, ...
    Pack(Pack<'a>),
    /// Field, value, time or 0, ..., ordered by time, without times last.
    Timed(Pack<'a>),
    /// Anything else: walk with `iter`.
    Table,
}

/// One field: name, value, time in Unix ms.
pub type Entry<'a> = (Item<'a>, Item<'a>, Option<i64>);

impl<'a> HashRef<'a> {
    /// Number of fields, those whose time is over included.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            HashRef::Pack(pack) => pack.len() / 2,
            HashRef::Timed(pack) => pack.len() / 3,
            HashRef::Big(big) => big.len(),
        }
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            HashRef::Pack(_) => "listpack",
            HashRef::Timed(_) => "listpackex",
            HashRef::Big(_) => "hashtable",
        }
    }

    /// Its form.
    #[must_use]
    pub fn form(&self) -> HashForm<'a> {
        match *self {
            HashRef::Pack(pack) => HashForm::Pack(pack),
            HashRef::Timed(pack) => HashForm::Timed(pack),
            HashRef::Big(_) => HashForm::Table,
        }
    }

    /// A field's value and time, also when that is over.
    #[inline]
    #[must_use]
    pub fn find(&self, field: &[u8]) -> Option<(Item<'a>, Option<i64>)> {
        match *self {
            HashRef::Pack(pack) => {
                let (at, _) = pack.find(field, 2)?;
                let (_, value_at) = pack.at(at)?;
                Some((pack.at(value_at)?.0, None))
            }
            HashRef::Timed(pack) => timed::find(pack, field).map(|(_, triplet)| (triplet.value, triplet.ttl)),
            HashRef::Big(big) => big.find(field).map(|(value, ttl)| (Item::Text(value), ttl)),
        }
    }

    /// A field's value, also when its time is over.
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<Item<'a>> {
        self.find(field).map(|(value, _)| value)
    }

    /// A field's value unless its time is before `now`.
    #[inline]
    #[must_use]
    pub fn get_live(&self, field: &[u8], now: i64) -> Option<Item<'a>> {
        self.find(field).filter(|(_, ttl)| !is_over(*ttl, now)).map(|(value, _)| value)
    }

    /// The earliest time of all fields. O(1).
    #[inline]
    #[must_use]
    pub fn next_expiry(&self) -> Option<i64> {
        match *self {
            HashRef::Pack(_) => None,
            HashRef::Timed(pack) => timed::read(pack, HEAD)?.ttl,
            HashRef::Big(big) => big.next_expiry(),
        }
    }

    /// Whether some field's time is before `now`. O(1).
    #[inline]
    #[must_use]
    pub fn has_due(&self, now: i64) -> bool {
        self.next_expiry().is_some_and(|at| at < now)
    }

    /// All fields, those whose time is over included.
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        match *self {
            HashRef::Pack(pack) => Iter(Walk::Pack(pack, HEAD)),
            HashRef::Timed(pack) => Iter(Walk::Timed(pack, HEAD)),
            HashRef::Big(big) => Iter(Walk::Big(Box::new(big.iter()))),
        }
    }

    /// Fields of a table from a place on, each with the place behind it; 0 is the start. Nothing of other forms.
    pub fn table_from(&self, place: u64) -> impl Iterator<Item = (Entry<'a>, u64)> + use<'a> {
        let big = if let HashRef::Big(big) = *self { Some(big) } else { None };
        big.into_iter()
            .flat_map(move |big| big.iter_from(place))
            .map(|((field, value, ttl), next)| ((Item::Text(field), Item::Text(value), ttl), next))
    }

    /// Visits about `count` fields from `cursor` on and returns the next cursor, 0 at the end. Packs are visited whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Entry)) -> u64 {
        match self {
            HashRef::Big(big) => big.scan(cursor, count, &mut |(field, value, ttl)| visit((Item::Text(field), Item::Text(value), ttl))),
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }

    /// Any field, all alike; `None` when there is none.
    #[must_use]
    pub fn random(&self, rng: &mut Rng) -> Option<Entry<'a>> {
        match *self {
            HashRef::Pack(pack) => {
                let at = pack.seek(rng.below(self.len() as u64) as i64 * 2)?;
                Iter(Walk::Pack(pack, at)).next()
            }
            HashRef::Timed(pack) => {
                let at = pack.seek(rng.below(self.len() as u64) as i64 * 3)?;
                Iter(Walk::Timed(pack, at)).next()
            }
            HashRef::Big(big) => big.random(rng).map(|(field, value, ttl)| (Item::Text(field), Item::Text(value), ttl)),
        }
    }
}

/// Whether a time is before `now`.
#[inline]
#[must_use]
pub fn is_over(ttl: Option<i64>, now: i64) -> bool {
    ttl.is_some_and(|at| at < now)
}

/// Fields of a hash.
pub struct Iter<'a>(Walk<'a>);

enum Walk<'a> {
    Pack(Pack<'a>, usize),
    Timed(Pack<'a>, usize),
    Big(Box<dyn Iterator<Item = Field<'a>> + 'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        match &mut self.0 {
            Walk::Pack(pack, at) => {
                let (field, value_at) = pack.at(*at)?;
                let (value, end) = pack.at(value_at)?;
                *at = end;
                Some((field, value, None))
            }
            Walk::Timed(pack, at) => {
                let triplet = timed::read(*pack, *at)?;
                *at = triplet.end;
                Some((triplet.field, triplet.value, triplet.ttl))
            }
            Walk::Big(iter) => iter.next().map(|(field, value, ttl)| (Item::Text(field), Item::Text(value), ttl)),
        }
    }
}
