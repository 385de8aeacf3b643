//! Commands about the server: its settings, its figures, its log of slow calls, its commands.

mod shared;

commands![acl bgrewriteaof bgsave cluster command config dbsize debug flushall flushdb info lastsave latency lolwut memory module replicaof role save
    shutdown slaveof slowlog swapdb time];
