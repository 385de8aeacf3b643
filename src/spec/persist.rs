//! What commands see of durability and ask of it. The work is in `persist/`.

use super::Refusal;
use crate::config::kinds::ShutdownOn;

/// Names a reply that is still owed to a command; the engine knows whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ask(pub u64);

/// What a command asks of durability. Commands that wish run on core 0; the wish is looked at after the turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// SAVE: answers when the file is there (`+OK`, or an error).
    Save(Ask),
    /// BGSAVE, or what a save point does.
    BackgroundSave,
    /// BGREWRITEAOF, or growth that calls for it.
    RewriteLog,
    /// CONFIG SET appendonly; answered when the log runs from here on (`yes`) or is closed (`no`).
    AppendOnly(bool),
    /// DEBUG RELOAD with what was asked for; answers when everything is loaded again.
    Reload { ask: Ask, saves: bool, flushes: bool, merges: bool },
    /// DEBUG LOADAOF.
    LoadLog(Ask),
    /// WAITAOF's local part: answers `1` when everything logged before now is on disk, `0` at unix ms `until` (0 = never).
    /// Either as [`waited`] writes it.
    WaitDurable { ask: Ask, until: i64 },
    /// Somebody waits for replicas, of which there are none: the reply of `ask` leaves at unix ms `until` and not before (0 = never).
    /// It is `reply`, or where there is none what another wish answers to the same `ask` meanwhile.
    Hold { ask: Ask, until: i64, reply: Option<Vec<u8>> },
    /// The process is to end: what must be saved is saved first. `saves`: `None` = if save points are configured.
    Shutdown { saves: Option<bool>, now: bool, force: bool },
    /// A client of SHUTDOWN: has its answer ([`Refusal::SHUTDOWN_ERRORS`]) only if the process does not end after all.
    AwaitEnd(Ask),
    /// SHUTDOWN ABORT.
    AbortShutdown,
}

impl Wish {
    /// What SIGTERM or SIGINT wishes by its setting; `is_loading`: there is nothing yet that could be saved.
    #[must_use]
    pub fn of_signal(how: ShutdownOn, is_loading: bool) -> Wish {
        let has = |flag| how.0 & flag != 0;
        let saves = match () {
            () if is_loading || has(ShutdownOn::NOSAVE) => Some(false),
            () if has(ShutdownOn::SAVE) => Some(true),
            () => None,
        };
        Wish::Shutdown { saves, now: has(ShutdownOn::NOW), force: has(ShutdownOn::FORCE) }
    }
}

/// The reply of WAITAOF: whether the log is on disk here, and the number of replicas that have it on theirs.
#[must_use]
pub fn waited(is_local: bool) -> &'static [u8] {
    if is_local { b"*2\r\n:1\r\n:0\r\n" } else { b"*2\r\n:0\r\n:0\r\n" }
}

/// Who may not be served while keys are being loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Loading {
    #[default]
    No,
    /// Commands without the flag LOADING are refused.
    Refuses,
    /// Clients wait (DEBUG RELOAD).
    Waits,
}

/// State of durability as commands, INFO and the gate see it. Every core has one; a field says whose counts.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Of every core: this core's.
    pub loading: Loading,
    /// Of every core: writes are refused with this text (a failed snapshot, a failed log).
    pub refuses_writes: Option<Refusal>,
    /// Of every core: a command of a log that is being loaded was refused with this.
    pub load_error: Option<Vec<u8>>,
    /// Of every core: log or snapshot are too far behind, so writes wait.
    pub is_choked: bool,
    /// Of every core: `ks.stats.changes` at the cut of the last snapshot that succeeded.
    pub changes_at_save: u64,
    /// Of every core: bytes of the log that were not written yet.
    pub log_unwritten: u64,
    /// Of every core: writes put off because a sync took long.
    pub log_delayed: u64,
    /// Of every core: syncs of the log under way.
    pub pending_syncs: u64,
    /// The rest: of core 0. Unix seconds where a time, -1 = never.
    pub last_save: i64,
    pub is_saving: bool,
    /// BGSAVE SCHEDULE waits for a rewrite to end.
    pub is_save_scheduled: bool,
    pub save_started: i64,
    pub has_save_failed: bool,
    pub last_save_seconds: i64,
    pub saves: u64,
    pub save_keys_total: u64,
    pub save_keys_done: u64,
    /// The log is on (`aof_enabled`).
    pub log_is_on: bool,
    pub is_rewriting: bool,
    pub is_rewrite_scheduled: bool,
    pub rewrite_started: i64,
    pub last_rewrite_seconds: i64,
    pub has_rewrite_failed: bool,
    pub rewrites: u64,
    pub rewrite_failures: u64,
    pub has_log_write_failed: bool,
    /// A shutdown was asked for and is under way.
    pub is_ending: bool,
    /// Bytes of base and incremental files, and the same when the last rewrite ended.
    pub log_bytes: u64,
    pub log_base_bytes: u64,
    pub load_started: i64,
    pub load_total_bytes: u64,
    pub load_done_bytes: u64,
    pub loaded_keys: u64,
    pub loaded_expired: u64,
    /// What is being loaded is an AOF.
    pub loads_log: bool,
    /// Libraries of functions found in files, kept to be written again.
    pub functions: Vec<Vec<u8>>,
}

impl Default for Figures {
    fn default() -> Figures {
        Figures {
            loading: Loading::No,
            refuses_writes: None,
            load_error: None,
            is_choked: false,
            changes_at_save: 0,
            log_unwritten: 0,
            log_delayed: 0,
            pending_syncs: 0,
            last_save: -1,
            is_saving: false,
            is_save_scheduled: false,
            save_started: -1,
            has_save_failed: false,
            last_save_seconds: -1,
            saves: 0,
            save_keys_total: 0,
            save_keys_done: 0,
            log_is_on: false,
            is_rewriting: false,
            is_rewrite_scheduled: false,
            rewrite_started: -1,
            last_rewrite_seconds: -1,
            has_rewrite_failed: false,
            rewrites: 0,
            rewrite_failures: 0,
            has_log_write_failed: false,
            is_ending: false,
            log_bytes: 0,
            log_base_bytes: 0,
            load_started: -1,
            load_total_bytes: 0,
            load_done_bytes: 0,
            loaded_keys: 0,
            loaded_expired: 0,
            loads_log: false,
            functions: Vec::new(),
        }
    }
}

impl Figures {
    /// Whether the gate has to look closer: something may be refused now.
    #[inline(always)]
    pub fn is_guarded(&self) -> bool {
        self.loading == Loading::Refuses || self.refuses_writes.is_some()
    }
    /// Whether keys are being loaded.
    pub fn is_loading(&self) -> bool {
        self.loading != Loading::No
    }
}
