//! PFADD key [element ...]: adds elements to a HyperLogLog. The value is written only if a register rose.
//! Ref: redis.io/commands/pfadd

use super::shared;
use crate::commands::common::wrote;
use crate::data::hll;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "PFADD",
    since: "2.8.9",
    group: Group::Hyperloglog,
    summary: "Adds elements to a HyperLogLog. Creates the key if there is none.",
    cost: "O(1) to add every element.",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HYPERLOGLOG,
    keys: &[KeySpec::one(1, Access::RW.and(Access::INSERT))],
    args: &[Arg::key("key"), Arg::string("element").optional().multiple()],
    route: Route::Keys(Multi::Single),
    run,
    cases: r#"
        > SET text hello            +OK
        > PFADD text a              -WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET number 1              +OK
        > PFADD number a            -WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET short "HYLL\x01"      +OK
        > PFADD short a             -WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET odd "HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"    +OK
        > PFADD odd a               -WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD h                   :1
        > PFADD h                   :0
        > GET h                     "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > PFADD h a                 :1
        > PFADD h a                 :0
        > PFADD h a b c             :1
        > GET h                     "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a"
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let sparse_max = shared::sparse_max(call);
    let found = shared::old_value(call, 1)?;
    let is_new = found.is_none();
    let mut has_changed = is_new;
    let mut bytes = found.unwrap_or_else(hll::create);
    for element in call.args.from(2) {
        has_changed |= hll::add(&mut bytes, element, sparse_max).map_err(shared::refusal)?;
    }
    if has_changed {
        shared::store(call, 1, bytes)?;
        wrote(call, is_new, Class::String, "pfadd", 1);
    }
    call.out.int(i64::from(has_changed));
    Ok(())
}
