//! The hash. Layer 1.

use super::collection::{Collection, collection};
use super::pack::Pack;

/// A hash.
#[derive(Clone, Default)]
pub struct Hash {
    pack: Vec<u8>,
}

/// A hash, to read.
#[derive(Clone, Copy)]
pub struct HashRef<'a>(pub Pack<'a>);

impl HashRef<'_> {
    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "listpack"
    }
}

impl Collection for Hash {
    collection!(Hash);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = HashRef<'a>;

    fn view(&self) -> HashRef<'_> {
        HashRef(Pack::new(&self.pack))
    }
    fn view_pack(pack: &[u8]) -> HashRef<'_> {
        HashRef(Pack::new(pack))
    }
    fn from_pack(pack: Vec<u8>) -> Self {
        Hash { pack }
    }
    fn as_pack(&self) -> Option<&[u8]> {
        Some(&self.pack)
    }
    fn is_gone(&self) -> bool {
        Pack::new(&self.pack).is_empty()
    }
    fn bytes(&self) -> usize {
        self.pack.capacity()
    }
    fn free_some(&mut self, _budget: usize) -> bool {
        true
    }
}
