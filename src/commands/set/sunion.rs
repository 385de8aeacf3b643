//! SUNION key [key ...]: the members of several sets together.
//! Ref: redis.io/commands/sunion

use super::shared::{reply_item, sources, views};
use crate::data::set::algebra;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SUNION",
    since: "1.0.0",
    group: Group::Set,
    summary: "Returns the union of several sets.",
    cost: "O(N) where N is the total number of elements in all given sets.",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::SET,
    keys: &[KeySpec::range(1, -1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key").multiple()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    tips: &["nondeterministic_output_order"],
    cases: r#"
        > SUNION                 -ERR wrong number of arguments for 'sunion' command
        > SET text 1             +OK
        > SUNION missing text    -WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNION missing         []
        > SADD a b a 1           :3
        > SADD n 10 2 1          :3
        > SADD m 5 -2 1 70000    :4
        > SUNION a missing n     ~[a, b, 1, 2, 10]
        > SUNION a a             ~[a, b, 1]
        > SUNION n m missing     [-2, 1, 2, 5, 10, 70000]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = sources(call, 1..call.args.len())?;
    let sets: Vec<_> = views(&found).into_iter().flatten().collect();
    let (mark, mut count) = (call.out.deferred(), 0);
    algebra::union(&sets, |item| {
        reply_item(call.out, item);
        count += 1;
    });
    call.out.fix_set(mark, count);
    Ok(())
}
