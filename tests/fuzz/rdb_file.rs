//! Any bytes as a snapshot file: told apart the same however the windows are cut; whatever is decoded can be written for every version
//! that holds it and comes back equal.

use ringfort::data::codec::Value;
use ringfort::data::collection::Limits;
use ringfort::data::digest;
use ringfort::keyspace;
use ringfort::persist::rdb::write::{magic, put_end, put_key};
use ringfort::persist::rdb::{Format, Head, Next, Recency, Record, Skim, Slices, Version};

/// What a file gives: records as text, and keys with what they hold.
struct Found {
    records: Vec<String>,
    values: Vec<(Vec<u8>, Value)>,
}

/// Reads a file in windows of at least `size` bytes.
fn read(bytes: &[u8], size: usize) -> Found {
    let limits = Limits::default();
    let mut skim = Skim::new(Some(bytes.len() as u64), 1 << 32);
    let (mut found, mut base, mut end) = (Found { records: Vec::new(), values: Vec::new() }, 0, 0);
    loop {
        let next = match skim.next(&bytes[base..end], base as u64) {
            Ok(next) => next,
            Err(failure) => {
                found.records.push(format!("{failure}"));
                return found;
            }
        };
        match next {
            Next::NeedMore { from, bytes: more } => {
                let from = usize::try_from(from).expect("files are smaller than memory");
                assert!(from + more <= bytes.len() && (from + more > end || from < base), "{from} {more} of {}", bytes.len());
                base = from;
                end = (from + more.max(size)).min(bytes.len());
            }
            Next::Record(Record::Key(key)) => {
                found.records.push(format!("{:?} {:?} {:?} {:?} {:?}", &*key.key, key.expire_at, key.idle, key.freq, key.kind));
                if let Ok(value) = key.decode(skim.dialect(), &limits) {
                    found.values.push((key.key.to_vec(), value));
                }
            }
            Next::Record(Record::End { crc, covered }) => {
                found.records.push(format!("{crc} {covered}"));
                return found;
            }
            Next::Record(record) => found.records.push(format!("{record:?}")),
        }
    }
}

fn digest_of(value: &Value) -> digest::Digest {
    match value {
        Value::Int(n) => digest::of_string(n.to_string().as_bytes(), false),
        Value::Str(text) => digest::of_string(text, false),
        Value::Object(object) => digest::of_object(object, false),
    }
}

fn written(value: Value) -> keyspace::Value {
    match value {
        Value::Int(n) => keyspace::Value::Int(n),
        Value::Str(text) => keyspace::Value::Str { bytes: text.into(), raw: false },
        Value::Object(object) => keyspace::Value::Object(object),
    }
}

/// One input of the fuzzer: a file. Checksums are not looked at, they would keep it out.
pub fn run(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for size in [1, 3, 50] {
        let other = read(data, size);
        assert_eq!(other.records, whole.records);
        assert_eq!(other.values.len(), whole.values.len());
    }
    for (key, value) in whole.values {
        let (expected, value) = (digest_of(&value), written(value));
        for version in [Version::Auto, Version::V9, Version::V10, Version::V11, Version::Valkey] {
            let format = Format { version, compresses: key.len() % 2 == 0, recency: Recency::Nothing };
            let head = Head { key: &key, expire_at: Some(7), ..Head::default() };
            let mut file = magic(version, 12).to_vec();
            let Ok(needed) = put_key(&mut file, &format, &head, &value) else { continue };
            let (mut slices, again) = Slices::new(&format, &head, value.clone()).expect("it was written before");
            assert_eq!(again, needed);
            put_end(&mut file);
            file.extend_from_slice(&[0; 8]);
            let mut sliced = magic(version, 12).to_vec();
            while !slices.write(40, &mut sliced) {}
            put_end(&mut sliced);
            sliced.extend_from_slice(&[0; 8]);
            for file in [file, sliced] {
                let found = read(&file, file.len());
                let [(own, value)] = &found.values[..] else { panic!("{version:?} {:?}", found.records) };
                assert_eq!((own, digest_of(value)), (&key, expected), "{version:?}");
            }
        }
    }
}
