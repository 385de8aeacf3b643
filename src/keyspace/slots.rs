//! Which slot a key belongs to, and which core owns a slot.
//!
//! Invariant: contiguous ranges; core i of n owns slots `i*16384/n .. (i+1)*16384/n`, so every slot has one owner.
//!
//! The CRC of a short key is the dearest part of finding its core when it goes byte by byte, because every step waits for the
//! table entry of the one before. CRC16 of this kind is linear, so the bytes of a block are looked up side by side instead, in
//! tables that are made with the crc16 crate at start (8 KiB, in the first-level cache while keys are routed).
//!
//! Ref: redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec ("Key distribution model", "Hash tags")

use std::ops::Range;
use std::sync::LazyLock;

/// Slots in a cluster.
pub const SLOTS: u16 = 16384;

/// The slot of a key: CRC16 (XMODEM) of what stands between the first `{` and the next `}`, if that is not empty,
/// else of the whole key.
#[inline]
#[must_use]
pub fn slot_of(key: &[u8]) -> u16 {
    crc(&TABLES, tag_of(key)) % SLOTS
}

/// Bytes that are looked up side by side.
const BLOCK: usize = 16;
/// `[n][b]`: CRC of byte `b` followed by `n` zero bytes.
type Tables = [[u16; 256]; BLOCK];

static TABLES: LazyLock<Box<Tables>> = LazyLock::new(|| {
    let mut tables = Box::new([[0; 256]; BLOCK]);
    for (zeros, table) in tables.iter_mut().enumerate() {
        for (byte, entry) in (0..=255u8).zip(table.iter_mut()) {
            let mut bytes = [0; BLOCK];
            bytes[0] = byte;
            *entry = crc16::State::<crc16::XMODEM>::calculate(&bytes[..=zeros]);
        }
    }
    tables
});

/// CRC16 (XMODEM) of `bytes`: first what does not fill a block, then block by block with the state so far mixed into the block's
/// first two bytes.
#[inline]
fn crc(tables: &Tables, bytes: &[u8]) -> u16 {
    let (head, blocks) = bytes.split_at(bytes.len() % BLOCK);
    let mut state = 0;
    for (table, byte) in tables[..head.len()].iter().rev().zip(head) {
        state ^= table[usize::from(*byte)];
    }
    for block in blocks.chunks_exact(BLOCK) {
        let [high, low] = state.to_be_bytes();
        state = tables[BLOCK - 1][usize::from(block[0] ^ high)] ^ tables[BLOCK - 2][usize::from(block[1] ^ low)];
        for (table, byte) in tables[..BLOCK - 2].iter().rev().zip(&block[2..]) {
            state ^= table[usize::from(*byte)];
        }
    }
    state
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
    fn blocks_side_by_side_give_the_crc_of_the_crate() {
        let bytes: Vec<u8> = (0..200u32).map(|i| (i * i * 37 + i) as u8).collect();
        for len in 0..bytes.len() {
            assert_eq!(crc(&TABLES, &bytes[..len]), crc16::State::<crc16::XMODEM>::calculate(&bytes[..len]), "{len} bytes");
        }
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
