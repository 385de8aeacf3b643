//! Fields that have a time, ordered by it.
//!
//! Layer 1, under `big.rs`. Two levels of shared nodes: a copy takes the handles of the groups, a change copies one node.
//!
//! ```text
//! node   entries of u48 BE time | length of the field, seven bits a byte | field
//! ```
//! Invariants: entries are ordered by (time, field) within nodes, nodes and groups; no node and no group is empty.
//! Names are kept whole: what a time costs is shown by `bytes`.

use std::cmp::Ordering;
use std::sync::Arc;

/// A node is split above this many bytes.
const NODE_MAX: usize = 2048;
/// Two neighbours that are smaller together are joined.
const JOIN_MAX: usize = 1024;
/// Nodes of a group.
const GROUP_MAX: usize = 128;
/// What a node costs beside its bytes.
const NODE_COST: usize = 56;

type Node = Arc<Vec<u8>>;
type Group = Arc<Vec<Node>>;

/// The ordered names.
#[derive(Clone, Default)]
pub(super) struct Due {
    groups: Vec<Group>,
    bytes: usize,
}

/// The entry at `at`: time, field, and where the next one begins.
fn read(node: &[u8], at: usize) -> Option<(i64, &[u8], usize)> {
    let [a, b, c, d, e, f] = *node.get(at..)?.first_chunk::<6>()?;
    let time = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let (mut len, mut shift, mut at) = (0usize, 0u32, at + 6);
    loop {
        let byte = *node.get(at)?;
        len |= usize::from(byte & 0x7F) << shift;
        (shift, at) = (shift + 7, at + 1);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((time, node.get(at..at + len)?, at + len))
}

fn encode(time: i64, field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len() + 11);
    out.extend_from_slice(time.to_be_bytes().get(2..).unwrap_or_default());
    let mut len = field.len();
    while len > 0x7F {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(field);
    out
}

/// How a node's first entry compares.
fn compare_first(node: &[u8], time: i64, field: &[u8]) -> Ordering {
    read(node, 0).map_or(Ordering::Less, |(t, f, _)| (t, f).cmp(&(time, field)))
}

/// Where in a node an entry is or would be, and its end if it is there.
fn seek(node: &[u8], time: i64, field: &[u8]) -> (usize, Option<usize>) {
    let mut at = 0;
    while let Some((t, f, end)) = read(node, at) {
        match (t, f).cmp(&(time, field)) {
            Ordering::Less => at = end,
            Ordering::Equal => return (at, Some(end)),
            Ordering::Greater => break,
        }
    }
    (at, None)
}

/// The middle of a node, at the beginning of an entry; `None` for a single entry.
fn middle(node: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some((_, _, end)) = read(node, at) {
        if at > 0 && end > node.len() / 2 {
            return Some(at);
        }
        at = end;
    }
    None
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Bytes of all entries and what their nodes cost, room to grow not counted.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first time of all.
    #[inline]
    pub(super) fn first(&self) -> Option<i64> {
        read(self.groups.first()?.first()?, 0).map(|(time, _, _)| time)
    }

    /// A field's time went from `old` to `new`.
    pub(super) fn shift(&mut self, field: &[u8], old: Option<i64>, new: Option<i64>) {
        if old == new {
            return;
        }
        if let Some(time) = old {
            self.remove(time, field);
        }
        if let Some(time) = new {
            self.insert(time, field);
        }
    }

    /// Takes the first field out if its time is before `now`.
    pub(super) fn pop_before(&mut self, now: i64) -> Option<Vec<u8>> {
        let (time, field, _) = read(self.groups.first()?.first()?, 0)?;
        if time >= now {
            return None;
        }
        let field = field.to_vec();
        self.remove(time, &field);
        Some(field)
    }

    /// Frees nodes of about `budget` entries; true when nothing is left.
    pub(super) fn free_some(&mut self, budget: usize) -> bool {
        const ENTRIES_A_NODE: usize = 64;
        for _ in 0..=budget / ENTRIES_A_NODE {
            let Some(group) = self.groups.last_mut() else { break };
            let is_done = Arc::get_mut(group).is_none_or(|nodes| {
                nodes.pop();
                nodes.is_empty()
            });
            if is_done {
                self.groups.pop();
            }
        }
        self.groups.is_empty()
    }

    /// Group and node in which an entry is or would be.
    fn locate(&self, time: i64, field: &[u8]) -> Option<(usize, usize)> {
        let is_before = |node: &Node| compare_first(node, time, field) != Ordering::Greater;
        let group = self.groups.partition_point(|group| group.first().is_some_and(is_before)).saturating_sub(1);
        let node = self.groups.get(group)?.partition_point(is_before).saturating_sub(1);
        Some((group, node))
    }

    fn insert(&mut self, time: i64, field: &[u8]) {
        let entry = encode(time, field);
        self.bytes += entry.len();
        let Some((g, n)) = self.locate(time, field) else {
            self.bytes += NODE_COST;
            self.groups.push(Arc::new(vec![Arc::new(entry)]));
            return;
        };
        let Some(group) = self.groups.get_mut(g).map(Arc::make_mut) else { return };
        let Some(node) = group.get_mut(n).map(Arc::make_mut) else { return };
        let (at, _) = seek(node, time, field);
        if node.capacity() - node.len() < entry.len() {
            node.reserve_exact(entry.len() + node.len() / 8);
        }
        node.splice(at..at, entry);
        let rest = if node.len() > NODE_MAX { middle(node).map(|at| split_off(node, at)) } else { None };
        let Some(rest) = rest else { return };
        self.bytes += NODE_COST;
        group.insert(n + 1, Arc::new(rest));
        if group.len() > GROUP_MAX {
            let rest = split_off(group, GROUP_MAX / 2);
            self.groups.insert(g + 1, Arc::new(rest));
        }
    }

    fn remove(&mut self, time: i64, field: &[u8]) {
        let Some((g, n)) = self.locate(time, field) else { return };
        let Some(group) = self.groups.get_mut(g).map(Arc::make_mut) else { return };
        let Some(node) = group.get_mut(n).map(Arc::make_mut) else { return };
        let (at, Some(end)) = seek(node, time, field) else { return };
        node.drain(at..end);
        self.bytes -= end - at;
        let len = node.len();
        if len >= JOIN_MAX / 2 {
            return;
        }
        if len == 0 {
            self.bytes -= NODE_COST;
            group.remove(n);
        } else if let Some(next) = group.get(n + 1).filter(|next| next.len() + len <= JOIN_MAX) {
            let next = Arc::clone(next);
            self.bytes -= NODE_COST;
            if let Some(node) = group.get_mut(n).map(Arc::make_mut) {
                node.extend_from_slice(&next);
            }
            group.remove(n + 1);
        }
        if group.is_empty() {
            self.groups.remove(g);
        }
    }
}

/// The end of a vector from `at` on, as one that is no larger than it must be; the front is cut to its size.
fn split_off<T: Clone>(all: &mut Vec<T>, at: usize) -> Vec<T> {
    let rest = all.get(at..).unwrap_or_default().to_vec();
    all.truncate(at);
    all.shrink_to_fit();
    rest
}
