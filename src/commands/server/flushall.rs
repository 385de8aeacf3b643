//! FLUSHALL [ASYNC | SYNC]: removes every key of every database. Either way they are gone at once and their memory is given
//! back in slices, so that no core stops for it.
//! Ref: redis.io/commands/flushall

use super::shared::{check_flush_words, databases, flush, is_rewriting, is_saving};
use crate::spec::persist::Wish;
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Route, Shard, Spec};

const MODES: &[Arg] = &[Arg::word("async", "ASYNC").since("4.0.0"), Arg::word("sync", "SYNC").since("6.2.0")];

pub const SPEC: Spec = Spec {
    name: "FLUSHALL",
    group: Group::Server,
    summary: "Removes every key of every database.",
    cost: "O(N), N keys of all databases",
    arity: -1,
    flags: Flags::WRITE,
    categories: Category::KEYSPACE.and(Category::DANGEROUS),
    args: &[Arg::one_of("flush-type", MODES).optional()],
    route: Route::Every(Merge::AllOk),
    history: &[("4.0.0", "Takes `ASYNC`."), ("6.2.0", "Takes `SYNC`.")],
    run,
    cases: "
        > FLUSHALL nonsense     -ERR syntax error
        > FLUSHALL ASYNC SYNC   -ERR syntax error
        > MSET a 1 b 2           +OK
        > FLUSHALL SYNC         +OK
        > DBSIZE                 :0
        > SET a 1                +OK
        > FLUSHALL              +OK
        > GET a                  nil
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    check_flush_words(call)?;
    let all = 0..databases(call.shard);
    flush(call, all);
    call.shard.tracking.flush(&mut call.shard.ks);
    call.global_effect();
    renew_snapshot(call.shard);
    call.out.ok();
    Ok(())
}

/// Where save points are configured a snapshot is made anew, so that what is gone does not come back after a restart.
fn renew_snapshot(shard: &mut Shard) {
    if shard.core != 0 || shard.config.save.0.is_empty() || shard.persist.is_loading() {
        return;
    }
    if is_saving(shard) || is_rewriting(shard) {
        shard.persist.is_save_scheduled = true;
    } else {
        shard.wishes.push(Wish::BackgroundSave);
    }
}
