//! Commands on strings. Ref: redis.io/docs/latest/develop/data-types/strings

pub mod shared;

commands![get];
