//! XPENDING key group [[IDLE ms] start end count [consumer]]: what is pending in a group, in short or entry by entry.
//! Ref: redis.io/commands/xpending

use super::shared::{count_or_all, integer, interval_end, interval_start, no_group, read, reply_id};
use crate::data::stream::{Group as ConsumerGroup, Id, Pending};
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XPENDING",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Returns what is pending in a consumer group.",
    cost: "O(N), N entries looked at; in short form N consumers",
    arity: -3,
    flags: Flags::READONLY,
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        Arg::block(
            "filters",
            &[
                Arg::integer("min-idle-time").token("IDLE").optional().since("6.2.0"),
                Arg::string("start"),
                Arg::string("end"),
                Arg::integer("count"),
                Arg::string("consumer").optional(),
            ],
        )
        .optional(),
    ],
    route: Route::Keys(Multi::Single),
    history: &[("6.2.0", "Accepts IDLE and intervals without their start or end.")],
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > XPENDING x g -                       -ERR syntax error
        > XPENDING x g - + a                   -ERR value is not an integer or out of range
        > XPENDING x g IDLE a - + 1            -ERR value is not an integer or out of range
        > XPENDING x g IDLE 1 - +              -ERR syntax error
        > XPENDING x g foo + 1                 -ERR Invalid stream ID specified as stream command argument
        > XPENDING x g                         -NOGROUP No such key 'x' or consumer group 'g'
        > SET s v                              +OK
        > XPENDING s g                         -WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP CREATE x g 0 MKSTREAM         +OK
        > XPENDING x g                         [:0, nil, nil, nil]
        > XADD x 1-1 a 1                       $1-1
        > XADD x 1-2 a 2                       $1-2
        > XADD x 1-3 a 3                       $1-3
        > XREADGROUP GROUP g c COUNT 2 STREAMS x >   ?
        > XREADGROUP GROUP g b STREAMS x >     ?
        > XPENDING x g                         [:3, 1-1, 1-3, [[b, 1], [c, 2]]]
        > XPENDING x g - + 10                  [[1-1, c, ?, :1], [1-2, c, ?, :1], [1-3, b, ?, :1]]
        > XPENDING x g (1-1 + 1                [[1-2, c, ?, :1]]
        > XPENDING x g - + 10 b                [[1-3, b, ?, :1]]
        > XPENDING x g - + 10 d                []
        > XPENDING x g - + 0                   []
        > XPENDING x g IDLE 3600000 - + 10     []
    ",
    ..Spec::DEFAULT
};

/// Which entries are asked for.
struct Filter<'a> {
    min_idle: i64,
    from: Id,
    to: Id,
    count: i64,
    consumer: Option<&'a [u8]>,
}

fn filter<'a>(call: &Call<'a>) -> Result<Option<Filter<'a>>, Refusal> {
    let len = call.args.len();
    if len == 3 {
        return Ok(None);
    }
    if !(6..=9).contains(&len) {
        return Err(Refusal::SYNTAX);
    }
    let (mut at, mut min_idle) = (3, 0);
    if call.args.is(3, "IDLE") {
        min_idle = integer(call.arg(4))?;
        if len < 8 {
            return Err(Refusal::SYNTAX);
        }
        at = 5;
    }
    let count = integer(call.arg(at + 2))?.max(0);
    let (from, to) = (interval_start(call.arg(at))?, interval_end(call.arg(at + 1))?);
    Ok(Some(Filter { min_idle, from, to, count, consumer: call.args.try_get(at + 3) }))
}

fn run(call: &mut Call) -> Outcome {
    let filter = filter(call)?;
    let (name, now) = (call.arg(2), call.now);
    let told = read(call, 1, |stream, out| match (stream.group(name), &filter) {
        (None, _) => false,
        (Some(group), None) => {
            in_short(out, group);
            true
        }
        (Some(group), Some(filter)) => {
            entries(out, group, filter, now);
            true
        }
    })?;
    if told == Some(true) { Ok(()) } else { Err(no_group(call, 1, 2)) }
}

fn in_short(out: &mut Out, group: &ConsumerGroup) {
    out.array(4);
    out.int(group.pending_len() as i64);
    let Some((first, last)) = group.pending_edges() else {
        out.null();
        out.null();
        return out.null_array();
    };
    reply_id(out, first);
    reply_id(out, last);
    let busy = || group.consumers().filter(|consumer| consumer.pending_len() > 0);
    out.array(busy().count());
    for consumer in busy() {
        out.array(2);
        out.bulk(&consumer.name);
        out.bulk_int(consumer.pending_len() as i64);
    }
}

fn entries(out: &mut Out, group: &ConsumerGroup, filter: &Filter, now: i64) {
    let count = if filter.count == 0 { 0 } else { count_or_all(filter.count) };
    let is_old = |pending: &Pending| filter.min_idle == 0 || now.wrapping_sub(pending.time) >= filter.min_idle;
    let mark = out.deferred();
    let mut replied = 0;
    let mut reply = |id: Id, pending: &Pending| {
        out.array(4);
        reply_id(out, id);
        out.bulk(group.name(pending.consumer));
        out.int(now.wrapping_sub(pending.time).max(0));
        out.int(pending.count as i64);
        replied += 1;
    };
    match filter.consumer.map(|name| group.find(name).and_then(|number| group.consumer(number))) {
        None => {
            let all = group.pending(filter.from, filter.to).filter(|(_, pending)| is_old(pending));
            all.take(count).for_each(|(id, pending)| reply(id, pending));
        }
        Some(Some(consumer)) => {
            let own = consumer.pending(filter.from, filter.to).filter_map(|id| Some((id, group.get(id)?)));
            own.filter(|(_, pending)| is_old(pending)).take(count).for_each(|(id, pending)| reply(id, pending));
        }
        Some(None) => {}
    }
    out.fix_array(mark, replied);
}
