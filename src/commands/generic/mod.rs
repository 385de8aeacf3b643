//! Commands on keys of any type. Ref: redis.io/docs/latest/develop/using-commands/keyspace

mod shared;
mod sorting;

commands![
    copy del dump exists expire expireat expiretime keys r#move object persist pexpire pexpireat pexpiretime pttl randomkey rename renamenx restore
    scan sort sort_ro touch ttl r#type unlink wait waitaof
];
