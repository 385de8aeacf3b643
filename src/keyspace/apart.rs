//! Values kept apart from their entries, by number: long strings and big collections.
//!
//! Where it sits: beside `entry.rs`, whose entries hold the numbers. A handle can be cloned, so that a reply or another core
//! holds the value without a copy; a change takes it back when nobody else holds it, and copies otherwise.
//!
//! Invariant: a number stays the same until its value is removed; growth copies nothing but one pointer a chunk.

use bytes::{Bytes, BytesMut};

use crate::data::collection::Object;

const APART_CHUNK: usize = 128;

/// A value that was kept apart.
#[derive(Debug)]
pub enum Held {
    /// A long string.
    Bytes(Bytes),
    /// A big collection.
    Object(Object),
}

/// Collections kept apart from their entries, by number.
#[derive(Default)]
pub struct Objects {
    chunks: Vec<Box<[Option<Object>]>>,
    free: Vec<u32>,
    len: usize,
    pub(super) bytes: usize,
}

impl Objects {
    /// Adds an object.
    pub fn insert(&mut self, object: Object) -> u32 {
        self.bytes += object.bytes();
        let number = self.free.pop().unwrap_or_else(|| {
            if self.len / APART_CHUNK == self.chunks.len() {
                self.chunks.push((0..APART_CHUNK).map(|_| None).collect());
            }
            self.len += 1;
            self.len as u32 - 1
        });
        if let Some(slot) = self.slot(number) {
            *slot = Some(object);
        }
        number
    }

    /// An object.
    #[inline]
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Object> {
        let number = number as usize;
        self.chunks.get(number / APART_CHUNK)?.get(number % APART_CHUNK)?.as_ref()
    }

    /// Takes an object out.
    pub fn remove(&mut self, number: u32) -> Option<Object> {
        let object = self.slot(number)?.take()?;
        self.bytes = self.bytes.saturating_sub(object.bytes());
        self.free.push(number);
        Some(object)
    }

    /// Takes an object out for a change; its place is kept for `restore`.
    #[inline]
    pub fn borrow(&mut self, number: u32) -> Option<Object> {
        let object = self.slot(number)?.take()?;
        self.bytes = self.bytes.saturating_sub(object.bytes());
        Some(object)
    }

    /// Puts a borrowed object back.
    #[inline]
    pub fn restore(&mut self, number: u32, object: Object) {
        self.bytes += object.bytes();
        if let Some(slot) = self.slot(number) {
            *slot = Some(object);
        }
    }

    /// Gives the place of a borrowed object up.
    pub fn vacate(&mut self, number: u32) {
        self.free.push(number);
    }

    fn slot(&mut self, number: u32) -> Option<&mut Option<Object>> {
        let number = number as usize;
        self.chunks.get_mut(number / APART_CHUNK)?.get_mut(number % APART_CHUNK)
    }
}

/// Values kept apart from their entries, by number. Growth copies nothing but one pointer a chunk.
#[derive(Default)]
pub struct Apart {
    chunks: Vec<Box<[Bytes]>>,
    free: Vec<u32>,
    len: usize,
    pub(super) bytes: usize,
}

/// What a value kept apart costs: its bytes, the handle, and the allocation's own bookkeeping.
pub(super) fn apart_bytes(value: &Bytes) -> usize {
    value.len() + size_of::<Bytes>() + 32
}

impl Apart {
    /// Adds a value.
    pub fn insert(&mut self, value: Bytes) -> u32 {
        self.bytes += apart_bytes(&value);
        let number = self.free.pop().unwrap_or_else(|| {
            if self.len / APART_CHUNK == self.chunks.len() {
                self.chunks.push(vec![Bytes::new(); APART_CHUNK].into_boxed_slice());
            }
            self.len += 1;
            self.len as u32 - 1
        });
        if let Some(slot) = self.slot(number) {
            *slot = value;
        }
        number
    }

    /// A value.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Bytes> {
        let number = number as usize;
        self.chunks.get(number / APART_CHUNK)?.get(number % APART_CHUNK)
    }

    /// Takes a value out.
    pub fn remove(&mut self, number: u32) -> Option<Bytes> {
        let value = std::mem::take(self.slot(number)?);
        self.bytes -= apart_bytes(&value);
        self.free.push(number);
        Some(value)
    }

    /// Changes a value: in its own buffer when nobody else holds it, else in a copy.
    pub fn change<T>(&mut self, number: u32, change: impl FnOnce(&mut BytesMut) -> T) -> Option<T> {
        let value = std::mem::take(self.slot(number)?);
        self.bytes -= apart_bytes(&value);
        let mut buffer = value.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        let out = change(&mut buffer);
        let value = buffer.freeze();
        self.bytes += apart_bytes(&value);
        *self.slot(number)? = value;
        Some(out)
    }

    fn slot(&mut self, number: u32) -> Option<&mut Bytes> {
        let number = number as usize;
        self.chunks.get_mut(number / APART_CHUNK)?.get_mut(number % APART_CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_apart_is_changed_in_place_only_when_unshared() {
        let mut apart = Apart::default();
        let number = apart.insert(Bytes::from(vec![1; 5000]));
        let before = apart.get(number).unwrap().as_ptr();
        apart.change(number, |b| b[0] = 9);
        assert_eq!(apart.get(number).unwrap().as_ptr(), before);
        let held = apart.get(number).unwrap().clone();
        apart.change(number, |b| b[0] = 8);
        assert_eq!((held[0], apart.get(number).unwrap()[0]), (9, 8));
        assert!(apart.remove(number).is_some());
        assert_eq!(apart.bytes, 0);
    }
}
