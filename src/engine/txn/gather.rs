//! A command that needs the values of several cores' keys runs at its coordinator on a scratch keyspace that holds just those
//! values; what it changed goes back to the owners. The command's own function knows nothing of it.

use super::plan::{Planned, Where};
use crate::engine::{
    link::{Change, Moved, Words},
    run::{self, Job},
    worker::Worker,
};
use crate::keyspace::{Ttl, slots};
use crate::proto::encode::Out;
use crate::spec::{Multi, Route, call::Origin};
use std::collections::HashSet;

impl Worker {
    /// Appends the keys that `command` needs besides `keys`, going by the values of those; each once.
    pub(in crate::engine) fn further_keys(
        &mut self,
        command: &Planned,
        keys: &mut Vec<(usize, usize, Vec<u8>)>,
        values: &[Moved],
        now: i64,
    ) {
        let spec = self.shard.server.commands.row(command.row).spec;
        let Route::Keys(Multi::Scout(scout)) = spec.route else { return };
        let mut scratch = self.shard.ks.scratch();
        for ((_, db, key), value) in keys.iter().zip(values) {
            if let Some((value, expire)) = value {
                let key = scratch.key(key);
                scratch.put(*db, &key, value.clone(), expire.map_or(Ttl::None, Ttl::At));
            }
        }
        let (cores, db) = (self.shard.cores, command.db);
        let mut known: HashSet<Vec<u8>> = keys.iter().map(|(_, _, key)| key.clone()).collect();
        (scout.further)(&command.words.args(), db, &mut scratch, now, &mut |key| {
            if !known.contains(key) {
                known.insert(key.to_vec());
                keys.push((slots::owner_of(slots::slot_of(key), cores), db, key.to_vec()));
            }
        });
    }

    /// Runs `command` on `values` (in the order of its keys). Returns its reply and, per owner, what changed.
    pub(in crate::engine) fn run_gathered(
        &mut self,
        command: &Planned,
        values: Vec<Moved>,
        now: i64,
        home: Option<usize>,
        origin: Origin,
    ) -> (Vec<u8>, Vec<(usize, Change)>) {
        let Where::Gather(keys) = &command.place else { return (Vec::new(), Vec::new()) };
        let mut scratch = Box::new(self.shard.ks.scratch());
        let mut tokens = Vec::with_capacity(keys.len());
        for ((_, db, key), value) in keys.iter().zip(values) {
            let key = scratch.key(key);
            if let Some((value, expire)) = value {
                scratch.put(*db, &key, value, expire.map_or(Ttl::None, Ttl::At));
            }
            tokens.push(scratch.watch(*db, &key, now));
        }
        // What is recorded here is about the scratch keyspace: it goes to the owner of the key, or nowhere.
        let recorded = std::mem::take(&mut self.shard.fx.recorded);
        std::mem::swap(&mut self.shard.ks, &mut scratch);
        let mut out = Out { buf: Vec::new(), resp3: command.is_resp3 };
        let start = (self.nanos)();
        // What is read was remembered where the values came from.
        let origin = Origin { is_tracking: false, ..origin };
        let job = Job { row: command.row, args: command.words.args(), db: command.db, now, origin, home, hint: None };
        run::run(&mut self.shard, &mut out, &job);
        // A call that waits now is counted when it is served.
        if self.shard.block.is_none() {
            let nanos = (self.nanos)().saturating_sub(start);
            run::account(&mut self.shard, command.row, nanos, 1);
            run::note_slow(&mut self.shard, &job, nanos);
        }
        std::mem::swap(&mut self.shard.ks, &mut scratch);
        let said = std::mem::replace(&mut self.shard.fx.recorded, recorded).to_effects();
        self.shard.ks.stats.hits += scratch.stats.hits;
        self.shard.ks.stats.misses += scratch.stats.misses;
        let mut changes = Vec::new();
        for ((core, db, name), token) in keys.iter().zip(tokens) {
            let key = scratch.key(name);
            if !scratch.is_unchanged(*db, &key, token, now) {
                let value = scratch.take(*db, &key);
                changes.push((*core, Change { db: *db, key: name.clone(), value, effects: Vec::new(), client: origin.client }));
            }
        }
        if let [(_, change)] = changes.as_mut_slice()
            && said.iter().all(|effect| effect.db == change.db && self.is_about(&effect.words, &change.key))
        {
            change.effects = said.into_iter().map(|effect| effect.words).collect();
        }
        (out.buf, changes)
    }

    /// Whether a command names just this key.
    fn is_about(&self, words: &[Vec<u8>], key: &[u8]) -> bool {
        let Some(row) = words.first().and_then(|name| self.shard.server.commands.find(name)) else { return false };
        let mut all = Words::default();
        words.iter().for_each(|word| all.push(word));
        let mut places = Vec::new();
        let spec = self.shard.server.commands.row(row).spec;
        let is_known = crate::spec::keys::positions(spec, &all.args(), &mut places).is_ok();
        is_known && !places.is_empty() && places.iter().all(|(at, _)| words.get(*at as usize).is_some_and(|word| word == key))
    }
}
