//! A client as commands and operators see it: identity, protocol, database, transaction. The bytes of its connection
//! belong to the engine and the node.

use super::Spec;

/// CLIENT REPLY.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// The next command's reply is dropped.
    SkipNext,
    /// This command's reply is dropped, then `On`.
    Skip,
}

/// Whether a client waits in a blocking command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Blocked {
    #[default]
    No,
    /// It does, and may be told to stop.
    Waiting,
    /// A key is ready: it is about to be served.
    Claimed,
    /// CLIENT UNBLOCK ended its wait, with an error if so; the engine will tell the client.
    Ending(bool),
}

/// One queued command of MULTI.
pub struct Queued {
    pub spec: &'static Spec,
    /// Its row in the command table.
    pub row: u16,
    pub bytes: Vec<u8>,
    pub spans: Vec<crate::proto::Span>,
}

/// A key under WATCH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watched {
    pub db: usize,
    pub key: Vec<u8>,
    pub slot: u16,
    /// What the owner answered; compared there at EXEC.
    pub token: u64,
}

/// State between MULTI and EXEC.
#[derive(Default)]
pub struct Transaction {
    pub queue: Vec<Queued>,
    /// Bytes of all queued words.
    pub bytes: usize,
    /// A command was refused while queueing: EXEC aborts.
    pub is_broken: bool,
}

/// Output of a client that the kernel has not confirmed. There is one buffer that replies are written to; what has outgrown it,
/// waits for its turn, or is with the kernel counts as a list behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Output {
    /// Bytes in the buffer and its size, 0 while there is none.
    pub bytes: usize,
    pub capacity: usize,
    /// Pieces of the list, and their bytes.
    pub pieces: usize,
    pub piece_bytes: usize,
}

impl Output {
    /// All bytes.
    pub fn total(&self) -> usize {
        self.bytes + self.piece_bytes
    }
}

/// One connected client.
#[derive(Default)]
pub struct Client {
    /// Above 0. 0 is no client: what a log has to say, which nothing may refuse.
    pub id: u64,
    pub name: Vec<u8>,
    pub lib_name: Vec<u8>,
    pub lib_ver: Vec<u8>,
    /// `ip:port`, `[v6]:port`, `path:0`.
    pub addr: String,
    pub laddr: String,
    pub fd: i32,
    pub db: usize,
    pub is_resp3: bool,
    pub is_authenticated: bool,
    pub is_unix: bool,
    /// The peer is on this machine.
    pub is_local: bool,
    pub user: &'static str,
    pub created_ms: i64,
    pub active_ms: i64,
    pub multi: Option<Box<Transaction>>,
    pub watched: Vec<Watched>,
    pub reply_mode: ReplyMode,
    pub blocked: Blocked,
    pub no_touch: bool,
    pub no_evict: bool,
    /// Client-side caching.
    pub tracking: super::tracking::Tracking,
    /// Close when everything written so far has left.
    pub close_after_reply: bool,
    /// Close at once.
    pub close_now: bool,
    /// Name of the last command, `config|get`.
    pub last_command: &'static str,
    /// CLIENT PAUSE holds up its next command.
    pub is_postponed: bool,
    /// Bytes of input not yet parsed, with the command under way while that is one about clients; kept up to date once a turn.
    pub input_bytes: usize,
    pub input_free: usize,
    /// Output not yet sent.
    pub output: Output,
    /// Most bytes that its output buffer had lately, and since when (unix ms) that is said.
    pub output_peak: usize,
    pub output_peak_ms: i64,
    pub argv_bytes: usize,
    pub total_in: u64,
    pub total_out: u64,
    pub total_commands: u64,
}

impl Client {
    /// A client without a connection at unix ms `now`. Number 0 is nobody's: it carries out a log that is being loaded.
    pub fn new(id: u64, now: i64) -> Client {
        Client {
            id,
            name: Vec::new(),
            lib_name: Vec::new(),
            lib_ver: Vec::new(),
            addr: String::new(),
            laddr: String::new(),
            fd: -1,
            db: 0,
            is_resp3: false,
            is_authenticated: false,
            is_unix: false,
            is_local: false,
            user: "default",
            created_ms: now,
            active_ms: now,
            multi: None,
            watched: Vec::new(),
            reply_mode: ReplyMode::On,
            blocked: Blocked::No,
            no_touch: false,
            no_evict: false,
            tracking: Default::default(),
            close_after_reply: false,
            close_now: false,
            last_command: "NULL",
            is_postponed: false,
            input_bytes: 0,
            input_free: 0,
            output: Output::default(),
            output_peak: 0,
            output_peak_ms: now,
            argv_bytes: 0,
            total_in: 0,
            total_out: 0,
            total_commands: 0,
        }
    }
    /// Its output buffer had `bytes` at unix ms `now`; the most is remembered for `reset_ms`, for ever if that is negative.
    pub fn note_output(&mut self, bytes: usize, now: i64, reset_ms: i64) {
        if bytes > self.output_peak || (reset_ms >= 0 && now - self.output_peak_ms > reset_ms) {
            (self.output_peak, self.output_peak_ms) = (bytes, now);
        }
    }
    /// Bytes that this client costs, as `tot-mem`.
    pub fn total_memory(&self) -> usize {
        std::mem::size_of::<Client>()
            + self.input_bytes
            + self.input_free
            + self.output.capacity
            + self.output.piece_bytes
            + self.multi_bytes()
            + self.name.len()
    }
    /// Bytes of its queued commands, as `multi-mem`.
    pub fn multi_bytes(&self) -> usize {
        self.multi.as_ref().map_or(0, |m| m.bytes + m.queue.len() * std::mem::size_of::<Queued>())
    }
}

/// Slab of the clients of one core; an index stays the same for the client's life.
#[derive(Default)]
pub struct Clients {
    places: Vec<Option<Box<Client>>>,
    free: Vec<usize>,
    count: usize,
}

impl Clients {
    /// Adds a client and returns its index.
    pub fn insert(&mut self, client: Client) -> usize {
        self.count += 1;
        let client = Some(Box::new(client));
        match self.free.pop() {
            Some(i) => {
                self.places[i] = client;
                i
            }
            None => {
                self.places.push(client);
                self.places.len() - 1
            }
        }
    }
    /// Removes the client at `index`.
    pub fn remove(&mut self, index: usize) -> Option<Box<Client>> {
        let gone = self.places.get_mut(index)?.take();
        if gone.is_some() {
            self.free.push(index);
            self.count -= 1;
        }
        gone
    }
    pub fn get(&self, index: usize) -> Option<&Client> {
        self.places.get(index)?.as_deref()
    }
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Client> {
        self.places.get_mut(index)?.as_deref_mut()
    }
    /// Clients in index order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Client)> {
        self.places.iter().enumerate().filter_map(|(i, c)| Some((i, c.as_deref()?)))
    }
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Client)> {
        self.places.iter_mut().enumerate().filter_map(|(i, c)| Some((i, c.as_deref_mut()?)))
    }
    pub fn len(&self) -> usize {
        self.count
    }
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl std::ops::Index<usize> for Clients {
    type Output = Client;
    fn index(&self, i: usize) -> &Client {
        self.places[i].as_deref().expect("a client's index is used only while it lives")
    }
}

impl std::ops::IndexMut<usize> for Clients {
    fn index_mut(&mut self, i: usize) -> &mut Client {
        self.places[i].as_deref_mut().expect("a client's index is used only while it lives")
    }
}
