//! Random commands from a seed on lists, sets, hashes, sorted sets, geo indexes and streams, with all combinations of options.
//! Data sets stay small enough that replies are short, and large enough to pass the limits of the compact encodings.
//! Left out is what two servers cannot agree on: times of consumers, random elements that change the data.

use super::traffic::{self, Judge};
use crate::support::Random;

const ELEMENTS: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "1", "2", "3", "-5", "100", "70000", "5000000000", "1.5", "", "foo", "bar"];
const FIELDS: &[&str] = &["f1", "f2", "f3", "f4", "f5", "f6", "n", "1", "2", ""];
const SCORES: &[&str] = &["0", "1", "2", "3", "3", "5", "-1", "1.5", "-2.25", "inf", "-inf", "1e10", "0.1", "100", "12345678901234"];
const SCORE_ENDS: &[&str] = &["-inf", "+inf", "inf", "0", "1", "(1", "2", "(3", "5", "-1", "(-1", "(inf", "1.5"];
const LEX_ENDS: &[&str] = &["-", "+", "[a", "(a", "[c", "(d", "[foo", "[", "("];
const SMALL: &[&str] = &["0", "1", "2", "3", "-1", "-2", "-3", "10", "-100"];
const COUNTS: &[&str] = &["1", "2", "3", "10", "0"];
const IDS: &[&str] = &["1-1", "1-2", "2-1", "3-0", "3-1", "5", "7-3", "100-1", "0-0", "0-1", "9-*", "5-5", "8-1", "20-2"];
const ID_ENDS: &[&str] = &["-", "+", "0", "1-1", "(1-1", "2", "3-1", "(5", "100", "7-3"];
const UNITS: &[&str] = &["m", "km", "ft", "mi"];
const PLACES: &[&str] = &[
    "13.361389 38.115556",
    "15.087269 37.502669",
    "2.349014 48.864716",
    "-0.127758 51.507351",
    "0 0",
    "-122.4 37.7",
    "180 85",
    "139.7 35.7",
];
const NAMES: &[&str] = &["Palermo", "Catania", "Paris", "London", "Null", "SF", "Edge", "Tokyo"];

/// Templates whose replies must be equal. Letters as in the table of `word`.
const SAME: &[&str] = &[
    // Lists.
    "LPUSH L e",
    "RPUSH L e e e",
    "LPUSH L e e",
    "RPUSH L e",
    "LPUSHX L e",
    "RPUSHX L e e",
    "LPOP L",
    "RPOP L",
    "LPOP L q",
    "RPOP L q",
    "LLEN L",
    "LRANGE L j j",
    "LRANGE L 0 -1",
    "LINDEX L j",
    "LSET L j e",
    "LINSERT L BEFORE e e",
    "LINSERT L AFTER e e",
    "LREM L j e",
    "LTRIM L j j",
    "LPOS L e",
    "LPOS L e RANK j",
    "LPOS L e COUNT q",
    "LPOS L e RANK j COUNT q MAXLEN q",
    "LMOVE L L LEFT RIGHT",
    "LMOVE L L RIGHT LEFT",
    "LMOVE L L LEFT LEFT",
    "LMOVE L L RIGHT RIGHT",
    "RPOPLPUSH L L",
    "LMPOP 2 L L LEFT",
    "LMPOP 1 L RIGHT COUNT q",
    "LMPOP 3 L L L LEFT COUNT q",
    // Sets.
    "SADD T e",
    "SADD T e e e",
    "SADD T t",
    "SADD T w",
    "SREM T e e",
    "SREM T t",
    "SISMEMBER T e",
    "SMISMEMBER T e e t",
    "SCARD T",
    "SMOVE T T e",
    "SINTERCARD 2 T T",
    "SINTERCARD 2 T T LIMIT q",
    "SINTERSTORE T T T",
    "SUNIONSTORE T T T",
    "SDIFFSTORE T T T",
    "SUNIONSTORE T T T T",
    // Hashes.
    "HSET H d e",
    "HSET H d e d e",
    "HSET H w e",
    "HSET H d w",
    "HSETNX H d e",
    "HMSET H d e d e",
    "HGET H d",
    "HMGET H d d d",
    "HDEL H d d",
    "HLEN H",
    "HSTRLEN H d",
    "HEXISTS H d",
    "HINCRBY H n t",
    "HINCRBY H d t",
    "HINCRBYFLOAT H n 1.5",
    "HINCRBYFLOAT H d c",
    // Sorted sets.
    "ZADD Z c e",
    "ZADD Z c e c e",
    "ZADD Z NX c e",
    "ZADD Z XX c e",
    "ZADD Z GT c e",
    "ZADD Z LT CH c e c e",
    "ZADD Z XX GT CH c e",
    "ZADD Z INCR c e",
    "ZADD Z NX INCR c e",
    "ZADD Z XX INCR c e",
    "ZADD Z NX XX c e",
    "ZADD Z c w",
    "ZINCRBY Z c e",
    "ZREM Z e e",
    "ZCARD Z",
    "ZSCORE Z e",
    "ZMSCORE Z e e",
    "ZRANK Z e",
    "ZREVRANK Z e",
    "ZCOUNT Z b b",
    "ZLEXCOUNT Y B B",
    "ZRANGE Z j j",
    "ZRANGE Z j j WITHSCORES",
    "ZRANGE Z j j REV",
    "ZRANGE Z j j REV WITHSCORES",
    "ZRANGE Z b b BYSCORE",
    "ZRANGE Z b b BYSCORE WITHSCORES",
    "ZRANGE Z b b BYSCORE REV",
    "ZRANGE Z b b BYSCORE LIMIT j q",
    "ZRANGE Y B B BYLEX",
    "ZRANGE Y B B BYLEX REV",
    "ZRANGE Y B B BYLEX LIMIT j q",
    "ZREVRANGE Z j j",
    "ZREVRANGE Z j j WITHSCORES",
    "ZRANGEBYSCORE Z b b",
    "ZRANGEBYSCORE Z b b WITHSCORES LIMIT q q",
    "ZREVRANGEBYSCORE Z b b WITHSCORES",
    "ZRANGEBYLEX Y B B",
    "ZREVRANGEBYLEX Y B B LIMIT q q",
    "ZRANGESTORE Z Z j j",
    "ZRANGESTORE Z Z b b BYSCORE",
    "ZRANGESTORE Z Y B B BYLEX REV",
    "ZREMRANGEBYRANK Z j j",
    "ZREMRANGEBYSCORE Z b b",
    "ZREMRANGEBYLEX Y B B",
    "ZADD Y 0 e 0 e 0 e",
    "ZADD Y 0 e",
    "ZREM Y e",
    "ZPOPMIN Z",
    "ZPOPMAX Z",
    "ZPOPMIN Z q",
    "ZPOPMAX Z q",
    "ZMPOP 2 Z Z MIN",
    "ZMPOP 1 Z MAX COUNT q",
    "ZUNION 2 Z Z",
    "ZUNION 2 Z Z WITHSCORES",
    "ZUNION 2 Z T WEIGHTS 2 c WITHSCORES",
    "ZUNION 2 Z Z AGGREGATE MAX WITHSCORES",
    "ZINTER 2 Z Z WITHSCORES",
    "ZINTER 2 Z T AGGREGATE MIN WITHSCORES",
    "ZINTERCARD 2 Z Z",
    "ZINTERCARD 2 Z Z LIMIT q",
    "ZDIFF 2 Z Z",
    "ZDIFF 2 Z T WITHSCORES",
    "ZUNIONSTORE Z 2 Z Z",
    "ZUNIONSTORE Z 2 Z T WEIGHTS 1 0.5 AGGREGATE SUM",
    "ZINTERSTORE Z 2 Z Z AGGREGATE MIN",
    "ZDIFFSTORE Z 2 Z Z",
    // Geo.
    "GEOADD G P",
    "GEOADD G P",
    "GEOADD G NX P",
    "GEOADD G XX CH P",
    "GEODIST G A A",
    "GEODIST G A A u",
    "GEOHASH G A A",
    "GEOPOS G A A",
    "GEOSEARCH G FROMLONLAT 15 37 BYRADIUS 200 u ASC",
    "GEOSEARCH G FROMMEMBER A BYRADIUS 2000 km ASC WITHDIST",
    "GEOSEARCH G FROMMEMBER A BYBOX 3000 3000 km DESC WITHCOORD WITHDIST WITHHASH",
    "GEOSEARCH G FROMLONLAT 0 50 BYRADIUS 1000 km COUNT 2 ASC",
    "GEOSEARCHSTORE G G FROMLONLAT 10 45 BYRADIUS 1500 km",
    "GEOSEARCHSTORE Z G FROMLONLAT 10 45 BYRADIUS 1500 km STOREDIST",
    "GEORADIUS G 15 37 200 km WITHDIST ASC",
    "GEORADIUS_RO G 10 45 2000 km COUNT 3 DESC",
    "GEORADIUSBYMEMBER G A 1000 km ASC",
    "GEORADIUS G 10 45 2000 km STORE Z",
    // Streams.
    "XADD X i d e",
    "XADD X i d e d e",
    "XADD X NOMKSTREAM i d e",
    "XADD X MAXLEN q i d e",
    "XADD X MAXLEN ~ 5 i d e",
    "XADD X MINID i i d e",
    "XLEN X",
    "XRANGE X I I",
    "XRANGE X - +",
    "XRANGE X I I COUNT q",
    "XREVRANGE X I I",
    "XREVRANGE X + - COUNT q",
    "XDEL X i i",
    "XTRIM X MAXLEN q",
    "XTRIM X MINID i",
    "XTRIM X MAXLEN ~ 3",
    "XSETID X i",
    "XREAD STREAMS X 0",
    "XREAD COUNT q STREAMS X X i 0",
    "XREAD STREAMS X $",
    "XGROUP CREATE X g i",
    "XGROUP CREATE X g $ MKSTREAM",
    "XGROUP CREATE X g 0 ENTRIESREAD q",
    "XGROUP SETID X g i",
    "XGROUP DESTROY X g",
    "XGROUP CREATECONSUMER X g y",
    "XGROUP DELCONSUMER X g y",
    "XREADGROUP GROUP g y STREAMS X >",
    "XREADGROUP GROUP g y COUNT q STREAMS X >",
    "XREADGROUP GROUP g y STREAMS X 0",
    "XREADGROUP GROUP g y NOACK STREAMS X X > >",
    "XACK X g i i",
    "XPENDING X g",
    "XCLAIM X g y 0 i",
    "XCLAIM X g y 0 i i JUSTID",
    "XCLAIM X g y 0 i FORCE",
    "XCLAIM X g y 0 i RETRYCOUNT 3 FORCE JUSTID LASTID i",
    "XAUTOCLAIM X g y 0 I",
    "XAUTOCLAIM X g y 0 0 COUNT q JUSTID",
    "XINFO GROUPS X",
    // Any of them.
    "DEL a1",
    "DEL K",
    "UNLINK K K",
    "TYPE K",
    "EXISTS K K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K REPLACE",
    "MOVE K 1",
    "OBJECT ENCODING K",
    "OBJECT ENCODING K",
    "PERSIST K",
    "EXPIRE K s",
    "SORT l3",
    "SORT l3 ALPHA",
    "SORT s3 ALPHA LIMIT q q",
    "SORT l3 BY nosort",
    "SORT l3 ALPHA DESC GET #",
    "SORT_RO Y ALPHA",
    "SORT l3 ALPHA STORE l3",
    "SORT Y BY nosort DESC",
    "SET v1 e",
    "GET K",
    "STRLEN K",
    "LPUSH K e",
    "SADD K e",
    "HSET K d e",
    "ZADD K c e",
    "XADD K i d e",
    "LLEN K",
    "SCARD K",
    "HLEN K",
    "ZCARD K",
    "XLEN K",
    "LPOP K",
    "SREM K e",
    "HGET K d",
    "ZSCORE K e",
];

/// Replies whose order depends on the encoding, or on nothing.
const ANY_ORDER: &[&str] = &[
    "SMEMBERS T",
    "SINTER T T",
    "SUNION T T",
    "SDIFF T T",
    "SDIFF T T T",
    "HGETALL H",
    "HKEYS H",
    "HVALS H",
    "SRANDMEMBER T 1000",
    "HRANDFIELD H 1000",
    "HRANDFIELD H 1000 WITHVALUES",
    "ZRANDMEMBER Z 1000",
    "SPOP T 1000",
    "SMEMBERS K",
    "HGETALL K",
    "SORT s3 BY nosort",
    "SORT s3 BY w_* GET # GET H->d ALPHA",
];

/// Only whether there is a reply can be compared.
const KIND: &[&str] =
    &["SRANDMEMBER T", "HRANDFIELD H", "ZRANDMEMBER Z", "XINFO CONSUMERS X g", "XINFO STREAM X", "XPENDING X g - + 10", "DUMP K"];

fn word(word: &str, random: &mut Random) -> Option<Vec<u8>> {
    let numbered = |random: &mut Random, letter: char, most: usize| format!("{letter}{}", 1 + random.below(most));
    Some(match word {
        "L" => numbered(random, 'l', 3).into_bytes(),
        "T" => numbered(random, 's', 3).into_bytes(),
        "H" => numbered(random, 'h', 3).into_bytes(),
        "Z" => numbered(random, 'z', 3).into_bytes(),
        // Sorted sets in which all scores are equal: elsewhere ranges of texts mean nothing.
        "Y" => numbered(random, 'y', 2).into_bytes(),
        "X" => numbered(random, 'x', 2).into_bytes(),
        "G" => numbered(random, 'g', 2).into_bytes(),
        "K" => {
            let letter = *random.pick(&['l', 's', 'h', 'z', 'x', 'g', 'v', 'a']);
            numbered(random, letter, 2).into_bytes()
        }
        "e" if random.once_in(30) => vec![b'x'; 60 + random.below(12)],
        "e" => random.pick(ELEMENTS).as_bytes().to_vec(),
        "d" => random.pick(FIELDS).as_bytes().to_vec(),
        // A long text, beyond the limits of compact encodings.
        "w" => format!("{:070}", random.below(20)).into_bytes(),
        "t" => (random.below(2000) as i64 - 1000).to_string().into_bytes(),
        "c" => random.pick(SCORES).as_bytes().to_vec(),
        "b" => random.pick(SCORE_ENDS).as_bytes().to_vec(),
        "B" => random.pick(LEX_ENDS).as_bytes().to_vec(),
        "j" => random.pick(SMALL).as_bytes().to_vec(),
        "q" => random.pick(COUNTS).as_bytes().to_vec(),
        "i" => random.pick(IDS).as_bytes().to_vec(),
        "I" => random.pick(ID_ENDS).as_bytes().to_vec(),
        "g" => random.pick(&["group1", "group2"]).as_bytes().to_vec(),
        "y" => random.pick(&["alice", "bob"]).as_bytes().to_vec(),
        "u" => random.pick(UNITS).as_bytes().to_vec(),
        "A" => random.pick(NAMES).as_bytes().to_vec(),
        "n" => b"n".to_vec(),
        _ => return None,
    })
}

fn fill(template: &str, random: &mut Random) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    for piece in template.split(' ') {
        if piece == "P" {
            let at = random.below(PLACES.len());
            words.extend(PLACES[at].split(' ').map(|w| w.as_bytes().to_vec()));
            words.push(NAMES[at].as_bytes().to_vec());
            continue;
        }
        words.push(word(piece, random).unwrap_or_else(|| traffic::fill(piece, random).remove(0)));
    }
    words
}

/// Many elements at once, so that encodings change.
fn bulk(random: &mut Random) -> Vec<Vec<u8>> {
    let (template, each) = *random.pick(&[("RPUSH L", 1), ("SADD T", 1), ("SADD T", 2), ("HSET H", 3), ("ZADD Z", 4), ("LPUSH L", 5)]);
    let mut words = fill(template, random);
    let (first, count) = (random.below(300), random.below(200));
    for n in first..=first + count {
        match each {
            1 => words.push(format!("element-{n}").into_bytes()),
            2 => words.push(n.to_string().into_bytes()),
            3 => words.extend([format!("field-{n}").into_bytes(), format!("{}", n * n).into_bytes()]),
            4 => words.extend([(n % 50).to_string().into_bytes(), format!("member-{n}").into_bytes()]),
            _ => words.push(vec![b'y'; n]),
        }
    }
    words
}

fn from(templates: &[&str], random: &mut Random) -> Vec<Vec<u8>> {
    let template = *random.pick(templates);
    fill(template, random)
}

/// One command.
pub fn one(random: &mut Random) -> (Vec<Vec<u8>>, Judge) {
    match random.below(100) {
        0..4 => (bulk(random), Judge::Same),
        4..12 => (from(ANY_ORDER, random), Judge::AnyOrder),
        12..15 => (from(KIND, random), Judge::Kind),
        _ => (from(SAME, random), Judge::Same),
    }
}

/// A key of any type.
pub fn key(random: &mut Random) -> Vec<u8> {
    word("K", random).unwrap_or_default()
}
