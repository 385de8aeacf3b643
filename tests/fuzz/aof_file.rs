//! Any bytes as files of an append-only log: the scanner reads the same in any windows, what it calls whole is whole, and start-up
//! refuses, or cuts once and for all.

use ringfort::config::Config;
use ringfort::persist::aof::read::{Found, Scanner, Sink};
use ringfort::persist::aof::recover;
use ringfort::persist::disk::Store;
use std::collections::BTreeMap;

#[derive(Default, PartialEq, Eq, Debug)]
struct Seen(Vec<(u64, Vec<u8>)>);

impl Sink for Seen {
    fn command(&mut self, at: u64, len: u64, name: &[u8]) {
        self.0.push((at + len, name.to_vec()));
    }
    fn annotation(&mut self, at: u64, line: &[u8], _: bool) {
        self.0.push((at, line.to_vec()));
    }
}

fn scan(bytes: &[u8], window: usize) -> (Found, Seen) {
    let (mut scanner, mut seen) = (Scanner::new(0), Seen::default());
    let _ = bytes.chunks(window).all(|part| scanner.feed(part, &mut seen));
    (scanner.finish(), seen)
}

/// Files in memory.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Files(BTreeMap<Vec<u8>, Vec<u8>>);

impl Store for Files {
    fn size(&mut self, path: &[u8]) -> Result<Option<u64>, i32> {
        Ok(self.0.get(path).map(|f| f.len() as u64))
    }
    fn read(&mut self, path: &[u8], at: u64, buf: &mut [u8]) -> Result<usize, i32> {
        let rest = self.0.get(path).ok_or(2)?.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn replace(&mut self, path: &[u8], _: &[u8], bytes: &[u8]) -> Result<(), i32> {
        self.0.insert(path.to_vec(), bytes.to_vec());
        Ok(())
    }
    fn truncate(&mut self, path: &[u8], len: u64) -> Result<(), i32> {
        self.0.get_mut(path).ok_or(2)?.truncate(len as usize);
        Ok(())
    }
    fn write_again(&mut self, path: &[u8], from: u64, to: u64) -> Result<(), i32> {
        let len = self.0.get(path).ok_or(2)?.len() as u64;
        if from <= to && to <= len { Ok(()) } else { Err(5) }
    }
    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), i32> {
        let file = self.0.remove(from).ok_or(2)?;
        self.0.insert(to.to_vec(), file);
        Ok(())
    }
    fn remove(&mut self, path: &[u8]) -> Result<(), i32> {
        self.0.remove(path);
        Ok(())
    }
    fn make_dir(&mut self, _: &[u8]) -> Result<(), i32> {
        Ok(())
    }
    fn list(&mut self, _: &[u8]) -> Result<Vec<Vec<u8>>, i32> {
        Ok(Vec::new())
    }
}

/// One input of the fuzzer: files of a log, one after the other, with a line `%` between them.
pub fn run(data: &[u8]) {
    let whole = scan(data, data.len().max(1));
    for window in [1, 7, 64] {
        assert_eq!(scan(data, window), whole, "windows of {window}");
    }
    let prefix = scan(&data[..whole.0.whole as usize], data.len().max(1)).0;
    assert_eq!((prefix.whole, prefix.commands, prefix.fault), (whole.0.whole, whole.0.commands, None));

    let mut files = Files::default();
    let mut manifest = String::new();
    for (n, part) in parts(data).into_iter().enumerate() {
        let name = format!("appendonly.aof.{}.incr.aof", n + 1);
        manifest += &format!("file {name} seq {} type i\n", n + 1);
        files.0.insert(format!("appendonlydir/{name}").into(), part.to_vec());
    }
    files.0.insert(b"appendonlydir/appendonly.aof.manifest".to_vec(), manifest.into());
    let config = Config { appendonly: true, ..Config::default() };
    for boot in ["b1", "b2"] {
        let mut files = files.clone();
        let before = files.clone();
        let Ok(first) = recover(&mut files, &config, 2, boot) else {
            assert_eq!(files, before, "what is refused is not touched");
            continue;
        };
        for file in first.plan.files() {
            let bytes = &files.0[&file.path][file.start as usize..file.end as usize];
            let found = scan(bytes, bytes.len().max(1)).0;
            assert_eq!((found.whole, found.fault), (bytes.len() as u64, None), "what is loaded is whole");
        }
        let again = recover(&mut files, &config, 2, boot).expect("what was cut is accepted");
        assert_eq!(again.plan, first.plan, "nothing more to cut");
    }
}

fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(3).position(|w| w == b"\n%\n").filter(|_| parts.len() < 7) {
        parts.push(&rest[..at + 1]);
        rest = &rest[at + 3..];
    }
    parts.push(rest);
    parts
}
