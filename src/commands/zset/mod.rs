//! Commands on sorted sets. Ref: redis.io/docs/latest/develop/data-types/sorted-sets

mod add;
mod blocking;
mod combine;
mod query;
pub mod shared;

commands![
    bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
];
