//! Transcripts: the lines of a command's `cases`, what they send and what must come back.
//!
//! A line is `> WORDS...  EXPECTED`: words by the quoting rules of inline commands, two or more spaces, then one of
//! `+text` `-error` `:n` `$bulk` `"quoted"` `nil` `[a, b]` `~[any, order]` `{key: value}` `,1.5` `?`. In lists a bare word is
//! a bulk string, one that begins with `-` and a digit too. `# stock: skip` at the end: not asked of a stock server. Lines that begin with `#` are remarks.

use super::Reply;

/// What a reply must be, in words that hold for both versions of the protocol.
#[derive(Clone, PartialEq, Debug)]
pub enum Expected {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    Nil,
    List(Vec<Expected>),
    AnyOrder(Vec<Expected>),
    Map(Vec<(Expected, Expected)>),
    Double(String),
    Anything,
}

/// One line of a transcript.
#[derive(Debug)]
pub struct Case {
    /// As written, for messages.
    pub text: String,
    pub words: Vec<Vec<u8>>,
    pub expected: Expected,
    pub skip_stock: bool,
}

/// All lines of a transcript, or what is wrong with it.
pub fn parse(transcript: &str) -> Result<Vec<Case>, String> {
    let lines = transcript.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|line| parse_line(line).map_err(|why| format!("{why} in `{line}`"))).collect()
}

fn parse_line(line: &str) -> Result<Case, String> {
    let mut rest = line.strip_prefix('>').ok_or("no `>` at the start")?;
    let mut words = Vec::new();
    loop {
        let trimmed = rest.trim_start_matches(' ');
        if !words.is_empty() && rest.len() - trimmed.len() >= 2 {
            rest = trimmed;
            break;
        }
        if trimmed.is_empty() {
            return Err("no expected reply (two spaces before it)".into());
        }
        let (word, after) = take_word(trimmed)?;
        words.push(word);
        rest = after;
    }
    let (expected, skip_stock) = match rest.rsplit_once(" # stock: skip") {
        Some((expected, "")) => (expected.trim_end(), true),
        _ => (rest, false),
    };
    Ok(Case { text: line.to_string(), words, expected: parse_expected(expected)?, skip_stock })
}

fn take_word(text: &str) -> Result<(Vec<u8>, &str), String> {
    if text.starts_with('"') {
        return take_quoted(text);
    }
    if let Some(inside) = text.strip_prefix('\'') {
        let end = inside.find('\'').ok_or("quote without an end")?;
        return Ok((inside.as_bytes()[..end].to_vec(), &inside[end + 1..]));
    }
    let end = text.find(' ').unwrap_or(text.len());
    Ok((text.as_bytes()[..end].to_vec(), &text[end..]))
}

/// A string in double quotes with `\n \r \t \a \b \xNN \\ \"`, and what follows it.
fn take_quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let (mut word, mut at, bytes) = (Vec::new(), 1, text.as_bytes());
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => return Ok((word, &text[at..])),
            b'\\' => {
                let escape = *bytes.get(at).ok_or("backslash at the end")?;
                at += 1;
                word.push(match escape {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    b'x' => {
                        let digits = text.get(at..at + 2).ok_or("short \\x")?;
                        at += 2;
                        u8::from_str_radix(digits, 16).map_err(|_| "bad \\x")?
                    }
                    other => other,
                });
            }
            other => word.push(*other),
        }
    }
    Err("quote without an end".into())
}

fn parse_expected(text: &str) -> Result<Expected, String> {
    let whole = |tail: &str| tail.as_bytes().to_vec();
    let text = text.trim_end();
    match text.as_bytes().first() {
        Some(b'+') => return Ok(Expected::Simple(whole(&text[1..]))),
        Some(b'-') => return Ok(Expected::Error(whole(&text[1..]))),
        Some(b'$') => return Ok(Expected::Bulk(whole(&text[1..]))),
        _ => {}
    }
    if !text.starts_with(['[', '~', '{', '"', ':', ',', '?']) && text != "nil" {
        return Err("the expected reply has no known form".into());
    }
    let (expected, rest) = take_element(text)?;
    if rest.trim().is_empty() { Ok(expected) } else { Err(format!("`{rest}` after the expected reply")) }
}

fn take_element(text: &str) -> Result<(Expected, &str), String> {
    let text = text.trim_start();
    match text.as_bytes().first() {
        Some(b'[') => take_list(&text[1..]).map(|(l, rest)| (Expected::List(l), rest)),
        Some(b'~') if text[1..].starts_with('[') => take_list(&text[2..]).map(|(l, rest)| (Expected::AnyOrder(l), rest)),
        Some(b'{') => take_map(&text[1..]),
        Some(b'"') => take_quoted(text).map(|(word, rest)| (Expected::Bulk(word), rest)),
        _ => {
            // A comma first is a double, so the end is looked for behind the first character.
            let first = text.chars().next().map_or(0, char::len_utf8);
            let end = text[first..].find([',', ']', '}', ':']).map_or(text.len(), |i| i + first);
            let (word, rest) = (text[..end].trim_end(), &text[end..]);
            Ok((scalar(word)?, rest))
        }
    }
}

fn scalar(word: &str) -> Result<Expected, String> {
    let tail = || word.as_bytes()[1..].to_vec();
    Ok(match (word.as_bytes().first(), word) {
        (_, "nil") => Expected::Nil,
        (_, "?") => Expected::Anything,
        (Some(b'+'), _) => Expected::Simple(tail()),
        (Some(b'-'), _) if !word[1..].starts_with(|c: char| c.is_ascii_digit()) => Expected::Error(tail()),
        (Some(b'$'), _) => Expected::Bulk(tail()),
        (Some(b','), _) => Expected::Double(word[1..].to_string()),
        (Some(b':'), _) => Expected::Int(word[1..].parse().map_err(|_| format!("bad number {word}"))?),
        (Some(_), _) => Expected::Bulk(word.as_bytes().to_vec()),
        (None, _) => return Err("an empty element".into()),
    })
}

fn take_list(mut text: &str) -> Result<(Vec<Expected>, &str), String> {
    let mut elements = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix(']') {
            return Ok((elements, rest));
        }
        let (element, rest) = take_element(text)?;
        elements.push(element);
        text = rest.trim_start();
        text = text.strip_prefix(',').unwrap_or(text);
        if text.is_empty() {
            return Err("a list without an end".into());
        }
    }
}

fn take_map(mut text: &str) -> Result<(Expected, &str), String> {
    let mut pairs = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix('}') {
            return Ok((Expected::Map(pairs), rest));
        }
        let (key, rest) = take_element(text)?;
        let rest = rest.trim_start().strip_prefix(':').ok_or("no `:` in a map")?;
        let (value, rest) = take_element(rest)?;
        pairs.push((key, value));
        text = rest.trim_start();
        text = text.strip_prefix(',').unwrap_or(text);
        if text.is_empty() {
            return Err("a map without an end".into());
        }
    }
}

impl Expected {
    /// Whether `reply`, received in version `resp` of the protocol, is the expected one.
    pub fn fits(&self, reply: &Reply, resp: u8) -> bool {
        match (self, reply) {
            (Expected::Anything, _) | (Expected::Nil, Reply::Null) => true,
            (Expected::Simple(want), Reply::Simple(got)) | (Expected::Error(want), Reply::Error(got)) => want == got,
            (Expected::Int(want), Reply::Int(got)) => want == got,
            (Expected::Bulk(want), Reply::Bulk(got)) => want == got,
            (Expected::Bulk(want), Reply::Verbatim(got)) => resp == 3 && want == got,
            (Expected::Double(want), Reply::Double(got)) => resp == 3 && want.as_bytes() == got,
            (Expected::Double(want), Reply::Bulk(got)) => resp == 2 && want.as_bytes() == got,
            (Expected::List(want), Reply::Array(got) | Reply::Set(got)) => all_fit(want, got, resp),
            (Expected::AnyOrder(want), Reply::Array(got)) => all_fit_in_some_order(want, got, resp),
            (Expected::AnyOrder(want), Reply::Set(got)) => resp == 3 && all_fit_in_some_order(want, got, resp),
            (Expected::Map(want), Reply::Map(got)) => resp == 3 && pairs_fit(want, got, resp),
            (Expected::Map(want), Reply::Array(got)) if resp == 2 && got.len() % 2 == 0 => {
                let got: Vec<_> = got.chunks_exact(2).map(|p| (p[0].clone(), p[1].clone())).collect();
                pairs_fit(want, &got, resp)
            }
            _ => false,
        }
    }
}

/// The version of the protocol after a command and its reply: HELLO and RESET change it.
pub fn version_after(words: &[Vec<u8>], reply: &Reply, resp: u8) -> u8 {
    if matches!(reply, Reply::Error(_)) {
        return resp;
    }
    match (words[0].to_ascii_uppercase().as_slice(), words.get(1).map(Vec::as_slice)) {
        (b"HELLO", Some(b"2")) | (b"RESET", _) => 2,
        (b"HELLO", Some(b"3")) => 3,
        _ => resp,
    }
}

fn all_fit(want: &[Expected], got: &[Reply], resp: u8) -> bool {
    want.len() == got.len() && want.iter().zip(got).all(|(w, g)| w.fits(g, resp))
}

fn all_fit_in_some_order(want: &[Expected], got: &[Reply], resp: u8) -> bool {
    let mut left: Vec<_> = got.iter().collect();
    let found = want.iter().all(|w| match left.iter().position(|g| w.fits(g, resp)) {
        Some(i) => {
            left.swap_remove(i);
            true
        }
        None => false,
    });
    found && left.is_empty()
}

/// The order of a map's pairs means nothing.
fn pairs_fit(want: &[(Expected, Expected)], got: &[(Reply, Reply)], resp: u8) -> bool {
    want.len() == got.len() && want.iter().all(|(k, v)| got.iter().any(|(gk, gv)| k.fits(gk, resp) && v.fits(gv, resp)))
}

#[test]
fn words_and_expected_replies_are_read_as_written() {
    let cases = parse(
        r#"
        > SET k "a  b\r\x00"   +OK
        > GET 'x y'  $text with  spaces
        > KEYS *  ~[b, "a, c", :1, nil]
        > HELLO  {server: redis, modules: [], proto: :2}   # stock: skip
        > X  [[a, []], ,1.5, -ERR no]
        > Y  "q\"uoted"
        "#,
    )
    .unwrap();
    assert_eq!(cases[0].words[2], b"a  b\r\0");
    assert_eq!(cases[1].words, [b"GET".to_vec(), b"x y".to_vec()]);
    assert_eq!(cases[1].expected, Expected::Bulk(b"text with  spaces".to_vec()));
    assert!(
        cases[2]
            .expected
            .fits(&Reply::Array(vec![Reply::Null, Reply::Bulk(b"a, c".to_vec()), Reply::Int(1), Reply::Bulk(b"b".to_vec())]), 2)
    );
    assert!(cases[3].skip_stock && !cases[2].skip_stock);
    let nested = Expected::List(vec![Expected::Bulk(b"a".to_vec()), Expected::List(vec![])]);
    assert_eq!(cases[4].expected, Expected::List(vec![nested, Expected::Double("1.5".into()), Expected::Error(b"ERR no".to_vec())]));
    assert_eq!(cases[5].expected, Expected::Bulk(b"q\"uoted".to_vec()));
}

#[test]
fn lines_that_say_nothing_are_refused() {
    for line in ["GET k  nil", "> GET k nil", "> GET k", "> GET k  text", "> GET k  [a", "> GET \"k  nil", "> GET k  nil nil"] {
        assert!(parse(line).is_err(), "{line}");
    }
}
