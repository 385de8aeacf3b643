"""Tables from results: REPORT.md in full, and the short one between the markers of README.md. Nothing is typed by hand."""

import glob, json, os, statistics

from .servers import ROOT

BEGIN, END = "<!-- figures: written by perf/run -->", "<!-- end of figures -->"
ORDER = ["get_p1", "get_p16", "get_p100", "set_p1", "set_p16", "set_p100", "incr_p16", "mset_p16", "latency_40k", "growth_stall",
         "memory_string", "memory_ttl", "memory_int", "idle_connections", "two_cores_local_vs_random"]
# Figure: (heading, unit, digits, reported for each kind in this order)
FIGURES = {"ops": ("operations/s", "", 0), "cpu": ("server CPU/op", "us", 3), "bytes": ("resident bytes each", "B", 1),
           "stall_ms": ("longest wait for PING", "ms", 2), "blame_ms": ("of it the server's at most", "ms", 2), "turn_ms": ("longest turn", "ms", 2), "turn_cpu_ms": ("longest turn, CPU time", "ms", 2), "idle_ms": ("longest wait when idle", "ms", 2),
           "late_ms": ("latest key", "ms", 0), "gone_ms": ("last key gone after its time", "ms", 0), "took_ms": ("command took", "ms", 1), "p99_ms": ("p99", "ms", 3), "p999_ms": ("p99.9", "ms", 2), "max_ms": ("max", "ms", 2),
           "empty_mib": ("empty server", "MiB", 1), "cpu_ms_per_s": ("CPU while idle", "ms/s", 2), "crossed": ("calls that crossed over", "", 2), "turns": ("turns an operation", "", 3), "wakes": ("cores woken an operation", "", 3), "achieved": ("achieved/offered", "", 3),
           "fill_s": ("time to fill", "s", 1), "waited_ms": ("server had no CPU", "ms", 0), "pause_ms": ("client had no CPU", "ms", 1),
           "kept": ("share of the quiet rate", "", 2), "p99_grown": ("p99 over quiet p99", "x", 2), "peak": ("peak memory over resident", "x", 3), "save_s": ("time to save", "s", 2),
           "file_mib": ("file", "MiB", 1), "everysec_ops": ("operations/s, one sync a second", "", 0), "load_s": ("time to load", "s", 2), "cpu_s": ("CPU to load", "s", 2), "check_s": ("time to check", "s", 2)}
# Figures whose target is about the value itself; the others' are about the ratio to the first server.
ABSOLUTE = {"kept", "p99_grown", "peak", "stall_ms", "blame_ms", "turn_ms", "turn_cpu_ms", "late_ms", "gone_ms"}
# Kinds whose rows are phases or cores of Ringfort: the worst median of them is what counts.
PHASES = {"growth", "expiry", "big_values"}
# What other work on the machine adds to these differs from round to round; what the server does itself comes again in each. So their best round counts.
REPEATED = {"stall_ms", "blame_ms", "turn_ms", "turn_cpu_ms", "p999_ms", "idle_ms", "late_ms", "gone_ms"}
# Figures of which more is better.
MORE = {"ops", "kept"}


def newest():
    """The newest result of every scenario, in the order of the report."""
    found = {}
    for path in glob.glob(ROOT + "/perf/results/*.json"):
        with open(path) as f:
            result = json.load(f)
        result["file"] = os.path.basename(path)
        old = found.get(result["scenario"])
        if old is None or result["at"] > old["at"]:
            found[result["scenario"]] = result
    rank = {name: i for i, name in enumerate(ORDER)}
    return sorted(found.values(), key=lambda r: (rank.get(r["scenario"], len(ORDER)), r["scenario"]))


def column(result, server, figure):
    return [row[figure] for row in sorted(result["rows"], key=lambda r: r["round"]) if row["server"] == server and figure in row]


def names(result):
    seen = []
    for row in result["rows"]:
        if row["server"] not in seen:
            seen.append(row["server"])
    return sorted(seen, key=result["order"].index)


def middle(result, server, figure):
    """What stands for a server's rounds: the worst of several sizes for memory, the best for stalls, otherwise the median."""
    values = column(result, server, figure)
    if result["kind"] in PHASES and figure in REPEATED:
        return min(values)
    return max(values) if figure == "bytes" else statistics.median(values)


def ratio(result, server, base, figure):
    """Median of the paired ratios to `base`, and their median deviation."""
    pairs = [a / b for a, b in zip(column(result, server, figure), column(result, base, figure)) if b]
    if not pairs:
        return None, None
    mid = statistics.median(pairs)
    return mid, statistics.median(abs(p - mid) for p in pairs)


def verdict(result):
    """Each target of the scenario: (figure, limit, what was reached, whether it is met)."""
    order, out = result["order"], []
    if result["kind"] in PHASES:
        judged = {row["server"] for row in result["rows"] if row.get("judged", True)}
        for figure, limit in result["target"].items():
            worst = max((middle(result, name, figure) for name in judged if column(result, name, figure)), default=0)
            out.append((figure, limit, worst, worst <= limit))
        return out
    subject, base = order[-1], order[0]
    if subject not in ("ringfort", "random"):
        return out
    for figure, limit in result["target"].items():
        if figure == "bytes":
            values = column(result, subject, figure)
            # Of several fills the mean keeps the figure, and the worst one within 8 %.
            mean = statistics.mean(values)
            out.append((figure, limit, mean, mean <= limit and max(values) <= limit * 1.08))
            continue
        got = middle(result, subject, figure) if figure in ABSOLUTE else ratio(result, subject, base, figure)[0]
        if got is not None:
            out.append((figure, limit, got, got >= limit if figure in MORE else got <= limit))
    return out


def show(figure, value):
    _, unit, digits = FIGURES[figure]
    return (f"{value:,.{digits}f}" + (" " + unit if unit else "")).strip()


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in r) + " |" for r in rows])


def section(result):
    columns = [f for f in FIGURES if any(f in row for row in result["rows"])]
    base, rows = result["order"][0], []
    for name in names(result):
        row = [name]
        for figure in columns:
            if not column(result, name, figure):
                row.append("-")
                continue
            cell = show(figure, middle(result, name, figure))
            mid, spread = ratio(result, name, base, figure)
            if name != base and mid is not None and figure in ("ops", "cpu", "bytes", "save_s", "load_s", "check_s"):
                cell += f" ({mid:.2f}x ± {spread:.2f})"
            row.append(cell)
        rows.append(row)
    out = [f"## {result['title']}", "", table(["server"] + [FIGURES[f][0] for f in columns], rows), ""]
    for figure, limit, got, is_met in verdict(result):
        sign = "at least" if figure in MORE else "at most"
        kind = " B" if figure == "bytes" else "" if figure in ABSOLUTE else f"x {base}"
        out.append(f"Target, {FIGURES[figure][0]}: {sign} {limit}{kind}; reached {got:.2f}: {'met' if is_met else '**not met**'}.")
    lines = [f"- {who}: `{line}`" for who, line in result["commands"].items()]
    versions = "; ".join(f"{k}: {v}" for k, v in result["versions"].items())
    return "\n".join(out + ["", f"File: [results/{result['file']}](results/{result['file']}). Commit {result['commit']}, scale {result['scale']}, "
                 f"load {result['machine']['load']:.1f}. {versions}", "", *lines, ""])


def short(results):
    """The table of README.md."""
    rows = []
    for r in results:
        order = r["order"]
        if r["kind"] in PHASES:
            what = f"[{r['title']}](perf/results/{r['file']})"
            for figure, limit, worst, is_met in verdict(r):
                rows.append([what, FIGURES[figure][0], f"{show(figure, worst)}, at most {limit}", "-", "-", "met" if is_met else "not met"])
            continue
        figure = next((f for f in ("bytes", "stall_ms", "p999_ms", "kept", "load_s", "check_s", "cpu") if f in r["rows"][0]), "cpu")
        ours, theirs = middle(r, order[-1], figure), middle(r, order[0], figure)
        mid = ratio(r, order[-1], order[0], figure)[0]
        ops = ratio(r, order[-1], order[0], "ops")[0] if "ops" in r["rows"][0] and r["kind"] == "throughput" else None
        marks = verdict(r)
        state = "-" if not marks else "met" if all(m[3] for m in marks) else "not met"
        what = f"[{r['title']}](perf/results/{r['file']})"
        pair = f"{show(figure, ours)} / {show(figure, theirs)}"
        if order[-1] != "ringfort":
            pair = f"{order[-1]} {show(figure, ours)} / {order[0]} {show(figure, theirs)}"
        rows.append([what, FIGURES[figure][0], pair, f"{mid:.2f}x" if mid else "-",
                     f"{ops:.2f}x" if ops else "-", state])
    head = ["scenario", "figure", "Ringfort / Valkey", "ratio", "ops/s ratio", "target"]
    return table(head, rows)


def write():
    """Writes REPORT.md and the table in README.md. Returns the report's path."""
    results = newest()
    if not results:
        return None
    machine = results[-1]["machine"]
    text = ["# Measured", "", "Written by `perf/run` from [results/](results/); every number names its file. Figures are medians over rounds;",
            "ratios are medians of paired ratios to the first server, ± their median deviation; memory is the worst of several fills.",
            "CPU/op is the server's own user and system time. A server has one CPU, the client another. \"Had no CPU\" is time in which somebody",
            "else ran there: where it is large, absolute figures and longest stalls are the machine's, and only ratios and CPU/op count.", "",
            f"Machine: {machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}, {machine['memory']} ([machine.md](machine.md)).", ""]
    path = ROOT + "/perf/REPORT.md"
    with open(path, "w") as f:
        f.write("\n".join(text + [section(r) for r in results]))
    readme = ROOT + "/README.md"
    if os.path.exists(readme):
        with open(readme) as f:
            whole = f.read()
        if BEGIN in whole and END in whole:
            before, rest = whole.split(BEGIN, 1)
            after = rest.split(END, 1)[1]
            peer = next((r["versions"][r["order"][0]] for r in results if r["order"][0] in r["versions"]), "")
            note = f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}; first server: {peer.split(' sha')[0]}."
            loads = [r["machine"]["load"] for r in results]
            if max(loads) > machine["cpus"]:
                note += f" **The machine was doing other work** (load {min(loads):.1f} to {max(loads):.1f}): only ratios count."
            with open(readme, "w") as f:
                f.write(before + BEGIN + "\n" + note + "\n\n" + short(results) + "\n" + END + after)
    return path
