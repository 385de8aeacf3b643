//! XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]: makes entries a consumer's that have been pending
//! for long, walking through them call by call.
//! Ref: redis.io/commands/xautoclaim

use super::claims::{Claim, claim_with, need_group};
use super::shared::{interval_start, reply_id};
use crate::base::num::parse_i64;
use crate::data::stream::{Group as ConsumerGroup, Id, Pending};
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XAUTOCLAIM",
    since: "6.2.0",
    group: Group::Stream,
    summary: "Makes a consumer the owner of entries that have been pending for long.",
    cost: "O(1) if COUNT is small",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::string("min-idle-time"),
        Arg::string("start"),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("justid", "JUSTID").optional(),
    ],
    route: Route::Keys(Multi::Single),
    history: &[("7.0.0", "Tells which entries were no longer there.")],
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > XAUTOCLAIM x g c a 0                  -ERR Invalid min-idle-time argument for XAUTOCLAIM
        > XAUTOCLAIM x g c 0 foo                -ERR Invalid stream ID specified as stream command argument
        > XAUTOCLAIM x g c 0 0 COUNT 0          -ERR COUNT must be > 0
        > XAUTOCLAIM x g c 0 0 COUNT a          -ERR COUNT must be > 0
        > XAUTOCLAIM x g c 0 0 FOO              -ERR syntax error
        > XAUTOCLAIM x g c 0 0                  -NOGROUP No such key 'x' or consumer group 'g'
        > XGROUP CREATE x g 0 MKSTREAM          +OK
        > XAUTOCLAIM x g c 0 0                  [0-0, [], []]
        > XADD x 1-1 a 1                        $1-1
        > XADD x 1-2 a 2                        $1-2
        > XADD x 1-3 a 3                        $1-3
        > XREADGROUP GROUP g c STREAMS x >      ?
        > XDEL x 1-2                            :1
        > XAUTOCLAIM x g d 3600000 0            [0-0, [], [1-2]]
        > XAUTOCLAIM x g d 0 - COUNT 1          [1-3, [[1-1, [a, 1]]], []]
        > XAUTOCLAIM x g d 0 1-3 JUSTID         [0-0, [1-3], []]
        > XPENDING x g - + 10                   [[1-1, d, ?, :2], [1-3, d, ?, :1]]
    ",
    ..Spec::DEFAULT
};

/// Entries looked at for each one that may be claimed.
const LOOKS: u64 = 10;
/// Greatest COUNT.
const COUNT_MAX: i64 = i64::MAX / 16;

struct Plan {
    min_idle: i64,
    start: Id,
    count: u64,
    just_id: bool,
}

fn plan(call: &Call) -> Result<Plan, Refusal> {
    let invalid = || Refusal::fixed("ERR Invalid min-idle-time argument for XAUTOCLAIM");
    let min_idle = parse_i64(call.arg(4)).ok_or_else(invalid)?.max(0);
    let mut plan = Plan { min_idle, start: interval_start(call.arg(5))?, count: 100, just_id: false };
    let mut i = 6;
    while i < call.args.len() {
        if call.args.is(i, "COUNT") && i + 1 < call.args.len() {
            let count = parse_i64(call.arg(i + 1)).filter(|count| (1..=COUNT_MAX).contains(count));
            plan.count = count.ok_or(Refusal::fixed("ERR COUNT must be > 0"))?.unsigned_abs();
            i += 1;
        } else if call.args.is(i, "JUSTID") {
            plan.just_id = true;
        } else {
            return Err(Refusal::SYNTAX);
        }
        i += 1;
    }
    Ok(plan)
}

fn run(call: &mut Call) -> Outcome {
    let plan = plan(call)?;
    need_group(call)?;
    claim_with(call, |claim, group, out| walk(claim, group, &plan, out))
}

/// Claims from `start` on; replies where to go on, what was claimed and what was no longer there.
fn walk(claim: &mut Claim, group: &mut ConsumerGroup, plan: &Plan, out: &mut Out) {
    let (mut looks, mut left) = (plan.count.saturating_mul(LOOKS), plan.count);
    let (mut next, mut claimed, mut gone) = (Some(plan.start), Vec::new(), Vec::new());
    while looks > 0
        && left > 0
        && let Some(from) = next
        && let Some((id, pending)) = group.pending(from, Id::MAX).next()
    {
        let pending = *pending;
        looks -= 1;
        next = id.next();
        if !claim.log.contains(id) {
            claim.forget(group, id, pending);
            gone.push(id);
            left -= 1;
        } else if plan.min_idle == 0 || claim.now.wrapping_sub(pending.time) >= plan.min_idle {
            let count = pending.count.saturating_add(u64::from(!plan.just_id));
            claim.give(group, id, Pending { time: claim.now, count, consumer: claim.number });
            claimed.push(id);
            left -= 1;
        }
    }
    let rest = next.and_then(|from| group.pending(from, Id::MAX).next()).map_or(Id::MIN, |(id, _)| id);
    out.array(3);
    reply_id(out, rest);
    out.array(claimed.len());
    claimed.iter().for_each(|id| claim.reply(out, *id, plan.just_id));
    out.array(gone.len());
    gone.iter().for_each(|id| reply_id(out, *id));
}
