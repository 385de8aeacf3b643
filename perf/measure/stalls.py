"""Workloads about waiting: how long a core answers nobody while something big happens on it, or beside it.

Each core has a probe that sends PING every millisecond (`ringfort bench --stall --pid`). Three figures, from the outside to the inside: the longest
wait; what of it the server can be blamed for at most (its process used the CPU, and the probe was not kept from running); and the longest turn
that the core itself counted, by the clock and in CPU time. The last one is what promises are about: there is nothing in it of a machine that does
other work too, except interrupts. The same probe against the idle server, before, shows what such a machine adds to the others.
With RINGFORT_PERF_FIFO=1 (root) servers and probes run before everything else while they are measured.
"""

import binascii, gc, os, random, subprocess, time

from .servers import Server, pinned, resp, urgent
from .workloads import figures, own_client

QUIET_S = 2


class Probes:
    """One probe for every core of a server (or one, on its only port), and the figures of the time between start and stop."""

    def __init__(self, server, cpus, cores=None):
        self.server, self.cores = server, cores
        if server.name == "ringfort":
            server.watch_turns()
        self.waited = server.schedule()[1]
        ports = [server.port] if cores is None else [server.port + 1 + core for core in range(cores)]
        # A probe runs beside the core it asks, not under it.
        places = [cpus] if cores is None else [cpus.split(",")[(core + 1) % len(cpus.split(","))] for core in range(cores)]
        self.commands = [own_client() + ["--stall", "--port", str(port), "--pid", str(server.process.pid), "--duration", "3600", "--until-eof"] for port in ports]
        argvs = [urgent(1) + pinned(place) + command for place, command in zip(places, self.commands)]
        self.running = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for argv in argvs]
        time.sleep(0.1)

    def stop(self):
        """Figures by core."""
        got = [figures(probe.communicate("")[0]) for probe in self.running]
        turns = self.server.turns() if self.server.name == "ringfort" else [{}] * len(got)
        rows = []
        for core, g in enumerate(got):
            row = {"stall_ms": g["max_ms"], "blame_ms": g["cpu_ms"], "p999_ms": g["p999_ms"], "pause_ms": g["pause_ms"]}
            rows.append(row | turns[core] | {"waited_ms": (self.server.schedule()[1] - self.waited) // 10**6})
        return rows

    @staticmethod
    def quiet(server, cpus, cores=None):
        """The longest wait at an idle server, by core."""
        probes = Probes(server, cpus, cores)
        time.sleep(QUIET_S)
        return [row["stall_ms"] for row in probes.stop()]


def pour(server, template, numbers, reply, core=None, batch=100):
    """Sends `template % n` for every n, `batch` commands at a time, and expects `reply` to each: the quickest that this language allows."""
    whole, expected = template * batch, reply * batch
    with server.connect(core) as s:
        for i in range(0, len(numbers), batch):
            part = tuple(numbers[i : i + batch])
            s.sendall(whole % part if len(part) == batch else (template * len(part)) % part)
            missing = expected if len(part) == batch else reply * len(part)
            got = b""
            while len(got) < len(missing):
                piece = s.recv(1 << 16)
                if not piece:
                    raise SystemExit(f"{server.name} closed the connection")
                got += piece
            if got != missing:
                raise SystemExit(f"{server.name}: unexpected reply {got[:200]!r}")


def setter(key, value):
    """A template of SET whose key has one number of ten digits."""
    key = key.encode()
    return b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key) - 5 + 10, key, value, b"v" * value)


def growth(scenario, peers, names, rounds, scale):
    """A server grows from nothing under a probe; then the same keys are set again, which is the same load without growth."""
    rows, lines, client = [], {}, peers["pinning"]["client"]
    template, numbers = setter(scenario["key"], scenario["value"]), range(int(scenario["keys"] * scale))
    os.sched_setaffinity(0, {int(client)})
    gc.disable()
    for r in range(rounds):
        for name in names if r % 2 == 0 else names[::-1]:
            s = Server(name, peers["servers"][name], peers["pinning"]["server"])
            try:
                s.make_urgent()
                idle = Probes.quiet(s, client)[0]
                for phase, range_ in ("growing", numbers), ("the same again", numbers[: len(numbers) // 2]):
                    probes, start = Probes(s, client), time.time()
                    pour(s, template, range_, b"+OK\r\n")
                    took = time.time() - start
                    rows.append({"round": r, "server": f"{name}, {phase}", "judged": phase == "growing"} | probes.stop()[0] | {"idle_ms": idle, "fill_s": round(took, 2)})
                lines |= {name: s.command, "probe": " ".join(probes.commands[0])}
            finally:
                s.stop()
    return rows, lines


def expiry(scenario, peers, names, rounds, scale):
    """Many keys whose times end within `span_ms` from one instant on: how long cores answer nobody, and how late keys go. A key goes late by the
    time since the earliest end of those that are still counted."""
    rows, lines, client, keys = [], {}, peers["pinning"]["client"], int(scenario["keys"] * scale)
    both = peers["pinning"]["server"] + "," + client
    gc.disable()
    for r in range(rounds):
        for cores in scenario["cores"]:
            s = Server("ringfort", peers["servers"]["ringfort"], peers["pinning"]["server"] if cores == 1 else both, cores, "--core-listeners yes")
            try:
                s.make_urgent()
                pick, span = random.Random(r), scenario["span_ms"]
                # Late enough for all of them to be there before the first one goes.
                end = int((time.time() + 5 + keys / 40000) * 1000)
                template = b"*5\r\n$3\r\nSET\r\n$14\r\nkey:%010d\r\n$8\r\nvvvvvvvv\r\n$4\r\nPXAT\r\n$13\r\n%d\r\n"
                ends = sorted(end + (pick.randrange(span) if span else 0) for _ in range(keys))
                mixed = ends[:]
                pick.shuffle(mixed)
                with s.connect() as c:
                    for i in range(0, keys, 1000):
                        part = [x for n in range(i, min(i + 1000, keys)) for x in (n, mixed[n])]
                        c.sendall((template * (len(part) // 2)) % tuple(part))
                        missing = len(part) // 2 * len(b"+OK\r\n")
                        while missing:
                            missing -= len(c.recv(1 << 16))
                if s.size() != keys or time.time() * 1000 > end - 1500:
                    raise SystemExit(f"the machine is too slow for this: {s.size()} of {keys} keys, {end / 1000 - time.time():.1f} s left")
                time.sleep(max(0, end / 1000 - 1 - time.time()))
                probes, counts, late = Probes(s, both, cores), s.connect(), 0
                f = counts.makefile("rb")
                time.sleep(max(0, end / 1000 - 0.05 - time.time()))
                left, deadline = keys, time.time() + 60
                while left and time.time() < deadline:
                    at = time.time() * 1000
                    counts.sendall(b"DBSIZE\r\n")
                    left = int(f.readline()[1:])
                    late = max(late, at - ends[keys - left]) if left else late
                    time.sleep(0.001)
                gone = time.time() * 1000 - ends[-1]
                if left:
                    raise SystemExit(f"{left} keys are still there a minute later")
                time.sleep(0.3)
                for core, row in enumerate(probes.stop()):
                    rows.append({"round": r, "server": f"core {core} of {cores}"} | row | {"late_ms": round(late, 1), "gone_ms": round(gone, 1)})
                lines |= {f"ringfort, cores {cores}": s.command, "probe": " ".join(probes.commands[0])}
                counts.close()
            finally:
                s.stop()
    return rows, lines


def key_at(core, prefix):
    """A key of that core of two."""
    names = (b"%s:%d" % (prefix, i) for i in range(1000))
    return next(key for key in names if binascii.crc_hqx(key, 0) % 16384 // 8192 == core)


def fields(key):
    return b"*4\r\n$4\r\nHSET\r\n$%d\r\n%s\r\n$16\r\nfield:%%010d\r\n$8\r\nvvvvvvvv\r\n" % (len(key), key)


def members(key):
    return b"*3\r\n$4\r\nSADD\r\n$%d\r\n%s\r\n$17\r\nmember:%%010d\r\n" % (len(key), key)


def big_string(s, n):
    with s.connect() as c:
        c.sendall(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n" % (len(key_at(0, b"a")), key_at(0, b"a"), n))
        block = b"x" * (1 << 20)
        for start in range(0, n, len(block)):
            c.sendall(block[: n - start])
        c.sendall(b"\r\n")
        if c.recv(16) != b"+OK\r\n":
            raise SystemExit("the big string was not taken")


def big_hash(s, n):
    pour(s, fields(key_at(0, b"a")), range(n), b":1\r\n", 0, 1000)


def two_sets(s, n):
    # Half of the members are in both.
    pour(s, members(key_at(0, b"a")), range(n), b":1\r\n", 0, 1000)
    pour(s, members(key_at(1, b"b")), range(n // 2, n + n // 2), b":1\r\n", 1, 1000)


# Name: (what is made first, with how many elements; actions: (title, core whose connection asks, words, cores that are judged)).
ACTIONS = {
    "rename_string": (big_string, [("RENAME to the other core", 0, ("RENAME", key_at(0, b"a"), key_at(1, b"b")), (0, 1)), ("RENAME back", 0, ("RENAME", key_at(1, b"b"), key_at(0, b"a")), (0, 1)),
                                   ("RENAME, asked at the other core", 1, ("RENAME", key_at(0, b"a"), key_at(1, b"b")), (0, 1))]),
    "hash": (big_hash, [("RENAME to the other core", 0, ("RENAME", key_at(0, b"a"), key_at(1, b"b")), (0, 1)), ("RENAME back, asked at the other core", 1, ("RENAME", key_at(1, b"b"), key_at(0, b"a")), (0, 1)),
                        ("DEL", 0, ("DEL", key_at(0, b"a")), (0, 1))]),
    "sets": (two_sets, [("SUNIONSTORE", 0, ("SUNIONSTORE", key_at(0, b"c"), key_at(0, b"a"), key_at(1, b"b")), (1,)), ("SUNIONSTORE to the other core", 0, ("SUNIONSTORE", key_at(1, b"c"), key_at(0, b"a"), key_at(1, b"b")), (1,)),
                        ("DEL of the result", 1, ("DEL", key_at(1, b"c")), (0, 1))]),
}


def big_values(scenario, peers, names, rounds, scale):
    """Commands on big values of a two-core server, one after the other, each with a probe a core until what it left behind is cleared away."""
    rows, lines, both = [], {}, peers["pinning"]["server"] + "," + peers["pinning"]["client"]
    make, actions = ACTIONS[scenario["data"]]
    gc.disable()
    for r in range(rounds):
        s = Server("ringfort", peers["servers"]["ringfort"], both, 2, "--core-listeners yes")
        try:
            make(s, int(scenario["elements"] * scale))
            s.make_urgent()
            idle = Probes.quiet(s, both, 2)
            for title, asked, words, judged in actions:
                probes = Probes(s, both, 2)
                with s.connect(asked) as c:
                    start = time.time()
                    c.sendall(resp(*words))
                    answer = c.recv(256)
                    took = (time.time() - start) * 1000
                if answer[:1] not in b"+:" or answer[:2] == b":0":
                    raise SystemExit(f"{title}: {answer!r}")
                time.sleep(scenario["after_s"])
                for core, row in enumerate(probes.stop()):
                    name = f"{title}, core {core}" + ("" if core in judged else " (runs it)")
                    rows.append({"round": r, "server": name, "judged": core in judged} | row | {"idle_ms": idle[core], "took_ms": round(took, 2)})
            lines |= {"ringfort": s.command, "probe": " ".join(probes.commands[0])}
        finally:
            s.stop()
    return rows, lines


KINDS = {"growth": growth, "expiry": expiry, "big_values": big_values}
