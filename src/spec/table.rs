//! The command table: all specs with an id each, found by name. Built once at start from the catalogue and shared read-only.

use super::Spec;

/// One row: a command or a subcommand.
pub struct Row {
    pub spec: &'static Spec,
    /// Lower-case `get`, `client|list`.
    pub full_name: &'static str,
    /// The name by which clients call it, other than the spec's after rename-command; empty = not at all.
    pub call_name: Box<[u8]>,
    /// Row of the container, for subcommands.
    pub parent: Option<u16>,
    /// Rows of the subcommands, for containers.
    pub subs: Vec<u16>,
    /// Word of the only key when the command has exactly one at a fixed place and runs where that key is; 0 = not so.
    pub fixed_key: u8,
    /// Its cost does not depend on its arguments: a batch of such calls is timed as one.
    pub is_constant: bool,
}

/// All commands.
pub struct Table {
    pub rows: Vec<Row>,
    /// Open-addressed by the packed first eight bytes and the length of the upper-case name; 0 = empty, else row + 1.
    index: Vec<u16>,
}

/// Buckets of the index: a power of two, more than four times the commands, so that nearly every name is found at once.
const BUCKETS: usize = 4096;

impl Table {
    /// Builds the table. Aliases (`renames`: old name, new name or "" to drop) apply to top-level commands.
    pub fn new(groups: &[&'static [&'static Spec]], renames: &[(String, String)]) -> Table {
        let mut table = Table { rows: Vec::new(), index: vec![0; BUCKETS] };
        for spec in groups.iter().flat_map(|g| g.iter().copied()) {
            let id = table.add(spec, None);
            for sub in spec.subs {
                let sub_id = table.add(sub, Some(id));
                table.rows[id as usize].subs.push(sub_id);
            }
            let name = renames.iter().find(|(old, _)| old.eq_ignore_ascii_case(spec.name)).map_or(spec.name, |(_, new)| new.as_str());
            table.rows[id as usize].call_name = name.as_bytes().into();
            if !name.is_empty() {
                table.enter(name.as_bytes(), id);
            }
        }
        table
    }

    fn add(&mut self, spec: &'static Spec, parent: Option<u16>) -> u16 {
        let own = spec.name.to_ascii_lowercase();
        let full = match parent {
            Some(p) => format!("{}|{own}", self.rows[p as usize].full_name),
            None => own,
        };
        let id = self.rows.len() as u16;
        let fixed_key = fixed_key(spec);
        let call_name = spec.name.as_bytes().into();
        self.rows.push(Row {
            spec,
            full_name: Box::leak(full.into_boxed_str()),
            call_name,
            parent,
            subs: Vec::new(),
            fixed_key,
            is_constant: spec.cost.starts_with("O(1)"),
        });
        id
    }

    fn enter(&mut self, name: &[u8], id: u16) {
        let mut i = bucket(name);
        while self.index[i] != 0 {
            i = (i + 1) % BUCKETS;
        }
        self.index[i] = id + 1;
    }

    /// The row of a top-level command by its name in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<u16> {
        let mut i = bucket(name);
        loop {
            let id = self.index[i].checked_sub(1)?;
            if self.rows[id as usize].call_name.eq_ignore_ascii_case(name) {
                return Some(id);
            }
            i = (i + 1) % BUCKETS;
        }
    }

    /// The row of subcommand `word` of container `id`.
    pub fn find_sub(&self, id: u16, word: &[u8]) -> Option<u16> {
        let found = |s: &&u16| self.rows[**s as usize].spec.name.as_bytes().eq_ignore_ascii_case(word);
        self.rows[id as usize].subs.iter().find(found).copied()
    }

    /// The row of `config` or `config|get`, in any case.
    pub fn find_full(&self, name: &[u8]) -> Option<u16> {
        match name.iter().position(|b| *b == b'|') {
            None => self.find(name),
            Some(i) => self.find_sub(self.find(&name[..i])?, &name[i + 1..]),
        }
    }

    #[inline(always)]
    pub fn row(&self, id: u16) -> &Row {
        &self.rows[id as usize]
    }
}

/// Home bucket of a name in any case.
#[inline(always)]
fn bucket(name: &[u8]) -> usize {
    let mut word = [0u8; 8];
    let n = name.len().min(8);
    word[..n].copy_from_slice(&name[..n]);
    // Clearing bit 5 folds letters of both cases together; other bytes collide harmlessly.
    let folded = u64::from_le_bytes(word) & 0xdfdf_dfdf_dfdf_dfdf;
    let last = name.last().copied().unwrap_or(0) & 0xdf;
    let mixed = (folded ^ ((name.len() as u64) << 56) ^ (u64::from(last) << 48)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 52) as usize
}

/// See [`Row::fixed_key`].
fn fixed_key(spec: &Spec) -> u8 {
    use super::{Begin, Find, Multi, Route};
    match (spec.keys, spec.route) {
        ([k], Route::Keys(Multi::Single)) => match (k.begin, k.find) {
            (Begin::Index(i), Find::Range { last: 0, .. }) => i,
            _ => 0,
        },
        _ => 0,
    }
}
