//! XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms | TIME unix-ms] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]:
//! makes pending entries another consumer's.
//! Ref: redis.io/commands/xclaim

use super::claims::{Claim, claim_with, need_group};
use super::shared::id;
use crate::base::num::parse_i64;
use crate::data::stream::{Group as ConsumerGroup, Id, Pending};
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XCLAIM",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Makes a consumer the owner of entries, as if they had been delivered to it.",
    cost: "O(log N) an ID, N entries pending",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::string("min-idle-time"),
        Arg::string("id").multiple(),
        Arg::integer("ms").token("IDLE").optional(),
        Arg::unix_time("unix-time-milliseconds").token("TIME").optional(),
        Arg::integer("count").token("RETRYCOUNT").optional(),
        Arg::word("force", "FORCE").optional(),
        Arg::word("justid", "JUSTID").optional(),
        Arg::string("lastid").token("LASTID").optional(),
    ],
    route: Route::Keys(Multi::Single),
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > XCLAIM x g c 0 1                     -NOGROUP No such key 'x' or consumer group 'g'
        > XGROUP CREATE x g 0 MKSTREAM         +OK
        > XCLAIM x h c 0 1                     -NOGROUP No such key 'x' or consumer group 'h'
        > XCLAIM x g c a 1                     -ERR Invalid min-idle-time argument for XCLAIM
        > XCLAIM x g c 0 1 FOO                 -ERR Unrecognized XCLAIM option 'FOO'
        > XCLAIM x g c 0 1 IDLE a              -ERR Invalid IDLE option argument for XCLAIM
        > XCLAIM x g c 0 1 TIME a              -ERR Invalid TIME option argument for XCLAIM
        > XCLAIM x g c 0 1 RETRYCOUNT a        -ERR Invalid RETRYCOUNT option argument for XCLAIM
        > XCLAIM x g c 0 1 LASTID a            -ERR Invalid stream ID specified as stream command argument
        > XADD x 1-1 a 1                       $1-1
        > XADD x 1-2 a 2                       $1-2
        > XREADGROUP GROUP g c STREAMS x >     ?
        > XCLAIM x g d 3600000 1-1             []
        > XCLAIM x g d 0 1-1 5-5               [[1-1, [a, 1]]]
        > XCLAIM x g d 0 1-2 JUSTID            [1-2]
        > XPENDING x g - + 10                  [[1-1, d, ?, :2], [1-2, d, ?, :1]]
        > XDEL x 1-1                           :1
        > XCLAIM x g c 0 1-1                   []
        > XPENDING x g                         [:1, 1-2, 1-2, [[d, 1]]]
        > XACK x g 1-2                         :1
        > XCLAIM x g c 0 1-2                   []
        > XCLAIM x g c 0 1-2 FORCE RETRYCOUNT 7   [[1-2, [a, 2]]]
        > XPENDING x g - + 10                  [[1-2, c, ?, :7]]
    ",
    ..Spec::DEFAULT
};

/// What the words say.
struct Plan {
    min_idle: i64,
    ids: Vec<Id>,
    /// When the entries count as delivered, unix ms.
    time: i64,
    retries: Option<u64>,
    force: bool,
    just_id: bool,
    last: Id,
}

fn number(word: &[u8], what: &str) -> Result<i64, Refusal> {
    parse_i64(word).ok_or_else(|| Refusal::text(format!("ERR Invalid {what} argument for XCLAIM")))
}

fn plan(call: &Call) -> Result<Plan, Refusal> {
    let args = &call.args;
    let min_idle = number(args.get(4), "min-idle-time")?.max(0);
    let ids: Vec<Id> = args.from(5).map_while(|word| id(word, 0).ok()).collect();
    let mut time = None;
    let mut plan = Plan { min_idle, ids, time: call.now, retries: None, force: false, just_id: false, last: Id::MIN };
    let mut i = 5 + plan.ids.len();
    while i < args.len() {
        let value = args.try_get(i + 1);
        match value {
            _ if args.is(i, "FORCE") => plan.force = true,
            _ if args.is(i, "JUSTID") => plan.just_id = true,
            Some(word) if args.is(i, "IDLE") => time = Some(call.now.wrapping_sub(number(word, "IDLE option")?)),
            Some(word) if args.is(i, "TIME") => time = Some(number(word, "TIME option")?),
            Some(word) if args.is(i, "RETRYCOUNT") => plan.retries = u64::try_from(number(word, "RETRYCOUNT option")?).ok(),
            Some(word) if args.is(i, "LASTID") => plan.last = id(word, 0)?,
            _ => return Err(Refusal::quoting([b"ERR Unrecognized XCLAIM option '", args.get(i), b"'"].concat())),
        }
        i += if args.is(i, "FORCE") || args.is(i, "JUSTID") { 1 } else { 2 };
    }
    plan.time = time.filter(|time| (0..=call.now).contains(time)).unwrap_or(call.now);
    Ok(plan)
}

fn run(call: &mut Call) -> Outcome {
    need_group(call)?;
    let plan = plan(call)?;
    claim_with(call, |claim, group, out| {
        let mut is_read_told = group.last >= plan.last;
        group.last = group.last.max(plan.last);
        let mark = out.deferred();
        let mut replied = 0;
        for id in &plan.ids {
            if claim_one(claim, group, *id, &plan, out) {
                replied += 1;
                is_read_told = true;
            }
        }
        if !is_read_told {
            claim.tale.read();
            claim.changes += 1;
        }
        out.fix_array(mark, replied);
    })
}

/// Claims one entry for the consumer and replies it; false if nothing was replied.
fn claim_one(claim: &mut Claim, group: &mut ConsumerGroup, id: Id, plan: &Plan, out: &mut Out) -> bool {
    let old = group.get(id).copied();
    if !claim.log.contains(id) {
        if let Some(old) = old {
            claim.forget(group, id, old);
        }
        return false;
    }
    let pending = match old {
        Some(old) if plan.min_idle > 0 && claim.now.wrapping_sub(old.time) < plan.min_idle => return false,
        Some(old) => old,
        None if plan.force => Pending { time: plan.time, count: 1, consumer: claim.number },
        None => return false,
    };
    let more = u64::from(!plan.just_id);
    let count = plan.retries.unwrap_or(pending.count.saturating_add(more));
    claim.give(group, id, Pending { time: plan.time, count, consumer: claim.number });
    claim.reply(out, id, plan.just_id);
    true
}
