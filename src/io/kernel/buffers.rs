//! The provided buffers of one core: memory the kernel fills on its own choice when bytes arrive for any connection.
//!
//! Between `net.rs` and the kernel. An idle connection holds none. The kernel takes buffers in the order they were
//! offered, so offering all of them would in time touch all of them; instead only as many are on offer as recent
//! turns needed (twice the peak, at least `OFFER_MIN`), taken from a stack. What is warm in the cache is used again, and memory
//! that was never needed is never touched.
//!
//! Invariants: a buffer is in exactly one of three places: on the stack, on offer, or in a `BufId` with the caller.
//!
//! Not here: incremental and bundled buffers (bytes came out of order on several kernels).
//!
//! Ref: io_uring_register_buf_ring(3).
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

use crate::io::{BufId, Refused};

/// The only buffer group.
pub(super) const GROUP: u16 = 0;
/// Never fewer on offer than this: what one connection sends between two turns. All on offer are used in turn, so each is
/// memory that stays touched; more come at once when a turn needs them.
const OFFER_MIN: u16 = 8;
/// After so many refills without a higher peak the offer follows the need down.
const DECAY_REFILLS: u32 = 4096;

/// A private anonymous mapping, unmapped on drop.
struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
}

impl Mapping {
    fn new(bytes: usize) -> Result<Self, Refused> {
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no existing memory.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_ANONYMOUS | libc::MAP_PRIVATE | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { base, bytes }),
            _ => Err(Refused(format!(
                "Can't map {bytes} bytes for receive buffers: {}",
                crate::io::errno_text(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
            ))),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this size, and nobody else unmaps it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}

/// The pool of one core.
pub struct Buffers {
    ring: Mapping,
    data: Mapping,
    /// Buffers nobody uses; the last one given back is the first one offered.
    stack: Vec<u16>,
    /// How many buffers exist; a power of two.
    count: u16,
    size: u32,
    tail: u16,
    /// On offer to the kernel, as far as reaped completions tell.
    offered: u16,
    /// How many should be on offer.
    target: u16,
    /// The most that were taken between two refills, lately.
    peak: u16,
    taken: u16,
    /// Receives that found no buffer since the last refill.
    missed: u16,
    refills: u32,
}

impl Buffers {
    /// Maps `count` buffers (a power of two up to 32,768) of `size` bytes and registers them with `ring` as group 0.
    pub(super) fn new(ring: &IoUring, count: u16, size: u32) -> Result<Self, Refused> {
        assert!(count.is_power_of_two() && count <= 1 << 15);
        assert!(size > 0 && size.is_multiple_of(4096));
        let entries = Mapping::new((usize::from(count) * size_of::<BufRingEntry>()).max(4096))?;
        let data = Mapping::new(usize::from(count) * size as usize)?;
        // SAFETY: the ring memory is page-aligned, large enough for `count` entries, and lives as long as `Self`,
        // which the reactor drops after its io_uring.
        unsafe { ring.submitter().register_buf_ring_with_flags(entries.base.as_ptr() as u64, count, GROUP, 0) }.map_err(|error| {
            Refused(format!("Can't register receive buffers with io_uring: {}", crate::io::errno_text(error.raw_os_error().unwrap_or(0))))
        })?;
        let mut buffers = Self {
            ring: entries,
            data,
            stack: (0..count).rev().collect(),
            count,
            size,
            tail: 0,
            offered: 0,
            target: OFFER_MIN.min(count),
            peak: 0,
            taken: 0,
            missed: 0,
            refills: 0,
        };
        buffers.refill();
        Ok(buffers)
    }

    /// Brings the offer up to its target, as far as free buffers go. O(buffers added).
    pub(super) fn refill(&mut self) {
        self.follow_need();
        let want = self.target.saturating_sub(self.offered);
        let mut added = 0;
        while added < want {
            let Some(id) = self.stack.pop() else { break };
            self.offer(id);
            added += 1;
        }
        if added > 0 {
            self.offered += added;
            // SAFETY: the ring's first entry holds the tail in its reserved field; the memory is mapped and aligned,
            // and only this thread writes the tail, while the kernel reads it.
            let tail = unsafe {
                let tail = BufRingEntry::tail(self.ring.base.as_ptr().cast::<BufRingEntry>());
                AtomicU16::from_ptr(tail.cast_mut())
            };
            tail.store(self.tail, Ordering::Release);
        }
    }

    /// Adapts the target: up at once when the need grows, down after a long time without it.
    fn follow_need(&mut self) {
        self.peak = self.peak.max(self.taken.saturating_add(self.missed));
        (self.taken, self.missed) = (0, 0);
        self.refills += 1;
        let need = self.peak.saturating_mul(2).clamp(OFFER_MIN.min(self.count), self.count);
        if need > self.target {
            self.target = need;
        } else if self.refills >= DECAY_REFILLS {
            self.target = need;
            self.peak = 0;
            self.refills = 0;
        }
    }

    /// Writes one ring entry; the new tail is published by `refill`.
    fn offer(&mut self, id: u16) {
        let slot = usize::from(self.tail & (self.count - 1));
        let address = self.data.base.as_ptr() as u64 + u64::from(id) * u64::from(self.size);
        // SAFETY: `slot` is below `count`, so the entry lies in the mapping; the kernel does not read entries beyond
        // the published tail, and no more than `count` buffers exist, so this entry is not one it still has to take.
        let entry = unsafe { &mut *self.ring.base.as_ptr().cast::<BufRingEntry>().add(slot) };
        entry.set_addr(address);
        entry.set_len(self.size);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// A completion says that the kernel has taken buffer `id`.
    pub(super) fn take(&mut self, id: u16) -> BufId {
        assert!(id < self.count, "the kernel named a buffer that does not exist");
        self.offered = self.offered.saturating_sub(1);
        self.taken = self.taken.saturating_add(1);
        BufId(id)
    }

    /// A receive ended for want of buffers: more must be on offer from now on.
    pub(super) fn ran_dry(&mut self) {
        self.missed = self.missed.saturating_add(1);
    }

    /// The first `len` bytes of a buffer.
    pub fn bytes(&self, buf: &BufId, len: usize) -> &[u8] {
        assert!(len <= self.size as usize);
        let start = usize::from(buf.0) * self.size as usize;
        // SAFETY: a `BufId` exists only between `take` and `give`, when the kernel does not write to the buffer; the
        // range lies in the mapping, which is zero-filled by the kernel, so every byte is initialised.
        unsafe { std::slice::from_raw_parts(self.data.base.as_ptr().add(start), len) }
    }

    /// Takes a buffer back; the kernel sees it again with the next refill.
    pub fn give(&mut self, buf: BufId) {
        self.stack.push(buf.0);
    }

    /// Buffers the kernel may take now, as far as known.
    pub fn on_offer(&self) -> u16 {
        self.offered
    }

    /// Buffers with the caller.
    pub fn in_use(&self) -> u16 {
        self.count - self.offered - self.stack.len() as u16
    }

    /// Bytes of one buffer.
    pub fn size(&self) -> u32 {
        self.size
    }
}
