//! GEORADIUSBYMEMBER key member radius unit [options] [STORE key | STOREDIST key]: the members around a member.
//! Ref: redis.io/commands/georadiusbymember

use super::search::{self, GEORADIUSBYMEMBER};
use super::shared::{ORDERS, UNITS};
use crate::spec::{Access, Arg, Begin, Call, Category, Find, Flags, Group, KeySpec, Multi, Outcome, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "GEORADIUSBYMEMBER",
    since: "3.2.0",
    group: Group::Geo,
    summary: "Returns or stores the members of a geospatial index within a distance from a member.",
    cost: "O(N+log(M)), N members in the square around the circle, M members of the index",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    categories: Category::GEO,
    keys: &[
        KeySpec::one(1, Access::RO.and(Access::ACCESS)),
        KeySpec {
            begin: Begin::Keyword("STORE", 5),
            find: Find::Range { last: 0, step: 1, limit: 0 },
            access: Access::OW.and(Access::UPDATE),
            notes: "",
        },
        KeySpec {
            begin: Begin::Keyword("STOREDIST", 5),
            find: Find::Range { last: 0, step: 1, limit: 0 },
            access: Access::OW.and(Access::UPDATE),
            notes: "",
        },
    ],
    find_keys: Some(|args, out| search::find_keys(args, GEORADIUSBYMEMBER.first_option(), out)),
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
        Arg::one_of("store", &[Arg::key_of("storekey", 1).display("key").token("STORE"), Arg::key_of("storedistkey", 2).display("key").token("STOREDIST")])
            .optional(),
    ],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    cases: "
        > GEORADIUSBYMEMBER none x x x              []
        > GEORADIUSBYMEMBER none x x x ANY          -ERR the ANY argument requires COUNT argument
        > GEORADIUSBYMEMBER none x x x FOO          -ERR syntax error
        > SET s x                                  +OK
        > GEORADIUSBYMEMBER s x x x                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome    :3
        > GEORADIUSBYMEMBER g x x x                 -ERR could not decode requested zset member
        > GEORADIUSBYMEMBER g Palermo x m           -ERR need numeric radius
        > GEORADIUSBYMEMBER g Palermo -1 m          -ERR radius cannot be negative
        > GEORADIUSBYMEMBER g Palermo 0 m           [Palermo]
        > GEORADIUSBYMEMBER g Palermo 200 km        ~[Palermo, Catania]
        > GEORADIUSBYMEMBER g Palermo 200 km DESC WITHDIST    [[Catania, 166.2742], [Palermo, 0.0000]]
        > GEORADIUSBYMEMBER g Palermo 200 km COUNT 1    [Palermo]
        > GEORADIUSBYMEMBER g Palermo 200 km WITHHASH STORE d    -ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUSBYMEMBER g Palermo 200 km STORE d    :2
        > GEODIST d Palermo Catania km                $166.2742
        > GEORADIUSBYMEMBER g Palermo 200 km STOREDIST d DESC COUNT 1    :1
        > ZRANGEBYSCORE d 166 167                     [Catania]
        > GEORADIUSBYMEMBER none Palermo 200 km STORE d    :0
        > EXISTS d                                    :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    search::run(call, GEORADIUSBYMEMBER)
}
