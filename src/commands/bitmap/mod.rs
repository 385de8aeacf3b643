//! Commands on the bits of strings. Ref: redis.io/docs/latest/develop/data-types/bitmaps

pub mod shared;

commands![bitcount bitfield bitfield_ro bitop bitpos getbit setbit];
