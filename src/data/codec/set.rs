//! Sets in the serialised form.
//!
//! Layer 1, under `codec`. Type 2 is `count | members`, type 11 an intset as one string, type 20 a listpack of members as
//! one string. Invariant: no member comes twice. Ref: redis.io/commands/dump

use super::collection::read_pack;
use super::wire::{Reader, put_length};
use super::{Fault, intset, put_pack, put_string, string::read_string};
use crate::data::collection::Limits;
use crate::data::pack::Pack;
use crate::data::set::{Set, SetForm, SetRef};

const TYPE_MEMBERS: u8 = 2;
const TYPE_INTSET: u8 = 11;
const TYPE_LISTPACK: u8 = 20;

/// Appends type byte and value.
pub fn dump(out: &mut Vec<u8>, set: SetRef<'_>, compress: bool) {
    match set.form() {
        SetForm::Ints(ints) => {
            let mut blob = Vec::new();
            ints.write_intset(&mut blob);
            out.push(TYPE_INTSET);
            put_string(out, &blob, compress);
        }
        SetForm::Pack(pack) => {
            out.push(TYPE_LISTPACK);
            put_pack(out, pack, compress);
        }
        SetForm::Table => {
            out.push(TYPE_MEMBERS);
            put_length(out, set.len() as u64);
            let mut digits = itoa::Buffer::new();
            set.iter().for_each(|member| put_string(out, member.text(&mut digits), compress));
        }
    }
}

/// Type 2.
pub fn read_members(reader: &mut Reader<'_>, limits: &Limits) -> Result<Set, Fault> {
    let mut set = Set::default();
    let count = reader.length()?;
    for n in 0..count {
        let member = read_string(reader)?;
        if n == 0 {
            // More members than a run of numbers may have are a table, whatever they are and a pack may have.
            let expected = if count > limits.set_max_intset_entries { u64::MAX } else { count };
            set.expect(&member, expected, limits);
        }
        if !set.insert(&member, limits) {
            return Err(Fault::Duplicate);
        }
    }
    if count == 0 { Err(Fault::Empty) } else { Ok(set) }
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
