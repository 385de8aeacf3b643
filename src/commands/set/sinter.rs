//! SINTER key [key ...]: the members that all sets have.
//! Ref: redis.io/commands/sinter

use super::shared::{reply_item, sources, views};
use crate::data::set::algebra;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SINTER",
    since: "1.0.0",
    group: Group::Set,
    summary: "Returns the intersection of several sets.",
    cost: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::SET,
    keys: &[KeySpec::range(1, -1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    tips: &["nondeterministic_output_order"],
    cases: r#"
        > SINTER                 -ERR wrong number of arguments for 'sinter' command
        > SET text 1             +OK
        > SINTER missing text    -WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTER missing         []
        > SADD a a b c d 1       :5
        > SADD b c 1 d x         :4
        > SADD n 3 2 1           :3
        > SINTER a               [a, b, c, d, 1]
        > SINTER a b             ~[c, d, 1]
        > SINTER a b n           [1]
        > SINTER a b missing     []
        > SINTER n n             [1, 2, 3]
        > SADD m 0 2 3 4         :4
        > SINTER m n             [2, 3]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = sources(call, 1..call.args.len())?;
    let Some(sets) = views(&found).into_iter().collect::<Option<Vec<_>>>() else {
        call.out.set(0);
        return Ok(());
    };
    let (mark, mut count) = (call.out.deferred(), 0);
    algebra::inter(&sets, |item| {
        reply_item(call.out, item);
        count += 1;
        true
    });
    call.out.fix_set(mark, count);
    Ok(())
}
