//! Step 1 of a turn for connections: parses what arrived, passes each command through the gate and finds out where it runs.
//! Commands of this core are collected in a batch (so that their memory can be prefetched), those of others in parcels;
//! commands that need no key run at once.
//!
//! Invariants: a command starts only when the connection's earlier commands allow it (see [`Worker::take`]), else it stays
//! unread and the connection is stalled. One connection takes at most [`SHARE_COMMANDS`] of a pass.

use super::{
    admit::{Verdict, admit},
    link::{PARCEL_CALLS, Parcel, ParcelCall},
    probe::Fault,
    run::{self, Job},
    worker::{Input, Worker},
};
use crate::keyspace::{Key, slots};
use crate::proto::{
    Span,
    parse::{Limits, Parsed, parse},
};
use crate::spec::client::{Blocked, Client};
use crate::spec::{Args, Flags, Multi, Route, client::ReplyMode, route::SessionOp, tracking::Caching};

/// Commands and bytes that one connection may take in one pass over the connections.
const SHARE_COMMANDS: usize = 64;
const SHARE_BYTES: usize = 32 * 1024;
/// Calls after which a batch is run: enough loads in flight to hide memory, few enough to stay in the first-level cache.
pub const BATCH_CALLS: usize = 128;
/// Input that an unauthenticated connection may have pending.
const UNAUTHENTICATED_INPUT_MAX: usize = 1 << 20;

/// Unsent output at which a connection's further commands wait until it has been sent.
const OUTPUT_MAX: usize = 1 << 20;

/// What a batched entry is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Call,
    /// A call that may wait for a key.
    Blocking,
    Exec,
    Watch,
}

/// One call of this core's connections for this core's keys.
#[derive(Clone, Copy)]
pub struct BatchCall {
    pub conn: u32,
    pub seq: u64,
    pub source: u32,
    /// The words are ranges of the source from here.
    pub base: u32,
    pub first: u32,
    pub count: u32,
    pub row: u16,
    pub kind: Kind,
    pub db: u32,
    pub is_mute: bool,
    pub hint: Option<(u32, u64, u16)>,
}

/// The calls of one batch and their words.
#[derive(Default)]
pub struct Batch {
    pub calls: Vec<BatchCall>,
    pub spans: Vec<Span>,
}

/// Input of one connection in this turn.
pub struct Source<'i> {
    pub conn: usize,
    pub borrowed: &'i [u8],
    /// Holds the bytes when they are the connection's own.
    pub owned: Option<Vec<u8>>,
    pub position: usize,
    /// More can be parsed from it in this turn.
    pub is_ready: bool,
}

impl Source<'_> {
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        self.owned.as_deref().unwrap_or(self.borrowed)
    }
}

/// All inputs of a turn.
#[derive(Default)]
pub struct Sources<'i> {
    pub list: Vec<Source<'i>>,
}

impl Sources<'_> {
    /// Whether any input can go on.
    pub fn has_ready(&self) -> bool {
        self.list.iter().any(|s| s.is_ready)
    }
}

/// What became of a command.
enum Taken {
    /// Answered, queued in MULTI, or on its way.
    Done,
    /// It may not start yet.
    Stalled,
    /// The connection is to be closed; nothing more is read.
    Closing,
}

impl Worker {
    /// Makes the bytes that arrived a source: behind what the connection had not parsed, if anything.
    pub(super) fn admit_input<'i>(&mut self, sources: &mut Sources<'i>, input: Input<'i>) {
        let limit = self.shard.config.client_query_buffer_limit as usize;
        let Some(conn) = self.conns.get(input.conn) else { return };
        self.shard.stats.net_input_bytes += input.bytes.len() as u64;
        let client = &mut self.shard.clients[input.conn];
        client.active_ms = self.now;
        client.total_in += input.bytes.len() as u64;
        if conn.is_deaf {
            return;
        }
        if conn.input.is_empty() {
            sources.list.push(Source { conn: input.conn, borrowed: input.bytes, owned: None, position: 0, is_ready: true });
            return;
        }
        conn.input.extend_from_slice(input.bytes);
        let max = if client.is_authenticated { limit } else { limit.min(UNAUTHENTICATED_INPUT_MAX) };
        if conn.input.len() > max {
            client.close_now = true;
            conn.is_deaf = true;
            self.shard.stats.query_buffer_disconnections += 1;
            self.mark_dirty(input.conn);
            return;
        }
        if !conn.is_listed {
            conn.is_listed = true;
            self.again.push(input.conn);
        }
    }

    /// Connections that may go on with input they sent earlier become sources.
    pub(super) fn resume_connections(&mut self, sources: &mut Sources) {
        for i in std::mem::take(&mut self.again) {
            let Some(conn) = self.conns.get(i) else { continue };
            conn.is_listed = false;
            conn.is_stalled = false;
            if let Some(source) = sources.list.iter_mut().find(|s| s.conn == i) {
                source.is_ready = true;
                // What arrived while the source was out of the connection's hands comes behind it.
                if !conn.input.is_empty() {
                    let mut all = source.bytes()[source.position..].to_vec();
                    all.append(&mut conn.input);
                    (source.owned, source.position) = (Some(all), 0);
                }
                continue;
            }
            let owned = std::mem::take(&mut conn.input);
            if !owned.is_empty() {
                sources.list.push(Source { conn: i, borrowed: &[], owned: Some(owned), position: 0, is_ready: true });
            }
        }
    }

    /// Parses a share of every ready source until the batch is full. Returns whether any command was taken.
    pub(super) fn take_in_commands(&mut self, sources: &mut Sources) -> bool {
        let mut any = false;
        for n in 0..sources.list.len() {
            if self.batch.calls.len() >= BATCH_CALLS {
                break;
            }
            if sources.list[n].is_ready {
                any |= self.take_share(sources, n);
            }
        }
        any
    }

    fn take_share(&mut self, sources: &mut Sources, n: usize) -> bool {
        let (i, start) = (sources.list[n].conn, sources.list[n].position);
        let mut position = start;
        let mut commands = 0;
        let mut inline = Vec::new();
        let mut is_ready = false;
        let mut spans = std::mem::take(&mut self.batch.spans);
        while let Some(conn) = self.conns.get(i) {
            if conn.is_deaf {
                break;
            }
            if commands >= SHARE_COMMANDS || position - start >= SHARE_BYTES || self.batch.calls.len() >= BATCH_CALLS {
                is_ready = true;
                break;
            }
            let bytes = &sources.list[n].bytes()[position..];
            if bytes.is_empty() {
                break;
            }
            if conn.out.buf.len() >= OUTPUT_MAX {
                conn.is_stalled = true;
                self.has_stalled = true;
                break;
            }
            let client = &self.shard.clients[i];
            let limits = Limits { max_bulk: self.shard.config.proto_max_bulk_len as usize, authenticated: client.is_authenticated };
            let first = spans.len();
            inline.clear();
            match parse(bytes, &limits, &mut conn.resume, &mut spans, &mut inline) {
                Parsed::Nothing { used } => position += used,
                Parsed::More { .. } => break,
                Parsed::Error(error) => {
                    if !conn.is_idle() {
                        conn.is_stalled = true;
                        self.has_stalled = true;
                        break;
                    }
                    self.protocol_error(i, error.text().into_owned());
                    position = sources.list[n].bytes().len();
                    break;
                }
                Parsed::Command { used } => {
                    let args = Args { base: bytes, spans: &spans[first..] };
                    let place = Place { source: n as u32, base: position as u32, first: first as u32 };
                    commands += 1;
                    match self.take(i, args, Some(place)) {
                        Taken::Done => position += used,
                        taken => {
                            position += self.not_taken(i, taken, used);
                            spans.truncate(first);
                            break;
                        }
                    }
                }
                Parsed::Inline { used } => {
                    // The words of an inline command are not ranges of the input: it runs from a source of its own.
                    let words = std::mem::take(&mut inline);
                    let args = Args { base: &words, spans: &spans[first..] };
                    let place = Place { source: sources.list.len() as u32, base: 0, first: first as u32 };
                    commands += 1;
                    match self.take(i, args, Some(place)) {
                        Taken::Done => {
                            position += used;
                            sources.list.push(Source { conn: usize::MAX, borrowed: &[], owned: Some(words), position: 0, is_ready: false });
                        }
                        taken => {
                            position += self.not_taken(i, taken, used);
                            spans.truncate(first);
                            break;
                        }
                    }
                }
            }
        }
        self.batch.spans = spans;
        sources.list[n].position = position;
        sources.list[n].is_ready = is_ready;
        if position > start {
            self.mark_dirty(i);
        }
        position > start
    }

    /// A command was not taken: stalls the connection, or ends it. Returns how much of its input is used up.
    fn not_taken(&mut self, i: usize, taken: Taken, used: usize) -> usize {
        let Some(conn) = self.conns.get(i) else { return used };
        conn.resume = Default::default();
        match taken {
            Taken::Stalled => {
                conn.is_stalled = true;
                self.has_stalled = true;
                0
            }
            _ => {
                conn.is_deaf = true;
                used
            }
        }
    }

    /// Keeps what was not parsed in the connections themselves; the input buffers go back to the kernel after the turn.
    pub(super) fn keep_unread(&mut self, sources: Sources) {
        for source in sources.list {
            let Some(conn) = self.conns.get(source.conn) else { continue };
            let rest = source.bytes().len() - source.position;
            if rest > 0 && !conn.is_deaf {
                let arrived = std::mem::take(&mut conn.input);
                conn.input = match source.owned {
                    Some(mut owned) if source.position == 0 => std::mem::take(&mut owned),
                    _ => source.bytes()[source.position..].to_vec(),
                };
                conn.input.extend_from_slice(&arrived);
            }
            if source.is_ready && !conn.is_listed {
                conn.is_listed = true;
                self.again.push(source.conn);
            }
        }
    }

    /// Replies a protocol error and closes behind it.
    fn protocol_error(&mut self, i: usize, text: Vec<u8>) {
        let refusal = crate::spec::Refusal::quoting(text);
        run::count_error(&mut self.shard, &refusal);
        if let Some(conn) = self.conns.get(i) {
            conn.out.error_bytes(refusal.as_bytes());
            conn.is_deaf = true;
            self.shard.clients[i].close_after_reply = true;
        }
        self.mark_dirty(i);
    }

    /// Takes a command. CLIENT CACHING may have said something about it: then nothing later starts before it is answered.
    #[inline]
    fn take(&mut self, i: usize, args: Args, place: Option<Place>) -> Taken {
        let caching = self.shard.clients[i].tracking.caching;
        match caching {
            Caching::Unsaid => self.find_way(i, args, place),
            Caching::Used if !self.forget_caching(i) => Taken::Stalled,
            Caching::Used => self.find_way(i, args, place),
            Caching::Said => {
                let taken = self.find_way(i, args, place);
                if matches!(taken, Taken::Done) {
                    self.use_caching(i, &args);
                }
                taken
            }
        }
    }

    /// Finds out what a command is and where it runs, and starts it if it may start.
    ///
    /// Rules: what runs at home or on all cores starts when nothing is owed; a single-core call starts when no ticket is owed; a
    /// ticket starts when no call is owed, nor an EXEC that runs commands of the connection itself.
    fn find_way(&mut self, i: usize, args: Args, place: Option<Place>) -> Taken {
        let row = match admit(&self.shard, i, &args) {
            Verdict::Go(row) => row,
            Verdict::Refuse(refusal) => {
                let id = self.shard.server.commands.find(args.get(0));
                return self.at_home(i, |w| w.refuse_at_home(i, id, &refusal));
            }
            Verdict::CrossProtocol => {
                self.shard.clients[i].close_now = true;
                self.shard.requests.push(super::cross_protocol_warning());
                self.mark_dirty(i);
                return Taken::Closing;
            }
        };
        let server = self.shard.server;
        let entry = server.commands.row(row);
        let spec = entry.spec;
        let client = &mut self.shard.clients[i];
        client.last_command = entry.full_name;
        let facts = Facts { db: client.db, mode: client.reply_mode };
        let is_queued = client.multi.is_some() && !super::multi::runs_inside_multi(spec);
        if self.shard.pause.until_ms != 0 && self.is_paused(i, spec.flags) {
            return Taken::Stalled;
        }
        if is_queued {
            // Nothing is owed while commands are queued: what is owed now is the EXEC before this command, which has yet to run.
            if self.conns.get(i).is_none_or(|c| !c.is_idle()) && !self.probe.has(Fault::QueuedBehindExec) {
                return Taken::Stalled;
            }
            self.queue_command(i, row, &args);
            return Taken::Done;
        }
        if self.is_held_up(i, spec.flags) {
            return Taken::Stalled;
        }
        if entry.fixed_key != 0 {
            let key = self.shard.ks.key(args.get(entry.fixed_key as usize));
            return self.single(
                i,
                facts,
                (row, &args),
                place,
                slots::owner_of(key.slot, self.shard.cores),
                Some((u32::from(entry.fixed_key), key)),
            );
        }
        if let Some(is_first) = spec.on_first
            && is_first(&args)
        {
            return self.take_alone(i, |w| w.single(i, facts, (row, &args), place, 0, None));
        }
        // Who lists clients sees its own command among what it has sent.
        self.shard.clients[i].input_bytes = args.base.len();
        match spec.route {
            Route::Home => self.at_home(i, |w| w.run_at_home(i, row, &args)),
            Route::Session(op) => self.take_session(i, row, op, &args, place),
            Route::Pick(core_of) => {
                let core = core_of(&args, self.shard.cores).min(self.shard.cores - 1);
                if spec.defers {
                    return self.take_alone(i, |w| w.single(i, facts, (row, &args), place, core, None));
                }
                self.single(i, facts, (row, &args), place, core, None)
            }
            Route::Every(_) if self.shard.cores == 1 => self.at_home(i, |w| w.run_every_alone(i, row, &args)),
            Route::Every(_) => self.start_ticket_for(i, row, &args),
            Route::Keys(multi) if spec.flags.has(Flags::BLOCKING) => self.take_blocking(i, facts, (row, &args), multi, place),
            Route::Keys(multi) => self.take_keys(i, facts, (row, &args), multi, place),
        }
    }

    /// Runs `f` now if nothing is owed to the connection.
    fn at_home(&mut self, i: usize, f: impl FnOnce(&mut Worker)) -> Taken {
        let Some(conn) = self.conns.get(i) else { return Taken::Closing };
        if !conn.is_idle() {
            return Taken::Stalled;
        }
        f(self);
        let client = &self.shard.clients[i];
        if client.close_now || client.close_after_reply {
            self.mark_dirty(i);
            return Taken::Closing;
        }
        Taken::Done
    }

    /// A command that may wait for a key: nothing of its connection overlaps it.
    fn take_blocking(&mut self, i: usize, facts: Facts, call: (u16, &Args), multi: Multi, place: Option<Place>) -> Taken {
        self.take_alone(i, |w| w.take_keys(i, facts, call, multi, place))
    }

    /// A command that may be answered later.
    fn take_alone(&mut self, i: usize, take: impl FnOnce(&mut Worker) -> Taken) -> Taken {
        let Some(conn) = self.conns.get(i) else { return Taken::Closing };
        if !conn.is_idle() {
            return Taken::Stalled;
        }
        let before = self.batch.calls.len();
        let taken = take(self);
        if let (Taken::Done, Some(conn)) = (&taken, self.conns.get(i)) {
            conn.begin_exclusive();
            self.batch.calls[before..].iter_mut().for_each(|c| c.kind = Kind::Blocking);
        }
        taken
    }

    fn take_keys(&mut self, i: usize, facts: Facts, (row, args): (u16, &Args), multi: Multi, place: Option<Place>) -> Taken {
        if self.shard.cores == 1 {
            return self.single(i, facts, (row, args), place, 0, None);
        }
        let spec = self.shard.server.commands.row(row).spec;
        let mut places = std::mem::take(&mut self.key_places);
        places.clear();
        let mut found = crate::spec::keys::positions(spec, args, &mut places);
        if spec.check.is_some_and(|check| check(args).is_err()) {
            found = Err(crate::spec::keys::Invalid::Count);
        }
        let cores = self.shard.cores;
        let owner = |p: &(u32, u8)| slots::owner_of(slots::slot_of(args.get(p.0 as usize)), cores);
        let first = places.first().map(owner);
        let is_scouted = found.is_ok() && matches!(multi, Multi::Scout(scout) if (scout.is_needed)(args));
        let is_together = matches!(multi, Multi::Single) || places.iter().all(|p| Some(owner(p)) == first);
        let is_single = found.is_err() || (is_together && !is_scouted);
        self.key_places = places;
        if is_single {
            // Without a valid key the command's own function says what is wrong; any core can do that.
            let core = if found.is_ok() { first.unwrap_or(self.shard.core) } else { self.shard.core };
            return self.single(i, facts, (row, args), place, core, None);
        }
        self.start_ticket_for(i, row, args)
    }

    /// A call whose keys are on one core: into the batch or into that core's parcel.
    #[inline]
    fn single(
        &mut self,
        i: usize,
        facts: Facts,
        (row, args): (u16, &Args),
        place: Option<Place>,
        core: usize,
        key: Option<(u32, Key)>,
    ) -> Taken {
        let may_pass = self.probe.has(Fault::CallPassesTickets);
        let Some(conn) = self.conns.get(i) else { return Taken::Closing };
        if conn.tickets > 0 && !may_pass {
            return Taken::Stalled;
        }
        let hint = key.map(|(at, k)| (at, k.hash, k.slot));
        if core == self.shard.core {
            let Some(place) = place else { return Taken::Stalled };
            let seq = conn.next_place();
            conn.calls += 1;
            let is_mute = facts.mode != ReplyMode::On && self.takes_mute(i);
            if let Some((_, key)) = &key {
                self.shard.ks.prefetch_root(facts.db, key);
            }
            self.batch.calls.push(BatchCall {
                conn: i as u32,
                seq,
                source: place.source,
                base: place.base,
                first: place.first,
                count: args.len() as u32,
                row,
                kind: Kind::Call,
                db: facts.db as u32,
                is_mute,
                hint,
            });
            return Taken::Done;
        }
        self.post(i, row, args, core, hint)
    }

    /// Puts a call into the parcel for `core`.
    fn post(&mut self, i: usize, row: u16, args: &Args, core: usize, hint: Option<(u32, u64, u16)>) -> Taken {
        let Some(link) = self.links[core].as_mut() else { return Taken::Stalled };
        if self.parcels[core].is_none() {
            if link.parcels_out >= link.credits {
                return Taken::Stalled;
            }
            self.parcels[core] = Some(self.spare.pop().unwrap_or_else(|| Box::new(Parcel::default())));
        }
        let is_mute = self.takes_mute(i);
        let Some(parcel) = self.parcels[core].as_mut() else { return Taken::Stalled };
        let Some(conn) = self.conns.get(i) else { return Taken::Closing };
        let seq = conn.next_place();
        conn.owe(seq, is_mute);
        conn.calls += 1;
        let back = super::link::Back { conn: i as u32, generation: conn.generation, seq };
        let first = parcel.spans.len() as u32;
        for word in args.from(0) {
            parcel.spans.push(Span { start: parcel.bytes.len() as u32, len: word.len() as u32 });
            parcel.bytes.extend_from_slice(word);
        }
        let client = &self.shard.clients[i];
        parcel.calls.push(ParcelCall {
            back,
            row,
            db: client.db as u16,
            is_resp3: client.is_resp3,
            first,
            count: args.len() as u32,
            hint,
            origin: super::origin(client, false),
            reply: None,
        });
        self.shard.stats.calls_sent += 1;
        if parcel.calls.len() >= PARCEL_CALLS || parcel.bytes.len() >= 1 << 16 {
            self.send_parcel(core);
        }
        Taken::Done
    }

    fn start_ticket_for(&mut self, i: usize, row: u16, args: &Args) -> Taken {
        match self.conns.get(i) {
            None => return Taken::Closing,
            Some(conn) if conn.calls > 0 && !self.probe.has(Fault::TicketPassesCalls) => return Taken::Stalled,
            Some(conn) if conn.is_in_session => return Taken::Stalled,
            Some(_) => {}
        }
        if self.start_command_ticket(i, row, args) { Taken::Done } else { Taken::Stalled }
    }

    /// MULTI and its kin.
    fn take_session(&mut self, i: usize, row: u16, op: SessionOp, args: &Args, place: Option<Place>) -> Taken {
        if self.conns.get(i).is_none_or(|c| !c.is_idle()) {
            return Taken::Stalled;
        }
        let kind = match op {
            SessionOp::Exec if self.shard.clients[i].multi.as_ref().is_some_and(|m| !m.is_broken) => Kind::Exec,
            SessionOp::Watch if self.shard.clients[i].multi.is_none() => Kind::Watch,
            _ => {
                self.run_session(i, row, op, args);
                return Taken::Done;
            }
        };
        let is_here = if kind == Kind::Exec { self.is_exec_here(i) } else { self.is_watch_here(args) };
        if !is_here {
            let started = if kind == Kind::Exec { self.start_exec_ticket(i) } else { self.start_watch_ticket(i, row, args) };
            return if started { Taken::Done } else { Taken::Stalled };
        }
        let Some(place) = place else { return Taken::Stalled };
        let is_mute = self.takes_mute(i);
        let Some(conn) = self.conns.get(i) else { return Taken::Closing };
        let seq = conn.next_place();
        conn.calls += 1;
        let count = args.len() as u32;
        let Place { source, base, first } = place;
        self.batch.calls.push(BatchCall { conn: i as u32, seq, source, base, first, count, row, kind, db: 0, is_mute, hint: None });
        Taken::Done
    }

    /// Whether the reply of the command that starts now is not wanted; CLIENT REPLY SKIP is used up.
    #[inline]
    pub(super) fn takes_mute(&mut self, i: usize) -> bool {
        let mode = &mut self.shard.clients[i].reply_mode;
        match *mode {
            ReplyMode::On => false,
            ReplyMode::Off => true,
            ReplyMode::Skip | ReplyMode::SkipNext => {
                *mode = ReplyMode::On;
                true
            }
        }
    }

    /// Whether CLIENT PAUSE holds the command up; its client counts as blocked then.
    #[cold]
    fn is_paused(&mut self, i: usize, flags: Flags) -> bool {
        let writing = Flags::WRITE.and(Flags::MAY_REPLICATE);
        let writes = || flags.has(writing) || self.shard.clients[i].last_command == "exec" && self.exec_has(i, writing);
        let is_paused = !self.shard.pause.writes_only || writes();
        self.shard.clients[i].is_postponed = is_paused;
        is_paused
    }

    fn refuse_at_home(&mut self, i: usize, row: Option<u16>, refusal: &crate::spec::Refusal) {
        if self.shard.clients[i].id == 0 {
            self.shard.persist.load_error.get_or_insert_with(|| refusal.as_bytes().to_vec());
        }
        if row.is_some_and(|row| super::admit::is_exec(self.shard.server.commands.row(row).spec)) {
            self.end_multi(i);
        } else if let Some(multi) = self.shard.clients[i].multi.as_mut() {
            multi.is_broken = true;
        }
        let is_mute = self.takes_mute(i);
        let Some(conn) = self.conns.get(i) else { return };
        let before = conn.out.buf.len();
        match row {
            Some(row) => run::refuse(&mut self.shard, &mut conn.out, row, refusal),
            None => {
                run::count_error(&mut self.shard, refusal);
                conn.out.error_bytes(refusal.as_bytes());
            }
        }
        if is_mute {
            conn.out.buf.truncate(before);
        }
    }

    /// Runs a command of the connection itself.
    fn run_at_home(&mut self, i: usize, row: u16, args: &Args) {
        let client = &mut self.shard.clients[i];
        if client.reply_mode == ReplyMode::SkipNext {
            client.reply_mode = ReplyMode::Skip;
        }
        let client = &self.shard.clients[i];
        let job = Job { row, args: *args, db: client.db, now: self.now, origin: super::origin(client, false), home: Some(i), hint: None };
        let start = (self.nanos)();
        let Some(conn) = self.conns.get(i) else { return };
        let before = conn.out.buf.len();
        run::run(&mut self.shard, &mut conn.out, &job);
        let nanos = (self.nanos)().saturating_sub(start);
        run::account(&mut self.shard, row, nanos, 1);
        run::note_slow(&mut self.shard, &job, nanos);
        let client = &mut self.shard.clients[i];
        conn.out.resp3 = client.is_resp3;
        // CLIENT REPLY ON answers although replies were off or this one was to be skipped.
        if client.reply_mode != ReplyMode::On {
            conn.out.buf.truncate(before);
        }
        if client.reply_mode == ReplyMode::Skip {
            client.reply_mode = ReplyMode::On;
        }
        if client.watched.is_empty() {
            self.release_watches(i);
        }
    }

    /// A command of all cores when there is only this one.
    fn run_every_alone(&mut self, i: usize, row: u16, args: &Args) {
        let is_mute = self.takes_mute(i);
        let start = (self.nanos)();
        let is_resp3 = self.shard.clients[i].is_resp3;
        let reply = self.every_here(i, (row, args), (self.shard.clients[i].db, is_resp3), false);
        let nanos = (self.nanos)().saturating_sub(start);
        run::account(&mut self.shard, row, nanos, 1);
        let client = &self.shard.clients[i];
        let (db, origin) = (client.db, super::origin(client, false));
        run::note_slow(&mut self.shard, &Job { row, args: *args, db, now: self.now, origin, home: Some(i), hint: None }, nanos);
        if let Some(conn) = self.conns.get(i)
            && !is_mute
        {
            conn.out.raw(&reply);
        }
        self.look_at_clients();
    }

    /// Connections whose client some command marked for closing are shown to the node.
    pub(super) fn look_at_clients(&mut self) {
        let marked: Vec<usize> = self.shard.clients.iter().filter(|(_, c)| c.close_now || c.close_after_reply).map(|(i, _)| i).collect();
        marked.into_iter().for_each(|i| self.mark_dirty(i));
        if self.shard.waits.clients > 0 {
            self.look_at_unblocked();
        }
        if self.shard.pause.until_ms == 0 {
            self.look_again_all();
        }
    }

    fn look_at_unblocked(&mut self) {
        let how = |c: &Client| if let Blocked::Ending(with_error) = c.blocked { Some(with_error) } else { None };
        let told: Vec<(usize, bool)> = self.shard.clients.iter().filter_map(|(i, c)| Some((i, how(c)?))).collect();
        told.into_iter().for_each(|(i, with_error)| self.unblock(i, with_error));
    }
}

/// What routing needs to know of the client, looked up once.
#[derive(Clone, Copy)]
struct Facts {
    db: usize,
    mode: ReplyMode,
}

/// Where the words of a command are, for the batch.
#[derive(Clone, Copy)]
pub struct Place {
    pub source: u32,
    pub base: u32,
    pub first: u32,
}
