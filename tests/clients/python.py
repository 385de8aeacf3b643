#!/usr/bin/env python3
"""redis-py against a running server: `python3 python.py PORT`.

Every reply is compared with a value that this script works out by itself: dictionaries and byte arrays stand in for the
server's keys. Mismatches go to standard output, counts to its last line; the exit code is 1 if there was any mismatch.
Connections speak RESP3 as well where the library can (redis-py 5 and later).
"""

import random
import sys
import threading
import time

import redis

PORT = int(sys.argv[1])
KEYS = [b"{k}%d" % i if i % 4 == 0 else b"key:%d" % i for i in range(24)]


class Checker:
    """Counts replies and remembers those that differ."""

    def __init__(self):
        self.checked = 0
        self.wrong = []

    def same(self, what, got, want):
        self.checked += 1
        if got != want or type(got) is not type(want):
            self.wrong.append(f"{what}: got {got!r}, not {want!r}")

    def true(self, what, holds, got):
        self.checked += 1
        if not holds:
            self.wrong.append(f"{what}: got {got!r}")

    def fails(self, what, text, call):
        """`call` must be answered by an error that begins with `text` (the library takes `ERR ` off)."""
        try:
            got = call()
        except redis.RedisError as error:
            self.true(what, str(error).startswith(text), error)
        else:
            self.true(what, False, got)


def connect(**options):
    return redis.Redis(host="127.0.0.1", port=PORT, socket_timeout=20, **options)


def strings(r, c):
    value = bytes(range(256)) * 5
    c.same("SET binary", r.set(b"a\r\n\x00", value), True)
    c.same("GET binary", r.get(b"a\r\n\x00"), value)
    c.same("STRLEN", r.strlen(b"a\r\n\x00"), len(value))
    c.same("GETRANGE", r.getrange(b"a\r\n\x00", 10, -1000), value[10:-999])
    c.same("GETRANGE empty", r.getrange(b"a\r\n\x00", 9, 3), b"")
    large = random.Random(1).randbytes(300_000)
    c.same("SET large", r.set("large", large), True)
    c.same("GET large", r.get("large"), large)
    c.same("GET missing", r.get("missing"), None)
    c.same("SET NX", r.set("s", "one", nx=True), True)
    c.same("SET NX again", r.set("s", "two", nx=True), None)
    c.same("SET XX", r.set("s", "three", xx=True), True)
    c.same("SET XX missing", r.set("missing", "three", xx=True), None)
    c.same("SET GET", r.set("s", "four", get=True), b"three")
    c.same("SET GET missing", r.set("s2", "x", get=True), None)
    c.same("SETNX", r.setnx("s", "no"), False)
    c.same("GETSET", r.getset("s", "five"), b"four")
    c.same("GETDEL", r.getdel("s"), b"five")
    c.same("GETDEL missing", r.getdel("s"), None)
    c.same("APPEND", r.append("s", "abc"), 3)
    c.same("APPEND more", r.append("s", "def"), 6)
    c.same("SETRANGE", r.setrange("s", 8, "xy"), 10)
    c.same("GET padded", r.get("s"), b"abcdef\x00\x00xy")
    c.same("SUBSTR", r.substr("s", 0, 2), b"abc")
    c.same("MSET", r.mset({b"m%d" % i: b"v%d" % i for i in range(50)}), True)
    c.same("MGET", r.mget([b"m%d" % i for i in range(-2, 52)]), [None] * 2 + [b"v%d" % i for i in range(50)] + [None] * 2)
    c.same("MSETNX refused", r.msetnx({"m1": 1, "fresh": 2}), False)
    c.same("MSETNX", r.msetnx({"n1": 1, "n2": 2}), True)
    c.same("EXISTS after MSETNX", r.exists("n1", "n2", "fresh", "n1"), 3)
    c.same("INCR", r.incr("count"), 1)
    c.same("INCRBY", r.incrby("count", 41), 42)
    c.same("DECR", r.decr("count"), 41)
    c.same("DECRBY", r.decrby("count", 100), -59)
    c.same("INCRBYFLOAT", r.incrbyfloat("float", 0.1), 0.1)
    c.same("INCRBYFLOAT more", r.incrbyfloat("float", 0.2), 0.3)
    c.same("GET float", r.get("float"), b"0.3")
    c.same("LCS", r.execute_command("LCS", "m10", "m11"), b"v1")
    c.fails("INCR of text", "value is not an integer or out of range", lambda: r.incr("s"))
    r.set("max", 2**63 - 1)
    c.fails("INCR past the end", "increment or decrement would overflow", lambda: r.incr("max"))
    c.fails("GET of two", "wrong number of arguments for 'get' command", lambda: r.execute_command("GET", "a", "b"))
    c.fails("SET syntax", "syntax error", lambda: r.execute_command("SET", "a", "b", "NX", "XX"))


def model(r, c, steps):
    """Random commands over few keys, so that they meet each other; a dictionary says what must come back."""
    rng, keys = random.Random(7), {}
    for key in KEYS:
        r.delete(key)

    def number(key):
        return int(keys.get(key, b"0"))

    for _ in range(steps):
        key, other = rng.choice(KEYS), rng.choice(KEYS)
        value = b"%d" % rng.randrange(10_000)
        roll = rng.randrange(11)
        if roll == 0:
            keys[key] = value
            c.same("SET", r.set(key, value), True)
        elif roll == 1:
            c.same("GET", r.get(key), keys.get(key))
        elif roll == 2:
            keys[key] = b"%d" % (number(key) + 3)
            c.same("INCRBY", r.incrby(key, 3), int(keys[key]))
        elif roll == 3:
            keys[key] = keys.get(key, b"") + b"7"
            c.same("APPEND", r.append(key, b"7"), len(keys[key]))
            if len(keys[key]) > 12:
                c.same("DEL long", r.delete(key), 1)
                del keys[key]
        elif roll == 4:
            want = len({key, other} & keys.keys())
            keys.pop(key, None)
            keys.pop(other, None)
            c.same("DEL", r.delete(key, other), want)
        elif roll == 5:
            asked = rng.sample(KEYS, 6)
            c.same("MGET", r.mget(asked), [keys.get(k) for k in asked])
        elif roll == 6:
            keys[key] = keys[other] = value
            c.same("MSET", r.mset({key: value, other: value}), True)
        elif roll == 7 and key in keys:
            keys[other] = keys.pop(key)
            c.same("RENAME", r.rename(key, other), True)
        elif roll == 8:
            c.same("EXISTS", r.exists(key, other), (key in keys) + (other in keys))
        elif roll == 9 and key in keys and key != other:
            done = other not in keys
            keys.setdefault(other, keys[key])
            c.same("COPY", r.copy(key, other), done)
        else:
            c.same("STRLEN", r.strlen(key), len(keys.get(key, b"")))
    for key in KEYS:
        c.same("GET at the end", r.get(key), keys.get(key))


def keys(r, c):
    r.flushdb()
    c.same("DBSIZE empty", r.dbsize(), 0)
    c.same("RANDOMKEY empty", r.randomkey(), None)
    names = {b"user:%d" % i for i in range(300)} | {b"other:%d" % i for i in range(100)}
    r.mset({name: name for name in names})
    c.same("DBSIZE", r.dbsize(), 400)
    c.same("SCAN", sorted(set(r.scan_iter())), sorted(names))
    c.same("SCAN MATCH", sorted(set(r.scan_iter(match="user:1*"))), sorted(n for n in names if n.startswith(b"user:1")))
    c.same("SCAN COUNT", sorted(set(r.scan_iter(count=7))), sorted(names))
    c.same("SCAN TYPE", sorted(set(r.scan_iter(_type="string", count=1000))), sorted(names))
    c.same("SCAN TYPE list", list(r.scan_iter(_type="list")), [])
    c.same("KEYS", sorted(r.keys("other:?")), [b"other:%d" % i for i in range(10)])
    c.true("RANDOMKEY", r.randomkey() in names, "a name that was never set")
    c.same("TYPE", r.type("user:1"), b"string")
    c.same("TYPE missing", r.type("missing"), b"none")
    c.same("TOUCH", r.touch("user:1", "user:2", "missing"), 2)
    c.same("UNLINK", r.unlink("user:1", "other:1", "missing"), 2)
    c.same("RENAME", r.rename("user:2", "moved"), True)
    c.same("RENAMENX", r.renamenx("user:3", "moved"), False)
    c.fails("RENAME missing", "no such key", lambda: r.rename("missing", "x"))
    c.same("COPY", r.copy("moved", "other:2"), False)
    c.same("COPY REPLACE", r.copy("moved", "other:2", replace=True), True)
    c.same("GET copied", r.get("other:2"), b"user:2")
    c.same("COPY DB", r.copy("moved", "there", destination_db=3), True)
    c.same("MOVE", r.move("moved", 3), True)
    c.same("MOVE missing", r.move("moved", 3), False)
    third = connect(db=3)
    c.same("GET moved", third.get("moved"), b"user:2")
    c.same("SWAPDB", r.swapdb(3, 4), True)
    c.same("DBSIZE swapped", third.dbsize(), 0)
    c.same("DBSIZE swapped to", connect(db=4).dbsize(), 2)
    c.same("FLUSHALL", r.flushall(), True)
    c.same("DBSIZE flushed", r.dbsize() + connect(db=4).dbsize(), 0)
    for value, encoding in ((b"12", b"int"), (b"short", b"embstr"), (b"l" * 45, b"raw")):
        r.set("e", value)
        c.same("OBJECT ENCODING", r.object("encoding", "e"), encoding)
    c.same("OBJECT REFCOUNT missing", r.object("refcount", "missing"), None)
    dump = r.dump("e")
    c.same("RESTORE", r.restore("e2", 0, dump), b"OK")
    c.same("GET restored", r.get("e2"), b"l" * 45)
    c.fails("RESTORE busy", "BUSYKEY", lambda: r.restore("e2", 0, dump))
    c.fails("RESTORE damaged", "DUMP payload version or checksum are wrong", lambda: r.restore("e3", 0, dump[:-1] + b"?"))
    c.same("DUMP missing", r.dump("missing"), None)


def expiry(r, c):
    r.set("t", "v")
    c.same("TTL none", r.ttl("t"), -1)
    c.same("TTL missing", r.ttl("missing"), -2)
    c.same("EXPIRE", r.expire("t", 100), True)
    c.true("TTL", 98 <= r.ttl("t") <= 100, r.ttl("t"))
    c.true("PTTL", 95_000 < r.pttl("t") <= 100_000, r.pttl("t"))
    c.same("EXPIRE NX", r.execute_command("EXPIRE", "t", 50, "NX"), False)
    c.same("EXPIRE GT", r.execute_command("EXPIRE", "t", 50, "GT"), False)
    c.same("EXPIRE LT", r.execute_command("EXPIRE", "t", 50, "LT"), True)
    c.same("PERSIST", r.persist("t"), True)
    c.same("PERSIST again", r.persist("t"), False)
    at = int(time.time()) + 1000
    c.same("EXPIREAT", r.expireat("t", at), True)
    c.same("EXPIRETIME", r.execute_command("EXPIRETIME", "t"), at)
    c.same("PEXPIREAT", r.pexpireat("t", at * 1000 + 7), True)
    c.same("PEXPIRETIME", r.execute_command("PEXPIRETIME", "t"), at * 1000 + 7)
    c.same("SET KEEPTTL", r.set("t", "w", keepttl=True), True)
    c.same("PEXPIRETIME kept", r.execute_command("PEXPIRETIME", "t"), at * 1000 + 7)
    c.same("GETEX PERSIST", r.getex("t", persist=True), b"w")
    c.same("TTL after GETEX", r.ttl("t"), -1)
    c.same("GETEX EX", r.getex("t", ex=30), b"w")
    c.true("TTL of GETEX", 28 <= r.ttl("t") <= 30, r.ttl("t"))
    c.same("SETEX", r.setex("t", 60, "x"), True)
    c.true("TTL of SETEX", 58 <= r.ttl("t") <= 60, r.ttl("t"))
    c.same("EXPIRE in the past", r.expire("t", -1), True)
    c.same("EXISTS after it", r.exists("t"), 0)
    short = [b"short:%d" % i for i in range(20)]
    for key in short:
        c.same("SET PX", r.set(key, "v", px=150), True)
    c.same("PSETEX", r.psetex("short:20", 150, "v"), True)
    time.sleep(0.3)
    c.same("MGET expired", r.mget(short + ["short:20"]), [None] * 21)
    c.same("SCAN expired", list(r.scan_iter(match="short:*")), [])
    c.fails("SETEX 0", "invalid expire time in 'setex' command", lambda: r.setex("t", 0, "x"))


def bitmaps(r, c):
    rng, bits = random.Random(3), bytearray(64)
    r.set("bits", bytes(bits))
    for _ in range(80):
        at, value = rng.randrange(512), rng.randrange(2)
        mask = 128 >> at % 8
        c.same("SETBIT", r.setbit("bits", at, value), 1 if bits[at // 8] & mask else 0)
        bits[at // 8] = bits[at // 8] | mask if value else bits[at // 8] & ~mask
    c.same("GET bits", r.get("bits"), bytes(bits))
    line = "".join(f"{byte:08b}" for byte in bits)
    for at in range(0, 600, 29):
        c.same("GETBIT", r.getbit("bits", at), int(line[at]) if at < 512 else 0)
    c.same("BITCOUNT", r.bitcount("bits"), line.count("1"))
    c.same("BITCOUNT bytes", r.bitcount("bits", 5, -9), line[40:448].count("1"))
    c.same("BITCOUNT bits", r.bitcount("bits", 5, 77, mode="BIT"), line[5:78].count("1"))
    c.same("BITPOS 1", r.bitpos("bits", 1), line.find("1"))
    c.same("BITPOS 0 from", r.bitpos("bits", 0, 20), line.find("0", 160))
    c.same("BITPOS bits", r.execute_command("BITPOS", "bits", 1, 100, 300, "BIT"), line.find("1", 100, 301))
    # Sources of different lengths on different cores: the shorter one counts as padded with zeroes.
    other = rng.randbytes(40)
    r.set("{other}bits", other)
    padded = other + bytes(24)
    c.same("BITOP AND", r.bitop("AND", "to", "bits", "{other}bits"), 64)
    c.same("GET AND", r.get("to"), bytes(a & b for a, b in zip(bits, padded)))
    c.same("BITOP OR", r.bitop("OR", "to", "bits", "{other}bits"), 64)
    c.same("GET OR", r.get("to"), bytes(a | b for a, b in zip(bits, padded)))
    c.same("BITOP XOR", r.bitop("XOR", "to", "bits", "{other}bits", "bits"), 64)
    c.same("GET XOR", r.get("to"), padded)
    c.same("BITOP NOT", r.bitop("NOT", "to", "{other}bits"), 40)
    c.same("GET NOT", r.get("to"), bytes(255 - b for b in other))
    field = r.bitfield("field", default_overflow="SAT").set("u8", "#1", 250).incrby("u8", "#1", 10).get("i8", "#1")
    c.same("BITFIELD SAT", field.execute(), [0, 255, -1])
    field = r.bitfield("field", default_overflow="FAIL").incrby("u8", "#1", 1).get("u4", 8)
    c.same("BITFIELD FAIL", field.execute(), [None, 15])
    c.same("BITFIELD_RO", r.execute_command("BITFIELD_RO", "field", "GET", "u16", 0), [255])
    c.fails("SETBIT 2", "bit is not an integer or out of range", lambda: r.execute_command("SETBIT", "bits", 0, 2))
    c.fails("BITOP NOT of two", "BITOP NOT must be called with a single source key", lambda: r.bitop("NOT", "to", "a", "b"))


def hyperloglogs(r, c):
    # Few different elements are counted exactly: every one has a register of its own.
    c.same("PFADD", r.pfadd("h", *range(10)), 1)
    c.same("PFADD again", r.pfadd("h", *range(10)), 0)
    c.same("PFCOUNT", r.pfcount("h"), 10)
    c.same("PFADD other", r.pfadd("{x}h", *range(5, 15)), 1)
    c.same("PFCOUNT of two", r.pfcount("h", "{x}h", "missing"), 15)
    c.same("PFMERGE", r.pfmerge("{y}h", "h", "{x}h"), True)
    c.same("PFCOUNT merged", r.pfcount("{y}h"), 15)
    for start in range(0, 20_000, 2000):
        r.pfadd("many", *range(start, start + 2000))
        count = r.pfcount("many")
        c.true("PFCOUNT many", abs(count - start - 2000) < (start + 2000) * 0.04, count)
    c.same("PFCOUNT missing", r.pfcount("missing"), 0)
    r.set("text", "no HyperLogLog")
    c.fails("PFADD to text", "WRONGTYPE Key is not a valid HyperLogLog string value.", lambda: r.pfadd("text", 1))


def pipelines(r, c):
    pipe = r.pipeline(transaction=False)
    for i in range(40):
        pipe.set(f"p{i}", i).incr(f"p{i}").get(f"p{i}")
    c.same("pipeline", pipe.execute(), [x for i in range(40) for x in (True, i + 1, b"%d" % (i + 1))])
    pipe = r.pipeline()
    for i in range(40):
        pipe.incrby(f"p{i}", 100).strlen(f"p{i}")
    c.same("MULTI", pipe.execute(), [x for i in range(40) for x in (i + 101, 3)])
    pipe = r.pipeline().set("x", "text").incr("x").get("x")
    got = pipe.execute(raise_on_error=False)
    c.same("an error inside EXEC", [got[0], type(got[1]), got[2]], [True, redis.ResponseError, b"text"])
    c.true("its text", str(got[1]).startswith("value is not an integer"), got[1])
    got = r.pipeline(transaction=False).set("x", "1").execute_command("NOSUCH", "y").incr("x").execute(raise_on_error=False)
    c.same("an unknown command in a pipeline", [got[0], got[2]], [True, 2])
    c.true("its text", str(got[1]).startswith("unknown command 'NOSUCH', with args beginning with: 'y'"), got[1])
    c.fails("EXEC after an unknown command", "Command # 1 (NOSUCH) of pipeline", r.pipeline().execute_command("NOSUCH").execute)
    c.same("EXEC of nothing", r.pipeline().execute(), [])

    r.set("w", 1)
    with r.pipeline() as pipe:
        pipe.watch("w", "{z}w")
        c.same("GET while watching", pipe.get("w"), b"1")
        pipe.multi()
        pipe.set("w", 2)
        c.same("EXEC of an unchanged key", pipe.execute(), [True])
        pipe.watch("w", "{z}w")
        r.set("{z}w", "changed")
        pipe.multi()
        pipe.set("w", 3)
        try:
            c.true("EXEC of a changed key", False, pipe.execute())
        except redis.WatchError as error:
            c.true("EXEC of a changed key", True, error)
        pipe.watch("w")
        r.set("w", 2)
        c.same("UNWATCH", pipe.unwatch(), True)
        pipe.multi()
        c.same("EXEC after UNWATCH", pipe.get("w").execute(), [b"2"])
    c.same("GET after all", r.get("w"), b"2")

    # Four threads add to two keys of different cores in transactions of their own: nothing may get lost.
    r.mset({"sum{a}": 0, "sum{b}": 0})
    wrong = []

    def add():
        def both(pipe):
            a, b = pipe.mget("sum{a}", "sum{b}")
            if a != b:
                wrong.append((a, b))
            pipe.multi()
            pipe.set("sum{a}", int(a) + 1).set("sum{b}", int(b) + 1)

        for _ in range(10):
            r.transaction(both, "sum{a}", "sum{b}")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    c.same("sums", r.mget("sum{a}", "sum{b}"), [b"40", b"40"])
    c.same("halves seen", wrong, [])


def connection(r, c):
    c.same("PING", r.ping(), True)
    c.same("ECHO", r.echo("hello"), b"hello")
    named = connect(client_name="worker-1", db=2, single_connection_client=True)
    c.same("CLIENT GETNAME at start", named.client_getname(), "worker-1")
    c.same("CLIENT SETNAME", named.client_setname("worker-2"), True)
    info = named.client_info()
    c.same("CLIENT INFO name", info["name"], "worker-2")
    c.same("CLIENT INFO db", int(info["db"]), 2)
    c.same("CLIENT ID", named.client_id(), int(info["id"]))
    listed = [client for client in r.client_list() if client["name"] == "worker-2"]
    c.same("CLIENT LIST", [client["id"] for client in listed], [str(info["id"])])
    c.same("CLIENT LIST laddr", [client["laddr"] for client in listed], [f"127.0.0.1:{PORT}"])
    c.same("CLIENT LIST ID", len(r.client_list(client_id=[str(info["id"])])), 1)
    c.same("CLIENT NO-EVICT", named.execute_command("CLIENT NO-EVICT", "ON"), b"OK")
    c.fails("CLIENT SETNAME with a space", "Client names cannot contain spaces", lambda: named.client_setname("a b"))
    c.same("CLIENT KILL ID", r.client_kill_filter(_id=info["id"]), 1)
    try:
        named.ping()  # Newer versions connect again and try once more by themselves.
    except redis.ConnectionError as error:
        c.true("PING after CLIENT KILL", "losed by" in str(error) or "reset by" in str(error), error)
    c.same("PING on a new connection", named.ping(), True)
    c.true("CLIENT ID is new", named.client_id() > int(info["id"]), info["id"])
    c.fails("SELECT", "DB index is out of range", lambda: connect(db=16).ping())
    c.fails("AUTH", "AUTH <password> called without any password configured", lambda: r.execute_command("AUTH", "secret"))
    c.fails("EVAL", "unknown command", lambda: r.eval("return 1", 0))
    c.fails("an unknown subcommand", "unknown subcommand 'nosuch'. Try CLIENT HELP.", lambda: r.execute_command("CLIENT", "nosuch"))
    c.same("a decoding client", connect(decode_responses=True).echo("\u00e9"), "\u00e9")


def server(r, c):
    c.same("CONFIG GET", r.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
    c.same("CONFIG GET pattern", sorted(r.config_get("slowlog-*")), ["slowlog-log-slower-than", "slowlog-max-len"])
    c.same("CONFIG GET of two", r.config_get("port", "databases"), {"port": str(PORT), "databases": "16"})
    c.same("CONFIG SET", r.config_set("slowlog-log-slower-than", 0), True)
    r.echo("seen by the slow log")
    c.same("CONFIG GET changed", r.config_get("slowlog-log-slower-than"), {"slowlog-log-slower-than": "0"})
    c.true("SLOWLOG GET", b"ECHO seen by the slow log" in [e["command"] for e in r.slowlog_get(10)], r.slowlog_get(10))
    c.same("CONFIG SET back", r.config_set("slowlog-log-slower-than", 10000), True)
    c.same("SLOWLOG RESET", r.slowlog_reset(), True)
    c.same("CONFIG RESETSTAT", r.config_resetstat(), True)
    c.fails("CONFIG SET unknown", "Unknown option or number of arguments for CONFIG SET - 'nosuch'", lambda: r.config_set("nosuch", 1))
    r.flushall()
    r.set("a", 1)
    r.set("b", 2)
    r.expire("a", 100)
    info = r.info()
    c.same("INFO tcp_port", info["tcp_port"], PORT)
    c.true("INFO redis_version", tuple(map(int, info["redis_version"].split("."))) >= (7, 0, 0), info["redis_version"])
    c.same("INFO redis_mode", info["redis_mode"], "standalone")
    c.same("INFO role", info["role"], "master")
    c.same("INFO loading", info["loading"], 0)
    c.same("INFO db0", [info["db0"]["keys"], info["db0"]["expires"]], [2, 1])
    c.true("INFO connected_clients", info["connected_clients"] >= 1, info["connected_clients"])
    c.true("INFO used_memory", info["used_memory"] > 0, info["used_memory"])
    c.true("INFO mem_fragmentation_ratio", isinstance(info["mem_fragmentation_ratio"], (int, float)), info["mem_fragmentation_ratio"])
    c.same("INFO keyspace", list(r.info("keyspace")), ["db0"])
    stats = r.info("commandstats")
    c.same("INFO commandstats", [stats["cmdstat_set"]["calls"], stats["cmdstat_set"]["failed_calls"]], [2, 0])
    c.true("COMMAND COUNT", r.command_count() > 80, r.command_count())
    commands = r.command()
    c.same("COMMAND", len(commands), r.command_count())
    c.same("COMMAND get", [commands["get"][k] for k in ("arity", "first_key_pos", "last_key_pos", "step_count")], [2, 1, 1, 1])
    found = r.command_getkeys("MSET", "a", 1, "b", 2)  # Whether it is decoded depends on the library's version.
    c.same("COMMAND GETKEYS", [key.decode() if isinstance(key, bytes) else key for key in found], ["a", "b"])
    seconds, micros = r.time()
    c.true("TIME", abs(seconds + micros / 1e6 - time.time()) < 5, seconds)
    c.true("LASTSAVE", r.lastsave().timestamp() <= time.time() + 1, r.lastsave())
    c.true("MEMORY USAGE", 16 < r.memory_usage("a") < 1000, r.memory_usage("a"))
    c.same("MEMORY USAGE missing", r.memory_usage("missing"), None)
    c.same("ROLE", r.execute_command("ROLE"), [b"master", 0, []])
    c.same("FLUSHDB", r.flushdb(asynchronous=True), True)
    c.same("DBSIZE", r.dbsize(), 0)


def everything(c, **options):
    r = connect(**options)
    r.flushall()
    for part in (strings, keys, expiry, bitmaps, hyperloglogs, pipelines, connection, server):
        before = c.checked, time.time()
        part(r, c)
        print(f"  {part.__name__}: {c.checked - before[0]} replies in {time.time() - before[1]:.2f} s")
    model(r, c, 200)
    r.flushall()
    r.close()


def main():
    checker = Checker()
    print(f"redis-py {redis.__version__}")
    everything(checker)
    if int(redis.__version__.split(".")[0]) >= 5:
        everything(checker, protocol=3)
    for line in checker.wrong:
        print("MISMATCH", line)
    print(f"{checker.checked} replies checked, {len(checker.wrong)} mismatches")
    sys.exit(1 if checker.wrong else 0)


main()
