//! Generations that are not in the manifest yet, and the manifest that lists them.
//!
//! Invariants: a manifest lists the files of a generation next to each other, the global command first; it lists none that does not exist.

use super::chain::Step;
use crate::persist::{
    aof::{Listed, Manifest, manifest},
    log::LogNote,
};
use std::collections::BTreeMap;

/// Directory and names of the files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    pub dir: Vec<u8>,
    pub name: Vec<u8>,
}

impl Names {
    /// The incremental file of a number.
    #[must_use]
    pub fn incr(&self, seq: u64) -> Listed {
        Listed { name: manifest::incr_name(&self.name, seq as i64), seq: seq as i64 }
    }

    #[must_use]
    pub fn path(&self, name: &[u8]) -> Vec<u8> {
        manifest::path_in(&self.dir, name)
    }

    /// Makes a manifest the one that counts.
    #[must_use]
    pub fn write(&self, manifest: &Manifest) -> Vec<Step> {
        let temporary = self.path(&manifest::temporary_name(&self.name));
        let path = self.path(&manifest::manifest_name(&self.name));
        vec![Step::Write(temporary.clone(), manifest.to_bytes()), Step::Rename(temporary, path), Step::SyncDir(self.dir.clone())]
    }
}

/// A generation.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    /// Number of the global file; those of the cores follow.
    pub first: u64,
    pub global: Option<Vec<u8>>,
    pub is_flush_all: bool,
    /// Cores that have a file of it.
    files: Vec<usize>,
    /// By core: its position at the beginning.
    pub since: BTreeMap<usize, u64>,
}

impl Generation {
    /// Everything that may have been made of it.
    pub fn listed(&self, names: &Names, cores: usize) -> Vec<Vec<u8>> {
        (0..=cores as u64).map(|n| names.path(&names.incr(self.first + n).name)).collect()
    }
}

/// Generations by number.
#[derive(Debug, Default)]
pub struct Generations {
    all: BTreeMap<u64, Generation>,
    /// By core: the newest generation that it has begun durably.
    ready: Vec<u64>,
}

impl Generations {
    #[must_use]
    pub fn new(cores: usize) -> Generations {
        Generations { all: BTreeMap::new(), ready: vec![0; cores] }
    }

    /// It began on core 0.
    pub fn began(&mut self, number: u64, first: u64, global: Option<Vec<u8>>, is_flush_all: bool) {
        let generation = self.all.entry(number).or_default();
        generation.first = first;
        generation.global = global;
        generation.is_flush_all = is_flush_all;
    }

    /// Takes in [`LogNote::Ready`] of a core.
    pub fn note_ready(&mut self, core: usize, note: &LogNote) {
        if let (LogNote::Ready { generation, files, since, .. }, Some(ready)) = (note, self.ready.get_mut(core)) {
            *ready = (*ready).max(*generation);
            for number in files {
                self.all.entry(*number).or_default().files.push(core);
            }
            self.all.entry(*generation).or_default().since.insert(core, *since);
        }
    }

    /// The newest generation that all cores have begun durably.
    #[must_use]
    pub fn ready(&self) -> u64 {
        self.ready.iter().copied().min().unwrap_or(0)
    }

    /// The newest generation that is not forgotten; 0 = none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.all.last_key_value().map_or(0, |(number, _)| *number)
    }

    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Generation> {
        self.all.get(&number)
    }

    /// Forgets all up to `number` but `kept`.
    pub fn forget(&mut self, number: u64, kept: Option<u64>) {
        self.all.retain(|n, _| *n > number || Some(*n) == kept);
    }

    /// Paths of everything that may have been made of generations between (both not included).
    #[must_use]
    pub fn paths_between(&self, after: u64, before: u64, names: &Names) -> Vec<Vec<u8>> {
        let cores = self.ready.len();
        let range = self.all.range(after.saturating_add(1)..before.max(after.saturating_add(1)));
        range.filter(|(_, g)| g.first > 0).flat_map(|(_, g)| g.listed(names, cores)).collect()
    }

    /// Adds generations `from..=upto` to a manifest. Gives the files to be written first. `may_drop`: FLUSHALL makes everything before it history.
    pub fn list(&self, manifest: &mut Manifest, from: u64, upto: u64, may_drop: bool, names: &Names) -> Vec<Step> {
        let mut steps = Vec::new();
        for generation in self.all.range(from..=upto.max(from)).map(|(_, g)| g) {
            if generation.is_flush_all && may_drop {
                manifest.history.extend(manifest.base.take());
                manifest.history.append(&mut manifest.incrs);
            }
            if let Some(bytes) = &generation.global {
                let listed = names.incr(generation.first);
                steps.push(Step::Write(names.path(&listed.name), bytes.clone()));
                manifest.incrs.push(listed);
            }
            let mut cores = generation.files.clone();
            cores.sort_unstable();
            manifest.incrs.extend(cores.into_iter().map(|core| names.incr(generation.first + 1 + core as u64)));
        }
        steps
    }
}
