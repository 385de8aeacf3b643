//! The hash: fields with values, some of which may go away at a time of their own.
//!
//! ```text
//! Pack   field, value, field, value ...            "listpack"    may live inside its key's entry
//! Timed  field, value, time, field, value, time    "listpackex"  ordered by time, those without (0) last
//! Big    table: field -> time and value            "hashtable"   plus the fields that have a time, ordered by it
//! ```
//! Layer 1. Times are Unix milliseconds from 1 to [`TIME_MAX`]. Nothing here looks at a clock: a field whose time is over is
//! there until somebody takes it out; readers that must not see it ask with `now`.
//!
//! Invariants: a form only ever turns into one further down (a pack that ever had a time stays `Timed`, a table stays a
//! table), as OBJECT ENCODING shows; `Timed` is ordered as files want it, equal times latest first; everything but walking
//! over all fields costs O(log n) or less in a table.
//!
//! Ref: redis.io/docs/latest/develop/data-types/hashes, redis.io/commands/hexpire

mod big;
mod due;
mod timed;
mod view;

pub use big::Big;
pub use view::{Entry, HashForm, HashRef, Iter, is_over};

use super::collection::{Collection, Hint, Limits, collection};
use super::pack::{self, HEAD, Pack};

/// The latest time that a field can have, as the widths of all forms allow.
pub const TIME_MAX: i64 = (1 << 48) - 1;

/// A hash.
#[derive(Clone)]
pub struct Hash(Form);

#[derive(Clone)]
enum Form {
    Pack(Vec<u8>),
    Timed(Vec<u8>),
    Big(Big),
}

impl Default for Hash {
    fn default() -> Hash {
        Hash(Form::Pack(Vec::new()))
    }
}

impl Hash {
    /// Sets a field's value and time (`None` = stays for ever). True when the field is new.
    pub fn insert(&mut self, field: &[u8], value: &[u8], ttl: Option<i64>, limits: &Limits) -> bool {
        self.fit(field.len().max(value.len()), limits);
        if ttl.is_some() {
            self.allow_times();
        }
        let ttl = ttl.map(|at| at.clamp(1, TIME_MAX));
        let is_new = match &mut self.0 {
            Form::Pack(pack) => put(pack, field, value),
            Form::Timed(pack) => timed::insert(pack, field, value, ttl),
            Form::Big(big) => return big.insert(field, value, ttl),
        };
        if is_new && self.len() as u64 > limits.hash_max_listpack_entries {
            self.become_big(limits);
        }
        is_new
    }

    /// Sets a field's value; its time stays as it is. True when the field is new.
    pub fn insert_keeping(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        let ttl = if matches!(self.0, Form::Pack(_)) { None } else { self.view().find(field).and_then(|(_, ttl)| ttl) };
        if ttl.is_none() {
            return self.insert(field, value, None, limits);
        }
        self.fit(field.len().max(value.len()), limits);
        match &mut self.0 {
            Form::Timed(pack) => timed::replace_value(pack, field, value),
            Form::Big(big) => drop(big.insert(field, value, ttl)),
            Form::Pack(_) => {}
        }
        false
    }

    /// Sets or takes away a field's time. False when there is no such field.
    pub fn set_ttl(&mut self, field: &[u8], ttl: Option<i64>) -> bool {
        let ttl = ttl.map(|at| at.clamp(1, TIME_MAX));
        match (&self.0, ttl) {
            (Form::Pack(_), None) => return self.view().find(field).is_some(),
            (Form::Pack(_), Some(_)) if self.view().find(field).is_none() => return false,
            (Form::Pack(_), Some(_)) => self.allow_times(),
            _ => {}
        }
        match &mut self.0 {
            Form::Pack(_) => false,
            Form::Timed(pack) => timed::set_ttl(pack, field, ttl),
            Form::Big(big) => big.set_ttl(field, ttl),
        }
    }

    /// Takes a field out. False when there is no such field.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.0 {
            Form::Pack(pack) => take(pack, field, 2),
            Form::Timed(pack) => take(pack, field, 3),
            Form::Big(big) => big.remove(field),
        }
    }

    /// Takes out fields whose time is before `now`, at most `budget`, earliest first; `each` gets their names.
    /// Returns how many.
    pub fn expire_due(&mut self, now: i64, budget: usize, each: &mut dyn FnMut(&[u8])) -> usize {
        match &mut self.0 {
            Form::Pack(_) => 0,
            Form::Timed(pack) => timed::expire_due(pack, now, budget, each),
            Form::Big(big) => big.expire_due(now, budget, each),
        }
    }

    /// Chooses the form for a call that sets `fields` fields, the longest word of `longest` bytes, before it sets the first.
    pub fn prepare(&mut self, fields: usize, longest: usize, limits: &Limits) {
        if fields as u64 > limits.hash_max_listpack_entries {
            self.become_big(limits);
        }
        self.fit(longest, limits);
    }

    /// The hash of a checked pack of pairs; duplicates are the caller's to refuse.
    #[must_use]
    pub fn adopt_pack(pack: Vec<u8>, limits: &Limits) -> Hash {
        Hash(Form::Pack(pack)).fitted(limits)
    }

    /// The hash of a checked pack of triplets, ordered as the form wants it.
    #[must_use]
    pub fn adopt_timed(pack: Vec<u8>, limits: &Limits) -> Hash {
        Hash(Form::Timed(pack)).fitted(limits)
    }

    /// Number of fields, those whose time is over included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn fitted(mut self, limits: &Limits) -> Hash {
        if self.len() as u64 > limits.hash_max_listpack_entries {
            self.become_big(limits);
        }
        self
    }

    /// A word of `longest` bytes must fit the form.
    fn fit(&mut self, longest: usize, limits: &Limits) {
        if longest as u64 > limits.hash_max_listpack_value {
            self.become_big(limits);
        }
    }

    fn become_big(&mut self, limits: &Limits) {
        if matches!(self.0, Form::Big(_)) {
            return;
        }
        let mut big = Big::new(limits.seed);
        let (mut f, mut v) = (itoa::Buffer::new(), itoa::Buffer::new());
        for (field, value, ttl) in self.view().iter() {
            big.insert(field.text(&mut f), value.text(&mut v), ttl);
        }
        self.0 = Form::Big(big);
    }

    /// A pack gets room for times.
    fn allow_times(&mut self) {
        if let Form::Pack(pack) = &self.0 {
            self.0 = Form::Timed(timed::from_pairs(Pack::new(pack)));
        }
    }
}

/// Sets a field of a pack of pairs.
fn put(pack: &mut Vec<u8>, field: &[u8], value: &[u8]) -> bool {
    let view = Pack::new(pack);
    match view.find(field, 2).and_then(|(at, _)| view.at(at)) {
        Some((_, value_at)) => {
            pack::replace(pack, value_at, value);
            false
        }
        None => {
            pack::push(pack, field);
            pack::push(pack, value);
            true
        }
    }
}

/// Takes a field with all that belongs to it out of a pack of tuples.
fn take(pack: &mut Vec<u8>, field: &[u8], stride: usize) -> bool {
    let Some((at, _)) = Pack::new(pack).find(field, stride) else { return false };
    pack::remove(pack, at, stride);
    true
}

impl Collection for Hash {
    collection!(Hash);
    const INLINE_MAX: usize = 2048;
    const HAS_EXPIRY: bool = true;
    type Ref<'a> = HashRef<'a>;

    #[inline]
    fn view(&self) -> HashRef<'_> {
        match &self.0 {
            Form::Pack(pack) => HashRef::Pack(Pack::new(pack)),
            Form::Timed(pack) => HashRef::Timed(Pack::new(pack)),
            Form::Big(big) => HashRef::Big(big),
        }
    }

    #[inline]
    fn view_pack(pack: &[u8]) -> HashRef<'_> {
        HashRef::Pack(Pack::new(pack))
    }

    fn from_pack(pack: Vec<u8>) -> Self {
        Hash(Form::Pack(pack))
    }

    /// One whose fields may have times is always an object, so that somebody can be told when they are over.
    fn as_pack(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Pack(pack) => Some(pack),
            _ => None,
        }
    }

    #[inline]
    fn prefetch(&self, hint: &mut Hint, depth: u32) {
        if let Form::Big(big) = &self.0 {
            big.prefetch(hint.element, depth, &mut hint.kept);
        }
    }

    fn is_gone(&self) -> bool {
        match &self.0 {
            Form::Pack(pack) | Form::Timed(pack) => pack.len() <= HEAD,
            Form::Big(big) => big.is_empty(),
        }
    }

    fn bytes(&self) -> usize {
        match &self.0 {
            Form::Pack(pack) | Form::Timed(pack) => pack.capacity(),
            Form::Big(big) => big.bytes(),
        }
    }

    fn free_some(&mut self, budget: usize) -> bool {
        match &mut self.0 {
            Form::Pack(_) | Form::Timed(_) => true,
            Form::Big(big) => big.free_some(budget),
        }
    }

    #[inline]
    fn next_expiry(&self) -> Option<i64> {
        self.view().next_expiry()
    }
}

#[cfg(test)]
mod tests;
