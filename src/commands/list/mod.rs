//! Commands on lists. Ref: redis.io/docs/latest/develop/data-types/lists

mod blocking;
pub mod shared;

commands![blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpoplpush rpush rpushx];
