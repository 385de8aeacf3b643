//! The tool on files in a folder of its own, line by line what redis-check-aof 7.0 says of the same bytes.

use super::*;
use crate::config::kinds::AppendFsync;
use crate::persist::aof::annotation::{Cores, Owner, Rf, put_mark, put_rf, put_tx};
use std::path::PathBuf;

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ringfort-check-aof-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Folder(path)
    }
    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("a file can be written");
        path.to_string_lossy().into_owned()
    }
    fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("the file is there")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Exit code and output, paths of the folder left out.
fn check(folder: &Folder, arguments: &[&str], answer: bool) -> (i32, String) {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let task = parse(&arguments).expect("understood");
    let (mut store, mut out) = (FileStore::new(), Vec::new());
    let result =
        Check { store: &mut store, task: &task, boot: "b1".into(), out: Box::new(&mut out), ask: Box::new(|| answer), lines: 1 }.run();
    let text = String::from_utf8_lossy(&out).replace(&format!("{}/", folder.0.display()), "");
    (result.map_or_else(|Stop(code)| code, |()| 0), text)
}

const SET: &str = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";

#[test]
fn single_files_are_judged_as_the_stock_tool_judges_them() {
    let folder = Folder::new("single");
    let multi = format!("{SET}*1\r\n$5\r\nMULTI\r\n{SET}");
    let cases: &[(&str, &str, i32, &str)] = &[
        ("*abc\r\n", "0x               0: Expected \\r\\n, got: 6162\n", 0, "1"),
        (&format!("{SET}xxxx"), "AOF f format error\n", 27, "8"),
        ("*1\r\n$4\r\nPINGxx", "0x               8: Expected \\r\\n, got: 7878\n", 0, "3"),
        ("*1\r\n$4\r\nEXEC\r\n", "0x               8: Unexpected EXEC in AOF f\n", 0, "4"),
        ("*1\r\n$9999\r\nxx", "0x               b: Expected to read 10001 bytes, got 2 bytes\n", 0, "3"),
        (&multi, "0x              42: Reached EOF before reading EXEC for MULTI\n", 27, "18"),
        (&format!("{multi}*1\r\n$5\r\nMULTI\r\n"), "0x              4d: Unexpected MULTI in AOF f\n", 27, "21"),
        ("*1\n$4\r\nPING\r\n", "0x               0: Expected \\r\\n, got: 0a00\n", 0, "1"),
        ("*1\r\n+4\r\nPING\r\n", "0x               4: Expected prefix '$', got: '+'\n", 0, "2"),
        ("*2", "0x               0: Expected \\r\\n, got: 0000\n", 0, "1"),
        (
            &format!("{SET}*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10\r\nb\r\n"),
            "0x              34: Expected to read 12 bytes, got 3 bytes\n",
            27,
            "14",
        ),
    ];
    for (bytes, line, good, lines) in cases {
        let path = folder.put("f", bytes.as_bytes());
        let (code, text) = check(&folder, &[&path], true);
        let size = bytes.len();
        let expected = format!(
            "Start checking Old-Style AOF\n{line}AOF analyzed: filename=f, size={size}, ok_up_to={good}, ok_up_to_line={lines}, diff={}\n\
             AOF f is not valid. Use the --fix option to try fixing it.\n",
            size as i32 - good
        );
        assert_eq!((code, text), (1, expected), "{bytes:?}");
    }
    let path = folder.put("f", SET.as_bytes());
    let valid = "Start checking Old-Style AOF\nAOF analyzed: filename=f, size=27, ok_up_to=27, ok_up_to_line=8, diff=0\nAOF f is valid\n";
    assert_eq!(check(&folder, &["--fix", &path], true), (0, valid.into()));
    let path = folder.put("f", b"");
    assert_eq!(check(&folder, &[&path], true), (0, "Start checking Old-Style AOF\nAOF f is empty\n".into()));
    let gone = folder.0.join("gone").to_string_lossy().into_owned();
    assert_eq!(check(&folder, &[&gone], true), (1, "Cannot open file gone: No such file or directory\n".into()));
}

#[test]
fn a_torn_file_is_cut_after_a_yes() {
    let folder = Folder::new("fix");
    let torn = format!("{SET}*3\r\n$3\r\nSE");
    let path = folder.put("f", torn.as_bytes());
    let (code, text) = check(&folder, &["--fix", &path], false);
    assert!(
        code == 1 && text.ends_with("This will shrink the AOF f from 37 bytes, with 10 bytes, to 27 bytes\nContinue? [y/N]: Aborting...\n"),
        "{text}"
    );
    assert_eq!(folder.get("f"), torn.as_bytes());
    let (code, text) = check(&folder, &["--fix", &path], true);
    assert!(code == 0 && text.ends_with("Continue? [y/N]: Successfully truncated AOF f\n"), "{text}");
    assert_eq!(folder.get("f"), SET.as_bytes());
}

#[test]
fn a_file_is_cut_at_a_time() {
    let folder = Folder::new("time");
    let bytes = format!("#TS:100\r\n{SET}#TS:200\r\n{SET}");
    let path = folder.put("f", bytes.as_bytes());
    let run = |until: &str| check(&folder, &["--truncate-to-timestamp", until, &path], false);
    assert_eq!(run("50"), (1, "Start checking Old-Style AOF\nAOF f has nothing before timestamp 50, aborting...\n".into()));
    assert_eq!(run("300"), (0, "Start checking Old-Style AOF\nTruncate nothing in AOF f to timestamp 300\nAOF f is valid\n".into()));
    assert_eq!(run("150"), (0, "Start checking Old-Style AOF\nSuccessfully truncated AOF f to timestamp 150\n".into()));
    assert_eq!(folder.get("f").len(), 36);
    assert_eq!(parse(&["--truncate-to-timestamp".into(), "1x".into(), "f".into()]), Err(true));
    assert_eq!(parse(&[]), Err(false));
    assert_eq!(parse(&["a".into(), "b".into()]), Err(false));
}

fn manifest(count: usize) -> String {
    (1..=count).map(|n| format!("file f.{n}.incr.aof seq {n} type i\n")).collect()
}

#[test]
fn files_of_a_manifest_are_checked_one_after_the_other() {
    let folder = Folder::new("parts");
    let path = folder.put("f.manifest", manifest(2).as_bytes());
    folder.put("f.1.incr.aof", SET.as_bytes());
    folder.put("f.2.incr.aof", b"");
    let expected = "Start checking Multi Part AOF\nStart to check INCR files.\n\
                    AOF analyzed: filename=f.1.incr.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0\nINCR AOF f.1.incr.aof is valid\n\
                    INCR AOF f.2.incr.aof is empty\nAll AOF files and manifest are valid\n";
    assert_eq!(check(&folder, &[&path], true), (0, expected.into()));
    // The directory does as well.
    assert_eq!(check(&folder, &[&folder.0.to_string_lossy()], true), (0, expected.into()));
    folder.put("f.1.incr.aof", &SET.as_bytes()[..20]);
    let (code, text) = check(&folder, &["--fix", &path], true);
    assert!(code == 1 && text.ends_with("Failed to truncate AOF f.1.incr.aof because it is not the last file\n"), "{text}");
    std::fs::remove_file(folder.0.join("f.1.incr.aof")).expect("was there");
    let (code, text) = check(&folder, &[&path], true);
    assert!(code == 1 && text.ends_with("Cannot open file f.1.incr.aof: No such file or directory, aborting...\n"), "{text}");
    folder.put("f.manifest", b"file a seq 0 type b\n");
    let (code, text) = check(&folder, &[&path], true);
    assert!(
        code == 1 && text.contains("*** FATAL AOF MANIFEST FILE ERROR ***") && text.ends_with("Invalid AOF manifest file format\n"),
        "{text}"
    );
}

fn log(core: usize, boot: &str, rest: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_rf(
        &mut out,
        &Rf { generation: 1, owner: Owner::Core(core), cores: 2, run: "r".into(), boot: boot.into(), policy: AppendFsync::EverySec },
    );
    out.extend(rest.concat());
    out
}

fn mark(ticket: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put_mark(&mut out, ticket, AppendFsync::EverySec, None);
    out
}

fn tx(ticket: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put_tx(&mut out, ticket, &Cores::of(2, |_| true), false);
    out.extend(SET.bytes());
    out
}

#[test]
fn logs_of_several_cores_are_cut_together() {
    let folder = Folder::new("own");
    let set = || SET.as_bytes().to_vec();
    let path = folder.put("f.manifest", manifest(2).as_bytes());
    let (first, second) = (log(0, "b1", &[mark(1), set(), tx(2), set()]), log(1, "b1", &[mark(1), set(), tx(2)]));
    folder.put("f.1.incr.aof", &first);
    folder.put("f.2.incr.aof", &second);
    let (code, text) = check(&folder, &[&path], true);
    assert!(code == 0 && text.ends_with("INCR AOF f.2.incr.aof is valid\nAll AOF files and manifest are valid\n"), "{text}");
    folder.put("f.2.incr.aof", &second[..second.len() - 3]);
    let (code, text) = check(&folder, &[&path], true);
    assert!(code == 1 && text.contains("transaction 2 is missing in the log of core 1"), "{text}");
    assert_eq!(folder.get("f.1.incr.aof"), first);
    let (code, text) = check(&folder, &["--fix", &path], true);
    assert!(code == 0 && text.contains("Successfully truncated AOF f.1.incr.aof\nSuccessfully truncated AOF f.2.incr.aof\n"), "{text}");
    assert_eq!(folder.get("f.1.incr.aof"), log(0, "b1", &[mark(1), set()]));
    assert_eq!(folder.get("f.2.incr.aof"), log(1, "b1", &[mark(1), set()]));
    // Of another boot everything ends at the mark.
    folder.put("f.1.incr.aof", &log(0, "b0", &[mark(1), set(), tx(2), set()]));
    folder.put("f.2.incr.aof", &log(1, "b0", &[mark(1), set(), tx(2)]));
    assert_eq!(check(&folder, &["--fix", &path], true).0, 0);
    assert_eq!(folder.get("f.1.incr.aof"), log(0, "b0", &[mark(1)]));
    // One of them is missing.
    folder.put("f.manifest", manifest(1).as_bytes());
    assert_eq!(check(&folder, &[&path], true).0, 1);
}

#[test]
fn logs_of_several_cores_are_cut_at_a_time() {
    let folder = Folder::new("own-time");
    let (set, ts) = (|| SET.as_bytes().to_vec(), |n: i64| format!("#TS:{n}\r\n").into_bytes());
    let path = folder.put("f.manifest", manifest(2).as_bytes());
    folder.put("f.1.incr.aof", &log(0, "b0", &[ts(100), set(), mark(1), ts(200), set(), mark(2)]));
    // Nothing tells the time in this one.
    folder.put("f.2.incr.aof", &log(1, "b0", &[set(), mark(1), set(), mark(2), set()]));
    let (code, text) = check(&folder, &["--truncate-to-timestamp", "150", &path], false);
    assert!(code == 0 && text.contains("Successfully truncated AOF f.2.incr.aof to timestamp 150"), "{text}");
    assert_eq!(folder.get("f.1.incr.aof"), log(0, "b0", &[ts(100), set(), mark(1)]));
    assert_eq!(folder.get("f.2.incr.aof"), log(1, "b0", &[set(), mark(1), set()]));
}
