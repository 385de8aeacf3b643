//! Which files there are after what, and what the book does by itself.

use super::world::World;
use super::*;
use crate::spec::persist::Wish;

fn world(cores: usize, policy: AppendFsync) -> World {
    let mut world = World::new(7, cores, policy);
    world.settle();
    world
}

fn manifest(world: &World) -> String {
    let bytes = world.fs.bytes(b"appendonlydir/appendonly.aof.manifest").expect("a manifest");
    String::from_utf8_lossy(bytes).replace("appendonly.aof.", "").replace('\n', ", ")
}

fn files(world: &World) -> Vec<String> {
    let names = world.fs.paths().map(|p| String::from_utf8_lossy(p).into_owned());
    names.filter_map(|p| p.strip_prefix("appendonlydir/appendonly.aof.").map(str::to_string)).collect()
}

#[test]
fn a_new_log_has_a_base_and_a_file_for_each_core() {
    let world = world(2, AppendFsync::EverySec);
    assert_eq!(manifest(&world), "file 1.base.aof seq 1 type b, file 5.incr.aof seq 5 type i, file 6.incr.aof seq 6 type i, ");
    assert_eq!(files(&world), ["1.base.aof", "5.incr.aof", "6.incr.aof", "manifest"], "history is removed");
}

#[test]
fn a_rewrite_replaces_everything_before_its_cut() {
    let mut world = world(2, AppendFsync::EverySec);
    (0..20).for_each(|_| world.write());
    assert!(world.book.wish(&Wish::RewriteLog));
    world.settle();
    assert_eq!(manifest(&world), "file 2.base.aof seq 2 type b, file 8.incr.aof seq 8 type i, file 9.incr.aof seq 9 type i, ");
    assert_eq!(files(&world), ["2.base.aof", "8.incr.aof", "9.incr.aof", "manifest"]);
    let figures = world.figures();
    assert_eq!((figures.rewrites, figures.rewrite_failures, figures.is_rewriting, figures.log_is_on), (2, 0, false, true));
    let bytes: u64 = files(&world).iter().filter(|f| *f != "manifest").map(|f| world.size(f)).sum();
    world.settle();
    assert!(world.figures().log_bytes.abs_diff(bytes) < 200, "{} of {bytes}", world.figures().log_bytes);
}

#[test]
fn flushall_starts_afresh() {
    let mut world = world(2, AppendFsync::Always);
    (0..20).for_each(|_| world.write());
    world.global(false);
    world.write();
    world.settle();
    let all = manifest(&world);
    assert_eq!(all, "file 10.incr.aof seq 10 type i, file 11.incr.aof seq 11 type i, file 12.incr.aof seq 12 type i, ");
    assert_eq!(files(&world), ["10.incr.aof", "11.incr.aof", "12.incr.aof", "manifest"]);
    let text = String::from_utf8_lossy(world.fs.bytes(b"appendonlydir/appendonly.aof.10.incr.aof").expect("listed")).into_owned();
    assert!(text.starts_with("#RF:4:*/2:run1:boot0:always\r\n*2\r\n$6\r\nSELECT") && text.ends_with("$8\r\nFLUSHALL\r\n"), "{text}");
}

#[test]
fn flushall_keeps_what_holds_libraries() {
    let mut world = world(1, AppendFsync::Always);
    world.functions(vec![b"#!lua name=x".to_vec()]);
    world.global(false);
    world.settle();
    assert!(
        manifest(&world).starts_with("file 1.base.aof seq 1 type b, file 4.incr.aof seq 4 type i, file 7.incr.aof"),
        "{}",
        manifest(&world)
    );
}

#[test]
fn a_log_is_switched_off_and_on() {
    let mut world = world(2, AppendFsync::EverySec);
    (0..20).for_each(|_| world.write());
    assert!(world.book.wish(&Wish::AppendOnly(false)));
    (0..3000).for_each(|_| world.turn());
    assert!(!world.figures().log_is_on);
    let before = manifest(&world);
    world.write();
    assert!(world.book.wish(&Wish::RewriteLog));
    (0..3000).for_each(|_| world.turn());
    assert_ne!(manifest(&world), before);
    assert!(
        manifest(&world).ends_with("type b, ") && !manifest(&world).contains("incr"),
        "a rewrite of a log that is off: {}",
        manifest(&world)
    );
    assert!(world.book.wish(&Wish::AppendOnly(true)));
    world.settle();
    assert!(manifest(&world).contains("base.aof") && manifest(&world).matches("type i").count() == 2, "{}", manifest(&world));
    assert!(world.figures().log_is_on);
    world.write();
    world.wait_durable(0);
    world.settle();
    (0..300).for_each(|_| world.turn());
    assert_eq!(world.answers.0, 1);
    world.kill(true);
}

#[test]
fn nobody_who_waits_for_a_log_that_is_off_waits_long() {
    let mut world = world(1, AppendFsync::EverySec);
    assert!(world.book.wish(&Wish::AppendOnly(false)));
    (0..1000).for_each(|_| world.turn());
    world.wait_durable(0);
    world.turn();
    assert_eq!(world.answers, (0, 1));
}

#[test]
fn a_log_that_nothing_is_added_to_gets_no_marks() {
    for policy in [AppendFsync::Always, AppendFsync::EverySec, AppendFsync::No] {
        let mut world = world(2, policy);
        (0..500).for_each(|_| world.turn());
        let sizes: Vec<u64> = files(&world).iter().map(|f| world.size(f)).collect();
        (0..2000).for_each(|_| world.turn());
        assert_eq!(files(&world).iter().map(|f| world.size(f)).collect::<Vec<_>>(), sizes);
    }
}

#[test]
fn who_waits_for_a_log_at_rest_is_answered_and_no_mark_is_put_for_it() {
    for policy in [AppendFsync::Always, AppendFsync::EverySec] {
        let mut world = world(3, policy);
        (0..20).for_each(|_| world.write());
        (0..2000).for_each(|_| world.turn());
        let sizes: Vec<u64> = files(&world).iter().map(|f| world.size(f)).collect();
        // For as long as it takes; and only how it is now.
        for (n, until) in [0, 1].into_iter().enumerate() {
            world.wait_durable(until);
            (0..50).for_each(|_| world.turn());
            assert_eq!(world.answers, (n + 1, 0), "{policy:?}");
        }
        assert_eq!(files(&world).iter().map(|f| world.size(f)).collect::<Vec<_>>(), sizes);
        // What is written before the wish counts, wherever its news are by then.
        world.write();
        world.wait_durable(1);
        world.write();
        world.wait_durable(0);
        (0..2000).for_each(|_| world.turn());
        assert_eq!(world.answers.0 + world.answers.1, 4);
        assert!(world.answers.0 >= 3);
        world.kill(true);
    }
}

#[test]
fn an_orderly_end_loses_nothing_even_if_the_machine_stops_after_it() {
    for policy in [AppendFsync::Always, AppendFsync::EverySec, AppendFsync::No] {
        for seed in 0..20 {
            let mut world = World::new(seed, 3, policy);
            (0..40).for_each(|_| {
                world.write();
                world.turn();
            });
            world.flush_all();
            let ends = (0..5000).any(|_| {
                world.turn();
                world.book.flushed() == Some(Ok(()))
            });
            assert!(ends);
            world.expect_everything();
            world.kill(true);
        }
    }
}

#[test]
fn only_an_orderly_end_is_believed_by_the_next_start() {
    for policy in [AppendFsync::Always, AppendFsync::EverySec, AppendFsync::No] {
        let mut world = world(3, policy);
        for _ in 0..40 {
            world.write();
            world.turn();
        }
        world.flush_all();
        assert!((0..5000).any(|_| {
            world.turn();
            world.book.flushed() == Some(Ok(()))
        }));
        world.expect_everything();
        let ends = |world: &World| {
            let names: Vec<String> = files(world).into_iter().filter(|f| f.ends_with(".incr.aof")).collect();
            let bytes = |f: &String| world.fs.bytes(format!("appendonlydir/appendonly.aof.{f}").as_bytes()).unwrap_or_default().to_vec();
            (names.len(), names.iter().filter(|f| bytes(f).ends_with(b"\r\n#END\r\n")).count())
        };
        assert_eq!(ends(&world), (3, 3));
        let before = world.fs.written_again;
        world.kill(false);
        assert_eq!(world.fs.written_again, before);
        world.write();
        world.settle();
        assert_eq!(ends(&world), (3, 0), "its first line stands behind that one");
        world.kill(false);
        assert_eq!(world.fs.written_again, before + 3);
        world.kill(true);
        assert_eq!(world.fs.written_again, before + 3, "what is read comes from the disk");
    }
}

#[test]
fn growth_calls_for_a_rewrite() {
    let mut world = world(2, AppendFsync::No);
    world.each_config(|config| config.auto_aof_rewrite_min_size = 2000);
    for _ in 0..100 {
        world.write();
        world.turn();
    }
    world.settle();
    assert!(world.lines.iter().any(|l| l.starts_with("Starting automatic rewriting of AOF on ") && l.ends_with("% growth")));
    assert!(world.figures().rewrites > 1);
}

#[test]
fn a_manifest_that_cannot_be_written_holds_global_commands_and_refuses_writes() {
    let mut world = world(2, AppendFsync::EverySec);
    world.global(false);
    while !world.is_drained() {
        world.turn();
    }
    world.fs.is_full = true;
    (0..300).for_each(|_| world.turn());
    assert!(world.held(), "the reply waits");
    let text = world.figures().refuses_writes.map(|r| String::from_utf8_lossy(r.as_bytes()).into_owned());
    assert_eq!(text.as_deref(), Some("MISCONF Errors writing to the AOF file: No space left on device"));
    world.settle();
    assert_eq!(world.figures().refuses_writes, None);
    assert!(!world.held());
}
