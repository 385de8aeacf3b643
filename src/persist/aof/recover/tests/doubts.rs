//! What a start does not take on trust: bytes whose sync may have failed, bytes before a mark that are not those that were written, files
//! that were never listed.

use super::*;
use crate::persist::aof::annotation::{Sum, put_end};
use AppendFsync::{Always, EverySec};

fn ended() -> Vec<u8> {
    let mut out = Vec::new();
    put_end(&mut out);
    out
}

/// A log of ours on `core`, with checksums in its marks.
fn summed(core: usize, cores: usize, policy: AppendFsync, pieces: &[(Vec<u8>, u64)]) -> Vec<u8> {
    let mut out = rf(1, Owner::Core(core), cores, "r1", "b1", policy);
    let mut from = out.len();
    for (bytes, ticket) in pieces {
        out.extend_from_slice(bytes);
        let mut sum = Sum::default();
        // In pieces, as a log takes it in.
        out[from..].chunks(7).for_each(|chunk| sum.add(chunk));
        put_mark(&mut out, *ticket, policy, Some(sum.take()));
        from = out.len();
    }
    out
}

#[test]
fn what_a_run_of_this_boot_left_is_written_again_unless_it_ended_in_order() {
    for policy in [Always, EverySec] {
        let logs = [vec![set("a"), ended()], vec![set("b"), ended(), mark(5, policy)]];
        let mut files = ours(policy, &logs);
        let size = files.get(&incr(2)).len() as u64;
        recover(&mut files, &config(), 2, "b1").expect("whole");
        assert_eq!(files.again, [(incr(2).into_bytes(), 0, size)], "something follows its last line");
        // After another boot everything that is read comes from the disk.
        let mut files = ours(policy, &logs);
        recover(&mut files, &config(), 2, "b2").expect("whole");
        assert!(files.again.is_empty());
    }
}

#[test]
fn only_the_last_run_is_in_doubt_and_only_up_to_its_cut() {
    let second = rf(1, Owner::Core(0), 1, "r2", "b1", EverySec);
    let mut files = ours(EverySec, &[vec![set("a"), second.clone(), set("b"), b"*1\r\n".to_vec()]]);
    let from = (rf(1, Owner::Core(0), 1, "r1", "b1", EverySec).len() + set("a").len()) as u64;
    recover(&mut files, &config(), 1, "b1").expect("torn");
    assert_eq!(files.again, [(incr(1).into_bytes(), from, from + (second.len() + set("b").len()) as u64)]);
    // What cannot be written again is not gone on with.
    let changes = files.changes;
    for n in 0..changes {
        let mut files = ours(EverySec, &[vec![set("a"), second.clone(), set("b"), b"*1\r\n".to_vec()]]);
        files.fails_at = Some(n);
        recover(&mut files, &config(), 1, "b1").expect_err("a change failed");
    }
}

#[test]
fn looking_changes_nothing() {
    let mut files = ours(EverySec, &[vec![set("a")], vec![set("b"), b"*1\r\n".to_vec()]]);
    files.put("temp-rewriteaof-bg-7.aof", "x");
    files.put(&incr(9), rf(1, Owner::Core(0), 2, "r1", "b1", EverySec));
    let before = files.clone();
    let seen = look(&mut files, &config(), 2, "b1").expect("a log");
    assert_eq!((files, seen.plan.stages.len()), (before, 1));
}

/// Zeros over `len` bytes behind `text`: a page that never reached the disk, inside of a value.
fn hole(log: &mut [u8], text: &str, len: usize) {
    let at = memchr::memmem::find(log, text.as_bytes()).expect("is there") + text.len();
    log[at..at + len].fill(0);
}

#[test]
fn a_hole_inside_of_a_value_ends_all_logs_before_it() {
    let value = |name: &str| command(&["SET", name, &format!("{name}begins{}", "v".repeat(100))]);
    let pieces = |core: &str| [(value(&format!("{core}one")), 3), (value(&format!("{core}two")), 6), (value(&format!("{core}three")), 9)];
    let full = [summed(0, 2, EverySec, &pieces("x")), summed(1, 2, EverySec, &pieces("y"))];
    let files = |logs: &[Vec<u8>; 2]| stock(&[&logs[0][..], &logs[1][..]]);
    let whole = ends(&recover(&mut files(&full), &config(), 2, "b2").expect("a power failure"));
    assert_eq!(whole, [full[0].len() as u64, full[1].len() as u64]);
    for (text, last) in [("ythreebegins", 6), ("ytwobegins", 3), ("yonebegins", 0)] {
        let mut logs = full.clone();
        hole(&mut logs[1], text, 40);
        let mut damaged = files(&logs);
        let recovered = recover(&mut damaged, &config(), 2, "b2").expect("a power failure");
        for n in [1, 2] {
            let log = String::from_utf8_lossy(damaged.get(&incr(n))).into_owned();
            let marks: Vec<&str> = log.split("#MARK:").skip(1).collect();
            assert_eq!(marks.last().map_or(0, |m| m.split(':').next().unwrap().parse().unwrap()), last, "{text}: {log}");
            assert!(log.ends_with("\r\n") && !log.contains('\0'));
        }
        assert!(recovered.append.is_some());
        // Nothing is in doubt while the machine runs: what is read is what was written.
        assert_eq!(ends(&recover(&mut files(&logs), &config(), 2, "b1").expect("a kill")), whole);
    }
}

#[test]
fn with_always_a_mark_takes_nothing_back() {
    let mut log = summed(0, 1, Always, &[(set("promised"), 3), (command(&["SET", "x", &"v".repeat(100)]), 6)]);
    hole(&mut log, "vvv", 40);
    let size = log.len() as u64;
    let recovered = recover(&mut stock(&[&log]), &config(), 1, "b2").expect("a power failure");
    assert_eq!(ends(&recovered), [size]);
}

#[test]
fn files_that_were_never_listed_go_if_they_are_certainly_ours() {
    let mut files = Files::default();
    let ours = |generation, core| [rf(generation, Owner::Core(core), 2, "r1", "b1", EverySec), set("a")].concat();
    files.put(&incr(20), ours(1, 0));
    files.put(&incr(21), ours(1, 1));
    files.put(MANIFEST, "file appendonly.aof.20.incr.aof seq 20 type i\nfile appendonly.aof.21.incr.aof seq 21 type i\n");
    let gone = [(incr(7), ours(2, 0)), (incr(8), ours(1, 0)), (incr(9), rf(3, Owner::All, 2, "r0", "b0", Always))];
    // Newer than what is listed; of a stock server; of another log; a base; with strange names; torn; empty.
    let kept = [
        (incr(22), ours(2, 0)),
        (incr(11), set("c")),
        ("appendonlydir/other.aof.12.incr.aof".to_string(), ours(2, 0)),
        ("appendonlydir/appendonly.aof.13.base.rdb".to_string(), ours(2, 0)),
        ("appendonlydir/appendonly.aof.014.incr.aof".to_string(), ours(2, 0)),
        ("appendonlydir/appendonly.aof.-3.incr.aof".to_string(), ours(2, 0)),
        (incr(15), b"#RF:2:0/2:r1:b1:everysec".to_vec()),
        (incr(16), Vec::new()),
    ];
    gone.iter().chain(&kept).for_each(|(path, bytes)| files.put(path, bytes.clone()));
    let recovered = recover(&mut files, &config(), 2, "b1").expect("a log");
    assert!(files.has(&incr(20)) && files.has(&incr(21)));
    gone.iter().for_each(|(path, _)| assert!(!files.has(path), "{path}"));
    kept.iter().for_each(|(path, _)| assert!(files.has(path), "{path}"));
    assert_eq!(recovered.next_incr, 23);
    let said = lines(&recovered);
    assert!(said.contains("appendonly.aof.7.incr.aof is not in the manifest: it was never listed and is removed"), "{said}");
    assert!(said.contains("appendonly.aof.22.incr.aof is not in the manifest: it is not loaded"), "{said}");
    // Without a manifest nothing is certain.
    let mut files = Files::default();
    files.put(&incr(1), ours(1, 0));
    recover(&mut files, &config(), 2, "b1").expect("an empty log");
    assert!(files.has(&incr(1)));
}
