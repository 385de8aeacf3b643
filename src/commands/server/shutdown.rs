//! SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]: ends the server. Success has no reply: the connection closes.
//! What has to be saved is saved first; if that fails (and FORCE does not say that it may) the server goes on and the client has an error.
//! Ref: redis.io/commands/shutdown

use super::shared::{OPERATOR, is_rewriting, is_saving};
use crate::spec::persist::Wish;
use crate::spec::request::{Request, Shutdown};
use crate::spec::{Arg, Call, Flags, Group, Outcome, Refusal, Route, Shard, Spec, route::first_core};

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
    route: Route::Pick(first_core),
    defers: true,
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
    let (mut save, mut nosave, mut now, mut force, mut abort) = (false, false, false, false, false);
    for i in 1..args.len() {
        let place = [("NOSAVE", &mut nosave), ("SAVE", &mut save), ("NOW", &mut now), ("FORCE", &mut force), ("ABORT", &mut abort)]
            .into_iter()
            .find(|(word, _)| args.is(i, word));
        *place.ok_or(Refusal::SYNTAX)?.1 = true;
    }
    if (save && nosave) || (abort && (save || nosave || now || force)) {
        return Err(Refusal::SYNTAX);
    }
    if abort {
        if !is_ending(call.shard) {
            return Err(Refusal::NO_SHUTDOWN);
        }
        call.shard.wishes.push(Wish::AbortShutdown);
        call.out.ok();
        return Ok(());
    }
    let was_ending = is_ending(call.shard);
    // While keys are being loaded there is nothing to save, and what is in the file is more than what is here.
    let saves = match (save, nosave || call.shard.persist.is_loading()) {
        (_, true) => Some(false),
        (true, false) => Some(true),
        (false, false) => None,
    };
    if !was_ending && !has_to_write(call.shard, saves) {
        call.shard.requests.push(Request::Shutdown(Shutdown { now, force, abort: false }));
        return Ok(());
    }
    let ask = call.defer();
    call.shard.wishes.push(Wish::AwaitEnd(ask));
    if !was_ending {
        call.shard.wishes.push(Wish::Shutdown { saves, now, force });
    }
    Ok(())
}

/// Whether a shutdown is under way, or will be after this turn.
fn is_ending(shard: &Shard) -> bool {
    shard.persist.is_ending || shard.wishes.iter().any(|wish| matches!(wish, Wish::Shutdown { .. }))
}

/// Whether files have to be written, or put away, before the process may end.
fn has_to_write(shard: &Shard, saves: Option<bool>) -> bool {
    let figures = &shard.persist;
    let has_log = figures.log_is_on || shard.config.appendonly;
    saves.unwrap_or(!shard.config.save.0.is_empty()) || has_log || figures.is_loading() || is_saving(shard) || is_rewriting(shard)
}

#[cfg(test)]
mod tests {
    use crate::commands::tests::{call, shard, words};
    use crate::spec::Shard;
    use crate::spec::persist::{Ask, Wish};
    use crate::spec::request::{Request, Shutdown};

    fn wishes(shard: &mut Shard, line: &str) -> Vec<Wish> {
        call(shard, &words(line));
        std::mem::take(&mut shard.wishes)
    }

    #[test]
    fn without_anything_to_save_the_node_may_stop_at_once() {
        let mut shard = shard();
        shard.config.save.0.clear();
        assert_eq!(wishes(&mut shard, "SHUTDOWN"), []);
        assert_eq!(shard.requests, [Request::Shutdown(Shutdown::default())]);
        assert_eq!(shard.deferred, None);
    }

    #[test]
    fn what_has_to_be_saved_is_wished_first() {
        let mut shard = shard();
        shard.config.save.0.clear();
        let ends = |saves, now, force| Wish::Shutdown { saves, now, force };
        assert_eq!(wishes(&mut shard, "SHUTDOWN SAVE NOW"), [Wish::AwaitEnd(Ask(1)), ends(Some(true), true, false)]);
        shard.persist.log_is_on = true;
        assert_eq!(wishes(&mut shard, "SHUTDOWN NOSAVE FORCE"), [Wish::AwaitEnd(Ask(2)), ends(Some(false), false, true)]);
        shard.persist.log_is_on = false;
        shard.config.save.0.push((1, 1));
        assert_eq!(wishes(&mut shard, "SHUTDOWN"), [Wish::AwaitEnd(Ask(3)), ends(None, false, false)]);
        shard.persist.is_ending = true;
        assert_eq!(wishes(&mut shard, "SHUTDOWN NOSAVE"), [Wish::AwaitEnd(Ask(4))], "one is under way");
        assert_eq!(wishes(&mut shard, "SHUTDOWN ABORT"), [Wish::AbortShutdown]);
    }
}
