//! What writes did: canonical, deterministic commands for log, replicas and replay, and keyspace events.
//! One sink per core. A command that says nothing is recorded as its own words when it changed something.
//! Ref: redis.io/docs/latest/develop/use/keyspace-notifications

/// Event classes, the bits of notify-keyspace-events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Class {
    Generic = 1 << 2,
    String = 1 << 3,
    List = 1 << 4,
    Set = 1 << 5,
    Hash = 1 << 6,
    Zset = 1 << 7,
    Expired = 1 << 8,
    Evicted = 1 << 9,
    Stream = 1 << 10,
    KeyMiss = 1 << 11,
    New = 1 << 13,
}

/// One recorded effect: a command in the request form of RESP, with the database it applies to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    pub db: usize,
    /// Number of the ticket whose part this is; parts of one ticket belong together.
    pub ticket: Option<u64>,
    pub words: Vec<Vec<u8>>,
}

/// Receives effects and events of one core.
#[derive(Default)]
pub struct Effects {
    /// Somebody records; off, a write does not even build its effect.
    pub is_on: bool,
    /// Classes of events that somebody listens to.
    pub mask: u32,
    /// The running call has said what its effect is.
    pub explicit: bool,
    /// Ticket that is being carried out.
    pub ticket: Option<u64>,
    pub recorded: Vec<Effect>,
    pub events: Vec<(Class, &'static str, usize, Vec<u8>)>,
}

impl Effects {
    /// Records one command.
    pub fn command<'w>(&mut self, db: usize, words: impl Iterator<Item = &'w [u8]>) {
        self.recorded.push(Effect { db, ticket: self.ticket, words: words.map(<[u8]>::to_vec).collect() });
    }

    /// Records that `name` happened to `key`.
    pub fn event(&mut self, class: Class, name: &'static str, db: usize, key: &[u8]) {
        self.events.push((class, name, db, key.to_vec()));
    }
}
