//! Claims about streams in the serialised form. The byte vectors were produced by redis-server 7.0.15 and 8.0.6.

use super::*;
use crate::base::rng::Rng;
use crate::data::stream::group;

/// Blocks, facts and a group without consumers, the same in both versions; between type byte and what is pending.
const BODY: &[u8] = b"\x03\
    \x10\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\
    \x2d\x2d\x00\x00\x00\x12\x00\x01\x01\x01\x01\x02\x01\x81a\x02\x81b\x02\x00\x01\
    \x02\x01\x00\x01\x00\x01\x01\x01\x02\x01\x05\x01\x03\x01\x00\x01\x01\x01\x03\x01\x04\x01\x05\x01\xff\
    \x10\x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x00\
    \x36\x36\x00\x00\x00\x12\x00\x02\x01\x00\x01\x02\x01\x81c\x02\x81a\x02\x00\x01\
    \x02\x01\x00\x01\x00\x01\x05\x01\xdd\x44\x02\x05\x01\x02\x01\x00\x01\x01\x01\x85hello\x06\xf2\xa0\x86\x01\x04\x05\x01\xff\
    \x10\x00\x00\x00\x00\x00\x00\x07\xd0\x00\x00\x00\x00\x00\x00\x00\x00\
    \x40\x69\x69\x00\x00\x00\x0c\x00\x01\x01\x00\x01\x02\x01\x81c\x02\x81n\x02\x00\x01\
    \x02\x01\x00\x01\x00\x01\xe0\x46xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\x48\xdf\xff\x02\x05\x01\xff\
    \x04\x47\xd0\x00\x43\xe8\x01\x43\xe8\x02\x05\x02\x05empty\x47\xd0\x00\x04\x00\x00";

/// What is pending in the second group, and its consumers, as 8.0.6 wrote it (type 21).
const GROUP_OF_8_0: &[u8] = b"\x01g\x43\xe9\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\
    \x03\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\x57\x39\xfe\xfe\xa1\x01\x00\x00\x01\
    \x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x00\x57\x39\xfe\xfe\xa1\x01\x00\x00\x01\
    \x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x01\x58\x39\xfe\xfe\xa1\x01\x00\x00\x01\
    \x03\x02c1\x57\x39\xfe\xfe\xa1\x01\x00\x00\x57\x39\xfe\xfe\xa1\x01\x00\x00\
    \x02\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x00\
    \x02c2\x58\x39\xfe\xfe\xa1\x01\x00\x00\x58\x39\xfe\xfe\xa1\x01\x00\x00\
    \x01\x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x01\
    \x04idle\x58\x39\xfe\xfe\xa1\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00";

/// The same of 7.0.15 (type 19).
const GROUP_OF_7_0: &[u8] = b"\x01g\x43\xe9\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\
    \x03\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\x69\x39\xfe\xfe\xa1\x01\x00\x00\x01\
    \x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x00\x69\x39\xfe\xfe\xa1\x01\x00\x00\x01\
    \x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x01\x6c\x39\xfe\xfe\xa1\x01\x00\x00\x01\
    \x03\x02c1\x69\x39\xfe\xfe\xa1\x01\x00\x00\
    \x02\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x00\
    \x02c2\x6c\x39\xfe\xfe\xa1\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03\xe9\x00\x00\x00\x00\x00\x00\x00\x01\
    \x04idle\x6d\x39\xfe\xfe\xa1\x01\x00\x00\x00";

/// What Redis 5 writes of the first block, with one group.
const OF_5: &[u8] = b"\x01\
    \x10\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\
    \x2d\x2d\x00\x00\x00\x12\x00\x01\x01\x01\x01\x02\x01\x81a\x02\x81b\x02\x00\x01\
    \x02\x01\x00\x01\x00\x01\x01\x01\x02\x01\x05\x01\x03\x01\x00\x01\x01\x01\x03\x01\x04\x01\x05\x01\xff\
    \x01\x43\xe8\x02\x01\x01g\x43\xe8\x02\x00\x00";

fn dump(out: &mut Vec<u8>, stream: &Stream, compress: bool) {
    out.push(TYPE_STREAM_3);
    put(out, TYPE_STREAM_3, stream, compress);
}

fn read(bytes: &[u8], kind: u8) -> Result<Stream, Fault> {
    let mut reader = Reader::new(bytes);
    let stream = read_stream(&mut reader, kind)?;
    if reader.is_empty() { Ok(stream) } else { Err(Fault::TrailingBytes) }
}

#[test]
fn what_8_0_wrote_comes_back_to_the_byte() {
    let body = [BODY, GROUP_OF_8_0].concat();
    let stream = read(&body, TYPE_STREAM_3).unwrap();
    let mut out = Vec::new();
    dump(&mut out, &stream, false);
    assert_eq!(out[0], TYPE_STREAM_3);
    assert_eq!(out[1..], body);
    let id = |ms, seq| Id::new(ms, seq);
    let facts = stream.facts;
    assert_eq!((facts.length, facts.added, facts.last, facts.first, facts.max_deleted), (4, 5, id(2000, 0), id(1000, 1), id(1000, 2)));
    let group = stream.group(b"g").unwrap();
    assert_eq!((group.last, group.read, group.pending_len()), (id(1001, 1), group::UNKNOWN, 3));
    let idle = group.consumer(group.find(b"idle").unwrap()).unwrap();
    assert_eq!((idle.seen, idle.active, idle.pending_len()), (1_795_279_436_120, -1, 0));
    let entry = stream.log().range(id(1001, 1), id(1001, 1)).next().unwrap();
    let fields: Vec<_> = entry.fields().collect();
    assert_eq!(fields, [(Item::Text(b"c"), Item::Text(b"hello")), (Item::Text(b"a"), Item::Int(100_000))]);
    let sizes: Vec<u64> = stream.log().blocks().map(Block::listpack_bytes).collect();
    assert_eq!(sizes, [45, 54, 105]);
}

#[test]
fn what_7_0_and_5_wrote_is_read() {
    let stream = read(&[BODY, GROUP_OF_7_0].concat(), TYPE_STREAM_2).unwrap();
    let group = stream.group(b"g").unwrap();
    let consumer = group.consumer(group.find(b"c2").unwrap()).unwrap();
    assert_eq!((consumer.seen, consumer.active, consumer.pending_len()), (1_795_279_436_140, 1_795_279_436_140, 1));
    let stream = read(OF_5, TYPE_STREAM).unwrap();
    assert_eq!((stream.facts.length, stream.facts.added, stream.facts.first), (1, 1, Id::new(1000, 1)));
    assert_eq!(stream.group(b"g").unwrap().read, 1);
}

#[test]
fn compressed_blocks_are_read() {
    let mut out = Vec::new();
    let stream = read(&[BODY, GROUP_OF_8_0].concat(), TYPE_STREAM_3).unwrap();
    dump(&mut out, &stream, true);
    assert!(out.len() < BODY.len() + GROUP_OF_8_0.len());
    let again = read(&out[1..], TYPE_STREAM_3).unwrap();
    assert_eq!(again.facts, stream.facts);
}

#[test]
fn streams_that_contradict_themselves_are_refused() {
    let whole = [BODY, GROUP_OF_8_0].concat();
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        read(&bytes, TYPE_STREAM_3).map(|_| ())
    };
    assert_eq!(changed(1, 15), Err(BAD_BLOCK), "length of the key");
    assert_eq!(changed(25, 2), Err(BAD_BLOCK), "live entries");
    assert_eq!(changed(29, 0), Err(BAD_BLOCK), "names");
    assert_eq!(changed(38, 7), Err(BAD_BLOCK), "flags");
    assert_eq!(changed(48, 6), Err(BAD_BLOCK), "elements of an entry");
    let facts = BODY.len() - 25;
    assert_eq!(whole[facts..facts + 4], [0xff, 0x04, 0x47, 0xd0]);
    assert_eq!(changed(facts + 1, 3), Err(BAD_FACTS), "length");
    assert_eq!(changed(facts + 2, 0x43), Err(BAD_FACTS), "last ID");
    let pending = BODY.len() + 15;
    assert_eq!(changed(pending + 8, 7), Err(BAD_GROUP), "an ID that a consumer does not know");
    for len in 0..whole.len() {
        assert!(read(&whole[..len], TYPE_STREAM_3).is_err(), "{len} bytes");
    }
    let mut twice = OF_5.to_vec();
    twice[0] = 2;
    let block = twice[1..63].to_vec();
    twice.splice(1..1, block);
    assert!(read(&twice, TYPE_STREAM).is_err(), "the same block twice");
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let whole = [BODY, GROUP_OF_8_0].concat();
    let mut rng = Rng::new(11);
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = [bytes[at] ^ 1 << rng.below(8), 0x81, 0xff, 0x00][rng.below(4) as usize];
        }
        let kind = [TYPE_STREAM, TYPE_STREAM_2, TYPE_STREAM_3][rng.below(3) as usize];
        if let Ok(stream) = read(&bytes, kind) {
            let mut out = Vec::new();
            dump(&mut out, &stream, false);
            let again = read(&out[1..], TYPE_STREAM_3).map(|again| again.facts);
            assert_eq!(again, Ok(stream.facts));
        }
    }
}

#[test]
fn a_deleted_entry_may_be_out_of_order() {
    let mut stream = Stream::default();
    let limits = crate::data::collection::Limits::default();
    let pairs = [Item::Text(b"a"), Item::Int(1)];
    for ms in [1, 2, 900] {
        stream.append(Id::new(ms, 0), &pairs[..], 2, &limits).unwrap();
    }
    stream.delete(Id::new(900, 0));
    stream.facts.last = Id::new(5, 0);
    stream.append(Id::new(6, 0), &pairs[..], 2, &limits).unwrap();
    let mut out = Vec::new();
    dump(&mut out, &stream, false);
    let again = read(&out[1..], TYPE_STREAM_3).unwrap();
    assert!(again.log().range(Id::MIN, Id::MAX).map(|entry| entry.id.ms).eq([1, 2, 6]));
}
