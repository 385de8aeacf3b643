//! GEOHASH key [member ...]: the public geohash of members, as text.
//! Ref: redis.io/commands/geohash

use super::shared::{position_of, read_zset};
use crate::data::geo::{Position, geohash};
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEOHASH",
    since: "3.2.0",
    group: Group::Geo,
    summary: "Returns members of a geospatial index as geohash texts.",
    cost: "O(1) for each member",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").optional().multiple()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > GEOHASH none                    []
        > GEOHASH none a b                [nil, nil]
        > SET s x                       +OK
        > GEOHASH s                       -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOHASH s a                     -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania    :2
        > GEOHASH g                       []
        > GEOHASH g Palermo x Catania   [sqc8b49rny0, nil, sqdtr74hyu0]
        > GEOADD g 180 85.05112878 ne -180 -85.05112878 sw 0 0 zero    :3
        > GEOHASH g ne sw zero          [bp05b5048p0, 00bh0hbj200, s0000000000]
        > ZADD g -inf x 1e20 y 1.5 z    :3
        > GEOHASH g x y z               [00bh0hbj200, 00bh0hbj200, 00bh0hbj210]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let places: Vec<Option<Position>> = match read_zset(call, 1)? {
        Some(zset) => args.from(2).map(|member| position_of(zset, member)).collect(),
        None => vec![None; args.len() - 2],
    };
    call.out.array(places.len());
    for place in places {
        match place {
            Some(place) => call.out.bulk(&geohash(place)),
            None => call.out.null(),
        }
    }
    Ok(())
}
