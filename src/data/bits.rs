//! Bits of a string value: single bits, counting, searching, combining, and packed integers.
//!
//! Layer 1, under the commands SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP, BITFIELD and BITFIELD_RO. Bit 0 is the
//! most significant bit of byte 0, and every bit past the end of a string reads as zero.
//!
//! Invariants: offsets are `u64` and are never turned into an index before they are compared with the length;
//! loops over whole strings work on eight bytes at a time.
//!
//! It does not parse offsets, choose error texts or enforce the size limit of a string: callers do.
//! Ref: redis.io/docs/latest/develop/data-types/bitmaps, redis.io/commands/bitfield

/// The unit in which BITCOUNT and BITPOS give their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Byte,
    Bit,
}

/// Bit `offset` of `bytes`; false past the end.
#[inline]
pub fn get_bit(bytes: &[u8], offset: u64) -> bool {
    match usize::try_from(offset >> 3).ok().and_then(|at| bytes.get(at)) {
        Some(byte) => byte >> (7 - (offset & 7)) & 1 == 1,
        None => false,
    }
}

/// Bytes a string must have so that `bits` bits starting at bit `offset` lie inside it (SETBIT: `bits` 1).
/// `offset`: at most 2^63.
#[inline]
pub fn bytes_for(offset: u64, bits: u32) -> u64 {
    offset.saturating_add(u64::from(bits)).div_ceil(8)
}

/// Sets bit `offset` and returns the bit it replaces, growing `bytes` with zeros when the bit lies past the end.
/// The caller has checked the offset against the largest string allowed.
pub fn set_bit(bytes: &mut Vec<u8>, offset: u64, on: bool) -> bool {
    let at = (offset >> 3) as usize;
    if at >= bytes.len() {
        bytes.resize(at + 1, 0);
    }
    let mask = 1u8 << (7 - (offset & 7));
    let old = bytes[at] & mask != 0;
    if on {
        bytes[at] |= mask;
    } else {
        bytes[at] &= !mask;
    }
    old
}

/// Number of one bits in `bytes`. O(n), eight bytes a step.
pub fn count_ones(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let whole: u64 = words.iter().map(|w| u64::from(u64::from_ne_bytes(*w).count_ones())).sum();
    whole + tail.iter().map(|b| u64::from(b.count_ones())).sum::<u64>()
}

/// Number of one bits from bit `first` to bit `last`, both included; bits past the end count as zero.
pub fn count_range(bytes: &[u8], first: u64, last: u64) -> u64 {
    let bits = bytes.len() as u64 * 8;
    if first > last || first >= bits {
        return 0;
    }
    let last = last.min(bits - 1);
    let (from, to) = ((first >> 3) as usize, (last >> 3) as usize);
    let before = bytes[from] & !low_mask(first);
    let after = bytes[to] & high_mask_after(last);
    count_ones(&bytes[from..=to]) - u64::from(before.count_ones()) - u64::from(after.count_ones())
}

/// The bits of a byte from bit `offset & 7` to its end.
#[inline]
fn low_mask(offset: u64) -> u8 {
    0xff >> (offset & 7)
}

/// The bits of a byte strictly after bit `offset & 7`.
#[inline]
fn high_mask_after(offset: u64) -> u8 {
    0x7f >> (offset & 7)
}

/// Turns a client's range into unit numbers inside a string of `total` units: negative numbers count from the
/// end, both ends are clamped. None when nothing is left.
fn resolve(start: i64, end: i64, total: i64) -> Option<(u64, u64)> {
    let place = |n: i64| {
        if n < 0 { n.saturating_add(total).max(0) } else { n }
    };
    let (start, end) = (place(start), place(end).min(total - 1));
    (start <= end).then_some((start as u64, end as u64))
}

/// A client's range in `unit` as the first and last bit it covers, or None when it covers nothing.
fn resolve_bits(len: usize, start: i64, end: i64, unit: Unit) -> Option<(u64, u64)> {
    match unit {
        Unit::Bit => resolve(start, end, (len as i64).saturating_mul(8)),
        Unit::Byte => resolve(start, end, len as i64).map(|(s, e)| (s * 8, e * 8 + 7)),
    }
}

/// BITCOUNT with a range: one bits between `start` and `end`, both included, in `unit`; negative numbers count
/// from the end of the string.
pub fn bitcount(bytes: &[u8], start: i64, end: i64, unit: Unit) -> u64 {
    // A backwards range of two negative numbers is empty even where clamping would make both ends equal.
    if start < 0 && end < 0 && start > end {
        return 0;
    }
    match resolve_bits(bytes.len(), start, end, unit) {
        Some((first, last)) => count_range(bytes, first, last),
        None => 0,
    }
}

/// First bit equal to `bit` from bit `first` to bit `last`, both included and inside `bytes`.
fn find_bit(bytes: &[u8], bit: bool, first: u64, last: u64) -> Option<u64> {
    // Looking for a zero is looking for a one in the inverted string.
    let flip = if bit { 0u8 } else { 0xff };
    let (from, to) = ((first >> 3) as usize, (last >> 3) as usize);
    let hit = |at: usize, byte: u8| {
        let found = at as u64 * 8 + u64::from(byte.leading_zeros());
        (byte != 0 && found <= last).then_some(found)
    };
    let head = (bytes[from] ^ flip) & low_mask(first);
    if head != 0 || from == to {
        return hit(from, head);
    }
    let body = &bytes[from + 1..=to];
    let blank = u64::from_ne_bytes([flip; 8]);
    let (words, _) = body.as_chunks::<8>();
    let skip = words.iter().position(|w| u64::from_ne_bytes(*w) != blank).unwrap_or(words.len()) * 8;
    let at = skip + body[skip..].iter().position(|b| *b != flip)?;
    hit(from + 1 + at, body[at] ^ flip)
}

/// BITPOS: position of the first bit equal to `bit`, or -1.
///
/// `bytes`: None when the key does not exist, which is all zeros without end: 0 for a zero, -1 for a one.
/// `start` and `end` are the client's numbers in `unit` (None: not given). A search for a zero without `end`
/// takes the string to be followed by zeros and so answers its length in bits when it holds none; with `end`
/// the same search answers -1.
pub fn bitpos(bytes: Option<&[u8]>, bit: bool, start: Option<i64>, end: Option<i64>, unit: Unit) -> i64 {
    let Some(bytes) = bytes else {
        return if bit { -1 } else { 0 };
    };
    let Some((first, last)) = resolve_bits(bytes.len(), start.unwrap_or(0), end.unwrap_or(-1), unit) else {
        return -1;
    };
    match find_bit(bytes, bit, first, last) {
        Some(at) => at as i64,
        None if !bit && end.is_none() => (bytes.len() as i64) * 8,
        None => -1,
    }
}

/// What BITOP does with its inputs. `Diff` to `One` are of Redis 8.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// Bits set in every input.
    And,
    /// Bits set in any input.
    Or,
    /// Bits set in an odd number of inputs.
    Xor,
    /// Bits not set in the first input; further inputs only lengthen the result.
    Not,
    /// Bits of the first input set in none of the others.
    Diff,
    /// Bits set in any of the others and not in the first.
    Diff1,
    /// Bits of the first input set in at least one of the others.
    AndOr,
    /// Bits set in exactly one input.
    One,
}

/// Combines strings bit by bit. The result is as long as the longest input and a shorter input is followed by
/// zeros; no inputs give an empty result. O(total bytes of the inputs).
/// A missing key is an empty slice. How many inputs an operation needs is the caller's to check.
pub fn combine(op: Combine, inputs: &[&[u8]]) -> Vec<u8> {
    let len = inputs.iter().map(|i| i.len()).max().unwrap_or(0);
    let Some((first, others)) = inputs.split_first() else {
        return Vec::new();
    };
    let mut out = Vec::with_capacity(len);
    out.extend_from_slice(first);
    out.resize(len, 0);
    match op {
        Combine::And => others.iter().for_each(|y| {
            merge(&mut out, y, |a, b| a & b);
            // Past its end an input is zeros.
            out[y.len()..].fill(0);
        }),
        Combine::Or => others.iter().for_each(|y| merge(&mut out, y, |a, b| a | b)),
        Combine::Xor => others.iter().for_each(|y| merge(&mut out, y, |a, b| a ^ b)),
        Combine::Not => out.iter_mut().for_each(|a| *a = !*a),
        Combine::Diff => merge(&mut out, &any_of(others, len), |a, b| a & !b),
        Combine::Diff1 => merge(&mut out, &any_of(others, len), |a, b| !a & b),
        Combine::AndOr => merge(&mut out, &any_of(others, len), |a, b| a & b),
        Combine::One => {
            // `out` holds the bits seen so far, `again` those seen a second time.
            let mut again = vec![0u8; len];
            for y in others {
                for ((seen, twice), b) in out.iter_mut().zip(again.iter_mut()).zip(y.iter()) {
                    *twice |= *seen & b;
                    *seen |= b;
                }
            }
            merge(&mut out, &again, |a, b| a & !b);
        }
    }
    out
}

/// `out[i] = f(out[i], other[i])` for as far as `other` goes. A plain byte loop: the compiler makes vectors of it.
#[inline]
fn merge(out: &mut [u8], other: &[u8], f: impl Fn(u8, u8) -> u8) {
    for (a, b) in out.iter_mut().zip(other) {
        *a = f(*a, *b);
    }
}

/// The bits set in any of `inputs`, `len` bytes long.
fn any_of(inputs: &[&[u8]], len: usize) -> Vec<u8> {
    let mut any = vec![0u8; len];
    inputs.iter().for_each(|y| merge(&mut any, y, |a, b| a | b));
    any
}

/// What BITFIELD does with a number that does not fit its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Keep the low bits.
    Wrap,
    /// Take the nearest number that fits.
    Sat,
    /// Write nothing.
    Fail,
}

/// The type of a packed integer: unsigned of 1 to 63 bits, or two's complement of 1 to 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    signed: bool,
    bits: u32,
}

impl Field {
    /// Reads `u1` to `u63` or `i1` to `i64`, lower case, no leading zero; None for anything else.
    pub fn parse(text: &[u8]) -> Option<Field> {
        let (sign, digits) = text.split_first()?;
        let signed = match sign {
            b'i' => true,
            b'u' => false,
            _ => return None,
        };
        let bits = match digits {
            [a @ b'1'..=b'9'] => u32::from(a - b'0'),
            [a @ b'1'..=b'9', b @ b'0'..=b'9'] => u32::from(a - b'0') * 10 + u32::from(b - b'0'),
            _ => return None,
        };
        let most = if signed { 64 } else { 63 };
        (bits <= most).then_some(Field { signed, bits })
    }

    /// Width in bits, 1..=64.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// Smallest number the field holds.
    pub fn min(self) -> i64 {
        if self.signed { i64::MIN >> (64 - self.bits) } else { 0 }
    }

    /// Largest number the field holds.
    pub fn max(self) -> i64 {
        let value_bits = if self.signed { self.bits - 1 } else { self.bits };
        // At most 63 value bits, so the shift is 1..=64 and never leaves the range of u128.
        ((1u128 << value_bits) - 1) as i64
    }

    /// The number as the field stores it: its low bits, with the sign of the field.
    fn wrapped(self, number: i64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed { (number << unused) >> unused } else { (((number as u64) << unused) >> unused) as i64 }
    }

    /// The field at bit `offset` of `bytes`; bits past the end are zeros.
    pub fn get(self, bytes: &[u8], offset: u64) -> i64 {
        let window = window(bytes, offset);
        // The field starts at bit 0..=7 of a 9-byte window held in the low 72 bits.
        let raw = window >> (72 - (offset & 7) as u32 - self.bits);
        self.wrapped(raw as i64)
    }

    /// Writes `number` (one that fits, see [`Field::set`]) at bit `offset`, growing `bytes` with zeros first
    /// where the field lies past the end. The caller has checked the offset against the largest string allowed.
    pub fn put(self, bytes: &mut Vec<u8>, offset: u64, number: i64) {
        let need = bytes_for(offset, self.bits) as usize;
        if bytes.len() < need {
            bytes.resize(need, 0);
        }
        let shift = 72 - (offset & 7) as u32 - self.bits;
        let mask = ((1u128 << self.bits) - 1) << shift;
        let fresh = window(bytes, offset) & !mask | ((number as u64 as u128) << shift) & mask;
        let at = (offset >> 3) as usize;
        let count = need - at;
        bytes[at..need].copy_from_slice(&fresh.to_be_bytes()[7..7 + count]);
    }

    /// BITFIELD SET: what to store for a client's `number`. None: `Fail` and it does not fit.
    ///
    /// Two results of `Sat` are Redis's and not the nearest number: a negative number for an unsigned field
    /// gives the largest (it is taken as a huge unsigned one), and so does a number so far below a signed
    /// field that its distance to the largest does not fit 64 bits.
    pub fn set(self, number: i64, overflow: Overflow) -> Option<i64> {
        let above = if self.signed {
            number > self.max() || self.bits != 64 && self.max().wrapping_sub(number) < 0
        } else {
            number < 0 || number > self.max()
        };
        if !above && number >= self.min() {
            return Some(number);
        }
        self.overflowed(number, above, overflow)
    }

    /// BITFIELD INCRBY: what to store, and reply, for the field's number `old` plus `by`. None: `Fail` and the
    /// sum does not fit.
    pub fn add(self, old: i64, by: i64, overflow: Overflow) -> Option<i64> {
        let sum = i128::from(old) + i128::from(by);
        let above = sum > i128::from(self.max());
        if !above && sum >= i128::from(self.min()) {
            return Some(sum as i64);
        }
        self.overflowed(old.wrapping_add(by), above, overflow)
    }

    fn overflowed(self, low_bits: i64, above: bool, overflow: Overflow) -> Option<i64> {
        match overflow {
            Overflow::Wrap => Some(self.wrapped(low_bits)),
            Overflow::Sat => Some(if above { self.max() } else { self.min() }),
            Overflow::Fail => None,
        }
    }
}

/// The nine bytes from the one that holds bit `offset`, big endian in the low 72 bits; zeros past the end.
fn window(bytes: &[u8], offset: u64) -> u128 {
    let mut nine = [0u8; 9];
    if let Some(rest) = usize::try_from(offset >> 3).ok().and_then(|at| bytes.get(at..)) {
        let n = rest.len().min(9);
        nine[..n].copy_from_slice(&rest[..n]);
    }
    nine.iter().fold(0u128, |acc, b| acc << 8 | u128::from(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        Field::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn set_bit_grows_and_returns_the_old_bit() {
        let mut s = Vec::new();
        assert!(!set_bit(&mut s, 7, true));
        assert!(!set_bit(&mut s, 17, true));
        assert_eq!(s, [1, 0, 0x40]);
        assert!(set_bit(&mut s, 7, false));
        assert!(get_bit(&s, 17) && !get_bit(&s, 7) && !get_bit(&s, u64::MAX));
    }

    #[test]
    fn bitcount_matches_the_documented_examples() {
        let s = b"foobar";
        assert_eq!(count_ones(s), 26);
        assert_eq!(bitcount(s, 0, 0, Unit::Byte), 4);
        assert_eq!(bitcount(s, 1, 1, Unit::Byte), 6);
        assert_eq!(bitcount(s, 5, 30, Unit::Bit), 17);
        assert_eq!(bitcount(s, -100, -200, Unit::Byte), 0);
        assert_eq!(bitcount(s, i64::MIN, i64::MAX, Unit::Bit), 26);
        assert_eq!(bitcount(b"", 0, -1, Unit::Byte), 0);
    }

    #[test]
    fn count_range_agrees_with_single_bits() {
        let s: Vec<u8> = (0..40u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for first in 0..330u64 {
            for last in [first, first + 1, first + 9, first + 100, 319, u64::MAX] {
                let slow = (first..=last.min(400)).filter(|i| get_bit(&s, *i)).count() as u64;
                assert_eq!(count_range(&s, first, last), slow, "{first}..={last}");
            }
        }
    }

    #[test]
    fn bitpos_past_the_end_depends_on_a_given_end() {
        let s: &[u8] = &[0xff, 0xff, 0xff];
        assert_eq!(bitpos(Some(s), false, None, None, Unit::Byte), 24);
        assert_eq!(bitpos(Some(s), false, Some(1), None, Unit::Byte), 24);
        assert_eq!(bitpos(Some(s), false, Some(0), Some(-1), Unit::Byte), -1);
        assert_eq!(bitpos(Some(s), false, Some(3), None, Unit::Byte), -1);
        assert_eq!(bitpos(Some(&[0, 0]), true, None, None, Unit::Byte), -1);
        assert_eq!(bitpos(None, false, None, None, Unit::Byte), 0);
        assert_eq!(bitpos(None, true, None, None, Unit::Byte), -1);
        assert_eq!(bitpos(Some(&[0, 0xff, 0xf0]), true, Some(7), Some(15), Unit::Bit), 8);
        assert_eq!(bitpos(Some(&[0xff, 0xf0, 0]), false, Some(0), Some(11), Unit::Bit), -1);
    }

    #[test]
    fn combine_pads_short_inputs_with_zeros() {
        let (a, b, c): (&[u8], &[u8], &[u8]) = (&[0b1100, 0xff], &[0b1010], &[0b1001, 0x0f, 0x01]);
        assert_eq!(combine(Combine::And, &[a, b, c]), [0b1000, 0, 0]);
        assert_eq!(combine(Combine::Or, &[a, b, c]), [0b1111, 0xff, 1]);
        assert_eq!(combine(Combine::Xor, &[a, b, c]), [0b1111, 0xf0, 1]);
        assert_eq!(combine(Combine::Not, &[b]), [0b1111_0101]);
        assert_eq!(combine(Combine::Diff, &[a, b, c]), [0b0100, 0xf0, 0]);
        assert_eq!(combine(Combine::Diff1, &[a, b, c]), [0b0011, 0, 1]);
        assert_eq!(combine(Combine::AndOr, &[a, b, c]), [0b1000, 0x0f, 0]);
        assert_eq!(combine(Combine::One, &[a, b, c]), [0b0111, 0xf0, 1]);
        assert!(combine(Combine::Or, &[]).is_empty() && combine(Combine::And, &[b"", b""]).is_empty());
    }

    #[test]
    fn field_types_outside_the_documented_range_are_refused() {
        for bad in ["u64", "i65", "u0", "i0", "u08", "x8", "u", "", "u-1", "u100", "U8", "i 8"] {
            assert_eq!(Field::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!((field("u63").min(), field("u63").max()), (0, i64::MAX));
        assert_eq!((field("i64").min(), field("i64").max()), (i64::MIN, i64::MAX));
        assert_eq!((field("i1").min(), field("i1").max()), (-1, 0));
    }

    #[test]
    fn fields_read_back_at_every_offset_and_width_and_touch_nothing_else() {
        for bits in 1..=64u32 {
            for signed in [false, true] {
                let Some(f) = Field::parse(format!("{}{bits}", if signed { 'i' } else { 'u' }).as_bytes()) else {
                    continue;
                };
                for offset in 0..17u64 {
                    let mut s = vec![0xa5u8; 12];
                    for number in [f.min(), f.max(), f.wrapped(0x1234_5678_9abc_def1)] {
                        f.put(&mut s, offset, number);
                        assert_eq!(f.get(&s, offset), number, "{f:?} at {offset}");
                    }
                    for bit in (0..96).filter(|b| *b < offset || *b >= offset + u64::from(bits)) {
                        assert_eq!(get_bit(&s, bit), get_bit(&[0xa5; 12], bit));
                    }
                }
            }
        }
    }

    #[test]
    fn overflow_rules_match_redis() {
        let (u8f, i8f) = (field("u8"), field("i8"));
        assert_eq!(u8f.add(250, 10, Overflow::Wrap), Some(4));
        assert_eq!(u8f.add(250, 10, Overflow::Sat), Some(255));
        assert_eq!(u8f.add(250, 10, Overflow::Fail), None);
        assert_eq!(u8f.add(5, -10, Overflow::Sat), Some(0));
        assert_eq!(i8f.add(127, 1, Overflow::Wrap), Some(-128));
        assert_eq!(i8f.add(-100, i64::MIN, Overflow::Sat), Some(-128));
        assert_eq!(field("i64").add(i64::MAX, 1, Overflow::Wrap), Some(i64::MIN));
        assert_eq!(u8f.set(-1, Overflow::Sat), Some(255));
        assert_eq!(i8f.set(-129, Overflow::Sat), Some(-128));
        assert_eq!(i8f.set(i64::MIN, Overflow::Sat), Some(127));
        assert_eq!(i8f.set(300, Overflow::Wrap), Some(44));
    }

    #[test]
    fn a_field_far_past_the_end_reads_zero() {
        assert_eq!(field("i64").get(b"abc", u64::MAX - 64), 0);
        assert_eq!(field("u16").get(b"abc", 16), 0x6300);
    }
}
