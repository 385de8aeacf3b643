//! MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]: stores several strings with one time to live.
//! Ref: redis.io/commands/msetex

use super::options::{Condition, Expiry, Options, Reader, options};
use super::shared::{store, ttl_of};
use crate::base::num::parse_i64;
use crate::keyspace::Look;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};
use crate::spec::{effect::Class, route::same_db};

pub const SPEC: Spec = Spec {
    name: "MSETEX",
    since: "8.4.0",
    group: Group::String,
    summary: "Sets several keys to string values with one time to live, if none or all of them exist.",
    cost: "O(N), N pairs",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    categories: Category::STRING,
    keys: &[KeySpec::counted(1, 2, Access::OW.and(Access::UPDATE))],
    args: &[Arg::integer("numkeys"), Arg::block("data", &[Arg::key("key"), Arg::string("value")]).multiple(), Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")]).optional(), Arg::one_of("expiration", &[Arg::integer("seconds").token("EX"), Arg::integer("milliseconds").token("PX"), Arg::unix_time("unix-time-seconds").token("EXAT"), Arg::unix_time("unix-time-milliseconds").token("PXAT"), Arg::word("keepttl", "KEEPTTL")]).optional()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: "
        > MSETEX 1 a                   -ERR wrong number of arguments for 'msetex' command    # stock: skip
        > MSETEX 0 a 1                 -ERR invalid numkeys value    # stock: skip
        > MSETEX x a 1                 -ERR invalid numkeys value    # stock: skip
        > MSETEX 2 a 1 b               -ERR wrong number of key-value pairs    # stock: skip
        > MSETEX 1 a 1 NX XX           -ERR syntax error    # stock: skip
        > MSETEX 1 a 1 EX 0            -ERR invalid expire time in 'msetex' command    # stock: skip
        > MSETEX 2 a 1 b 2 XX          :0    # stock: skip
        > MSETEX 2 a 1 b 2 NX EX 100   :1    # stock: skip
        > MSETEX 2 c 1 b 3 NX          :0    # stock: skip
        > MSETEX 2 a 3 a 4 XX KEEPTTL  :1    # stock: skip
        > TTL a                        :100    # stock: skip
        > MGET a b c                   [4, 2, nil]    # stock: skip
        > MSETEX 1 a 5                 :1    # stock: skip
        > TTL a                        :-1    # stock: skip
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let count = parse_i64(call.arg(1))
        .and_then(|n| i32::try_from(n).ok())
        .filter(|n| *n > 0);
    let count = count.ok_or(Refusal::fixed("ERR invalid numkeys value"))? as usize;
    let end = 2 + 2 * count;
    if end > call.args.len() {
        return Err(Refusal::fixed("ERR wrong number of key-value pairs"));
    }
    let Options {
        expiry, condition, ..
    } = options(&call.args, end, Reader::MsetEx)?;
    let at = expiry.moment(call.now, "msetex")?;
    if condition != Condition::Always && !all_are(call, end, condition == Condition::Present) {
        call.out.int(0);
        return Ok(());
    }
    for i in (2..end).step_by(2) {
        let value = call.arg(i + 1);
        store(call, i, value, ttl_of(expiry, at))?;
        if at.is_some() {
            call.event(Class::Generic, "expire", i);
        }
    }
    record(call, end, expiry == Expiry::Keep, at);
    call.out.int(1);
    Ok(())
}

/// Whether all keys exist, or none of them does.
fn all_are(call: &mut Call, end: usize, present: bool) -> bool {
    (2..end).step_by(2).all(|i| {
        let key = call.key(i);
        call.shard
            .ks
            .find(call.db, &key, call.now, Look::Write)
            .is_some()
            == present
    })
}

/// One SET for each pair: older servers understand it and every core can take its own.
fn record(call: &mut Call, end: usize, keep: bool, at: Option<i64>) {
    let mut digits = itoa::Buffer::new();
    let at = at.map(|at| digits.format(at).as_bytes());
    for i in (2..end).step_by(2) {
        let (key, value) = (call.arg(i), call.arg(i + 1));
        match at {
            Some(at) => call.effect(&[b"SET", key, value, b"PXAT", at]),
            None if keep => call.effect(&[b"SET", key, value, b"KEEPTTL"]),
            None => call.effect(&[b"SET", key, value]),
        }
    }
}
