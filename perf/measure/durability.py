"""Workloads about durability: saving under load, syncing every write, loading, checking files."""

import csv, os, shlex, shutil, subprocess, tempfile, threading, time

from .servers import Server, feed, fill, pinned, resp


def run_client(server, peers, args):
    """valkey-benchmark with these arguments: (operations a second, p99 ms, longest ms)."""
    argv = pinned(peers["pinning"]["client"]) + shlex.split(fill(peers["client"]["command"])) + ["-h", "127.0.0.1", "-p", str(server.port), "--csv"] + args
    run = subprocess.run(argv, capture_output=True, text=True, check=True)
    last = list(csv.reader(run.stdout.strip().splitlines()))[-1]
    ops, _, _, _, _, p99, most = (float(x) for x in last[1:8])
    return ops, p99, most


def whole_memory(server):
    """Resident bytes of the server, and what a child of it has copied."""
    total = server.rss()
    children = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True).stdout.split()
    for child in children:
        try:
            for line in open(f"/proc/{child}/smaps_rollup"):
                if line.startswith("Private_Dirty"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            pass  # it has just ended
    return total


def snapshot(scenario, peers, names, rounds, scale):
    """SETs before and while a snapshot is made: what is kept of their rate, latency, memory, and how long the save takes."""
    rows, lines, keys = [], {}, int(scenario["keys"] * scale)
    for r in range(rounds):
        for name in names if r % 2 == 0 else names[::-1]:
            s = Server(name, peers["servers"][name], peers["pinning"]["server"])
            try:
                value = b"v" * scenario["value"]
                feed(s, (resp("SET", b"key:%012d" % i, value) for i in range(keys)))
                fields = int(scenario.get("fields", 0) * scale)
                feed(s, (resp("HSET", "big", b"field:%010d" % i, b"value%08d" % (i % 10**8)) for i in range(fields)))
                load = ["-c", "50", "-r", str(keys), "-d", str(scenario["value"]), "-t", "set"]
                quiet = run_client(s, peers, load + ["-n", str(max(1000, int(scenario["quiet"] * scale)))])
                before, peak, took, got = s.rss(), 0, None, []
                client = threading.Thread(target=lambda: got.append(run_client(s, peers, load + ["-n", str(max(1000, int(scenario["requests"] * scale)))])))
                client.start()
                time.sleep(0.3)
                start = time.time()
                feed(s, [resp("BGSAVE")])
                while client.is_alive() or took is None:
                    peak = max(peak, whole_memory(s))
                    if took is None and not s.info("persistence", "rdb_bgsave_in_progress"):
                        took = time.time() - start
                    time.sleep(0.05)
                client.join()
                busy = got[0]
                size = sum(os.path.getsize(os.path.join(s.dir, f)) for f in os.listdir(s.dir) if f.endswith(".rdb"))
                rows.append({"round": r, "server": name, "ops": busy[0], "kept": round(busy[0] / quiet[0], 3), "p99_ms": busy[1], "p99_grown": round(busy[1] / quiet[1], 2),
                             "max_ms": busy[2], "peak": round(peak / before, 3), "save_s": round(took, 2), "file_mib": round(size / 2**20, 1)})
                lines |= {name: s.command, "client": "valkey-benchmark " + " ".join(load)}
            finally:
                s.stop()
    return rows, lines


def syncing(scenario, peers, names, rounds, scale):
    """SETs with every write synced, as a share of those with one sync a second, on the same server in the same round."""
    rows, lines = [], {}
    for r in range(rounds):
        for name in names if r % 2 == 0 else names[::-1]:
            s = Server(name, peers["servers"][name], peers["pinning"]["server"], extra="--appendonly yes --auto-aof-rewrite-percentage 0")
            try:
                load, got = scenario["args"] + ["-r", str(scenario["keys"]), "-n", str(max(1000, int(scenario["requests"] * scale)))], {}
                for policy in ("everysec", "always") if r % 2 == 0 else ("always", "everysec"):
                    feed(s, [resp("CONFIG", "SET", "appendfsync", policy)])
                    time.sleep(0.3)
                    got[policy] = run_client(s, peers, load)
                rows.append({"round": r, "server": name, "ops": got["always"][0], "kept": round(got["always"][0] / got["everysec"][0], 3), "p99_ms": got["always"][1],
                             "everysec_ops": got["everysec"][0]})
                lines |= {name: s.command, "client": "valkey-benchmark " + " ".join(load)}
            finally:
                s.stop()
    return rows, lines


def saved(scenario, peers, name, keys, kind, cores):
    """A directory that a server of this name left behind with `keys` keys in a file of this kind."""
    folder = tempfile.mkdtemp(prefix="perf-files-")
    extra = "--appendonly yes --auto-aof-rewrite-percentage 0" if kind == "aof" else ""
    s = Server(name, peers["servers"][name], peers["pinning"]["server"], cores=cores, extra=extra, folder=folder)
    try:
        feed(s, (resp("SET", b"key:%012d" % i, b"v" * scenario["value"]) for i in range(keys)))
        if kind == "rdb":
            feed(s, [resp("SAVE")])
    finally:
        s.stop(keep=True)
    return folder, extra


def loading(scenario, peers, names, rounds, scale):
    """Seconds from the start of the process until it serves all keys of its own file."""
    rows, lines, keys = [], {}, int(scenario["keys"] * scale)
    both = peers["pinning"]["server"] + "," + peers["pinning"]["client"]
    files = {name: saved(scenario, peers, name, keys, scenario["file"], scenario["cores"]) for name in names}
    try:
        for r in range(rounds):
            for name in names if r % 2 == 0 else names[::-1]:
                folder, extra = files[name]
                start = time.time()
                s = Server(name, peers["servers"][name], both, cores=scenario["cores"], extra=extra, folder=folder)
                try:
                    took, found = time.time() - start, s.size()
                    if found != keys:
                        raise SystemExit(f"{name} loaded {found} of {keys} keys")
                    rows.append({"round": r, "server": name, "load_s": round(took, 3), "cpu_s": round(s.cpu_ns() / 1e9, 3)})
                    lines[name] = s.command
                finally:
                    s.stop(keep=True)
    finally:
        for folder, _ in files.values():
            shutil.rmtree(folder, ignore_errors=True)
    return rows, lines


def judged_alike(folder):
    """Takes the base, which holds nothing, out of a directory of the log: there are tools of servers that refuse a base of their own version.
    What is left are the commands, the same for all."""
    log = folder + "/appendonlydir/"
    lines = open(log + "appendonly.aof.manifest").read().splitlines(keepends=True)
    bases = [line.split()[1] for line in lines if line.split()[-1] == "b"]
    if any(os.path.getsize(log + base) > 1024 for base in bases):
        raise SystemExit("the base of the log is not empty")
    with open(log + "appendonly.aof.manifest", "w") as f:
        f.writelines(line for line in lines if line.split()[1] not in bases)
    for base in bases:
        os.remove(log + base)


def checking(scenario, peers, names, rounds, scale):
    """Seconds that each server's own tool takes to check the same file."""
    rows, lines, keys, kind = [], {}, int(scenario["keys"] * scale), scenario["file"]
    folder, _ = saved(scenario, peers, names[0], keys, kind, 1)
    target = folder + "/dump.rdb" if kind == "rdb" else folder + "/appendonlydir/appendonly.aof.manifest"
    try:
        if kind == "aof":
            judged_alike(folder)
        for r in range(rounds):
            for name in names if r % 2 == 0 else names[::-1]:
                argv = pinned(peers["pinning"]["server"] + "," + peers["pinning"]["client"]) + shlex.split(fill(peers["servers"][name]["check_" + kind])) + [target]
                start = time.time()
                run = subprocess.run(argv, capture_output=True, text=True)
                took = time.time() - start
                if run.returncode:
                    raise SystemExit(f"{name}: {run.stdout[-400:]}{run.stderr[-400:]}")
                rows.append({"round": r, "server": name, "check_s": round(took, 3)})
                lines[name] = " ".join(argv).replace(folder, "DIR")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows, lines


KINDS = {"snapshot": snapshot, "syncing": syncing, "loading": loading, "checking": checking}
