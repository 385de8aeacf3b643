//! Collections that are read element by element: those whose types are a count and so many elements.
//!
//! Layer 1, under `codec`. Whoever has the whole value reads it in one go with [`Growing::read_all`]; whoever gets it piece by
//! piece (a value of gigabytes) gives one whole element at a time. The elements are read by the types' own files.

use super::wire::Reader;
use super::{Dialect, Fault, hash, list, set, zset};
use crate::data::collection::{Collection, Limits, Object};
use crate::data::{hash::Hash, list::List, set::Set, zset::Zset};

/// A collection that is not complete.
#[derive(Debug)]
pub struct Growing {
    form: Form,
    left: u64,
    count: u64,
}

enum Form {
    List(List, u8),
    Set(Set),
    Zset(Zset, bool),
    Hash(Hash, hash::Layout),
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Form::List(..) => "list",
            Form::Set(_) => "set",
            Form::Zset(..) => "zset",
            Form::Hash(..) => "hash",
        })
    }
}

impl Growing {
    /// Reads what stands before the elements. `None`: type `kind` is not a row of elements.
    pub fn begin(reader: &mut Reader<'_>, kind: u8, dialect: Dialect, limits: &Limits) -> Option<Result<Growing, Fault>> {
        if !matches!(kind, 1..=5 | 14 | 18 | 22 | 24) {
            return None;
        }
        Some(Growing::begin_known(reader, kind, dialect, limits))
    }

    fn begin_known(reader: &mut Reader<'_>, kind: u8, dialect: Dialect, limits: &Limits) -> Result<Growing, Fault> {
        let layout = hash::layout(reader, kind, dialect)?;
        let count = reader.length()?;
        // A claim that the input cannot hold fails where the input ends.
        let expected = usize::try_from(count).unwrap_or(usize::MAX);
        let form = match kind {
            1 | 14 | 18 => Form::List(List::default(), kind),
            2 => Form::Set(Set::default()),
            3 | 5 => {
                let mut zset = Zset::default();
                zset.expect(expected, 0, limits);
                Form::Zset(zset, kind == 3)
            }
            _ => {
                let mut hash = Hash::default();
                hash.prepare(expected, 0, limits);
                Form::Hash(hash, layout)
            }
        };
        Ok(Growing { form, left: count, count })
    }

    /// How many elements are missing.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Reads one more element. After a failure the collection is good for nothing.
    pub fn element(&mut self, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
        match &mut self.form {
            Form::List(list, kind) => list::read_element(list, *kind, reader, limits),
            Form::Set(set) => set::read_member(set, (self.left == self.count).then_some(self.count), reader, limits),
            Form::Zset(zset, is_text) => zset::read_pair(zset, *is_text, reader, limits),
            Form::Hash(hash, layout) => hash::read_field(hash, *layout, reader, limits),
        }?;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }

    /// The collection, when no element is missing. Fails with `Empty`, or `Truncated` when some are.
    pub fn finish(self) -> Result<Object, Fault> {
        if self.left > 0 {
            return Err(Fault::Truncated);
        }
        let object = match self.form {
            Form::List(list, _) => List::wrap(list.into()),
            Form::Set(set) => Set::wrap(set.into()),
            Form::Zset(zset, _) => Zset::wrap(zset.into()),
            Form::Hash(hash, _) => Hash::wrap(hash.into()),
        };
        if object.is_gone() { Err(Fault::Empty) } else { Ok(object) }
    }

    /// Reads all elements.
    pub fn read_all(mut self, reader: &mut Reader<'_>, limits: &Limits) -> Result<Object, Fault> {
        while self.left > 0 {
            self.element(reader, limits)?;
        }
        self.finish()
    }
}
