//! GEORADIUS key longitude latitude radius unit [options] [STORE key | STOREDIST key]: the members around a position.
//! Ref: redis.io/commands/georadius

use super::search::{self, GEORADIUS};
use super::shared::{ORDERS, UNITS};
use crate::spec::{Access, Arg, Begin, Call, Category, Find, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "GEORADIUS",
    since: "3.2.0",
    group: Group::Geo,
    summary: "Returns or stores the members of a geospatial index within a distance from a position.",
    cost: "O(N+log(M)), N members in the square around the circle, M members of the index",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    categories: Category::GEO,
    keys: &[
        KeySpec::one(1, Access::RO.and(Access::ACCESS)),
        KeySpec {
            begin: Begin::Keyword("STORE", 6),
            find: Find::Range { last: 0, step: 1, limit: 0 },
            access: Access::OW.and(Access::UPDATE),
            notes: "",
        },
        KeySpec {
            begin: Begin::Keyword("STOREDIST", 6),
            find: Find::Range { last: 0, step: 1, limit: 0 },
            access: Access::OW.and(Access::UPDATE),
            notes: "",
        },
    ],
    find_keys: Some(|args, out| search::find_keys(args, GEORADIUS.first_option(), out)),
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
        Arg::one_of("store", &[Arg::key_of("storekey", 1).display("key").token("STORE"), Arg::key_of("storedistkey", 2).display("key").token("STOREDIST")])
            .optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")),
    cases: "
        > GEORADIUS none 15 x 200 km             -ERR value is not a valid float
        > GEORADIUS none 15 99 200 km            -ERR invalid longitude,latitude pair 15.000000,99.000000
        > GEORADIUS none 15 37 x km              -ERR need numeric radius
        > GEORADIUS none 15 37 -1 zz             -ERR radius cannot be negative
        > GEORADIUS none 15 37 1 zz              -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEORADIUS none 15 37 1 m ANY           -ERR the ANY argument requires COUNT argument
        > GEORADIUS none 15 37 1 m COUNT 0       -ERR COUNT must be > 0
        > GEORADIUS none 15 37 1 m COUNT x       -ERR value is not an integer or out of range
        > GEORADIUS none 15 37 1 m COUNT         -ERR syntax error
        > GEORADIUS none 15 37 1 m FROMMEMBER a  -ERR syntax error
        > GEORADIUS none 15 37 1 m               []
        > SET s x                                +OK
        > GEORADIUS s x x x x                    -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome    :3
        > GEORADIUS g 15 37 200 km               [Palermo, Catania]
        > GEORADIUS g 15 37 200 KM ASC           [Catania, Palermo]
        > GEORADIUS g 15 37 200 km DESC WITHDIST    [[Palermo, 190.4424], [Catania, 56.4413]]
        > GEORADIUS g 15 37 200 km COUNT 1       [Catania]
        > GEORADIUS g 15 37 200 km COUNT 1 ANY   [Palermo]
        > GEORADIUS g 15 37 200 km WITHHASH WITHDIST ASC COUNT 1    [[Catania, 56.4413, :3479447370796909]]
        > GEORADIUS g 15 37 200 km WITHCOORD COUNT 1    [[Catania, [?, ?]]]
        > GEORADIUS g 15 37 0 km                 []
        > GEORADIUS g 15 37 inf km               ~[Palermo, Catania, Rome]
        > GEORADIUS g 15 37 200 km WITHDIST STORE d     -ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUS g 15 37 200 km STORE              -ERR syntax error
        > GEORADIUS g 15 37 200 km COUNT STORE d      -ERR value is not an integer or out of range
        > GEORADIUS g 15 37 200 km STORE d COUNT 1    :1
        > GEORADIUS d 15 37 200 km                    [Catania]
        > GEORADIUS g 15 37 200 km STORE d            :2
        > GEODIST d Palermo Catania km                $166.2742
        > GEORADIUS g 15 37 200 km STOREDIST d        :2
        > ZRANGEBYSCORE d 56 57                       [Catania]
        > GEORADIUS g 15 37 200 km STORE other STOREDIST d    :2
        > ZRANGEBYSCORE d 190 191                     [Palermo]
        > EXISTS other                                :0
        > GEORADIUS g 1 1 1 m STORE d                 :0
        > EXISTS d                                    :0
        > GEORADIUS none 1 1 1 m STORE g              :0
        > EXISTS g                                    :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    search::run(call, GEORADIUS)
}
