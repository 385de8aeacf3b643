//! GEORADIUS_RO key longitude latitude radius unit [options]: the members around a position.
//! Ref: redis.io/commands/georadius_ro

use super::search::{self, GEORADIUS_RO};
use super::shared::{ORDERS, UNITS};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEORADIUS_RO",
    since: "3.2.10",
    group: Group::Geo,
    summary: "Returns the members of a geospatial index within a distance from a position.",
    cost: "O(N+log(M)), N members in the square around the circle, M members of the index",
    arity: -6,
    flags: Flags::READONLY,
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::double("longitude"),
        Arg::double("latitude"),
        Arg::double("radius"),
        Arg::one_of("unit", UNITS),
        Arg::word("withcoord", "WITHCOORD").optional(),
        Arg::word("withdist", "WITHDIST").optional(),
        Arg::word("withhash", "WITHHASH").optional(),
        Arg::block("count-block", &[Arg::integer("count").token("COUNT"), Arg::word("any", "ANY").since("6.2.0").optional()]).optional(),
        Arg::one_of("order", ORDERS).optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    cases: "
        > GEORADIUS_RO none 15 x 200 km             -ERR value is not a valid float
        > GEORADIUS_RO none 15 99 200 km            -ERR invalid longitude,latitude pair 15.000000,99.000000
        > GEORADIUS_RO none 15 37 x km              -ERR need numeric radius
        > GEORADIUS_RO none 15 37 -1 zz             -ERR radius cannot be negative
        > GEORADIUS_RO none 15 37 1 zz              -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEORADIUS_RO none 15 37 1 m ANY           -ERR the ANY argument requires COUNT argument
        > GEORADIUS_RO none 15 37 1 m COUNT 0       -ERR COUNT must be > 0
        > GEORADIUS_RO none 15 37 1 m COUNT x       -ERR value is not an integer or out of range
        > GEORADIUS_RO none 15 37 1 m COUNT         -ERR syntax error
        > GEORADIUS_RO none 15 37 1 m FROMMEMBER a  -ERR syntax error
        > GEORADIUS_RO none 15 37 1 m               []
        > SET s x                                +OK
        > GEORADIUS_RO s x x x x                    -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome    :3
        > GEORADIUS_RO g 15 37 200 km               [Palermo, Catania]
        > GEORADIUS_RO g 15 37 200 KM ASC           [Catania, Palermo]
        > GEORADIUS_RO g 15 37 200 km DESC WITHDIST    [[Palermo, 190.4424], [Catania, 56.4413]]
        > GEORADIUS_RO g 15 37 200 km COUNT 1       [Catania]
        > GEORADIUS_RO g 15 37 200 km COUNT 1 ANY   [Palermo]
        > GEORADIUS_RO g 15 37 200 km WITHHASH WITHDIST ASC COUNT 1    [[Catania, 56.4413, :3479447370796909]]
        > GEORADIUS_RO g 15 37 200 km WITHCOORD COUNT 1    [[Catania, [?, ?]]]
        > GEORADIUS_RO g 15 37 0 km                 []
        > GEORADIUS_RO g 15 37 inf km               ~[Palermo, Catania, Rome]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    search::run(call, GEORADIUS_RO)
}
