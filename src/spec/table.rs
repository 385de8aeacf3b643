//! The command table: all specs with an id each, found by name. Built once at start from the catalogue and shared read-only.

use super::{Flags, Spec};

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
    /// `Spec::element`.
    pub element: u8,
    /// Its cost does not depend on its arguments (as long as there are few of them), and it never waits: a batch of such calls is timed as one.
    pub is_constant: bool,
}

/// All commands.
pub struct Table {
    pub rows: Vec<Row>,
    /// Open-addressed by name.
    index: Vec<Bucket>,
}

/// One name: its first eight bytes in upper case, its length, its row + 1 (0 = empty).
#[derive(Clone, Copy, Default)]
struct Bucket {
    word: u64,
    len: u32,
    row: u16,
}

/// Buckets of the index: a power of two, about ten times the commands, so that nearly every name is found at once; 16 KiB.
const BUCKETS: usize = 1024;

impl Table {
    /// Builds the table. Aliases (`renames`: old name, new name or "" to drop) apply to top-level commands.
    pub fn new(groups: &[&'static [&'static Spec]], renames: &[(String, String)]) -> Table {
        let mut table = Table { rows: Vec::new(), index: vec![Bucket::default(); BUCKETS] };
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
            element: spec.element,
            is_constant: (spec.cost.starts_with("O(1)") || spec.flags.has(Flags::FAST)) && !spec.flags.has(Flags::BLOCKING) && !spec.defers,
        });
        id
    }

    fn enter(&mut self, name: &[u8], id: u16) {
        let word = upper_word(name);
        let mut i = home(word, name.len());
        while self.index[i].row != 0 {
            i = (i + 1) % BUCKETS;
        }
        self.index[i] = Bucket { word, len: name.len() as u32, row: id + 1 };
    }

    /// The row of a top-level command by its name in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<u16> {
        let word = upper_word(name);
        let mut i = home(word, name.len());
        loop {
            let bucket = self.index[i];
            let id = bucket.row.checked_sub(1)?;
            let is_same = bucket.word == word && bucket.len as usize == name.len();
            if is_same && (name.len() <= 8 || self.rows[id as usize].call_name.eq_ignore_ascii_case(name)) {
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

/// The first eight bytes of a name, letters in upper case, zeros behind a shorter one.
#[inline(always)]
fn upper_word(name: &[u8]) -> u64 {
    let mut bytes = [0u8; 8];
    match name.first_chunk::<8>() {
        Some(first) => bytes = *first,
        None => bytes.iter_mut().zip(name).for_each(|(to, from)| *to = *from),
    }
    let word = u64::from_le_bytes(bytes);
    // All eight bytes at once: bit 7 of each sum says whether the byte is >= 'a' and > 'z'; bytes over 127 stay as they are.
    let low = word & 0x7f7f_7f7f_7f7f_7f7f;
    let from_a = low + 0x1f1f_1f1f_1f1f_1f1f;
    let over_z = low + 0x0505_0505_0505_0505;
    let is_lower = (from_a ^ over_z) & !word & 0x8080_8080_8080_8080;
    word ^ (is_lower >> 2)
}

/// Home bucket of a name.
#[inline(always)]
fn home(word: u64, len: usize) -> usize {
    let mixed = (word ^ ((len as u64) << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 54) as usize
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_in_any_case_and_nothing_else_is() {
        static PING: Spec = Spec { name: "PING", ..Spec::DEFAULT };
        static LONG: Spec = Spec { name: "PEXPIRETIME", ..Spec::DEFAULT };
        static GROUP: [&Spec; 2] = [&PING, &LONG];
        let table = Table::new(&[&GROUP], &[]);
        for name in ["PING", "ping", "PiNg"] {
            assert_eq!(table.find(name.as_bytes()), Some(0));
        }
        assert_eq!(table.find(b"pexpireTIME"), Some(1));
        for name in ["", "PIN", "PING\0", "P\x09NG", "pexpiretimf", "PEXPIRET"] {
            assert_eq!(table.find(name.as_bytes()), None, "{name:?}");
        }
    }

    #[test]
    fn a_renamed_command_has_only_its_new_name() {
        static PING: Spec = Spec { name: "PING", ..Spec::DEFAULT };
        static GROUP: [&Spec; 1] = [&PING];
        let table = Table::new(&[&GROUP], &[("ping".into(), "Knock".into())]);
        assert_eq!((table.find(b"PING"), table.find(b"knock")), (None, Some(0)));
        let none = Table::new(&[&GROUP], &[("ping".into(), String::new())]);
        assert_eq!(none.find(b"PING"), None);
    }
}
