//! The manifest: which files make up the log, in which order. Reads and writes exactly what stock servers do.
//!
//! ```text
//! file appendonly.aof.3.base.rdb seq 3 type b          the base: at most one
//! file appendonly.aof.2.base.rdb seq 2 type h          history: replaced, about to be deleted
//! file appendonly.aof.7.incr.aof seq 7 type i          incremental files in the order of loading, numbers rising
//! ```
//! One line a file, ended by LF. A name with blanks or bytes that do not print is quoted as in inline commands. Lines that begin with
//! `#` are skipped, unknown keys too. What cannot be understood refuses the start, with the texts of stock servers.
//! It touches no file: `Store::replace` and the book of core 0 write what [`Manifest::to_bytes`] gives.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence (multi-part AOF)

use crate::proto::inline::{quote_into, split_args};

/// Longest line, LF included.
const LINE_MAX: usize = 1024;

const EMPTY: &str = "Found an empty AOF manifest";
const TOO_LONG: &str = "The AOF manifest file contains too long line";
const FORMAT: &str = "Invalid AOF manifest file format";
const A_PATH: &str = "File can't be a path, just a filename";
const TWO_BASES: &str = "Found duplicate base file information";
const NOT_RISING: &str = "Found a non-monotonic sequence number";
const UNKNOWN_TYPE: &str = "Unknown AOF file type";

/// What a listed file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    Base,
    History,
    Incr,
}

impl FileKind {
    fn letter(self) -> u8 {
        match self {
            FileKind::Base => b'b',
            FileKind::History => b'h',
            FileKind::Incr => b'i',
        }
    }
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// A plain name in the directory of the log.
    pub name: Vec<u8>,
    /// Its number; never 0.
    pub seq: i64,
}

/// The files of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Manifest {
    pub base: Option<Listed>,
    pub history: Vec<Listed>,
    /// Ascending by number.
    pub incrs: Vec<Listed>,
}

impl Manifest {
    /// Reads the text of a manifest. The error is the whole block that stock servers log before they exit.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, String> {
        let mut manifest = Manifest::default();
        let (mut rest, mut number) = (bytes, 0u32);
        while !rest.is_empty() {
            number += 1;
            let room = rest.get(..LINE_MAX).unwrap_or(rest);
            let end = memchr::memchr(b'\n', room).map(|at| at + 1);
            let (line, after) = rest.split_at(end.unwrap_or(room.len()));
            rest = after;
            // A comment may be longer than a line; what is beyond is taken for the next one.
            if line.first() == Some(&b'#') {
                continue;
            }
            if end.is_none() || line.contains(&0) {
                return Err(fatal(None, TOO_LONG));
            }
            let line = trim(line);
            manifest.add_line(line).map_err(|why| fatal(Some((number, line)), why))?;
        }
        if number == 0 { Err(fatal(None, EMPTY)) } else { Ok(manifest) }
    }

    fn add_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let words = split_args(line).filter(|w| w.len() >= 6 && w.len().is_multiple_of(2)).ok_or(FORMAT)?;
        let (mut name, mut seq, mut letter) = (None, 0, 0);
        for pair in words.chunks_exact(2) {
            let [key, value] = pair else { continue };
            if key.eq_ignore_ascii_case(b"file") {
                if !is_plain_name(value) {
                    return Err(A_PATH);
                }
                name = Some(value.clone());
            } else if key.eq_ignore_ascii_case(b"seq") {
                seq = leading_number(value);
            } else if key.eq_ignore_ascii_case(b"type") {
                letter = value.first().copied().unwrap_or(0);
            }
        }
        let name = name.filter(|_| seq != 0 && letter != 0).ok_or(FORMAT)?;
        let listed = Listed { name, seq };
        match letter {
            b'b' if self.base.is_some() => return Err(TWO_BASES),
            b'b' => self.base = Some(listed),
            b'h' => self.history.push(listed),
            b'i' if self.incrs.last().is_some_and(|last| seq <= last.seq) || seq < 0 => return Err(NOT_RISING),
            b'i' => self.incrs.push(listed),
            _ => return Err(UNKNOWN_TYPE),
        }
        Ok(())
    }

    /// The text of the manifest: base, history, incremental files.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, listed) in self.iter() {
            out.extend_from_slice(b"file ");
            put_name(&mut out, &listed.name);
            out.extend_from_slice(b" seq ");
            out.extend_from_slice(itoa::Buffer::new().format(listed.seq).as_bytes());
            out.extend_from_slice(b" type ");
            out.push(kind.letter());
            out.push(b'\n');
        }
        out
    }

    /// Every file in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (FileKind, &Listed)> {
        let base = self.base.iter().map(|f| (FileKind::Base, f));
        base.chain(self.history.iter().map(|f| (FileKind::History, f))).chain(self.incrs.iter().map(|f| (FileKind::Incr, f)))
    }

    /// Every file that is loaded, in order.
    pub fn live(&self) -> impl Iterator<Item = (FileKind, &Listed)> {
        self.iter().filter(|(kind, _)| *kind != FileKind::History)
    }

    /// Whether nothing is to be loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.incrs.is_empty()
    }

    /// The number that a new base gets at least.
    #[must_use]
    pub fn next_base(&self) -> i64 {
        let history = self.history.iter().filter(|f| number_in(&f.name).is_some_and(|(_, is_base)| is_base));
        self.base.iter().chain(history).map(|f| f.seq).max().unwrap_or(0).max(0).saturating_add(1)
    }

    /// The number that a new incremental file gets at least.
    #[must_use]
    pub fn next_incr(&self) -> i64 {
        let history = self.history.iter().filter(|f| number_in(&f.name).is_some_and(|(_, is_base)| !is_base));
        self.incrs.iter().chain(history).map(|f| f.seq).max().unwrap_or(0).max(0).saturating_add(1)
    }

    /// Everything but `kept` incremental files (the newest) is history now, and `base` is the base.
    pub fn rebase(&mut self, base: Listed, kept: impl Fn(&Listed) -> bool) {
        let (kept, replaced): (Vec<_>, Vec<_>) = std::mem::take(&mut self.incrs).into_iter().partition(|f| kept(f));
        self.history.extend(self.base.replace(base));
        self.history.extend(replaced);
        self.incrs = kept;
    }
}

/// `appendonly.aof.3.base.rdb`, or `.base.aof` if it holds commands.
#[must_use]
pub fn base_name(appendfilename: &[u8], seq: i64, as_commands: bool) -> Vec<u8> {
    name(appendfilename, seq, if as_commands { ".base.aof" } else { ".base.rdb" })
}

/// `appendonly.aof.3.incr.aof`.
#[must_use]
pub fn incr_name(appendfilename: &[u8], seq: i64) -> Vec<u8> {
    name(appendfilename, seq, ".incr.aof")
}

/// `appendonly.aof.manifest`.
#[must_use]
pub fn manifest_name(appendfilename: &[u8]) -> Vec<u8> {
    [appendfilename, b".manifest"].concat()
}

/// The name under which a manifest is written before it is renamed, in the directory of the log.
#[must_use]
pub fn temporary_name(appendfilename: &[u8]) -> Vec<u8> {
    [b"temp-", appendfilename, b".manifest"].concat()
}

/// The incremental file of stock servers while the log is being switched on.
#[must_use]
pub fn temporary_incr_name(appendfilename: &[u8]) -> Vec<u8> {
    [b"temp-", appendfilename, b".incr"].concat()
}

/// A file in the directory of the log.
#[must_use]
pub fn path_in(appenddirname: &[u8], name: &[u8]) -> Vec<u8> {
    [appenddirname, b"/", name].concat()
}

fn name(appendfilename: &[u8], seq: i64, end: &str) -> Vec<u8> {
    [appendfilename, b".", itoa::Buffer::new().format(seq).as_bytes(), end.as_bytes()].concat()
}

/// The number in the name of a file of any log, and whether it is a base.
#[must_use]
pub fn number_in(name: &[u8]) -> Option<(i64, bool)> {
    let (rest, is_base) = [(&b".base.rdb"[..], true), (b".base.aof", true), (b".incr.aof", false)]
        .into_iter()
        .find_map(|(end, is_base)| name.strip_suffix(end).map(|rest| (rest, is_base)))?;
    let dot = memchr::memrchr(b'.', rest)?;
    let number = crate::base::num::parse_i64(rest.get(dot + 1..)?)?;
    Some((number, is_base))
}

/// Without blanks, tabs and line ends on either side.
fn trim(line: &[u8]) -> &[u8] {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(|b| !is_blank(b)).unwrap_or(line.len());
    let end = line.iter().rposition(|b| !is_blank(b)).map_or(start, |at| at + 1);
    line.get(start..end).unwrap_or_default()
}

/// A name without a path in it, as stock servers see it.
fn is_plain_name(name: &[u8]) -> bool {
    !name.contains(&b'/') && !name.contains(&b'\\')
}

/// What `atoll` of C makes of a text: leading blanks, a sign, digits, anything behind them ignored; held at the ends of the range.
fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    let value = digits.fold(0i64, |value, d| value.saturating_mul(10).saturating_add(i64::from(d - b'0')));
    if is_negative { -value } else { value }
}

/// A name as one word: as it is, or quoted.
fn put_name(out: &mut Vec<u8>, name: &[u8]) {
    let is_plain = !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\'));
    if is_plain { out.extend_from_slice(name) } else { quote_into(out, name) }
}

fn fatal(line: Option<(u32, &[u8])>, why: &str) -> String {
    let place = line.map_or(String::new(), |(number, text)| {
        format!("Reading the manifest file, at line {number}\n\n>>> '{}'\n\n", String::from_utf8_lossy(text))
    });
    format!("\n*** FATAL AOF MANIFEST FILE ERROR ***\n\n{place}{why}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, seq: i64) -> Listed {
        Listed { name: name.into(), seq }
    }

    /// As stock servers wrote them.
    #[test]
    fn manifests_of_real_servers_are_read() {
        let fresh = b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
        let manifest = Manifest::parse(fresh).expect("of 7.0");
        assert_eq!(manifest.base, Some(listed("appendonly.aof.1.base.rdb", 1)));
        assert_eq!(manifest.incrs, [listed("appendonly.aof.1.incr.aof", 1)]);
        assert_eq!(manifest.to_bytes(), fresh);
        // 8.0 adds positions of replication; unknown keys are skipped.
        let newer = b"file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.base.rdb seq 1 type h\n\
                      file appendonly.aof.3.incr.aof seq 3 type i startoffset 0 endoffset 88\n\
                      file appendonly.aof.4.incr.aof seq 4 type i startoffset 88\n";
        let manifest = Manifest::parse(newer).expect("of 8.0");
        assert_eq!(manifest.incrs.len(), 2);
        assert_eq!(manifest.history, [listed("appendonly.aof.1.base.rdb", 1)]);
        assert_eq!((manifest.next_base(), manifest.next_incr()), (3, 5));
        let quoted = b"file \"my \\\"log\\\".aof.3.base.aof\" seq 3 type b\nfile \"my \\\"log\\\".aof.3.incr.aof\" seq 3 type i\n";
        let named = Manifest::parse(quoted).expect("of 7.0, 8.0 and Valkey 9");
        assert_eq!(named.base, Some(listed("my \"log\".aof.3.base.aof", 3)));
        assert_eq!(named.to_bytes(), quoted);
        let kinds: Vec<FileKind> = manifest.iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [FileKind::Base, FileKind::History, FileKind::Incr, FileKind::Incr]);
        assert_eq!(manifest.live().count(), 3);
    }

    #[test]
    fn any_name_reads_back() {
        let all: Vec<u8> = (0..=255u8).filter(|b| !matches!(b, b'/' | b'\\')).collect();
        for name in [&b"with blank.aof"[..], b"quote\".aof", b"it's", b"tab\t", b"\xff\x00", &all, &[b'x'; 255], b"plain.1.incr.aof"] {
            let manifest = Manifest { incrs: vec![Listed { name: name.to_vec(), seq: i64::MAX }], ..Manifest::default() };
            let bytes = manifest.to_bytes();
            assert_eq!(Manifest::parse(&bytes), Ok(manifest), "{}", bytes.escape_ascii());
        }
        assert_eq!(Manifest { incrs: vec![listed("a b", 2)], ..Manifest::default() }.to_bytes(), b"file \"a b\" seq 2 type i\n");
    }

    #[test]
    fn what_stock_servers_refuse_is_refused_with_their_words() {
        let long = format!("file {} seq 1 type b\n", "a".repeat(1100));
        let rest_of_comment = format!("#{}\nfile a seq 1 type b\n", "a".repeat(1100));
        let shown = "a".repeat(77);
        type Case<'a> = (&'a str, Option<(u32, &'a str)>, &'a str);
        let cases: &[Case] = &[
            ("", None, EMPTY),
            ("\n", Some((1, "")), FORMAT),
            ("# c\nfile a seq 1 type b\n\n", Some((3, "")), FORMAT),
            ("file a seq 1\n", Some((1, "file a seq 1")), FORMAT),
            ("file a seq 1 type\n", Some((1, "file a seq 1 type")), FORMAT),
            ("file a seq 1 type x\n", Some((1, "file a seq 1 type x")), UNKNOWN_TYPE),
            ("file ../a seq 1 type b\n", Some((1, "file ../a seq 1 type b")), A_PATH),
            ("file ../a seq 0 type b\n", Some((1, "file ../a seq 0 type b")), A_PATH),
            ("file a seq 0 type b\n", Some((1, "file a seq 0 type b")), FORMAT),
            ("file a seq x type b\n", Some((1, "file a seq x type b")), FORMAT),
            ("file a seq 1 type b\nfile b seq 2 type b\n", Some((2, "file b seq 2 type b")), TWO_BASES),
            ("file a seq 2 type i\nfile b seq 2 type i\n", Some((2, "file b seq 2 type i")), NOT_RISING),
            ("file a seq 2 type i\nfile b seq 1 type i\n", Some((2, "file b seq 1 type i")), NOT_RISING),
            ("file a seq -1 type i\n", Some((1, "file a seq -1 type i")), NOT_RISING),
            ("file a seq 1 type b", None, TOO_LONG),
            (&long, None, TOO_LONG),
            (&rest_of_comment, Some((2, &shown)), FORMAT),
            ("file \"a seq 1 type b\n", Some((1, "file \"a seq 1 type b")), FORMAT),
            ("fil a seq 1 type b\n", Some((1, "fil a seq 1 type b")), FORMAT),
            ("file a seq 1 type b foo\n", Some((1, "file a seq 1 type b foo")), FORMAT),
            ("file a type b type b\n", Some((1, "file a type b type b")), FORMAT),
            (" \tfile a seq 1 type q \r\n", Some((1, "file a seq 1 type q")), UNKNOWN_TYPE),
        ];
        for (text, line, why) in cases {
            let place = line.map_or(String::new(), |(n, text)| format!("Reading the manifest file, at line {n}\n\n>>> '{text}'\n\n"));
            let expected = format!("\n*** FATAL AOF MANIFEST FILE ERROR ***\n\n{place}{why}\n");
            assert_eq!(Manifest::parse(text.as_bytes()).expect_err(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_stock_servers_accept_is_accepted() {
        for text in [
            "#only a comment\n",
            "FILE a SEQ 3 TYPE i foo bar\n",
            "file a seq 1 type bb\n",
            "file a seq 1 type \"b\"\n",
            "file a seq -1 type b\n",
            "file a seq +1x type b\n",
            "file a seq 99999999999999999999 type b\n",
            "file a seq 5 type h\nfile b seq 2 type h\n",
            "type i file \"a b\" seq 1\n",
        ] {
            assert!(Manifest::parse(text.as_bytes()).is_ok(), "{text:?}");
        }
        assert!(Manifest::parse(b"#only a comment\n").expect("fine").is_empty());
    }

    #[test]
    fn a_new_base_makes_the_rest_history() {
        let mut manifest = Manifest { base: Some(listed("a.1.base.rdb", 1)), ..Manifest::default() };
        manifest.incrs = vec![listed("a.1.incr.aof", 1), listed("a.2.incr.aof", 2), listed("a.3.incr.aof", 3)];
        manifest.rebase(listed("a.2.base.rdb", 2), |f| f.seq > 2);
        assert_eq!(manifest.base, Some(listed("a.2.base.rdb", 2)));
        assert_eq!(manifest.history, [listed("a.1.base.rdb", 1), listed("a.1.incr.aof", 1), listed("a.2.incr.aof", 2)]);
        assert_eq!(manifest.incrs, [listed("a.3.incr.aof", 3)]);
        assert_eq!((manifest.next_base(), manifest.next_incr()), (3, 4));
        assert_eq!(Manifest::parse(&manifest.to_bytes()), Ok(manifest));
    }

    #[test]
    fn names_are_those_of_stock_servers() {
        assert_eq!(base_name(b"appendonly.aof", 3, false), b"appendonly.aof.3.base.rdb");
        assert_eq!(base_name(b"appendonly.aof", 3, true), b"appendonly.aof.3.base.aof");
        assert_eq!(incr_name(b"a b", 12), b"a b.12.incr.aof");
        assert_eq!(manifest_name(b"x"), b"x.manifest");
        assert_eq!(temporary_name(b"x"), b"temp-x.manifest");
        assert_eq!(path_in(b"appendonlydir", b"x"), b"appendonlydir/x");
        assert_eq!(number_in(b"a.12.incr.aof"), Some((12, false)));
        assert_eq!(number_in(b"a.7.base.aof"), Some((7, true)));
        assert_eq!(number_in(b"appendonly.aof"), None);
    }
}
