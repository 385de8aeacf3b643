//! WAITAOF numlocal numreplicas timeout: waits until everything written before is on disk, here and on so many replicas. There are no
//! replicas, so whoever wants any waits for the whole time.
//! Ref: redis.io/commands/waitaof

use crate::base::num::parse_i64;
use crate::config::kinds::AppendFsync;
use crate::spec::persist::{Wish, waited};
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Route, Spec, route::first_core};

pub const SPEC: Spec = Spec {
    name: "WAITAOF",
    since: "7.2.0",
    group: Group::Generic,
    summary: "Waits until what was written before is on disk.",
    cost: "O(1)",
    arity: 4,
    flags: Flags::BLOCKING,
    categories: Category::CONNECTION,
    args: &[Arg::integer("numlocal"), Arg::integer("numreplicas"), Arg::integer("timeout")],
    route: Route::Pick(first_core),
    defers: true,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    run,
    cases: "
        > WAITAOF 0 0                       -ERR wrong number of arguments for 'waitaof' command
        > WAITAOF x 0 0                     -ERR value is not an integer or out of range
        > WAITAOF 2 -1 -1                   -ERR value is out of range, value must between 0 and 1
        > WAITAOF -1 0 0                    -ERR value is out of range, value must between 0 and 1
        > WAITAOF 1 -1 -1                   -ERR value is out of range, must be positive
        > WAITAOF 1 x 0                     -ERR value is out of range, must be positive
        > WAITAOF 1 0 x                     -ERR timeout is not an integer or out of range
        > WAITAOF 1 0 -1                    -ERR timeout is negative
        > WAITAOF 1 0 9223372036854775807   -ERR timeout is out of range
        > WAITAOF 0 0 0                     [?, :0]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let local = parse_i64(call.arg(1)).ok_or(Refusal::NOT_INTEGER)?;
    if !(0..=1).contains(&local) {
        return Err(Refusal::fixed("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = parse_i64(call.arg(2)).filter(|n| *n >= 0).ok_or(Refusal::OUT_OF_RANGE_POSITIVE)?;
    let until = call.timeout_millis(3)?;
    let (has_log, syncs_always) = (call.shard.persist.log_is_on, call.shard.config.appendfsync == AppendFsync::Always);
    if local == 1 && !has_log {
        return Err(Refusal::NO_LOG);
    }
    if call.origin.in_multi {
        // What was answered before the block is on disk under `always`; otherwise nobody knows without asking all cores.
        call.out.raw(waited(has_log && syncs_always));
        return Ok(());
    }
    if replicas == 0 && !has_log {
        call.out.raw(waited(false));
        return Ok(());
    }
    let ask = call.defer();
    if replicas > 0 {
        let reply = (!has_log).then(|| waited(false).to_vec());
        call.shard.wishes.push(Wish::Hold { ask, until, reply });
    }
    if has_log {
        // Who does not want to wait for the log is told how it is now.
        let until = if local == 0 && replicas == 0 { call.now } else { until };
        call.shard.wishes.push(Wish::WaitDurable { ask, until });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::tests::{call, shard, words};
    use crate::spec::persist::{Ask, Wish};
    use crate::spec::{Refusal, Shard};

    fn ask(shard: &mut Shard, line: &str) -> (Vec<u8>, Vec<Wish>) {
        let reply = call(shard, &words(line));
        (reply, std::mem::take(&mut shard.wishes))
    }

    #[test]
    fn who_wants_replicas_waits_for_the_whole_time_and_who_wants_the_log_until_it_is_on_disk() {
        let (shard, now) = (&mut shard(), crate::commands::tests::NOW);
        assert_eq!(ask(shard, "WAITAOF 0 0 50"), (b"*2\r\n:0\r\n:0\r\n".to_vec(), vec![]));
        let reply = Some(b"*2\r\n:0\r\n:0\r\n".to_vec());
        assert_eq!(ask(shard, "WAITAOF 0 1 50"), (vec![], vec![Wish::Hold { ask: Ask(1), until: now + 50, reply }]));
        assert_eq!(ask(shard, "WAITAOF 1 0 0").0, [b"-".as_slice(), Refusal::NO_LOG.as_bytes(), b"\r\n"].concat());
        shard.persist.log_is_on = true;
        assert_eq!(ask(shard, "WAITAOF 1 0 0").1, [Wish::WaitDurable { ask: Ask(2), until: 0 }]);
        assert_eq!(ask(shard, "WAITAOF 0 0 0").1, [Wish::WaitDurable { ask: Ask(3), until: now }]);
        let both = [Wish::Hold { ask: Ask(4), until: now + 9, reply: None }, Wish::WaitDurable { ask: Ask(4), until: now + 9 }];
        assert_eq!(ask(shard, "WAITAOF 1 2 9").1, both);
        assert_eq!(shard.deferred.take(), Some(Ask(4)));
    }
}
