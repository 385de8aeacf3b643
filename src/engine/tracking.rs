//! Client-side caching over cores: the owner of a key knows who has read it, the home of a client tells it what has changed.
//!
//! Order: a notice leaves its core at the end of the turn, behind the answers of that turn, in the same ring; at home its message
//! comes behind all replies that are owed (`Conn::message`). So a client never hears of a change before the reply that holds what
//! was changed. Clients of the owner itself are told between two calls.
//!
//! FLUSHALL and FLUSHDB are told once all cores have emptied theirs: what a client reads from a core before that is behind it.
//!
//! Ref: redis.io/docs/latest/develop/reference/client-side-caching

use super::{
    link::{Answer, Wanted},
    txn::plan::Planned,
    worker::Worker,
};
use crate::keyspace::{Key, Reader};
use crate::proto::encode::Out;
use crate::spec::{
    Args, Flags,
    call::Origin,
    tracking::{Caching, Changes, Prefixes},
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Keys that are forgotten in one turn because there are too many.
const FORGET_MAX: usize = 4096;

/// A client, who changed the key, the key.
type Told = (u64, u64, Box<[u8]>);

/// What one core says to another about clients that keep copies.
pub enum Notice {
    /// Keys that clients there have read were changed.
    Changed(Vec<Told>),
    /// Keys that begin so were changed.
    Broadcast { prefix: Box<[u8]>, changes: Arc<Changes> },
    /// So often have the sender's databases been emptied.
    Flushed(u64),
    /// The prefixes of a client of the sender, as of a ticket.
    Prefixes { client: u64, prefixes: Prefixes, ticket: u64 },
    /// A message for client `target` there, in place of client `from` here.
    Redirected { target: u64, from: u64, value: Vec<u8> },
    /// There is no such client any more.
    Broken { from: u64 },
}

/// How often each core has emptied its databases, and for how many of these times the clients of this core were told.
pub struct Flushed {
    by_core: Vec<u64>,
    told: u64,
}

impl Flushed {
    pub fn new(cores: usize) -> Flushed {
        Flushed { by_core: vec![0; cores], told: 0 }
    }
}

impl Worker {
    /// CLIENT CACHING was about the command that has just started, unless that only leads to it.
    pub(super) fn use_caching(&mut self, i: usize, args: &Args) {
        let Some(client) = self.shard.clients.get_mut(i) else { return };
        let is_queued = client.multi.is_some() && !matches!(client.last_command, "exec" | "discard");
        if client.tracking.caching == Caching::Said && !is_queued && !args.is(0, "client") {
            client.tracking.caching = Caching::Used;
            client.tracking.refresh();
        }
    }

    /// The command that CLIENT CACHING was about is over. `false`: not yet.
    pub(super) fn forget_caching(&mut self, i: usize) -> bool {
        if self.conns.get(i).is_some_and(|c| !c.is_idle()) {
            return false;
        }
        if let Some(client) = self.shard.clients.get_mut(i) {
            client.tracking.caching = Caching::Unsaid;
            client.tracking.refresh();
        }
        true
    }

    /// A client that keeps copies of what a command reads is named where the values come from.
    pub(super) fn mark_readers(&self, command: &Planned, fetch: &mut [Wanted], origin: Origin) {
        if origin.is_tracking && self.shard.server.commands.row(command.row).spec.flags.has(Flags::READONLY) {
            let reader = Reader { core: origin.home, client: origin.client };
            fetch.iter_mut().for_each(|w| w.reader = Some(reader));
        }
    }

    /// A key's value was fetched.
    pub(super) fn note_fetch(&mut self, wanted: &Wanted, key: &Key) {
        self.note_changes(0);
        if let Some(reader) = wanted.reader {
            self.shard.ks.track(key, reader);
        }
    }

    /// Takes in the changes that the keyspace has noted; `changer` made them.
    #[inline]
    pub(super) fn note_changes(&mut self, changer: u64) {
        if self.shard.ks.has_touched() {
            self.shard.tracking.note(&mut self.shard.ks, self.shard.core, changer);
        }
    }

    /// The client leaves.
    pub(super) fn end_tracking(&mut self, i: usize) {
        let Some(client) = self.shard.clients.get_mut(i) else { return };
        let (id, withdraws) = (client.id, client.tracking.end());
        self.shard.tracking.places.remove(&id);
        if withdraws {
            let me = Reader { core: self.shard.core as u16, client: id };
            self.shard.tracking.renew(&mut self.shard.ks, me, Prefixes::new());
        }
    }

    /// Tells this core's own clients what has changed, before anything else runs.
    pub(super) fn tell_stale_here(&mut self) {
        for stale in std::mem::take(&mut self.shard.tracking.stale_here) {
            self.tell_stale(stale.reader.client, stale.changer, &stale.key);
        }
        self.shard.ks.set_told(true);
    }

    /// Sends what this turn has to say about copies. The last step before the links are flushed.
    pub(super) fn tell_trackers(&mut self) {
        self.limit_tracked();
        self.note_changes(0);
        let here = self.shard.core;
        if self.shard.tracking.has_news() {
            self.tell_stale_here();
            self.tell_stale_elsewhere();
            self.broadcast();
            for (client, prefixes, ticket) in std::mem::take(&mut self.shard.tracking.renewed) {
                self.tell_others(|| Notice::Prefixes { client, prefixes: prefixes.clone(), ticket });
            }
        }
        let flushes = self.shard.tracking.flushes;
        if self.flushed.by_core[here] != flushes {
            self.flushed.by_core[here] = flushes;
            self.tell_others(|| Notice::Flushed(flushes));
            self.tell_flushes();
        }
    }

    /// tracking-table-max-keys, of which every core has its share.
    fn limit_tracked(&mut self) {
        let (len, max) = (self.shard.ks.tracked_len().0, self.shard.config.tracking_table_max_keys);
        if len == 0 || max == 0 {
            return;
        }
        let share = max.div_ceil(self.shard.cores as u64) as usize;
        (share..len).take(FORGET_MAX).for_each(|_| self.shard.ks.untrack_any());
    }

    fn tell_others(&mut self, notice: impl Fn() -> Notice) {
        let here = self.shard.core;
        for core in (0..self.links.len()).filter(|core| *core != here) {
            self.answer(core, Answer::Notice(Box::new(notice())));
        }
    }

    fn tell_stale_elsewhere(&mut self) {
        let mut by_core: BTreeMap<u16, Vec<Told>> = BTreeMap::new();
        for stale in std::mem::take(&mut self.shard.tracking.stale_elsewhere) {
            by_core.entry(stale.reader.core).or_default().push((stale.reader.client, stale.changer, stale.key));
        }
        for (core, list) in by_core {
            self.answer(usize::from(core), Answer::Notice(Box::new(Notice::Changed(list))));
        }
    }

    fn broadcast(&mut self) {
        for (prefix, changes) in std::mem::take(&mut self.shard.tracking.changed) {
            let changes = Arc::new(changes);
            let homes: BTreeSet<u16> = self.shard.tracking.registered.get(&prefix).into_iter().flatten().map(|r| r.core).collect();
            for core in homes {
                if usize::from(core) == self.shard.core {
                    self.tell_prefix(&prefix, &changes);
                } else {
                    let (prefix, changes) = (prefix.clone(), changes.clone());
                    self.answer(usize::from(core), Answer::Notice(Box::new(Notice::Broadcast { prefix, changes })));
                }
            }
        }
    }

    /// Another core has something to say.
    pub(super) fn hear_notice(&mut self, core: usize, notice: Notice) {
        match notice {
            Notice::Changed(list) => list.iter().for_each(|(client, changer, key)| self.tell_stale(*client, *changer, key)),
            Notice::Broadcast { prefix, changes } => self.tell_prefix(&prefix, &changes),
            Notice::Flushed(times) => {
                self.flushed.by_core[core] = times;
                self.tell_flushes();
            }
            Notice::Prefixes { client, prefixes, ticket } => {
                let reader = Reader { core: core as u16, client };
                self.shard.tracking.take_over(&mut self.shard.ks, reader, &prefixes, ticket);
            }
            Notice::Redirected { target, from, value } => {
                if !self.tell_in_place(target, &value) {
                    self.answer(core, Answer::Notice(Box::new(Notice::Broken { from })));
                }
            }
            Notice::Broken { from } => {
                if let Some(i) = self.shard.tracking.places.get(&from).copied() {
                    self.break_redirection(i);
                }
            }
        }
    }

    /// A client of this core had read a key that was changed.
    fn tell_stale(&mut self, id: u64, changer: u64, key: &[u8]) {
        let Some(i) = self.shard.tracking.places.get(&id).copied() else { return };
        let Some(mode) = self.shard.clients.get(i).and_then(|c| c.tracking.mode.as_ref()) else { return };
        let is_own = mode.is_noloop && changer == id;
        if !mode.is_broadcast && !is_own {
            self.tell_client(i, &array([key]));
        }
    }

    /// Keys that begin with a prefix were changed.
    fn tell_prefix(&mut self, prefix: &[u8], changes: &Changes) {
        let here = self.shard.core as u16;
        let readers = self.shard.tracking.registered.get(prefix).into_iter().flatten().filter(|r| r.core == here);
        let ids: Vec<u64> = readers.map(|r| r.client).collect();
        for id in ids {
            let Some(i) = self.shard.tracking.places.get(&id).copied() else { continue };
            let Some(mode) = self.shard.clients.get(i).and_then(|c| c.tracking.mode.as_ref()) else { continue };
            let is_news = |changer: u64| !(mode.is_noloop && changer == id);
            if mode.prefixes.contains(prefix) && changes.values().any(|changer| is_news(*changer)) {
                let value = array(changes.iter().filter(|(_, changer)| is_news(**changer)).map(|(key, _)| &**key));
                self.tell_client(i, &value);
            }
        }
    }

    /// Clients hear of those times that all cores have emptied their databases.
    fn tell_flushes(&mut self) {
        let done = self.flushed.by_core.iter().copied().min().unwrap_or(0);
        let times = done - self.flushed.told;
        self.flushed.told = done;
        let tracking = self.shard.clients.iter().filter(|(_, c)| times > 0 && c.tracking.mode.is_some());
        let all: Vec<usize> = tracking.map(|(i, _)| i).collect();
        for _ in 0..times {
            for i in &all {
                let mut null = Out::new(self.shard.clients.get(*i).is_some_and(|c| c.is_resp3));
                null.null();
                self.tell_client(*i, &null.buf);
            }
        }
    }

    /// Sends client `i`, or the one that is to be told in its place, that its copies of `value` are stale.
    fn tell_client(&mut self, i: usize, value: &[u8]) {
        let Some(client) = self.shard.clients.get(i) else { return };
        let Some(mode) = client.tracking.mode.as_ref() else { return };
        let (target, core, from) = (mode.redirect, mode.redirect_core, client.id);
        if target == 0 {
            self.push_invalidate(i, value);
        } else if core == self.shard.core {
            if !self.tell_in_place(target, value) {
                self.break_redirection(i);
            }
        } else {
            self.answer(core, Answer::Notice(Box::new(Notice::Redirected { target, from, value: value.to_vec() })));
        }
    }

    /// Tells client `target` of this core what another wants it to hear. `false`: it is gone.
    fn tell_in_place(&mut self, target: u64, value: &[u8]) -> bool {
        let Some(i) = self.shard.tracking.places.get(&target).copied() else { return false };
        self.push_invalidate(i, value);
        true
    }

    /// RESP2 has no messages outside of replies: such a client hears nothing.
    fn push_invalidate(&mut self, i: usize, value: &[u8]) {
        if self.shard.clients.get(i).is_some_and(|c| c.is_resp3) {
            let mut out = Out::new(true);
            out.push(2);
            out.bulk(b"invalidate");
            out.raw(value);
            self.send_message(i, &out.buf);
        }
    }

    /// The client that was to be told in the place of client `i` is gone.
    fn break_redirection(&mut self, i: usize) {
        let Some(client) = self.shard.clients.get_mut(i) else { return };
        let Some(mode) = client.tracking.mode.as_mut() else { return };
        mode.is_broken = true;
        if client.is_resp3 {
            let mut out = Out::new(true);
            out.push(2);
            out.bulk(b"tracking-redir-broken");
            out.int(mode.redirect as i64);
            self.send_message(i, &out.buf);
        }
    }

    fn send_message(&mut self, i: usize, message: &[u8]) {
        if let Some(conn) = self.conns.get(i) {
            conn.message(message);
            self.mark_dirty(i);
        }
    }
}

/// An array of bulk strings, the same in both protocols.
fn array<'k>(keys: impl IntoIterator<Item = &'k [u8], IntoIter: Clone>) -> Vec<u8> {
    let keys = keys.into_iter();
    let mut out = Out::new(true);
    out.array(keys.clone().count());
    keys.for_each(|key| out.bulk(key));
    out.buf
}
