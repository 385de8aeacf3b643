//! Step 5 of a turn: runs calls, those of other cores first, then the batch of this core's connections; calls that meet a slot
//! which a ticket holds or waits for are kept until it is free, in order.
//! Also the two ends of a parcel: sending what was collected for a core, and taking its replies home.

use super::{
    intake::{BatchCall, Kind, Sources},
    link::{Answer, Back, Parcel, Words},
    probe::Fault,
    run::{self, Job},
    worker::Worker,
};
use crate::data::collection::Hint;
use crate::keyspace::{Key, Keyspace, slots};
use crate::proto::{Span, encode::Out};
use crate::spec::{Args, call::Origin, table::Row};

/// Words up to which a call that is fast for one element counts as fast.
const FEW_WORDS: u32 = 16;

/// Calls by which a batch asks for buckets and for entries before it needs them: what memory takes to answer is what so many
/// short calls take to run, and no more requests are under way than a core can have.
const BUCKETS_AHEAD: usize = 16;
const ENTRIES_AHEAD: usize = 8;

/// Who waits for the reply of a call that could not run at once.
#[derive(Clone, Copy)]
pub enum Asker {
    /// A connection of this core.
    Here,
    /// Another core's.
    Core(usize),
}

/// A call that met a held slot.
pub struct Waiting {
    pub asker: Asker,
    pub back: Back,
    pub kind: Kind,
    pub row: u16,
    pub db: usize,
    pub is_resp3: bool,
    pub origin: Origin,
    pub words: Words,
    pub slots: Vec<u16>,
}

impl Worker {
    /// Runs everything that may run now. Returns how many calls of this core's connections were run.
    pub(super) fn run_calls(&mut self, sources: &Sources) -> usize {
        if self.waiters.is_serving() || self.shard.ks.has_ready() {
            self.serve();
        }
        self.run_waiting();
        while !self.shard.persist.is_choked
            && let Some((core, parcel)) = self.inbox.pop_front()
        {
            self.run_parcel(core, parcel);
        }
        let calls = std::mem::take(&mut self.batch.calls);
        let spans = std::mem::take(&mut self.batch.spans);
        self.run_batch(&calls, &spans, sources);
        let ran = calls.len();
        (self.batch.calls, self.batch.spans) = (calls, spans);
        self.batch.calls.clear();
        self.batch.spans.clear();
        ran
    }

    /// Runs the batch in order, with buckets and entries of later calls on their way (roots were asked for at intake). Calls whose cost
    /// is constant are timed together.
    fn run_batch(&mut self, calls: &[BatchCall], spans: &[Span], sources: &Sources) {
        if calls.is_empty() {
            return;
        }
        let words = |c: &BatchCall| Args {
            base: &sources.list[c.source as usize].bytes()[c.base as usize..],
            spans: &spans[c.first as usize..(c.first + c.count) as usize],
        };
        let commands = &self.shard.server.commands;
        // Root (asked for at intake), bucket and entry depend on each other. Buckets are asked for a good way ahead of the calls, entries
        // half of it, so that their misses pass while calls run; elements need all of it beforehand.
        let has_elements = calls.iter().any(|c| commands.row(c.row).element != 0);
        let (buckets, entries) = if has_elements { (calls.len(), calls.len()) } else { (BUCKETS_AHEAD, ENTRIES_AHEAD) };
        if calls.len() > 1 {
            calls.iter().take(buckets).for_each(|c| prefetch_bucket(&self.shard.ks, c));
            calls.iter().take(entries).for_each(|c| prefetch_entry(&self.shard.ks, c));
        }
        let times_all = (0..1000).contains(&self.shard.config.slowlog_log_slower_than);
        let mut start = (self.nanos)();
        let mut group = Group::default();
        for (n, c) in calls.iter().enumerate() {
            if has_elements && n % Keyspace::LOOKS == 0 && calls.len() > 1 {
                let next = calls[n..].iter().take(Keyspace::LOOKS);
                self.shard.ks.prefetch_elements(next.filter_map(|c| look(commands.row(c.row), c.db as usize, c.hint, &words(c))));
            }
            if let Some(next) = calls.get(n + buckets) {
                prefetch_bucket(&self.shard.ks, next);
            }
            if let Some(next) = calls.get(n + entries) {
                prefetch_entry(&self.shard.ks, next);
            }
            let is_constant = commands.row(c.row).is_constant && c.count <= FEW_WORDS;
            let constant = c.kind == Kind::Call && is_constant && !times_all;
            if constant && group.takes(c.row) {
                self.run_one(c, words(c));
                continue;
            }
            let now = (self.nanos)();
            group.close(&mut self.shard, now - start);
            start = now;
            if constant {
                group.takes(c.row);
                self.run_one(c, words(c));
                continue;
            }
            self.run_one(c, words(c));
            let end = (self.nanos)();
            if std::mem::take(&mut self.waiters.has_blocked) {
                start = end;
                continue;
            }
            run::account(&mut self.shard, c.row, end - start, 1);
            if let Some(client) = self.shard.clients.get(c.conn as usize) {
                let origin = super::origin(client, false);
                let job = Job { row: c.row, args: words(c), db: client.db, now: self.now, origin, home: Some(c.conn as usize), hint: None };
                run::note_slow(&mut self.shard, &job, end - start);
            }
            start = end;
        }
        let end = (self.nanos)();
        group.close(&mut self.shard, end - start);
    }

    #[inline]
    fn run_one(&mut self, c: &BatchCall, args: Args) {
        let i = c.conn as usize;
        if !self.queue.is_clear() && !self.probe.has(Fault::CallsPassHolds) && self.must_wait(c, &args) {
            return;
        }
        if c.kind == Kind::Blocking {
            return self.run_one_blocking(c, args);
        }
        let Some(conn) = self.conns.get(i) else { return };
        conn.calls -= 1;
        if c.kind != Kind::Call {
            let mut out = Out { buf: Vec::new(), resp3: conn.out.resp3 };
            self.run_session_call(c.kind, i, &args, &mut out);
            self.reply_place(i, c.seq, c.is_mute, &out.buf);
            self.serve_if_ready();
            return;
        }
        let client = &self.shard.clients[i];
        let job = Job { row: c.row, args, db: client.db, now: self.now, origin: super::origin(client, false), home: Some(i), hint: c.hint };
        if conn.may_write(c.seq) {
            let before = conn.out.buf.len();
            run::run(&mut self.shard, &mut conn.out, &job);
            if c.is_mute {
                conn.out.buf.truncate(before);
            }
        } else {
            // An earlier reply is missing: this one is written where it waits for its turn.
            let mut out = conn.borrow_side();
            let start = out.buf.len();
            run::run(&mut self.shard, &mut out, &job);
            conn.return_side(c.seq, c.is_mute, out, start);
        }
        if conn.is_stalled && !conn.is_listed {
            conn.is_listed = true;
            self.again.push(i);
        }
        self.serve_if_ready();
    }

    fn run_one_blocking(&mut self, c: &BatchCall, args: Args) {
        let i = c.conn as usize;
        let Some(conn) = self.conns.get(i) else { return };
        let back = Back { conn: c.conn, generation: conn.generation, seq: c.seq };
        conn.owe(c.seq, c.is_mute);
        let client = &self.shard.clients[i];
        let job = Job { row: c.row, args, db: client.db, now: self.now, origin: super::origin(client, false), home: Some(i), hint: None };
        let mut out = Out { buf: Vec::new(), resp3: client.is_resp3 };
        if self.run_blocking(self.shard.core, back, &job, &mut out) {
            self.deliver(back, &out.buf);
        }
        self.serve_if_ready();
    }

    /// Writes the reply of place `seq` now or keeps it until its turn.
    pub(super) fn reply_place(&mut self, i: usize, seq: u64, is_mute: bool, reply: &[u8]) {
        let Some(conn) = self.conns.get(i) else { return };
        if conn.may_write(seq) {
            if !is_mute {
                conn.out.raw(reply);
            }
        } else {
            conn.owe(seq, is_mute);
            conn.deliver(seq, reply);
        }
        self.look_again(i);
        self.mark_dirty(i);
    }

    /// If a call touches a slot that is held, keeps it for later.
    #[cold]
    fn must_wait(&mut self, c: &BatchCall, args: &Args) -> bool {
        let i = c.conn as usize;
        let slots = if c.kind == Kind::Exec { self.exec_slots(i) } else { self.slots_of(c.row, args) };
        if !slots.iter().any(|s| self.queue.is_barred(*s)) {
            return false;
        }
        let client = &self.shard.clients[i];
        let (db, is_resp3, origin) = (client.db, client.is_resp3, super::origin(client, false));
        let Some(conn) = self.conns.get(i) else { return true };
        conn.owe(c.seq, c.is_mute);
        let back = Back { conn: c.conn, generation: conn.generation, seq: c.seq };
        let words = Words::copy(args, None);
        self.wait(Waiting { asker: Asker::Here, back, kind: c.kind, row: c.row, db, is_resp3, origin, words, slots });
        true
    }

    fn wait(&mut self, waiting: Waiting) {
        self.shard.stats.calls_held += 1;
        self.queue.bar(&waiting.slots);
        self.waiting.push_back(waiting);
    }

    /// Slots that a call touches on this core.
    pub(super) fn slots_of(&self, row: u16, args: &Args) -> Vec<u16> {
        let spec = self.shard.server.commands.row(row).spec;
        let mut places = Vec::new();
        // A call with an invalid count of keys touches none: its function refuses it.
        let _ = crate::spec::keys::positions(spec, args, &mut places);
        places.iter().map(|(at, _)| slots::slot_of(args.get(*at as usize))).collect()
    }

    /// Calls whose slots became free run now, in order.
    fn run_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.queue.rebuild_bars();
        for w in std::mem::take(&mut self.waiting) {
            if w.slots.iter().any(|s| self.queue.is_barred(*s)) {
                self.queue.bar(&w.slots);
                self.waiting.push_back(w);
                continue;
            }
            self.run_waited(w);
        }
    }

    fn run_waited(&mut self, w: Waiting) {
        let mut out = Out { buf: Vec::new(), resp3: w.is_resp3 };
        let start = (self.nanos)();
        let home = matches!(w.asker, Asker::Here).then_some(w.back.conn as usize);
        if self.is_blocking(w.row) && (home.is_none() || self.conns.asked(w.back).is_some()) {
            let job = Job { row: w.row, args: w.words.args(), db: w.db, now: self.now, origin: w.origin, home, hint: None };
            let asker = if let Asker::Core(core) = w.asker { core } else { self.shard.core };
            if !self.run_blocking(asker, w.back, &job, &mut out) {
                if !std::mem::take(&mut self.waiters.has_blocked) {
                    run::account(&mut self.shard, w.row, (self.nanos)().saturating_sub(start), 1);
                }
                return;
            }
        } else if w.kind != Kind::Call {
            if self.conns.asked(w.back).is_some() {
                self.run_session_call(w.kind, w.back.conn as usize, &w.words.args(), &mut out);
            }
        } else if home.is_none() || self.conns.asked(w.back).is_some() {
            let job = Job { row: w.row, args: w.words.args(), db: w.db, now: self.now, origin: w.origin, home, hint: None };
            run::run(&mut self.shard, &mut out, &job);
        }
        run::account(&mut self.shard, w.row, (self.nanos)().saturating_sub(start), 1);
        match w.asker {
            Asker::Here => self.deliver(w.back, &out.buf),
            Asker::Core(core) => self.answer(core, Answer::Late { back: w.back, reply: out.buf }),
        }
        self.serve_if_ready();
    }

    /// Runs a parcel of another core and sends it back with the replies.
    fn run_parcel(&mut self, core: usize, mut parcel: Box<Parcel>) {
        let mut out = Out { buf: std::mem::take(&mut parcel.out), resp3: false };
        let Parcel { bytes, spans, calls, .. } = &mut *parcel;
        for c in calls.iter() {
            if let Some((at, hash, slot)) = c.hint {
                let s = spans[c.first as usize + at as usize];
                let key = Key { bytes: &bytes[s.start as usize..(s.start + s.len) as usize], hash, slot };
                self.shard.ks.prefetch_bucket(c.db as usize, &key);
            }
        }
        for c in calls.iter() {
            if let Some((at, hash, slot)) = c.hint {
                let s = spans[c.first as usize + at as usize];
                let key = Key { bytes: &bytes[s.start as usize..(s.start + s.len) as usize], hash, slot };
                self.shard.ks.prefetch_entry(c.db as usize, &key);
            }
        }
        let commands = &self.shard.server.commands;
        for some in calls.chunks(Keyspace::LOOKS) {
            self.shard.ks.prefetch_elements(some.iter().filter_map(|c| {
                let args = Args { base: bytes, spans: &spans[c.first as usize..(c.first + c.count) as usize] };
                look(commands.row(c.row), c.db as usize, c.hint, &args)
            }));
        }
        let passes_holds = self.probe.has(Fault::CallsPassHolds);
        let times_all = (0..1000).contains(&self.shard.config.slowlog_log_slower_than);
        let mut start = (self.nanos)();
        let mut group = Group::default();
        for c in calls.iter_mut() {
            let args = Args { base: bytes, spans: &spans[c.first as usize..(c.first + c.count) as usize] };
            if !self.queue.is_clear() && !passes_holds {
                let slots = self.slots_of(c.row, &args);
                if slots.iter().any(|s| self.queue.is_barred(*s)) {
                    let words = Words::copy(&args, None);
                    let (asker, kind) = (Asker::Core(core), Kind::Call);
                    let (db, is_resp3) = (c.db as usize, c.is_resp3);
                    self.wait(Waiting { asker, back: c.back, kind, row: c.row, db, is_resp3, origin: c.origin, words, slots });
                    c.reply = None;
                    continue;
                }
            }
            let is_alone = times_all || !commands.row(c.row).is_constant || c.count > FEW_WORDS;
            if is_alone || !group.takes(c.row) {
                let now = (self.nanos)();
                group.close(&mut self.shard, now - start);
                start = now;
                if !is_alone {
                    group.takes(c.row);
                }
            }
            let before = out.buf.len();
            out.resp3 = c.is_resp3;
            let job = Job { row: c.row, args, db: c.db as usize, now: self.now, origin: c.origin, home: None, hint: c.hint };
            if is_alone && self.is_blocking(c.row) {
                if !self.run_blocking(core, c.back, &job, &mut out) {
                    // What is answered later was run; what waits for a key was not.
                    if !std::mem::take(&mut self.waiters.has_blocked) {
                        run::account(&mut self.shard, c.row, (self.nanos)().saturating_sub(start), 1);
                    }
                    c.reply = None;
                    continue;
                }
            } else {
                run::run(&mut self.shard, &mut out, &job);
            }
            self.serve_if_ready();
            if is_alone {
                let end = (self.nanos)();
                run::account(&mut self.shard, c.row, end - start, 1);
                run::note_slow(&mut self.shard, &job, end - start);
                start = end;
            }
            c.reply = Some((out.buf.len() - before) as u32);
        }
        let end = (self.nanos)();
        group.close(&mut self.shard, end - start);
        parcel.out = out.buf;
        self.answer(core, Answer::Parcel(parcel));
    }

    /// Sends an answer to another core.
    pub(super) fn answer(&mut self, core: usize, answer: Answer) {
        if !self.shard.slowlog.away.is_empty() {
            self.send_slow();
        }
        if let Some(answer) = self.hold_answer(core, answer) {
            self.send_answer(core, answer);
        }
    }

    /// The same, whatever the log says.
    pub(super) fn send_answer(&mut self, core: usize, answer: Answer) {
        if let Some(link) = self.links[core].as_mut() {
            link.answer(answer);
            self.wake[core] = true;
        }
    }

    /// Slow calls of other cores' clients go to the logs there, ahead of their replies: whoever has seen the reply sees the entry.
    #[cold]
    fn send_slow(&mut self) {
        for slow in std::mem::take(&mut self.shard.slowlog.away) {
            self.answer(slow.core, Answer::Slow(Box::new(slow)));
        }
    }

    /// A parcel of ours came back: hands out its replies and keeps its memory.
    pub(super) fn parcel_came_back(&mut self, mut parcel: Box<Parcel>) {
        let mut at = 0;
        for c in &parcel.calls {
            if let Some(len) = c.reply {
                let end = at + len as usize;
                self.deliver(c.back, &parcel.out[at..end]);
                at = end;
            }
        }
        parcel.clear();
        self.spare.push(parcel);
    }

    /// The reply of a single-core call arrived.
    pub(super) fn deliver(&mut self, back: Back, reply: &[u8]) {
        self.look_at_loaded(back, reply);
        let unordered = self.probe.has(Fault::RepliesUnordered);
        let Some(conn) = self.conns.asked(back) else { return };
        if conn.is_exclusive {
            conn.end_exclusive();
            self.end_wait(back.conn as usize);
        } else {
            conn.calls -= 1;
        }
        let Some(conn) = self.conns.asked(back) else { return };
        if unordered {
            conn.out.raw(reply);
            return;
        }
        conn.deliver(back.seq, reply);
        let i = back.conn as usize;
        self.look_again(i);
        self.mark_dirty(i);
    }

    /// Sends the parcel that is being filled for `core`.
    pub(super) fn send_parcel(&mut self, core: usize) {
        let (Some(parcel), Some(link)) = (self.parcels[core].take(), self.links[core].as_mut()) else { return };
        match link.calls_out.push(parcel) {
            Ok(()) => {
                link.parcels_out += 1;
                self.wake[core] = true;
            }
            // Credits keep the ring from ever being full; were it so, the parcel is sent with the next one.
            Err(back) => self.parcels[core] = Some(back),
        }
    }

    /// Sends all parcels.
    pub(super) fn send_parcels(&mut self) {
        (0..self.parcels.len()).for_each(|core| self.send_parcel(core));
    }
}

/// The element that a call of one key looks up first.
#[inline]
fn look<'a>(row: &Row, db: usize, hint: Option<(u32, u64, u16)>, args: &Args<'a>) -> Option<(usize, Key<'a>, Hint<'a>)> {
    if row.element == 0 {
        return None;
    }
    let (at, hash, slot) = hint?;
    let element = args.try_get(usize::from(row.element))?;
    Some((db, Key { bytes: args.get(at as usize), hash, slot }, Hint::new(element)))
}

#[inline(always)]
fn prefetch_bucket(ks: &Keyspace, c: &BatchCall) {
    if let Some((_, hash, slot)) = c.hint {
        ks.prefetch_bucket(c.db as usize, &Key { bytes: &[], hash, slot });
    }
}

#[inline(always)]
fn prefetch_entry(ks: &Keyspace, c: &BatchCall) {
    if let Some((_, hash, slot)) = c.hint {
        ks.prefetch_entry(c.db as usize, &Key { bytes: &[], hash, slot });
    }
}

/// Calls of one command in a row, timed together.
#[derive(Default)]
struct Group {
    row: u16,
    calls: u64,
}

impl Group {
    /// Counts a call if it is of the same command as those before it.
    #[inline(always)]
    fn takes(&mut self, row: u16) -> bool {
        if self.calls == 0 {
            self.row = row;
        }
        let same = self.row == row;
        self.calls += u64::from(same);
        same
    }
    /// Accounts for the calls and starts anew.
    fn close(&mut self, shard: &mut crate::spec::Shard, nanos: u64) {
        if self.calls > 0 {
            run::account(shard, self.row, nanos, self.calls);
        }
        self.calls = 0;
    }
}
