//! Annotations: lines of an incremental file that start with `#`. Stock servers skip them; ours say whose file it is and where it
//! is whole. Reading and writing of each form stand side by side. Used by whoever writes a log, and by [`super::read`].
//!
//! ```text
//! #RF:<generation>:<core>/<cores>:<run id>:<boot id>:<policy>   first line of a file, and again at each start that goes on writing to it;
//!                                                               core is `*` in the file of a command that concerns all slots
//! #TX:<ticket>:<participants>         the command or MULTI ... EXEC that follows is this core's part of the ticket; cores like `0-3,7`,
//!                                     or, where that is long, `x` and hexadecimal digits of four cores each, the lowest bit the lowest core
//! #TX:<ticket>:<participants>:0       this core took part and has nothing to record
//! #MARK:<ticket>:<policy>[:<sum>]     the same ticket in all logs; the policy that holds from here on; a checksum (8 hexadecimal digits) of the
//!                                     bytes behind the line before it of this kind, or behind the `#RF` line
//! #TS:<unix seconds>                  as Redis writes it
//! #END                                the run ended here in order: everything before it was synced
//! ```
//! Invariants: every line ends with CR LF and is shorter than 1,024 bytes; a line stands between commands, never inside of one.
//! What is not one of these forms is [`Annotation::Other`] and means nothing.

use crate::base::num::{parse_i64, parse_u64};
use crate::config::kinds::AppendFsync;
use crc_fast::{CrcAlgorithm::Crc32Iscsi, Digest};

/// Longest line, CR LF included: what stock servers skip as one.
pub const LINE_MAX: usize = 1023;
/// Longest run id or boot id, bytes.
const ID_MAX: usize = 64;
/// Most cores of a generation: what the configuration allows, and some room.
const CORES_MAX: usize = 2048;
/// Longest list of ranges of participants, bytes; `x` and `CORES_MAX` / 4 digits are not longer than a line allows either.
const RANGES_MAX: usize = 384;

/// Whose file of a generation it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Owner {
    /// The command that concerns all slots.
    All,
    /// What happened on this core.
    Core(usize),
}

/// What a file of ours says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rf {
    /// Rises with every generation.
    pub generation: u64,
    pub owner: Owner,
    /// Number of cores of the generation.
    pub cores: usize,
    /// Names the run of the server: letters, digits and `-`, 1 to 64 of them.
    pub run: String,
    /// Names the boot of the machine, in the same way.
    pub boot: String,
    /// The policy that holds from here on.
    pub policy: AppendFsync,
}

/// Some cores, by number.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cores(Vec<(u32, u32)>);

impl Cores {
    /// The cores that `has` names of the first `cores`.
    #[must_use]
    pub fn of(cores: usize, has: impl Fn(usize) -> bool) -> Cores {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for core in (0..cores).filter(|core| has(*core)) {
            let core = core as u32;
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == core => *last = core,
                _ => ranges.push((core, core)),
            }
        }
        Cores(ranges)
    }

    /// Whether `core` is one of them.
    #[must_use]
    pub fn has(&self, core: usize) -> bool {
        self.0.iter().any(|(first, last)| (*first as usize..=*last as usize).contains(&core))
    }

    /// Each of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().flat_map(|(first, last)| *first as usize..=*last as usize)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for (n, (first, last)) in self.0.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            put_number(out, u64::from(*first));
            if last > first {
                out.push(b'-');
                put_number(out, u64::from(*last));
            }
        }
        if out.len() - start > RANGES_MAX {
            out.truncate(start);
            out.push(b'x');
            let end = self.0.last().map_or(0, |(_, last)| *last as usize + 1);
            for digit in 0..end.div_ceil(4) {
                let bits = (0..4).filter(|bit| self.has(digit * 4 + bit)).fold(0u32, |bits, bit| bits | 1 << bit);
                out.push(char::from_digit(bits, 16).unwrap_or('0') as u8);
            }
        }
    }

    fn read(text: &[u8]) -> Option<Cores> {
        if let [b'x', digits @ ..] = text {
            return Cores::read_digits(digits);
        }
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for part in text.split(|b| *b == b',') {
            let mut ends = part.splitn(2, |b| *b == b'-');
            let first = number_below(ends.next()?, CORES_MAX)? as u32;
            let last = ends.next().map_or(Some(first), |t| number_below(t, CORES_MAX).map(|n| n as u32))?;
            let is_after = ranges.last().is_none_or(|(_, before)| first > *before);
            if last < first || !is_after {
                return None;
            }
            ranges.push((first, last));
        }
        Some(Cores(ranges))
    }

    fn read_digits(digits: &[u8]) -> Option<Cores> {
        let bits: Option<Vec<u32>> = digits.iter().map(|d| (*d as char).to_digit(16)).collect();
        let bits = bits.filter(|b| b.len() * 4 <= CORES_MAX)?;
        Some(Cores::of(bits.len() * 4, |core| bits.get(core / 4).is_some_and(|b| b >> (core % 4) & 1 == 1)))
    }
}

/// One line, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Annotation {
    Rf(Rf),
    /// `is_empty`: there is nothing to record, so no command belongs to it.
    Tx {
        ticket: u64,
        participants: Cores,
        is_empty: bool,
    },
    Mark {
        ticket: u64,
        policy: AppendFsync,
        sum: Option<u32>,
    },
    /// Unix seconds.
    Ts(i64),
    End,
    /// Anything else that starts with `#`.
    Other,
}

impl Annotation {
    /// Reads a line; its end (LF, CR LF) may be there or not.
    #[must_use]
    pub fn read(line: &[u8]) -> Annotation {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let known = match line {
            [b'#', b'R', b'F', b':', rest @ ..] => read_rf(rest).map(Annotation::Rf),
            [b'#', b'T', b'X', b':', rest @ ..] => read_tx(rest),
            [b'#', b'M', b'A', b'R', b'K', b':', rest @ ..] => read_mark(rest),
            [b'#', b'T', b'S', b':', rest @ ..] => parse_i64(rest).map(Annotation::Ts),
            b"#END" => Some(Annotation::End),
            _ => None,
        };
        known.unwrap_or(Annotation::Other)
    }
}

/// Appends the line that begins a file, or a run that goes on with one. The ids are cut to what may stand there.
pub fn put_rf(out: &mut Vec<u8>, rf: &Rf) {
    out.extend_from_slice(b"#RF:");
    put_number(out, rf.generation);
    out.push(b':');
    match rf.owner {
        Owner::All => out.push(b'*'),
        Owner::Core(core) => put_number(out, core as u64),
    }
    out.push(b'/');
    put_number(out, rf.cores as u64);
    for id in [&rf.run, &rf.boot] {
        out.push(b':');
        let plain = id.bytes().filter(|b| is_plain(*b)).take(ID_MAX);
        let before = out.len();
        out.extend(plain);
        if out.len() == before {
            out.push(b'-');
        }
    }
    out.push(b':');
    end_with_policy(out, rf.policy);
}

fn read_rf(text: &[u8]) -> Option<Rf> {
    let mut parts = text.split(|b| *b == b':');
    let generation = parse_u64(parts.next()?)?;
    let mut place = parts.next()?.splitn(2, |b| *b == b'/');
    let owner = place.next()?;
    let cores = number_below(place.next()?, CORES_MAX + 1)?;
    let owner = if owner == b"*" { Owner::All } else { Owner::Core(number_below(owner, cores)?) };
    let (run, boot) = (read_id(parts.next()?)?, read_id(parts.next()?)?);
    let policy = read_policy(parts.next()?)?;
    parts.next().is_none().then_some(Rf { generation, owner, cores, run, boot, policy })
}

/// Appends the line before this core's part of a ticket; `is_empty` if there is none to record.
pub fn put_tx(out: &mut Vec<u8>, ticket: u64, participants: &Cores, is_empty: bool) {
    out.extend_from_slice(b"#TX:");
    put_number(out, ticket);
    out.push(b':');
    participants.put(out);
    out.extend_from_slice(if is_empty { b":0\r\n" } else { b"\r\n" });
}

fn read_tx(text: &[u8]) -> Option<Annotation> {
    let mut parts = text.split(|b| *b == b':');
    let ticket = parse_u64(parts.next()?)?;
    let participants = Cores::read(parts.next()?)?;
    let is_empty = match parts.next() {
        None => false,
        Some(b"0") => true,
        Some(_) => return None,
    };
    parts.next().is_none().then_some(Annotation::Tx { ticket, participants, is_empty })
}

/// Appends a mark; `sum`: see [`Sum`].
pub fn put_mark(out: &mut Vec<u8>, ticket: u64, policy: AppendFsync, sum: Option<u32>) {
    out.extend_from_slice(b"#MARK:");
    put_number(out, ticket);
    out.push(b':');
    out.extend_from_slice(policy.word().as_bytes());
    if let Some(sum) = sum {
        out.push(b':');
        out.extend((0..8).rev().map(|digit| char::from_digit(sum >> (4 * digit) & 15, 16).unwrap_or('0') as u8));
    }
    out.extend_from_slice(b"\r\n");
}

/// The checksum in marks: CRC-32C of the bytes of a file behind the last mark or the line that began the run.
#[derive(Clone, Debug)]
pub struct Sum(Digest);

impl Default for Sum {
    fn default() -> Sum {
        Sum(Digest::new(Crc32Iscsi))
    }
}

impl Sum {
    /// Takes in bytes that follow.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of everything taken in; begins anew.
    pub fn take(&mut self) -> u32 {
        self.0.finalize_reset() as u32
    }
}

fn read_mark(text: &[u8]) -> Option<Annotation> {
    let mut parts = text.split(|b| *b == b':');
    let ticket = parse_u64(parts.next()?)?;
    let policy = read_policy(parts.next()?)?;
    let sum = match parts.next() {
        None => None,
        Some(digits) => Some(read_sum(digits)?),
    };
    parts.next().is_none().then_some(Annotation::Mark { ticket, policy, sum })
}

/// Appends the time of the commands that follow, unix seconds.
pub fn put_ts(out: &mut Vec<u8>, seconds: i64) {
    out.extend_from_slice(b"#TS:");
    out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends the line that says that a run ended in order.
pub fn put_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"#END\r\n");
}

fn end_with_policy(out: &mut Vec<u8>, policy: AppendFsync) {
    out.extend_from_slice(policy.word().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn read_policy(text: &[u8]) -> Option<AppendFsync> {
    [AppendFsync::Always, AppendFsync::EverySec, AppendFsync::No].into_iter().find(|p| p.word().as_bytes() == text)
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn read_sum(digits: &[u8]) -> Option<u32> {
    let add = |sum: u32, digit: &u8| (*digit as char).to_digit(16).map(|digit| sum << 4 | digit);
    (digits.len() == 8).then(|| digits.iter().try_fold(0, add)).flatten()
}

fn number_below(text: &[u8], bound: usize) -> Option<usize> {
    parse_u64(text).and_then(|n| usize::try_from(n).ok()).filter(|n| *n < bound)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn read_id(text: &[u8]) -> Option<String> {
    let is_right = (1..=ID_MAX).contains(&text.len()) && text.iter().all(|b| is_plain(*b));
    is_right.then(|| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rf(owner: Owner) -> Rf {
        Rf { generation: 7, owner, cores: 4, run: "ab12".into(), boot: "c-3".into(), policy: AppendFsync::EverySec }
    }

    #[test]
    fn what_is_written_is_read() {
        let cores = |list: &[usize]| Cores::of(1024, |c| list.contains(&c));
        let mut out = Vec::new();
        put_rf(&mut out, &rf(Owner::Core(3)));
        put_rf(&mut out, &rf(Owner::All));
        put_tx(&mut out, 9, &cores(&[0, 1, 2, 3, 7]), false);
        put_tx(&mut out, u64::MAX, &cores(&[5]), true);
        put_mark(&mut out, 12, AppendFsync::Always, None);
        put_mark(&mut out, 13, AppendFsync::No, Some(0x0A_BC_DE_F1));
        put_ts(&mut out, -1);
        put_end(&mut out);
        let text = "#RF:7:3/4:ab12:c-3:everysec\r\n#RF:7:*/4:ab12:c-3:everysec\r\n#TX:9:0-3,7\r\n#TX:18446744073709551615:5:0\r\n\
                    #MARK:12:always\r\n#MARK:13:no:0abcdef1\r\n#TS:-1\r\n#END\r\n";
        assert_eq!(String::from_utf8_lossy(&out), text);
        let read: Vec<Annotation> = out.split_inclusive(|b| *b == b'\n').map(Annotation::read).collect();
        assert_eq!(
            read,
            [
                Annotation::Rf(rf(Owner::Core(3))),
                Annotation::Rf(rf(Owner::All)),
                Annotation::Tx { ticket: 9, participants: cores(&[0, 1, 2, 3, 7]), is_empty: false },
                Annotation::Tx { ticket: u64::MAX, participants: cores(&[5]), is_empty: true },
                Annotation::Mark { ticket: 12, policy: AppendFsync::Always, sum: None },
                Annotation::Mark { ticket: 13, policy: AppendFsync::No, sum: Some(0x0A_BC_DE_F1) },
                Annotation::Ts(-1),
                Annotation::End,
            ]
        );
    }

    #[test]
    fn any_cores_fit_a_line() {
        for step in [1, 2, 3, 7, 500] {
            let cores = Cores::of(2048, |c| c % step == 0);
            let mut out = Vec::new();
            put_tx(&mut out, u64::MAX, &cores, true);
            assert!(out.len() <= LINE_MAX, "{step}: {}", out.len());
            assert_eq!(Annotation::read(&out), Annotation::Tx { ticket: u64::MAX, participants: cores.clone(), is_empty: true });
            assert!(cores.iter().eq((0..2048).step_by(step)));
        }
    }

    #[test]
    fn strange_ids_do_not_break_a_line() {
        let mut out = Vec::new();
        put_rf(&mut out, &Rf { run: "a:b\r\n".into(), boot: String::new(), ..rf(Owner::All) });
        assert_eq!(out, b"#RF:7:*/4:ab:-:everysec\r\n");
    }

    #[test]
    fn what_is_not_ours_means_nothing() {
        for line in [
            "#",
            "#RF",
            "#RF:1",
            "#RF:1:0/1:a:b:sometimes",
            "#RF:1:1/1:a:b:no",
            "#RF:1:0/1::b:no",
            "#RF:1:0/1:a:b:no:x",
            "#RF:-1:0/1:a:b:no",
            "#RF:1:0/1:a b:b:no",
            "#TX:1",
            "#TX:1:",
            "#TX:x:0",
            "#TX:1:0,0",
            "#TX:1:3-2",
            "#TX:1:2,1",
            "#TX:1:99999999999",
            "#TX:1:0:1",
            "#TX:1:xg",
            "#MARK:1",
            "#MARK::no",
            "#MARK:1:no:",
            "#MARK:1:no:0abcdefg",
            "#MARK:1:no:0abcdef12",
            "#MARK:1:no:0abcdef1:",
            "#TS:",
            "#END:",
            "#TS:1x",
            "# a comment",
        ] {
            assert_eq!(Annotation::read(line.as_bytes()), Annotation::Other, "{line}");
        }
    }
}
