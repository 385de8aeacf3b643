//! SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]: ends the server. Success has no reply: the connection closes.
//! There are no snapshots yet, so SAVE cannot be obeyed and is refused unless FORCE says that failing is all right.
//! Ref: redis.io/commands/shutdown

use super::shared::OPERATOR;
use crate::spec::request::{Request, Shutdown};
use crate::spec::{Arg, Call, Flags, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "SHUTDOWN",
    group: Group::Server,
    summary: "Ends the server.",
    cost: "O(N) with a snapshot of N keys, O(1) without",
    arity: -1,
    flags: OPERATOR.and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY),
    args: &[
        Arg::one_of("save-selector", &[Arg::word("nosave", "NOSAVE"), Arg::word("save", "SAVE")]).optional(),
        Arg::word("now", "NOW").optional().since("7.0.0"),
        Arg::word("force", "FORCE").optional().since("7.0.0"),
        Arg::word("abort", "ABORT").optional().since("7.0.0"),
    ],
    history: &[("7.0.0", "Takes `NOW`, `FORCE` and `ABORT`.")],
    run,
    cases: "
        > SHUTDOWN nonsense      -ERR syntax error
        > SHUTDOWN SAVE NOSAVE   -ERR syntax error
        > SHUTDOWN ABORT NOW     -ERR syntax error
        > SHUTDOWN ABORT         -ERR No shutdown in progress.
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let mut how = Shutdown::default();
    let (mut save, mut nosave) = (false, false);
    for i in 1..args.len() {
        let place =
            [("NOSAVE", &mut nosave), ("SAVE", &mut save), ("NOW", &mut how.now), ("FORCE", &mut how.force), ("ABORT", &mut how.abort)]
                .into_iter()
                .find(|(word, _)| args.is(i, word));
        *place.ok_or(Refusal::SYNTAX)?.1 = true;
    }
    if (save && nosave) || (how.abort && args.len() > 2) {
        return Err(Refusal::SYNTAX);
    }
    if how.abort {
        // Nothing delays a shutdown yet, so there is never one to call off.
        return Err(Refusal::NO_SHUTDOWN);
    }
    if save && !how.force {
        return Err(Refusal::SHUTDOWN_ERRORS);
    }
    call.shard.requests.push(Request::Shutdown(how));
    Ok(())
}
