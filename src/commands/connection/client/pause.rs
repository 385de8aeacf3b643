//! CLIENT PAUSE timeout [WRITE|ALL] and UNPAUSE: lets commands wait. Every core keeps its own copy of the pause; the engine
//! obeys it.
//! Ref: redis.io/commands/client-pause

use super::OPERATOR;
use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::spec::shard::Pause;
use crate::spec::{Arg, Call, Category, Group, Merge, Outcome, Refusal, Route, Spec};

pub const PAUSE: Spec = Spec {
    name: "PAUSE",
    since: "3.0.0",
    group: Group::Connection,
    summary: "Makes commands wait for some time.",
    arity: -3,
    flags: OPERATOR,
    categories: Category::CONNECTION,
    args: &[
        Arg::integer("timeout"),
        Arg::one_of("mode", &[Arg::word("write", "WRITE"), Arg::word("all", "ALL")]).optional().since("6.2.0"),
    ],
    route: Route::Every(Merge::Custom(parts::all_ok)),
    history: &[("6.2.0", "Takes a mode, so that commands which do not write may go on.")],
    run: pause,
    cases: "
        > CLIENT PAUSE                        -ERR wrong number of arguments for 'client|pause' command
        > CLIENT PAUSE 1 WRITE x              -ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.
        > CLIENT PAUSE 10 nonsense            -ERR CLIENT PAUSE mode must be WRITE or ALL
        > CLIENT PAUSE x                      -ERR timeout is not an integer or out of range
        > CLIENT PAUSE -1                     -ERR timeout is negative
        > CLIENT PAUSE 9223372036854775807    -ERR timeout is out of range
        > CLIENT PAUSE 100000 WRITE           +OK
        > CLIENT UNPAUSE                      +OK
    ",
    ..Spec::DEFAULT
};

pub const UNPAUSE: Spec = Spec {
    name: "UNPAUSE",
    since: "6.2.0",
    group: Group::Connection,
    summary: "Ends a pause, so that waiting commands go on.",
    cost: "O(N), N waiting clients",
    arity: 2,
    flags: OPERATOR,
    categories: Category::CONNECTION,
    route: Route::Every(Merge::Custom(parts::all_ok)),
    run: unpause,
    ..Spec::DEFAULT
};

fn pause(call: &mut Call) -> Outcome {
    let args = call.args;
    if args.len() > 4 {
        return Err(Refusal::subcommand_or_arity(args.get(1), "CLIENT"));
    }
    let writes_only = args.is(3, "WRITE");
    if args.len() == 4 && !writes_only && !args.is(3, "ALL") {
        return Err(Refusal::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL"));
    }
    let timeout = parse_i64(args.get(2)).ok_or(Refusal::TIMEOUT_NOT_INTEGER)?;
    if timeout < 0 {
        return Err(Refusal::TIMEOUT_NEGATIVE);
    }
    let until_ms = call.now.checked_add(timeout).ok_or(Refusal::TIMEOUT_RANGE)?;
    let pause = combined(call.shard.pause, Pause { until_ms, writes_only }, call.now);
    call.shard.begin_pause(pause);
    parts::send(call, &[]);
    Ok(())
}

/// A pause on top of one that may still last: the later end and the stricter mode count.
fn combined(old: Pause, new: Pause, now: i64) -> Pause {
    if old.until_ms <= now {
        return new;
    }
    Pause { until_ms: old.until_ms.max(new.until_ms), writes_only: old.writes_only && new.writes_only }
}

fn unpause(call: &mut Call) -> Outcome {
    call.shard.end_pause();
    parts::send(call, &[]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_pause_never_shortens_or_softens_the_first() {
        let strict = Pause { until_ms: 100, writes_only: false };
        let later = Pause { until_ms: 200, writes_only: true };
        assert_eq!(combined(strict, later, 50), Pause { until_ms: 200, writes_only: false });
        assert_eq!(combined(strict, later, 100), later, "the first is over");
        assert_eq!(combined(later, strict, 50), Pause { until_ms: 200, writes_only: false });
    }
}
