//! The kernel side of a core: sockets, files, clocks, signals, executors. Nothing here knows a byte of RESP.
//!
//! Sits under `node/`, which is the only folder (with `cli/`) that may import it. A core owns one `Reactor`: it calls
//! `turn`, gets a list of `Event`s, answers with `send`, `recycle`, `close`, and calls `turn` again.
//!
//! Invariants:
//! - A `ConnId` is an index and a generation. An operation on an id whose connection is gone does nothing.
//! - Memory handed to the kernel (send buffers, fill buffers, provided buffers) is owned by the reactor until the
//!   kernel has reported the operation as finished; a connection's descriptor is closed only after its last operation.
//! - After `close` a connection yields exactly one more event, `Freed`. (Events that an earlier `turn` has already put
//!   into the caller's list may of course still be there.)
//!
//! Not here: protocol, replies, limits, timers (the caller owns its timing wheel and passes a timeout to `turn`).
//!
//! Ref: man pages io_uring(7), io_uring_enter(2), io_uring_setup(2).

pub mod kernel;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Names one connection of one reactor: slab index (32 bits) and generation (28 bits). Opaque, copyable, never reused
/// while an operation of its predecessor is in flight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(u64);

/// How many bits of a `ConnId` are generation; the four bits above say what an operation is.
pub(crate) const GENERATION_BITS: u32 = 28;

impl ConnId {
    /// Puts index and generation together; the generation is cut to 28 bits.
    pub(crate) fn new(index: u32, generation: u32) -> Self {
        let generation = u64::from(generation) & ((1 << GENERATION_BITS) - 1);
        Self((generation << 32) | u64::from(index))
    }

    /// The slab index: small numbers, reused after `Freed`; good for indexing a parallel table of the caller.
    pub fn index(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// How many connections have used this index before (modulo 2^28).
    pub fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The whole id as one number; unique among the living connections of this reactor.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conn {}.{}", self.index(), self.generation())
    }
}

/// One provided buffer that holds received bytes until it is given back with `Reactor::recycle`.
///
/// Not copyable: giving a buffer back twice does not compile. Dropping it without recycling loses it for good.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a buffer that is not recycled is lost to the reactor"]
pub struct BufId(pub(crate) u16);

/// The address of one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A Unix-domain socket; its ends have no useful names.
    Unix,
}

/// Why no more bytes will be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// The peer has closed its sending half. Replies may still be sent.
    Eof,
    /// The connection is broken; the value is an errno such as `ECONNRESET`.
    Error(i32),
}

/// What one `Reactor::turn` has found. Events of one connection come in the order in which they happened.
#[derive(Debug)]
pub enum Event {
    /// A new connection; nothing is received from it before `start`. It may be handed to another core with `detach`.
    Accepted { conn: ConnId, listener: u8, peer: Peer, local: Peer },
    /// `len` bytes lie at the start of `buf`, until `recycle(buf)`.
    Received { conn: ConnId, buf: BufId, len: usize },
    /// `pause_recv` has taken effect: nothing is received any more, `recv_into` is allowed.
    Paused { conn: ConnId },
    /// The receive begun with `recv_into` is over: `len` more bytes stand at the end of `buf`. 0 means that a `Closed`
    /// follows.
    Filled { conn: ConnId, buf: Vec<u8>, len: usize },
    /// The whole send is with the kernel, or the connection broke (errno). `buf` is the cleared buffer given to `send`
    /// (empty and unallocated after `send_parts`).
    Sent { conn: ConnId, buf: Vec<u8>, result: Result<(), i32> },
    /// Nothing more will be received. The connection stays allocated until `close`.
    Closed { conn: ConnId, reason: Hangup },
    /// After `close`: no operation is in flight any more, the descriptor is closed, the id is dead.
    Freed { conn: ConnId },
    /// Another core, the helper thread or a signal asked for attention.
    Wake,
    /// Accepting failed (`EMFILE`, `ENFILE`, ...): this listener rests for a tenth of a second or until a connection
    /// of this core is closed.
    AcceptFailed { listener: u8, errno: i32 },
    /// The operation on a file that the caller gave `token` is over: a count, a number, or an errno. `buf` is the buffer of a read or
    /// write, as long as it then is; else empty.
    File { token: u64, result: Result<u64, i32>, buf: Vec<u8> },
}

/// How a file is opened. Contents that are not written over are kept, but for `Create`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// To be read; must exist.
    Read,
    /// To be written and read: made, or emptied.
    Create,
    /// To be written and read: made if missing.
    Extend,
}

/// One piece of a gathered send.
#[derive(Debug, Clone)]
pub enum Part {
    /// Bytes that belong to this send alone.
    Owned(Vec<u8>),
    /// Bytes that others may hold as well.
    Shared(bytes::Bytes),
}

impl Part {
    /// The bytes to send.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Part::Owned(bytes) => bytes,
            Part::Shared(bytes) => bytes,
        }
    }
}

/// Whether a turn may sleep.
pub enum Wait<'a> {
    /// Takes what is there and returns.
    Poll,
    /// Sleeps until an event, a wake-up or the timeout (`None`: for ever). `ready` is asked once more after this core
    /// has announced that it sleeps: it must look at everything other threads may have queued for this core and
    /// answer true if there is anything.
    Until { timeout: Option<Duration>, ready: &'a mut dyn FnMut() -> bool },
}

/// Sizes of a reactor. The defaults suit a server.
#[derive(Clone, Copy, Debug)]
pub struct Opts {
    /// Submission queue entries, a power of two; the completion queue is eight times as long.
    pub entries: u32,
    /// Provided buffers, a power of two, at most 32,768. Untouched ones cost address space only.
    pub buffers: u16,
    /// Bytes of one provided buffer; a multiple of 4,096.
    pub buffer_bytes: u32,
}

impl Default for Opts {
    /// 512 x 16 KiB: a pipeline of 100 ordinary SETs fits one buffer.
    fn default() -> Self {
        Self { entries: 512, buffers: 512, buffer_bytes: 16 << 10 }
    }
}

/// What a reactor has done since it was created. Plain numbers of one core; never reset here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes the kernel has taken for sending.
    pub bytes_out: u64,
    /// Receives that brought bytes.
    pub reads: u64,
    /// Sends that took bytes.
    pub writes: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Accepts that failed.
    pub accept_errors: u64,
    /// Calls of io_uring_enter.
    pub enters: u64,
    /// Enters that were allowed to sleep.
    pub sleeps: u64,
    /// Receives that ended because all provided buffers were in use.
    pub starved: u64,
}

/// Why the server cannot run here: one line for the operator, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The operating system's text for an errno, as strerror(3) gives it.
pub fn errno_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}
