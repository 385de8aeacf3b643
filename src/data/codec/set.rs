//! Sets in the serialised form.
//!
//! Layer 1, under `codec`. Type 2 is `count | members`, type 11 an intset as one string, type 20 a listpack of members as
//! one string. Invariant: no member comes twice. Ref: redis.io/commands/dump

use super::collection::read_pack;
use super::wire::{Reader, put_length};
use super::{Edition, Fault, intset, put_pack, put_string, string::read_string};
use crate::data::collection::Limits;
use crate::data::pack::Pack;
use crate::data::set::{Set, SetForm, SetRef};

const TYPE_MEMBERS: u8 = 2;
const TYPE_INTSET: u8 = 11;
const TYPE_LISTPACK: u8 = 20;

/// The type byte that a set gets.
#[must_use]
pub fn kind(set: SetRef<'_>, edition: Edition) -> u8 {
    match set.form() {
        SetForm::Ints(_) => TYPE_INTSET,
        SetForm::Pack(_) if !matches!(edition, Edition::V9 | Edition::V10) => TYPE_LISTPACK,
        SetForm::Pack(_) | SetForm::Table => TYPE_MEMBERS,
    }
}

/// Appends the value of type `kind`.
pub fn put(out: &mut Vec<u8>, kind: u8, set: SetRef<'_>, compress: bool) {
    match set.form() {
        SetForm::Ints(ints) => {
            let mut blob = Vec::new();
            ints.write_intset(&mut blob);
            put_string(out, &blob, compress);
        }
        SetForm::Pack(pack) if kind == TYPE_LISTPACK => put_pack(out, pack, compress),
        SetForm::Pack(_) | SetForm::Table => {
            put_length(out, set.len() as u64);
            let mut digits = itoa::Buffer::new();
            set.iter().for_each(|member| put_string(out, member.text(&mut digits), compress));
        }
    }
}

/// One member of type 2. `count`: of all, with the first one.
pub fn read_member(set: &mut Set, count: Option<u64>, reader: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
    let member = read_string(reader)?;
    if let Some(count) = count {
        // More members than a run of numbers may have are a table, whatever they are and a pack may have.
        let expected = if count > limits.set_max_intset_entries { u64::MAX } else { count };
        set.expect(&member, expected, limits);
    }
    if set.insert(&member, limits) { Ok(()) } else { Err(Fault::Duplicate) }
}

/// Type 11.
pub fn read_intset(reader: &mut Reader<'_>, limits: &Limits) -> Result<Set, Fault> {
    Ok(Set::from_ints(&intset::read(&read_string(reader)?)?, limits))
}

/// Type 20.
pub fn read_listpack(reader: &mut Reader<'_>, limits: &Limits) -> Result<Set, Fault> {
    let pack = read_pack(reader)?;
    if Pack::new(&pack).is_empty() {
        return Err(Fault::Empty);
    }
    Set::adopt_pack(pack, limits).ok_or(Fault::Duplicate)
}
