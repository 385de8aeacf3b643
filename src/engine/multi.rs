//! MULTI, EXEC, DISCARD, WATCH, UNWATCH of a connection: queueing, and running a block whose keys are all on this core.
//! Blocks over several cores are tickets (txn/ticket.rs).
//! Ref: redis.io/docs/latest/develop/using-commands/transactions

use super::{
    intake::Kind,
    link::{Round, RoundKind},
    run::{self, Job},
    txn::plan::{Planned, Where, plan},
    worker::Worker,
};
use crate::keyspace::slots;
use crate::proto::encode::Out;
use crate::spec::{Args, Flags, Refusal, Route, SessionOp, Spec, client::Queued, client::Transaction, client::Watched};
use std::collections::BTreeSet;

/// Commands that are not queued between MULTI and EXEC.
pub fn runs_inside_multi(spec: &Spec) -> bool {
    match spec.route {
        Route::Session(op) => op != SessionOp::Unwatch,
        _ => matches!(spec.name, "QUIT" | "RESET"),
    }
}

impl Worker {
    /// Queues a command behind MULTI.
    pub(super) fn queue_command(&mut self, i: usize, row: u16, args: &Args) {
        let is_mute = self.takes_mute(i);
        let spec = self.shard.server.commands.row(row).spec;
        let limit = self.shard.config.client_query_buffer_limit as usize;
        let client = &mut self.shard.clients[i];
        let Some(multi) = client.multi.as_mut() else { return };
        let words = super::link::Words::copy(args, None);
        multi.bytes += words.bytes.len() + words.spans.len() * 8;
        let is_too_big = multi.bytes > limit;
        multi.queue.push(Queued { spec, row, bytes: words.bytes, spans: words.spans });
        if is_too_big {
            client.close_now = true;
            self.shard.stats.query_buffer_disconnections += 1;
        }
        let Some(conn) = self.conns.get(i) else { return };
        conn.is_deaf |= is_too_big;
        if !is_mute {
            conn.out.simple("QUEUED");
        }
        self.mark_dirty(i);
    }

    /// The session commands that answer at once, and the refusals of the others.
    pub(super) fn run_session(&mut self, i: usize, row: u16, op: SessionOp, args: &Args) {
        let start = (self.nanos)();
        let is_mute = self.takes_mute(i);
        let client = &mut self.shard.clients[i];
        let outcome = match (op, client.multi.is_some()) {
            (SessionOp::Multi, true) => Err(Refusal::NESTED_MULTI),
            (SessionOp::Multi, false) => {
                client.multi = Some(Box::new(Transaction::default()));
                Ok(())
            }
            (SessionOp::Exec, false) => Err(Refusal::EXEC_WITHOUT_MULTI),
            // A block that is whole goes another way; this one had an error while it was queued.
            (SessionOp::Exec, true) => {
                self.end_multi(i);
                Err(Refusal::EXEC_ABORT)
            }
            (SessionOp::Discard, false) => Err(Refusal::DISCARD_WITHOUT_MULTI),
            (SessionOp::Discard, true) => {
                self.end_multi(i);
                Ok(())
            }
            (SessionOp::Watch, _) => Err(Refusal::WATCH_IN_MULTI),
            (SessionOp::Unwatch, _) => {
                self.release_watches(i);
                Ok(())
            }
        };
        let Some(conn) = self.conns.get(i) else { return };
        let before = conn.out.buf.len();
        match outcome {
            Ok(()) => {
                conn.out.ok();
            }
            Err(refusal) => {
                self.shard.command_stats[row as usize].failed += 1;
                run::count_error(&mut self.shard, &refusal);
                conn.out.error_bytes(refusal.as_bytes());
            }
        }
        if is_mute {
            conn.out.buf.truncate(before);
        }
        let nanos = (self.nanos)().saturating_sub(start);
        run::account(&mut self.shard, row, nanos, 1);
        let client = &self.shard.clients[i];
        let (db, origin) = (client.db, super::origin(client, false));
        run::note_slow(&mut self.shard, &Job { row, args: *args, db, now: self.now, origin, home: Some(i), hint: None }, nanos);
    }

    /// EXEC or WATCH whose keys are all here, in its place among the calls of the turn.
    pub(super) fn run_session_call(&mut self, kind: Kind, i: usize, args: &Args, out: &mut Out) {
        if kind == Kind::Exec {
            return self.run_exec_here(i, out);
        }
        let mut keys = self.keys_to_watch(i, args);
        for w in &mut keys {
            w.token = self.watch_key(w, self.now);
        }
        if let Some(conn) = self.conns.get(i) {
            conn.watched.extend(keys);
            self.shard.clients[i].watched.clone_from(&conn.watched);
        }
        out.ok();
    }

    fn run_exec_here(&mut self, i: usize, out: &mut Out) {
        let watched = self.conns.get(i).map(|c| c.watched.clone()).unwrap_or_default();
        let is_unchanged = watched.iter().all(|w| self.is_watch_unchanged(w, self.now));
        let commands = self.plan_queue(i);
        self.end_multi(i);
        if !is_unchanged {
            out.null_array();
            return;
        }
        out.array(commands.len());
        self.shard.fx.unit += 1;
        for command in &commands {
            // CLIENT TRACKING and CLIENT CACHING count for the commands behind them.
            let origin = super::origin(&self.shard.clients[i], true);
            if matches!(command.place, Where::Home) {
                self.run_queued_at_home(i, command, out);
                continue;
            }
            out.resp3 = command.is_resp3;
            if matches!(command.place, Where::Every) {
                let start = (self.nanos)();
                let reply = self.every_here(i, (command.row, &command.words.args()), (command.db, command.is_resp3), true);
                run::account(&mut self.shard, command.row, (self.nanos)().saturating_sub(start), 1);
                self.look_at_clients();
                out.raw(&reply);
                continue;
            }
            let (row, args) = (command.row, command.words.args());
            let job = Job { row, args, db: command.db, now: self.now, origin, home: Some(i), hint: None };
            self.run_timed(&job, out);
        }
    }

    fn run_timed(&mut self, job: &Job, out: &mut Out) {
        let start = (self.nanos)();
        run::run(&mut self.shard, out, job);
        let nanos = (self.nanos)().saturating_sub(start);
        run::account(&mut self.shard, job.row, nanos, 1);
        run::note_slow(&mut self.shard, job, nanos);
    }

    /// A queued command that touches no key.
    pub(super) fn run_queued_at_home(&mut self, i: usize, command: &Planned, out: &mut Out) {
        let spec = self.shard.server.commands.row(command.row).spec;
        let origin = super::origin(&self.shard.clients[i], true);
        let (row, args, db) = (command.row, command.words.args(), self.shard.clients[i].db);
        let job = Job { row, args, db, now: self.now, origin, home: Some(i), hint: None };
        if matches!(spec.route, Route::Session(_)) {
            // Only UNWATCH can be queued: by now no watch is left.
            out.ok();
            run::account(&mut self.shard, row, 0, 1);
            run::note_slow(&mut self.shard, &job, 0);
            return;
        }
        self.run_timed(&job, out);
        let is_resp3 = self.shard.clients[i].is_resp3;
        out.resp3 = is_resp3;
        if let Some(conn) = self.conns.get(i) {
            conn.out.resp3 = is_resp3;
        }
    }

    /// Plans the queued commands; SELECT and HELLO inside the block count for those behind them.
    pub(super) fn plan_queue(&mut self, i: usize) -> Vec<Planned> {
        let client = &self.shard.clients[i];
        let (mut db, mut is_resp3) = (client.db, client.is_resp3);
        let Some(multi) = client.multi.as_ref() else { return Vec::new() };
        let mut commands = Vec::with_capacity(multi.queue.len());
        for queued in &multi.queue {
            let args = Args { base: &queued.bytes, spans: &queued.spans };
            commands.push(plan(&self.shard, queued.row, &args, db, is_resp3));
            let number = args.try_get(1).and_then(crate::base::num::parse_i64);
            match (queued.spec.name, number) {
                ("SELECT", Some(n)) if (0..self.shard.config.databases as i64).contains(&n) => db = n as usize,
                ("HELLO", Some(n)) if n == 2 || n == 3 => is_resp3 = n == 3,
                _ => {}
            }
        }
        commands
    }

    /// Whether the queued block, watches included, touches this core alone.
    pub(super) fn is_exec_here(&mut self, i: usize) -> bool {
        let (here, cores) = (self.shard.core, self.shard.cores);
        if cores == 1 {
            return true;
        }
        let is_watched_here = self.conns.get(i).is_none_or(|c| c.watched.iter().all(|w| slots::owner_of(w.slot, cores) == here));
        is_watched_here
            && self.plan_queue(i).iter().all(|c| match &c.place {
                Where::Home => true,
                Where::One(core) => *core == here,
                Where::Split(_) | Where::Every | Where::Gather(_) | Where::Scout(_) => false,
            })
    }

    /// Slots that the queued block touches here.
    pub(super) fn exec_slots(&mut self, i: usize) -> Vec<u16> {
        let mut slots: Vec<u16> = self.plan_queue(i).iter().flat_map(|c| c.slots.iter().map(|(_, s)| *s)).collect();
        if let Some(conn) = self.conns.get(i) {
            slots.extend(conn.watched.iter().map(|w| w.slot));
        }
        slots
    }

    /// Whether the queued block writes.
    pub(super) fn exec_writes(&self, i: usize) -> bool {
        self.exec_has(i, Flags::WRITE)
    }

    /// Whether a queued command has any of these flags.
    pub(super) fn exec_has(&self, i: usize, flags: Flags) -> bool {
        let multi = self.shard.clients[i].multi.as_ref();
        multi.is_some_and(|m| m.queue.iter().any(|q| q.spec.flags.has(flags)))
    }

    /// Leaves MULTI and lets go of watches.
    pub(super) fn end_multi(&mut self, i: usize) {
        self.shard.clients[i].multi = None;
        self.release_watches(i);
    }

    /// The keys of a WATCH call that the connection does not watch yet, each once.
    pub(super) fn keys_to_watch(&self, i: usize, args: &Args) -> Vec<Watched> {
        let client = &self.shard.clients[i];
        let mut known: BTreeSet<&[u8]> = client.watched.iter().filter(|w| w.db == client.db).map(|w| w.key.as_slice()).collect();
        let new = args.from(1).filter(|key| known.insert(key));
        new.map(|key| Watched { db: client.db, key: key.to_vec(), slot: slots::slot_of(key), token: 0 }).collect()
    }

    /// Whether the keys of a WATCH call are all here.
    pub(super) fn is_watch_here(&self, args: &Args) -> bool {
        args.from(1).all(|key| slots::owner_of(slots::slot_of(key), self.shard.cores) == self.shard.core)
    }

    /// Ends all watches of a connection, here and on other cores.
    pub(super) fn release_watches(&mut self, i: usize) {
        let keys = self.forget_watches(i);
        if !keys.is_empty() {
            self.unwatch_keys(keys);
        }
    }

    /// The connection watches nothing any more; the owners of the keys are still to be told.
    pub(super) fn forget_watches(&mut self, i: usize) -> Vec<Watched> {
        let Some(conn) = self.conns.get(i) else { return Vec::new() };
        if let Some(client) = self.shard.clients.get_mut(i) {
            client.watched.clear();
        }
        std::mem::take(&mut conn.watched)
    }

    /// Tells the owners of `keys` that nobody watches them any more (for this client).
    pub(super) fn unwatch_keys(&mut self, keys: Vec<Watched>) {
        let cores = self.shard.cores;
        let mut by_core: Vec<Vec<Watched>> = vec![Vec::new(); cores];
        keys.into_iter().for_each(|w| by_core[slots::owner_of(w.slot, cores)].push(w));
        for (core, keys) in by_core.into_iter().enumerate().filter(|(_, k)| !k.is_empty()) {
            let kind = RoundKind::Unwatch(keys);
            self.send_round(core, Round { ticket: u64::MAX, coordinator: self.shard.core, now: self.now, kind, releases: false });
        }
    }
}
