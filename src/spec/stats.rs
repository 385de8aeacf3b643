//! Plain counters of one core. INFO adds them up over cores when somebody asks; nothing is shared on the way.

macro_rules! counters {
    ($($(#[$d:meta])* $name:ident,)*) => {
        /// Counters of one core since start or CONFIG RESETSTAT.
        #[derive(Clone, Copy, Default, Debug)]
        pub struct Stats { $($(#[$d])* pub $name: u64,)* }
        impl Stats {
            /// Number of counters.
            pub const COUNT: usize = [$(stringify!($name)),*].len();
            /// All counters in a fixed order, to send them to another core.
            pub fn to_array(&self) -> [u64; Self::COUNT] { [$(self.$name),*] }
            /// The counters of `values`, as `to_array` ordered them.
            pub fn from_array(values: &[u64; Self::COUNT]) -> Stats { let [$($name),*] = *values; Stats { $($name),* } }
            /// Adds another core's counters.
            pub fn add(&mut self, other: &Stats) { $(self.$name = self.$name.wrapping_add(other.$name);)* }
        }
    };
}

counters! {
    connections_received,
    commands_processed,
    net_input_bytes,
    net_output_bytes,
    rejected_connections,
    keyspace_hits,
    keyspace_misses,
    changes,
    error_replies,
    reads_processed,
    writes_processed,
    query_buffer_disconnections,
    output_buffer_disconnections,
    unauthenticated_rejections,
    /// Turns of the core's loop.
    turns,
    /// Microseconds spent in turns, nanoseconds in commands.
    turn_usec,
    command_nanos,
    /// Microseconds spent in housekeeping, and in handing the log to the kernel.
    cron_usec,
    log_usec,
    /// Most commands that one turn has run.
    most_commands_a_turn,
    /// Calls sent to other cores, tickets coordinated, ticket parts run here, calls that waited for a held slot.
    calls_sent,
    tickets_started,
    parts_run,
    calls_held,
    /// Wake-ups sent to sleeping cores.
    wakes,
    acl_denied_auth,
    /// Turns that took a millisecond or more, and the longest one in microseconds.
    slow_turns,
    longest_turn_usec,
    /// The same in CPU time, of those that were watched.
    longest_turn_cpu_usec,
}

/// Statistics of one command (INFO commandstats).
#[derive(Clone, Copy, Default, Debug)]
pub struct CommandStat {
    pub calls: u64,
    /// Nanoseconds.
    pub nanos: u64,
    pub rejected: u64,
    pub failed: u64,
}
