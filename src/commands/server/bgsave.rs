//! BGSAVE [SCHEDULE]: begins a snapshot. While the log is being rewritten it is refused, or begins after that with SCHEDULE.
//! Ref: redis.io/commands/bgsave

use super::shared::{SAVER, is_rewriting, is_saving};
use crate::spec::persist::Wish;
use crate::spec::{Arg, Call, Group, Outcome, Refusal, Route, Spec, route::first_core};

pub const SPEC: Spec = Spec {
    name: "BGSAVE",
    group: Group::Server,
    summary: "Writes a snapshot of all databases in the background.",
    cost: "O(1)",
    arity: -1,
    flags: SAVER,
    args: &[Arg::word("schedule", "SCHEDULE").optional().since("3.2.2")],
    route: Route::Pick(first_core),
    history: &[("3.2.2", "Takes `SCHEDULE`.")],
    run,
    cases: "
        > BGSAVE nonsense     -ERR syntax error
        > BGSAVE SCHEDULE x   -ERR syntax error
        > BGSAVE SCHEDULE     ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let schedules = match call.args.len() {
        1 => false,
        2 if call.args.is(1, "SCHEDULE") => true,
        _ => return Err(Refusal::SYNTAX),
    };
    if is_saving(call.shard) {
        return Err(Refusal::SAVING);
    }
    if is_rewriting(call.shard) {
        if !schedules && !call.origin.in_multi {
            return Err(Refusal::SAVE_BLOCKED);
        }
        call.shard.persist.is_save_scheduled = true;
        call.out.simple("Background saving scheduled");
        return Ok(());
    }
    call.shard.wishes.push(Wish::BackgroundSave);
    // What EXEC asks for begins after the block, as in Redis.
    call.out.simple(if call.origin.in_multi { "Background saving scheduled" } else { "Background saving started" });
    Ok(())
}
