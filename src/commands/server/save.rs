//! SAVE: makes a snapshot and answers when its file is there. Other clients are served meanwhile.
//! Ref: redis.io/commands/save

use super::shared::{SAVER, is_saving};
use crate::spec::persist::Wish;
use crate::spec::{Call, Flags, Group, Outcome, Refusal, Route, Spec, route::first_core};

pub const SPEC: Spec = Spec {
    name: "SAVE",
    group: Group::Server,
    summary: "Writes a snapshot of all databases and waits for it.",
    cost: "O(N), N keys of all databases",
    arity: 1,
    flags: SAVER.and(Flags::NO_MULTI),
    route: Route::Pick(first_core),
    defers: true,
    run,
    cases: "
        > SAVE x   -ERR wrong number of arguments for 'save' command
        > SAVE     ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if is_saving(call.shard) {
        return Err(Refusal::SAVING);
    }
    let ask = call.defer();
    call.shard.wishes.push(Wish::Save(ask));
    Ok(())
}
