//! Tests of [`super`]: numbers as Redis reads and prints them.

use super::*;

fn double(value: f64) -> String {
    let mut out = Vec::new();
    fmt_double(&mut out, value);
    String::from_utf8(out).unwrap()
}

#[test]
fn integers_have_one_spelling() {
    for (text, value) in [("0", 0), ("-1", -1), ("9223372036854775807", i64::MAX), ("-9223372036854775808", i64::MIN)] {
        assert_eq!(parse_i64(text.as_bytes()), Some(value), "{text}");
    }
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-0",
        "00",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "-01",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "99999999999999999999",
        "100000000000000000000",
        "1\0",
    ] {
        assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
    }
    assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
    assert_eq!(parse_u64(b"18446744073709551616"), None);
    assert_eq!(parse_u64(b"-1"), None);
}

#[test]
fn printed_integers_read_back() {
    let mut seed = 1u64;
    for shift in (0..64).cycle().take(20_000) {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let value = (seed as i64) >> shift;
        let mut out = Vec::new();
        write_i64(&mut out, value);
        assert_eq!(parse_i64(&out), Some(value));
    }
}

#[test]
fn doubles_follow_strtod() {
    for (text, value) in [
        ("1", 1.0),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("0x1p-2", 0.25),
        ("0x.8", 0.5),
        ("0XfFp0", 255.0),
        ("-0x1.8p1", -3.0),
        ("inf", f64::INFINITY),
        ("-INFINITY", f64::NEG_INFINITY),
        ("4e-324", 5e-324),
        ("0x1p-1074", 5e-324),
        ("0x1.fffffffffffff8p0", 2.0),
        ("0x1.fffffffffffff7p0", 1.9999999999999998),
        ("0e999999999999", 0.0),
        ("0x1p1023", 8.98846567431158e307),
    ] {
        assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
    }
}

#[test]
fn texts_that_strtod_would_not_consume_or_cannot_hold_are_refused() {
    for text in [
        "",
        " 1",
        "1 ",
        "1\0",
        "nan",
        "-nan",
        "nan(12)",
        "1e",
        "1e+",
        "0x",
        "0x.p1",
        "0x1p",
        ".",
        "-",
        "e5",
        "1e400",
        "-1e400",
        "1e-400",
        "infinit",
        "1,5",
        "0x1p1024",
        "0x1p-1080",
        "0x0.8p-1074",
        "1_0",
    ] {
        assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
    }
    assert!(parse_f64_or_nan(b"NaN").unwrap().is_nan());
    assert!(parse_f64_or_nan(b"nan(a_1)").unwrap().is_nan());
    assert_eq!(parse_f64(&[vec![b'0'; 300], b"1".to_vec()].concat()), Some(1.0));
}

#[test]
fn double_text_chooses_the_short_layout() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (3.6, "3.6"),
        (-3.6, "-3.6"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (1e20, "1e+20"),
        (4611686018427387904.0, "4611686018427387904"),
        (1.5e-7, "1.5e-7"),
        (0.001, "0.001"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (123456.789, "123456.789"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (1e18, "1000000000000000000"),
        (12345678901234567890.0, "12345678901234567000"),
        (0.00012345678, "1.2345678e-4"),
        (0.0012345678, "0.0012345678"),
    ] {
        assert_eq!(double(value), text);
    }
}

#[test]
fn printed_doubles_read_back() {
    let mut seed = 7u64;
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let value = f64::from_bits(seed ^ seed >> 29);
        if value.is_finite() {
            assert_eq!(parse_f64(double(value).as_bytes()).map(f64::to_bits), Some(value.to_bits()));
        }
    }
}

fn sum(a: &str, b: &str) -> String {
    Extended::parse(a.as_bytes()).unwrap().add(Extended::parse(b.as_bytes()).unwrap()).to_text()
}

#[test]
fn extended_sums_have_x87_digits() {
    // Replies of redis-server 7.0.15 on x86-64.
    assert_eq!(sum("10.5", "0.1"), "10.6");
    assert_eq!(sum("5.0e3", "2.0e2"), "5200");
    assert_eq!(sum("0", "-0"), "0");
    assert_eq!(sum("0", "-1e-30"), "0");
    assert_eq!(sum("0", "0x1p-3"), "0.125");
    assert_eq!(sum("0.125", "1e-4940"), "0.125");
    assert_eq!(sum("13.36138933897018433", "0"), "13.36138933897018433");
    assert_eq!(sum("1e17", "0.1"), "100000000000000000.1015625");
    let large = sum("0", "1e4930");
    assert!(large.starts_with("10000000000000000000261737848870379305720819507551225013463947561467593796920815237475"));
    assert_eq!(large.len(), 4931);
}

#[test]
fn extended_refuses_what_strtold_refuses() {
    for text in ["", " 1", "1 ", "nan", "1e5000", "-1e5000", "1e-5000", "1e999999999999999999999", "0x", "1\0", "0x1p-16500"] {
        assert_eq!(Extended::parse(text.as_bytes()), None, "{text}");
    }
    assert_eq!(Extended::parse(&[vec![b'0'; 5119], b"1".to_vec()].concat()), None);
    assert!(Extended::parse(&[vec![b'0'; 5118], b"1".to_vec()].concat()).is_some());
    assert_eq!(Extended::parse(&vec![b'9'; 5000]), None);
}

#[test]
fn extended_overflow_is_infinite_and_opposite_infinities_are_nan() {
    let max = Extended::parse(b"1.18973149535723176502e4932").unwrap();
    assert!(max.is_finite());
    assert_eq!(max.add(max).to_text(), "inf");
    let inf = Extended::parse(b"-inf").unwrap();
    assert_eq!(inf.add(max).to_text(), "-inf");
    assert!(inf.add(Extended::parse(b"inf").unwrap()).is_nan());
}

#[test]
fn quick_and_big_conversions_agree() {
    let mut seed = 3u64;
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let (mantissa, decimals) = (seed >> (seed % 60), (seed >> 17) % 19);
        let quick = Extended::parse(format!("{mantissa}e-{decimals}").as_bytes());
        // Twenty more zeros push the same number off the quick path.
        let big = Extended::parse(format!("{mantissa}.00000000000000000000e-{decimals}").as_bytes());
        assert_eq!(quick, big, "{mantissa} {decimals}");
    }
}

#[test]
fn integers_convert_exactly() {
    for value in [0, 1, -1, i64::MAX, i64::MIN, 1 << 53, -12345] {
        assert_eq!(Extended::from_i64(value).to_text(), value.to_string());
    }
}

#[test]
fn memory_sizes_know_their_units() {
    for (text, bytes) in [
        ("512", 512),
        ("1k", 1000),
        ("1kb", 1024),
        ("1KB", 1024),
        ("10mb", 10 << 20),
        ("1gb", 1 << 30),
        ("2G", 2_000_000_000),
        ("1M", 1_000_000),
        ("5b", 5),
        ("mb", 0),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(parse_memory(text), Some(bytes), "{text}");
    }
    for text in ["-1", "+1", "1tb", "1 mb", "1.5gb", "18446744073709551616", "17179869184gb", "é"] {
        assert_eq!(parse_memory(text), None, "{text}");
    }
}
