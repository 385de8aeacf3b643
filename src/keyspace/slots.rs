//! Which slot a key belongs to, and which core owns a slot.
//!
//! Invariant: contiguous ranges; core i of n owns slots `i*16384/n .. (i+1)*16384/n`, so every slot has one owner.
//!
//! Ref: redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec ("Key distribution model", "Hash tags")

use std::ops::Range;

/// Slots in a cluster.
pub const SLOTS: u16 = 16384;

/// The slot of a key: CRC16 (XMODEM) of what stands between the first `{` and the next `}`, if that is not empty,
/// else of the whole key.
#[inline]
#[must_use]
pub fn slot_of(key: &[u8]) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(tag_of(key)) % SLOTS
}

fn tag_of(key: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'{', key) else {
        return key;
    };
    let inner = key.get(open + 1..).unwrap_or_default();
    match memchr::memchr(b'}', inner) {
        Some(close) if close > 0 => &inner[..close],
        _ => key,
    }
}

/// The core that owns `slot` (below SLOTS) among `cores` (at least 1).
#[inline]
#[must_use]
pub fn owner_of(slot: u16, cores: usize) -> usize {
    // The largest i with i*16384/n <= slot.
    ((usize::from(slot) + 1) * cores.max(1) - 1) / usize::from(SLOTS)
}

/// The slots of `core` among `cores`.
#[must_use]
pub fn range_of(core: usize, cores: usize) -> Range<u16> {
    let bound = |i: usize| (i.min(cores) * usize::from(SLOTS) / cores.max(1)) as u16;
    bound(core)..bound(core + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis_cluster() {
        assert_eq!(slot_of(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
        assert_eq!(slot_of(b"foo{bar}{zap}"), slot_of(b"bar"));
        assert_ne!(slot_of(b"foo{}{bar}"), slot_of(b"bar"));
        assert_eq!(slot_of(b""), 0);
        assert_eq!(slot_of(b"a{b"), slot_of(b"a{b"));
    }

    #[test]
    fn every_slot_has_the_owner_whose_range_holds_it() {
        for cores in [1, 2, 3, 5, 7, 64, 100] {
            for slot in 0..SLOTS {
                assert!(range_of(owner_of(slot, cores), cores).contains(&slot), "{slot} of {cores}");
            }
            assert_eq!(range_of(cores - 1, cores).end, SLOTS);
        }
    }
}
