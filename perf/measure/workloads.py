"""The kinds of workload. Each takes a scenario and the servers, and returns (raw rows, command lines): a row is one server's
figures in one round. Ratios are made of rows of the same round, so that a slow minute of the machine hits both sides."""

import binascii, csv, os, random, resource, shlex, subprocess, time

from . import durability
from .servers import Server, feed, fill, fill_keys, pinned, resp


# What collections are filled with: the same elements as the figures in the README are about.
COLLECTIONS = {
    "hash_of_10": lambda i: resp("HSET", "h:%010d" % i, *(w for j in range(10) for w in ("field%d" % j, "value%08d" % (i % 99999999)))),
    "hash": lambda i: resp("HSET", "h", "field:%010d" % i, "value%08d" % i),
    "zset": lambda i: resp("ZADD", "z", i * 7919 % 1000003, "member:%010d" % i),
    "set": lambda i: resp("SADD", "s", "member:%010d" % i),
    "int_set": lambda i: resp("SADD", "s", i * 7919),
    "list": lambda i: resp("RPUSH", "l", "item:%010d" % i),
    "stream": lambda i: resp("XADD", "x", "%d-1" % (i + 1), "sensor", i % 100, "temp", i % 40),
}

# What stands in the server before a round, `n` elements of it. Names are those that valkey-benchmark uses.
SETUPS = {
    "zset": lambda n: (resp("ZADD", "myzset", i * 7919 % 1000003, "element:%012d" % i) for i in range(n)),
    "list": lambda n: (resp("RPUSH", "mylist", "VXK:%08d" % i) for i in range(n)),
    "sets": lambda n: (resp("SADD", "set:%d" % (i % 2), "member:%010d" % (i // 2 + (i % 2) * n // 4)) for i in range(n)),
}


def throughput(scenario, peers, names, rounds, scale):
    """valkey-benchmark against each server in turn (A B, B A, ...): operations a second, CPU time an operation, latency."""
    client = shlex.split(fill(peers["client"]["command"]))
    live = [Server(n, peers["servers"][n], peers["pinning"]["server"]) for n in names]
    rows, lines = [], {s.name: s.command for s in live}
    try:
        for s in live:
            if scenario.get("fill"):
                fill_keys(s, scenario["keys"], scenario["value"])
            if "setup" in scenario:
                feed(s, SETUPS[scenario["setup"]](max(1000, int(scenario["elements"] * scale))))
        n = max(1000, int(scenario["requests"] * scale))
        command = shlex.split(scenario.get("command", ""))
        args = scenario["args"] + ["-n", str(n), "-r", str(scenario["keys"]), "--csv"] + command
        lines["client"] = " ".join(client + args)
        # One short round warms every server up and is thrown away.
        for r in range(-1, rounds):
            for s in live if r % 2 == 0 else live[::-1]:
                count = n if r >= 0 else max(1000, n // 8)
                row = bench(s, client, scenario["args"] + ["-n", str(count), "-r", str(scenario["keys"]), "--csv"] + command, peers, count)
                if r >= 0:
                    rows.append({"round": r, "server": s.name} | row)
    finally:
        for s in live:
            s.stop()
    return rows, lines


def bench(server, client, args, peers, count):
    (ran, waited), steal = server.schedule(), steal_ticks()
    argv = pinned(peers["pinning"]["client"]) + client + ["-h", "127.0.0.1", "-p", str(server.port)] + args
    run = subprocess.run(argv, capture_output=True, text=True, check=True)
    last = list(csv.reader(run.stdout.strip().splitlines()))[-1]
    if len(last) < 8:
        raise SystemExit(f"the client said: {run.stdout}{run.stderr}")
    ops, _, _, p50, _, p99, most = (float(x) for x in last[1:8])
    after = server.schedule()
    noise = {"waited_ms": (after[1] - waited) // 10**6, "steal": steal_ticks() - steal}
    return {"ops": ops, "cpu": round((after[0] - ran) / 1000 / count, 4), "p50_ms": p50, "p99_ms": p99, "max_ms": most} | noise


def steal_ticks():
    """Time that the hypervisor took from this machine, in clock ticks."""
    return int(open("/proc/stat").readline().split()[8])


def memory(scenario, peers, names, rounds, scale):
    """Resident bytes a key, over several sizes. What an empty server takes is subtracted."""
    value, rows, lines = b"v" * 32, [], {}
    kinds = COLLECTIONS | {
        "string": lambda i: resp(b"SET", b"key:%012d" % i, value),
        "ttl": lambda i: resp(b"SET", b"key:%012d" % i, value, b"EX", 100000 + i),
        "int": lambda i: resp(b"SET", b"key:%012d" % i, 10000000 + i),
    }
    make = kinds[scenario["data"]]
    for r, keys in enumerate(scenario["keys"]):
        keys = int(keys * scale)
        for name in names:
            s = Server(name, peers["servers"][name], peers["pinning"]["server"])
            try:
                empty = s.rss()
                feed(s, (make(i) for i in range(keys)))
                time.sleep(0.3)
                rows.append({"round": r, "server": name, "keys": keys, "empty_mib": round(empty / 2**20, 1), "bytes": round((s.rss() - empty) / keys, 1)})
                lines[name] = s.command
            finally:
                s.stop()
    return rows, lines


def idle(scenario, peers, names, rounds, scale):
    """Resident bytes a connection that says nothing, and CPU time a second that all of them cost."""
    count, rows, lines = int(scenario["connections"] * scale), [], {}
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    for name in names:
        s = Server(name, peers["servers"][name], peers["pinning"]["server"])
        open_ones = []
        try:
            before = s.rss()
            for _ in range(count):
                c = s.connect()
                c.sendall(b"PING\r\n")
                c.recv(16)
                open_ones.append(c)
            time.sleep(0.5)
            bytes_each, cpu = (s.rss() - before) / count, s.cpu_ns()
            time.sleep(scenario["seconds"])
            share = (s.cpu_ns() - cpu) / 1e6 / scenario["seconds"]
            rows.append({"round": 0, "server": name, "bytes": round(bytes_each), "cpu_ms_per_s": round(share, 3)})
            lines[name] = s.command
        finally:
            for c in open_ones:
                c.close()
            s.stop()
    return rows, lines


def own_client():
    """The load generator of this package."""
    return shlex.split(fill("{bin} bench"))


def figures(text):
    """The `name=value` words of the last line of `ringfort bench`."""
    return {k: float(v) for k, v in (w.split("=") for w in text.strip().splitlines()[-1].split() if "=" in w)}


def stall(scenario, peers, names, rounds, scale):
    """The longest gap in the answers to a PING every millisecond while another connection fills the server."""
    rows, lines = [], {}
    client, keys = peers["pinning"]["client"], int(scenario["keys"] * scale)
    for r in range(rounds):
        for name in names if r % 2 == 0 else names[::-1]:
            s = Server(name, peers["servers"][name], peers["pinning"]["server"])
            try:
                argv = pinned(client) + own_client() + ["--stall", "--port", str(s.port), "--duration", "600"]
                # The probe ends when its input does, that is, when the filling is over.
                probe = subprocess.Popen(argv + ["--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                os.sched_setaffinity(0, {int(client)})
                start, waited = time.time(), s.schedule()[1]
                fill_keys(s, keys, scenario["value"])
                took, waited = time.time() - start, s.schedule()[1] - waited
                out, _ = probe.communicate("")
                got = figures(out)
                rows.append({"round": r, "server": name, "stall_ms": got["max_ms"], "p999_ms": got["p999_ms"], "fill_s": round(took, 2),
                             "waited_ms": waited // 10**6, "pause_ms": got["pause_ms"]})
                lines |= {name: s.command, "client": " ".join(argv)}
            finally:
                s.stop()
    return rows, lines


def open_loop(scenario, peers, names, rounds, scale):
    """`ringfort bench` at a fixed rate: latency from the intended send time."""
    rows, lines, seconds = [], {}, max(1, int(scenario["seconds"] * scale))
    live = [Server(n, peers["servers"][n], peers["pinning"]["server"]) for n in names]
    try:
        for s in live:
            fill_keys(s, 1000000, 32)
            # The client is not: it never sleeps, and the kernel stops what would run for ever before everything else.
            s.make_urgent()
        for r in range(rounds):
            for s in live if r % 2 == 0 else live[::-1]:
                if s.name == "ringfort":
                    s.watch_turns()
                before, waited = s.schedule()
                argv = pinned(peers["pinning"]["client"]) + own_client() + ["--port", str(s.port), "--duration", str(seconds)]
                run = subprocess.run(argv + scenario["args"], capture_output=True, text=True, check=True)
                got = figures(run.stdout)
                cpu = (s.cpu_ns() - before) / 1000 / max(got["done"], 1)
                row = {k: got[k] for k in ("ops", "achieved", "p50_ms", "p99_ms", "p999_ms", "max_ms", "pause_ms")}
                row["waited_ms"] = (s.schedule()[1] - waited) // 10**6
                if s.name == "ringfort":
                    row |= s.turns()[0]
                rows.append({"round": r, "server": s.name, "cpu": round(cpu, 4)} | row)
                lines |= {s.name: s.command, "client": " ".join(argv + scenario["args"])}
    finally:
        for s in live:
            s.stop()
    return rows, lines


def two_cores(scenario, peers, names, rounds, scale):
    """A two-core Ringfort, each core with clients of its own: all keys of a pipeline are the core's, then half of them, by chance, the other's."""
    rows, depth, n = [], scenario["pipeline"], max(1000, int(scenario["requests"] * scale) // 2)
    both = peers["pinning"]["server"] + "," + peers["pinning"]["client"]
    s = Server("ringfort", peers["servers"]["ringfort"], both, 2, "--core-listeners yes")
    # Keys lie in as many slots of each core as a pipeline has commands.
    tags = [[], []]
    for i in range(100 * depth):
        core = binascii.crc_hqx(b"t%d" % i, 0) % 16384 // 8192
        if len(tags[core]) < depth:
            tags[core].append("t%d" % i)
    each = scenario["keys"] // 2 // depth
    client = shlex.split(fill(peers["client"]["command"])) + ["-c", str(scenario["connections"] // 2), "-n", str(n), "-r", str(each), "-d", str(scenario["value"]), "-q"]

    def words(core, mode):
        """One pipeline, GET and SET in turn, each with a tag of its own."""
        chosen = tags[core] if mode == "local" else tags[core][: depth // 2] + tags[1 - core][: depth // 2]
        chosen = random.Random(core).sample(chosen, depth)
        line = []
        for at, tag in enumerate(chosen):
            key = "{%s}:__rand_int__" % tag
            line += (["SET", key, "__data__"] if at % 2 else ["GET", key]) + [";"]
        return line[:-1]

    try:
        feed(s, (resp("SET", "{%s}:%012d" % (tag, i), b"v" * scenario["value"]) for tag in tags[0] + tags[1] for i in range(each)))
        for r in range(-1, rounds):
            for mode in ("local", "random") if r % 2 == 0 else ("random", "local"):
                feed(s, [resp("CONFIG", "RESETSTAT")])
                (before, _), start = s.schedule(), time.time()
                argvs = [pinned(both) + client + ["-h", "127.0.0.1", "-p", str(s.port + 1 + core)] + words(core, mode) for core in (0, 1)]
                running = [subprocess.Popen(argv, stdout=subprocess.DEVNULL) for argv in argvs]
                if any([c.wait() for c in running]):
                    raise SystemExit("a client failed")
                took, cpu, done = time.time() - start, s.cpu_ns() - before, s.info("stats", "total_commands_processed")
                crossed, wakes, turns = (s.info("stats", field) / done for field in ("cross_core_calls", "core_wakes", "eventloop_cycles"))
                if r >= 0:
                    rows.append({"round": r, "server": mode, "cpu": round(cpu / 1000 / done, 4), "ops": round(done / took), "crossed": round(crossed, 3),
                                 "turns": round(turns, 4), "wakes": round(wakes, 4)})
        return rows, {"ringfort": s.command, "client": " ".join(argvs[0])}
    finally:
        s.stop()


KINDS = {"throughput": throughput, "memory": memory, "idle": idle, "stall": stall, "open_loop": open_loop, "two_cores": two_cores} | durability.KINDS
