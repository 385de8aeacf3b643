//! Whether two short byte strings are the same, without a call: names of keys and of elements are compared once in every
//! look-up, and most of them have 8 to 32 bytes.
//!
//! Layer 0. Two words that overlap cover every length between one word and two.

/// Whether `a` and `b` are the same.
#[inline(always)]
#[must_use]
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if let (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) =
        (a.first_chunk::<16>(), b.first_chunk::<16>(), a.last_chunk::<16>(), b.last_chunk::<16>())
        && a.len() <= 32
    {
        let word = |bytes: &[u8; 16]| u128::from_le_bytes(*bytes);
        return (word(a_first) ^ word(b_first)) | (word(a_last) ^ word(b_last)) == 0;
    }
    if let (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) =
        (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>())
        && a.len() <= 16
    {
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        return (word(a_first) ^ word(b_first)) | (word(a_last) ^ word(b_last)) == 0;
    }
    a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_anywhere_makes_a_difference() {
        for len in 0..70usize {
            let a: Vec<u8> = (0..len as u8).collect();
            assert!(is_same(&a, &a.clone()));
            assert!(!is_same(&a, &[&a[..], &[0]].concat()));
            for at in 0..len {
                let mut b = a.clone();
                b[at] ^= 0x10;
                assert!(!is_same(&a, &b), "{len} {at}");
            }
        }
    }
}
