//! GEOPOS key [member ...]: the positions of members.
//! Ref: redis.io/commands/geopos

use super::shared::{position_of, read_zset, reply_position};
use crate::data::geo::Position;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEOPOS",
    since: "3.2.0",
    group: Group::Geo,
    summary: "Returns the longitude and latitude of members of a geospatial index.",
    cost: "O(1) for each member",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").optional().multiple()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > GEOPOS none                    []
        > GEOPOS none a b                [nil, nil]
        > SET s x                       +OK
        > GEOPOS s                       -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOPOS s a                     -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania    :2
        > GEOPOS g                       []
        > GEOPOS g Palermo x Catania    [[?, ?], nil, [?, ?]]
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
            Some(place) => reply_position(call.out, place),
            None => call.out.null_array(),
        }
    }
    Ok(())
}
