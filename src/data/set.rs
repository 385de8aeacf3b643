//! The set: members without order, each once.
//!
//! Layer 1. Three forms, with the rules of Redis 7.2 for when one becomes another: a sorted run of integers
//! (`set/ints.rs`, "intset"), a pack of members in the order in which they came ("listpack"), and tables (`set/big.rs`,
//! "hashtable"). The first two share one representation, [`Form::Small`]: the run or the pack, and behind it one byte that
//! tells which (the integers' width, or 0 for a pack). That is also how they lie inside an entry.
//!
//! Invariants: a member that is the canonical text of an `i64` is an integer in every form; a form never goes back to a
//! smaller one by removals. What several sets have in common is in `set/algebra.rs`.
//!
//! Ref: redis.io/docs/latest/develop/data-types/sets, redis.io/commands/object-encoding

pub mod algebra;
mod big;
pub mod ints;
mod view;

use super::collection::{Collection, Hint, Limits, collection};
use super::pack::{self, Item, Pack};
use big::Big;
pub use ints::IntSet;
pub use view::{Iter, SetForm, SetRef};

/// The byte behind a pack.
const PACK: u8 = 0;
/// Most integers that the first form may have, whatever the configuration says.
const INTS_MAX: u64 = 1 << 30;

/// A set.
#[derive(Clone)]
pub struct Set(Form);

#[derive(Clone)]
enum Form {
    /// A run or a pack with the byte that tells which; no byte at all while nothing was inserted.
    Small(Vec<u8>),
    Big(Big),
}

impl Default for Set {
    fn default() -> Set {
        Set(Form::Small(Vec::new()))
    }
}

impl Set {
    /// An empty set that is a run of integers until something else comes.
    #[must_use]
    pub fn starting_as_ints() -> Set {
        Set::of_ints(&[])
    }

    /// An empty set that is a pack until it is too large for one.
    #[must_use]
    pub fn starting_as_pack() -> Set {
        Set::of_pack(pack::empty())
    }

    fn of_ints(sorted: &[i64]) -> Set {
        Set(Form::Small(ints::from_sorted(sorted)))
    }

    fn of_pack(mut pack: Vec<u8>) -> Set {
        pack.push(PACK);
        Set(Form::Small(pack))
    }

    fn of_big(big: Big) -> Set {
        Set(Form::Big(big))
    }

    /// The set of these integers: a run, or a table where the limits say so.
    #[must_use]
    pub fn from_ints(sorted: &[i64], limits: &Limits) -> Set {
        let mut set = if sorted.is_sorted_by(|a, b| a < b) {
            Set::of_ints(sorted)
        } else {
            let mut copy = sorted.to_vec();
            copy.sort_unstable();
            copy.dedup();
            Set::of_ints(&copy)
        };
        set.widen_ints(limits);
        set
    }

    /// The set with the members of a whole checked pack: the pack itself, or a table where the limits say so.
    /// `None` when a member is there twice.
    #[must_use]
    pub fn adopt_pack(pack: Vec<u8>, limits: &Limits) -> Option<Set> {
        let mut big = Big::new(limits.seed);
        if !Pack::new(&pack).iter().all(|item| big.insert(item)) {
            return None;
        }
        let fits = big.len() as u64 <= limits.set_max_listpack_entries;
        Some(if fits { Set::of_pack(pack) } else { Set::of_big(big) })
    }

    /// What it is about to get: up to `count` members, the first of them `first`. Chooses the form of an empty set and
    /// makes a table of one that would become too large.
    pub fn expect(&mut self, first: &[u8], count: u64, limits: &Limits) {
        let Form::Small(small) = &self.0 else { return };
        match small.last() {
            None => self.start(Item::of(first), count, limits),
            Some(&PACK) if count > limits.set_max_listpack_entries => self.become_big(limits),
            Some(&mark) if mark != PACK && count > limits.set_max_intset_entries => self.become_big(limits),
            Some(_) => {}
        }
    }

    fn start(&mut self, first: Item, count: u64, limits: &Limits) {
        *self = if matches!(first, Item::Int(_)) && count <= limits.set_max_intset_entries {
            Set::starting_as_ints()
        } else if count <= limits.set_max_listpack_entries {
            Set::starting_as_pack()
        } else {
            Set::of_big(Big::new(limits.seed))
        };
    }

    /// Puts a member in; true when it is new.
    pub fn insert(&mut self, member: &[u8], limits: &Limits) -> bool {
        self.insert_item(Item::of(member), limits)
    }

    /// The same for a member that came from a set or from `Item::of`.
    pub fn insert_item(&mut self, item: Item, limits: &Limits) -> bool {
        let small = match &mut self.0 {
            Form::Big(big) => return big.insert(item),
            Form::Small(small) => small,
        };
        match (small.last(), item) {
            (None, _) => {
                self.start(item, 1, limits);
                self.insert_item(item, limits)
            }
            (Some(&PACK), _) => self.insert_in_pack(item, limits),
            (Some(_), Item::Int(n)) => {
                let is_new = ints::insert(small, n);
                self.widen_ints(limits);
                is_new
            }
            (Some(_), Item::Text(text)) => {
                self.leave_ints(text, limits);
                self.insert_item(item, limits)
            }
        }
    }

    fn insert_in_pack(&mut self, item: Item, limits: &Limits) -> bool {
        let Form::Small(small) = &mut self.0 else { return false };
        small.pop();
        let view = Pack::new(small);
        let is_there = view::find(view, item).is_some();
        let fits = (view.len() as u64) < limits.set_max_listpack_entries && text_len(item) <= limits.set_max_listpack_value;
        if !is_there && fits {
            pack::push_item(small, item);
        }
        small.push(PACK);
        if is_there || fits {
            return !is_there;
        }
        self.become_big(limits);
        self.insert_item(item, limits)
    }

    /// A run of integers is about to get a text: it becomes a pack if that has room, else a table.
    fn leave_ints(&mut self, text: &[u8], limits: &Limits) {
        let Form::Small(small) = &self.0 else { return };
        let Some((&width, run)) = small.split_last() else { return };
        let view = IntSet::new(width, run);
        let ends = [view.get(0), view.len().checked_sub(1).and_then(|last| view.get(last))];
        let longest = ends.into_iter().flatten().map(|n| text_len(Item::Int(n))).max().unwrap_or(0);
        let has_room = (view.len() as u64) < limits.set_max_listpack_entries;
        if has_room && text.len() as u64 <= limits.set_max_listpack_value && longest <= limits.set_max_listpack_value {
            let mut pack = Vec::with_capacity(view.len() * 4 + text.len() + 16);
            pack.extend_from_slice(&pack::empty());
            view.iter().for_each(|n| pack::push_item(&mut pack, Item::Int(n)));
            *self = Set::of_pack(pack);
        } else {
            self.become_big(limits);
        }
    }

    /// A run that has become too long becomes a table.
    fn widen_ints(&mut self, limits: &Limits) {
        if self.view().len() as u64 > limits.set_max_intset_entries.min(INTS_MAX) {
            self.become_big(limits);
        }
    }

    fn become_big(&mut self, limits: &Limits) {
        if matches!(self.0, Form::Big(_)) {
            return;
        }
        let mut big = Big::new(limits.seed);
        self.view().iter().for_each(|item| {
            big.insert(item);
        });
        self.0 = Form::Big(big);
    }

    /// A set of integers alone, found to be so by the caller, becomes a run of them if the limits admit it.
    pub fn settle_as_ints(&mut self, limits: &Limits) {
        if matches!(self.view().form(), SetForm::Ints(_)) || self.view().len() as u64 > limits.set_max_intset_entries {
            return;
        }
        let ints: Option<Vec<i64>> = self.view().iter().map(|item| if let Item::Int(n) = item { Some(n) } else { None }).collect();
        if let Some(mut ints) = ints {
            ints.sort_unstable();
            *self = Set::of_ints(&ints);
        }
    }

    /// Takes a member out; true when it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        self.remove_item(Item::of(member))
    }

    /// The same for a member that came from a set or from `Item::of`.
    pub fn remove_item(&mut self, item: Item) -> bool {
        let small = match &mut self.0 {
            Form::Big(big) => return big.remove(item),
            Form::Small(small) => small,
        };
        match (small.last(), item) {
            (None, _) => false,
            (Some(&PACK), _) => {
                small.pop();
                let found = view::find(Pack::new(small), item);
                if let Some(offset) = found {
                    pack::remove(small, offset, 1);
                }
                small.push(PACK);
                found.is_some()
            }
            (Some(_), Item::Int(n)) => ints::remove(small, n),
            (Some(_), Item::Text(_)) => false,
        }
    }
}

/// Characters of a member's text.
fn text_len(item: Item) -> u64 {
    item.text(&mut itoa::Buffer::new()).len() as u64
}

impl Collection for Set {
    collection!(Set);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = SetRef<'a>;

    #[inline]
    fn view(&self) -> SetRef<'_> {
        match &self.0 {
            Form::Small(small) => SetRef::of_small(small),
            Form::Big(big) => SetRef::of_big(big),
        }
    }

    #[inline]
    fn view_pack(pack: &[u8]) -> SetRef<'_> {
        SetRef::of_small(pack)
    }

    fn from_pack(pack: Vec<u8>) -> Self {
        Set(Form::Small(pack))
    }

    fn as_pack(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Small(small) => Some(small),
            Form::Big(_) => None,
        }
    }

    #[inline]
    fn prefetch(&self, hint: &mut Hint, depth: u32) {
        if let Form::Big(big) = &self.0 {
            big.prefetch(Item::of(hint.element), depth, &mut hint.kept);
        }
    }

    fn is_gone(&self) -> bool {
        self.view().is_empty()
    }

    fn bytes(&self) -> usize {
        match &self.0 {
            Form::Small(small) => small.capacity(),
            Form::Big(big) => big.bytes(),
        }
    }

    fn free_some(&mut self, budget: usize) -> bool {
        match &mut self.0 {
            Form::Small(_) => true,
            Form::Big(big) => big.free_some(budget),
        }
    }
}

#[cfg(test)]
mod tests;
