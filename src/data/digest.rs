//! Digests of values and of whole datasets, equal to those of DEBUG DIGEST-VALUE and DEBUG DIGEST.
//!
//! Layer 1. Two servers hold the same data exactly when their digests agree, whatever the encodings in memory.
//!
//! A digest is 20 bytes, all zero at first, and takes in data in two ways. `add` combines it with the SHA-1 of the
//! data by exclusive or, so the order of several `add`s does not matter: it serves unordered things. `mix` does
//! the same and then replaces the digest by its own SHA-1, so order matters. From these:
//!
//! * a value mixes its type number (4 bytes, big endian), then its content, and adds `!!expire!!` when its key
//!   has a time to live. The content of a string is one mix of its text.
//! * a key mixes its name into a fresh digest and then its value as above;
//! * a database adds the digests of its keys; a dataset mixes, for each database that is not empty and in rising
//!   order, the database number (4 bytes, big endian) and then adds that database's keys.
//!
//! Invariant: [`KeySum`]s may be built apart (one on each core) and joined in any order.
//! It does not know where keys are kept. Ref: redis.io/commands/debug-digest (behaviour of 7.0 and 8.0).

use std::fmt;

use sha1::{Digest as _, Sha1};

use super::collection::{Collection, Object};
use super::list::Side;
use super::stream::Id;
use crate::base::num::fmt_shortest;

/// What a key with a time to live adds; the time itself is not part of a digest.
const EXPIRES: &[u8] = b"!!expire!!";
/// What a field of a hash with a time to live adds.
const FIELD_EXPIRES: &[u8] = b"!!hexpire!!";

/// The number by which a digest knows the type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    String = 0,
    List = 1,
    Set = 2,
    SortedSet = 3,
    Hash = 4,
    Module = 5,
    Stream = 6,
}

/// Twenty bytes that data was mixed into; printed as 40 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub [u8; 20]);

impl Digest {
    /// Takes in `data` whatever came before or comes after.
    pub fn add(&mut self, data: &[u8]) {
        let hash: [u8; 20] = Sha1::digest(data).into();
        self.join(&Digest(hash));
    }

    /// Takes in `data` in its place in a sequence.
    pub fn mix(&mut self, data: &[u8]) {
        self.add(data);
        self.0 = Sha1::digest(self.0).into();
    }

    fn join(&mut self, other: &Digest) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a ^= b);
    }

    /// Takes in a value: its type, what `content` mixes and adds, and whether its key expires.
    pub fn value(&mut self, kind: Kind, expires: bool, content: impl FnOnce(&mut Digest)) {
        self.mix(&(kind as u32).to_be_bytes());
        content(self);
        if expires {
            self.add(EXPIRES);
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Digest of a string value, as DEBUG DIGEST-VALUE shows it. `text`: the value's bytes (an integer's decimal
/// digits). A missing key has `Digest::default()`.
pub fn of_string(text: &[u8], expires: bool) -> Digest {
    let mut digest = Digest::default();
    digest.value(Kind::String, expires, |d| d.mix(text));
    digest
}

/// Digest of a collection, as DEBUG DIGEST-VALUE shows it.
pub fn of_object(object: &Object, expires: bool) -> Digest {
    let mut digest = Digest::default();
    digest.value(kind_of(object), expires, |d| add_object(d, object));
    digest
}

/// Digest of a key that holds a collection, ready for [`KeySum::add`].
pub fn of_object_key(key: &[u8], object: &Object, expires: bool) -> Digest {
    let mut digest = of_key(key);
    digest.value(kind_of(object), expires, |d| add_object(d, object));
    digest
}

fn kind_of(object: &Object) -> Kind {
    match object {
        Object::List(_) => Kind::List,
        Object::Set(_) => Kind::Set,
        Object::Zset(_) => Kind::SortedSet,
        Object::Hash(_) => Kind::Hash,
        Object::Stream(_) => Kind::Stream,
    }
}

/// Takes in the content of a collection. A list mixes its elements in order, a stream its ids, fields and values. The others
/// add a digest for each element: a set that of the member, a sorted set one that mixes member and score (its shortest
/// digits), a hash one that mixes field and value and, for a field that expires, adds
/// `!!hexpire!!`.
pub fn add_object(digest: &mut Digest, object: &Object) {
    let mut digits = itoa::Buffer::new();
    match object {
        Object::List(list) => list.view().each(0, u64::MAX, Side::Left, |item| {
            digest.mix(item.text(&mut digits));
            true
        }),
        Object::Set(set) => set.view().iter().for_each(|item| digest.add(item.text(&mut digits))),
        Object::Zset(zset) => {
            let mut number = Vec::new();
            for (member, score) in zset.view().iter() {
                number.clear();
                fmt_shortest(&mut number, score);
                let mut element = Digest::default();
                element.mix(member.text(&mut digits));
                element.mix(&number);
                digest.add(&element.0);
            }
        }
        Object::Hash(hash) => {
            for (field, value, moment) in hash.view().iter() {
                let mut element = Digest::default();
                element.mix(field.text(&mut digits));
                element.mix(value.text(&mut digits));
                if moment.is_some() {
                    element.add(FIELD_EXPIRES);
                }
                digest.add(&element.0);
            }
        }
        Object::Stream(stream) => {
            for entry in stream.log().range(Id::MIN, Id::MAX) {
                digest.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                for (field, value) in entry.fields() {
                    digest.mix(field.text(&mut digits));
                    digest.mix(value.text(&mut digits));
                }
            }
        }
    }
}

/// Starts the digest of a key; its value follows by [`Digest::value`].
pub fn of_key(key: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.mix(key);
    digest
}

/// Digest of a key that holds a string, ready for [`KeySum::add`].
pub fn of_string_key(key: &[u8], text: &[u8], expires: bool) -> Digest {
    let mut digest = of_key(key);
    digest.value(Kind::String, expires, |d| d.mix(text));
    digest
}

/// The keys of one database, or of one core's part of it, in no order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeySum {
    sum: Digest,
    keys: u64,
}

impl KeySum {
    /// Takes in one key, whose digest ([`of_key`], then its value) is complete.
    pub fn add(&mut self, key: &Digest) {
        self.sum.add(&key.0);
        self.keys += 1;
    }

    /// Takes in the keys another core counted in the same database.
    pub fn join(&mut self, other: &KeySum) {
        self.sum.join(&other.sum);
        self.keys += other.keys;
    }
}

/// Digest of a dataset, as DEBUG DIGEST shows it. `databases`: number and keys, numbers rising.
pub fn of_dataset<'a>(databases: impl IntoIterator<Item = (u32, &'a KeySum)>) -> Digest {
    let mut digest = Digest::default();
    for (number, keys) in databases.into_iter().filter(|(_, keys)| keys.keys != 0) {
        digest.mix(&number.to_be_bytes());
        digest.join(&keys.sum);
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_dataset_is_all_zeros() {
        let none = of_dataset([(0, &KeySum::default())]);
        assert_eq!(none.to_string(), "0000000000000000000000000000000000000000");
    }

    #[test]
    fn keys_join_in_any_order_and_databases_do_not() {
        let keys: Vec<Digest> = (0..9u8).map(|i| of_string_key(&[i], b"v", i % 2 == 0)).collect();
        let (mut all, mut left, mut right) = (KeySum::default(), KeySum::default(), KeySum::default());
        keys.iter().for_each(|k| all.add(k));
        keys.iter().rev().enumerate().for_each(|(i, k)| if i < 4 { left.add(k) } else { right.add(k) });
        left.join(&right);
        assert_eq!(all, left);
        assert_ne!(of_dataset([(0, &all)]), of_dataset([(1, &all)]));
        assert_ne!(of_dataset([(0, &all)]), of_dataset([(0, &all), (1, &right)]));
    }

    #[test]
    fn digests_equal_those_of_redis_7_0() {
        assert_eq!(of_string(b"hello", false).to_string(), "36b23a1456b2dce2c3ed252c456761301dba8060");
        assert_eq!(of_string(b"12345", true).to_string(), "074a6e8892a0b0b4fcf085794cb69322c36c9d00");
        let (mut zero, mut three) = (KeySum::default(), KeySum::default());
        zero.add(&of_string_key(b"s", b"hello", false));
        zero.add(&of_string_key(b"n", b"12345", true));
        three.add(&of_string_key(b"k", b"v", false));
        let all = of_dataset([(0, &zero), (1, &KeySum::default()), (3, &three)]);
        assert_eq!(all.to_string(), "fd45abee4c7c01d7a955452fa08f12e5dc5713e3");
    }

    #[test]
    fn a_time_to_live_changes_the_digest() {
        assert_ne!(of_string(b"v", true), of_string(b"v", false));
    }
}
