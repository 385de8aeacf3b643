//! COMMAND INFO [name ...]: arity, flags, keys, categories and tips of commands.
//! Ref: redis.io/commands/command-info, redis.io/docs/latest/develop/reference/key-specs

use super::{BASE, NAMES, categories_of, top_level};
use crate::proto::encode::Out;
use crate::spec::{Begin, Call, Find, Flags, KeySpec, Merge, Multi, Outcome, Route, Spec, Table};

pub const SPEC: Spec = Spec {
    name: "INFO",
    summary: "Describes one, several or all commands.",
    cost: "O(N), N commands asked for",
    arity: -2,
    args: NAMES,
    tips: &["nondeterministic_output_order"],
    history: &[("7.0.0", "Describes all commands when called without names.")],
    run,
    cases: "
        > COMMAND INFO nonsense   [nil]
        > COMMAND INFO get        [[get, :2, ~[+readonly, +fast], :1, :1, :1, ~[+@read, +@string, +@fast], ~[], ?, ~[]]]
        > COMMAND INFO GET        [[get, :2, ~[+readonly, +fast], :1, :1, :1, ~[+@read, +@string, +@fast], ~[], ?, ~[]]]
    ",
    ..BASE
};

fn run(call: &mut Call) -> Outcome {
    if call.args.len() == 2 {
        return run_all(call);
    }
    let table = &call.shard.server.commands;
    call.out.array(call.args.len() - 2);
    for name in call.args.from(2) {
        match table.find_full(name) {
            Some(row) => describe(call.out, table, row),
            None => call.out.null(),
        }
    }
    Ok(())
}

/// COMMAND without a subcommand.
pub fn run_all(call: &mut Call) -> Outcome {
    let rows = top_level(call);
    let table = &call.shard.server.commands;
    call.out.array(rows.len());
    rows.iter().for_each(|row| describe(call.out, table, *row));
    Ok(())
}

/// The ten elements of one command. Subcommands of subcommands do not exist, so this recurses once at most.
fn describe(out: &mut Out, table: &Table, row: u16) {
    let row = table.row(row);
    let spec = row.spec;
    out.array(10);
    out.bulk(row.full_name.as_bytes());
    out.int(i64::from(spec.arity));
    let mut flags = spec.flags;
    if spec.keys.iter().any(|k| !is_fixed(k)) {
        flags = flags.and(Flags::MOVABLE_KEYS);
    }
    let names: Vec<&str> = flags.names().collect();
    words(out, &names, "");
    let (first, last, step) = legacy_range(spec.keys);
    out.int(first);
    out.int(last);
    out.int(step);
    let names: Vec<&str> = categories_of(spec).names().collect();
    words(out, &names, "@");
    let tips = tips_of(spec);
    out.set(tips.len());
    tips.iter().for_each(|tip| out.bulk(tip.as_bytes()));
    out.set(spec.keys.len());
    spec.keys.iter().for_each(|k| key_spec(out, k));
    if row.subs.is_empty() {
        out.set(0);
    } else {
        out.array(row.subs.len());
        row.subs.iter().for_each(|sub| describe(out, table, *sub));
    }
}

/// A set of status words.
pub fn words(out: &mut Out, words: &[&str], prefix: &str) {
    out.set(words.len());
    words.iter().for_each(|word| out.simple(&format!("{prefix}{word}")));
}

/// Whether the keys of a spec are at places that do not depend on the arguments.
fn is_fixed(k: &KeySpec) -> bool {
    matches!((k.begin, k.find), (Begin::Index(_), Find::Range { .. }))
}

/// First key, last key and step as clients of old read them: one range that covers all fixed ranges which follow each other.
fn legacy_range(keys: &[KeySpec]) -> (i64, i64, i64) {
    let mut range: Option<(i64, i64, i64)> = None;
    for k in keys {
        let (Begin::Index(begin), Find::Range { last, step, .. }) = (k.begin, k.find) else {
            continue;
        };
        let begin = i64::from(begin);
        let last = if last >= 0 { begin + i64::from(last) } else { i64::from(last) };
        range = match range {
            None => Some((begin, last, i64::from(step))),
            Some((first, before, 1)) if step == 1 && before == begin - 1 => Some((first, last, 1)),
            other => other,
        };
    }
    range.unwrap_or((0, 0, 0))
}

/// Hints for clients that know several nodes: what the route says, unless the command says it itself, then its own.
fn tips_of(spec: &Spec) -> Vec<&'static str> {
    let mut tips = Vec::new();
    if !spec.tips.iter().any(|tip| tip.starts_with("request_policy:")) {
        let (request, merge) = match spec.route {
            Route::Keys(Multi::Split(merge)) => (Some("request_policy:multi_shard"), Some(merge)),
            Route::Every(merge @ (Merge::AllOk | Merge::Sum | Merge::Concat)) => {
                let is_for_nodes = spec.flags.has(Flags::ADMIN);
                (Some(if is_for_nodes { "request_policy:all_nodes" } else { "request_policy:all_shards" }), Some(merge))
            }
            _ => (None, None),
        };
        tips.extend(request);
        tips.extend(match merge {
            Some(Merge::AllOk) => Some("response_policy:all_succeeded"),
            Some(Merge::Sum) => Some("response_policy:agg_sum"),
            _ => None,
        });
    }
    tips.extend(spec.tips);
    tips
}

fn key_spec(out: &mut Out, k: &KeySpec) {
    out.map(if k.notes.is_empty() { 3 } else { 4 });
    if !k.notes.is_empty() {
        out.bulk(b"notes");
        out.bulk(k.notes.as_bytes());
    }
    out.bulk(b"flags");
    let names: Vec<&str> = k.access.names().collect();
    words(out, &names, "");
    out.bulk(b"begin_search");
    match k.begin {
        _ if matches!(k.find, Find::Unknown) => part(out, "unknown", &[]),
        Begin::Index(i) => part(out, "index", &[("index", Value::Number(i64::from(i)))]),
        Begin::Keyword(word, from) => {
            part(out, "keyword", &[("keyword", Value::Text(word)), ("startfrom", Value::Number(i64::from(from)))]);
        }
    }
    out.bulk(b"find_keys");
    let number = |n: u8| Value::Number(i64::from(n));
    match k.find {
        Find::Range { last, step, limit } => {
            let last = Value::Number(i64::from(last));
            part(out, "range", &[("lastkey", last), ("keystep", number(step)), ("limit", number(limit))]);
        }
        Find::Count { count, first, step } => {
            part(out, "keynum", &[("keynumidx", number(count)), ("firstkey", number(first)), ("keystep", number(step))]);
        }
        Find::Unknown => part(out, "unknown", &[]),
    }
}

enum Value {
    Number(i64),
    Text(&'static str),
}

/// `type` and `spec` of a half of a key spec.
fn part(out: &mut Out, kind: &str, fields: &[(&str, Value)]) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(fields.len());
    for (name, value) in fields {
        out.bulk(name.as_bytes());
        match value {
            Value::Number(n) => out.int(*n),
            Value::Text(text) => out.bulk(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Category;
    use crate::spec::Access;

    #[test]
    fn old_ranges_cover_ranges_that_follow_each_other() {
        let one = |i| KeySpec::one(i, Access::RO);
        assert_eq!(legacy_range(&[]), (0, 0, 0));
        assert_eq!(legacy_range(&[one(1)]), (1, 1, 1));
        assert_eq!(legacy_range(&[one(1), one(2)]), (1, 2, 1));
        assert_eq!(legacy_range(&[one(2), KeySpec::range(3, -1, 1, Access::RO)]), (2, -1, 1));
        assert_eq!(legacy_range(&[KeySpec::range(1, -1, 2, Access::OW)]), (1, -1, 2));
        assert_eq!(legacy_range(&[KeySpec::counted(1, 1, Access::RO)]), (0, 0, 0));
        assert_eq!(legacy_range(&[one(1), KeySpec::counted(2, 1, Access::RO)]), (1, 1, 1));
    }

    #[test]
    fn readers_are_in_the_category_of_reads() {
        let spec = Spec { flags: Flags::READONLY, ..Spec::DEFAULT };
        assert_eq!(categories_of(&spec), Category::READ.and(Category::SLOW));
    }
}
