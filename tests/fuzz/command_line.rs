//! Any command with any arguments, from two connections, on two cores: no panic, replies that can be read, and afterwards a
//! server that still answers and has nothing left over.

use super::cores::{CORES, Cores, client, server};
use ringfort::proto::reply;

/// Words that commands are likely to understand; others come from the input itself.
const WORDS: &[&str] = &[
    "a",
    "b",
    "{a}c",
    "k1",
    "k2",
    "k3",
    "0",
    "1",
    "-1",
    "10",
    "9223372036854775807",
    "-9223372036854775808",
    "3.0e3",
    "nan",
    "",
    "EX",
    "PX",
    "NX",
    "XX",
    "GET",
    "KEEPTTL",
    "PERSIST",
    "MATCH",
    "*",
    "COUNT",
    "TYPE",
    "string",
    "BIT",
    "BYTE",
    "AND",
    "NOT",
    "DIFF",
    "SET",
    "INCRBY",
    "u8",
    "i63",
    "#1",
    "OVERFLOW",
    "SAT",
    "FAIL",
    "LEN",
    "IDX",
    "REPLACE",
    "DB",
    "ABSTTL",
    "FREQ",
    "IFEQ",
    "ON",
    "OFF",
    "SKIP",
    "ID",
    "LIST",
];

/// Turns the input into a stream of requests: a command of the table with words of the list or of the input, or raw bytes.
fn requests(data: &[u8]) -> Vec<u8> {
    let table = &server().commands;
    let mut out = Vec::new();
    let mut bytes = data.iter().copied();
    while let Some(kind) = bytes.next() {
        if kind == 255 {
            out.extend(bytes.by_ref().take(8));
            continue;
        }
        let spec = table.row((usize::from(kind) % table.rows.len()) as u16).full_name;
        let mut words: Vec<Vec<u8>> = spec.split('|').map(|w| w.as_bytes().to_vec()).collect();
        for _ in 0..bytes.next().unwrap_or(0) % 7 {
            let word = bytes.next().unwrap_or(0);
            words.push(match WORDS.get(usize::from(word)) {
                Some(w) => w.as_bytes().to_vec(),
                None => bytes.by_ref().take(usize::from(word) % 5).collect(),
            });
        }
        out.extend(format!("*{}\r\n", words.len()).bytes());
        for w in words {
            out.extend(format!("${}\r\n", w.len()).bytes());
            out.extend(w);
            out.extend(b"\r\n");
        }
    }
    out
}

/// One input of the fuzzer.
pub fn run(data: &[u8]) {
    let (first, second) = data.split_at(data.len() / 2);
    let streams = [requests(first), requests(second)];
    let mut cores = Cores::new();
    let conns: Vec<usize> = (0..CORES).map(|n| cores.workers[n].open(client(n as u64 + 1))).collect();
    let mut received = vec![Vec::new(); CORES];
    let mut at = 0;
    while at < streams[0].len().max(streams[1].len()) {
        let size = 1 + data.len() % 97;
        let piece = |s: &Vec<u8>| -> Vec<u8> { s[at.min(s.len())..(at + size).min(s.len())].to_vec() };
        let pieces: Vec<Vec<u8>> = streams.iter().map(piece).collect();
        let inputs: Vec<_> = (0..CORES).filter(|n| !pieces[*n].is_empty()).map(|n| (n, conns[n], pieces[n].as_slice())).collect();
        for (core, conn, bytes) in cores.turn(&inputs) {
            assert_eq!(conn, conns[core], "output of a connection nobody opened");
            received[core].extend(bytes);
        }
        cores.now += 1;
        at += size;
    }
    for (core, _, bytes) in cores.settle() {
        received[core].extend(bytes);
    }
    for bytes in received {
        let mut at = 0;
        while at < bytes.len() {
            let (_, len) = reply::read(&bytes[at..]).expect("replies are well-formed").expect("replies are complete");
            at += len;
        }
    }
    still_answers(&mut cores);
}

/// A command over both cores from new connections is answered.
fn still_answers(cores: &mut Cores) {
    for core in 0..CORES {
        let conn = cores.workers[core].open(client(100 + core as u64));
        let reply = cores.call(core, conn, &["MSET", "a", "1", "b", "2"]);
        assert_eq!(reply, b"+OK\r\n", "core {core} does not answer any more");
    }
}
