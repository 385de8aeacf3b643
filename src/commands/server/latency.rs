//! LATENCY DOCTOR | GRAPH | HISTOGRAM | HISTORY | LATEST | RESET | HELP: slow events and how long commands take.
//! Each core keeps events and histograms of its own; they are joined where somebody asks.
//! Ref: redis.io/commands/latency-histogram, redis.io/commands/latency-history

use super::shared::{OPERATOR, send_figures, view};
use crate::commands::{help, parts};
use crate::metrics::report::Latencies;
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Refusal, Route, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

pub const SPEC: Spec = Spec {
    name: "LATENCY",
    since: "2.8.13",
    group: Group::Server,
    summary: "Groups the commands about latency.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&DOCTOR, &GRAPH, &HELP, &HISTOGRAM, &HISTORY, &LATEST, &RESET],
    help: LINES,
    cases: "
        > LATENCY            -ERR wrong number of arguments for 'latency' command
        > LATENCY nonsense   -ERR unknown subcommand 'nonsense'. Try LATENCY HELP.
    ",
    ..Spec::DEFAULT
};

const REPORT_TIPS: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

const BASE: Spec =
    Spec { since: "2.8.13", group: Group::Server, arity: 2, flags: OPERATOR, tips: REPORT_TIPS, run: send_events, ..Spec::DEFAULT };

const DOCTOR: Spec = Spec {
    name: "DOCTOR",
    summary: "Says in words what was slow.",
    route: Route::Every(Merge::Custom(doctor)),
    cases: "
        > LATENCY DOCTOR x   -ERR wrong number of arguments for 'latency|doctor' command
        > LATENCY DOCTOR     ?
    ",
    ..BASE
};

const GRAPH: Spec = Spec {
    name: "GRAPH",
    summary: "Draws the samples of an event.",
    arity: 3,
    args: &[Arg::string("event")],
    route: Route::Every(Merge::Custom(graph)),
    cases: "
        > LATENCY GRAPH nonsense   -ERR No samples available for event 'nonsense'
    ",
    ..BASE
};

const HISTOGRAM: Spec = Spec {
    name: "HISTOGRAM",
    since: "7.0.0",
    summary: "Returns how often commands took how long.",
    cost: "O(N), N commands shown",
    arity: -2,
    args: &[Arg::string("command").optional().multiple()],
    route: Route::Every(Merge::Custom(histogram)),
    run: send_histograms,
    cases: "
        > LATENCY HISTOGRAM nonsense   {}
        > LATENCY HISTOGRAM            ?
    ",
    ..BASE
};

const HISTORY: Spec = Spec {
    name: "HISTORY",
    summary: "Returns the samples of an event.",
    arity: 3,
    args: &[Arg::string("event")],
    route: Route::Every(Merge::Custom(history)),
    cases: "
        > LATENCY HISTORY            -ERR wrong number of arguments for 'latency|history' command
        > LATENCY HISTORY nonsense   []
    ",
    ..BASE
};

const LATEST: Spec = Spec {
    name: "LATEST",
    summary: "Returns the last sample of each event.",
    route: Route::Every(Merge::Custom(latest)),
    cases: "
        > LATENCY LATEST x   -ERR wrong number of arguments for 'latency|latest' command
        > LATENCY LATEST     ?
    ",
    ..BASE
};

const RESET: Spec = Spec {
    name: "RESET",
    summary: "Forgets the samples of events.",
    arity: -2,
    args: &[Arg::string("event").optional().multiple()],
    route: Route::Every(Merge::Custom(merge_reset)),
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    run: reset,
    cases: "
        > LATENCY RESET            ?
        > LATENCY RESET nonsense   :0
    ",
    ..BASE
};

const HELP: Spec = help::spec(Group::Server, "2.8.13", Category::NONE, run_help);

const LINES: &[&str] = &[
    "DOCTOR",
    "    Says in words what was slow.",
    "GRAPH <event>",
    "    Draws the samples of <event>.",
    "HISTOGRAM [COMMAND ...]",
    "    Shows how often the commands took how long; without names, all commands that ran.",
    "HISTORY <event>",
    "    Shows the samples of <event>.",
    "LATEST",
    "    Shows the last sample of each event.",
    "RESET [<event> ...]",
    "    Forgets the samples of the events (default: of all).",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "LATENCY", LINES)
}

/// Samples kept of one event when all cores are joined: as many as one core keeps.
const HISTORY_MAX: usize = 160;

/// One event over all cores: milliseconds by second, and the longest ever.
#[derive(Default)]
struct Joined {
    samples: BTreeMap<u64, u64>,
    max_ms: u64,
}

/// The part of all but HISTOGRAM and RESET: this core's events.
fn send_events(call: &mut Call) -> Outcome {
    let mut record = Vec::new();
    for (name, event) in &call.shard.latency.events {
        parts::put_text(&mut record, name.as_bytes());
        parts::put_number(&mut record, event.max_ms);
        parts::put_number(&mut record, event.samples.len() as u64);
        for (second, ms) in &event.samples {
            parts::put_number(&mut record, *second as u64);
            parts::put_number(&mut record, *ms);
        }
    }
    parts::send(call, &record);
    Ok(())
}

/// The events of all cores by name, without those that have no samples.
fn joined(call: &mut Call, parts: &[&[u8]]) -> Option<BTreeMap<Vec<u8>, Joined>> {
    let mut events: BTreeMap<Vec<u8>, Joined> = BTreeMap::new();
    for mut record in parts::receive(call, parts)? {
        while let Some(name) = parts::text(&mut record) {
            let event = events.entry(name.to_vec()).or_default();
            event.max_ms = event.max_ms.max(parts::number(&mut record)?);
            for _ in 0..parts::number(&mut record)? {
                let (second, ms) = (parts::number(&mut record)?, parts::number(&mut record)?);
                let place = event.samples.entry(second).or_default();
                *place = ms.max(*place);
            }
        }
    }
    for event in events.values_mut() {
        while event.samples.len() > HISTORY_MAX {
            event.samples.pop_first();
        }
    }
    events.retain(|_, event| !event.samples.is_empty());
    Some(events)
}

fn latest(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(events) = joined(call, parts) else {
        return Ok(());
    };
    call.out.array(events.len());
    for (name, event) in events {
        let (second, ms) = event.samples.last_key_value().map_or((0, 0), |(s, ms)| (*s, *ms));
        call.out.array(4);
        call.out.bulk(&name);
        call.out.int(second as i64);
        call.out.int(ms as i64);
        call.out.int(event.max_ms as i64);
    }
    Ok(())
}

fn history(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(mut events) = joined(call, parts) else {
        return Ok(());
    };
    let event = events.remove(call.args.get(2)).unwrap_or_default();
    call.out.array(event.samples.len());
    for (second, ms) in event.samples {
        call.out.array(2);
        call.out.int(second as i64);
        call.out.int(ms as i64);
    }
    Ok(())
}

fn graph(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(mut events) = joined(call, parts) else {
        return Ok(());
    };
    let name = String::from_utf8_lossy(call.args.get(2)).into_owned();
    let Some(event) = events.remove(call.args.get(2)) else {
        return Err(Refusal::text(format!("ERR No samples available for event '{name}'")));
    };
    let text = drawing(&name, &event, call.now / 1000);
    call.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// Columns and rows of a graph.
const COLUMNS: usize = 80;
const ROWS: u64 = 4;

/// A bar per sample, oldest first, the last 80; below each bar its age in the largest unit that fits, top to bottom.
fn drawing(name: &str, event: &Joined, now: i64) -> String {
    let skipped = event.samples.len().saturating_sub(COLUMNS);
    let samples: Vec<(u64, u64)> = event.samples.iter().skip(skipped).map(|(s, ms)| (*s, *ms)).collect();
    let high = samples.iter().map(|s| s.1).max().unwrap_or(0);
    let low = samples.iter().map(|s| s.1).min().unwrap_or(0);
    let mut text = format!("{name} - high {high} ms, low {low} ms (all time high {} ms)\n", event.max_ms);
    text.push_str(&"-".repeat(COLUMNS));
    text.push('\n');
    let height = |ms: u64| {
        if high == low { 1 } else { 1 + (ms - low) * (ROWS - 1) / (high - low) }
    };
    for row in (1..=ROWS).rev() {
        text.extend(samples.iter().map(|(_, ms)| if height(*ms) >= row { '#' } else { ' ' }));
        text.push('\n');
    }
    text.push('\n');
    let ages: Vec<String> = samples.iter().map(|(second, _)| age(now.saturating_sub(*second as i64).max(0))).collect();
    for line in 0..ages.iter().map(String::len).max().unwrap_or(0) {
        text.extend(ages.iter().map(|a| a.as_bytes().get(line).map_or(' ', |b| *b as char)));
        text.push('\n');
    }
    text
}

/// `5s`, `3m`, `2h`, `9d`.
fn age(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn doctor(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(events) = joined(call, parts) else {
        return Ok(());
    };
    let threshold = call.shard.config.latency_monitor_threshold;
    let text = diagnosis(&events, threshold);
    call.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

fn diagnosis(events: &BTreeMap<Vec<u8>, Joined>, threshold: i64) -> String {
    if threshold == 0 {
        return "Latency is not being watched. Set the directive latency-monitor-threshold to the number of milliseconds \
                from which an event counts as slow.\n"
            .to_string();
    }
    if events.is_empty() {
        return format!("No event has taken {threshold} ms or longer since the last reset.\n");
    }
    let mut text = format!("Events that took {threshold} ms or longer:\n");
    for (i, (name, event)) in events.iter().enumerate() {
        let count = event.samples.len() as u64;
        let sum: u64 = event.samples.values().sum();
        let name = String::from_utf8_lossy(name);
        let mean = sum.checked_div(count).unwrap_or(0);
        let _ = writeln!(text, "{}. {name}: {count} samples, {mean} ms on average, at worst {} ms.", i + 1, event.max_ms);
    }
    let has = |name: &str| events.contains_key(name.as_bytes());
    if has("command") {
        text.push_str("* Look for slow commands with SLOWLOG GET; slowlog-log-slower-than decides what is kept.\n");
    }
    if has("fast-command") {
        text.push_str("* Even cheap commands were slow: other programs may be using the same processors.\n");
    }
    text
}

/// Forgets events here; the record names those that there were.
fn reset(call: &mut Call) -> Outcome {
    let mut record = Vec::new();
    let names: Vec<&[u8]> = call.args.from(2).collect();
    call.shard.latency.events.retain(|name, _| {
        let is_meant = names.is_empty() || names.contains(&name.as_bytes());
        if is_meant {
            parts::put_text(&mut record, name.as_bytes());
        }
        !is_meant
    });
    parts::send(call, &record);
    Ok(())
}

/// An event that several cores had counts once.
fn merge_reset(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(records) = parts::receive(call, parts) else {
        return Ok(());
    };
    let mut names = BTreeSet::new();
    for mut record in records {
        while let Some(name) = parts::text(&mut record) {
            names.insert(name);
        }
    }
    call.out.int(names.len() as i64);
    Ok(())
}

fn send_histograms(call: &mut Call) -> Outcome {
    send_figures(call, true);
    Ok(())
}

fn histogram(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(view) = view(call, parts) else {
        return Ok(());
    };
    let table = &call.shard.server.commands;
    let ran = |row: &u16| view.total.latencies.get(&u64::from(*row)).is_some_and(|l| !l.is_empty());
    let mut rows: Vec<u16> = Vec::new();
    if call.args.len() == 2 {
        rows.extend((0..table.rows.len() as u16).filter(|row| ran(row)));
    }
    for name in call.args.from(2) {
        let Some(row) = table.find_full(name) else {
            continue;
        };
        // A container stands for its subcommands, unless it was counted itself.
        let meant = if ran(&row) { vec![row] } else { table.row(row).subs.clone() };
        rows.extend(meant.into_iter().filter(|row| ran(row)));
    }
    let out = &mut *call.out;
    out.map(rows.len());
    for row in rows {
        let samples = &view.total.latencies[&u64::from(row)];
        let buckets = buckets(samples);
        out.bulk(table.row(row).full_name.as_bytes());
        out.map(2);
        out.bulk(b"calls");
        out.int(samples.values().sum::<u64>() as i64);
        out.bulk(b"histogram_usec");
        out.map(buckets.len());
        for (usec, count) in buckets {
            out.int(usec as i64);
            out.int(count as i64);
        }
    }
    Ok(())
}

/// Cumulated counts at the powers of two from 1024 ns on, only where the count grows. With two significant digits a bucket
/// of the histogram that begins at 2^n ends at 2^n + 2^(n-7) - 1, and that is the bound that is shown, in microseconds.
fn buckets(samples: &Latencies) -> Vec<(u64, u64)> {
    let total: u64 = samples.values().sum();
    let (mut out, mut previous) = (Vec::new(), 0);
    for power in 10..63 {
        let bound = (1u64 << power) + (1 << (power - 7)) - 1;
        let count = samples.range(..=bound).map(|(_, n)| n).sum();
        if count > previous {
            out.push((bound / 1000, count));
            previous = count;
        }
        if count == total {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_named_as_redis_names_them() {
        let samples = Latencies::from([(900, 1), (3000, 2), (30_000, 3), (60_000, 1)]);
        assert_eq!(buckets(&samples), [(1, 1), (4, 3), (33, 6), (66, 7)]);
        assert_eq!(buckets(&Latencies::new()), []);
    }

    #[test]
    fn a_graph_has_its_scale_its_bars_and_their_ages() {
        let event = Joined { samples: BTreeMap::from([(1000, 10), (1030, 40)]), max_ms: 99 };
        let text = drawing("command", &event, 1065);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "command - high 40 ms, low 10 ms (all time high 99 ms)");
        assert_eq!(lines[2..6], [" #", " #", " #", "##"]);
        assert_eq!(lines[7..], ["13", "m5", " s"]);
    }
}
