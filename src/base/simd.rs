//! Tag comparison and prefetching: the two places where the index speaks to the processor directly.
//!
//! A bucket of the index holds ten 16-bit tags, a node of a collection's table blocks of eight. On x86-64 they are compared by two overlapping 16-byte compares and one mask; every
//! other architecture takes the plain loop, which the tests hold against the fast one.
#![allow(unsafe_code)]

/// Tags in one group.
pub const LANES: usize = 10;

/// Bit i of the result is set when `tags[i] == tag`.
#[inline]
#[must_use]
pub fn match_tags(tags: &[u16; LANES], tag: u16) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_set1_epi16};
        // SAFETY: SSE2 is part of x86-64. The loads read tags 0..8 and 2..10, both inside the array of ten.
        let both = unsafe {
            let wanted = _mm_set1_epi16(tag.cast_signed());
            let low = _mm_loadu_si128(tags.as_ptr().cast::<__m128i>());
            let high = _mm_loadu_si128(tags.as_ptr().add(2).cast::<__m128i>());
            let hits = _mm_packs_epi16(_mm_cmpeq_epi16(low, wanted), _mm_cmpeq_epi16(high, wanted));
            _mm_movemask_epi8(hits).cast_unsigned()
        };
        // Bits 0..8 are tags 0..8, bits 8..16 are tags 2..10: only the last two of those are new.
        (both & 0xFF) | ((both >> 14) << 8)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        match_tags_plain(tags, tag)
    }
}

/// Bit i of the result is set when the i-th of eight little-endian tags is `tag`.
#[inline(always)]
#[must_use]
pub fn match_eight(tags: &[u8; 16], tag: u16) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{
            __m128i, _mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_set1_epi16, _mm_setzero_si128,
        };
        // SAFETY: SSE2 is part of x86-64. The unaligned load reads the sixteen bytes of the array.
        let both = unsafe {
            let hits = _mm_cmpeq_epi16(_mm_loadu_si128(tags.as_ptr().cast::<__m128i>()), _mm_set1_epi16(tag.cast_signed()));
            _mm_movemask_epi8(_mm_packs_epi16(hits, _mm_setzero_si128())).cast_unsigned()
        };
        both & 0xFF
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        match_eight_plain(tags, tag)
    }
}

/// The same without SIMD.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn match_eight_plain(tags: &[u8; 16], tag: u16) -> u32 {
    let (lanes, _) = tags.as_chunks::<2>();
    lanes.iter().enumerate().fold(0, |mask, (lane, t)| mask | (u32::from(u16::from_le_bytes(*t) == tag) << lane))
}

/// The same without SIMD.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn match_tags_plain(tags: &[u16; LANES], tag: u16) -> u32 {
    tags.iter().enumerate().fold(0, |mask, (lane, &t)| mask | (u32::from(t == tag) << lane))
}

/// Asks for the cache line at `target`; never faults, whatever the address.
#[inline]
pub fn prefetch<T>(target: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: a prefetch is a hint; the processor ignores it for an address that is not mapped.
        unsafe { core::arch::x86_64::_mm_prefetch(target.cast::<i8>(), core::arch::x86_64::_MM_HINT_T0) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn fast_and_plain_compare_agree() {
        let mut rng = Rng::new(1);
        for _ in 0..2000 {
            let tags: [u16; LANES] = std::array::from_fn(|_| (rng.below(4) * 0x5555) as u16);
            let tag = (rng.below(4) * 0x5555) as u16;
            assert_eq!(match_tags(&tags, tag), match_tags_plain(&tags, tag), "{tags:?} {tag}");
            let eight: [u8; 16] = std::array::from_fn(|_| (rng.below(2) * 0x55) as u8);
            let tag = u16::from_le_bytes([(rng.below(2) * 0x55) as u8, (rng.below(2) * 0x55) as u8]);
            assert_eq!(match_eight(&eight, tag), match_eight_plain(&eight, tag), "{eight:?} {tag}");
        }
    }
}
