//! All of one core that a command may see: its keys, its clients, its settings, its counters. Never shared with another core.

use super::{
    client::Clients,
    effect::{Class, Effects},
    latency::Latency,
    request::Request,
    slowlog::{Entry, Slowlog},
    stats::{CommandStat, Stats},
    table::Table,
    tracking::Tracker,
};
use crate::{base::rng::Rng, config::Config, data::collection::Limits, keyspace::Keyspace};
use std::{collections::BTreeMap, sync::atomic::AtomicU64};

/// Facts of the process, the same on every core and never changed after start.
pub struct Server {
    /// 40 hexadecimal digits, new at every start.
    pub run_id: String,
    pub pid: u32,
    pub started_ms: i64,
    pub executable: String,
    /// Absolute path, empty without a file.
    pub config_file: String,
    /// `Linux 6.18.1 x86_64`.
    pub os: String,
    pub commands: Table,
    /// Next client id; the one counter that all cores draw from, once a connection.
    pub next_client: AtomicU64,
    /// Next id of an entry of the slow logs.
    pub next_slow: AtomicU64,
    /// Connected clients on all cores, for maxclients.
    pub clients: AtomicU64,
    /// Sockets the server listens on, as INFO shows them.
    pub listeners: Vec<String>,
    /// Who supervises the process: `upstart`, `systemd`, `no`.
    pub supervised: &'static str,
    /// Makes a directory the process's working directory: its name from the root on, or what the system says against it.
    pub enter_dir: fn(&[u8]) -> Result<Vec<u8>, String>,
    /// Lets the thread of the core that calls do nothing for so many microseconds.
    pub sleep: fn(u64),
}

/// CLIENT PAUSE.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pause {
    /// Unix ms until which it lasts; 0 = none.
    pub until_ms: i64,
    /// Only commands that may write wait.
    pub writes_only: bool,
}

/// One core's state.
pub struct Shard {
    pub core: usize,
    pub cores: usize,
    pub ks: Box<Keyspace>,
    pub config: Config,
    pub server: &'static Server,
    pub clients: Clients,
    pub stats: Stats,
    /// By row of the command table.
    pub command_stats: Vec<CommandStat>,
    /// Error replies by code.
    pub errors: BTreeMap<String, u64>,
    pub slowlog: Slowlog,
    pub latency: Latency,
    pub fx: Effects,
    pub rng: Rng,
    pub pause: Pause,
    /// What the node is asked to do after this turn.
    pub requests: Vec<Request>,
    /// Facts that only the node knows, refreshed about once a second: resident memory of the process, CPU seconds.
    pub process: Process,
    /// Highest sum of used memory seen.
    pub peak_bytes: u64,
    /// Last second's rates: commands, input bytes, output bytes.
    pub rates: Rates,
    /// DEBUG settings of this core that change how it behaves.
    pub debug: Debug,
    /// The call that just ran waits for this; whoever ran it takes it.
    pub block: Option<Box<super::Block>>,
    pub waits: Waits,
    /// Copies that clients have.
    pub tracking: Tracker,
    /// State of durability.
    pub persist: super::persist::Figures,
    /// What commands of this turn ask of durability (core 0).
    pub wishes: Vec<super::persist::Wish>,
    /// The call that just ran is answered later; whoever ran it takes it.
    pub deferred: Option<super::persist::Ask>,
    /// Asks so far; they are numbers of this core.
    pub asks: u64,
}

/// Clients of this core that wait in blocking commands, and keys of this core that anybody waits for.
#[derive(Clone, Copy, Default, Debug)]
pub struct Waits {
    pub clients: u64,
    /// Those of them with a timeout.
    pub timeouts: u64,
    pub keys: u64,
    /// Those of them for which a client waits that wants to know when they are gone.
    pub keys_on_nokey: u64,
}

/// What only the kernel knows about the process.
#[derive(Clone, Copy, Default, Debug)]
pub struct Process {
    pub rss_bytes: u64,
    pub system_bytes: u64,
    /// Resident before there was any key or client.
    pub startup_bytes: u64,
    pub user_usec: u64,
    pub system_usec: u64,
    /// This core's thread.
    pub thread_user_usec: u64,
    pub thread_system_usec: u64,
}

/// Rates of the last second.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rates {
    pub ops: u64,
    pub input_bytes: u64,
    pub output_bytes: u64,
    /// Turns, and microseconds spent in them.
    pub turns: u64,
    pub turn_usec: u64,
}

/// DEBUG's switches.
#[derive(Clone, Copy, Debug)]
pub struct Debug {
    pub quicklist_packed_threshold: u64,
    pub reply_buffer_peak_reset_ms: i64,
    pub reply_buffer_resizing: bool,
    /// Periodic work (expiry, statistics) does not run.
    pub pause_cron: bool,
    /// RESTORE takes payloads whatever their checksum.
    pub skip_checksum: bool,
    /// Changes the replication id: unix ms of the last CHANGE-REPL-ID.
    pub repl_id_salt: i64,
}

impl Default for Debug {
    fn default() -> Self {
        Debug {
            quicklist_packed_threshold: 1 << 30,
            reply_buffer_peak_reset_ms: 5000,
            reply_buffer_resizing: true,
            pause_cron: false,
            skip_checksum: false,
            repl_id_salt: 0,
        }
    }
}

impl Shard {
    /// A core without keys and clients. `seed`: of this core's random numbers and, with the same value on all cores, of key hashes.
    pub fn new(core: usize, cores: usize, config: Config, server: &'static Server, hash_seed: u64, rng_seed: u64) -> Shard {
        let slots = crate::keyspace::slots::range_of(core, cores);
        let databases = config.databases.max(1) as usize;
        let rows = server.commands.rows.len();
        Shard {
            core,
            cores,
            ks: Box::new(Keyspace::new(hash_seed, databases, slots)),
            config,
            server,
            clients: Clients::default(),
            stats: Stats::default(),
            command_stats: vec![CommandStat::default(); rows],
            errors: BTreeMap::new(),
            slowlog: Slowlog::default(),
            latency: Latency::default(),
            fx: Effects::default(),
            rng: Rng::new(rng_seed),
            pause: Pause::default(),
            requests: Vec::new(),
            process: Process::default(),
            peak_bytes: 0,
            rates: Rates::default(),
            debug: Debug::default(),
            block: None,
            waits: Waits::default(),
            tracking: Tracker::default(),
            persist: super::persist::Figures::default(),
            wishes: Vec::new(),
            deferred: None,
            asks: 0,
        }
    }
}

impl Shard {
    /// Where collections change their form, as configured.
    pub fn limits(&self) -> Limits {
        let config = &self.config;
        Limits {
            hash_max_listpack_entries: config.hash_max_listpack_entries,
            hash_max_listpack_value: config.hash_max_listpack_value,
            zset_max_listpack_entries: config.zset_max_listpack_entries,
            zset_max_listpack_value: config.zset_max_listpack_value,
            set_max_intset_entries: config.set_max_intset_entries,
            set_max_listpack_entries: config.set_max_listpack_entries,
            set_max_listpack_value: config.set_max_listpack_value,
            list_max_listpack_size: config.list_max_listpack_size,
            list_compress_depth: config.list_compress_depth,
            list_packed_threshold: self.debug.quicklist_packed_threshold,
            stream_node_max_bytes: config.stream_node_max_bytes,
            stream_node_max_entries: config.stream_node_max_entries,
            seed: self.ks.seed(),
        }
    }

    /// The replication id, 40 hexadecimal digits: names this process's history, the same on every core.
    pub fn repl_id(&self) -> String {
        use sha1::{Digest, Sha1};
        let hash = Sha1::new().chain_update(&self.server.run_id).chain_update(self.debug.repl_id_salt.to_le_bytes()).finalize();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Logs a slow call of client `id`, which is at `place` if that is known.
    pub fn keep_slow(&mut self, id: u64, place: Option<usize>, mut entry: Entry) {
        let client = match place {
            Some(i) => self.clients.get(i),
            None => self.clients.iter().map(|(_, c)| c).find(|c| c.id == id),
        };
        if let Some(client) = client {
            entry.addr.clone_from(&client.addr);
            entry.name.clone_from(&client.name);
        }
        self.slowlog.keep(entry, self.config.slowlog_max_len as usize);
    }

    /// Makes commands wait, and lets expired keys be, which would have to be recorded.
    pub fn begin_pause(&mut self, pause: Pause) {
        self.pause = pause;
        self.ks.tuning.keep_expired = true;
    }

    /// Nothing waits any more.
    pub fn end_pause(&mut self) {
        self.pause = Pause::default();
        self.ks.tuning.keep_expired = false;
        self.clients.iter_mut().for_each(|(_, c)| c.is_postponed = false);
    }

    /// Records the deletion of keys and fields that expired since the last time, before anything that is recorded after them.
    pub fn record_expired(&mut self) {
        if !self.ks.has_expired() {
            return;
        }
        let is_lazy = self.config.lazyfree_lazy_expire;
        let fx = &mut self.fx;
        self.ks.drain_expired(&mut |over| {
            let is_key = over.fields.is_empty();
            if fx.is_on {
                let name: &[u8] = match (is_key, is_lazy) {
                    (true, true) => b"UNLINK",
                    (true, false) => b"DEL",
                    (false, _) => b"HDEL",
                };
                fx.command(over.db, [name, over.key].into_iter().chain(over.fields.iter()));
            }
            let mut tell = |class: Class, name| {
                if fx.mask & class as u32 != 0 {
                    fx.event(class, name, over.db, over.key);
                }
            };
            match (is_key, over.is_gone) {
                (true, _) => tell(Class::Expired, "expired"),
                (false, is_gone) => {
                    tell(Class::Hash, "hexpired");
                    if is_gone {
                        tell(Class::Generic, "del");
                    }
                }
            }
        });
    }
}
