"""Starting, watching and stopping one server under measurement, and a tiny RESP client to feed it."""

import glob, os, shlex, shutil, signal, socket, subprocess, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def fill(template, **more):
    """Puts paths into a command of peers.toml."""
    return template.format(
        bin=os.environ.get("RINGFORT_BIN", ROOT + "/target/release/ringfort"),
        peers=os.environ.get("RINGFORT_PEERS", ROOT + "/target/peers"),
        **more,
    )


def pinned(cpus):
    """How a process of the measurement is started: on these CPUs, and with the priority that RINGFORT_PERF_NICE asks for (a machine
    that others use too; needs root below 0). taskset and nice replace themselves, so the process id is the program's."""
    nice = os.environ.get("RINGFORT_PERF_NICE", "0")
    return ["taskset", "-c", cpus] + (["nice", "-n", nice] if nice != "0" else [])


def urgent(above=0):
    """What is put before a command that nobody else's work may keep from running: nothing, unless RINGFORT_PERF_FIFO=1 (needs root)."""
    return ["chrt", "-f", str(1 + above)] if os.environ.get("RINGFORT_PERF_FIFO") == "1" else []


def is_free(port):
    """Whether a server can listen there; for port 0 the number of one where it can."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            # Two sockets may be bound to one port, but only one may listen.
            s.listen(1)
            return s.getsockname()[1]
        except OSError:
            return 0


def free_port(beside=0):
    """A free port of 127.0.0.1 with `beside` free ones behind it (in RINGFORT_PERF_PORTS=low-high, if that is set)."""
    low, _, high = os.environ.get("RINGFORT_PERF_PORTS", "0").partition("-")
    for port in range(int(low), int(high) + 1) if high else [0] * 100:
        first = is_free(port)
        if first and all(is_free(first + n) for n in range(1, beside + 1)):
            return first
    raise SystemExit("no free port" + (" in RINGFORT_PERF_PORTS" if high else ""))


class Server:
    """A running server, pinned, in a directory of its own."""

    def __init__(self, name, entry, cpus, cores=1, extra="", folder=None):
        self.name, self.port = name, free_port(cores if "core-listeners" in extra else 0)
        self.dir = folder or tempfile.mkdtemp(prefix="perf-" + name + "-")
        self.command = fill(entry["command"], port=self.port, dir=self.dir, cores=cores) + (" " + extra if extra else "")
        self.log = open(self.dir + "/log", "wb")
        argv = pinned(cpus) + shlex.split(self.command)
        self.process = subprocess.Popen(argv, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.time() + 120
        while not self.answers():
            if time.time() > end or self.process.poll() is not None:
                said = open(self.dir + "/log", errors="replace").read()[-800:]
                self.stop()
                raise SystemExit(f"{name} did not start: {self.command}\n{said}")
            time.sleep(0.01)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(b"PING\r\n")
                return s.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def schedule(self):
        """Nanoseconds that all threads ran (user and system), and that they were ready to run but had no CPU."""
        ran = waited = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            try:
                a, b, _ = open(path).read().split()
            except OSError:
                continue  # the thread has just ended
            ran, waited = ran + int(a), waited + int(b)
        return ran, waited

    def make_urgent(self):
        """From here on nobody else's work keeps the server from running, if RINGFORT_PERF_FIFO=1."""
        if urgent():
            subprocess.run(["chrt", "-a", "-f", "-p", "1", str(self.process.pid)], check=True)

    def cores(self, field):
        """One number of every core, of INFO cores."""
        with self.connect() as s:
            s.sendall(resp("INFO", "cores"))
            f = s.makefile("rb")
            body = f.read(int(f.readline()[1:])).decode()
        lines = [line.split(":", 1)[1] for line in body.splitlines() if line.startswith("core")]
        return [int(dict(pair.split("=") for pair in line.split(","))[field]) for line in lines]

    def watch_turns(self):
        """Has the cores of a Ringfort count their turns anew, with the CPU time of each."""
        # The threshold is one that nothing reaches.
        feed(self, [resp("CONFIG", "SET", "latency-monitor-threshold", 3600000), resp("CONFIG", "RESETSTAT")])

    def turns(self):
        """The longest turn of each core since then."""
        turns, worked = self.cores("longest_turn_usec"), self.cores("longest_turn_cpu_usec")
        return [{"turn_ms": a / 1000, "turn_cpu_ms": b / 1000} for a, b in zip(turns, worked)]

    def cpu_ns(self):
        return self.schedule()[0]

    def rss(self):
        """Resident memory in bytes."""
        for line in open(f"/proc/{self.process.pid}/smaps_rollup"):
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
        return 0

    def connect(self, core=None):
        """A connection; with `core-listeners yes` also to one core."""
        s = socket.create_connection(("127.0.0.1", self.port if core is None else self.port + 1 + core), 120)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def info(self, section, field):
        """One number of INFO."""
        with self.connect() as s:
            s.sendall(resp("INFO", section))
            f = s.makefile("rb")
            body = f.read(int(f.readline()[1:]))
        for line in body.decode().splitlines():
            if line.startswith(field + ":"):
                return int(line.split(":")[1])
        raise SystemExit(f"{self.name}: INFO {section} has no {field}")

    def size(self):
        """Keys in database 0."""
        with self.connect() as s:
            s.sendall(resp("DBSIZE"))
            return int(s.makefile("rb").readline()[1:])

    def stop(self, keep=False):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)


def resp(*words):
    """One command in the request form of RESP."""
    out = [b"*%d\r\n" % len(words)]
    for w in words:
        w = w if isinstance(w, bytes) else str(w).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(w), w))
    return b"".join(out)


def feed(server, commands, batch=1000):
    """Sends every command and reads as many replies, statuses, numbers or strings without line ends. Fails if one of them is an error."""
    with server.connect() as s:
        f = s.makefile("rb", 1 << 16)

        def send(part):
            s.sendall(b"".join(part))
            for _ in part:
                line = f.readline()
                if line[:1] == b"$":
                    f.readline()
                elif line[:1] not in b"+:":
                    raise SystemExit(f"{server.name}: unexpected reply {line!r}")

        part = []
        for command in commands:
            part.append(command)
            if len(part) == batch:
                send(part)
                part = []
        send(part)


def fill_keys(server, keys, value):
    """Makes the keys that valkey-benchmark and redis-benchmark use."""
    data = b"v" * value
    feed(server, (resp(b"SET", b"key:%012d" % i, data) for i in range(keys)))
