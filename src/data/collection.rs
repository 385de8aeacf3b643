//! What the keyspace needs to know of a collection, whatever its type: how it is kept, counted, shared and freed.
//!
//! Layer 1. A collection has a small form, one **pack** that lives inside its key's entry, and big forms that live in
//! an [`Object`] beside it. Big ones are reference-counted trees of nodes: a copy (for a snapshot, for another core, for
//! COPY) takes the handle, and whoever changes a shared one copies the node it changes, no more. So nothing that happens
//! to a whole collection costs more than its number of nodes.
//!
//! Invariants: `Clone` costs O(nodes / 100) or less, never O(elements); `bytes` costs O(1); every big form can be freed
//! in steps.

use std::fmt;
use std::sync::Arc;

use super::{hash::Hash, list::List, set::Set, stream::Stream, zset::Zset};

/// The data type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A string, whatever its encoding.
    #[default]
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set, with or without positions.
    Zset,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
}

impl Kind {
    /// By its number, 0 to 5 in the order above; any other number is a string.
    #[inline]
    #[must_use]
    pub fn from_bits(bits: u8) -> Kind {
        match bits {
            1 => Kind::List,
            2 => Kind::Set,
            3 => Kind::Zset,
            4 => Kind::Hash,
            5 => Kind::Stream,
            _ => Kind::String,
        }
    }

    /// The name that TYPE replies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::Zset => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }
}

/// Where collections change their form, as the configuration says; one copy a call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most fields of a packed hash.
    pub hash_max_listpack_entries: u64,
    /// Longest field or value of a packed hash, bytes.
    pub hash_max_listpack_value: u64,
    /// Most members of a packed sorted set.
    pub zset_max_listpack_entries: u64,
    /// Longest member of a packed sorted set, bytes.
    pub zset_max_listpack_value: u64,
    /// Most members of a run of integers.
    pub set_max_intset_entries: u64,
    /// Most members of a packed set.
    pub set_max_listpack_entries: u64,
    /// Longest member of a packed set, bytes.
    pub set_max_listpack_value: u64,
    /// Positive: elements a chunk; -1 to -5: 4, 8, 16, 32, 64 KiB a chunk.
    pub list_max_listpack_size: i32,
    /// Chunks at either end of a list that are not compressed; 0: none is.
    pub list_compress_depth: i32,
    /// Elements of a list that are this long get a chunk of their own, bytes.
    pub list_packed_threshold: u64,
    /// Bytes of a block of a stream, counted as its listpack; 0: no limit but that of a listpack.
    pub stream_node_max_bytes: u64,
    /// Most entries of a block of a stream; 0: any number.
    pub stream_node_max_entries: i64,
    /// Seed of the hashes of members and fields: an outsider does not know it.
    pub seed: u64,
}

impl Default for Limits {
    /// The defaults of the configuration.
    fn default() -> Limits {
        Limits {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            list_max_listpack_size: -2,
            list_compress_depth: 0,
            list_packed_threshold: 1 << 30,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            seed: 0,
        }
    }
}

/// How many misses in a row `Collection::prefetch` can lead through.
pub const PREFETCH_DEPTH: u32 = 5;

/// An element that is going to be looked up, and what one step of `Collection::prefetch` leaves to the next.
#[derive(Clone, Copy, Debug)]
pub struct Hint<'a> {
    /// The element.
    pub element: &'a [u8],
    /// The step's own; 0 before the first.
    pub kept: u64,
}

impl<'a> Hint<'a> {
    /// Of an element, before the first step.
    #[must_use]
    pub fn new(element: &'a [u8]) -> Hint<'a> {
        Hint { element, kept: 0 }
    }
}

/// One type of collection. `Default` is the empty one.
pub trait Collection: Default + Clone + Send + Sync + 'static {
    /// Which one.
    const KIND: Kind;
    /// Longest packed form kept inside an entry, bytes; at most 2,048.
    const INLINE_MAX: usize;
    /// What a reader gets, whatever the form.
    type Ref<'a>: Copy;

    /// To read.
    fn view(&self) -> Self::Ref<'_>;
    /// To read a packed one where it lies. `pack`: what `as_pack` gave.
    fn view_pack(pack: &[u8]) -> Self::Ref<'_>;
    /// The collection whose `as_pack` is `pack`.
    fn from_pack(pack: Vec<u8>) -> Self;
    /// The packed form, if this is one that may live inside an entry at its size.
    fn as_pack(&self) -> Option<&[u8]>;
    /// Whether a key with this value goes away: it is empty. Never true of a stream.
    fn is_gone(&self) -> bool;
    /// Bytes that it takes from the allocator, itself not included. O(1).
    fn bytes(&self) -> usize;
    /// Frees about `budget` elements, in any order; true when only an empty shell is left to drop.
    fn free_some(&mut self, budget: usize) -> bool;
    /// Whether elements can expire.
    const HAS_EXPIRY: bool = false;
    /// When the next of its elements expires, unix ms (hashes).
    fn next_expiry(&self) -> Option<i64> {
        None
    }
    /// Asks for memory that a look-up of an element will read. `depth`: 0 to `PREFETCH_DEPTH` - 1, each time what the
    /// previous ones led to; so the misses of many look-ups overlap. It changes nothing but `hint`.
    fn prefetch(&self, hint: &mut Hint, depth: u32) {
        let _ = (hint, depth);
    }
    /// As an object.
    fn wrap(this: Arc<Self>) -> Object;
    /// The object as this type; `None` when it is another one.
    fn unwrap(object: Object) -> Option<Arc<Self>>;
    /// The same, to read.
    fn of(object: &Object) -> Option<&Self>;
}

macro_rules! objects {
    ($($kind:ident)*) => {
        /// The name of a packed collection's form, as OBJECT ENCODING replies it.
        #[must_use]
        pub fn encoding_of_pack(kind: Kind, pack: &[u8]) -> &'static str {
            match kind {
                Kind::String => "raw",
                $(Kind::$kind => $kind::view_pack(pack).encoding(),)*
            }
        }

        /// A collection that lives beside its entry.
        #[derive(Clone)]
        pub enum Object {
            $(
                #[doc = stringify!($kind)]
                $kind(Arc<$kind>),
            )*
        }

        impl Object {
            /// Its type.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Object::$kind(_) => Kind::$kind,)* }
            }

            /// The collection of type `kind` whose `as_pack` is `pack`; `None` for strings.
            #[must_use]
            pub fn from_pack(kind: Kind, pack: Vec<u8>) -> Option<Object> {
                match kind {
                    Kind::String => None,
                    $(Kind::$kind => Some(Object::$kind(Arc::new($kind::from_pack(pack)))),)*
                }
            }

            /// Its packed form if that fits an entry.
            #[must_use]
            pub fn as_inline(&self) -> Option<&[u8]> {
                match self { $(Object::$kind(c) => c.as_pack().filter(|pack| pack.len() <= $kind::INLINE_MAX),)* }
            }

            /// Bytes that it takes from the allocator.
            #[must_use]
            pub fn bytes(&self) -> usize {
                match self { $(Object::$kind(c) => c.bytes() + size_of::<$kind>() + 16,)* }
            }

            /// The name of its form, as OBJECT ENCODING replies it.
            #[must_use]
            pub fn encoding(&self) -> &'static str {
                match self { $(Object::$kind(c) => c.view().encoding(),)* }
            }

            /// When the next of its elements expires, unix ms.
            #[must_use]
            pub fn next_expiry(&self) -> Option<i64> {
                match self { $(Object::$kind(c) => c.next_expiry(),)* }
            }

            /// See [`Collection::prefetch`].
            #[inline]
            pub fn prefetch(&self, hint: &mut Hint, depth: u32) {
                match self { $(Object::$kind(c) => c.prefetch(hint, depth),)* }
            }

            /// Whether it is empty.
            #[must_use]
            pub fn is_gone(&self) -> bool {
                match self { $(Object::$kind(c) => c.is_gone(),)* }
            }

            /// Frees about `budget` elements; true when dropping the rest costs nothing (also while others hold it).
            pub fn free_some(&mut self, budget: usize) -> bool {
                match self { $(Object::$kind(c) => Arc::get_mut(c).is_none_or(|c| c.free_some(budget)),)* }
            }
        }
    };
}

objects![List Set Zset Hash Stream];

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.kind().name(), self.bytes())
    }
}

/// The same object, not merely an equal one.
impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        match (self, other) {
            (Object::List(a), Object::List(b)) => Arc::ptr_eq(a, b),
            (Object::Set(a), Object::Set(b)) => Arc::ptr_eq(a, b),
            (Object::Zset(a), Object::Zset(b)) => Arc::ptr_eq(a, b),
            (Object::Hash(a), Object::Hash(b)) => Arc::ptr_eq(a, b),
            (Object::Stream(a), Object::Stream(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Object {}

/// The part of [`Collection`] that is the same for every type.
macro_rules! collection {
    ($kind:ident) => {
        const KIND: $crate::data::collection::Kind = $crate::data::collection::Kind::$kind;

        fn wrap(this: std::sync::Arc<Self>) -> $crate::data::collection::Object {
            $crate::data::collection::Object::$kind(this)
        }

        fn unwrap(object: $crate::data::collection::Object) -> Option<std::sync::Arc<Self>> {
            match object {
                $crate::data::collection::Object::$kind(this) => Some(this),
                _ => None,
            }
        }

        #[inline]
        fn of(object: &$crate::data::collection::Object) -> Option<&Self> {
            match object {
                $crate::data::collection::Object::$kind(this) => Some(this),
                _ => None,
            }
        }
    };
}
pub(super) use collection;
