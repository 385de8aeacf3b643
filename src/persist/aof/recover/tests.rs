//! Start-up over files in memory: what is loaded, what is cut, what is refused.

mod doubts;

use super::*;
use crate::base::rng::Rng;
use crate::config::kinds::AppendFsync;
use crate::persist::aof::annotation::{Cores, Rf, put_mark, put_rf, put_tx};
use std::collections::BTreeMap;

/// Files by path. Every change counts, and the one of a given number and all later ones fail.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Files {
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    changes: usize,
    fails_at: Option<usize>,
    /// What was written again: path, from, to.
    again: Vec<(Vec<u8>, u64, u64)>,
}

const EIO: i32 = 5;

impl Files {
    fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }
    fn get(&self, path: &str) -> &[u8] {
        self.files.get(path.as_bytes()).unwrap_or_else(|| panic!("{path} is gone"))
    }
    fn has(&self, path: &str) -> bool {
        self.files.contains_key(path.as_bytes())
    }
    fn change(&mut self) -> Result<(), i32> {
        self.changes += 1;
        if self.fails_at.is_some_and(|n| self.changes > n) { Err(EIO) } else { Ok(()) }
    }
}

impl Store for Files {
    fn size(&mut self, path: &[u8]) -> Result<Option<u64>, i32> {
        let is_long = path.rsplit(|b| *b == b'/').next().is_some_and(|name| name.len() > 255);
        if is_long { Err(36) } else { Ok(self.files.get(path).map(|f| f.len() as u64)) }
    }
    fn read(&mut self, path: &[u8], at: u64, buf: &mut [u8]) -> Result<usize, i32> {
        let rest = self.files.get(path).ok_or(NO_ENTRY)?.get(at as usize..).unwrap_or_default();
        // Short, as reads may be.
        let count = rest.len().min(buf.len()).min(1000);
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn replace(&mut self, path: &[u8], _: &[u8], bytes: &[u8]) -> Result<(), i32> {
        self.change()?;
        self.files.insert(path.to_vec(), bytes.to_vec());
        Ok(())
    }
    fn truncate(&mut self, path: &[u8], len: u64) -> Result<(), i32> {
        self.change()?;
        self.files.get_mut(path).ok_or(NO_ENTRY)?.truncate(len as usize);
        Ok(())
    }
    fn write_again(&mut self, path: &[u8], from: u64, to: u64) -> Result<(), i32> {
        self.change()?;
        self.again.push((path.to_vec(), from, to));
        Ok(())
    }
    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), i32> {
        self.change()?;
        let file = self.files.remove(from).ok_or(NO_ENTRY)?;
        self.files.insert(to.to_vec(), file);
        Ok(())
    }
    fn remove(&mut self, path: &[u8]) -> Result<(), i32> {
        self.change()?;
        self.files.remove(path);
        Ok(())
    }
    fn make_dir(&mut self, _: &[u8]) -> Result<(), i32> {
        self.change()
    }
    fn list(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, i32> {
        let prefix = if path == b"." { Vec::new() } else { [path, b"/"].concat() };
        let names = self.files.keys().filter_map(|k| k.strip_prefix(&prefix[..])).filter(|n| !n.contains(&b'/'));
        Ok(names.map(<[u8]>::to_vec).collect())
    }
}

const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";

fn config() -> Config {
    Config { appendonly: true, ..Config::default() }
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().for_each(|w| out.extend(format!("${}\r\n{w}\r\n", w.len()).bytes()));
    out
}

fn set(key: &str) -> Vec<u8> {
    command(&["SET", key, "1"])
}

fn incr(n: usize) -> String {
    format!("appendonlydir/appendonly.aof.{n}.incr.aof")
}

/// Files of a stock server: incremental files only, with these contents.
fn stock(contents: &[&[u8]]) -> Files {
    let mut files = Files::default();
    let mut manifest = String::new();
    for (n, bytes) in contents.iter().enumerate() {
        files.put(&incr(n + 1), *bytes);
        manifest += &format!("file appendonly.aof.{0}.incr.aof seq {0} type i\n", n + 1);
    }
    files.put(MANIFEST, manifest);
    files
}

fn rf(generation: u64, owner: Owner, cores: usize, run: &str, boot: &str, policy: AppendFsync) -> Vec<u8> {
    let mut out = Vec::new();
    put_rf(&mut out, &Rf { generation, owner, cores, run: run.into(), boot: boot.into(), policy });
    out
}

fn mark(ticket: u64, policy: AppendFsync) -> Vec<u8> {
    let mut out = Vec::new();
    put_mark(&mut out, ticket, policy, None);
    out
}

fn tx(ticket: u64, cores: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    put_tx(&mut out, ticket, &Cores::of(64, |c| cores.contains(&c)), false);
    out.extend(command(&["SET", "t", &ticket.to_string()]));
    out
}

/// One generation of ours: by core what follows the first line.
fn ours(policy: AppendFsync, logs: &[Vec<Vec<u8>>]) -> Files {
    let firsts: Vec<Vec<u8>> = (0..logs.len()).map(|core| rf(1, Owner::Core(core), logs.len(), "r1", "b1", policy)).collect();
    let contents: Vec<Vec<u8>> = firsts.into_iter().zip(logs).map(|(first, rest)| [first, rest.concat()].concat()).collect();
    stock(&contents.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn ends(recovered: &Recovered) -> Vec<u64> {
    recovered.plan.files().map(|f| f.end).collect()
}

fn lines(recovered: &Recovered) -> String {
    recovered.report.iter().map(|(_, line)| format!("{line}\n")).collect()
}

#[test]
fn without_a_log_it_is_the_snapshot() {
    let mut files = Files::default();
    let off = Config::default();
    let recovered = recover(&mut files, &off, 2, "b1").expect("nothing to load");
    assert!(recovered.plan.is_empty() && !recovered.plan.is_log && recovered.append.is_none());
    files.put("dump.rdb", "REDIS0011");
    let recovered = recover(&mut files, &off, 2, "b1").expect("a snapshot");
    assert_eq!(recovered.plan.stages, [[snapshot(b"dump.rdb".to_vec(), 9, false)]]);
    // With a log the snapshot is nothing, even if there is no log yet.
    let recovered = recover(&mut files, &config(), 2, "b1").expect("an empty log");
    assert!(recovered.plan.is_empty() && recovered.plan.is_log && recovered.manifest.is_empty());
    assert_eq!((recovered.next_base, recovered.next_incr, recovered.generation), (1, 1, 0));
    // Numbers go on although the log is off.
    let mut files = stock(&[&set("a")]);
    let recovered = recover(&mut files, &off, 2, "b1").expect("off");
    assert!(recovered.plan.is_empty());
    assert_eq!((recovered.next_incr, recovered.manifest.incrs.len()), (2, 1));
}

#[test]
fn a_stock_log_is_loaded_one_file_after_the_other() {
    let mut files = stock(&[&set("a"), b"", &[b"#TS:1\r\n".to_vec(), set("b"), b"#TS:2\r\n#TS:3\r\n".to_vec()].concat()]);
    files.put("appendonlydir/appendonly.aof.1.base.aof", set("c"));
    files.put(MANIFEST, [b"file appendonly.aof.1.base.aof seq 1 type b\n".to_vec(), files.get(MANIFEST).to_vec()].concat());
    let recovered = recover(&mut files, &config(), 3, "b1").expect("whole");
    assert_eq!(recovered.plan.stages.len(), 4);
    let last = &recovered.plan.stages[3][0];
    assert_eq!((last.skips.as_slice(), last.end, last.commands), (&[(0, 7), (34, 14)][..], 48, 1));
    assert!(recovered.plan.stages[0][0].is_base);
    assert_eq!((recovered.append, recovered.next_base, recovered.next_incr), (None, 2, 4));
    assert_eq!((recovered.base_bytes, recovered.log_bytes), (27, 27 + 27 + 48));
    assert_eq!(files.changes, 6, "only leftovers were removed, the three files of the log synced, and the last one written again before");
}

/// B161 for a stock file.
#[test]
fn a_stock_file_cut_anywhere_ends_with_its_longest_whole_prefix() {
    let units = [set("a"), [command(&["MULTI"]), set("b"), command(&["EXEC"])].concat(), set("c")];
    let whole = units.concat();
    for cut in 0..=whole.len() {
        let expected = [0, 27, 27 + 15 + 27 + 14, whole.len()].into_iter().rfind(|end| *end <= cut).expect("0");
        let mut files = stock(&[&set("x"), &whole[..cut]]);
        let recovered = recover(&mut files, &config(), 1, "b1").expect("the last file may be torn");
        assert_eq!(ends(&recovered), [27, expected as u64]);
        assert_eq!(files.get(&incr(2)).len(), expected, "cut off on disk as well");
        if expected < cut {
            let said = lines(&recovered);
            assert!(said.contains(&format!("!!! Truncating the AOF appendonly.aof.2.incr.aof at offset {expected} !!!")), "{said}");
            assert!(said.contains(&format!("{} bytes with 0 whole commands", cut - expected)), "{said}");
            let mut files = stock(&[&set("x"), &whole[..cut]]);
            let before = files.clone();
            let strict = Config { aof_load_truncated: false, ..config() };
            let why = recover(&mut files, &strict, 1, "b1").expect_err("may not be cut");
            assert_eq!(why, unexpected_end("appendonly.aof.2.incr.aof"));
            // A file that is not the last one must be whole.
            let mut files = stock(&[&whole[..cut], &set("x")]);
            let why = recover(&mut files, &config(), 1, "b1").expect_err("not the last file");
            assert!(why.ends_with("Fatal error: the truncated file is not the last file"), "{why}");
            assert_eq!(before.changes, 0);
        }
    }
}

/// B161 for logs of ours: cut at every byte, with and without a stop of the machine.
#[test]
fn logs_of_ours_cut_anywhere_agree() {
    use AppendFsync::EverySec;
    let first = vec![set("a"), mark(3, EverySec), tx(4, &[0, 1]), set("b"), tx(6, &[0, 1])];
    let second = vec![mark(3, EverySec), tx(4, &[0, 1]), tx(6, &[0, 1]), set("c")];
    let full = ours(EverySec, &[first, second]);
    let log = full.get(&incr(2)).to_vec();
    let place = |text: &str| memchr::memmem::find(&log, text.as_bytes()).expect("is there");
    let other = full.get(&incr(1)).to_vec();
    let in_other = |text: &str| memchr::memmem::find(&other, text.as_bytes()).expect("is there") as u64;
    let ticket_end = |n: usize| place(&format!("#TX:{n}:")) + tx(n as u64, &[0, 1]).len();
    for cut in place("#MARK")..=log.len() {
        let mut files = full.clone();
        files.put(&incr(2), &log[..cut]);
        let kept = recover(&mut files, &config(), 2, "b1").expect("a crash");
        let expected = match cut {
            n if n >= ticket_end(6) => other.len() as u64,
            n if n >= ticket_end(4) => in_other("#TX:6:"),
            _ => in_other("#TX:4:"),
        };
        assert_eq!(ends(&kept)[0], expected, "cut at {cut}");
        assert_eq!(files.get(&incr(1)).len() as u64, expected);
        assert_eq!(kept.append.as_ref().map(|a| a[0].len), Some(expected));
        let again = recover(&mut files, &config(), 2, "b1").expect("once more");
        assert_eq!((ends(&again), again.report), (ends(&kept), Vec::new()), "nothing more to cut");
        // After a power failure everything ends at the mark, or where no mark is, at the first line.
        let mut files = full.clone();
        files.put(&incr(2), &log[..cut]);
        let lost = recover(&mut files, &config(), 2, "b2").expect("a power failure");
        let is_marked = cut >= place("#MARK") + mark(3, EverySec).len();
        let wanted = |text: &str, log: &[u8]| {
            if is_marked { memchr::memmem::find(log, text.as_bytes()).expect("x") as u64 } else { place("#MARK") as u64 }
        };
        assert_eq!(ends(&lost), [wanted("#TX:4:", &other), wanted("#TX:4:", &log)], "cut at {cut}");
    }
}

#[test]
fn what_always_promised_survives_a_power_failure() {
    use AppendFsync::{Always, EverySec};
    let logs = [vec![set("a"), mark(1, Always), set("b"), tx(2, &[0, 1]), set("c")], vec![mark(1, Always), tx(2, &[0, 1]), set("d")]];
    let mut files = ours(EverySec, &logs);
    let sizes: Vec<u64> = (1..=2).map(|n| files.get(&incr(n)).len() as u64).collect();
    assert_eq!(ends(&recover(&mut files, &config(), 2, "b2").expect("whole")), sizes);
    // From a mark on that is in one log only, another policy may hold: it counts as a ticket that the other log lacks.
    let logs = [vec![set("a"), mark(1, Always), set("b"), mark(2, EverySec), set("c")], vec![mark(1, Always), set("d")]];
    let mut files = ours(EverySec, &logs);
    let at = memchr::memmem::find(files.get(&incr(1)), b"#MARK:2").expect("is there") as u64;
    let size = files.get(&incr(2)).len() as u64;
    assert_eq!(ends(&recover(&mut files, &config(), 2, "b2").expect("whole")), [at, size]);
    // Changed the other way: everything behind the common mark may be lost.
    let logs = [vec![mark(1, EverySec), set("b"), mark(2, Always)], vec![mark(1, EverySec), set("d")]];
    let mut files = ours(Always, &logs);
    let end = (rf(1, Owner::Core(0), 2, "r1", "b1", Always).len() + mark(1, EverySec).len()) as u64;
    assert_eq!(ends(&recover(&mut files, &config(), 2, "b2").expect("whole")), [end, end]);
}

/// B162, B163.
#[test]
fn garbage_in_the_middle_is_refused_and_nothing_touched() {
    for garbage in [
        "xxxx",
        "*0\r\n",
        "*-1\r\n",
        "*1\r\n$-5\r\n",
        "*1\r\n$9999999999\r\n",
        "*1\r\n$1\r\nxyz",
        "PING\r\n",
        "\r\n",
        "#\x00",
        "*99999999999\r\n",
    ] {
        let garbage = if garbage == "#\x00" { format!("#{}\r\n", "x".repeat(1 << 20)) } else { garbage.to_string() };
        let bytes = [set("a"), garbage.clone().into_bytes(), set("b")].concat();
        let logs: [Vec<Vec<u8>>; 2] = [vec![bytes.clone()], vec![]];
        for mut files in [stock(&[&bytes]), ours(AppendFsync::EverySec, &logs)] {
            let before = files.clone();
            let why = recover(&mut files, &config(), 2, "b1").expect_err(&garbage);
            assert_eq!(why, bad_format("appendonly.aof.1.incr.aof"));
            assert_eq!(files, before);
        }
    }
    // A count or a length that the file does not have is a torn write, whatever it claims.
    for claim in ["*99999999\r\n", "*1\r\n$4294967295\r\nabc"] {
        let mut files = stock(&[&[set("a"), claim.into()].concat()]);
        assert_eq!(ends(&recover(&mut files, &config(), 1, "b1").expect(claim)), [27]);
    }
}

/// B165.
#[test]
fn zeros_at_the_end_are_cut_as_far_as_is_allowed() {
    for (count, torn) in [(1usize, ""), (64 << 10, ""), (100, "*3\r\n$3\r\nSET\r\n"), (100, "*3\r\n$3\r\nSE"), (3, "*")] {
        let tail = [torn.as_bytes(), &vec![0; count]].concat();
        let bytes = [set("a"), tail.clone()].concat();
        let mut files = stock(&[&bytes]);
        let allowed = recover(&mut files, &config(), 1, "b1");
        // The option is one of newer servers; without it none are allowed.
        let max = config().get(b"aof-load-corrupt-tail-max-size").and_then(|v| crate::base::num::parse_u64(&v)).unwrap_or(0);
        assert_eq!(allowed.is_ok(), tail.len() as u64 <= max, "{count} {torn}");
        // In a log of ours after a power failure they were promised to nobody.
        for policy in [AppendFsync::EverySec, AppendFsync::Always] {
            let mut files = ours(policy, &[vec![set("a"), mark(1, policy), tail.clone()], vec![mark(1, policy)]]);
            let recovered = recover(&mut files, &config(), 2, "b2").expect("a power failure");
            let end = files.get(&incr(1)).len();
            assert!(files.get(&incr(1)).ends_with(&mark(1, policy)), "{count} {torn}");
            assert_eq!(ends(&recovered)[0], end as u64);
        }
    }
    let mut files = stock(&[&[set("a"), vec![0; 10], set("b")].concat()]);
    assert!(recover(&mut files, &config(), 1, "b1").is_err(), "a hole");
}

/// A hole that a power failure left before the last writes is theirs; one further back is damage.
#[test]
fn a_hole_near_the_end_of_our_log_is_cut_after_a_power_failure() {
    use AppendFsync::EverySec;
    let marks = |from: u64, to: u64| (from..to).map(|n| mark(n, EverySec)).collect::<Vec<_>>().concat();
    let logs =
        |after: u64| [vec![set("a"), mark(1, EverySec), vec![0; 50], marks(2, after)], vec![mark(1, EverySec), set("b"), marks(2, after)]];
    // Also where it begins inside of a line, and hides the beginning of what follows.
    let torn = [[mark(2, EverySec)[..9].to_vec(), vec![0; 2000], b"USH\r\n".to_vec(), marks(3, 20)].concat()];
    let mut files = ours(
        EverySec,
        &[[set("a"), mark(1, EverySec), torn.concat()].concat(), [mark(1, EverySec), marks(2, 20)].concat()].map(|log| vec![log]),
    );
    recover(&mut files, &config(), 2, "b2").expect("a hole in a line");
    assert!(files.get(&incr(1)).ends_with(&mark(1, EverySec)));
    let mut files = ours(EverySec, &logs(20));
    let recovered = recover(&mut files, &config(), 2, "b2").expect("a second of marks behind it");
    assert!(files.get(&incr(1)).ends_with(&mark(1, EverySec)) && files.get(&incr(2)).ends_with(&mark(1, EverySec)));
    assert!(lines(&recovered).contains("the machine stopped"), "{}", lines(&recovered));
    assert_eq!(recover(&mut ours(EverySec, &logs(20)), &config(), 2, "b1"), Err(bad_format("appendonly.aof.1.incr.aof")));
    assert_eq!(recover(&mut ours(EverySec, &logs(2000)), &config(), 2, "b2"), Err(bad_format("appendonly.aof.1.incr.aof")));
}

/// B166, B167.
#[test]
fn what_is_missing_or_broken_is_named() {
    let mut files = stock(&[&set("a"), &set("b")]);
    files.files.remove(incr(2).as_bytes());
    let why = recover(&mut files, &config(), 1, "b1").expect_err("missing");
    assert_eq!(why, "Unable to obtain the AOF file appendonly.aof.2.incr.aof length. stat: No such file or directory");
    let mut files = Files::default();
    files.put(MANIFEST, "");
    assert!(recover(&mut files, &config(), 1, "b1").expect_err("empty").contains("Found an empty AOF manifest"));
    assert!(recover(&mut files, &Config::default(), 1, "b1").is_err(), "also while the log is off");
    let mut files = Files::default();
    files.put(MANIFEST, "file appendonly.aof.1.base.rdb seq 1 type b\n");
    let why = recover(&mut files, &config(), 1, "b1").expect_err("no base");
    assert_eq!(why, "Unable to obtain the AOF file appendonly.aof.1.base.rdb length. stat: No such file or directory");
    files.put("appendonlydir/appendonly.aof.1.base.rdb", b"REDIS0011\xfa\x09redis".to_vec());
    let why = recover(&mut files, &config(), 1, "b1").expect_err("torn base");
    assert!(why.ends_with("Error reading the RDB base file appendonly.aof.1.base.rdb, AOF loading aborted"), "{why}");
}

/// A snapshot of nothing, as 7.2 writes it, with its checksum.
fn empty_snapshot() -> Vec<u8> {
    let mut bytes = b"REDIS0011\xfa\x08aof-base\xc0\x01\xff".to_vec();
    let sum = crate::data::codec::checksum(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

#[test]
fn a_snapshot_with_commands_behind_it_is_two_stages() {
    let base = empty_snapshot();
    for (tail, cut) in [(Vec::new(), 0), (set("a"), 0), ([set("a"), b"*1\r\n".to_vec()].concat(), 4)] {
        let bytes = [base.clone(), tail.clone()].concat();
        let mut files = Files::default();
        files.put("appendonly.aof", bytes.clone());
        let recovered = recover(&mut files, &config(), 1, "b1").expect("of a server before 7.0");
        let expected: Vec<(u64, u64)> = if tail.is_empty() {
            vec![(0, base.len() as u64)]
        } else {
            vec![(0, base.len() as u64), (base.len() as u64, (bytes.len() - cut) as u64)]
        };
        let found: Vec<(u64, u64)> = recovered.plan.files().map(|f| (f.start, f.end)).collect();
        assert_eq!(found, expected);
        assert_eq!(recovered.plan.stages.len(), expected.len());
        assert_eq!(files.get("appendonlydir/appendonly.aof").len(), bytes.len() - cut);
        assert_eq!(files.get(MANIFEST), b"file appendonly.aof seq 1 type b\n");
        assert_eq!((recovered.next_base, recovered.next_incr), (2, 1));
    }
}

/// The old file is taken over whatever step was the last; a new log is never replaced by it.
#[test]
fn an_old_log_is_taken_over_however_often_it_is_interrupted() {
    let fresh = || {
        let mut files = Files::default();
        files.put("appendonly.aof", set("a"));
        files
    };
    for steps in 0..8 {
        let mut files = Files { fails_at: Some(steps), ..fresh() };
        let first = recover(&mut files, &config(), 1, "b1");
        files.fails_at = None;
        let second = recover(&mut files, &config(), 1, "b1").expect("goes on");
        assert_eq!((second.plan.files().count(), ends(&second)), (1, vec![27]), "after {steps}");
        assert!(files.has("appendonlydir/appendonly.aof") && !files.has("appendonly.aof"));
        assert!(first.is_err() || steps >= 5);
    }
    let mut files = stock(&[&set("b")]);
    files.put("appendonly.aof", set("a"));
    let recovered = recover(&mut files, &config(), 1, "b1").expect("the new one counts");
    assert_eq!(recovered.plan.files().count(), 1);
    assert!(files.has("appendonly.aof"));
}

/// B168: a rewrite as the book of core 0 does it, stopped after every step.
#[test]
fn whatever_step_of_a_rewrite_was_the_last_a_complete_set_is_loaded() {
    use AppendFsync::EverySec;
    let generation =
        |number: u64, run: &str, rest: Vec<Vec<u8>>| [rf(number, Owner::Core(0), 1, run, "b1", EverySec), rest.concat()].concat();
    let base = |files: &mut Files, n: usize| files.put(&format!("appendonlydir/appendonly.aof.{n}.base.rdb"), empty_snapshot());
    let line = |kind: &str, n: usize, letter: char| {
        let end = if kind == "base" { "rdb" } else { "aof" };
        format!("file appendonly.aof.{n}.{kind}.{end} seq {n} type {letter}\n")
    };
    let mut files = Files::default();
    base(&mut files, 1);
    files.put(&incr(1), generation(1, "r1", vec![set("old")]));
    files.put(MANIFEST, line("base", 1, 'b') + &line("incr", 1, 'i'));
    let old = vec!["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"];
    let both = [old.clone(), vec!["appendonly.aof.3.incr.aof"]].concat();
    let new = vec!["appendonly.aof.2.base.rdb", "appendonly.aof.3.incr.aof"];
    let mut steps: Vec<(Files, &[&str])> = vec![(files.clone(), &old)];
    files.put(&incr(3), generation(2, "r1", vec![]));
    steps.push((files.clone(), &old));
    files.put("appendonlydir/temp-appendonly.aof.manifest", "file appen");
    steps.push((files.clone(), &old));
    files.files.remove(&b"appendonlydir/temp-appendonly.aof.manifest"[..]);
    files.put(MANIFEST, line("base", 1, 'b') + &line("incr", 1, 'i') + &line("incr", 3, 'i'));
    steps.push((files.clone(), &both));
    files.put("temp-rewriteaof-bg-77.aof", "REDIS00");
    files.put(&incr(3), generation(2, "r1", vec![set("new")]));
    steps.push((files.clone(), &both));
    files.files.remove(&b"temp-rewriteaof-bg-77.aof"[..]);
    base(&mut files, 2);
    steps.push((files.clone(), &both));
    files.put(MANIFEST, line("base", 2, 'b') + &line("base", 1, 'h') + &line("incr", 1, 'h') + &line("incr", 3, 'i'));
    steps.push((files.clone(), &new));
    files.files.remove(&b"appendonlydir/appendonly.aof.1.base.rdb"[..]);
    steps.push((files.clone(), &new));
    files.files.remove(incr(1).as_bytes());
    steps.push((files.clone(), &new));
    files.put(MANIFEST, line("base", 2, 'b') + &line("incr", 3, 'i'));
    steps.push((files, &new));
    for (n, (files, expected)) in steps.into_iter().enumerate() {
        for fails_at in (0..6).map(Some).chain([None]) {
            let mut files = Files { fails_at, ..files.clone() };
            let first = recover(&mut files, &config(), 1, "b1");
            files.fails_at = None;
            let recovered = recover(&mut files, &config(), 1, "b1").expect("a complete set is there");
            let loaded: Vec<String> =
                recovered.plan.files().map(|f| String::from_utf8_lossy(&f.path).replace("appendonlydir/", "")).collect();
            assert_eq!(loaded, *expected, "step {n}, {first:?}");
            assert!(!files.has("temp-rewriteaof-bg-77.aof") && !files.has("appendonlydir/temp-appendonly.aof.manifest"), "step {n}");
            assert!(recovered.manifest.history.is_empty());
            assert_eq!(Manifest::parse(files.get(MANIFEST)), Ok(recovered.manifest.clone()));
            for (_, listed) in recovered.manifest.iter() {
                assert!(files.has(&format!("appendonlydir/{}", String::from_utf8_lossy(&listed.name))));
            }
            assert!(recovered.next_incr >= 2 && (n < 1 || recovered.next_incr == 4), "step {n}: no number is used twice");
            assert!(recovered.append.is_some() && recovered.generation == if n < 3 { 1 } else { 2 }, "step {n}");
        }
    }
}

/// B169.
#[test]
fn a_log_of_another_time_is_refused_by_name() {
    use AppendFsync::{Always, EverySec};
    let refused = |mut files: Files, boot: &str| {
        let before = files.clone();
        let why = recover(&mut files, &config(), 2, boot).expect_err("does not belong together");
        assert_eq!(files, before, "{why}");
        why
    };
    // Another run, with commands in both.
    let mut files = ours(EverySec, &[vec![set("a")], vec![set("b")]]);
    files.put(&incr(2), [rf(1, Owner::Core(1), 2, "r9", "b1", EverySec), set("b")].concat());
    let why = refused(files, "b1");
    assert!(
        why.contains("core 0 (appendonly.aof.1.incr.aof): run r1") && why.contains("core 1 (appendonly.aof.2.incr.aof): run r9"),
        "{why}"
    );
    // A log without what a later run wrote.
    let mut files = ours(EverySec, &[vec![set("a")], vec![set("b")]]);
    let longer = [files.get(&incr(1)).to_vec(), rf(1, Owner::Core(0), 2, "r2", "b1", EverySec), set("c")].concat();
    files.put(&incr(1), longer);
    assert!(refused(files, "b1").contains("run r2"));
    // Older, of the same run: the others are far ahead.
    let marks = |to: u64| (1..to).map(|n| [set("x"), mark(n, Always)].concat()).collect::<Vec<_>>();
    for boot in ["b1", "b2"] {
        let why = refused(ours(Always, &[marks(5000), marks(100)]), boot);
        assert!(
            why.contains("core 0 (appendonly.aof.1.incr.aof): mark 4999") && why.contains("core 1 (appendonly.aof.2.incr.aof): mark 99"),
            "{why}"
        );
    }
    // Missing: on disk, or in the manifest.
    let mut files = ours(EverySec, &[vec![set("a")], vec![set("b")]]);
    files.files.remove(incr(2).as_bytes());
    assert!(refused(files, "b1").contains("appendonly.aof.2.incr.aof"));
    let mut files = ours(EverySec, &[vec![set("a")], vec![set("b")]]);
    files.put(MANIFEST, "file appendonly.aof.2.incr.aof seq 2 type i\n");
    assert!(refused(files, "b1").contains("log of core 0 is missing in generation 1 of 2 cores"));
    let mut files = ours(EverySec, &[vec![set("a")], vec![set("b")]]);
    files.put(MANIFEST, "file appendonly.aof.1.incr.aof seq 1 type i\n");
    assert!(refused(files, "b1").contains("log of core 1 is missing in generation 1 of 2 cores"));
}

#[test]
fn a_start_that_served_nobody_is_cut_off() {
    use AppendFsync::EverySec;
    let mut files = ours(EverySec, &[vec![set("a"), mark(1, EverySec)], vec![set("b"), mark(1, EverySec)]]);
    let sizes: Vec<u64> = (1..=2).map(|n| files.get(&incr(n)).len() as u64).collect();
    let longer = [files.get(&incr(2)).to_vec(), rf(1, Owner::Core(1), 2, "r2", "b2", EverySec), b"#TS:1\r\n".to_vec()].concat();
    files.put(&incr(2), longer);
    for boot in ["b1", "b2", "b3"] {
        let mut files = files.clone();
        let recovered = recover(&mut files, &config(), 2, boot).expect("nobody was served");
        assert_eq!(ends(&recovered), sizes);
        assert_eq!(files.get(&incr(2)).len() as u64, sizes[1]);
        assert!(lines(&recovered).contains("a start that served no client"));
    }
    // The same line in all logs is a run, and what came before it is as it was.
    files.put(&incr(1), [files.get(&incr(1)).to_vec(), rf(1, Owner::Core(0), 2, "r2", "b2", EverySec), set("torn")].concat());
    let recovered = recover(&mut files, &config(), 2, "b3").expect("a run without a mark");
    assert!(files.get(&incr(1)).ends_with(b":b2:everysec\r\n"), "{}", lines(&recovered));
}

/// B170.
#[test]
fn another_number_of_cores_loads_all_logs_and_begins_anew() {
    let mut files = ours(AppendFsync::EverySec, &[vec![set("a")], vec![set("b")], vec![]]);
    for (cores, appends) in [(1, false), (3, true), (8, false)] {
        let recovered = recover(&mut files, &config(), cores, "b1").expect("any number of cores");
        assert_eq!(recovered.plan.stages.len(), 1);
        assert_eq!(recovered.plan.stages[0].iter().map(|f| f.core).collect::<Vec<_>>(), [Some((0, 3)), Some((1, 3)), Some((2, 3))]);
        assert_eq!(recovered.append.is_some(), appends);
        assert_eq!((recovered.generation, recovered.next_incr), (1, 4));
    }
}

/// B171 is `cut.rs`; here that it is told, and where it begins.
#[test]
fn an_incomplete_transaction_is_cut_off_and_told() {
    let logs = [vec![tx(1, &[0, 1]), set("a"), tx(2, &[0, 1]), set("b")], vec![tx(1, &[0, 1]), set("c")]];
    let mut files = ours(AppendFsync::Always, &logs);
    let recovered = recover(&mut files, &config(), 2, "b1").expect("cut");
    assert!(files.get(&incr(1)).ends_with(&set("a")) && files.get(&incr(2)).ends_with(&set("c")));
    let said = lines(&recovered);
    assert!(said.contains("transaction 2 is missing in the log of core 1") && said.contains("with 2 whole commands cut off"), "{said}");
    let logs = [vec![tx(1, &[0, 5])], vec![]];
    assert!(
        recover(&mut ours(AppendFsync::Always, &logs), &config(), 2, "b1")
            .expect_err("core 5 of 2")
            .contains("names cores that have no log")
    );
}

#[test]
fn generations_are_stages_and_a_global_command_is_one_of_its_own() {
    use AppendFsync::No;
    let core = |generation, core, rest: Vec<u8>| [rf(generation, Owner::Core(core), 2, "r1", "b1", No), rest].concat();
    let global = [rf(2, Owner::All, 2, "r1", "b1", No), command(&["FLUSHDB"])].concat();
    let contents = [set("stock"), core(1, 0, set("a")), core(1, 1, set("b")), global, core(2, 0, set("c")), core(2, 1, vec![])];
    let mut files = stock(&contents.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let recovered = recover(&mut files, &config(), 2, "b1").expect("whole");
    let shape: Vec<usize> = recovered.plan.stages.iter().map(Vec::len).collect();
    assert_eq!(shape, [1, 2, 1, 2]);
    let global = &recovered.plan.stages[2][0];
    assert_eq!((global.core, global.commands, global.skips.len()), (None, 1, 1));
    assert_eq!(recovered.append.map(|a| a.iter().map(|a| a.path.clone()).collect::<Vec<_>>()), Some(vec![incr(5).into(), incr(6).into()]));
    // An older generation must be whole, and a stock file behind ours ends it.
    files.put(&incr(2), &contents[1][..contents[1].len() - 1]);
    assert!(recover(&mut files, &config(), 2, "b1").expect_err("torn").contains("the truncated file is not the last file"));
    let mut files = stock(&[&core(1, 0, set("a")), &core(1, 1, set("b")), &set("stock")]);
    let recovered = recover(&mut files, &config(), 2, "b9").expect("whole");
    assert_eq!((recovered.plan.stages.len(), recovered.append), (2, None));
}

/// B172.
#[test]
fn annotations_without_end_and_without_number() {
    let mut files = stock(&[&[b"#TS:1\r\n".repeat(100_000), set("a"), b"#TS:12".to_vec()].concat()]);
    let recovered = recover(&mut files, &config(), 1, "b1").expect("skipped");
    assert_eq!(recovered.plan.stages[0][0].skips, [(0, 700_000)]);
    assert_eq!((ends(&recovered), files.get(&incr(1)).len()), (vec![700_027], 700_033));
    let mut files = ours(AppendFsync::EverySec, &[vec![set("a"), b"#TS:12".to_vec()]]);
    recover(&mut files, &config(), 1, "b1").expect("cut");
    assert!(files.get(&incr(1)).ends_with(&set("a")), "somebody will go on writing there");
}

/// B175.
#[test]
fn names_with_blanks_work_and_too_long_ones_are_named() {
    let blank = Config { appendfilename: b"my log.aof".to_vec(), appenddirname: b"my dir".to_vec(), ..config() };
    let mut files = Files::default();
    files.put("my dir/my log.aof.1.incr.aof", set("a"));
    files.put("my dir/my log.aof.manifest", "file \"my log.aof.1.incr.aof\" seq 1 type i\n");
    assert_eq!(recover(&mut files, &blank, 1, "b1").expect("fine").plan.files().count(), 1);
    let long = Config { appendfilename: vec![b'x'; 255], ..config() };
    let why = recover(&mut Files::default(), &long, 1, "b1").expect_err("too long with its ending");
    assert!(why.contains("File name too long"), "{why}");
}

/// Random logs of several cores, torn anywhere: what is left is a prefix of each log, the same again, and no ticket is half there.
#[test]
fn random_logs_torn_anywhere_show_one_state() {
    use AppendFsync::{Always, EverySec};
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let cores = 1 + rng.below(4) as usize;
        let policy = if rng.below(2) == 0 { Always } else { EverySec };
        let mut logs = vec![Vec::new(); cores];
        for ticket in 1..rng.below(40) {
            let log = rng.below(cores as u64) as usize;
            logs[log].push(set("k"));
            if rng.below(4) == 0 {
                logs.iter_mut().for_each(|log| log.push(mark(ticket, policy)));
            } else {
                let participants: Vec<usize> = (0..cores).filter(|_| rng.below(2) == 0).collect();
                participants.iter().for_each(|core| logs[*core].push(tx(ticket, &participants)));
            }
        }
        let full = ours(policy, &logs);
        let mut files = full.clone();
        let first = rf(1, Owner::Core(0), cores, "r1", "b1", policy).len();
        for n in 1..=cores {
            let log = full.get(&incr(n));
            let at = first + rng.below((log.len() - first) as u64 + 1) as usize;
            files.put(&incr(n), &log[..at]);
        }
        let boot = if rng.below(2) == 0 { "b1" } else { "b2" };
        let recovered = recover(&mut files, &config(), cores, boot).expect("torn logs are cut");
        let mut tickets: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
        for n in 1..=cores {
            let log = files.get(&incr(n));
            assert!(full.get(&incr(n)).starts_with(log), "seed {seed}");
            for line in String::from_utf8_lossy(log).split("\r\n").filter_map(|l| l.strip_prefix("#TX:")) {
                let (ticket, participants) = line.split_once(':').expect("ours");
                let count = match crate::persist::aof::Annotation::read(format!("#TX:1:{participants}").as_bytes()) {
                    crate::persist::aof::Annotation::Tx { participants, .. } => participants.iter().count(),
                    other => panic!("{other:?}"),
                };
                tickets.entry(ticket.parse().expect("a number")).or_insert((0, count)).0 += 1;
            }
        }
        assert!(tickets.values().all(|(seen, count)| seen == count), "seed {seed}: {tickets:?}");
        let again = recover(&mut files, &config(), cores, boot).expect("again");
        assert_eq!(ends(&again), ends(&recovered), "seed {seed}");
    }
}

/// Back from a stock server: it loaded our files, one after the other, and wrote on in the last one.
#[test]
fn what_another_server_wrote_on_is_kept_and_loaded_after_everything_else() {
    use AppendFsync::EverySec;
    let select = |db: &str| command(&["SELECT", db]);
    let logs = [
        vec![select("0"), set("a"), mark(1, EverySec), select("1"), set("x")],
        vec![mark(1, EverySec), select("0"), set("b"), tx(2, &[1])],
    ];
    for session in [[select("0"), set("a")].concat(), [command(&["MULTI"]), select("0"), set("a"), command(&["EXEC"])].concat()] {
        let mut files = ours(EverySec, &logs);
        let at = files.get(&incr(2)).len() as u64;
        files.put(&incr(2), [files.get(&incr(2)).to_vec(), b"#TS:1\r\n".to_vec(), session.clone(), b"*1\r\n".to_vec()].concat());
        let start = at + 7;
        for boot in ["b1", "b2"] {
            let mut files = files.clone();
            let recovered = recover(&mut files, &config(), 2, boot).expect("a torn tail at most");
            let shape: Vec<Vec<(u64, u64)>> = recovered.plan.stages.iter().map(|s| s.iter().map(|f| (f.start, f.end)).collect()).collect();
            let first = files.get(&incr(1)).len() as u64;
            assert_eq!(shape, [vec![(0, first), (0, start)], vec![(start, start + session.len() as u64)]]);
            let commands: Vec<u64> = recovered.plan.files().map(|f| f.commands).collect();
            assert_eq!(commands, [4, 3, if session.starts_with(b"*1") { 4 } else { 2 }]);
            assert_eq!(recovered.append, None);
            assert!(lines(&recovered).contains("was written on by another server"), "{}", lines(&recovered));
            // Later a generation of ours follows, and it is still loaded in that order.
            let more = rf(2, Owner::Core(0), 1, "r2", boot, EverySec);
            files.put(&incr(3), more);
            files.put(MANIFEST, [files.get(MANIFEST), b"file appendonly.aof.3.incr.aof seq 3 type i\n"].concat());
            let later = recover(&mut files, &config(), 1, boot).expect("whole");
            assert_eq!(later.plan.stages.len(), 3);
            assert_eq!(later.plan.stages[..2], recovered.plan.stages[..]);
        }
    }
    // Ours: the same database again only behind a first line.
    let again = [
        vec![select("0"), set("a"), rf(1, Owner::Core(0), 2, "r2", "b1", EverySec), select("0"), set("a"), select("1"), select("0")],
        vec![rf(1, Owner::Core(1), 2, "r2", "b1", EverySec)],
    ];
    let recovered = recover(&mut ours(EverySec, &again), &config(), 2, "b1").expect("ours");
    assert!(recovered.append.is_some() && recovered.plan.stages.len() == 1);
}

#[test]
fn one_core_alone_keeps_everything_that_is_whole() {
    let mut files = ours(AppendFsync::EverySec, &[vec![set("a"), mark(1, AppendFsync::EverySec), set("b"), b"*1\r\n".to_vec()]]);
    let recovered = recover(&mut files, &config(), 1, "b2").expect("a power failure");
    assert!(files.get(&incr(1)).ends_with(&set("b")) && recovered.append.is_some());
}
