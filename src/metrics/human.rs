//! Sizes and ratios as INFO prints them. Pure text; no locale.
//! Ref: redis.io/commands/info (the fields that end in `_human`)

/// Bytes in the largest unit that leaves at least 1, with two decimals: `512B`, `1.23M`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(u64, char); 5] = [(1 << 50, 'P'), (1 << 40, 'T'), (1 << 30, 'G'), (1 << 20, 'M'), (1 << 10, 'K')];
    match UNITS.iter().find(|(size, _)| n >= *size) {
        None => format!("{n}B"),
        Some((size, unit)) => format!("{:.2}{unit}", n as f64 / *size as f64),
    }
}

/// `part` of `whole` in percent with two decimals: `98.17%`. Nothing of nothing is 0.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", ratio(part, whole) * 100.0)
}

/// `a / b`, 0 where `b` is 0.
pub fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// Microseconds as seconds with six decimals.
pub fn seconds(usec: u64) -> String {
    format!("{}.{:06}", usec / 1_000_000, usec % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_redis_prints_them() {
        assert_eq!(bytes(0), "0B");
        assert_eq!(bytes(1023), "1023B");
        assert_eq!(bytes(1024), "1.00K");
        assert_eq!(bytes(999_136), "975.72K");
        assert_eq!(bytes(25_276_510_208), "23.54G");
    }

    #[test]
    fn shares_of_nothing_are_zero() {
        assert_eq!(percent(5, 0), "0.00%");
        assert_eq!(percent(1, 3), "33.33%");
        assert_eq!(seconds(49_011), "0.049011");
    }
}
