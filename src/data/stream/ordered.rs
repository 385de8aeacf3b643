//! A map ordered by entry ID, in chunks that copies share. Layer 1, part of `stream`.
//!
//! Nearly all additions are at the end and nearly all removals at the front; both cost O(1), others O(log n) and a move
//! within a chunk. A clone takes the chunks' handles; who then changes one copies that chunk only.
//!
//! Invariants: no chunk is empty; a chunk's bound is at most its first ID and above the last ID of the chunk before.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Id;

/// Most elements of a chunk.
pub const CHUNK: usize = 128;

type Chunk<T> = Arc<Vec<(Id, T)>>;

/// The map.
#[derive(Clone)]
pub struct Ordered<T> {
    chunks: VecDeque<(Id, Chunk<T>)>,
    len: usize,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered { chunks: VecDeque::new(), len: 0 }
    }
}

/// A position: chunk and place in it.
type At = (usize, usize);

impl<T: Clone> Ordered<T> {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes it takes from the allocator, about. O(1).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len * size_of::<(Id, T)>() + self.chunks.len() * 48 + self.chunks.capacity() * size_of::<(Id, Chunk<T>)>()
    }

    /// The chunk that `id` belongs to.
    fn chunk_of(&self, id: Id) -> usize {
        self.chunks.partition_point(|(bound, _)| *bound <= id).saturating_sub(1)
    }

    fn place(&self, id: Id) -> Option<(usize, Result<usize, usize>)> {
        let at = self.chunk_of(id);
        let (_, chunk) = self.chunks.get(at)?;
        Some((at, chunk.binary_search_by_key(&id, |(own, _)| *own)))
    }

    /// The element of `id`.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&T> {
        let (at, found) = self.place(id)?;
        Some(&self.chunks.get(at)?.1.get(found.ok()?)?.1)
    }

    /// The element of `id`, to change.
    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let (at, found) = self.place(id)?;
        let found = found.ok()?;
        Some(&mut Arc::make_mut(&mut self.chunks.get_mut(at)?.1).get_mut(found)?.1)
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> Option<(Id, &T)> {
        self.chunks.front().and_then(|(_, chunk)| chunk.first()).map(|(id, value)| (*id, value))
    }

    /// The last.
    #[must_use]
    pub fn last(&self) -> Option<(Id, &T)> {
        self.chunks.back().and_then(|(_, chunk)| chunk.last()).map(|(id, value)| (*id, value))
    }

    /// The last, to change.
    #[inline]
    pub fn last_mut(&mut self) -> Option<&mut T> {
        Arc::make_mut(&mut self.chunks.back_mut()?.1).last_mut().map(|(_, value)| value)
    }

    /// Sets the element of `id`; returns the one that was there.
    pub fn insert(&mut self, id: Id, value: T) -> Option<T> {
        if self.last().is_none_or(|(last, _)| last < id) {
            self.push(id, value);
            return None;
        }
        let (at, found) = self.place(id)?;
        let (bound, chunk) = self.chunks.get_mut(at)?;
        let items = Arc::make_mut(chunk);
        match found {
            Ok(i) => items.get_mut(i).map(|(_, old)| std::mem::replace(old, value)),
            Err(i) => {
                *bound = (*bound).min(id);
                items.insert(i.min(items.len()), (id, value));
                self.len += 1;
                if items.len() > CHUNK {
                    let upper = items.split_off(CHUNK / 2);
                    let bound = upper.first().map_or(id, |(first, _)| *first);
                    self.chunks.insert(at + 1, (bound, Arc::new(upper)));
                }
                None
            }
        }
    }

    /// Adds an element whose ID is above all others.
    fn push(&mut self, id: Id, value: T) {
        self.len += 1;
        if let Some((_, chunk)) = self.chunks.back_mut()
            && chunk.len() < CHUNK
        {
            return Arc::make_mut(chunk).push((id, value));
        }
        self.chunks.push_back((id, Arc::new(vec![(id, value)])));
    }

    /// Takes out the element of `id`.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let (at, found) = self.place(id)?;
        let found = found.ok()?;
        let (_, chunk) = self.chunks.get_mut(at)?;
        let items = Arc::make_mut(chunk);
        let (_, value) = items.remove(found);
        self.len -= 1;
        if items.is_empty() {
            self.chunks.remove(at);
        } else if items.len() < CHUNK / 4 {
            self.merge(at);
        }
        Some(value)
    }

    /// Joins chunk `at` and the one after it where both are small.
    fn merge(&mut self, at: usize) {
        let len = |n: usize| self.chunks.get(n).map(|(_, chunk)| chunk.len());
        if let (Some(a), Some(b)) = (len(at), len(at + 1))
            && a + b <= CHUNK / 2
            && let Some((_, next)) = self.chunks.remove(at + 1)
            && let Some((_, chunk)) = self.chunks.get_mut(at)
        {
            Arc::make_mut(chunk).extend(next.iter().cloned());
        }
    }

    /// Takes out a whole chunk from the front; its elements.
    pub fn take_chunk(&mut self) -> Option<Arc<Vec<(Id, T)>>> {
        let (_, chunk) = self.chunks.pop_front()?;
        self.len -= chunk.len();
        Some(chunk)
    }

    /// Position of the first element that is not below `id`.
    fn lower(&self, id: Id) -> At {
        match self.place(id) {
            Some((at, Ok(i) | Err(i))) => self.normal((at, i)),
            None => (0, 0),
        }
    }

    fn normal(&self, (at, i): At) -> At {
        if self.chunks.get(at).is_some_and(|(_, chunk)| i >= chunk.len()) { (at + 1, 0) } else { (at, i) }
    }

    fn at(&self, (at, i): At) -> Option<&(Id, T)> {
        self.chunks.get(at)?.1.get(i)
    }

    fn before(&self, (at, i): At) -> Option<At> {
        if i > 0 {
            return Some((at, i - 1));
        }
        let at = at.checked_sub(1)?;
        Some((at, self.chunks.get(at)?.1.len().checked_sub(1)?))
    }

    fn end_of(&self, to: Id) -> At {
        to.next().map_or((self.chunks.len(), 0), |after| self.lower(after))
    }

    /// Elements from `from` to `to`, both included.
    #[must_use]
    pub fn range(&self, from: Id, to: Id) -> Iter<'_, T> {
        Iter { map: self, front: self.lower(from), back: self.end_of(to) }
    }

    /// The same, but from the last element at or before `from` on if there is one.
    #[must_use]
    pub fn range_from_floor(&self, from: Id, to: Id) -> Iter<'_, T> {
        let mut front = self.lower(from);
        if self.at(front).is_none_or(|(id, _)| *id > from) {
            front = self.before(front).unwrap_or(front);
        }
        Iter { map: self, front, back: self.end_of(to) }
    }

    /// All elements.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { map: self, front: (0, 0), back: (self.chunks.len(), 0) }
    }
}

/// Elements in order.
pub struct Iter<'a, T> {
    map: &'a Ordered<T>,
    front: At,
    back: At,
}

impl<'a, T: Clone> Iterator for Iter<'a, T> {
    type Item = (Id, &'a T);

    #[inline]
    fn next(&mut self) -> Option<(Id, &'a T)> {
        if self.front >= self.back {
            return None;
        }
        let (id, value) = self.map.at(self.front)?;
        self.front = self.map.normal((self.front.0, self.front.1 + 1));
        Some((*id, value))
    }
}

impl<T: Clone> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = self.map.before(self.back)?;
        let (id, value) = self.map.at(self.back)?;
        Some((*id, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_a_map_ordered_by_id_and_clones_never_change() {
        let mut rng = Rng::new(7);
        let (mut map, mut model) = (Ordered::default(), BTreeMap::new());
        let mut kept = None;
        for step in 0..60_000u64 {
            let id = Id::new(rng.below(3000), rng.below(3));
            match rng.below(10) {
                0..=4 => assert_eq!(map.insert(id, step), model.insert(id, step)),
                5..=7 => assert_eq!(map.remove(id), model.remove(&id)),
                8 => assert_eq!(map.get(id), model.get(&id)),
                _ => {
                    let to = Id::new(id.ms + rng.below(200), 2);
                    let both = |(id, value): (&Id, &u64)| (*id, *value);
                    let own: Vec<_> = map.range(id, to).map(|(id, value)| (id, *value)).collect();
                    assert_eq!(own, model.range(id..=to).map(both).collect::<Vec<_>>());
                    let own: Vec<_> = map.range(id, to).rev().map(|(id, value)| (id, *value)).collect();
                    assert_eq!(own, model.range(id..=to).rev().map(both).collect::<Vec<_>>());
                    let floor = model.range(..=id).next_back().or(model.iter().next()).map(both);
                    assert_eq!(map.range_from_floor(id, Id::MAX).next().map(|(id, value)| (id, *value)), floor);
                }
            }
            assert_eq!(map.len(), model.len());
            if step % 10_000 == 5_000 {
                kept = Some((map.clone(), model.clone()));
            }
        }
        let (map, model) = kept.unwrap();
        assert!(map.iter().map(|(id, value)| (id, *value)).eq(model));
    }
}
