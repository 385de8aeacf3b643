//! The 80-bit x87 number that INCRBYFLOAT and HINCRBYFLOAT calculate with, in integer arithmetic.
//!
//! redis-server uses the C type `long double`; on x86-64 that is a sign, a 15-bit exponent and a 64-bit mantissa. Its
//! digits reach clients, files and replicas, so the server has to round exactly where that type rounds, on every
//! processor. Invariants: [`Extended::parse`] and [`Extended::add`] round once, to nearest, ties to even; a mantissa
//! of a number above the subnormal range has its top bit set.
//! It offers no multiplication, no ordering, nothing but what the two commands need.
//!
//! Ref: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 4.2.2 (double extended precision).

use super::float::{self, Decimal, Scan};
use num_bigint::BigUint;

/// Longest text [`Extended::parse`] reads, in bytes; longer ones are no valid number for redis-server either.
pub const EXTENDED_TEXT_MAX: usize = 5119;

const PRECISION: i64 = 64;
/// Exponent of the last mantissa bit of the smallest subnormal number, 2^-16445.
const EXPONENT_MIN: i64 = -16445;
/// Numbers of 2^16384 and more do not fit.
const TOP_MAX: i64 = 16384;

/// One number of the x87 80-bit format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// mantissa x 2^exponent.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinity,
    Nan,
}

impl Extended {
    /// Reads a number by the rules of `strtold` in the C locale, consumed to the last byte: decimal, hexadecimal or
    /// infinity. `None` for NaN, for a number too large or too small to be told from zero, and for texts that are
    /// empty, start with a space or exceed [`EXTENDED_TEXT_MAX`]. Fast up to 19 digits; otherwise O(length^2) on at
    /// most 5,119 bytes.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > EXTENDED_TEXT_MAX {
            return None;
        }
        let (negative, is_zero, kind) = match float::scan(text)? {
            Scan::Nan => return None,
            Scan::Infinity { negative } => {
                return Some(Extended { negative, kind: Kind::Infinity });
            }
            Scan::Decimal { negative, number } => (negative, number.is_zero(), from_decimal(&number)),
            Scan::Hexadecimal { negative, mantissa, is_inexact, exponent } => {
                (negative, mantissa == 0, pack(mantissa, is_inexact, exponent))
            }
        };
        match kind {
            Kind::Finite { mantissa, .. } if mantissa != 0 || is_zero => Some(Extended { negative, kind }),
            _ => None,
        }
    }

    /// The exact value of an integer.
    pub fn from_i64(value: i64) -> Extended {
        Extended { negative: value < 0, kind: pack(u128::from(value.unsigned_abs()), false, 0) }
    }

    /// True unless infinite or NaN.
    pub fn is_finite(self) -> bool {
        matches!(self.kind, Kind::Finite { .. })
    }

    /// True for NaN, which only [`Extended::add`] of opposite infinities makes.
    pub fn is_nan(self) -> bool {
        self.kind == Kind::Nan
    }

    /// The sum, rounded once. Too large gives infinity; opposite infinities give NaN; x + -x gives +0.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "an operator would hide that the sum rounds and may be infinite")]
    pub fn add(self, other: Extended) -> Extended {
        match (self.kind, other.kind) {
            (Kind::Nan, _) => self,
            (_, Kind::Nan) => other,
            (Kind::Infinity, Kind::Infinity) if self.negative != other.negative => Extended { negative: true, kind: Kind::Nan },
            (Kind::Infinity, _) => self,
            (_, Kind::Infinity) => other,
            (Kind::Finite { mantissa: a, exponent: a_exp }, Kind::Finite { mantissa: b, exponent: b_exp }) => {
                if a == 0 && b == 0 {
                    return Extended { negative: self.negative && other.negative, ..self };
                }
                if a == 0 {
                    return other;
                }
                if b == 0 {
                    return self;
                }
                add_finite((self.negative, a, a_exp), (other.negative, b, b_exp))
            }
        }
    }

    /// The text the two commands store and reply: up to 17 decimals (`%.17Lf`), then without trailing zeros and dot;
    /// never an exponent, `0` for both zeros, `inf`, `-inf`, `nan`. At most 4,952 bytes.
    pub fn to_text(self) -> String {
        let (mantissa, exponent) = match self.kind {
            Kind::Nan => return "nan".to_string(),
            Kind::Infinity => return if self.negative { "-inf" } else { "inf" }.to_string(),
            Kind::Finite { mantissa, exponent } => (mantissa, exponent),
        };
        let (whole, fraction) = if exponent >= 0 {
            let whole = if exponent <= 64 {
                (u128::from(mantissa) << exponent).to_string()
            } else {
                (BigUint::from(mantissa) << exponent as u32).to_string()
            };
            (whole, 0)
        } else {
            let (whole, fraction) = to_fixed(mantissa, exponent.unsigned_abs());
            (whole.to_string(), fraction)
        };
        let mut text = String::with_capacity(whole.len() + 20);
        if self.negative && (fraction != 0 || whole != "0") {
            text.push('-');
        }
        text.push_str(&whole);
        if fraction != 0 {
            text.push('.');
            text.push_str(format!("{fraction:017}").trim_end_matches('0'));
        }
        text
    }
}

const TEN_17: u128 = 100_000_000_000_000_000;

/// mantissa / 2^shift in units of 10^-17, rounded to nearest (ties to even), as (whole, fraction).
fn to_fixed(mantissa: u64, shift: u32) -> (u128, u128) {
    // 64 + 57 bits: the product is exact, and so is the rounding.
    let scaled = u128::from(mantissa) * TEN_17;
    let units = if shift >= 128 {
        0
    } else {
        let (kept, dropped, half) = (scaled >> shift, scaled & ((1 << shift) - 1), 1u128 << (shift - 1));
        kept + u128::from(dropped > half || (dropped == half && kept & 1 == 1))
    };
    (units / TEN_17, units % TEN_17)
}

/// Rounds mantissa x 2^exponent to the format.
fn pack(mantissa: u128, is_inexact: bool, exponent: i64) -> Kind {
    let (mantissa, exponent) = float::round(mantissa, is_inexact, exponent, PRECISION, EXPONENT_MIN);
    if mantissa != 0 && exponent + i64::from(64 - mantissa.leading_zeros()) > TOP_MAX {
        return Kind::Infinity;
    }
    let exponent = if mantissa == 0 { 0 } else { exponent as i32 };
    Kind::Finite { mantissa, exponent }
}

/// Adds two numbers that are not zero.
fn add_finite(a: (bool, u64, i32), b: (bool, u64, i32)) -> Extended {
    // Set the top bit of both (subnormals lack it), so that the exponents order the sizes.
    let widen = |(negative, mantissa, exponent): (bool, u64, i32)| {
        let shift = mantissa.leading_zeros();
        (negative, mantissa << shift, exponent - shift as i32)
    };
    let (mut large, mut small) = (widen(a), widen(b));
    if (small.2, small.1) > (large.2, large.1) {
        std::mem::swap(&mut large, &mut small);
    }
    // 62 spare bits below the larger number and one above for the carry. What the smaller one loses beyond them is
    // remembered as "a little more".
    let exponent = i64::from(large.2) - 62;
    let top = u128::from(large.1) << 62;
    let distance = (large.2 - small.2) as u32;
    let aligned = u128::from(small.1) << 62;
    let (bottom, is_inexact) = match distance {
        0..=127 => (aligned >> distance, aligned & ((1u128 << distance) - 1) != 0),
        _ => (0, true),
    };
    let sum = if large.0 == small.0 { top + bottom } else { top - bottom - u128::from(is_inexact) };
    Extended { negative: large.0 && sum != 0, kind: pack(sum, is_inexact, exponent) }
}

/// Rounds a decimal number to the format.
fn from_decimal(number: &Decimal) -> Kind {
    const ZERO: Kind = Kind::Finite { mantissa: 0, exponent: 0 };
    let digits = number.whole.iter().chain(number.fraction).copied().skip_while(|&byte| byte == b'0');
    let count = digits.clone().count() as i64;
    let exponent = number.exponent - number.fraction.len() as i64;
    if count == 0 {
        return ZERO;
    }
    // 10^4933 is too large and 10^-4970 too small for the format; stopping here bounds the powers below.
    if count + exponent > 4940 {
        return Kind::Infinity;
    }
    if count + exponent < -4975 {
        return ZERO;
    }
    if count <= 19 && (-18..=0).contains(&exponent) {
        let mantissa = digits.fold(0u64, |value, byte| value * 10 + u64::from(byte - b'0'));
        let divisor = 10u128.pow(exponent.unsigned_abs() as u32);
        // The quotient gets at least 66 bits: the dividend fills 127, the divisor at most 60.
        let shift = u128::from(mantissa).leading_zeros() - 1;
        let dividend = u128::from(mantissa) << shift;
        return pack(dividend / divisor, dividend % divisor != 0, -i64::from(shift));
    }
    let text: Vec<u8> = digits.collect();
    let mantissa = BigUint::parse_bytes(&text, 10).unwrap_or_default();
    let power = BigUint::from(10u32).pow(exponent.unsigned_abs() as u32);
    if exponent >= 0 { from_ratio(mantissa * power, BigUint::from(1u32)) } else { from_ratio(mantissa, power) }
}

/// Rounds dividend / divisor (both positive) to the format.
fn from_ratio(dividend: BigUint, divisor: BigUint) -> Kind {
    // A quotient of 66 or 67 bits: 64 to keep, the half, and the remainder as the last doubt.
    let shift = 66 - (dividend.bits() as i64 - divisor.bits() as i64);
    let amount = shift.unsigned_abs();
    let (dividend, divisor) = if shift >= 0 { (dividend << amount, divisor) } else { (dividend, divisor << amount) };
    let quotient = &dividend / &divisor;
    let is_inexact = &quotient * &divisor != dividend;
    let mantissa = quotient.iter_u64_digits().rev().fold(0u128, |value, digit| value << 64 | u128::from(digit));
    pack(mantissa, is_inexact, -shift)
}
