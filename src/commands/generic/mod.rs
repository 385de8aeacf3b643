//! Commands on keys of any type. Ref: redis.io/docs/latest/develop/using-commands/keyspace

mod shared;

commands![
    copy del exists expire expireat expiretime keys r#move persist pexpire pexpireat pexpiretime pttl randomkey rename renamenx
    scan touch ttl r#type unlink
];
