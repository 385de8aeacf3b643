//! WAIT numreplicas timeout: waits until so many replicas have what was written before. There are none, so it answers 0 when the time
//! is over.
//! Ref: redis.io/commands/wait

use crate::base::num::parse_i64;
use crate::spec::persist::Wish;
use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Route, Spec, route::first_core};

pub const SPEC: Spec = Spec {
    name: "WAIT",
    since: "3.0.0",
    group: Group::Generic,
    summary: "Waits until replicas have what was written before.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::BLOCKING,
    categories: Category::CONNECTION,
    args: &[Arg::integer("numreplicas"), Arg::integer("timeout")],
    route: Route::Pick(first_core),
    defers: true,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    run,
    cases: "
        > WAIT 1                       -ERR wrong number of arguments for 'wait' command
        > WAIT x -1                    -ERR value is not an integer or out of range
        > WAIT 1 x                     -ERR timeout is not an integer or out of range
        > WAIT 1 -1                    -ERR timeout is negative
        > WAIT 1 9223372036854775807   -ERR timeout is out of range
        > WAIT 0 0                     :0
        > WAIT -3 0                    :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let replicas = parse_i64(call.arg(1)).ok_or(Refusal::NOT_INTEGER)?;
    let until = call.timeout_millis(2)?;
    if replicas <= 0 || call.origin.in_multi {
        call.out.int(0);
        return Ok(());
    }
    let ask = call.defer();
    call.shard.wishes.push(Wish::Hold { ask, until, reply: Some(b":0\r\n".to_vec()) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::tests::{NOW, call, shard, words};
    use crate::spec::persist::{Ask, Wish};

    #[test]
    fn it_answers_zero_when_its_time_is_over() {
        let mut shard = shard();
        assert_eq!(call(&mut shard, &words("WAIT 2 100")), b"");
        let expected = Wish::Hold { ask: Ask(1), until: NOW + 100, reply: Some(b":0\r\n".to_vec()) };
        assert_eq!((shard.wishes, shard.deferred), (vec![expected], Some(Ask(1))));
    }
}
