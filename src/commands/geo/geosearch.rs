//! GEOSEARCH key (FROMMEMBER member | FROMLONLAT longitude latitude) (BYRADIUS radius unit | BYBOX width height unit)
//! [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]: the members inside an area.
//! Ref: redis.io/commands/geosearch

use super::search::{self, GEOSEARCH};
use super::shared::{ORDERS, UNITS};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEOSEARCH",
    since: "6.2.0",
    group: Group::Geo,
    summary: "Returns the members of a geospatial index inside a circle or a box.",
    cost: "O(N+log(M)), N members in the nine cells that cover the area, M members inside the area",
    arity: -7,
    flags: Flags::READONLY,
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::one_of(
            "from",
            &[
                Arg::string("member").token("FROMMEMBER"),
                Arg::block("fromlonlat", &[Arg::double("longitude"), Arg::double("latitude")]).token("FROMLONLAT"),
            ],
        ),
        Arg::one_of(
            "by",
            &[
                Arg::block("circle", &[Arg::double("radius").token("BYRADIUS"), Arg::one_of("unit", UNITS)]),
                Arg::block("box", &[Arg::double("width").token("BYBOX"), Arg::double("height"), Arg::one_of("unit", UNITS)]),
            ],
        ),
        Arg::one_of("order", ORDERS).optional(),
        Arg::block("count-block", &[Arg::integer("count").token("COUNT"), Arg::word("any", "ANY").optional()]).optional(),
        Arg::word("withcoord", "WITHCOORD").optional(),
        Arg::word("withdist", "WITHDIST").optional(),
        Arg::word("withhash", "WITHHASH").optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    cases: "
        > GEOSEARCH none FROMMEMBER a BYRADIUS x m            -ERR need numeric radius
        > GEOSEARCH none FROMMEMBER a BYBOX 1 x m             -ERR need numeric height
        > GEOSEARCH none FROMMEMBER a BYBOX x -1 zz           -ERR need numeric width
        > GEOSEARCH none FROMMEMBER a BYBOX -1 1 zz           -ERR height or width cannot be negative
        > GEOSEARCH none FROMMEMBER a BYRADIUS 1 zz           -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOSEARCH none FOO a BYRADIUS 1 m                   -ERR syntax error
        > GEOSEARCH none BYRADIUS 200 km ASC DESC ASC         -ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        > geosearch none FROMLONLAT 15 37 ASC DESC ASC        -ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch
        > GEOSEARCH none FROMMEMBER a FROMLONLAT 1 1 BYRADIUS 1 m    -ERR syntax error
        > GEOSEARCH none FROMMEMBER a BYBOX 1 1 m BYRADIUS 1 m    -ERR syntax error
        > GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 1 m ANY    -ERR the ANY argument requires COUNT argument
        > GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 1 m COUNT -1    -ERR COUNT must be > 0
        > GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 1 m STORE d    -ERR syntax error
        > GEOSEARCH none FROMMEMBER a BYRADIUS 1 m            []
        > SET s x                                             +OK
        > GEOSEARCH s FOO a BYRADIUS 1 m                      -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome    :3
        > GEOSEARCH g FROMMEMBER x BYRADIUS 1 m               -ERR could not decode requested zset member
        > GEOSEARCH g FROMMEMBER Palermo FROMMEMBER Catania BYRADIUS 1 km    [Catania]
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km        [Palermo, Catania]
        > GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST    [[Catania, 56.4413], [Palermo, 190.4424]]
        > GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 200 km WITHHASH    [[Catania, :3479447370796909]]
        > GEOSEARCH g FROMMEMBER Rome BYRADIUS 600 km DESC WITHCOORD COUNT 1    [[Catania, [?, ?]]]
        > GEOSEARCH g FROMMEMBER Rome BYRADIUS 300 mi COUNT 2    [Rome, Palermo]
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY    [Palermo]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    search::run(call, GEOSEARCH)
}
