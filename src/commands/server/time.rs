//! TIME: the server's clock, seconds and microseconds. The clock is read once a turn in milliseconds.
//! Ref: redis.io/commands/time

use crate::spec::{Call, Flags, Group, Outcome, Spec};

pub const SPEC: Spec = Spec {
    name: "TIME",
    since: "2.6.0",
    group: Group::Server,
    summary: "Returns the server's time.",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > TIME x   -ERR wrong number of arguments for 'time' command
        > TIME     [?, ?]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let now = call.now.max(0);
    call.out.array(2);
    call.out.bulk_int(now / 1000);
    call.out.bulk_int(now % 1000 * 1000);
    Ok(())
}
