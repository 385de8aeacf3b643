//! Integers, doubles and memory sizes as Redis reads and prints them.
//!
//! Used by the argument readers of every command and by the reply writer.
//! Invariants: a text is accepted whole or not at all; an integer has exactly one accepted spelling, the one
//! [`write_i64`] prints; no input makes a function here panic or take more than linear time.
//! It does not know which error a command answers; callers turn `None` into their own text.
//! The 80-bit arithmetic of INCRBYFLOAT is [`Extended`].
//!
//! Ref: redis.io/commands/incrbyfloat, redis.io/docs/reference/protocol-spec (doubles), C11 7.22.1.3 (strtod).

mod extended;
mod float;
mod shortest;

pub use extended::{EXTENDED_TEXT_MAX, Extended};

use float::Scan;

/// Reads a signed 64-bit integer written the only way it is ever printed: an optional `-`, then digits without leading
/// zeros. Refuses `+1`, `01`, ` 1`, `-0`, the empty text and anything out of range. O(1): at most 20 bytes are read.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => {
            let size = parse_u64(digits)?;
            // -0 has another spelling, so it is not an integer here; i64::MIN has no positive twin.
            if size == 0 || size > 1 << 63 { None } else { Some((size as i64).wrapping_neg()) }
        }
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// Reads an unsigned 64-bit integer: digits without sign and without leading zeros. O(1).
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    let (&first, rest) = text.split_first()?;
    if first == b'0' {
        return if rest.is_empty() { Some(0) } else { None };
    }
    if !first.is_ascii_digit() || rest.len() > 19 {
        return None;
    }
    let mut value = u64::from(first - b'0');
    // 18 more digits cannot overflow (19 nines < 2^64), so only the last of 20 digits needs a check.
    for &byte in rest.iter().take(18) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    if let Some(&byte) = rest.get(18) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Appends `value` in decimal to `out`.
#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Reads a double the way score and increment arguments are read: the C `strtod` grammar in the C locale (decimal,
/// hexadecimal, `inf`, `infinity`, any case, optional sign), consumed to the last byte, no space before or after.
/// `None` for anything else, for NaN, and for a number too large for a double or too small to differ from zero.
/// O(length).
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    parse_f64_or_nan(text).filter(|value| !value.is_nan())
}

/// [`parse_f64`] that also accepts `nan` and `nan(...)`, for the few readers that refuse NaN with another text.
pub fn parse_f64_or_nan(text: &[u8]) -> Option<f64> {
    let value = match float::scan(text)? {
        Scan::Nan => return Some(f64::NAN),
        Scan::Infinity { negative } => {
            return Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        // The scan has proven the text to be a plain ASCII decimal number, which the standard library rounds correctly.
        Scan::Decimal { number, .. } => {
            std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|value| value.is_finite() && (*value != 0.0 || number.is_zero()))?
        }
        Scan::Hexadecimal { negative, mantissa, is_inexact, exponent } => {
            let size = float::to_f64(mantissa, is_inexact, exponent);
            if !size.is_finite() || (size == 0.0 && mantissa != 0) {
                return None;
            }
            if negative { -size } else { size }
        }
    };
    Some(value)
}

/// Reads the end of a range of scores as C's `strtod` does: white space may stand before it, text ends at a zero byte, no text
/// at all is 0, what is too large is infinity and what is too small is 0. `None` for anything else and for NaN. O(length).
pub fn parse_f64_clamped(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r')).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    match float::scan(text)? {
        Scan::Nan => None,
        Scan::Decimal { .. } => std::str::from_utf8(text).ok()?.parse().ok(),
        Scan::Infinity { negative } => Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY }),
        Scan::Hexadecimal { negative, mantissa, is_inexact, exponent } => {
            let size = float::to_f64(mantissa, is_inexact, exponent);
            Some(if negative { -size } else { size })
        }
    }
}

/// Appends a double with 17 significant digits, or fewer if the rest are zeros, as C's `%.17g` does: scientific below 1e-4
/// and from 1e17 on. At most 24 bytes.
pub fn fmt_double_17(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() || value == 0.0 {
        return fmt_double(out, value);
    }
    let text = format!("{value:.16e}");
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    out.extend_from_slice(sign.as_bytes());
    if (-4..17).contains(&exponent) {
        let zeros = "0".repeat(if exponent < 0 { (-exponent) as usize } else { (exponent as usize + 1).saturating_sub(digits.len()) });
        let all = if exponent < 0 { zeros + digits } else { digits.to_owned() + &zeros };
        let (whole, fraction) = all.split_at(exponent.max(0) as usize + 1);
        out.extend_from_slice(whole.as_bytes());
        if !fraction.is_empty() {
            out.push(b'.');
            out.extend_from_slice(fraction.as_bytes());
        }
        return;
    }
    let (first, rest) = digits.split_at(1);
    out.extend_from_slice(first.as_bytes());
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest.as_bytes());
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
}

/// Appends a double as replies show it (7.2): `inf`, `-inf`, `nan`, `0`, `-0`; a whole number within 2^62 as an
/// integer; otherwise the shortest digits that read back to the same double, as a plain number where that stays short
/// and in scientific notation (`1.5e-7`, `1e+30`) elsewhere. At most 27 bytes.
pub fn fmt_double(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
    if value == 0.0 {
        return out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    }
    const WHOLE: f64 = (1u64 << 62) as f64;
    if (-WHOLE..=WHOLE).contains(&value) {
        let whole = value as i64;
        if whole as f64 == value {
            return write_i64(out, whole);
        }
    }
    write_shortest(out, value);
}

/// Appends a double by its shortest digits, whole numbers too: `100`, but `1e+8`. Zero, infinities and NaN as
/// [`fmt_double`] writes them. At most 27 bytes.
pub fn fmt_shortest(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() && value != 0.0 { write_shortest(out, value) } else { fmt_double(out, value) }
}

/// `value`: finite and not zero.
fn write_shortest(out: &mut Vec<u8>, value: f64) {
    if value < 0.0 {
        out.push(b'-');
    }
    let mut digits = [0u8; shortest::DIGITS_MAX];
    let (count, exponent) = shortest::digits_of(value.abs(), &mut digits);
    lay_out(out, &digits[..count], exponent);
}

/// Writes digits x 10^exponent: plain while the number of padding zeros stays small, else scientific.
fn lay_out(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let count = digits.len() as i32;
    let magnitude = (exponent + count - 1).abs();
    if exponent >= 0 && magnitude < count + 7 {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', exponent as usize));
        return;
    }
    if exponent < 0 && (exponent > -7 || magnitude < 4) {
        let before_dot = count + exponent;
        if before_dot <= 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', (-before_dot) as usize));
            out.extend_from_slice(digits);
        } else {
            let (whole, fraction) = digits.split_at(before_dot as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
        return;
    }
    let (first, rest) = digits.split_at(1);
    out.extend_from_slice(first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
    out.extend_from_slice(if exponent + count > 0 { b"e+" } else { b"e-" });
    write_i64(out, i64::from(magnitude));
}

/// Reads a memory size: digits and one of the units `b`, `k` (1000), `kb` (1024), `m`, `mb`, `g`, `gb`, in any case, or
/// none. Result in bytes. A missing number counts as 0, as in redis-server; a sign, another unit or a size of 2^64
/// bytes and more is refused (redis-server wraps around instead).
pub fn parse_memory(text: &str) -> Option<u64> {
    let digits_end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(digits_end)?;
    const UNITS: [(&str, u64); 8] =
        [("", 1), ("b", 1), ("k", 1000), ("kb", 1 << 10), ("m", 1_000_000), ("mb", 1 << 20), ("g", 1_000_000_000), ("gb", 1 << 30)];
    let (_, factor) = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    let number = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()? };
    number.checked_mul(*factor)
}

#[cfg(test)]
mod tests;
