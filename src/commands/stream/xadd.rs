//! XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value ...:
//! adds an entry at the end of a stream.
//! Ref: redis.io/commands/xadd

use super::shared::{NewId, Words, is_stream_to_write, reply_id};
use super::trimming::{self, Plan, Refs, Trimmed};
use crate::commands::common::{limits, wrote};
use crate::data::collection::Limits;
use crate::data::stream::{Facts, Id, Refused, Stream};
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XADD",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Adds an entry at the end of a stream, which is made if it is not there.",
    cost: "O(1), and O(N) with trimming, N entries removed",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE)).noted("Trimming takes entries away")],
    args: &[
        Arg::key("key"),
        Arg::word("nomkstream", "NOMKSTREAM").optional().since("6.2.0"),
        trimming::POLICY,
        trimming::TRIM.optional(),
        Arg::one_of("id-selector", &[Arg::word("auto-id", "*"), Arg::string("id")]),
        Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
    ],
    route: Route::Keys(Multi::Single),
    history: &[
        ("6.2.0", "Accepts NOMKSTREAM, MINID and LIMIT."),
        ("7.0.0", "Accepts IDs whose sequence is `*`."),
        ("8.2.0", "Accepts KEEPREF, DELREF and ACKED."),
    ],
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > XADD x * a                    -ERR wrong number of arguments for 'xadd' command
        > XADD x 1-1 a 1 b              -ERR wrong number of arguments for 'xadd' command
        > XADD x 0-0 a 1                -ERR The ID specified in XADD must be greater than 0-0
        > XADD x foo a 1                -ERR Invalid stream ID specified as stream command argument
        > XADD x - a 1                  -ERR Invalid stream ID specified as stream command argument
        > XADD x MAXLEN -1 * a 1        -ERR The MAXLEN argument must be >= 0.
        > XADD x MAXLEN a * a 1         -ERR value is not an integer or out of range
        > XADD x MAXLEN 1 MINID 1 * a 1   -ERR syntax error, MAXLEN and MINID options at the same time are not compatible
        > XADD x LIMIT 1 * a 1          -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        > XADD x MAXLEN 1 LIMIT 1 * a 1   -ERR syntax error, LIMIT cannot be used without the special ~ option
        > XADD x MAXLEN ~ 1 LIMIT -1 * a 1   -ERR The LIMIT argument must be >= 0.
        > XADD x NOMKSTREAM * a 1       nil
        > EXISTS x                      :0
        > SET s v                       +OK
        > XADD s * a 1                  -WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD x 0-* a 1                $0-1
        > XADD x 5 a 1                  $5-0
        > XADD x 5-* a 2                $5-1
        > XADD x 5-1 a 3                -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD x 4-* a 3                -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD x MAXLEN 2 7-0 a 3 b 4   $7-0
        > XRANGE x - +                  [[5-1, [a, 2]], [7-0, [a, 3, b, 4]]]
        > XADD x MINID = 7 8-0 a 5      $8-0
        > XLEN x                        :2
        > XADD x MAXLEN ~ 1 9-0 a 6     $9-0
        > XLEN x                        :3
        > XADD x 18446744073709551615-18446744073709551615 a 1   $18446744073709551615-18446744073709551615
        > XADD x * a 1                  -ERR The stream has exhausted the last possible ID, unable to add more items
        > XADD y * a 1                  ?
    ",
    ..Spec::DEFAULT
};

/// What was done.
struct Added {
    id: Id,
    trimmed: Trimmed,
    /// The exact words of the trimming, where somebody records them.
    exact: Option<[Vec<u8>; 3]>,
}

fn run(call: &mut Call) -> Outcome {
    let node_max_entries = call.shard.config.stream_node_max_entries;
    let plan = trimming::plan(&call.args, true, node_max_entries)?;
    let words = call.args.len().saturating_sub(plan.id_at + 1);
    if words < 2 || words % 2 == 1 {
        return Err(Refusal::arity("xadd"));
    }
    if plan.id == NewId::Full(Id::MIN) {
        return Err(Refusal::fixed("ERR The ID specified in XADD must be greater than 0-0"));
    }
    if !is_stream_to_write(call, 1)? && plan.no_mkstream {
        call.out.null();
        return Ok(());
    }
    let (key, now, limits, is_on) = (call.key(1), call.now, limits(call.shard), call.shard.fx.is_on);
    let words = Words { args: call.args, at: plan.id_at + 1 };
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| match add(stream, &plan, &words, now, &limits, is_on) {
        Ok(added) => (Ok(added), 1),
        Err(refusal) => (Err(refusal), 0),
    });
    let edited = edited.ok_or(Refusal::ARENA_FULL)?;
    let added = edited.out?;
    reply_id(call.out, added.id);
    wrote(call, edited.is_new, Class::Stream, "xadd", 1);
    if added.trimmed.removed > 0 {
        call.event(Class::Stream, "xtrim", 1);
    }
    if is_on {
        record(call, &plan, &added);
    }
    Ok(())
}

fn add(stream: &mut Stream, plan: &Plan, words: &Words, now: i64, limits: &Limits, is_on: bool) -> Result<Added, Refusal> {
    let too_small = Refusal::fixed("ERR The ID specified in XADD is equal or smaller than the target stream top item");
    if stream.facts.last == Id::MAX {
        return Err(Refusal::fixed("ERR The stream has exhausted the last possible ID, unable to add more items"));
    }
    let id = next_id(&stream.facts, plan.id, now).ok_or_else(|| too_small.clone())?;
    let size = words.args.from(words.at).map(|word| word.len() as u64).sum();
    stream.append(id, words, size, limits).map_err(|why| match why {
        Refused::Order => too_small,
        Refused::Size => Refusal::fixed("ERR Elements are too large to be stored"),
    })?;
    let mut added = Added { id, trimmed: Trimmed::default(), exact: None };
    if let Some(trim) = &plan.trim {
        added.trimmed = trimming::trim(stream, trim, plan.refs);
        added.exact = is_on.then(|| trimming::exact_words(stream, trim));
    }
    Ok(added)
}

/// The ID of the new entry; `None` if there is none left in its millisecond.
fn next_id(facts: &Facts, id: NewId, now: i64) -> Option<Id> {
    match id {
        NewId::Full(id) => Some(id),
        NewId::Within(ms) if ms == facts.last.ms => facts.last.seq.checked_add(1).map(|seq| Id::new(ms, seq)),
        NewId::Within(ms) => Some(Id::new(ms, 0)),
        NewId::Auto => {
            let now = Id::new(now.unsigned_abs(), 0);
            if now.ms > facts.last.ms { Some(now) } else { facts.last.next() }
        }
    }
}

/// Records the call with the ID that the entry got and the trimming as it came out.
fn record(call: &mut Call, plan: &Plan, added: &Added) {
    let is_plain = plan.refs == Refs::Keep && !call.args.from(2).take(plan.id_at - 2).any(|word| Refs::of(word).is_some());
    let is_exact = plan.trim.is_none_or(|trim| !trim.is_about);
    if is_plain && is_exact && matches!(plan.id, NewId::Full(_)) {
        return;
    }
    let (key, id, args) = (call.arg(1), added.id.text(), call.args);
    let mut words: Vec<&[u8]> = vec![b"XADD", key];
    if plan.no_mkstream {
        words.push(b"NOMKSTREAM");
    }
    if let Some(exact) = added.exact.as_ref().filter(|_| plan.refs != Refs::Acked) {
        words.extend(exact.iter().map(|word| &word[..]));
    }
    words.push(&id);
    words.extend(args.from(plan.id_at + 1));
    call.effect(&words);
    trimming::record_rest(call, &added.trimmed);
}
