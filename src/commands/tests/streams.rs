//! Streams on one core: cases, what is recorded, what is told, odd words.

use super::*;

#[test]
fn cases_of_streams_hold_on_one_core() {
    let failures: Vec<String> = stream::SPECS.iter().flat_map(|spec| failures(spec)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn effects_name_the_ids_and_the_owners() {
    let lines = [
        "XADD s MAXLEN ~ 9 LIMIT 5 * a 1",
        "XADD s NOMKSTREAM 1700000000000-* a 2",
        "XADD s 1700000000001 a 3",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
        "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >",
        "XREADGROUP GROUP g c STREAMS s 0",
        "XCLAIM s g d 0 1700000000000-0",
        "XAUTOCLAIM s g c 0 0 JUSTID",
        "XDEL s 1700000000000-0",
        "XCLAIM s g d 0 1700000000000-0",
        "XCLAIM s g d 0 5 LASTID 1700000000001",
        "XTRIM s MINID ~ 5",
        "XTRIM s MAXLEN ~ 0",
    ];
    let owner = |consumer, count, last| {
        format!("XCLAIM s g {consumer} 0 1700000000000-0 TIME 1700000000000 RETRYCOUNT {count} FORCE JUSTID LASTID 1700000000{last}")
    };
    let expected = [
        "XADD s MAXLEN = 1 1700000000000-0 a 1".to_owned(),
        "XADD s NOMKSTREAM 1700000000000-1 a 2".to_owned(),
        "XGROUP CREATECONSUMER s g c".to_owned(),
        owner("c", 1, "000-0"),
        "XGROUP SETID s g 1700000000000-0 ENTRIESREAD 1".to_owned(),
        "XGROUP SETID s g 1700000000000-1 ENTRIESREAD 2".to_owned(),
        "XGROUP CREATECONSUMER s g d".to_owned(),
        owner("d", 3, "000-1"),
        owner("c", 3, "000-1"),
        owner("c", 3, "000-1"),
        "XGROUP SETID s g 1700000000001-0 ENTRIESREAD 2".to_owned(),
        "XTRIM s MAXLEN = 0".to_owned(),
    ];
    assert_eq!(effects(&lines), expected);
}

#[test]
fn effects_of_newer_stream_commands_are_older_ones() {
    let lines = [
        "XADD s 1 a 1",
        "XADD s 2 a 1",
        "XADD s 3 a 1",
        "XADD s 4 a 1",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c COUNT 3 NOACK STREAMS s >",
        "XCLAIM s g c 0 1 3 FORCE JUSTID LASTID 9",
        "XADD s ACKED MAXLEN 1 5 a 1",
        "XDELEX s DELREF IDS 1 1",
        "XACKDEL s g IDS 1 3",
        "XADD s MAXLEN 0 DELREF 6 a 1",
    ];
    let effects = effects(&lines);
    let last: Vec<&str> = effects.iter().skip_while(|effect| !effect.starts_with("XADD s 5")).map(String::as_str).collect();
    assert_eq!(
        last,
        ["XADD s 5-0 a 1", "XDEL s 2-0 4-0 5-0", "XACK s g 1-0", "XDEL s 1-0", "XACK s g 3-0", "XDEL s 3-0", "XADD s MAXLEN = 0 6-0 a 1"]
    );
}

#[test]
fn events_of_streams_come_in_the_order_of_redis() {
    let mut shard = shard();
    shard.fx.mask = u32::MAX;
    for line in [
        "XADD s MAXLEN 0 1 a 1",
        "XADD s 2 a 1",
        "XGROUP CREATE t g $ MKSTREAM",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XGROUP DELCONSUMER s g c",
        "XGROUP SETID s g 0",
        "XGROUP DESTROY s g",
        "XSETID s 9",
        "XDEL s 2",
        "XLEN none",
    ] {
        text(&mut shard, line);
    }
    let events: Vec<String> = shard.fx.events.iter().map(|(_, name, _, key)| format!("{name} {}", String::from_utf8_lossy(key))).collect();
    let expected = [
        "new s",
        "xadd s",
        "xtrim s",
        "xadd s",
        "new t",
        "xgroup-create t",
        "xgroup-create s",
        "xgroup-createconsumer s",
        "xgroup-delconsumer s",
        "xgroup-setid s",
        "xgroup-destroy s",
        "xsetid s",
        "xdel s",
        "keymiss none",
    ];
    assert_eq!(events, expected);
}

#[test]
fn no_words_break_a_stream_command() {
    const ODD: &[&str] = &[
        "s",
        "g",
        "c",
        "0",
        "1",
        "5-1",
        "*",
        "5-*",
        "-",
        "+",
        "$",
        ">",
        "(",
        "(1",
        "-1",
        "MAXLEN",
        "MINID",
        "~",
        "=",
        "LIMIT",
        "COUNT",
        "STREAMS",
        "GROUP",
        "NOACK",
        "BLOCK",
        "IDS",
        "DELREF",
        "ACKED",
        "FULL",
        "IDLE",
        "TIME",
        "RETRYCOUNT",
        "FORCE",
        "JUSTID",
        "LASTID",
        "MKSTREAM",
        "ENTRIESREAD",
        "MAXDELETEDID",
        "ENTRIESADDED",
        "CREATE",
        "STREAM",
        "GROUPS",
        "CONSUMERS",
        "SETID",
        "CREATECONSUMER",
        "DELCONSUMER",
        "18446744073709551615-18446744073709551615",
        "9223372036854775807",
        "-9223372036854775808",
        "",
    ];
    let (mut shard, mut rng) = (shard(), crate::base::rng::Rng::new(5));
    let start = ["XADD s 5-1 a 1", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"];
    for round in 0..60_000 {
        if round % 1000 == 0 {
            call(&mut shard, &words("FLUSHALL"));
            start.iter().for_each(|line| drop(text(&mut shard, line)));
        }
        let name = stream::SPECS[rng.below(stream::SPECS.len() as u64) as usize].name;
        let count = 1 + rng.below(9);
        let pick = |n: u64| if n == 0 { 3 } else { ODD.len() as u64 };
        let rest: Vec<Vec<u8>> = (0..count).map(|n| ODD[rng.below(pick(n)) as usize].into()).collect();
        let words: Vec<Vec<u8>> = std::iter::once(name.into()).chain(rest).collect();
        let bytes = call(&mut shard, &words);
        let whole = reply::read(&bytes).expect("well formed");
        assert_eq!(whole.map(|(_, used)| used), Some(bytes.len()), "{words:?}");
    }
}

/// A call on streams as a program would make it, with numbers from a small range so that they meet.
fn some_call(rng: &mut crate::base::rng::Rng, top: &mut u64) -> String {
    let id = |rng: &mut crate::base::rng::Rng, top: u64| format!("{}-{}", (top + 3).saturating_sub(rng.below(12)), rng.below(2));
    let (a, b) = (id(rng, *top), id(rng, *top));
    let (key, group, consumer, n) = (["s", "t"][rng.below(2) as usize], rng.below(2), rng.below(2), rng.below(9));
    let refs = ["", "", "DELREF", "ACKED"][rng.below(4) as usize];
    match rng.below(17) {
        0..=4 => {
            *top += rng.below(2);
            let id = [format!("{top}-*"), format!("{}", *top + 1)][rng.below(2) as usize].clone();
            let trim = ["", "MAXLEN ~ 4", "MAXLEN 9", "MINID ~ 5", "MINID 3"][rng.below(5) as usize];
            format!("XADD {key} {refs} {trim} {id} f {n} g{n} v")
        }
        5..=7 => {
            let noack = ["", "", "NOACK"][rng.below(3) as usize];
            format!("XREADGROUP GROUP g{group} c{consumer} COUNT {} {noack} STREAMS {key} >", 1 + n / 2)
        }
        8 => format!("XACK {key} g{group} {a} {b}"),
        9 => format!("XDEL {key} {a} {b}"),
        10 => format!("XDELEX {key} {refs} IDS 2 {a} {b}"),
        11 => format!("XACKDEL {key} g{group} {refs} IDS 2 {a} {b}"),
        12 => format!("XTRIM {key} MAXLEN {} {n} {refs}", ["=", "~"][rng.below(2) as usize]),
        13 => {
            let options = ["", "FORCE", "JUSTID", "IDLE 5000", "RETRYCOUNT 3 FORCE", "LASTID 7"][rng.below(6) as usize];
            format!("XCLAIM {key} g{group} c{consumer} 0 {a} {b} {options}")
        }
        14 => format!("XAUTOCLAIM {key} g{group} c{consumer} 0 {a} COUNT {}", 1 + n / 3),
        15 => format!("XGROUP CREATE {key} g{group} {} MKSTREAM", ["0", "$"][rng.below(2) as usize]),
        _ if n == 0 => format!("XGROUP DESTROY {key} g{group}"),
        _ if n == 1 => format!("XGROUP DELCONSUMER {key} g{group} c{consumer}"),
        _ => format!("XSETID {key} {b}"),
    }
}

#[test]
fn what_is_recorded_makes_the_same_streams_again() {
    let mut recorded = 0;
    for seed in 0..6 {
        let mut rng = crate::base::rng::Rng::new(seed);
        let (mut one, mut other, mut top) = (shard(), shard(), 3);
        one.fx.is_on = true;
        for step in 0..600 {
            let line = some_call(&mut rng, &mut top);
            let before = one.ks.stats.changes;
            call(&mut one, &words(&line));
            let mut effects: Vec<Vec<Vec<u8>>> = one.fx.take().into_iter().map(|effect| effect.words).collect();
            if effects.is_empty() && !one.fx.explicit && one.ks.stats.changes != before {
                effects.push(words(&line));
            }
            recorded += effects.len();
            for effect in &effects {
                let reply = call(&mut other, effect);
                let text = String::from_utf8_lossy(&effect.join(&b' ')).into_owned();
                assert!(!reply.starts_with(b"-"), "seed {seed}, step {step}: {line} recorded as {text}");
            }
            for key in ["s", "t"] {
                let look = format!("XINFO STREAM {key} FULL COUNT 0");
                assert_eq!(text(&mut one, &look), text(&mut other, &look), "seed {seed}, step {step}: {line} recorded as {effects:?}");
            }
        }
    }
    assert!(recorded > 1500, "{recorded}");
}
