//! A command that needs the values of several cores' keys runs at its coordinator on a scratch keyspace that holds just those
//! values; what it changed goes back to the owners. The command's own function knows nothing of it.

use super::plan::{Planned, Where};
use crate::engine::{
    link::{Change, Moved},
    run::{self, Job},
    worker::Worker,
};
use crate::keyspace::Ttl;
use crate::proto::encode::Out;
use crate::spec::call::Origin;

impl Worker {
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
        let records = std::mem::replace(&mut self.shard.fx.is_on, false);
        std::mem::swap(&mut self.shard.ks, &mut scratch);
        let mut out = Out { buf: Vec::new(), resp3: command.is_resp3 };
        let start = (self.nanos)();
        let job = Job { row: command.row, args: command.words.args(), db: command.db, now, origin, home, hint: None };
        run::run(&mut self.shard, &mut out, &job);
        run::account(&mut self.shard, command.row, (self.nanos)().saturating_sub(start), 1);
        std::mem::swap(&mut self.shard.ks, &mut scratch);
        self.shard.fx.is_on = records;
        self.shard.ks.stats.hits += scratch.stats.hits;
        self.shard.ks.stats.misses += scratch.stats.misses;
        let mut changes = Vec::new();
        for ((core, db, name), token) in keys.iter().zip(tokens) {
            let key = scratch.key(name);
            if !scratch.is_unchanged(*db, &key, token, now) {
                let value = scratch.take(*db, &key);
                changes.push((*core, Change { db: *db, key: name.clone(), value }));
            }
        }
        (out.buf, changes)
    }
}
