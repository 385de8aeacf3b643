//! The grammar of a floating point number in C, and rounding to a binary format.
//!
//! Shared by the double reader and by [`super::Extended`]. Reads the text once, converts nothing itself, and knows no
//! locale. Invariant: a scan succeeds only if every byte belongs to the number.
//!
//! Ref: C11 7.22.1.3, IEEE 754-2008 4.3.1 (round to nearest, ties to even).

/// What a text says, before it is rounded to any format.
pub(super) enum Scan<'a> {
    Nan,
    Infinity {
        negative: bool,
    },
    Decimal {
        negative: bool,
        number: Decimal<'a>,
    },
    /// mantissa x 2^exponent; `is_inexact` when nonzero digits beyond the mantissa were dropped (its value is a little
    /// larger then, and the mantissa has more than 120 significant bits).
    Hexadecimal {
        negative: bool,
        mantissa: u128,
        is_inexact: bool,
        exponent: i64,
    },
}

/// whole.fraction x 10^exponent; both parts are digits only, at least one is not empty.
pub(super) struct Decimal<'a> {
    pub whole: &'a [u8],
    pub fraction: &'a [u8],
    pub exponent: i64,
}

impl Decimal<'_> {
    /// True when every digit is 0, whatever the exponent says.
    pub fn is_zero(&self) -> bool {
        self.whole.iter().chain(self.fraction).all(|&byte| byte == b'0')
    }
}

/// Reads `text` as one number, consumed to the last byte. O(length).
pub(super) fn scan(text: &[u8]) -> Option<Scan<'_>> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    match rest {
        [b'i' | b'I', ..] => {
            let is_infinity = rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity");
            is_infinity.then_some(Scan::Infinity { negative })
        }
        [b'n' | b'N', ..] => is_nan(rest).then_some(Scan::Nan),
        [b'0', b'x' | b'X', digits @ ..] => scan_hexadecimal(digits, negative),
        _ => {
            let (whole, rest) = split_while(rest, u8::is_ascii_digit);
            let (fraction, rest) = match rest {
                [b'.', rest @ ..] => split_while(rest, u8::is_ascii_digit),
                rest => (&rest[..0], rest),
            };
            if whole.is_empty() && fraction.is_empty() {
                return None;
            }
            let exponent = scan_exponent(rest, b'e')?;
            Some(Scan::Decimal { negative, number: Decimal { whole, fraction, exponent } })
        }
    }
}

/// `nan`, or `nan(` letters, digits and underscores `)`.
fn is_nan(text: &[u8]) -> bool {
    let Some((name, tail)) = text.split_at_checked(3) else {
        return false;
    };
    let tail_is_valid = match tail {
        [] => true,
        [b'(', inner @ .., b')'] => inner.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        _ => false,
    };
    name.eq_ignore_ascii_case(b"nan") && tail_is_valid
}

fn scan_hexadecimal(text: &[u8], negative: bool) -> Option<Scan<'_>> {
    let (whole, rest) = split_while(text, u8::is_ascii_hexdigit);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_while(rest, u8::is_ascii_hexdigit),
        rest => (&rest[..0], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent = scan_exponent(rest, b'p')?;
    let (mut mantissa, mut is_inexact) = (0u128, false);
    for (index, &byte) in whole.iter().chain(fraction).enumerate() {
        let digit = (byte as char).to_digit(16)?;
        let is_fraction = index >= whole.len();
        // 120 bits hold every format with room for a guard digit; the rest only matters as "not zero".
        if mantissa >> 116 == 0 {
            mantissa = mantissa << 4 | u128::from(digit);
            exponent = exponent.saturating_sub(if is_fraction { 4 } else { 0 });
        } else {
            is_inexact |= digit != 0;
            exponent = exponent.saturating_add(if is_fraction { 0 } else { 4 });
        }
    }
    Some(Scan::Hexadecimal { negative, mantissa, is_inexact, exponent })
}

/// The exponent part, `e+12`; no part at all is 0. Far too large values stop at ±10^9, beyond every format.
fn scan_exponent(text: &[u8], letter: u8) -> Option<i64> {
    let Some((&first, rest)) = text.split_first() else {
        return Some(0);
    };
    if first.to_ascii_lowercase() != letter {
        return None;
    }
    let (negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0i64, |size, &byte| (size * 10 + i64::from(byte - b'0')).min(1_000_000_000));
    Some(if negative { -size } else { size })
}

fn split_while(text: &[u8], belongs: fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !belongs(byte)).unwrap_or(text.len());
    text.split_at(end)
}

/// Rounds mantissa x 2^exponent (a little more if `is_inexact`) to `precision` bits, fewer near the smallest exponent
/// `exponent_min` the last bit may have. Nearest, ties to even. Returns the new mantissa (0, or at most `precision`
/// bits) and its exponent.
pub(super) fn round(mantissa: u128, is_inexact: bool, exponent: i64, precision: i64, exponent_min: i64) -> (u64, i64) {
    let bits = i64::from(128 - mantissa.leading_zeros());
    let shift = (bits - precision).max(exponent_min.saturating_sub(exponent));
    if mantissa == 0 || shift > 128 {
        return (0, exponent_min);
    }
    if shift <= 0 {
        // Fits as it is. A short mantissa may be moved left so that the top bit is set, but never below the minimum.
        return ((mantissa << -shift) as u64, exponent + shift);
    }
    let (kept, dropped, half) =
        if shift == 128 { (0, mantissa, 1u128 << 127) } else { (mantissa >> shift, mantissa & ((1 << shift) - 1), 1u128 << (shift - 1)) };
    let round_up = dropped > half || (dropped == half && (is_inexact || kept & 1 == 1));
    let kept = kept + u128::from(round_up);
    if kept >> precision != 0 {
        // All ones became a power of two with one bit more.
        return ((kept >> 1) as u64, exponent + shift + 1);
    }
    (kept as u64, exponent + shift)
}

/// The double nearest to mantissa x 2^exponent; infinity when it is too large.
pub(super) fn to_f64(mantissa: u128, is_inexact: bool, exponent: i64) -> f64 {
    let (kept, exponent) = round(mantissa, is_inexact, exponent, 53, -1074);
    if kept == 0 {
        return 0.0;
    }
    let top = exponent + i64::from(64 - kept.leading_zeros());
    if top > 1024 {
        return f64::INFINITY;
    }
    // kept has at most 53 bits and the product was rounded already, so the multiplication is exact.
    let power = if exponent >= -1022 { ((exponent + 1023) as u64) << 52 } else { 1u64 << (exponent + 1074) };
    kept as f64 * f64::from_bits(power)
}
