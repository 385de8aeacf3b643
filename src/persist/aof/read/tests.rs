//! The scanner against a model that sees the whole file at once, on whole, torn, bad and random input, in windows of any size.

use super::*;
use crate::base::rng::Rng;

#[derive(Default, PartialEq, Eq, Debug, Clone)]
struct Log(Vec<(u64, u64, Vec<u8>, bool)>);

impl Sink for Log {
    fn command(&mut self, at: u64, len: u64, name: &[u8]) {
        self.0.push((at, len, name.to_vec(), false));
    }
    fn annotation(&mut self, at: u64, line: &[u8], is_inside: bool) {
        self.0.push((at, line.len() as u64, line.to_vec(), is_inside));
    }
}

fn read(bytes: &[u8], mut window: impl FnMut() -> usize) -> (Found, Log) {
    let (mut scanner, mut log, mut at) = (Scanner::new(0), Log::default(), 0);
    while at < bytes.len() {
        let end = bytes.len().min(at + window().max(1));
        let goes_on = scanner.feed(&bytes[at..end], &mut log);
        at = end;
        if !goes_on {
            break;
        }
    }
    (scanner.finish(), log)
}

/// In windows of every kind it is the same.
fn whole(bytes: &[u8]) -> (Found, Log) {
    let once = read(bytes, || usize::MAX >> 1);
    for size in [1, 2, 3, 5, 17, 64] {
        assert_eq!(read(bytes, || size), once, "windows of {size}: {}", bytes.escape_ascii());
    }
    once
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().for_each(|w| out.extend(format!("${}\r\n{w}\r\n", w.len()).bytes()));
    out
}

#[test]
fn commands_and_annotations_are_framed() {
    let mut bytes = command(&["SELECT", "0"]);
    bytes.extend(b"#TS:12\r\n");
    bytes.extend(command(&["multi"]));
    bytes.extend(b"#TS:13\r\n");
    bytes.extend(command(&["SET", &"k".repeat(40), &"v".repeat(100)]));
    bytes.extend(command(&["EXEC"]));
    let (found, log) = whole(&bytes);
    assert_eq!(
        found,
        Found { whole: bytes.len() as u64, commands: 4, broken: bytes.len() as u64, lines: 18, last: bytes.len() as u64 - 6, fault: None }
    );
    let names: Vec<_> =
        log.0.iter().map(|(at, len, name, inside)| (*at, *len, String::from_utf8_lossy(name).into_owned(), *inside)).collect();
    let at = |n: usize| names[n].0;
    assert_eq!(names[1], (23, 8, "#TS:12\r\n".into(), false));
    assert_eq!(names[3], (at(2) + 15, 8, "#TS:13\r\n".into(), true));
    assert_eq!(names[4].2, "SET");
    assert_eq!(at(5), bytes.len() as u64 - 14);
}

#[test]
fn a_file_cut_anywhere_has_its_longest_whole_prefix() {
    let units: Vec<Vec<u8>> = vec![
        b"#RF:1:0/1:r:b:no\r\n".to_vec(),
        command(&["SET", "a", "1"]),
        [command(&["MULTI"]), command(&["SET", "a", ""]), command(&["Exec"])].concat(),
        [b"#TX:5:0-1\r\n#TS:1\r\n".to_vec(), command(&["DEL", "x"])].concat(),
        [b"#TX:6:0-1\r\n".to_vec(), command(&["MULTI"]), b"#TS:2\r\n".to_vec(), command(&["DEL", "x"]), command(&["EXEC"])].concat(),
        b"#TX:7:0-1:0\r\n".to_vec(),
        b"#MARK:8:no\r\n".to_vec(),
        command(&["SET", "long", &"v".repeat(1234)]),
    ];
    let bytes = units.concat();
    let mut ends = vec![0];
    units.iter().for_each(|u| ends.push(ends[ends.len() - 1] + u.len() as u64));
    for cut in 0..=bytes.len() {
        let (found, _) = whole(&bytes[..cut]);
        let expected = ends.iter().rev().find(|end| **end <= cut as u64).copied().expect("0 is one");
        assert_eq!(found.whole, expected, "cut at {cut}");
        let is_whole = expected == cut as u64;
        assert_eq!(found.fault.is_none(), is_whole, "cut at {cut}: {:?}", found.fault);
    }
}

#[test]
fn what_no_writer_writes_is_bad_where_it_stands() {
    let cases: &[(&[u8], u64)] = &[
        (b"x", 0),
        (b"PING\r\n", 0),
        (b"\r\n", 0),
        (b"\0", 0),
        (b"*0\r\n", 0),
        (b"*-1\r\n", 1),
        (b"*\r\n", 1),
        (b"*1\n$4\r\nPING\r\n", 2),
        (b"*99999999999\r\n", 11),
        (b"*2147483648\r\n", 11),
        (b"*1\r\n$-5\r\n", 5),
        (b"*1\r\n$99999999999\r\n", 15),
        (b"*1\r\n$4294967296\r\n", 15),
        (b"*1\r\n+4\r\nPING\r\n", 4),
        (b"*1\r\n$4\r\nPINGxx", 12),
        (b"*1\r\n$4\r\nPING\rx", 13),
        (b"*1\r\n$4\r\nEXEC\r\n", 0),
        (b"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nMULTI\r\n", 15),
        (b"*1\r\n$5\r\nMULTI\r\n#MARK:1:no\r\n", 15),
        (b"#TX:1:0\r\n#TX:2:0\r\n", 9),
    ];
    for (bytes, at) in cases {
        let (found, _) = whole(bytes);
        assert_eq!(found.fault, Some(Fault::Bad(*at)), "{}", bytes.escape_ascii());
    }
    let line = [b"#".to_vec(), vec![b'x'; 1 << 20]].concat();
    assert_eq!(whole(&line).0.fault, Some(Fault::Bad(0)));
    let line = [b"*".to_vec(), vec![b'1'; 1 << 20]].concat();
    assert_eq!(whole(&line).0.fault, Some(Fault::Bad(11)));
}

#[test]
fn a_length_takes_no_memory() {
    for claim in ["*2147483647\r\n", "*1\r\n$4294967295\r\nabc", "*1\r\n$4294967295\r\n"] {
        let (mut scanner, mut log) = (Scanner::new(0), Log::default());
        assert!(scanner.feed(claim.as_bytes(), &mut log));
        assert_eq!(scanner.finish().fault, Some(Fault::End), "{claim}");
        assert!(scanner.line.capacity() + scanner.name.capacity() < 4096);
    }
    let mut scanner = Scanner::new(0);
    let name = [b"*1\r\n$100000\r\n".to_vec(), vec![b'n'; 100_000], b"\r\n".to_vec()].concat();
    let mut log = Log::default();
    name.chunks(1000).for_each(|part| assert!(scanner.feed(part, &mut log)));
    assert!(scanner.name.capacity() < 4096);
    assert_eq!(log.0, [(0, name.len() as u64, vec![b'n'; 32], false)]);
}

#[test]
fn the_longest_line_is_skipped_and_a_longer_one_is_not() {
    let line = |len: usize| [vec![b'#'; len - 2], b"\r\n".to_vec()].concat();
    assert_eq!(whole(&line(1023)).0.fault, None);
    assert_eq!(whole(&line(1024)).0.fault, Some(Fault::Bad(0)));
}

#[test]
fn a_million_annotations_are_skipped() {
    let bytes = b"#TS:1\r\n".repeat(1_000_000);
    let (found, _) = read(&bytes, || 1 << 16);
    assert_eq!((found.whole, found.fault), (bytes.len() as u64, None));
    // Without an end, but within a line's length: nothing is lost with it.
    assert_eq!(whole(b"#TS:1").0.fault, Some(Fault::EndOfNote));
}

#[test]
fn random_bytes_read_the_same_in_any_windows() {
    const PIECES: &[&[u8]] = &[
        b"*1\r\n",
        b"*2\r\n",
        b"$4\r\n",
        b"PING\r\n",
        b"EXEC\r\n",
        b"$5\r\n",
        b"MULTI\r\n",
        b"#TS:1\r\n",
        b"#TX:1:0\r\n",
        b"\0",
        b"*",
        b"\r\n",
        b"$0\r\n\r\n",
    ];
    for seed in 0..3000 {
        let mut rng = Rng::new(seed);
        let mut bytes = Vec::new();
        for _ in 0..rng.below(30) {
            bytes.extend_from_slice(PIECES[rng.below(PIECES.len() as u64) as usize]);
        }
        let once = read(&bytes, || usize::MAX >> 1);
        let pieces = read(&bytes, || 1 + rng.below(9) as usize);
        assert_eq!(pieces, once, "seed {seed}: {}", bytes.escape_ascii());
        // What was whole is whole and nothing else by itself.
        let (prefix, _) = read(&bytes[..once.0.whole as usize], || usize::MAX >> 1);
        assert_eq!((prefix.whole, prefix.fault, prefix.commands), (once.0.whole, None, once.0.commands), "seed {seed}");
    }
}
