//! Commands about the server: its settings, its figures, its log of slow calls, its commands.

mod shared;

commands![acl cluster command config dbsize debug flushall flushdb info lastsave latency lolwut memory module replicaof role
    shutdown slaveof slowlog swapdb time];
