//! Commands on strings. Ref: redis.io/docs/latest/develop/data-types/strings

mod options;
pub mod shared;

commands![
    append decr decrby delex delifeq digest get getdel getex getrange getset incr incrby incrbyfloat lcs mget mset msetex msetnx psetex
    set setex setnx setrange strlen substr
];
