//! What list commands tell: events in the order of Redis, the number of changes, effects.

use super::*;

/// A call, how many changes it counts, and the events it tells.
const TOLD: &[(&str, u64, &str)] = &[
    ("RPUSH k a b c d e", 5, "new k, rpush k"),
    ("LPUSH k x", 1, "lpush k"),
    ("LPUSHX none x", 0, ""),
    ("LINSERT k BEFORE a y", 1, "linsert k"),
    ("LINSERT k BEFORE nope y", 0, ""),
    ("LSET k 0 z", 1, "lset k"),
    ("LSET k 100 z", 0, ""),
    ("LREM k 1 y", 1, "lrem k"),
    ("LREM k 1 nope", 0, ""),
    ("LTRIM k 0 -1", 0, "ltrim k"),
    ("LTRIM k 0 3", 2, "ltrim k"),
    ("LPOP k", 1, "lpop k"),
    ("RPOP k 1", 1, "rpop k"),
    ("LPOP k 0", 0, ""),
    ("LMOVE k m LEFT RIGHT", 1, "new m, rpush m, lpop k"),
    ("LMOVE k m LEFT RIGHT", 1, "rpush m, lpop k, del k"),
    ("LMOVE m m LEFT RIGHT", 1, "rpush m, lpop m"),
    ("RPUSH k q", 1, "new k, rpush k"),
    ("LMOVE k k LEFT LEFT", 1, "lpush k, lpop k"),
    ("RPOPLPUSH k n", 1, "new n, lpush n, rpop k, del k"),
    ("LMPOP 2 none m LEFT COUNT 5", 2, "lpop m, del m"),
    ("RPUSH k a", 1, "new k, rpush k"),
    ("LREM k 0 a", 1, "lrem k, del k"),
    ("RPUSH k a", 1, "new k, rpush k"),
    ("LTRIM k 5 6", 1, "ltrim k, del k"),
    ("RPUSH k a", 1, "new k, rpush k"),
    ("RPOP k", 1, "rpop k, del k"),
    ("LRANGE none 0 -1", 0, "keymiss none"),
    ("LLEN none", 0, "keymiss none"),
    ("LINDEX none 0", 0, "keymiss none"),
    ("LPOS none a", 0, "keymiss none"),
    ("LPOP none", 0, ""),
    ("LMOVE none k LEFT LEFT", 0, ""),
    ("LMPOP 1 none LEFT", 0, ""),
    ("LSET none 0 a", 0, ""),
    ("RPUSH k a b", 2, "new k, rpush k"),
    ("LMOVE k nn LEFT LEFT", 1, "new nn, lpush nn, lpop k"),
    ("LPUSHX nn e", 1, "lpush nn"),
];

#[test]
fn events_and_numbers_of_changes_are_those_of_redis() {
    let mut shard = shard();
    shard.fx.mask = u32::MAX;
    for (line, changes, events) in TOLD {
        let before = shard.ks.stats.changes;
        call(&mut shard, &split_args(line.as_bytes()).expect("well quoted"));
        let told: Vec<String> =
            shard.fx.events.drain(..).map(|(_, name, _, key)| format!("{name} {}", String::from_utf8_lossy(&key))).collect();
        assert_eq!((shard.ks.stats.changes - before, told.join(", ").as_str()), (*changes, *events), "{line}");
    }
}

#[test]
fn a_pop_from_several_keys_is_recorded_as_what_it_popped() {
    let got = effects(&["RPUSH b 1 2 3", "LMPOP 2 a b RIGHT COUNT 2", "LMPOP 2 a b LEFT COUNT 9", "LMPOP 1 b LEFT"]);
    assert_eq!(got, ["RPOP b 2".to_string(), "LPOP b 1".to_string()]);
}

#[test]
fn cases_hold_on_one_core() {
    let failures: Vec<String> = list::SPECS.iter().flat_map(|spec| failures(spec)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn long_lists_behave_like_short_ones() {
    let cases = "
        > CONFIG SET list-max-listpack-size 2      +OK
        > RPUSH k a b c d e f g h                  :8
        > OBJECT ENCODING k                        $quicklist
        > LINSERT k BEFORE c x                     :9
        > LINSERT k AFTER x y                      :10
        > LSET k 5 12                              +OK
        > LREM k -1 g                              :1
        > LRANGE k 1 -2                            [b, x, y, c, 12, e, f]
        > LPOS k 12                                :5
        > LMOVE k k LEFT RIGHT                     $a
        > LTRIM k -2 -1                            +OK
        > LRANGE k 0 -1                            [h, a]
        > RPOP k                                   $a
        > OBJECT ENCODING k                        $listpack
    ";
    let spec = Spec { name: "LPUSH", cases, ..Spec::DEFAULT };
    let failures = failures(Box::leak(Box::new(spec)));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
