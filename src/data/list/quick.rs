//! The long form of a list: how chunks fill, split, join and are compressed as elements come and go.
//!
//! Layer 1, under `list.rs`. When chunks split and join is visible: a list turns back into one pack when a single chunk
//! is left, so the rules here are those of Redis, step by step.
//!
//! Invariants: no chunk is empty between calls. With a compress depth the outer chunks at both ends are not compressed, but for
//! a few behind many small ones; everything here can handle them.

use super::chunk::{Buf, Chunk, Side};
use super::limit::Limit;
use super::nodes::{At, Nodes};
use crate::data::collection::Limits;
use crate::data::pack::{HEAD, Item};

/// A chunk that replacing elements has made so many times larger than a full one is cut.
const OVERGROWN: usize = 4;

/// So many chunks in a row that are not compressed (some never are) tell that those further out are not either.
const OPEN_IN_A_ROW: usize = 8;

/// A list of chunks.
#[derive(Clone, Default)]
pub struct Quick {
    pub(super) nodes: Nodes,
}

impl Quick {
    /// One chunk.
    pub fn of(buf: Buf) -> Quick {
        let mut quick = Quick::default();
        if buf.count() > 0 {
            quick.nodes.insert(0, Chunk::Raw(buf));
        }
        quick
    }

    fn end(&self, side: Side) -> Option<At> {
        match side {
            Side::Left => self.nodes.first(),
            Side::Right => self.nodes.last(),
        }
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, side: Side, text: &[u8], limits: &Limits) {
        let limit = Limit::of(limits);
        if let Some(at) = self.end(side)
            && self.nodes.get(at).is_some_and(|chunk| limit.takes(chunk, text.len()))
        {
            self.nodes.edit(at, |chunk| {
                if let Some(buf) = chunk.raw() {
                    buf.push(side, text, limit.growth());
                }
            });
            return;
        }
        self.add_end(side, fresh(text, &limit), limits);
    }

    /// A new chunk at an end; the one that was there gives back its room.
    pub fn add_end(&mut self, side: Side, chunk: Chunk, limits: &Limits) {
        if let Some(at) = self.end(side) {
            self.close(at);
        }
        let node = if side == Side::Left { 0 } else { self.nodes.nodes() };
        self.nodes.insert(node, chunk);
        self.tidy(node, limits);
    }

    fn close(&mut self, at: At) {
        if matches!(self.nodes.get(at), Some(Chunk::Raw(_))) {
            self.nodes.edit(at, |chunk| {
                if let Chunk::Raw(buf) = chunk {
                    buf.close();
                }
            });
        }
    }

    /// Takes the element at an end; `take` sees it first.
    #[inline]
    pub fn pop<R>(&mut self, side: Side, limits: &Limits, take: impl FnOnce(Item) -> R) -> Option<R> {
        let at = self.end(side)?;
        if let Chunk::Plain(text) = self.nodes.get(at)? {
            let out = take(Item::Text(text));
            self.drop_chunk(at, limits);
            return Some(out);
        }
        let (out, left) = self.nodes.edit(at, |chunk| {
            let out = chunk.raw().and_then(|buf| buf.pop(side, take));
            (out, chunk.count())
        })?;
        if left == 0 {
            self.drop_chunk(at, limits);
        }
        out
    }

    fn drop_chunk(&mut self, at: At, limits: &Limits) {
        let node = self.nodes.number(at);
        self.nodes.remove(node);
        self.tidy(node, limits);
    }

    /// Takes out `count` elements from element `start` on.
    pub fn remove(&mut self, start: u64, count: u64, limits: &Limits) {
        let mut left = count.min(self.nodes.len().saturating_sub(start));
        let mut touched = 0;
        while left > 0
            && let Some((at, first)) = self.nodes.locate(start)
        {
            touched = self.nodes.number(at);
            if first == 0 {
                let rest = self.nodes.remove_whole(touched, left);
                if rest != left {
                    left = rest;
                    continue;
                }
            }
            let cut = self.nodes.edit(at, |chunk| {
                let count = u64::from(chunk.count().saturating_sub(first)).min(left) as u32;
                if let Some(buf) = chunk.raw() {
                    buf.remove(first, count);
                }
                u64::from(count)
            });
            let Some(cut @ 1..) = cut else { break };
            left -= cut;
        }
        self.tidy(touched, limits);
    }

    /// Puts `text` in place of element `index`, which exists.
    pub fn set(&mut self, index: u64, text: &[u8], limits: &Limits) {
        let limit = Limit::of(limits);
        let Some((at, first)) = self.nodes.locate(index) else { return };
        let Some(chunk) = self.nodes.get(at) else { return };
        let (was_plain, is_plain, count) = (chunk.is_plain(), limit.is_plain(text.len()), chunk.count());
        let node = self.nodes.number(at);
        match (was_plain, is_plain) {
            (false, false) => self.overwrite(at, first, text, &limit),
            (true, true) => self.nodes.replace(at, Chunk::Plain(text.into())),
            (true, false) => {
                self.insert(node, 0, text, true, limits);
                self.nodes.remove(node);
            }
            (false, true) => {
                // The chunk is cut behind the element, the plain one goes there, and the element goes away.
                let mut node = node;
                let tail = (first + 1 < count).then(|| self.split(at, first + 1)).flatten();
                self.nodes.insert(node + 1, Chunk::Plain(text.into()));
                if let Some(tail) = tail {
                    self.nodes.insert(node + 2, tail);
                }
                if first == 0 {
                    self.nodes.remove(node);
                } else {
                    self.edit_node(node, |buf| buf.remove(first, 1));
                    node = self.join_around(node + 1, &limit);
                }
                self.tidy(node, limits);
                return;
            }
        }
        self.tidy(node, limits);
    }

    /// Replaces a packed element. A chunk may outgrow what is usual by this, as in Redis; far beyond that it is cut.
    fn overwrite(&mut self, at: At, first: u32, text: &[u8], limit: &Limit) {
        let halves = self.nodes.edit(at, |chunk| {
            let buf = chunk.raw()?;
            let offset = buf.pack().seek(i64::from(first))?;
            buf.replace(offset, text);
            let is_large = buf.listpack_bytes() > OVERGROWN * limit.room() && buf.count() > 1;
            is_large.then(|| buf.split_off(buf.middle()))
        });
        if let Some(Some(tail)) = halves {
            let node = self.nodes.number(at);
            self.nodes.insert(node + 1, Chunk::Raw(tail));
        }
    }

    /// Cuts a chunk before its element `first`; the part from there on is returned.
    fn split(&mut self, at: At, first: u32) -> Option<Chunk> {
        self.nodes.edit(at, |chunk| {
            let buf = chunk.raw()?;
            let tail = buf.split_off(first);
            buf.close();
            Some(Chunk::Raw(tail))
        })?
    }

    fn edit_node(&mut self, node: usize, change: impl FnOnce(&mut Buf)) {
        if let Some(at) = self.nodes.at(node) {
            self.nodes.edit(at, |chunk| chunk.raw().map(change));
        }
    }

    fn takes(&self, node: Option<usize>, text: &[u8], limit: &Limit) -> bool {
        node.and_then(|n| self.nodes.at(n)).and_then(|at| self.nodes.get(at)).is_some_and(|chunk| limit.takes(chunk, text.len()))
    }

    /// Puts an element before or behind element `first` of chunk `node`.
    pub fn insert(&mut self, node: usize, first: u32, text: &[u8], after: bool, limits: &Limits) {
        let limit = Limit::of(limits);
        let Some(at) = self.nodes.at(node) else { return };
        let Some(chunk) = self.nodes.get(at) else { return };
        let (was_plain, count) = (chunk.is_plain(), chunk.count());
        let has_space = limit.takes(chunk, text.len());
        let is_edge = if after { first + 1 == count } else { first == 0 };
        // The number of a new chunk on that side.
        let beside = if after { node + 1 } else { node };
        let neighbour = if after { Some(node + 1) } else { node.checked_sub(1) };
        let cut = if after { first + 1 } else { first };
        if limit.is_plain(text.len()) {
            self.insert_plain(node, (!was_plain && !is_edge).then_some(cut), beside, text);
        } else if has_space {
            self.edit_node(node, |buf| insert_at(buf, cut, text, &limit));
        } else if is_edge && self.takes(neighbour, text, &limit) {
            let side = if after { Side::Left } else { Side::Right };
            self.edit_node(neighbour.unwrap_or_default(), |buf| buf.push(side, text, limit.growth()));
        } else if is_edge {
            self.nodes.insert(beside, fresh(text, &limit));
        } else {
            self.insert_by_splitting(node, cut, text, after, &limit);
        }
        self.tidy(node, limits);
    }

    fn insert_plain(&mut self, node: usize, cut: Option<u32>, beside: usize, text: &[u8]) {
        let plain = Chunk::Plain(text.into());
        let tail = cut.and_then(|first| self.split(self.nodes.at(node)?, first));
        match tail {
            Some(tail) => {
                self.nodes.insert(node + 1, plain);
                self.nodes.insert(node + 2, tail);
            }
            None => self.nodes.insert(beside, plain),
        }
    }

    /// The chunk is full: it is cut, the part that does not hold the neighbour gets the element, and neighbours are joined.
    fn insert_by_splitting(&mut self, node: usize, cut: u32, text: &[u8], after: bool, limit: &Limit) {
        let Some(tail) = self.nodes.at(node).and_then(|at| self.split(at, cut)) else { return };
        self.nodes.insert(node + 1, tail);
        let (with, side, center) = if after { (node + 1, Side::Left, node) } else { (node, Side::Right, node + 1) };
        self.edit_node(with, |buf| buf.push(side, text, limit.growth()));
        self.join_around(center, limit);
    }

    /// Joins a chunk and its neighbours where they fit, in the order in which Redis tries. Returns its number.
    fn join_around(&mut self, center: usize, limit: &Limit) -> usize {
        let mut center = center;
        if center >= 2 && self.join(center - 2, limit) {
            center -= 1;
        }
        self.join(center + 1, limit);
        if center >= 1 && self.join(center - 1, limit) {
            center -= 1;
        }
        self.join(center, limit);
        center
    }

    /// Joins chunk `node` with the next one if both together fit.
    fn join(&mut self, node: usize, limit: &Limit) -> bool {
        let chunk = |n: usize| self.nodes.at(n).and_then(|at| self.nodes.get(at));
        let (Some(a), Some(b)) = (chunk(node), chunk(node + 1)) else { return false };
        if !limit.joins(a, b) {
            return false;
        }
        let mut other = b.clone();
        let Some(other) = other.raw() else { return false };
        self.edit_node(node, |buf| buf.append(other));
        self.nodes.remove(node + 1);
        true
    }

    /// Takes out elements equal to `text`, `most` at most, from `side` on. Returns how many.
    pub fn remove_equal(&mut self, side: Side, text: &[u8], most: u64, limits: &Limits) -> u64 {
        let mut left = most;
        let mut node = if side == Side::Left { 0 } else { self.nodes.nodes() };
        loop {
            if side == Side::Right {
                let Some(before) = node.checked_sub(1) else { break };
                node = before;
            }
            if left == 0 || node >= self.nodes.nodes() {
                break;
            }
            let (removed, is_empty) = self.remove_in(node, side, text, left);
            left -= removed;
            if is_empty {
                self.nodes.remove(node);
            } else if removed > 0 {
                self.tidy(node, limits);
            }
            if side == Side::Left && !is_empty {
                node += 1;
            }
        }
        self.tidy(0, limits);
        most - left
    }

    /// The same in one chunk; also tells whether it is empty now. Chunks without a match stay shared and compressed.
    fn remove_in(&mut self, node: usize, side: Side, text: &[u8], most: u64) -> (u64, bool) {
        let Some(at) = self.nodes.at(node) else { return (0, false) };
        let has_any = match self.nodes.get(at) {
            Some(Chunk::Plain(own)) => return if **own == *text { (1, true) } else { (0, false) },
            Some(Chunk::Raw(buf)) => buf.pack().find(text, 1).is_some(),
            Some(chunk @ Chunk::Lzf(..)) => chunk.clone().raw().is_some_and(|buf| buf.pack().find(text, 1).is_some()),
            None => false,
        };
        if !has_any {
            return (0, false);
        }
        let done = self.nodes.edit(at, |chunk| {
            let removed = chunk.raw().map_or(0, |buf| buf.remove_equal(side, text, most));
            (removed, chunk.count() == 0)
        });
        done.unwrap_or_default()
    }

    /// The only chunk, if there is one alone and it is a pack: `(bytes of listpack, elements)`.
    pub fn single(&self) -> Option<(usize, u64)> {
        if self.nodes.nodes() != 1 {
            return None;
        }
        let chunk = self.nodes.get(self.nodes.first()?)?;
        (!chunk.is_plain()).then(|| (chunk.listpack_bytes(), u64::from(chunk.count())))
    }

    /// The pack of the only chunk.
    pub fn take_single(&mut self) -> Option<Buf> {
        let at = self.nodes.first()?;
        let buf = self.nodes.edit(at, |chunk| chunk.raw().map(std::mem::take))?;
        *self = Quick::default();
        buf
    }

    /// After a change of chunk `node` or its neighbours: what must not be compressed is not, what should be is.
    fn tidy(&mut self, node: usize, limits: &Limits) {
        let depth = usize::try_from(limits.list_compress_depth).unwrap_or(0);
        let nodes = self.nodes.nodes();
        if depth == 0 || nodes == 0 {
            return;
        }
        let outer = depth.min(nodes);
        self.open((0..outer).rev());
        self.open(nodes - outer..nodes);
        if nodes <= 2 * depth {
            return;
        }
        let inner = |n: usize| (depth..nodes - depth).contains(&n);
        let near = node.saturating_sub(2)..node.saturating_add(4);
        near.filter(|n| inner(*n)).for_each(|n| self.compress(n));
        self.compress(depth);
        self.compress(nodes - 1 - depth);
    }

    /// Decompresses outer chunks, from the inner ones outwards; those that were outer before need no look.
    fn open(&mut self, outwards: impl Iterator<Item = usize>) {
        let mut open = 0;
        for node in outwards {
            open = if self.decompress(node) { 0 } else { open + 1 };
            if open == OPEN_IN_A_ROW {
                return;
            }
        }
    }

    /// Whether the chunk was compressed.
    fn decompress(&mut self, node: usize) -> bool {
        let Some(at) = self.nodes.at(node) else { return false };
        let is_compressed = matches!(self.nodes.get(at), Some(Chunk::Lzf(..)));
        if is_compressed {
            self.nodes.edit(at, |chunk| {
                chunk.raw();
            });
        }
        is_compressed
    }

    fn compress(&mut self, node: usize) {
        let Some(at) = self.nodes.at(node) else { return };
        if let Some(small) = self.nodes.get(at).and_then(Chunk::compressed) {
            self.nodes.replace(at, small);
        }
    }
}

/// A chunk with one element.
fn fresh(text: &[u8], limit: &Limit) -> Chunk {
    if limit.is_plain(text.len()) { Chunk::Plain(text.into()) } else { Chunk::Raw(Buf::with(text, limit.room())) }
}

/// Puts an element before element `first` of a pack.
fn insert_at(buf: &mut Buf, first: u32, text: &[u8], limit: &Limit) {
    if first == 0 {
        return buf.push(Side::Left, text, limit.growth());
    }
    if first >= buf.count() {
        return buf.push(Side::Right, text, limit.growth());
    }
    let offset = buf.pack().seek(i64::from(first)).unwrap_or(HEAD);
    buf.insert(offset, text);
}
