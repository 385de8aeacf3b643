//! How the commands of a transaction split over cores: what each core runs, what must be fetched, what every core takes part in.

use crate::engine::link::{Step, Words};
use crate::keyspace::slots;
use crate::spec::{Args, Merge, Multi, Route, Shard, call::Origin};

/// Where one command of a transaction runs.
pub enum Where {
    /// At the coordinator, when its turn in the reply comes: it touches no key.
    Home,
    /// On one core, with all its words.
    One(usize),
    /// On several cores, each with its own words.
    Split(Vec<(usize, Words)>),
    /// On every core, with all its words.
    Every,
    /// At the coordinator, on values fetched from their cores: `(core, database, key)`, each key once.
    Gather(Vec<(usize, usize, Vec<u8>)>),
    /// The same, once the values of these keys have told which other keys it needs; becomes `Gather` then. All cores are held whole.
    Scout(Vec<(usize, usize, Vec<u8>)>),
}

/// One command with its place.
pub struct Planned {
    pub row: u16,
    pub db: usize,
    pub is_resp3: bool,
    pub words: Words,
    pub place: Where,
    /// Slots per core that it touches.
    pub slots: Vec<(usize, u16)>,
}

impl Planned {
    /// Whether several cores each run a part of it.
    pub fn is_of_many(&self) -> bool {
        matches!(self.place, Where::Split(_) | Where::Every)
    }
    /// Whether it runs in one round.
    pub fn is_simple(&self) -> bool {
        !matches!(self.place, Where::Gather(_) | Where::Scout(_))
    }
    /// Whether all cores take part, with all their slots.
    pub fn is_whole(&self) -> bool {
        matches!(self.place, Where::Every | Where::Scout(_))
    }
    /// How the parts' replies become one.
    pub fn merge(&self, shard: &Shard) -> Merge {
        match shard.server.commands.row(self.row).spec.route {
            Route::Every(merge) | Route::Keys(Multi::Split(merge)) => merge,
            _ => Merge::Concat,
        }
    }
    /// What core `core` runs of it, as step `index`.
    pub fn step(&self, core: usize, index: usize, origin: Origin) -> Option<Step> {
        let words = match &self.place {
            Where::One(c) if *c == core => &self.words,
            Where::Every => &self.words,
            Where::Split(parts) => &parts.iter().find(|(c, _)| *c == core)?.1,
            _ => return None,
        };
        let (row, db, is_resp3) = (self.row, self.db as u16, self.is_resp3);
        let is_part = self.is_of_many();
        Some(Step { index: index as u32, row, db, is_resp3, origin, words: words.clone(), is_part })
    }
}

/// Plans one command that is called in database `db`.
pub fn plan(shard: &Shard, row: u16, args: &Args, db: usize, is_resp3: bool) -> Planned {
    let spec = shard.server.commands.row(row).spec;
    let cores = shard.cores;
    let mut planned = Planned { row, db, is_resp3, words: Words::copy(args, None), place: Where::Home, slots: Vec::new() };
    let multi = match spec.route {
        Route::Home | Route::Session(_) => return planned,
        Route::Every(_) => {
            planned.place = Where::Every;
            return planned;
        }
        Route::Pick(core_of) => {
            planned.place = Where::One(core_of(args, cores).min(cores - 1));
            return planned;
        }
        Route::Keys(multi) => multi,
    };
    let mut places = Vec::new();
    let is_refused = spec.check.is_some_and(|check| check(args).is_err());
    if crate::spec::keys::positions(spec, args, &mut places).is_err() || places.is_empty() || is_refused {
        planned.place = Where::One(shard.core);
        return planned;
    }
    let slot = |at: u32| slots::slot_of(args.get(at as usize));
    let owner = |at: u32| slots::owner_of(slot(at), cores);
    planned.slots = places.iter().map(|(at, _)| (owner(*at), slot(*at))).collect();
    let first = owner(places[0].0);
    planned.place = match multi {
        Multi::Scout(scout) if cores > 1 && (scout.is_needed)(args) => Where::Scout(fetched(args, &places, |at| (owner(at), db))),
        _ if places.iter().all(|(at, _)| owner(*at) == first) => Where::One(first),
        Multi::Single => Where::One(first),
        Multi::Split(_) => Where::Split(split(args, &places, cores)),
        Multi::Gather(db_of) => Where::Gather(fetched(args, &places, |at| (owner(at), db_of(args, db, at as usize)))),
        Multi::Scout(_) => Where::Gather(fetched(args, &places, |at| (owner(at), db))),
    };
    planned
}

/// The keys of a gathered command, each once; `place` tells core and database of the key at a word.
fn fetched(args: &Args, places: &[(u32, u8)], place: impl Fn(u32) -> (usize, usize)) -> Vec<(usize, usize, Vec<u8>)> {
    let mut keys: Vec<(usize, usize, Vec<u8>)> = Vec::new();
    for (at, _) in places {
        let (core, db) = place(*at);
        let key = (core, db, args.get(*at as usize).to_vec());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The words of each core: those before the first key, then its keys with what stands behind each.
fn split(args: &Args, places: &[(u32, u8)], cores: usize) -> Vec<(usize, Words)> {
    let first = places[0].0 as usize;
    let step = places.get(1).map_or(1, |p| (p.0 as usize).saturating_sub(first).max(1));
    let mut parts: Vec<(usize, Words)> = Vec::new();
    for (at, _) in places {
        let at = *at as usize;
        let core = slots::owner_of(slots::slot_of(args.get(at)), cores);
        let n = parts.iter().position(|(c, _)| *c == core).unwrap_or_else(|| {
            let mut words = Words::default();
            (0..first).for_each(|i| words.push(args.get(i)));
            parts.push((core, words));
            parts.len() - 1
        });
        (at..(at + step).min(args.len())).for_each(|i| parts[n].1.push(args.get(i)));
    }
    parts.sort_by_key(|(core, _)| *core);
    parts
}
