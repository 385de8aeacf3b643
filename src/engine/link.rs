//! Messages between cores and the rings that carry them: four rings for each ordered pair, so that nothing a ticket needs in
//! order to finish ever waits behind calls.
//!
//! Bounds: a core has at most [`CREDITS`] parcels and [`CREDITS`] parts under way to each other core, and rings are large enough
//! for all of them and their answers, so pushing within credits never fails.

use crate::base::ring::{Receiver, Sender, ring};
use crate::keyspace::{Reader, Value};
use crate::proto::Span;
use crate::spec::{call::Origin, client::Watched, slowlog::Away};

/// Parcels, and separately ticket parts, that one core may have unanswered at another.
pub const CREDITS: usize = 64;
/// Calls in one parcel.
pub const PARCEL_CALLS: usize = 128;

/// Words of one command, owned.
#[derive(Clone, Default)]
pub struct Words {
    pub bytes: Vec<u8>,
    pub spans: Vec<Span>,
}

impl Words {
    /// Copies the words `keep` of a call (all if `None`).
    pub fn copy(args: &crate::spec::Args, keep: Option<&[u32]>) -> Words {
        let mut words = Words::default();
        match keep {
            None => args.from(0).for_each(|w| words.push(w)),
            Some(keep) => keep.iter().for_each(|i| words.push(args.get(*i as usize))),
        }
        words
    }
    /// Adds a word.
    pub fn push(&mut self, word: &[u8]) {
        self.spans.push(Span { start: self.bytes.len() as u32, len: word.len() as u32 });
        self.bytes.extend_from_slice(word);
    }
    /// As arguments of a call.
    pub fn args(&self) -> crate::spec::Args<'_> {
        crate::spec::Args { base: &self.bytes, spans: &self.spans }
    }
}

/// Where a reply goes: a connection of the core that asked, and its place in the order of replies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Back {
    pub conn: u32,
    pub generation: u32,
    pub seq: u64,
}

impl Back {
    /// Not above any other.
    pub const FIRST: Back = Back { conn: 0, generation: 0, seq: 0 };
    /// Of no connection.
    pub const NOBODY: Back = Back { conn: u32::MAX, generation: u32::MAX, seq: u64::MAX };
}

/// One call in a parcel.
#[derive(Clone, Copy)]
pub struct ParcelCall {
    pub back: Back,
    pub row: u16,
    pub db: u16,
    pub is_resp3: bool,
    /// Words: `spans[first..first + count]`.
    pub first: u32,
    pub count: u32,
    pub hint: Option<(u32, u64, u16)>,
    pub origin: Origin,
    /// Filled by the core that runs it: length of its reply in `out`; `None` = it waits and answers later.
    pub reply: Option<u32>,
}

/// Calls of one turn for one core; travels there and, with the replies, back to where its memory came from.
#[derive(Default)]
pub struct Parcel {
    pub bytes: Vec<u8>,
    pub spans: Vec<Span>,
    pub calls: Vec<ParcelCall>,
    pub out: Vec<u8>,
}

impl Parcel {
    /// Empties it, keeping its memory unless that has grown large.
    pub fn clear(&mut self) {
        for v in [&mut self.bytes, &mut self.out] {
            if v.capacity() > 1 << 20 {
                *v = Vec::new();
            }
            v.clear();
        }
        self.spans.clear();
        self.calls.clear();
    }
}

/// One command of a ticket, as far as one core runs it.
#[derive(Clone)]
pub struct Step {
    /// Place in the transaction (0 for a command alone).
    pub index: u32,
    pub row: u16,
    pub db: u16,
    pub is_resp3: bool,
    pub origin: Origin,
    pub words: Words,
    /// Other cores run the rest of the same command.
    pub is_part: bool,
}

/// A key to fetch under a hold.
#[derive(Clone)]
pub struct Wanted {
    pub db: usize,
    pub key: Vec<u8>,
    /// A call that may wait would take something out of it: while the key is being gone through for another call that has waited
    /// longer, it counts as empty.
    pub yields_for: Option<Back>,
    /// A client that keeps a copy of what is read.
    pub reader: Option<Reader>,
}

/// What a part does at its core.
pub enum PartKind {
    /// Runs its steps; the ticket is done here.
    Run(Vec<Step>),
    /// Registers keys under WATCH; answers their tokens.
    Watch(Vec<Watched>),
    /// Holds the slots, checks watches, fetches values; rounds follow.
    Hold { watched: Vec<Watched>, fetch: Vec<Wanted> },
    /// An instant of all cores.
    Point(crate::persist::plan::Point),
}

/// A ticket's part for one core.
pub struct Part {
    pub ticket: u64,
    pub coordinator: usize,
    pub now: i64,
    /// Slots of this core that it touches.
    pub slots: Vec<u16>,
    /// It touches all of them.
    pub is_whole: bool,
    /// Cores whose logs have the transaction, if the ticket may write on several of them.
    pub participants: Option<std::sync::Arc<[u16]>>,
    pub kind: PartKind,
}

/// A value on the road between cores.
pub type Moved = Option<(Value, Option<i64>)>;

/// A change of a key that was computed at the coordinator.
pub struct Change {
    pub db: usize,
    pub key: Vec<u8>,
    pub value: Moved,
    /// How the change is recorded, if the command said it in words about this key alone; else it is recorded as the value.
    pub effects: Vec<Vec<Vec<u8>>>,
    /// Client whose command it was.
    pub client: u64,
}

/// What a later round asks of a core that holds slots for a ticket.
pub enum RoundKind {
    Run(Vec<Step>),
    Fetch(Vec<Wanted>),
    Put(Vec<Change>),
    /// Nothing: only the release.
    Nothing,
    /// Not of a ticket: watches that ended.
    Unwatch(Vec<Watched>),
    /// The ticket's call waits for keys here.
    Block(Box<super::block::owner::Waiter>),
    /// Not of a ticket, about a call that waits for keys there: it may be served; it was tried and nothing was found; it waits
    /// no more.
    Claim(Back),
    Kept(Back),
    Withdraw(Back),
    /// Not of a ticket, about a call that was put off there: its wait ends, with an error, or with the reply as it is now.
    Hasten {
        back: Back,
        with_error: bool,
    },
    /// The same where nobody is left to hear a reply.
    Drop(Back),
}

/// A later round.
pub struct Round {
    pub ticket: u64,
    pub coordinator: usize,
    pub now: i64,
    pub kind: RoundKind,
    /// The slots become free after it.
    pub releases: bool,
}

/// Answer of a part or a round.
#[derive(Default)]
pub struct PartAnswer {
    pub ticket: u64,
    pub core: usize,
    /// It answers a later round, not the part itself (which is what credits count).
    pub is_of_round: bool,
    /// Replies by step index.
    pub replies: Vec<(u32, Vec<u8>)>,
    /// No watched key changed.
    pub is_unchanged: bool,
    pub tokens: Vec<u64>,
    pub fetched: Vec<Moved>,
}

/// What comes back.
pub enum Answer {
    Parcel(Box<Parcel>),
    /// A call that had to wait for a held slot.
    Late {
        back: Back,
        reply: Vec<u8>,
    },
    Part(Box<PartAnswer>),
    /// A call found nothing and waits in the queues of the core that answers.
    Blocked {
        back: Back,
        row: u16,
        until: i64,
    },
    /// A call was put off there: its client waits.
    PutOff {
        back: Back,
        row: u16,
    },
    /// A key is ready for a call that waits.
    Offer {
        back: Back,
    },
    /// A call that could have been served was not: it waits on.
    Unserved {
        back: Back,
    },
    /// A slow call of a client there.
    Slow(Box<Away>),
    /// About clients that keep copies of keys.
    Notice(Box<super::tracking::Notice>),
    /// Not an answer: a message between the cores' parts in durability.
    Note(Box<crate::persist::plan::Note>),
}

/// One core's ends of its rings to and from another core.
pub struct Link {
    pub calls_out: Sender<Box<Parcel>>,
    pub tickets_out: Sender<Box<Part>>,
    pub answers_out: Sender<Answer>,
    pub rounds_out: Sender<Box<Round>>,
    pub calls_in: Receiver<Box<Parcel>>,
    pub tickets_in: Receiver<Box<Part>>,
    pub answers_in: Receiver<Answer>,
    pub rounds_in: Receiver<Box<Round>>,
    /// Answers and rounds that found their ring full; sent before anything newer.
    pub answers_waiting: std::collections::VecDeque<Answer>,
    pub rounds_waiting: std::collections::VecDeque<Box<Round>>,
    /// Parcels, and separately parts, that may be unanswered there: [`CREDITS`], or fewer if the rings are smaller.
    pub credits: usize,
    /// Parcels and parts of ours that are unanswered there.
    pub parcels_out: usize,
    pub parts_out: usize,
}

impl Link {
    /// Sends an answer, after those that wait.
    pub fn answer(&mut self, answer: Answer) {
        self.answers_waiting.push_back(answer);
        self.flush();
    }
    /// Sends a round, after those that wait.
    pub fn round(&mut self, round: Box<Round>) {
        self.rounds_waiting.push_back(round);
        self.flush();
    }
    /// Pushes what waits as far as there is room. Returns whether anything left, so that the other core must be woken.
    pub fn flush(&mut self) -> bool {
        let before = self.answers_waiting.len() + self.rounds_waiting.len();
        while let Some(a) = self.answers_waiting.pop_front() {
            if let Err(back) = self.answers_out.push(a) {
                self.answers_waiting.push_front(back);
                break;
            }
        }
        while let Some(r) = self.rounds_waiting.pop_front() {
            if let Err(back) = self.rounds_out.push(r) {
                self.rounds_waiting.push_front(back);
                break;
            }
        }
        self.answers_waiting.len() + self.rounds_waiting.len() < before
    }
    /// Whether anything has arrived.
    pub fn has_news(&mut self) -> bool {
        self.calls_in.has_news() || self.answers_in.has_news() || self.rounds_in.has_news() || self.tickets_in.has_news()
    }
}

/// The links of each of `cores` cores, by the other's number; `None` at its own. `capacity`: places of every ring.
pub fn mesh(cores: usize, capacity: usize) -> Vec<Vec<Option<Link>>> {
    type Half = (Sender<Box<Parcel>>, Sender<Box<Part>>, Sender<Answer>, Sender<Box<Round>>);
    type Other = (Receiver<Box<Parcel>>, Receiver<Box<Part>>, Receiver<Answer>, Receiver<Box<Round>>);
    let mut out: Vec<Vec<Option<Half>>> = Vec::new();
    let mut inn: Vec<Vec<Option<Other>>> = (0..cores).map(|_| (0..cores).map(|_| None).collect()).collect();
    for from in 0..cores {
        let mut row = Vec::new();
        for (to, column) in inn.iter_mut().enumerate() {
            if from == to {
                row.push(None);
                continue;
            }
            let ((a, b), (c, d), (e, f), (g, h)) = (ring(capacity), ring(capacity), ring(capacity * 2), ring(capacity));
            row.push(Some((a, c, e, g)));
            column[from] = Some((b, d, f, h));
        }
        out.push(row);
    }
    out.into_iter().zip(inn).map(|(o, i)| o.into_iter().zip(i).map(|(o, i)| Some(link(capacity, o?, i?))).collect()).collect()
}

#[allow(clippy::type_complexity)]
fn link(
    capacity: usize,
    (calls_out, tickets_out, answers_out, rounds_out): (Sender<Box<Parcel>>, Sender<Box<Part>>, Sender<Answer>, Sender<Box<Round>>),
    (calls_in, tickets_in, answers_in, rounds_in): (Receiver<Box<Parcel>>, Receiver<Box<Part>>, Receiver<Answer>, Receiver<Box<Round>>),
) -> Link {
    Link {
        calls_out,
        tickets_out,
        answers_out,
        rounds_out,
        calls_in,
        tickets_in,
        answers_in,
        rounds_in,
        answers_waiting: Default::default(),
        rounds_waiting: Default::default(),
        credits: capacity.min(CREDITS),
        parcels_out: 0,
        parts_out: 0,
    }
}
