//! RESTORE of any bytes with a right footer: an error, or a key on which everything that its type allows works, and whose DUMP
//! can be restored to an equal value.

use super::cores::{Cores, client};
use ringfort::data::codec::add_footer;
use ringfort::proto::reply::{self, Reply};

/// Commands for a key `k`; `E` stands for a piece of the payload, which may well be an element.
const ANY: &[&str] = &["OBJECT ENCODING k", "OBJECT FREQ k", "MEMORY USAGE k", "DEBUG OBJECT k", "DEBUG LISTPACK k", "DEBUG QUICKLIST k 1"];
const STRING: &[&str] = &["STRLEN k", "GETRANGE k -3 -1", "BITCOUNT k", "PFCOUNT k", "APPEND k E", "INCR k", "SETRANGE k 5 E", "PFADD k E"];
const LIST: &[&str] = &[
    "LLEN k",
    "LRANGE k 0 -1",
    "LINDEX k 1",
    "LINDEX k -2",
    "LPOS k E",
    "LINSERT k BEFORE E new",
    "LSET k 0 E",
    "LSET k -1 12",
    "LPUSH k E 1",
    "RPUSH k 2 E",
    "LREM k 1 E",
    "LMOVE k k LEFT RIGHT",
    "LPOP k",
    "RPOP k 2",
    "LTRIM k 1 -2",
    "LRANGE k 0 -1",
];
const SET: &[&str] = &[
    "SCARD k",
    "SMEMBERS k",
    "SISMEMBER k E",
    "SRANDMEMBER k 3",
    "SRANDMEMBER k -3",
    "SSCAN k 0 COUNT 100",
    "SINTER k k",
    "SDIFF k missing",
    "SADD k E 99999",
    "SADD k word",
    "SREM k E",
    "SPOP k",
    "SMOVE k {k}2 E",
    "SMEMBERS k",
];
const ZSET: &[&str] = &[
    "ZCARD k",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZRANGE k (1 +inf BYSCORE",
    "ZRANGE k - + BYLEX",
    "ZCOUNT k -inf 5",
    "ZSCORE k E",
    "ZRANK k E",
    "ZRANDMEMBER k -3 WITHSCORES",
    "ZSCAN k 0",
    "ZADD k 1.5 E",
    "ZADD k -inf first",
    "ZINCRBY k 2 E",
    "ZREM k E",
    "ZPOPMIN k",
    "ZPOPMAX k 2",
    "ZREMRANGEBYRANK k 0 0",
    "ZRANGE k 0 -1 WITHSCORES",
];
const HASH: &[&str] = &[
    "HLEN k",
    "HGETALL k",
    "HGET k E",
    "HSTRLEN k E",
    "HRANDFIELD k -3 WITHVALUES",
    "HSCAN k 0",
    "HPTTL k FIELDS 1 E",
    "HSET k E 1 f v",
    "HINCRBY k E 5",
    "HPEXPIRE k 100000 FIELDS 2 E f",
    "HPERSIST k FIELDS 1 f",
    "HDEL k E",
    "HSET k f 1",
    "HGETALL k",
];
const STREAM: &[&str] = &[
    "XLEN k",
    "XRANGE k - +",
    "XREVRANGE k + - COUNT 2",
    "XINFO STREAM k FULL",
    "XINFO GROUPS k",
    "XREAD STREAMS k 0",
    "XADD k * f v",
    "XGROUP CREATE k E 0",
    "XREADGROUP GROUP E c COUNT 2 STREAMS k >",
    "XREADGROUP GROUP g c STREAMS k 0",
    "XPENDING k g - + 5",
    "XAUTOCLAIM k g c 0 0",
    "XGROUP DELCONSUMER k g c",
    "XDEL k 1-1",
    "XTRIM k MAXLEN 1",
    "XGROUP DESTROY k E",
    "XRANGE k - +",
];

struct Session {
    cores: Cores,
    conn: usize,
}

impl Session {
    fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Reply {
        let bytes = self.cores.call(0, self.conn, words);
        let (reply, len) = reply::read(&bytes).expect("replies are well-formed").expect("there is a reply");
        assert_eq!(len, bytes.len(), "one command has one reply");
        reply
    }

    /// Commands of a list, with `element` in the place of E.
    fn sweep(&mut self, lines: &[&str], element: &[u8]) {
        for line in lines {
            let words: Vec<&[u8]> = line.split(' ').map(|w| if w == "E" { element } else { w.as_bytes() }).collect();
            self.call(&words);
        }
    }
}

fn status(text: &str) -> Reply {
    Reply::Simple(text.as_bytes().to_vec())
}

/// One input of the fuzzer: a payload without footer.
pub fn run(data: &[u8]) {
    let mut cores = Cores::new();
    let conn = cores.workers[0].open(client(1));
    let mut session = Session { cores, conn };
    let mut payload = data.to_vec();
    add_footer(&mut payload);
    if session.call(&[b"RESTORE".as_slice(), b"k", b"0", &payload]) != status("OK") {
        assert_eq!(session.call(&["EXISTS", "k"]), Reply::Int(0));
        return;
    }
    same_after_dump(&mut session);
    let kind = session.call(&["TYPE", "k"]);
    let at = data.iter().fold(0usize, |sum, b| sum.wrapping_mul(31) + usize::from(*b)) % data.len().max(1);
    let element = &data[at..data.len().min(at + 1 + at % 7)];
    session.sweep(ANY, element);
    for (name, lines) in [("string", STRING), ("list", LIST), ("set", SET), ("zset", ZSET), ("hash", HASH), ("stream", STREAM)] {
        if kind == status(name) {
            session.sweep(lines, element);
        }
    }
    if session.call(&["EXISTS", "k"]) == Reply::Int(1) {
        same_after_dump(&mut session);
    }
    session.sweep(&["COPY k other", "RENAME k third", "DEL third other copy"], element);
    assert_eq!(session.call(&["DBSIZE"]), Reply::Int(i64::from(session_has(&mut session))));
}

/// Whether SMOVE left its destination.
fn session_has(session: &mut Session) -> bool {
    session.call(&["EXISTS", "{k}2"]) == Reply::Int(1)
}

/// What DUMP writes of `k`, RESTORE reads, and the digests agree. (A hash whose last field just expired has no payload.)
fn same_after_dump(session: &mut Session) {
    let digest = session.call(&["DEBUG", "DIGEST-VALUE", "k"]);
    let Reply::Bulk(payload) = session.call(&["DUMP", "k"]) else { return };
    let reply = session.call(&[b"RESTORE".as_slice(), b"copy", b"0", &payload, b"REPLACE"]);
    assert_eq!(reply, status("OK"), "{payload:?}");
    assert_eq!(session.call(&["DEBUG", "DIGEST-VALUE", "copy"]), digest);
}
