//! The allocator of everything that is not in an arena: mimalloc, asked so that it gives the size that was meant.
//!
//! Layer 0. Its `malloc` aligns to 16 bytes by itself. Its `aligned_alloc`, which a general binding calls for every request, takes a
//! size class more for all sizes but powers of two, to have room for an alignment that is there already: 3,592 bytes took 4,096,
//! 384 took 448.
//! Ref: microsoft.github.io/mimalloc/group__aligned.html
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys as mi;

/// What `malloc` guarantees for requests of at least as many bytes; below that it is 8, of which no type here needs more.
const NATURAL: usize = 16;

/// The allocator, to be named in a binary's `#[global_allocator]`.
pub struct Heap;

#[inline(always)]
fn is_natural(layout: Layout) -> bool {
    layout.align() <= 8 || (layout.align() <= NATURAL && layout.size() >= NATURAL)
}

// SAFETY: mimalloc's functions keep the contract of `GlobalAlloc`: memory of at least the size asked for, aligned as said above or as
// asked, until it is freed; null when there is none. `mi_realloc` keeps the contents and the natural alignment.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size is allowed.
        unsafe { if is_natural(layout) { mi::mi_malloc(layout.size()) } else { mi::mi_malloc_aligned(layout.size(), layout.align()) } }
            .cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { if is_natural(layout) { mi::mi_zalloc(layout.size()) } else { mi::mi_zalloc_aligned(layout.size(), layout.align()) } }
            .cast()
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: the caller got it from one of the others.
        unsafe { mi::mi_free(memory.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // A block that shrinks below 16 bytes needs the weaker alignment only if the layout does.
        if layout.align() <= 8 || (layout.align() <= NATURAL && new_size >= NATURAL) {
            // SAFETY: as in `dealloc`.
            unsafe { mi::mi_realloc(memory.cast(), new_size) }.cast()
        } else {
            // SAFETY: as in `dealloc`.
            unsafe { mi::mi_realloc_aligned(memory.cast(), new_size, layout.align()) }.cast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_kept() {
        for (size, align) in (0..200).map(|n| (n * 37 % 4099 + 1, 1 << (n % 8))) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let larger = Layout::from_size_align(size + 333, align).unwrap();
            // SAFETY: sizes are not zero, memory is freed once by its last layout, and only its own bytes are touched.
            unsafe {
                let zeroed = Heap.alloc_zeroed(layout);
                assert!(!zeroed.is_null() && zeroed.addr().is_multiple_of(align));
                assert!((0..size).all(|n| *zeroed.add(n) == 0));
                let memory = Heap.alloc(layout);
                assert!(!memory.is_null() && memory.addr().is_multiple_of(align));
                memory.write_bytes(7, size);
                let memory = Heap.realloc(memory, layout, size + 333);
                assert!(memory.addr().is_multiple_of(align) && (0..size).all(|n| *memory.add(n) == 7));
                let memory = Heap.realloc(memory, larger, size);
                assert!(memory.addr().is_multiple_of(align) && (0..size).all(|n| *memory.add(n) == 7));
                Heap.dealloc(memory, layout);
                Heap.dealloc(zeroed, layout);
            }
        }
    }

    #[test]
    fn a_request_of_one_of_its_sizes_takes_no_more() {
        for size in [80, 96, 112, 160, 384, 448, 768, 1280, 1792, 3584] {
            // SAFETY: as above.
            unsafe {
                let layout = Layout::from_size_align(size, 8).unwrap();
                let memory = Heap.alloc(layout);
                assert_eq!(mi::mi_usable_size(memory.cast()), size);
                Heap.dealloc(memory, layout);
            }
        }
    }
}
