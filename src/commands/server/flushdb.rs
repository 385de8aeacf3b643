//! FLUSHDB [ASYNC | SYNC]: removes every key of the database. Either way they are gone at once and their memory is given
//! back in slices, so that no core stops for it.
//! Ref: redis.io/commands/flushdb

use super::shared::{check_flush_words, flush};
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Route, Spec};

const MODES: &[Arg] = &[Arg::word("async", "ASYNC").since("4.0.0"), Arg::word("sync", "SYNC").since("6.2.0")];

pub const SPEC: Spec = Spec {
    name: "FLUSHDB",
    group: Group::Server,
    summary: "Removes every key of the database.",
    cost: "O(N), N keys of the database",
    arity: -1,
    flags: Flags::WRITE,
    categories: Category::KEYSPACE.and(Category::DANGEROUS),
    args: &[Arg::one_of("flush-type", MODES).optional()],
    route: Route::Every(Merge::AllOk),
    history: &[("4.0.0", "Takes `ASYNC`."), ("6.2.0", "Takes `SYNC`.")],
    run,
    cases: "
        > FLUSHDB nonsense     -ERR syntax error
        > FLUSHDB ASYNC SYNC   -ERR syntax error
        > MSET a 1 b 2           +OK
        > FLUSHDB SYNC         +OK
        > DBSIZE                 :0
        > SET a 1                +OK
        > FLUSHDB              +OK
        > GET a                  nil
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    check_flush_words(call)?;
    flush(call, call.db..call.db + 1);
    call.shard.tracking.flush(&mut call.shard.ks);
    call.global_effect();
    call.out.ok();
    Ok(())
}
