//! SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]: walks over the names of all keys in steps.
//! Ref: redis.io/commands/scan

use super::shared::Names;
use crate::base::{
    glob,
    num::{parse_i64, parse_u64},
};
use crate::commands::common::name_of;
use crate::keyspace::{Keyspace, owner_of};
use crate::spec::{Arg, Args, Call, Category, Flags, Group, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SCAN",
    since: "2.8.0",
    group: Group::Generic,
    summary: "Walks over the names of the keys in steps.",
    cost: "O(N) for a whole walk over N keys, O(1) for each call",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::KEYSPACE,
    args: &[
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::string("type").token("TYPE").optional().since("6.0.0"),
    ],
    route: Route::Pick(core_of),
    run,
    history: &[("6.0.0", "TYPE.")],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    cases: "
        > SCAN x               -ERR invalid cursor
        > SCAN 99999999999999999999    -ERR invalid cursor
        > SCAN 0 MATCH         -ERR syntax error
        > SCAN 0 COUNT 0       -ERR syntax error
        > SCAN 0 COUNT x       -ERR value is not an integer or out of range
        > SCAN 0 FOO bar       -ERR syntax error
        > SCAN 0 COUNT 10      [?, []]
    ",
    ..Spec::DEFAULT
};

/// The core that has the cursor's slot. Any will do where there is none: it refuses the cursor, or is at the end.
fn core_of(args: &Args, cores: usize) -> usize {
    let slot = args
        .try_get(1)
        .and_then(parse_u64)
        .and_then(Keyspace::cursor_slot);
    slot.map_or(0, |slot| owner_of(slot, cores))
}

/// What the words after the cursor say.
struct Plan<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    count: usize,
}

fn plan<'a>(args: &Args<'a>) -> Result<Plan<'a>, Refusal> {
    let mut plan = Plan {
        pattern: None,
        kind: None,
        count: 10,
    };
    let mut i = 2;
    while i < args.len() {
        let next = args.try_get(i + 1).ok_or(Refusal::SYNTAX)?;
        match () {
            () if args.is(i, "COUNT") => {
                let count = parse_i64(next).ok_or(Refusal::NOT_INTEGER)?;
                plan.count = usize::try_from(count)
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or(Refusal::SYNTAX)?;
            }
            () if args.is(i, "MATCH") => plan.pattern = (next != b"*").then_some(next),
            () if args.is(i, "TYPE") => plan.kind = Some(next),
            () => return Err(Refusal::SYNTAX),
        }
        i += 2;
    }
    Ok(plan)
}

fn run(call: &mut Call) -> Outcome {
    let cursor = parse_u64(call.arg(1)).ok_or(Refusal::INVALID_CURSOR)?;
    let plan = plan(&call.args)?;
    let now = call.now;
    let mut names = Names::default();
    let mut over: Vec<Vec<u8>> = Vec::new();
    let next = call
        .shard
        .ks
        .scan(call.db, cursor, plan.count, &mut |item| {
            let is_gone = item.expire_at().is_some_and(|at| at < now);
            let fits = |pattern| glob::matches(pattern, item.key(), false);
            let is_kind = |kind: &[u8]| kind.eq_ignore_ascii_case(name_of(item.kind()).as_bytes());
            if !plan.pattern.is_none_or(fits) {
                return;
            }
            if is_gone {
                over.push(item.key().to_vec());
            } else if plan.kind.is_none_or(is_kind) {
                names.push(item.key());
            }
        });
    // Whoever fits and is over goes, whatever its type: scanning is asking for a key.
    call.shard.ks.expire_met(call.db, &over, now);
    call.out.array(2);
    call.out.bulk(itoa::Buffer::new().format(next).as_bytes());
    names.reply(call.out);
    Ok(())
}
