//! A set, to read, whatever its form. Layer 1.

use super::big::{self, Big};
use super::ints::IntSet;
use super::{PACK, Set};
use crate::base::rng::Rng;
use crate::data::pack::{self, Item, Pack};

/// A set, to read.
#[derive(Clone, Copy)]
pub struct SetRef<'a>(Body<'a>);

#[derive(Clone, Copy)]
enum Body<'a> {
    Ints(IntSet<'a>),
    Pack(Pack<'a>),
    Big(&'a Big),
}

/// How a set is kept, for those who write it down.
#[derive(Clone, Copy, Debug)]
pub enum SetForm<'a> {
    /// Sorted integers.
    Ints(IntSet<'a>),
    /// A pack of members in the order in which they came.
    Pack(Pack<'a>),
    /// A table; `iter` gives its members.
    Table,
}

impl<'a> SetRef<'a> {
    /// Of the packed form. See [`Set`] for its bytes.
    #[inline]
    pub(super) fn of_small(small: &'a [u8]) -> SetRef<'a> {
        match small.split_last() {
            None => SetRef(Body::Pack(Pack::new(&[]))),
            Some((&PACK, pack)) => SetRef(Body::Pack(Pack::new(pack))),
            Some((&width, ints)) => SetRef(Body::Ints(IntSet::new(width, ints))),
        }
    }

    #[inline]
    pub(super) fn of_big(big: &'a Big) -> SetRef<'a> {
        SetRef(Body::Big(big))
    }

    /// Number of members.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Body::Ints(ints) => ints.len(),
            Body::Pack(pack) => pack.len(),
            Body::Big(big) => big.len(),
        }
    }

    /// Whether it has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of its form, as OBJECT ENCODING replies it.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self.0 {
            Body::Ints(_) => "intset",
            Body::Pack(_) => "listpack",
            Body::Big(_) => "hashtable",
        }
    }

    /// How it is kept.
    #[must_use]
    pub fn form(&self) -> SetForm<'a> {
        match self.0 {
            Body::Ints(ints) => SetForm::Ints(ints),
            Body::Pack(pack) => SetForm::Pack(pack),
            Body::Big(_) => SetForm::Table,
        }
    }

    /// Whether `member` is in it.
    #[inline]
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.contains_item(Item::of(member))
    }

    /// The same for a member that came from a set or from `Item::of`.
    #[inline]
    #[must_use]
    pub fn contains_item(&self, item: Item) -> bool {
        match (self.0, item) {
            (Body::Ints(ints), Item::Int(n)) => ints.find(n).is_ok(),
            (Body::Ints(_), Item::Text(_)) => false,
            (Body::Pack(pack), _) => find(pack, item).is_some(),
            (Body::Big(big), _) => big.contains(item),
        }
    }

    /// All members: integers of the first form ascending, those of a pack in the order in which they came.
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        match self.0 {
            Body::Ints(ints) => Iter::Ints(ints, 0),
            Body::Pack(pack) => Iter::Pack(pack.iter()),
            Body::Big(big) => Iter::Big(big.iter()),
        }
    }

    /// The same, of a table from a place on that `Iter::place` gave (0 is the start), of other forms always from the start.
    #[must_use]
    pub fn iter_from(&self, place: u64) -> Iter<'a> {
        match self.0 {
            Body::Big(big) => Iter::Big(big.iter_from(place)),
            _ => self.iter(),
        }
    }

    /// Any member, each with the same probability.
    #[must_use]
    pub fn random(&self, rng: &mut Rng) -> Option<Item<'a>> {
        match self.0 {
            Body::Ints(ints) => ints.get(rng.below(ints.len() as u64) as usize).map(Item::Int),
            Body::Pack(pack) => pack.get(rng.below(pack.len() as u64) as i64),
            Body::Big(big) => big.random(rng),
        }
    }

    /// Calls `f` with about `count` members from `cursor` on and returns where to go on; 0 is the start and the end.
    /// Small forms give all at once.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut dyn FnMut(Item)) -> u64 {
        match self.0 {
            Body::Big(big) => big.scan(cursor, count, f),
            _ => {
                self.iter().for_each(f);
                0
            }
        }
    }

    /// Whether it is in the same place as `other`, not merely equal.
    #[must_use]
    pub fn is_same(&self, other: &SetRef) -> bool {
        match (self.0, other.0) {
            (Body::Big(a), Body::Big(b)) => std::ptr::eq(a, b),
            (Body::Pack(a), Body::Pack(b)) => std::ptr::eq(a.bytes(), b.bytes()),
            _ => false,
        }
    }

    /// A set of its own with the same members and form. A table is shared until one of the two changes.
    #[must_use]
    pub fn to_set(&self) -> Set {
        match self.0 {
            Body::Ints(ints) => Set::of_ints(&ints.iter().collect::<Vec<i64>>()),
            Body::Pack(pack) => Set::of_pack(pack.bytes().to_vec()),
            Body::Big(big) => Set::of_big(big.clone()),
        }
    }
}

/// The offset of `item` in a pack of members.
#[inline]
pub(super) fn find(pack: Pack, item: Item) -> Option<usize> {
    let mut at = pack::HEAD;
    while let Some((own, next)) = pack.at(at) {
        if own == item {
            return Some(at);
        }
        at = next;
    }
    None
}

/// Members of a set.
#[derive(Clone)]
pub enum Iter<'a> {
    Ints(IntSet<'a>, usize),
    Pack(pack::Iter<'a>),
    Big(big::Iter<'a>),
}

impl Iter<'_> {
    /// Where the next member of a table is, for `SetRef::iter_from`.
    #[must_use]
    pub fn place(&self) -> u64 {
        match self {
            Iter::Big(big) => big.place(),
            _ => 0,
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        match self {
            Iter::Ints(ints, next) => {
                let n = ints.get(*next)?;
                *next += 1;
                Some(Item::Int(n))
            }
            Iter::Pack(pack) => pack.next(),
            Iter::Big(big) => big.next(),
        }
    }
}
