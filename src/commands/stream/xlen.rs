//! XLEN key: how many entries a stream has.
//! Ref: redis.io/commands/xlen

use super::shared;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XLEN",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Counts the entries of a stream.",
    cost: "O(1)",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > SET s v            +OK
        > XLEN s             -WRONGTYPE Operation against a key holding the wrong kind of value
        > XLEN x             :0
        > XADD x 1-1 a b     $1-1
        > XLEN x             :1
        > XDEL x 1-1         :1
        > XLEN x             :0
        > EXISTS x           :1
        > TYPE x             +stream
        > OBJECT ENCODING x  $stream
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let length = shared::read(call, 1, |stream, _| stream.facts.length)?.unwrap_or(0);
    call.out.int(length as i64);
    Ok(())
}
