//! BGREWRITEAOF: begins to write the append-only log anew, as short as it can be. While a snapshot is being made it begins after that.
//! Ref: redis.io/commands/bgrewriteaof

use super::shared::{SAVER, is_rewriting, is_saving};
use crate::spec::persist::Wish;
use crate::spec::{Call, Group, Outcome, Refusal, Route, Spec, route::first_core};

pub const SPEC: Spec = Spec {
    name: "BGREWRITEAOF",
    group: Group::Server,
    summary: "Writes the append-only log anew in the background.",
    cost: "O(1)",
    arity: 1,
    flags: SAVER,
    route: Route::Pick(first_core),
    run,
    cases: "
        > BGREWRITEAOF x   -ERR wrong number of arguments for 'bgrewriteaof' command
        > BGREWRITEAOF     ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if is_rewriting(call.shard) {
        return Err(Refusal::REWRITING);
    }
    // Who asks by hand does not wait for the pause after failures.
    call.shard.persist.rewrite_failures = 0;
    // While a snapshot is on, the wish waits for its end.
    call.shard.wishes.push(Wish::RewriteLog);
    if is_saving(call.shard) {
        call.shard.persist.is_rewrite_scheduled = true;
    } else if !call.origin.in_multi {
        call.out.simple("Background append only file rewriting started");
        return Ok(());
    }
    call.out.simple("Background append only file rewriting scheduled");
    Ok(())
}
