//! Commands on hashes. Ref: redis.io/docs/latest/develop/data-types/hashes

mod deadline;
mod fields;
pub mod shared;

commands![
    hdel hexists hexpire hexpireat hexpiretime hget hgetall hgetdel hgetex hincrby hincrbyfloat hkeys hlen hmget hmset hpersist hpexpire
    hpexpireat hpexpiretime hpttl hrandfield hscan hset hsetex hsetnx hstrlen httl hvals
];
