//! GEODIST key member1 member2 [M | KM | FT | MI]: the distance of two members.
//! Ref: redis.io/commands/geodist

use super::shared::{UNITS, position_of, read_zset, reply_distance, unit};
use crate::data::geo::distance;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEODIST",
    since: "3.2.0",
    group: Group::Geo,
    summary: "Returns the distance between two members of a geospatial index.",
    cost: "O(1)",
    arity: -4,
    flags: Flags::READONLY,
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member1"), Arg::string("member2"), Arg::one_of("unit", UNITS).optional()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > GEODIST none a b x            -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEODIST none a b km 1         -ERR syntax error
        > GEODIST none a b              nil
        > SET s x                       +OK
        > GEODIST s a b                 -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.361389 0 South    :3
        > GEODIST g Palermo none        nil
        > GEODIST g none Palermo        nil
        > GEODIST g Palermo Catania     $166274.1516
        > GEODIST g Palermo Catania KM  $166.2742
        > GEODIST g Palermo Catania mi  $103.3182
        > GEODIST g Palermo Catania Ft  $545518.8700
        > GEODIST g Palermo Palermo     $0.0000
        > GEODIST g Palermo South km    ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let unit = match call.args.len() {
        4 => 1.0,
        5 => unit(call.arg(4))?,
        _ => return Err(Refusal::SYNTAX),
    };
    let (a, b) = (call.arg(2), call.arg(3));
    let places = read_zset(call, 1)?.and_then(|zset| Some((position_of(zset, a)?, position_of(zset, b)?)));
    match places {
        Some((a, b)) => reply_distance(call.out, distance(a, b) / unit),
        None => call.out.null(),
    }
    Ok(())
}
