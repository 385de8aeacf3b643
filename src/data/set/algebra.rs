//! What several sets have in common, all together, or the first alone; and members drawn by chance. Layer 1.
//!
//! The forms of results are those that Redis 7.2 arrives at: results are built member by member in its order.
//!
//! Ref: redis.io/commands/sinter, sunion, sdiff, srandmember, spop

use super::{Set, SetForm, SetRef};
use crate::base::rng::Rng;
use crate::data::collection::{Collection, Limits};
use crate::data::pack::Item;

/// Calls `f` with every member that all sets have, as long as it says to go on. An empty list has none.
pub fn inter<'a>(sets: &[SetRef<'a>], mut f: impl FnMut(Item<'a>) -> bool) {
    let mut order: Vec<SetRef<'a>> = sets.to_vec();
    order.sort_by_key(SetRef::len);
    let Some((first, others)) = order.split_first() else { return };
    // The same key several times is looked through once.
    let others: Vec<SetRef> = others.iter().copied().filter(|other| !other.is_same(first)).collect();
    if let (SetForm::Ints(own), [other]) = (first.form(), &others[..])
        && let SetForm::Ints(theirs) = other.form()
    {
        let (mut theirs, mut next) = (theirs.iter(), None);
        for n in own.iter() {
            while next.is_none_or(|other| other < n) {
                let Some(other) = theirs.next() else { return };
                next = Some(other);
            }
            if next == Some(n) && !f(Item::Int(n)) {
                return;
            }
        }
        return;
    }
    for item in first.iter() {
        if others.iter().all(|other| other.contains_item(item)) && !f(item) {
            return;
        }
    }
}

/// The set of what all sets have.
#[must_use]
pub fn inter_set(sets: &[SetRef], limits: &Limits) -> Set {
    let Some(first) = sets.iter().min_by_key(|set| set.len()) else { return Set::default() };
    let mut result = match first.form() {
        SetForm::Ints(_) => Set::starting_as_ints(),
        _ => Set::starting_as_pack(),
    };
    let mut only_ints = true;
    inter(sets, |item| {
        only_ints &= matches!(item, Item::Int(_));
        result.insert_item(item, limits);
        true
    });
    if only_ints && !result.view().is_empty() {
        result.settle_as_ints(limits);
    }
    result
}

/// Calls `f` with every member of any set, once. Integers ascend when all sets are runs of them.
pub fn union<'a>(sets: &[SetRef<'a>], mut f: impl FnMut(Item<'a>)) {
    if sets.iter().all(|set| matches!(set.form(), SetForm::Ints(_))) {
        let mut ints: Vec<Item> = sets.iter().flat_map(SetRef::iter).collect();
        let number = |item: &Item| if let Item::Int(n) = *item { n } else { 0 };
        if sets.len() > 1 {
            ints.sort_unstable_by_key(number);
            ints.dedup();
        }
        ints.into_iter().for_each(f);
        return;
    }
    for (i, set) in sets.iter().enumerate() {
        let earlier = sets.get(..i).unwrap_or_default();
        for item in set.iter() {
            if !earlier.iter().any(|other| other.contains_item(item)) {
                f(item);
            }
        }
    }
}

/// The set of all members.
#[must_use]
pub fn union_set(sets: &[SetRef], limits: &Limits) -> Set {
    let Some((at, largest)) = sets.iter().enumerate().max_by_key(|(_, set)| set.len()) else { return Set::default() };
    // So many members are a table in any case: the largest is shared and only what the others add is inserted.
    let is_table = largest.len() as u64 > limits.set_max_intset_entries.max(limits.set_max_listpack_entries);
    let mut result = Set::starting_as_ints();
    if is_table {
        result = largest.to_set();
        result.expect(b"", largest.len() as u64, limits);
    }
    for (i, set) in sets.iter().enumerate() {
        if !(is_table && (i == at || set.is_same(largest))) {
            set.iter().for_each(|item| {
                result.insert_item(item, limits);
            });
        }
    }
    result
}

/// How the difference is found: as Redis decides it, since the form of a stored result depends on it.
enum Way {
    /// Each member of the first set is looked for in the others.
    Probe,
    /// The others' members are taken out of a copy of the first set.
    TakeOut,
}

fn way(first: &SetRef, others: &[SetRef]) -> Way {
    let probes = first.len() as u64 * (others.len() as u64 + 1) / 2;
    let all = first.len() as u64 + others.iter().map(|set| set.len() as u64).sum::<u64>();
    if probes <= all { Way::Probe } else { Way::TakeOut }
}

/// Calls `f` with every member of `first` that no other set has.
pub fn diff<'a>(first: SetRef<'a>, others: &[SetRef], mut f: impl FnMut(Item<'a>)) {
    if others.iter().any(|other| other.is_same(&first)) {
        return;
    }
    // Large sets first: they are more likely to have it.
    let mut others = others.to_vec();
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    first.iter().filter(|item| !others.iter().any(|other| other.contains_item(*item))).for_each(&mut f);
}

/// The set of the members of `first` that no other set has.
#[must_use]
pub fn diff_set(first: SetRef, others: &[SetRef], limits: &Limits) -> Set {
    let mut result = Set::starting_as_ints();
    if matches!(way(&first, others), Way::TakeOut) && !others.iter().any(|other| other.is_same(&first)) {
        first.iter().for_each(|item| {
            result.insert_item(item, limits);
        });
        for item in others.iter().flat_map(SetRef::iter) {
            result.remove_item(item);
        }
        return result;
    }
    diff(first, others, |item| {
        result.insert_item(item, limits);
    });
    result
}

/// Calls `f` with `count` different members drawn by chance, all of them if there are no more; each choice is as likely as
/// any other. Members of a pack come in its order.
pub fn draw<'a>(set: SetRef<'a>, count: usize, rng: &mut Rng, mut f: impl FnMut(Item<'a>)) {
    let size = set.len();
    let few = count <= size / 3;
    if few && !matches!(set.form(), SetForm::Pack(_)) {
        return draw_few(set, count, rng, f);
    }
    // One walk over all: each member is taken with the chance that fits what is still wanted of what is left.
    let (mut wanted, mut left) = (count.min(size), size);
    for item in set.iter() {
        if wanted == 0 {
            return;
        }
        if rng.below(left as u64) < wanted as u64 {
            f(item);
            wanted -= 1;
        }
        left -= 1;
    }
}

/// Draws again what was drawn before: cheap as long as most members are not wanted.
fn draw_few<'a>(set: SetRef<'a>, count: usize, rng: &mut Rng, mut f: impl FnMut(Item<'a>)) {
    let mut drawn = Set::starting_as_ints();
    let limits = Limits { set_max_intset_entries: 64, set_max_listpack_entries: 16, seed: rng.next_u64(), ..Limits::default() };
    let mut left = count;
    while left > 0
        && let Some(item) = set.random(rng)
    {
        if drawn.insert_item(item, &limits) {
            f(item);
            left -= 1;
        }
    }
}
