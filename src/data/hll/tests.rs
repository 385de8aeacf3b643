//! Claims about HyperLogLog values. The byte vectors were produced by redis-server 7.0.15.

use super::*;

const MAX: usize = 3000;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn sparse(body: &[u8]) -> Vec<u8> {
    [&create()[..HEADER], body].concat()
}

#[test]
fn bytes_equal_those_of_redis_after_the_same_adds() {
    let mut h = create();
    assert_eq!(h, hex("48594c4c 01000000 0000000000000080 7fff"));
    assert_eq!(add(&mut h, b"a", MAX), Ok(true));
    assert_eq!(h, hex("48594c4c 01000000 0000000000000080 71a6 84 4e57"));
    let n = count(&h).unwrap();
    store_cached(&mut h, n);
    assert_eq!(h, hex("48594c4c 01000000 0100000000000000 71a6 84 4e57"));
    assert_eq!((cached(&h), add(&mut h, b"a", MAX)), (Some(1), Ok(false)));
    assert_eq!((add(&mut h, b"b", MAX), add(&mut h, b"c", MAX)), (Ok(true), Ok(true)));
    assert_eq!(h, hex("48594c4c 01000000 0100000000000080 60f3 80 50b1 84 4bfb 80 425a"));
    assert_eq!((cached(&h), count(&h)), (None, Ok(3)));
}

#[test]
fn hash_matches_known_registers() {
    assert_eq!(murmur64a(b"a", HASH_SEED), 0x53d2_470a_9b43_b1a7);
    assert_eq!(place(b"a"), (12711, 2));
    assert_eq!(place(b"b"), (15780, 1));
    assert_eq!(place(b"c"), (8436, 1));
}

#[test]
fn estimates_stay_close_and_encodings_agree() {
    let (mut small, mut dense) = (create(), create());
    to_dense(&mut dense).unwrap();
    for i in 0..20_000u32 {
        let element = format!("element:{i}");
        let rose = add(&mut small, element.as_bytes(), MAX);
        assert_eq!(rose, add(&mut dense, element.as_bytes(), MAX));
        if i == 300 {
            assert_eq!(check(&small), Ok(Encoding::Sparse));
            assert_eq!(count(&small), count(&dense));
        }
    }
    assert_eq!(small, dense);
    let n = count(&dense).unwrap() as f64;
    assert!((n - 20_000.0).abs() < 20_000.0 * 0.03, "{n}");
}

#[test]
fn registers_count_and_merge_like_the_values_they_came_from() {
    let (mut a, mut b, mut both) = (create(), create(), create());
    for i in 0..400u32 {
        let element = i.to_le_bytes();
        add(if i % 3 == 0 { &mut a } else { &mut b }, &element, MAX).unwrap();
        add(&mut both, &element, MAX).unwrap();
    }
    let mut registers = Registers::default();
    registers.merge(&a).unwrap();
    registers.merge(&b).unwrap();
    assert_eq!(Ok(registers.count()), count(&both));
    let mut merged = a.clone();
    registers.write_into(&mut merged, MAX).unwrap();
    assert_eq!((count(&merged), check(&merged)), (count(&both), Ok(Encoding::Sparse)));
    to_dense(&mut b).unwrap();
    let mut other = Registers::default();
    other.merge(&b).unwrap();
    registers.merge_registers(&other);
    let mut fresh = create();
    registers.write_into(&mut fresh, MAX).unwrap();
    assert_eq!((count(&fresh), check(&fresh)), (count(&both), Ok(Encoding::Dense)));
}

#[test]
fn strings_that_are_not_a_hyperloglog_are_refused() {
    let mut dense = create();
    to_dense(&mut dense).unwrap();
    let mut odd = create();
    odd[4] = 2;
    let cut = &dense[..DENSE_BYTES - 1];
    for bad in [b"".as_slice(), b"HYLL", b"plain string of some length", &odd, cut, &[&dense[..], b"x"].concat()] {
        assert_eq!(check(bad), Err(Fault::NotHll));
        assert_eq!(count(bad), Err(Fault::NotHll));
        assert_eq!(add(&mut bad.to_vec(), b"a", MAX), Err(Fault::NotHll));
        assert_eq!(Registers::default().merge(bad), Err(Fault::NotHll));
        assert_eq!(to_dense(&mut bad.to_vec()), Err(Fault::NotHll));
    }
}

#[test]
fn sparse_runs_that_do_not_cover_the_registers_are_corrupt() {
    let many = [0x7f, 0xff].repeat(131_073);
    let bodies: [&[u8]; 6] = [b"", &[0x7f], &[0x7f, 0xff, 0x00], &[0x7f, 0xfe], &[0x7f, 0xff, 0x7f], &many];
    for body in bodies {
        let bad = sparse(body);
        assert_eq!(count(&bad), Err(Fault::Corrupt));
        assert_eq!(to_dense(&mut bad.clone()), Err(Fault::Corrupt));
        assert_eq!(Registers::default().merge(&bad), Err(Fault::Corrupt));
        assert_eq!(describe_sparse(&bad), Err(Fault::Corrupt));
    }
    // A run that starts inside the registers and ends outside them is not split.
    let over = sparse(&[0x7f, 0xd5, 0x7f, 0xff]);
    let index = place(b"b").0;
    assert!(index < 0x3fd6);
    let beyond = (0..1_000_000u32).map(u32::to_le_bytes).find(|e| place(e).0 >= 0x3fd6).unwrap();
    let mut touched = over.clone();
    assert_eq!(add(&mut touched, &beyond, MAX), Err(Fault::Corrupt));
    assert_eq!(touched, over);
    assert_eq!(add(&mut sparse(b""), b"a", MAX), Err(Fault::Corrupt));
}

#[test]
fn impossible_registers_give_a_number_and_not_a_crash() {
    let mut dense = create();
    to_dense(&mut dense).unwrap();
    dense[HEADER..].fill(0xff);
    assert_eq!(count(&dense), Ok(i64::MAX as u64));
}

#[test]
fn sparse_runs_are_described_as_redis_prints_them() {
    let mut h = create();
    add(&mut h, b"a", MAX).unwrap();
    assert_eq!(describe_sparse(&h).unwrap(), "Z:12711 v:2,1 Z:3672");
}

#[test]
fn long_runs_of_adds_end_in_the_bytes_of_redis() {
    // SHA-1 of GET after PFADD of the decimal numbers below each limit, one by one.
    let cases = [
        (900, 1750, "364645f29786a69ecccbb618a8bdb5c3536df557", 902),
        (5000, DENSE_BYTES, "3fa160b43f67d7e004731fa9d341262846fbaf66", 4985),
    ];
    for (limit, len, sha, estimate) in cases {
        let mut h = create();
        for i in 0..limit {
            add(&mut h, i.to_string().as_bytes(), MAX).unwrap();
        }
        let digest: [u8; 20] = <sha1::Sha1 as sha1::Digest>::digest(&h).into();
        let text: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((h.len(), text.as_str(), count(&h)), (len, sha, Ok(estimate)));
    }
}
