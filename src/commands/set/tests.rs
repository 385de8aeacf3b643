//! What commands on sets record for log and replicas, and which events they tell of.

use std::sync::atomic::AtomicU64;

use crate::commands::GROUPS;
use crate::config::Config;
use crate::proto::{Span, encode::Out};
use crate::spec::{Args, Call, Shard, Table, call::Origin, shard::Server};

fn shard() -> Shard {
    let server = Server {
        run_id: "0".repeat(40),
        pid: 1,
        started_ms: 1,
        executable: String::new(),
        config_file: String::new(),
        os: String::new(),
        commands: Table::new(GROUPS, &[]),
        next_client: AtomicU64::new(1),
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
        supervised: "no",
        enter_dir: |dir| Ok(dir.to_vec()),
        sleep: |_| (),
    };
    let mut shard = Shard::new(0, 1, Config::default(), Box::leak(Box::new(server)), 1, 1);
    shard.fx.is_on = true;
    shard.fx.mask = u32::MAX;
    shard
}

/// Runs one call; returns its recorded effects and its events.
fn run(shard: &mut Shard, line: &str) -> (Vec<String>, Vec<&'static str>) {
    let words: Vec<&str> = line.split(' ').collect();
    let (base, mut start, mut spans) = (words.concat().into_bytes(), 0, Vec::new());
    for word in &words {
        spans.push(Span { start, len: word.len() as u32 });
        start += word.len() as u32;
    }
    let spec = shard.server.commands.row(shard.server.commands.find(words[0].as_bytes()).unwrap()).spec;
    shard.fx.explicit = false;
    let args = Args { base: &base, spans: &spans };
    let mut out = Out::new(false);
    let mut call =
        Call { spec, args, out: &mut out, shard, db: 0, now: 1_700_000_000_000, origin: Origin::default(), home: None, hint: None };
    (spec.run)(&mut call).unwrap();
    let effects = shard.fx.take().into_iter().map(|effect| String::from_utf8(effect.words.join(&b' ')).unwrap()).collect();
    (effects, shard.fx.events.drain(..).map(|event| event.1).collect())
}

#[test]
fn what_was_popped_is_recorded_as_removed() {
    let mut shard = shard();
    assert_eq!(run(&mut shard, "SADD s a"), (vec![], vec!["new", "sadd"]));
    assert_eq!(run(&mut shard, "SPOP s"), (vec!["SREM s a".into()], vec!["spop", "del"]));
    run(&mut shard, "SADD s a b c");
    assert_eq!(run(&mut shard, "SPOP s 3"), (vec!["DEL s".into()], vec!["spop", "del"]));
    let members: Vec<String> = (0..5000).map(|n| format!("m{n}")).collect();
    run(&mut shard, &format!("SADD s {}", members.join(" ")));
    for count in [3000, 1500] {
        let (effects, events) = run(&mut shard, &format!("SPOP s {count}"));
        assert_eq!(events, ["spop"]);
        assert!(effects.iter().all(|effect| effect.starts_with("SREM s m") && effect.split(' ').count() <= 1026));
        assert_eq!(effects.iter().map(|effect| effect.split(' ').count() - 2).sum::<usize>(), count);
    }
    shard.config.lazyfree_lazy_server_del = true;
    assert_eq!(run(&mut shard, "SPOP s 500").0, ["UNLINK s"]);
    assert_eq!(run(&mut shard, "SPOP s 5"), (vec![], vec![]));
}

#[test]
fn events_come_in_order() {
    let mut shard = shard();
    run(&mut shard, "SADD a x");
    assert_eq!(run(&mut shard, "SADD a x").1, Vec::<&str>::new());
    assert_eq!(run(&mut shard, "SMOVE a b x").1, ["srem", "del", "new", "sadd"]);
    run(&mut shard, "SADD a x y");
    assert_eq!(run(&mut shard, "SMOVE a b x").1, ["srem"]);
    assert_eq!(run(&mut shard, "SINTERSTORE d a b").1, ["del"; 0]);
    assert_eq!(run(&mut shard, "SUNIONSTORE d a b").1, ["new", "sunionstore"]);
    assert_eq!(run(&mut shard, "SDIFFSTORE d a b").1, ["sdiffstore"]);
    assert_eq!(run(&mut shard, "SINTERSTORE d a missing").1, ["keymiss", "del"]);
    assert_eq!(run(&mut shard, "SREM b x z").1, ["srem", "del"]);
    assert_eq!(run(&mut shard, "SMEMBERS b").1, ["keymiss"]);
}
