//! What writes did: canonical, deterministic commands for log, replicas and replay, and keyspace events.
//! One sink per core. A command that says nothing is recorded as its own words when it changed something.
//!
//! Effects are kept in the request form of RESP, one after the other, as log and replicas want them; what they belong to stands beside.
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

/// One recorded effect: the words of a command, with the database it applies to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    pub db: usize,
    /// Number of the ticket whose part this is; parts of one ticket belong together.
    pub ticket: Option<u64>,
    pub words: Vec<Vec<u8>>,
}

/// What one effect belongs to, and where its bytes end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub db: u32,
    /// Effects of one unit (a command, a transaction, a part of a ticket) are one: all of them or none.
    pub unit: u64,
    pub ticket: Option<u64>,
    /// Bound to no slot, so that it applies to all cores (FLUSHALL, FLUSHDB, SWAPDB).
    pub is_global: bool,
    end: usize,
}

/// Effects in the order in which they happened on this core.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Record {
    bytes: Vec<u8>,
    heads: Vec<Head>,
}

impl Record {
    /// Whether nothing is recorded.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Number of effects.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }

    /// Each effect with its command in the request form of RESP.
    pub fn iter(&self) -> impl Iterator<Item = (Head, &[u8])> {
        let starts = std::iter::once(0).chain(self.heads.iter().map(|h| h.end));
        self.heads.iter().zip(starts).map(|(head, start)| (*head, &self.bytes[start..head.end]))
    }

    /// Appends all effects of `other`.
    pub fn append(&mut self, other: &Record) {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.heads.extend(other.heads.iter().map(|h| Head { end: before + h.end, ..*h }));
    }

    /// The effects as words, for whoever looks at them one by one.
    pub fn to_effects(&self) -> Vec<Effect> {
        self.iter().map(|(head, resp)| Effect { db: head.db as usize, ticket: head.ticket, words: words(resp) }).collect()
    }

    fn push<'w>(&mut self, head: Head, words: impl Iterator<Item = &'w [u8]>) {
        // The number of words stands first and is known last: room for one digit, which is what nearly all commands need.
        let start = self.bytes.len();
        self.bytes.extend_from_slice(b"*0\r\n");
        let mut digits = itoa::Buffer::new();
        let mut count = 0;
        for word in words {
            count += 1;
            self.bytes.push(b'$');
            self.bytes.extend_from_slice(digits.format(word.len()).as_bytes());
            self.bytes.extend_from_slice(b"\r\n");
            self.bytes.extend_from_slice(word);
            self.bytes.extend_from_slice(b"\r\n");
        }
        let text = digits.format(count).as_bytes();
        match text {
            [digit] => self.bytes[start + 1] = *digit,
            _ => drop(self.bytes.splice(start + 1..start + 2, text.iter().copied())),
        }
        self.heads.push(Head { end: self.bytes.len(), ..head });
    }
}

/// The words of one command that [`Record`] wrote.
fn words(mut resp: &[u8]) -> Vec<Vec<u8>> {
    let count = take_number(&mut resp);
    let mut list = Vec::with_capacity(count);
    for _ in 0..count {
        let len = take_number(&mut resp);
        list.push(resp.get(..len).unwrap_or_default().to_vec());
        resp = resp.get(len + 2..).unwrap_or_default();
    }
    list
}

/// The number of a line like `$3`, which is taken off.
fn take_number(rest: &mut &[u8]) -> usize {
    let end = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
    let n = crate::base::num::parse_i64(rest.get(1..end).unwrap_or_default()).unwrap_or(0);
    *rest = rest.get(end + 2..).unwrap_or_default();
    n as usize
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
    /// The unit that runs; whoever runs something that belongs together counts it up before.
    pub unit: u64,
    pub recorded: Record,
    pub events: Vec<(Class, &'static str, usize, Vec<u8>)>,
}

impl Effects {
    /// Records one command.
    pub fn command<'w>(&mut self, db: usize, words: impl Iterator<Item = &'w [u8]>) {
        let head = Head { db: db as u32, unit: self.unit, ticket: self.ticket, is_global: false, end: 0 };
        self.recorded.push(head, words);
    }

    /// Records one command that is bound to no slot.
    pub fn global<'w>(&mut self, db: usize, words: impl Iterator<Item = &'w [u8]>) {
        let head = Head { db: db as u32, unit: self.unit, ticket: self.ticket, is_global: true, end: 0 };
        self.recorded.push(head, words);
    }

    /// Takes everything recorded so far, as words.
    pub fn take(&mut self) -> Vec<Effect> {
        let effects = self.recorded.to_effects();
        self.recorded.clear();
        effects
    }

    /// Records that `name` happened to `key`.
    pub fn event(&mut self, class: Class, name: &'static str, db: usize, key: &[u8]) {
        self.events.push((class, name, db, key.to_vec()));
    }
}
