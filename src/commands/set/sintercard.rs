//! SINTERCARD numkeys key [key ...] [LIMIT limit]: the number of members that all sets have.
//! Ref: redis.io/commands/sintercard

use super::shared::{sources, views};
use crate::base::num::parse_i64;
use crate::data::set::algebra;
use crate::spec::route::same_db;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SINTERCARD",
    since: "7.0.0",
    group: Group::Set,
    summary: "Returns the number of members of the intersection of several sets.",
    cost: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: Category::SET,
    keys: &[KeySpec::counted(1, 1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), Arg::integer("limit").token("LIMIT").optional()],
    route: Route::Keys(Multi::Gather(same_db)),
    run,
    cases: r#"
        > SINTERCARD 1                         -ERR wrong number of arguments for 'sintercard' command
        > SINTERCARD 0 a                       -ERR numkeys should be greater than 0
        > SINTERCARD x a                       -ERR numkeys should be greater than 0
        > SINTERCARD 2 a                       -ERR Number of keys can't be greater than number of args
        > SINTERCARD 1 a LIMIT                 -ERR syntax error
        > SINTERCARD 1 a FOO 1                 -ERR syntax error
        > SINTERCARD 1 a LIMIT -1              -ERR LIMIT can't be negative
        > SINTERCARD 1 a LIMIT x               -ERR LIMIT can't be negative
        > SET text 1                           +OK
        > SINTERCARD 2 missing text            -WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD a a b c d                       :4
        > SADD b b c d e                       :4
        > SINTERCARD 2 a b                     :3
        > SINTERCARD 2 a b LIMIT 2             :2
        > SINTERCARD 2 a b limit 0             :3
        > SINTERCARD 2 a b LIMIT 1 LIMIT 10    :3
        > SINTERCARD 2 a missing               :0
    "#,
    ..Spec::DEFAULT
};

/// Word index behind the last key, and the limit (0 = none).
fn plan(call: &Call) -> Result<(usize, u64), Refusal> {
    const KEYS: Refusal = Refusal::fixed("ERR numkeys should be greater than 0");
    const LIMIT: Refusal = Refusal::fixed("ERR LIMIT can't be negative");
    let number = parse_i64(call.arg(1)).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0).ok_or(KEYS)?;
    if number > call.args.len() - 2 {
        return Err(Refusal::KEY_COUNT);
    }
    let (end, mut limit) = (2 + number, 0);
    let mut i = end;
    while i < call.args.len() {
        let word = call.args.try_get(i + 1).filter(|_| call.args.is(i, "LIMIT")).ok_or(Refusal::SYNTAX)?;
        limit = parse_i64(word).and_then(|n| u64::try_from(n).ok()).ok_or(LIMIT)?;
        i += 2;
    }
    Ok((end, limit))
}

fn run(call: &mut Call) -> Outcome {
    let (end, limit) = plan(call)?;
    let found = sources(call, 2..end)?;
    let mut count = 0;
    if let Some(sets) = views(&found).into_iter().collect::<Option<Vec<_>>>() {
        algebra::inter(&sets, |_| {
            count += 1;
            limit == 0 || count < limit
        });
    }
    call.out.int(count as i64);
    Ok(())
}
