//! The owner's side of blocked calls: who waits for which key, and serving them when a key is ready.

use super::home::{Again, Stage, Wait};
use super::words_again;
use crate::engine::{
    link::{Answer, Back, Wanted, Words},
    probe::Fault,
    run::{self, Job},
    txn::plan::{Where, plan},
    worker::Worker,
};
use crate::keyspace::{Kind, Look, slots};
use crate::proto::encode::Out;
use crate::spec::{Access, Args, Block, Flags, call::Origin};
use std::collections::{BTreeMap, VecDeque};

/// A blocked call, as an owner knows it: its home core and where its reply goes there.
pub type Name = (usize, Back);

/// What an owner has asked about a waiter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Nothing,
    /// Its home was told that a key is ready, and has not answered.
    Offered,
    /// Its home has answered that it may be served.
    Claimed,
}

/// A blocked call at one of its owners.
#[derive(Clone)]
pub struct Waiter {
    /// Who waits.
    pub name: Name,
    /// The command.
    pub row: u16,
    /// Its connection speaks RESP3.
    pub is_resp3: bool,
    /// Whose call it is.
    pub origin: Origin,
    /// Its database.
    pub db: usize,
    /// The call, if all its keys are here: then it is run here.
    pub words: Option<Words>,
    /// Its keys here that it waits for.
    pub keys: Vec<Vec<u8>>,
    /// Slots that running it touches here.
    pub slots: Vec<u16>,
    /// The type that a key must have to serve it.
    pub kind: Kind,
    /// It wants to know whatever becomes of a key, not only that it has the right type.
    pub wants_any: bool,
}

struct Place {
    waiter: Waiter,
    asked: Asked,
}

/// Who waits for a key, oldest first, with the number of its arrival.
#[derive(Default)]
struct Queue {
    list: VecDeque<(u64, Name)>,
    /// Those who want to know whatever becomes of the key.
    wants_any: usize,
}

/// A key that is ready, on its way through its queue.
struct Serving {
    db: usize,
    key: Vec<u8>,
    slot: u16,
    /// Arrival of the last waiter that was tried since the key last changed.
    tried: u64,
    /// Its next waiter waits for the end of CLIENT PAUSE, which no other call need wait for.
    is_paused: bool,
}

/// All waiters for keys of this core.
#[derive(Default)]
pub struct Waiters {
    places: BTreeMap<Name, Place>,
    /// By database and key.
    queues: BTreeMap<(usize, Vec<u8>), Queue>,
    serving: VecDeque<Serving>,
    arrivals: u64,
    /// A call that was just run has become a waiter: it is not counted as run.
    pub has_blocked: bool,
}

impl Waiters {
    /// Whether keys are ready that have not been gone through.
    #[inline(always)]
    pub fn is_serving(&self) -> bool {
        !self.serving.is_empty()
    }

    /// The waiter behind arrival `tried` in the queue of a key.
    fn next(&self, at: usize) -> Option<(u64, Name)> {
        let s = &self.serving[at];
        let queue = self.queues.get(&(s.db, s.key.clone()))?;
        let n = queue.list.partition_point(|(arrival, _)| *arrival <= s.tried);
        queue.list.get(n).copied()
    }
}

impl Worker {
    /// A call that was run here has to wait: it enters the queues, and home learns of it.
    pub(in crate::engine) fn block_call(&mut self, asker: usize, back: Back, job: &Job, is_resp3: bool, block: &Block) {
        let keys = block.keys.clone().filter_map(|i| job.args.try_get(i)).map(<[u8]>::to_vec).collect();
        let waiter = Waiter {
            name: (asker, back),
            row: job.row,
            is_resp3,
            origin: job.origin,
            db: job.db,
            words: Some(words_again(&job.args, block)),
            keys,
            slots: self.slots_of(job.row, &job.args),
            kind: block.kind,
            wants_any: block.wants_any,
        };
        self.enter(waiter);
        self.waiters.has_blocked = true;
        if asker == self.shard.core {
            let wait = Wait {
                back,
                row: job.row,
                until: block.until,
                owners: vec![asker],
                stage: Stage::Waiting,
                offers: Vec::new(),
                again: None,
                is_put_off: false,
            };
            self.begin_wait(wait);
        } else {
            self.answer(asker, Answer::Blocked { back, row: job.row, until: block.until });
        }
    }

    /// What the owners and home must know of a call over several cores that has to wait: one waiter for each owner, and the wait.
    pub(in crate::engine) fn split_block(&self, back: Back, job: &Job, is_resp3: bool, block: &Block) -> (Vec<(usize, Waiter)>, Wait) {
        let cores = self.shard.cores;
        let mut waiters: Vec<(usize, Waiter)> = Vec::new();
        for key in block.keys.clone().filter_map(|i| job.args.try_get(i)) {
            let slot = slots::slot_of(key);
            let core = slots::owner_of(slot, cores);
            let n = waiters.iter().position(|(c, _)| *c == core).unwrap_or_else(|| {
                let name = (self.shard.core, back);
                let (kind, wants_any) = (block.kind, block.wants_any);
                let (row, origin, db) = (job.row, job.origin, job.db);
                let waiter = Waiter { name, row, is_resp3, origin, db, words: None, keys: Vec::new(), slots: Vec::new(), kind, wants_any };
                waiters.push((core, waiter));
                waiters.len() - 1
            });
            waiters[n].1.keys.push(key.to_vec());
            waiters[n].1.slots.push(slot);
        }
        let again = Again { words: words_again(&job.args, block), db: job.db, is_resp3 };
        let owners = waiters.iter().map(|(core, _)| *core).collect();
        let wait = Wait {
            back,
            row: job.row,
            until: block.until,
            owners,
            stage: Stage::Waiting,
            offers: Vec::new(),
            again: Some(again),
            is_put_off: false,
        };
        (waiters, wait)
    }

    /// Whether what a key holds is meant for somebody else than `name`.
    pub(in crate::engine) fn is_kept_from(&mut self, name: Name, w: &Wanted, now: i64) -> bool {
        self.take_ready_keys();
        let Some(at) = self.waiters.serving.iter().position(|s| s.db == w.db && s.key == w.key) else { return false };
        let Some((_, next)) = self.waiters.next(at).filter(|(_, next)| *next != name) else { return false };
        let wanted = self.waiters.places.get(&next).map(|p| p.waiter.kind);
        let key = self.shard.ks.key(&w.key);
        self.shard.ks.find(w.db, &key, now, Look::Quiet).map(|item| item.kind()) == wanted
    }

    /// A waiter takes its place at the end of the queues of its keys.
    pub(in crate::engine) fn enter(&mut self, waiter: Waiter) {
        self.waiters.arrivals += 1;
        let arrival = self.waiters.arrivals;
        for bytes in &waiter.keys {
            let key = self.shard.ks.key(bytes);
            self.shard.ks.await_key(waiter.db, &key);
            let queue = self.waiters.queues.entry((waiter.db, bytes.clone())).or_default();
            // A key may be named twice.
            if queue.list.back().is_some_and(|(last, _)| *last == arrival) {
                continue;
            }
            queue.list.push_back((arrival, waiter.name));
            if waiter.wants_any {
                queue.wants_any += 1;
                self.shard.waits.keys_on_nokey += u64::from(queue.wants_any == 1);
            }
        }
        self.waiters.places.insert(waiter.name, Place { waiter, asked: Asked::Nothing });
        self.shard.waits.keys = self.waiters.queues.len() as u64;
    }

    /// Takes a waiter out of all queues.
    pub(in crate::engine) fn forget(&mut self, name: Name) {
        if let Some(place) = self.waiters.places.remove(&name) {
            self.leave(&place.waiter);
        }
    }

    fn leave(&mut self, waiter: &Waiter) {
        for bytes in &waiter.keys {
            let id = (waiter.db, bytes.clone());
            let Some(queue) = self.waiters.queues.get_mut(&id) else { continue };
            let before = queue.list.len();
            queue.list.retain(|(_, other)| *other != waiter.name);
            if waiter.wants_any && queue.list.len() < before {
                queue.wants_any -= 1;
                self.shard.waits.keys_on_nokey -= u64::from(queue.wants_any == 0);
            }
            if queue.list.is_empty() {
                self.waiters.queues.remove(&id);
                let key = self.shard.ks.key(&id.1);
                self.shard.ks.unawait_key(waiter.db, &key);
            }
        }
        self.shard.waits.keys = self.waiters.queues.len() as u64;
    }

    /// Home lets a waiter be served here.
    pub(in crate::engine) fn claimed(&mut self, name: Name) {
        if let Some(place) = self.waiters.places.get_mut(&name) {
            place.asked = Asked::Claimed;
        }
    }

    /// Home has tried a waiter and found nothing for it: whoever is behind it is next.
    pub(in crate::engine) fn kept(&mut self, name: Name) {
        let Some(place) = self.waiters.places.get_mut(&name) else { return };
        place.asked = Asked::Nothing;
        for at in 0..self.waiters.serving.len() {
            if let Some((arrival, next)) = self.waiters.next(at)
                && next == name
            {
                self.waiters.serving[at].tried = arrival;
            }
        }
    }

    /// After anything that may have changed keys was run: whoever waits for them is served before anything else runs.
    #[inline(always)]
    pub(in crate::engine) fn serve_if_ready(&mut self) {
        if self.shard.ks.has_ready() {
            self.serve();
        }
    }

    /// Goes on with all keys that are ready.
    #[cold]
    pub(in crate::engine) fn serve(&mut self) {
        self.tell_stale_here();
        self.take_ready_keys();
        let mut at = 0;
        while at < self.waiters.serving.len() {
            if self.serve_key(at) {
                self.waiters.serving.remove(at);
            } else {
                at += 1;
            }
            self.take_ready_keys();
        }
        let bars: Vec<u16> = self.waiters.serving.iter().filter(|s| !s.is_paused).map(|s| s.slot).collect();
        if bars != self.queue.kept_for_waiters {
            self.queue.has_released |= self.queue.kept_for_waiters.iter().any(|slot| !bars.contains(slot));
            self.queue.kept_for_waiters = bars;
            self.refresh_bars();
        }
    }

    fn take_ready_keys(&mut self) {
        while let Some((db, key)) = self.shard.ks.take_ready() {
            match self.waiters.serving.iter_mut().find(|s| s.db == db && s.key == *key) {
                // From the oldest on: what is new is for it.
                Some(serving) => serving.tried = 0,
                None => {
                    let slot = slots::slot_of(&key);
                    let key = key.into_vec();
                    self.waiters.serving.push_back(Serving { db, key, slot, tried: 0, is_paused: false });
                }
            }
        }
    }

    /// Goes on with one key. `false`: its next waiter cannot be served right now.
    fn serve_key(&mut self, at: usize) -> bool {
        loop {
            let s = &self.waiters.serving[at];
            if self.queue.is_taken(s.slot) {
                return false;
            }
            let Some((arrival, name)) = self.waiters.next(at) else { return true };
            match self.serve_waiter(at, name) {
                Served::Stuck => return false,
                Served::Passed => self.waiters.serving[at].tried = arrival,
                Served::Gone => {
                    // What was taken out for it makes other keys ready, but not this one for those who were tried before it.
                    let tried = self.waiters.serving[at].tried;
                    self.take_ready_keys();
                    self.waiters.serving[at].tried = tried;
                }
            }
        }
    }

    fn serve_waiter(&mut self, at: usize, name: Name) -> Served {
        let s = &self.waiters.serving[at];
        let key = self.shard.ks.key(&s.key);
        let kind = self.shard.ks.find(s.db, &key, self.now, Look::Quiet).map(|item| item.kind());
        let Some(place) = self.waiters.places.get(&name) else { return Served::Passed };
        let waiter = &place.waiter;
        let is_here = name.0 == self.shard.core;
        // Nothing there, and nobody who cares: most often the last element went to the waiter before.
        if !waiter.wants_any && kind != Some(waiter.kind) {
            return match place.asked {
                Asked::Nothing => Served::Passed,
                Asked::Offered => Served::Stuck,
                Asked::Claimed => self.hand_back(name),
            };
        }
        if place.asked == Asked::Offered {
            return if self.probe.has(Fault::OffersOvertake) { Served::Passed } else { Served::Stuck };
        }
        let pause = self.shard.pause;
        let writes = self.shard.server.commands.row(waiter.row).spec.flags.has(Flags::WRITE);
        let is_paused = pause.until_ms > self.now && (writes || !pause.writes_only);
        self.waiters.serving[at].is_paused = is_paused;
        if is_paused || waiter.slots.iter().any(|slot| self.queue.is_taken(*slot)) {
            return Served::Stuck;
        }
        if waiter.words.is_none() || !(is_here || place.asked == Asked::Claimed || self.probe.has(Fault::ServedUnclaimed)) {
            return self.offer(name);
        }
        if is_here && self.is_leaving(name.1) {
            self.abandon_wait(name.1.conn as usize);
            self.forget(name);
            return Served::Gone;
        }
        self.run_waiter(name)
    }

    fn is_leaving(&mut self, back: Back) -> bool {
        let is_closing = self.conns.asked(back).is_none_or(|c| c.is_closing);
        is_closing || self.shard.clients.get(back.conn as usize).is_none_or(|c| c.close_now)
    }

    /// Tells a waiter's home that a key is ready.
    fn offer(&mut self, name: Name) -> Served {
        if let Some(place) = self.waiters.places.get_mut(&name) {
            place.asked = Asked::Offered;
        }
        if name.0 == self.shard.core {
            self.offered(name.0, name.1);
        } else {
            self.answer(name.0, Answer::Offer { back: name.1 });
        }
        if self.probe.has(Fault::OffersOvertake) {
            return Served::Passed;
        }
        Served::Stuck
    }

    /// A waiter may be served, but what was there is gone.
    fn hand_back(&mut self, name: Name) -> Served {
        if let Some(place) = self.waiters.places.get_mut(&name) {
            place.asked = Asked::Nothing;
        }
        if name.0 == self.shard.core {
            self.wait_on(name.1);
        } else {
            self.answer(name.0, Answer::Unserved { back: name.1 });
        }
        Served::Passed
    }

    /// Runs a waiter's call again.
    fn run_waiter(&mut self, name: Name) -> Served {
        let Some(Place { waiter, asked }) = self.waiters.places.remove(&name) else { return Served::Passed };
        let args = waiter.words.as_ref().map_or(Args { base: &[], spans: &[] }, Words::args);
        let home = (name.0 == self.shard.core).then_some(name.1.conn as usize);
        let mut out = Out { buf: Vec::new(), resp3: waiter.is_resp3 };
        let job = Job { row: waiter.row, args, db: waiter.db, now: self.now, origin: waiter.origin, home, hint: None };
        let start = (self.nanos)();
        let hidden = self.keys_kept_from(&waiter);
        if hidden.is_empty() || self.probe.has(Fault::NewcomersFirst) {
            run::run(&mut self.shard, &mut out, &job);
        } else {
            out.buf = self.run_hiding(&job, waiter.is_resp3, &hidden);
        }
        if self.shard.block.take().is_some() {
            // What a run without effect touched does not make anything ready.
            while self.shard.ks.take_ready().is_some() {}
            self.waiters.places.insert(name, Place { waiter, asked });
            return if asked == Asked::Claimed { self.hand_back(name) } else { Served::Passed };
        }
        let nanos = (self.nanos)().saturating_sub(start);
        if hidden.is_empty() {
            run::account(&mut self.shard, waiter.row, nanos, 1);
        }
        run::note_slow(&mut self.shard, &job, nanos);
        self.leave(&waiter);
        if home.is_some() {
            self.deliver(name.1, &out.buf);
        } else {
            self.answer(name.0, Answer::Late { back: name.1, reply: out.buf });
        }
        Served::Gone
    }

    /// Keys of a waiter that would take something out of them, and whose contents are meant for others.
    fn keys_kept_from(&mut self, waiter: &Waiter) -> Vec<Vec<u8>> {
        if self.waiters.serving.len() < 2 || waiter.keys.len() < 2 {
            return Vec::new();
        }
        let spec = self.shard.server.commands.row(waiter.row).spec;
        if !spec.keys.first().is_some_and(|k| k.access.has(Access::DELETE)) {
            return Vec::new();
        }
        let (db, now) = (waiter.db, self.now);
        let wanted = waiter.keys.iter().map(|key| Wanted { db, key: key.clone(), yields_for: None, reader: None });
        let wanted: Vec<Wanted> = wanted.collect();
        wanted.into_iter().filter(|w| self.is_kept_from(waiter.name, w, now)).map(|w| w.key).collect()
    }

    /// Runs a call as if the keys `hidden` were not there.
    fn run_hiding(&mut self, job: &Job, is_resp3: bool, hidden: &[Vec<u8>]) -> Vec<u8> {
        let here = self.shard.core;
        let mut command = plan(&self.shard, job.row, &job.args, job.db, is_resp3);
        let spec = self.shard.server.commands.row(job.row).spec;
        let mut places = Vec::new();
        // The same extraction succeeded when the call was routed.
        let _ = crate::spec::keys::positions(spec, &job.args, &mut places);
        let mut keys: Vec<(usize, usize, Vec<u8>)> = Vec::new();
        for (at, _) in places {
            let key = (here, job.db, job.args.get(at as usize).to_vec());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let mut values = Vec::with_capacity(keys.len());
        for (_, db, key) in &keys {
            let wanted = Wanted { db: *db, key: key.clone(), yields_for: None, reader: None };
            values.push(if hidden.contains(key) { None } else { self.fetch(&wanted, job.now) });
        }
        command.place = Where::Gather(keys);
        let (reply, changes) = self.run_gathered(&command, values, job.now, job.home, job.origin);
        if self.shard.block.is_none() {
            changes.into_iter().for_each(|(_, change)| self.put_change(change));
        }
        reply
    }

    /// Runs a blocking call. `false`: it waits now, and nothing was written.
    pub(in crate::engine) fn run_blocking(&mut self, asker: usize, back: Back, job: &Job, out: &mut Out) -> bool {
        let before = out.buf.len();
        run::run(&mut self.shard, out, job);
        if self.shard.deferred.is_some() {
            out.buf.truncate(before);
            return !self.is_put_off(asker, back, job.row);
        }
        let Some(block) = self.shard.block.take() else { return true };
        out.buf.truncate(before);
        self.block_call(asker, back, job, out.resp3, &block);
        false
    }

    /// Whether calls of this row may block.
    #[inline]
    pub(in crate::engine) fn is_blocking(&self, row: u16) -> bool {
        let spec = self.shard.server.commands.row(row).spec;
        spec.flags.has(Flags::BLOCKING) || spec.defers
    }
}

/// What came of a look at one waiter.
enum Served {
    /// It waits on; the next one is looked at.
    Passed,
    /// It is not in the queue any more.
    Gone,
    /// It cannot be decided now.
    Stuck,
}
