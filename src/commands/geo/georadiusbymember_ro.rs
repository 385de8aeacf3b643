//! GEORADIUSBYMEMBER_RO key member radius unit [options]: the members around a member.
//! Ref: redis.io/commands/georadiusbymember_ro

use super::search::{self, GEORADIUSBYMEMBER_RO};
use super::shared::{ORDERS, UNITS};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEORADIUSBYMEMBER_RO",
    since: "3.2.10",
    group: Group::Geo,
    summary: "Returns the members of a geospatial index within a distance from a member.",
    cost: "O(N+log(M)), N members in the square around the circle, M members of the index",
    arity: -5,
    flags: Flags::READONLY,
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("member"),
        Arg::double("radius"),
        Arg::one_of("unit", UNITS),
        Arg::word("withcoord", "WITHCOORD").optional(),
        Arg::word("withdist", "WITHDIST").optional(),
        Arg::word("withhash", "WITHHASH").optional(),
        Arg::block("count-block", &[Arg::integer("count").token("COUNT"), Arg::word("any", "ANY").optional()]).optional(),
        Arg::one_of("order", ORDERS).optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    cases: "
        > GEORADIUSBYMEMBER_RO none x x x              []
        > GEORADIUSBYMEMBER_RO none x x x ANY          -ERR the ANY argument requires COUNT argument
        > GEORADIUSBYMEMBER_RO none x x x FOO          -ERR syntax error
        > SET s x                                  +OK
        > GEORADIUSBYMEMBER_RO s x x x                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome    :3
        > GEORADIUSBYMEMBER_RO g x x x                 -ERR could not decode requested zset member
        > GEORADIUSBYMEMBER_RO g Palermo x m           -ERR need numeric radius
        > GEORADIUSBYMEMBER_RO g Palermo -1 m          -ERR radius cannot be negative
        > GEORADIUSBYMEMBER_RO g Palermo 0 m           [Palermo]
        > GEORADIUSBYMEMBER_RO g Palermo 200 km        ~[Palermo, Catania]
        > GEORADIUSBYMEMBER_RO g Palermo 200 km DESC WITHDIST    [[Catania, 166.2742], [Palermo, 0.0000]]
        > GEORADIUSBYMEMBER_RO g Palermo 200 km COUNT 1    [Palermo]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    search::run(call, GEORADIUSBYMEMBER_RO)
}
