//! Tests of [`super`]: requests whole, split and malformed.

use super::*;

const OPEN: Limits = Limits { max_bulk: 512 << 20, authenticated: true };
const LOCKED: Limits = Limits { max_bulk: 512 << 20, authenticated: false };

type Commands = Vec<Vec<Vec<u8>>>;

/// Everything a connection would see: the commands, then why it stopped and what was left unread.
fn feed(pieces: &[&[u8]], limits: &Limits) -> (Commands, Option<ProtocolError>, usize) {
    let (mut buffer, mut resume) = (Vec::new(), Resume::default());
    let (mut spans, mut scratch, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            spans.clear();
            scratch.clear();
            let (used, source) = match parse(&buffer, limits, &mut resume, &mut spans, &mut scratch) {
                Parsed::Command { used } => (used, &buffer),
                Parsed::Inline { used } => (used, &scratch),
                Parsed::Nothing { used } => (used, &buffer),
                Parsed::More { need } => {
                    assert!(need == 0 || need > buffer.len());
                    break;
                }
                Parsed::Error(error) => return (commands, Some(error), buffer.len()),
            };
            assert!(!resume.is_active());
            if !spans.is_empty() {
                commands.push(spans.iter().map(|span| span.of(source).to_vec()).collect());
            }
            buffer.drain(..used);
        }
    }
    (commands, None, buffer.len())
}

fn words(commands: &[&[&str]]) -> Commands {
    commands.iter().map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect()).collect()
}

fn error_of(input: &[u8]) -> Option<ProtocolError> {
    feed(&[input], &OPEN).1
}

#[test]
fn requests_without_effect_are_skipped() {
    let ping = words(&[&["PING"]]);
    assert_eq!(feed(&[b"\r\nPING\r\n"], &OPEN), (ping.clone(), None, 0));
    assert_eq!(feed(&[&b"\n".repeat(10_000), b"PING\n"], &OPEN), (ping.clone(), None, 0));
    assert_eq!(feed(&[b"*-10\r\n*1\r\n$4\r\nPING\r\n"], &OPEN), (ping, None, 0));
    let mixed = b"*0\r\nPING\r\n*1\r\n$4\r\nPING\r\n";
    assert_eq!(feed(&[mixed], &OPEN), (words(&[&["PING"], &["PING"]]), None, 0));
}

#[test]
fn wrong_counts_are_refused() {
    for count in
        ["3000000000", "+3", " 3", "03", "3 ", "0x3", "3.0", "", "-", "99999999999999999999", "-0", "00", "1\n", "12345678901234567890123"]
    {
        assert_eq!(error_of(format!("*{count}\r\n").as_bytes()), Some(ProtocolError::InvalidCount), "{count}");
    }
}

#[test]
fn a_claimed_count_reserves_nothing() {
    let (mut resume, mut spans, mut scratch) = (Resume::default(), Vec::new(), Vec::new());
    let outcome = parse(b"*2147483647\r\n", &OPEN, &mut resume, &mut spans, &mut scratch);
    assert_eq!(outcome, Parsed::More { need: 0 });
    assert!(resume.memory_bytes() + spans.capacity() + scratch.capacity() < 16 << 10);
}

#[test]
fn endless_header_lines_are_refused_at_64_kib() {
    let digits = vec![b'1'; 65_537];
    assert_eq!(error_of(&[b"*", &digits[..]].concat()), Some(ProtocolError::TooBigCountLine));
    assert_eq!(error_of(&[b"*", &digits[..65_535]].concat()), None);
    assert_eq!(error_of(&[b"*1\r\n$", &digits[..]].concat()), Some(ProtocolError::TooBigBulkLine));
    assert_eq!(error_of(&[b"*1\r\n$", &digits[..65_535]].concat()), None);
    assert_eq!(error_of(&[&b"*1\n"[..], &b"$4\nPING\n".repeat(9000)].concat()), Some(ProtocolError::TooBigCountLine));
}

#[test]
fn a_nul_byte_hides_the_line_end_until_the_line_is_too_long() {
    for (start, error) in [
        (&b"\0"[..], ProtocolError::TooBigInline),
        (b"*\0", ProtocolError::TooBigCountLine),
        (b"*1\r\n$\0", ProtocolError::TooBigBulkLine),
        (b"*1\r\n\0", ProtocolError::TooBigBulkLine),
        (b"PING\0\r\nPING\r\n", ProtocolError::TooBigInline),
    ] {
        assert_eq!(error_of(&[start, b"\r\n"].concat()), None);
        assert_eq!(error_of(&[start, &[b'A'; 65_537], b"\r\n"].concat()), Some(error));
        let pieces: Vec<&[u8]> = std::iter::once(start).chain(std::iter::repeat_n(&[b'A'; 100][..], 700)).collect();
        assert_eq!(feed(&pieces, &OPEN).1, Some(error));
    }
}

#[test]
fn an_argument_must_start_with_a_dollar() {
    assert_eq!(error_of(b"*1\r\nfoo\r\n"), Some(ProtocolError::ExpectedDollar(b'f')));
    assert_eq!(error_of(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"), Some(ProtocolError::ExpectedDollar(b'f')));
    assert_eq!(error_of(b"*1\r\n*1\r\n$4\r\nPING\r\n"), Some(ProtocolError::ExpectedDollar(b'*')));
    for got in *b":+-%~>#,(_\n\r\x01\xff" {
        let error = error_of(&[&b"*1\r\n"[..], &[got], b"1\r\n"].concat()).unwrap();
        assert_eq!(error, ProtocolError::ExpectedDollar(got));
        let shown = if matches!(got, b'\n' | b'\r') { b' ' } else { got };
        assert_eq!(*error.text(), [&b"ERR Protocol error: expected '$', got '"[..], &[shown], b"'"].concat());
    }
}

#[test]
fn wrong_lengths_are_refused() {
    for len in ["-1", "-10", "536870913", "9223372036854775807", "18446744073709551615", "blabla", " 3", "03", "+3", "3a", "", "-", "00"] {
        let input = format!("*1\r\n${len}\r\n");
        assert_eq!(error_of(input.as_bytes()), Some(ProtocolError::InvalidBulkLength), "{len}");
    }
    assert_eq!(error_of(b"*1\r\n$536870912\r\n"), None);
    let master = Limits { max_bulk: usize::MAX, authenticated: true };
    assert_eq!(feed(&[b"*1\r\n$4294967295\r\n"], &master).1, Some(ProtocolError::InvalidBulkLength));
    assert_eq!(feed(&[b"*1\r\n$4000000000\r\n"], &master).1, None);
    assert_eq!(feed(&[b"*1\r\n$9223372036854775807\r\n"], &master).1, Some(ProtocolError::InvalidBulkLength));
}

#[test]
fn bytes_after_cr_and_after_a_body_are_skipped_unread() {
    assert_eq!(feed(&[b"*1\r\n$3\r\nfooXY*1\rX$4\rXPING\rX"], &OPEN), (words(&[&["foo"], &["PING"]]), None, 0));
}

#[test]
fn an_unauthenticated_client_has_small_limits() {
    assert_eq!(feed(&[b"*11\r\n"], &LOCKED).1, Some(ProtocolError::UnauthenticatedCount));
    assert_eq!(feed(&[b"*10\r\n"], &LOCKED).1, None);
    assert_eq!(feed(&[b"*1\r\n$16385\r\n"], &LOCKED).1, Some(ProtocolError::UnauthenticatedBulkLength));
    assert_eq!(feed(&[b"*1\r\n$16384\r\n"], &LOCKED).1, None);
    assert_eq!(feed(&[b"*1\r\n$536870913\r\n"], &LOCKED).1, Some(ProtocolError::InvalidBulkLength));
    assert_eq!(feed(&[b"*3000000000\r\n"], &LOCKED).1, Some(ProtocolError::InvalidCount));
}

#[test]
fn inline_requests_are_words() {
    for (line, expected) in [
        (&b"PING\n"[..], &["PING"][..]),
        (b"  PING \r\n", &["PING"]),
        (b"\"PING\"\r\n", &["PING"]),
        (b"SET k \"a\\x00b\"\r\n", &["SET", "k", "a\0b"]),
        (b"SET \"\" ''\n", &["SET", "", ""]),
    ] {
        assert_eq!(feed(&[line], &OPEN), (words(&[expected]), None, 0));
    }
    assert_eq!(error_of(b"set \"\"\"k\"\"\" v\r\n"), Some(ProtocolError::UnbalancedQuotes));
    assert_eq!(error_of(b"\"a\"b\r\n"), Some(ProtocolError::UnbalancedQuotes));
    assert_eq!(error_of(&[b'a'; 65_536]), None);
    assert_eq!(error_of(&[b'a'; 65_537]), Some(ProtocolError::TooBigInline));
    let many = [&b"a ".repeat(30_000)[..], b"\r\n"].concat();
    assert_eq!(feed(&[&many], &OPEN).0[0].len(), 30_000);
}

#[test]
fn inline_and_resp_alternate() {
    let input = b"GET a\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n".repeat(5000);
    let (commands, error, left) = feed(&[&input], &OPEN);
    assert_eq!((commands.len(), error, left), (10_000, None, 0));
    assert!(commands.chunks(2).all(|pair| pair == words(&[&["GET", "a"], &["GET", "b"]])));
}

#[test]
fn foreign_protocols_never_crash() {
    for input in [
        &b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
    ] {
        feed(&[input], &OPEN);
        feed(&input.chunks(1).collect::<Vec<_>>(), &OPEN);
    }
}

fn pipeline() -> Vec<u8> {
    let mut input = b"*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$12\r\nhello\r\nworld\r\n\r\n*0\r\nPING \"a b\"\r\n*1\r\n$4\r\nPING\r\n".to_vec();
    input.extend_from_slice(b"*2\r\n$4\r\nECHO\r\n$100\r\n");
    input.extend_from_slice(&[b'x'; 100]);
    input.extend_from_slice(b"\r\n*-1\r\n*1\r\n$0\r\n\r\n");
    input
}

#[test]
fn every_cut_gives_the_same_commands() {
    let input = pipeline();
    let whole = feed(&[&input], &OPEN);
    assert_eq!((whole.0.len(), whole.1, whole.2), (5, None, 0));
    assert_eq!(feed(&input.chunks(1).collect::<Vec<_>>(), &OPEN), whole);
    for first in 0..=input.len() {
        for second in first..=input.len() {
            assert_eq!(feed(&[&input[..first], &input[first..second], &input[second..]], &OPEN), whole);
        }
    }
}

#[test]
fn buffer_sized_arguments_cut_anywhere_near_the_edge_are_whole() {
    for size in [16_384usize, 32_768].into_iter().flat_map(|size| size - 1..=size + 1) {
        let mut input = format!("*2\r\n$4\r\nECHO\r\n${size}\r\n").into_bytes();
        input.resize(input.len() + size, b'y');
        input.extend_from_slice(b"\r\n");
        for piece in [16_383, 16_384, 16_385] {
            let (commands, error, left) = feed(&input.chunks(piece).collect::<Vec<_>>(), &OPEN);
            assert_eq!((commands.len(), error, left), (1, None, 0));
            assert_eq!(commands[0][1].len(), size);
        }
    }
}

#[test]
fn a_command_in_pieces_is_scanned_once() {
    // Quadratic work would be about 10^11 steps here.
    let mut input = b"*1048577\r\n$4\r\nMSET\r\n".to_vec();
    input.extend_from_slice(&b"$1\r\nx\r\n".repeat(1 << 20));
    let (mut resume, mut spans, mut scratch) = (Resume::default(), Vec::new(), Vec::new());
    let mut end = 0;
    while end < input.len() - 512 {
        end += 512;
        let outcome = parse(&input[..end], &OPEN, &mut resume, &mut spans, &mut scratch);
        assert!(matches!(outcome, Parsed::More { .. }));
    }
    assert!(spans.is_empty());
    let outcome = parse(&input, &OPEN, &mut resume, &mut spans, &mut scratch);
    assert_eq!(outcome, Parsed::Command { used: input.len() });
    assert_eq!(spans.len(), (1 << 20) + 1);
    assert_eq!(resume.memory_bytes(), 0);
}

#[test]
fn the_needed_size_of_a_large_argument_is_known() {
    let (mut resume, mut spans, mut scratch) = (Resume::default(), Vec::new(), Vec::new());
    let input = b"*2\r\n$4\r\nECHO\r\n$100000\r\nabc";
    let expected = Parsed::More { need: 14 + 9 + 100_000 + 2 };
    assert_eq!(parse(input, &OPEN, &mut resume, &mut spans, &mut scratch), expected);
    assert_eq!(parse(input, &OPEN, &mut resume, &mut spans, &mut scratch), expected);
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn random_bytes_never_panic_and_cuts_never_matter() {
    let letters = b"**$$0011234-\r\n\r\n\r\nabc \"'\\x\0";
    for seed in 0..20_000u64 {
        let mut random = Random(seed);
        let any = seed % 4 == 0;
        let len = random.below(60);
        let input: Vec<u8> = (0..len).map(|_| if any { random.below(256) as u8 } else { letters[random.below(letters.len())] }).collect();
        let whole = feed(&[&input], &OPEN);
        let cut = random.below(len + 1);
        let pieces = feed(&[&input[..cut], &input[cut..]], &OPEN);
        assert_eq!((pieces.0, pieces.1), (whole.0, whole.1), "seed {seed}");
    }
}

#[test]
fn flipped_bits_never_panic_and_cuts_never_matter() {
    for seed in 0..20_000u64 {
        let (mut input, mut random) = (pipeline(), Random(seed));
        for _ in 0..1 + random.below(8) {
            let at = random.below(input.len());
            input[at] ^= 1 << random.below(8);
        }
        let whole = feed(&[&input], &OPEN);
        let pieces = feed(&input.chunks(1 + random.below(20)).collect::<Vec<_>>(), &OPEN);
        assert_eq!((pieces.0, pieces.1), (whole.0, whole.1), "seed {seed}");
    }
}
