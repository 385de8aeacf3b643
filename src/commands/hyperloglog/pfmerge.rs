//! PFMERGE destkey [sourcekey ...]: makes a HyperLogLog the union of itself and others.
//! The result is dense if any of them is.
//! Ref: redis.io/commands/pfmerge

use super::shared;
use crate::commands::common::wrote;
use crate::data::hll::{self, Registers};
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "PFMERGE",
    since: "2.8.9",
    group: Group::Hyperloglog,
    summary: "Merges HyperLogLogs into one.",
    cost: "O(N) to merge N HyperLogLogs, but with high constant times.",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::HYPERLOGLOG,
    keys: &[
        KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::INSERT)),
        KeySpec::range(2, -1, 1, Access::RO.and(Access::ACCESS)),
    ],
    args: &[Arg::key("destkey"), Arg::key_of("sourcekey", 1).optional().multiple()],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: r#"
        > SET text hello            +OK
        > PFMERGE d text            -WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE text              -WRONGTYPE Key is not a valid HyperLogLog string value.
        > EXISTS d                  :0
        > PFMERGE d                 +OK
        > PFCOUNT d                 :0
        > PFADD a 1 2 3             :1
        > PFADD b 3 4               :1
        > PFMERGE d a missing b     +OK
        > PFCOUNT d                 :4
        > PFMERGE a a b             +OK
        > PFCOUNT a                 :4
        > SET bad "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe"    +OK
        > PFMERGE d bad             -INVALIDOBJ Corrupted HLL object detected
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let mut union = Registers::default();
    for i in 1..call.args.len() {
        if let Some(merged) = shared::with_value(call, i, |bytes| union.merge(bytes))? {
            merged.map_err(shared::refusal)?;
        }
    }
    let sparse_max = shared::sparse_max(call);
    let found = shared::old_value(call, 1)?;
    let is_new = found.is_none();
    let mut bytes = found.unwrap_or_else(hll::create);
    union.write_into(&mut bytes, sparse_max).map_err(shared::refusal)?;
    shared::store(call, 1, bytes)?;
    wrote(call, is_new, Class::String, "pfadd", 1);
    call.out.ok();
    Ok(())
}
