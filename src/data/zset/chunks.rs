//! A growable array in shared pieces: copying it takes handles of pieces, changing an element copies the pieces it is in
//! if somebody else holds them.
//!
//! Layer 1. Sixteen elements a piece, 64 pieces a page: the copy of ten million elements' 110,000 leaves costs 110 handles,
//! the first change after it one page (512 bytes) and one piece.

use crate::base::simd::prefetch;
use std::array;
use std::sync::Arc;

const PIECE: usize = 16;
const PAGE: usize = 64;

type Piece<T> = Arc<[T; PIECE]>;
type Page<T> = Arc<[Option<Piece<T>>; PAGE]>;

/// The array.
#[derive(Clone)]
pub(super) struct Chunks<T> {
    pages: Vec<Page<T>>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { pages: Vec::new(), len: 0 }
    }
}

fn place(index: usize) -> (usize, usize, usize) {
    (index / (PIECE * PAGE), index / PIECE % PAGE, index % PIECE)
}

impl<T: Default + Clone> Chunks<T> {
    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of its own for `len` elements.
    pub fn bytes(&self) -> usize {
        self.len.div_ceil(PIECE) * (PIECE * size_of::<T>() + 16 + size_of::<usize>())
    }

    /// Element `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let (page, piece, slot) = place(index);
        Some(&self.pages.get(page)?[piece].as_ref()?[slot])
    }

    /// Asks for the memory of element `index`.
    #[inline]
    pub fn prefetch(&self, index: usize) {
        let (page, piece, slot) = place(index);
        if let Some(Some(piece)) = self.pages.get(page).map(|page| page[piece].as_ref()) {
            prefetch(std::ptr::from_ref(&piece[slot]));
        }
    }

    /// Element `index`, to change.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (page, piece, slot) = place(index);
        let page = Arc::make_mut(self.pages.get_mut(page)?);
        Some(&mut Arc::make_mut(page[piece].as_mut()?)[slot])
    }

    /// Adds an element at the end.
    pub fn push(&mut self, value: T) {
        let (page, piece, slot) = place(self.len);
        if page == self.pages.len() {
            self.pages.push(Arc::new(array::from_fn(|_| None)));
        }
        let page = Arc::make_mut(&mut self.pages[page]);
        let piece = page[piece].get_or_insert_with(|| Arc::new(array::from_fn(|_| T::default())));
        Arc::make_mut(piece)[slot] = value;
        self.len += 1;
    }

    /// Takes the last element out.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len.checked_sub(1)?;
        let value = std::mem::take(self.get_mut(last)?);
        self.len = last;
        let (page, piece, slot) = place(last);
        if slot == 0 {
            Arc::make_mut(&mut self.pages[page])[piece] = None;
            if piece == 0 {
                self.pages.pop();
            }
        }
        Some(value)
    }

    /// Drops the last piece; what others hold stays theirs. False when nothing is left.
    pub fn drop_piece(&mut self) -> bool {
        let Some(last) = self.len.checked_sub(1) else { return false };
        let (page, piece, slot) = place(last);
        match Arc::get_mut(&mut self.pages[page]) {
            Some(pieces) if piece > 0 => {
                pieces[piece] = None;
                self.len = last - slot;
            }
            // The first of its page, or a page that others hold: it goes as a whole.
            _ => {
                self.pages.pop();
                self.len = page * PIECE * PAGE;
            }
        }
        true
    }
}

/// Bytes that the allocator gives for a request of `bytes`: four sizes between a power of two and the next.
pub(super) fn class(bytes: usize) -> usize {
    let words = bytes.div_ceil(8);
    if words <= 8 {
        return words.next_multiple_of(2) * 8;
    }
    let step = 1 << (words.ilog2() - 2);
    words.next_multiple_of(step) * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_do_not_see_later_changes() {
        let mut chunks = Chunks::default();
        (0..3000u32).for_each(|n| chunks.push(n));
        let copy = chunks.clone();
        *chunks.get_mut(1234).unwrap() = 7;
        while chunks.len() > 1500 {
            let expected = chunks.len() as u32 - 1;
            assert_eq!(chunks.pop(), Some(expected));
        }
        chunks.push(9);
        assert_eq!((copy.get(1234), copy.get(1500), copy.len()), (Some(&1234), Some(&1500), 3000));
        assert_eq!((chunks.get(1234), chunks.get(1500), chunks.get(1501)), (Some(&7), Some(&9), Some(&0)));
        let mut freed = copy.clone();
        while freed.drop_piece() {}
        assert_eq!((freed.len(), copy.get(2999)), (0, Some(&2999)));
    }

    #[test]
    fn sizes_are_those_of_the_allocator() {
        assert_eq!([1, 16, 17, 64, 65, 81, 700, 1025].map(class), [16, 16, 32, 64, 80, 96, 768, 1280]);
    }
}
