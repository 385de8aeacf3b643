//! The chunks of a long list, in groups, so that a copy takes group handles and an index skips whole groups.
//!
//! Layer 1, under `list/quick.rs`. Knows positions and counts of elements; what is in a chunk and how large one may be is
//! not known here.
//!
//! Invariants: no chunk and no group is empty; counts beside handles agree with what they count; a group that others
//! hold is copied (handles only) before it changes, and so is a chunk.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::Chunk;

/// Chunks a group holds at most.
const GROUP_MAX: usize = 128;
/// Two groups that together have no more than this many become one.
const GROUP_JOIN: usize = 64;

/// A chunk and its number of elements.
#[derive(Clone)]
struct Slot {
    chunk: Arc<Chunk>,
    count: u32,
}

#[derive(Clone)]
struct Group {
    slots: Arc<VecDeque<Slot>>,
    /// Chunks.
    nodes: u32,
    /// Elements.
    len: u64,
}

impl Group {
    fn of(slots: VecDeque<Slot>) -> Group {
        let (nodes, len) = (slots.len() as u32, slots.iter().map(|s| u64::from(s.count)).sum());
        Group { slots: Arc::new(slots), nodes, len }
    }
}

/// Where a chunk is; valid until a chunk is added or taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct At {
    group: usize,
    slot: usize,
}

/// Chunks in order.
#[derive(Clone, Default)]
pub struct Nodes {
    groups: VecDeque<Group>,
    /// Chunks.
    nodes: usize,
    /// Elements.
    len: u64,
    /// Bytes of all chunks.
    bytes: usize,
}

impl Nodes {
    /// Elements.
    #[inline]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Chunks.
    #[inline]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<Group>() + self.nodes * size_of::<Slot>() * 9 / 8
    }

    /// The chunk at a position.
    #[inline]
    pub fn get(&self, at: At) -> Option<&Chunk> {
        Some(&self.groups.get(at.group)?.slots.get(at.slot)?.chunk)
    }

    /// The first chunk.
    #[inline]
    pub fn first(&self) -> Option<At> {
        (self.nodes > 0).then_some(At { group: 0, slot: 0 })
    }

    /// The last chunk.
    #[inline]
    pub fn last(&self) -> Option<At> {
        let group = self.groups.len().checked_sub(1)?;
        Some(At { group, slot: (self.groups.get(group)?.nodes as usize).checked_sub(1)? })
    }

    /// The chunk behind.
    pub fn next(&self, at: At) -> Option<At> {
        if at.slot + 1 < self.groups.get(at.group)?.nodes as usize {
            return Some(At { slot: at.slot + 1, ..at });
        }
        (at.group + 1 < self.groups.len()).then_some(At { group: at.group + 1, slot: 0 })
    }

    /// The chunk before.
    pub fn prev(&self, at: At) -> Option<At> {
        if let Some(slot) = at.slot.checked_sub(1) {
            return Some(At { slot, ..at });
        }
        let group = at.group.checked_sub(1)?;
        Some(At { group, slot: (self.groups.get(group)?.nodes as usize).checked_sub(1)? })
    }

    /// The chunk of element `index` and the element's number in it. O(groups + chunks of a group).
    pub fn locate(&self, index: u64) -> Option<(At, u32)> {
        if index >= self.len {
            return None;
        }
        let mut left = index;
        let mut group = 0;
        if index < self.len / 2 {
            while left >= self.groups.get(group)?.len {
                left -= self.groups.get(group)?.len;
                group += 1;
            }
        } else {
            let mut start = self.len;
            group = self.groups.len();
            while start > index {
                group = group.checked_sub(1)?;
                start -= self.groups.get(group)?.len;
            }
            left = index - start;
        }
        for (slot, s) in self.groups.get(group)?.slots.iter().enumerate() {
            if left < u64::from(s.count) {
                return Some((At { group, slot }, left as u32));
            }
            left -= u64::from(s.count);
        }
        None
    }

    /// The chunk with number `node`.
    pub fn at(&self, node: usize) -> Option<At> {
        if node >= self.nodes {
            return None;
        }
        let mut left = node;
        if node < self.nodes / 2 {
            for (group, g) in self.groups.iter().enumerate() {
                if left < g.nodes as usize {
                    return Some(At { group, slot: left });
                }
                left -= g.nodes as usize;
            }
        }
        let mut start = self.nodes;
        for (group, g) in self.groups.iter().enumerate().rev() {
            start -= g.nodes as usize;
            if start <= node {
                return Some(At { group, slot: node - start });
            }
        }
        None
    }

    /// The number of the chunk at a position.
    pub fn number(&self, at: At) -> usize {
        if at.group < self.groups.len() / 2 {
            self.groups.iter().take(at.group).map(|g| g.nodes as usize).sum::<usize>() + at.slot
        } else {
            self.nodes - self.groups.iter().skip(at.group).map(|g| g.nodes as usize).sum::<usize>() + at.slot
        }
    }

    /// Changes a chunk; one that is empty afterwards is for the caller to take out.
    #[inline]
    pub fn edit<R>(&mut self, at: At, change: impl FnOnce(&mut Chunk) -> R) -> Option<R> {
        let group = self.groups.get_mut(at.group)?;
        let slot = Arc::make_mut(&mut group.slots).get_mut(at.slot)?;
        let (count, bytes) = (slot.count, slot.chunk.footprint());
        let chunk = Arc::make_mut(&mut slot.chunk);
        let out = change(chunk);
        slot.count = chunk.count();
        self.bytes = self.bytes - bytes + chunk.footprint();
        let (now, before) = (u64::from(slot.count), u64::from(count));
        group.len = group.len - before + now;
        self.len = self.len - before + now;
        Some(out)
    }

    /// Puts another chunk in the place of one, without copying it.
    pub fn replace(&mut self, at: At, chunk: Chunk) {
        let Some(group) = self.groups.get_mut(at.group) else { return };
        let Some(slot) = Arc::make_mut(&mut group.slots).get_mut(at.slot) else { return };
        let (now, before) = (u64::from(chunk.count()), u64::from(slot.count));
        self.bytes = self.bytes - slot.chunk.footprint() + chunk.footprint();
        *slot = Slot { count: chunk.count(), chunk: Arc::new(chunk) };
        group.len = group.len - before + now;
        self.len = self.len - before + now;
    }

    /// Puts a chunk where it has number `node` then.
    pub fn insert(&mut self, node: usize, chunk: Chunk) {
        let count = chunk.count();
        self.bytes += chunk.footprint();
        self.nodes += 1;
        self.len += u64::from(count);
        let slot = Slot { chunk: Arc::new(chunk), count };
        let at = match node.checked_sub(1) {
            // Behind the chunk before, so that a new first chunk and a new last one stay in the outer groups.
            Some(before) => self.at_of(before).map(|at| At { slot: at.slot + 1, ..at }),
            None => self.groups.front().map(|_| At { group: 0, slot: 0 }),
        };
        let Some(mut at) = at else {
            self.groups.push_back(Group::of(VecDeque::from([slot])));
            return;
        };
        if let Some(group) = self.groups.get(at.group)
            && group.nodes as usize >= GROUP_MAX
        {
            at = self.make_space(at, group.nodes as usize);
        }
        if let Some(group) = self.groups.get_mut(at.group) {
            Arc::make_mut(&mut group.slots).insert(at.slot, slot);
            group.nodes += 1;
            group.len += u64::from(count);
        }
    }

    /// `at`, while `nodes` already counts a chunk that is not there yet.
    fn at_of(&mut self, node: usize) -> Option<At> {
        self.nodes -= 1;
        let at = self.at(node);
        self.nodes += 1;
        at
    }

    /// A full group gets room at `at`: a new group at the outer ends, else it is cut in halves.
    fn make_space(&mut self, at: At, nodes: usize) -> At {
        let fresh = || Group { slots: Arc::new(VecDeque::new()), nodes: 0, len: 0 };
        if at.slot == nodes && at.group + 1 == self.groups.len() {
            self.groups.push_back(fresh());
            return At { group: at.group + 1, slot: 0 };
        }
        if at.slot == 0 && at.group == 0 {
            self.groups.push_front(fresh());
            return At { group: 0, slot: 0 };
        }
        let half = nodes / 2;
        if let Some(group) = self.groups.get_mut(at.group) {
            let tail = Arc::make_mut(&mut group.slots).split_off(half);
            let tail = Group::of(tail);
            group.nodes -= tail.nodes;
            group.len -= tail.len;
            self.groups.insert(at.group + 1, tail);
        }
        if at.slot > half { At { group: at.group + 1, slot: at.slot - half } } else { at }
    }

    /// Takes out the chunk with number `node`.
    pub fn remove(&mut self, node: usize) {
        let Some(at) = self.at(node) else { return };
        let Some(group) = self.groups.get_mut(at.group) else { return };
        let Some(slot) = Arc::make_mut(&mut group.slots).remove(at.slot) else { return };
        group.nodes -= 1;
        group.len -= u64::from(slot.count);
        self.nodes -= 1;
        self.len -= u64::from(slot.count);
        self.bytes -= slot.chunk.footprint();
        self.settle(at.group);
    }

    /// A group that became small joins a neighbour or goes away.
    fn settle(&mut self, at: usize) {
        let nodes = |n: usize| self.groups.get(n).map(|g| g.nodes as usize);
        match nodes(at) {
            Some(0) => {
                self.groups.remove(at);
            }
            Some(own) if at > 0 && nodes(at - 1).is_some_and(|n| n + own <= GROUP_JOIN) => self.join(at - 1),
            Some(own) if nodes(at + 1).is_some_and(|n| n + own <= GROUP_JOIN) => self.join(at),
            _ => {}
        }
    }

    fn join(&mut self, at: usize) {
        let Some(next) = self.groups.remove(at + 1) else { return };
        if let Some(group) = self.groups.get_mut(at) {
            Arc::make_mut(&mut group.slots).extend(next.slots.iter().cloned());
            group.nodes += next.nodes;
            group.len += next.len;
        }
    }

    /// Takes out chunks whole while they fit in `range` of elements beginning at a chunk's first; returns elements left of
    /// `count`. `node`: the first chunk.
    pub fn remove_whole(&mut self, node: usize, mut count: u64) -> u64 {
        while count > 0
            && let Some(at) = self.at(node)
        {
            let Some(group) = self.groups.get(at.group) else { break };
            if at.slot == 0 && group.len <= count {
                count -= self.drop_groups(at.group, count);
                continue;
            }
            match group.slots.get(at.slot).map(|s| u64::from(s.count)) {
                Some(n) if n <= count => {
                    count -= n;
                    self.remove(node);
                }
                _ => break,
            }
        }
        count
    }

    /// Drops the groups from `first` on that together have no more than `count` elements; returns how many they have.
    fn drop_groups(&mut self, first: usize, count: u64) -> u64 {
        let (mut end, mut len) = (first, 0);
        while let Some(group) = self.groups.get(end).filter(|g| len + g.len <= count) {
            len += group.len;
            end += 1;
        }
        for group in self.groups.drain(first..end) {
            self.nodes -= group.nodes as usize;
            self.bytes -= group.slots.iter().map(|s| s.chunk.footprint()).sum::<usize>();
        }
        self.len -= len;
        len
    }

    /// Frees about `budget` elements from the end; true when nothing is left.
    pub fn free_some(&mut self, budget: usize) -> bool {
        let mut left = budget as u64;
        while left > 0
            && let Some(group) = self.groups.back_mut()
        {
            // Handles that others hold free nothing: they go at once.
            let slot = Arc::get_mut(&mut group.slots).and_then(VecDeque::pop_back);
            let Some(slot) = slot else {
                if let Some(group) = self.groups.pop_back() {
                    self.nodes -= group.nodes as usize;
                    self.len -= group.len;
                }
                left = left.saturating_sub(1);
                continue;
            };
            group.nodes -= 1;
            group.len -= u64::from(slot.count);
            self.nodes -= 1;
            self.len -= u64::from(slot.count);
            left = left.saturating_sub(u64::from(slot.count));
        }
        self.groups.is_empty()
    }
}
