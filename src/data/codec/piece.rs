//! What an element of a big collection is written as: pieces that stand one behind the other.
//!
//! Layer 1, under `codec`. Whoever writes a whole value and whoever writes it in slices take the layout of elements from the
//! same functions, and those give pieces.

use std::borrow::Cow;

use super::wire::put_length;
use super::{put_pack, put_string};
use crate::data::pack::{Item, Pack};

/// A part of an element.
#[derive(Clone, Debug)]
pub enum Piece<'a> {
    /// A length.
    Length(u64),
    /// Eight bytes as they are.
    Raw([u8; 8]),
    /// A string.
    Text(Item<'a>),
    /// A string of any length.
    Bytes(Cow<'a, [u8]>),
    /// A pack, to be written as a listpack.
    Pack(Cow<'a, [u8]>),
    /// A pack, each element of which is written as a string.
    Texts(Cow<'a, [u8]>),
}

/// The pieces of an element, in order.
pub type Pieces<'a> = [Option<Piece<'a>>; 3];

impl Piece<'_> {
    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>, compress: bool) {
        match self {
            Piece::Length(n) => put_length(out, *n),
            Piece::Raw(bytes) => out.extend_from_slice(bytes),
            Piece::Text(item) => put_string(out, item.text(&mut itoa::Buffer::new()), compress),
            Piece::Bytes(bytes) => put_string(out, bytes, compress),
            Piece::Pack(pack) => put_pack(out, Pack::new(pack), compress),
            Piece::Texts(pack) => {
                let mut digits = itoa::Buffer::new();
                Pack::new(pack).iter().for_each(|item| put_string(out, item.text(&mut digits), compress));
            }
        }
    }

    /// The string that it is, if it is one string of bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Piece::Text(Item::Text(text)) => Some(text),
            Piece::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Bytes that writing it looks at, about.
    #[must_use]
    pub fn cost(&self) -> usize {
        match self {
            Piece::Bytes(bytes) | Piece::Pack(bytes) | Piece::Texts(bytes) => bytes.len(),
            Piece::Text(Item::Text(text)) => text.len(),
            Piece::Length(_) | Piece::Raw(_) | Piece::Text(Item::Int(_)) => 8,
        }
    }
}

/// Appends all pieces.
pub fn put_all(out: &mut Vec<u8>, pieces: &Pieces<'_>, compress: bool) {
    pieces.iter().flatten().for_each(|piece| piece.put(out, compress));
}
