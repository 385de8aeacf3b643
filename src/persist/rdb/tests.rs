//! Claims about files: what is written is read, in windows and slices of any size.

use super::*;
use crate::base::rng::Rng;
use crate::data::codec;
use crate::data::codec::{Dialect, Fault, put_string, wire::put_length};
use crate::data::collection::{Collection, Limits, Object};
use crate::data::stream::{Id, Pending, Stream, group::Group};
use crate::data::{hash::Hash, list::List, pack::Item, set::Set, zset::Zset};
use crate::keyspace::{Keyspace, Look, SLOTS, Ttl, Value};

fn text(rng: &mut Rng) -> Vec<u8> {
    match rng.below(8) {
        0 | 1 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        2 => vec![b'x'; rng.below(100) as usize],
        3 => (0..rng.below(30)).map(|_| rng.next_u32() as u8).collect(),
        4 if rng.below(40) == 0 => (0..rng.below(300_000)).map(|n| (n / 64) as u8 ^ rng.below(4) as u8).collect(),
        _ => format!("member {}", rng.below(1000)).into_bytes(),
    }
}

fn stream(rng: &mut Rng, limits: &Limits) -> Stream {
    let mut stream = Stream::default();
    for n in 0..rng.below(300) {
        let (name, value) = (format!("f{}", rng.below(3)), text(rng));
        let pairs = [Item::Text(name.as_bytes()), Item::of(&value)];
        stream.append(Id::new(n * 7 + 1, rng.below(3)), &pairs[..], 10, limits).unwrap();
        if rng.below(5) == 0 {
            stream.delete(Id::new(n * 7 + 1, 0));
        }
    }
    for n in 0..rng.below(4) {
        let mut group = Group::new(Id::new(n, 1), rng.below(5) as i64 - 1);
        for c in 0..rng.below(4) {
            let (number, _) = group.enroll(format!("c{c}").as_bytes(), 1000 + c as i64);
            for _ in 0..rng.below(60) {
                group.assign(Id::new(rng.below(500), 1), Pending { time: 5, count: rng.below(9), consumer: number });
            }
        }
        stream.add_group(format!("group {n}").as_bytes(), group);
    }
    stream
}

/// A value of any type and size.
fn random(rng: &mut Rng, limits: &Limits) -> Value {
    let count = [1, 3, 20, 700][rng.below(4) as usize];
    let (mut list, mut set, mut zset, mut hash) = (List::default(), Set::default(), Zset::default(), Hash::default());
    let kind = rng.below(8);
    for _ in 0..count {
        match kind {
            0 => list.push_back(&text(rng), limits),
            1 => drop(set.insert(&text(rng), limits)),
            2 => drop(set.insert((rng.next_u64() as i64 >> rng.below(64)).to_string().as_bytes(), limits)),
            3 => drop(zset.insert(&text(rng), [rng.below(50) as f64, 0.1, f64::INFINITY][rng.below(3) as usize], limits)),
            4 => drop(hash.insert(&text(rng), &text(rng), None, limits)),
            _ => {}
        }
    }
    Value::Object(match kind {
        0 => List::wrap(list.into()),
        1 | 2 => Set::wrap(set.into()),
        3 => Zset::wrap(zset.into()),
        4 => Hash::wrap(hash.into()),
        5 => Stream::wrap(stream(rng, limits).into()),
        6 => return Value::Int(rng.next_u64() as i64 >> rng.below(64)),
        _ => return Value::Str { bytes: text(rng).into(), raw: false },
    })
}

fn timed(rng: &mut Rng, limits: &Limits) -> Value {
    let mut hash = Hash::default();
    for n in 0..[2, 700][rng.below(2) as usize] {
        let at = (rng.below(3) > 0 || n == 0).then(|| 1 + rng.below(1 << 40) as i64);
        hash.insert(format!("field {n}").as_bytes(), &text(rng), at, limits);
    }
    Value::Object(Hash::wrap(hash.into()))
}

/// What a value is, however it is kept.
fn shown(value: &codec::Value) -> Vec<String> {
    let item = |item: &Item| String::from_utf8_lossy(&item.to_vec()).into_owned();
    let object = match value {
        codec::Value::Int(n) => return vec![n.to_string()],
        codec::Value::Str(bytes) => return vec![String::from_utf8_lossy(bytes).into_owned()],
        codec::Value::Object(object) => object,
    };
    let mut all: Vec<String> = match object {
        Object::List(list) => return list.view().iter().map(|e| item(&e.item())).collect(),
        Object::Zset(zset) => zset.view().iter().map(|(m, s)| format!("{}={s}", item(&m))).collect(),
        Object::Stream(stream) => {
            let mut out = Vec::new();
            // What the oldest version keeps.
            let edition = codec::Edition::V9;
            codec::collection::put_value(&mut out, codec::stream::kind(edition), codec::collection::View::Stream(stream), false);
            return vec![format!("{out:?}")];
        }
        Object::Set(set) => set.view().iter().map(|m| item(&m)).collect(),
        Object::Hash(hash) => hash.view().iter().map(|(f, v, at)| format!("{}={}@{at:?}", item(&f), item(&v))).collect(),
    };
    all.sort();
    all
}

fn plain(value: &Value) -> codec::Value {
    match value {
        Value::Int(n) => codec::Value::Int(*n),
        Value::Str { bytes, .. } => match crate::data::pack::number_of(bytes) {
            Some(n) => codec::Value::Int(n),
            None => codec::Value::Str(bytes.to_vec()),
        },
        Value::Object(object) => codec::Value::Object(object.clone()),
    }
}

/// Keys with what they hold.
type Keys = Vec<(Vec<u8>, Vec<String>)>;

/// A file of a few values; what was written, in order.
fn file(rng: &mut Rng, format: &Format, limits: &Limits, slices: bool) -> (Vec<u8>, Keys) {
    let (mut out, mut kept, mut needed) = (write::magic(format.version, 12).to_vec(), Vec::new(), 0);
    write::put_aux(&mut out, b"redis-ver", b"7.4.0");
    write::put_function(&mut out, b"#!lua name=f\nredis.register_function('f', function() return 1 end)", format.compresses);
    write::put_select_db(&mut out, 3);
    write::put_resize_db(&mut out, 300, 1 << 40);
    for n in 0..8 {
        let has_times = matches!(format.version, Version::Auto | Version::V12 | Version::Valkey) && rng.below(6) == 0;
        let value = if has_times { timed(rng, limits) } else { random(rng, limits) };
        let key = [text(rng), format!("#{n}").into_bytes()].concat();
        let head = Head { key: &key, expire_at: (n % 2 == 0).then_some(4000000000000 + n), idle: Some(70), freq: (n == 1).then_some(200) };
        if slices {
            let (mut slices, most) = Slices::new(format, &head, value.clone()).unwrap();
            needed = needed.max(most);
            let budget = 1 + rng.below(2000) as usize;
            while !slices.write(budget, &mut out) {}
        } else {
            needed = needed.max(write::put_key(&mut out, format, &head, &value).unwrap());
        }
        kept.push((key, shown(&plain(&value))));
    }
    out[..9].copy_from_slice(&write::magic(format.version, needed));
    write::put_end(&mut out);
    let crc = checksum(&out);
    write::put_checksum(&mut out, crc);
    (out, kept)
}

/// What comes out of a file read in windows of `size` bytes and more.
fn read(bytes: &[u8], size: usize, limits: &Limits) -> Result<Keys, Failure> {
    read_with(bytes, size, skim::LONG, limits)
}

fn read_with(bytes: &[u8], size: usize, long: u64, limits: &Limits) -> Result<Keys, Failure> {
    let mut skim = Skim::new(Some(bytes.len() as u64), 16).with_long_from(long);
    let (mut base, mut end) = (0, size.min(bytes.len()));
    let mut found = Vec::new();
    loop {
        match skim.next(&bytes[base..end], base as u64)? {
            Next::NeedMore { from, bytes: more } => {
                assert!(more > 0 && from as usize + more > end, "{from} {more}: has {base}..{end}");
                base = from as usize;
                end = (base + more.max(size)).min(bytes.len());
                assert!(base + more <= bytes.len());
            }
            Next::Record(Record::Key(key)) => {
                let name = key.key.to_vec();
                let value = match key.value {
                    Some(_) => match key.decode(skim.dialect(), limits) {
                        Err(Failure { cause: Cause::Value { fault: Fault::Empty, .. }, .. }) => vec!["empty".into()],
                        value => shown(&value?),
                    },
                    None => {
                        skim.keep(limits);
                        Vec::new()
                    }
                };
                found.push((name, value));
            }
            Next::Record(Record::Built(value)) => found.last_mut().unwrap().1 = shown(&value),
            Next::Record(Record::End { crc, covered }) => {
                verify(crc, checksum(&bytes[..covered as usize]), covered)?;
                assert_eq!(skim.offset(), bytes.len() as u64);
                return Ok(found);
            }
            Next::Record(_) => {}
        }
    }
}

const VERSIONS: [Version; 6] = [Version::Auto, Version::V9, Version::V10, Version::V11, Version::V12, Version::Valkey];

#[test]
fn whatever_is_written_is_read_in_windows_of_any_size() {
    let limits = Limits { list_max_listpack_size: 50, seed: 3, ..Limits::default() };
    let mut rng = Rng::new(1);
    for n in 0..24 {
        let format = Format { version: VERSIONS[n % 6], compresses: n % 4 < 2, recency: Recency::Nothing };
        let (bytes, kept) = file(&mut rng, &format, &limits, n % 8 < 3);
        for (size, long) in [(bytes.len(), skim::LONG), (4096, 100), (100, 0), (7, skim::LONG), (1, 100)] {
            if bytes.len() / size < 40_000 {
                let found = read_with(&bytes, size, long, &limits).unwrap_or_else(|f| panic!("{f} ({format:?})"));
                assert!(found == kept, "{format:?} {size}");
            }
        }
    }
}

#[test]
fn slices_write_what_is_written_in_one_go() {
    let limits = Limits { list_max_listpack_size: 50, seed: 3, ..Limits::default() };
    for n in 0..60 {
        let format = Format { version: VERSIONS[n as usize % 6], compresses: false, recency: Recency::Nothing };
        let (mut out, mut rng) = (Vec::new(), Rng::new(n));
        let value = random(&mut rng, &limits);
        let head = Head { key: b"k", ..Head::default() };
        write::put_key(&mut out, &format, &head, &value).unwrap();
        let (mut slices, _) = Slices::new(&format, &head, value).unwrap();
        let mut pieces = Vec::new();
        while !slices.write(1 + rng.below(500) as usize, &mut pieces) {}
        assert!(out == pieces, "{n}");
    }
}

const FILES: [(&str, &[u8], usize); 5] = [
    ("redis 7.0", include_bytes!("../../../tests/fixtures/rdb/redis-7.0.rdb"), 22),
    ("redis 8.0", include_bytes!("../../../tests/fixtures/rdb/redis-8.0.rdb"), 24),
    ("valkey 9", include_bytes!("../../../tests/fixtures/rdb/valkey-9.rdb"), 24),
    ("redis 8.0, lfu", include_bytes!("../../../tests/fixtures/rdb/redis-8.0-lfu.rdb"), 22),
    ("redis 8.0, lru, nothing compressed or summed", include_bytes!("../../../tests/fixtures/rdb/redis-8.0-lru.rdb"), 22),
];

#[test]
fn files_of_other_servers_are_read() {
    for (name, bytes, keys) in FILES {
        let limits = Limits::default();
        let found = read(bytes, bytes.len(), &limits).unwrap_or_else(|f| panic!("{name}: {f}"));
        assert_eq!(found.len(), keys, "{name}");
        assert!(found == read_with(bytes, 50, 20, &limits).unwrap(), "{name}");
        let value = |key: &str| {
            let (_, value) = found.iter().find(|(own, _)| own == key.as_bytes()).unwrap_or_else(|| panic!("{name}: {key}"));
            value.iter().map(String::as_str).collect::<Vec<_>>()
        };
        for (key, text) in [("small", "v"), ("int16", "-1000"), ("int64", "12345678901"), ("300", "numeric key"), ("empty", "")] {
            assert_eq!(value(key), [text], "{name}");
        }
        assert_eq!(value("long"), ["abcdefgh".repeat(40)]);
        assert_eq!(value("list"), ["a", "b", "1", "-1", "300", "100000", "10000000", "5000000000"]);
        assert_eq!((value("big list").len(), value("big set").len(), value("big zset").len()), (401, 141, 131));
        assert_eq!((value("ints"), value("set")), (vec!["1", "2", "70000"], vec!["7", "a", "b"]));
        assert_eq!(value("zset"), ["a=1", "b=2.5", "c=-inf"]);
        assert_eq!(value("hash"), ["f=v@None", "n=10@None"]);
        if keys == 24 {
            assert_eq!(value("timed"), ["a=1@Some(4000000000000)", "b=2@Some(4000000000000)", "c=3@None"]);
            assert_eq!(value("big timed").iter().filter(|field| field.contains("Some(4000000000001)")).count(), 2);
        }
    }
}

/// What the first key of a file says of its use, and that of the key `exp`.
#[test]
fn attributes_belong_to_the_next_key_only() {
    for (name, bytes, _) in FILES {
        let mut skim = Skim::new(Some(bytes.len() as u64), 4);
        let mut expiring = 0;
        loop {
            let at = skim.offset();
            match skim.next(&bytes[at as usize..], at).unwrap() {
                Next::Record(Record::Key(key)) => {
                    assert_eq!(key.freq.is_some(), name.contains("lfu"), "{name}");
                    assert_eq!(key.idle.is_some(), name.contains("lru"), "{name}");
                    assert_eq!(key.db, if &*key.key == b"other" { 3 } else { 0 });
                    assert_eq!(key.expire_at, (&*key.key == b"exp").then_some(4_000_000_000_000), "{name}");
                    expiring += usize::from(key.expire_at.is_some());
                }
                Next::Record(Record::End { .. }) => break,
                Next::Record(_) => {}
                Next::NeedMore { .. } => panic!("{name}"),
            }
        }
        assert_eq!(expiring, 1);
    }
}

#[test]
fn a_file_cut_anywhere_is_short() {
    let limits = Limits::default();
    let format = Format { version: Version::V12, compresses: true, recency: Recency::Nothing };
    let (bytes, _) = file(&mut Rng::new(4), &format, &Limits { list_max_listpack_size: 4, ..limits }, false);
    for (bytes, step) in [(&bytes[..], bytes.len() / 700 + 1), (FILES[0].1, 13)] {
        for len in (0..bytes.len()).step_by(step).chain(bytes.len() - 20..bytes.len()) {
            let failure = read_with(&bytes[..len], len.max(1), 200, &limits).err();
            assert!(matches!(failure, Some(Failure { cause: Cause::Short, .. })), "{len}: {failure:?}");
        }
    }
}

/// A file with these records, sums right.
fn file_of(records: &[u8]) -> Vec<u8> {
    let mut out = write::magic(Version::V12, 12).to_vec();
    out.extend_from_slice(records);
    write::put_end(&mut out);
    let crc = checksum(&out);
    write::put_checksum(&mut out, crc);
    out
}

#[test]
fn a_changed_bit_is_always_found() {
    let records = b"\xfa\x01a\xc0\x05\xfe\0\xfb\x02\x01\xfc\0\0\0\0\x01\0\0\0\0\x01k\xc0\x07\x12\x01l\x01\x02\x0a\x0a\0\0\0\x01\0\x81a\x02\xff\x05\x01z\x01\x01m\0\0\0\0\0\0\xf0\x3f\xf9\x07\x04\x01h\x01\x01f\x01v";
    let bytes = file_of(records);
    assert_eq!(read(&bytes, bytes.len(), &Limits::default()).unwrap().len(), 4);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            assert!(read(&bad, bad.len(), &Limits::default()).is_err(), "byte {at} bit {bit}");
        }
    }
    let mut unsummed = bytes.clone();
    let end = unsummed.len() - 8;
    unsummed[end..].fill(0);
    assert_eq!(read(&unsummed, 10, &Limits::default()).unwrap().len(), 4);
}

/// A key `k` of type `kind`.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 1, b'k'], body].concat()
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, bytes, false);
    out
}

fn value(kind: u8, fault: Fault) -> Cause {
    Cause::Value { kind, fault }
}

/// Each row is a row of the list of bad inputs; the ones about single values stand in full beside their decoder.
#[test]
fn damaged_files_are_refused_with_a_reason() {
    let rows: Vec<(&str, Vec<u8>, Cause)> = vec![
        ("135 type 255 is the end, 200 is none", record(200, b""), Cause::UnknownType(200)),
        ("135 a type that was never used", record(8, b""), Cause::UnknownType(8)),
        ("135 beyond the last type", record(26, b""), Cause::UnknownType(26)),
        ("135 a module's value", record(7, b"\x81\0\0\0\0\0\0\x04\x01\x02\x05\0"), Cause::Module("AAAAAAAAB".into())),
        ("135 an old module's value", record(6, b"\0"), Cause::PreReleaseModule),
        ("135 functions of a candidate", vec![0xF6, 0], Cause::PreReleaseFunction),
        ("136 2^63 elements", record(1, b"\x81\x80\0\0\0\0\0\0\0\x01a"), value(1, Fault::BadStringEncoding(63))),
        ("136 2^63 bytes", record(0, b"\x81\x80\0\0\0\0\0\0\0a"), Cause::Short),
        ("136 2^64 bytes", record(0, b"\x81\xff\xff\xff\xff\xff\xff\xff\xffa"), value(0, Fault::Truncated)),
        ("136 no form of a length", record(1, b"\x82a"), value(1, Fault::BadLength(0x82))),
        ("137 longer than the file", record(0, b"\x44\0a"), Cause::Short),
        ("137 wrong size", record(0, b"\xc3\x02\x05\0a"), value(0, Fault::BadCompression)),
        ("137 4 GiB claimed", record(0, b"\xc3\x02\x80\xff\xff\xff\xff\0a"), value(0, Fault::BadCompression)),
        ("138 integer encoding 4", record(0, b"\xc4a"), value(0, Fault::BadStringEncoding(4))),
        ("138 in a key", vec![0, 0xc5, b'k', 1, b'v'], value(0, Fault::BadStringEncoding(5))),
        ("139 ziplist", record(10, &blob(b"\x0c\0\0\0\x0a\0\0\0\0\0\xff")), value(10, Fault::Malformed("ziplist"))),
        ("142 zipmap", record(9, &blob(b"\x01\x01f")), value(9, Fault::Malformed("zipmap"))),
        ("143 intset", record(11, &blob(b"\x03\0\0\0\x01\0\0\0abc")), value(11, Fault::Malformed("intset"))),
        ("144 listpack", record(16, &blob(b"\x07\0\0\0\0\0\0")), value(16, Fault::Malformed("listpack"))),
        ("147 container", record(18, b"\x01\x03\x01a"), value(18, Fault::Malformed("kind of chunk"))),
        ("148 far", record(24, b"\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x01f\x01v"), value(24, Fault::Malformed("expiry of a field"))),
        ("149 NaN", record(3, b"\x01\x01m\xfd"), value(3, Fault::NotANumber)),
        ("150 twice", record(2, b"\x02\x01a\x01a"), value(2, Fault::Duplicate)),
        ("151 2^40 fields", record(4, b"\x81\0\0\x01\0\0\0\0\0\x01f\x01v"), value(4, Fault::BadStringEncoding(63))),
        ("158 database 2^63", vec![0xFE, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0], Cause::Database { db: 1 << 63, databases: 16 }),
        ("158 slot 16384", b"\xf4\x80\0\0\x40\0\x01\x01".to_vec(), Cause::Slot(16384)),
        ("158 slot 2^31", b"\xf4\x80\x80\0\0\0\x01\x01".to_vec(), Cause::Slot(1 << 31)),
        ("159 name of 1 GiB", b"\xfa\x80\x40\0\0\0a".to_vec(), Cause::Short),
        ("159 unknown opcode", vec![0xF3], Cause::UnknownType(0xF3)),
        ("159 an import of Valkey's", b"\xf3\x01n\x01\0\x05".to_vec(), Cause::UnknownType(0xF3)),
        ("159 facts of a module", b"\xf7\x05\x01\x01\0".to_vec(), value(0xF7, Fault::Malformed("facts of a module"))),
        ("159 item of a module", b"\xf7\x05\x02\x01\x09\0".to_vec(), value(0xF7, Fault::Malformed("item of a module"))),
    ];
    for (name, records, cause) in rows {
        let bytes = file_of(&records);
        for (size, long) in [(bytes.len(), skim::LONG), (1, skim::LONG)] {
            let failure = read_with(&bytes, size, long, &Limits::default()).expect_err(name);
            assert_eq!(failure.cause, cause, "{name}");
            assert!((9..=13).contains(&failure.at), "{name}");
        }
        assert!(read_with(&bytes, 3, 0, &Limits::default()).is_err(), "{name}");
    }
}

#[test]
fn the_first_bytes_say_whose_file_it_is() {
    let magic = |bytes: &[u8]| {
        let mut skim = Skim::new(Some(bytes.len() as u64), 1);
        match skim.next(bytes, 0) {
            Ok(Next::Record(Record::Magic { version, dialect })) => Ok((version, dialect)),
            Ok(_) => panic!(),
            Err(failure) => Err(failure.cause.to_string()),
        }
    };
    let wrong = |text: &str| Err(text.to_string());
    assert_eq!(magic(b"REDIS0011"), Ok((11, Dialect::Redis)));
    assert_eq!(magic(b"REDIS0001"), Ok((1, Dialect::Redis)));
    assert_eq!(magic(b"VALKEY080"), Ok((80, Dialect::Valkey)));
    assert_eq!(magic(b"REDIX0011"), wrong("Wrong signature trying to load DB from file"));
    assert_eq!(magic(b"*3\r\n$3\r\nSET"), wrong("Wrong signature trying to load DB from file"));
    assert_eq!(magic(b"REDIS0000"), wrong("Can't handle RDB format version 0"));
    assert_eq!(magic(b"REDIS9999"), wrong("Can't handle RDB format version 9999"));
    assert_eq!(magic(b"REDISabcd"), wrong("Can't handle RDB format version 0"));
    assert_eq!(magic(b"VALKEY011"), wrong("Can't handle RDB format version 11"));
    assert_eq!(magic(b"REDIS00"), wrong("Short read or OOM loading DB. Unrecoverable error, aborting now."));
}

#[test]
fn slots_that_a_valkey_was_importing_are_told() {
    let name = [[40].as_slice(), &[b'0'; 40]].concat();
    let file = |records: &[&[u8]]| [b"VALKEY080".as_slice(), &records.concat(), b"\xff\0\0\0\0\0\0\0\0"].concat();
    let import = |ranges: &[u8]| [b"\xf3".as_slice(), &name, ranges].concat();
    let found = |bytes: &[u8]| {
        let mut skim = Skim::new(Some(bytes.len() as u64), 16);
        // Record by record in the shortest window that will do.
        let (mut len, mut ranges) = (0, None);
        loop {
            match skim.next(&bytes[..len], 0).map_err(|failure| failure.cause)? {
                Next::NeedMore { from, bytes: more } if from as usize + more <= bytes.len() => len = from as usize + more,
                Next::NeedMore { .. } => return Err(skim.end_of_input().cause),
                Next::Record(Record::SlotImport(found)) => ranges = Some(found),
                Next::Record(Record::End { .. }) => return Ok(ranges),
                Next::Record(_) => {}
            }
        }
    };
    assert_eq!(found(&file(&[&import(b"\x02\0\x05\x40\x64\x80\0\0\x3f\xff"), b"\xfe\0\0\x01k\x01v"])), Ok(Some(vec![0..=5, 100..=16383])));
    assert_eq!(found(&file(&[&import(b"\0")])), Ok(Some(vec![])));
    assert_eq!(found(&file(&[b"\xfe\0"])), Ok(None));
    let malformed = value(0xF3, Fault::Malformed("slot import"));
    assert_eq!(found(&file(&[b"\xf3\x04name\x01\0\x05"])), Err(malformed.clone()), "a name of another length");
    assert_eq!(found(&file(&[b"\xfe\0", &import(b"\x01\0\x05")])), Err(malformed.clone()), "behind keys");
    assert_eq!(found(&file(&[&import(b"\x80\0\0\x40\x01")])), Err(malformed), "more ranges than slots");
    assert_eq!(found(&file(&[&import(b"\x01\x09\x05")])), Err(Cause::Slot(9)), "from behind");
    assert_eq!(found(&file(&[&import(b"\x01\0\x80\0\0\x40\0")])), Err(Cause::Slot(16384)));
}

#[test]
fn what_is_odd_but_allowed_is_read() {
    let limits = Limits::default();
    let read = |records: &[u8]| read(&file_of(records), 1, &limits).map(|keys| keys.len());
    assert_eq!(read(b"\xfb\x81\0\0\x01\0\0\0\0\0\x01"), Ok(0), "2^40 keys are a hint");
    assert_eq!(read(b"\xf7\x05\x02\x01\x01\x05\x02\x40\x50\x03abcd\x04abcdefgh\x05\x02xx\0"), Ok(0), "facts of a module are jumped over");
    assert_eq!(read(b"\xfc\xff\xff\xff\xff\xff\xff\xff\xff\0\x01k\x01v"), Ok(1), "-1 is no expiry");
    assert_eq!(read(b"\xfc\x01\0\0\0\0\0\0\x80\0\x01k\x01v"), Ok(1), "long before 1970");
    assert_eq!(read(b"\xfd\xff\xff\xff\xff\xfe\0\0\x01k\x01v"), Ok(1), "other records may come between");
    assert_eq!(read(b"\x02\x01k\0"), Ok(1), "an empty collection");
    let mut behind = file_of(b"\0\x01k\x01v");
    let len = behind.len();
    behind.extend_from_slice(b"*1\r\n$4\r\nPING\r\n\xff");
    let mut skim = Skim::new(Some(behind.len() as u64), 1);
    while !matches!(skim.next(&behind, 0), Ok(Next::Record(Record::End { .. }))) {}
    assert_eq!(skim.offset(), len as u64, "bytes behind the end are somebody else's");
}

#[test]
fn a_version_that_cannot_hold_a_value_names_the_key() {
    let limits = Limits::default();
    let value = timed(&mut Rng::new(1), &limits);
    for version in VERSIONS {
        let format = Format { version, compresses: false, recency: Recency::Nothing };
        let head = Head { key: b"the key", ..Head::default() };
        let mut out = Vec::new();
        let result = write::put_key(&mut out, &format, &head, &value);
        let sliced = Slices::new(&format, &head, value.clone()).map(|(_, needed)| needed);
        assert_eq!(result, sliced);
        if matches!(version, Version::V9 | Version::V10 | Version::V11) {
            assert_eq!(result, Err(CannotHold { key: b"the key".to_vec(), version }));
            assert!(out.is_empty());
        } else {
            assert_eq!(result, Ok(12));
        }
    }
    assert_eq!((write::magic(Version::Auto, 11), write::magic(Version::Auto, 12)), (*b"REDIS0011", *b"REDIS0012"));
}

#[test]
fn long_strings_are_compressed_in_parts() {
    let limits = Limits::default();
    let mut rng = Rng::new(9);
    let text: Vec<u8> = (0..1_000_000u32).map(|n| (n / 700) as u8).collect();
    let noise: Vec<u8> = (0..600_000).map(|_| rng.next_u32() as u8).collect();
    let mut list = List::default();
    list.push_back(b"a", &limits);
    list.push_plain(text.clone(), &limits);
    let mut hash = Hash::default();
    hash.insert(&text, &noise, None, &limits);
    hash.insert(&noise, &text, Some(77), &limits);
    let string = |bytes: &[u8]| Value::Str { bytes: bytes.to_vec().into(), raw: false };
    let values = [string(&text), string(&noise), Value::Object(List::wrap(list.into())), Value::Object(Hash::wrap(hash.into()))];
    for compresses in [true, false] {
        for value in &values {
            let format = Format { version: Version::V12, compresses, recency: Recency::Nothing };
            let (mut slices, _) = Slices::new(&format, &Head { key: b"k", ..Head::default() }, value.clone()).unwrap();
            let (mut out, mut most) = (Vec::new(), 0);
            loop {
                let before = out.len();
                let is_done = slices.write(100_000, &mut out);
                most = most.max(out.len() - before);
                if is_done {
                    break;
                }
            }
            assert!(most < 250_000, "{most}");
            assert_eq!(read(&file_of(&out), 4096, &limits).unwrap(), [(b"k".to_vec(), shown(&plain(value)))]);
            if compresses && matches!(value, Value::Str { bytes, .. } if bytes[..] == text[..]) {
                assert!(out.len() < text.len() / 20, "{}", out.len());
            }
        }
    }
}

#[test]
fn checksums_go_on_and_join() {
    let bytes: Vec<u8> = (0..5000u32).map(|n| (n * 7) as u8).collect();
    assert_eq!(checksum(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    for cut in [0, 1, 7, 8, 63, 100, 4096, 5000] {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(checksum_more(checksum(a), b), checksum(&bytes));
        assert_eq!(checksum_joined(checksum(a), checksum(b), b.len() as u64), checksum(&bytes), "{cut}");
    }
    let zeros = vec![0; 3];
    assert_eq!(checksum_joined(checksum(b"x"), checksum(&zeros), 3), checksum(b"x\0\0\0"));
}

#[test]
fn lengths_of_groups_are_not_believed() {
    let mut body = vec![0, 0, 0, 0];
    body.push(1);
    body.extend_from_slice(b"\x01g\0\0\0");
    put_length(&mut body, 1);
    body.extend_from_slice(b"\x01c\0\0\0\0\0\0\0\0");
    put_length(&mut body, 1 << 60);
    let bytes = file_of(&record(15, &body));
    assert_eq!(read(&bytes, 1, &Limits::default()).unwrap_err().cause, Cause::Short);
}

#[test]
fn keys_are_written_where_they_lie() {
    let (limits, now) = (Limits::default(), 1_700_000_000_000);
    let mut rng = Rng::new(6);
    let mut keys = Keyspace::new(1, 1, 0..SLOTS);
    for n in 0..60 {
        let name = format!("key {n}");
        let value = if n % 9 == 0 { timed(&mut rng, &limits) } else { random(&mut rng, &limits) };
        let ttl = if n % 3 == 0 { Ttl::At(now + 5000) } else { Ttl::None };
        let key = keys.key(name.as_bytes());
        keys.find(0, &key, now, Look::Quiet);
        keys.put(0, &key, value, ttl);
        for version in [Version::Auto, Version::V9, Version::V10, Version::Valkey] {
            for recency in [Recency::Nothing, Recency::Idle, Recency::Freq] {
                let format = Format { version, compresses: n % 2 == 0, recency };
                let key = keys.key(name.as_bytes());
                let item = keys.find(0, &key, now, Look::Quiet).unwrap();
                let head = Head::of(&item, recency, now + 7000);
                assert_eq!(head.expire_at, (n % 3 == 0).then_some(now + 5000));
                assert_eq!((head.idle, head.freq.is_some()), ((recency == Recency::Idle).then_some(7), recency == Recency::Freq));
                let (mut lying, mut detached) = (Vec::new(), Vec::new());
                let result = write::put_item(&mut lying, &format, &item, now + 7000);
                assert_eq!(result, write::put_key(&mut detached, &format, &head, &item.to_value()));
                assert!(lying == detached && lying.is_empty() == result.is_err(), "{name}");
            }
        }
    }
}
