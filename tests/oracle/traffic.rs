//! Random commands from a seed: every command on strings, keys, expiry, bits and HyperLogLogs, with all combinations of
//! options, odd arguments and wrong numbers of them. Times to live are negative, zero or so far away that no key expires
//! while a test runs, and no offset asks for more than a few megabytes.

use super::collections;
use crate::support::Random;

/// How replies of two servers to one command are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judge {
    Same,
    /// Arrays whose order means nothing.
    AnyOrder,
    /// Numbers that may be this far apart, because time passes between two servers.
    Near(i64),
    /// Both null, or neither; both an error, or neither.
    Kind,
}

/// What is done next on every server.
pub enum Step {
    Command {
        words: Vec<Vec<u8>>,
        judge: Judge,
    },
    /// SCAN from 0 to the end with these further words; the keys found are compared.
    ScanAll(Vec<Vec<u8>>),
    /// DUMP of one key and RESTORE REPLACE of another, each server its own payload.
    CopyByDump {
        from: Vec<u8>,
        to: Vec<u8>,
    },
}

const KEYS: &[&str] = &["a", "b", "c", "d", "key:1", "key:2", "{t}1", "{t}2", "{t}3", "", "bits", "hll", "hll2", "number"];
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "10",
    "hello",
    "world",
    "1.5",
    "-0.25",
    "9223372036854775807",
    "-9223372036854775808",
    "1e5",
    "007",
    " 1",
    "foobar",
    "ohmytext",
    "mynewtext",
    "HYLL",
    "a value that is longer than forty-four bytes, and so is not short",
];
const NUMBERS: &[&str] =
    &["0", "1", "-1", "2", "5", "7", "-7", "100", "-100", "9223372036854775807", "-9223372036854775808", "4611686018427387904"];
const FLOATS: &[&str] =
    &["0", "1", "-1", "0.1", "-2.5", "1e3", "3.0e-5", "1.7976931348623157e308", "0.1000000000000000055", "1e17", "123456789.125"];
const OFFSETS: &[&str] = &["0", "1", "5", "7", "8", "9", "31", "63", "100", "1000", "-1", "4294967296"];
const RANGE: &[&str] = &["0", "1", "3", "5", "-1", "-2", "-100", "100", "9223372036854775807", "-9223372036854775808"];
/// Arguments that fit almost nowhere. None is a small positive number, which would let keys expire.
const ODD: &[&str] = &[
    "",
    "0",
    "-1",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "4294967296",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "*",
    "\0",
    "1.5 ",
    "+5",
    "0x10",
    "\r\n",
    "NX",
    "GET",
    "LIMIT",
    "99999999999999999999999999",
];
const SECONDS: &[&str] = &["100000", "200000", "300000", "0", "-1", "-100000"];
const MILLIS: &[&str] = &["100000000", "200000000", "0", "-1"];
const AT_SECONDS: &[&str] = &["9999999999", "8888888888", "1", "0", "-1"];
const AT_MILLIS: &[&str] = &["9999999999999", "8888888888888", "1", "0", "-1"];
const PATTERNS: &[&str] = &["*", "k*", "?", "[a-c]", "[^a]", "{t}*", "key:[12]", "\\a", "*1", "", "[", "h?l*"];
const FIELDS: &[&str] = &["u1", "u8", "i8", "u16", "i5", "i64", "u63", "u64", "i0", "x8", "u7"];
const ENCODED_AT: &[&str] = &["0", "1", "7", "13", "100", "#0", "#1", "#3", "-1", "x"];

/// What a sequence is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// Strings, keys, expiry, bits, HyperLogLogs.
    Strings,
    /// Lists, sets, hashes, sorted sets, geo indexes, streams.
    Collections,
}

impl Theme {
    fn one(self, random: &mut Random) -> (Vec<Vec<u8>>, Judge) {
        match self {
            Theme::Strings => one(random),
            Theme::Collections => collections::one(random),
        }
    }

    fn key(self, random: &mut Random) -> Vec<u8> {
        match self {
            Theme::Strings => key(random),
            Theme::Collections => collections::key(random),
        }
    }
}

/// The next step of a sequence.
pub fn next(random: &mut Random, theme: Theme) -> Vec<Step> {
    if random.once_in(25) {
        return transaction(random, theme);
    }
    if random.once_in(60) {
        let mut words = Vec::new();
        if random.once_in(2) {
            words.extend([b"MATCH".to_vec(), pick(random, PATTERNS)]);
        }
        if random.once_in(2) {
            words.extend([b"COUNT".to_vec(), pick(random, &["1", "3", "1000"])]);
        }
        if random.once_in(3) {
            words.extend([b"TYPE".to_vec(), pick(random, &["string", "hash", "STRING"])]);
        }
        return vec![Step::ScanAll(words)];
    }
    if random.once_in(60) {
        return vec![Step::CopyByDump { from: theme.key(random), to: theme.key(random) }];
    }
    let (mut words, mut judge) = theme.one(random);
    // Sets of equal scores stay that.
    let keeps_scores = words.first().is_some_and(|w| w == b"ZADD") && words.get(1).is_some_and(|key| key.starts_with(b"y"));
    if judge == Judge::Same && !keeps_scores {
        bend(&mut words, random);
    }
    if words[0].eq_ignore_ascii_case(b"XADD") && words.iter().any(|w| w == b"*") {
        // The ID is the time.
        judge = Judge::Kind;
    }
    vec![Step::Command { words, judge }]
}

/// MULTI, commands, EXEC or DISCARD, sometimes under WATCH.
fn transaction(random: &mut Random, theme: Theme) -> Vec<Step> {
    let plain = |words: &[&[u8]]| Step::Command { words: words.iter().map(|w| w.to_vec()).collect(), judge: Judge::Same };
    let mut steps = Vec::new();
    if random.once_in(2) {
        let watched = theme.key(random);
        steps.push(plain(&[b"WATCH", &watched]));
        if random.once_in(3) {
            steps.push(plain(&[b"APPEND", &watched, b"x"]));
        }
    }
    steps.push(plain(&[b"MULTI"]));
    for _ in 0..random.below(6) {
        let (mut words, judge) = theme.one(random);
        // The replies come inside EXEC's, where only equal ones can be compared.
        if judge == Judge::Same {
            bend(&mut words, random);
            steps.push(Step::Command { words, judge });
        }
    }
    steps.push(plain(&[if random.once_in(5) { b"DISCARD" } else { b"EXEC" }]));
    steps
}

fn pick(random: &mut Random, from: &[&str]) -> Vec<u8> {
    random.pick(from).as_bytes().to_vec()
}

fn key(random: &mut Random) -> Vec<u8> {
    pick(random, KEYS)
}

fn value(random: &mut Random) -> Vec<u8> {
    if random.once_in(8) { (0..random.below(70)).map(|_| random.bits() as u8).collect() } else { pick(random, VALUES) }
}

/// Sometimes takes a word away, adds one, puts an odd one in place of another or changes the case of the name.
fn bend(words: &mut Vec<Vec<u8>>, random: &mut Random) {
    match random.below(40) {
        0 if words.len() > 1 => {
            words.pop();
        }
        1 => words.push(pick(random, ODD)),
        2 | 3 if words.len() > 1 => {
            let at = 1 + random.below(words.len() - 1);
            words[at] = pick(random, ODD);
        }
        4..8 => words[0].make_ascii_lowercase(),
        _ => {}
    }
}

/// The words of a template: `k` a key, `v` a value, `n` a number, `f` a float, `o` a bit offset, `r` an end of a range,
/// `p` a pattern, `s` seconds, `m` milliseconds, `S` and `M` points in time, anything longer as it is.
pub fn fill(template: &str, random: &mut Random) -> Vec<Vec<u8>> {
    let fill = |word: &str| match word {
        "k" => key(random),
        "v" => value(random),
        "n" => pick(random, NUMBERS),
        "f" => pick(random, FLOATS),
        "o" => pick(random, OFFSETS),
        "r" => pick(random, RANGE),
        "p" => pick(random, PATTERNS),
        "s" => pick(random, SECONDS),
        "m" => pick(random, MILLIS),
        "S" => pick(random, AT_SECONDS),
        "M" => pick(random, AT_MILLIS),
        other => other.as_bytes().to_vec(),
    };
    template.split(' ').map(fill).collect()
}

/// One of the templates, filled.
fn from_list(templates: &[&str], random: &mut Random) -> Vec<Vec<u8>> {
    let template = *random.pick(templates);
    fill(template, random)
}

const SAME: &[&str] = &[
    "GET k",
    "GET k",
    "SET k v",
    "SETNX k v",
    "SETEX k s v",
    "PSETEX k m v",
    "GETSET k v",
    "GETDEL k",
    "GETEX k",
    "GETEX k PERSIST",
    "GETEX k EX s",
    "GETEX k PX m",
    "GETEX k EXAT S",
    "GETEX k PXAT M",
    "GETEX k EX s PERSIST",
    "MGET k k k",
    "MGET k",
    "MSET k v k v",
    "MSET k v",
    "MSETNX k v k v",
    "APPEND k v",
    "STRLEN k",
    "SETRANGE k o v",
    "GETRANGE k r r",
    "SUBSTR k r r",
    "INCR k",
    "DECR k",
    "INCRBY k n",
    "DECRBY k n",
    "INCR number",
    "INCRBYFLOAT k f",
    "INCRBYFLOAT number f",
    "LCS k k",
    "LCS k k LEN",
    "LCS k k IDX",
    "LCS k k IDX MINMATCHLEN n WITHMATCHLEN",
    "LCS k k IDX LEN",
    "DEL k",
    "DEL k k k",
    "UNLINK k k",
    "EXISTS k",
    "EXISTS k k k",
    "TOUCH k k",
    "TYPE k",
    "RENAME k k",
    "RENAMENX k k",
    "COPY k k",
    "COPY k k REPLACE",
    "COPY k k DB 1",
    "COPY k k DB 1 REPLACE",
    "MOVE k 1",
    "SELECT 0",
    "SELECT 0",
    "SELECT 1",
    "DBSIZE",
    "OBJECT ENCODING k",
    "OBJECT FREQ k",
    "EXPIRE k s",
    "EXPIRE k s NX",
    "EXPIRE k s XX",
    "EXPIRE k s GT",
    "EXPIRE k s LT",
    "EXPIRE k s XX GT",
    "EXPIRE k s NX GT",
    "EXPIRE k s GT LT",
    "PEXPIRE k m",
    "PEXPIRE k m GT",
    "EXPIREAT k S",
    "EXPIREAT k S LT",
    "PEXPIREAT k M",
    "PEXPIREAT k M NX",
    "PERSIST k",
    "SETBIT k o 1",
    "SETBIT bits o 0",
    "GETBIT k o",
    "BITCOUNT k",
    "BITCOUNT k r r",
    "BITCOUNT k r r BIT",
    "BITCOUNT k r r BYTE",
    "BITPOS k 1",
    "BITPOS k 0",
    "BITPOS k 0 r",
    "BITPOS k 1 r r",
    "BITPOS k 0 r r BIT",
    "BITOP AND k k k",
    "BITOP OR k k k",
    "BITOP XOR k k",
    "BITOP NOT k k",
    "BITOP NOT k k k",
    "PFADD hll v v",
    "PFADD hll2 v",
    "PFADD k v",
    "PFADD hll",
    "PFCOUNT hll",
    "PFCOUNT k",
    "PFCOUNT hll hll2 k",
    "PFMERGE hll hll2",
    "PFMERGE hll2 k k",
    "PFDEBUG ENCODING hll",
    "PFDEBUG DECODE hll",
    "PFDEBUG TODENSE hll2",
    "ECHO v",
    "PING",
    "PING v",
    "UNWATCH",
    "SWAPDB 0 1",
];

/// One command as its grammar has it.
fn one(random: &mut Random) -> (Vec<Vec<u8>>, Judge) {
    match random.below(100) {
        0..8 => (set(random), Judge::Same),
        8..14 => (bitfield(random), Judge::Same),
        14..18 => (elements(random), Judge::Same),
        18..20 => (fill("KEYS p", random), Judge::AnyOrder),
        20 => (fill("TTL k", random), Judge::Near(3)),
        21 => (fill("PTTL k", random), Judge::Near(3000)),
        22 => (fill("EXPIRETIME k", random), Judge::Near(3)),
        23 => (fill("PEXPIRETIME k", random), Judge::Near(3000)),
        24 => (fill("RANDOMKEY", random), Judge::Kind),
        25 => (fill("DUMP k", random), Judge::Kind),
        26 => (fill("OBJECT IDLETIME k", random), Judge::Near(600)),
        27 if random.once_in(20) => (fill("FLUSHDB", random), Judge::Same),
        28 if random.once_in(4) => (fill("PFDEBUG GETREG hll", random), Judge::Same),
        29 => (fill("RESTORE k 0 v", random), Judge::Same),
        30 => (fill("NOTHING k v", random), Judge::Same),
        _ => (from_list(SAME, random), Judge::Same),
    }
}

/// SET with any combination of its options, allowed or not. A moment in the past would leave a key that Redis still counts
/// and digests until it comes across it.
fn set(random: &mut Random) -> Vec<Vec<u8>> {
    let mut words = fill("SET k v", random);
    let options: &[&str] = &["NX", "XX", "GET", "KEEPTTL", "EX s", "PX m", "EXAT 9999999999", "EXAT -1", "PXAT 9999999999999", "PXAT 0"];
    for _ in 0..random.below(4) {
        words.extend(from_list(options, random));
    }
    words
}

fn bitfield(random: &mut Random) -> Vec<Vec<u8>> {
    let name = if random.once_in(5) { "BITFIELD_RO" } else { "BITFIELD" };
    let mut words = vec![name.as_bytes().to_vec(), if random.once_in(2) { b"bits".to_vec() } else { key(random) }];
    for _ in 0..random.below(5) {
        let operation = *random.pick(&["GET", "SET", "INCRBY", "OVERFLOW"]);
        words.push(operation.as_bytes().to_vec());
        if operation == "OVERFLOW" {
            words.push(pick(random, &["WRAP", "SAT", "FAIL", "sat", "NONE"]));
            continue;
        }
        // Bad types and offsets are rare, so that most calls do something.
        let most = if random.once_in(10) { FIELDS.len() } else { 7 };
        words.push(pick(random, &FIELDS[..most]));
        let most = if random.once_in(10) { ENCODED_AT.len() } else { 8 };
        words.push(pick(random, &ENCODED_AT[..most]));
        if operation != "GET" {
            words.push(pick(random, NUMBERS));
        }
    }
    words
}

/// PFADD of many elements, so that registers fill and values turn dense.
fn elements(random: &mut Random) -> Vec<Vec<u8>> {
    let mut words = vec![b"PFADD".to_vec(), pick(random, &["hll", "hll2"])];
    let (first, count) = (random.below(2000), random.below(120));
    words.extend((first..first + count).map(|n| format!("element-{n}").into_bytes()));
    words
}
