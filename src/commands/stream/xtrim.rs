//! XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]: removes old entries.
//! Ref: redis.io/commands/xtrim

use super::shared::is_stream_to_write;
use super::trimming::{self, POLICY, Plan, Refs, TRIM, Trimmed, record_rest};
use crate::data::stream::Stream;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XTRIM",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Removes entries from the front of a stream.",
    cost: "O(N), N entries removed; whole blocks go at once",
    arity: -4,
    flags: Flags::WRITE,
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[Arg::key("key"), TRIM, POLICY],
    route: Route::Keys(Multi::Single),
    history: &[("6.2.0", "Accepts MINID and LIMIT."), ("8.2.0", "Accepts KEEPREF, DELREF and ACKED.")],
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > XTRIM x FOO 1               -ERR syntax error
        > XTRIM x MAXLEN ~            -ERR value is not an integer or out of range
        > XTRIM x MAXLEN -1           -ERR The MAXLEN argument must be >= 0.
        > XTRIM x MINID a             -ERR Invalid stream ID specified as stream command argument
        > XTRIM x LIMIT 1             -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        > XTRIM x LIMIT 0             -ERR syntax error, XTRIM must be called with a trimming strategy
        > XTRIM x MAXLEN = 1 LIMIT 1  -ERR syntax error, LIMIT cannot be used without the special ~ option
        > XTRIM x MAXLEN 1            :0
        > SET s v                     +OK
        > XTRIM s MAXLEN 1            -WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD x 1 a 1                $1-0
        > XADD x 2 a 2                $2-0
        > XADD x 3 a 3                $3-0
        > XADD x 4 a 4                $4-0
        > XTRIM x MAXLEN ~ 1          :0
        > XTRIM x MAXLEN 3            :1
        > XTRIM x MINID = 3           :1
        > XRANGE x - +                [[3-0, [a, 3]], [4-0, [a, 4]]]
        > XTRIM x MAXLEN ~ 0 LIMIT 1  :0
        > XTRIM x MAXLEN ~ 0          :2
        > XLEN x                      :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let plan = trimming::plan(&call.args, false, call.shard.config.stream_node_max_entries)?;
    let Some(trim) = plan.trim else { return Err(Refusal::SYNTAX) };
    if !is_stream_to_write(call, 1)? {
        call.out.int(0);
        return Ok(());
    }
    let (key, is_on) = (call.key(1), call.shard.fx.is_on);
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let trimmed = trimming::trim(stream, &trim, plan.refs);
        let exact = is_on.then(|| trimming::exact_words(stream, &trim));
        let changes = trimmed.removed;
        ((trimmed, exact), changes)
    });
    let (trimmed, exact) = edited.ok_or(Refusal::ARENA_FULL)?.out;
    call.out.int(trimmed.removed as i64);
    if trimmed.removed > 0 {
        call.event(Class::Stream, "xtrim", 1);
        if let Some(exact) = exact {
            record(call, &plan, &trimmed, &exact);
        }
    }
    Ok(())
}

fn record(call: &mut Call, plan: &Plan, trimmed: &Trimmed, exact: &[Vec<u8>; 3]) {
    let key = call.arg(1);
    call.no_effect();
    if plan.refs != Refs::Acked {
        let [how, sign, threshold] = exact;
        call.effect(&[b"XTRIM", key, how, sign, threshold]);
    }
    record_rest(call, trimmed);
}
