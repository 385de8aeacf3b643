//! Longest common subsequence of two byte strings, as the command LCS reports it.
//!
//! Layer 1. Of several subsequences of the greatest length the one Redis finds is chosen: the walk starts at the
//! ends of both strings, takes equal bytes as it meets them, and otherwise steps back in the first string only
//! where that leaves a strictly longer subsequence than stepping back in the second.
//!
//! Invariant: memory is one bit per pair of bytes plus one row, a thirtieth or less of [`table_bytes`], which is
//! what Redis needs and what the caller's limit is measured in; the caller checks that limit first.
//!
//! It does not know the limit or its error texts. Ref: redis.io/commands/lcs

/// Bytes of the table Redis fills for strings of `a` and `b` bytes: four for each pair of prefixes.
/// None when the product does not fit 64 bits. Callers hold it against their limit before [`find`].
pub fn table_bytes(a: usize, b: usize) -> Option<u64> {
    let rows = (a as u64).checked_add(1)?;
    let columns = (b as u64).checked_add(1)?;
    rows.checked_mul(columns)?.checked_mul(4)
}

/// A stretch of equal bytes: `a[a_start..a_start + len]` and `b[b_start..b_start + len]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub a_start: usize,
    pub b_start: usize,
    /// Bytes, at least 1.
    pub len: usize,
}

impl Match {
    /// Last index of the stretch in the first string.
    pub fn a_end(&self) -> usize {
        self.a_start + self.len - 1
    }

    /// Last index of the stretch in the second string.
    pub fn b_end(&self) -> usize {
        self.b_start + self.len - 1
    }
}

/// What [`find`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lcs {
    /// The subsequence.
    pub text: Vec<u8>,
    /// Its stretches, last one first. `LCS IDX MINMATCHLEN n` lists those with `len >= n`.
    pub matches: Vec<Match>,
}

/// Length of the longest common subsequence. O(a·b) time, one row of memory. `b`: shorter than 2^32 bytes.
pub fn length(a: &[u8], b: &[u8]) -> u32 {
    let mut row = vec![0u32; b.len() + 1];
    for byte in a {
        fill_row(&mut row, *byte, b, |_| {});
    }
    row.last().copied().unwrap_or(0)
}

/// Turns the row of one prefix of `a` into that of the prefix longer by `byte`; calls `up` with each column,
/// counted from 0, where the cell above is strictly larger than the cell to the left and the bytes differ.
#[inline(always)]
fn fill_row(row: &mut [u32], byte: u8, b: &[u8], mut up: impl FnMut(usize)) {
    let (mut diagonal, mut left) = (0, 0);
    for (column, (other, cell)) in b.iter().zip(row[1..].iter_mut()).enumerate() {
        let above = *cell;
        *cell = if *other == byte {
            diagonal + 1
        } else {
            if above > left {
                up(column);
            }
            above.max(left)
        };
        (diagonal, left) = (above, *cell);
    }
}

/// The longest common subsequence and where it lies. O(a·b) time, a·b/8 bytes. `b`: shorter than 2^32 bytes.
pub fn find(a: &[u8], b: &[u8]) -> Lcs {
    let words = b.len().div_ceil(64);
    // One bit a cell: set where the walk back goes to the shorter prefix of `a`.
    let mut goes_up = vec![0u64; words * a.len()];
    let mut row = vec![0u32; b.len() + 1];
    for (byte, bits) in a.iter().zip(goes_up.chunks_exact_mut(words.max(1))) {
        fill_row(&mut row, *byte, b, |column| bits[column / 64] |= 1 << (column % 64));
    }
    let mut text = Vec::with_capacity(row.last().map_or(0, |n| *n as usize));
    let mut matches: Vec<Match> = Vec::new();
    let (mut i, mut j) = (a.len(), b.len());
    // True while the last step of the walk took a byte, so that the next one lengthens the same stretch.
    let mut in_stretch = false;
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            (i, j) = (i - 1, j - 1);
            text.push(a[i]);
            match matches.last_mut() {
                Some(open) if in_stretch => *open = Match { a_start: i, b_start: j, len: open.len + 1 },
                _ => matches.push(Match { a_start: i, b_start: j, len: 1 }),
            }
            in_stretch = true;
            continue;
        }
        in_stretch = false;
        if goes_up[(i - 1) * words + (j - 1) / 64] >> ((j - 1) % 64) & 1 == 1 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    text.reverse();
    Lcs { text, matches }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_has_two_stretches_last_first() {
        let found = find(b"ohmytext", b"mynewtext");
        assert_eq!(found.text, b"mytext");
        assert_eq!(length(b"ohmytext", b"mynewtext"), 6);
        let stretches = [Match { a_start: 4, b_start: 5, len: 4 }, Match { a_start: 2, b_start: 0, len: 2 }];
        assert_eq!(found.matches, stretches);
        assert_eq!((found.matches[0].a_end(), found.matches[0].b_end()), (7, 8));
    }

    #[test]
    fn empty_and_disjoint_strings_share_nothing() {
        for (a, b) in [("", ""), ("abc", ""), ("", "abc"), ("abc", "xyz")] {
            assert_eq!(find(a.as_bytes(), b.as_bytes()), Lcs::default());
            assert_eq!(length(a.as_bytes(), b.as_bytes()), 0);
        }
    }

    #[test]
    fn equal_strings_are_one_stretch() {
        let s = [7u8; 200];
        assert_eq!(find(&s, &s).matches, [Match { a_start: 0, b_start: 0, len: 200 }]);
    }

    #[test]
    fn needed_bytes_are_checked() {
        assert_eq!(table_bytes(8, 9), Some(360));
        assert_eq!(table_bytes(300 << 20, 300 << 20), Some(4 * ((300 << 20) + 1) * ((300 << 20) + 1)));
        assert_eq!(table_bytes(usize::MAX, 1), None);
        assert_eq!(table_bytes(1 << 40, 1 << 40), None);
    }
}
