//! Runs the cases of the commands of this folder against one core, without engine and connection.
//! Ref: the grammar of cases is told in spec/mod.rs; the roads run them through the whole server.

mod cores;
mod durability;
mod hashes;
mod lists;
mod places;
mod streams;

use super::*;
use crate::config::Config;
use crate::proto::{
    Span,
    encode::Out,
    inline::split_args,
    reply::{self, Reply},
};
use crate::spec::{Args, Call, Flags, Merge, Route, Shard, Spec, Table, call::Origin, shard::Server};
use std::sync::atomic::AtomicU64;

/// Any moment will do; it stands still.
pub const NOW: i64 = 1_700_000_000_000;

pub fn shard() -> Shard {
    let server = Server {
        run_id: "0".repeat(40),
        pid: 1,
        started_ms: NOW,
        executable: String::new(),
        config_file: String::new(),
        os: String::new(),
        commands: Table::new(GROUPS, &[]),
        next_client: AtomicU64::new(1),
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
        supervised: "no",
        enter_dir: |dir| Ok(dir.to_vec()),
        sleep: |_| (),
    };
    Shard::new(0, 1, Config::default(), Box::leak(Box::new(server)), 1, 1)
}

/// One call as the engine would make it: lookup, arity, check, run, merge.
pub fn call(shard: &mut Shard, words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Out::new(false);
    if let Err(refusal) = try_call(shard, words, &mut out) {
        out.buf.clear();
        out.error_bytes(refusal.as_bytes());
    }
    out.buf
}

fn try_call(shard: &mut Shard, words: &[Vec<u8>], out: &mut Out) -> Result<(), crate::spec::Refusal> {
    use crate::spec::Refusal;
    let table = &shard.server.commands;
    let mut id = table.find(&words[0]).ok_or_else(|| Refusal::text("ERR unknown command"))?;
    let mut row = table.row(id);
    if row.spec.flags.has(Flags::CONTAINER) && words.len() > 1 {
        id = table.find_sub(id, &words[1]).ok_or_else(|| Refusal::subcommand(&words[1], row.spec.name))?;
        row = table.row(id);
    }
    if !row.spec.arity_fits(words.len()) {
        return Err(Refusal::arity(row.full_name));
    }
    let base: Vec<u8> = words.concat();
    let mut start = 0;
    let mut spans = Vec::new();
    for word in words {
        spans.push(Span { start, len: word.len() as u32 });
        start += word.len() as u32;
    }
    let args = Args { base: &base, spans: &spans };
    if let Some(check) = row.spec.check {
        check(&args)?;
    }
    shard.fx.explicit = false;
    run(shard, row.spec, args, out)
}

fn run(shard: &mut Shard, spec: &'static Spec, args: Args, out: &mut Out) -> Result<(), crate::spec::Refusal> {
    let mut call = Call { spec, args, out, shard, db: 0, now: NOW, origin: Origin::default(), home: None, hint: None };
    (spec.run)(&mut call)?;
    // Nobody else is there to end a wait.
    if call.shard.block.take().is_some() {
        call.out.null_array();
    }
    if let Route::Every(Merge::Custom(merge)) = spec.route {
        let part = std::mem::take(&mut call.out.buf);
        merge(&mut call, &[&part])?;
    }
    Ok(())
}

/// Words before the first two blanks outside quotes, and what follows them.
fn split_case(line: &str) -> (Vec<Vec<u8>>, &str) {
    let bytes = line.as_bytes();
    let (mut i, mut is_quoted) = (0, false);
    while i < bytes.len() && (is_quoted || !line[i..].starts_with("  ")) {
        match bytes[i] {
            b'"' => is_quoted = !is_quoted,
            b'\\' if is_quoted => i += 1,
            _ => {}
        }
        i += 1;
    }
    (split_args(&bytes[..i]).expect("cases are well quoted"), line[i..].trim())
}

/// Reads what a case expects and compares; `rest` is what has not been read yet.
fn holds(rest: &mut &str, got: &Reply, is_nested: bool) -> bool {
    *rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix("~[") {
        *rest = after;
        let Reply::Array(items) = got else {
            return false;
        };
        let mut left: Vec<&Reply> = items.iter().collect();
        while !ends(rest, ']') {
            let before = *rest;
            let Some(i) = left.iter().position(|item| {
                *rest = before;
                holds(rest, item, true)
            }) else {
                return false;
            };
            left.remove(i);
        }
        return left.is_empty();
    }
    for (open, close) in [('[', ']'), ('{', '}')] {
        if let Some(after) = rest.strip_prefix(open) {
            *rest = after;
            let Reply::Array(items) = got else {
                return false;
            };
            let mut items = items.iter();
            while !ends(rest, close) {
                let Some(item) = items.next() else {
                    return false;
                };
                if close == '}' {
                    let (name, after) = rest.split_once(':').expect("a map has names");
                    *rest = after;
                    if *item != Reply::Bulk(name.trim().as_bytes().to_vec()) {
                        return false;
                    }
                    let Some(value) = items.next() else {
                        return false;
                    };
                    if !holds(rest, value, true) {
                        return false;
                    }
                } else if !holds(rest, item, true) {
                    return false;
                }
            }
            return items.next().is_none();
        }
    }
    scalar(rest, got, is_nested)
}

/// Takes a comma or the closing bracket away; true at the bracket.
fn ends(rest: &mut &str, close: char) -> bool {
    *rest = rest.trim_start_matches([' ', ',']);
    match rest.strip_prefix(close) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn scalar(rest: &mut &str, got: &Reply, is_nested: bool) -> bool {
    let is_quoted = rest.starts_with('"');
    let end = match () {
        () if is_quoted => 2 + rest[1..].find('"').expect("the quote is closed"),
        () if is_nested => rest.find([',', ']', '}']).unwrap_or(rest.len()),
        () => rest.len(),
    };
    let (text, after) = rest.split_at(end);
    *rest = after;
    let bytes = |text: &str| text.as_bytes().to_vec();
    match text.split_at_checked(1) {
        _ if text == "?" => true,
        _ if text == "nil" => matches!(got, Reply::Null | Reply::NullArray),
        _ if is_quoted => *got == Reply::Bulk(split_args(text.as_bytes()).expect("well quoted").concat()),
        Some(("+", text)) => *got == Reply::Simple(bytes(text)),
        Some(("-", text)) => *got == Reply::Error(bytes(text)),
        Some(("$", text)) => *got == Reply::Bulk(bytes(text)),
        Some((":", text)) => *got == Reply::Int(text.parse().expect("a number")),
        // A double is a bulk string in RESP2, which these transcripts are run in.
        Some((",", text)) => *got == Reply::Bulk(bytes(text)),
        _ => *got == Reply::Bulk(bytes(text)),
    }
}

/// Runs the cases of one command on an empty core; returns the lines that do not hold.
fn failures(spec: &Spec) -> Vec<String> {
    let mut shard = shard();
    let mut failures = Vec::new();
    for line in spec.cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = line.strip_suffix("# stock: skip").unwrap_or(line);
        let (words, expected) = split_case(line.strip_prefix("> ").expect("cases start with >"));
        let bytes = call(&mut shard, &words);
        if shard.deferred.take().is_some() {
            // It answers later; nobody is there to do it.
            continue;
        }
        let (got, used) = reply::read(&bytes).expect("well formed").expect("complete");
        assert_eq!(used, bytes.len(), "one reply and nothing after it: {line}");
        if !holds(&mut &*expected, &got, false) {
            failures.push(format!("{line}\n    got {got:?}"));
        }
    }
    failures
}

#[test]
fn cases_of_strings_and_keys_hold_on_one_core() {
    let failures: Vec<String> =
        [string::SPECS, generic::SPECS, hash::SPECS].into_iter().flatten().flat_map(|spec| failures(spec)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs lines with effects recorded; returns the effects, words joined by blanks.
fn effects(lines: &[&str]) -> Vec<String> {
    let mut shard = shard();
    shard.fx.is_on = true;
    for line in lines {
        call(&mut shard, &split_args(line.as_bytes()).expect("well quoted"));
    }
    let text = |e: &crate::spec::effect::Effect| String::from_utf8_lossy(&e.words.join(&b' ')).into_owned();
    shard.fx.take().iter().map(text).collect()
}

#[test]
fn effects_are_absolute_and_repeatable() {
    let lines =
        ["SET k v EX 10 NX", "GETEX k PX 5000", "GETEX k PERSIST", "EXPIRE k 100 NX", "INCRBYFLOAT f 1.5", "SETEX s 1 v", "GETDEL s"];
    let expected = [
        "SET k v PXAT 1700000010000",
        "PEXPIREAT k 1700000005000",
        "PERSIST k",
        "PEXPIREAT k 1700000100000 NX",
        "SET f 1.5 KEEPTTL",
        "SET s v PXAT 1700000001000",
        "DEL s",
    ];
    assert_eq!(effects(&lines), expected);
}

#[test]
fn effects_of_newer_commands_are_older_ones() {
    let lines = ["SET k v", "SET k w IFEQ v KEEPTTL", "MSETEX 2 a 1 b 2 EX 1", "DELEX k IFEQ w", "SET a 2 XX GET", "EXPIRE a -1"];
    let expected = ["SET k w KEEPTTL", "SET a 1 PXAT 1700000001000", "SET b 2 PXAT 1700000001000", "DEL k", "SET a 2 XX", "DEL a"];
    assert_eq!(effects(&lines), expected);
}

#[test]
fn events_come_in_the_order_of_redis() {
    let mut shard = shard();
    shard.fx.mask = u32::MAX;
    for line in ["SET k v EX 10", "GET none", "RENAME k m", "COPY m n DB 1", "GETDEL m"] {
        call(&mut shard, &split_args(line.as_bytes()).expect("well quoted"));
    }
    let events: Vec<String> =
        shard.fx.events.iter().map(|(_, name, db, key)| format!("{name} {db} {}", String::from_utf8_lossy(key))).collect();
    let expected = [
        "new 0 k",
        "set 0 k",
        "expire 0 k",
        "keymiss 0 none",
        "new 0 m",
        "rename_from 0 k",
        "rename_to 0 m",
        "new 1 n",
        "copy_to 1 n",
        "del 0 m",
    ];
    assert_eq!(events, expected);
}

#[test]
fn what_dump_wrote_restore_reads() {
    let mut shard = shard();
    for value in ["v", "12345", "", &"long ".repeat(1000)] {
        call(&mut shard, &[b"SET".to_vec(), b"k".to_vec(), value.into()]);
        let reply = call(&mut shard, &[b"DUMP".to_vec(), b"k".to_vec()]);
        let Ok(Some((Reply::Bulk(payload), _))) = reply::read(&reply) else { panic!("DUMP replies a bulk") };
        let mut restore = |ttl: &str, options: &[&str]| {
            let head = [b"RESTORE".to_vec(), b"k".to_vec(), ttl.into(), payload.clone()];
            call(&mut shard, &head.into_iter().chain(options.iter().map(|o| o.as_bytes().to_vec())).collect::<Vec<_>>())
        };
        assert_eq!(restore("0", &[]), b"-BUSYKEY Target key name already exists.\r\n");
        assert_eq!(restore("9223372036854775807", &["REPLACE"]), b"-ERR Invalid TTL value, must be >= 0\r\n");
        assert_eq!(restore("5000", &["REPLACE"]), b"+OK\r\n");
        let got = call(&mut shard, &[b"GET".to_vec(), b"k".to_vec()]);
        assert_eq!(got, format!("${}\r\n{value}\r\n", value.len()).as_bytes());
        assert_eq!(call(&mut shard, &[b"PTTL".to_vec(), b"k".to_vec()]), b":5000\r\n");
    }
}

#[test]
fn restore_of_an_expired_value_only_removes() {
    let mut shard = shard();
    call(&mut shard, &[b"SET".to_vec(), b"k".to_vec(), b"v".to_vec()]);
    let reply = call(&mut shard, &[b"DUMP".to_vec(), b"k".to_vec()]);
    let Ok(Some((Reply::Bulk(payload), _))) = reply::read(&reply) else { panic!("DUMP replies a bulk") };
    let words = [b"RESTORE".to_vec(), b"k".to_vec(), b"1".to_vec(), payload, b"REPLACE".to_vec(), b"ABSTTL".to_vec()];
    assert_eq!(call(&mut shard, &words), b"+OK\r\n");
    assert_eq!(call(&mut shard, &[b"EXISTS".to_vec(), b"k".to_vec()]), b":0\r\n");
}

/// Words that numbers, options and keys are mistaken for.
const ODD: &[&str] = &[
    "",
    "0",
    "-1",
    "1",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "4294967296",
    "nan",
    "inf",
    "1e400",
    " 1",
    "a",
    "b",
    "c",
    "a",
    "b",
    "a",
    "NX",
    "XX",
    "GET",
    "KEEPTTL",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "PERSIST",
    "IFEQ",
    "IFDNE",
    "GT",
    "LT",
    "MATCH",
    "COUNT",
    "TYPE",
    "DB",
    "REPLACE",
    "ABSTTL",
    "IDLETIME",
    "FREQ",
    "IDX",
    "LEN",
    "MINMATCHLEN",
    "*",
    "[",
    "x\\",
    "ENCODING",
];

#[test]
fn no_words_break_a_command_and_each_gets_one_reply() {
    let (mut shard, seed) = (shard(), 7);
    let mut rng = crate::base::rng::Rng::new(seed);
    let names: Vec<&str> = [string::SPECS, generic::SPECS, hash::SPECS].into_iter().flatten().map(|spec| spec.name).collect();
    for _ in 0..50_000 {
        let name = names[rng.below(names.len() as u64) as usize];
        // No command may build a string of half a gigabyte here: it is allowed to.
        let bound = if name == "SETRANGE" { 5 } else { ODD.len() as u64 };
        let count = rng.below(6);
        let rest = (0..count).map(|_| ODD[rng.below(bound) as usize].into());
        let words: Vec<Vec<u8>> = std::iter::once(name.into()).chain(rest).collect();
        let bytes = call(&mut shard, &words);
        let whole = reply::read(&bytes).expect("well formed");
        assert_eq!(whole.map(|(_, used)| used), Some(bytes.len()), "seed {seed}: {words:?}");
    }
}

pub fn words(line: &str) -> Vec<Vec<u8>> {
    split_args(line.as_bytes()).expect("well quoted")
}

fn text(shard: &mut Shard, line: &str) -> String {
    String::from_utf8_lossy(&call(shard, &words(line))).into_owned()
}

#[test]
fn a_walk_in_steps_meets_every_key() {
    let mut shard = shard();
    for i in 0..1000 {
        text(&mut shard, &format!("SET key:{i} {i}"));
    }
    let (mut cursor, mut met, mut steps) = (b"0".to_vec(), std::collections::BTreeSet::new(), 0);
    loop {
        let bytes = call(&mut shard, &[b"SCAN".to_vec(), cursor, b"COUNT".to_vec(), b"7".to_vec()]);
        let Ok(Some((Reply::Array(parts), _))) = reply::read(&bytes) else { panic!("SCAN replies an array") };
        let [Reply::Bulk(next), Reply::Array(names)] = &parts[..] else { panic!("of a cursor and names") };
        met.extend(names.iter().map(|name| format!("{name:?}")));
        steps += 1;
        if next == b"0" {
            break;
        }
        cursor = next.clone();
    }
    assert_eq!(met.len(), 1000);
    assert!(steps > 50, "{steps} steps of about 7 keys");
}

#[test]
fn usage_told_to_restore_shows_under_the_policy_that_goes_by_it() {
    use crate::config::kinds::MaxmemoryPolicy;
    let mut shard = shard();
    text(&mut shard, "SET k v");
    let dumped = call(&mut shard, &words("DUMP k"));
    let Ok(Some((Reply::Bulk(payload), _))) = reply::read(&dumped) else { panic!("DUMP replies a bulk") };
    let restore = |shard: &mut Shard, tail: &str| {
        let mut all = words("RESTORE k 0");
        all.push(payload.clone());
        all.extend(words(tail));
        assert_eq!(call(shard, &all), b"+OK\r\n");
    };
    restore(&mut shard, "REPLACE IDLETIME 1000");
    assert_eq!(text(&mut shard, "OBJECT IDLETIME k"), ":1000\r\n");
    assert!(text(&mut shard, "OBJECT FREQ k").starts_with("-ERR An LFU maxmemory policy is not selected"));
    shard.config.maxmemory_policy = MaxmemoryPolicy::AllkeysLfu;
    shard.ks.tuning.is_lfu = true;
    restore(&mut shard, "REPLACE FREQ 200");
    assert_eq!(text(&mut shard, "OBJECT FREQ k"), ":200\r\n");
    assert!(text(&mut shard, "OBJECT IDLETIME k").starts_with("-ERR An LFU maxmemory policy is selected"));
}

#[test]
fn a_random_key_is_one_that_exists() {
    let mut shard = shard();
    for i in 0..50 {
        text(&mut shard, &format!("SET key:{i} {i}"));
    }
    let met: std::collections::BTreeSet<String> = (0..500).map(|_| text(&mut shard, "RANDOMKEY")).collect();
    assert!(met.iter().all(|reply| reply.contains("key:")) && met.len() > 25, "{} different ones", met.len());
}
