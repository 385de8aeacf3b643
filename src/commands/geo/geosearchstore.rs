//! GEOSEARCHSTORE destination source FROM... BY... [ASC | DESC] [COUNT count [ANY]] [STOREDIST]: keeps the members inside an area.
//! Ref: redis.io/commands/geosearchstore

use super::search::{self, GEOSEARCHSTORE};
use super::shared::{ORDERS, UNITS};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "GEOSEARCHSTORE",
    since: "6.2.0",
    group: Group::Geo,
    summary: "Stores the members of a geospatial index inside a circle or a box at another key.",
    cost: "O(N+log(M)), N members in the nine cells that cover the area, M members inside the area",
    arity: -8,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE)), KeySpec::one(2, Access::RO.and(Access::ACCESS))],
    args: &[
        Arg::key("destination"),
        Arg::key_of("source", 1),
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
        Arg::word("storedist", "STOREDIST").optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    cases: "
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 200 km FOO    -ERR syntax error
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST    -ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 ASC DESC ASC    -ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCHSTORE
        > SET s x                                             +OK
        > GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km    -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome    :3
        > GEOSEARCHSTORE s g FROMLONLAT 15 37 BYRADIUS 200 km    :2
        > GEODIST s Palermo Catania km                        $166.2742
        > OBJECT ENCODING s                                   $listpack
        > GEOSEARCHSTORE d g FROMMEMBER Palermo BYBOX 400 400 km STOREDIST ASC COUNT 2    :2
        > ZRANGEBYSCORE d 166 167                             [Catania]
        > GEOSEARCHSTORE g g FROMMEMBER Palermo BYRADIUS 1 m    :1
        > GEOPOS g Palermo Rome                               [[?, ?], nil]
        > GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 m      :0
        > EXISTS d                                            :0
        > GEOSEARCHSTORE s none FROMLONLAT 0 0 BYRADIUS 1 m    :0
        > EXISTS s                                            :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    search::run(call, GEOSEARCHSTORE)
}
