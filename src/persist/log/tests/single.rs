//! One log, its disk by hand: what is submitted when, and what is said about it.

use super::world::shards;
use super::*;
use crate::persist::disk::{FileId, Op};
use crate::persist::plan::SaveJob;
use crate::spec::effect::Effects;
use std::sync::Arc;

/// Operations that were submitted and wait to be finished.
#[derive(Default)]
struct Hand(Vec<(u64, Op)>);

impl Disk for Hand {
    fn submit(&mut self, token: u64, op: Op) {
        self.0.push((token, op));
    }
}

struct One {
    log: Log,
    shard: Shard,
    hand: Hand,
    out: Vec<Out>,
    now: Now,
    /// What the files hold, one after the other.
    file: Vec<u8>,
}

impl One {
    /// A log whose first file is durable and listed.
    fn new(policy: AppendFsync) -> One {
        let shard = shards(1, policy).remove(0);
        let now = Now { wall_ms: 1_000_000, mono_ms: 10_000 };
        let mut log = Log::new(0, 1);
        let start = LogStart { run: "r".into(), boot: "b".into(), generation: 0, next_seq: 1, how: How::Begin };
        log.begin(start, now, &shard.config);
        let mut one = One { log, shard, hand: Hand::default(), out: Vec::new(), now, file: Vec::new() };
        assert!(!one.log.is_ready());
        one.finish_all();
        assert!(one.log.take_news().contains(&News::From(0, LogNote::Ready { generation: 1, files: vec![1], since: 0, lost: None })));
        one.log.heard(0, LogNote::Live { generation: 1, fresh: None });
        assert!(one.log.is_ready() && one.log.acked() == one.log.position());
        one.hand.0.clear();
        one
    }

    fn write(&mut self, key: &str) {
        let mut fx = Effects::default();
        fx.command(0, [&b"DEL"[..], key.as_bytes()].into_iter());
        self.log.append(&fx.recorded, self.now, &self.shard.config);
    }

    fn flush_all(&mut self) {
        let mut fx = Effects::default();
        fx.global(0, [&b"FLUSHALL"[..]].into_iter());
        self.log.append(&fx.recorded, self.now, &self.shard.config);
    }

    fn pump(&mut self) {
        self.log.pump(self.now, &mut self.shard, &mut self.hand, &mut self.out);
    }

    fn later(&mut self, ms: i64) {
        self.now.mono_ms += ms;
        self.now.wall_ms += ms;
        self.pump();
    }

    fn names(&self) -> Vec<&'static str> {
        let name = |op: &Op| match op {
            Op::Open { .. } => "open",
            Op::Write { .. } => "write",
            Op::Sync { .. } => "sync",
            Op::Truncate { .. } => "truncate",
            Op::Close { .. } => "close",
            _ => "other",
        };
        self.hand.0.iter().map(|(_, op)| name(op)).collect()
    }

    /// Finishes the first operation; `result` instead of what a good disk says.
    fn finish(&mut self, result: Option<Result<u64, i32>>) {
        let (token, op) = self.hand.0.remove(0);
        let mut buf = Vec::new();
        let good = match op {
            Op::Open { .. } => Ok(u64::from(FileId(7).0)),
            Op::Write { buf: bytes, from, at, .. } => {
                let count = result.unwrap_or(Ok(bytes.len() as u64 - from as u64));
                self.file.truncate(at as usize);
                self.file.extend_from_slice(&bytes[from..from + count.unwrap_or(0) as usize]);
                buf = bytes;
                count
            }
            Op::Truncate { len, .. } => {
                if !matches!(result, Some(Err(_))) {
                    self.file.truncate(len as usize);
                }
                Ok(0)
            }
            _ => Ok(0),
        };
        let n = token & ((1 << 56) - 1);
        let done = Done { token, result: result.unwrap_or(good), buf };
        self.log.finished(n, done, &mut self.shard, &mut self.hand, &mut self.out);
    }

    fn finish_all(&mut self) {
        self.pump();
        while !self.hand.0.is_empty() {
            self.finish(None);
        }
    }

    fn refusal(&self) -> Option<String> {
        self.shard.persist.refuses_writes.as_ref().map(|r| String::from_utf8_lossy(r.as_bytes()).into_owned())
    }

    fn dies(&self) -> Option<&str> {
        self.out.iter().find_map(|out| if let Out::Die(text) = out { Some(text.as_str()) } else { None })
    }

    fn lines(&mut self) -> Vec<String> {
        self.out.drain(..).filter_map(|out| if let Out::Line(_, text) = out { Some(text) } else { None }).collect()
    }

    fn point(&mut self, point: &Point, ticket: u64) {
        self.log.at_point(point, ticket, &mut self.shard, &mut self.out);
    }
}

#[test]
fn always_writes_and_syncs_together_what_came_meanwhile() {
    let mut one = One::new(AppendFsync::Always);
    let start = one.log.acked();
    one.write("a");
    one.pump();
    assert_eq!(one.names(), ["write"]);
    let first = one.log.position();
    one.write("b");
    one.write("c");
    one.pump();
    assert_eq!(one.names(), ["write"], "one write at a time");
    one.finish(None);
    assert_eq!(one.names(), ["sync", "write"]);
    assert_eq!(one.log.acked(), start, "written is not on disk");
    one.finish(None);
    assert_eq!(one.log.acked(), first);
    one.finish(None);
    one.finish(None);
    assert_eq!(one.log.acked(), one.log.position());
    assert!(one.hand.0.is_empty());
}

#[test]
fn a_short_write_goes_on_where_it_ended() {
    let mut one = One::new(AppendFsync::Always);
    one.write("a");
    one.pump();
    let before = one.file.len();
    one.finish(Some(Ok(5)));
    assert!(matches!(one.hand.0[..], [(_, Op::Write { from: 5, .. })]));
    one.finish(Some(Err(4)));
    assert!(matches!(one.hand.0[..], [(_, Op::Write { from: 5, .. })]), "interrupted is nothing");
    one.finish(None);
    one.finish(None);
    assert_eq!(one.log.acked(), one.log.position());
    assert_eq!(&one.file[before + 23..], b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n");
}

#[test]
fn every_second_acknowledges_at_once_and_syncs_once_a_second() {
    let mut one = One::new(AppendFsync::EverySec);
    one.later(2000);
    assert!(one.hand.0.is_empty(), "nothing to do");
    one.write("a");
    assert_eq!(one.log.acked(), one.log.position());
    one.pump();
    one.finish(None);
    one.finish(None);
    assert!(one.hand.0.is_empty(), "the first after a pause is synced at once");
    for _ in 0..99 {
        one.write("b");
        one.later(10);
        while one.names().first() == Some(&"write") {
            one.finish(None);
        }
        assert!(one.hand.0.is_empty());
    }
    one.write("c");
    one.later(10);
    one.finish(None);
    assert_eq!(one.names(), ["sync"]);
    assert!(one.log.durable_up_to() < one.log.position());
    one.finish(None);
    assert_eq!(one.log.durable_up_to(), one.log.position());
}

#[test]
fn a_full_disk_refuses_writes_and_heals_by_itself() {
    let mut one = One::new(AppendFsync::EverySec);
    one.write("a");
    one.pump();
    let whole = one.file.len();
    one.finish(Some(Ok(30)));
    one.finish(Some(Err(28)));
    assert_eq!(one.names(), ["truncate"], "half a command is cut off");
    one.finish(None);
    assert_eq!(one.file.len(), whole);
    assert_eq!(one.refusal().as_deref(), Some("MISCONF Errors writing to the AOF file: No space left on device"));
    assert!(one.log.take_news().iter().any(|n| matches!(n, News::From(0, LogNote::Trouble { text: Some(_), .. }))));
    one.later(900);
    assert!(one.hand.0.is_empty(), "not before a second is over");
    one.write("b");
    one.later(100);
    assert_eq!(one.names(), ["write"]);
    one.finish(None);
    assert_eq!(one.refusal(), None);
    one.finish_all();
    assert!(one.file.ends_with(b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"));
    assert_eq!(one.lines().last().map(String::as_str), Some("AOF write error looks solved. The server can write again."));
    assert_eq!(one.dies(), None);
}

#[test]
fn what_cannot_be_cut_off_is_gone_on_with() {
    let mut one = One::new(AppendFsync::No);
    one.write("a");
    one.pump();
    one.finish(Some(Ok(30)));
    one.finish(Some(Err(5)));
    one.finish(Some(Err(5)));
    one.later(1000);
    assert!(matches!(one.hand.0[..], [(_, Op::Write { from: 30, .. })]));
    one.finish(None);
    assert!(one.file.ends_with(b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"));
    assert_eq!(one.refusal(), None);
}

#[test]
fn always_dies_of_any_error_before_it_acknowledges() {
    for is_sync in [false, true] {
        let mut one = One::new(AppendFsync::Always);
        let acked = one.log.acked();
        one.write("a");
        one.pump();
        if is_sync {
            one.finish(None);
        }
        one.finish(Some(Err(if is_sync { 5 } else { 28 })));
        let text = one.dies().expect("it dies").to_string();
        assert!(text.contains("when the AOF fsync policy is 'always'") && text.ends_with("Exiting..."), "{text}");
        one.write("b");
        one.flush_all();
        one.later(5000);
        one.finish_all();
        assert_eq!(one.log.acked(), acked);
        assert_eq!(one.log.durable_up_to(), acked);
    }
}

#[test]
fn a_file_whose_sync_failed_is_left_alone_until_a_new_base_stands() {
    let mut one = One::new(AppendFsync::EverySec);
    one.later(2000);
    one.write("a");
    one.pump();
    one.finish(None);
    one.finish(Some(Err(5)));
    assert_eq!(one.refusal().as_deref(), Some("MISCONF Errors writing to the AOF file: Input/output error"));
    assert!(!one.log.is_promising());
    one.write("b");
    one.later(5000);
    assert!(one.hand.0.is_empty(), "neither written to nor synced");
    let job = SaveJob::new(Purpose::Base { generation: 2 }, Vec::new(), Vec::new(), false);
    one.point(&Point::Cut(Arc::new(job)), 9);
    one.finish_all();
    let ready = LogNote::Ready { generation: 2, files: vec![2], since: one.log.position(), lost: Some(1) };
    let news = one.log.take_news();
    assert!(news.iter().any(|n| matches!((n, &ready), (News::From(0, LogNote::Ready { generation: 2, .. }), _))), "{news:?}");
    assert!(one.refusal().is_some(), "the base is not there yet");
    one.log.heard(0, LogNote::Live { generation: 2, fresh: Some(2) });
    one.pump();
    assert_eq!(one.refusal(), None);
    assert!(one.log.is_promising());
    one.write("c");
    one.later(1000);
    one.finish_all();
    assert_eq!(one.log.durable_up_to(), one.log.position());
}

#[test]
fn a_sync_that_hangs_delays_nobody_until_the_buffer_is_full() {
    let mut one = One::new(AppendFsync::EverySec);
    one.later(2000);
    one.write("a");
    one.pump();
    one.finish(None);
    let hung = one.hand.0.remove(0);
    assert!(matches!(hung.1, Op::Sync { .. }));
    for second in 1..=7 {
        one.write("b");
        one.later(1000);
        assert_eq!(one.names(), ["write"]);
        one.finish(None);
        assert_eq!(one.log.acked(), one.log.position());
        assert_eq!(one.shard.persist.log_delayed, second / 2, "one for each two seconds, as stock servers count");
    }
    assert!(one.log.durable_up_to() < one.log.position());
    let big = "x".repeat(1 << 20);
    for _ in 0..40 {
        one.write(&big);
    }
    one.pump();
    assert!(one.log.is_choked() && one.log.unwritten() > UNWRITTEN_MAX);
    one.finish(Some(Ok(20 << 20)));
    assert!(one.log.is_choked(), "until half of it is gone");
    one.finish(Some(Ok(10 << 20)));
    assert!(!one.log.is_choked());
}

#[test]
fn syncs_wait_for_snapshots_where_that_is_configured() {
    for waits in [false, true] {
        let mut one = One::new(AppendFsync::EverySec);
        one.shard.config.no_appendfsync_on_rewrite = waits;
        one.log.heard(0, LogNote::Saving(true));
        one.write("a");
        one.later(3000);
        one.finish(None);
        assert_eq!(one.hand.0.is_empty(), waits);
        one.log.heard(0, LogNote::Saving(false));
        one.pump();
        assert_eq!(one.names(), ["sync"]);
    }
}

#[test]
fn no_never_syncs_but_at_the_end_of_a_file() {
    let mut one = One::new(AppendFsync::No);
    one.write("a");
    one.later(60_000);
    one.finish(None);
    assert!(one.hand.0.is_empty());
    let held = one.log.position();
    one.flush_all();
    one.pump();
    assert_eq!(one.names(), ["sync", "open"]);
    one.finish_all();
    one.later(60_000);
    assert_eq!(one.log.acked(), held, "a global command waits for the manifest");
    let ready = one.log.take_news();
    assert!(ready.iter().any(|n| matches!(n, News::From(0, LogNote::Ready { generation: 3, lost: None, .. }))), "{ready:?}");
    one.log.heard(0, LogNote::Live { generation: 3, fresh: None });
    assert_eq!(one.log.acked(), one.log.position());
}

#[test]
fn the_files_of_a_rewrite_delay_replies_for_a_second_at_most() {
    for (policy, at_last) in [(AppendFsync::Always, false), (AppendFsync::EverySec, true)] {
        let mut one = One::new(policy);
        let held = one.log.position();
        let job = SaveJob::new(Purpose::Base { generation: 2 }, Vec::new(), Vec::new(), false);
        one.point(&Point::Cut(Arc::new(job)), 4);
        one.finish_all();
        assert_eq!(one.log.acked(), held);
        one.later(1001);
        assert_eq!(one.log.acked() == one.log.position(), at_last);
        one.log.heard(0, LogNote::Live { generation: 2, fresh: None });
        assert_eq!(one.log.acked(), one.log.position());
    }
}

#[test]
fn a_policy_takes_effect_with_a_mark() {
    let mut one = One::new(AppendFsync::EverySec);
    one.log.heard(0, LogNote::Policy { n: 1, policy: AppendFsync::Always });
    assert_eq!(one.log.take_news(), [News::From(0, LogNote::PolicyHeard { n: 1 })]);
    one.pump();
    assert_eq!(one.log.policy(), AppendFsync::EverySec);
    one.write("a");
    let before = one.log.position();
    assert_eq!(one.log.acked(), before);
    one.point(&Point::Mark, 5);
    assert_eq!(one.log.policy(), AppendFsync::Always);
    assert_eq!(one.log.acked(), before, "what was acknowledged stays so");
    one.write("b");
    one.finish_all();
    assert_eq!(one.log.acked(), before, "nothing after the mark before all cores have it");
    let durable = one.log.take_news().into_iter().find_map(|n| match n {
        News::From(0, LogNote::Durable { term, tickets }) => Some((term, tickets)),
        _ => None,
    });
    assert_eq!(durable, Some((6, vec![Durable { ticket: 5, participants: [0].into() }])));
    one.log.heard(0, LogNote::Safe { term: 6, count: 1 });
    assert_eq!(one.log.acked(), one.log.position());
    assert!(String::from_utf8_lossy(&one.file).contains("#MARK:5:always:"));
}

#[test]
fn time_lines_stand_before_what_they_time() {
    let mut one = One::new(AppendFsync::No);
    one.shard.config.aof_timestamp_enabled = true;
    one.write("a");
    one.write("b");
    one.now.wall_ms += 1000;
    one.write("c");
    one.finish_all();
    let text = String::from_utf8_lossy(&one.file).into_owned();
    let lines: Vec<&str> = text.split("\r\n").filter(|l| l.starts_with("#TS") || l.len() == 1).collect();
    assert_eq!(lines, ["#TS:1000", "0", "a", "b", "#TS:1001", "c"]);
}

#[test]
fn the_end_of_the_log_is_a_mark_on_disk() {
    let mut one = One::new(AppendFsync::No);
    one.write("a");
    one.point(&Point::LogsEnd, 8);
    assert!(!one.log.is_on());
    one.write("b");
    one.finish_all();
    let end = String::from_utf8_lossy(&one.file).rsplit("$1\r\na\r\n").next().map(str::to_string);
    assert!(end.as_deref().is_some_and(|end| end.starts_with("#MARK:8:no:") && end.ends_with("\r\n")), "{end:?}");
    assert!(one.log.take_news().contains(&News::Ended));
}

/// Finishes everything, and gives what was written meanwhile.
fn written(one: &mut One) -> String {
    let mut bytes = Vec::new();
    for _ in 0..100 {
        one.pump();
        if one.hand.0.is_empty() {
            break;
        }
        one.hand.0.iter().for_each(|(_, op)| {
            if let Op::Write { buf, .. } = op {
                bytes.extend_from_slice(buf);
            }
        });
        one.finish(None);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn what_follows_a_base_is_kept_although_this_core_does_not_know_yet_that_it_is_listed() {
    let mut one = One::new(AppendFsync::EverySec);
    one.log.heard(1, LogNote::Broken { generation: 1, text: "bad".into() });
    let job = |generation| SaveJob::new(Purpose::Base { generation }, Vec::new(), Vec::new(), false);
    one.point(&Point::Cut(Arc::new(SaveJob { is_afresh: true, ..job(2) })), 4);
    one.write("kept");
    // The book has listed the base, and the next rewrite cuts before its message is here.
    one.point(&Point::Cut(Arc::new(job(3))), 5);
    assert!(written(&mut one).contains("kept"));
    one.write("gone");
    one.log.heard(1, LogNote::Broken { generation: 3, text: "bad".into() });
    one.point(&Point::Cut(Arc::new(SaveJob { is_afresh: true, ..job(4) })), 6);
    assert!(!written(&mut one).contains("gone"), "that base has it");
}

#[test]
fn a_base_does_not_make_good_for_a_loss_behind_its_cut() {
    let mut one = One::new(AppendFsync::EverySec);
    one.log.heard(1, LogNote::Broken { generation: 1, text: "bad".into() });
    one.log.heard(2, LogNote::Broken { generation: 3, text: "worse".into() });
    one.log.heard(0, LogNote::Live { generation: 2, fresh: Some(2) });
    assert!(!one.log.is_promising());
    one.log.heard(0, LogNote::Live { generation: 4, fresh: Some(4) });
    assert!(one.log.is_promising());
}
