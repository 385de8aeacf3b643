//! Commands on streams. Ref: redis.io/docs/latest/develop/data-types/streams

mod claims;
mod deleting;
pub(super) mod reading;
pub(super) mod shared;
mod trimming;

commands![
    xack xackdel xadd xautoclaim xclaim xdel xdelex xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim
];
