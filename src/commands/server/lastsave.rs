//! LASTSAVE: Unix time of the last snapshot; without one, of the start.
//! Ref: redis.io/commands/lastsave

use super::shared::last_save;
use crate::spec::{Call, Category, Flags, Group, Outcome, Route, Spec, route::first_core};

pub const SPEC: Spec = Spec {
    name: "LASTSAVE",
    group: Group::Server,
    summary: "Returns the time of the last snapshot.",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Category::ADMIN.and(Category::DANGEROUS),
    route: Route::Pick(first_core),
    tips: &["nondeterministic_output"],
    run,
    cases: "
        > LASTSAVE x   -ERR wrong number of arguments for 'lastsave' command
        > LASTSAVE     ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    call.out.int(last_save(call.shard));
    Ok(())
}
