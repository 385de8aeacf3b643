//! What hash commands tell and record, with fields whose time is over among others.

use super::*;
use crate::spec::effect::Class;

/// A core that records effects and listens to all events.
fn recording() -> Shard {
    let mut shard = shard();
    shard.fx.is_on = true;
    shard.fx.mask = Class::Hash as u32 | Class::Generic as u32 | Class::New as u32;
    shard
}

/// Carries a line out; the events' names, and the effects that the command named itself.
fn told(shard: &mut Shard, line: &str) -> (String, Vec<String>) {
    let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    let reply = call(shard, &words);
    assert!(!reply.starts_with(b"-"), "{line}: {}", String::from_utf8_lossy(&reply));
    shard.record_expired();
    let events: Vec<&str> = std::mem::take(&mut shard.fx.events).into_iter().map(|(_, name, ..)| name).collect();
    let effects = shard.fx.take();
    (events.join(" "), effects.iter().map(|effect| String::from_utf8_lossy(&effect.words.join(&b' ')).into_owned()).collect())
}

#[test]
fn hash_commands_tell_and_record_in_older_words() {
    let mut shard = recording();
    let at = NOW + 10_000;
    for (line, events, effects) in [
        ("HSET h a 1 b 2", "new hset", vec![]),
        ("HSETEX h EX 10 FIELDS 1 a c", "hset hexpire", vec!["HSET h a c".to_string(), format!("HPEXPIREAT h {at} FIELDS 1 a")]),
        ("HSETEX h KEEPTTL FIELDS 2 a d b e", "hset", vec!["HSET h a d b e".into(), format!("HPEXPIREAT h {at} FIELDS 1 a")]),
        ("HSETEX h EX 0 FIELDS 2 b c zz v", "hset hdel", vec!["HDEL h b".into()]),
        ("HSETEX n PXAT 1 FIELDS 1 a b", "new hset hdel del", vec![]),
        ("HSETEX h FXX FIELDS 1 x b", "", vec![]),
        ("HEXPIRE h 10 FIELDS 2 a x", "hexpire", vec![format!("HPEXPIREAT h {at} FIELDS 1 a")]),
        ("HPEXPIREAT h 4000000000000 NX FIELDS 1 a", "", vec![]),
        ("HPERSIST h FIELDS 2 a x", "hpersist", vec!["HPERSIST h FIELDS 1 a".into()]),
        ("HPERSIST h FIELDS 1 a", "", vec![]),
        ("HGETEX h PX 10000 FIELDS 2 a x", "hexpire", vec![format!("HPEXPIREAT h {at} FIELDS 1 a")]),
        ("HGETEX h FIELDS 1 a", "", vec![]),
        ("HSET h a 1", "hset", vec![]),
        ("HINCRBYFLOAT h a 1.5", "hincrbyfloat", vec!["HSET h a 2.5".into()]),
        ("HEXPIRE h 10 FIELDS 1 a", "hexpire", vec![format!("HPEXPIREAT h {at} FIELDS 1 a")]),
        ("HINCRBYFLOAT h a 1.5", "hincrbyfloat", vec!["HSET h a 4".into(), format!("HPEXPIREAT h {at} FIELDS 1 a")]),
        ("HINCRBY h a 1", "hincrby", vec![]),
        ("HGETEX h PERSIST FIELDS 1 a", "hpersist", vec!["HPERSIST h FIELDS 1 a".into()]),
        ("HGETDEL h FIELDS 2 a a", "hdel del", vec!["HDEL h a".into()]),
        ("HGETDEL h FIELDS 1 a", "", vec![]),
        ("HSETNX h a 1", "new hset", vec![]),
        ("HEXPIRE h 0 FIELDS 2 a a", "hdel del", vec!["HDEL h a".into()]),
    ] {
        assert_eq!(told(&mut shard, line), (events.to_string(), effects), "{line}");
    }
}

#[test]
fn fields_whose_time_is_over_are_deleted_by_those_who_find_them() {
    let gone = || vec!["HDEL h a".to_string()];
    for (line, events, effects) in [
        ("HGET h a", "hexpired", gone()),
        ("HMGET h b a", "hexpired", gone()),
        ("HEXISTS h a", "hexpired", gone()),
        ("HSTRLEN h a", "hexpired", gone()),
        ("HSETNX h a 1", "hexpired hset", gone()),
        ("HINCRBY h a 1", "hexpired hincrby", gone()),
        ("HGETEX h FIELDS 1 a", "hexpired", gone()),
        ("HGETDEL h FIELDS 1 a", "hexpired", gone()),
        ("HSETEX h FXX FIELDS 1 a 1", "hexpired", gone()),
        ("HRANDFIELD h 5", "hexpired", gone()),
        ("HTTL h FIELDS 1 a", "", vec![]),
        ("HLEN h", "", vec![]),
        ("HGETALL h", "", vec![]),
        ("HPERSIST h FIELDS 1 a", "", vec![]),
        ("HDEL h a", "hdel", vec![]),
        ("HSET h a 1", "hset", vec![]),
    ] {
        let mut shard = recording();
        shard.ks.tuning.active_expire = false;
        told(&mut shard, "HSET h a 9 b 2");
        let key = shard.ks.key(b"h");
        shard.ks.edit(0, &key, |hash: &mut crate::data::hash::Hash| ((), u64::from(hash.set_ttl(b"a", Some(NOW - 1)))));
        assert_eq!(told(&mut shard, line), (events.to_string(), effects), "{line}");
    }
}

#[test]
fn the_last_field_takes_the_key_with_it() {
    let mut shard = recording();
    told(&mut shard, "HSET h a 1");
    told(&mut shard, "HPEXPIRE h 5 FIELDS 1 a");
    assert_eq!(shard.ks.next_expiry(), Some(NOW + 6));
    assert_eq!(shard.ks.expire_due(NOW + 6, 10, &mut |_| false), 1);
    shard.record_expired();
    let events: Vec<&str> = shard.fx.events.iter().map(|(_, name, ..)| *name).collect();
    assert_eq!((events, shard.fx.recorded.len(), shard.ks.len(0)), (vec!["hexpired", "del"], 1, 0));
}
