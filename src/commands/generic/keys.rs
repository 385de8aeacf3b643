//! KEYS pattern: the names of all keys that fit a pattern.
//! Ref: redis.io/commands/keys

use super::shared::Names;
use crate::base::glob;
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "KEYS",
    since: "1.0.0",
    group: Group::Generic,
    summary: "Returns the names of all keys that fit a pattern.",
    cost: "O(N), N keys of the database",
    arity: 2,
    flags: Flags::READONLY,
    categories: Category::KEYSPACE.and(Category::DANGEROUS),
    args: &[Arg::pattern("pattern")],
    route: Route::Every(Merge::Concat),
    run,
    tips: &["nondeterministic_output_order"],
    cases: "
        > KEYS              -ERR wrong number of arguments for 'keys' command
        > MSET one 1 two 2 three 3    +OK
        > KEYS t*           ~[two, three]
        > KEYS *            ~[one, two, three]
        > KEYS t[^h]o       ~[two]
        > KEYS ONE          []
        > KEYS one          [one]
        > KEYS o\\           []
        > KEYS [            []
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let pattern = call.arg(1);
    let now = call.now;
    let all = pattern == b"*";
    let mut names = Names::default();
    call.shard.ks.for_each(call.db, &mut |item| {
        let is_gone = item.expire_at().is_some_and(|at| at < now);
        if !is_gone && (all || glob::matches(pattern, item.key(), false)) {
            names.push(item.key());
        }
    });
    names.reply(call.out);
    Ok(())
}
