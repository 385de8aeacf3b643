//! Elements of a table that are too long for its nodes: each in an allocation of its own, under a number.
//!
//! Layer 1, used by `table.rs` alone. Places are kept in groups, so that a copy of all takes the groups' handles. A free
//! place holds the number of the next free one.

use std::sync::Arc;

use super::node::ARC_BYTES;

const GROUP: usize = 256;
const NONE: u32 = u32::MAX;

#[derive(Clone)]
enum Place {
    /// Length of the key, 4 bytes LE; the key; the payload.
    Used(Arc<[u8]>),
    /// The next free place.
    Free(u32),
}

#[derive(Clone)]
pub(super) struct Apart {
    groups: Vec<Arc<Vec<Place>>>,
    free: u32,
    places: u32,
    /// Bytes of all allocations for elements.
    bytes: usize,
}

impl Default for Apart {
    fn default() -> Apart {
        Apart { groups: Vec::new(), free: NONE, places: 0, bytes: 0 }
    }
}

impl Apart {
    /// Key and payload under `number`.
    pub(super) fn get(&self, number: u32) -> (&[u8], &[u8]) {
        let place = self.groups.get(number as usize / GROUP).and_then(|g| g.get(number as usize % GROUP));
        let Some(Place::Used(bytes)) = place else { return (&[], &[]) };
        let Some((len, rest)) = bytes.split_first_chunk::<4>() else { return (&[], &[]) };
        rest.split_at_checked(u32::from_le_bytes(*len) as usize).unwrap_or_default()
    }

    /// Keeps an element; `None` when the numbers are used up.
    pub(super) fn insert(&mut self, key: &[u8], payload: &[u8]) -> Option<u32> {
        let len = u32::try_from(key.len()).ok()?.to_le_bytes();
        let mut text = Vec::with_capacity(4 + key.len() + payload.len());
        [&len, key, payload].iter().for_each(|part| text.extend_from_slice(part));
        self.bytes += text.len() + ARC_BYTES;
        let used = Place::Used(Arc::from(text));
        let number = self.free;
        if number != NONE {
            let place = self.place_mut(number)?;
            if let Place::Free(next) = std::mem::replace(place, used) {
                self.free = next;
            }
            return Some(number);
        }
        let number = self.places;
        self.places = self.places.checked_add(1).filter(|&n| n != NONE)?;
        if (number as usize).is_multiple_of(GROUP) {
            self.groups.push(Arc::default());
        }
        Arc::make_mut(self.groups.last_mut()?).push(used);
        Some(number)
    }

    pub(super) fn remove(&mut self, number: u32) {
        let next = self.free;
        let Some(place) = self.place_mut(number) else { return };
        if let Place::Used(bytes) = std::mem::replace(place, Place::Free(next)) {
            self.free = number;
            self.bytes -= bytes.len() + ARC_BYTES;
        }
    }

    fn place_mut(&mut self, number: u32) -> Option<&mut Place> {
        let group = self.groups.get_mut(number as usize / GROUP)?;
        Arc::make_mut(group).get_mut(number as usize % GROUP)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.places as usize * size_of::<Place>() + self.groups.len() * 48
    }

    /// Frees the last group; returns how many places that was.
    pub(super) fn free_group(&mut self) -> usize {
        let Some(group) = self.groups.pop() else { return 0 };
        self.places = self.places.saturating_sub(group.len() as u32);
        for place in group.iter() {
            if let Place::Used(bytes) = place {
                self.bytes = self.bytes.saturating_sub(bytes.len() + ARC_BYTES);
            }
        }
        group.len()
    }

    pub(super) fn is_freed(&self) -> bool {
        self.groups.is_empty()
    }
}
