//! A sorted run of integers, all of the same width: the form of small sets of integers.
//!
//! Layer 1. In memory: the integers little-endian and ascending, then one byte with their width (2, 4 or 8). The width
//! grows when an integer needs it and never shrinks, as in the serialised form of Redis.

/// The run, to read.
#[derive(Clone, Copy, Debug)]
pub struct IntSet<'a> {
    width: usize,
    bytes: &'a [u8],
}

/// The width that `n` needs.
#[inline]
#[must_use]
pub fn width_of(n: i64) -> usize {
    match n {
        _ if i16::try_from(n).is_ok() => 2,
        _ if i32::try_from(n).is_ok() => 4,
        _ => 8,
    }
}

impl<'a> IntSet<'a> {
    /// `bytes`: integers of `width` bytes each.
    #[inline]
    pub(super) fn new(width: u8, bytes: &'a [u8]) -> IntSet<'a> {
        IntSet { width: usize::from(width), bytes }
    }

    /// Number of integers.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() >> self.width.trailing_zeros()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Integer `index` in ascending order.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<i64> {
        let at = self.bytes.get(index.checked_mul(self.width)?..)?;
        match self.width {
            2 => at.first_chunk::<2>().map(|b| i64::from(i16::from_le_bytes(*b))),
            4 => at.first_chunk::<4>().map(|b| i64::from(i32::from_le_bytes(*b))),
            _ => at.first_chunk::<8>().map(|b| i64::from_le_bytes(*b)),
        }
    }

    /// The index of `n`, or where it would be.
    #[inline]
    pub fn find(&self, n: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        // Appending in order is common.
        if high > 0 && self.get(high - 1) < Some(n) {
            return Err(high);
        }
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).unwrap_or_default().cmp(&n) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    /// In ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + use<'a> {
        let me = *self;
        (0..me.len()).map(move |i| me.get(i).unwrap_or_default())
    }

    /// Appends the serialised form: width and number as u32 LE, then the integers.
    pub fn write_intset(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.width as u32).to_le_bytes());
        out.extend_from_slice(&(self.len() as u32).to_le_bytes());
        out.extend_from_slice(self.bytes);
    }
}

/// Puts `n` in; false when it is there already. `run`: the integers and their width behind them.
pub(super) fn insert(run: &mut Vec<u8>, n: i64) -> bool {
    let Some(width) = run.pop() else { return false };
    let view = IntSet::new(width, run);
    let place = view.find(n);
    let mut width = usize::from(width);
    if let Err(index) = place {
        if width_of(n) > width {
            let wide = width_of(n);
            let mut fresh = Vec::with_capacity((view.len() + 8) * wide + 1);
            view.iter().for_each(|old| push(&mut fresh, old, wide));
            *run = fresh;
            width = wide;
        }
        if run.capacity() - run.len() <= width {
            run.reserve_exact(width + 1 + run.len() / 8);
        }
        let at = index * width;
        push(run, n, width);
        run.get_mut(at..).unwrap_or_default().rotate_right(width);
    }
    run.push(width as u8);
    place.is_err()
}

/// Takes `n` out; false when it is not there.
pub(super) fn remove(run: &mut Vec<u8>, n: i64) -> bool {
    let Some(width) = run.pop() else { return false };
    let place = IntSet::new(width, run).find(n);
    if let Ok(index) = place {
        let at = index * usize::from(width);
        run.drain(at..at + usize::from(width));
    }
    run.push(width);
    place.is_ok()
}

fn push(run: &mut Vec<u8>, n: i64, width: usize) {
    run.extend_from_slice(n.to_le_bytes().get(..width).unwrap_or_default());
}

/// A run of integers that ascend.
pub(super) fn from_sorted(sorted: &[i64]) -> Vec<u8> {
    let width = [sorted.first(), sorted.last()].into_iter().flatten().map(|&n| width_of(n)).max().unwrap_or(2);
    let mut run = Vec::with_capacity(sorted.len() * width + 1);
    sorted.iter().for_each(|&n| push(&mut run, n, width));
    run.push(width as u8);
    run
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn random_changes_agree_with_a_sorted_set() {
        let mut rng = Rng::new(4);
        for bits in [10, 16, 20, 40, 64] {
            let (mut run, mut model) = (from_sorted(&[]), BTreeSet::new());
            for _ in 0..2000 {
                let n = rng.next_u64() as i64 >> (64 - bits.min(rng.below(bits) + 4));
                if rng.below(3) > 0 {
                    assert_eq!(insert(&mut run, n), model.insert(n));
                } else {
                    assert_eq!(remove(&mut run, n), model.remove(&n));
                }
                let (&width, bytes) = run.split_last().unwrap();
                let view = IntSet::new(width, bytes);
                assert_eq!(view.find(n).is_ok(), model.contains(&n));
                assert_eq!(view.len(), model.len());
            }
            let (&width, bytes) = run.split_last().unwrap();
            assert!(IntSet::new(width, bytes).iter().eq(model.iter().copied()));
            let again = from_sorted(&model.iter().copied().collect::<Vec<_>>());
            assert!(IntSet::new(again[again.len() - 1], &again[..again.len() - 1]).iter().eq(model.iter().copied()));
        }
    }

    #[test]
    fn bytes_are_those_of_a_real_intset() {
        let mut out = Vec::new();
        let run = from_sorted(&[-5, 1, 70_000]);
        IntSet::new(4, &run[..12]).write_intset(&mut out);
        assert_eq!(out, [4, 0, 0, 0, 3, 0, 0, 0, 0xFB, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0x70, 0x11, 1, 0]);
    }
}
