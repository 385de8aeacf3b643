//! Damaged files: what a server says at its start to logs, manifests and snapshots that were cut, mixed up or made up. Files are written by
//! hand; whoever refuses to start must leave every one of them as it was. Rows of stock behaviour are asked of a stock server too.

use crate::support::{Program, Reply, Site, client::request, site};
use ringfort::data::codec::checksum;
use std::collections::BTreeMap;
use std::path::Path;

/// What must happen.
enum Outcome {
    /// It starts, and these are the values of keys `a`, `b`, ...; these texts are printed.
    Starts(Vec<Option<String>>, Vec<String>),
    /// It ends with code 1, prints these texts and touches nothing.
    Refuses(Vec<String>),
}

/// One row.
struct Row {
    name: String,
    /// Files of the data directory by name.
    files: Vec<(String, Vec<u8>)>,
    options: Vec<String>,
    outcome: Outcome,
    /// Not what a stock server does.
    only_ours: bool,
}

const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";
const LISTED: &str = "file appendonly.aof.1.incr.aof seq 1 type i\n";
const BAD_FORMAT: &str = "Bad file format reading the append only file";
const UNEXPECTED_END: &str = "Unexpected end of file reading the append only file";
const BAD_MANIFEST: &str = "*** FATAL AOF MANIFEST FILE ERROR ***";

fn incr(n: u32) -> String {
    format!("appendonlydir/appendonly.aof.{n}.incr.aof")
}

fn base(n: u32) -> String {
    format!("appendonlydir/appendonly.aof.{n}.base.rdb")
}

/// Commands as a log has them.
fn log(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|l| request(&l.split(' ').collect::<Vec<_>>())).collect()
}

/// A snapshot with these text keys.
fn snapshot(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = b"REDIS0011\xfe\x00".to_vec();
    for (key, value) in pairs {
        bytes.push(0);
        for text in [key, value] {
            bytes.push(text.len() as u8);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes.push(0xff);
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn values(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|v| (!v.is_empty()).then(|| v.to_string())).collect()
}

fn row(name: &str, files: &[(&str, &[u8])], outcome: Outcome) -> Row {
    let files = files.iter().map(|(n, b)| (n.to_string(), b.to_vec())).collect();
    Row { name: name.to_string(), files, options: Vec::new(), outcome, only_ours: false }
}

/// A log of one incremental file.
fn one_log(name: &str, bytes: &[u8], outcome: Outcome) -> Row {
    row(name, &[(MANIFEST, LISTED.as_bytes()), (&incr(1), bytes)], outcome)
}

fn starts(found: &[&str], says: &[&str]) -> Outcome {
    Outcome::Starts(values(found), says.iter().map(|s| s.to_string()).collect())
}

fn refuses(says: &[&str]) -> Outcome {
    Outcome::Refuses(says.iter().map(|s| s.to_string()).collect())
}

impl Row {
    fn ours(mut self) -> Row {
        self.only_ours = true;
        self
    }

    fn with(mut self, options: &[&str]) -> Row {
        self.options.extend(options.iter().map(|o| o.to_string()));
        self
    }

    fn run(&self, program: Program) -> Result<(), String> {
        let mut site = Site::new(program, &["--appendonly", "yes"]);
        site.options.extend(self.options.iter().cloned());
        for (name, bytes) in &self.files {
            let path = site.data.join(name);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
            std::fs::write(path, bytes).expect("a file can be written");
        }
        let before = contents(&site.data);
        let result = site.try_start();
        let (words, has_started) = match &result {
            Ok(()) => (site.words(), true),
            Err(ended) => (ended.words.clone(), false),
        };
        let wanted = match &self.outcome {
            Outcome::Starts(found, wanted) => {
                if !has_started {
                    return Err(format!("does not start:\n{words}"));
                }
                let mut client = site.client();
                for (n, value) in found.iter().enumerate() {
                    let key = ((b'a' + n as u8) as char).to_string();
                    let reply = client.call(&["GET", &key]);
                    let wanted = value.as_ref().map_or(Reply::Null, |v| Reply::Bulk(v.clone().into_bytes()));
                    if reply != wanted {
                        return Err(format!("{key} is {reply}, not {wanted}:\n{words}"));
                    }
                }
                wanted
            }
            Outcome::Refuses(wanted) => {
                match result.as_ref().err().map(|e| e.status.and_then(|s| s.code())) {
                    Some(Some(1)) => {}
                    Some(code) => return Err(format!("ends with {code:?} instead of code 1:\n{words}")),
                    None => return Err(format!("starts:\n{words}")),
                }
                let after = contents(&site.data);
                if after != before {
                    let names = |c: &BTreeMap<String, Vec<u8>>| c.iter().map(|(n, b)| format!("{n} {}", b.len())).collect::<Vec<_>>();
                    return Err(format!("files were {:?} and are {:?}:\n{words}", names(&before), names(&after)));
                }
                wanted
            }
        };
        match wanted.iter().find(|w| !words.contains(w.as_str())) {
            Some(missing) => Err(format!("does not say `{missing}`:\n{words}")),
            None => Ok(()),
        }
    }
}

/// All files below a folder, and folders as files without contents.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(name, Vec::new());
        } else {
            found.insert(name, std::fs::read(&path).expect("a file can be read"));
        }
    }
    found
}

/// Tails that a crash may leave: cut, and told.
fn torn() -> Vec<Row> {
    let whole = log(&["SELECT 0", "SET a 1", "SET b 2"]);
    let tail = log(&["SET a three"]);
    let mut rows = Vec::new();
    for cut in [1, 2, 4, 9, 15, tail.len() - 2, tail.len() - 1] {
        let bytes = [&whole, &tail[..cut]].concat();
        let offset = whole.len().to_string();
        rows.push(one_log(
            &format!("cut {cut} bytes into a command"),
            &bytes,
            starts(&["1", "2"], &["appendonly.aof.1.incr.aof", &offset]),
        ));
        let refused = refuses(&[UNEXPECTED_END]);
        rows.push(one_log(&format!("cut {cut} bytes into a command, not wanted"), &bytes, refused).with(&["--aof-load-truncated", "no"]));
    }
    let transaction = log(&["MULTI", "SET a three", "SET b four", "EXEC"]);
    let first = log(&["MULTI", "SET a three"]).len();
    for (cut, only_ours) in [(first, false), (first + 7, true), (transaction.len() - 3, true), (log(&["MULTI"]).len(), false)] {
        let bytes = [&whole, &transaction[..cut]].concat();
        let row = one_log(&format!("cut {cut} bytes into a transaction"), &bytes, starts(&["1", "2"], &[&whole.len().to_string()]));
        rows.push(if only_ours { row.ours() } else { row });
    }
    let limit = ["--aof-load-corrupt-tail-max-size", "4096"];
    for (zeros, fits) in [(1, true), (4096, true), (4097, false)] {
        let bytes = [whole.clone(), vec![0; zeros]].concat();
        let outcome = if fits { starts(&["1", "2"], &["appendonly.aof.1.incr.aof"]) } else { refuses(&[BAD_FORMAT]) };
        rows.push(one_log(&format!("{zeros} zeros behind the end"), &bytes, outcome).with(&limit).ours());
    }
    rows.push(one_log("an empty log", b"", starts(&["", ""], &[])));
    // A stock server cuts it and refuses all the same.
    let two = format!("{LISTED}file appendonly.aof.2.incr.aof seq 2 type i\n");
    let files: [(&str, &[u8]); 3] = [(MANIFEST, two.as_bytes()), (&incr(1), &whole[..whole.len() - 3]), (&incr(2), &tail)];
    rows.push(row("cut in a file before the last", &files, refuses(&["the truncated file is not the last file"])).ours());
    rows
}

/// Damage that no crash does: refused.
fn made_up() -> Vec<Row> {
    let whole = log(&["SELECT 0", "SET a 1"]);
    let last = log(&["SET b 2"]);
    let mut rows = Vec::new();
    for bad in ["garbage\r\n", "*0\r\n", "*-1\r\n", "*2\r\n:5\r\n", "+OK\r\n"] {
        let bytes = [&whole, bad.as_bytes(), &last].concat();
        rows.push(one_log(&format!("{bad:?} between commands"), &bytes, refuses(&[BAD_FORMAT])));
    }
    // A stock server allocates what a length claims, or takes the rest of the file for an argument.
    let long_line = format!("*{}\r\n", "1".repeat(1 << 20));
    for bad in ["*99999999\r\n", "*1\r\n$-5\r\n", "*1\r\n$9999999999\r\n", "*2\r\n$3\r\nGETx\r\n$1\r\na\r\n", "SET b 2\r\n", &long_line] {
        let bytes = [&whole, bad.as_bytes(), &last].concat();
        let name: String = bad.chars().take(40).collect();
        rows.push(one_log(&format!("{name:?} between commands"), &bytes, refuses(&["reading the append only file"])).ours());
    }
    let unknown = [whole.clone(), log(&["NOSUCH b 2"]), last.clone()].concat();
    rows.push(one_log("an unknown command", &unknown, refuses(&["Unknown command 'NOSUCH' reading the append only file"])));
    for bad in ["SET b", "LPUSH a 1", "SUBSCRIBE c"] {
        let bytes = [whole.clone(), log(&[bad]), last.clone()].concat();
        rows.push(one_log(&format!("{bad} in a log"), &bytes, refuses(&["reading the append only file"])).ours());
    }
    let times = [b"#TS:1700000000\r\n".repeat(20_000), whole.clone(), b"#what we do not know\r\n".to_vec(), last.clone()].concat();
    rows.push(one_log("many annotations", &times, starts(&["1", "2"], &[])));
    let endless = [whole.as_slice(), b"#TS:", &b"1".repeat(5000), b"\r\n", &last].concat();
    rows.push(one_log("an endless annotation", &endless, refuses(&[BAD_FORMAT])));
    let past = log(&["SELECT 0", "SET a 1", "SET b 2 PXAT 1000", "SET c 3 PXAT 4000000000000"]);
    rows.push(one_log("a time to live that is over", &past, starts(&["1", "", "3"], &[])));
    rows
}

/// The list of files.
fn manifests() -> Vec<Row> {
    let bytes = log(&["SELECT 0", "SET a 1"]);
    let long = format!("file {} seq 1 type i\n", "x".repeat(1100));
    let twice = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.2.base.rdb seq 2 type b\n";
    let back = "file appendonly.aof.2.incr.aof seq 2 type i\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    let mut rows = Vec::new();
    for (name, manifest, why) in [
        ("empty", "", "Found an empty AOF manifest"),
        ("a blank line", "\nfile appendonly.aof.1.incr.aof seq 1 type i\n", "Invalid AOF manifest file format"),
        ("a long line", &long, "The AOF manifest file contains too long line"),
        ("no end of line", "file appendonly.aof.1.incr.aof seq 1 type i", "The AOF manifest file contains too long line"),
        ("odd words", "file appendonly.aof.1.incr.aof seq 1 type\n", "Invalid AOF manifest file format"),
        ("an unknown type", "file appendonly.aof.1.incr.aof seq 1 type z\n", "Unknown AOF file type"),
        ("no sequence number", "file appendonly.aof.1.incr.aof type i more x\n", "Invalid AOF manifest file format"),
        ("number 0", "file appendonly.aof.1.incr.aof seq 0 type i\n", "Invalid AOF manifest file format"),
        ("two bases", twice, "Found duplicate base file information"),
        ("numbers that fall", back, "Found a non-monotonic sequence number"),
        ("a path", "file ../appendonly.aof.1.incr.aof seq 1 type i\n", "File can't be a path, just a filename"),
    ] {
        let files: [(&str, &[u8]); 3] = [(MANIFEST, manifest.as_bytes()), (&incr(1), &bytes), (&incr(2), &bytes)];
        rows.push(row(&format!("manifest: {name}"), &files, refuses(&[BAD_MANIFEST, why])));
    }
    let two = format!("{LISTED}file appendonly.aof.2.incr.aof seq 2 type i\n");
    let missing = refuses(&["appendonly.aof.2.incr.aof", "No such file or directory"]);
    rows.push(row("a listed file is missing", &[(MANIFEST, two.as_bytes()), (&incr(1), &bytes)], missing));
    let more = format!("# a remark\n{}", LISTED.replace("type i", "type i color red"));
    let files: [(&str, &[u8]); 2] = [(MANIFEST, more.as_bytes()), (&incr(1), &bytes)];
    rows.push(row("manifest: remarks and unknown words", &files, starts(&["1"], &[])));
    // What a crash in the middle of a rewrite leaves.
    let newer = log(&["SET a 2"]);
    let left: [(&str, &[u8]); 6] = [
        (MANIFEST, LISTED.as_bytes()),
        (&incr(1), &bytes),
        (&incr(2), &newer),
        (&base(2), &newer),
        ("temp-rewriteaof-bg-77.aof", &newer),
        ("appendonlydir/temp-appendonly.aof.manifest", two.as_bytes()),
    ];
    rows.push(row("what a rewrite left behind", &left, starts(&["1"], &[])));
    rows.extend(steps_of_a_rewrite());
    rows
}

/// The directory after each step of a rewrite: `a` was written before it, `b` since it began.
fn steps_of_a_rewrite() -> Vec<Row> {
    let old = snapshot(&[("c", "old")]);
    let (before, since) = (log(&["SELECT 0", "SET a 1", "SET c new"]), log(&["SELECT 0", "SET b 2"]));
    let rewritten = snapshot(&[("a", "1"), ("c", "new")]);
    let (base_1, base_2) = ("file appendonly.aof.1.base.rdb seq 1 type", "file appendonly.aof.2.base.rdb seq 2 type");
    let (incr_1, incr_2) = ("file appendonly.aof.1.incr.aof seq 1 type", "file appendonly.aof.2.incr.aof seq 2 type");
    let first = format!("{base_1} b\n{incr_1} i\n");
    let both = format!("{base_1} b\n{incr_1} i\n{incr_2} i\n");
    let history = format!("{base_2} b\n{base_1} h\n{incr_1} h\n{incr_2} i\n");
    let last = format!("{base_2} b\n{incr_2} i\n");
    let (b1, b2, i1, i2) = (base(1), base(2), incr(1), incr(2));
    let temporary = "temp-rewriteaof-bg-7.aof";
    let opened = row(
        "a rewrite: the next file is open",
        &[(MANIFEST, first.as_bytes()), (&b1, &old), (&i1, &before), (&i2, b"")],
        starts(&["1", "", "new"], &[]),
    );
    let mut rows = vec![opened];
    for (step, files) in [
        ("listed", vec![(MANIFEST, both.as_bytes()), (&b1, &old), (&i1, &before), (&i2, &since)]),
        ("half written", vec![(MANIFEST, both.as_bytes()), (&b1, &old), (&i1, &before), (&i2, &since), (temporary, &rewritten[..9])]),
        ("renamed", vec![(MANIFEST, both.as_bytes()), (&b1, &old), (&i1, &before), (&i2, &since), (&b2, &rewritten)]),
        ("in place", vec![(MANIFEST, history.as_bytes()), (&b1, &old), (&i1, &before), (&b2, &rewritten), (&i2, &since)]),
        ("half cleaned up", vec![(MANIFEST, history.as_bytes()), (&i1, &before), (&b2, &rewritten), (&i2, &since)]),
        ("done", vec![(MANIFEST, last.as_bytes()), (&b2, &rewritten), (&i2, &since)]),
    ] {
        rows.push(row(&format!("a rewrite: {step}"), &files, starts(&["1", "2", "new"], &[])));
    }
    rows
}

/// Snapshots, alone and below a log.
fn snapshots() -> Vec<Row> {
    let good = snapshot(&[("a", "one")]);
    let alone = ["--appendonly", "no"];
    let dump = |name: &str, bytes: &[u8], outcome| row(name, &[("dump.rdb", bytes)], outcome).with(&alone);
    let mut flipped = good.clone();
    flipped[16] ^= 4;
    let mut unchecked = flipped.clone();
    let sum_at = unchecked.len() - 8;
    unchecked[sum_at..].fill(0);
    let mut future = good.clone();
    future[5..9].copy_from_slice(b"9999");
    let mut rows = vec![
        dump("a snapshot", &good, starts(&["one"], &[])),
        dump("a snapshot: another magic", b"REDIX0011\xff", refuses(&["Wrong signature trying to load DB from file"])),
        dump("a snapshot of the future", &future, refuses(&["Can't handle RDB format version 9999"])),
        dump("a snapshot: cut", &good[..good.len() - 12], refuses(&["Short read or OOM loading DB. Unrecoverable error, aborting now."])),
        dump("a snapshot: a bit flipped", &flipped, refuses(&["Wrong RDB checksum expected"])),
        dump("a snapshot without a checksum", &unchecked, starts(&["oje"], &[])),
        dump("an empty snapshot", b"", refuses(&[])),
    ];
    let listed = format!("file appendonly.aof.1.base.rdb seq 1 type b\n{LISTED}");
    let bytes = log(&["SELECT 0", "SET b 2"]);
    let over = |name: &str, bottom: &[u8], outcome| {
        let files: [(&str, &[u8]); 3] = [(MANIFEST, listed.as_bytes()), (&base(1), bottom), (&incr(1), &bytes)];
        row(name, &files, outcome)
    };
    rows.push(over("a base and a log", &good, starts(&["one", "2"], &[])));
    rows.push(over("a base that is cut", &good[..good.len() - 12], refuses(&[])));
    rows.push(over("a base with a bit flipped", &flipped, refuses(&["Wrong RDB checksum expected"])));
    rows.push(row(
        "no base",
        &[(MANIFEST, listed.as_bytes()), (&incr(1), &bytes)],
        refuses(&["appendonly.aof.1.base.rdb", "No such file or directory"]),
    ));
    let both: [(&str, &[u8]); 3] = [("dump.rdb", &good), (MANIFEST, LISTED.as_bytes()), (&incr(1), &bytes)];
    rows.push(row("a snapshot and a log that disagree", &both, starts(&["", "2"], &[])));
    rows.push(row("a log of old", &[("appendonly.aof", &bytes)], starts(&["", "2"], &[])));
    rows.push(row(
        "a log of old with a snapshot before it",
        &[("appendonly.aof", &[good.clone(), bytes.clone()].concat())],
        starts(&["one", "2"], &[]),
    ));
    rows
}

/// Logs of several cores, as only ours writes them.
fn of_cores() -> Vec<Row> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let (one, other) = ("1".repeat(40), "2".repeat(40));
    let head = |core: usize, run: &str| format!("#RF:1:{core}/2:{run}:{}:always\r\n", boot.trim()).into_bytes();
    // Number 1 is kept for the global command that begins a generation.
    let listed = "file appendonly.aof.2.incr.aof seq 2 type i\nfile appendonly.aof.3.incr.aof seq 3 type i\n";
    let files = |name: &str, zero: Vec<u8>, first: Vec<u8>, outcome| {
        row(name, &[(MANIFEST, listed.as_bytes()), (&incr(2), &zero), (&incr(3), &first)], outcome).ours()
    };
    let part = |n: u32, lines: &[&str]| [format!("#TX:{n}:0-1\r\n").into_bytes(), log(lines)].concat();
    let (zero, first) = (log(&["SELECT 0", "SET a 1"]), log(&["SELECT 0", "SET b 2"]));
    let (set_a, set_b) = (part(1, &["MULTI", "SET a 3", "EXEC"]), part(1, &["MULTI", "SET b 3", "EXEC"]));
    let (later_a, later_b) = (log(&["SET a 4"]), log(&["SET b 4"]));
    let old = [head(1, &one), first.clone()].concat();
    let run_twice = [head(0, &one), zero.clone(), head(0, &other), later_a.clone()].concat();
    vec![
        files(
            "a transaction in both logs",
            [head(0, &one), zero.clone(), set_a.clone(), later_a.clone()].concat(),
            [head(1, &one), first.clone(), set_b, later_b.clone()].concat(),
            starts(&["4", "4"], &[]),
        ),
        files(
            "a transaction in one of two logs",
            [head(0, &one), zero.clone(), set_a, later_a].concat(),
            [head(1, &one), first.clone()].concat(),
            starts(&["1", "2"], &["appendonly.aof.2.incr.aof"]),
        ),
        files("a log of an earlier run beside one of a later", run_twice, old, refuses(&["core 1", &one, &other])),
        row(
            "a core's log is missing",
            &[(MANIFEST, listed.as_bytes()), (&incr(2), &[head(0, &one), zero.clone()].concat())],
            refuses(&["No such file or directory"]),
        )
        .ours(),
        row(
            "a core's log is not in the manifest",
            &[(MANIFEST, &listed.as_bytes()[..listed.len() / 2]), (&incr(2), &[head(0, &one), zero].concat())],
            refuses(&["core 1"]),
        )
        .ours(),
    ]
}

#[test]
fn what_cannot_be_trusted_is_refused_and_left_as_it_is() {
    let program = site::judged();
    let rows: Vec<_> = [torn(), made_up(), manifests(), snapshots(), of_cores()].into_iter().flatten().collect();
    let asked: Vec<_> = rows.iter().filter(|r| program == Program::Ringfort || !r.only_ours).collect();
    let mut failures = Vec::new();
    for row in &asked {
        failures.extend(row.run(program).err().map(|why| format!("{}: {why}\n", row.name)));
    }
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), asked.len(), failures.join("\n"));
}

#[test]
fn names_of_files_are_names() {
    let program = site::judged();
    let long = "x".repeat(200);
    for name in ["with some spaces.aof", long.as_str()] {
        let mut site = Site::new(program, &["--appendonly", "yes", "--appendfilename", name]);
        site.start();
        site.client().call(&["SET", "a", "1"]);
        site.shut_down();
        site.start();
        assert_eq!(site.client().call(&["GET", "a"]), Reply::Bulk(b"1".to_vec()), "{name}");
    }
    for (option, bad) in [("--appendfilename", "a/b"), ("--appenddirname", "a/b"), ("--appendfilename", ""), ("--dbfilename", "a/b")] {
        let ended = Site::new(program, &["--appendonly", "yes", option, bad]).try_start().expect_err("a name that is a path was taken");
        assert_eq!(ended.status.and_then(|s| s.code()), Some(1), "{option} {bad}");
    }
    let ended = Site::new(program, &["--dir", "/nonexistent/folder"]).try_start().expect_err("a folder that is not there was taken");
    assert!(ended.words.contains("No such file or directory"), "{}", ended.words);
}
