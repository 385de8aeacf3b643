//! Claims about payloads of collections. Those that are read were written or accepted by redis-server 7.0.15 and 8.0.6.

use super::*;
use crate::base::rng::Rng;
use crate::data::collection::Collection;
use crate::data::pack;
use crate::data::{hash::Hash, list::List, set::Set, zset::Zset};

fn payload(body: &[u8]) -> Vec<u8> {
    let mut out = body.to_vec();
    add_footer(&mut out);
    out
}

fn object(body: &[u8], limits: &Limits) -> Result<Object, Fault> {
    match restore(&payload(body), limits)? {
        Value::Object(object) => Ok(object),
        other => panic!("{other:?}"),
    }
}

/// What a collection holds, one text an element; of types without order sorted.
fn texts(object: &Object) -> Vec<String> {
    let text = |item: &pack::Item| String::from_utf8_lossy(&item.to_vec()).into_owned();
    let mut all: Vec<String> = match object {
        Object::List(list) => return list.view().iter().map(|e| text(&e.item())).collect(),
        Object::Zset(zset) => return zset.view().iter().map(|(m, s)| format!("{}={s}", text(&m))).collect(),
        Object::Set(set) => set.view().iter().map(|m| text(&m)).collect(),
        Object::Hash(hash) => {
            let time = |at: Option<i64>| at.map_or(String::new(), |at| format!("@{at}"));
            hash.view().iter().map(|(f, v, at)| format!("{}={}{}", text(&f), text(&v), time(at))).collect()
        }
        Object::Stream(_) => Vec::new(),
    };
    all.sort();
    all
}

/// The listpack, as a string, of elements that are texts (or numbers).
fn listpack(texts: &[&str]) -> Vec<u8> {
    let mut pack = pack::empty();
    texts.iter().for_each(|t| pack::push(&mut pack, t.as_bytes()));
    let mut out = Vec::new();
    put_pack(&mut out, pack::Pack::new(&pack), false);
    out
}

fn with(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![kind];
    parts.iter().for_each(|p| out.extend_from_slice(p));
    out
}

/// `first` moment and a listpack of triplets.
fn timed(triplets: &[&str]) -> Vec<u8> {
    with(25, &[&1_000i64.to_le_bytes(), &listpack(triplets)])
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, bytes, false);
    out
}

const ZIPLIST: &[u8] =
    b"\x36\x36\0\0\0\x2b\0\0\0\x07\0\0\xf3\x02\x0bHello World\x0d\xfe\x9c\x03\xc0\xe8\x03\x04\xf0\xa0\x86\x01\x05\xd0\xff\xff\xff\x7f\
    \x06\xe0\0\0\0\0\0\x01\0\0\xff";
const PAIRS: &[u8] = b"\x18\x18\0\0\0\x12\0\0\0\x04\0\0\x01a\x03\xf2\x02\x01b\x03\x032.5\xff";

#[test]
fn every_type_is_read_and_gets_the_form_of_today() {
    let zipmap = with(9, &[&blob(b"\x02\x03foo\x03\0bar\x05hello\x05\x02worldXX\xff")]);
    let metadata = b"\x18\0\x50\x5c\x18\xa3\x01\0\0\x03\x01\x02f1\x02v1\x53\x89\x02f2\x02v2\0\x02f3\x02v3".as_slice();
    let fields = ["f1=v1@1800000000000", "f2=v2@1800000005000", "f3=v3"];
    let triplets = ["f1", "v1", "1800000000000", "f2", "v2", "1800000005000", "f3", "v3", "0"];
    let cases: Vec<(Vec<u8>, &str, Vec<&str>)> = vec![
        (b"\x01\x03\x01a\xc0\x05\xc1\xe8\x03".to_vec(), "listpack", vec!["a", "5", "1000"]),
        (with(10, &[ZIPLIST]), "listpack", vec!["2", "Hello World", "-100", "1000", "100000", "2147483647", "1099511627776"]),
        (
            b"\x0e\x02\x0f\x0f\0\0\0\x0c\0\0\0\x02\0\0\xf2\x02\xf3\xff\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\0\x01a\xff".to_vec(),
            "quicklist",
            vec!["1", "2", "a"],
        ),
        (b"\x12\x02\x01\x05hello\x02\x0a\x0a\0\0\0\x01\0\x81a\x02\xff".to_vec(), "quicklist", vec!["hello", "a"]),
        (b"\x02\x02\x01a\xc0\x05".to_vec(), "listpack", vec!["5", "a"]),
        (b"\x02\x02\xc0\x06\xc0\x05".to_vec(), "intset", vec!["5", "6"]),
        (b"\x0b\x0e\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0".to_vec(), "intset", vec!["1", "2", "3"]),
        (with(20, &[&listpack(&["a", "b", "7"])]), "listpack", vec!["7", "a", "b"]),
        (b"\x03\x03\x01a\x012\x01b\x032.5\x01c\xfe".to_vec(), "listpack", vec!["a=2", "b=2.5", "c=inf"]),
        (b"\x05\x02\x01b\0\0\0\0\0\0\x04\x40\x01a\0\0\0\0\0\0\xf0\x3f".to_vec(), "listpack", vec!["a=1", "b=2.5"]),
        (with(12, &[PAIRS]), "listpack", vec!["a=1", "b=2.5"]),
        (with(17, &[&listpack(&["c", "-inf", "a", "1", "b", "2.5"])]), "listpack", vec!["c=-inf", "a=1", "b=2.5"]),
        (b"\x04\x01\x01f\x01v".to_vec(), "listpack", vec!["f=v"]),
        (zipmap, "listpack", vec!["foo=bar", "hello=world"]),
        (with(13, &[PAIRS]), "listpack", vec!["a=1", "b=2.5"]),
        (with(16, &[&listpack(&["f", "v", "n", "10"])]), "listpack", vec!["f=v", "n=10"]),
        (metadata.to_vec(), "listpackex", fields.to_vec()),
        (with(25, &[&1_800_000_000_000i64.to_le_bytes(), &listpack(&triplets)]), "listpackex", fields.to_vec()),
        (with(23, &[&listpack(&triplets)]), "listpackex", fields.to_vec()),
        (b"\x16\x02\x43\xe8\x01f\x01v\0\x01g\x01w".to_vec(), "listpackex", vec!["f=v@1000", "g=w"]),
    ];
    for (body, encoding, expected) in cases {
        let read = object(&body, &Limits::default()).unwrap_or_else(|f| panic!("{f:?}: {body:?}"));
        assert_eq!((read.encoding(), texts(&read)), (encoding, expected.iter().map(ToString::to_string).collect()), "{body:?}");
    }
}

#[test]
fn type_22_of_valkey_has_its_moment_behind_the_value() {
    let body = b"\x02\x01f\x01v\xe8\x03\0\0\0\0\0\0\x01g\x01w\xff\xff\xff\xff\xff\xff\xff\xff";
    let value = read_value(&mut Reader::new(body), 22, Dialect::Valkey, &Limits::default()).unwrap();
    let Value::Object(object) = value else { panic!() };
    assert_eq!(texts(&object), ["f=v@1000", "g=w"]);
    let bad = b"\x01\x01f\x01v\xfe\xff\xff\xff\xff\xff\xff\xff";
    let refused = read_value(&mut Reader::new(bad), 22, Dialect::Valkey, &Limits::default());
    assert_eq!(refused.err(), Some(Fault::Malformed("expiry of a field")));
}

#[test]
fn limits_of_today_decide_the_form() {
    let few = Limits { hash_max_listpack_entries: 1, zset_max_listpack_entries: 1, set_max_intset_entries: 2, ..Limits::default() };
    let few = Limits { set_max_listpack_entries: 1, list_max_listpack_size: 2, ..few };
    let encoding = |body: &[u8]| object(body, &few).unwrap().encoding();
    assert_eq!(encoding(&with(16, &[&listpack(&["f", "v", "n", "10"])])), "hashtable");
    assert_eq!(encoding(&with(13, &[PAIRS])), "hashtable");
    assert_eq!(encoding(&timed(&["f", "v", "1000", "n", "10", "0"])), "hashtable");
    assert_eq!(encoding(&with(17, &[&listpack(&["a", "1", "b", "2.5"])])), "skiplist");
    assert_eq!(encoding(&with(20, &[&listpack(&["a", "b"])])), "hashtable");
    assert_eq!(encoding(b"\x0b\x0e\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0"), "hashtable");
    assert_eq!(encoding(&with(10, &[ZIPLIST])), "quicklist");
    let long = "v".repeat(70);
    assert_eq!(object(&with(4, &[b"\x01\x01f", &blob(long.as_bytes())]), &Limits::default()).unwrap().encoding(), "hashtable");
}

/// Each row is a row of the list of bad inputs.
#[test]
fn damaged_collections_are_refused() {
    let two = |kind: u8, text: &[u8]| with(kind, &[&blob(text)]);
    let nan = f64::NAN.to_le_bytes();
    let lp = |text: &[u8]| {
        let mut all = (text.len() as u32 + 5).to_le_bytes().to_vec();
        all.extend_from_slice(text);
        all.push(0xff);
        blob(&all)
    };
    let malformed = |what: &'static str| Fault::Malformed(what);
    let long_field = with(9, &[&blob(b"\x01\xfe\x01\0\0\0f\x01\0v\xff")]);
    let far = (1u64 << 48).to_string();
    let cases: Vec<(&str, Vec<u8>, Fault)> = vec![
        ("135 modules", vec![7, 0], Fault::UnsupportedType(7)),
        ("135 a type that was never used", vec![8, 0], Fault::UnsupportedType(8)),
        ("135 functions", vec![0xf5, 0], Fault::UnsupportedType(0xf5)),
        ("135 beyond the last type", vec![26, 0], Fault::UnsupportedType(26)),
        ("136 2^63 elements", b"\x01\x81\x80\0\0\0\0\0\0\0\x01a".to_vec(), Fault::Truncated),
        ("136 2^32 members", b"\x02\x81\0\0\0\x01\0\0\0\0\x01a".to_vec(), Fault::Truncated),
        ("139 total", two(10, &[&b"\x35"[..], &ZIPLIST[2..]].concat()), malformed("ziplist")),
        ("141 behind the end", two(10, &[&b"\x37"[..], &ZIPLIST[2..], b"\0"].concat()), malformed("ziplist")),
        ("141 empty ziplist, list", two(10, b"\x0b\0\0\0\x0a\0\0\0\0\0\xff"), Fault::Empty),
        ("141 empty ziplist, hash", two(13, b"\x0b\0\0\0\x0a\0\0\0\0\0\xff"), Fault::Empty),
        ("141 empty ziplist, zset", two(12, b"\x0b\0\0\0\x0a\0\0\0\0\0\xff"), Fault::Empty),
        ("142 long form of a short length", long_field, malformed("zipmap")),
        ("142 empty zipmap", two(9, b"\0\xff"), Fault::Empty),
        ("142 duplicate", two(9, b"\x02\x01f\x01\0v\x01f\x01\0w\xff"), Fault::Duplicate),
        ("143 width 3", two(11, b"\x03\0\0\0\x01\0\0\0abc"), malformed("intset")),
        ("143 size", two(11, b"\x02\0\0\0\x02\0\0\0ab"), malformed("intset")),
        ("143 not sorted", two(11, b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0"), malformed("order of an intset")),
        ("143 duplicate", two(11, b"\x02\0\0\0\x02\0\0\0\x01\0\x01\0"), malformed("order of an intset")),
        ("143 empty", two(11, b"\x02\0\0\0\0\0\0\0"), Fault::Empty),
        ("144 total", two(16, b"\x0e\0\0\0\x02\0\x81f\x02\x81v\x02\xff"), malformed("listpack")),
        ("144 no end", two(16, b"\x0c\0\0\0\x02\0\x81f\x02\x81v\x02"), malformed("listpack")),
        ("144 end first", two(16, b"\x0d\0\0\0\x02\0\xff\x81f\x02\x81v\x02"), malformed("listpack")),
        ("145 text beyond the end", with(16, &[&lp(b"\x02\0\x81f\x02\xbfv\x02")]), malformed("listpack")),
        ("145 text of 2^31", with(16, &[&lp(b"\x02\0\x81f\x02\xf0\xff\xff\xff\x7fv\x02")]), malformed("listpack")),
        ("145 size backwards", with(16, &[&lp(b"\x02\0\x81f\x02\x81v\x03")]), malformed("listpack")),
        ("145 count", with(16, &[&lp(b"\x04\0\x81f\x02\x81v\x02")]), malformed("listpack")),
        ("146 odd hash", with(16, &[&listpack(&["f", "v", "g"])]), malformed("tuples of a hash")),
        ("146 odd zset", with(17, &[&listpack(&["m", "1", "n"])]), malformed("pairs of a sorted set")),
        ("146 duplicate field", with(16, &[&listpack(&["f", "1", "f", "2"])]), Fault::Duplicate),
        ("146 duplicate, once as text", with(16, &[&lp(b"\x04\0\x811\x02\x01\x01\x01\x01\x02\x01")]), Fault::Duplicate),
        ("147 no chunks", b"\x12\0".to_vec(), Fault::Empty),
        ("147 empty chunk", with(18, &[b"\x01\x02", &blob(b"\x07\0\0\0\0\0\xff")]), Fault::Empty),
        ("147 chunk of no bytes", b"\x12\x01\x02\0".to_vec(), malformed("chunk of a list")),
        ("147 plain of no bytes", b"\x12\x01\x01\0".to_vec(), malformed("chunk of a list")),
        ("147 container 3", with(18, &[b"\x01\x03", &listpack(&["a"])]), malformed("kind of chunk")),
        ("147 plain in packed", b"\x12\x01\x02\x05hello".to_vec(), malformed("listpack")),
        ("147 chunks missing", with(18, &[b"\x02\x02", &listpack(&["a"])]), Fault::Truncated),
        ("147 chunk of 1 GiB", b"\x12\x01\x01\x80\x40\0\0\0x".to_vec(), Fault::Truncated),
        ("148 order", timed(&["f", "v", "2000", "g", "v", "1000"]), malformed("order of the fields of a hash")),
        ("148 one without first", timed(&["f", "v", "0", "g", "v", "1000"]), malformed("order of the fields of a hash")),
        ("148 time as text", timed(&["f", "v", "soon"]), malformed("expiry of a field")),
        ("148 time too far", timed(&["f", "v", &far]), malformed("expiry of a field")),
        ("148 time before 1970", timed(&["f", "v", "-1"]), malformed("expiry of a field")),
        ("148 pairs", timed(&["f", "v"]), malformed("tuples of a hash")),
        ("148 duplicate", timed(&["f", "v", "1000", "f", "v", "1001"]), Fault::Duplicate),
        ("148 empty", timed(&[]), Fault::Empty),
        ("148 first of 2^63", with(24, &[&[0xff; 8], b"\x01\x01\x01f\x01v"]), malformed("expiry of a field")),
        (
            "148 sum too far",
            with(24, &[&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], b"\x01\x02\x01f\x01v"]),
            malformed("expiry of a field"),
        ),
        (
            "148 code of 2^64",
            with(24, &[&[9, 0, 0, 0, 0, 0, 0, 0], b"\x01\x81", &[0xff; 8], b"\x01f\x01v"]),
            malformed("expiry of a field"),
        ),
        ("149 NaN", with(5, &[b"\x01\x01m", &nan]), Fault::NotANumber),
        ("149 NaN in old text", b"\x03\x01\x01m\xfd".to_vec(), Fault::NotANumber),
        ("149 NaN as text", b"\x03\x01\x01m\x03nan".to_vec(), Fault::NotANumber),
        ("149 NaN in a listpack", with(17, &[&listpack(&["m", "nan"])]), Fault::NotANumber),
        ("149 no number", with(17, &[&listpack(&["m", "abc"])]), Fault::NotANumber),
        ("149 score of 128 bytes", with(3, &[b"\x01\x01m\x80", &[b'x'; 128]]), Fault::NotANumber),
        ("149 duplicate", b"\x03\x02\x01m\x011\x01m\x012".to_vec(), Fault::Duplicate),
        ("149 duplicate in a listpack", with(17, &[&listpack(&["m", "1", "m", "2"])]), Fault::Duplicate),
        ("149 order", with(17, &[&listpack(&["m", "2", "n", "1"])]), malformed("order of a sorted set")),
        ("149 order of members", with(17, &[&listpack(&["n", "1", "m", "1"])]), malformed("order of a sorted set")),
        ("149 empty", vec![5, 0], Fault::Empty),
        ("150 duplicate", b"\x02\x02\x01a\x01a".to_vec(), Fault::Duplicate),
        ("150 duplicate number", b"\x02\x02\xc0\x05\x015".to_vec(), Fault::Duplicate),
        ("150 duplicate in a listpack", with(20, &[&listpack(&["a", "a"])]), Fault::Duplicate),
        ("150 more than there are", b"\x02\x03\x01a\x01b".to_vec(), Fault::Truncated),
        ("150 empty", vec![2, 0], Fault::Empty),
        ("150 empty listpack", with(20, &[&listpack(&[])]), Fault::Empty),
        ("151 duplicate", b"\x04\x02\x01f\x01v\x01f\x01w".to_vec(), Fault::Duplicate),
        ("151 none", vec![4, 0], Fault::Empty),
        ("151 odd", b"\x04\x01\x01f".to_vec(), Fault::Truncated),
        ("151 2^40 fields", b"\x04\x81\0\0\x01\0\0\0\0\0\x01f\x01v".to_vec(), Fault::Truncated),
        ("bytes behind", b"\x04\x01\x01f\x01v\0".to_vec(), Fault::TrailingBytes),
    ];
    for (what, body, fault) in cases {
        assert_eq!(object(&body, &Limits::default()).map(|o| texts(&o)), Err(fault), "{what}");
    }
}

#[test]
fn lengths_in_longer_forms_are_the_same_lengths() {
    for count in [b"\x01".as_slice(), b"\x40\x01", b"\x80\0\0\0\x01", b"\x81\0\0\0\0\0\0\0\x01"] {
        assert_eq!(texts(&object(&with(2, &[count, b"\x01a"]), &Limits::default()).unwrap()), ["a"]);
    }
}

#[test]
fn digits_that_a_listpack_holds_as_text_become_numbers() {
    let set = object(b"\x14\x0a\x0a\0\0\0\x01\0\x817\x02\xff", &Limits::default()).unwrap();
    let Object::Set(set) = set else { panic!() };
    assert!(set.view().contains(b"7"));
}

fn dumped(object: &Object, compress: bool) -> Vec<u8> {
    let mut out = Vec::new();
    collection::dump_object(&mut out, object, compress);
    out
}

#[test]
fn packed_ones_are_written_as_redis_writes_them() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let limits = Limits::default();
    let mut list = List::default();
    for text in ["a", "b", "1", "-1", "300", "100000", "10000000", "5000000000"] {
        list.push_back(text.as_bytes(), &limits);
    }
    let expected = "1201022a2a000000080081610281620201 01dfff02c12c02f2a0860104f38096980005f400f2052a0100000009ff".replace(' ', "");
    assert_eq!(hex(dumped(&List::wrap(list.into()), false)), expected);
    let mut set = Set::default();
    ["1", "70000", "-5"].iter().for_each(|m| assert!(set.insert(m.as_bytes(), &limits)));
    assert_eq!(hex(dumped(&Set::wrap(set.into()), false)), "0b140400000003000000fbffffff0100000070110100");
    let mut zset = Zset::default();
    for (member, score) in [("a", 1.0), ("b", 2.5), ("c", f64::NEG_INFINITY)] {
        zset.insert(member.as_bytes(), score, &limits);
    }
    assert_eq!(
        hex(dumped(&Zset::wrap(zset.clone().into()), false)),
        "111d1d000000060081630284 2d696e660581610201018162 0283322e3504ff".replace(' ', "")
    );
    zset.expect(1000, 0, &limits);
    zset.remove(b"c");
    assert_eq!(hex(dumped(&Zset::wrap(zset.into()), false)), "050201620000000000000440 0161000000000000f03f".replace(' ', ""));
    let mut hash = Hash::default();
    hash.insert(b"f", b"v", None, &limits);
    hash.insert(b"n", b"10", None, &limits);
    assert_eq!(hex(dumped(&Hash::wrap(hash.into()), false)), "1012120000000400816602817602816e020a01ff");
    let mut hash = Hash::default();
    for (field, value, at) in [("f3", "v3", None), ("f2", "v2", Some(1_800_000_005_000)), ("f1", "v1", Some(1_800_000_000_000))] {
        hash.insert(field.as_bytes(), value.as_bytes(), at, &limits);
    }
    let whole = payload(&dumped(&Hash::wrap(hash.into()), false));
    let expected =
        "1900505c18a3010000353500000009008266310382763103f400505c18a3010000098266320382763203f488635c18a30100000982663303827633030001ff";
    assert_eq!(hex(whole), format!("{expected}0c0094162fd92f9a7480"));
}

/// A random collection of any type and size.
fn random(rng: &mut Rng, limits: &Limits) -> Object {
    let count = [1, 3, 20, 700][rng.below(4) as usize];
    let draw = |rng: &mut Rng| -> Vec<u8> {
        match rng.below(6) {
            0 | 1 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
            2 => vec![b'x'; rng.below(100) as usize],
            3 => (0..rng.below(30)).map(|_| rng.next_u32() as u8).collect(),
            _ => format!("member {}", rng.below(1000)).into_bytes(),
        }
    };
    let (mut list, mut set, mut zset, mut hash) = (List::default(), Set::default(), Zset::default(), Hash::default());
    let kind = rng.below(5);
    for _ in 0..count {
        let text = draw(rng);
        match kind {
            0 => list.push_back(&text, limits),
            1 => drop(set.insert(&text, limits)),
            2 => drop(set.insert((rng.next_u64() as i64 >> rng.below(64)).to_string().as_bytes(), limits)),
            3 => {
                let score = [rng.below(50) as f64, f64::from_bits(rng.next_u64()), 0.1, f64::INFINITY][rng.below(4) as usize];
                zset.insert(&text, if score.is_nan() { 7.0 } else { score }, limits);
            }
            _ => {
                let at = (rng.below(3) == 0 && count != 3).then(|| 1 + rng.below(1 << 48).min((1 << 48) - 2) as i64);
                hash.insert(&text, &draw(rng), at, limits);
            }
        }
    }
    match kind {
        0 => List::wrap(list.into()),
        1 | 2 => Set::wrap(set.into()),
        3 => Zset::wrap(zset.into()),
        _ => Hash::wrap(hash.into()),
    }
}

#[test]
fn whatever_is_written_comes_back() {
    let limits = Limits { list_max_listpack_size: 50, seed: 3, ..Limits::default() };
    let mut rng = Rng::new(1);
    for n in 0..200 {
        let one = random(&mut rng, &limits);
        let body = dumped(&one, n % 2 == 0);
        let other = object(&body, &limits).unwrap_or_else(|f| panic!("{f:?}"));
        assert_eq!((one.encoding(), texts(&one)), (other.encoding(), texts(&other)));
        if !matches!(one.encoding(), "hashtable" | "skiplist") {
            assert_eq!(dumped(&other, n % 2 == 0), body);
        }
    }
}

#[test]
fn damaged_payloads_never_panic_and_what_is_read_can_be_written() {
    let limits = Limits { list_max_listpack_size: 10, ..Limits::default() };
    let mut rng = Rng::new(2);
    for _ in 0..600 {
        let mut body = dumped(&random(&mut rng, &limits), false);
        for _ in 0..=rng.below(3) {
            let at = rng.below(body.len().min(80) as u64) as usize;
            body[at] = rng.next_u32() as u8;
        }
        if let Ok(Value::Object(object)) = restore(&payload(&body), &limits) {
            let again = restore(&payload(&dumped(&object, false)), &limits);
            assert!(matches!(again, Ok(Value::Object(other)) if texts(&other) == texts(&object)), "{body:?}");
        }
    }
}
