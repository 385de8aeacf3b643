//! One core's figures as a compact record: written on the core, read and added up where INFO was asked.
//! Layout: the numbers, then databases, commands, errors and latencies, each list behind its length; all integers are
//! 64-bit little-endian. The record never leaves the process, so it has no version; a short record reads as `None`.
//! Does not know what the figures mean to a user: that is the catalogue's table.
//! Ref: redis.io/commands/info

use std::collections::BTreeMap;

macro_rules! numbers {
    ($($how:ident $(#[$doc:meta])* $name:ident;)*) => {
        /// Counters and gauges of one core, or of all after [`Numbers::add`].
        #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
        pub struct Numbers { $($(#[$doc])* pub $name: u64,)* }
        impl Numbers {
            /// How many there are.
            pub const COUNT: usize = [$(stringify!($name)),*].len();
            /// All in a fixed order.
            pub fn to_array(&self) -> [u64; Self::COUNT] { [$(self.$name),*] }
            /// The inverse of `to_array`.
            pub fn from_array(values: [u64; Self::COUNT]) -> Numbers { let [$($name),*] = values; Numbers { $($name),* } }
            /// Takes another core in: sums add up, extremes keep the larger.
            pub fn add(&mut self, other: &Numbers) { $(self.$name = numbers!(@$how self.$name, other.$name);)* }
        }
    };
    (@sum $a:expr, $b:expr) => { $a.wrapping_add($b) };
    (@max $a:expr, $b:expr) => { $a.max($b) };
}

numbers! {
    sum connections_received;
    sum commands_processed;
    sum net_input_bytes;
    sum net_output_bytes;
    sum rejected_connections;
    sum keyspace_hits;
    sum keyspace_misses;
    sum expired_keys;
    sum /** Fields of hashes. */ expired_subkeys;
    sum /** Since the last snapshot. */ unsaved_changes;
    sum error_replies;
    sum reads_processed;
    sum writes_processed;
    sum query_buffer_disconnections;
    sum output_buffer_disconnections;
    sum turns;
    sum turn_usec;
    sum command_usec;
    sum /** Microseconds spent in housekeeping, and in writing files. */ cron_usec;
    sum log_usec;
    max most_commands_a_turn;
    sum calls_sent;
    sum tickets_started;
    sum parts_run;
    sum calls_held;
    sum wakes;
    sum acl_denied_auth;
    sum slow_turns;
    max longest_turn_usec;
    max /** Of turns while latency is monitored. */ longest_turn_cpu_usec;
    sum /** Connected now. */ clients;
    sum /** Clients with keys under WATCH. */ watching_clients;
    sum watched_keys;
    sum blocked_clients;
    sum /** Of them, those with a timeout. */ waiting_timeouts;
    sum /** Keys that a blocked client waits for. */ awaited_keys;
    sum awaited_keys_on_nokey;
    sum tracking_clients;
    sum /** Keys of which clients have copies, and the copies. */ tracking_total_keys;
    sum tracking_total_items;
    max /** All cores know all prefixes. */ tracking_total_prefixes;
    sum /** Bytes that clients cost. */ client_bytes;
    max /** Largest input and output of a client now. */ input_max;
    max output_max;
    sum /** Bytes of keys and values. */ data_bytes;
    sum /** The part of them that is neither key nor value: index and timers. */ index_bytes;
    max /** Highest used memory that a core has seen. */ peak_bytes;
    sum /** Keys in all databases. */ keys;
    sum /** Keys with a time to live, in all databases. */ expires;
    sum /** Keys and big values whose memory is still to be given back, and those of which it was. */ doomed;
    sum lazyfreed;
    sum /** Last second's rates. */ ops_rate;
    sum input_rate;
    sum output_rate;
    max /** Turns of a core in the last second, and microseconds spent in them. */ turn_rate;
    max turn_usec_rate;
    sum /** Processor time of the core's thread. */ thread_user_usec;
    sum thread_system_usec;
    max /** Keys are being loaded. */ is_loading;
    sum /** Bytes of the log that were not written yet. */ log_unwritten;
    sum /** Writes of the log put off because a sync took long. */ log_delayed;
    max /** From here on: known to core 0 alone, so to be read there. Times are Unix seconds; -1, stored as all ones, is never. */ last_save;
    max is_saving;
    max save_started;
    max has_save_failed;
    max last_save_seconds;
    max saves;
    max save_keys_total;
    max save_keys_done;
    max log_is_on;
    max is_rewriting;
    max is_rewrite_scheduled;
    max rewrite_started;
    max last_rewrite_seconds;
    max has_rewrite_failed;
    max rewrites;
    max rewrite_failures;
    max has_log_write_failed;
    max log_bytes;
    max log_base_bytes;
    sum /** Syncs of logs under way. */ pending_syncs;
    max load_started;
    max load_total_bytes;
    max load_done_bytes;
    max loaded_keys;
    max loaded_expired;
}

/// One database.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Database {
    pub keys: u64,
    pub expires: u64,
    /// Milliseconds left, added over the keys that were looked at, and how many those were.
    pub ttl_sum_ms: u64,
    pub ttl_samples: u64,
}

/// One command.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Command {
    pub calls: u64,
    pub nanos: u64,
    pub rejected: u64,
    pub failed: u64,
}

/// Latencies of one command: nanoseconds (the top of each recorded bucket) and how many calls fell there.
pub type Latencies = BTreeMap<u64, u64>;

/// The figures of one core, or of all cores after [`Report::add`]. Commands go by their row in the command table.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Report {
    pub numbers: Numbers,
    pub databases: Vec<Database>,
    pub commands: BTreeMap<u64, Command>,
    pub errors: BTreeMap<String, u64>,
    pub latencies: BTreeMap<u64, Latencies>,
}

impl Report {
    /// Appends the record to `out`. O(commands that ran).
    pub fn write(&self, out: &mut Vec<u8>) {
        put_all(out, &self.numbers.to_array());
        put(out, self.databases.len() as u64);
        for d in &self.databases {
            put_all(out, &[d.keys, d.expires, d.ttl_sum_ms, d.ttl_samples]);
        }
        put(out, self.commands.len() as u64);
        for (row, c) in &self.commands {
            put_all(out, &[*row, c.calls, c.nanos, c.rejected, c.failed]);
        }
        put(out, self.errors.len() as u64);
        for (code, count) in &self.errors {
            put_all(out, &[*count, code.len() as u64]);
            out.extend_from_slice(code.as_bytes());
        }
        put(out, self.latencies.len() as u64);
        for (row, samples) in &self.latencies {
            put_all(out, &[*row, samples.len() as u64]);
            for (nanos, count) in samples {
                put_all(out, &[*nanos, *count]);
            }
        }
    }

    /// Reads what [`Report::write`] wrote; `None` if it is cut short.
    pub fn read(mut bytes: &[u8]) -> Option<Report> {
        let input = &mut bytes;
        let mut report = Report { numbers: Numbers::from_array(take_all(input)?), ..Report::default() };
        for _ in 0..take(input)? {
            let [keys, expires, ttl_sum_ms, ttl_samples] = take_all(input)?;
            report.databases.push(Database { keys, expires, ttl_sum_ms, ttl_samples });
        }
        for _ in 0..take(input)? {
            let [row, calls, nanos, rejected, failed] = take_all(input)?;
            report.commands.insert(row, Command { calls, nanos, rejected, failed });
        }
        for _ in 0..take(input)? {
            let [count, size] = take_all(input)?;
            let (code, rest) = input.split_at_checked(usize::try_from(size).ok()?)?;
            *input = rest;
            report.errors.insert(String::from_utf8_lossy(code).into_owned(), count);
        }
        for _ in 0..take(input)? {
            let [row, size] = take_all(input)?;
            let samples = report.latencies.entry(row).or_default();
            for _ in 0..size {
                let [nanos, count] = take_all(input)?;
                samples.insert(nanos, count);
            }
        }
        Some(report)
    }

    /// Takes another core's figures in.
    pub fn add(&mut self, other: &Report) {
        self.numbers.add(&other.numbers);
        if self.databases.len() < other.databases.len() {
            self.databases.resize(other.databases.len(), Database::default());
        }
        for (mine, theirs) in self.databases.iter_mut().zip(&other.databases) {
            mine.keys += theirs.keys;
            mine.expires += theirs.expires;
            mine.ttl_sum_ms = mine.ttl_sum_ms.saturating_add(theirs.ttl_sum_ms);
            mine.ttl_samples += theirs.ttl_samples;
        }
        for (row, theirs) in &other.commands {
            let mine = self.commands.entry(*row).or_default();
            mine.calls += theirs.calls;
            mine.nanos = mine.nanos.saturating_add(theirs.nanos);
            mine.rejected += theirs.rejected;
            mine.failed += theirs.failed;
        }
        for (code, count) in &other.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
        for (row, samples) in &other.latencies {
            let mine = self.latencies.entry(*row).or_default();
            for (nanos, count) in samples {
                *mine.entry(*nanos).or_default() += count;
            }
        }
    }
}

/// The latency below which `percent` of the calls stayed, in nanoseconds; 0 without calls.
pub fn percentile(samples: &Latencies, percent: f64) -> u64 {
    let total: u64 = samples.values().sum();
    let wanted = ((percent.clamp(0.0, 100.0) / 100.0 * total as f64 + 0.5) as u64).max(1);
    let mut seen = 0;
    for (nanos, count) in samples {
        seen += count;
        if seen >= wanted {
            return *nanos;
        }
    }
    samples.keys().next_back().copied().unwrap_or(0)
}

fn put(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(&n.to_le_bytes());
}

fn put_all(out: &mut Vec<u8>, numbers: &[u64]) {
    numbers.iter().for_each(|n| put(out, *n));
}

fn take(input: &mut &[u8]) -> Option<u64> {
    let (head, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    Some(u64::from_le_bytes(*head))
}

fn take_all<const N: usize>(input: &mut &[u8]) -> Option<[u64; N]> {
    let mut out = [0; N];
    for place in &mut out {
        *place = take(input)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: u64) -> Report {
        let mut r = Report::default();
        r.numbers.connections_received = seed;
        r.numbers.input_max = seed;
        r.databases = vec![Database { keys: seed, expires: 1, ttl_sum_ms: 10, ttl_samples: 1 }; seed as usize];
        r.commands.insert(seed, Command { calls: 1, nanos: 2, rejected: 3, failed: 4 });
        r.commands.insert(99, Command { calls: 1, ..Command::default() });
        r.errors.insert("ERR".into(), seed);
        r.latencies.entry(7).or_default().insert(1000, seed);
        r
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let mut bytes = Vec::new();
        sample(3).write(&mut bytes);
        assert_eq!(Report::read(&bytes), Some(sample(3)));
    }

    #[test]
    fn a_record_cut_anywhere_is_refused() {
        let mut bytes = Vec::new();
        sample(2).write(&mut bytes);
        for n in 0..bytes.len() {
            assert_eq!(Report::read(&bytes[..n]), None, "cut at {n}");
        }
    }

    #[test]
    fn cores_add_up_and_extremes_stay_extremes() {
        let mut all = sample(1);
        all.add(&sample(3));
        assert_eq!(all.numbers.connections_received, 4);
        assert_eq!(all.numbers.input_max, 3);
        assert_eq!(all.databases.len(), 3);
        assert_eq!(all.databases[0].keys, 4);
        assert_eq!(all.commands[&99].calls, 2);
        assert_eq!(all.errors["ERR"], 4);
        assert_eq!(all.latencies[&7][&1000], 4);
    }

    #[test]
    fn percentiles_are_the_top_of_the_bucket_they_fall_in() {
        let samples = Latencies::from([(1000, 50), (2000, 49), (9000, 1)]);
        assert_eq!(percentile(&samples, 50.0), 1000);
        assert_eq!(percentile(&samples, 99.0), 2000);
        assert_eq!(percentile(&samples, 100.0), 9000);
        assert_eq!(percentile(&Latencies::new(), 50.0), 0);
    }
}
