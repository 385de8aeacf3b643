//! Commands on HyperLogLogs, which are strings of a special form.
//! Ref: redis.io/docs/latest/develop/data-types/probabilistic/hyperloglogs

pub mod shared;

commands![pfadd pfcount pfdebug pfmerge pfselftest];
