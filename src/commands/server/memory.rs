//! MEMORY USAGE | STATS | DOCTOR | PURGE | MALLOC-STATS | HELP: where the memory is.
//! Ref: redis.io/commands/memory-stats, redis.io/commands/memory-usage

use super::shared::{send_figures, view};
use crate::base::num::parse_i64;
use crate::commands::help;
use crate::metrics::catalog::View;
use crate::metrics::human;
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Merge, Multi, Outcome, Refusal, Route, Spec};
use std::fmt::Write;

pub const SPEC: Spec = Spec {
    name: "MEMORY",
    since: "4.0.0",
    group: Group::Server,
    summary: "Groups the commands about memory.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: Flags::CONTAINER,
    subs: &[&DOCTOR, &HELP, &MALLOC_STATS, &PURGE, &STATS, &USAGE],
    help: LINES,
    cases: "
        > MEMORY            -ERR wrong number of arguments for 'memory' command
        > MEMORY nonsense   -ERR unknown subcommand 'nonsense'. Try MEMORY HELP.
    ",
    ..Spec::DEFAULT
};

const REPORT_TIPS: &[&str] = &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

const BASE: Spec = Spec { since: "4.0.0", group: Group::Server, arity: 2, run: figures, ..Spec::DEFAULT };

const DOCTOR: Spec = Spec {
    name: "DOCTOR",
    summary: "Says in words what is wrong with the memory.",
    route: Route::Every(Merge::Custom(doctor)),
    tips: REPORT_TIPS,
    ..BASE
};

const MALLOC_STATS: Spec = Spec {
    name: "MALLOC-STATS",
    summary: "Returns figures of the allocators.",
    cost: "O(N), N pieces of memory",
    route: Route::Every(Merge::Custom(malloc_stats)),
    tips: REPORT_TIPS,
    ..BASE
};

const PURGE: Spec = Spec {
    name: "PURGE",
    summary: "Gives unused memory back.",
    cost: "O(N), N pieces of memory",
    route: Route::Every(Merge::AllOk),
    run: purge,
    cases: "
        > MEMORY PURGE x   -ERR wrong number of arguments for 'memory|purge' command
        > MEMORY PURGE     +OK
    ",
    ..BASE
};

const STATS: Spec = Spec {
    name: "STATS",
    summary: "Returns how the memory is used.",
    route: Route::Every(Merge::Custom(stats)),
    tips: REPORT_TIPS,
    cases: "
        > MEMORY STATS x   -ERR wrong number of arguments for 'memory|stats' command
        > MEMORY STATS     ?
    ",
    ..BASE
};

const USAGE: Spec = Spec {
    name: "USAGE",
    summary: "Estimates the bytes that a key and its value take.",
    cost: "O(N), N samples",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, Access::RO)],
    args: &[Arg::key("key"), Arg::integer("count").token("SAMPLES").optional()],
    route: Route::Keys(Multi::Single),
    run: usage,
    cases: "
        > SET k value                    +OK
        > MEMORY USAGE                   -ERR wrong number of arguments for 'memory|usage' command
        > MEMORY USAGE k SAMPLES         -ERR syntax error
        > MEMORY USAGE k SAMPLES x       -ERR value is not an integer or out of range
        > MEMORY USAGE k SAMPLES -1      -ERR syntax error
        > MEMORY USAGE k nonsense 1      -ERR syntax error
        > MEMORY USAGE missing           nil
        > MEMORY USAGE k SAMPLES 0       ?
    ",
    ..BASE
};

const HELP: Spec = help::spec(Group::Server, "4.0.0", Category::NONE, run_help);

const LINES: &[&str] = &[
    "DOCTOR",
    "    Says in words what is wrong with the memory.",
    "MALLOC-STATS",
    "    Shows figures of the allocators.",
    "PURGE",
    "    Gives unused memory back.",
    "STATS",
    "    Shows how the memory is used.",
    "USAGE <key> [SAMPLES <count>]",
    "    Estimates the bytes of <key> and its value. Of nested values <count> are looked at",
    "    (default: 5, 0 means all).",
];

fn run_help(call: &mut Call) -> Outcome {
    help::reply(call, "MEMORY", LINES)
}

/// The part of DOCTOR, MALLOC-STATS and STATS.
fn figures(call: &mut Call) -> Outcome {
    send_figures(call, false);
    Ok(())
}

fn usage(call: &mut Call) -> Outcome {
    let mut i = 3;
    while i < call.args.len() {
        let Some(samples) = call.args.try_get(i + 1).filter(|_| call.args.is(i, "SAMPLES")) else {
            return Err(Refusal::SYNTAX);
        };
        // Values are sized exactly, so how many elements may be looked at makes no difference.
        if parse_i64(samples).ok_or(Refusal::NOT_INTEGER)? < 0 {
            return Err(Refusal::SYNTAX);
        }
        i += 2;
    }
    let key = call.key(2);
    match call.shard.ks.usage(call.db, &key) {
        Some(bytes) => call.out.int(bytes as i64),
        None => call.out.null(),
    }
    Ok(())
}

/// Most keys of a flushed database that one call frees; the rest goes on in slices.
const PURGE_KEYS: usize = 1 << 16;

/// What FLUSHALL left behind is given back now instead of in slices.
fn purge(call: &mut Call) -> Outcome {
    call.shard.ks.free_doomed(PURGE_KEYS);
    call.out.ok();
    Ok(())
}

/// Below so much memory its distribution says nothing.
const SMALL_BYTES: u64 = 5 << 20;

fn doctor(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(view) = view(call, parts) else {
        return Ok(());
    };
    let text = diagnosis(&view);
    call.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

fn diagnosis(view: &View) -> String {
    let (used, peak, rss) = (view.used_bytes(), view.peak_bytes(), view.facts.rss_bytes);
    if view.dataset_bytes() < SMALL_BYTES {
        return "Too little memory is in use to say anything about it. Ask again when there is data.\n".to_string();
    }
    let mut text = String::new();
    if peak as f64 / used as f64 > 1.5 {
        let _ = writeln!(text, "* Peak: more than 150% of what is in use now has been in use before ({}).", human::bytes(peak));
    }
    if rss as f64 / used as f64 > 1.4 && rss - used > 10 << 20 {
        let _ = writeln!(text, "* Resident: the process holds {} for {} in use.", human::bytes(rss), human::bytes(used));
    }
    let clients = view.total.numbers.clients;
    if view.total.numbers.client_bytes.checked_div(clients).is_some_and(|each| each > 200 << 10) {
        let _ = writeln!(text, "* Clients: they cost more than 200 KiB each on average.");
    }
    if let (Some(most), Some(least)) = (view.cores.iter().map(|c| c.data_bytes).max(), view.cores.iter().map(|c| c.data_bytes).min())
        && most > SMALL_BYTES
        && most / 4 > least
    {
        let _ = writeln!(text, "* Cores: one holds {}, another only {}.", human::bytes(most), human::bytes(least));
    }
    if text.is_empty() { "Nothing is wrong with the memory.\n".to_string() } else { text }
}

fn malloc_stats(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(view) = view(call, parts) else {
        return Ok(());
    };
    let mut text = format!("at start: {} bytes resident\n", view.facts.startup_bytes);
    for (i, core) in view.cores.iter().enumerate() {
        let _ = writeln!(text, "core {i}: {} bytes of keys and values", core.data_bytes);
    }
    let _ = writeln!(text, "resident: {} bytes", view.facts.rss_bytes);
    call.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// A value of MEMORY STATS.
enum Figure {
    Count(u64),
    Signed(i64),
    Ratio(f64),
}

fn stats(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(view) = view(call, parts) else {
        return Ok(());
    };
    let (before, after) = (totals(&view), shares(&view));
    let databases = view.total.databases.iter().enumerate();
    let databases: Vec<usize> = databases.filter(|(_, d)| d.keys > 0).map(|(i, _)| i).collect();
    let out = &mut *call.out;
    out.map(before.len() + databases.len() + after.len());
    before.iter().for_each(|figure| put(out, figure));
    for db in databases {
        out.bulk(format!("db.{db}").as_bytes());
        out.map(2);
        // The index belongs to all databases of a core together; its bytes are in overhead.total.
        put(out, &("overhead.hashtable.main", Figure::Count(0)));
        put(out, &("overhead.hashtable.expires", Figure::Count(0)));
    }
    after.iter().for_each(|figure| put(out, figure));
    Ok(())
}

fn put(out: &mut Out, (name, figure): &(&str, Figure)) {
    out.bulk(name.as_bytes());
    match figure {
        Figure::Count(n) => out.int(*n as i64),
        Figure::Signed(n) => out.int(*n),
        Figure::Ratio(r) => out.double(*r),
    }
}

/// What stands before the databases.
fn totals(view: &View) -> [(&'static str, Figure); 10] {
    use Figure::Count;
    [
        ("peak.allocated", Count(view.peak_bytes())),
        ("total.allocated", Count(view.used_bytes())),
        ("startup.allocated", Count(view.facts.startup_bytes)),
        ("replication.backlog", Count(0)),
        ("clients.slaves", Count(0)),
        ("clients.normal", Count(view.total.numbers.client_bytes)),
        ("cluster.links", Count(0)),
        ("aof.buffer", Count(0)),
        ("lua.caches", Count(0)),
        ("functions.caches", Count(0)),
    ]
}

/// What stands behind the databases.
fn shares(view: &View) -> [(&'static str, Figure); 21] {
    use Figure::{Count, Ratio, Signed};
    let n = &view.total.numbers;
    let (used, rss) = (view.used_bytes(), view.facts.rss_bytes);
    let beyond = rss as i64 - used as i64;
    let per_key = n.data_bytes.checked_div(n.keys).unwrap_or(0);
    let percent = |part, whole| Ratio(human::ratio(part, whole) * 100.0);
    [
        ("overhead.db.hashtable.lut", Count(0)),
        ("overhead.db.hashtable.rehashing", Count(0)),
        ("overhead.total", Count(view.overhead_bytes())),
        ("db.dict.rehashing.count", Count(0)),
        ("keys.count", Count(n.keys)),
        ("keys.bytes-per-key", Count(per_key)),
        ("dataset.bytes", Count(view.dataset_bytes())),
        ("dataset.percentage", percent(view.dataset_bytes(), used)),
        ("peak.percentage", percent(used, view.peak_bytes())),
        ("allocator.allocated", Count(used)),
        ("allocator.active", Count(used)),
        ("allocator.resident", Count(rss)),
        ("allocator.muzzy", Count(0)),
        ("allocator-fragmentation.ratio", Ratio(1.0)),
        ("allocator-fragmentation.bytes", Count(0)),
        ("allocator-rss.ratio", Ratio(human::ratio(rss, used))),
        ("allocator-rss.bytes", Signed(beyond)),
        ("rss-overhead.ratio", Ratio(1.0)),
        ("rss-overhead.bytes", Count(0)),
        ("fragmentation", Ratio(human::ratio(rss, used))),
        ("fragmentation.bytes", Signed(beyond)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_almost_empty_server_is_not_diagnosed() {
        assert!(diagnosis(&View::default()).starts_with("Too little"));
    }

    #[test]
    fn a_core_that_holds_most_is_named() {
        let mut view = View::default();
        for bytes in [100 << 20, 1 << 20] {
            let numbers = crate::metrics::report::Numbers { data_bytes: bytes, ..Default::default() };
            view.total.numbers.add(&numbers);
            view.cores.push(numbers);
        }
        view.facts.rss_bytes = view.used_bytes();
        assert_eq!(diagnosis(&view), "* Cores: one holds 100.00M, another only 1.00M.\n");
    }
}
