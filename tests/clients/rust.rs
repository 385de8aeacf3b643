//! redis-rs in both versions of the protocol. A map stands in for the server's keys and says what must come back.

use crate::support::{Random, Server};
use redis::{Commands, Connection, RedisResult, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Random commands for each connection.
const STEPS: usize = 500;

fn connect(server: &Server, resp: u8) -> Connection {
    let version = if resp == 3 { "?protocol=resp3" } else { "" };
    let client = redis::Client::open(format!("redis://{}/{version}", server.address)).expect("the address can be read");
    client.get_connection().expect("the server takes the connection")
}

#[test]
fn redis_rs_gets_what_it_expects() {
    for cores in [1, 2] {
        let server = Server::ringfort(cores, &[]);
        for resp in [2, 3] {
            let mut connection = connect(&server, resp);
            let () = connection.flushall().expect("FLUSHALL");
            keys(&mut connection).expect("keys");
            transactions(&mut connection, &mut connect(&server, resp)).expect("transactions");
            errors(&mut connection);
            session(&mut connection, resp).expect("session");
            model(&mut connection).expect("random commands");
        }
    }
}

fn keys(c: &mut Connection) -> RedisResult<()> {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let () = c.set("bytes", &bytes)?;
    assert_eq!(c.get::<_, Vec<u8>>("bytes")?, bytes);
    assert_eq!(c.strlen::<_, usize>("bytes")?, bytes.len());
    assert_eq!(c.getrange::<_, Vec<u8>>("bytes", 10, 20)?, &bytes[10..=20]);
    assert_eq!(c.get::<_, Option<String>>("missing")?, None);
    let names: BTreeSet<String> = (0..400).map(|i| format!("name:{i}")).collect();
    let pairs: Vec<_> = names.iter().map(|n| (n, n)).collect();
    let () = c.mset(&pairs)?;
    let scanned: BTreeSet<String> = c.scan_match::<_, String>("name:*")?.collect::<Result<_, _>>()?;
    assert_eq!(scanned, names);
    assert!(c.expire::<_, bool>("name:1", 100)?);
    assert!((98..=100).contains(&c.ttl::<_, i64>("name:1")?));
    assert!(c.persist::<_, bool>("name:1")?);
    assert_eq!((c.ttl::<_, i64>("name:1")?, c.ttl::<_, i64>("missing")?), (-1, -2));
    assert!(!c.rename_nx::<_, _, bool>("name:1", "name:2")?);
    assert!(!c.setbit::<_, bool>("bits", 9, true)?);
    assert_eq!((c.getbit::<_, bool>("bits", 9)?, c.bitcount::<_, usize>("bits")?), (true, 1));
    assert!(c.pfadd::<_, _, bool>("h", &["x", "y", "z"])?);
    assert_eq!(c.pfcount::<_, usize>("h")?, 3);
    assert_eq!(c.incr::<_, _, f64>("float", 0.25)?, 0.25);
    assert_eq!(c.del::<_, usize>(&["name:1", "name:2", "missing"])?, 2);
    assert_eq!(redis::cmd("DBSIZE").query::<usize>(c)?, 402);
    Ok(())
}

fn transactions(c: &mut Connection, other: &mut Connection) -> RedisResult<()> {
    let mut pipe = redis::pipe();
    (0..50).for_each(|i| {
        pipe.set(format!("p{i}"), i).ignore().incr(format!("p{i}"), 1);
    });
    assert_eq!(pipe.query::<Vec<i64>>(c)?, (1..=50).collect::<Vec<_>>());
    let both: (String, i64) = redis::pipe().atomic().get("p1").incr("p2", 10).query(c)?;
    assert_eq!(both, ("2".to_string(), 13));
    // The first try meets a change by another connection, the second goes through.
    let mut tries = 0;
    let (sum,): (i64,) = redis::transaction(c, &["p1", "{far}p"], |c, pipe| {
        let seen: i64 = c.get("p1")?;
        tries += 1;
        if tries == 1 {
            let () = other.set("{far}p", 1)?;
        }
        pipe.set("p1", seen + 1).ignore().incr("p1", 1).query(c)
    })?;
    assert_eq!((tries, sum), (2, 4));
    Ok(())
}

fn errors(c: &mut Connection) {
    for (words, code, text) in [
        (&["INCR", "bytes"][..], "ERR", "value is not an integer or out of range"),
        (&["NOSUCH", "x"], "ERR", "unknown command 'NOSUCH', with args beginning with: 'x'"),
        (&["PFCOUNT", "bytes"], "WRONGTYPE", "Key is not a valid HyperLogLog string value."),
        (&["EXEC"], "ERR", "EXEC without MULTI"),
        (&["GET"], "ERR", "wrong number of arguments for 'get' command"),
        (&["EVAL", "return 1", "0"], "ERR", "unknown command 'EVAL'"),
    ] {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|w| {
            command.arg(w);
        });
        let error = command.query::<Value>(c).expect_err(words[0]);
        assert_eq!(error.code(), Some(code), "{words:?}: {error}");
        assert!(error.detail().is_some_and(|d| d.starts_with(text)), "{words:?}: {error}");
    }
}

fn session(c: &mut Connection, resp: u8) -> RedisResult<()> {
    assert_eq!(redis::cmd("PING").query::<String>(c)?, "PONG");
    assert_eq!(redis::cmd("CLIENT").arg("SETNAME").arg("rust").query::<String>(c)?, "OK");
    let info: String = redis::cmd("CLIENT").arg("INFO").query(c)?;
    for part in [" name=rust ".to_string(), " lib-name=redis-rs ".to_string(), format!(" resp={resp} ")] {
        assert!(info.contains(&part), "{part} is not in {info}");
    }
    let config: BTreeMap<String, String> = redis::cmd("CONFIG").arg("GET").arg("data*").query(c)?;
    assert_eq!(config, BTreeMap::from([("databases".to_string(), "16".to_string())]));
    let info: redis::InfoDict = redis::cmd("INFO").query(c)?;
    assert_eq!(info.get::<String>("redis_mode").as_deref(), Some("standalone"));
    let hello: Value = redis::cmd("HELLO").query(c)?;
    assert_eq!(matches!(hello, Value::Map(_)), resp == 3, "{hello:?}");
    Ok(())
}

/// Random commands over few keys of several cores.
fn model(c: &mut Connection) -> RedisResult<()> {
    let mut random = Random::new(11);
    let names: Vec<String> = (0..16).map(|i| format!("key:{i}")).collect();
    let mut map: BTreeMap<&str, i64> = BTreeMap::new();
    for step in 0..STEPS {
        let (key, other, value) = (random.pick(&names).as_str(), random.pick(&names).as_str(), step as i64);
        match random.below(7) {
            0 => {
                map.insert(key, value);
                assert_eq!(c.set::<_, _, String>(key, value)?, "OK");
            }
            1 => {
                let now = map.entry(key).or_default();
                *now += 5;
                assert_eq!(c.incr::<_, _, i64>(key, 5)?, *now);
            }
            2 => {
                map.extend([(key, value), (other, value)]);
                assert_eq!(c.mset::<_, _, String>(&[(key, value), (other, value)])?, "OK");
            }
            3 => {
                let gone = usize::from(map.remove(key).is_some()) + usize::from(map.remove(other).is_some());
                assert_eq!(c.del::<_, usize>(&[key, other])?, gone);
            }
            4 if map.contains_key(key) => {
                let moved = map.remove(key).unwrap_or_default();
                map.insert(other, moved);
                assert_eq!(c.rename::<_, _, String>(key, other)?, "OK");
            }
            5 => {
                let want: Vec<Option<i64>> = names.iter().map(|n| map.get(n.as_str()).copied()).collect();
                assert_eq!(c.mget::<_, Vec<Option<i64>>>(&names)?, want);
            }
            _ => assert_eq!(c.get::<_, Option<i64>>(key)?, map.get(key).copied()),
        }
    }
    Ok(())
}
