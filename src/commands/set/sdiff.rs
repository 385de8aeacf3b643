//! SDIFF key [key ...]: the members of the first set that no other has.
//! Ref: redis.io/commands/sdiff

use super::shared::{reply_item, sources, views};
use crate::data::set::algebra;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SDIFF",
    since: "1.0.0",
    group: Group::Set,
    summary: "Returns the members of a set that other sets do not have.",
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
        > SDIFF                 -ERR wrong number of arguments for 'sdiff' command
        > SET text 1            +OK
        > SDIFF missing text    -WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFF missing         []
        > SADD a c b a 1 2      :5
        > SADD b b x            :2
        > SADD n 3 2 1 -1       :4
        > SDIFF a               ~[a, b, c, 1, 2]
        > SDIFF a b n           ~[a, c]
        > SDIFF a b missing     ~[a, c, 1, 2]
        > SDIFF missing a       []
        > SDIFF a b a           []
        > SDIFF n a             ~[-1, 3]
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let found = sources(call, 1..call.args.len())?;
    let sets = views(&found);
    let others: Vec<_> = sets.iter().skip(1).flatten().copied().collect();
    let (mark, mut count) = (call.out.deferred(), 0);
    if let Some(Some(first)) = sets.first() {
        algebra::diff(*first, &others, |item| {
            reply_item(call.out, item);
            count += 1;
        });
    }
    call.out.fix_set(mark, count);
    Ok(())
}
