//! N cores on one thread: real workers, real rings and marks, a seeded scheduler in the place of kernel and threads.
//!
//! A core takes turns when the scheduler picks it and it is not asleep. While it is inside a turn, the engine's probe calls
//! [`World::interrupt`] at the points where other cores' steps matter; there the scheduler may let other cores take whole turns
//! (which may be interrupted in their turn) before the first goes on. Sleep follows the node's rules: a core without work sleeps
//! until input, a wake-up, or the timer that the engine asks for.
//!
//! Everything that happens is drawn from one seed and folded into a hash: the same seed gives the same hash.

use super::disk::SimDisk;
use crate::support::cores::{client, server};
use ringfort::base::rng::Rng;
use ringfort::config::Config;
use ringfort::data::{list::List, set::Set};
use ringfort::engine::durable::Due;
use ringfort::engine::{
    link,
    probe::{Fault, Point, Probe},
    txn::marks::Marks,
    worker::{Input, Worker},
};
use ringfort::keyspace::Key;
use ringfort::persist::{Persist, plan::Now};
use ringfort::proto::reply::{self, Reply};
use ringfort::spec::{Shard, client::Blocked, effect::Effect, persist::Loading};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Picks of the scheduler without any reply after which the world counts as stuck.
const PATIENCE: u64 = 20_000;

/// See [`World::deaths`].
pub const UNKNOWN: u64 = u64::MAX - 1;

/// What a world looks like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub cores: usize,
    /// Places of every ring; credits follow from it.
    pub ring: usize,
    /// Marks in the shared array, a power of two.
    pub marks: u64,
    /// Chance of 1000 that a core is interrupted at a point.
    pub interrupts: u64,
    /// Chance of 1000 that a picked core stops for a long time first.
    pub stalls: u64,
    /// Most bytes of input that a connection gets at once.
    pub fragment: usize,
    pub records: bool,
    pub fault: Option<Fault>,
}

impl Shape {
    /// A world of two to four cores with whatever the seed says.
    pub fn random(rng: &mut Rng) -> Shape {
        let cores = 2 + rng.below(3) as usize;
        Shape {
            cores,
            ring: [1, 2, 64][rng.below(3) as usize],
            marks: [8, 8, 4096][rng.below(3) as usize],
            interrupts: [0, 50, 200, 500][rng.below(4) as usize],
            stalls: [0, 5, 30][rng.below(3) as usize],
            fragment: [3, 40, 1000][rng.below(3) as usize],
            records: false,
            fault: None,
        }
    }
}

/// What a client sends as one: bytes of `replies` commands, the last of them from byte `last` on.
#[derive(Clone, Debug)]
pub struct Request {
    pub bytes: Vec<u8>,
    pub last: usize,
    pub replies: usize,
}

/// What became of a request. Times count steps of the world.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub invoke: u64,
    pub respond: u64,
    /// When it was first seen to wait for a key.
    pub waits_since: u64,
    pub replies: Vec<Reply>,
}

/// One client's script.
pub struct Script {
    pub core: usize,
    /// Requests that may be unanswered at a time.
    pub pipeline: usize,
    pub requests: Vec<Request>,
    /// The connection breaks some time after so many requests were sent.
    pub breaks_after: Option<usize>,
}

struct Peer {
    breaks_after: Option<usize>,
    is_gone: bool,
    died: u64,
    core: usize,
    conn: usize,
    pipeline: usize,
    requests: Vec<Request>,
    /// Request being delivered and its bytes delivered so far.
    next: usize,
    offset: usize,
    outcomes: Vec<Outcome>,
    answered: usize,
    received: Vec<u8>,
    /// Replies read of the oldest unanswered request.
    partial: Vec<Reply>,
}

impl Peer {
    fn has_input(&self) -> bool {
        !self.is_gone && self.next < self.requests.len() && (self.offset > 0 || self.next - self.answered < self.pipeline)
    }
}

/// When a core runs next without being woken.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Sleep {
    Awake,
    Timer(u64),
    /// Until a unix time in ms.
    Until(i64),
    Asleep,
}

/// See the file's head.
pub struct World {
    workers: Vec<RefCell<Worker>>,
    sleeps: Vec<Cell<Sleep>>,
    stalled_until: Vec<Cell<u64>>,
    peers: RefCell<Vec<Peer>>,
    rng: RefCell<Rng>,
    shape: Shape,
    now: Cell<i64>,
    step: Cell<u64>,
    depth: Cell<usize>,
    last_reply: Cell<u64>,
    is_draining: Cell<bool>,
    hash: Cell<u64>,
    failure: RefCell<Option<String>>,
    /// Ms by which the clock may move at a pick.
    pub clock_step: Cell<u64>,
    disk: RefCell<Option<SimDisk>>,
    /// What durability said: lines of the log, and why the process ended if it did.
    pub lines: RefCell<Vec<String>>,
    pub end: RefCell<Option<Due>>,
    /// Clients send nothing.
    pub is_silent: Cell<bool>,
    /// Connections whose output waits for the log.
    gated: RefCell<BTreeSet<(usize, usize)>>,
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

fn at_point(core: usize, point: Point) {
    let world = WORLD.with(|w| w.borrow().clone());
    if let Some(world) = world {
        world.interrupt(core, point);
    }
}

fn no_time() -> u64 {
    0
}

impl World {
    /// A world with empty cores and the given clients. Everything random in it comes from `seed`.
    pub fn new(seed: u64, shape: Shape, scripts: Vec<Script>) -> Rc<World> {
        let marks = Arc::new(Marks::sized(shape.cores, shape.marks));
        let mut workers: Vec<Worker> = link::mesh(shape.cores, shape.ring)
            .into_iter()
            .enumerate()
            .map(|(core, links)| {
                let config = Config { slowlog_log_slower_than: -1, latency_tracking: false, ..Config::default() };
                let mut shard = Shard::new(core, shape.cores, config, server(), 7, seed ^ core as u64);
                shard.fx.is_on = shape.records;
                let mut worker = Worker::new(shard, links, marks.clone(), no_time);
                worker.probe = Probe { at: (shape.interrupts > 0).then_some(at_point as fn(usize, Point)), fault: shape.fault };
                worker
            })
            .collect();
        let peers = scripts
            .into_iter()
            .enumerate()
            .map(|(n, s)| Peer {
                core: s.core,
                conn: workers[s.core].open(client(n as u64 + 1)),
                pipeline: s.pipeline.max(1),
                breaks_after: s.breaks_after,
                is_gone: false,
                died: u64::MAX,
                requests: s.requests,
                next: 0,
                offset: 0,
                outcomes: Vec::new(),
                answered: 0,
                received: Vec::new(),
                partial: Vec::new(),
            })
            .collect();
        Rc::new(World {
            sleeps: workers.iter().map(|_| Cell::new(Sleep::Asleep)).collect(),
            stalled_until: workers.iter().map(|_| Cell::new(0)).collect(),
            workers: workers.into_iter().map(RefCell::new).collect(),
            peers: RefCell::new(peers),
            rng: RefCell::new(Rng::new(seed)),
            shape,
            now: Cell::new(1_000_000),
            step: Cell::new(0),
            depth: Cell::new(0),
            last_reply: Cell::new(0),
            is_draining: Cell::new(false),
            hash: Cell::new(0xcbf2_9ce4_8422_2325),
            failure: RefCell::new(None),
            clock_step: Cell::new(0),
            disk: RefCell::new(None),
            lines: RefCell::new(Vec::new()),
            end: RefCell::new(None),
            is_silent: Cell::new(false),
            gated: RefCell::new(BTreeSet::new()),
        })
    }

    /// Runs until every request is answered and nothing moves any more. Returns each client's outcomes, or what went wrong.
    pub fn run(self: &Rc<World>) -> Result<Vec<Vec<Outcome>>, String> {
        WORLD.with(|w| *w.borrow_mut() = Some(self.clone()));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.drive()));
        WORLD.with(|w| *w.borrow_mut() = None);
        match done {
            Ok(result) => result?,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|s| s.to_string()));
                return Err(format!("panic: {}", text.unwrap_or_default()));
            }
        }
        if let Some(failure) = self.failure.borrow_mut().take() {
            return Err(failure);
        }
        Ok(self.peers.borrow().iter().map(|p| p.outcomes.clone()).collect())
    }

    fn drive(&self) -> Result<(), String> {
        let mut picks = 0u64;
        let mut quiet_since = 0;
        while self.peers.borrow().iter().any(|p| !p.is_gone && p.answered < p.requests.len()) {
            let before = self.last_reply.get();
            self.pick();
            picks += 1;
            if self.last_reply.get() != before {
                quiet_since = picks;
            }
            if picks - quiet_since > PATIENCE {
                return Err(self.unanswered());
            }
            if self.failure.borrow().is_some() {
                return Ok(());
            }
        }
        // A core that took no part in the last tickets may sleep with an old bound: all look once more.
        self.is_draining.set(true);
        self.sleeps.iter().for_each(|s| s.set(Sleep::Awake));
        for _ in 0..PATIENCE {
            let is_quiet = self.workers.iter().all(|w| {
                let mut w = w.borrow_mut();
                !w.has_news() && !w.has_work() && w.sleep_max_usec().is_none()
            });
            if is_quiet {
                return Ok(());
            }
            self.pick();
        }
        Err("stuck: something is left over although every request is answered".into())
    }

    /// Who waits for what.
    fn unanswered(&self) -> String {
        let mut text = format!("stuck in {:?}:", self.shape);
        for (n, p) in self.peers.borrow().iter().enumerate().filter(|(_, p)| !p.is_gone && p.answered < p.requests.len()) {
            let request = String::from_utf8_lossy(&p.requests[p.answered].bytes).replace("\r\n", " ");
            let mut worker = self.workers[p.core].borrow_mut();
            let Some(c) = worker.conns.get(p.conn) else { continue };
            text += &format!(
                "\n  client {n} of core {}: {} of {}: {request}: delivered {}+{}, calls {}, tickets {}, stalled {}, listed {}, unread {}",
                p.core,
                p.answered,
                p.requests.len(),
                p.next,
                p.offset,
                c.calls,
                c.tickets,
                c.is_stalled,
                c.is_listed,
                c.input.len()
            );
        }
        for (n, s) in self.sleeps.iter().enumerate() {
            text += &format!("\n  core {n}: {:?}", s.get());
        }
        text
    }

    fn below(&self, n: u64) -> u64 {
        self.rng.borrow_mut().below(n)
    }

    fn fold(&self, value: u64) {
        self.hash.set((self.hash.get() ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17));
    }

    /// One decision of the scheduler.
    fn pick(&self) {
        let core = self.below(self.shape.cores as u64) as usize;
        self.now.set(self.now.get() + self.below(self.clock_step.get() + 1) as i64);
        if let Some(disk) = &*self.disk.borrow() {
            disk.step();
        }
        self.step_core(core);
    }

    fn step_core(&self, core: usize) {
        self.step.set(self.step.get() + 1);
        if self.stalled_until[core].get() > self.step.get() && !self.is_draining.get() {
            return;
        }
        if self.below(1000) < self.shape.stalls {
            self.stalled_until[core].set(self.step.get() + self.below(200));
            return;
        }
        let has_ended = self.disk.borrow().as_ref().is_some_and(|disk| disk.core(core).has_ended());
        let has_input = has_ended || !self.is_silent.get() && self.peers.borrow().iter().any(|p| p.core == core && p.has_input());
        match self.sleeps[core].get() {
            Sleep::Asleep if !has_input => return,
            Sleep::Until(at) if at > self.now.get() && !has_input => return,
            Sleep::Timer(n) if n > 0 && !has_input => return self.sleeps[core].set(Sleep::Timer(n - 1)),
            _ => {}
        }
        self.turn(core);
    }

    /// The engine is at `point` of core `core`: others may run.
    fn interrupt(&self, core: usize, point: Point) {
        if self.depth.get() >= self.shape.cores || self.below(1000) >= self.shape.interrupts {
            return;
        }
        self.fold(core as u64 * 16 + point as u64);
        self.depth.set(self.depth.get() + 1);
        for _ in 0..1 + self.below(6) {
            let other = self.below(self.shape.cores as u64) as usize;
            self.step_core(other);
        }
        self.depth.set(self.depth.get() - 1);
    }

    /// A whole turn of core `core`, unless it is inside one.
    fn turn(&self, core: usize) {
        let Ok(mut worker) = self.workers[core].try_borrow_mut() else { return };
        self.sleeps[core].set(Sleep::Awake);
        self.fold(core as u64);
        self.break_connections(core, &mut worker);
        let input = self.input(core);
        let inputs: Vec<Input> = input.iter().map(|(conn, bytes)| Input { conn: *conn, bytes }).collect();
        worker.turn(self.now.get(), &inputs);
        self.durability(core, &mut worker);
        for peer in self.peers.borrow_mut().iter_mut().filter(|p| p.core == core && !p.is_gone) {
            let waits = worker.shard.clients.get(peer.conn).is_some_and(|c| c.blocked == Blocked::Waiting);
            if let Some(outcome) = peer.outcomes.get_mut(peer.answered).filter(|o| waits && o.waits_since == u64::MAX) {
                outcome.waits_since = self.step.get();
            }
        }
        let mut dirty = Vec::new();
        worker.take_dirty(&mut dirty);
        let (position, acked) = (worker.position(), worker.acked());
        let mut gated = self.gated.borrow_mut();
        dirty.extend(gated.iter().filter(|(c, _)| *c == core).map(|(_, conn)| *conn));
        gated.retain(|(c, _)| *c != core);
        drop(gated);
        for conn in dirty {
            if let Some(c) = worker.conns.get(conn) {
                let free = c.gate(position, acked);
                if free < c.out.buf.len() {
                    self.gated.borrow_mut().insert((core, conn));
                }
                let out = c.take_output(free);
                worker.look_again(conn);
                self.received(core, conn, &out);
            }
        }
        worker.wakes(|other| {
            if self.sleeps[other].get() != Sleep::Awake {
                self.sleeps[other].set(Sleep::Awake);
            }
        });
        let sleep = if worker.has_work() || worker.has_news() {
            Sleep::Awake
        } else if worker.sleep_max_usec().is_some() {
            Sleep::Timer(self.below(20))
        } else {
            match (worker.next_deadline(), worker.persist.is_some()) {
                (None, false) => Sleep::Asleep,
                (Some(at), false) => Sleep::Until(at),
                // Housekeeping lets durability go on now and then.
                (at, true) => Sleep::Until(at.unwrap_or(i64::MAX).min(self.now.get() + 100)),
            }
        };
        self.sleeps[core].set(sleep);
    }

    /// Durability's share of a turn, as the node gives it.
    fn durability(&self, core: usize, worker: &mut Worker) {
        let Some(mut disk) = self.disk.borrow().as_ref().map(|disk| disk.core(core)) else { return };
        let now = Now { wall_ms: self.now.get(), mono_ms: self.now.get() };
        let done = disk.ended();
        worker.files_done(done.into_iter(), &mut disk);
        if worker.shard.persist.loading != Loading::No {
            worker.load_turn(self.now.get());
        }
        worker.pump(now, &mut disk);
        for due in std::mem::take(&mut worker.durable.due) {
            match due {
                Due::Line(_, line) => self.lines.borrow_mut().push(line),
                due => drop(self.end.borrow_mut().get_or_insert(due)),
            }
        }
    }

    /// Clients whose time has come are gone, whatever they wait for.
    fn break_connections(&self, core: usize, worker: &mut Worker) {
        for peer in self.peers.borrow_mut().iter_mut().filter(|p| p.core == core && !p.is_gone) {
            if peer.breaks_after.is_some_and(|n| peer.next >= n) && self.below(4) == 0 {
                let only_waits = worker.shard.clients.get(peer.conn).is_some_and(|c| c.blocked == Blocked::Waiting);
                worker.close(peer.conn);
                peer.is_gone = true;
                peer.died = if only_waits { self.step.get() } else { UNKNOWN };
                // What was sent in part never happened.
                peer.outcomes.truncate(peer.next);
            }
        }
    }

    /// Random pieces of what the clients of `core` have to send.
    fn input(&self, core: usize) -> Vec<(usize, Vec<u8>)> {
        let mut out = Vec::new();
        if self.is_silent.get() {
            return out;
        }
        for peer in self.peers.borrow_mut().iter_mut().filter(|p| p.core == core) {
            if self.below(4) == 0 {
                continue;
            }
            let mut room = 1 + self.below(self.shape.fragment as u64) as usize;
            let mut bytes = Vec::new();
            while room > 0 && peer.has_input() {
                let request = &peer.requests[peer.next];
                if peer.outcomes.len() == peer.next {
                    peer.outcomes.push(Outcome { invoke: self.step.get(), respond: u64::MAX, waits_since: u64::MAX, replies: Vec::new() });
                }
                let take = room.min(request.bytes.len() - peer.offset);
                // The last command counts from the moment its first byte is delivered.
                if (peer.offset..peer.offset + take).contains(&request.last) {
                    peer.outcomes[peer.next].invoke = self.step.get();
                }
                bytes.extend_from_slice(&request.bytes[peer.offset..peer.offset + take]);
                room -= take;
                peer.offset += take;
                if peer.offset == request.bytes.len() {
                    (peer.next, peer.offset) = (peer.next + 1, 0);
                }
            }
            if !bytes.is_empty() {
                self.fold(bytes.len() as u64);
                out.push((peer.conn, bytes));
            }
        }
        out
    }

    fn received(&self, core: usize, conn: usize, bytes: &[u8]) {
        let mut peers = self.peers.borrow_mut();
        let Some(peer) = peers.iter_mut().find(|p| p.core == core && p.conn == conn && !p.is_gone) else { return };
        bytes.iter().for_each(|b| self.fold(u64::from(*b)));
        peer.received.extend_from_slice(bytes);
        self.step.set(self.step.get() + 1);
        loop {
            match reply::read(&peer.received) {
                Ok(None) => return,
                Err(_) => return self.fail(format!("malformed reply {:?}", String::from_utf8_lossy(&peer.received))),
                Ok(Some((reply, len))) => {
                    peer.received.drain(..len);
                    let Some(request) = peer.requests.get(peer.answered).filter(|_| peer.answered < peer.outcomes.len()) else {
                        return self.fail(format!("a reply nobody asked for: {reply:?}"));
                    };
                    peer.partial.push(reply);
                    if peer.partial.len() == request.replies {
                        let outcome = &mut peer.outcomes[peer.answered];
                        outcome.respond = self.step.get();
                        outcome.replies = std::mem::take(&mut peer.partial);
                        peer.answered += 1;
                        self.last_reply.set(self.step.get());
                    }
                }
            }
        }
    }

    fn fail(&self, text: String) {
        self.failure.borrow_mut().get_or_insert(text);
    }

    /// Gives every core its part in durability, and the disk they share.
    pub fn give_durability(&self, disk: &SimDisk, mut make: impl FnMut(&mut Worker) -> Box<Persist>) {
        *self.disk.borrow_mut() = Some(disk.clone());
        for worker in &self.workers {
            let mut worker = worker.borrow_mut();
            worker.persist = Some(make(&mut worker));
        }
        self.sleeps.iter().for_each(|s| s.set(Sleep::Awake));
    }

    /// Lets the world go on for `picks` decisions, or until it has ended. What clients were answered so far stays in their outcomes.
    pub fn go_on(self: &Rc<World>, picks: u64) -> Result<(), String> {
        WORLD.with(|w| *w.borrow_mut() = Some(self.clone()));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..picks {
                if self.failure.borrow().is_some() || self.end.borrow().is_some() {
                    return;
                }
                self.pick();
            }
        }));
        WORLD.with(|w| *w.borrow_mut() = None);
        if let Err(panic) = done {
            let text = panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|s| s.to_string()));
            return Err(format!("panic: {}", text.unwrap_or_default()));
        }
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// What every client sent and was answered so far.
    pub fn outcomes(&self) -> Vec<Vec<Outcome>> {
        self.peers.borrow().iter().map(|p| p.outcomes.clone()).collect()
    }

    /// Whether any core still loads.
    pub fn is_loading(&self) -> bool {
        self.workers.iter().any(|w| w.borrow().shard.persist.loading != Loading::No)
    }

    /// Hash of everything that happened.
    pub fn hash(&self) -> u64 {
        self.hash.get()
    }

    /// What each core recorded, in its order.
    pub fn effects(&self) -> Vec<Vec<Effect>> {
        self.workers.iter().map(|w| w.borrow_mut().shard.fx.take()).collect()
    }

    /// When each client's connection broke while it waited for a key and nobody had begun to serve it; [`UNKNOWN`] if it broke
    /// otherwise, as a command that is under way may still be carried out; `u64::MAX` if it did not.
    pub fn deaths(&self) -> Vec<u64> {
        self.peers.borrow().iter().map(|p| p.died).collect()
    }

    /// The elements of the list at a key.
    pub fn list(&self, key: &[u8]) -> Vec<String> {
        let slot = ringfort::keyspace::slot_of(key);
        let mut worker = self.workers[ringfort::keyspace::owner_of(slot, self.shape.cores)].borrow_mut();
        let ks = &mut worker.shard.ks;
        let key: Key = ks.key(key);
        let Some(item) = ks.find(0, &key, self.now.get(), ringfort::keyspace::Look::Quiet) else { return Vec::new() };
        let Some(list) = item.get::<List>() else { return Vec::new() };
        list.iter().map(|element| String::from_utf8_lossy(&element.to_vec()).into_owned()).collect()
    }

    /// Whether the set at a key has a member.
    pub fn has_member(&self, key: &[u8], member: &str) -> bool {
        let slot = ringfort::keyspace::slot_of(key);
        let mut worker = self.workers[ringfort::keyspace::owner_of(slot, self.shape.cores)].borrow_mut();
        let ks = &mut worker.shard.ks;
        let key: Key = ks.key(key);
        let item = ks.find(0, &key, self.now.get(), ringfort::keyspace::Look::Quiet);
        item.and_then(|item| item.get::<Set>().map(|set| set.contains(member.as_bytes()))).unwrap_or(false)
    }

    /// Unix ms.
    pub fn now(&self) -> i64 {
        self.now.get()
    }

    /// Puts the clock to `now`.
    pub fn set_now(&self, now: i64) {
        self.now.set(now);
    }

    /// Value and expiry of a key, read at its owner as of the clock of the world.
    pub fn value(&self, key: &[u8]) -> Option<(String, Option<i64>)> {
        let slot = ringfort::keyspace::slot_of(key);
        let mut worker = self.workers[ringfort::keyspace::owner_of(slot, self.shape.cores)].borrow_mut();
        let ks = &mut worker.shard.ks;
        let key: Key = ks.key(key);
        let found = ks.find(0, &key, self.now.get(), ringfort::keyspace::Look::Quiet)?;
        let at = found.expire_at();
        let (value, _) = ks.get_value(0, &key)?;
        Some((text(value), at))
    }
}

fn text(value: ringfort::keyspace::Value) -> String {
    match value {
        ringfort::keyspace::Value::Int(n) => n.to_string(),
        ringfort::keyspace::Value::Str { bytes, .. } => String::from_utf8_lossy(&bytes).into_owned(),
        ringfort::keyspace::Value::Object(object) => ringfort::data::digest::of_object(&object, false).to_string(),
    }
}
