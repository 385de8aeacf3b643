//! The stream: entries ordered by ID, each a list of fields and values, and the groups that consume them.
//!
//! Layer 1. Entries lie in blocks ([`block`]), blocks in an ordered map whose chunks copies share ([`ordered`]), groups beside
//! them ([`group`]). A block starts where Redis starts a node, because clients see it: XTRIM with `~` removes whole nodes only.
//!
//! Invariants: IDs of entries rise strictly, but for deleted ones that XSETID made greater than later ones: those are at the end
//! of their block; `facts.length` is the number of entries that are not deleted; `facts.first` is the ID of the
//! first of them, or 0-0; an empty stream is still a stream: it never goes away by itself.
//! It does not know the time, argument words or replies.
//! Ref: redis.io/docs/latest/develop/data-types/streams

pub mod block;
pub mod group;
mod id;
pub mod ordered;
mod range;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, LazyLock};

use super::collection::{Collection, Limits, collection};
pub use block::{Block, Entry, Pairs};
pub use group::{Consumer, Group, Pending};
pub use id::{Id, IdText};
use ordered::Ordered;
pub use range::{Backward, Forward};

/// Most bytes of a node, whatever the configuration says.
const NODE_BYTES_MAX: u64 = 1 << 30;
/// Entries freed with a block when nobody counts them.
const FREED_A_BLOCK: usize = 32;
/// Bytes of a group in the map of groups, about.
const EACH_GROUP: usize = 64;

/// The groups by name.
type Groups = BTreeMap<Box<[u8]>, Arc<Group>>;

/// What is known of a stream without looking at entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Entries that are there.
    pub length: u64,
    /// Entries ever added.
    pub added: u64,
    /// ID of the last entry ever added, or what XSETID said.
    pub last: Id,
    /// ID of the first entry that is there; 0-0 if none is.
    pub first: Id,
    /// Greatest ID that was deleted (not trimmed).
    pub max_deleted: Id,
}

/// The entries of a stream.
#[derive(Clone, Default)]
pub struct Log {
    blocks: Ordered<Arc<Block>>,
    /// Bytes of all blocks.
    bytes: usize,
}

/// A stream.
#[derive(Clone, Default)]
pub struct Stream {
    /// What is known without looking at entries.
    pub facts: Facts,
    log: Log,
    groups: Option<Arc<Groups>>,
    /// Bytes of all groups.
    group_bytes: usize,
}

/// A group, to change.
pub struct GroupMut<'a> {
    group: &'a mut Group,
    total: &'a mut usize,
    before: usize,
}

impl std::ops::Deref for GroupMut<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl std::ops::DerefMut for GroupMut<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupMut<'_> {
    fn drop(&mut self) {
        *self.total = (*self.total + self.group.bytes()).saturating_sub(self.before);
    }
}

/// A stream, to read.
pub type StreamRef<'a> = &'a Stream;

/// An entry was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Its ID is not above the last one.
    Order,
    /// Names and values together take more than 1 GiB.
    Size,
}

/// What trimming keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// The last so many entries.
    Newest(u64),
    /// Entries from this ID on.
    From(Id),
}

/// How entries are trimmed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trim {
    /// What stays.
    pub keep: Keep,
    /// Whole blocks only.
    pub is_about: bool,
    /// Most entries removed; 0 = any number.
    pub limit: u64,
}

impl Facts {
    /// Whether an entry was deleted at or after `from`.
    #[must_use]
    pub fn has_tombstone(&self, from: Id) -> bool {
        self.length > 0 && self.max_deleted != Id::MIN && from <= self.max_deleted
    }

    /// How many entries had been added when `id` was, [`group::UNKNOWN`] when that cannot be told.
    #[must_use]
    pub fn rank(&self, id: Id) -> i64 {
        if self.added == 0 {
            return 0;
        }
        if id == self.last || (self.length == 0 && id < self.last) {
            return self.added as i64;
        }
        let has_no_gap = self.max_deleted == Id::MIN || self.max_deleted < self.first;
        let before = self.added.wrapping_sub(self.length) as i64;
        match id.cmp(&self.first) {
            _ if id > self.last || !has_no_gap => group::UNKNOWN,
            std::cmp::Ordering::Less => before,
            std::cmp::Ordering::Equal => before.wrapping_add(1),
            std::cmp::Ordering::Greater => group::UNKNOWN,
        }
    }

    /// How many entries a group has not read, if that can be told.
    #[must_use]
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.added == 0 || self.length == 0 {
            return Some(0);
        }
        if group.last < self.first && self.max_deleted < self.first {
            return Some(self.length as i64);
        }
        let read = if group.read != group::UNKNOWN && !self.has_tombstone(group.last) { group.read } else { self.rank(group.last) };
        (read != group::UNKNOWN).then(|| (self.added as i64).wrapping_sub(read))
    }

    /// A group reads entry `id`, the next one for it.
    pub fn advance(&self, group: &mut Group, id: Id) {
        if group.read != group::UNKNOWN && group.last >= self.first && !self.has_tombstone(group.last) {
            group.read = group.read.wrapping_add(1);
        } else if self.added > 0 {
            group.read = self.rank(id);
        }
        group.last = id;
    }
}

impl Log {
    /// Entries from `from` to `to`, both included, deleted ones left out.
    #[must_use]
    pub fn range(&self, from: Id, to: Id) -> Forward<'_> {
        Forward::new(self.blocks.range_from_floor(from, to), from, to)
    }

    /// The same from the end.
    #[must_use]
    pub fn range_back(&self, from: Id, to: Id) -> Backward<'_> {
        Backward::new(self.blocks.range_from_floor(from, to), from, to)
    }

    /// Whether entry `id` is there.
    #[must_use]
    pub fn contains(&self, id: Id) -> bool {
        self.range(id, id).next().is_some()
    }

    /// Blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().map(|(_, block)| &**block)
    }

    /// Blocks whose first ID is `from` or above.
    pub fn blocks_from(&self, from: Id) -> impl Iterator<Item = &Block> {
        self.blocks.range(from, Id::MAX).map(|(_, block)| &**block)
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks_len(&self) -> usize {
        self.blocks.len()
    }

    /// ID of the last entry that is there.
    #[must_use]
    pub fn last_entry(&self) -> Option<Id> {
        match self.blocks.last() {
            Some((_, block)) if !block.is_tail_deleted() => Some(block.last),
            _ => self.range_back(Id::MIN, Id::MAX).next().map(|entry| entry.id),
        }
    }

    fn first_entry(&self) -> Id {
        self.range(Id::MIN, Id::MAX).next().map_or(Id::MIN, |entry| entry.id)
    }

    /// Nodes of a radix tree whose keys are the blocks' IDs, as Redis builds it.
    #[must_use]
    pub fn radix_nodes(&self) -> usize {
        const DEPTH: usize = 16;
        // Depths at which the way to the last key branches.
        let mut branches: Vec<usize> = Vec::new();
        let (mut nodes, mut last) = (1, None::<u128>);
        for (id, _) in self.blocks.iter() {
            let key = u128::from_be_bytes(id.to_bytes());
            match last.replace(key) {
                None => nodes += 1,
                Some(before) => {
                    let common = (before ^ key).leading_zeros() as usize / 8;
                    let mut to = DEPTH;
                    while let Some(depth) = branches.pop_if(|depth| *depth > common) {
                        to = depth;
                    }
                    if branches.last() != Some(&common) {
                        let from = branches.last().map_or(0, |depth| depth + 1);
                        // A chain from `from` to the next branch or leaf is cut in two by a new branch.
                        nodes += Self::cut(from, common, to);
                        branches.push(common);
                    }
                    nodes += 1 + usize::from(common + 1 < DEPTH);
                }
            }
        }
        nodes
    }

    /// How many nodes more a branch at depth `at` makes of a chain of bytes `from..to`.
    fn cut(from: usize, at: usize, to: usize) -> usize {
        // The chain itself was one node; the branch is one, and what is left on either side one each.
        usize::from(at > from) + 1 + usize::from(at + 1 < to) - 1
    }

    fn push<'a, P: Pairs<'a> + ?Sized>(&mut self, id: Id, pairs: &P, size: u64, limits: &Limits) {
        let most = match limits.stream_node_max_bytes {
            0 => NODE_BYTES_MAX,
            most => most.min(NODE_BYTES_MAX),
        };
        self.drop_dead_tail(id);
        let mut capacity = 0;
        if let Some(block) = self.blocks.last_mut() {
            let is_full = limits.stream_node_max_entries != 0 && i64::from(block.total) >= limits.stream_node_max_entries;
            // A shared block is copied, and the copy may have less room to spare.
            let before = block.bytes();
            let block = Arc::make_mut(block);
            if is_full || block.listpack_bytes() + size >= most || id <= block.last {
                block.seal();
                capacity = block.data_len().min(16 * 1024) + 64;
            } else {
                block.push(id, pairs);
            }
            self.bytes = self.bytes - before + block.bytes();
            if capacity == 0 {
                return;
            }
        }
        self.push_block(Block::new(id, pairs, capacity));
    }

    /// Removes blocks of deleted entries at the end whose IDs are not below `id`: XSETID can make the last ID less than theirs.
    fn drop_dead_tail(&mut self, id: Id) {
        while let Some((first, block)) = self.blocks.last()
            && block.live == 0
            && block.last >= id
        {
            self.remove_block(first);
        }
    }

    fn push_block(&mut self, block: Block) {
        self.drop_dead_tail(block.first);
        self.bytes += block.bytes();
        self.blocks.insert(block.first, Arc::new(block));
    }

    /// The first of the block that `id` lies in.
    fn block_of(&self, id: Id) -> Option<Id> {
        let (first, block) = self.blocks.range_from_floor(id, id).next()?;
        (id >= first && id <= block.last).then_some(first)
    }

    /// Changes a block; it goes away when `change` says so.
    fn change_block(&mut self, first: Id, change: impl FnOnce(&mut Block) -> bool) {
        let Some(block) = self.blocks.get_mut(first) else { return };
        let before = block.bytes();
        let is_gone = change(Arc::make_mut(block));
        self.bytes = self.bytes - before + block.bytes();
        if is_gone {
            self.remove_block(first);
        }
    }

    fn remove_block(&mut self, first: Id) {
        if let Some(block) = self.blocks.remove(first) {
            self.bytes -= block.bytes();
        }
    }

    fn delete(&mut self, id: Id) -> bool {
        let Some(first) = self.block_of(id) else { return false };
        let found = self.blocks.get(first).and_then(|block| block.iter().find(|entry| entry.id >= id));
        let Some(offset) = found.filter(|entry| entry.id == id && !entry.is_deleted).map(|entry| entry.offset) else { return false };
        self.change_block(first, |block| {
            block.delete(offset);
            block.live == 0
        });
        true
    }
}

impl Stream {
    /// The entries.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "stream"
    }

    /// Adds an entry. `size`: bytes of all names and values. Fails without a change.
    pub fn append<'a, P: Pairs<'a> + ?Sized>(&mut self, id: Id, pairs: &P, size: u64, limits: &Limits) -> Result<(), Refused> {
        if id <= self.facts.last {
            return Err(Refused::Order);
        }
        if size > NODE_BYTES_MAX {
            return Err(Refused::Size);
        }
        self.log.push(id, pairs, size, limits);
        self.facts.length += 1;
        self.facts.added = self.facts.added.wrapping_add(1);
        self.facts.last = id;
        if self.facts.length == 1 {
            self.facts.first = id;
        }
        Ok(())
    }

    /// Adds a whole block behind all others; the facts about the entries in it follow, the others are the caller's.
    pub fn adopt(&mut self, block: Block) {
        if block.live > 0 && self.facts.length == 0 {
            self.facts.first = block.iter().find(|entry| !entry.is_deleted).map_or(Id::MIN, |entry| entry.id);
        }
        self.facts.length += u64::from(block.live);
        self.facts.added = self.facts.added.wrapping_add(block.live.into());
        self.facts.last = self.facts.last.max(block.last);
        self.log.push_block(block);
    }

    /// Deletes one entry and remembers that there is a gap; false if it is not there.
    pub fn delete(&mut self, id: Id) -> bool {
        if !self.log.delete(id) {
            return false;
        }
        let facts = &mut self.facts;
        facts.length -= 1;
        facts.max_deleted = facts.max_deleted.max(id);
        if facts.length == 0 {
            facts.first = Id::MIN;
        } else if facts.first == id {
            facts.first = self.log.first_entry();
        }
        true
    }

    /// Removes old entries; how many.
    pub fn trim(&mut self, trim: &Trim) -> u64 {
        let mut removed = 0;
        while let Some((first, block)) = self.log.blocks.first() {
            let live = u64::from(block.live);
            if matches!(trim.keep, Keep::Newest(most) if self.facts.length <= most) || (trim.limit > 0 && removed + live > trim.limit) {
                break;
            }
            let is_whole = match trim.keep {
                Keep::Newest(most) => self.facts.length.saturating_sub(live) >= most,
                Keep::From(id) => block.last < id,
            };
            if is_whole {
                self.log.remove_block(first);
                self.facts.length -= live;
                removed += live;
                continue;
            }
            if !trim.is_about {
                removed += self.trim_block(first, trim.keep);
            }
            break;
        }
        if self.facts.length == 0 {
            self.facts.first = Id::MIN;
        } else if removed > 0 {
            self.facts.first = self.log.first_entry();
        }
        removed
    }

    /// Removes entries from the front of one block; not all of them go.
    fn trim_block(&mut self, first: Id, keep: Keep) -> u64 {
        let Some(block) = self.log.blocks.get(first) else { return 0 };
        let mut left = self.facts.length;
        let mut offsets = Vec::new();
        for entry in block.iter() {
            let is_kept = match keep {
                Keep::Newest(most) => left <= most,
                Keep::From(id) => entry.id >= id,
            };
            if is_kept {
                break;
            }
            if !entry.is_deleted {
                offsets.push(entry.offset);
                left -= 1;
            }
        }
        self.log.change_block(first, |block| {
            for offset in &offsets {
                block.delete(*offset);
            }
            false
        });
        self.facts.length = left;
        offsets.len() as u64
    }

    /// Number of groups.
    #[must_use]
    pub fn groups_len(&self) -> usize {
        self.groups.as_ref().map_or(0, |groups| groups.len())
    }

    /// Groups by name.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().flat_map(|groups| groups.iter()).map(|(name, group)| (&**name, &**group))
    }

    /// The first group whose name comes after `name` (of all, if there is none).
    #[must_use]
    pub fn group_after(&self, name: Option<&[u8]>) -> Option<(&[u8], &Group)> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        let (name, group) = self.groups.as_ref()?.range::<[u8], _>((from, Bound::Unbounded)).next()?;
        Some((&**name, &**group))
    }

    /// The group called `name`.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.as_ref()?.get(name).map(|group| &**group)
    }

    /// The same, to change, with the entries and the facts.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<(GroupMut<'_>, &Log, &Facts)> {
        let group = Arc::make_mut(self.groups.as_mut()?).get_mut(name)?;
        // A shared group is copied, and the copy may have less room to spare.
        let before = group.bytes();
        let group = GroupMut { group: Arc::make_mut(group), total: &mut self.group_bytes, before };
        Some((group, &self.log, &self.facts))
    }

    /// Adds a group; false if there is one of that name.
    pub fn add_group(&mut self, name: &[u8], group: Group) -> bool {
        let groups = Arc::make_mut(self.groups.get_or_insert_default());
        let is_new = !groups.contains_key(name);
        if is_new {
            self.group_bytes += name.len() + EACH_GROUP + group.bytes();
            groups.insert(name.into(), Arc::new(group));
        }
        is_new
    }

    /// Removes a group.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        let Some(groups) = self.groups.as_mut().filter(|groups| groups.contains_key(name)) else { return false };
        let gone = Arc::make_mut(groups).remove(name);
        self.group_bytes -= gone.as_ref().map_or(0, |group| name.len() + EACH_GROUP + group.bytes());
        gone.is_some()
    }

    /// Whether a group has yet to read entry `id`, or has not acknowledged it.
    #[must_use]
    pub fn is_wanted(&self, id: Id) -> bool {
        self.groups().any(|(_, group)| group.last < id || group.get(id).is_some())
    }
}

impl Collection for Stream {
    collection!(Stream);
    const INLINE_MAX: usize = 0;
    type Ref<'a> = StreamRef<'a>;

    fn view(&self) -> StreamRef<'_> {
        self
    }
    fn view_pack(_pack: &[u8]) -> StreamRef<'_> {
        static EMPTY: LazyLock<Stream> = LazyLock::new(Stream::default);
        &EMPTY
    }
    fn from_pack(_pack: Vec<u8>) -> Self {
        Stream::default()
    }
    fn as_pack(&self) -> Option<&[u8]> {
        None
    }
    fn is_gone(&self) -> bool {
        false
    }
    fn bytes(&self) -> usize {
        self.log.bytes + self.log.blocks.bytes() + self.group_bytes
    }
    fn free_some(&mut self, budget: usize) -> bool {
        let mut left = budget;
        while left > 0
            && let Some(chunk) = self.log.blocks.take_chunk()
        {
            left = left.saturating_sub(chunk.len() * FREED_A_BLOCK);
        }
        if let Some(groups) = self.groups.as_mut().and_then(Arc::get_mut) {
            while left > 0
                && let Some(mut first) = groups.first_entry()
            {
                let is_free = Arc::get_mut(first.get_mut()).is_none_or(|group| group.free_some(&mut left));
                if is_free {
                    first.remove();
                    left = left.saturating_sub(1);
                }
            }
        } else {
            self.groups = None;
        }
        self.log.blocks.is_empty() && self.groups_len() == 0
    }
}

#[cfg(test)]
mod tests;
