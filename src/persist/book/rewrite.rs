//! One rewrite: when it is due, where it stands, how often it failed.
//!
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence (log rewriting)

use super::files::Names;
use crate::{
    config::Config,
    persist::{
        aof::{Listed, manifest},
        disk::folder,
        plan::{Now, Purpose, SaveJob},
    },
    spec::{persist::Figures, shard::Shard},
};

/// Failures in a row after which automatic rewrites wait, and the longest wait in minutes.
const FAILURES: u64 = 3;
const DELAY_MAX_MINUTES: i64 = 60;

/// A base that is complete in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    pub listed: Listed,
    /// The generation that begins at its cut; 0 if logs are off.
    pub generation: u64,
}

/// Where the rewrite stands.
#[derive(Debug)]
pub enum State {
    Idle,
    /// The directory is being made.
    Preparing,
    /// To be begun by whoever makes snapshots.
    Offered(Box<SaveJob>),
    /// Taken, not begun.
    Taken,
    /// The snapshot is being made, or (`bytes`) complete.
    Running {
        bytes: Option<u64>,
    },
}

/// See the file's head.
#[derive(Debug)]
pub struct Rewrite {
    /// One is to be begun as soon as it can.
    pub is_wanted: bool,
    /// It need not wait because of earlier failures.
    pub is_allowed: bool,
    pub state: State,
    listed: Listed,
    path: Vec<u8>,
    /// Logs are off and stay so.
    is_apart: bool,
    /// The generation that begins at the cut, when it has happened.
    generation: Option<u64>,
    /// What comes of it is not wanted.
    is_discarded: bool,
    wants_cancel: bool,
    started: i64,
    started_mono: i64,
    last_seconds: i64,
    has_failed: bool,
    count: u64,
    failures: u64,
    /// Minutes of the last wait after failures, and the unix second at which it ends.
    delay: i64,
    next_at: i64,
}

impl Rewrite {
    #[must_use]
    pub fn new() -> Rewrite {
        Rewrite {
            is_wanted: false,
            is_allowed: false,
            state: State::Idle,
            listed: Listed { name: Vec::new(), seq: 0 },
            path: Vec::new(),
            is_apart: false,
            generation: None,
            is_discarded: false,
            wants_cancel: false,
            started: -1,
            started_mono: 0,
            last_seconds: -1,
            has_failed: false,
            count: 0,
            failures: 0,
            delay: 0,
            next_at: 0,
        }
    }

    /// BGREWRITEAOF: at once, however often it failed. One under way is enough.
    pub fn ask(&mut self) {
        if matches!(self.state, State::Idle) {
            self.failures = 0;
            self.is_wanted = true;
        }
    }

    #[must_use]
    pub fn is_startable(&self) -> bool {
        self.is_wanted && matches!(self.state, State::Idle)
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        !matches!(self.state, State::Idle | State::Preparing)
    }

    /// A cut may be on its way that switches the log on.
    #[must_use]
    pub fn may_cut(&self) -> bool {
        self.is_running() && !self.is_apart && self.generation.is_none()
    }

    pub fn prepare(&mut self) {
        self.is_wanted = false;
        self.is_allowed = false;
        self.state = State::Preparing;
        self.generation = None;
        self.is_discarded = false;
    }

    /// A snapshot is to be made; `generation` 0 leaves logs as they are. `is_afresh`: see [`SaveJob`].
    pub fn offer(&mut self, (generation, is_afresh): (u64, bool), seq: i64, names: &Names, shard: &Shard, now: Now) {
        let as_commands = !shard.config.aof_use_rdb_preamble;
        self.listed = Listed { name: manifest::base_name(&names.name, seq, as_commands), seq };
        self.path = names.path(&self.listed.name);
        self.is_apart = generation == 0;
        self.started = now.wall_ms.div_euclid(1000);
        self.started_mono = now.mono_ms;
        self.count += 1;
        let temporary = format!("temp-rewriteaof-bg-{}.aof", shard.server.pid);
        // Beside the directory, where it can be renamed from.
        let temporary = match folder(&names.dir).as_slice() {
            b"." => temporary.into_bytes(),
            b"/" => [b"/", temporary.as_bytes()].concat(),
            beside => [beside, b"/", temporary.as_bytes()].concat(),
        };
        let job = SaveJob::new(Purpose::Base { generation }, temporary, self.path.clone(), as_commands);
        self.state = State::Offered(Box::new(SaveJob { is_afresh, ..job }));
    }

    pub fn take_job(&mut self) -> Option<SaveJob> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Offered(_) if self.is_discarded => None,
            State::Offered(job) => {
                self.state = State::Taken;
                Some(*job)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    pub fn began(&mut self, has_begun: bool) {
        if matches!(self.state, State::Taken) {
            self.state = if has_begun { State::Running { bytes: None } } else { State::Idle };
            if !has_begun {
                self.count = self.count.saturating_sub(1);
                self.is_wanted = !self.is_discarded;
            }
        }
    }

    /// The cut happened.
    pub fn cut(&mut self, generation: u64) {
        self.generation = Some(generation);
    }

    /// Of the cut, if it has happened and the rewrite is under way.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.generation.filter(|_| !matches!(self.state, State::Idle))
    }

    /// The snapshot is complete. Gives its path if nobody wants it any more.
    pub fn complete(&mut self, bytes: u64) -> Option<Vec<u8>> {
        if self.is_discarded {
            self.state = State::Idle;
            return Some(self.path.clone());
        }
        self.state = State::Running { bytes: Some(bytes) };
        None
    }

    /// The base that is complete and to be listed.
    #[must_use]
    pub fn base(&self) -> Option<Base> {
        match (&self.state, self.generation) {
            (State::Running { bytes: Some(_) }, Some(generation)) => Some(Base { listed: self.listed.clone(), generation }),
            _ => None,
        }
    }

    /// It is listed. Gives the bytes of the base.
    pub fn succeed(&mut self, now: Now) -> u64 {
        let bytes = if let State::Running { bytes: Some(bytes) } = self.state { bytes } else { 0 };
        self.end(now);
        self.failures = 0;
        self.has_failed = false;
        bytes
    }

    pub fn fail(&mut self, now: Now) {
        self.end(now);
        if !self.is_discarded {
            self.failures += 1;
            self.has_failed = true;
        }
    }

    fn end(&mut self, now: Now) {
        self.state = State::Idle;
        self.last_seconds = (now.mono_ms - self.started_mono).div_euclid(1000);
        self.started = -1;
    }

    /// What comes of the rewrite under way is not wanted. Gives the path of a base that is complete.
    pub fn discard(&mut self) -> Option<Vec<u8>> {
        match self.state {
            State::Idle => return None,
            _ if self.is_apart => return None,
            State::Running { bytes: Some(_) } => {
                self.state = State::Idle;
                return Some(self.path.clone());
            }
            State::Running { bytes: None } | State::Taken => self.wants_cancel = true,
            State::Preparing | State::Offered(_) => {}
        }
        self.is_discarded = true;
        None
    }

    pub fn take_cancel(&mut self) -> bool {
        std::mem::take(&mut self.wants_cancel)
    }

    /// Percent of growth, if it calls for a rewrite and none is wanted or under way.
    #[must_use]
    pub fn is_grown(&self, bytes: u64, base: u64, config: &Config) -> Option<u64> {
        let percentage = u64::try_from(config.auto_aof_rewrite_percentage).unwrap_or(0);
        let min = u64::try_from(config.auto_aof_rewrite_min_size).unwrap_or(0);
        if self.is_wanted || !matches!(self.state, State::Idle) || percentage == 0 || bytes <= min {
            return None;
        }
        let growth = (u128::from(bytes) * 100 / u128::from(base.max(1))).saturating_sub(100);
        (growth >= u128::from(percentage)).then_some(growth as u64)
    }

    /// After several failures in a row rewrites wait longer and longer: `Some` while that lasts, with a line when it begins.
    pub fn limit(&mut self, seconds: i64) -> Option<Option<String>> {
        if self.failures < FAILURES {
            (self.delay, self.next_at) = (0, 0);
            return None;
        }
        if self.next_at != 0 {
            if seconds < self.next_at {
                return Some(None);
            }
            self.next_at = 0;
            return None;
        }
        self.delay = if self.delay == 0 { 1 } else { (self.delay * 2).min(DELAY_MAX_MINUTES) };
        self.next_at = seconds + self.delay * 60;
        let text = format!("Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {} minutes", self.delay);
        Some(Some(text))
    }

    pub fn show(&self, figures: &mut Figures) {
        figures.is_rewriting = self.is_running();
        figures.is_rewrite_scheduled = self.is_wanted;
        figures.rewrite_started = self.started;
        figures.last_rewrite_seconds = self.last_seconds;
        figures.has_rewrite_failed = self.has_failed;
        figures.rewrites = self.count;
        figures.rewrite_failures = self.failures;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_make_rewrites_wait_longer_and_longer() {
        let mut rewrite = Rewrite::new();
        assert_eq!(rewrite.limit(0), None);
        rewrite.failures = 3;
        let mut now = 0;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            let line = rewrite.limit(now).flatten().expect("a wait begins");
            assert!(line.ends_with(&format!("in {minutes} minutes")), "{line}");
            assert_eq!(rewrite.limit(now + minutes * 60 - 1), Some(None));
            now += minutes * 60;
            assert_eq!(rewrite.limit(now), None, "one try");
        }
        rewrite.ask();
        assert_eq!(rewrite.limit(now), None, "asked for by hand");
    }

    #[test]
    fn growth_is_counted_from_the_last_rewrite() {
        let rewrite = Rewrite::new();
        let mut config = Config { auto_aof_rewrite_min_size: 1000, ..Config::default() };
        assert_eq!(rewrite.is_grown(1000, 400, &config), None, "not more than the least size");
        assert_eq!(rewrite.is_grown(1001, 501, &config), None);
        assert_eq!(rewrite.is_grown(1002, 501, &config), Some(100));
        assert_eq!(rewrite.is_grown(1002, 0, &config), Some(100_100));
        config.auto_aof_rewrite_percentage = 0;
        assert_eq!(rewrite.is_grown(1 << 40, 1, &config), None);
    }
}
