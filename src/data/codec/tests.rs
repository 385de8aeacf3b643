//! Claims about payloads. The byte vectors were produced by redis-server 7.0.15.

use super::*;

fn read(payload: &[u8]) -> Result<Value, Fault> {
    restore(payload, &Limits::default())
}

fn body(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    dump_string(&mut out, text, true);
    out
}

fn payload(body: &[u8]) -> Vec<u8> {
    let mut out = body.to_vec();
    add_footer(&mut out);
    out
}

fn text_of(value: Value) -> Vec<u8> {
    match value {
        Value::Int(n) => n.to_string().into_bytes(),
        Value::Str(text) => text,
        Value::Object(object) => panic!("{object:?}"),
    }
}

#[test]
fn checksum_matches_its_check_value() {
    assert_eq!(checksum(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
}

#[test]
fn strings_are_written_as_redis_writes_them() {
    assert_eq!(body(b"hello"), b"\x00\x05hello");
    assert_eq!(body(b"-5"), b"\x00\xc0\xfb");
    assert_eq!(body(b"1000"), b"\x00\xc1\xe8\x03");
    assert_eq!(body(b"-100000"), b"\x00\xc2\x60\x79\xfe\xff");
    assert_eq!(body(b"12345678901"), b"\x00\x0b12345678901");
    assert_eq!(body(b"-2147483648"), b"\x00\xc2\x00\x00\x00\x80");
    assert_eq!(body(b"2147483648"), b"\x00\x0a2147483648");
    for plain in [b"".as_slice(), b"-0", b"007", b"+1", b" 1", b"1 ", b"-", b"0x1", b"1.0", b"--1"] {
        assert_eq!(body(plain)[1] as usize, plain.len());
        assert_eq!(&body(plain)[2..], plain);
    }
}

#[test]
fn payloads_of_redis_7_0_are_read() {
    let hello = b"\x00\x05hello\x0a\x00\x63\x72\xdf\x76\x65\x34\x20\x0a";
    assert_eq!(read(hello), Ok(Value::Str(b"hello".to_vec())));
    let squeezed = payload(b"\x00\xc3\x09\x28\x01aa\xe0\x1b\x00\x01aa");
    assert_eq!(read(&squeezed), Ok(Value::Str(vec![b'a'; 40])));
}

#[test]
fn every_text_comes_back() {
    for len in (0..300).chain([16_383, 16_384, 70_000]) {
        for text in [vec![b'x'; len], (0..len).map(|i| (i * 7 + i / 251) as u8).collect()] {
            for compress in [false, true] {
                let mut out = Vec::new();
                dump_string(&mut out, &text, compress);
                assert!(out.len() <= text.len() + 6);
                assert_eq!(read(&payload(&out)).map(text_of).as_deref(), Ok(&text[..]));
            }
        }
    }
    for n in [0, 1, -1, 127, 128, -128, -129, 32_767, 32_768, i64::MAX, i64::MIN, 1 << 31, -(1 << 31)] {
        assert_eq!(read(&payload(&body(n.to_string().as_bytes()))), Ok(Value::Int(n)));
    }
}

#[test]
fn a_damaged_footer_is_refused() {
    let good = payload(b"\x00\x05hello");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(read(&bad), Err(Fault::Footer));
        assert_eq!(read(&good[..at]), Err(Fault::Footer));
    }
    for (version, known) in [(0u16, true), (12, true), (13, false), (u16::MAX, false)] {
        let mut made = b"\x00\x01v".to_vec();
        made.extend_from_slice(&version.to_le_bytes());
        made.extend_from_slice(&checksum(&made).to_le_bytes());
        assert_eq!(read(&made).is_ok(), known);
    }
}

#[test]
fn bodies_that_claim_what_is_not_there_are_refused() {
    let cases: [(&[u8], Fault); 15] = [
        (b"", Fault::Truncated),
        (b"\x00", Fault::Truncated),
        (b"\x00\x05hell", Fault::Truncated),
        (b"\x00\x05helloo", Fault::TrailingBytes),
        (b"\x00\x40", Fault::Truncated),
        (b"\x00\x80\xff\xff\xff\xff", Fault::Truncated),
        (b"\x00\x81\x80\0\0\0\0\0\0\0", Fault::Truncated),
        (b"\x00\x82\0\0\0\0", Fault::BadLength(0x82)),
        (b"\x00\xc4\0", Fault::BadStringEncoding(4)),
        (b"\x00\xff\0", Fault::BadStringEncoding(63)),
        (b"\x00\xc2\0\0\0", Fault::Truncated),
        (b"\x00\xc3\x02\x80\xff\xff\xff\xff\0a", Fault::BadCompression),
        (b"\x00\xc3\xc0\x01\0a", Fault::BadLength(0xc0)),
        (b"\xff\0", Fault::UnsupportedType(0xff)),
        (b"\x06\0", Fault::UnsupportedType(6)),
    ];
    for (body, fault) in cases {
        assert_eq!(read(&payload(body)), Err(fault), "{body:?}");
    }
}

#[test]
fn lengths_are_accepted_in_longer_forms_than_needed() {
    for body in [b"\x00\x40\x01v".as_slice(), b"\x00\x80\0\0\0\x01v", b"\x00\x81\0\0\0\0\0\0\0\x01v"] {
        assert_eq!(read(&payload(body)), Ok(Value::Str(b"v".to_vec())));
    }
}
