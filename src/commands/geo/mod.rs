//! Commands on positions, kept as the scores of sorted sets.
//! Ref: redis.io/docs/latest/develop/data-types/geospatial

mod search;
mod shared;

commands![
    geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore
];
