//! Claims about commands that ask something of durability: what they answer and wish by the state of things, and what they record.

use super::*;
use crate::spec::persist::{Ask, Loading, Wish};
use cores::Cores;

/// The reply to a line inside of EXEC.
fn in_multi(shard: &mut Shard, line: &str) -> String {
    let words = words(line);
    let (base, mut spans) = (words.concat(), Vec::new());
    for word in &words {
        let start = spans.last().map_or(0, |s: &Span| s.start + s.len);
        spans.push(Span { start, len: word.len() as u32 });
    }
    let spec = shard.server.commands.row(shard.server.commands.find(&words[0]).expect("a command")).spec;
    let (mut out, origin) = (Out::new(false), Origin { in_multi: true, ..Origin::default() });
    let args = Args { base: &base, spans: &spans };
    let mut call = Call { spec, args, out: &mut out, shard, db: 0, now: NOW, origin, home: None, hint: None };
    (spec.run)(&mut call).expect("not refused");
    assert_eq!(shard.deferred, None, "everything answers at once: {line}");
    String::from_utf8_lossy(&out.buf).into_owned()
}

#[test]
fn a_snapshot_begins_once() {
    let mut shard = shard();
    assert_eq!(text(&mut shard, "BGSAVE"), "+Background saving started\r\n");
    let busy = "-ERR Background save already in progress\r\n";
    // In the same turn, before anybody has looked at the wish.
    assert_eq!((text(&mut shard, "BGSAVE"), text(&mut shard, "SAVE")), (busy.into(), busy.into()));
    assert_eq!(std::mem::take(&mut shard.wishes), [Wish::BackgroundSave]);
    shard.persist.is_saving = true;
    assert_eq!((text(&mut shard, "BGSAVE SCHEDULE"), text(&mut shard, "SAVE")), (busy.into(), busy.into()));
    assert!(shard.wishes.is_empty() && !shard.persist.is_save_scheduled);
    shard.persist.is_saving = false;
    assert_eq!((text(&mut shard, "SAVE"), shard.deferred), (String::new(), Some(Ask(1))));
    assert_eq!(shard.wishes, [Wish::Save(Ask(1))]);
}

#[test]
fn snapshot_and_rewrite_wait_for_each_other_when_told_to() {
    let mut shard = shard();
    shard.persist.is_rewriting = true;
    assert!(text(&mut shard, "BGSAVE").starts_with("-ERR Another child process is active (AOF?): can't BGSAVE right now. Use "));
    assert_eq!(text(&mut shard, "BGREWRITEAOF"), "-ERR Background append only file rewriting already in progress\r\n");
    assert_eq!(text(&mut shard, "bgsave schedule"), "+Background saving scheduled\r\n");
    assert!(shard.persist.is_save_scheduled && shard.wishes.is_empty());
    (shard.persist.is_rewriting, shard.persist.is_saving, shard.persist.rewrite_failures) = (false, true, 4);
    assert_eq!(text(&mut shard, "BGREWRITEAOF"), "+Background append only file rewriting scheduled\r\n");
    assert!(shard.persist.is_rewrite_scheduled);
    assert_eq!(std::mem::take(&mut shard.wishes), [Wish::RewriteLog], "whoever keeps the log waits for the end of the snapshot");
    assert_eq!(shard.persist.rewrite_failures, 0, "asked for by hand it does not wait for the pause after failures");
    shard.persist.is_saving = false;
    assert_eq!(text(&mut shard, "BGREWRITEAOF"), "+Background append only file rewriting started\r\n");
    assert_eq!(shard.wishes, [Wish::RewriteLog]);
}

#[test]
fn a_transaction_waits_for_nothing() {
    let mut shard = shard();
    assert_eq!(in_multi(&mut shard, "BGSAVE"), "+Background saving scheduled\r\n");
    assert_eq!(in_multi(&mut shard, "WAIT 3 0"), ":0\r\n");
    assert_eq!(in_multi(&mut shard, "WAITAOF 0 1 0"), "*2\r\n:0\r\n:0\r\n");
    shard.persist.log_is_on = true;
    assert_eq!(in_multi(&mut shard, "WAITAOF 1 1 0"), "*2\r\n:0\r\n:0\r\n");
    shard.config.appendfsync = crate::config::kinds::AppendFsync::Always;
    assert_eq!(in_multi(&mut shard, "WAITAOF 1 1 0"), "*2\r\n:1\r\n:0\r\n");
    assert_eq!(std::mem::take(&mut shard.wishes), [Wish::BackgroundSave]);
    assert_eq!(in_multi(&mut shard, "BGREWRITEAOF"), "+Background append only file rewriting scheduled\r\n");
    assert_eq!(shard.wishes, [Wish::RewriteLog]);
}

#[test]
fn the_last_save_is_the_start_until_there_is_one() {
    let mut shard = shard();
    assert_eq!(text(&mut shard, "LASTSAVE"), format!(":{}\r\n", NOW / 1000));
    shard.persist.last_save = 1234;
    assert_eq!(text(&mut shard, "LASTSAVE"), ":1234\r\n");
}

#[test]
fn the_log_is_switched_once_and_by_core_0() {
    let mut cores = Cores::new(3);
    assert_eq!(cores.say("CONFIG SET appendonly no"), "+OK\r\n");
    assert_eq!(cores.say("CONFIG SET appendonly yes hz 20"), "+OK\r\n");
    assert_eq!(cores.say("CONFIG SET appendonly yes"), "+OK\r\n");
    assert_eq!(cores.shards[0].wishes, [Wish::AppendOnly(true)]);
    assert!(cores.shards[1..].iter().all(|shard| shard.wishes.is_empty() && shard.config.appendonly));
    cores.shards.iter_mut().for_each(|shard| shard.persist.loading = Loading::Refuses);
    assert_eq!(cores.say("CONFIG SET appendonly no"), "-LOADING Redis is loading the dataset in memory\r\n");
}

#[test]
fn what_concerns_all_keys_is_recorded_on_every_core_even_when_there_are_none() {
    let mut cores = Cores::new(2);
    cores.shards.iter_mut().for_each(|shard| {
        shard.fx.is_on = true;
        shard.config.save.0.clear();
    });
    for line in ["FLUSHALL async", "flushdb", "SWAPDB 0 0", "SWAPDB 0 1", "SWAPDB 0 99", "FLUSHALL x"] {
        cores.say(line);
    }
    for shard in &mut cores.shards {
        assert!(shard.fx.explicit && shard.fx.recorded.iter().all(|(head, _)| head.is_global) && shard.wishes.is_empty());
        let words: Vec<_> = shard.fx.take().iter().map(|e| String::from_utf8_lossy(&e.words.join(&b' ')).into_owned()).collect();
        assert_eq!(words, ["FLUSHALL async", "flushdb", "SWAPDB 0 0", "SWAPDB 0 1"]);
    }
}

#[test]
fn flushall_makes_the_snapshot_anew_where_there_are_save_points() {
    let mut cores = Cores::new(2);
    cores.say("FLUSHDB");
    assert!(cores.shards[0].wishes.is_empty());
    cores.say("FLUSHALL");
    cores.say("FLUSHALL");
    assert_eq!((cores.shards[0].wishes.len(), cores.shards[1].wishes.len()), (1, 0));
    assert!(cores.shards[0].persist.is_save_scheduled, "the second one comes after the first snapshot");
}

#[test]
fn keys_that_nobody_asked_to_remove_go_by_del_or_unlink_as_the_reason_says() {
    for is_lazy in [false, true] {
        let mut shard = shard();
        shard.fx.is_on = true;
        (shard.config.lazyfree_lazy_expire, shard.config.lazyfree_lazy_server_del) = (is_lazy, false);
        for line in ["SET a 1", "EXPIRE a -1", "SET b 1", "GETEX b PXAT 1", "SADD c m", "SPOP c 1"] {
            text(&mut shard, line);
        }
        let words: Vec<_> = shard.fx.take().iter().map(|e| String::from_utf8_lossy(&e.words.join(&b' ')).into_owned()).collect();
        let removal = if is_lazy { "UNLINK" } else { "DEL" };
        assert_eq!(words, [&format!("{removal} a"), &format!("{removal} b"), "DEL c"]);
        text(&mut shard, "SET d 1 PXAT 1700000000001");
        shard.ks.set_now(NOW + 10);
        shard.ks.expire_due(NOW + 10, 10, &mut |_| false);
        shard.fx.take();
        shard.record_expired();
        assert_eq!(shard.fx.take()[0].words, [removal.as_bytes().to_vec(), b"d".to_vec()]);
    }
}

#[test]
fn counting_is_recorded_only_where_it_changed_the_value() {
    let mut shard = shard();
    shard.fx.is_on = true;
    text(&mut shard, "PFADD h a b");
    shard.fx.take();
    for line in ["PFCOUNT h", "PFCOUNT h", "PFCOUNT h none", "PFCOUNT none"] {
        text(&mut shard, line);
    }
    let words: Vec<_> = shard.fx.take().into_iter().map(|e| e.words).collect();
    assert_eq!(words, [[b"PFCOUNT".to_vec(), b"h".to_vec()]]);
}

#[test]
fn resetting_statistics_keeps_what_save_points_go_by() {
    let mut shard = shard();
    text(&mut shard, "MSET a 1 b 2 c 3");
    (shard.persist.changes_at_save, shard.persist.saves, shard.persist.rewrites, shard.persist.log_delayed) = (1, 5, 6, 7);
    text(&mut shard, "CONFIG RESETSTAT");
    let info = text(&mut shard, "INFO persistence");
    for line in ["rdb_changes_since_last_save:2", "rdb_saves:0", "aof_rewrites:0"] {
        assert!(info.contains(&format!("\r\n{line}\r\n")), "{line} in {info}");
    }
    assert_eq!(shard.persist.log_delayed, 0);
}
