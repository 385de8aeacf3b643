//! One core's memory for small objects: a reserved mapping addressed in 8-byte granules by a u32.
//!
//! ```text
//! mapping   32 GiB reserved, touched page by page as it fills      reference = byte offset / 8, never 0
//! page      64 KiB: objects of one size class, or part of a run of pages for one object above 4 KiB
//! classes   8, 16, ... 128, then eight per doubling up to 4096 bytes (56 of them)
//! ```
//!
//! Where it sits: under `keyspace/entry.rs`; nobody else allocates here.
//!
//! Invariants
//! - A reference stays valid until `free`; the arena never moves an object. Objects can be moved by their owner, who
//!   allocates, copies and frees; `size_of` tells how much room an object really has.
//! - Page descriptions live outside the pages, in a mapping of their own, so growth never copies anything.
//! - The byte counter is exact: it is the sum of the class sizes of all live objects.
//! - A page that becomes empty goes back to the operating system at once, unless it is the only page of its class that
//!   still has room (so that one object coming and going costs no system call).
//! - Reading through a stale or invented reference gives some bytes of the mapping, never memory outside it.
//!
//! Ref: mmap(2) MAP_NORESERVE, madvise(2) MADV_DONTNEED
#![allow(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes in one granule.
pub const GRANULE: usize = 8;
/// Bytes in one page.
pub const PAGE: usize = 64 * 1024;
/// The largest object that shares a page with others.
pub const SMALL_MAX: usize = 4096;
/// Bytes of one huge page.
const CHUNK: usize = 2 << 20;
/// Pages that are handed out beyond a chunk before it is made one huge page: by then its own pages are full.
const CHUNK_LAG: usize = 8 * PAGE;
const GRANULES_PER_PAGE: usize = PAGE / GRANULE;
const CLASSES: usize = 56;
const RUN_HEAD: u8 = 254;

/// A range of address space whose memory appears, zeroed, when it is first touched.
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
    /// Bytes before `base` that belong to the mapping too: `base` begins a huge page.
    before: usize,
}

// SAFETY: the mapping is plain memory owned by this value alone.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Reserves `wanted` bytes, or half as often as needed (a limit on address space) down to 1 MiB.
    ///
    /// # Panics
    /// When not even 1 MiB of address space is left: a process cannot run then.
    #[must_use]
    pub fn reserve(wanted: usize) -> Mapping {
        let mut len = wanted;
        loop {
            // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no existing memory.
            let base = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    len + CHUNK,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if base != libc::MAP_FAILED
                && let before = base.addr().next_multiple_of(CHUNK) - base.addr()
                && let Some(base) = NonNull::new(base.cast::<u8>().wrapping_add(before))
            {
                return Mapping { base, len, before };
            }
            len /= 2;
            assert!(len >= 1 << 20, "no address space left");
        }
    }

    /// Bytes of address space.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is mapped; never true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first byte; every offset below `len` may be read and written by the owner of the mapping.
    #[inline]
    #[must_use]
    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Gives the memory of a range back; it reads as zeroes afterwards. Both ends are multiples of 4 KiB.
    pub fn discard(&mut self, start: usize, len: usize) {
        if start.checked_add(len).is_some_and(|end| end <= self.len) {
            // SAFETY: the range lies in this mapping, which is borrowed mutably; zeroes are valid for its bytes.
            unsafe { libc::madvise(self.base().add(start).cast(), len, libc::MADV_DONTNEED) };
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this is the range that mmap returned, and nothing borrows the mapping any more.
        unsafe { libc::munmap(self.base().wrapping_sub(self.before).cast(), self.len + CHUNK) };
    }
}

/// How far a mapping that fills from its front is backed by huge pages: a look-up in a large arena misses the processor's
/// address cache otherwise, and a walk of the page tables costs as much as the memory access itself (a GET of one in a million
/// keys takes a fifth less time). Only chunks that are touched all over are changed, so resident memory stays the same.
#[derive(Default)]
pub struct HugeChunks {
    done: usize,
    /// Chunks that were passed by because parts of them had never been touched; they are looked at again in turn.
    sparse: VecDeque<usize>,
    is_refused: Arc<AtomicBool>,
}

/// A chunk that is to be backed by a huge page, for a thread that may wait: the kernel first has every CPU put its lists in order
/// and may have to move memory about, which takes milliseconds on a busy machine.
pub struct Collapse {
    /// Address of its first byte.
    at: usize,
    is_refused: Arc<AtomicBool>,
}

impl HugeChunks {
    /// The next chunk to be backed by a huge page; `None` if there is none now. `filled` bytes of `map` are in use, and `skip` (first byte,
    /// bytes) says whether parts of a chunk are free or were never touched. With no new chunk to look at, one of those that were skipped
    /// gets another chance.
    pub fn next(&mut self, map: &Mapping, filled: usize, skip: impl Fn(usize, usize) -> bool) -> Option<Collapse> {
        if self.is_refused.load(Ordering::Relaxed) {
            return None;
        }
        loop {
            let end = (self.done + 1) * CHUNK;
            let is_new = end + CHUNK_LAG <= filled && end <= map.len();
            let chunk = if is_new { self.done } else { self.sparse.pop_front()? };
            self.done += usize::from(is_new);
            let start = chunk * CHUNK;
            if !skip(start, CHUNK) {
                return Some(Collapse { at: map.base().addr() + start, is_refused: self.is_refused.clone() });
            }
            self.sparse.push_back(chunk);
            if !is_new {
                return None;
            }
        }
    }
}

impl Collapse {
    /// Does it. The memory may be in use meanwhile: whoever touches the chunk just then waits while it is copied, about 0.2 ms.
    pub fn run(self) {
        const MADV_COLLAPSE: libc::c_int = 25;
        let start = std::ptr::without_provenance_mut::<libc::c_void>(self.at);
        // SAFETY: the call changes how the bytes of the range are kept, not the bytes, so that it is harmless whoever uses them
        // meanwhile, and also if the mapping is gone by now and something else is there.
        let result = unsafe { libc::madvise(start, CHUNK, MADV_COLLAPSE) };
        // No huge page at hand, or nothing there any more, is a matter of this moment; anything else, of the kernel or its settings.
        let errno = std::io::Error::last_os_error().raw_os_error();
        if result != 0 && !matches!(errno, Some(libc::ENOMEM | libc::EAGAIN | libc::EBUSY)) {
            self.is_refused.store(true, Ordering::Relaxed);
        }
    }
}

/// What is known of one page; all zeroes is a page never used.
#[derive(Clone, Copy)]
#[repr(C)]
struct Page {
    /// Pages in the run that starts here.
    run: u32,
    /// Neighbours in the list of its class's pages with room; 0 is none (page 0 is never used).
    next: u32,
    prev: u32,
    /// 1 + granule offset of the first freed object; 0 is none.
    free: u16,
    /// Objects handed out from untouched memory.
    fresh: u16,
    used: u16,
    /// 0 = not in use, class + 1, or RUN_HEAD.
    kind: u8,
}

/// The arena. See the file's head.
pub struct Arena {
    map: Mapping,
    table: Mapping,
    /// Pages the mapping and the table have room for.
    limit: usize,
    /// First page never handed out.
    fresh: usize,
    with_room: [u32; CLASSES],
    /// Page runs given back: first page -> pages.
    free_runs: BTreeMap<u32, u32>,
    free_pages: usize,
    used_bytes: usize,
    huge: HugeChunks,
}

impl Arena {
    /// An empty arena of at most `bytes` of address space (32 GiB at most; that is what a u32 reaches).
    #[must_use]
    pub fn new(bytes: usize) -> Arena {
        let map = Mapping::reserve(bytes.clamp(16 * PAGE, 1 << 35));
        let pages = map.len() / PAGE;
        let table = Mapping::reserve((pages * size_of::<Page>()).next_multiple_of(4096));
        let limit = pages.min(table.len() / size_of::<Page>());
        Arena {
            map,
            table,
            limit,
            fresh: 1,
            with_room: [0; CLASSES],
            free_runs: BTreeMap::new(),
            free_pages: 0,
            used_bytes: 0,
            huge: HugeChunks::default(),
        }
    }

    /// Bytes of all live objects, each counted with the full size of its class.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// Bytes of all pages that hold at least one object or are kept for the next one.
    #[must_use]
    pub fn page_bytes(&self) -> usize {
        (self.fresh - 1 - self.free_pages) * PAGE
    }

    /// The next full chunk to be backed by a huge page.
    pub fn next_huge(&mut self) -> Option<Collapse> {
        let (filled, runs, table) = (self.fresh * PAGE, &self.free_runs, self.table.base().cast::<Page>());
        self.huge.next(&self.map, filled, |start, len| {
            let (first, end) = (start / PAGE, (start + len) / PAGE);
            if runs.range(..end as u32).next_back().is_some_and(|(&run, &pages)| (run + pages) as usize > first) {
                return true;
            }
            // Every class has a page of which only the front was ever handed out.
            let untouched = |number: usize| {
                // SAFETY: chunks that are looked at end below `fresh` pages, which the table has room for; any bytes are a valid Page.
                let page = unsafe { *table.add(number) };
                match page.kind {
                    0 | RUN_HEAD => 0,
                    kind => PAGE - usize::from(page.fresh) * class_size(usize::from(kind) - 1),
                }
            };
            (first..end).map(untouched).sum::<usize>() > len / 16
        })
    }

    /// Whether `bytes` more fit for certain, however they split over the classes.
    #[must_use]
    pub fn room_for(&self, bytes: usize) -> bool {
        // Twice the bytes covers class rounding; one page a class may be opened.
        let free = (self.limit - self.fresh) * PAGE;
        bytes.saturating_mul(2).saturating_add(CLASSES * PAGE) <= free
    }

    /// An object of at least `size` bytes, uninitialised; `None` when the arena is full.
    #[inline]
    pub fn alloc(&mut self, size: usize) -> Option<u32> {
        if size > SMALL_MAX {
            return self.alloc_run(size);
        }
        let class = class_of(size);
        let mut number = self.with_room[class];
        if number == 0 {
            number = self.open_page(class)?;
        }
        let first = number as usize * GRANULES_PER_PAGE;
        let base = self.map.base();
        let page = self.page_mut(number)?;
        let offset = if page.free == 0 {
            let offset = usize::from(page.fresh) * class_size(class) / GRANULE;
            page.fresh += 1;
            offset
        } else {
            let offset = usize::from(page.free - 1);
            // SAFETY: a freed object of this page; its first two bytes are the link that `free` wrote.
            page.free = unsafe { base.add((first + offset) * GRANULE).cast::<u16>().read() };
            offset
        };
        page.used += 1;
        if page.free == 0 && usize::from(page.fresh) == PAGE / class_size(class) {
            self.unlink(number, class);
        }
        self.used_bytes += class_size(class);
        Some((first + offset) as u32)
    }

    /// Gives an object back. `at` came from `alloc` and is not used again.
    #[inline]
    pub fn free(&mut self, at: u32) {
        let number = at / GRANULES_PER_PAGE as u32;
        let offset = at as usize % GRANULES_PER_PAGE;
        let base = self.map.base();
        let Some(page) = self.page_mut(number) else {
            return;
        };
        if page.kind == RUN_HEAD {
            return self.free_run(number);
        }
        debug_assert!(page.kind != 0 && page.used > 0, "freed twice: {at}");
        if page.kind == 0 || page.used == 0 {
            return;
        }
        let class = usize::from(page.kind - 1);
        let was_full = page.free == 0 && usize::from(page.fresh) == PAGE / class_size(class);
        // SAFETY: the object lies inside its page, is 8-byte aligned and at least 8 bytes long, and is free now.
        unsafe { base.add(at as usize * GRANULE).cast::<u16>().write(page.free) };
        page.free = offset as u16 + 1;
        page.used -= 1;
        let is_empty = page.used == 0;
        self.used_bytes -= class_size(class);
        if was_full {
            self.link(number, class);
        }
        if is_empty && (self.with_room[class] != number || self.page_mut(number).is_some_and(|p| p.next != 0)) {
            self.unlink(number, class);
            self.release(number, 1);
        }
    }

    /// Bytes that the object at `at` may use: its class size, at least what was asked for.
    #[inline]
    #[must_use]
    pub fn size_of(&self, at: u32) -> usize {
        let number = at as usize / GRANULES_PER_PAGE;
        if number >= self.fresh {
            return 0;
        }
        // SAFETY: number < fresh <= limit, the pages that the table has room for; any bytes are a valid Page.
        let page = unsafe { *self.table.base().cast::<Page>().add(number) };
        match page.kind {
            0 => 0,
            RUN_HEAD => page.run as usize * PAGE,
            kind => class_size(usize::from(kind) - 1),
        }
    }

    /// Where the object at `at` lies. Reading is always possible for as long as the arena lives.
    #[inline]
    #[must_use]
    pub fn address(&self, at: u32) -> *mut u8 {
        debug_assert!((at as usize) / GRANULES_PER_PAGE < self.fresh);
        self.map.base().wrapping_add(at as usize * GRANULE)
    }

    fn page_mut(&mut self, number: u32) -> Option<&mut Page> {
        if number as usize >= self.fresh {
            return None;
        }
        // SAFETY: number < fresh <= limit, the pages that the table has room for; zeroes are a valid Page, and the
        // table is borrowed mutably through self.
        Some(unsafe { &mut *self.table.base().cast::<Page>().add(number as usize) })
    }

    #[cold]
    fn open_page(&mut self, class: usize) -> Option<u32> {
        let number = self.take_pages(1)?;
        *self.page_mut(number)? = Page { run: 0, next: 0, prev: 0, free: 0, fresh: 0, used: 0, kind: class as u8 + 1 };
        self.link(number, class);
        Some(number)
    }

    fn link(&mut self, number: u32, class: usize) {
        let head = self.with_room[class];
        if let Some(page) = self.page_mut(number) {
            page.next = head;
            page.prev = 0;
        }
        if head != 0
            && let Some(page) = self.page_mut(head)
        {
            page.prev = number;
        }
        self.with_room[class] = number;
    }

    fn unlink(&mut self, number: u32, class: usize) {
        let Some(page) = self.page_mut(number) else {
            return;
        };
        let (next, prev) = (page.next, page.prev);
        page.next = 0;
        page.prev = 0;
        if prev == 0 {
            self.with_room[class] = next;
        } else if let Some(page) = self.page_mut(prev) {
            page.next = next;
        }
        if next != 0
            && let Some(page) = self.page_mut(next)
        {
            page.prev = prev;
        }
    }

    fn alloc_run(&mut self, size: usize) -> Option<u32> {
        let pages = u32::try_from(size.div_ceil(PAGE)).ok()?;
        let number = self.take_pages(pages)?;
        let page = self.page_mut(number)?;
        page.kind = RUN_HEAD;
        page.run = pages;
        self.used_bytes += pages as usize * PAGE;
        Some(number * GRANULES_PER_PAGE as u32)
    }

    fn free_run(&mut self, number: u32) {
        let Some(page) = self.page_mut(number) else {
            return;
        };
        let pages = std::mem::take(&mut page.run);
        self.used_bytes -= pages as usize * PAGE;
        self.release(number, pages);
    }

    /// The first run of freed pages that is long enough, else untouched ones.
    fn take_pages(&mut self, pages: u32) -> Option<u32> {
        if let Some((&start, &len)) = self.free_runs.iter().find(|&(_, &len)| len >= pages) {
            self.free_runs.remove(&start);
            if len > pages {
                self.free_runs.insert(start + pages, len - pages);
            }
            self.free_pages -= pages as usize;
            return Some(start);
        }
        if self.limit - self.fresh < pages as usize {
            return None;
        }
        let start = self.fresh as u32;
        self.fresh += pages as usize;
        Some(start)
    }

    /// Puts pages back, joins them with free neighbours and returns their memory.
    #[cold]
    fn release(&mut self, start: u32, pages: u32) {
        if let Some(page) = self.page_mut(start) {
            page.kind = 0;
        }
        self.map.discard(start as usize * PAGE, pages as usize * PAGE);
        self.free_pages += pages as usize;
        let (mut start, mut pages) = (start, pages);
        if let Some((&before, &len)) = self.free_runs.range(..start).next_back()
            && before + len == start
        {
            self.free_runs.remove(&before);
            start = before;
            pages += len;
        }
        if let Some(len) = self.free_runs.remove(&(start + pages)) {
            pages += len;
        }
        self.free_runs.insert(start, pages);
    }
}

/// The class whose objects are the smallest that hold `size` (at most SMALL_MAX) bytes.
#[inline]
fn class_of(size: usize) -> usize {
    if size <= 128 {
        return size.saturating_sub(1) / 8;
    }
    let top = size - 1;
    let doubling = top.ilog2() as usize;
    16 + (doubling - 7) * 8 + ((top >> (doubling - 3)) & 7)
}

const SIZES: [u16; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = if class < 16 {
            (class as u16 + 1) * 8
        } else {
            let low = 128u16 << ((class - 16) / 8);
            low + low / 8 * ((class as u16 - 16) % 8 + 1)
        };
        class += 1;
    }
    sizes
};

#[inline]
fn class_size(class: usize) -> usize {
    usize::from(SIZES[class.min(CLASSES - 1)])
}

/// Bytes that an object of `size` bytes really takes.
#[inline]
#[must_use]
pub fn rounded(size: usize) -> usize {
    if size > SMALL_MAX { size.next_multiple_of(PAGE) } else { class_size(class_of(size)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn classes_hold_what_they_promise_and_waste_little() {
        for size in 1..=SMALL_MAX {
            let room = rounded(size);
            assert!(room >= size && room.is_multiple_of(8), "{size} -> {room}");
            assert!(room - size < 8 || room * 8 <= size * 9 + 64, "{size} -> {room}");
            assert!(class_of(size) < CLASSES);
            assert_eq!(rounded(room), room);
        }
        assert_eq!(rounded(SMALL_MAX + 1), PAGE);
    }

    #[test]
    fn live_objects_never_overlap_and_bytes_are_exact() {
        let mut rng = Rng::new(3);
        let mut arena = Arena::new(1 << 30);
        let mut live: Vec<(u32, usize, u8)> = Vec::new();
        let mut bytes = 0;
        for round in 0..60_000u32 {
            if rng.below(100) < 48 && !live.is_empty() {
                let (at, size, mark) = live.swap_remove(rng.below(live.len() as u64) as usize);
                // SAFETY: the object is live and `size` bytes long.
                let seen = unsafe { std::slice::from_raw_parts(arena.address(at), size) };
                assert!(seen.iter().all(|&b| b == mark), "round {round}");
                bytes -= rounded(size);
                arena.free(at);
            } else {
                let size = if rng.below(500) == 0 { 4097 + rng.below(300_000) } else { 1 + rng.below(600) } as usize;
                let at = arena.alloc(size).unwrap();
                assert!(arena.size_of(at) >= size && at != 0);
                let mark = (round % 251) as u8;
                // SAFETY: the object is live and `size` bytes long.
                unsafe { std::ptr::write_bytes(arena.address(at), mark, size) };
                bytes += rounded(size);
                live.push((at, size, mark));
            }
            assert_eq!(arena.used_bytes(), bytes);
        }
        for (at, _, _) in live {
            arena.free(at);
        }
        assert_eq!(arena.used_bytes(), 0);
        assert!(arena.page_bytes() <= CLASSES * PAGE);
    }

    #[test]
    fn a_full_arena_refuses_instead_of_failing() {
        let mut arena = Arena::new(1 << 20);
        assert!(!arena.room_for(1 << 20));
        let mut got = Vec::new();
        while let Some(at) = arena.alloc(1000) {
            got.push(at);
        }
        assert!(got.len() > 800);
        assert!(arena.alloc(100_000).is_none());
        for at in got {
            arena.free(at);
        }
        assert!(arena.alloc(100_000).is_some());
    }

    #[test]
    fn chunks_that_are_hardly_touched_wait_until_they_are() {
        let mut arena = Arena::new(1 << 28);
        // One object of every class opens 56 pages, of which one or two kibibytes are in use.
        (0..CLASSES).for_each(|class| assert!(arena.alloc(class_size(class)).is_some()));
        assert!(arena.next_huge().is_none());
        assert_eq!((arena.huge.done, arena.huge.sparse.len()), (1, 1));
        for class in 0..CLASSES {
            while arena.with_room[class] != 0 {
                arena.alloc(class_size(class)).unwrap();
            }
        }
        assert!(arena.next_huge().is_some());
        assert_eq!((arena.huge.done, arena.huge.sparse.len()), (1, 0));
    }

    #[test]
    fn huge_pages_keep_the_bytes_and_come_for_full_chunks_only() {
        let mut arena = Arena::new(1 << 28);
        let objects: Vec<u32> = (0..120_000).map(|_| arena.alloc(64).unwrap()).collect();
        for &at in &objects {
            // SAFETY: a live object of 64 bytes.
            unsafe { arena.address(at).cast::<u32>().write(at) };
        }
        let mut steps = 0;
        while let Some(chunk) = arena.next_huge() {
            chunk.run();
            steps += 1;
        }
        // 7.3 MiB: three full chunks, and a fourth that is still being filled.
        assert!(steps <= 3, "{steps}");
        for &at in &objects {
            // SAFETY: as above.
            assert_eq!(unsafe { arena.address(at).cast::<u32>().read() }, at);
            arena.free(at);
        }
        assert_eq!(arena.used_bytes(), 0);
    }
}
