//! Commands on sets. Ref: redis.io/docs/latest/develop/data-types/sets

pub mod shared;

commands![
    sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember srem sscan sunion
    sunionstore
];

#[cfg(test)]
mod tests;
