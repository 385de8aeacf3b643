//! Digits that read back to the same double: the algorithm Grisu2, whose digits Redis prints.
//!
//! Grisu2 works with 64-bit numbers only and is right always, shortest in 99.9 % of all cases; in the others it gives a digit
//! more than needed. Since replies and files must be the same as Redis's to the byte, those cases must be the same too, so
//! the order of roundings below is part of the behaviour.
//!
//! Invariant: the value is positive and finite. It lays nothing out: digits and an exponent come out.
//!
//! Ref: F. Loitsch, "Printing floating-point numbers quickly and accurately with integers", PLDI 2010

/// Most digits of a result.
pub(super) const DIGITS_MAX: usize = 18;
const FRACTION_BITS: u32 = 52;
const HIDDEN: u64 = 1 << FRACTION_BITS;
const BIAS: i32 = 1023 + 52;
/// The cached powers are 10^-348, 10^-340, ..., 10^340.
const FIRST_POWER: i32 = -348;
const POWER_STEP: i32 = 8;
/// A product with a cached power has an exponent in this range: then its whole part fits 32 bits.
const EXPONENT_MIN: i32 = -60;
const EXPONENT_MAX: i32 = -32;

/// fraction x 2^exponent.
#[derive(Clone, Copy)]
struct Float {
    fraction: u64,
    exponent: i32,
}

impl Float {
    /// A positive finite double as it is.
    fn of(value: f64) -> Float {
        let bits = value.to_bits();
        let (fraction, exponent) = (bits & (HIDDEN - 1), (bits >> FRACTION_BITS & 0x7FF) as i32);
        if exponent == 0 {
            Float { fraction, exponent: 1 - BIAS }
        } else {
            Float { fraction: fraction | HIDDEN, exponent: exponent - BIAS }
        }
    }

    /// The same value with the top bit set.
    fn normal(self) -> Float {
        let shift = self.fraction.leading_zeros();
        Float { fraction: self.fraction << shift, exponent: self.exponent - shift as i32 }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Float) -> Float {
        let product = u128::from(self.fraction) * u128::from(other.fraction) + (1 << 63);
        Float { fraction: (product >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }

    /// Halfway to the double below and to the one above, both with the exponent of the upper one.
    fn neighbours(self) -> (Float, Float) {
        let upper = Float { fraction: self.fraction * 2 + 1, exponent: self.exponent - 1 }.normal();
        // Below a power of two the doubles lie twice as close.
        let shift = if self.fraction == HIDDEN { 2 } else { 1 };
        let lower = Float { fraction: (self.fraction << shift) - 1, exponent: self.exponent - shift };
        let fraction = lower.fraction << (lower.exponent - upper.exponent);
        (Float { fraction, exponent: upper.exponent }, upper)
    }
}

/// The cached power that brings a number with `exponent` into the range, and which power of ten it is.
fn cached_power(exponent: i32) -> (Float, i32) {
    let guess = (f64::from(-(exponent + POWERS.len() as i32)) * std::f64::consts::LOG10_2) as i32;
    let mut index = ((guess - FIRST_POWER) / POWER_STEP).clamp(0, POWERS.len() as i32 - 1) as usize;
    loop {
        let (fraction, own) = POWERS[index];
        match exponent + own + 64 {
            low if low < EXPONENT_MIN && index + 1 < POWERS.len() => index += 1,
            high if high > EXPONENT_MAX && index > 0 => index -= 1,
            _ => return (Float { fraction, exponent: own }, FIRST_POWER + index as i32 * POWER_STEP),
        }
    }
}

/// Writes the digits of a positive finite double to `digits`; value = digits x 10^exponent. Returns how many and the exponent.
pub(super) fn digits_of(value: f64, digits: &mut [u8; DIGITS_MAX]) -> (usize, i32) {
    let exact = Float::of(value);
    let (lower, upper) = exact.neighbours();
    let (power, ten) = cached_power(upper.exponent);
    let (middle, mut lower, mut upper) = (exact.normal().times(power), lower.times(power), upper.times(power));
    // The products may be off by one: what lies within these bounds is surely right.
    lower.fraction += 1;
    upper.fraction -= 1;
    let mut run = Run { digits, count: 0, distance: upper.fraction - middle.fraction, slack: upper.fraction - lower.fraction };
    let kappa = run.generate(upper);
    (run.count, kappa - ten)
}

/// Digits as they come.
struct Run<'a> {
    digits: &'a mut [u8; DIGITS_MAX],
    count: usize,
    /// From the value up to the upper bound.
    distance: u64,
    /// From the lower bound up to the upper one.
    slack: u64,
}

impl Run<'_> {
    fn push(&mut self, digit: u64) {
        if (digit != 0 || self.count > 0) && self.count < DIGITS_MAX {
            self.digits[self.count] = b'0' + digit as u8;
            self.count += 1;
        }
    }

    /// Digits of `upper` until what is left is within the slack. Returns the power of ten of the last one.
    fn generate(&mut self, upper: Float) -> i32 {
        let shift = -upper.exponent as u32;
        let mask = (1u64 << shift) - 1;
        let (mut whole, mut part) = (upper.fraction >> shift, upper.fraction & mask);
        let mut power = 1_000_000_000;
        for kappa in (0..10).rev() {
            self.push(whole / power);
            whole %= power;
            let rest = (whole << shift) + part;
            if rest <= self.slack {
                self.nudge(rest, power << shift, self.distance);
                return kappa;
            }
            power /= 10;
        }
        let (mut kappa, mut unit) = (0, 1u64);
        loop {
            part = part.wrapping_mul(10);
            self.slack = self.slack.wrapping_mul(10);
            unit = unit.wrapping_mul(10);
            kappa -= 1;
            self.push(part >> shift);
            part &= mask;
            if part < self.slack || self.count == DIGITS_MAX {
                self.nudge(part, mask + 1, self.distance.wrapping_mul(unit));
                return kappa;
            }
        }
    }

    /// Lowers the last digit while that brings the digits nearer to the value. `rest`: from the digits up to the upper bound;
    /// `step`: the value of one in the last place; `distance`: from the value up to the upper bound.
    fn nudge(&mut self, mut rest: u64, step: u64, distance: u64) {
        let Some(last) = self.count.checked_sub(1) else { return };
        while rest < distance && self.slack - rest >= step && (rest + step < distance || distance - rest > rest + step - distance) {
            self.digits[last] -= 1;
            rest += step;
        }
    }
}

/// 10^(8 n - 348), rounded to 64 bits, as fraction and exponent of two.
const POWERS: [(u64, i32); 87] = [
    (0xFA8FD5A0081C0288, -1220),
    (0xBAAEE17FA23EBF76, -1193),
    (0x8B16FB203055AC76, -1166),
    (0xCF42894A5DCE35EA, -1140),
    (0x9A6BB0AA55653B2D, -1113),
    (0xE61ACF033D1A45DF, -1087),
    (0xAB70FE17C79AC6CA, -1060),
    (0xFF77B1FCBEBCDC4F, -1034),
    (0xBE5691EF416BD60C, -1007),
    (0x8DD01FAD907FFC3C, -980),
    (0xD3515C2831559A83, -954),
    (0x9D71AC8FADA6C9B5, -927),
    (0xEA9C227723EE8BCB, -901),
    (0xAECC49914078536D, -874),
    (0x823C12795DB6CE57, -847),
    (0xC21094364DFB5637, -821),
    (0x9096EA6F3848984F, -794),
    (0xD77485CB25823AC7, -768),
    (0xA086CFCD97BF97F4, -741),
    (0xEF340A98172AACE5, -715),
    (0xB23867FB2A35B28E, -688),
    (0x84C8D4DFD2C63F3B, -661),
    (0xC5DD44271AD3CDBA, -635),
    (0x936B9FCEBB25C996, -608),
    (0xDBAC6C247D62A584, -582),
    (0xA3AB66580D5FDAF6, -555),
    (0xF3E2F893DEC3F126, -529),
    (0xB5B5ADA8AAFF80B8, -502),
    (0x87625F056C7C4A8B, -475),
    (0xC9BCFF6034C13053, -449),
    (0x964E858C91BA2655, -422),
    (0xDFF9772470297EBD, -396),
    (0xA6DFBD9FB8E5B88F, -369),
    (0xF8A95FCF88747D94, -343),
    (0xB94470938FA89BCF, -316),
    (0x8A08F0F8BF0F156B, -289),
    (0xCDB02555653131B6, -263),
    (0x993FE2C6D07B7FAC, -236),
    (0xE45C10C42A2B3B06, -210),
    (0xAA242499697392D3, -183),
    (0xFD87B5F28300CA0E, -157),
    (0xBCE5086492111AEB, -130),
    (0x8CBCCC096F5088CC, -103),
    (0xD1B71758E219652C, -77),
    (0x9C40000000000000, -50),
    (0xE8D4A51000000000, -24),
    (0xAD78EBC5AC620000, 3),
    (0x813F3978F8940984, 30),
    (0xC097CE7BC90715B3, 56),
    (0x8F7E32CE7BEA5C70, 83),
    (0xD5D238A4ABE98068, 109),
    (0x9F4F2726179A2245, 136),
    (0xED63A231D4C4FB27, 162),
    (0xB0DE65388CC8ADA8, 189),
    (0x83C7088E1AAB65DB, 216),
    (0xC45D1DF942711D9A, 242),
    (0x924D692CA61BE758, 269),
    (0xDA01EE641A708DEA, 295),
    (0xA26DA3999AEF774A, 322),
    (0xF209787BB47D6B85, 348),
    (0xB454E4A179DD1877, 375),
    (0x865B86925B9BC5C2, 402),
    (0xC83553C5C8965D3D, 428),
    (0x952AB45CFA97A0B3, 455),
    (0xDE469FBD99A05FE3, 481),
    (0xA59BC234DB398C25, 508),
    (0xF6C69A72A3989F5C, 534),
    (0xB7DCBF5354E9BECE, 561),
    (0x88FCF317F22241E2, 588),
    (0xCC20CE9BD35C78A5, 614),
    (0x98165AF37B2153DF, 641),
    (0xE2A0B5DC971F303A, 667),
    (0xA8D9D1535CE3B396, 694),
    (0xFB9B7CD9A4A7443C, 720),
    (0xBB764C4CA7A44410, 747),
    (0x8BAB8EEFB6409C1A, 774),
    (0xD01FEF10A657842C, 800),
    (0x9B10A4E5E9913129, 827),
    (0xE7109BFBA19C0C9D, 853),
    (0xAC2820D9623BF429, 880),
    (0x80444B5E7AA7CF85, 907),
    (0xBF21E44003ACDD2D, 933),
    (0x8E679C2F5E44FF8F, 960),
    (0xD433179D9C8CB841, 986),
    (0x9E19DB92B4E31BA9, 1013),
    (0xEB96BF6EBADF77D9, 1039),
    (0xAF87023B9BF0EE6B, 1066),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn text(value: f64) -> String {
        let mut digits = [0; DIGITS_MAX];
        let (count, exponent) = digits_of(value, &mut digits);
        format!("{}e{exponent}", str::from_utf8(&digits[..count]).unwrap())
    }

    #[test]
    fn digits_read_back_to_the_same_double() {
        let mut rng = Rng::new(9);
        for n in 0..40_000 {
            let value = match n % 4 {
                0 => rng.unit() * 1000.0,
                1 => (rng.below(1_000_000) as f64) / 1000.0,
                _ => f64::from_bits(rng.next_u64() >> 1),
            };
            if value.is_finite() && value > 0.0 {
                assert_eq!(text(value).parse::<f64>().ok(), Some(value), "{value:e}");
            }
        }
    }

    #[test]
    fn extremes_and_short_numbers() {
        for (value, expected) in [
            (5e-324, "5e-324"),
            (f64::MIN_POSITIVE, "22250738585072014e-324"),
            (f64::MAX, "17976931348623157e292"),
            (0.1, "1e-1"),
            (0.3, "3e-1"),
            (1e23, "9999999999999999e7"),
            (123_456.75, "12345675e-2"),
            (9_007_199_254_740_993.0, "9007199254740992e0"),
        ] {
            assert_eq!(text(value), expected);
        }
    }
}
